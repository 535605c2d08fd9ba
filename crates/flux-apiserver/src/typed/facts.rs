//! The table of Go struct fields, as data: `data/types.json.gz`.

use std::collections::HashMap;
use std::io::Read as _;
use std::sync::LazyLock;

/// A struct and its fields, embedded structs flattened.
pub(crate) struct Struct {
    /// As in `Go struct field NAME.field`.
    pub name: &'static str,
    /// As in `of type v1.NAME`.
    pub go_name: &'static str,
    pub fields: Vec<Field>,
    /// Numbers of the fields in protobuf.
    pub wire: Vec<(u32, Wire)>,
}

/// Where a protobuf field goes.
pub(crate) enum Wire {
    /// A place in `fields`.
    Field(usize),
    /// An embedded struct, whose fields are this one's.
    Inline(StructIndex),
}

pub(crate) struct Field {
    pub name: &'static str,
    pub kind: Type,
    pub omit_empty: bool,
    pub omit_zero: bool,
}

/// Index into the table; types may refer to themselves.
#[derive(Clone, Copy)]
pub(crate) struct StructIndex(usize);

impl StructIndex {
    pub fn get(self) -> &'static Struct {
        &TABLE.structs[self.0]
    }
}

pub(crate) enum Type {
    Struct(StructIndex),
    Pointer(Box<Type>),
    Slice(Box<Type>),
    Map(Box<Type>),
    /// With the Go name of a named string type.
    String(&'static str),
    Bool,
    Integer {
        name: &'static str,
        min: i64,
        max: i64,
    },
    Float,
    Bytes,
    Time {
        micro: bool,
    },
    Duration,
    Quantity,
    IntOrString,
    /// An embedded object of any kind.
    Raw,
    Any,
    SchemaOrBool,
    SchemaOrArray,
    SchemaOrStrings,
}

impl Type {
    /// The name Go prints.
    pub fn go_name(&self) -> String {
        match self {
            Self::Struct(index) => index.get().go_name.to_owned(),
            Self::Pointer(inner) => inner.go_name(),
            Self::Slice(inner) => format!("[]{}", inner.go_name()),
            Self::Map(inner) => format!("map[string]{}", inner.go_name()),
            Self::String(name) | Self::Integer { name, .. } => (*name).to_owned(),
            Self::Bool => "bool".to_owned(),
            Self::Float => "float64".to_owned(),
            Self::Bytes => "[]uint8".to_owned(),
            Self::Time { micro: false } => "v1.Time".to_owned(),
            Self::Time { micro: true } => "v1.MicroTime".to_owned(),
            Self::Duration => "v1.Duration".to_owned(),
            Self::Quantity => "resource.Quantity".to_owned(),
            Self::IntOrString => "intstr.IntOrString".to_owned(),
            _ => "interface {}".to_owned(),
        }
    }
}

/// A top-level Go type.
#[derive(Clone, Copy)]
pub(crate) struct Kind(StructIndex);

impl Kind {
    pub(super) fn shape(self) -> &'static Struct {
        self.0.get()
    }
}

struct Table {
    structs: Vec<Struct>,
    by_name: HashMap<&'static str, usize>,
    kinds: HashMap<&'static str, usize>,
}

static TABLE: LazyLock<Table> = LazyLock::new(load);

/// The Go type of a built-in kind.
pub(crate) fn kind_of(group: &str, version: &str, kind: &str) -> Option<Kind> {
    TABLE.kinds.get(format!("{group}/{version}/{kind}").as_str()).map(|index| Kind(StructIndex(*index)))
}

/// A type by its table name, such as `core/v1.PodSpec`.
pub(crate) fn type_named(name: &str) -> Option<Kind> {
    TABLE.by_name.get(name).map(|index| Kind(StructIndex(*index)))
}

/// `ObjectMeta`, for the metadata of custom resources.
pub(crate) fn object_meta() -> Kind {
    type_named("meta/v1.ObjectMeta").expect("the table holds ObjectMeta")
}

/// `DeleteOptions`.
pub(crate) fn options_type() -> Kind {
    type_named("meta/v1.DeleteOptions").expect("the table holds DeleteOptions")
}

pub(super) fn schema_shape() -> &'static Struct {
    type_named("apiextensions/v1.JSONSchemaProps").expect("the table holds JSONSchemaProps").shape()
}

#[derive(serde::Deserialize)]
struct Raw {
    kinds: HashMap<String, String>,
    types: HashMap<String, Vec<(String, String, String, String)>>,
}

