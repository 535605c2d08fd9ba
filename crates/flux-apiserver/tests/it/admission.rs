//! What stands between a request and the storage: limits, quotas, levels of security, policies, webhooks.

use std::convert::Infallible;
use std::sync::Arc;

use base64::Engine as _;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

const PODS: &str = "/api/v1/namespaces/default/pods";
const GROUP: &str = "/apis/admissionregistration.k8s.io/v1";

fn pod(name: &str, resources: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {"containers": [{"name": "c", "image": "i:1", "resources": resources}]}})
}

/// Pods need no service account, which comes a moment after its namespace.
fn without_accounts() -> Config {
    Config { disabled_admission: vec!["ServiceAccount".to_owned()], ..Config::default() }
}

async fn made(admin: &LocalService, path: &str, body: &Value) -> Value {
    let (status, answer) = call(admin, "POST", path, body).await;
    assert_eq!(status, 201, "{answer}");
    answer
}

async fn refused(admin: &LocalService, path: &str, body: &Value) -> String {
    let (status, answer) = call(admin, "POST", path, body).await;
    assert!(status >= 400, "{answer}");
    answer["message"].as_str().unwrap_or("").to_owned()
}

#[tokio::test]
async fn ranges_default_and_bound_containers() {
    let server = Server::start(without_accounts()).await.unwrap();
    let admin = server.service(Identity::admin());
    let range = json!({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "r"}, "spec": {"limits": [{
        "type": "Container", "max": {"cpu": "1"}, "default": {"cpu": "500m"}, "defaultRequest": {"cpu": "100m"},
    }]}});
    made(&admin, "/api/v1/namespaces/default/limitranges", &range).await;
    let first = made(&admin, PODS, &pod("a", json!({}))).await;
    assert_eq!(
        first["spec"]["containers"][0]["resources"],
        json!({"limits": {"cpu": "500m"}, "requests": {"cpu": "100m"}})
    );
    assert_eq!(
        first["metadata"]["annotations"]["kubernetes.io/limit-ranger"],
        "LimitRanger plugin set: cpu request for container c; cpu limit for container c"
    );
    assert_eq!(
        refused(&admin, PODS, &pod("b", json!({"limits": {"cpu": "2"}}))).await,
        "pods \"b\" is forbidden: maximum cpu usage per Container is 1, but limit is 2"
    );
    server.shutdown().await;
}

#[tokio::test]
async fn quotas_count_what_is_there() {
    let server = Server::start(without_accounts()).await.unwrap();
    let admin = server.service(Identity::admin());
    let quotas = "/api/v1/namespaces/default/resourcequotas";
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"},
        "spec": {"hard": {"pods": "2", "requests.cpu": "1", "count/secrets": "1"}}});
    made(&admin, quotas, &quota).await;
    let status = |wanted: &'static str| {
        let admin = admin.clone();
        async move {
            for _ in 0..500 {
                let (_, found) = call(&admin, "GET", &format!("{quotas}/q"), &Value::Null).await;
                if found["status"]["used"]["pods"] == wanted {
                    return found["status"].clone();
                }
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
            panic!("the quota never counts {wanted} pods");
        }
    };
    assert_eq!(status("0").await["hard"]["requests.cpu"], "1");
    let cpu = |amount: &str| json!({"requests": {"cpu": amount}});
    assert_eq!(
        refused(&admin, PODS, &pod("x", json!({}))).await,
        "pods \"x\" is forbidden: failed quota: q: must specify requests.cpu for: c"
    );
    made(&admin, PODS, &pod("a", cpu("600m"))).await;
    assert_eq!(status("1").await["used"]["requests.cpu"], "600m");
    assert_eq!(
        refused(&admin, PODS, &pod("b", cpu("600m"))).await,
        "pods \"b\" is forbidden: exceeded quota: q, requested: requests.cpu=600m, used: requests.cpu=600m, limited: requests.cpu=1"
    );
    // Eight at once fit no better than one after another.
    let tries = (0..8).map(|number| {
        let admin = admin.clone();
        async move { call(&admin, "POST", PODS, &pod(&format!("c{number}"), cpu("10m"))).await.0 }
    });
    let codes = futures::future::join_all(tries).await;
    assert_eq!(codes.iter().filter(|code| **code == 201).count(), 1, "{codes:?}");
    status("2").await;
    call(&admin, "DELETE", &format!("{PODS}/a"), &Value::Null).await;
    assert_eq!(status("1").await["used"]["requests.cpu"], "10m");
    server.shutdown().await;
}

