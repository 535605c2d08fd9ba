//! Text to tokens, in libyaml's manner: indentation becomes start and end tokens, and a simple key is
//! recognised when its colon comes, by inserting a token before it.

mod block;
mod comment;
mod cursor;
mod fetch;
mod plain;
mod quoted;
mod tag;
mod token;

use std::collections::VecDeque;

pub use token::{Comment, Fault, Place, Token, TokenKind};

use crate::options::Limits;

/// A place where a key without `?` may have begun.
#[derive(Clone, Copy, Debug, Default)]
struct SimpleKey {
    possible: bool,
    /// Nothing else may stand here, so a missing colon is a fault.
    required: bool,
    /// Count of tokens before it in the whole stream.
    token_number: usize,
    mark: Place,
    /// The token it begins with is held back until the key is certain.
    held: bool,
}

/// The scanner. Pull tokens with [`Scanner::peek`] and [`Scanner::skip`].
pub struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    /// Offset of the next byte.
    at: usize,
    mark: Place,
    /// Line breaks since the last character that is not blank; kept for comments only.
    newlines: i32,
    tokens: VecDeque<Token<'a>>,
    /// Start and kind of the last tokens taken out of the queue, newest last: comments look back at them.
    taken: [Option<(Place, Seen)>; 2],
    tokens_parsed: usize,
    available: bool,
    started: bool,
    indent: i32,
    indents: Vec<i32>,
    simple_key_allowed: bool,
    simple_keys: Vec<SimpleKey>,
    flow_level: usize,
    max_depth: usize,
    keep_comments: bool,
    /// Tokens wanted behind the first one.
    lookahead: usize,
    pub comments: VecDeque<Comment>,
}

/// The kinds of token that matter to comments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    BlockSequenceStart,
    BlockEntry,
    FlowEntry,
    Value,
    Other,
}

impl Seen {
    fn of(kind: &TokenKind<'_>) -> Self {
        match kind {
            TokenKind::BlockSequenceStart => Self::BlockSequenceStart,
            TokenKind::BlockEntry => Self::BlockEntry,
            TokenKind::FlowEntry => Self::FlowEntry,
            TokenKind::Value => Self::Value,
            _ => Self::Other,
        }
    }
}

type Scan<T = ()> = Result<T, Box<Fault>>;

