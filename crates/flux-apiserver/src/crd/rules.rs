//! `x-kubernetes-validations`: rules in CEL, with Kubernetes' function libraries.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use kube_cel::KubeCelExt as _;
use kube_cel::cel::common::ast::{EntryExpr, Expr, operators};
use kube_cel::cel::parser::Parser;
use kube_cel::cel::{self, Context, IdedExpr};
use serde_json::{Map, Value};

use super::prune::flag;
use super::validate::counterpart;
use crate::names::CEL_RESERVED;
use crate::object::text;
use crate::status::{FieldError, FieldErrorType};

const RULES: &str = "x-kubernetes-validations";

/// Compiled expressions, shared by all definitions; `None` for those that do not parse.
static PROGRAMS: LazyLock<RwLock<HashMap<String, Option<Arc<IdedExpr>>>>> = LazyLock::new(RwLock::default);
/// Expressions kept at most; beyond that they are compiled again.
const PROGRAMS_MAX: usize = 4096;
/// Stack of the parser's thread.
const PARSER_STACK: usize = 64 << 20;
/// Deeper trees are refused: evaluation recurses.
const DEPTH_MAX: usize = 128;
/// Longer expressions are refused.
const SOURCE_MAX: usize = 64 << 10;

pub(crate) fn program(source: &str) -> Option<Arc<IdedExpr>> {
    if let Some(held) = PROGRAMS.read().unwrap_or_else(PoisonError::into_inner).get(source) {
        return held.clone();
    }
    let compiled = compile(source).ok().map(Arc::new);
    let mut all = PROGRAMS.write().unwrap_or_else(PoisonError::into_inner);
    if all.len() >= PROGRAMS_MAX {
        all.clear();
    }
    all.insert(source.to_owned(), compiled.clone());
    compiled
}

/// Compiles an expression, or says why it cannot be.
pub(crate) fn compile(source: &str) -> Result<IdedExpr, String> {
    if source.len() > SOURCE_MAX {
        return Err(format!("longer than {SOURCE_MAX} bytes"));
    }
    // The parser recurses with the text; address space costs nothing.
    std::thread::scope(|scope| {
        let parse = || {
            let mut tree =
                Parser::new().enable_optional_syntax(true).parse(source).map_err(|errors| errors.to_string())?;
            if !mend(&mut tree, DEPTH_MAX) {
                return Err(format!("nested deeper than {DEPTH_MAX} levels"));
            }
            Ok(tree)
        };
        let worker = std::thread::Builder::new().stack_size(PARSER_STACK).spawn_scoped(scope, parse);
        match worker.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(result)) => result,
            _ => Err("the expression cannot be parsed".to_owned()),
        }
    })
}

/// Turns optional selection into optional indexing, as the evaluator takes a missing field of the former for an
/// error; false for trees that are too deep to evaluate.
fn mend(tree: &mut IdedExpr, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    match &mut tree.expr {
        Expr::Call(call) => {
            if call.func_name == operators::OPT_SELECT {
                call.func_name = operators::OPT_INDEX.to_owned();
            }
            call.target.iter_mut().all(|target| mend(target, depth)) && call.args.iter_mut().all(|one| mend(one, depth))
        }
        Expr::Comprehension(one) => {
            mend(&mut one.iter_range, depth)
                && mend(&mut one.accu_init, depth)
                && mend(&mut one.loop_cond, depth)
                && mend(&mut one.loop_step, depth)
                && mend(&mut one.result, depth)
        }
        Expr::List(list) => list.elements.iter_mut().all(|one| mend(one, depth)),
        Expr::Map(map) => map.entries.iter_mut().all(|entry| mend_entry(&mut entry.expr, depth)),
        Expr::Struct(one) => one.entries.iter_mut().all(|entry| mend_entry(&mut entry.expr, depth)),
        Expr::Select(select) => mend(&mut select.operand, depth),
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => true,
    }
}

