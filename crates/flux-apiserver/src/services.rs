//! Cluster IPs and node ports.

use std::collections::HashSet;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use rand::Rng as _;
use serde_json::{Value, json};

use crate::StartError;
use crate::object::{list_at, section, text_at};
use crate::resources::Resource;
use crate::server::Shared;
use crate::status::{ApiError, FieldError};

const NODE_PORTS: std::ops::Range<u16> = 30000..32768;

/// What services hold of the two ranges.
pub(crate) struct Allocator {
    base: u32,
    size: u32,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    addresses: HashSet<u32>,
    ports: HashSet<u16>,
}

impl Allocator {
    /// An allocator over a range such as `10.96.0.0/12`.
    pub fn new(cidr: &str) -> Result<Self, StartError> {
        let wrong = || StartError::ServiceRange(cidr.to_owned());
        let (address, bits) = cidr.split_once('/').ok_or_else(wrong)?;
        let address: Ipv4Addr = address.parse().map_err(|_| wrong())?;
        let bits: u32 = bits.parse().ok().filter(|bits| (8..=30).contains(bits)).ok_or_else(wrong)?;
        let size = 1u32 << (32 - bits);
        Ok(Self { base: u32::from(address) & !(size - 1), size, taken: Mutex::default() })
    }

    /// The address of the service `kubernetes`.
    pub fn first(&self) -> Ipv4Addr {
        Ipv4Addr::from(self.base + 1)
    }

    fn contains(&self, address: u32) -> bool {
        address > self.base && address < self.base + self.size - 1
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn any_address(&self) -> Option<Ipv4Addr> {
        let mut taken = self.lock();
        let start = rand::rng().random_range(1..self.size - 1);
        let free = (0..self.size).map(|step| self.base + 1 + (start + step) % (self.size - 2));
        let address = free.into_iter().find(|address| !taken.addresses.contains(address))?;
        taken.addresses.insert(address);
        Some(Ipv4Addr::from(address))
    }

    fn any_port(&self) -> Option<u16> {
        let mut taken = self.lock();
        let count = NODE_PORTS.len() as u16;
        let start = rand::rng().random_range(0..count);
        let free = (0..count).map(|step| NODE_PORTS.start + (start + step) % count);
        let port = free.into_iter().find(|port| !taken.ports.contains(port))?;
        taken.ports.insert(port);
        Some(port)
    }

    /// Marks what a stored service holds.
    pub fn adopt(&self, service: &Value) {
        let mut taken = self.lock();
        for address in addresses(service) {
            taken.addresses.insert(u32::from(address));
        }
        taken.ports.extend(ports(service));
    }

    fn free(&self, service: &Value) {
        let mut taken = self.lock();
        for address in addresses(service) {
            taken.addresses.remove(&u32::from(address));
        }
        for port in ports(service) {
            taken.ports.remove(&port);
        }
    }
}

fn addresses(service: &Value) -> Vec<Ipv4Addr> {
    list_at(service, "/spec/clusterIPs").iter().filter_map(Value::as_str).filter_map(|text| text.parse().ok()).collect()
}

fn ports(service: &Value) -> Vec<u16> {
    let list = list_at(service, "/spec/ports").iter();
    let numbers = list.filter_map(|port| port.get("nodePort")).chain(service.pointer("/spec/healthCheckNodePort"));
    numbers.filter_map(Value::as_u64).filter_map(|number| u16::try_from(number).ok()).filter(|port| *port > 0).collect()
}

impl Shared {
    /// Gives a service its addresses and ports; other kinds pass.
    pub(crate) async fn allocate(
        &self,
        resource: &Arc<Resource>,
        old: Option<&Value>,
        new: &mut Value,
        dry_run: bool,
    ) -> Result<(), ApiError> {
        if !resource.is("", "services") {
            return Ok(());
        }
        let kind = text_at(new, "/spec/type").to_owned();
        if kind == "ExternalName" {
            if let Some(old) = old.filter(|old| text_at(old, "/spec/type") != "ExternalName") {
                drop_fields_of_type(old, new);
                let unchanged = new.pointer("/spec/clusterIP") == old.pointer("/spec/clusterIP");
                let spec = section(new, "spec");
                if unchanged {
                    for key in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"] {
                        spec.remove(key);
                    }
                }
            }
            return Ok(());
        }
        let name = crate::object::name(new).to_owned();
        same_primary(old, new);
        if let Some(old) = old {
            drop_fields_of_type(old, new);
            keep(old, new);
        }
        let wrong = |error: FieldError| ApiError::invalid("", "Service", &name, &[error]);
        match text_at(new, "/spec/clusterIP") {
            // Refused by the checks that follow.
            "" if !list_at(new, "/spec/clusterIPs").is_empty() => {}
            "" => {
                let address =
                    self.services.any_address().ok_or_else(|| ApiError::internal("no free cluster IP is left"))?;
                if name.is_empty() {
                    // Upstream's address is an object that names its service.
                    self.services.lock().addresses.remove(&u32::from(address));
                    let text = format!(
                        "failed to allocate IP: IPAddress.networking.k8s.io \"{address}\" is invalid: spec.parentRef.name: Required value"
                    );
                    return Err(wrong(FieldError::invalid("spec.clusterIPs", json!([""]), text)));
                }
                let spec = section(new, "spec");
                spec.insert("clusterIP".into(), address.to_string().into());
                spec.insert("clusterIPs".into(), json!([address.to_string()]));
            }
            "None" => {}
            // A service that has an address cannot get another, which the checks that follow say.
            given if old.is_none_or(|old| text_at(old, "/spec/clusterIP").is_empty()) => {
                if let Ok(address) = given.parse::<Ipv4Addr>() {
                    let number = u32::from(address);
                    if !self.services.contains(number) {
                        let text = format!(
                            "failed to allocate IP {given}: the provided network does not match the current range"
                        );
                        return Err(wrong(FieldError::invalid("spec.clusterIPs", json!([given]), text)));
                    }
                    if !self.services.lock().addresses.insert(number) {
                        let text = format!("failed to allocate IP {given}: provided IP is already allocated");
                        return Err(wrong(FieldError::invalid("spec.clusterIPs", json!([given]), text)));
                    }
                }
            }
            _ => {}
        }
        families(new).map_err(wrong)?;
        self.node_ports(&kind, new).map_err(wrong)?;
        if dry_run && old.is_none() {
            self.services.free(new);
        }
        Ok(())
    }

