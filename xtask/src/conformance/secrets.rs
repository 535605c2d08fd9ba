//! Suite `cases/secrets`: credentials in Secrets, by rows of upstream's tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;
use base64::Engine as _;
use flux_runtime::acl::service_account_user;
use flux_runtime::secrets::{self, MadeSecret, SecretData};
use http::{Request, Response, StatusCode};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

use super::table::{self, Row, call};
use super::{Case, Inputs, Verdict};

const CONSTRUCTORS: &[&str] = &[
    "secrets.WithGitHubAppBaseURL",
    "secrets.WithGitHubAppInstallationID",
    "secrets.WithGitHubAppInstallationOwner",
    "secrets.WithTLSSystemCertPool",
    "secrets.WithSystemCertPool",
    "testSecret",
    "withData",
    "withName",
];

/// Of remote clusters, which this version refuses with a typed error, and rows whose files are not there.
const ABSENT: &[(&str, &str)] = &[
    ("TestKubeConfig", "tests the Go client's configuration structure"),
    ("TestGetRESTConfigFromSecret", "tests the Go client's configuration structure"),
    ("Test_passwordLoadKeyPair", "its key files are no part of the cases"),
];

pub fn load(inputs: &Inputs) -> Result<Vec<Case>> {
    table::load(inputs, judge)
}

fn judge(row: &Row) -> Verdict {
    if let Some((_, why)) = ABSENT.iter().find(|(test, _)| *test == row.test) {
        return Verdict::Skip((*why).into());
    }
    if let Some(skip) = row.marked(CONSTRUCTORS) {
        return skip;
    }
    let secret = test_secret(&row.fields["secret"]);
    match row.test.as_str() {
        "TestSetImpersonationConfig" => {
            let user = service_account_user(
                row.text("defaultServiceAccount"),
                row.text("serviceAccountName"),
                row.text("serviceAccountNamespace"),
            );
            Verdict::same(&row.text("wantUsername"), &user.unwrap_or_default().as_str())
        }
        "TestAuthMethodsFromSecret" => auth_methods(row),
        "TestGitHubAppDataFromSecret" => github_app(row),
        "TestTLSConfigFromSecret" => outcome(row, text(secrets::tls_files(&secret)), |_| Verdict::Pass),
        "TestProxyURLFromSecret" => outcome(row, text(secrets::proxy_url(&secret)), |proxy| {
            Verdict::same(&row.text("wantURL"), &proxy.expose().as_str())
        }),
        "TestBasicAuthFromSecret" => outcome(row, text(secrets::basic_auth(&secret)), |basic| {
            let found = (basic.username.clone(), basic.password.expose_text().into_owned());
            Verdict::same(&(row.text("wantUsername").to_owned(), row.text("wantPassword").to_owned()), &found)
        }),
        "TestBearerAuthFromSecret" => outcome(row, text(secrets::bearer_token(&secret)), |token| {
            Verdict::same(&row.text("wantToken"), &&*token.expose_text())
        }),
        "TestTokenAuthFromSecret" => outcome(row, text(secrets::token(&secret)), |token| {
            Verdict::same(&row.text("wantToken"), &&*token.expose_text())
        }),
        "TestSSHAuthFromSecret" => outcome(row, text(secrets::ssh_auth(&secret)), |ssh| {
            let shown = |value: &Option<secrets::Sensitive>| {
                value.as_ref().map(|value| value.expose_text().into_owned()).unwrap_or_default()
            };
            let found = [
                ssh.private_key.expose_text().into_owned(),
                shown(&ssh.public_key),
                ssh.known_hosts.clone(),
                shown(&ssh.password),
            ];
            let wanted = ["wantPrivateKey", "wantPublicKey", "wantKnownHosts", "wantPassword"]
                .map(|field| row.text(field).to_owned());
            Verdict::same(&wanted, &found)
        }),
        test if test.starts_with("TestMake") => make(row, test),
        "TestTLSConfigFromSecretRef" | "TestProxyURLFromSecretRef" => by_reference(row),
        "TestPullSecretsFromServiceAccountRef" => pull_secrets(row),
        other => Verdict::Fail(format!("no runner for {other}")),
    }
}

fn text<T, E: std::fmt::Display>(outcome: Result<T, E>) -> Result<T, String> {
    outcome.map_err(|error| error.to_string())
}

