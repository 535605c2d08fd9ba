//! Tokens to trees.

use std::collections::HashMap;
use std::sync::Arc;

use super::lexer::{Kind, Lexer, Token};
use super::number;
use super::tree::{Branch, Call, Command, Node, Nodes, Pipe, Source, Tree, Word};
use crate::functions;
use crate::go::quoting;
use crate::stack::Stack;
use crate::value::Str;

/// Go's limit on parentheses.
const MAX_PARENS: usize = 10_000;

/// A text that does not parse: `template: NAME:LINE: MESSAGE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ParseError {
    pub(crate) name: String,
    pub(crate) line: u32,
    pub(crate) message: String,
}

impl ParseError {
    pub(crate) fn text(&self) -> String {
        format!("template: {}:{}: {}", self.name, self.line, self.message)
    }
}

/// Parses a text: the template `name` itself and those that it defines. A later tree of the same text replaces an
/// empty one.
pub(crate) fn parse(name: &str, text: &[u8], stack: &Stack) -> Result<Vec<Tree>, ParseError> {
    let source = Arc::new(Source { name: name.to_owned(), text: text.into() });
    let mut parser = Parser {
        places: HashMap::new(),
        source: &source,
        lexer: Lexer::new(text),
        ahead: Vec::with_capacity(3),
        last_line: 1,
        scope: Scope::default(),
        trees: Vec::new(),
        stack,
    };
    parser.whole(name)?;
    Ok(parser.trees)
}

/// What belongs to one named template while it is parsed.
struct Scope {
    variables: Variables,
    action_line: u32,
    ranges: usize,
    parens: usize,
}

impl Default for Scope {
    fn default() -> Self {
        let mut variables = Variables::default();
        variables.declare("$".into());
        Self { variables, action_line: 0, ranges: 0, parens: 0 }
    }
}

/// Declared variables, inner ones last.
#[derive(Default)]
struct Variables {
    declared: Vec<Arc<str>>,
    /// How often each name is declared now.
    counts: HashMap<Arc<str>, usize>,
}

impl Variables {
    fn declare(&mut self, name: Arc<str>) {
        *self.counts.entry(Arc::clone(&name)).or_default() += 1;
        self.declared.push(name);
    }

    fn leave(&mut self, kept: usize) {
        for name in self.declared.drain(kept..) {
            match self.counts.get_mut(&name) {
                Some(count) if *count > 1 => *count -= 1,
                _ => drop(self.counts.remove(&name)),
            }
        }
    }

    fn find(&self, name: &str) -> Option<&Arc<str>> {
        self.counts.get_key_value(name).map(|(known, _)| known)
    }
}

struct Parser<'a> {
    source: &'a Arc<Source>,
    lexer: Lexer<'a>,
    /// Tokens that were put back; the last is next.
    ahead: Vec<Token<'a>>,
    /// The line that errors name: of the token read last from the text.
    last_line: u32,
    scope: Scope,
    trees: Vec<Tree>,
    /// Where each name is among the trees.
    places: HashMap<Arc<str>, usize>,
    stack: &'a Stack,
}

type Parsed<T> = Result<T, ParseError>;

/// What ends a list.
enum Ending {
    End,
    Else,
}

