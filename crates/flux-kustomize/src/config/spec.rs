//! One rule: a path in objects of some kinds.

use serde_json::Value;

use super::defaults::Rule;
use crate::error::Error;
use crate::go::json::{Decoder, GoType, go_struct};
use crate::id::{GvkRef, sort_key};

go_struct! {
    struct PlainSpec as "FieldSpec" {
        @"Gvk" "group" omit group: String,
        @"Gvk" "version" omit version: String,
        @"Gvk" "kind" omit kind: String,
        "path" omit path: String,
        "create" omit create: bool,
    }
}

/// A path in objects of the kinds selected; empty parts of the kind select any.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct FieldSpec {
    plain: PlainSpec,
    /// The path split at its slashes.
    parts: Vec<String>,
}

impl FieldSpec {
    pub(crate) fn new(gvk: GvkRef<'_>, path: &str, create: bool) -> Self {
        Self::from_plain(PlainSpec {
            group: gvk.group.into(),
            version: gvk.version.into(),
            kind: gvk.kind.into(),
            path: path.into(),
            create,
        })
    }

    /// A path in objects of any kind.
    pub(crate) fn any(path: &str, create: bool) -> Self {
        Self::new(GvkRef { group: "", version: "", kind: "" }, path, create)
    }

    pub(super) fn from_rule(rule: &Rule) -> Self {
        Self::new(GvkRef { group: rule.0, version: rule.1, kind: rule.2 }, rule.3, rule.4)
    }

    fn from_plain(plain: PlainSpec) -> Self {
        let parts = split_path(&plain.path, '/');
        Self { plain, parts }
    }

    pub(crate) fn gvk(&self) -> GvkRef<'_> {
        GvkRef { group: &self.plain.group, version: &self.plain.version, kind: &self.plain.kind }
    }

    pub(crate) fn path(&self) -> &str {
        &self.plain.path
    }

    pub(crate) fn parts(&self) -> &[String] {
        &self.parts
    }

    pub(crate) fn create(&self) -> bool {
        self.plain.create
    }

    pub(super) fn sort_key(&self) -> (isize, String) {
        sort_key(self.gvk())
    }
}

impl GoType for FieldSpec {
    fn decode(&mut self, value: &Value, decoder: &mut Decoder) {
        let mut plain = std::mem::take(&mut self.plain);
        plain.decode(value, decoder);
        *self = Self::from_plain(plain);
    }

    fn encode(&self) -> Value {
        self.plain.encode()
    }

    fn is_empty(&self) -> bool {
        false
    }

    fn go_name() -> String {
        "types.FieldSpec".into()
    }
}

go_struct! {
    /// What is named, and the fields that name it.
    pub(crate) struct NameReference as "NameBackReferences" {
        @"Gvk" "group" omit group: String,
        @"Gvk" "version" omit version: String,
        @"Gvk" "kind" omit kind: String,
        "fieldSpecs" omit referrers: Vec<FieldSpec>,
    }
}

impl NameReference {
    pub(super) fn new(group: &str, version: &str, kind: &str, referrers: Vec<FieldSpec>) -> Self {
        Self { group: group.into(), version: version.into(), kind: kind.into(), referrers }
    }

    pub(crate) fn gvk(&self) -> GvkRef<'_> {
        GvkRef { group: &self.group, version: &self.version, kind: &self.kind }
    }

    pub(super) fn sort_key(&self) -> (isize, String) {
        sort_key(self.gvk())
    }
}

/// Adds a rule unless one that covers it is there.
pub(crate) fn merge_one(list: &mut Vec<FieldSpec>, new: &FieldSpec) -> Result<(), Error> {
    let covering = list.iter().find(|old| old.gvk().is_selected(new.gvk()) && old.path() == new.path());
    match covering {
        Some(old) if old.create() != new.create() => Err(Error::Config { reason: "conflicting fieldspecs".into() }),
        Some(_) => Ok(()),
        None => {
            list.push(new.clone());
            Ok(())
        }
    }
}

pub(crate) fn merge_all(list: &mut Vec<FieldSpec>, more: &[FieldSpec]) -> Result<(), Error> {
    more.iter().try_for_each(|new| merge_one(list, new))
}

pub(super) fn merge_references(own: &[NameReference], more: &[NameReference]) -> Result<Vec<NameReference>, Error> {
    let mut merged = own.to_vec();
    for new in more {
        let mut found = false;
        for old in merged.iter_mut().filter(|old| old.gvk() == new.gvk()) {
            merge_all(&mut old.referrers, &new.referrers)?;
            found = true;
        }
        if !found {
            merged.push(new.clone());
        }
    }
    Ok(merged)
}

/// Splits at a delimiter that a backslash can escape; a leading one is dropped.
pub(crate) fn split_path(path: &str, delimiter: char) -> Vec<String> {
    let mut pieces = path.split(delimiter).peekable();
    if path.contains(delimiter) && pieces.peek() == Some(&"") {
        pieces.next();
    }
    let mut parts: Vec<String> = Vec::new();
    for piece in pieces {
        match parts.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.pop();
                last.push(delimiter);
                last.push_str(piece);
            }
            _ => parts.push(piece.to_owned()),
        }
    }
    parts
}
