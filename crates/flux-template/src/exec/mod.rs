//! Executing trees, as `text/template` does it, with its error texts.

mod call;
mod eval;
mod failure;
pub(crate) mod kinds;
mod methods;
mod operand;
mod run;
mod walk;

pub(crate) use failure::{Fail, GoError, Res, fail};
pub(crate) use kinds::Ty;
pub(crate) use operand::Operand;
pub(crate) use run::{Run, Set};
pub(crate) use walk::execute;
