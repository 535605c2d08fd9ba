//! From text to a list of literal parts and calls.

use crate::error::Error;

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// Stands for itself.
    Text(String),
    /// `${...}`.
    Call {
        /// The variable.
        param: String,
        /// The operator as written, such as `:-` or `##`; empty for a bare variable.
        operator: String,
        args: Vec<Node>,
    },
}

/// Splits a text into its parts.
///
/// # Errors
/// A `${` that does not continue as a substitution, or nesting deeper than `max_depth`.
pub fn parse(text: &str, max_depth: usize) -> Result<Vec<Node>, Error> {
    // A NUL ends the text, as upstream's scanner has it.
    let text = text.find('\0').map_or(text, |end| &text[..end]);
    let mut parser = Parser { text, at: 0, max_depth };
    let mut nodes = Vec::new();
    loop {
        let literal = parser.text_until(&Stop::Never, Escapes::Dollar);
        if !literal.is_empty() {
            nodes.push(Node::Text(literal));
        }
        if !parser.eat("${") {
            return Ok(nodes);
        }
        nodes.push(parser.call(1)?);
    }
}

/// What a backslash or a second dollar does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    None,
    Dollar,
    /// `$$`, `\/` and `\\`.
    All,
}

/// Where a literal part ends, beside `${` and the end of the text.
enum Stop {
    Never,
    Brace,
    Slash,
    ColonOrBrace,
}

impl Stop {
    fn at(&self, byte: u8) -> bool {
        match self {
            Self::Never => false,
            Self::Brace => byte == b'}',
            Self::Slash => byte == b'/',
            Self::ColonOrBrace => matches!(byte, b':' | b'}'),
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    max_depth: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The next byte; 0 at the end.
    fn byte(&self) -> u8 {
        self.rest().bytes().next().unwrap_or(0)
    }

    fn eat(&mut self, expected: &str) -> bool {
        let found = self.rest().starts_with(expected);
        if found {
            self.at += expected.len();
        }
        found
    }

    /// Reads a literal part, undoing escapes.
    fn text_until(&mut self, stop: &Stop, escapes: Escapes) -> String {
        let mut out = String::new();
        let mut from = self.at;
        let bytes = self.text.as_bytes();
        loop {
            if matches!(stop, Stop::Never) {
                self.at += self.rest().find('$').unwrap_or(self.rest().len());
            }
            let Some(byte) = bytes.get(self.at).copied() else { break };
            let next = bytes.get(self.at + 1).copied();
            let escape = match (byte, next) {
                (b'$', Some(b'{')) => break,
                (b'$', Some(b'$')) => escapes != Escapes::None,
                (b'\\', Some(b'/' | b'\\')) => escapes == Escapes::All,
                _ => false,
            };
            if escape {
                out.push_str(&self.text[from..self.at]);
                from = self.at + 1;
                self.at += 2;
            } else if stop.at(byte) {
                break;
            } else {
                self.at += 1;
            }
        }
        out.push_str(&self.text[from..self.at]);
        out
    }

    /// Reads one to `most` of `byte`.
    fn operator(&mut self, accept: impl Fn(u8) -> bool, most: usize) -> &'a str {
        let length = self.rest().bytes().take(most).take_while(|byte| accept(*byte)).count();
        let operator = &self.rest()[..length];
        self.at += length;
        operator
    }

    fn name(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_alphabetic() || c.is_ascii_digit() || c == '_')).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn close(&mut self) -> Result<(), Error> {
        if self.eat("}") { Ok(()) } else { Err(Error::BadSubstitution) }
    }

    /// Reads on behind `${`.
    fn call(&mut self, depth: usize) -> Result<Node, Error> {
        if depth > self.max_depth {
            return Err(Error::TooDeep { limit: self.max_depth });
        }
        if self.eat("#") {
            let param = self.name().to_owned();
            if param.is_empty() {
                return Err(Error::BadSubstitution);
            }
            self.close()?;
            return Ok(Node::Call { param, operator: "#".into(), args: Vec::new() });
        }
        let param = self.name().to_owned();
        if param.is_empty() {
            return Err(Error::VariableName);
        }
        let (operator, args) = match self.byte() {
            b':' => match self.rest().chars().nth(1) {
                Some('=' | '-' | '?' | '+') => (self.operator(|_| true, 2), self.default(depth)?),
                // Upstream steps back by the width of the wrong character here.
                None => return Err(Error::BadSubstitution),
                Some(next) if !next.is_ascii() => return Err(Error::BadSubstitution),
                Some(_) => (self.operator(|_| true, 1), self.substring(depth)?),
            },
            b'=' => (self.operator(|_| true, 1), self.default(depth)?),
            b',' | b'^' => {
                let operator = self.operator(|byte| matches!(byte, b',' | b'^'), 2);
                self.close()?;
                (operator, Vec::new())
            }
            b'/' => self.replacement(depth)?,
            mark @ (b'#' | b'%') => {
                let operator = self.operator(|byte| byte == mark, 2);
                let pattern = self.param(&Stop::Brace, Escapes::None, depth)?;
                self.close()?;
                (operator, vec![pattern])
            }
            b'}' => {
                self.at += 1;
                ("", Vec::new())
            }
            _ => return Err(Error::MissingClosingBrace),
        };
        Ok(Node::Call { param, operator: operator.to_owned(), args })
    }

    /// One argument: a call, or literal text that is not empty.
    fn param(&mut self, stop: &Stop, escapes: Escapes, depth: usize) -> Result<Node, Error> {
        if self.eat("${") {
            return self.call(depth + 1);
        }
        let text = self.text_until(stop, escapes);
        if text.is_empty() { Err(Error::FunctionSubstitution) } else { Ok(Node::Text(text)) }
    }

    fn default(&mut self, depth: usize) -> Result<Vec<Node>, Error> {
        let mut args = Vec::new();
        while !self.eat("}") {
            args.push(self.param(&Stop::Brace, Escapes::None, depth)?);
        }
        Ok(args)
    }

    fn substring(&mut self, depth: usize) -> Result<Vec<Node>, Error> {
        let mut args = vec![self.param(&Stop::ColonOrBrace, Escapes::None, depth)?];
        if self.eat("}") {
            return Ok(args);
        }
        if self.operator(|byte| byte == b':', usize::MAX).is_empty() {
            return Err(Error::BadSubstitution);
        }
        args.push(self.param(&Stop::Brace, Escapes::None, depth)?);
        self.close()?;
        Ok(args)
    }

    /// The pattern ends at a slash only, wherever that comes.
    fn replacement(&mut self, depth: usize) -> Result<(&'a str, Vec<Node>), Error> {
        let second = self.rest().as_bytes().get(1).is_some_and(|byte| matches!(byte, b'/' | b'#' | b'%'));
        let operator = self.operator(|_| true, 1 + usize::from(second));
        let mut args = vec![self.param(&Stop::Slash, Escapes::All, depth)?];
        if self.operator(|byte| byte == b'/', usize::MAX).is_empty() {
            return Err(Error::BadSubstitution);
        }
        if !self.eat("}") {
            args.push(self.param(&Stop::Brace, Escapes::All, depth)?);
            self.close()?;
        }
        Ok((operator, args))
    }
}
