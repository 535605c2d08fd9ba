//! The server as its clients meet it: in process, over TLS, and across a restart.

mod admission;

use bytes::Bytes;
use flux_apiserver::{Authorization, Config, Identity, LocalService, Server, Storage};
use http::Request;
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};
use tower::ServiceExt as _;

async fn send(service: &LocalService, method: &str, path: &str, content: &str, body: &Value) -> (u16, Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let request =
        Request::builder().method(method).uri(path).header("content-type", content).header("user-agent", "it/1");
    let response = service.clone().oneshot(request.body(Full::new(Bytes::from(body))).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

async fn call(service: &LocalService, method: &str, path: &str, body: &Value) -> (u16, Value) {
    send(service, method, path, "application/json", body).await
}

fn config_map(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"k": "v"}})
}

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

#[tokio::test]
async fn objects_live_and_conflict() {
    let server = Server::start(Config::default()).await.unwrap();
    let admin = server.service(Identity::admin());
    let (status, made) = call(&admin, "POST", MAPS, &config_map("a")).await;
    assert_eq!(status, 201);
    assert_eq!(call(&admin, "POST", MAPS, &config_map("a")).await.1["reason"], "AlreadyExists");
    let mut old = made.clone();
    let (status, _) =
        send(&admin, "PATCH", &format!("{MAPS}/a"), "application/merge-patch+json", &json!({"data": {"x": "y"}})).await;
    assert_eq!(status, 200);
    old["data"]["k"] = "w".into();
    let (status, refused) = call(&admin, "PUT", &format!("{MAPS}/a"), &old).await;
    assert_eq!((status, refused["reason"].as_str()), (409, Some("Conflict")));
    let (_, list) = call(&admin, "GET", MAPS, &Value::Null).await;
    assert!(list["items"].as_array().unwrap().iter().any(|item| item["data"]["x"] == "y"));
    let (status, gone) = call(&admin, "DELETE", &format!("{MAPS}/a"), &Value::Null).await;
    assert_eq!((status, gone["status"].as_str()), (200, Some("Success")));
    server.shutdown().await;
}

#[tokio::test]
async fn applies_own_fields() {
    let server = Server::start(Config::default()).await.unwrap();
    let admin = server.service(Identity::admin());
    let apply = "application/apply-patch+yaml";
    let path = |manager: &str| format!("{MAPS}/b?fieldManager={manager}");
    assert_eq!(send(&admin, "PATCH", &path("one"), apply, &config_map("b")).await.0, 201);
    let mut other = config_map("b");
    other["data"]["k"] = "w".into();
    let (status, conflict) = send(&admin, "PATCH", &path("two"), apply, &other).await;
    assert_eq!(status, 409);
    assert_eq!(conflict["details"]["causes"][0]["field"], ".data.k");
    let (_, before) = call(&admin, "GET", &format!("{MAPS}/b"), &Value::Null).await;
    let (_, after) = send(&admin, "PATCH", &path("one"), apply, &config_map("b")).await;
    assert_eq!(before["metadata"]["resourceVersion"], after["metadata"]["resourceVersion"]);
    server.shutdown().await;
}

#[tokio::test]
async fn roles_decide() {
    let server = Server::start(Config::default()).await.unwrap();
    let (admin, user) = (server.service(Identity::admin()), server.service(Identity::user("jane")));
    let (status, refused) = call(&user, "GET", MAPS, &Value::Null).await;
    assert_eq!(status, 403);
    assert_eq!(
        refused["message"],
        "configmaps is forbidden: User \"jane\" cannot list resource \"configmaps\" in API group \"\" in the namespace \"default\""
    );
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "b"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:aggregate-to-view"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "jane"}],
    });
    let path = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings";
    assert_eq!(call(&admin, "POST", path, &binding).await.0, 201);
    assert_eq!(call(&user, "GET", MAPS, &Value::Null).await.0, 200);
    assert_eq!(call(&user, "POST", MAPS, &config_map("c")).await.0, 403);
    server.shutdown().await;
}

