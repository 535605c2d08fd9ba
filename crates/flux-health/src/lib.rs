//! Object health: kstatus rules and CEL health expressions.