enum Item {
    Node(Node),
    Ending(Ending),
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Token<'a> {
        if let Some(token) = self.ahead.pop() {
            return token;
        }
        let token = self.lexer.token();
        self.last_line = token.line;
        token
    }

    fn back(&mut self, token: Token<'a>) {
        self.ahead.push(token);
    }

    fn peek(&mut self) -> Token<'a> {
        let token = self.next();
        self.back(token.clone());
        token
    }

    fn next_word(&mut self) -> Token<'a> {
        loop {
            let token = self.next();
            if token.kind != Kind::Space {
                return token;
            }
        }
    }

    fn peek_word(&mut self) -> Token<'a> {
        let token = self.next_word();
        self.back(token.clone());
        token
    }

    fn error<T>(&self, message: impl Into<String>) -> Parsed<T> {
        Err(ParseError { name: self.source.name.clone(), line: self.last_line, message: message.into() })
    }

    fn unexpected<T>(&self, token: &Token<'a>, context: &str) -> Parsed<T> {
        let shown = token.shown();
        if token.kind != Kind::Error {
            return self.error(format!("unexpected {shown} in {context}"));
        }
        let started = self.scope.action_line;
        if started == 0 || started == token.line {
            return self.error(shown);
        }
        let action = if shown.ends_with(" action") { "" } else { " in action" };
        self.error(format!("{shown}{action} started at {}:{started}", self.source.name))
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Parsed<Token<'a>> {
        let token = self.next_word();
        if token.kind == kind { Ok(token) } else { self.unexpected(&token, context) }
    }

    fn whole(&mut self, name: &str) -> Parsed<()> {
        let mut root = Nodes::default();
        loop {
            let token = self.next();
            match token.kind {
                Kind::End => break,
                Kind::LeftDelim => {
                    let word = self.next_word();
                    if word.kind == Kind::Define {
                        self.definition()?;
                        continue;
                    }
                    self.back(word);
                    self.back(token);
                }
                _ => self.back(token),
            }
            match self.item()? {
                Item::Node(node) => root.nodes.push(node),
                Item::Ending(Ending::End) => return self.error("unexpected {{end}}"),
                Item::Ending(Ending::Else) => return self.error("unexpected {{else}}"),
            }
        }
        self.add(name.into(), root)
    }

    fn add(&mut self, name: Arc<str>, root: Nodes) -> Parsed<()> {
        let tree = Tree { name, file: Arc::clone(self.source), root };
        let place = *self.places.entry(Arc::clone(&tree.name)).or_insert(self.trees.len());
        match self.trees.get_mut(place) {
            None => self.trees.push(tree),
            Some(known) if known.is_empty() => *known = tree,
            Some(_) if tree.is_empty() => {}
            Some(_) => {
                let name = quoting::quote_text(tree.name.as_bytes());
                return self.error(format!("template: multiple definition of template {name}"));
            }
        }
        Ok(())
    }

    /// Parses in a scope of its own: a definition sees no variables from outside.
    fn scoped<T>(&mut self, work: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        let outer = std::mem::take(&mut self.scope);
        let result = work(self);
        self.scope = outer;
        result
    }

    fn definition(&mut self) -> Parsed<()> {
        self.scoped(|parser| {
            let context = "define clause";
            let token = parser.next_word();
            let name = parser.template_name(&token, context)?;
            parser.expect(Kind::RightDelim, context)?;
            let (list, ending) = parser.list()?;
            if let Ending::Else = ending {
                return parser.error(format!("unexpected {{{{else}}}} in {context}"));
            }
            parser.add(String::from_utf8_lossy(&name).into(), list)
        })
    }

    fn list(&mut self) -> Parsed<(Nodes, Ending)> {
        if self.stack.is_deep() {
            return self.error("max nesting depth exceeded");
        }
        let mut list = Nodes::default();
        while self.peek_word().kind != Kind::End {
            match self.item()? {
                Item::Node(node) => list.nodes.push(node),
                Item::Ending(ending) => return Ok((list, ending)),
            }
        }
        self.error("unexpected EOF")
    }

    fn item(&mut self) -> Parsed<Item> {
        let token = self.next_word();
        match token.kind {
            Kind::Text => Ok(Item::Node(Node::Text(token.at, token.text.into()))),
            Kind::LeftDelim => {
                self.scope.action_line = token.line;
                let item = self.action()?;
                self.scope.action_line = 0;
                Ok(item)
            }
            _ => self.unexpected(&token, "input"),
        }
    }

    fn action(&mut self) -> Parsed<Item> {
        let token = self.next_word();
        let node = match token.kind {
            Kind::Block => self.block()?,
            Kind::Break => self.leave(Node::Break(token.at), "{{break}}")?,
            Kind::Continue => self.leave(Node::Continue(token.at), "{{continue}}")?,
            Kind::Else => return self.otherwise().map(|_| Item::Ending(Ending::Else)),
            Kind::EndWord => {
                self.expect(Kind::RightDelim, "end")?;
                return Ok(Item::Ending(Ending::End));
            }
            Kind::If => Node::If(self.branch("if")?),
            Kind::Range => Node::Range(self.branch("range")?),
            Kind::With => Node::With(self.branch("with")?),
            Kind::Template => self.template()?,
            _ => {
                self.back(token);
                let at = self.peek().at;
                Node::Action(at, self.pipeline("command", Kind::RightDelim)?)
            }
        };
        Ok(Item::Node(node))
    }

    fn leave(&mut self, node: Node, shown: &str) -> Parsed<Node> {
        let token = self.next_word();
        if token.kind != Kind::RightDelim {
            return self.unexpected(&token, shown);
        }
        if self.scope.ranges == 0 {
            return self.error(format!("{shown} outside {{{{range}}}}"));
        }
        Ok(node)
    }

    /// `{{else}}`; before an `if` or `with` the word stays unread.
    fn otherwise(&mut self) -> Parsed<Token<'a>> {
        let token = self.peek_word();
        if matches!(token.kind, Kind::If | Kind::With) {
            return Ok(token);
        }
        self.expect(Kind::RightDelim, "else")
    }

    fn branch(&mut self, context: &str) -> Parsed<Box<Branch>> {
        let declared = self.scope.variables.declared.len();
        let pipe = self.pipeline(context, Kind::RightDelim)?;
        let range = usize::from(context == "range");
        self.scope.ranges += range;
        let (list, ending) = self.list()?;
        self.scope.ranges -= range;
        let otherwise = match ending {
            Ending::End => None,
            Ending::Else => Some(self.else_list(context)?),
        };
        self.scope.variables.leave(declared);
        Ok(Box::new(Branch { pipe, list, otherwise }))
    }

    fn else_list(&mut self, context: &str) -> Parsed<Nodes> {
        let nested = match (context, self.peek().kind) {
            ("if", Kind::If) => "if",
            ("with", Kind::With) => "with",
            _ => {
                let (list, ending) = self.list()?;
                return match ending {
                    Ending::End => Ok(list),
                    Ending::Else => self.error("expected end; found {{else}}"),
                };
            }
        };
        if self.stack.is_deep() {
            return self.error("max nesting depth exceeded");
        }
        _ = self.next();
        let branch = self.branch(nested)?;
        let node = if nested == "if" { Node::If(branch) } else { Node::With(branch) };
        Ok(Nodes { nodes: vec![node] })
    }

    fn block(&mut self) -> Parsed<Node> {
        let context = "block clause";
        let token = self.next_word();
        let name = self.template_name(&token, context)?;
        let pipe = self.pipeline(context, Kind::RightDelim)?;
        let own: Arc<str> = String::from_utf8_lossy(&name).into();
        let ending = self.scoped(|parser| {
            let (list, ending) = parser.list()?;
            Ok((list, ending))
        });
        let (list, ending) = ending?;
        if let Ending::Else = ending {
            return self.error(format!("unexpected {{{{else}}}} in {context}"));
        }
        self.add(own, list)?;
        Ok(Node::Template(Box::new(Call { at: token.at, name, pipe: Some(pipe) })))
    }

    fn template(&mut self) -> Parsed<Node> {
        let context = "template clause";
        let token = self.next_word();
        let name = self.template_name(&token, context)?;
        let after = self.next_word();
        let pipe = if after.kind == Kind::RightDelim {
            None
        } else {
            self.back(after);
            Some(self.pipeline(context, Kind::RightDelim)?)
        };
        Ok(Node::Template(Box::new(Call { at: token.at, name, pipe })))
    }

    fn template_name(&mut self, token: &Token<'a>, context: &str) -> Parsed<Vec<u8>> {
        match token.kind {
            Kind::String | Kind::RawString => self.unquote(token),
            _ => self.unexpected(token, context),
        }
    }

    fn unquote(&self, token: &Token<'a>) -> Parsed<Vec<u8>> {
        match quoting::unquote(token.text) {
            Some(text) => Ok(text),
            None => self.error("invalid syntax"),
        }
    }

    fn pipeline(&mut self, context: &str, end: Kind) -> Parsed<Pipe> {
        let at = self.peek_word().at;
        let mut pipe = Pipe { at, assign: false, declared: Vec::new(), commands: Vec::new() };
        self.declarations(context, &mut pipe)?;
        loop {
            let token = self.next_word();
            match token.kind {
                kind if kind == end => break,
                Kind::Bool
                | Kind::CharConstant
                | Kind::Complex
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::String
                | Kind::Variable
                | Kind::LeftParen => {
                    self.back(token);
                    let command = self.command()?;
                    pipe.commands.push(command);
                }
                _ => return self.unexpected(&token, context),
            }
        }
        self.check(&pipe, context)?;
        Ok(pipe)
    }

    fn check(&self, pipe: &Pipe, context: &str) -> Parsed<()> {
        if pipe.commands.is_empty() {
            return self.error(format!("missing value for {context}"));
        }
        for (index, command) in pipe.commands.iter().enumerate().skip(1) {
            let first = &command.words[0];
            if matches!(first, Word::Bool(..) | Word::Dot(_) | Word::Nil(_) | Word::Number(..) | Word::String(..)) {
                return self.error(format!("non executable command in pipeline stage {}", index + 1));
            }
        }
        Ok(())
    }

    /// `$x :=`, `$x =`, and in a range `$k, $v :=`.
    fn declarations(&mut self, context: &str, pipe: &mut Pipe) -> Parsed<()> {
        while self.peek_word().kind == Kind::Variable {
            let variable = self.next_word();
            let adjacent = self.next();
            let next = if adjacent.kind == Kind::Space { self.next_word() } else { adjacent.clone() };
            let comma = next.kind == Kind::Char && next.text == b",";
            if !comma && !matches!(next.kind, Kind::Assign | Kind::Declare) {
                self.back(next);
                if adjacent.kind == Kind::Space {
                    self.back(adjacent);
                }
                self.back(variable);
                return Ok(());
            }
            let name: Arc<str> = String::from_utf8_lossy(variable.text).into();
            pipe.declared.push(Arc::clone(&name));
            self.scope.variables.declare(name);
            if !comma {
                pipe.assign = next.kind == Kind::Assign;
                return Ok(());
            }
            if context != "range" || pipe.declared.len() >= 2 {
                return self.error(format!("too many declarations in {context}"));
            }
            let after = self.peek_word().kind;
            if !matches!(after, Kind::Variable | Kind::RightDelim | Kind::RightParen) {
                return self.error("range can only initialize variables");
            }
        }
        Ok(())
    }

    fn command(&mut self) -> Parsed<Command> {
        let mut command = Command { at: self.peek_word().at, words: Vec::new() };
        loop {
            _ = self.peek_word();
            if let Some(word) = self.operand()? {
                command.words.push(word);
            }
            let token = self.next();
            match token.kind {
                Kind::Space => continue,
                Kind::RightDelim | Kind::RightParen => self.back(token),
                Kind::Pipe => {}
                _ => return self.unexpected(&token, "operand"),
            }
            break;
        }
        if command.words.is_empty() {
            return self.error("empty command");
        }
        Ok(command)
    }

    fn operand(&mut self) -> Parsed<Option<Word>> {
        let Some(word) = self.term()? else { return Ok(None) };
        let token = self.peek();
        if token.kind != Kind::Field {
            return Ok(Some(word));
        }
        let mut fields = Vec::new();
        while self.peek().kind == Kind::Field {
            let field = self.next();
            fields.push(Str::from(&field.text[1..]));
        }
        Ok(Some(match word {
            Word::Field(_, mut first) => {
                first.append(&mut fields);
                Word::Field(token.at, first)
            }
            Word::Variable(_, name, mut first) => {
                first.append(&mut fields);
                Word::Variable(token.at, name, first)
            }
            Word::Bool(..) | Word::String(..) | Word::Number(..) | Word::Nil(_) | Word::Dot(_) => {
                let shown = quoting::quote_text(word.text().as_bytes());
                return self.error(format!("unexpected . after term {shown}"));
            }
            other => Word::Chain(token.at, Box::new(other), fields),
        }))
    }

    fn term(&mut self) -> Parsed<Option<Word>> {
        let token = self.next_word();
        let text = || String::from_utf8_lossy(token.text).into_owned();
        Ok(Some(match token.kind {
            Kind::Identifier => match functions::find(&text()) {
                Some(function) => Word::Function(token.at, function),
                None => return self.error(format!("function {} not defined", quoting::quote_text(token.text))),
            },
            Kind::Dot => Word::Dot(token.at),
            Kind::Nil => Word::Nil(token.at),
            Kind::Variable => {
                let name = text();
                match self.scope.variables.find(&name) {
                    Some(known) => Word::Variable(token.at, Arc::clone(known), Vec::new()),
                    None => {
                        return self.error(format!("undefined variable {}", quoting::quote_text(token.text)));
                    }
                }
            }
            Kind::Field => Word::Field(token.at, vec![Str::from(&token.text[1..])]),
            Kind::Bool => Word::Bool(token.at, token.text == b"true"),
            Kind::CharConstant | Kind::Complex | Kind::Number => {
                let number = match token.kind {
                    Kind::CharConstant => number::character(token.text),
                    Kind::Complex => number::complex(token.text),
                    _ => number::number(token.text),
                };
                match number {
                    Ok(number) => Word::Number(token.at, Box::new(number)),
                    Err(message) => return self.error(message),
                }
            }
            Kind::LeftParen => {
                if self.scope.parens >= MAX_PARENS || self.stack.is_deep() {
                    return self.error("max expression depth exceeded");
                }
                self.scope.parens += 1;
                let pipe = self.pipeline("parenthesized pipeline", Kind::RightParen)?;
                self.scope.parens -= 1;
                Word::Pipe(Box::new(pipe))
            }
            Kind::String | Kind::RawString => {
                let meaning = self.unquote(&token)?;
                Word::String(token.at, Box::new((token.text.into(), meaning.into())))
            }
            _ => {
                self.back(token);
                return Ok(None);
            }
        }))
    }
}

impl Tree {
    /// True when the template has nothing but blanks; such a one does not replace another.
    pub(crate) fn is_empty(&self) -> bool {
        self.root.nodes.iter().all(|node| match node {
            Node::Text(_, text) => text.as_bytes().trim_ascii().is_empty(),
            _ => false,
        })
    }
}
