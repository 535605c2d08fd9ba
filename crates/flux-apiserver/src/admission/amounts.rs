//! Amounts of resources: of pods, and sums of them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::object::{list_at, text};
use crate::validation::nano;

const NANO: i128 = 1_000_000_000;

/// An amount and the way it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Amount {
    pub nano: i128,
    /// Powers of 1024.
    binary: bool,
}

/// Amounts by resource.
pub(super) type Amounts = BTreeMap<String, Amount>;

impl Amount {
    pub fn read(value: &Value) -> Self {
        let binary = value.as_str().is_some_and(|text| text.ends_with('i'));
        Self { nano: nano(value), binary }
    }

    pub fn count(number: i128) -> Self {
        Self { nano: number * NANO, binary: false }
    }

    pub fn plus(self, other: Self) -> Self {
        let binary = if self.nano == 0 { other.binary } else { self.binary };
        Self { nano: self.nano.saturating_add(other.nano), binary }
    }

    pub fn minus(self, other: Self) -> Self {
        Self { nano: self.nano.saturating_sub(other.nano), ..self }
    }

    fn larger(self, other: Self) -> Self {
        if other.nano > self.nano { other } else { self }
    }
}

impl std::fmt::Display for Amount {
    /// The canonical form: no fraction, the largest unit.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.nano == 0 {
            return f.write_str("0");
        }
        if self.binary && self.nano % NANO == 0 {
            let mut whole = self.nano / NANO;
            let mut units = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].into_iter();
            let mut unit = units.next().unwrap_or_default();
            while whole % 1024 == 0 {
                let Some(next) = units.next() else { break };
                (whole, unit) = (whole / 1024, next);
            }
            return write!(f, "{whole}{unit}");
        }
        let (mut whole, mut unit) = (self.nano, "n");
        for next in ["u", "m", "", "k", "M", "G", "T", "P", "E"] {
            if whole % 1000 != 0 {
                break;
            }
            (whole, unit) = (whole / 1000, next);
        }
        write!(f, "{whole}{unit}")
    }
}

/// `NAME=AMOUNT`, sorted, joined by commas.
pub(super) fn printed(amounts: &Amounts) -> String {
    amounts.iter().map(|(name, amount)| format!("{name}={amount}")).collect::<Vec<_>>().join(",")
}

/// The amounts of a resource list.
pub(super) fn read(list: Option<&Value>) -> Amounts {
    let entries = list.and_then(Value::as_object).into_iter().flatten();
    entries.map(|(name, value)| (name.clone(), Amount::read(value))).collect()
}

pub(super) fn add(into: &mut Amounts, more: Amounts) {
    for (name, amount) in more {
        let held = into.entry(name).or_default();
        *held = held.plus(amount);
    }
}

fn largest(into: &mut Amounts, other: Amounts) {
    for (name, amount) in other {
        let held = into.entry(name).or_default();
        *held = held.larger(amount);
    }
}

/// What a pod needs at once of `requests` or `limits`: its containers and helpers together, or one of those that
/// prepare it when that is more.
pub(super) fn of_pod(pod: &Value, list: &str) -> Amounts {
    let own = |container: &Value| read(container.pointer(&format!("/resources/{list}")));
    let (mut running, mut preparing) = (Amounts::new(), Amounts::new());
    for container in list_at(pod, "/spec/containers") {
        add(&mut running, own(container));
    }
    let mut helpers = Amounts::new();
    for container in list_at(pod, "/spec/initContainers") {
        if text(container, "restartPolicy") == "Always" {
            add(&mut helpers, own(container));
            add(&mut running, own(container));
            continue;
        }
        let mut together = helpers.clone();
        add(&mut together, own(container));
        largest(&mut preparing, together);
    }
    largest(&mut running, preparing);
    // What is asked for the pod as a whole counts instead.
    running.extend(read(pod.pointer(&format!("/spec/resources/{list}"))));
    if list == "requests" {
        add(&mut running, read(pod.pointer("/spec/overhead")));
    }
    running
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sums_are_written_in_the_largest_unit() {
        let sum = |texts: &[&str]| {
            let amounts = texts.iter().map(|text| Amount::read(&json!(text)));
            amounts.fold(Amount::default(), Amount::plus).to_string()
        };
        assert_eq!(sum(&["100m", "900m"]), "1");
        assert_eq!(sum(&["512Mi", "512Mi"]), "1Gi");
        assert_eq!(sum(&["250m", "1"]), "1250m");
        assert_eq!(sum(&["3k"]), "3k");
    }

    #[test]
    fn pods_need_what_runs_at_once() {
        let container = |cpu: &str| json!({"resources": {"requests": {"cpu": cpu}}});
        let pod =
            json!({"spec": {"containers": [container("1"), container("500m")], "initContainers": [container("2")]}});
        assert_eq!(of_pod(&pod, "requests")["cpu"].to_string(), "2");
    }
}
