//! `flux create secret ...`: Secrets in the forms that the controllers read.

use std::process::ExitCode;

use base64::Engine as _;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::labels;
use crate::cli::apply;
use crate::cli::error::CliError;
use crate::cli::export::print_object;
use crate::cli::global::Global;
use crate::cli::parse::Parsed;
use crate::cli::print;

/// Data, type and annotations of a Secret to make.
#[derive(Default)]
struct Made {
    data: Map<String, Value>,
    kind: Option<&'static str>,
    annotations: Map<String, Value>,
    /// GitHub App and registry Secrets carry no labels upstream.
    without_labels: bool,
}

impl Made {
    fn put(&mut self, key: &str, value: &str) {
        self.data.insert(key.to_owned(), json!(value));
    }
}

/// Runs `flux create secret KIND`.
pub async fn run(kind: &str, parsed: &Parsed, global: &Global) -> Result<ExitCode, CliError> {
    let made = match kind {
        "git" => git(parsed).await?,
        "helm" => helm(parsed)?,
        "oci" => oci(parsed)?,
        "proxy" => proxy(parsed)?,
        "tls" => tls(parsed, true)?,
        "receiver" => receiver(parsed, global)?,
        "githubapp" => github_app(parsed)?,
        "notation" => notation(parsed)?,
        _ => return Err(CliError::NotAvailable { command: parsed.command.path.to_owned() }),
    };
    let name = parsed.name("name is required")?;
    let mut secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": { "name": name, "namespace": global.namespace },
    });
    let labels = labels(parsed)?;
    if !labels.is_empty() && !made.without_labels {
        secret["metadata"]["labels"] = Value::Object(labels);
    }
    if !made.annotations.is_empty() {
        secret["metadata"]["annotations"] = Value::Object(made.annotations);
    }
    if !made.data.is_empty() {
        secret["stringData"] = Value::Object(made.data);
    }
    if let Some(kind) = made.kind {
        secret["type"] = json!(kind);
    }
    if parsed.is_set("export") {
        print_object(&secret);
        print::line("");
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(key) = secret["stringData"]["identity.pub"].as_str() {
        print::generate(format!("deploy key: {key}"));
    }
    apply::secret(&global.client().await?, &secret).await?;
    print::action(format!("{kind} secret '{name}' created in '{}' namespace", global.namespace));
    Ok(ExitCode::SUCCESS)
}

/// An I/O error in Go's words: `open ./a: no such file or directory`.
pub fn go_io(what: &str, path: &str, error: &std::io::Error) -> String {
    let reason = match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::IsADirectory => "is a directory".to_owned(),
        _ => error.to_string(),
    };
    format!("{what} {path}: {reason}")
}

pub fn read(path: &str, context: &str) -> Result<String, CliError> {
    std::fs::read_to_string(path)
        .map_err(|error| CliError::state(format!("{context}: {}", go_io("open", path, &error))))
}

async fn git(parsed: &Parsed) -> Result<Made, CliError> {
    let url = parsed.option("url").ok_or_else(|| CliError::usage("url is required"))?;
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    let mut made = Made::default();
    match scheme {
        "ssh" => {
            made.data = super::ssh::data(parsed, url).await?;
            Ok(made)
        }
        "http" | "https" => {
            let login = [parsed.option("username"), parsed.option("password")];
            let token = parsed.option("bearer-token");
            match (login, token) {
                ([Some(_), Some(_)], Some(_)) => {
                    return Err(CliError::usage("user credentials and bearer token cannot be used together"));
                }
                ([Some(username), Some(password)], None) => {
                    made.put("username", username);
                    made.put("password", password);
                }
                (_, Some(token)) => made.put("bearerToken", token),
                _ => {
                    return Err(CliError::usage(
                        "for Git over HTTP/S the username and password, or a bearer token is required",
                    ));
                }
            }
            if let Some(path) = parsed.option("ca-crt-file").or(parsed.option("ca-file")) {
                made.put("ca.crt", &read(path, "unable to read TLS CA file")?);
            }
            Ok(made)
        }
        other => Err(CliError::usage(format!("git URL scheme '{other}' not supported, can be: ssh, http and https"))),
    }
}

fn helm(parsed: &Parsed) -> Result<Made, CliError> {
    let login = [parsed.option("username"), parsed.option("password")];
    let has_certificate = parsed.option("tls-crt-file").is_some() || parsed.option("tls-key-file").is_some();
    if has_certificate || (login == [None, None] && parsed.option("ca-crt-file").is_some()) {
        return tls(parsed, false);
    }
    let mut made = Made::default();
    if login == [None, None] {
        return Ok(made);
    }
    let [Some(username), Some(password)] = login else {
        return Err(CliError::usage("both username and password are required for basic authentication"));
    };
    made.put("username", username);
    made.put("password", password);
    made.kind = Some("kubernetes.io/basic-auth");
    if let Some(path) = parsed.option("ca-crt-file") {
        made.put("ca.crt", &read(path, "unable to read TLS CA file")?);
    }
    Ok(made)
}

