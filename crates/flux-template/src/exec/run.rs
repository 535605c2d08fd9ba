//! One render: budgets, buffers, the set of templates, caches.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::failure::{Fail, Res};
use crate::error::Exceeded;
use crate::helm::Options;
use crate::host::Host;
use crate::parse::tree::Tree;
use crate::regexes::Regexes;
use crate::stack::Stack;
use crate::value::{Map, Value, live};

/// Steps between looks at memory and the interrupt.
const LOOK: u32 = 1024;

/// Named templates: what was parsed, and what `tpl` added on top.
#[derive(Clone)]
pub(crate) struct Set {
    base: Arc<HashMap<Arc<str>, Arc<Tree>>>,
    layer: Option<Rc<Layer>>,
}

struct Layer {
    below: Option<Rc<Self>>,
    own: Vec<Arc<Tree>>,
}

impl Set {
    pub(crate) fn new(base: Arc<HashMap<Arc<str>, Arc<Tree>>>) -> Self {
        Self { base, layer: None }
    }

    pub(crate) fn find(&self, name: &str) -> Option<Arc<Tree>> {
        let mut layer = self.layer.as_deref();
        while let Some(at) = layer {
            if let Some(tree) = at.own.iter().find(|tree| *tree.name == *name) {
                return Some(Arc::clone(tree));
            }
            layer = at.below.as_deref();
        }
        self.base.get(name).cloned()
    }

    /// A set with these templates on top. An empty template replaces none.
    pub(crate) fn with(&self, trees: &[Arc<Tree>]) -> Self {
        let new = |tree: &&Arc<Tree>| !tree.is_empty() || self.find(&tree.name).is_none();
        let own: Vec<Arc<Tree>> = trees.iter().filter(new).cloned().collect();
        if own.is_empty() {
            return self.clone();
        }
        Self { base: Arc::clone(&self.base), layer: Some(Rc::new(Layer { below: self.layer.clone(), own })) }
    }
}

pub(crate) struct Run<'h> {
    pub(crate) host: &'h dyn Host,
    pub(crate) options: &'h Options,
    pub(crate) stack: Stack,
    pub(crate) set: Set,
    pub(crate) regexes: Regexes,
    /// The text that is being rendered.
    pub(crate) out: Vec<u8>,
    /// Bytes in the buffers outside of `out`.
    outer: usize,
    /// How often each name is being included right now.
    pub(crate) includes: HashMap<Vec<u8>, usize>,
    /// Texts given to `tpl` before.
    pub(crate) parsed: HashMap<Vec<u8>, Rc<Vec<Arc<Tree>>>>,
    /// Bytes that functions now running asked for.
    pub(crate) pending: usize,
    steps: u64,
    until_look: u32,
    began: isize,
    /// Maps that got a collection put in and may now be part of a cycle.
    changed: Vec<Map>,
}

impl<'h> Run<'h> {
    pub(crate) fn new(host: &'h dyn Host, options: &'h Options, set: Set) -> Self {
        Self {
            host,
            options,
            stack: Stack::new(options.limits.stack),
            set,
            regexes: Regexes::default(),
            out: Vec::new(),
            outer: 0,
            includes: HashMap::new(),
            parsed: HashMap::new(),
            pending: 0,
            steps: 0,
            until_look: LOOK,
            began: live::now(),
            changed: Vec::new(),
        }
    }

    /// Counts a step.
    #[inline]
    pub(crate) fn step(&mut self) -> Res<()> {
        self.until_look -= 1;
        if self.until_look == 0 { self.look() } else { Ok(()) }
    }

    #[cold]
    fn look(&mut self) -> Res<()> {
        self.steps += u64::from(LOOK - self.until_look);
        self.until_look = LOOK;
        self.check(0)
    }

    fn check(&self, more: usize) -> Res<()> {
        let limits = &self.options.limits;
        let values = usize::try_from(live::now().wrapping_sub(self.began)).unwrap_or(0);
        let used = values.saturating_add(self.outer).saturating_add(self.out.len()).saturating_add(self.pending);
        if used.saturating_add(more) > limits.memory {
            return Fail::limit(Exceeded::Memory);
        }
        if self.steps > limits.steps {
            return Fail::limit(Exceeded::Steps);
        }
        if limits.interrupt.as_ref().is_some_and(|interrupt| interrupt()) {
            return Fail::limit(Exceeded::Interrupted);
        }
        Ok(())
    }

    /// Asks for memory that a function is about to use, and counts the work of filling it. What one call of a
    /// function asks for adds up until it returns.
    pub(crate) fn charge(&mut self, bytes: usize) -> Res<()> {
        let before = self.pending;
        self.pending = before.saturating_add(bytes);
        self.steps += bytes as u64 / 64;
        if before >> 16 == self.pending >> 16 { Ok(()) } else { self.check(0) }
    }

    /// Counts work that uses no memory, as if so many bytes had been written.
    pub(crate) fn work(&mut self, bytes: usize) -> Res<()> {
        self.steps += bytes as u64 / 64;
        self.check(0)
    }

    /// How deep a value may be that is handed to the YAML printer, which measures nothing: a level of it takes up to
    /// 6 KiB of stack in a debug build.
    pub(crate) fn levels(&self) -> usize {
        self.stack.room() / 6144
    }

    /// Fails when the native stack is used up.
    pub(crate) fn descend(&self) -> Res<()> {
        if self.stack.is_deep() { Fail::limit(Exceeded::Depth) } else { Ok(()) }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Res<()> {
        self.out.extend_from_slice(bytes);
        if bytes.len() > 4096 { self.work(bytes.len()) } else { Ok(()) }
    }

    /// Runs with an empty buffer in the place of the present one, and gives what was written.
    pub(crate) fn buffered<T>(&mut self, work: impl FnOnce(&mut Self) -> Res<T>) -> Res<Vec<u8>> {
        let before = std::mem::take(&mut self.out);
        self.outer += before.len();
        let result = work(self);
        self.outer -= before.len();
        let written = std::mem::replace(&mut self.out, before);
        result.map(|_| written)
    }

    /// Notes that `value` was put into `map`.
    pub(crate) fn note_change(&mut self, map: &Map, value: &Value) {
        if matches!(value, Value::Map(_) | Value::List(_)) && !self.changed.last().is_some_and(|last| last.same(map)) {
            self.changed.push(map.clone());
        }
    }
}

impl Drop for Run<'_> {
    /// A map that holds itself would never be freed.
    fn drop(&mut self) {
        self.changed.drain(..).for_each(|map| map.clear());
    }
}
