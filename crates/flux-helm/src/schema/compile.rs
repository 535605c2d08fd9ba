//! From a schema document to schemas that refer to each other by number.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

use regex::Regex;
use serde_json::{Map, Value};
use url::Url;

use super::validate;
use super::violation::escape;
use super::{pattern, violation};

pub(super) const ROOT: &str = "file:///values.schema.json";

/// Schemas of one validator; references lead in circles.
const MAX_SCHEMAS: usize = 200_000;

pub(super) type Id = usize;

/// The keywords of one schema object.
#[derive(Debug, Default)]
pub(super) struct Schema {
    pub draft: u16,
    /// Document and resource: for dynamic references.
    pub resource: Option<Id>,
    pub dynamic_anchors: BTreeMap<String, Id>,
    pub recursive_anchor: bool,
    pub dynamic_anchor: String,

    pub boolean: Option<bool>,
    pub reference: Option<Id>,
    pub recursive_reference: Option<Id>,
    pub dynamic_reference: Option<(Id, String)>,
    pub types: Option<u8>,
    pub constant: Option<Value>,
    pub choices: Option<Vec<Value>>,
    pub format: Option<String>,

    pub min_properties: Option<usize>,
    pub max_properties: Option<usize>,
    pub required: Vec<String>,
    pub dependencies: Vec<(String, Dependency)>,
    pub properties: HashMap<String, Id>,
    pub pattern_properties: Vec<(Regex, Id)>,
    pub additional_properties: Option<Extra>,
    pub property_names: Option<Id>,
    pub dependent_schemas: Vec<(String, Id)>,
    pub dependent_required: Vec<(String, Vec<String>)>,

    pub min_items: Option<usize>,
    pub max_items: Option<usize>,
    pub unique_items: bool,
    /// `items` as one schema.
    pub items: Option<Id>,
    /// `items` as a list, or `prefixItems`.
    pub prefix_items: Vec<Id>,
    pub additional_items: Option<Extra>,
    pub contains: Option<Id>,
    pub min_contains: Option<usize>,
    pub max_contains: Option<usize>,

    pub min_length: Option<usize>,
    pub max_length: Option<usize>,
    pub pattern: Option<(Regex, String)>,
    pub minimum: Option<f64>,
    pub maximum: Option<f64>,
    pub exclusive_minimum: Option<f64>,
    pub exclusive_maximum: Option<f64>,
    pub multiple_of: Option<f64>,

    pub not: Option<Id>,
    pub all_of: Vec<Id>,
    pub any_of: Vec<Id>,
    pub one_of: Vec<Id>,
    pub when: Option<Id>,
    pub then: Option<Id>,
    pub otherwise: Option<Id>,
    pub unevaluated_properties: Option<Id>,
    pub unevaluated_items: Option<Id>,
}

#[derive(Debug)]
pub(super) enum Dependency {
    Properties(Vec<String>),
    Schema(Id),
}

/// `additionalProperties` and `additionalItems`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Extra {
    Allowed(bool),
    Schema(Id),
}

/// Everything that one schema document leads to.
#[derive(Debug, Default)]
pub(super) struct Compiled {
    pub schemas: Vec<Schema>,
}

/// A document and its parts that have an identity of their own.
struct Document {
    url: String,
    value: Arc<Value>,
    resources: BTreeMap<String, Resource>,
}

#[derive(Clone)]
struct Resource {
    id: String,
    draft: u16,
    anchors: BTreeMap<String, String>,
    dynamic: Vec<String>,
}

pub(super) struct Compiler {
    documents: Vec<Document>,
    known: HashMap<(usize, String), Id>,
    queue: Vec<(usize, String)>,
    /// Formats are checked whatever the draft: for metaschemas.
    assert_format: bool,
    out: Compiled,
}

