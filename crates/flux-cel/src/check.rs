//! Names and types of a compiled expression, as far as they can be known before data is there.
//!
//! Variables are objects with fields of any type, so most types are `dyn`; what is found are unknown
//! names, operators between values that can never fit, and a result of the wrong type.

use kube_cel::cel::IdedExpr;
use kube_cel::cel::common::ast::operators as op;
use kube_cel::cel::common::ast::{CallExpr, ComprehensionExpr, Expr, LiteralValue};

use crate::error::CelError;

/// A type that a compiled expression may have to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputType {
    /// `bool`
    Bool,
    /// `string`
    String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Dyn,
    Bool,
    Int,
    Uint,
    Double,
    Str,
    Bytes,
    Null,
    List,
    Map,
    Optional,
    Duration,
    Timestamp,
    Kind,
}

impl Type {
    fn name(self) -> &'static str {
        match self {
            Self::Dyn => "dyn",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Double => "double",
            Self::Str => "string",
            Self::Bytes => "bytes",
            Self::Null => "null",
            Self::List => "list(dyn)",
            Self::Map => "map(string, dyn)",
            Self::Optional => "optional_type(dyn)",
            Self::Duration => "google.protobuf.Duration",
            Self::Timestamp => "google.protobuf.Timestamp",
            Self::Kind => "type",
        }
    }

    fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::Uint | Self::Double)
    }

    fn may_be(self, other: Self) -> bool {
        self == Self::Dyn || other == Self::Dyn || self == other
    }
}

/// Functions and what they give.
pub(crate) const FUNCTIONS: &[(&str, Type)] = &[
    ("size", Type::Int),
    ("contains", Type::Bool),
    ("startsWith", Type::Bool),
    ("endsWith", Type::Bool),
    ("matches", Type::Bool),
    ("string", Type::Str),
    ("int", Type::Int),
    ("uint", Type::Uint),
    ("double", Type::Double),
    ("bool", Type::Bool),
    ("bytes", Type::Bytes),
    ("duration", Type::Duration),
    ("timestamp", Type::Timestamp),
    ("type", Type::Kind),
    ("dyn", Type::Dyn),
    ("getFullYear", Type::Int),
    ("getMonth", Type::Int),
    ("getDayOfYear", Type::Int),
    ("getDayOfMonth", Type::Int),
    ("getDate", Type::Int),
    ("getDayOfWeek", Type::Int),
    ("getHours", Type::Int),
    ("getMinutes", Type::Int),
    ("getSeconds", Type::Int),
    ("getMilliseconds", Type::Int),
    ("charAt", Type::Str),
    ("indexOf", Type::Int),
    ("lastIndexOf", Type::Int),
    ("join", Type::Str),
    ("lowerAscii", Type::Str),
    ("upperAscii", Type::Str),
    ("replace", Type::Str),
    ("split", Type::List),
    ("substring", Type::Str),
    ("trim", Type::Str),
    ("reverse", Type::Str),
    ("strings.quote", Type::Str),
    ("sets.contains", Type::Bool),
    ("sets.equivalent", Type::Bool),
    ("sets.intersects", Type::Bool),
    ("base64.encode", Type::Str),
    ("base64.decode", Type::Bytes),
    ("optional.of", Type::Optional),
    ("optional.none", Type::Optional),
    ("optional.ofNonZeroValue", Type::Optional),
    ("hasValue", Type::Bool),
    ("value", Type::Dyn),
    ("or", Type::Optional),
    ("orValue", Type::Dyn),
    ("first", Type::Optional),
    ("last", Type::Optional),
];

/// What is wrong, and the word in the source where.
struct Defect {
    message: String,
    word: String,
}

pub(crate) fn check(
    source: &str,
    tree: &IdedExpr,
    variables: &[&str],
    output: Option<OutputType>,
) -> Result<(), CelError> {
    let mut checker = Checker { scope: variables.iter().map(|name| ((*name).to_owned(), Type::Map)).collect() };
    let found = checker
        .infer(tree)
        .map_err(|defect| CelError::Parse { expression: source.to_owned(), message: located(source, &defect) })?;
    let expected = match output {
        None => return Ok(()),
        Some(OutputType::Bool) => Type::Bool,
        Some(OutputType::String) => Type::Str,
    };
    if found == expected {
        return Ok(());
    }
    Err(CelError::OutputType { expected: expected.name().to_owned(), found: found.name().to_owned() })
}

