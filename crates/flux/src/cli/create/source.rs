//! `flux create source ...`.

use std::process::ExitCode;

use kube::api::DynamicObject;
use serde_json::{Map, Value, json};

use super::{Spec, Words, finish, object};
use crate::cli::error::CliError;
use crate::cli::flags::kind_name_namespace;
use crate::cli::global::Global;
use crate::cli::parse::Parsed;
use crate::cli::print;

fn fetched(noun: &str, object: &DynamicObject) -> Result<(), CliError> {
    print::success(format!("{noun} reconciliation completed"));
    let artifact = object.data.pointer("/status/artifact");
    // A repository of registry charts is ready without one.
    let bare = object.data.pointer("/spec/type").is_some_and(|kind| kind == "oci");
    if artifact.is_none() && !bare {
        return Err(CliError::state(format!("{noun} reconciliation completed but no artifact was found")));
    }
    if let Some(revision) = object.data.pointer("/status/artifact/revision").and_then(Value::as_str) {
        print::success(format!("fetched revision: {revision}"));
    }
    Ok(())
}

/// Scheme and host of an address.
pub fn split_url(url: &str) -> (&str, &str) {
    let Some((scheme, rest)) = url.split_once("://") else { return ("", "") };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    (scheme, authority.rsplit_once('@').map_or(authority, |(_, host)| host))
}

fn ignore(parsed: &Parsed) -> Option<String> {
    let paths = parsed.list("ignore-paths");
    (!paths.is_empty()).then(|| paths.join("\n"))
}

/// `flux create source git`.
pub async fn git(parsed: &Parsed, global: &Global) -> Result<ExitCode, CliError> {
    let url = parsed.option("url").ok_or_else(|| CliError::usage("url is required"))?;
    let (scheme, _) = split_url(url);
    if !matches!(scheme, "ssh" | "http" | "https") {
        return Err(CliError::usage(format!("git URL scheme '{scheme}' not supported, can be: ssh, http and https")));
    }
    let reference =
        ["commit", "ref-name", "tag-semver", "tag", "branch"].into_iter().find(|flag| parsed.option(flag).is_some());
    let Some(reference) = reference else {
        return Err(CliError::usage(
            "a Git ref is required, use one of the following: --branch, --tag, --commit, --ref-name or --tag-semver",
        ));
    };
    if scheme == "ssh" && parsed.option("ca-file").is_some() {
        return Err(CliError::usage("specifying a CA file is not supported for Git over SSH"));
    }
    let mut spec = Spec::new();
    spec.interval(parsed).text("url", parsed, "url").on("recurseSubmodules", parsed, "recurse-submodules");
    match reference {
        "commit" => spec.text("ref.commit", parsed, "commit").text("ref.branch", parsed, "branch"),
        "ref-name" => spec.text("ref.name", parsed, "ref-name"),
        "tag-semver" => spec.text("ref.semver", parsed, "tag-semver"),
        "tag" => spec.text("ref.tag", parsed, "tag"),
        _ => spec.text("ref.branch", parsed, "branch"),
    };
    let sparse = parsed.list("sparse-checkout-paths");
    spec.set("sparseCheckout", (!sparse.is_empty()).then_some(sparse))
        .set("ignore", ignore(parsed))
        .span("timeout", parsed, "fetch-timeout")
        .text("secretRef.name", parsed, "secret-ref")
        .text("proxySecretRef.name", parsed, "proxy-secret-ref")
        .text("provider", parsed, "provider");
    let words = Words { noun: "GitRepository source", done: fetched };
    let mut made = object("GitRepository", parsed, global, spec)?;
    if !parsed.is_set("export") {
        print::generate("generating GitRepository source");
        credentials(scheme, &mut made, parsed, global).await?;
    }
    finish("GitRepository", made, &words, parsed, global).await
}

