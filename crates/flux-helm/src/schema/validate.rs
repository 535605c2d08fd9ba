//! Values against compiled schemas.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::compile::{Compiled, Dependency, Extra, Id, Schema};
use super::format;
use super::violation::{Kind, Violation, display, grouped, quote, quoted};

/// Schemas inside schemas while one value is looked at.
const MAX_DEPTH: usize = 400;
/// Schemas applied to values, all together: references can double at each step.
const MAX_STEPS: usize = 1_000_000;

const TYPES: [&str; 7] = ["null", "boolean", "number", "integer", "string", "array", "object"];
const INTEGER: u8 = 1 << 3;

fn bit(name: &str) -> u8 {
    TYPES.iter().position(|known| *known == name).map_or(0, |at| 1 << at)
}

/// The types that a `type` keyword names, as bits.
pub(super) fn types(value: &Value) -> u8 {
    match value {
        Value::String(name) => bit(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).fold(0, |bits, name| bits | bit(name)),
        _ => 0,
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Validates a value against the first schema; `None` when nothing is wrong.
pub(super) fn run(compiled: &Compiled, value: &Value) -> Option<Violation> {
    let mut run = Run { compiled, steps: 0, at: Vec::new(), scopes: Vec::new() };
    run.schema(0, value, Unevaluated::default(), false, 0).err().map(|violation| *violation)
}

struct Run<'a> {
    compiled: &'a Compiled,
    steps: usize,
    at: Vec<String>,
    /// The schemas that are being applied, with the place of the value.
    scopes: Vec<(Id, usize)>,
}

/// Properties and items that no keyword has looked at yet.
#[derive(Clone, Default)]
struct Unevaluated {
    properties: Option<BTreeSet<String>>,
    items: Option<BTreeSet<usize>>,
}

impl Unevaluated {
    fn of(value: &Value, schema: &Schema, needed: bool) -> Self {
        let mut found = Self::default();
        match value {
            Value::Object(map)
                if schema.additional_properties.is_none() && (needed || schema.unevaluated_properties.is_some()) =>
            {
                found.properties = Some(map.keys().cloned().collect());
            }
            Value::Array(items) if needed || schema.unevaluated_items.is_some() => {
                let all = schema.items.is_some() || (schema.draft < 2020 && schema.additional_items.is_some());
                let first = schema.prefix_items.len();
                if !all && first < items.len() {
                    found.items = Some((first..items.len()).collect());
                }
            }
            _ => {}
        }
        found
    }

    fn is_empty(&self) -> bool {
        self.properties.as_ref().is_none_or(BTreeSet::is_empty) && self.items.as_ref().is_none_or(BTreeSet::is_empty)
    }

    /// Keeps what is unevaluated in both.
    fn merge(&mut self, other: &Self) {
        if let Some(mine) = &mut self.properties {
            mine.retain(|name| other.properties.as_ref().is_some_and(|theirs| theirs.contains(name)));
        }
        if let Some(mine) = &mut self.items {
            mine.retain(|at| other.items.as_ref().is_some_and(|theirs| theirs.contains(at)));
        }
    }
}

type Outcome = Result<Unevaluated, Box<Violation>>;

/// One schema applied to one value.
struct Frame<'a, 'v> {
    schema: &'a Schema,
    value: &'v Value,
    unevaluated: Unevaluated,
    quiet: bool,
    depth: usize,
    found: Vec<Violation>,
}

impl<'a> Run<'a> {
    fn violation(&self, quiet: bool, kind: impl FnOnce() -> Kind) -> Violation {
        if quiet {
            return Violation::default();
        }
        Violation { at: self.at.clone(), kind: kind(), causes: Vec::new() }
    }

    fn text(&self, quiet: bool, text: impl FnOnce() -> String) -> Violation {
        self.violation(quiet, || Kind::Text(text()))
    }

    fn schema(&mut self, id: Id, value: &Value, unevaluated: Unevaluated, quiet: bool, depth: usize) -> Outcome {
        let schema = &self.compiled.schemas[id];
        self.steps += 1;
        if depth > MAX_DEPTH || self.steps > MAX_STEPS {
            return Err(Box::new(self.text(false, || "schema takes too long to check".to_owned())));
        }
        if let Some(flag) = schema.boolean {
            return if flag { Ok(unevaluated) } else { Err(Box::new(self.text(quiet, || "false schema".to_owned()))) };
        }
        let place = self.at.len();
        let same_value = self.scopes.iter().rev().take_while(|(_, at)| *at == place);
        if same_value.into_iter().any(|(other, _)| *other == id) {
            return Err(Box::new(self.text(quiet, || "reference cycle".to_owned())));
        }
        if let Some(violation) = self.simple(schema, value, quiet) {
            return Err(Box::new(violation));
        }
        self.scopes.push((id, place));
        let mut frame = Frame { schema, value, unevaluated, quiet, depth, found: Vec::new() };
        let outcome = self.applied(&mut frame);
        self.scopes.pop();
        outcome?;
        let Frame { unevaluated, mut found, .. } = frame;
        match found.len() {
            0 => Ok(unevaluated),
            1 => Err(Box::new(found.swap_remove(0))),
            _ => {
                let mut group = self.violation(quiet, || Kind::Group);
                group.causes = found;
                Err(Box::new(group))
            }
        }
    }

    /// Keywords that end the check of a value when they fail.
    fn simple(&self, schema: &Schema, value: &Value, quiet: bool) -> Option<Violation> {
        if let Some(wanted) = schema.types.filter(|types| *types != 0) {
            let got = type_of(value);
            let integer = wanted & INTEGER != 0 && value.as_f64().is_some_and(|number| number.fract() == 0.0);
            if wanted & bit(got) == 0 && !integer {
                return Some(self.text(quiet, || {
                    let names: Vec<&str> = TYPES.into_iter().filter(|name| wanted & bit(name) != 0).collect();
                    format!("got {got}, want {}", names.join(" or "))
                }));
            }
        }
        if let Some(constant) = schema.constant.as_ref().filter(|constant| !equal(constant, value)) {
            return Some(self.text(quiet, || match constant {
                Value::Array(_) | Value::Object(_) => "'const' failed".to_owned(),
                constant => format!("value must be {}", display(constant)),
            }));
        }
        if let Some(choices) =
            schema.choices.as_ref().filter(|choices| !choices.iter().any(|choice| equal(choice, value)))
        {
            return Some(self.text(quiet, || {
                if choices.iter().any(|choice| choice.is_array() || choice.is_object()) {
                    return "'enum' failed".to_owned();
                }
                let shown: Vec<String> = choices.iter().map(display).collect();
                match &shown[..] {
                    [one] => format!("value must be {one}"),
                    all => format!("value must be one of {}", all.join(", ")),
                }
            }));
        }
        let (format, text) = (schema.format.as_ref()?, value.as_str()?);
        let error = format::check(format, text).err()?;
        Some(self.text(quiet, || format!("{} is not valid {format}: {error}", quote(text))))
    }

    fn applied(&mut self, frame: &mut Frame<'a, '_>) -> Result<(), Box<Violation>> {
        let schema = frame.schema;
        if let Some(id) = schema.reference {
            let outcome = self.reference(frame, id);
            if schema.draft < 2019 {
                return outcome;
            }
            frame.found.extend(outcome.err().map(|violation| *violation));
        }
        match frame.value {
            Value::Object(map) => self.object(frame, map),
            Value::Array(items) => self.array(frame, items),
            Value::String(text) => self.string(frame, text),
            Value::Number(number) => self.number(frame, number.as_f64().unwrap_or_default()),
            _ => {}
        }
        if frame.found.is_empty() || !frame.quiet {
            if schema.draft >= 2019 {
                self.dynamic_references(frame);
            }
            self.combined(frame);
            if schema.draft >= 2019 {
                self.unevaluated(frame);
            }
        }
        Ok(())
    }

    /// The same value against another schema.
    fn this(&mut self, frame: &mut Frame<'a, '_>, id: Id, quiet: bool) -> Result<(), Box<Violation>> {
        let needed = !frame.unevaluated.is_empty();
        let unevaluated = Unevaluated::of(frame.value, &self.compiled.schemas[id], needed);
        let after = self.schema(id, frame.value, unevaluated, frame.quiet || quiet, frame.depth + 1)?;
        frame.unevaluated.merge(&after);
        Ok(())
    }

    /// A part of the value against a schema.
    fn part(&mut self, frame: &Frame<'a, '_>, id: Id, value: &Value, name: &str) -> Result<(), Box<Violation>> {
        let unevaluated = Unevaluated::of(value, &self.compiled.schemas[id], false);
        self.at.push(name.to_owned());
        let outcome = self.schema(id, value, unevaluated, frame.quiet, frame.depth + 1);
        self.at.pop();
        outcome.map(|_| ())
    }

    fn reference(&mut self, frame: &mut Frame<'a, '_>, id: Id) -> Result<(), Box<Violation>> {
        self.this(frame, id, false).map_err(|cause| {
            let mut violation = self.violation(frame.quiet, || Kind::Reference);
            if matches!(cause.kind, Kind::Group) {
                violation.causes = cause.causes;
            } else {
                violation.causes.push(*cause);
            }
            Box::new(violation)
        })
    }

    fn dynamic_references(&mut self, frame: &mut Frame<'a, '_>) {
        let resource = |run: &Self, id: Id| run.compiled.schemas[id].resource.map(|at| &run.compiled.schemas[at]);
        if let Some(id) = frame.schema.recursive_reference {
            let mut target = id;
            if self.compiled.schemas[id].recursive_anchor {
                let outer =
                    self.scopes.iter().find(|(id, _)| resource(self, *id).is_some_and(|found| found.recursive_anchor));
                target = outer.map_or(id, |(id, _)| self.compiled.schemas[*id].resource.unwrap_or(*id));
            }
            let outcome = self.reference(frame, target);
            frame.found.extend(outcome.err().map(|violation| *violation));
        }
        if let Some((id, anchor)) = &frame.schema.dynamic_reference {
            let mut target = *id;
            if !anchor.is_empty() && self.compiled.schemas[*id].dynamic_anchor == *anchor {
                let outer = self.scopes.iter().find_map(|(id, _)| resource(self, *id)?.dynamic_anchors.get(anchor));
                target = outer.copied().unwrap_or(*id);
            }
            let outcome = self.reference(frame, target);
            frame.found.extend(outcome.err().map(|violation| *violation));
        }
    }

    fn add(&self, frame: &mut Frame<'a, '_>, text: impl FnOnce() -> String) {
        let violation = self.text(frame.quiet, text);
        frame.found.push(violation);
    }

    fn object(&mut self, frame: &mut Frame<'a, '_>, map: &Map<String, Value>) {
        let schema = frame.schema;
        let count = map.len();
        if let Some(least) = schema.min_properties.filter(|least| count < *least) {
            self.add(frame, || format!("minProperties: got {}, want {}", number(count), number(least)));
        }
        if let Some(most) = schema.max_properties.filter(|most| count > *most) {
            self.add(frame, || format!("maxProperties: got {}, want {}", number(count), number(most)));
        }
        let missing = missing(map, &schema.required);
        if !missing.is_empty() {
            self.add(frame, || match &missing[..] {
                [one] => format!("missing property {}", quote(one)),
                all => format!("missing properties {}", quoted(all)),
            });
        }
        if frame.quiet && !frame.found.is_empty() {
            return;
        }
        for (name, dependency) in schema.dependencies.iter().filter(|(name, _)| map.contains_key(name)) {
            match dependency {
                Dependency::Properties(names) => self.required_with(frame, map, name, names),
                Dependency::Schema(id) => {
                    let outcome = self.this(frame, *id, false);
                    frame.found.extend(outcome.err().map(|violation| *violation));
                }
            }
        }
        self.properties(frame, map);
        if schema.draft == 4 {
            return;
        }
        if let Some(id) = schema.property_names {
            self.property_names(frame, map, id);
        }
        for (_, id) in schema.dependent_schemas.iter().filter(|(name, _)| map.contains_key(name)) {
            let outcome = self.this(frame, *id, false);
            frame.found.extend(outcome.err().map(|violation| *violation));
        }
        for (name, names) in schema.dependent_required.iter().filter(|(name, _)| map.contains_key(name)) {
            self.required_with(frame, map, name, names);
        }
    }

    fn required_with(&self, frame: &mut Frame<'a, '_>, map: &Map<String, Value>, name: &str, names: &[String]) {
        let missing = missing(map, names);
        if !missing.is_empty() {
            self.add(frame, || format!("properties {} required, if {} exists", quoted(&missing), quote(name)));
        }
    }

    fn properties(&mut self, frame: &mut Frame<'a, '_>, map: &Map<String, Value>) {
        let schema = frame.schema;
        let mut additional = Vec::new();
        for (name, value) in map {
            if frame.quiet && !frame.found.is_empty() {
                return;
            }
            let known = schema.properties.get(name).into_iter();
            let matching = schema.pattern_properties.iter().filter(|(pattern, _)| pattern.is_match(name));
            let ids: Vec<Id> = known.chain(matching.map(|(_, id)| id)).copied().collect();
            let mut evaluated = !ids.is_empty();
            for id in ids {
                let outcome = self.part(frame, id, value, name);
                frame.found.extend(outcome.err().map(|violation| *violation));
            }
            if !evaluated {
                evaluated = schema.additional_properties.is_some();
                match schema.additional_properties {
                    Some(Extra::Allowed(false)) => additional.push(name.clone()),
                    Some(Extra::Schema(id)) => {
                        let outcome = self.part(frame, id, value, name);
                        frame.found.extend(outcome.err().map(|violation| *violation));
                    }
                    _ => {}
                }
            }
            if let Some(left) = frame.unevaluated.properties.as_mut().filter(|_| evaluated) {
                left.remove(name);
            }
        }
        if !additional.is_empty() {
            self.add(frame, || format!("additional properties {} not allowed", quoted(&additional)));
        }
    }

    fn property_names(&mut self, frame: &mut Frame<'a, '_>, map: &Map<String, Value>, id: Id) {
        for name in map.keys() {
            // A validation of its own: it knows nothing of the places around.
            let mut run = Run { compiled: self.compiled, steps: self.steps, at: Vec::new(), scopes: Vec::new() };
            let value = Value::String(name.clone());
            let outcome = run.schema(id, &value, Unevaluated::default(), frame.quiet, frame.depth + 1);
            self.steps = run.steps;
            if let Err(cause) = outcome {
                let causes = if matches!(cause.kind, Kind::Group) { cause.causes } else { vec![*cause] };
                let kind = Kind::Text(format!("invalid propertyName {}", quote(name)));
                frame.found.push(Violation { at: Vec::new(), kind, causes });
            }
        }
    }

    fn array(&mut self, frame: &mut Frame<'a, '_>, items: &[Value]) {
        let schema = frame.schema;
        let count = items.len();
        if let Some(least) = schema.min_items.filter(|least| count < *least) {
            self.add(frame, || format!("minItems: got {}, want {}", number(count), number(least)));
        }
        if let Some(most) = schema.max_items.filter(|most| count > *most) {
            self.add(frame, || format!("maxItems: got {}, want {}", number(count), number(most)));
        }
        if let Some((first, second)) = duplicate(items).filter(|_| schema.unique_items) {
            self.add(frame, || format!("items at {} and {} are equal", number(first), number(second)));
        }
        let prefixed = schema.prefix_items.len().min(count);
        for (at, (item, id)) in items.iter().zip(&schema.prefix_items).enumerate() {
            let outcome = self.part(frame, *id, item, &at.to_string());
            frame.found.extend(outcome.err().map(|violation| *violation));
        }
        let rest = match (schema.items, schema.additional_items) {
            (Some(id), _) | (None, Some(Extra::Schema(id))) => Some(id),
            (None, Some(Extra::Allowed(false))) if prefixed < count => {
                self.add(frame, || format!("last {} additionalItem(s) not allowed", number(count - prefixed)));
                None
            }
            _ => None,
        };
        if let Some(id) = rest {
            // Places count from the first of the rest, as the library has it.
            for (at, item) in items[prefixed..].iter().enumerate() {
                let outcome = self.part(frame, id, item, &at.to_string());
                frame.found.extend(outcome.err().map(|violation| *violation));
            }
        }
        if let Some(id) = schema.contains {
            self.contains(frame, items, id);
        }
    }

    fn contains(&mut self, frame: &mut Frame<'a, '_>, items: &[Value], id: Id) {
        let schema = frame.schema;
        let (mut matched, mut causes) = (Vec::new(), Vec::new());
        for (at, item) in items.iter().enumerate() {
            match self.part(frame, id, item, &at.to_string()) {
                Err(violation) => causes.push(*violation),
                Ok(()) => {
                    matched.push(at.to_string());
                    if let Some(left) = frame.unevaluated.items.as_mut().filter(|_| schema.draft >= 2020) {
                        left.remove(&at);
                    }
                }
            }
        }
        let places = || format!("matched {} items at {}", number(matched.len()), matched.join(" "));
        let least = schema.min_contains;
        if matched.len() < least.unwrap_or(1) {
            let mut violation = self.text(frame.quiet, || match least {
                None => "no items match contains schema".to_owned(),
                Some(least) if matched.is_empty() => {
                    format!("min {} items required to match contains schema, but none matched", number(least))
                }
                Some(least) => {
                    format!("min {} items required to match contains schema, but {}", number(least), places())
                }
            });
            violation.causes = causes;
            frame.found.push(violation);
        }
        if let Some(most) = schema.max_contains.filter(|most| matched.len() > *most) {
            self.add(frame, || {
                format!("max {} items required to match contains schema, but {}", number(most), places())
            });
        }
    }

    fn string(&mut self, frame: &mut Frame<'a, '_>, text: &str) {
        let schema = frame.schema;
        let length = if schema.min_length.or(schema.max_length).is_some() { text.chars().count() } else { 0 };
        if let Some(least) = schema.min_length.filter(|least| length < *least) {
            self.add(frame, || format!("minLength: got {}, want {}", number(length), number(least)));
        }
        if let Some(most) = schema.max_length.filter(|most| length > *most) {
            self.add(frame, || format!("maxLength: got {}, want {}", number(length), number(most)));
        }
        if let Some((_, pattern)) = schema.pattern.as_ref().filter(|(regex, _)| !regex.is_match(text)) {
            self.add(frame, || format!("{} does not match pattern {}", quote(text), quote(pattern)));
        }
    }

    fn number(&mut self, frame: &mut Frame<'a, '_>, value: f64) {
        let schema = frame.schema;
        let checks = [
            ("minimum", schema.minimum.filter(|bound| value < *bound)),
            ("maximum", schema.maximum.filter(|bound| value > *bound)),
            ("exclusiveMinimum", schema.exclusive_minimum.filter(|bound| value <= *bound)),
            ("exclusiveMaximum", schema.exclusive_maximum.filter(|bound| value >= *bound)),
            ("multipleOf", schema.multiple_of.filter(|step| !is_multiple(value, *step))),
        ];
        for (name, bound) in checks {
            if let Some(bound) = bound {
                self.add(frame, || format!("{name}: got {}, want {}", grouped(value), grouped(bound)));
            }
        }
    }

    fn combined(&mut self, frame: &mut Frame<'a, '_>) {
        let schema = frame.schema;
        if let Some(id) = schema.not
            && self.this(frame, id, true).is_ok()
        {
            self.add(frame, || "'not' failed".to_owned());
        }
        let mut causes = Vec::new();
        for id in &schema.all_of {
            causes.extend(self.this(frame, *id, false).err().map(|violation| *violation));
            if frame.quiet && !causes.is_empty() {
                break;
            }
        }
        self.add_with(frame, "'allOf' failed", causes, !schema.all_of.is_empty());
        self.any_of(frame);
        self.one_of(frame);
        if let Some(id) = schema.when {
            let branch = if self.this(frame, id, true).is_ok() { schema.then } else { schema.otherwise };
            if let Some(id) = branch {
                let outcome = self.this(frame, id, false);
                frame.found.extend(outcome.err().map(|violation| *violation));
            }
        }
    }

    /// Adds a violation when it has causes.
    fn add_with(&self, frame: &mut Frame<'a, '_>, text: &str, causes: Vec<Violation>, relevant: bool) {
        if relevant && !causes.is_empty() {
            let mut violation = self.text(frame.quiet, || text.to_owned());
            violation.causes = causes;
            frame.found.push(violation);
        }
    }

    fn any_of(&mut self, frame: &mut Frame<'a, '_>) {
        let (mut matched, mut causes) = (false, Vec::new());
        for id in &frame.schema.any_of {
            match self.this(frame, *id, false) {
                Err(violation) => causes.push(*violation),
                Ok(()) => {
                    matched = true;
                    if frame.unevaluated.is_empty() {
                        break;
                    }
                }
            }
        }
        self.add_with(frame, "'anyOf' failed", causes, !matched);
    }

    fn one_of(&mut self, frame: &mut Frame<'a, '_>) {
        let (mut matched, mut causes) = (None, Vec::new());
        for (at, id) in frame.schema.one_of.iter().enumerate() {
            match (self.this(frame, *id, matched.is_some()), matched) {
                (Err(violation), None) => causes.push(*violation),
                (Err(_), Some(_)) => {}
                (Ok(()), None) => matched = Some(at),
                (Ok(()), Some(first)) => {
                    self.add(frame, || format!("'oneOf' failed, subschemas {}, {} matched", number(first), number(at)));
                    break;
                }
            }
        }
        self.add_with(frame, "'oneOf' failed, none matched", causes, matched.is_none());
    }

    fn unevaluated(&mut self, frame: &mut Frame<'a, '_>) {
        if let (Value::Object(map), Some(id)) = (frame.value, frame.schema.unevaluated_properties) {
            for name in frame.unevaluated.properties.take().into_iter().flatten() {
                if let Some(value) = map.get(&name) {
                    let outcome = self.part(frame, id, value, &name);
                    frame.found.extend(outcome.err().map(|violation| *violation));
                }
            }
        }
        if let (Value::Array(items), Some(id)) = (frame.value, frame.schema.unevaluated_items) {
            for at in frame.unevaluated.items.take().into_iter().flatten() {
                let outcome = self.part(frame, id, &items[at], &at.to_string());
                frame.found.extend(outcome.err().map(|violation| *violation));
            }
        }
    }
}

fn number(count: usize) -> String {
    grouped(count as f64)
}

fn missing(map: &Map<String, Value>, names: &[String]) -> Vec<String> {
    names.iter().filter(|name| !map.contains_key(*name)).cloned().collect()
}

/// Equal by value: 1 and 1.0 are.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b)))
        }
        (a, b) => a == b,
    }
}

