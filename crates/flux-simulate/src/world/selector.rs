//! Label selectors of Services, budgets, affinity terms and nodes.

use super::Object;
use crate::kinds::Kind;
use serde_json::Value;
use std::collections::BTreeMap;

/// A label selector: equal pairs and set expressions, all of which must hold.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selector {
    pairs: BTreeMap<String, String>,
    expressions: Vec<Expression>,
}

#[derive(Debug, Clone)]
struct Expression {
    key: String,
    operator: String,
    values: Vec<String>,
}

impl Selector {
    /// The Pods that a Service or a disruption budget is for. `None` when it is for none.
    pub(crate) fn of(object: &Object) -> Option<Selector> {
        match object.key.kind {
            Kind::Service => {
                let pairs = super::strings(&object.spec["selector"]);
                (!pairs.is_empty()).then(|| Selector { pairs, expressions: Vec::new() })
            }
            _ => object.spec.get("selector").filter(|selector| selector.is_object()).map(Selector::read),
        }
    }

    /// A `LabelSelector`: `matchLabels` and `matchExpressions`.
    pub(crate) fn read(selector: &Value) -> Selector {
        Selector {
            pairs: super::strings(&selector["matchLabels"]),
            expressions: Expression::list(&selector["matchExpressions"]),
        }
    }

    /// A list of requirements alone, as node selector terms have them.
    pub(crate) fn requirements(expressions: &Value) -> Selector {
        Selector { pairs: BTreeMap::new(), expressions: Expression::list(expressions) }
    }

    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(label, value)| (label.as_str(), value.as_str()))
    }

    pub(crate) fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.pairs.iter().all(|(label, value)| labels.get(label) == Some(value))
            && self.expressions.iter().all(|expression| expression.matches(labels.get(&expression.key)))
    }
}

impl Expression {
    fn list(value: &Value) -> Vec<Expression> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let items = value.as_array().into_iter().flatten();
        items
            .map(|item| Expression {
                key: text(&item["key"]),
                operator: text(&item["operator"]),
                values: item["values"].as_array().into_iter().flatten().map(text).collect(),
            })
            .collect()
    }

    fn matches(&self, value: Option<&String>) -> bool {
        let ordered = |compare: fn(i64, i64) -> bool| {
            let bound = self.values.first().and_then(|bound| bound.parse().ok());
            value.and_then(|value| value.parse().ok()).zip(bound).is_some_and(|(value, bound)| compare(value, bound))
        };
        match self.operator.as_str() {
            "In" => value.is_some_and(|value| self.values.contains(value)),
            "NotIn" => value.is_none_or(|value| !self.values.contains(value)),
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            "Gt" => ordered(|value, bound| value > bound),
            "Lt" => ordered(|value, bound| value < bound),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Selector;
    use serde_json::json;

    #[test]
    fn operators() {
        let labels = crate::world::strings(&json!({"gpu": "h100", "count": "8"}));
        for (key, operator, values, expect) in [
            ("gpu", "In", vec!["a100", "h100"], true),
            ("gpu", "NotIn", vec!["h100"], false),
            ("other", "NotIn", vec!["h100"], true),
            ("gpu", "Exists", vec![], true),
            ("gpu", "DoesNotExist", vec![], false),
            ("count", "Gt", vec!["4"], true),
            ("count", "Lt", vec!["8"], false),
            ("gpu", "Like", vec!["h"], false),
        ] {
            let selector = Selector::requirements(&json!([{"key": key, "operator": operator, "values": values}]));
            assert_eq!(selector.matches(&labels), expect, "{key} {operator} {values:?}");
        }
        assert!(Selector::read(&json!({"matchLabels": {"gpu": "h100"}})).matches(&labels));
        assert!(!Selector::read(&json!({"matchLabels": {"gpu": "a100"}})).matches(&labels));
    }
}
