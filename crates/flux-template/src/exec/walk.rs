//! Statements.

use std::sync::Arc;

use super::failure::{Fail, GoError, Res};
use super::kinds;
use super::operand::Operand;
use super::run::Run;
use crate::go::quoting;
use crate::parse::tree::{Branch, Call, Command, Node, Nodes, Pipe, Tree, Word};
use crate::value::Value;

/// Go's limit on templates within templates.
const MAX_DEPTH: usize = 100_000;

/// How a statement ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    Break,
    Continue,
}

/// The node that an error names.
#[derive(Clone, Copy)]
pub(super) enum At<'t> {
    Node(&'t Node),
    Pipe(&'t Pipe),
    Command(&'t Command),
    Word(&'t Word),
    Start,
}

/// The execution of one named template.
pub(super) struct State<'t, 'r, 'h> {
    pub(super) run: &'r mut Run<'h>,
    tree: &'t Tree,
    pub(super) at: At<'t>,
    variables: Vec<(&'t str, Operand)>,
    depth: usize,
}

/// Executes a template; its text goes to the run's buffer.
pub(crate) fn execute(run: &mut Run<'_>, tree: &Arc<Tree>, data: Operand) -> Res<()> {
    run.descend()?;
    let mut state = State { run, tree, at: At::Start, variables: vec![("$", data.clone())], depth: 0 };
    state.walk_list(&data, &tree.root).map(|_| ())
}

impl<'t> State<'t, '_, '_> {
    /// The error of Go's `errorf`, at the present node.
    #[cold]
    pub(super) fn error<T>(&self, message: impl AsRef<str>) -> Res<T> {
        let text = format!("{}{}", self.prefix(), message.as_ref());
        Err(Box::new(Fail::Go(GoError::new(text, true))))
    }

    /// Wraps the error of a function, which Go's `errorf` does with `%w`.
    #[cold]
    #[allow(clippy::boxed_local, reason = "errors travel in boxes")]
    pub(super) fn calling(&self, name: &str, fail: Box<Fail>) -> Box<Fail> {
        match *fail {
            Fail::Go(error) => Box::new(Fail::Go(error.wrap(format!("{}error calling {name}: ", self.prefix()), true))),
            limit => Box::new(limit),
        }
    }

    fn prefix(&self) -> String {
        let mut shown = Vec::new();
        let at = match self.at {
            At::Start => return format!("template: {}: ", self.tree.name),
            At::Node(node) => {
                node.print(&mut shown);
                node.at()
            }
            At::Pipe(pipe) => {
                pipe.print(&mut shown);
                pipe.at
            }
            At::Command(command) => {
                command.print(&mut shown);
                command.at
            }
            At::Word(word) => {
                word.print(&mut shown);
                word.at()
            }
        };
        let place = self.tree.file.place(at);
        let name = quoting::quote_text(self.tree.name.as_bytes());
        format!("template: {place}: executing {name} at <{}>: ", String::from_utf8_lossy(&shown))
    }

    pub(super) fn walk_list(&mut self, dot: &Operand, list: &'t Nodes) -> Res<Flow> {
        for node in &list.nodes {
            let flow = self.walk(dot, node)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn walk(&mut self, dot: &Operand, node: &'t Node) -> Res<Flow> {
        self.run.step()?;
        self.at = At::Node(node);
        match node {
            Node::Text(_, text) => self.run.write(text.as_bytes())?,
            Node::Action(_, pipe) => {
                let value = self.pipeline(dot, Some(pipe))?;
                if pipe.declared.is_empty() {
                    self.at = At::Node(node);
                    self.print(&value)?;
                }
            }
            Node::If(branch) => return self.walk_if(dot, branch, false),
            Node::With(branch) => return self.walk_if(dot, branch, true),
            Node::Range(branch) => return self.walk_range(dot, branch),
            Node::Template(call) => self.walk_template(dot, node, call)?,
            Node::Break(_) => return Ok(Flow::Break),
            Node::Continue(_) => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    fn print(&mut self, value: &Operand) -> Res<()> {
        match &value.value {
            Value::Str(text) => self.run.write(text.as_bytes()),
            Value::Nil if !value.iface => self.run.write(b"<no value>"),
            _ => {
                let pending = self.run.pending;
                let text = crate::go::fmt::print_action(self.run, value)?;
                self.run.pending = pending;
                self.run.write(&text)
            }
        }
    }

    fn walk_if(&mut self, dot: &Operand, branch: &'t Branch, with: bool) -> Res<Flow> {
        self.run.descend()?;
        let mark = self.variables.len();
        let value = self.pipeline(dot, Some(&branch.pipe))?;
        let flow = if kinds::truth(&value.value) {
            self.walk_list(if with { &value } else { dot }, &branch.list)
        } else if let Some(otherwise) = &branch.otherwise {
            self.walk_list(dot, otherwise)
        } else {
            Ok(Flow::Next)
        };
        self.variables.truncate(mark);
        flow
    }

    fn walk_range(&mut self, dot: &Operand, branch: &'t Branch) -> Res<Flow> {
        self.run.descend()?;
        let mark = self.variables.len();
        let value = self.pipeline(dot, Some(&branch.pipe))?;
        let body = self.variables.len();
        let mut ran = false;
        let mut flow = Flow::Next;
        match &value.value {
            Value::Int(count, kind) => {
                self.one_variable(branch, &value)?;
                let mut index = 0;
                while index < *count && flow != Flow::Break {
                    ran = true;
                    let item = Operand::new(Value::Int(index, *kind));
                    flow = self.iterate(branch, body, Operand::invalid(), item)?;
                    index += 1;
                }
            }
            Value::Uint(count, kind) => {
                self.one_variable(branch, &value)?;
                let mut index = 0;
                while index < *count && flow != Flow::Break {
                    ran = true;
                    let item = Operand::new(Value::Uint(index, *kind));
                    flow = self.iterate(branch, body, Operand::invalid(), item)?;
                    index += 1;
                }
            }
            Value::List(list) => {
                let iface = kinds::elem_is_interface(list.elem());
                for index in 0..list.len() {
                    ran = true;
                    let item = list.get(index).unwrap_or_default();
                    let item = Operand { value: item, iface, addressable: false };
                    flow = self.iterate(branch, body, Operand::new(Value::int(index as i64)), item)?;
                    if flow == Flow::Break {
                        break;
                    }
                }
            }
            Value::Bytes(bytes) => {
                let bytes = bytes.clone();
                for (index, byte) in bytes.as_bytes().iter().enumerate() {
                    ran = true;
                    let item = Operand::new(Value::byte(*byte));
                    flow = self.iterate(branch, body, Operand::new(Value::int(index as i64)), item)?;
                    if flow == Flow::Break {
                        break;
                    }
                }
            }
            Value::Map(map) => {
                let iface = kinds::map_is_interface(map.kind());
                for (key, item) in map.entries() {
                    ran = true;
                    let item = Operand { value: item, iface, addressable: false };
                    flow = self.iterate(branch, body, Operand::new(Value::Str(key)), item)?;
                    if flow == Flow::Break {
                        break;
                    }
                }
            }
            Value::Nil => {}
            _ => {
                // What a pointer leads to is printed.
                let shown = crate::go::fmt::print_action(self.run, &Operand { addressable: false, ..value.clone() })?;
                return self.error(format!("range can't iterate over {}", String::from_utf8_lossy(&shown)));
            }
        }
        let flow = match &branch.otherwise {
            Some(otherwise) if !ran => self.walk_list(dot, otherwise)?,
            _ => Flow::Next,
        };
        self.variables.truncate(mark);
        Ok(flow)
    }

    fn one_variable(&mut self, branch: &'t Branch, value: &Operand) -> Res<()> {
        if branch.pipe.declared.len() < 2 {
            return Ok(());
        }
        let shown = crate::go::fmt::shown(self.run, &value.value)?;
        self.error(format!("can't use {shown} to iterate over more than one variable"))
    }

    fn iterate(&mut self, branch: &'t Branch, body: usize, index: Operand, item: Operand) -> Res<Flow> {
        self.run.step()?;
        let pipe = &branch.pipe;
        let declared = pipe.declared.len();
        if pipe.assign {
            match declared {
                0 => {}
                1 => self.assign(&pipe.declared[0], item.clone())?,
                _ => {
                    self.assign(&pipe.declared[0], index)?;
                    self.assign(&pipe.declared[1], item.clone())?;
                }
            }
        } else if declared > 0 {
            let top = self.variables.len();
            self.variables[top - 1].1 = item.clone();
            if declared > 1 {
                self.variables[top - 2].1 = index;
            }
        }
        let flow = self.walk_list(&item, &branch.list)?;
        self.variables.truncate(body);
        Ok(flow)
    }

    fn walk_template(&mut self, dot: &Operand, node: &'t Node, call: &'t Call) -> Res<()> {
        self.at = At::Node(node);
        let name = String::from_utf8_lossy(&call.name);
        let Some(tree) = self.run.set.find(&name) else {
            return self.error(format!("template {} not defined", quoting::quote_text(&call.name)));
        };
        if self.depth == MAX_DEPTH {
            return self.error(format!("exceeded maximum template depth ({MAX_DEPTH})"));
        }
        let data = self.pipeline(dot, call.pipe.as_ref())?;
        self.run.descend()?;
        let mut inner = State {
            run: &mut *self.run,
            tree: &tree,
            at: At::Start,
            variables: vec![("$", data.clone())],
            depth: self.depth + 1,
        };
        inner.walk_list(&data, &tree.root).map(|_| ())
    }

    pub(super) fn declare(&mut self, name: &'t str, value: Operand) {
        self.variables.push((name, value));
    }

    pub(super) fn assign(&mut self, name: &str, value: Operand) -> Res<()> {
        match self.variables.iter_mut().rev().find(|(known, _)| *known == name) {
            Some((_, place)) => {
                *place = value;
                Ok(())
            }
            None => self.error(format!("undefined variable: {name}")),
        }
    }

    pub(super) fn variable(&self, name: &str) -> Res<Operand> {
        match self.variables.iter().rev().find(|(known, _)| *known == name) {
            Some((_, value)) => Ok(value.clone()),
            None => self.error(format!("undefined variable: {name}")),
        }
    }
}
