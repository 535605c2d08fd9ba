//! `flux create image ...`.

use std::process::ExitCode;

use kube::api::DynamicObject;
use serde_json::json;

use super::{Spec, Words, announce, finish, object};
use crate::cli::error::CliError;
use crate::cli::global::Global;
use crate::cli::parse::Parsed;
use crate::cli::print;

fn completed(noun: &str, _: &DynamicObject) -> Result<(), CliError> {
    print::success(format!("{noun} reconciliation completed"));
    Ok(())
}

/// `flux create image repository`.
pub async fn repository(parsed: &Parsed, global: &Global) -> Result<ExitCode, CliError> {
    let image = parsed.option("image").ok_or_else(|| CliError::usage("an image repository (--image) is required"))?;
    let bad = |c: char| !(c.is_ascii_alphanumeric() || "._-/:[]".contains(c));
    if image.contains(bad) {
        return Err(CliError::usage(format!(
            "unable to parse image value: repository can only contain the characters `abcdefghijklmnopqrstuvwxyz0123456789_-./`: {image}"
        )));
    }
    let mut spec = Spec::new();
    spec.interval(parsed)
        .text("image", parsed, "image")
        .span("timeout", parsed, "scan-timeout")
        .text("secretRef.name", parsed, "secret-ref")
        .text("certSecretRef.name", parsed, "cert-ref");
    let words = Words { noun: "ImageRepository", done: completed };
    let made = object("ImageRepository", parsed, global, spec)?;
    announce(parsed, words.noun);
    finish("ImageRepository", made, &words, parsed, global).await
}

/// `flux create image policy`.
pub async fn policy(parsed: &Parsed, global: &Global) -> Result<ExitCode, CliError> {
    if parsed.option("image-ref").is_none() {
        return Err(CliError::usage("the name of an ImageRepository in the namespace is required (--image-ref)"));
    }
    let mut spec = Spec::new();
    spec.text("imageRepositoryRef.name", parsed, "image-ref");
    select(&mut spec, parsed)?;
    filter(&mut spec, parsed)?;
    if let Some(reflect) = parsed.option("reflect-digest") {
        if !matches!(reflect, "Never" | "IfNotPresent" | "Always") {
            return Err(CliError::usage(
                "invalid value for --reflect-digest, must be one of 'Never', 'IfNotPresent', 'Always'",
            ));
        }
        spec.set("digestReflectionPolicy", Some(reflect));
    }
    if parsed.changed("interval") && !parsed.duration("interval").is_zero() {
        if parsed.text("reflect-digest") != "Always" {
            return Err(CliError::usage(
                "the --interval flag can only be used with the 'Always' digest reflection policy, use --reflect-digest=Always",
            ));
        }
        spec.span("interval", parsed, "interval");
    }
    let words = Words { noun: "ImagePolicy", done: completed };
    let made = object("ImagePolicy", parsed, global, spec)?;
    announce(parsed, words.noun);
    finish("ImagePolicy", made, &words, parsed, global).await
}

fn select(spec: &mut Spec, parsed: &Parsed) -> Result<(), CliError> {
    let flags = ["select-semver", "select-alpha", "select-numeric"];
    let given: Vec<&str> = flags.into_iter().filter(|flag| parsed.option(flag).is_some()).collect();
    let order = |flag: &str| match parsed.text(flag) {
        "asc" | "desc" => Ok(()),
        _ => Err(CliError::usage(format!("--{flag} must be one of [\"asc\", \"desc\"]"))),
    };
    match given.as_slice() {
        ["select-semver"] => {
            spec.text("policy.semver.range", parsed, "select-semver");
        }
        ["select-alpha"] => {
            order("select-alpha")?;
            spec.text("policy.alphabetical.order", parsed, "select-alpha");
        }
        ["select-numeric"] => {
            order("select-numeric")?;
            spec.text("policy.numerical.order", parsed, "select-numeric");
        }
        [] => return Err(CliError::usage("a policy must be provided with either --select-semver or --select-alpha")),
        _ => {
            return Err(CliError::usage(
                "only one of --select-semver, --select-alpha or --select-numeric can be specified",
            ));
        }
    }
    Ok(())
}

fn filter(spec: &mut Spec, parsed: &Parsed) -> Result<(), CliError> {
    let Some(pattern) = parsed.option("filter-regex") else {
        return match parsed.option("filter-extract") {
            Some(_) => Err(CliError::usage("cannot specify --filter-extract without specifying --filter-regex")),
            None => Ok(()),
        };
    };
    if regex::Regex::new(pattern).is_err() {
        return Err(CliError::usage("--filter-regex is an invalid regex pattern"));
    }
    spec.set("filterTags.pattern", Some(pattern)).text("filterTags.extract", parsed, "filter-extract");
    Ok(())
}

/// `flux create image update`.
pub async fn update(parsed: &Parsed, global: &Global) -> Result<ExitCode, CliError> {
    for (flag, message) in [
        ("git-repo-ref", "a reference to a GitRepository is required (--git-repo-ref)"),
        ("checkout-branch", "the Git repository branch is required (--checkout-branch)"),
        ("author-name", "the author name is required (--author-name)"),
        ("author-email", "the author email is required (--author-email)"),
    ] {
        if parsed.option(flag).is_none() {
            return Err(CliError::usage(message));
        }
    }
    if let Some(kind) = parsed.option("signing-key-type") {
        if parsed.option("signing-key-secret").is_none() {
            return Err(CliError::usage("--signing-key-type requires --signing-key-secret"));
        }
        if !matches!(kind, "gpg" | "ssh") {
            return Err(CliError::usage("--signing-key-type must be one of: gpg, ssh"));
        }
    }
    let mut spec = Spec::new();
    spec.interval(parsed)
        .set("sourceRef", Some(json!({ "kind": "GitRepository" })))
        .text("sourceRef.name", parsed, "git-repo-ref")
        .text("sourceRef.namespace", parsed, "git-repo-namespace")
        .text("git.checkout.ref.branch", parsed, "checkout-branch")
        .text("git.commit.author.name", parsed, "author-name")
        .text("git.commit.author.email", parsed, "author-email")
        .text("git.commit.messageTemplate", parsed, "commit-template")
        .text("git.push.branch", parsed, "push-branch");
    if parsed.option("git-repo-path").is_some() {
        spec.text("update.path", parsed, "git-repo-path").set("update.strategy", Some("Setters"));
    }
    if parsed.option("signing-key-secret").is_some() {
        spec.text("git.commit.signingKey.secretRef.name", parsed, "signing-key-secret").text(
            "git.commit.signingKey.type",
            parsed,
            "signing-key-type",
        );
    }
    let words = Words { noun: "ImageUpdateAutomation", done: completed };
    let made = object("ImageUpdateAutomation", parsed, global, spec)?;
    announce(parsed, words.noun);
    finish("ImageUpdateAutomation", made, &words, parsed, global).await
}