fn mend_entry(entry: &mut EntryExpr, depth: usize) -> bool {
    match entry {
        EntryExpr::StructField(field) => mend(&mut field.value, depth),
        EntryExpr::MapEntry(entry) => mend(&mut entry.key, depth) && mend(&mut entry.value, depth),
    }
}

/// Whether a schema holds any rule.
pub(crate) fn any(schema: &Value) -> bool {
    match schema {
        Value::Object(map) => {
            map.get(RULES).and_then(Value::as_array).is_some_and(|list| !list.is_empty()) || map.values().any(any)
        }
        Value::Array(items) => items.iter().any(any),
        _ => false,
    }
}

/// Evaluates all rules over an object.
pub(crate) fn check(object: &Value, old: Option<&Value>, schema: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    walk(object, old, schema, "", &mut errors);
    errors
}

fn walk(value: &Value, old: Option<&Value>, schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for rule in schema.get(RULES).and_then(Value::as_array).into_iter().flatten() {
        if let Some(error) = evaluate(rule, value, old, schema, path) {
            errors.push(error);
        }
    }
    match value {
        Value::Object(map) => {
            let properties = schema.get("properties").and_then(Value::as_object);
            let additional = schema.get("additionalProperties").filter(|inner| inner.is_object());
            for (key, value) in map {
                let before = old.and_then(|old| old.get(key));
                if let Some(inner) = properties.and_then(|properties| properties.get(key)) {
                    let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    walk(value, before, inner, &below, errors);
                } else if let Some(inner) = additional {
                    walk(value, before, inner, &format!("{path}[{key}]"), errors);
                }
            }
        }
        Value::Array(items) => {
            let Some(inner) = schema.get("items") else { return };
            let old_items = old.and_then(Value::as_array);
            // Only lists with identity have counterparts.
            let correlates = schema.get("x-kubernetes-list-type").and_then(Value::as_str) == Some("map");
            for (index, item) in items.iter().enumerate() {
                let before = old_items.filter(|_| correlates).and_then(|old| counterpart(old, item, index, schema));
                walk(item, before, inner, &format!("{path}[{index}]"), errors);
            }
        }
        _ => {}
    }
}

fn evaluate(rule: &Value, value: &Value, old: Option<&Value>, schema: &Value, path: &str) -> Option<FieldError> {
    let source = text(rule, "rule");
    let transition = names_old(source);
    let optional = flag(rule, "optionalOldSelf");
    if transition && !optional && old.is_none() {
        return None;
    }
    // What did not change was accepted before; rules about change are asked all the same.
    if !transition && old == Some(value) {
        return None;
    }
    let program = match program(source) {
        Some(program) => program,
        None => return Some(failure(rule, value, path, format!("rule compile error: {source}"))),
    };
    let base = Context::default().with_all();
    let mut context = base.new_inner_scope();
    context.add_variable_from_value("self", to_cel(value, schema));
    if transition {
        let before = old.map(|old| to_cel(old, schema));
        let bound = if optional { optional_of(before) } else { before };
        if let Some(before) = bound {
            context.add_variable_from_value("oldSelf", before);
        }
    }
    match cel::Value::resolve(&program, &context) {
        Ok(cel::Value::Bool(true)) => None,
        Ok(cel::Value::Bool(false)) => {
            let words = message(rule, source, &context);
            Some(failure(rule, value, path, words))
        }
        Ok(_) => Some(failure(rule, value, path, format!("rule evaluation error: {source} is no boolean"))),
        Err(error) => {
            let error = error.to_string();
            let error = match error.strip_prefix("No such key: ") {
                Some(key) => format!("no such key: {key}"),
                None => error,
            };
            Some(failure(rule, value, path, format!("rule evaluation error: {error}")))
        }
    }
}

fn names_old(source: &str) -> bool {
    super::validate::matches(r"\boldSelf\b", source)
}

