//! Kubernetes' parser of label selectors, with its error texts.

use super::Requirement;
use super::names::{check_key, check_value};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    /// One of `! = == != > < ( ) ,`, or signs that make no sense together.
    Sign(&'a str),
    End,
}

impl<'a> Token<'a> {
    fn text(self) -> &'a str {
        match self {
            Token::Word(text) | Token::Sign(text) => text,
            Token::End => "",
        }
    }
}

const SIGNS: [&str; 9] = [")", ",", "!", "==", "=", ">", "<", "!=", "("];

fn scan(text: &str) -> Vec<Token<'_>> {
    let is_space = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n');
    let is_sign = |c: char| "=!(),><".contains(c);
    let mut tokens = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while let Some(first) = rest.chars().next() {
        let length = if is_sign(first) {
            // The longest known sign; what follows an unknown one belongs to it.
            let run = rest.find(|c| !is_sign(c)).unwrap_or(rest.len());
            let known = (1..=run).find(|length| SIGNS.contains(&&rest[..*length]));
            match known {
                Some(1) if run > 1 && SIGNS.contains(&&rest[..2]) => 2,
                Some(length) => length,
                None => run,
            }
        } else {
            rest.find(|c| is_space(c) || is_sign(c)).unwrap_or(rest.len())
        };
        let (token, more) = rest.split_at(length);
        tokens.push(if is_sign(first) { Token::Sign(token) } else { Token::Word(token) });
        rest = more.trim_start_matches(is_space);
    }
    tokens.push(Token::End);
    tokens
}

struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Token<'a> {
        self.tokens.get(self.at).copied().unwrap_or(Token::End)
    }

    fn next(&mut self) -> Token<'a> {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn key(&mut self) -> Result<(&'a str, bool), String> {
        let mut token = self.next();
        let absent = token == Token::Sign("!");
        if absent {
            token = self.next();
        }
        let Token::Word(key) = token else {
            return Err(format!("found '{}', expected: identifier", token.text()));
        };
        check_key(key)?;
        Ok((key, absent))
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let (key, absent) = self.key()?;
        if absent {
            return Ok(Requirement::Absent(key.to_owned()));
        }
        if matches!(self.peek(), Token::End | Token::Sign(",")) {
            return Ok(Requirement::Exists(key.to_owned()));
        }
        let operator = self.next();
        let owned = |values: Vec<&str>| -> Result<Vec<String>, String> {
            let mut values: Vec<String> = values.into_iter().map(str::to_owned).collect();
            values.sort_unstable();
            values.dedup();
            values.iter().try_for_each(|value| check_value(key, value))?;
            Ok(values)
        };
        let bound = |value: &str| -> Result<i64, String> {
            let wrong = || "for 'Gt', 'Lt' operators, the value must be an integer".to_owned();
            let bound = value.parse().map_err(|_| wrong())?;
            check_value(key, value).map(|()| bound)
        };
        let name = key.to_owned();
        match operator {
            Token::Word("in") => Ok(Requirement::In(name, owned(self.values()?)?)),
            Token::Word("notin") => Ok(Requirement::NotIn(name, owned(self.values()?)?)),
            Token::Sign("=" | "==") => Ok(Requirement::In(name, owned(vec![self.exact()?])?)),
            Token::Sign("!=") => Ok(Requirement::NotIn(name, owned(vec![self.exact()?])?)),
            Token::Sign(">") => Ok(Requirement::Greater(name, bound(self.exact()?)?)),
            Token::Sign("<") => Ok(Requirement::Less(name, bound(self.exact()?)?)),
            other => Err(format!("found '{}', expected: '=', '!=', '==', 'in', notin'", other.text())),
        }
    }

    fn exact(&mut self) -> Result<&'a str, String> {
        if matches!(self.peek(), Token::End | Token::Sign(",")) {
            return Ok("");
        }
        match self.next() {
            Token::Word(value) => Ok(value),
            other => Err(format!("found '{}', expected: identifier", other.text())),
        }
    }

    fn values(&mut self) -> Result<Vec<&'a str>, String> {
        let open = self.next();
        if open != Token::Sign("(") {
            return Err(format!("found '{}' expected: '('", open.text()));
        }
        let first = self.peek();
        match first {
            Token::Word(_) | Token::Sign(",") => {
                let values = self.list()?;
                match self.next() {
                    Token::Sign(")") => Ok(values),
                    _ => Err(format!("found '{}', expected: ')'", first.text())),
                }
            }
            Token::Sign(")") => {
                self.next();
                Ok(vec![""])
            }
            other => Err(format!("found '{}', expected: ',', ')' or identifier", other.text())),
        }
    }

    /// Values up to the closing parenthesis; an empty place between commas is an empty value.
    fn list(&mut self) -> Result<Vec<&'a str>, String> {
        let mut values = Vec::new();
        loop {
            match self.next() {
                Token::Word(value) => {
                    values.push(value);
                    match self.peek() {
                        Token::Sign(",") => {}
                        Token::Sign(")") => return Ok(values),
                        other => return Err(format!("found '{}', expected: ',' or ')'", other.text())),
                    }
                }
                Token::Sign(",") => {
                    if values.is_empty() {
                        values.push("");
                    }
                    match self.peek() {
                        Token::Sign(")") => {
                            values.push("");
                            return Ok(values);
                        }
                        Token::Sign(",") => {
                            self.next();
                            values.push("");
                        }
                        _ => {}
                    }
                }
                other => return Err(format!("found '{}', expected: ',', or identifier", other.text())),
            }
        }
    }
}

pub(super) fn parse(text: &str) -> Result<Vec<Requirement>, String> {
    let mut parser = Parser { tokens: scan(text), at: 0 };
    let mut requirements = Vec::new();
    loop {
        match parser.peek() {
            Token::Word(_) | Token::Sign("!") => {
                let one = parser.requirement().map_err(|reason| format!("unable to parse requirement: {reason}"))?;
                requirements.push(one);
                match parser.next() {
                    Token::End => return Ok(requirements),
                    Token::Sign(",") => {
                        let next = parser.peek();
                        if !matches!(next, Token::Word(_) | Token::Sign("!")) {
                            return Err(format!("found '{}', expected: identifier after ','", next.text()));
                        }
                    }
                    other => return Err(format!("found '{}', expected: ',' or 'end of string'", other.text())),
                }
            }
            Token::End => return Ok(requirements),
            other => return Err(format!("found '{}', expected: !, identifier, or 'end of string'", other.text())),
        }
    }
}
