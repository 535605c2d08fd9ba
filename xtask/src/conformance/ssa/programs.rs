//! `merge.jsonl` and `random.jsonl`: applies and updates by several managers.

use std::collections::BTreeMap;

use flux_merge::fieldpath::Set;
use flux_merge::typed::{Duplicates, Typed};
use flux_merge::updater::{Converter as _, Managers, UpdateError, Updater};
use flux_schema::TypeRef;
use serde_json::{Map, Value};

use super::converters::Named;
use super::{Schemas, Verdict, same_set, same_value, type_of, verdict};

pub fn run(row: &Value, schemas: &Schemas) -> Verdict {
    if row.get("ignoreFilter").is_some_and(|filter| !filter.is_null()) {
        return Verdict::Skip("names a filter that data cannot say".into());
    }
    verdict(program(row, schemas))
}

/// Types by version: as the case says, until a step changes the schema.
struct Parser<'a> {
    schemas: &'a Schemas,
    kind: &'a str,
    schema: Option<&'a str>,
    name: &'a str,
}

impl<'a> Parser<'a> {
    fn new(row: &'a Value, schemas: &'a Schemas) -> Self {
        let text = |key: &str| row["parser"].get(key).and_then(Value::as_str);
        Self {
            schemas,
            kind: text("kind").unwrap_or_default(),
            schema: text("schema"),
            name: text("type").unwrap_or_default(),
        }
    }

    fn type_of(&self, version: &str) -> Result<TypeRef, String> {
        let name = if self.kind == "type_named_after_version" { version } else { self.name };
        type_of(self.schemas, self.schema, name)
    }
}

struct State {
    live: Option<Typed<'static>>,
    managers: Managers<String>,
}

enum Outcome {
    Done,
    Conflicts(Vec<(String, Vec<String>)>),
    Error(String),
}

fn program(row: &Value, schemas: &Schemas) -> Result<(), String> {
    let mut parser = Parser::new(row, schemas);
    let fixed = Parser::new(row, schemas);
    let converter = Named {
        name: row["converter"].as_str().unwrap_or("fixture.dummyConverter"),
        type_of: Box::new(move |version| fixed.type_of(version)),
    };
    let ignored = ignored(row)?;
    let mut state = State { live: None, managers: Managers::new() };
    for (index, step) in row["steps"].as_array().into_iter().flatten().enumerate() {
        let outcome = match step["op"].as_str().unwrap_or_default() {
            "change_schema" => {
                parser.schema = step["schema"].as_str();
                parser.kind = "type_named_after_version";
                change_schema(&mut state, &parser)
            }
            _ => write(&mut state, step, &parser, &converter, &ignored),
        };
        check(&step["result"], outcome, &state).map_err(|why| format!("step {index}: {why}"))?;
    }
    Ok(())
}

fn ignored(row: &Value) -> Result<BTreeMap<String, Set>, String> {
    let versions = row.get("ignoredFields").and_then(Value::as_object);
    let sets = versions.into_iter().flatten().map(|(version, set)| {
        Set::from_value(set).map(|set| (version.clone(), set)).map_err(|error| error.to_string())
    });
    sets.collect()
}

fn change_schema(state: &mut State, parser: &Parser<'_>) -> Outcome {
    let Some(live) = &mut state.live else { return Outcome::Error("no live object".into()) };
    let name = live.of.name().unwrap_or_default().to_owned();
    let changed = type_of(parser.schemas, parser.schema, &name).and_then(|of| {
        Typed::owned(live.value.clone().into_owned(), of, Duplicates::Refused).map_err(|error| error.to_string())
    });
    match changed {
        Ok(changed) => {
            *live = changed;
            Outcome::Done
        }
        Err(why) => Outcome::Error(why),
    }
}

fn write(
    state: &mut State,
    step: &Value,
    parser: &Parser<'_>,
    converter: &Named<'_>,
    ignored: &BTreeMap<String, Set>,
) -> Outcome {
    match try_write(state, step, parser, converter, ignored) {
        Ok(()) => Outcome::Done,
        Err(UpdateError::Conflicts(conflicts)) => {
            let conflicts = conflicts.into_iter().map(|conflict| {
                let elements = conflict.path.0.iter().map(|element| element.encode());
                (conflict.manager, elements.collect())
            });
            Outcome::Conflicts(conflicts.collect())
        }
        Err(other) => Outcome::Error(other.to_string()),
    }
}

