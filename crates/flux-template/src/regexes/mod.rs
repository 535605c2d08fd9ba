//! RE2 patterns, compiled by the `regex` crate and kept for the time of a render.

mod syntax;

use std::collections::HashMap;
use std::rc::Rc;

use regex::bytes::{Regex, RegexBuilder};

/// Patterns kept; beyond that the cache starts anew.
const KEPT: usize = 1000;
/// Bytes of one compiled pattern.
const SIZE: usize = 8 << 20;

#[derive(Default)]
pub(crate) struct Regexes {
    known: HashMap<Vec<u8>, Result<Rc<Regex>, String>>,
}

impl Regexes {
    /// True when the pattern was compiled before.
    pub(crate) fn knows(&self, pattern: &[u8]) -> bool {
        self.known.contains_key(pattern)
    }

    /// The compiled pattern, or Go's words for why it is none.
    pub(crate) fn get(&mut self, pattern: &[u8]) -> Result<Rc<Regex>, String> {
        if let Some(known) = self.known.get(pattern) {
            return known.clone();
        }
        let compiled = compile(pattern);
        if self.known.len() >= KEPT {
            self.known.clear();
        }
        self.known.insert(pattern.to_vec(), compiled.clone());
        compiled
    }
}

fn compile(pattern: &[u8]) -> Result<Rc<Regex>, String> {
    let Ok(pattern) = std::str::from_utf8(pattern) else {
        let shown = crate::value::lossy(pattern);
        return Err(format!("error parsing regexp: invalid UTF-8: `{shown}`"));
    };
    let translated = syntax::translate(pattern).map_err(|message| format!("error parsing regexp: {message}"))?;
    let built = RegexBuilder::new(&translated).size_limit(SIZE).dfa_size_limit(SIZE).build();
    built.map(Rc::new).map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "error parsing regexp: expression too large".to_owned(),
        _ => format!("error parsing regexp: invalid pattern: `{pattern}`"),
    })
}
