//! Walks an expression; cel-go's semantics, with a budget.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;

use kube_cel::cel::IdedExpr;
use kube_cel::cel::common::ast::operators as op;
use kube_cel::cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue, MapExpr, SelectExpr};
use serde_json::Value;

use crate::error::Failure;
use crate::functions;
use crate::value::{Key, Val};

/// How many steps one evaluation may take: nodes visited, plus a tenth of the bytes of texts built.
pub const STEP_LIMIT: u64 = 2_000_000;

pub(crate) type Outcome<'a> = Result<Val<'a>, Failure>;

pub(crate) struct Evaluator<'a> {
    data: &'a serde_json::Map<String, Value>,
    /// Variables of comprehensions, innermost last.
    scope: Vec<(&'a str, Val<'a>)>,
    steps: u64,
}

impl<'a> Evaluator<'a> {
    pub(crate) fn new(data: &'a serde_json::Map<String, Value>) -> Self {
        Self { data, scope: Vec::new(), steps: 0 }
    }

    pub(crate) fn run(&mut self, tree: &'a IdedExpr) -> Outcome<'a> {
        self.eval(tree)
    }

    /// Charges the budget.
    pub(crate) fn charge(&mut self, steps: usize) -> Result<(), Failure> {
        self.steps = self.steps.saturating_add(steps as u64);
        if self.steps > STEP_LIMIT { Err(Failure::TooCostly) } else { Ok(()) }
    }

    fn eval(&mut self, tree: &'a IdedExpr) -> Outcome<'a> {
        self.charge(1)?;
        match &tree.expr {
            Expr::Literal(literal) => Ok(literal_value(literal)),
            Expr::Ident(name) => self.variable(name, name),
            Expr::Select(select) => self.select(tree, select),
            Expr::Call(call) => self.call(call),
            Expr::List(list) => {
                let mut items = Vec::with_capacity(list.elements.len());
                for (index, element) in list.elements.iter().enumerate() {
                    match self.eval(element)? {
                        Val::Optional(inner) if list.optional_indices.contains(&index) => {
                            items.extend(inner.map(Rc::unwrap_or_clone));
                        }
                        value => items.push(value),
                    }
                }
                Ok(Val::list(items))
            }
            Expr::Map(map) => self.map(map),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            Expr::Struct(message) => Err(Failure::text(format!("unknown type: {}", message.type_name))),
            Expr::Unspecified => Err(Failure::text("unsupported expression")),
        }
    }

    /// A variable; `attribute` is the whole path that was asked for, which the error names.
    fn variable(&self, name: &str, attribute: &str) -> Outcome<'a> {
        if let Some((_, value)) = self.scope.iter().rev().find(|(known, _)| *known == name) {
            return match value {
                Val::Failed(failure) => Err(failure.as_ref().clone()),
                value => Ok(value.clone()),
            };
        }
        if let Some(value) = self.data.get(name) {
            return Ok(Val::from(value));
        }
        type_denotation(name).ok_or_else(|| Failure::NoSuchAttribute(attribute.to_owned()))
    }

    fn select(&mut self, tree: &'a IdedExpr, select: &'a SelectExpr) -> Outcome<'a> {
        let operand = match attribute_path(tree) {
            Some((root, path)) if !self.known(root) => return self.variable(root, &path),
            _ => self.eval(&select.operand)?,
        };
        let (operand, optional) = match operand {
            Val::Optional(None) if select.test => return Ok(Val::Bool(false)),
            Val::Optional(None) => return Ok(Val::Optional(None)),
            Val::Optional(Some(inner)) => (Rc::unwrap_or_clone(inner), true),
            value => (value, false),
        };
        let found = operand.field(&select.field);
        match found {
            found if select.test => Ok(Val::Bool(found.is_some())),
            Some(value) if optional => Ok(Val::some(value)),
            Some(value) => Ok(value),
            None if optional => Ok(Val::Optional(None)),
            None => Err(Failure::NoSuchKey(select.field.clone())),
        }
    }

    fn known(&self, name: &str) -> bool {
        self.data.contains_key(name)
            || self.scope.iter().any(|(known, _)| *known == name)
            || type_denotation(name).is_some()
    }

