//! Services: addresses for load balancers, endpoints for everything with a selector.

use super::{Context, Plan, endpoints};
use crate::world::Object;
use serde_json::{Map, json};
use std::net::Ipv4Addr;

/// 198.18.0.0/15 is set aside for measurements between networks, so it is nobody's real address.
const FIRST: u32 = 0xC612_0100;
const COUNT: u32 = 0x0001_FE00;

pub(super) fn plan(ctx: &Context, service: &Object, plan: &mut Plan) {
    endpoints::plan(ctx, service, plan);
    let mut status = service.status.as_object().cloned().unwrap_or_default();
    if service.spec["type"] == "LoadBalancer" && service.spec["loadBalancerClass"].is_null() {
        let held = service.status["loadBalancer"]["ingress"][0]["ip"].as_str().map(str::to_owned);
        let Some(address) = held.or_else(|| free_address(ctx, service)) else { return };
        status.insert("loadBalancer".into(), json!({"ingress": [{"ip": address, "ipMode": "VIP"}]}));
    } else if !service.status["loadBalancer"]["ingress"].is_null() {
        status.insert("loadBalancer".into(), Map::new().into());
    }
    plan.set_status(service, status);
}

fn free_address(ctx: &Context, service: &Object) -> Option<String> {
    let wanted = service.spec["loadBalancerIP"].as_str().filter(|text| !text.is_empty());
    if let Some(wanted) = wanted {
        return Some(wanted.to_owned());
    }
    let all = (0..COUNT).map(|step| Ipv4Addr::from(FIRST + step));
    let mut usable = all.filter(|address| !matches!(address.octets()[3], 0 | 255));
    let free = usable.find(|address| ctx.world.address_owner(*address).is_none_or(|owner| *owner == service.key));
    free.map(|address| address.to_string())
}
