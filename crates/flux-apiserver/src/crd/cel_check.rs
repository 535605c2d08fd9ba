//! What a schema says about its rules before there are objects: fields that cannot exist, and loops that cannot end in time.
//!
//! Upstream types every expression and bounds its cost. Here the types of fields are followed as far as the schema tells
//! them, and the cost is bounded from below: only what upstream refuses for certain is refused.

use kube_cel::cel::IdedExpr;
use kube_cel::cel::common::ast::{EntryExpr, Expr, operators};
use serde_json::Value;

use super::prune::flag;
use super::rules;

/// Upstream's bound of one rule, in its units of cost.
const BUDGET: f64 = 10_000_000.0;
/// Upstream stops counting here.
const HOPELESS: f64 = 100.0;
/// What a request may weigh, and so what a list without a bound may hold.
const REQUEST_MAX: f64 = (3 << 20) as f64;

/// What is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Defect {
    /// cel-go's message, with its place.
    Types(String),
    /// The rule would cost more than a hundred times what it may.
    Cost,
}

/// Looks at a parsed rule on the schema that it stands in; `root` for the schema of the whole object.
pub(super) fn check(source: &str, tree: &IdedExpr, schema: &Value, root: bool, optional_old: bool) -> Option<Defect> {
    let mut walk = Walk { source, root: root.then_some(schema), scope: Vec::new(), turns: 1.0, most: 1.0, wrong: None };
    walk.scope.push(("self".to_owned(), Some(schema)));
    walk.scope.push(("oldSelf".to_owned(), (!optional_old).then_some(schema)));
    walk.infer(tree);
    match walk.wrong {
        Some(message) => Some(Defect::Types(message)),
        None => (walk.most > BUDGET * HOPELESS).then_some(Defect::Cost),
    }
}

struct Walk<'a> {
    source: &'a str,
    root: Option<&'a Value>,
    scope: Vec<(String, Option<&'a Value>)>,
    /// How often the present place is passed at most.
    turns: f64,
    most: f64,
    wrong: Option<String>,
}

impl<'a> Walk<'a> {
    /// The schema of an expression's value, as far as it is known.
    fn infer(&mut self, tree: &IdedExpr) -> Option<&'a Value> {
        self.most = self.most.max(self.turns);
        match &tree.expr {
            Expr::Ident(name) => {
                self.scope.iter().rev().find(|(known, _)| known == name).and_then(|(_, schema)| *schema)
            }
            Expr::Select(select) => {
                let operand = self.infer(&select.operand)?;
                self.field(operand, &select.field)
            }
            Expr::Call(call) => {
                if let Some(target) = &call.target {
                    self.infer(target);
                }
                let arguments: Vec<Option<&'a Value>> = call.args.iter().map(|one| self.infer(one)).collect();
                match (call.func_name.as_str(), arguments.first()) {
                    (operators::INDEX, Some(Some(list))) => element(list),
                    _ => None,
                }
            }
            Expr::List(list) => {
                for one in &list.elements {
                    self.infer(one);
                }
                None
            }
            Expr::Map(map) => {
                map.entries.iter().for_each(|entry| self.entry(&entry.expr));
                None
            }
            Expr::Struct(one) => {
                one.entries.iter().for_each(|entry| self.entry(&entry.expr));
                None
            }
            Expr::Comprehension(loops) => {
                let range = self.infer(&loops.iter_range);
                self.infer(&loops.accu_init);
                let (depth, before) = (self.scope.len(), self.turns);
                let item = range.filter(|range| range.get("items").is_some()).and_then(element);
                self.scope.push((loops.iter_var.clone(), item.filter(|_| loops.iter_var2.is_none())));
                if let Some(second) = &loops.iter_var2 {
                    self.scope.push((second.clone(), range.and_then(element)));
                }
                self.scope.push((loops.accu_var.clone(), None));
                self.turns *= range.map_or(1.0, most_items);
                self.infer(&loops.loop_cond);
                self.infer(&loops.loop_step);
                self.turns = before;
                self.infer(&loops.result);
                self.scope.truncate(depth);
                None
            }
            Expr::Literal(_) | Expr::Unspecified => None,
        }
    }

    fn entry(&mut self, entry: &EntryExpr) {
        match entry {
            EntryExpr::StructField(field) => {
                self.infer(&field.value);
            }
            EntryExpr::MapEntry(entry) => {
                self.infer(&entry.key);
                self.infer(&entry.value);
            }
        }
    }

    /// The schema of a field, or the note that there can be none.
    fn field(&mut self, holder: &'a Value, name: &str) -> Option<&'a Value> {
        if let Some(inner) = holder.get("additionalProperties").filter(|inner| inner.is_object()) {
            return Some(inner);
        }
        let open = flag(holder, "x-kubernetes-preserve-unknown-fields")
            || flag(holder, "x-kubernetes-embedded-resource")
            || flag(holder, "x-kubernetes-int-or-string")
            || holder.get("type").and_then(Value::as_str) != Some("object");
        let properties = holder.get("properties").and_then(Value::as_object);
        let found = properties.into_iter().flatten().find(|(key, _)| rules::escape(key) == name);
        if let Some((_, schema)) = found {
            // Of metadata only the names are typed, wherever it comes from.
            return (name != "metadata").then_some(schema);
        }
        let own = self.root.is_some_and(|root| std::ptr::eq(root, holder));
        let known = own && matches!(name, "apiVersion" | "kind" | "metadata");
        if !open && !known && self.wrong.is_none() {
            self.wrong = Some(self.undefined(name));
        }
        None
    }

    /// cel-go's layout of the message.
    fn undefined(&self, name: &str) -> String {
        let needle = format!(".{name}");
        let ends = |at: usize| {
            let next = self.source[at + needle.len()..].chars().next();
            next.is_none_or(|next| !next.is_alphanumeric() && next != '_')
        };
        let place = self.source.match_indices(&needle).map(|(at, _)| at).find(|at| ends(*at)).unwrap_or(0);
        let before = &self.source[..place];
        let line = before.matches('\n').count();
        let column = before.chars().rev().take_while(|letter| *letter != '\n').count();
        let text = self.source.lines().nth(line).unwrap_or_default();
        format!(
            "ERROR: <input>:{}:{}: undefined field '{name}'\n | {text}\n | {}^",
            line + 1,
            column + 1,
            ".".repeat(column)
        )
    }
}

