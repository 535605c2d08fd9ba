//! Semantic versions.

use std::rc::Rc;

use flux_semver::{Constraint, IncrementError, Version};

use super::{Arguments as _, Function, flag};
use crate::exec::{Operand, Res, Ty, fail};
use crate::value::{Record, RecordType, UintKind, Value};

use Ty::{Bool, Reflect, Str};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("semver", &[Str], Reflect, |_, a| match Version::parse(&a.str(0).to_text()) {
        Ok(version) => Ok(record(&version).into()),
        Err(error) => fail(error.to_string()),
    }),
    Function::new("semverCompare", &[Str, Str], Bool, |_, a| {
        let constraint: Constraint = match a.str(0).to_text().parse() {
            Ok(constraint) => constraint,
            Err(error) => return fail(flux_semver::ConstraintError::to_string(&error)),
        };
        match Version::parse(&a.str(1).to_text()) {
            Ok(version) => flag(constraint.matches(&version)),
            Err(error) => fail(error.to_string()),
        }
    }),
];

/// `*semver.Version` of a version.
pub(crate) fn record(version: &Version) -> Value {
    let number = |value| Value::Uint(value, UintKind::Uint64);
    let fields = vec![
        ("major", number(version.major)),
        ("minor", number(version.minor)),
        ("patch", number(version.patch)),
        ("pre", Value::text(version.prerelease.as_str())),
        ("metadata", Value::text(version.metadata.as_str())),
        ("original", Value::text(version.original())),
    ];
    Value::Record(Rc::new(Record { ty: RecordType::Version, fields }))
}

/// The version that a record holds.
pub(crate) fn version_of(record: &Record) -> Option<Version> {
    Version::parse(&record.field("original")?.as_str()?.to_text()).ok()
}

/// `String`.
pub(crate) fn version_text(record: &Record) -> String {
    version_of(record).map(|version| version.to_string()).unwrap_or_default()
}

/// The methods of a version.
pub(crate) const METHODS: &[Function] = &[
    Function::new("Major", &[], Reflect, |_, a| field(a, "major")),
    Function::new("Minor", &[], Reflect, |_, a| field(a, "minor")),
    Function::new("Patch", &[], Reflect, |_, a| field(a, "patch")),
    Function::new("Prerelease", &[], Str, |_, a| field(a, "pre")),
    Function::new("Metadata", &[], Str, |_, a| field(a, "metadata")),
    Function::new("Original", &[], Str, |_, a| field(a, "original")),
    Function::new("String", &[], Str, |_, a| match a.value(0) {
        Value::Record(record) => super::text(version_text(record)),
        _ => super::text(""),
    }),
    Function::new("IncMajor", &[], Reflect, |_, a| changed(a, Version::increment_major)),
    Function::new("IncMinor", &[], Reflect, |_, a| changed(a, Version::increment_minor)),
    Function::new("IncPatch", &[], Reflect, |_, a| changed(a, Version::increment_patch)),
    Function::new("Compare", &[Ty::Version], Ty::Int, |_, a| super::int(compared(a)? as i64)),
    Function::new("Equal", &[Ty::Version], Bool, |_, a| flag(compared(a)?.is_eq())),
    Function::new("LessThan", &[Ty::Version], Bool, |_, a| flag(compared(a)?.is_lt())),
    Function::new("LessThanEqual", &[Ty::Version], Bool, |_, a| flag(compared(a)?.is_le())),
    Function::new("GreaterThan", &[Ty::Version], Bool, |_, a| flag(compared(a)?.is_gt())),
    Function::new("GreaterThanEqual", &[Ty::Version], Bool, |_, a| flag(compared(a)?.is_ge())),
];

fn field(arguments: &[Operand], name: &str) -> Res<Operand> {
    match arguments.value(0) {
        Value::Record(record) => Ok(record.field(name).cloned().unwrap_or_default().into()),
        _ => Ok(Operand::invalid()),
    }
}

fn receiver(arguments: &[Operand], index: usize) -> Res<Version> {
    match arguments.value(index) {
        Value::Record(found) => version_of(found).map_or_else(|| fail("invalid semantic version"), Ok),
        _ => fail("runtime error: invalid memory address or nil pointer dereference"),
    }
}

fn changed(arguments: &[Operand], change: fn(&Version) -> Result<Version, IncrementError>) -> Res<Operand> {
    match change(&receiver(arguments, 0)?) {
        Ok(version) => Ok(record(&version).into()),
        Err(error) => fail(error.to_string()),
    }
}

fn compared(arguments: &[Operand]) -> Res<std::cmp::Ordering> {
    Ok(receiver(arguments, 0)?.cmp(&receiver(arguments, 1)?))
}