#[tokio::test]
async fn a_watch_tells_what_happens() {
    let server = Server::start(Config::default()).await.unwrap();
    let admin = server.service(Identity::admin());
    let request = Request::get(format!("{MAPS}?watch=1&resourceVersion=0")).body(Full::new(Bytes::new())).unwrap();
    let mut body = admin.clone().oneshot(request).await.unwrap().into_body();
    call(&admin, "POST", MAPS, &config_map("w")).await;
    call(&admin, "DELETE", &format!("{MAPS}/w"), &Value::Null).await;
    let mut seen = Vec::new();
    while seen.last() != Some(&"DELETED".to_owned()) {
        let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
        let event: Value = serde_json::from_slice(&frame).unwrap();
        if event["object"]["metadata"]["name"] == "w" {
            seen.push(event["type"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(seen, ["ADDED", "DELETED"]);
    server.shutdown().await;
}

#[tokio::test]
async fn custom_resources_are_checked() {
    let server =
        Server::start(Config { authorization: Authorization::AlwaysAllow, ..Config::default() }).await.unwrap();
    let admin = server.service(Identity::user("anybody"));
    let schema = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
        "size": {"type": "integer", "maximum": 5, "default": 1},
        "kind": {"type": "string", "x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "it stays"}]},
    }}}});
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "things.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced", "names": {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}],
        },
    });
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    assert_eq!(call(&admin, "POST", path, &definition).await.0, 201);
    let things = "/apis/example.com/v1/namespaces/default/things";
    let thing =
        |spec: Value| json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "t"}, "spec": spec});
    let (status, refused) = call(&admin, "POST", things, &thing(json!({"size": 9}))).await;
    assert_eq!(status, 422, "{refused}");
    let (status, made) = call(&admin, "POST", things, &thing(json!({"kind": "a", "bogus": 1}))).await;
    assert_eq!((status, &made["spec"]), (201, &json!({"kind": "a", "size": 1})));
    let change = json!({"spec": {"kind": "b"}});
    let (_, refused) = send(&admin, "PATCH", &format!("{things}/t"), "application/merge-patch+json", &change).await;
    assert_eq!(refused["details"]["causes"][0]["message"], "Invalid value: \"b\": it stays");
    server.shutdown().await;
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let config = || Config { storage: Storage::Redb(dir.path().join("db")), ..Config::default() };
    let server = Server::start(config()).await.unwrap();
    let admin = server.service(Identity::admin());
    let (_, made) = call(&admin, "POST", MAPS, &config_map("kept")).await;
    drop(admin);
    server.shutdown().await;
    // The server's tasks let go of the storage one after the other.
    let mut again = Server::start(config()).await;
    for _ in 0..100 {
        if again.is_ok() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        again = Server::start(config()).await;
    }
    let server = again.unwrap();
    let (_, found) = call(&server.service(Identity::admin()), "GET", &format!("{MAPS}/kept"), &Value::Null).await;
    assert_eq!(found["metadata"]["resourceVersion"], made["metadata"]["resourceVersion"]);
    server.shutdown().await;
}

#[tokio::test]
async fn a_namespace_takes_its_content_along() {
    let server = Server::start(Config::default()).await.unwrap();
    let admin = server.service(Identity::admin());
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x"}});
    call(&admin, "POST", "/api/v1/namespaces", &namespace).await;
    call(&admin, "POST", "/api/v1/namespaces/x/configmaps", &config_map("c")).await;
    call(&admin, "DELETE", "/api/v1/namespaces/x", &Value::Null).await;
    let gone = async {
        while call(&admin, "GET", "/api/v1/namespaces/x", &Value::Null).await.0 != 404 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), gone).await.unwrap();
    assert_eq!(call(&admin, "GET", "/api/v1/namespaces/x/configmaps/c", &Value::Null).await.0, 404);
    server.shutdown().await;
}

#[tokio::test]
async fn bodies_are_bounded_and_panics_contained() {
    let server = Server::start(Config::default()).await.unwrap();
    let admin = server.service(Identity::admin());
    let huge =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "h"}, "data": {"k": "x".repeat(4 << 20)}});
    assert_eq!(call(&admin, "POST", MAPS, &huge).await.0, 413);
    assert_eq!(send(&admin, "POST", MAPS, "application/vnd.kubernetes.protobuf", &json!({})).await.0, 400);
    assert_eq!(call(&admin, "GET", "/healthz", &Value::Null).await.0, 200);
    server.shutdown().await;
}
