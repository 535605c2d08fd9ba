//! Waiting for an object by watching it.

use futures::TryStreamExt as _;
use kube::api::{Api, DynamicObject, WatchEvent, WatchParams};
use serde_json::Value;

use super::error::CliError;

/// What a look at the object says.
pub enum Look {
    /// Goes on waiting.
    Wait,
    /// Done.
    Done,
    /// Will not become what is waited for.
    Failed(String),
}

/// Looks at an object now and at each of its changes until it is done.
pub async fn until(
    api: &Api<DynamicObject>,
    name: &str,
    look: impl Fn(&DynamicObject) -> Look,
) -> Result<DynamicObject, CliError> {
    let params = WatchParams::default().fields(&format!("metadata.name={name}"));
    loop {
        let object = api.get(name).await?;
        match look(&object) {
            Look::Done => return Ok(object),
            Look::Failed(why) => return Err(CliError::State(why)),
            Look::Wait => {}
        }
        let version = object.metadata.resource_version.unwrap_or_default();
        let events = api.watch(&params, &version).await?;
        let mut events = std::pin::pin!(events);
        while let Some(event) = events.try_next().await? {
            let object = match event {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => object,
                WatchEvent::Deleted(_) => return Err(CliError::state(format!("{name} was deleted"))),
                WatchEvent::Bookmark(_) => continue,
                // Too old a version: look again.
                WatchEvent::Error(_) => break,
            };
            match look(&object) {
                Look::Done => return Ok(object),
                Look::Failed(why) => return Err(CliError::State(why)),
                Look::Wait => {}
            }
        }
    }
}

/// The object as one JSON value.
pub fn whole(object: &DynamicObject) -> Value {
    serde_json::to_value(object).unwrap_or_default()
}

/// kstatus of an object.
pub fn status(object: &DynamicObject) -> Look {
    match flux_health::compute(&whole(object), flux_health::Timestamp::now()) {
        Ok(health) => match health.status {
            flux_health::Status::Current => Look::Done,
            flux_health::Status::InProgress => Look::Wait,
            _ => Look::Failed(health.message),
        },
        Err(error) => Look::Failed(error.to_string()),
    }
}

/// As [`status`], once the controller has seen the newest generation and set `Ready` for it.
pub fn ready(object: &DynamicObject) -> Look {
    let number = |pointer: &str| object.data.pointer(pointer).and_then(Value::as_i64).unwrap_or(0);
    let generation = object.metadata.generation.unwrap_or(0);
    let observed = number("/status/observedGeneration");
    let condition = super::get::conditions(object).iter().find(|entry| entry["type"] == "Ready");
    let Some(condition) = condition.filter(|_| observed >= 1) else { return Look::Wait };
    let seen = match condition["observedGeneration"].as_i64().unwrap_or(0) {
        0 => observed,
        seen => seen,
    };
    if seen == generation { status(object) } else { Look::Wait }
}
