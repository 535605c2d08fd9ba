//! Label selectors, as texts.

use std::collections::BTreeMap;

/// The requirements of a label selector: `a=b, c!=d, e in (x, y), f notin (z), g, !h, i>1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirements(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    operator: Operator,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Operator {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Missing,
    Above(i64),
    Below(i64),
}

impl Requirements {
    /// Reads a selector; the empty text selects everything.
    ///
    /// # Errors
    /// A text that says what was found where something else was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self(Vec::new()));
        }
        let mut tokens = Tokens::new(text);
        let mut requirements = Vec::new();
        loop {
            requirements.push(requirement(&mut tokens)?);
            match tokens.next() {
                None => return Ok(Self(requirements)),
                Some(Token::Comma) => {}
                Some(other) => return Err(format!("found '{other}', expected: ',' or 'end of string'")),
            }
        }
    }

    /// True when the labels meet all requirements.
    pub fn match_all(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|requirement| {
            let value = labels.get(&requirement.key);
            let number = || value.and_then(|value| value.parse::<i64>().ok());
            match &requirement.operator {
                Operator::In(wanted) => value.is_some_and(|value| wanted.contains(value)),
                Operator::NotIn(unwanted) => value.is_none_or(|value| !unwanted.contains(value)),
                Operator::Exists => value.is_some(),
                Operator::Missing => value.is_none(),
                Operator::Above(bound) => number().is_some_and(|number| number > *bound),
                Operator::Below(bound) => number().is_some_and(|number| number < *bound),
            }
        })
    }
}

fn requirement(tokens: &mut Tokens<'_>) -> Result<Requirement, String> {
    let missing = tokens.peek() == Some(&Token::Not);
    if missing {
        tokens.next();
    }
    let Some(Token::Word(key)) = tokens.next() else { return Err("found '', expected: identifier".into()) };
    let key = key.to_owned();
    if missing {
        return Ok(Requirement { key, operator: Operator::Missing });
    }
    let operator = match tokens.peek() {
        None | Some(Token::Comma) => Operator::Exists,
        Some(Token::Equal) => {
            tokens.next();
            Operator::In(vec![value(tokens)])
        }
        Some(Token::NotEqual) => {
            tokens.next();
            Operator::NotIn(vec![value(tokens)])
        }
        Some(Token::Greater | Token::Less) => {
            let above = tokens.next() == Some(Token::Greater);
            let bound = value(tokens);
            let bound =
                bound.parse().map_err(|_| format!("values[0][{key}]: Invalid value: {bound:?}: must be an integer"))?;
            if above { Operator::Above(bound) } else { Operator::Below(bound) }
        }
        Some(Token::Word("in")) => {
            tokens.next();
            Operator::In(values(tokens)?)
        }
        Some(Token::Word("notin")) => {
            tokens.next();
            Operator::NotIn(values(tokens)?)
        }
        Some(other) => return Err(format!("found '{other}', expected: in, notin, =, ==, !=, gt, lt")),
    };
    Ok(Requirement { key, operator })
}

/// A single value; it may be empty.
fn value(tokens: &mut Tokens<'_>) -> String {
    match tokens.peek() {
        Some(Token::Word(word)) => {
            let word = (*word).to_owned();
            tokens.next();
            word
        }
        _ => String::new(),
    }
}

fn values(tokens: &mut Tokens<'_>) -> Result<Vec<String>, String> {
    if tokens.next() != Some(Token::Open) {
        return Err("found '', expected: '('".into());
    }
    let mut values = Vec::new();
    loop {
        values.push(value(tokens));
        match tokens.next() {
            Some(Token::Comma) => {}
            Some(Token::Close) => return Ok(values),
            other => {
                return Err(format!(
                    "found '{}', expected: ',' or ')'",
                    other.map(|other| other.to_string()).unwrap_or_default()
                ));
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Comma,
    Not,
    Equal,
    NotEqual,
    Greater,
    Less,
    Open,
    Close,
}

impl std::fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Word(word) => word,
            Self::Comma => ",",
            Self::Not => "!",
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Greater => ">",
            Self::Less => "<",
            Self::Open => "(",
            Self::Close => ")",
        })
    }
}

struct Tokens<'a> {
    rest: &'a str,
    peeked: Option<Token<'a>>,
}

impl<'a> Tokens<'a> {
    fn new(text: &'a str) -> Self {
        Self { rest: text, peeked: None }
    }

    fn peek(&mut self) -> Option<&Token<'a>> {
        if self.peeked.is_none() {
            self.peeked = self.scan();
        }
        self.peeked.as_ref()
    }

    fn next(&mut self) -> Option<Token<'a>> {
        self.peeked.take().or_else(|| self.scan())
    }

    fn scan(&mut self) -> Option<Token<'a>> {
        const SYMBOLS: [(&str, Token<'static>); 9] = [
            ("==", Token::Equal),
            ("!=", Token::NotEqual),
            ("=", Token::Equal),
            ("!", Token::Not),
            (",", Token::Comma),
            (">", Token::Greater),
            ("<", Token::Less),
            ("(", Token::Open),
            (")", Token::Close),
        ];
        self.rest = self.rest.trim_start();
        if self.rest.is_empty() {
            return None;
        }
        for (symbol, token) in SYMBOLS {
            if let Some(rest) = self.rest.strip_prefix(symbol) {
                self.rest = rest;
                return Some(token);
            }
        }
        let end = self.rest.find(|c: char| c.is_whitespace() || "=!,><()".contains(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(Token::Word(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(selector: &str, labels: &[(&str, &str)]) -> bool {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Requirements::parse(selector).expect(selector).match_all(&labels)
    }

    #[test]
    fn expressions() {
        assert!(check("a=b, c != d", &[("a", "b")]));
        assert!(check("a in(x,y)", &[("a", "y")]) && !check("a in (x,y)", &[("a", "z")]));
        assert!(check("a notin (x)", &[]) && !check("a notin (x)", &[("a", "x")]));
        assert!(check("a,!b", &[("a", "")]) && !check("!a", &[("a", "")]));
        assert!(check("n>3, n<10", &[("n", "5")]) && !check("n>3", &[("n", "x")]));
        assert!(check("a=", &[("a", "")]) && check("", &[("a", "")]));
        for bad in ["a in x", "=a", "a b", "a in (x", "n>x", "a,"] {
            assert!(Requirements::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in ".{0,40}") {
            let _ = Requirements::parse(&text);
        }
    }
}