    fn node_ports(&self, kind: &str, new: &mut Value) -> Result<(), FieldError> {
        let balanced = kind == "LoadBalancer"
            && new.pointer("/spec/allocateLoadBalancerNodePorts").and_then(Value::as_bool).unwrap_or(true);
        let wanted = kind == "NodePort" || balanced;
        let Some(list) = section(new, "spec").get_mut("ports").and_then(Value::as_array_mut) else { return Ok(()) };
        for (index, port) in list.iter_mut().enumerate() {
            let given = port.get("nodePort").and_then(Value::as_u64).unwrap_or(0);
            if given != 0 && wanted && !NODE_PORTS.contains(&u16::try_from(given).unwrap_or(0)) {
                let words = format!(
                    "provided port is not in the valid range. The range of valid ports is {}-{}",
                    NODE_PORTS.start,
                    NODE_PORTS.end - 1
                );
                return Err(FieldError::invalid(format!("spec.ports[{index}].nodePort"), given, words));
            }
            if given == 0 && wanted {
                if let Some(free) = self.services.any_port() {
                    port["nodePort"] = free.into();
                }
            } else if let Ok(given) = u16::try_from(given)
                && given > 0
            {
                self.services.lock().ports.insert(given);
            }
        }
        let local = text_at(new, "/spec/externalTrafficPolicy") == "Local" && kind == "LoadBalancer";
        if local
            && new.pointer("/spec/healthCheckNodePort").and_then(Value::as_u64).unwrap_or(0) == 0
            && let Some(free) = self.services.any_port()
        {
            section(new, "spec").insert("healthCheckNodePort".into(), free.into());
        }
        Ok(())
    }

    /// Marks what all stored services hold, at start.
    pub(crate) async fn adopt_services(&self) {
        if let Some(resource) = self.registry.find("", "v1", "services") {
            self.all(&resource, "").await.iter().for_each(|service| self.services.adopt(service));
        }
    }

    /// Gives back what a removed service held.
    pub(crate) fn release(&self, service: &Value) {
        self.services.free(service);
    }
}

/// A service that becomes another type loses what only its former type had, unless the writer says otherwise.
fn drop_fields_of_type(old: &Value, new: &mut Value) {
    let kind = |object: &Value| text_at(object, "/spec/type").to_owned();
    let (before, after) = (kind(old), kind(new));
    let outside = |kind: &str| matches!(kind, "NodePort" | "LoadBalancer");
    let unchanged = |new: &Value, pointer: &str| new.pointer(pointer) == old.pointer(pointer);
    let mut gone = Vec::new();
    if outside(&before) && !outside(&after) && list_is_empty(new.pointer("/spec/externalIPs")) {
        gone.push("externalTrafficPolicy");
    }
    if before == "LoadBalancer" && after != "LoadBalancer" {
        gone.extend(["allocateLoadBalancerNodePorts", "loadBalancerClass", "healthCheckNodePort"]);
    }
    for key in gone {
        if unchanged(new, &format!("/spec/{key}")) {
            section(new, "spec").remove(key);
        }
    }
    if outside(&before) && !outside(&after) {
        let known: Vec<Value> =
            list_at(old, "/spec/ports").iter().filter_map(|port| port.get("nodePort").cloned()).collect();
        let ports = section(new, "spec").get_mut("ports").and_then(Value::as_array_mut);
        for port in ports.into_iter().flatten().filter_map(Value::as_object_mut) {
            if port.get("nodePort").is_some_and(|number| known.contains(number)) {
                port.remove("nodePort");
            }
        }
    }
}

