//! Workloads become ready without a kubelet, in stages that are data.
