//! CEL expressions as Kubernetes and Flux evaluate them.