/// cel-go's layout: place, message, and the line with a mark below it.
fn located(source: &str, defect: &Defect) -> String {
    let place = find_word(source, &defect.word);
    let before = &source[..place];
    let line = before.matches('\n').count();
    let column = before.chars().rev().take_while(|c| *c != '\n').count();
    let text = source.lines().nth(line).unwrap_or_default();
    format!("ERROR: <input>:{}:{}: {}\n | {text}\n | {}^", line + 1, column + 1, defect.message, ".".repeat(column))
}

/// The first place of a word outside of texts; a name must stand alone.
fn find_word(source: &str, word: &str) -> usize {
    let name = word.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let mut quote = None;
    let mut escaped = false;
    for (place, c) in source.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(end) if c == end => quote = None,
            Some(_) => {}
            None if source[place..].starts_with(word) => {
                let (before, after) =
                    (source[..place].chars().next_back(), source[place + word.len()..].chars().next());
                if !name || (!part(before) && !part(after)) {
                    return place;
                }
            }
            None if c == '\'' || c == '"' => quote = Some(c),
            None => {}
        }
    }
    0
}

struct Checker {
    scope: Vec<(String, Type)>,
}

impl Checker {
    fn infer(&mut self, tree: &IdedExpr) -> Result<Type, Defect> {
        match &tree.expr {
            Expr::Literal(literal) => Ok(match literal {
                LiteralValue::Boolean(_) => Type::Bool,
                LiteralValue::Bytes(_) => Type::Bytes,
                LiteralValue::Double(_) => Type::Double,
                LiteralValue::Int(_) => Type::Int,
                LiteralValue::Null => Type::Null,
                LiteralValue::String(_) => Type::Str,
                LiteralValue::UInt(_) => Type::Uint,
            }),
            Expr::Ident(name) => self.variable(name),
            Expr::Select(select) => match self.infer(&select.operand)? {
                _ if select.test => Ok(Type::Bool),
                Type::Dyn | Type::Map => Ok(Type::Dyn),
                Type::Optional => Ok(Type::Optional),
                other => Err(Defect {
                    message: format!("type '{}' does not support field selection", other.name()),
                    word: ".".into(),
                }),
            },
            Expr::Call(call) => self.call(call),
            Expr::List(list) => {
                list.elements.iter().try_for_each(|element| self.infer(element).map(drop))?;
                Ok(Type::List)
            }
            Expr::Map(_) => Ok(Type::Map),
            Expr::Comprehension(loops) => self.comprehension(loops),
            Expr::Struct(message) => Err(Defect {
                message: format!("undeclared reference to '{}' (in container '')", message.type_name),
                word: message.type_name.clone(),
            }),
            Expr::Unspecified => Ok(Type::Dyn),
        }
    }

    fn variable(&self, name: &str) -> Result<Type, Defect> {
        const KINDS: &[&str] =
            &["bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type", "type"];
        match self.scope.iter().rev().find(|(known, _)| known == name) {
            Some((_, found)) => Ok(*found),
            None if KINDS.contains(&name) => Ok(Type::Kind),
            None => Err(undeclared(name)),
        }
    }

    fn call(&mut self, call: &CallExpr) -> Result<Type, Defect> {
        let name = call.func_name.as_str();
        let mut types = Vec::new();
        let mut function = name.to_owned();
        if let Some(target) = &call.target {
            match &target.expr {
                Expr::Ident(prefix) if crate::functions::is_namespaced(&format!("{prefix}.{name}")) => {
                    function = format!("{prefix}.{name}");
                }
                _ => types.push(self.infer(target)?),
            }
        }
        for argument in &call.args {
            types.push(self.infer(argument)?);
        }
        match operator(name, &types) {
            Some(Some(result)) => Ok(result),
            Some(None) => {
                let listed: Vec<_> = types.iter().map(|found| found.name()).collect();
                Err(Defect {
                    message: format!("found no matching overload for '{name}' applied to '({})'", listed.join(", ")),
                    word: operator_word(name),
                })
            }
            None => match FUNCTIONS.iter().find(|(known, _)| *known == function) {
                Some((_, result)) => Ok(*result),
                None => Err(undeclared(name)),
            },
        }
    }

