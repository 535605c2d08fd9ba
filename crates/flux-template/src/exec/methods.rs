//! Methods that values have.

use super::kinds::Ty;
use super::operand::Operand;
use crate::functions::{
    Arguments as _, DATE_METHODS, DURATION_METHODS, Function, NAME_METHODS, VERSION_METHODS, any, base, flag, map,
    text, texts, to_yaml,
};
use crate::value::{Elem, IntKind, Map, MapKind, RecordType, Value};

use Ty::{Bool, Reflect, Str};

/// The method of that name, if the value's type has one.
pub(super) fn find(receiver: &Operand, name: &str) -> Option<&'static Function> {
    let table: &'static [Function] = match &receiver.value {
        Value::Map(map) => match map.kind() {
            MapKind::Files => FILES,
            MapKind::Values => VALUES,
            MapKind::Any | MapKind::Strings => return None,
        },
        Value::List(list) if list.elem() == Elem::Versions => VERSION_SET,
        Value::Time(_) => DATE_METHODS,
        Value::Int(_, IntKind::Duration) => DURATION_METHODS,
        Value::Int(_, IntKind::Month | IntKind::Weekday) => NAME_METHODS,
        Value::Record(record) => match record.ty {
            RecordType::Version => VERSION_METHODS,
            // Methods of the pointer: only where the struct has an address.
            RecordType::KubeVersion if receiver.addressable => KUBE_VERSION,
            RecordType::Capabilities => CAPABILITIES,
            _ => return None,
        },
        _ => return None,
    };
    table.iter().find(|function| function.name == name)
}

const CAPABILITIES: &[Function] = &[Function::new("Copy", &[], Reflect, |_, a| Ok(a[0].clone()))];

const KUBE_VERSION: &[Function] = &[
    Function::new("String", &[], Str, |run, a| {
        let operand = Operand { addressable: true, ..a[0].clone() };
        text(crate::go::fmt::print_action(run, &operand)?)
    }),
    Function::new("GitVersion", &[], Str, |_, a| match a.value(0) {
        Value::Record(record) => Ok(record.field("Version").cloned().unwrap_or_default().into()),
        _ => text(""),
    }),
];

const VERSION_SET: &[Function] = &[Function::new("Has", &[Str], Bool, |_, a| match a.value(0) {
    Value::List(list) => flag(list.items().iter().any(|item| item.as_str() == Some(a.str(1)))),
    _ => flag(false),
})];

const VALUES: &[Function] = &[
    Function::new("AsMap", &[], Ty::Map, |_, a| map(a.map(0).with_kind(MapKind::Any))),
    Function::new("YAML", &[], Str, |run, a| {
        let yaml = to_yaml(run, a.value(0))?;
        text(yaml.map(|yaml| yaml + "\n").unwrap_or_default())
    }),
    Function::new("Table", &[Str], Reflect, |_, a| {
        let name = a.str(1).to_text();
        let mut at = a.map(0).clone();
        for part in name.split('.') {
            match at.get(part.as_bytes()) {
                Some(Value::Map(next)) => at = next,
                _ => {
                    return crate::exec::fail(format!(
                        "{} is not a table",
                        crate::go::quoting::quote_text(part.as_bytes())
                    ));
                }
            }
        }
        map(at.with_kind(MapKind::Values))
    }),
    Function::new("PathValue", &[Str], Ty::Any, |_, a| {
        let path = a.str(1).to_text();
        let missing =
            || crate::exec::fail(format!("{} is not a value", crate::go::quoting::quote_text(path.as_bytes())));
        let mut at = Value::Map(a.map(0).clone());
        for part in path.split('.') {
            let next = at.as_map().and_then(|map| map.get(part.as_bytes()));
            match next {
                Some(next) => at = next,
                None => return missing(),
            }
        }
        if path.is_empty() || matches!(at, Value::Map(_)) { missing() } else { any(at) }
    }),
];

const FILES: &[Function] = &[
    Function::new("Get", &[Str], Str, |_, a| match a.map(0).get(a.bytes(1)) {
        Some(Value::Bytes(bytes)) => text(bytes),
        _ => text(""),
    }),
    Function::new("GetBytes", &[Str], Reflect, |_, a| {
        Ok(a.map(0).get(a.bytes(1)).unwrap_or_else(|| Value::Bytes("".into())).into())
    }),
    Function::new("Glob", &[Str], Reflect, |run, a| {
        let pattern = a.str(1).to_text();
        let glob = crate::glob::Glob::new(&pattern).unwrap_or_else(crate::glob::Glob::everything);
        let found = Map::new(MapKind::Files);
        for (path, bytes) in a.map(0).entries() {
            run.charge(256 + path.len() * pattern.len())?;
            if glob.matches(&path.to_text()) {
                found.insert(path, bytes);
            }
        }
        map(found)
    }),
    Function::new("AsConfig", &[], Str, |run, a| {
        let config = named(a.map(0), |bytes| Value::Str(bytes.into()));
        text(to_yaml(run, &config)?.unwrap_or_default())
    }),
    Function::new("AsSecrets", &[], Str, |run, a| {
        let secrets = named(a.map(0), |bytes| Value::text(crate::functions::base64_text(bytes)));
        text(to_yaml(run, &secrets)?.unwrap_or_default())
    }),
    Function::new("Lines", &[Str], Reflect, |_, a| {
        let Some(Value::Bytes(bytes)) = a.map(0).get(a.bytes(1)) else { return texts(Vec::new()) };
        let bytes = bytes.as_bytes();
        if bytes.is_empty() {
            // As Helm 4.2 does; later versions answer an empty list.
            return crate::exec::fail("runtime error: index out of range [-1]");
        }
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        texts(bytes.split(|byte| *byte == b'\n').map(Value::text).collect())
    }),
];

/// Files by their base names.
fn named(files: &Map, content: impl Fn(&[u8]) -> Value) -> Value {
    let entries = files.entries().into_iter().filter_map(|(path, bytes)| match bytes {
        Value::Bytes(bytes) => Some((base(path.as_bytes()).to_vec(), content(bytes.as_bytes()))),
        _ => None,
    });
    Value::Map(Map::from_entries(MapKind::Strings, entries))
}
