//! Reading Git repositories over https, ssh and from disk.

pub mod local;
