//! Putting values in place.

use crate::error::Error;
use crate::glob::{self, Take};
use crate::parse::{Node, parse};

/// Bounds on one substitution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `${...}` inside `${...}`.
    pub max_depth: usize,
    /// Bytes of the result.
    pub max_output: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_depth: 100, max_output: 64 << 20 }
    }
}

/// Replaces each `${...}` in `input`. A variable that `lookup` does not know is empty, or, in strict mode,
/// an error unless an operator supplies a default.
///
/// # Errors
/// See [`Error`].
pub fn eval(input: &str, lookup: &dyn Fn(&str) -> Option<String>, strict: bool) -> Result<String, Error> {
    eval_with(input, lookup, strict, &Limits::default())
}

/// As [`eval`], within other limits.
///
/// # Errors
/// See [`Error`].
pub fn eval_with(
    input: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
    strict: bool,
    limits: &Limits,
) -> Result<String, Error> {
    let nodes = parse(input, limits.max_depth)?;
    let scope = Scope { lookup, strict, limit: limits.max_output };
    let mut out = String::with_capacity(input.len());
    for node in &nodes {
        scope.node(node, &mut out)?;
    }
    Ok(out)
}

struct Scope<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    strict: bool,
    limit: usize,
}

/// Operators that say what to do about a missing value.
fn supplies_default(operator: &str) -> bool {
    matches!(operator, "=" | ":-" | ":+" | ":=" | ":?")
}

impl Scope<'_> {
    fn node(&self, node: &Node, out: &mut String) -> Result<(), Error> {
        match node {
            Node::Text(text) => self.push(text, out),
            Node::Call { param, operator, args } => {
                let mut values = Vec::with_capacity(args.len());
                for arg in args {
                    let mut value = String::new();
                    self.node(arg, &mut value)?;
                    values.push(value);
                }
                let found = (self.lookup)(param);
                if found.is_none() && self.strict && !supplies_default(operator) {
                    return Err(Error::NotSet { name: param.clone() });
                }
                let value = self.apply(param, operator, found.unwrap_or_default(), &values)?;
                self.push(&value, out)
            }
        }
    }

    fn push(&self, text: &str, out: &mut String) -> Result<(), Error> {
        if out.len() + text.len() > self.limit {
            return Err(Error::TooLarge { limit: self.limit });
        }
        out.push_str(text);
        Ok(())
    }

    fn apply(&self, name: &str, operator: &str, value: String, args: &[String]) -> Result<String, Error> {
        let first = args.first().map_or("", String::as_str);
        Ok(match operator {
            "," => first_character(&value, lower),
            ",," => value.chars().map(lower).collect(),
            "^" => first_character(&value, upper),
            "^^" => value.chars().map(upper).collect(),
            "#" if args.is_empty() => value.len().to_string(),
            "#" => trim_prefix(name, value, first, Take::Shortest)?,
            "##" => trim_prefix(name, value, first, Take::Longest)?,
            "%" => trim_suffix(name, &value, first, Take::Shortest)?,
            "%%" => trim_suffix(name, &value, first, Take::Longest)?,
            ":" => substring(name, &value, args)?,
            "/" | "//" => self.replace(&value, args, operator == "//")?,
            "/#" if args.len() == 2 && value.starts_with(first) => value.replacen(first, &args[1], 1),
            "/%" if args.len() == 2 => match value.strip_suffix(first) {
                Some(start) => format!("{start}{}", args[1]),
                None => value,
            },
            "/#" | "/%" => value,
            // `^,` and `,^` are parsed, and then do nothing, like the operators for defaults.
            _ if value.is_empty() => args.concat(),
            _ => value,
        })
    }

    fn replace(&self, value: &str, args: &[String], all: bool) -> Result<String, Error> {
        let (Some(from), to) = (args.first(), args.get(1).map_or("", String::as_str)) else {
            return Ok(value.to_owned());
        };
        if !all {
            return Ok(value.replacen(from.as_str(), to, 1));
        }
        let count = value.matches(from.as_str()).count();
        let grown = value.len().saturating_add(count.saturating_mul(to.len()));
        if to.len() > from.len() && grown.saturating_sub(count * from.len()) > self.limit {
            return Err(Error::TooLarge { limit: self.limit });
        }
        Ok(value.replace(from.as_str(), to))
    }
}

/// Case of a single character, without mappings to several.
fn upper(character: char) -> char {
    let mut mapped = character.to_uppercase();
    if mapped.len() == 1 { mapped.next().unwrap_or(character) } else { character }
}

fn lower(character: char) -> char {
    // The first of several: only the dotted capital I has them.
    character.to_lowercase().next().unwrap_or(character)
}

fn first_character(value: &str, map: fn(char) -> char) -> String {
    let mut rest = value.chars();
    rest.next().map(map).into_iter().chain(rest).collect()
}

fn trim_prefix(name: &str, value: String, pattern: &str, take: Take) -> Result<String, Error> {
    match glob::prefix(pattern, &value, take) {
        Ok(None) => Ok(value),
        Ok(Some(length)) => part(name, &value, length, value.len()),
        Err(glob::TooExpensive) => Err(Error::PatternTooExpensive { name: name.to_owned() }),
    }
}

/// Upstream turns value and pattern round and looks for a prefix; so `[a-z]` in a suffix pattern is malformed.
fn trim_suffix(name: &str, value: &str, pattern: &str, take: Take) -> Result<String, Error> {
    let reverse = |text: &str| text.chars().rev().collect::<String>();
    let reversed = reverse(value);
    let length = glob::prefix(&reverse(pattern), &reversed, take)
        .map_err(|glob::TooExpensive| Error::PatternTooExpensive { name: name.to_owned() })?;
    let left = &reversed.as_bytes()[length.unwrap_or(0)..];
    let mut out = String::with_capacity(left.len());
    // Bytes of a character that was cut become replacement characters when turned round again.
    for chunk in left.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(std::iter::repeat_n('\u{FFFD}', chunk.invalid().len()));
    }
    Ok(reverse(&out))
}

/// `${x:n}` and `${x:n:len}`, in bytes; a position or length that is no number gives the whole value.
fn substring(name: &str, value: &str, args: &[String]) -> Result<String, Error> {
    let Some(position) = args.first().and_then(|arg| arg.parse::<i64>().ok()) else {
        return Ok(value.to_owned());
    };
    let total = value.len() as i64;
    let position = if position < 0 { (total + position).max(0) } else { position };
    let length = match args.get(1) {
        None => total,
        Some(arg) => match arg.parse::<i64>() {
            Ok(length) => length,
            Err(_) => return Ok(value.to_owned()),
        },
    };
    let end = position.saturating_add(length);
    if end >= total {
        return if position < total { part(name, value, position as usize, value.len()) } else { Ok(String::new()) };
    }
    if length < 0 {
        return Err(Error::NegativeLength { name: name.to_owned() });
    }
    part(name, value, position as usize, end as usize)
}

fn part(name: &str, value: &str, from: usize, to: usize) -> Result<String, Error> {
    value.get(from..to).map(str::to_owned).ok_or_else(|| Error::SplitCharacter { name: name.to_owned() })
}