/// The list of addresses, and the one family that this server has.
fn families(service: &mut Value) -> Result<(), FieldError> {
    let selects = service.pointer("/spec/selector").and_then(Value::as_object).is_some_and(|labels| !labels.is_empty());
    let spec = section(service, "spec");
    let address = spec.get("clusterIP").and_then(Value::as_str).unwrap_or_default().to_owned();
    if list_is_empty(spec.get("clusterIPs")) && !address.is_empty() {
        spec.insert("clusterIPs".into(), json!([address]));
    }
    // Whoever publishes endpoints of a headless service by hand may use both.
    let open = address == "None" && !selects;
    let policy = spec.get("ipFamilyPolicy").and_then(Value::as_str).unwrap_or_default();
    if policy == "RequireDualStack" && !open {
        let words = "this cluster is not configured for dual-stack services";
        return Err(FieldError::invalid("spec.ipFamilyPolicy", policy, words));
    }
    let given = spec.get("ipFamilies").and_then(Value::as_array).cloned().unwrap_or_default();
    if let Some(at) = given.iter().position(|family| family == "IPv6").filter(|_| !open) {
        return Err(FieldError::invalid(format!("spec.ipFamilies[{at}]"), "IPv6", "not configured on this cluster"));
    }
    if policy.is_empty() {
        let default = if open && given.len() != 1 { "RequireDualStack" } else { "SingleStack" };
        spec.insert("ipFamilyPolicy".into(), default.into());
    }
    let both = open && spec.get("ipFamilyPolicy").is_some_and(|policy| policy != "SingleStack");
    if given.is_empty() || both && given.len() == 1 {
        spec.insert("ipFamilies".into(), if both { json!(["IPv4", "IPv6"]) } else { json!(["IPv4"]) });
    }
    Ok(())
}

fn list_is_empty(list: Option<&Value>) -> bool {
    list.and_then(Value::as_array).is_none_or(Vec::is_empty)
}

/// What an update leaves out is taken from the old state.
/// Writers of the first address alone mean the list too.
fn same_primary(old: Option<&Value>, new: &mut Value) {
    let before = old.map_or("", |old| text_at(old, "/spec/clusterIP"));
    let own = text_at(new, "/spec/clusterIP").to_owned();
    let held = old.map_or(&[] as &[Value], |old| list_at(old, "/spec/clusterIPs"));
    if own == before || list_at(new, "/spec/clusterIPs") != held {
        return;
    }
    let spec = section(new, "spec");
    if own.is_empty() {
        spec.remove("clusterIPs");
    } else {
        spec.insert("clusterIPs".into(), json!([own]));
    }
}

fn keep(old: &Value, new: &mut Value) {
    if text_at(old, "/spec/type") == "ExternalName" {
        return;
    }
    let spec = section(new, "spec");
    for field in ["clusterIP", "clusterIPs"] {
        let empty = spec
            .get(field)
            .is_none_or(|value| value == "" || value.as_array().is_some_and(Vec::is_empty) || value.is_null());
        if empty && let Some(before) = old.pointer(&format!("/spec/{field}")) {
            spec.insert(field.into(), before.clone());
        }
    }
    if spec.get("externalTrafficPolicy").is_some_and(|policy| policy == "Local")
        && spec.get("healthCheckNodePort").and_then(Value::as_u64).unwrap_or(0) == 0
        && let Some(before) = old.pointer("/spec/healthCheckNodePort")
    {
        spec.insert("healthCheckNodePort".into(), before.clone());
    }
    let old_ports = list_at(old, "/spec/ports").to_vec();
    let needs = matches!(spec.get("type").and_then(Value::as_str), Some("NodePort" | "LoadBalancer"));
    if let Some(ports) = spec.get_mut("ports").and_then(Value::as_array_mut).filter(|_| needs) {
        for port in ports {
            if port.get("nodePort").and_then(Value::as_u64).unwrap_or(0) > 0 {
                continue;
            }
            let same =
                |other: &&Value| other.get("port") == port.get("port") && other.get("protocol") == port.get("protocol");
            if let Some(number) = old_ports.iter().find(same).and_then(|other| other.get("nodePort")) {
                port["nodePort"] = number.clone();
            }
        }
    }
}
