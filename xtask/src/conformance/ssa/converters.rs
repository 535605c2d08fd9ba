//! The converters of upstream's tests, told from data.

use flux_merge::typed::{Duplicates, Typed};
use flux_merge::updater::{ConvertError, Converter};
use flux_schema::TypeRef;
use serde_json::{Map, Value};

/// How objects move between versions, and the types they have there.
pub struct Named<'a> {
    pub name: &'a str,
    pub type_of: Box<dyn Fn(&str) -> Result<TypeRef, String> + 'a>,
}

impl Converter for Named<'_> {
    fn convert<'a>(&self, object: &'a Typed<'_>, version: &str) -> Result<Typed<'a>, ConvertError> {
        let from = object.of.name().unwrap_or_default();
        let value = match self.name {
            "fixture.dummyConverter" if version.is_empty() => {
                return Err(ConvertError::Failed(format!("cannot convert to invalid version: {version:?}")));
            }
            "fixture.dummyConverter" => return Ok(object.borrow()),
            "merge_test.renamingConverter" => renamed(&object.value, from, version),
            "merge_test.repeatingConverter" => repeated(&object.value, version)?,
            "merge_test.reliantFieldsConverter" if from == version => return Ok(object.borrow()),
            "merge_test.reliantFieldsConverter" => reliant(&object.value, version)?,
            other => return Err(ConvertError::Failed(format!("unknown converter {other}"))),
        };
        let of = (self.type_of)(version).map_err(ConvertError::Failed)?;
        Typed::owned(value, of, Duplicates::Refused).map_err(|error| ConvertError::Failed(error.to_string()))
    }
}

fn renamed(value: &Value, from: &str, to: &str) -> Value {
    match value {
        Value::Object(members) => {
            let rename =
                |key: &String| key.strip_suffix(from).map_or_else(|| key.clone(), |stem| format!("{stem}{to}"));
            Value::Object(members.iter().map(|(key, value)| (rename(key), renamed(value, from, to))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| renamed(item, from, to)).collect()),
        other => other.clone(),
    }
}

/// Below the first member every key is its first letter, as often as the version's number says; leaves are null.
fn repeated(value: &Value, version: &str) -> Result<Value, ConvertError> {
    let missing = || ConvertError::MissingVersion(version.to_owned());
    let count: usize = version.strip_prefix('v').and_then(|digits| digits.parse().ok()).ok_or_else(missing)?;
    let Some((first, below)) = value.as_object().and_then(|members| members.iter().next()) else {
        return Ok(value.clone());
    };
    Ok(Value::Object(Map::from_iter([(first.clone(), repeat_keys(below, count))])))
}

fn repeat_keys(value: &Value, count: usize) -> Value {
    let Value::Object(members) = value else { return Value::Null };
    let key = |key: &String| key.chars().next().map(|letter| letter.to_string().repeat(count)).unwrap_or_default();
    Value::Object(members.iter().map(|(name, below)| (key(name), repeat_keys(below, count))).collect())
}

fn reliant(value: &Value, version: &str) -> Result<Value, ConvertError> {
    let rename = |from: &str, to: &str| {
        let mut members = value.as_object().cloned().unwrap_or_default();
        if let Some(own) = members.remove(from) {
            members.insert(to.to_owned(), own);
        }
        Value::Object(members)
    };
    match version {
        "v1" if value.get("required_field_bar").is_none() => {
            Err(ConvertError::Failed("missing required field bar".into()))
        }
        "v1" => Ok(rename("required_field_bar", "field_foo_rely_on_bar")),
        "v2" => Ok(rename("field_foo_rely_on_bar", "required_field_bar")),
        other => Err(ConvertError::MissingVersion(other.to_owned())),
    }
}
