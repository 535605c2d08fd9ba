//! Reading Git repositories over https, ssh and from disk.
