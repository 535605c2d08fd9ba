//! Label selectors in their text form and as the `LabelSelector` object.

use serde_json::Value;

use crate::names;
use crate::status::FieldError;

/// A conjunction of requirements; the empty one matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LabelSelector(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    operator: Operator,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    In,
    NotIn,
    Exists,
    Absent,
    Above,
    Below,
}

impl LabelSelector {
    /// Parses the text form; the error is upstream's sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser { tokens: lex(text), at: 0 };
        parser.run().map(Self)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an object's labels match.
    pub fn matches(&self, object: &Value) -> bool {
        let labels = object.get("metadata").and_then(|meta| meta.get("labels"));
        self.matches_labels(labels)
    }

    pub fn matches_labels(&self, labels: Option<&Value>) -> bool {
        self.0.iter().all(|requirement| requirement.holds(labels))
    }

    /// Reads `matchLabels` and `matchExpressions`; an unreadable requirement matches nothing.
    pub fn from_object(object: &Value) -> Self {
        let mut out = Vec::new();
        if let Some(map) = object.get("matchLabels").and_then(Value::as_object) {
            for (key, value) in map {
                let values = vec![value.as_str().unwrap_or("").to_owned()];
                out.push(Requirement { key: key.clone(), operator: Operator::In, values });
            }
        }
        for item in object.get("matchExpressions").and_then(Value::as_array).into_iter().flatten() {
            let text = |key: &str| item.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
            let values = item.get("values").and_then(Value::as_array).into_iter().flatten();
            let operator = match text("operator").as_str() {
                "NotIn" => Operator::NotIn,
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::Absent,
                _ => Operator::In,
            };
            let values = values.filter_map(Value::as_str).map(str::to_owned).collect();
            out.push(Requirement { key: text("key"), operator, values });
        }
        Self(out)
    }
}

