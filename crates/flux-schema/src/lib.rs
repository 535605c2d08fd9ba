//! Facts about Kubernetes types: resources, scope, list keys, patch keys, defaults.