fn try_write(
    state: &mut State,
    step: &Value,
    parser: &Parser<'_>,
    converter: &Named<'_>,
    ignored: &BTreeMap<String, Set>,
) -> Result<(), UpdateError<String>> {
    let text = |key: &str| step[key].as_str().unwrap_or_default();
    let (version, manager, operation) = (text("apiVersion"), text("manager").to_owned(), text("op"));
    let convert = |source| UpdateError::Convert { step: "convert", source };
    let failed = |why: String| convert(flux_merge::updater::ConvertError::Failed(why));
    let of = parser.type_of(version).map_err(failed)?;
    let duplicates = if operation == "update" { Duplicates::Allowed } else { Duplicates::Refused };
    let object = Typed::owned(step["object"].clone(), of.clone(), duplicates);
    let mut object = object.map_err(|source| UpdateError::Invalid { step: "read object", source })?;
    if operation == "extract_apply"
        && let Some(live) = &state.live
    {
        let current = converter.convert(live, version).map_err(convert)?;
        let own = state.managers.get(&manager).map(|owned| owned.set.leaves()).unwrap_or_default();
        object = current
            .extract(&own, false)
            .merge(&object)
            .map_err(|source| UpdateError::Invalid { step: "merge", source })?;
    }
    let live = match state.live.take() {
        Some(live) => live,
        None => Typed::owned(Value::Null, of, Duplicates::Allowed)
            .map_err(|source| UpdateError::Invalid { step: "create", source })?,
    };
    let live = converter
        .convert(&live, version)
        .map_err(convert)
        .map(|live| Typed { of: live.of, value: std::borrow::Cow::Owned(live.value.into_owned()) })?;
    state.live = Some(live.clone());
    let find = |version: &str| ignored.get(version);
    let updater = Updater { converter, ignored: &find };
    let managers = state.managers.clone();
    if operation == "update" {
        state.managers = updater.update(&live, &object, version, managers, &manager)?;
        state.live = Some(object);
        return Ok(());
    }
    let force = operation == "extract_apply" || step["force"] == true;
    let applied = updater.apply(&live, &object, version, managers, &manager, force)?;
    state.managers = applied.managers;
    if !applied.unchanged {
        state.live = Some(Typed { value: std::borrow::Cow::Owned(applied.object), of: live.of });
    }
    Ok(())
}

fn check(wanted: &Value, outcome: Outcome, state: &State) -> Result<(), String> {
    match (wanted["outcome"].as_str().unwrap_or_default(), outcome) {
        ("ok", Outcome::Done) => {}
        ("conflict", Outcome::Conflicts(mut got)) => {
            got.sort();
            let list = wanted["conflicts"].as_array().into_iter().flatten();
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let path = |row: &Value| row["path"].as_array().into_iter().flatten().map(text).collect::<Vec<_>>();
            let mut wanted: Vec<_> = list.map(|row| (text(&row["manager"]), path(row))).collect();
            wanted.sort();
            if wanted != got {
                return Err(format!("expected the conflicts {wanted:?}, got {got:?}"));
            }
        }
        ("error", Outcome::Error(_)) => {}
        (wanted, Outcome::Done) => return Err(format!("expected {wanted}, got ok")),
        (wanted, Outcome::Conflicts(got)) => return Err(format!("expected {wanted}, got conflicts {got:?}")),
        (wanted, Outcome::Error(got)) => return Err(format!("expected {wanted}, got the error {got}")),
    }
    let live = state.live.as_ref().map_or(&Value::Null, |live| &*live.value);
    same_value("live", &wanted["live"], live)?;
    let nobody = Map::new();
    let managers = wanted["managers"].as_object().unwrap_or(&nobody);
    if !managers.keys().eq(state.managers.keys()) {
        let got: Vec<&String> = state.managers.keys().collect();
        return Err(format!("expected the managers {:?}, got {got:?}", managers.keys().collect::<Vec<_>>()));
    }
    for (manager, owned) in &state.managers {
        let wanted = &managers[manager];
        same_set(manager, &wanted["fieldsV1"], &owned.set)?;
        let same = wanted["apiVersion"] == *owned.api_version && wanted["applied"] == owned.applied;
        let text = serde_json::to_string(&wanted["fieldsV1"]).map_err(|error| error.to_string())?;
        let back = Set::parse(&text).map_err(|error| error.to_string())?.to_value();
        if !same || back != wanted["fieldsV1"] {
            return Err(format!("{manager}: expected {wanted}, got {owned:?}"));
        }
    }
    Ok(())
}
