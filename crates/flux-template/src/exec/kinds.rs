//! Go's types, as far as values here have them.

use std::borrow::Cow;

use super::operand::Operand;
use crate::value::{Elem, IntKind, List, Map, MapKind, RecordType, UintKind, Value};

/// The type of a parameter or result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ty {
    /// `interface {}`
    Any,
    /// `reflect.Value`: anything, with its static type; as a result, typed as it comes.
    Reflect,
    Str,
    Bool,
    Int,
    Int64,
    Uint32,
    Float,
    /// `map[string]interface {}`
    Map,
    /// `[]interface {}`
    List,
    Time,
    Duration,
    Month,
    Certificate,
    /// `*semver.Version`
    Version,
    /// No type at all: the value before `.Field`.
    None,
}

impl Ty {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Any | Self::None => "interface {}",
            Self::Reflect => "reflect.Value",
            Self::Str => "string",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Int64 => "int64",
            Self::Uint32 => "uint32",
            Self::Float => "float64",
            Self::Map => "map[string]interface {}",
            Self::List => "[]interface {}",
            Self::Time => "time.Time",
            Self::Duration => "time.Duration",
            Self::Month => "time.Month",
            Self::Certificate => "sprig.certificate",
            Self::Version => "*semver.Version",
        }
    }
}

pub(crate) fn int_kind(ty: Ty) -> IntKind {
    match ty {
        Ty::Int64 => IntKind::Int64,
        Ty::Duration => IntKind::Duration,
        Ty::Month => IntKind::Month,
        _ => IntKind::Int,
    }
}

/// The zero value that an untyped nil becomes, where the type has nil.
pub(crate) fn zero(ty: Ty) -> Option<Operand> {
    match ty {
        Ty::Any => Some(Operand::interface(Value::Nil)),
        Ty::Reflect => Some(Operand::invalid()),
        Ty::Map => Some(Value::Map(Map::nil(MapKind::Any)).into()),
        Ty::List => Some(Value::List(List::nil(Elem::Any)).into()),
        Ty::Version => Some(Operand::invalid()),
        _ => None,
    }
}

/// Whether the value, taken out of its interface, may be given to a parameter of the type.
pub(crate) fn assignable(operand: &Operand, ty: Ty) -> bool {
    match (ty, &operand.value) {
        (Ty::Any | Ty::Reflect | Ty::None, _)
        | (Ty::Str, Value::Str(_))
        | (Ty::Bool, Value::Bool(_))
        | (Ty::Int, Value::Int(_, IntKind::Int))
        | (Ty::Int64, Value::Int(_, IntKind::Int64))
        | (Ty::Duration, Value::Int(_, IntKind::Duration))
        | (Ty::Month, Value::Int(_, IntKind::Month))
        | (Ty::Uint32, Value::Uint(_, UintKind::Uint32))
        | (Ty::Float, Value::Float(_))
        | (Ty::Time, Value::Time(_)) => true,
        (Ty::Map, Value::Map(map)) => matches!(map.kind(), MapKind::Any | MapKind::Values),
        (Ty::List, Value::List(list)) => list.elem() == Elem::Any,
        (Ty::Certificate, Value::Record(record)) => record.ty == RecordType::Certificate,
        (Ty::Version, Value::Record(record)) => record.ty == RecordType::Version,
        _ => false,
    }
}

pub(crate) fn elem_is_interface(elem: Elem) -> bool {
    elem == Elem::Any
}

pub(crate) fn map_is_interface(kind: MapKind) -> bool {
    matches!(kind, MapKind::Any | MapKind::Values)
}

/// What a map answers for a key it lacks.
pub(crate) fn zero_of_map(kind: MapKind) -> Operand {
    match kind {
        MapKind::Any | MapKind::Values => Operand::interface(Value::Nil),
        MapKind::Strings => Value::text("").into(),
        MapKind::Files => Value::Bytes("".into()).into(),
    }
}

/// The type that error messages give to a value in its place.
pub(crate) fn static_type(operand: &Operand) -> Cow<'static, str> {
    if operand.iface { "interface {}".into() } else { type_name(&operand.value) }
}

