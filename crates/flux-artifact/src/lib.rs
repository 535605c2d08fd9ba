//! Artifact storage, file server and fetching.
