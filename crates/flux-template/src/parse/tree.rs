//! The nodes of a template. Positions are byte offsets in the text of the file.

use std::sync::Arc;

use crate::functions::Function;
use crate::value::Str;

/// One named template.
pub(crate) struct Tree {
    pub(crate) name: Arc<str>,
    /// The file it stands in.
    pub(crate) file: Arc<Source>,
    pub(crate) root: Nodes,
}

/// A text that was parsed.
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) text: Arc<[u8]>,
}

impl Source {
    /// `NAME:LINE:COLUMN`; columns count bytes from 0.
    pub(crate) fn place(&self, at: u32) -> String {
        let before = &self.text[..(at as usize).min(self.text.len())];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        let column = before.iter().rev().take_while(|byte| **byte != b'\n').count();
        format!("{}:{line}:{column}", self.name)
    }
}

#[derive(Default)]
pub(crate) struct Nodes {
    pub(crate) nodes: Vec<Node>,
}

pub(crate) enum Node {
    Text(u32, Str),
    Action(u32, Pipe),
    If(Box<Branch>),
    Range(Box<Branch>),
    With(Box<Branch>),
    Template(Box<Call>),
    Break(u32),
    Continue(u32),
}

impl Node {
    pub(crate) fn at(&self) -> u32 {
        match self {
            Self::Text(at, _) | Self::Action(at, _) | Self::Break(at) | Self::Continue(at) => *at,
            Self::If(branch) | Self::Range(branch) | Self::With(branch) => branch.pipe.at,
            Self::Template(call) => call.at,
        }
    }
}

/// `if`, `range` or `with`.
pub(crate) struct Branch {
    pub(crate) pipe: Pipe,
    pub(crate) list: Nodes,
    pub(crate) otherwise: Option<Nodes>,
}

/// `template`, or `block`'s use of what it defines.
pub(crate) struct Call {
    pub(crate) at: u32,
    pub(crate) name: Vec<u8>,
    pub(crate) pipe: Option<Pipe>,
}

pub(crate) struct Pipe {
    pub(crate) at: u32,
    /// `=` instead of `:=`.
    pub(crate) assign: bool,
    pub(crate) declared: Vec<Arc<str>>,
    pub(crate) commands: Vec<Command>,
}

pub(crate) struct Command {
    pub(crate) at: u32,
    pub(crate) words: Vec<Word>,
}

/// An operand.
pub(crate) enum Word {
    Bool(u32, bool),
    Dot(u32),
    Nil(u32),
    Number(u32, Box<Number>),
    /// As written, and its meaning.
    String(u32, Box<(Str, Str)>),
    Function(u32, &'static Function),
    /// `.A.B`
    Field(u32, Vec<Str>),
    /// `$a.B`: the name with its dollar, then fields.
    Variable(u32, Arc<str>, Vec<Str>),
    /// `(pipe).A.B`
    Chain(u32, Box<Self>, Vec<Str>),
    Pipe(Box<Pipe>),
}

impl Word {
    pub(crate) fn at(&self) -> u32 {
        match self {
            Self::Bool(at, _)
            | Self::Dot(at)
            | Self::Nil(at)
            | Self::Number(at, _)
            | Self::String(at, _)
            | Self::Function(at, _)
            | Self::Field(at, _)
            | Self::Variable(at, ..)
            | Self::Chain(at, ..) => *at,
            Self::Pipe(pipe) => pipe.at,
        }
    }
}

/// A constant, with every type it fits.
#[derive(Default)]
pub(crate) struct Number {
    pub(crate) text: String,
    pub(crate) int: Option<i64>,
    pub(crate) uint: Option<u64>,
    pub(crate) float: Option<f64>,
    pub(crate) complex: Option<(f64, f64)>,
}