/// Compiles a schema document after checking it against its draft's own schema.
pub(super) fn compile(schema: Value) -> Result<Compiled, String> {
    let draft = draft_of(&schema)
        .map_err(|url| format!("failing loading \"{url}\": schemas outside the chart are not read"))?;
    let draft = draft.unwrap_or(2020);
    let (url, compiled) = metaschema(draft);
    if let Some(violation) = validate::run(compiled, &schema) {
        let lines = violation::lines(violation);
        let lines = lines.trim_end();
        return Err(format!(
            "\"{ROOT}#\" is not valid against metaschema: jsonschema validation failed with '{url}#'\n{lines}"
        ));
    }
    let mut compiler = Compiler::new(false);
    compiler.add_document(ROOT, Arc::new(schema), draft)?;
    compiler.run(0)
}

/// The draft that a schema names: `Err` for an unknown one.
fn draft_of(schema: &Value) -> Result<Option<u16>, String> {
    let Some(url) = schema.get("$schema").and_then(Value::as_str) else { return Ok(None) };
    let plain = url.strip_suffix('#').unwrap_or(url);
    let plain = plain.strip_prefix("http://").or_else(|| plain.strip_prefix("https://")).unwrap_or(plain);
    match plain {
        "json-schema.org/schema" | "json-schema.org/draft/2020-12/schema" => Ok(Some(2020)),
        "json-schema.org/draft/2019-09/schema" => Ok(Some(2019)),
        "json-schema.org/draft-07/schema" => Ok(Some(7)),
        "json-schema.org/draft-06/schema" => Ok(Some(6)),
        "json-schema.org/draft-04/schema" => Ok(Some(4)),
        _ => Err(url.to_owned()),
    }
}

static DRAFTS: LazyLock<BTreeMap<String, Arc<Value>>> = LazyLock::new(|| {
    let texts = [
        include_str!("drafts/draft-04.json"),
        include_str!("drafts/draft-06.json"),
        include_str!("drafts/draft-07.json"),
        include_str!("drafts/2019-09.json"),
        include_str!("drafts/2020-12.json"),
    ];
    let read = |text: &str| -> BTreeMap<String, Arc<Value>> {
        serde_json::from_str::<BTreeMap<String, Value>>(text)
            .expect("the drafts are JSON")
            .into_iter()
            .map(|(url, value)| (url, Arc::new(value)))
            .collect()
    };
    texts.into_iter().flat_map(read).collect()
});

fn metaschema(draft: u16) -> (&'static str, &'static Compiled) {
    macro_rules! compiled {
        ($url:literal, $draft:literal) => {{
            static COMPILED: LazyLock<Compiled> = LazyLock::new(|| {
                let mut compiler = Compiler::new(true);
                let at = compiler.document($url).expect("the drafts are known");
                compiler.run(at).expect("the drafts compile")
            });
            ($url, &*COMPILED)
        }};
    }
    match draft {
        4 => compiled!("http://json-schema.org/draft-04/schema", 4),
        6 => compiled!("http://json-schema.org/draft-06/schema", 6),
        7 => compiled!("http://json-schema.org/draft-07/schema", 7),
        2019 => compiled!("https://json-schema.org/draft/2019-09/schema", 2019),
        _ => compiled!("https://json-schema.org/draft/2020-12/schema", 2020),
    }
}

/// Where subschemas lie, for collecting identities and anchors.
const IN_MAPS: [&str; 6] =
    ["definitions", "properties", "patternProperties", "dependencies", "$defs", "dependentSchemas"];
const IN_LISTS: [&str; 5] = ["allOf", "anyOf", "oneOf", "items", "prefixItems"];
const DIRECT: [&str; 12] = [
    "not",
    "additionalProperties",
    "items",
    "additionalItems",
    "propertyNames",
    "contains",
    "if",
    "then",
    "else",
    "unevaluatedProperties",
    "unevaluatedItems",
    "contentSchema",
];