fn outcome<T>(row: &Row, outcome: Result<T, String>, good: impl Fn(&T) -> Verdict) -> Verdict {
    if let Some(verdict) = row.expect_error("errMsg", &outcome) {
        return verdict;
    }
    match outcome {
        Ok(found) => good(&found),
        Err(error) => Verdict::Fail(error),
    }
}

fn entries(value: &Value) -> Vec<(String, String)> {
    value
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

/// A Secret that the helper `testSecret` makes.
fn test_secret(value: &Value) -> SecretData {
    let (mut name, mut data) = (String::new(), Vec::new());
    for option in call(value).map(|(_, options)| options).unwrap_or_default() {
        match call(option) {
            Some(("withName", arguments)) => name = arguments[0].as_str().unwrap_or_default().to_owned(),
            Some(("withData", arguments)) => data = entries(&arguments[0]),
            _ => {}
        }
    }
    SecretData::new("default", &name, data)
}

fn auth_methods(row: &Row) -> Verdict {
    let secret = SecretData::new("test-namespace", "test-secret", entries(&row.fields["secretData"]));
    let found = text(secrets::auth_methods(&secret));
    if let Some(verdict) = row.expect_error("wantErr", &found) {
        return verdict;
    }
    let Ok(found) = found else { return Verdict::Fail("unexpected error".into()) };
    let wanted =
        ["wantBasic", "wantBearer", "wantToken", "wantSSH", "wantGitHubApp", "wantTLS"].map(|field| row.flag(field));
    let found = [
        found.basic.is_some(),
        found.bearer.is_some(),
        found.token.is_some(),
        found.ssh.is_some(),
        found.github_app.is_some(),
        found.tls.is_some(),
    ];
    Verdict::same(&wanted, &found)
}

fn github_app(row: &Row) -> Verdict {
    let secret = SecretData::new("default", "github-app-secret", entries(&row.fields["secretData"]));
    outcome(row, text(secrets::github_app(&secret)), |app| {
        let mut found = BTreeMap::from([
            ("githubAppID".to_owned(), app.id.clone()),
            ("githubAppPrivateKey".to_owned(), app.private_key.expose_text().into_owned()),
        ]);
        let optional = [
            ("githubAppInstallationID", &app.installation_id),
            ("githubAppInstallationOwner", &app.installation_owner),
            ("githubAppBaseURL", &app.base_url),
        ];
        found.extend(optional.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value.clone()?))));
        Verdict::same(&entries(&row.fields["wantData"]).into_iter().collect(), &found)
    })
}

fn make(row: &Row, test: &str) -> Verdict {
    let field = |name: &str| row.text(name);
    let (name, namespace) = (field("secretName"), field("namespace"));
    let keys = |name: &str| row.texts(name);
    let made = match test {
        "TestMakeBasicAuthSecret" => secrets::make_basic_auth(name, namespace, field("username"), field("password")),
        "TestMakeProxySecret" => {
            secrets::make_proxy(name, namespace, field("address"), field("username"), field("password"))
        }
        "TestMakeBearerTokenSecret" => secrets::make_bearer_token(name, namespace, field("token")),
        "TestMakeTokenSecret" => secrets::make_token(name, namespace, field("token")),
        "TestMakeRegistrySecret" => {
            secrets::make_registry(name, namespace, field("server"), field("username"), field("password"))
        }
        "TestMakeSSHSecret" => secrets::make_ssh(
            name,
            namespace,
            field("privateKey"),
            field("publicKey"),
            field("knownHosts"),
            field("password"),
        ),
        "TestMakeSOPSSecret" => {
            let (age, gpg) = (keys("ageKeys"), keys("gpgKeys"));
            let borrow = |keys: &[String]| -> Vec<String> { keys.to_vec() };
            let (age, gpg) = (borrow(&age), borrow(&gpg));
            let age: Vec<&str> = age.iter().map(String::as_str).collect();
            let gpg: Vec<&str> = gpg.iter().map(String::as_str).collect();
            secrets::make_sops(name, namespace, &age, &gpg)
        }
        "TestMakeGitHubAppSecret" => {
            let option = |wanted: &str| {
                let options = row.list("opts").iter().chain(row.list("options"));
                let mut arguments = options.filter_map(call).filter(|(name, _)| *name == wanted);
                arguments.next().and_then(|(_, arguments)| arguments[0].as_str())
            };
            secrets::make_github_app(
                name,
                namespace,
                field("appID"),
                field("privateKey"),
                option("secrets.WithGitHubAppInstallationOwner"),
                option("secrets.WithGitHubAppInstallationID"),
                option("secrets.WithGitHubAppBaseURL"),
            )
        }
        "TestMakeTLSSecret" => secrets::make_tls(name, namespace, "", "", ""),
        other => return Verdict::Fail(format!("no runner for {other}")),
    };
    outcome(row, text(made), |made| as_expected(row, made))
}