impl<'a> Scanner<'a> {
    pub fn new(text: &'a str, limits: &Limits, keep_comments: bool, lookahead: usize) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
            mark: Place::default(),
            newlines: 0,
            tokens: VecDeque::with_capacity(16),
            taken: [None; 2],
            tokens_parsed: 0,
            available: false,
            started: false,
            indent: -1,
            indents: Vec::new(),
            simple_key_allowed: true,
            simple_keys: vec![SimpleKey::default()],
            flow_level: 0,
            max_depth: limits.max_depth,
            keep_comments,
            lookahead,
            comments: VecDeque::new(),
        }
    }

    /// True when all text was looked at.
    pub fn is_exhausted(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// The next token, which stays in the queue.
    pub fn peek(&mut self) -> Scan<&Token<'a>> {
        if !self.available {
            self.fetch_more()?;
        }
        Ok(self.tokens.front().expect("fetching leaves a token"))
    }

    /// Takes out the token last peeked at.
    pub fn skip(&mut self) -> Token<'a> {
        let token = self.tokens.pop_front().expect("a token was peeked at");
        if self.keep_comments {
            self.taken = [self.taken[1], Some((token.start, Seen::of(&token.kind)))];
        }
        self.available = false;
        self.tokens_parsed += 1;
        token
    }

    /// Fetches until the first token is certain: no key token can come to stand before it. go-yaml v3 wants two
    /// more, because a comment may belong to the token before it or after it; so it meets faults earlier.
    fn fetch_more(&mut self) -> Scan {
        while self.tokens.len() <= self.lookahead || self.head_may_become_key()? {
            self.fetch_next()?;
        }
        self.available = true;
        Ok(())
    }

    fn head_may_become_key(&mut self) -> Scan<bool> {
        // Token numbers grow along the stack; two neighbours can share one.
        let head = self.tokens_parsed;
        let mut level = match self.simple_keys.as_slice() {
            [only] => usize::from(only.token_number < head),
            keys => keys.partition_point(|key| key.token_number < head),
        };
        while let Some(key) = self.simple_keys.get(level) {
            if key.token_number != head {
                return Ok(false);
            }
            if key.possible && key.held {
                return self.key_still_valid(level);
            }
            level += 1;
        }
        Ok(false)
    }

    /// A key must end on its line and within 1,024 characters.
    fn key_still_valid(&mut self, level: usize) -> Scan<bool> {
        let key = self.simple_keys[level];
        if !key.possible {
            return Ok(false);
        }
        if key.mark.line < self.mark.line || key.mark.index + 1024 < self.mark.index {
            if key.required {
                return Err(self.fault_in(key.mark, "could not find expected ':'"));
            }
            self.simple_keys[level].possible = false;
            return Ok(false);
        }
        Ok(true)
    }

    fn save_simple_key(&mut self) -> Scan {
        if !self.simple_key_allowed {
            return Ok(());
        }
        let key = SimpleKey {
            possible: true,
            required: self.flow_level == 0 && self.indent == self.mark.column,
            token_number: self.tokens_parsed + self.tokens.len(),
            mark: self.mark,
            held: true,
        };
        self.remove_simple_key()?;
        *self.simple_keys.last_mut().expect("one key per flow level") = key;
        Ok(())
    }

    fn remove_simple_key(&mut self) -> Scan {
        let key = self.simple_keys.last_mut().expect("one key per flow level");
        if key.possible && key.required {
            let mark = key.mark;
            return Err(self.fault_in(mark, "could not find expected ':'"));
        }
        key.possible = false;
        Ok(())
    }

    fn increase_flow_level(&mut self) -> Scan {
        let token_number = self.tokens_parsed + self.tokens.len();
        self.simple_keys.push(SimpleKey { token_number, mark: self.mark, ..SimpleKey::default() });
        self.flow_level += 1;
        if self.flow_level > self.max_depth { Err(self.too_deep()) } else { Ok(()) }
    }

    fn decrease_flow_level(&mut self) {
        if self.flow_level > 0 {
            self.flow_level -= 1;
            let inner = self.simple_keys.pop().map(|key| key.token_number);
            // An empty collection is no longer held back as a key: go-yaml's quirk.
            if let Some(outer) = self.simple_keys.last_mut().filter(|key| Some(key.token_number) == inner) {
                outer.held = false;
            }
        }
    }

    /// Inserts a token before the one with this number in the stream; behind all when that one is gone.
    fn insert(&mut self, number: usize, token: Token<'a>) {
        match number.checked_sub(self.tokens_parsed) {
            Some(at) if at < self.tokens.len() => self.tokens.insert(at, token),
            _ => self.tokens.push_back(token),
        }
    }

    /// Opens a block collection when `column` lies deeper than the present one. `number` says before which
    /// token, counted over the stream, its start belongs; `None` appends it.
    fn roll_indent(&mut self, column: i32, number: Option<usize>, kind: TokenKind<'a>, mark: Place) -> Scan {
        if self.flow_level > 0 || self.indent >= column {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = column;
        if self.indents.len() > self.max_depth {
            return Err(self.too_deep());
        }
        let token = Token { kind, start: mark, end: mark };
        match number {
            Some(number) => self.insert(number, token),
            None => self.tokens.push_back(token),
        }
        Ok(())
    }

    /// Closes block collections deeper than `column`. `scan` is where the search for this token began: an end
    /// goes before the comments that belong to what follows.
    fn unroll_indent(&mut self, column: i32, scan: Place) {
        if self.flow_level > 0 || self.indent <= column {
            return;
        }
        let mut block = Place { index: scan.index - 1, ..scan };
        while self.indent > column {
            let mut stop = block.index;
            for comment in self.comments.iter().rev() {
                if comment.end.index < stop {
                    break;
                }
                if comment.start.column == self.indent + 1 {
                    block = comment.start;
                }
                stop = comment.scan.index;
            }
            self.tokens.push_back(Token { kind: TokenKind::BlockEnd, start: block, end: block });
            self.indent = self.indents.pop().expect("one entry per open collection");
        }
    }

    /// The last token made, or the one before it when `back` is 1.
    fn newest(&self, back: usize) -> Option<(Place, Seen)> {
        match self.tokens.len().checked_sub(back + 1) {
            Some(at) => self.tokens.get(at).map(|token| (token.start, Seen::of(&token.kind))),
            None => self.taken.get(1 + self.tokens.len() - back).copied().flatten(),
        }
    }

    fn fault_in(&self, context: Place, problem: &'static str) -> Box<Fault> {
        Box::new(Fault {
            scanner: true,
            context: Some(context),
            problem: problem.into(),
            place: self.mark,
            limit: false,
        })
    }

    fn fault(&self, problem: &'static str) -> Box<Fault> {
        self.fault_in(self.mark, problem)
    }

    fn too_deep(&self) -> Box<Fault> {
        let problem = format!("exceeded max depth of {}", self.max_depth);
        Box::new(Fault {
            scanner: true,
            context: Some(self.mark),
            problem: problem.into(),
            place: self.mark,
            limit: true,
        })
    }
}
