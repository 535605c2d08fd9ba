//! Shell-like variable substitution as Flux's postBuild uses it.