/// The schema of what a list or map holds.
fn element(holder: &Value) -> Option<&Value> {
    holder.get("items").or_else(|| holder.get("additionalProperties").filter(|inner| inner.is_object()))
}

/// How many items a list or map may hold.
fn most_items(holder: &Value) -> f64 {
    let bound = |key: &str| holder.get(key).and_then(Value::as_f64);
    let smallest = |inner: &Value| match inner.get("type").and_then(Value::as_str) {
        Some("integer" | "number") => 1.0,
        Some("boolean") => 4.0,
        _ => 2.0,
    };
    if let Some(inner) = holder.get("items") {
        return bound("maxItems").unwrap_or((REQUEST_MAX - 2.0) / (smallest(inner) + 1.0));
    }
    match holder.get("additionalProperties").filter(|inner| inner.is_object()) {
        Some(inner) => bound("maxProperties").unwrap_or((REQUEST_MAX - 2.0) / (smallest(inner) + 6.0)),
        None => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judged(source: &str) -> Option<Defect> {
        let strings = json!({"type": "array", "items": {"type": "string"}});
        let schema = json!({"type": "object", "properties": {
            "a": {"type": "integer"}, "list": strings, "few": {"type": "array", "maxItems": 10, "items": {"type": "object", "properties": {"b": {}}}},
            "map": {"type": "object", "additionalProperties": {"type": "object", "properties": {"c": {}}}},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
        }});
        let tree = rules::compile(source).expect("the rule parses");
        check(source, &tree, &schema, true, false)
    }

    #[test]
    fn fields_must_be_in_the_schema() {
        let message = "ERROR: <input>:1:5: undefined field 'nope'\n | self.nope == 1\n | ....^";
        assert_eq!(judged("self.nope == 1"), Some(Defect::Types(message.into())));
        for good in [
            "self.a == 1",
            "self.metadata.name == 'x'",
            "self.kind == 'x'",
            "self.free.any == 1",
            "self.map['k'].c == 1",
            "self.few.all(x, x.b == 1)",
            "has(self.a) || self.list[0] == 'x'",
            "oldSelf.a == self.a",
        ] {
            assert_eq!(judged(good), None, "{good}");
        }
        assert!(matches!(judged("self.few.exists(x, x.z == 1)"), Some(Defect::Types(_))));
        assert!(matches!(judged("self.map['k'].z == 1"), Some(Defect::Types(_))));
    }

    #[test]
    fn loops_in_loops_without_bounds_are_hopeless() {
        assert_eq!(
            judged("self.list.all(x, self.list.all(y, self.list.all(z, x != y || y == z)))"),
            Some(Defect::Cost)
        );
        assert_eq!(judged("self.few.all(x, self.few.all(y, x != y))"), None);
        assert_eq!(judged("self.list.all(x, x != '')"), None);
    }
}