impl Requirement {
    fn holds(&self, labels: Option<&Value>) -> bool {
        let value = labels.and_then(|labels| labels.get(&self.key)).and_then(Value::as_str);
        let number = |text: &str| text.parse::<i64>().ok();
        match self.operator {
            Operator::In => value.is_some_and(|value| self.values.iter().any(|known| known == value)),
            Operator::NotIn => value.is_none_or(|value| !self.values.iter().any(|known| known == value)),
            Operator::Exists => value.is_some(),
            Operator::Absent => value.is_none(),
            Operator::Above | Operator::Below => {
                let bound = self.values.first().and_then(|text| number(text));
                match (value.and_then(number), bound) {
                    (Some(value), Some(bound)) if self.operator == Operator::Above => value > bound,
                    (Some(value), Some(bound)) => value < bound,
                    _ => false,
                }
            }
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Sign(&'static str),
    End,
}

const SIGNS: [&str; 9] = [")", ",", "!", "==", "=", ">", "!=", "<", "("];

fn lex(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if "=!(),><".contains(first) {
            let longest = SIGNS.into_iter().filter(|sign| rest.starts_with(sign)).max_by_key(|sign| sign.len());
            let sign = longest.unwrap_or("=");
            tokens.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        } else {
            let end =
                rest.find(|letter: char| letter.is_whitespace() || "=!(),><".contains(letter)).unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        }
        rest = rest.trim_start();
    }
    tokens.push(Token::End);
    tokens
}

impl Token {
    fn literal(&self) -> &str {
        match self {
            Self::Word(word) => word,
            Self::Sign(sign) => sign,
            Self::End => "",
        }
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Token {
        self.tokens.get(self.at).cloned().unwrap_or(Token::End)
    }

    fn next(&mut self) -> Token {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn run(&mut self) -> Result<Vec<Requirement>, String> {
        let mut out = Vec::new();
        loop {
            match self.peek() {
                Token::Word(_) | Token::Sign("!") => {
                    out.push(self.requirement().map_err(|reason| format!("unable to parse requirement: {reason}"))?);
                    match self.next() {
                        Token::End => break,
                        Token::Sign(",") => match self.peek() {
                            Token::Word(_) | Token::Sign("!") => {}
                            other => {
                                return Err(format!("found '{}', expected: identifier after ','", other.literal()));
                            }
                        },
                        other => {
                            return Err(format!("found '{}', expected: ',' or 'end of string'", other.literal()));
                        }
                    }
                }
                Token::End => break,
                other => {
                    return Err(format!("found '{}', expected: !, identifier, or 'end of string'", other.literal()));
                }
            }
        }
        out.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(out)
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let negated = self.peek() == Token::Sign("!");
        if negated {
            self.next();
        }
        let key = match self.next() {
            Token::Word(word) => word,
            other => return Err(format!("found '{}', expected: identifier", other.literal())),
        };
        check_key(&key)?;
        if negated || matches!(self.peek(), Token::End | Token::Sign(",")) {
            let operator = if negated { Operator::Absent } else { Operator::Exists };
            return Ok(Requirement { key, operator, values: Vec::new() });
        }
        let operator = self.next();
        let (operator, values) = match operator.literal() {
            "in" => (Operator::In, self.values()?),
            "notin" => (Operator::NotIn, self.values()?),
            "=" | "==" => (Operator::In, vec![self.exact()?]),
            "!=" => (Operator::NotIn, vec![self.exact()?]),
            ">" => (Operator::Above, vec![self.exact()?]),
            "<" => (Operator::Below, vec![self.exact()?]),
            other => return Err(format!("found '{other}', expected: in, notin, =, ==, !=, gt, lt")),
        };
        check_values(&key, operator, &values)?;
        Ok(Requirement { key, operator, values })
    }

    fn exact(&mut self) -> Result<String, String> {
        match self.peek() {
            Token::End | Token::Sign(",") => Ok(String::new()),
            Token::Word(word) => {
                self.next();
                Ok(word)
            }
            other => Err(format!("found '{}', expected: identifier", other.literal())),
        }
    }

    fn values(&mut self) -> Result<Vec<String>, String> {
        let open = self.next();
        if open != Token::Sign("(") {
            return Err(format!("found '{}' expected: '('", open.literal()));
        }
        match self.peek() {
            Token::Word(_) | Token::Sign(",") => {
                let values = self.identifiers()?;
                let close = self.next();
                if close != Token::Sign(")") {
                    return Err(format!("found '{}', expected: ')'", close.literal()));
                }
                Ok(values)
            }
            Token::Sign(")") => {
                self.next();
                Ok(Vec::new())
            }
            other => Err(format!("found '{}', expected: ',', ')' or identifier", other.literal())),
        }
    }

    fn identifiers(&mut self) -> Result<Vec<String>, String> {
        let mut out: Vec<String> = Vec::new();
        loop {
            match self.next() {
                Token::Word(word) => {
                    out.push(word);
                    match self.peek() {
                        Token::Sign(",") => {}
                        Token::Sign(")") => return Ok(out),
                        other => return Err(format!("found '{}', expected: ',' or ')'", other.literal())),
                    }
                }
                Token::Sign(",") => {
                    if out.is_empty() {
                        out.push(String::new());
                    }
                    match self.peek() {
                        Token::Sign(")") => {
                            out.push(String::new());
                            return Ok(out);
                        }
                        Token::Sign(",") => {
                            self.next();
                            out.push(String::new());
                        }
                        _ => {}
                    }
                }
                other => return Err(format!("found '{}', expected: ',', or identifier", other.literal())),
            }
        }
    }
}

fn check_key(key: &str) -> Result<(), String> {
    let wrong = names::qualified_name(key);
    if wrong.is_empty() { Ok(()) } else { Err(FieldError::invalid("<nil>", key, wrong.join("; ")).text()) }
}

fn check_values(key: &str, operator: Operator, values: &[String]) -> Result<(), String> {
    if matches!(operator, Operator::In | Operator::NotIn) && values.is_empty() {
        let text = "for 'in', 'notin' operators, values set can't be empty";
        return Err(FieldError::invalid("values", Value::Array(Vec::new()), text).text());
    }
    for (index, value) in values.iter().enumerate() {
        let wrong = names::label_value(value);
        if !wrong.is_empty() {
            let field = format!("values[{index}][{key}]");
            return Err(FieldError::invalid(field, value.as_str(), wrong.join("; ")).text());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(text: &str, labels: serde_json::Value, expect: bool) {
        let selector = LabelSelector::parse(text).unwrap();
        assert_eq!(selector.matches(&json!({"metadata": {"labels": labels}})), expect, "{text}");
    }

    #[test]
    fn requirements_hold_as_upstream_says() {
        check("", json!({}), true);
        check("a=b", json!({"a": "b"}), true);
        check("a!=b", json!({}), true);
        check("a in (x, y),b", json!({"a": "y", "b": ""}), true);
        check("a notin (x)", json!({"a": "x"}), false);
        check("!a", json!({"a": ""}), false);
        check("n>3", json!({"n": "4"}), true);
    }

    #[test]
    fn mistakes_are_named() {
        let wrong = |text: &str| LabelSelector::parse(text).unwrap_err();
        assert_eq!(wrong("a===b"), "unable to parse requirement: found '=', expected: identifier");
        assert_eq!(wrong("a in b"), "unable to parse requirement: found 'b' expected: '('");
        assert_eq!(wrong("tier in (x"), "unable to parse requirement: found '', expected: ',' or ')'");
    }
}
