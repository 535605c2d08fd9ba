//! Errors while executing: Go's chains, and budgets.

use crate::error::Exceeded;

pub(crate) type Res<T> = Result<T, Box<Fail>>;

#[derive(Debug)]
pub(crate) enum Fail {
    Go(GoError),
    Limit(Exceeded),
}

impl Fail {
    pub(crate) fn limit<T>(exceeded: Exceeded) -> Res<T> {
        Err(Box::new(Self::Limit(exceeded)))
    }
}

impl From<String> for Box<Fail> {
    fn from(message: String) -> Self {
        Self::new(Fail::Go(GoError::new(message, false)))
    }
}

impl From<&str> for Box<Fail> {
    fn from(message: &str) -> Self {
        message.to_owned().into()
    }
}

/// A function's error, or a panic in it: `error calling f: MESSAGE`.
pub(crate) fn fail<T>(message: impl Into<String>) -> Res<T> {
    Err(message.into().into())
}

/// A chain of Go errors, each wrapping the next with `%w`. The text of a link is its own part and the texts of all
/// links inside it.
#[derive(Debug)]
pub(crate) struct GoError {
    /// Innermost first.
    links: Vec<Link>,
}

#[derive(Debug)]
struct Link {
    part: String,
    /// Made by executing a template (`template.ExecError`).
    executing: bool,
}

impl GoError {
    pub(crate) fn new(text: impl Into<String>, executing: bool) -> Self {
        Self { links: vec![Link { part: text.into(), executing }] }
    }

    /// Wraps this error: `part` stands before its text.
    pub(crate) fn wrap(mut self, part: String, executing: bool) -> Self {
        self.links.push(Link { part, executing });
        self
    }

    pub(crate) fn text(&self) -> String {
        self.links.iter().rev().map(|link| link.part.as_str()).collect()
    }

    pub(crate) fn is_executing(&self) -> bool {
        self.links.iter().any(|link| link.executing)
    }

    /// Where in [`Self::text`] the text of each link begins, outermost first.
    pub(crate) fn offsets(&self) -> impl Iterator<Item = usize> {
        self.links.iter().rev().scan(0, |at, link| {
            let begin = *at;
            *at += link.part.len();
            Some(begin)
        })
    }
}