fn split_fragment(reference: &str) -> (&str, String) {
    let (url, fragment) = reference.split_once('#').unwrap_or((reference, ""));
    (url, decode(fragment))
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex =
            text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(hex.unwrap_or(bytes[at]));
        at += if hex.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn join(base: &str, reference: &str) -> Result<String, String> {
    if reference.is_empty() {
        return Ok(base.to_owned());
    }
    let error = |error: url::ParseError| format!("error in parsing \"{reference}\": {error}");
    if let Ok(absolute) = Url::parse(reference) {
        return Ok(absolute.into());
    }
    Url::parse(base).and_then(|base| base.join(reference)).map(String::from).map_err(error)
}

impl Compiler {
    fn new(assert_format: bool) -> Self {
        Self {
            documents: Vec::new(),
            known: HashMap::new(),
            queue: Vec::new(),
            assert_format,
            out: Compiled::default(),
        }
    }

    /// A document by its URL: the one at hand, or a draft. Nothing is ever fetched.
    fn document(&mut self, url: &str) -> Result<usize, String> {
        if let Some(at) = self.documents.iter().position(|document| document.url == url) {
            return Ok(at);
        }
        if url.starts_with("urn:") {
            // Helm passes over what it cannot resolve, with a warning.
            return self.add_document(url, Arc::new(Value::Bool(true)), 2020);
        }
        match DRAFTS.get(url) {
            Some(value) => {
                let draft = draft_of(value).ok().flatten().unwrap_or(2020);
                self.add_document(url, value.clone(), draft)
            }
            None => Err(format!("failing loading \"{url}\": schemas outside the chart are not read")),
        }
    }

    fn add_document(&mut self, url: &str, value: Arc<Value>, draft: u16) -> Result<usize, String> {
        let mut resources = BTreeMap::new();
        collect(&value, String::new(), url, draft, &mut resources, 0)?;
        self.documents.push(Document { url: url.to_owned(), value, resources });
        Ok(self.documents.len() - 1)
    }

    fn run(mut self, document: usize) -> Result<Compiled, String> {
        self.enqueue(document, String::new())?;
        let mut done = 0;
        while done < self.queue.len() {
            let (document, pointer) = self.queue[done].clone();
            let schema = self.schema(document, &pointer)?;
            self.out.schemas[done] = schema;
            done += 1;
        }
        Ok(self.out)
    }

    fn enqueue(&mut self, document: usize, pointer: String) -> Result<Id, String> {
        let key = (document, pointer);
        if let Some(id) = self.known.get(&key) {
            return Ok(*id);
        }
        let id = self.queue.len();
        if id >= MAX_SCHEMAS {
            return Err(format!("schema has more than {MAX_SCHEMAS} parts"));
        }
        self.known.insert(key.clone(), id);
        self.queue.push(key);
        self.out.schemas.push(Schema::default());
        Ok(id)
    }

    /// The resource that a pointer lies in, and where that begins.
    fn resource(&self, document: usize, pointer: &str) -> (String, Resource) {
        let resources = &self.documents[document].resources;
        let mut at = pointer;
        loop {
            if let Some(found) = resources.get(at) {
                return (at.to_owned(), found.clone());
            }
            match at.rfind('/') {
                Some(slash) => at = &at[..slash],
                None => {
                    let draft = 2020;
                    let id = self.documents[document].url.clone();
                    return (String::new(), Resource { id, draft, anchors: BTreeMap::new(), dynamic: Vec::new() });
                }
            }
        }
    }

    fn lookup(&self, document: usize, pointer: &str) -> Result<Value, String> {
        let document = &self.documents[document];
        document
            .value
            .pointer(pointer)
            .cloned()
            .ok_or_else(|| format!("json-pointer in \"{}#{pointer}\" not found", document.url))
    }

    fn schema(&mut self, document: usize, pointer: &str) -> Result<Schema, String> {
        let value = self.lookup(document, pointer)?;
        let (base, resource) = self.resource(document, pointer);
        let mut schema = Schema { draft: resource.draft, ..Schema::default() };
        schema.resource = Some(self.enqueue(document, base.clone())?);
        if resource.draft >= 2020 && base == pointer {
            for name in &resource.dynamic {
                if let Some(at) = resource.anchors.get(name) {
                    let id = self.enqueue(document, at.clone())?;
                    schema.dynamic_anchors.insert(name.clone(), id);
                }
            }
        }
        match &value {
            Value::Bool(flag) => schema.boolean = Some(*flag),
            Value::Object(map) if map.is_empty() => schema.boolean = Some(true),
            Value::Object(map) => {
                let mut part = Part { compiler: self, document, pointer, resource: &resource, map };
                part.compile(&mut schema)?;
            }
            _ => {}
        }
        Ok(schema)
    }
}

/// Collects identities and anchors below a schema.
fn collect(
    value: &Value,
    pointer: String,
    base: &str,
    draft: u16,
    resources: &mut BTreeMap<String, Resource>,
    depth: usize,
) -> Result<(), String> {
    if depth > 500 {
        return Err("schema is nested too deeply".to_owned());
    }
    let root = pointer.is_empty();
    let new = |id: &str| Resource { id: id.to_owned(), draft, anchors: BTreeMap::new(), dynamic: Vec::new() };
    let Some(map) = value.as_object() else {
        if root {
            resources.insert(pointer, new(base));
        }
        return Ok(());
    };
    let keyword = if draft == 4 { "id" } else { "$id" };
    let hidden = draft < 2019 && map.contains_key("$ref");
    let id = map.get(keyword).and_then(Value::as_str).filter(|_| !hidden).map(split_fragment);
    let mut base = base.to_owned();
    if let Some((id, _)) = id.as_ref().filter(|(id, _)| !id.is_empty()) {
        base = join(&base, id)?;
        resources.insert(pointer.clone(), new(&base));
    } else if root {
        resources.insert(pointer.clone(), new(&base));
    }
    if let Some(resource) = resources.values_mut().find(|resource| resource.id == base) {
        let text = |name: &str| map.get(name).and_then(Value::as_str).map(str::to_owned);
        if draft < 2019 {
            if let Some((_, anchor)) = id.filter(|(_, anchor)| !anchor.is_empty() && !anchor.starts_with('/')) {
                resource.anchors.insert(anchor, pointer.clone());
            }
        } else {
            if let Some(anchor) = text("$anchor") {
                resource.anchors.insert(anchor, pointer.clone());
            }
            if let Some(anchor) = text("$dynamicAnchor").filter(|_| draft >= 2020) {
                resource.anchors.insert(anchor.clone(), pointer.clone());
                resource.dynamic.push(anchor);
            }
        }
    }
    let mut inner = |value: &Value, pointer: String| collect(value, pointer, &base, draft, resources, depth + 1);
    for key in IN_MAPS {
        for (name, value) in map.get(key).and_then(Value::as_object).into_iter().flatten() {
            inner(value, format!("{pointer}/{key}/{}", escape(name)))?;
        }
    }
    for key in IN_LISTS {
        for (at, value) in map.get(key).and_then(Value::as_array).into_iter().flatten().enumerate() {
            inner(value, format!("{pointer}/{key}/{at}"))?;
        }
    }
    for key in DIRECT {
        if let Some(value) = map.get(key).filter(|value| value.is_object()) {
            inner(value, format!("{pointer}/{key}"))?;
        }
    }
    Ok(())
}

/// One schema object on its way.
struct Part<'a> {
    compiler: &'a mut Compiler,
    document: usize,
    pointer: &'a str,
    resource: &'a Resource,
    map: &'a Map<String, Value>,
}