    fn map(&mut self, map: &'a MapExpr) -> Outcome<'a> {
        let mut entries = BTreeMap::new();
        for entry in &map.entries {
            let EntryExpr::MapEntry(entry) = &entry.expr else { return Err(Failure::NoSuchOverload) };
            let key = self.eval(&entry.key)?;
            let key =
                Key::of(&key).ok_or_else(|| Failure::text(format!("unsupported key type: {}", key.type_name())))?;
            let value = match self.eval(&entry.value)? {
                Val::Optional(inner) if entry.optional => match inner {
                    Some(inner) => Rc::unwrap_or_clone(inner),
                    None => continue,
                },
                value => value,
            };
            entries.insert(key, value);
        }
        Ok(Val::Map(Rc::new(entries)))
    }

    fn call(&mut self, call: &'a CallExpr) -> Outcome<'a> {
        match (call.func_name.as_str(), call.args.as_slice()) {
            (op::LOGICAL_AND, [left, right]) => self.logical(left, right, false),
            (op::LOGICAL_OR, [left, right]) => self.logical(left, right, true),
            (op::CONDITIONAL, [condition, yes, no]) => match self.eval(condition)? {
                Val::Bool(true) => self.eval(yes),
                Val::Bool(false) => self.eval(no),
                _ => Err(Failure::NoSuchOverload),
            },
            (op::NOT_STRICTLY_FALSE, [inner]) => match self.eval(inner) {
                Ok(Val::Bool(false)) => Ok(Val::Bool(false)),
                Err(failure) if failure.is_final() => Err(failure),
                _ => Ok(Val::Bool(true)),
            },
            (op::OPT_SELECT, [operand, field]) => {
                let (operand, field) = (self.eval(operand)?, self.eval(field)?);
                optional_at(operand, &field)
            }
            (op::OPT_INDEX, [operand, index]) => {
                let (operand, index) = (self.eval(operand)?, self.eval(index)?);
                optional_at(operand, &index)
            }
            (op::ADD, [left, right]) => self.add(left, right),
            _ => self.function(call),
        }
    }

    fn function(&mut self, call: &'a CallExpr) -> Outcome<'a> {
        let mut arguments = Vec::with_capacity(call.args.len() + 1);
        let mut name = Cow::Borrowed(call.func_name.as_str());
        let mut method = false;
        if let Some(target) = &call.target {
            match &target.expr {
                // `sets.contains(...)`: a namespace, unless it is a variable.
                Expr::Ident(prefix) if !self.known(prefix) => name = Cow::Owned(format!("{prefix}.{name}")),
                _ => {
                    method = true;
                    arguments.push(self.eval(target)?);
                }
            }
        }
        for argument in &call.args {
            arguments.push(self.eval(argument)?);
        }
        if let Some(target) = call.target.as_ref().filter(|_| !method)
            && !functions::is_namespaced(&name)
        {
            // A missing variable is the reason, not a missing function.
            return self.eval(target);
        }
        functions::call(self, &name, method, arguments)
    }

    /// `&&` and `||`: one side can decide alone, also when the other fails.
    fn logical(&mut self, left: &'a IdedExpr, right: &'a IdedExpr, decisive: bool) -> Outcome<'a> {
        let left = self.eval(left);
        match &left {
            Ok(Val::Bool(b)) if *b == decisive => return left,
            Err(failure) if failure.is_final() => return left,
            _ => {}
        }
        let right = self.eval(right);
        match (left, right) {
            (_, Ok(Val::Bool(b))) if b == decisive => Ok(Val::Bool(decisive)),
            (Ok(Val::Bool(_)), Ok(Val::Bool(_))) => Ok(Val::Bool(!decisive)),
            (_, Err(failure)) if failure.is_final() => Err(failure),
            (Err(failure), _) | (_, Err(failure)) => Err(failure),
            _ => Err(Failure::NoSuchOverload),
        }
    }

    /// `+`; a list that a comprehension builds grows in place.
    fn add(&mut self, left: &'a IdedExpr, right: &'a IdedExpr) -> Outcome<'a> {
        if let Expr::Ident(name) = &left.expr
            && let Some(place) = self.scope.iter().rposition(|(known, _)| known == name)
            && matches!(self.scope[place].1, Val::List(_))
        {
            let added = self.eval(right)?;
            let Some(added) = added.items() else { return Err(Failure::NoSuchOverload) };
            self.charge(added.len())?;
            // The step's result takes the variable's place, so the old value is not needed any more.
            let Val::List(mut items) = std::mem::replace(&mut self.scope[place].1, Val::Null) else {
                return Err(Failure::NoSuchOverload);
            };
            if name.starts_with('@') || name.starts_with("__") {
                Rc::make_mut(&mut items).extend(added);
                return Ok(Val::List(items));
            }
            let mut joined = items.as_ref().clone();
            self.charge(joined.len())?;
            self.scope[place].1 = Val::List(items);
            joined.extend(added);
            return Ok(Val::list(joined));
        }
        let (left, right) = (self.eval(left)?, self.eval(right)?);
        functions::call(self, op::ADD, false, vec![left, right])
    }

    fn comprehension(&mut self, loops: &'a ComprehensionExpr) -> Outcome<'a> {
        let range = self.eval(&loops.iter_range)?;
        let pairs = self.pairs(&range, loops.iter_var2.is_some())?;
        let start = self.eval(&loops.accu_init)?;
        let depth = self.scope.len();
        self.scope.push((&loops.accu_var, start));
        let result = self.iterate(loops, pairs, depth);
        self.scope.truncate(depth);
        result
    }

    /// `exists` and `all` keep the failure of one element until the end, where another may decide.
    fn iterate(
        &mut self,
        loops: &'a ComprehensionExpr,
        pairs: Vec<(Val<'a>, Option<Val<'a>>)>,
        depth: usize,
    ) -> Outcome<'a> {
        for (first, second) in pairs {
            self.charge(1)?;
            self.scope.push((&loops.iter_var, first));
            if let (Some(name), Some(second)) = (&loops.iter_var2, second) {
                self.scope.push((name, second));
            }
            if let Val::Bool(false) = self.eval(&loops.loop_cond)? {
                self.scope.truncate(depth + 1);
                break;
            }
            let next = match self.eval(&loops.loop_step) {
                Err(failure) if failure.is_final() => return Err(failure),
                Err(failure) => Val::Failed(Rc::new(failure)),
                Ok(next) => next,
            };
            self.scope.truncate(depth + 1);
            self.scope[depth].1 = next;
        }
        self.scope.truncate(depth + 1);
        self.eval(&loops.result)
    }

    /// What a comprehension goes over: elements, or keys; with two variables index or key first.
    fn pairs(&mut self, range: &Val<'a>, two: bool) -> Result<Vec<(Val<'a>, Option<Val<'a>>)>, Failure> {
        self.charge(range.size().unwrap_or_default())?;
        if let Some(items) = range.items() {
            let index = |i: usize| Val::Int(i64::try_from(i).unwrap_or(i64::MAX));
            let pair = |(i, item)| if two { (index(i), Some(item)) } else { (item, None) };
            return Ok(items.into_iter().enumerate().map(pair).collect());
        }
        let keys = range.keys().ok_or(Failure::NoSuchOverload)?;
        Ok(keys.into_iter().map(|key| (key.clone(), if two { range.at_key(&key) } else { None })).collect())
    }
}

fn optional_at<'a>(operand: Val<'a>, index: &Val<'a>) -> Outcome<'a> {
    let operand = match operand {
        Val::Optional(None) => return Ok(Val::Optional(None)),
        Val::Optional(Some(inner)) => Rc::unwrap_or_clone(inner),
        value => value,
    };
    match functions::index(&operand, index) {
        Ok(value) => Ok(Val::some(value)),
        Err(Failure::NoSuchKey(_) | Failure::IndexOutOfBounds(_)) => Ok(Val::Optional(None)),
        Err(failure) => Err(failure),
    }
}

/// `a.b.c` as its root and its text; `None` when something else is inside.
fn attribute_path(tree: &IdedExpr) -> Option<(&str, String)> {
    match &tree.expr {
        Expr::Ident(name) => Some((name, name.clone())),
        Expr::Select(select) => {
            let (root, path) = attribute_path(&select.operand)?;
            Some((root, format!("{path}.{}", select.field)))
        }
        _ => None,
    }
}

fn type_denotation<'a>(name: &str) -> Option<Val<'a>> {
    const TYPES: &[&str] = &["bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type", "type"];
    TYPES.iter().find(|known| **known == name).map(|name| Val::Type(name))
}

fn literal_value(literal: &LiteralValue) -> Val<'_> {
    match literal {
        LiteralValue::Null => Val::Null,
        LiteralValue::Boolean(b) => Val::Bool(*b.inner()),
        LiteralValue::Int(i) => Val::Int(*i.inner()),
        LiteralValue::UInt(u) => Val::Uint(*u.inner()),
        LiteralValue::Double(d) => Val::Double(*d.inner()),
        LiteralValue::String(text) => Val::Str(Cow::Borrowed(text.inner())),
        LiteralValue::Bytes(bytes) => Val::Bytes(bytes.inner().to_vec().into()),
    }
}
