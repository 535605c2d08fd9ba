//! Makes the service account of a cloud identity.

use std::collections::BTreeMap;

use flux_yaml::Node;
use serde_json::json;

use crate::error::Error;
use crate::go::json::go_struct;

go_struct! {
    pub(crate) struct IamServiceAccount as "ServiceAccount" {
        "name" omit name: String,
        "projectId" omit project_id: String,
    }
}

go_struct! {
    pub(crate) struct IamKubernetesService as "KubernetesService" {
        "name" omit name: String,
        "namespace" omit namespace: String,
    }
}

go_struct! {
    pub(crate) struct IamPolicyGenerator as "IAMPolicyGeneratorArgs" {
        "apiVersion" omit api_version: String,
        "kind" omit kind: String,
        "metadata" omit metadata: BTreeMap<String, serde_json::Value>,
        "cloud" omit cloud: String,
        "kubernetesService" omit kubernetes_service: IamKubernetesService,
        "serviceAccount" omit service_account: IamServiceAccount,
    }
}

/// The objects of a policy.
pub(crate) fn generate(args: &IamPolicyGenerator) -> Result<Vec<Node>, Error> {
    if args.cloud != "gke" {
        let reason = format!("cloud provider {} not supported yet", args.cloud);
        return Err(Error::Generator { name: args.kubernetes_service.name.clone(), reason });
    }
    let service = &args.kubernetes_service;
    let account = format!("{}@{}.iam.gserviceaccount.com", args.service_account.name, args.service_account.project_id);
    let mut object = json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"annotations": {"iam.gke.io/gcp-service-account": account}, "name": service.name},
    });
    if !service.namespace.is_empty() {
        object["metadata"]["namespace"] = service.namespace.clone().into();
    }
    Ok(vec![crate::node::from_json(&object)])
}
