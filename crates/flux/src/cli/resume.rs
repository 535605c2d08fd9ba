//! `flux resume`: goes on with suspended objects.

use std::process::ExitCode;

use futures::future::join_all;
use kube::api::{Api, DynamicObject, ListParams};

use super::client::api;
use super::error::CliError;
use super::global::Global;
use super::kinds::{self, Kind};
use super::parse::Parsed;
use super::print;
use super::reconcile::{is_static, success_message};
use super::suspend::{set_suspended, unique};
use super::wait;

/// Runs `flux resume ...`. A single object is waited for, several only with `--wait`.
pub async fn run(path: &[&str], parsed: &Parsed, global: &Global) -> Result<ExitCode, CliError> {
    let kind = kinds::required("resume", path)?;
    let names = &parsed.arguments;
    if names.is_empty() && !parsed.is_set("all") {
        return Err(CliError::usage(format!("{} name is required", kind.human)));
    }
    let client = global.client().await?;
    let objects = api(&client, &kind, Some(&global.namespace));
    let resumed = resume_all(&objects, &kind, names, global).await?;
    let waits = (!parsed.changed("wait") && names.len() == 1) || parsed.is_set("wait");
    if !waits {
        return Ok(ExitCode::SUCCESS);
    }
    let mut results = join_all(resumed.iter().map(|object| completed(&objects, &kind, object, global))).await;
    results.sort_by(|a, b| a.0.cmp(&b.0));
    let mut failed = 0;
    for (name, result) in results {
        match result {
            Ok(object) => {
                print::success(format!("{} {name} reconciliation completed", kind.info.kind));
                print::success(success_message(&kind, &object));
            }
            Err(error) => {
                failed += 1;
                print::failure(format!("{} {name} reconciliation failed: {error}", kind.info.kind));
            }
        }
    }
    if failed > 0 {
        return Err(CliError::state(format!("reconciliation failed for {failed} {}(s)", kind.info.kind)));
    }
    Ok(ExitCode::SUCCESS)
}

async fn resume_all(
    objects: &Api<DynamicObject>,
    kind: &Kind,
    names: &[String],
    global: &Global,
) -> Result<Vec<DynamicObject>, CliError> {
    let mut resumed = Vec::new();
    if names.is_empty() {
        let found = objects.list(&ListParams::default()).await?.items;
        if found.is_empty() {
            print::failure(format!("no {} objects found in {} namespace", kind.info.kind, global.namespace));
        }
        for object in found {
            resumed.push(resume(objects, kind, object.metadata.name.as_deref().unwrap_or_default(), global).await?);
        }
        return Ok(resumed);
    }
    for name in unique(names) {
        if objects.get_opt(name).await?.is_some() {
            resumed.push(resume(objects, kind, name, global).await?);
        } else {
            // Upstream names the first argument here, whichever one is missing.
            let (kind, first) = (kind.info.kind, &names[0]);
            print::failure(format!("{kind} object '{first}' not found in {} namespace", global.namespace));
        }
    }
    Ok(resumed)
}

async fn resume(
    objects: &Api<DynamicObject>,
    kind: &Kind,
    name: &str,
    global: &Global,
) -> Result<DynamicObject, CliError> {
    print::action(format!("resuming {} {name} in {} namespace", kind.human, global.namespace));
    let object = set_suspended(objects, kind, name, false).await?;
    print::success(format!("{} resumed", kind.human));
    Ok(object)
}

async fn completed(
    objects: &Api<DynamicObject>,
    kind: &Kind,
    object: &DynamicObject,
    global: &Global,
) -> (String, Result<DynamicObject, CliError>) {
    let name = object.metadata.name.clone().unwrap_or_default();
    print::waiting(format!("waiting for {} reconciliation", kind.info.kind));
    let look = if is_static(kind, object) { wait::status } else { wait::ready };
    let result = global.within("the condition", wait::until(objects, &name, look)).await;
    (name, result)
}