fn load() -> Table {
    let packed: &[u8] = include_bytes!("../../data/types.json.gz");
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(packed).read_to_end(&mut text).expect("the embedded table is whole");
    let raw: Raw = serde_json::from_slice(&text).expect("the embedded table is well-formed");
    let mut names: Vec<&'static str> = raw.types.keys().map(|name| leak(name)).collect();
    names.sort_unstable();
    let by_name: HashMap<&'static str, usize> = names.iter().enumerate().map(|(index, name)| (*name, index)).collect();
    let structs = names.iter().map(|name| structure(name, &raw, &by_name)).collect();
    let kinds = raw.kinds.iter().map(|(kind, name)| (leak(kind), by_name[name.as_str()])).collect();
    Table { structs, by_name, kinds }
}

/// The table lives as long as the process.
fn leak(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

fn structure(name: &'static str, raw: &Raw, by_name: &HashMap<&'static str, usize>) -> Struct {
    let (mut fields, mut wire) = (Vec::new(), Vec::new());
    for (field, kind, flags, number) in &raw.types[name] {
        let number: Option<u32> = number.parse().ok();
        if flags.contains('i') {
            let inner = kind.trim_start_matches('*');
            if let (Some(number), Some(index)) = (number, by_name.get(inner)) {
                wire.push((number, Wire::Inline(StructIndex(*index))));
            }
            flatten(inner, raw, by_name, &mut fields);
        } else {
            wire.extend(number.map(|number| (number, Wire::Field(fields.len()))));
            fields.push(read_field(field, kind, flags, by_name));
        }
    }
    let short = name.rsplit_once('.').map_or(name, |(_, short)| short);
    let package = name.rsplit_once('/').map_or(name, |(_, package)| package);
    Struct { name: short, go_name: package, fields, wire }
}

fn flatten(name: &str, raw: &Raw, by_name: &HashMap<&'static str, usize>, fields: &mut Vec<Field>) {
    for (field, kind, flags, _) in &raw.types[name] {
        if flags.contains('i') {
            flatten(kind.trim_start_matches('*'), raw, by_name, fields);
        } else {
            fields.push(read_field(field, kind, flags, by_name));
        }
    }
}

fn read_field(name: &str, kind: &str, flags: &str, by_name: &HashMap<&'static str, usize>) -> Field {
    let (omit_empty, omit_zero) = (flags.contains('o'), flags.contains('z'));
    Field { name: leak(name), kind: parse(kind, by_name), omit_empty, omit_zero }
}

fn parse(text: &str, by_name: &HashMap<&'static str, usize>) -> Type {
    if let Some(inner) = text.strip_prefix('*') {
        return Type::Pointer(Box::new(parse(inner, by_name)));
    }
    if let Some(inner) = text.strip_prefix("[]") {
        return Type::Slice(Box::new(parse(inner, by_name)));
    }
    if let Some(rest) = text.strip_prefix('{') {
        let inner = rest.split_once('}').map_or("!Any", |(_, inner)| inner);
        return Type::Map(Box::new(parse(inner, by_name)));
    }
    if let Some(rest) = text.strip_prefix('=') {
        let (name, base) = rest.rsplit_once('=').unwrap_or((rest, "string"));
        return basic(base, leak(name));
    }
    match text {
        "!Time" => Type::Time { micro: false },
        "!MicroTime" => Type::Time { micro: true },
        "!Duration" => Type::Duration,
        "!Quantity" => Type::Quantity,
        "!IntOrString" => Type::IntOrString,
        "!Raw" => Type::Raw,
        "!Any" => Type::Any,
        "!Bytes" => Type::Bytes,
        "!SchemaOrBool" => Type::SchemaOrBool,
        "!SchemaOrArray" => Type::SchemaOrArray,
        "!SchemaOrStrings" => Type::SchemaOrStrings,
        name => match by_name.get(name) {
            Some(index) => Type::Struct(StructIndex(*index)),
            None => basic(name, leak(name)),
        },
    }
}

fn basic(base: &str, name: &'static str) -> Type {
    match base {
        "bool" => Type::Bool,
        "int32" => Type::Integer { name, min: i32::MIN.into(), max: i32::MAX.into() },
        "int16" => Type::Integer { name, min: i16::MIN.into(), max: i16::MAX.into() },
        "uint8" => Type::Integer { name, min: 0, max: u8::MAX.into() },
        "uint16" => Type::Integer { name, min: 0, max: u16::MAX.into() },
        "uint32" => Type::Integer { name, min: 0, max: u32::MAX.into() },
        "uint64" => Type::Integer { name, min: 0, max: i64::MAX },
        "int" | "int64" => Type::Integer { name, min: i64::MIN, max: i64::MAX },
        "float64" | "float32" => Type::Float,
        _ => Type::String(name),
    }
}
