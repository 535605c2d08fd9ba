//! Sums of quantities by resource name.

use super::object::quantities;
use crate::quantity::Milli;
use serde_json::Value;
use std::collections::BTreeMap;

/// Quantities by resource name; a missing name means zero.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Resources(BTreeMap<String, Milli>);

impl Resources {
    /// A resource list such as `status.allocatable`.
    pub(crate) fn of(list: &Value) -> Resources {
        Resources(quantities(list).map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// What the scheduler reserves for a Pod: all containers together, or the largest init container with the
    /// sidecars before it, whichever is more, plus the overhead.
    pub(crate) fn requested(spec: &Value) -> Resources {
        let list = |name: &str| spec[name].as_array().cloned().unwrap_or_default();
        let mut total = Resources::default();
        for container in list("containers") {
            total.add(&container_requests(&container));
        }
        let (mut sidecars, mut largest) = (Resources::default(), Resources::default());
        for container in list("initContainers") {
            let requests = container_requests(&container);
            if container["restartPolicy"] == "Always" {
                sidecars.add(&requests);
                largest.raise(&sidecars);
            } else {
                let mut together = sidecars.clone();
                together.add(&requests);
                largest.raise(&together);
            }
        }
        total.add(&sidecars);
        total.raise(&largest);
        total.add(&Resources::of(&spec["overhead"]));
        total
    }

    pub(crate) fn get(&self, name: &str) -> Milli {
        self.0.get(name).copied().unwrap_or_default()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Milli)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }

    pub(crate) fn add(&mut self, other: &Resources) {
        for (name, value) in other.iter() {
            *self.0.entry(name.to_owned()).or_default() += value;
        }
    }

    pub(crate) fn subtract(&mut self, other: &Resources) {
        for (name, value) in other.iter() {
            *self.0.entry(name.to_owned()).or_default() -= value;
        }
    }

    /// Takes the larger of both for each name.
    fn raise(&mut self, other: &Resources) {
        for (name, value) in other.iter() {
            let held = self.0.entry(name.to_owned()).or_default();
            *held = (*held).max(value);
        }
    }
}

/// Requests, and limits where there is no request.
fn container_requests(container: &Value) -> Resources {
    let mut all = Resources::of(&container["resources"]["limits"]);
    for (name, value) in Resources::of(&container["resources"]["requests"]).iter() {
        all.0.insert(name.to_owned(), value);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::Resources;
    use serde_json::json;

    #[test]
    fn init_containers_count_by_their_largest() {
        let container = |cpu: &str| json!({"resources": {"requests": {"cpu": cpu}, "limits": {"nvidia.com/gpu": "1"}}});
        let sidecar = json!({"restartPolicy": "Always", "resources": {"requests": {"cpu": "100m"}}});
        let spec = json!({"containers": [container("1"), container("500m")], "initContainers": [sidecar, container("3")],
                          "overhead": {"cpu": "10m"}});
        let total = Resources::requested(&spec);
        assert_eq!(total.get("cpu"), 3_110);
        assert_eq!(total.get("nvidia.com/gpu"), 2_000);
        assert_eq!(total.get("memory"), 0);
    }
}
