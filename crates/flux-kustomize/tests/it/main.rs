//! Whole builds of small trees.

mod builds;
mod hostile;
mod printing;
mod readonly;
mod recorded;
mod remote;
