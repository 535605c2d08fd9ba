//! Dependencies between objects: order, whether they are ready, and the short form of the command line.

mod gate;

use std::collections::{HashMap, HashSet};

use flux_api::meta::DependencyReference;

use crate::key::ObjectKey;

pub use gate::{GateError, Passed, check};

/// Objects that depend on each other in a circle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("circular dependency detected: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(" -> "))]
pub struct CycleError(pub Vec<ObjectKey>);

/// Sorts objects so that each comes after what it depends on. What is depended on but not given is part of the answer.
pub fn sort(objects: &[(ObjectKey, Vec<ObjectKey>)]) -> Result<Vec<ObjectKey>, CycleError> {
    let edges: HashMap<&ObjectKey, &Vec<ObjectKey>> = objects.iter().map(|(key, on)| (key, on)).collect();
    let none = Vec::new();
    let mut sorted = Vec::new();
    let mut done: HashSet<ObjectKey> = HashSet::new();
    for (start, _) in objects {
        if done.contains(start) {
            continue;
        }
        // The way from the start, each with the next dependency to look at: deep chains take heap, not stack.
        let mut path: Vec<(ObjectKey, usize)> = vec![(start.clone(), 0)];
        let mut on_path: HashSet<ObjectKey> = HashSet::from([start.clone()]);
        while let Some((key, next)) = path.last_mut() {
            match edges.get(key).copied().unwrap_or(&none).get(*next) {
                None => {
                    let key = key.clone();
                    path.pop();
                    on_path.remove(&key);
                    done.insert(key.clone());
                    sorted.push(key);
                }
                Some(dependency) => {
                    *next += 1;
                    if on_path.contains(dependency) {
                        let mut cycle: Vec<ObjectKey> = path.iter().map(|(key, _)| key.clone()).collect();
                        cycle.push(dependency.clone());
                        return Err(CycleError(cycle));
                    }
                    if !done.contains(dependency) {
                        on_path.insert(dependency.clone());
                        path.push((dependency.clone(), 0));
                    }
                }
            }
        }
    }
    Ok(sorted)
}

/// Reads `[NAMESPACE/]NAME[@EXPRESSION]`.
pub fn parse(text: &str) -> DependencyReference {
    let (text, ready_expr) = match text.split_once('@') {
        Some((text, expression)) => (text, Some(expression.to_owned()).filter(|expression| !expression.is_empty())),
        None => (text, None),
    };
    match text.split_once('/') {
        Some((namespace, name)) => DependencyReference {
            name: name.into(),
            namespace: Some(namespace.to_owned()).filter(|namespace| !namespace.is_empty()),
            ready_expr,
        },
        None => DependencyReference { name: text.into(), namespace: None, ready_expr },
    }
}

/// The short form of a reference.
pub fn text(reference: &DependencyReference) -> String {
    let namespace = reference.namespace.as_ref().map(|namespace| format!("{namespace}/")).unwrap_or_default();
    let expression = reference.ready_expr.as_ref().map(|expression| format!("@{expression}")).unwrap_or_default();
    format!("{namespace}{}{expression}", reference.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> ObjectKey {
        ObjectKey::new("ns", name)
    }

    #[test]
    fn dependencies_come_first() {
        let sorted = sort(&[(key("a"), vec![key("b"), key("c")]), (key("b"), vec![key("c")])]).expect("no cycle");
        assert_eq!(sorted, [key("c"), key("b"), key("a")]);
    }

    #[test]
    fn cycles_are_named() {
        let error = sort(&[(key("a"), vec![key("b")]), (key("b"), vec![key("a")])]).expect_err("cycle");
        assert_eq!(error.to_string(), "circular dependency detected: ns/a -> ns/b -> ns/a");
    }

    #[test]
    fn short_forms_round_trip() {
        for form in ["redis", "default/redis", "default/redis@status.ready==true"] {
            assert_eq!(text(&parse(form)), form);
        }
    }
}
