//! CEL expressions of admission: whether they parse, and give what their place asks for.

use kube_cel::cel::common::ast::operators as op;
use kube_cel::cel::common::ast::{Expr, LiteralValue};
use kube_cel::cel::parser::Parser;
use serde_json::Value;

use super::at::At;
use super::report::{Report, items, text};

/// Longer or deeper expressions are refused; the parser recurses.
const SOURCE_MAX: usize = 64 * 1024;
const NESTING_MAX: usize = 64;
const CONDITIONS_MAX: usize = 64;

/// What a place asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Gives {
    Bool,
    Text,
    TextOrNull,
    Anything,
}

/// Conditions on requests.
pub(super) fn conditions(own: &Value, at: &At<'_>, report: &mut Report) {
    let list = items(own, "matchConditions");
    if list.len() > CONDITIONS_MAX {
        report.too_many(at, list.len(), CONDITIONS_MAX);
    }
    let mut seen = Vec::new();
    for (index, one) in list.iter().enumerate() {
        let (at, name, source) = (at.index(index), text(one, "name"), text(one, "expression").trim());
        if source.is_empty() {
            report.required(&at.child("expression"), "");
        } else {
            check(source, Gives::Bool, &at.child("expression"), report);
        }
        if name.is_empty() {
            report.required(&at.child("name"), "");
        } else {
            report.qualified_name(&at.child("name"), name);
            if seen.contains(&name) {
                report.duplicate(&at.child("name"), name);
            }
            seen.push(name);
        }
    }
}

/// Compiles as far as upstream's words for common mistakes need.
pub(super) fn check(source: &str, gives: Gives, at: &At<'_>, report: &mut Report) {
    if let Err(error) = compile(source, gives) {
        report.invalid(at, source, error);
    }
}

fn compile(source: &str, gives: Gives) -> Result<(), String> {
    if source.len() > SOURCE_MAX || nesting(source) > NESTING_MAX {
        return Err(format!("compilation failed: longer than {SOURCE_MAX} bytes or nested too deep"));
    }
    let parsed = Parser::new().enable_optional_syntax(true).parse(source);
    let tree = parsed.map_err(|errors| {
        // Upstream indents the lines that point at the place.
        format!("compilation failed: {}", errors.to_string().replace("\n|", "\n |"))
    })?;
    let Some(found) = kind(&tree.expr) else { return Ok(()) };
    match gives {
        Gives::Bool if found != "bool" => Err(format!("must evaluate to bool but got {found}")),
        Gives::Text if found != "string" => Err(format!("must evaluate to string but got {found}")),
        Gives::TextOrNull if !matches!(found, "string" | "null") => {
            Err(format!("must evaluate to one of the types: [string null_type], but got {found}"))
        }
        _ => Ok(()),
    }
}

/// How deep brackets are nested, texts not told apart: an upper bound.
fn nesting(source: &str) -> usize {
    let (mut depth, mut most) = (0usize, 0);
    for byte in source.bytes() {
        match byte {
            b'(' | b'[' | b'{' | b'!' | b'-' | b'?' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        most = most.max(depth);
    }
    most
}

/// The type of an expression, where it shows without knowing variables.
fn kind(tree: &Expr) -> Option<&'static str> {
    match tree {
        Expr::Literal(literal) => Some(match literal {
            LiteralValue::Boolean(_) => "bool",
            LiteralValue::Int(_) => "int",
            LiteralValue::UInt(_) => "uint",
            LiteralValue::Double(_) => "double",
            LiteralValue::String(_) => "string",
            LiteralValue::Bytes(_) => "bytes",
            LiteralValue::Null => "null",
        }),
        Expr::List(_) => Some("list(dyn)"),
        Expr::Map(_) => Some("map(dyn, dyn)"),
        Expr::Call(call) => {
            let boolean = [
                op::LOGICAL_AND,
                op::LOGICAL_OR,
                op::LOGICAL_NOT,
                op::EQUALS,
                op::NOT_EQUALS,
                op::LESS,
                op::LESS_EQUALS,
                op::GREATER,
                op::GREATER_EQUALS,
                op::IN,
            ];
            if boolean.contains(&call.func_name.as_str()) {
                return Some("bool");
            }
            match call.func_name.as_str() {
                "size" => Some("int"),
                "startsWith" | "endsWith" | "contains" | "matches" => Some("bool"),
                op::ADD | op::SUBSTRACT | op::MULTIPLY | op::DIVIDE => {
                    let kinds: Vec<_> = call.args.iter().map(|arg| kind(&arg.expr)).collect();
                    kinds.first().copied().flatten().filter(|first| kinds.iter().all(|one| *one == Some(first)))
                }
                _ => None,
            }
        }
        _ => None,
    }
}