/// The first pair of equal items.
fn duplicate(items: &[Value]) -> Option<(usize, usize)> {
    let mut seen = std::collections::HashMap::new();
    for (at, item) in items.iter().enumerate() {
        let mut writer = crate::go_json::Writer::default();
        writer.value(&crate::values::floats(item.clone()));
        if let Some(first) = seen.insert(writer.out, at) {
            return Some((first, at));
        }
    }
    None
}

/// Exact in decimals: 0.3 is a multiple of 0.1.
fn is_multiple(value: f64, step: f64) -> bool {
    let ((value, value_exponent), (step, step_exponent)) = (decimal(value), decimal(step));
    if step == 0 || value == 0 {
        return value == 0;
    }
    let shift = value_exponent - step_exponent;
    if shift >= 0 {
        let modulus = step;
        let power = (0..shift).fold(1 % modulus, |power, _| power * 10 % modulus);
        return (value % modulus) * power % modulus == 0;
    }
    // Digits are at most 17, so a larger power divides nothing.
    u32::try_from(-shift)
        .ok()
        .and_then(|shift| 10u128.checked_pow(shift))
        .and_then(|power| step.checked_mul(power))
        .is_some_and(|step| value % step == 0)
}

/// The shortest digits of a number and the power of ten behind them; the sign does not matter.
fn decimal(value: f64) -> (u128, i32) {
    let text = format!("{:e}", value.abs());
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let fraction = digits.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let digits: u128 = digits.replace('.', "").parse().unwrap_or(0);
    (digits, exponent.parse::<i32>().unwrap_or(0) - fraction as i32)
}
