//! Label selectors.

use serde_json::Value;

use super::at::At;
use super::report::{Report, entries, items, text, texts};
use crate::names;

const OPERATORS: [&str; 4] = ["In", "NotIn", "Exists", "DoesNotExist"];

/// Checks a label selector; nothing when it is absent.
pub(super) fn check(selector: &Value, at: &At<'_>, report: &mut Report) {
    report.labels(&at.child("matchLabels"), &selector["matchLabels"]);
    for (index, one) in items(selector, "matchExpressions").iter().enumerate() {
        let list = at.child("matchExpressions");
        let at = list.index(index);
        let values = texts(one, "values");
        match text(one, "operator") {
            "In" | "NotIn" if values.is_empty() => {
                report.required(&at.child("values"), "must be specified when `operator` is 'In' or 'NotIn'");
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                let words = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
                report.forbidden(&at.child("values"), words);
            }
            known if OPERATORS.contains(&known) => {}
            other => report.invalid(&at.child("operator"), other, "not a valid selector operator"),
        }
        report.qualified_name(&at.child("key"), text(one, "key"));
        for (index, value) in values.into_iter().enumerate() {
            report.each(&at.child("values").index(index), value, names::label_value(value));
        }
    }
}

/// Whether upstream can turn it into its working form.
pub(super) fn is_usable(selector: &Value) -> bool {
    let labels = entries(selector, "matchLabels");
    let mut labels = labels.map(|(key, value)| (key, value.as_str().unwrap_or_default()));
    let fits = |key: &str, values: &[&str]| {
        names::qualified_name(key).is_empty() && values.iter().all(|value| names::label_value(value).is_empty())
    };
    labels.all(|(key, value)| fits(key, &[value]))
        && items(selector, "matchExpressions").iter().all(|one| {
            let values = texts(one, "values");
            let shaped = match text(one, "operator") {
                "In" | "NotIn" => !values.is_empty(),
                "Exists" | "DoesNotExist" => values.is_empty(),
                _ => false,
            };
            shaped && fits(text(one, "key"), &values)
        })
}

pub(super) fn is_empty(selector: &Value) -> bool {
    entries(selector, "matchLabels").next().is_none() && items(selector, "matchExpressions").is_empty()
}

/// Whether it picks these labels. An absent selector picks nothing, an empty one everything.
pub(super) fn picks(selector: &Value, labels: &Value) -> bool {
    if selector.is_null() {
        return false;
    }
    let label = |key: &str| labels[key].as_str();
    entries(selector, "matchLabels").all(|(key, value)| label(key) == value.as_str())
        && items(selector, "matchExpressions").iter().all(|one| {
            let own = label(text(one, "key"));
            let listed = own.is_some_and(|own| texts(one, "values").contains(&own));
            match text(one, "operator") {
                "In" => listed,
                "NotIn" => !listed,
                "Exists" => own.is_some(),
                _ => own.is_none(),
            }
        })
}

/// The selector as upstream prints it: in the order of its fields.
pub(super) fn printed(selector: &Value) -> String {
    super::internal::printed("*LabelSelector", selector)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selectors_pick_labels() {
        let selector = json!({
            "matchLabels": { "a": "b" }, "matchExpressions": [{ "key": "c", "operator": "NotIn", "values": ["d"] }],
        });
        assert!(picks(&selector, &json!({ "a": "b" })));
        assert!(!picks(&selector, &json!({ "a": "b", "c": "d" })));
        assert!(!picks(&Value::Null, &json!({ "a": "b" })));
        assert!(picks(&json!({}), &Value::Null));
        let shown = r#"{"matchLabels":{"a":"b"},"matchExpressions":[{"key":"c","operator":"NotIn","values":["d"]}]}"#;
        assert_eq!(printed(&selector), shown);
    }
}