/// Credentials on the command line become a Secret of the source's name.
async fn credentials(scheme: &str, made: &mut Value, parsed: &Parsed, global: &Global) -> Result<(), CliError> {
    if parsed.option("secret-ref").is_some() {
        return Ok(());
    }
    if scheme == "http" {
        print::warning("insecure configuration: credentials configured for an HTTP URL");
    }
    let data = match scheme {
        "ssh" => ssh_data(parsed).await?,
        _ => login_data(parsed)?,
    };
    if data.is_empty() {
        return Ok(());
    }
    let name = parsed.name("name is required")?;
    print::action("applying secret with repository credentials");
    let client = global.client().await?;
    crate::cli::apply::secret(
        &client,
        &json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": { "name": name, "namespace": global.namespace },
            "stringData": data,
        }),
    )
    .await?;
    made["spec"]["secretRef"] = json!({ "name": name });
    print::success("authentication configured");
    Ok(())
}

fn login_data(parsed: &Parsed) -> Result<Map<String, Value>, CliError> {
    let mut data = Map::new();
    for flag in ["username", "password"] {
        data.extend(parsed.option(flag).map(|value| (flag.to_owned(), json!(value))));
    }
    if let Some(path) = parsed.option("ca-file") {
        let certificate = super::secret::read(path, "unable to read TLS CA file")?;
        data.insert("ca.crt".into(), json!(certificate));
    }
    Ok(data)
}

/// A key pair whose public half a person must have given to the server before it is of use.
async fn ssh_data(parsed: &Parsed) -> Result<Map<String, Value>, CliError> {
    let data = super::ssh::data(parsed, parsed.text("url")).await?;
    let text = |key: &str| data.get(key).and_then(Value::as_str).unwrap_or_default();
    print::success(format!("collected public key from SSH server:\n{}", text("known_hosts")));
    print::generate(format!("deploy key: {}", text("identity.pub")));
    if !parsed.is_set("silent") {
        crate::cli::delete::confirm("Have you added the deploy key to your repository")?;
    }
    Ok(data)
}

/// `flux create source bucket`.
pub async fn bucket(parsed: &Parsed, global: &Global) -> Result<ExitCode, CliError> {
    for flag in ["bucket-name", "endpoint"] {
        if parsed.option(flag).is_none() {
            return Err(CliError::usage(format!("{flag} is required")));
        }
    }
    let mut spec = Spec::new();
    spec.interval(parsed)
        .text("bucketName", parsed, "bucket-name")
        .text("endpoint", parsed, "endpoint")
        .set("provider", Some(parsed.option("provider").unwrap_or("generic")))
        .on("insecure", parsed, "insecure")
        .text("region", parsed, "region")
        .set("ignore", ignore(parsed))
        .span("timeout", parsed, "fetch-timeout")
        .text("secretRef.name", parsed, "secret-ref")
        .text("proxySecretRef.name", parsed, "proxy-secret-ref");
    let words = Words { noun: "Bucket source", done: fetched };
    let made = object("Bucket", parsed, global, spec)?;
    super::announce(parsed, words.noun);
    finish("Bucket", made, &words, parsed, global).await
}

/// `flux create source helm`.
pub async fn helm(parsed: &Parsed, global: &Global) -> Result<ExitCode, CliError> {
    let url = parsed.option("url").ok_or_else(|| CliError::usage("url is required"))?;
    let (scheme, host) = split_url(url);
    if !matches!(scheme, "http" | "https" | "oci") {
        return Err(CliError::usage(format!("url scheme '{scheme}' not supported, can be: http, https and oci")));
    }
    if host.is_empty() {
        return Err(CliError::usage("url host is required"));
    }
    let mut spec = Spec::new();
    spec.interval(parsed).text("url", parsed, "url").span("timeout", parsed, "fetch-timeout").text(
        "secretRef.name",
        parsed,
        "secret-ref",
    );
    if scheme == "oci" {
        spec.set("type", Some("oci")).text("provider", parsed, "oci-provider");
    }
    if parsed.option("secret-ref").is_some() {
        spec.on("passCredentials", parsed, "pass-credentials");
    }
    let words = Words { noun: "HelmRepository source", done: fetched };
    let made = object("HelmRepository", parsed, global, spec)?;
    super::announce(parsed, words.noun);
    finish("HelmRepository", made, &words, parsed, global).await
}