    fn comprehension(&mut self, loops: &ComprehensionExpr) -> Result<Type, Defect> {
        let range = self.infer(&loops.iter_range)?;
        if !matches!(range, Type::Dyn | Type::List | Type::Map) {
            return Err(Defect {
                message: format!(
                    "expression of type '{}' cannot be range of a comprehension (must be list, map, or dynamic)",
                    range.name()
                ),
                word: ".".into(),
            });
        }
        let result = self.infer(&loops.accu_init)?;
        let depth = self.scope.len();
        self.scope.push((loops.accu_var.clone(), result));
        let element = if range == Type::Map { Type::Str } else { Type::Dyn };
        self.scope.push((loops.iter_var.clone(), element));
        self.scope.extend(loops.iter_var2.iter().map(|name| (name.clone(), Type::Dyn)));
        let found = self.infer(&loops.loop_cond).and_then(|_| self.infer(&loops.loop_step));
        self.scope.truncate(depth + 1);
        let found = found.and_then(|_| self.infer(&loops.result));
        self.scope.truncate(depth);
        found
    }
}

fn undeclared(name: &str) -> Defect {
    Defect { message: format!("undeclared reference to '{name}' (in container '')"), word: name.to_owned() }
}

/// `None`: no operator. `Some(None)`: it does not fit these types.
fn operator(name: &str, types: &[Type]) -> Option<Option<Type>> {
    let when = |fits: bool, result: Type| Some(fits.then_some(result));
    match (name, types) {
        (op::EQUALS | op::NOT_EQUALS, [a, b]) => when(a.may_be(*b) || *a == Type::Null || *b == Type::Null, Type::Bool),
        (op::LOGICAL_AND | op::LOGICAL_OR, [a, b]) => when(a.may_be(Type::Bool) && b.may_be(Type::Bool), Type::Bool),
        (op::LOGICAL_NOT, [a]) => when(a.may_be(Type::Bool), Type::Bool),
        (op::NOT_STRICTLY_FALSE, [_]) => when(true, Type::Bool),
        (op::CONDITIONAL, [condition, a, b]) => {
            when(condition.may_be(Type::Bool) && a.may_be(*b), if a == b { *a } else { Type::Dyn })
        }
        (op::LESS | op::LESS_EQUALS | op::GREATER | op::GREATER_EQUALS, [a, b]) => {
            when(a.may_be(*b) || (a.is_number() && b.is_number()), Type::Bool)
        }
        (op::IN, [_, b]) => when(matches!(b, Type::Dyn | Type::List | Type::Map), Type::Bool),
        (op::ADD | op::SUBSTRACT | op::MULTIPLY | op::DIVIDE | op::MODULO, [a, b]) => {
            let times = matches!((a, b), (Type::Timestamp | Type::Duration, Type::Timestamp | Type::Duration));
            let plain = !matches!(a, Type::Bool | Type::Map | Type::Null | Type::Optional | Type::Kind);
            when((a.may_be(*b) && plain) || times, if *a == *b && !times { *a } else { Type::Dyn })
        }
        (op::NEGATE, [a]) => when(matches!(a, Type::Dyn | Type::Int | Type::Double), *a),
        (op::INDEX, [a, _]) => when(matches!(a, Type::Dyn | Type::List | Type::Map | Type::Optional), Type::Dyn),
        (op::OPT_INDEX | op::OPT_SELECT, _) => when(true, Type::Optional),
        _ => None,
    }
}

fn operator_word(name: &str) -> String {
    match name {
        op::CONDITIONAL => "?".into(),
        op::IN => "in".into(),
        op::INDEX => "[".into(),
        other => other.trim_matches('_').to_owned(),
    }
}