fn tls(parsed: &Parsed, needs_content: bool) -> Result<Made, CliError> {
    let mut made = Made::default();
    if let Some(path) = parsed.option("ca-crt-file") {
        made.put("ca.crt", &read(path, "unable to read TLS CA file")?);
    }
    let pair = [parsed.option("tls-crt-file"), parsed.option("tls-key-file")];
    if let Some(path) = pair[0] {
        made.put("tls.crt", &read(path, "failed to read cert file")?);
    }
    if let Some(path) = pair[1] {
        made.put("tls.key", &read(path, "failed to read key file")?);
    }
    match pair {
        [Some(_), Some(_)] => made.kind = Some("kubernetes.io/tls"),
        [None, None] => made.kind = Some("Opaque"),
        _ => return Err(CliError::usage("both certificate and key must be provided together")),
    }
    if needs_content && made.data.is_empty() {
        return Err(CliError::usage("no CA certificate or client certificate was provided"));
    }
    Ok(made)
}

fn oci(parsed: &Parsed) -> Result<Made, CliError> {
    let need = |flag: &str| parsed.option(flag).ok_or_else(|| CliError::usage(format!("--{flag} is required")));
    let (url, username, password) = (need("url")?, need("username")?, need("password")?);
    let auth = base64::engine::general_purpose::STANDARD.encode(format!("{username}:{password}"));
    // The fields keep the order in which docker writes them.
    let config = format!(
        "{{\n  \"auths\": {{\n    {}: {{\n      \"username\": {},\n      \"password\": {},\n      \"auth\": {}\n    }}\n  }}\n}}",
        json!(url),
        json!(username),
        json!(password),
        json!(auth)
    );
    let mut made = Made { kind: Some("kubernetes.io/dockerconfigjson"), without_labels: true, ..Made::default() };
    made.put(".dockerconfigjson", &config);
    Ok(made)
}

fn proxy(parsed: &Parsed) -> Result<Made, CliError> {
    let address = parsed.option("address").ok_or_else(|| CliError::usage("address is required"))?;
    let mut made = Made { kind: Some("Opaque"), ..Made::default() };
    made.put("address", address);
    for flag in ["username", "password"] {
        if let Some(value) = parsed.option(flag) {
            made.put(flag, value);
        }
    }
    Ok(made)
}

fn receiver(parsed: &Parsed, global: &Global) -> Result<Made, CliError> {
    let need = |flag: &str| parsed.option(flag).ok_or_else(|| CliError::usage(format!("--{flag} is required")));
    let (kind, hostname) = (need("type")?, need("hostname")?);
    let email = parsed.option("email-claim");
    if kind == "gcr" && email.is_none() {
        return Err(CliError::usage("--email-claim is required for gcr receiver type"));
    }
    let token = match parsed.option("token") {
        Some(token) => token.to_owned(),
        None => random_token()?,
    };
    let name = parsed.name("name is required")?;
    let path = hex(&Sha256::digest(format!("{token}{name}{}", global.namespace)));
    let url = format!("https://{hostname}/hook/{path}");
    let mut made = Made::default();
    made.annotations.insert("notification.toolkit.fluxcd.io/webhook".into(), json!(url));
    made.put("token", &token);
    if let Some(email) = email.filter(|_| kind == "gcr") {
        made.put("email", email);
        made.put("audience", parsed.option("audience-claim").unwrap_or(&url));
    }
    Ok(made)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// 32 random bytes from the system, in hex.
fn random_token() -> Result<String, CliError> {
    use std::io::Read as _;
    let mut bytes = [0_u8; 32];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(CliError::io("failed to generate random token"))?;
    Ok(hex(&bytes))
}

fn github_app(parsed: &Parsed) -> Result<Made, CliError> {
    let key = read(parsed.text("app-private-key"), "unable to read private key file")?;
    let id = parsed.option("app-id").ok_or_else(|| CliError::usage("app ID is required"))?;
    let owner = parsed.option("app-installation-owner");
    let installation = parsed.option("app-installation-id");
    if owner.is_none() == installation.is_none() {
        return Err(CliError::usage("exactly one of installation owner or installation ID is required"));
    }
    let mut made = Made { kind: Some("Opaque"), without_labels: true, ..Made::default() };
    made.put("githubAppID", id);
    made.put("githubAppPrivateKey", &key);
    for (name, value) in [
        ("githubAppInstallationOwner", owner),
        ("githubAppInstallationID", installation),
        ("githubAppBaseURL", parsed.option("app-base-url")),
    ] {
        if let Some(value) = value {
            made.put(name, value);
        }
    }
    Ok(made)
}

fn notation(parsed: &Parsed) -> Result<Made, CliError> {
    let certificates = parsed.list("ca-cert-file");
    if certificates.is_empty() {
        return Err(CliError::usage("--ca-cert-file is required"));
    }
    let path = parsed.option("trust-policy-file").ok_or_else(|| CliError::usage("--trust-policy-file is required"))?;
    let policy = read(path, "unable to read trust policy file")?;
    if let Err(error) = serde_json::from_str::<Value>(&policy) {
        return Err(CliError::usage(format!("failed to unmarshal trust policy {path}: {error}")));
    }
    let mut made = Made::default();
    let mut odd = Vec::new();
    for path in &certificates {
        let name = path.rsplit('/').next().unwrap_or(path);
        if !name.ends_with(".crt") && !name.ends_with(".pem") {
            odd.push(format!("{name} must end with either .crt or .pem"));
            continue;
        }
        match read(path, "unable to read TLS CA file") {
            Ok(text) => made.put(name, &text),
            Err(error) => odd.push(error.to_string()),
        }
    }
    if !odd.is_empty() {
        return Err(CliError::usage(odd.join("\n")));
    }
    made.put("trustpolicy.json", &policy);
    Ok(made)
}
