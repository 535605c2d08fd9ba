//! The entries of `metadata.managedFields`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::fieldpath::{CodecError, Set};
use crate::updater::{Managers, Owned};

/// How a manager wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    Apply,
    Update,
}

impl Operation {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

/// What makes two entries one manager.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ManagerId {
    pub manager: String,
    pub operation: Operation,
    /// Empty for appliers: their version may change.
    pub api_version: String,
    pub subresource: String,
}

/// The decoded entries of an object.
#[derive(Debug, Clone, Default)]
pub struct Managed {
    pub fields: Managers<ManagerId>,
    /// RFC 3339; a manager without time has none.
    pub times: BTreeMap<ManagerId, String>,
}

/// Entries that nobody could have written.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("operation must be `Apply` or `Update`")]
    Operation,
    #[error("apiVersion must not be empty")]
    ApiVersion,
    #[error("missing fieldsType in managed fields entry {0}")]
    NoFieldsType(usize),
    #[error("invalid fieldsType {kind:?} in managed fields entry {index}")]
    FieldsType { index: usize, kind: String },
    #[error("managed fields must be a list of entries")]
    Malformed,
    #[error("error decoding set: {0}")]
    Set(#[from] CodecError),
}

impl Managed {
    /// Reads a `managedFields` list; none at all is an empty one.
    pub fn decode(entries: Option<&Value>) -> Result<Self, DecodeError> {
        let mut managed = Self::default();
        let entries = match entries {
            None | Some(Value::Null) => return Ok(managed),
            Some(Value::Array(entries)) => entries,
            Some(_) => return Err(DecodeError::Malformed),
        };
        for (index, entry) in entries.iter().enumerate() {
            let (id, owned) = decode_entry(index, entry)?;
            match entry.get("time").and_then(Value::as_str) {
                Some(time) => managed.times.insert(id.clone(), time.to_owned()),
                None => managed.times.remove(&id),
            };
            managed.fields.insert(id, owned);
        }
        Ok(managed)
    }

    /// The `managedFields` list, sorted as the API server sorts it; `None` when nobody owns anything.
    pub fn encode(&self) -> Option<Value> {
        let mut rows: Vec<(&ManagerId, &Owned, Option<&String>)> =
            self.fields.iter().map(|(id, owned)| (id, owned, self.times.get(id))).collect();
        rows.sort_by(|a, b| {
            let key = |row: &(&ManagerId, &Owned, Option<&String>)| {
                let operation = if row.1.applied { Operation::Apply } else { row.0.operation };
                (operation, row.2.cloned(), row.0.manager.clone(), row.1.api_version.clone(), row.0.subresource.clone())
            };
            key(a).cmp(&key(b))
        });
        (!rows.is_empty())
            .then(|| Value::Array(rows.into_iter().map(|(id, owned, time)| encode_entry(id, owned, time)).collect()))
    }
}

fn decode_entry(index: usize, entry: &Value) -> Result<(ManagerId, Owned), DecodeError> {
    let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
    let operation = match text("operation") {
        "Apply" => Operation::Apply,
        "Update" => Operation::Update,
        _ => return Err(DecodeError::Operation),
    };
    let api_version = text("apiVersion");
    if api_version.is_empty() {
        return Err(DecodeError::ApiVersion);
    }
    match text("fieldsType") {
        "FieldsV1" => {}
        "" => return Err(DecodeError::NoFieldsType(index)),
        kind => return Err(DecodeError::FieldsType { index, kind: kind.to_owned() }),
    }
    let set = match entry.get("fieldsV1") {
        None | Some(Value::Null) => Set::new(),
        Some(fields) => Set::from_value(fields)?,
    };
    let applied = operation == Operation::Apply;
    let id = ManagerId {
        manager: text("manager").to_owned(),
        operation,
        api_version: if applied { String::new() } else { api_version.to_owned() },
        subresource: text("subresource").to_owned(),
    };
    Ok((id, Owned { set, api_version: api_version.to_owned(), applied }))
}

fn encode_entry(id: &ManagerId, owned: &Owned, time: Option<&String>) -> Value {
    let operation = if owned.applied { Operation::Apply } else { id.operation };
    let mut entry = Map::new();
    let mut put = |key: &str, value: &str| {
        if !value.is_empty() {
            entry.insert(key.to_owned(), json!(value));
        }
    };
    put("manager", &id.manager);
    put("operation", operation.as_str());
    put("apiVersion", &owned.api_version);
    put("time", time.map_or("", String::as_str));
    put("fieldsType", "FieldsV1");
    put("subresource", &id.subresource);
    entry.insert("fieldsV1".into(), owned.set.to_value());
    Value::Object(entry)
}