/// The value as CEL's optional.
fn optional_of(value: Option<cel::Value>) -> Option<cel::Value> {
    let base = Context::default().with_all();
    let mut context = base.new_inner_scope();
    let source = match value {
        Some(value) => {
            context.add_variable_from_value("value", value);
            "optional.of(value)"
        }
        None => "optional.none()",
    };
    cel::Value::resolve(program(source)?.as_ref(), &context).ok()
}

fn message(rule: &Value, source: &str, context: &Context<'_>) -> String {
    let expression = text(rule, "messageExpression");
    if !expression.is_empty()
        && let Some(program) = program(expression)
        && let Ok(cel::Value::String(words)) = cel::Value::resolve(&program, context)
        && !words.trim().is_empty()
        && !words.contains('\n')
    {
        return words.trim().to_owned();
    }
    match text(rule, "message") {
        "" => format!("failed rule: {}", source.trim()),
        words => words.trim().to_owned(),
    }
}

fn failure(rule: &Value, value: &Value, path: &str, words: String) -> FieldError {
    let field = format!("{path}{}", text(rule, "fieldPath"));
    let field = field.strip_prefix('.').map_or(field.clone(), str::to_owned);
    let field = if field.is_empty() { "<nil>".to_owned() } else { field };
    let scalar = (!value.is_object() && !value.is_array()).then(|| value.clone());
    match text(rule, "reason") {
        "FieldValueRequired" => FieldError::required(field, words),
        "FieldValueForbidden" => FieldError::forbidden(field, words),
        "FieldValueDuplicate" => FieldError::new(FieldErrorType::Duplicate, field, scalar, words),
        _ => FieldError::new(FieldErrorType::Invalid, field, scalar, words),
    }
}

/// A value without a schema.
pub(crate) fn plain(value: &Value) -> cel::Value {
    to_cel(value, &Value::Null)
}

/// A value as rules see it: typed by the schema, field names escaped, fields the schema does not know left out.
fn to_cel(value: &Value, schema: &Value) -> cel::Value {
    match value {
        Value::Null => cel::Value::Null,
        Value::Bool(on) => cel::Value::Bool(*on),
        Value::String(text) => cel::Value::String(Arc::new(text.clone())),
        Value::Number(number) => match number.as_i64() {
            Some(whole) if schema.get("type").and_then(Value::as_str) != Some("number") => cel::Value::Int(whole),
            _ => cel::Value::Float(number.as_f64().unwrap_or(0.0)),
        },
        Value::Array(items) => {
            let inner = schema.get("items").unwrap_or(&Value::Null);
            cel::Value::List(Arc::new(items.iter().map(|item| to_cel(item, inner)).collect()))
        }
        Value::Object(map) => map_to_cel(map, schema),
    }
}

fn map_to_cel(map: &Map<String, Value>, schema: &Value) -> cel::Value {
    let properties = schema.get("properties").and_then(Value::as_object);
    let additional = schema.get("additionalProperties").filter(|inner| inner.is_object());
    let mut out: HashMap<cel::objects::Key, cel::Value> = HashMap::new();
    for (key, value) in map {
        let known = properties.and_then(|properties| properties.get(key));
        let inner = known.or(additional).unwrap_or(&Value::Null);
        let name = if additional.is_some() { key.clone() } else { escape(key) };
        out.insert(cel::objects::Key::String(Arc::new(name)), to_cel(value, inner));
    }
    cel::Value::Map(cel::objects::Map { map: Arc::new(out) })
}

pub(super) fn escape(name: &str) -> String {
    if CEL_RESERVED.contains(&name) || name == "while" {
        return format!("__{name}__");
    }
    if !name.contains(['.', '-', '/']) && !name.contains("__") {
        return name.to_owned();
    }
    name.replace("__", "__underscores__").replace('.', "__dot__").replace('-', "__dash__").replace('/', "__slash__")
}
