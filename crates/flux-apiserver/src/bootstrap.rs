//! What a fresh server holds.

use std::io::Read as _;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::try_join_all;
use http::{HeaderMap, Method};
use serde_json::{Value, json};

use crate::request::{Ask, Query, Target};
use crate::server::Shared;
use crate::status::ApiError;
use crate::{Identity, StartError};

const NAMESPACES: [&str; 4] = ["kube-system", "kube-public", "kube-node-lease", "default"];

/// The priorities reserved for the system.
const PRIORITIES: [(&str, i64, &str); 2] = [
    (
        "system-cluster-critical",
        2_000_000_000,
        "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
    ),
    (
        "system-node-critical",
        2_000_001_000,
        "Used for system critical pods that must not be moved from their current node.",
    ),
];

/// Upstream's roles and bindings.
fn roles() -> Vec<Value> {
    let packed: &[u8] = include_bytes!("../data/bootstrap-roles.jsonl.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed).read_to_string(&mut text).expect("the embedded table is whole");
    text.lines().map(|line| serde_json::from_str(line).expect("the embedded table is well-formed")).collect()
}

impl Shared {
    /// Writes what is missing of the bootstrap objects.
    pub(crate) async fn bootstrap(self: &Arc<Self>) -> Result<(), StartError> {
        let (cluster, local): (Vec<Value>, Vec<Value>) =
            roles().into_iter().partition(|role| crate::object::namespace(role).is_empty());
        // All at once, so that they reach the disk in a few commits.
        let mut first = vec![self.seed_roles(cluster).boxed()];
        for (name, value, use_of) in PRIORITIES {
            let object = json!({
                "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": value,
                "description": use_of,
            });
            first.push(self.seed("scheduling.k8s.io", "v1", "priorityclasses", "", object).boxed());
        }
        for name in NAMESPACES {
            let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
            first.push(self.seed("", "v1", "namespaces", "", object).boxed());
        }
        try_join_all(first).await?;
        let service = json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "kubernetes", "labels": {"component": "apiserver", "provider": "kubernetes"}},
            "spec": {
                "clusterIP": self.services.first().to_string(),
                "clusterIPs": [self.services.first().to_string()],
                "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}],
                "type": "ClusterIP",
            },
        });
        let service = self.seed("", "v1", "services", "default", service);
        futures::try_join!(self.seed_roles(local), service).map(|_| ())
    }

    /// Writes roles and bindings that are missing.
    async fn seed_roles(self: &Arc<Self>, objects: Vec<Value>) -> Result<(), StartError> {
        let writes = objects.into_iter().map(|object| async move {
            let plural = format!("{}s", crate::object::text(&object, "kind").to_lowercase());
            let space = crate::object::namespace(&object).to_owned();
            self.seed("rbac.authorization.k8s.io", "v1", &plural, &space, object).await
        });
        try_join_all(writes).await.map(|_| ())
    }

    /// Creates an object unless it is there.
    pub(crate) async fn seed(
        self: &Arc<Self>,
        group: &str,
        version: &str,
        plural: &str,
        space: &str,
        object: Value,
    ) -> Result<(), StartError> {
        if let Some(resource) = self.registry.find(group, version, plural) {
            let key = resource.key(space, crate::object::name(&object));
            if self.store.get(&resource.table, &key).await.is_some() {
                return Ok(());
            }
        }
        match self.make(group, version, plural, space, object).await {
            Ok(_) => Ok(()),
            Err(error) if error.reason == "AlreadyExists" => Ok(()),
            Err(error) => Err(StartError::Bootstrap(error.message)),
        }
    }

    /// Creates an object in the server's own name.
    pub(crate) async fn make(
        self: &Arc<Self>,
        group: &str,
        version: &str,
        plural: &str,
        space: &str,
        object: Value,
    ) -> Result<Value, ApiError> {
        let resource = self.registry.find(group, version, plural).ok_or_else(ApiError::no_such_path)?;
        let target = Target {
            is_resource: true,
            verb: "create".into(),
            group: group.into(),
            version: version.into(),
            resource: plural.into(),
            namespace: space.into(),
            ..Target::default()
        };
        let mut ask = Ask {
            method: Method::POST,
            path: String::new(),
            query: Query::default(),
            headers: HeaderMap::new(),
            body: serde_json::to_vec(&object).unwrap_or_default().into(),
            identity: Identity::admin(),
            target,
            warnings: Vec::new(),
        };
        let mut object = crate::intake::read_object(&mut ask, &resource)?;
        crate::intake::check_place(&mut object, space, &resource)?;
        crate::managed::after_write(&resource, None, &mut object, "kube-apiserver", crate::rest::Part::Main);
        self.insert(&mut ask, &resource, object).await
    }
}