impl Part<'_> {
    fn text(&self, key: &str) -> Option<&str> {
        self.map.get(key)?.as_str()
    }

    fn flag(&self, key: &str) -> bool {
        self.map.get(key).and_then(Value::as_bool).unwrap_or(false)
    }

    fn number(&self, key: &str) -> Option<f64> {
        self.map.get(key)?.as_f64()
    }

    fn count(&self, key: &str) -> Option<usize> {
        let number = self.number(key)?;
        (number.fract() == 0.0).then_some(number.max(0.0) as usize)
    }

    fn at(&mut self, path: &str) -> Result<Id, String> {
        self.compiler.enqueue(self.document, format!("{}/{path}", self.pointer))
    }

    fn one(&mut self, key: &str) -> Result<Option<Id>, String> {
        if self.map.contains_key(key) { self.at(key).map(Some) } else { Ok(None) }
    }

    fn list(&mut self, key: &str) -> Result<Vec<Id>, String> {
        let count = self.map.get(key).and_then(Value::as_array).map_or(0, Vec::len);
        (0..count).map(|at| self.at(&format!("{key}/{at}"))).collect()
    }

    fn named(&mut self, key: &str) -> Result<Vec<(String, Id)>, String> {
        let Some(map) = self.map.get(key).and_then(Value::as_object) else { return Ok(Vec::new()) };
        map.keys().map(|name| Ok((name.clone(), self.at(&format!("{key}/{}", escape(name)))?))).collect()
    }

    fn extra(&mut self, key: &str) -> Result<Option<Extra>, String> {
        Ok(match self.map.get(key) {
            None => None,
            Some(Value::Bool(flag)) => Some(Extra::Allowed(*flag)),
            Some(_) => Some(Extra::Schema(self.at(key)?)),
        })
    }

    fn regex(&self, key: &str, text: &str) -> Result<Regex, String> {
        pattern::compile(text).map_err(|error| {
            let url = &self.compiler.documents[self.document].url;
            format!("invalid regex {} at \"{url}#{}/{key}\": {error}", crate::chart::go_quote(text), self.pointer)
        })
    }

    fn reference(&mut self, key: &str) -> Result<Option<Id>, String> {
        let Some(reference) = self.text(key) else { return Ok(None) };
        let (url, fragment) = split_fragment(reference);
        let url = join(&self.resource.id, url)?;
        let own = &self.compiler.documents[self.document];
        let local = own.resources.iter().find(|(_, resource)| resource.id == url);
        let local = local.map(|(at, resource)| (self.document, at.clone(), resource.clone()));
        let (document, base, resource) = match local {
            Some(found) => found,
            None => {
                let document = self.compiler.document(&url)?;
                let (at, resource) = self.compiler.resource(document, "");
                (document, at, resource)
            }
        };
        let pointer = if fragment.is_empty() || fragment.starts_with('/') {
            format!("{base}{fragment}")
        } else {
            let anchor = resource.anchors.get(&fragment).cloned();
            let own = &self.compiler.documents[document].url;
            anchor.ok_or_else(|| format!("anchor in \"{url}#{fragment}\" not found in schema \"{own}\""))?
        };
        // Checked at once, so that the error is about the reference.
        self.compiler.lookup(document, &pointer)?;
        self.compiler.enqueue(document, pointer).map(Some)
    }

    fn compile(&mut self, schema: &mut Schema) -> Result<(), String> {
        let draft = schema.draft;
        schema.reference = self.reference("$ref")?;
        if draft < 2019 && schema.reference.is_some() {
            return Ok(());
        }
        self.combining(schema)?;
        self.objects(schema)?;
        self.arrays(schema)?;
        self.scalars(schema)?;
        if draft >= 2019 {
            schema.recursive_reference = self.reference("$recursiveRef")?;
            schema.recursive_anchor = self.flag("$recursiveAnchor");
            schema.unevaluated_items = self.one("unevaluatedItems")?;
            schema.unevaluated_properties = self.one("unevaluatedProperties")?;
        }
        if draft >= 2020 {
            if let Some(id) = self.reference("$dynamicRef")? {
                let (_, fragment) = split_fragment(self.text("$dynamicRef").unwrap_or_default());
                let anchor = if fragment.starts_with('/') { String::new() } else { fragment };
                schema.dynamic_reference = Some((id, anchor));
            }
            schema.dynamic_anchor = self.text("$dynamicAnchor").unwrap_or_default().to_owned();
        }
        Ok(())
    }

    fn combining(&mut self, schema: &mut Schema) -> Result<(), String> {
        schema.all_of = self.list("allOf")?;
        schema.any_of = self.list("anyOf")?;
        schema.one_of = self.list("oneOf")?;
        schema.not = self.one("not")?;
        if schema.draft >= 7 {
            schema.when = self.one("if")?;
            if schema.when.is_some() {
                let known = self.map.get("if").and_then(Value::as_bool);
                if known != Some(false) {
                    schema.then = self.one("then")?;
                }
                if known != Some(true) {
                    schema.otherwise = self.one("else")?;
                }
            }
        }
        Ok(())
    }

    fn objects(&mut self, schema: &mut Schema) -> Result<(), String> {
        schema.properties = self.named("properties")?.into_iter().collect();
        for (name, id) in self.named("patternProperties")? {
            schema.pattern_properties.push((self.regex("patternProperties", &name)?, id));
        }
        schema.additional_properties = self.extra("additionalProperties")?;
        if let Some(map) = self.map.get("dependencies").and_then(Value::as_object) {
            for (name, value) in map {
                let dependency = match value.as_array() {
                    Some(names) => Dependency::Properties(texts(names)),
                    None => Dependency::Schema(self.at(&format!("dependencies/{}", escape(name)))?),
                };
                schema.dependencies.push((name.clone(), dependency));
            }
        }
        schema.min_properties = self.count("minProperties");
        schema.max_properties = self.count("maxProperties");
        schema.required =
            self.map.get("required").and_then(Value::as_array).map(|names| texts(names)).unwrap_or_default();
        if schema.draft >= 6 {
            schema.property_names = self.one("propertyNames")?;
        }
        if schema.draft >= 2019 {
            schema.dependent_schemas = self.named("dependentSchemas")?;
            let required = self.map.get("dependentRequired").and_then(Value::as_object).into_iter().flatten();
            schema.dependent_required =
                required.filter_map(|(name, names)| Some((name.clone(), texts(names.as_array()?)))).collect();
        }
        Ok(())
    }

    fn arrays(&mut self, schema: &mut Schema) -> Result<(), String> {
        if schema.draft >= 2020 {
            schema.prefix_items = self.list("prefixItems")?;
            schema.items = self.one("items")?;
        } else if self.map.get("items").is_some_and(Value::is_array) {
            schema.prefix_items = self.list("items")?;
            schema.additional_items = self.extra("additionalItems")?;
        } else {
            schema.items = self.one("items")?;
        }
        schema.min_items = self.count("minItems");
        schema.max_items = self.count("maxItems");
        schema.unique_items = self.flag("uniqueItems");
        if schema.draft >= 6 {
            schema.contains = self.one("contains")?;
        }
        if schema.draft >= 2019 && schema.contains.is_some() {
            schema.min_contains = self.count("minContains");
            schema.max_contains = self.count("maxContains");
        }
        Ok(())
    }

    fn scalars(&mut self, schema: &mut Schema) -> Result<(), String> {
        schema.types = self.map.get("type").map(validate::types);
        schema.choices = self.map.get("enum").and_then(Value::as_array).cloned();
        if schema.draft >= 6 {
            schema.constant = self.map.get("const").cloned();
        }
        schema.multiple_of = self.number("multipleOf");
        let exclusive = |part: &Self, key: &str, bound: Option<f64>| {
            // Draft 4 has a flag, later ones a number.
            if part.flag(key) { (None, bound) } else { (bound, part.number(key)) }
        };
        (schema.maximum, schema.exclusive_maximum) = exclusive(self, "exclusiveMaximum", self.number("maximum"));
        (schema.minimum, schema.exclusive_minimum) = exclusive(self, "exclusiveMinimum", self.number("minimum"));
        schema.min_length = self.count("minLength");
        schema.max_length = self.count("maxLength");
        if let Some(text) = self.text("pattern") {
            schema.pattern = Some((self.regex("pattern", text)?, text.to_owned()));
        }
        if self.compiler.assert_format || schema.draft < 2019 {
            schema.format = self.text("format").map(str::to_owned);
        }
        Ok(())
    }
}

fn texts(items: &[Value]) -> Vec<String> {
    items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}