#[tokio::test]
async fn levels_of_security_come_from_labels() {
    let server = Server::start(Config::default()).await.unwrap();
    let admin = server.service(Identity::admin());
    let space = |level: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "tight", "labels": {"pod-security.kubernetes.io/enforce": level}}});
    assert!(
        refused(&admin, "/api/v1/namespaces", &space("odd"))
            .await
            .contains("must be one of privileged, baseline, restricted")
    );
    made(&admin, "/api/v1/namespaces", &space("baseline")).await;
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}});
    call(&admin, "POST", "/api/v1/namespaces/tight/serviceaccounts", &account).await;
    let mut bad = pod("p", json!({}));
    bad["spec"]["hostNetwork"] = true.into();
    let words = refused(&admin, "/api/v1/namespaces/tight/pods", &bad).await;
    assert_eq!(
        words,
        "pods \"p\" is forbidden: violates PodSecurity \"baseline:latest\": host namespaces (hostNetwork=true)"
    );
    server.shutdown().await;
}

#[tokio::test]
async fn policies_refuse_in_the_words_of_their_rules() {
    let server = Server::start(Config::default()).await.unwrap();
    let admin = server.service(Identity::admin());
    let policy = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": "p"}, "spec": {
        "matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["configmaps"]}]},
        "validations": [{"expression": "has(object.data) && object.data.k != 'bad'", "message": "no bad data"}],
    }});
    made(&admin, &format!("{GROUP}/validatingadmissionpolicies"), &policy).await;
    let mut map = config_map("a");
    map["data"]["k"] = "bad".into();
    made(&admin, MAPS, &map).await;
    let binding = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": "b"},
        "spec": {"policyName": "p", "validationActions": ["Deny"]}});
    made(&admin, &format!("{GROUP}/validatingadmissionpolicybindings"), &binding).await;
    map["metadata"]["name"] = "b".into();
    let (status, answer) = call(&admin, "POST", MAPS, &map).await;
    assert_eq!((status, answer["reason"].as_str()), (422, Some("Invalid")));
    assert_eq!(
        answer["message"],
        "configmaps \"b\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no bad data"
    );
    made(&admin, MAPS, &config_map("c")).await;
    server.shutdown().await;
}

/// Answers reviews over TLS: objects get an annotation, but for those named `no`; the address and the authority.
async fn webhook() -> (std::net::SocketAddr, String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into(), "hook.default.svc".into()]).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let service = service_fn(|request: Request<hyper::body::Incoming>| async move {
                    let bytes = request.into_body().collect().await.unwrap().to_bytes();
                    let review: Value = serde_json::from_slice(&bytes).unwrap();
                    let request = &review["request"];
                    let mut response = json!({"uid": request["uid"], "allowed": true, "warnings": ["seen"]});
                    if request["name"] == "no" {
                        response["allowed"] = false.into();
                        response["status"] = json!({"message": "not this one", "code": 403, "reason": "Forbidden"});
                    } else {
                        let patch = json!([{"op": "add", "path": "/metadata/annotations", "value": {"by": "hook"}}]);
                        response["patchType"] = "JSONPatch".into();
                        response["patch"] = base64::engine::general_purpose::STANDARD.encode(patch.to_string()).into();
                    }
                    let answer =
                        json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response});
                    Ok::<_, Infallible>(http::Response::new(Full::new(Bytes::from(answer.to_string()))))
                });
                let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                let _ = builder.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    (address, base64::engine::general_purpose::STANDARD.encode(made.cert.pem()))
}

fn hooks(kind: &str, client: &Value) -> Value {
    json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": "h"}, "webhooks": [{
        "name": "hook.example.com", "clientConfig": client, "admissionReviewVersions": ["v1"], "sideEffects": "None", "timeoutSeconds": 5,
        "rules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}],
    }]})
}

#[tokio::test]
async fn webhooks_change_and_refuse() {
    let server = Server::start(Config::default()).await.unwrap();
    let admin = server.service(Identity::admin());
    let (address, bundle) = webhook().await;
    let url = json!({"url": format!("https://localhost:{}/mutate", address.port()), "caBundle": bundle});
    made(&admin, &format!("{GROUP}/mutatingwebhookconfigurations"), &hooks("MutatingWebhookConfiguration", &url)).await;
    assert_eq!(made(&admin, MAPS, &config_map("a")).await["metadata"]["annotations"]["by"], "hook");
    let (status, answer) = call(&admin, "POST", MAPS, &config_map("no")).await;
    assert_eq!((status, answer["reason"].as_str()), (403, Some("Forbidden")));
    assert_eq!(answer["message"], "admission webhook \"hook.example.com\" denied the request: not this one");
    call(&admin, "DELETE", &format!("{GROUP}/mutatingwebhookconfigurations/h"), &Value::Null).await;

    // Behind a service that nothing stands behind.
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "hook"}, "spec": {"ports": [{"port": 443}]}});
    made(&admin, "/api/v1/namespaces/default/services", &service).await;
    let client = json!({"service": {"namespace": "default", "name": "hook", "path": "/validate"}, "caBundle": bundle});
    made(
        &admin,
        &format!("{GROUP}/validatingwebhookconfigurations"),
        &hooks("ValidatingWebhookConfiguration", &client),
    )
    .await;
    assert_eq!(
        refused(&admin, MAPS, &config_map("b")).await,
        "Internal error occurred: failed calling webhook \"hook.example.com\": no endpoints available for service \"hook\""
    );
    server.shutdown().await;
}