/// `flux create source chart`.
pub async fn chart(parsed: &Parsed, global: &Global) -> Result<ExitCode, CliError> {
    let (kind, name, _) = kind_name_namespace(parsed.text("source"));
    if kind.is_empty() || name.is_empty() {
        return Err(CliError::usage("chart source is required"));
    }
    if parsed.option("chart").is_none() {
        return Err(CliError::usage("chart name or path is required"));
    }
    print::generate("generating HelmChart source");
    let mut spec = Spec::new();
    spec.interval(parsed)
        .text("chart", parsed, "chart")
        .text("version", parsed, "chart-version")
        .text("reconcileStrategy", parsed, "reconcile-strategy")
        .set("sourceRef", Some(json!({ "kind": kind, "name": name })));
    verification(&mut spec, parsed)?;
    let words = Words { noun: "HelmChart source", done: fetched };
    finish("HelmChart", object("HelmChart", parsed, global, spec)?, &words, parsed, global).await
}

/// `flux create source oci`.
pub async fn oci(parsed: &Parsed, global: &Global) -> Result<ExitCode, CliError> {
    if parsed.option("url").is_none() {
        return Err(CliError::usage("url is required"));
    }
    if ["tag", "tag-semver", "digest"].into_iter().all(|flag| parsed.option(flag).is_none()) {
        return Err(CliError::usage("--tag, --tag-semver or --digest is required"));
    }
    let mut spec = Spec::new();
    if let Some(selector) = parsed.option("layer-selector") {
        let (media, operation) = layer(selector)?;
        spec.set("layerSelector.mediaType", Some(media)).set("layerSelector.operation", Some(operation));
    }
    spec.interval(parsed)
        .text("url", parsed, "url")
        .set("provider", Some(parsed.option("provider").unwrap_or("generic")))
        .on("insecure", parsed, "insecure")
        .set("ignore", ignore(parsed))
        .text("ref.digest", parsed, "digest")
        .text("ref.semver", parsed, "tag-semver")
        .text("ref.tag", parsed, "tag")
        .span("timeout", parsed, "fetch-timeout")
        .text("serviceAccountName", parsed, "service-account")
        .text("secretRef.name", parsed, "secret-ref")
        .text("proxySecretRef.name", parsed, "proxy-secret-ref")
        .text("certSecretRef.name", parsed, "cert-ref");
    verification(&mut spec, parsed)?;
    let words = Words { noun: "OCIRepository", done: fetched };
    let made = object("OCIRepository", parsed, global, spec)?;
    super::announce(parsed, words.noun);
    finish("OCIRepository", made, &words, parsed, global).await
}

/// `mediaType:operation`.
fn layer(selector: &str) -> Result<(&str, &str), CliError> {
    let parts = selector.split_once(':').filter(|(media, operation)| !media.is_empty() && !operation.is_empty());
    let Some((media, operation)) = parts else {
        return Err(CliError::usage(format!(
            "invalid --layer-selector {selector:?}: must be in the format '<media-type>:<operation>'"
        )));
    };
    if matches!(operation, "extract" | "copy") {
        return Ok((media, operation));
    }
    Err(CliError::usage(format!("invalid --layer-selector {selector:?}: operation must be \"extract\" or \"copy\"")))
}

fn verification(spec: &mut Spec, parsed: &Parsed) -> Result<(), CliError> {
    let identity = [parsed.option("verify-issuer"), parsed.option("verify-subject")];
    if parsed.option("verify-provider").is_none() {
        if parsed.option("verify-secret-ref").is_some() {
            return Err(CliError::usage("a verification provider must be specified when a secret is specified"));
        }
        if identity.iter().any(Option::is_some) {
            return Err(CliError::usage(
                "a verification provider must be specified when OIDC issuer/subject is specified",
            ));
        }
        return Ok(());
    }
    spec.text("verify.provider", parsed, "verify-provider").text("verify.secretRef.name", parsed, "verify-secret-ref");
    if identity.iter().any(Option::is_some) {
        let [issuer, subject] = identity.map(Option::unwrap_or_default);
        spec.set("verify.matchOIDCIdentity", Some(json!([{ "issuer": issuer, "subject": subject }])));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        assert_eq!(split_url("ssh://git@host:22/a"), ("ssh", "host:22"));
        assert_eq!(split_url("https://"), ("https", ""));
        assert_eq!(split_url("nothing"), ("", ""));
    }
}
