//! What can go wrong, by field.

/// The simulation could not start, or lost its API server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API server did not let a kind be listed.
    #[error("simulation cannot list objects at `{path}`")]
    Discovery {
        /// The path that was asked.
        path: String,
        /// What the client said.
        #[source]
        source: kube::Error,
    },
    /// A simulated node could not be written.
    #[error("simulated node `{name}` cannot be written")]
    Node {
        /// Name of the node.
        name: String,
        /// What the client said.
        #[source]
        source: kube::Error,
    },
    /// The task that watches the API server ended by itself.
    #[error("the watches of the simulation ended")]
    WatchesEnded,
}

/// A part of `.flux-up.yaml` that cannot be used. `field` is a path such as `nodes.dev[0].count`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A field that does not exist.
    #[error("unknown field `{field}`")]
    Unknown {
        /// Path of the field.
        field: String,
    },
    /// A field that must be there.
    #[error("field `{field}` is missing")]
    Missing {
        /// Path of the field.
        field: String,
    },
    /// A field of the wrong type or with a value outside its limits.
    #[error("field `{field}`: expected {expected}")]
    Invalid {
        /// Path of the field.
        field: String,
        /// What would have been right.
        expected: &'static str,
    },
}
