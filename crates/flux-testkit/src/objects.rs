//! Making, reading and changing objects.

use std::time::{Duration, Instant};

use flux_api::FluxObject;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ApiResource, DeleteParams, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::{Cluster, NAMESPACE, is_late};

impl Cluster {
    /// Objects of a kind in the tests' namespace.
    pub fn api<K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>>(&self) -> Api<K> {
        Api::namespaced(self.client.clone(), NAMESPACE)
    }

    pub async fn object<K: FluxObject>(&self, name: &str) -> Option<K> {
        self.api::<K>().get_opt(name).await.expect("read")
    }

    /// Creates or changes an object; `spec` is laid over `defaults`.
    pub async fn apply<K: FluxObject>(&self, name: &str, defaults: Value, spec: Value) {
        let mut full = defaults;
        for (key, value) in spec.as_object().expect("object") {
            full[key] = value.clone();
        }
        let object = json!({"apiVersion": K::api_version(&()), "kind": K::kind(&()), "metadata": {"name": name, "namespace": NAMESPACE}, "spec": full});
        let params = PatchParams::apply("test").force();
        self.api::<K>().patch(name, &params, &Patch::Apply(object)).await.expect("applied");
    }

    /// Makes a source that stands with an artifact, or gives it another one.
    pub async fn stand<K: FluxObject>(&self, name: &str, spec: Value, artifact: &flux_api::Artifact) {
        let api: Api<K> = self.api();
        if api.get_opt(name).await.expect("read").is_none() {
            let object = json!({"apiVersion": K::api_version(&()), "kind": K::kind(&()), "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec});
            api.create(&PostParams::default(), &serde_json::from_value(object).expect("valid")).await.expect("created");
        }
        let ready = json!([{"type": "Ready", "status": "True", "reason": "Succeeded", "message": "stored artifact", "lastTransitionTime": "2026-01-01T00:00:00Z"}]);
        let status = json!({"status": {"artifact": artifact, "conditions": ready, "observedGeneration": 1}});
        api.patch_status(name, &PatchParams::default(), &Patch::Merge(status)).await.expect("patched");
    }

    /// Deletes an object and waits until it is gone.
    pub async fn delete_object<K: FluxObject>(&self, name: &str) {
        self.api::<K>().delete(name, &DeleteParams::default()).await.expect("deleted");
        eventually(
            "gone",
            || async { self.object::<K>(name).await.is_none().then_some(()) },
            || async { format!("{:#?}", self.object::<K>(name).await) },
        )
        .await;
    }

    /// Asks for a reconciliation, with more annotations of the same token, and waits until it was handled.
    pub async fn request_object<K: FluxObject>(&self, name: &str, token: &str, more: &[&str]) -> K {
        let mut annotations = json!({"reconcile.fluxcd.io/requestedAt": token});
        for annotation in more {
            annotations[*annotation] = token.into();
        }
        let patch = json!({"metadata": {"annotations": annotations}});
        self.api::<K>().patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.expect("patched");
        self.until_object(name, "request handled", |obj: &K| obj.last_handled_reconcile_at() == Some(token)).await
    }

    /// Waits until a condition has the reason; the answer is its message.
    pub async fn reason_of<K: FluxObject>(&self, name: &str, condition: &str, reason: &str) -> String {
        let has = |obj: &K| obj.condition(condition).is_some_and(|one| one.reason == reason);
        let obj = self.until_object(name, reason, has).await;
        obj.condition(condition).expect("checked").message.clone()
    }

    /// What a ConfigMap says under `key`.
    pub async fn value(&self, name: &str) -> Option<String> {
        self.api::<ConfigMap>().get_opt(name).await.expect("read")?.data?.get("key").cloned()
    }
}

/// Looks until something is there.
pub async fn eventually<T, F, D>(what: &str, look: impl Fn() -> F, describe: impl Fn() -> D) -> T
where
    F: Future<Output = Option<T>>,
    D: Future<Output = String>,
{
    let started = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        if is_late(started) {
            panic!("waited in vain for {what}: {}", describe().await);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Makes kinds known and the tests' namespace. More kinds than a test needs would only take time.
pub async fn install(client: &Client, kinds: &[&str]) {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    let mut made = Vec::new();
    for kind in kinds {
        let definition = flux_api::crd(kind).expect("definitions").expect("known kind");
        let definition: CustomResourceDefinition = serde_json::from_value(definition).expect("valid");
        api.create(&PostParams::default(), &definition).await.expect("created");
        made.push(resource(&definition));
    }
    let namespace = Namespace {
        metadata: kube::api::ObjectMeta { name: Some(NAMESPACE.into()), ..Default::default() },
        ..Default::default()
    };
    Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &namespace).await.expect("created");
    for resource in &made {
        let api: Api<DynamicObject> = Api::all_with(client.clone(), resource);
        let served = || async { api.list(&Default::default()).await.is_ok().then_some(()) };
        eventually("served kinds", served, || async { resource.kind.clone() }).await;
    }
}

fn resource(definition: &CustomResourceDefinition) -> ApiResource {
    let spec = &definition.spec;
    let version = spec.versions.iter().find(|version| version.storage).expect("a stored version");
    let kind = GroupVersionKind::gvk(&spec.group, &version.name, &spec.names.kind);
    ApiResource::from_gvk_with_plural(&kind, &spec.names.plural)
}
