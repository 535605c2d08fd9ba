//! `flux stats`: how many objects of each kind run, fail or are suspended.

use std::process::ExitCode;

use kube::api::ListParams;
use serde_json::Value;

use super::client::api;
use super::error::CliError;
use super::get::{conditions, is_suspended};
use super::global::Global;
use super::kinds;
use super::parse::Parsed;
use super::print;

const KINDS: &[&str] = &[
    "GitRepository",
    "OCIRepository",
    "HelmRepository",
    "HelmChart",
    "Bucket",
    "Kustomization",
    "HelmRelease",
    "Alert",
    "Provider",
    "Receiver",
    "ImageUpdateAutomation",
    "ImagePolicy",
    "ImageRepository",
];

/// Runs the command.
pub async fn run(parsed: &Parsed, global: &Global) -> Result<ExitCode, CliError> {
    let client = global.client().await?;
    let namespace = (!parsed.is_set("all-namespaces")).then_some(global.namespace.as_str());
    let mut rows = Vec::new();
    for kind in KINDS.iter().filter_map(|kind| kinds::by_kind(kind)) {
        // A kind that the cluster does not have counts nothing.
        let objects = match api(&client, &kind, namespace).list(&ListParams::default()).await {
            Ok(list) => list.items,
            Err(kube::Error::Api(_)) => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        let suspended = objects.iter().filter(|object| is_suspended(object)).count();
        let not_ready = |entry: &Value| entry["type"] == "Ready" && entry["status"] == "False";
        let failing = objects.iter().filter(|object| conditions(object).iter().any(not_ready)).count();
        let size =
            |object: &kube::api::DynamicObject| object.data.pointer("/status/artifact/size").and_then(Value::as_u64);
        let total: u64 = objects.iter().filter_map(size).sum();
        rows.push(vec![
            kind.info.kind.to_owned(),
            (objects.len() - suspended).to_string(),
            failing.to_string(),
            suspended.to_string(),
            size_text(total),
        ]);
    }
    print::data(&print::table(&["Reconcilers", "Running", "Failing", "Suspended", "Storage"], &rows));
    Ok(ExitCode::SUCCESS)
}

/// `-`, bytes, or a rounded number with a binary unit.
fn size_text(bytes: u64) -> String {
    match bytes {
        0 => "-".to_owned(),
        1..1024 => format!("{bytes} B"),
        _ => {
            let power = bytes.ilog2() / 10;
            #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
            let value = bytes as f64 / f64::from(2_u32).powi(i32::try_from(power * 10).unwrap_or(0));
            let unit = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"][power as usize];
            format!("{value:.1} {unit}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(size_text(0), "-");
        assert_eq!(size_text(512), "512 B");
        assert_eq!(size_text(1536), "1.5 KiB");
        assert_eq!(size_text(5 << 20), "5.0 MiB");
    }
}