/// `%T`.
pub(crate) fn type_name(value: &Value) -> Cow<'static, str> {
    match value {
        Value::Nil => "<nil>",
        Value::Bool(_) => "bool",
        Value::Int(_, kind) => match kind {
            IntKind::Int => "int",
            IntKind::Int32 => "int32",
            IntKind::Int64 => "int64",
            IntKind::Duration => "time.Duration",
            IntKind::Month => "time.Month",
            IntKind::Weekday => "time.Weekday",
        },
        Value::Uint(_, kind) => match kind {
            UintKind::Uint => "uint",
            UintKind::Uint8 => "uint8",
            UintKind::Uint32 => "uint32",
            UintKind::Uint64 => "uint64",
        },
        Value::Float(_) => "float64",
        Value::Complex(_) => "complex128",
        Value::Str(_) => "string",
        Value::Bytes(_) => "[]uint8",
        Value::List(list) => match list.elem() {
            Elem::Any => "[]interface {}",
            Elem::Str => "[]string",
            Elem::Int => "[]int",
            Elem::Lists => "[][]interface {}",
            Elem::Maps => "[]map[string]interface {}",
            Elem::Versions => "common.VersionSet",
        },
        Value::Map(map) => match map.kind() {
            MapKind::Any => "map[string]interface {}",
            MapKind::Values => "common.Values",
            MapKind::Strings => "map[string]string",
            MapKind::Files => "engine.files",
        },
        Value::Time(_) => "time.Time",
        Value::Record(record) => record_name(record.ty),
    }
    .into()
}

pub(crate) fn record_name(ty: RecordType) -> &'static str {
    match ty {
        RecordType::Capabilities => "*common.Capabilities",
        RecordType::KubeVersion => "common.KubeVersion",
        RecordType::BuildInfo => "version.BuildInfo",
        RecordType::Version => "*semver.Version",
        RecordType::Certificate => "sprig.certificate",
    }
}

/// `reflect.Kind`'s name.
pub(crate) fn kind_name(value: &Value) -> &'static str {
    match value {
        Value::Nil => "invalid",
        Value::Bool(_) => "bool",
        Value::Int(_, IntKind::Int | IntKind::Month | IntKind::Weekday) => "int",
        Value::Int(_, IntKind::Int32) => "int32",
        Value::Int(_, IntKind::Int64 | IntKind::Duration) => "int64",
        Value::Uint(_, UintKind::Uint) => "uint",
        Value::Uint(_, UintKind::Uint8) => "uint8",
        Value::Uint(_, UintKind::Uint32) => "uint32",
        Value::Uint(_, UintKind::Uint64) => "uint64",
        Value::Float(_) => "float64",
        Value::Complex(_) => "complex128",
        Value::Str(_) => "string",
        Value::Bytes(_) | Value::List(_) => "slice",
        Value::Map(_) => "map",
        Value::Time(_) => "struct",
        Value::Record(record) => {
            if record.ty.is_pointer() {
                "ptr"
            } else {
                "struct"
            }
        }
    }
}

/// Go's truth: what is not zero, nil or empty.
pub(crate) fn truth(value: &Value) -> bool {
    match value {
        Value::Nil => false,
        Value::Bool(value) => *value,
        Value::Int(value, _) => *value != 0,
        Value::Uint(value, _) => *value != 0,
        Value::Float(value) => *value != 0.0,
        Value::Complex(parts) => parts.0 != 0.0 || parts.1 != 0.0,
        Value::Str(text) | Value::Bytes(text) => !text.is_empty(),
        Value::List(list) => !list.is_empty(),
        Value::Map(map) => !map.is_empty(),
        Value::Time(_) | Value::Record(_) => true,
    }
}

/// `reflect.Value.String`.
pub(crate) fn reflected_text(value: &Value) -> String {
    match value {
        Value::Str(text) => text.to_text().into_owned(),
        _ => format!("<{} Value>", type_name(value)),
    }
}
