//! Reconciles GitRepository objects into artifacts.
