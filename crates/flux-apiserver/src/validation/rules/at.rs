//! Paths of fields, rendered only when something is wrong.

use std::fmt;

/// A field, named by the way to it.
#[derive(Clone, Copy)]
pub(crate) struct At<'a> {
    parent: Option<&'a At<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    /// A name, or several joined by dots.
    Field(&'a str),
    Index(usize),
    Key(&'a str),
}

impl<'a> At<'a> {
    pub fn root(name: &'a str) -> Self {
        At { parent: None, step: Step::Field(name) }
    }

    pub fn child(&'a self, name: &'a str) -> At<'a> {
        At { parent: Some(self), step: Step::Field(name) }
    }

    pub fn index(&'a self, index: usize) -> At<'a> {
        At { parent: Some(self), step: Step::Index(index) }
    }

    /// An entry of a map, or what upstream names like one.
    pub fn key(&'a self, key: &'a str) -> At<'a> {
        At { parent: Some(self), step: Step::Key(key) }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parent = self.parent.filter(|parent| !parent.is_nowhere());
        if let Some(parent) = parent {
            write!(f, "{parent}")?;
        }
        match self.step {
            Step::Field(name) if parent.is_some() => write!(f, ".{name}"),
            Step::Field(name) => f.write_str(name),
            Step::Index(index) => write!(f, "[{index}]"),
            Step::Key(key) => write!(f, "[{key}]"),
        }
    }
}

impl At<'_> {
    /// The object itself, which has no name.
    fn is_nowhere(&self) -> bool {
        self.parent.is_none() && matches!(self.step, Step::Field(""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_written_as_upstream_writes_them() {
        let spec = At::root("spec");
        assert_eq!(spec.child("ports").index(1).child("name").to_string(), "spec.ports[1].name");
        assert_eq!(At::root("data").key("a b").to_string(), "data[a b]");
        assert_eq!(At::root("").child("rules").index(0).to_string(), "rules[0]");
    }
}
