//! The kustomize build engine, pure: a file system is handed in.
