//! Nodes, stages, failing images and delays, as `.flux-up.yaml` gives them.
//!
//! ```yaml
//! nodes:                       # by cluster; a cluster not named here has its defaults
//!   staging:
//!     - name: gpu
//!       count: 4
//!       labels: {nvidia.com/gpu.product: NVIDIA-H100-80GB-HBM3}
//!       taints: [{key: nvidia.com/gpu, effect: NoSchedule}]
//!       allocatable: {cpu: 64, memory: 512Gi, nvidia.com/gpu: 2}
//! failingImages: ["*/model-server:broken*"]
//! seed: 7
//! delays: {min: 0ms, max: 200ms}
//! stages:
//!   - group: serving.kserve.io
//!     kind: InferenceService
//!     matchLabels: {team: vision}
//!     delay: 2s
//!     status:
//!       observedGeneration: "{{ .metadata.generation }}"
//!       conditions: [{type: Ready, status: "True", lastTransitionTime: "{{ now }}"}]
//! ```

mod read;
#[cfg(test)]
mod tests;

use crate::ConfigError;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// What one control plane simulates.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Groups of equal nodes.
    pub nodes: Vec<NodeSpec>,
    /// How kinds without rules of their own become ready; tried in order.
    pub stages: Vec<Stage>,
    /// Image patterns (`*` stands for any text, also `/`) that never can be pulled.
    pub failing_images: Vec<String>,
    /// Chooses delays and name suffixes; the same seed gives the same ones.
    pub seed: u64,
    /// How long Pods take.
    pub delays: Delays,
}

/// A Pod becomes ready (or complete) this long after it was placed: a value between both, chosen by seed and name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delays {
    /// Shortest.
    pub min: Duration,
    /// Longest.
    pub max: Duration,
}

/// `count` nodes named `NAME-0`, `NAME-1`, ...
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSpec {
    /// Prefix of the names.
    pub name: String,
    /// How many, at most 5,000.
    pub count: u32,
    /// Labels beside the usual ones (`kubernetes.io/hostname`, `/os`, `/arch`).
    pub labels: BTreeMap<String, String>,
    /// Taints of each node.
    pub taints: Vec<Taint>,
    /// Resource quantities of each node, such as `nvidia.com/gpu: "8"`.
    pub allocatable: BTreeMap<String, String>,
}

/// A node taint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taint {
    /// Key.
    pub key: String,
    /// Value, may be empty.
    pub value: String,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    pub effect: String,
}

/// One step in the life of objects of a kind that no controller here knows: after `delay`, `status` is merged
/// (JSON merge patch) into the object's status. Stages that match the same object run one after the other, again
/// for each new generation. For the core kind `Pod`, `delay` replaces the usual delay and `status` goes over the computed one.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// API group, empty for the core group.
    pub group: String,
    /// Kind.
    pub kind: String,
    /// Only in this namespace.
    pub namespace: Option<String>,
    /// Only the object of this name.
    pub name: Option<String>,
    /// Only objects that carry all of these labels.
    pub match_labels: BTreeMap<String, String>,
    /// Wait before the stage.
    pub delay: Duration,
    /// Merge patch for `status`. A string `{{ .path.to.field }}` is replaced by the object's field with its type,
    /// or as text inside a longer string; `{{ now }}` is the time of the write.
    pub status: Value,
}

impl Default for Config {
    fn default() -> Self {
        Config::for_cluster("default")
    }
}

impl Config {
    /// The defaults for a cluster: `dev` has 1 node with 1 GPU, `staging` 4 with 2, `production` 4 with 8, any other 1 with none.
    pub fn for_cluster(name: &str) -> Config {
        let (count, gpus) = match name {
            "dev" => (1, 1),
            "staging" => (4, 2),
            "production" => (4, 8),
            _ => (1, 0),
        };
        Config {
            nodes: vec![NodeSpec::with_gpus(count, gpus)],
            stages: Vec::new(),
            failing_images: Vec::new(),
            seed: 0,
            delays: Delays { min: Duration::ZERO, max: Duration::from_millis(200) },
        }
    }

    /// The part of `.flux-up.yaml` that concerns the simulation of one cluster, over that cluster's defaults.
    /// `file` is the whole document; the key `map` belongs to `flux up` and is left alone, any other unknown key is an error.
    pub fn from_file(cluster: &str, file: &Value) -> Result<Config, ConfigError> {
        read::config(cluster, file)
    }
}

impl NodeSpec {
    /// `count` nodes of `gpus` GPUs each, with labels as NVIDIA's feature discovery sets them.
    pub fn with_gpus(count: u32, gpus: u32) -> NodeSpec {
        let mut allocatable = default_allocatable();
        let mut labels = BTreeMap::new();
        if gpus > 0 {
            allocatable.insert("nvidia.com/gpu".into(), gpus.to_string());
            labels.insert("nvidia.com/gpu.present".into(), "true".into());
            labels.insert("nvidia.com/gpu.count".into(), gpus.to_string());
            labels.insert("nvidia.com/gpu.product".into(), "NVIDIA-H100-80GB-HBM3".into());
        }
        NodeSpec { name: "simulated".into(), count, labels, taints: Vec::new(), allocatable }
    }
}

/// Large enough that only GPUs are ever short by default.
fn default_allocatable() -> BTreeMap<String, String> {
    [("cpu", "128"), ("memory", "2Ti"), ("ephemeral-storage", "4Ti"), ("pods", "10000")]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}