fn as_expected(row: &Row, made: &MadeSecret) -> Verdict {
    if (made.name.as_str(), made.namespace.as_str()) != (row.text("secretName"), row.text("namespace")) {
        return Verdict::Fail(format!("made {}/{}", made.namespace, made.name));
    }
    let data: BTreeMap<String, String> =
        made.data.iter().map(|(key, value)| (key.clone(), value.expose_text().into_owned())).collect();
    if let Some(expected) = row.fields.get("expectedData").filter(|expected| expected.is_object()) {
        return Verdict::same(&entries(expected).into_iter().collect(), &data);
    }
    if let Some(expected) = row.fields["wantJSON"].as_str() {
        return Verdict::same(&Some(&expected.to_owned()), &data.get(".dockerconfigjson"));
    }
    let given =
        ["username", "password", "token"].map(|field| row.text(field)).into_iter().filter(|value| !value.is_empty());
    let mut given: Vec<String> = given.map(str::to_owned).collect();
    given.extend(row.texts("ageKeys"));
    given.extend(row.texts("gpgKeys"));
    match given.iter().find(|value| !data.values().any(|found| found == *value)) {
        Some(_) => Verdict::Fail("a given value is not in the Secret".into()),
        None => Verdict::same(&given.len(), &data.len()),
    }
}

/// A client of a server that holds these objects alone: path to object.
fn client(objects: BTreeMap<String, Value>) -> Client {
    let objects = Arc::new(objects);
    let service = tower::service_fn(move |request: Request<Body>| {
        let objects = objects.clone();
        async move {
            let path = request.uri().path();
            let (status, body) = match objects.get(path) {
                Some(object) => (StatusCode::OK, object.clone()),
                None => (
                    StatusCode::NOT_FOUND,
                    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404, "message": "not found"}),
                ),
            };
            let body = Body::from(body.to_string().into_bytes());
            Response::builder().status(status).header("content-type", "application/json").body(body)
        }
    });
    Client::new(service, "default")
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtimes can be made");
    runtime.block_on(future)
}

fn name_of(value: &Value) -> (&str, &str) {
    let text = |field: &str| value[field].as_str().unwrap_or_default();
    (text("Namespace"), text("Name"))
}

fn object_of(value: &Value) -> (String, Value) {
    let (namespace, name) = name_of(&value["ObjectMeta"]);
    let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let data: BTreeMap<String, String> =
        entries(&value["Data"]).into_iter().map(|(key, value)| (key, encode(&value))).collect();
    let object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "type": value["Type"], "data": data});
    (format!("/api/v1/namespaces/{namespace}/secrets/{name}"), object)
}

fn by_reference(row: &Row) -> Verdict {
    let (namespace, name) = name_of(&row.fields["secretRef"]);
    let found = block_on(async { secrets::get(&client(BTreeMap::new()), namespace, name).await });
    outcome(row, text(found), |_| Verdict::Fail("found what is not there".into()))
}

fn pull_secrets(row: &Row) -> Verdict {
    let mut objects: BTreeMap<String, Value> = row.list("secrets").iter().map(object_of).collect();
    let account = &row.fields["serviceAccount"];
    if account.is_object() {
        let (namespace, name) = name_of(&account["ObjectMeta"]);
        let secrets: Vec<Value> =
            table::list(&account["ImagePullSecrets"]).iter().map(|secret| json!({"name": secret["Name"]})).collect();
        let object = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}, "imagePullSecrets": secrets});
        objects.insert(format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}"), object);
    }
    let (namespace, name) = name_of(&row.fields["saRef"]);
    let found = block_on(async { secrets::pull_secrets(&client(objects), namespace, name).await });
    outcome(row, text(found), |found| {
        let names: Vec<String> = found.iter().map(|secret| secret.name.clone()).collect();
        Verdict::same(&row.texts("wantSecrets"), &names)
    })
}
