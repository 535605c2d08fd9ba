//! Reconciles Kustomization objects: build, apply, prune, health.
