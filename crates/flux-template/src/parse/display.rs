//! Nodes as error messages print them: in full, in normal form.

use super::tree::{Branch, Command, Node, Nodes, Pipe, Word};
use crate::go::quoting;
use crate::value::Str;

impl Node {
    pub(crate) fn print(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(_, text) => out.extend_from_slice(text.as_bytes()),
            Self::Action(_, pipe) => {
                out.extend_from_slice(b"{{");
                pipe.print(out);
                out.extend_from_slice(b"}}");
            }
            Self::If(branch) => branch.print(b"if", out),
            Self::Range(branch) => branch.print(b"range", out),
            Self::With(branch) => branch.print(b"with", out),
            Self::Template(call) => {
                out.extend_from_slice(b"{{template ");
                out.extend_from_slice(&quoting::quote(&call.name));
                if let Some(pipe) = &call.pipe {
                    out.push(b' ');
                    pipe.print(out);
                }
                out.extend_from_slice(b"}}");
            }
            Self::Break(_) => out.extend_from_slice(b"{{break}}"),
            Self::Continue(_) => out.extend_from_slice(b"{{continue}}"),
        }
    }
}

impl Nodes {
    fn print(&self, out: &mut Vec<u8>) {
        self.nodes.iter().for_each(|node| node.print(out));
    }
}

impl Branch {
    fn print(&self, word: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(b"{{");
        out.extend_from_slice(word);
        out.push(b' ');
        self.pipe.print(out);
        out.extend_from_slice(b"}}");
        self.list.print(out);
        if let Some(otherwise) = &self.otherwise {
            out.extend_from_slice(b"{{else}}");
            otherwise.print(out);
        }
        out.extend_from_slice(b"{{end}}");
    }
}

impl Pipe {
    pub(crate) fn print(&self, out: &mut Vec<u8>) {
        if !self.declared.is_empty() {
            out.extend_from_slice(self.declared.join(", ").as_bytes());
            out.extend_from_slice(if self.assign { b" = " } else { b" := " });
        }
        for (index, command) in self.commands.iter().enumerate() {
            if index > 0 {
                out.extend_from_slice(b" | ");
            }
            command.print(out);
        }
    }
}

impl Command {
    pub(crate) fn print(&self, out: &mut Vec<u8>) {
        for (index, word) in self.words.iter().enumerate() {
            if index > 0 {
                out.push(b' ');
            }
            word.print_bracketed(out);
        }
    }
}

impl Word {
    fn print_bracketed(&self, out: &mut Vec<u8>) {
        if let Self::Pipe(pipe) = self {
            out.push(b'(');
            pipe.print(out);
            out.push(b')');
        } else {
            self.print(out);
        }
    }

    pub(crate) fn print(&self, out: &mut Vec<u8>) {
        let dotted = |out: &mut Vec<u8>, fields: &[Str]| {
            for field in fields {
                out.push(b'.');
                out.extend_from_slice(field.as_bytes());
            }
        };
        match self {
            Self::Bool(_, value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
            Self::Dot(_) => out.push(b'.'),
            Self::Nil(_) => out.extend_from_slice(b"nil"),
            Self::Number(_, number) => out.extend_from_slice(number.text.as_bytes()),
            Self::String(_, literal) => out.extend_from_slice(literal.0.as_bytes()),
            Self::Function(_, function) => out.extend_from_slice(function.name.as_bytes()),
            Self::Field(_, fields) => dotted(out, fields),
            Self::Variable(_, name, fields) => {
                out.extend_from_slice(name.as_bytes());
                dotted(out, fields);
            }
            Self::Chain(_, word, fields) => {
                word.print_bracketed(out);
                dotted(out, fields);
            }
            Self::Pipe(pipe) => pipe.print(out),
        }
    }

    pub(crate) fn text(&self) -> String {
        let mut out = Vec::new();
        self.print(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }
}
