//! Methods of texts and lists: the standard ones and cel-go's string extension.

use regex::Regex;

use crate::error::Failure;
use crate::eval::{Evaluator, Outcome};
use crate::value::Val;

/// A pattern larger than this when compiled is refused.
const PATTERN_LIMIT: usize = 1 << 20;

/// Calls a method; `None` when it is none of these.
pub(crate) fn call<'a>(eval: &mut Evaluator<'a>, name: &str, arguments: &[Val<'a>]) -> Option<Outcome<'a>> {
    match arguments {
        [Val::Str(text), rest @ ..] => {
            if let Err(failure) = eval.charge(text.len() / 10) {
                return Some(Err(failure));
            }
            text_method(eval, name, text, rest)
        }
        [list, rest @ ..] if name == "join" => Some(join(eval, list, rest)),
        _ => None,
    }
}

fn text_method<'a>(eval: &mut Evaluator<'a>, name: &str, text: &str, rest: &[Val<'a>]) -> Option<Outcome<'a>> {
    let result = match (name, rest) {
        ("startsWith", [Val::Str(prefix)]) => Val::Bool(text.starts_with(prefix.as_ref())),
        ("endsWith", [Val::Str(suffix)]) => Val::Bool(text.ends_with(suffix.as_ref())),
        ("contains", [Val::Str(part)]) => Val::Bool(text.contains(part.as_ref())),
        ("matches", [Val::Str(pattern)]) => return Some(matches(text, pattern)),
        ("lowerAscii", []) => Val::text(text.to_ascii_lowercase()),
        ("upperAscii", []) => Val::text(text.to_ascii_uppercase()),
        ("trim", []) => Val::text(text.trim()),
        ("reverse", []) => Val::text(text.chars().rev().collect::<String>()),
        ("charAt", [Val::Int(place)]) => return Some(char_at(text, *place)),
        ("indexOf", [Val::Str(part)]) => Val::Int(char_place(text, text.find(part.as_ref()))),
        ("lastIndexOf", [Val::Str(part)]) => Val::Int(char_place(text, text.rfind(part.as_ref()))),
        ("indexOf", [Val::Str(part), Val::Int(from)]) => return Some(index_from(text, part, *from)),
        ("substring", [Val::Int(start)]) => return Some(substring(text, *start, None)),
        ("substring", [Val::Int(start), Val::Int(end)]) => return Some(substring(text, *start, Some(*end))),
        ("replace", [Val::Str(from), Val::Str(to)]) => return Some(replace(eval, text, from, to, -1)),
        ("replace", [Val::Str(from), Val::Str(to), Val::Int(count)]) => {
            return Some(replace(eval, text, from, to, *count));
        }
        ("split", [Val::Str(separator)]) => return Some(split(eval, text, separator, -1)),
        ("split", [Val::Str(separator), Val::Int(count)]) => return Some(split(eval, text, separator, *count)),
        _ => return None,
    };
    Some(Ok(result))
}

fn matches<'a>(text: &str, pattern: &str) -> Outcome<'a> {
    let pattern = regex::RegexBuilder::new(pattern)
        .size_limit(PATTERN_LIMIT)
        .build()
        .map_err(|error| Failure::text(format!("error parsing regexp: {error}")))?;
    let pattern: Regex = pattern;
    Ok(Val::Bool(pattern.is_match(text)))
}

fn char_place(text: &str, byte: Option<usize>) -> i64 {
    byte.map_or(-1, |byte| i64::try_from(text[..byte].chars().count()).unwrap_or(i64::MAX))
}

/// The byte where the character at `place` begins; the end counts.
fn byte_place(text: &str, place: i64) -> Result<usize, Failure> {
    let out_of_range = || Failure::text(format!("index out of range: {place}"));
    let place = usize::try_from(place).map_err(|_| out_of_range())?;
    let mut starts = text.char_indices().map(|(byte, _)| byte).chain([text.len()]);
    starts.nth(place).ok_or_else(out_of_range)
}

fn char_at<'a>(text: &str, place: i64) -> Outcome<'a> {
    let byte = byte_place(text, place)?;
    Ok(Val::text(text[byte..].chars().take(1).collect::<String>()))
}

fn index_from<'a>(text: &str, part: &str, from: i64) -> Outcome<'a> {
    let start = byte_place(text, from)?;
    Ok(Val::Int(char_place(text, text[start..].find(part).map(|byte| byte + start))))
}

fn substring<'a>(text: &str, start: i64, end: Option<i64>) -> Outcome<'a> {
    if let Some(end) = end
        && start > end
    {
        return Err(Failure::text(format!("invalid substring range. start: {start}, end: {end}")));
    }
    let from = byte_place(text, start)?;
    let to = end.map_or(Ok(text.len()), |end| byte_place(text, end))?;
    Ok(Val::text(&text[from..to]))
}

fn replace<'a>(eval: &mut Evaluator<'a>, text: &str, from: &str, to: &str, count: i64) -> Outcome<'a> {
    let places = if from.is_empty() { text.chars().count() + 1 } else { text.matches(from).count() };
    eval.charge((text.len() + places.saturating_mul(to.len())) / 10)?;
    Ok(Val::text(match usize::try_from(count) {
        Ok(count) => text.replacen(from, to, count),
        Err(_) => text.replace(from, to),
    }))
}

/// As Go's `SplitN`: no limit when negative, nothing for zero, an empty separator splits characters.
fn split<'a>(eval: &mut Evaluator<'a>, text: &str, separator: &str, count: i64) -> Outcome<'a> {
    eval.charge(text.len())?;
    let limit = usize::try_from(count).unwrap_or(usize::MAX);
    if limit == 0 {
        return Ok(Val::list(Vec::new()));
    }
    let parts: Vec<Val<'a>> = if separator.is_empty() {
        let bytes: Vec<usize> = text.char_indices().map(|(byte, _)| byte).take(limit).chain([text.len()]).collect();
        let whole = bytes.len() - 1 == limit;
        let end = |i: usize| if whole && i + 1 == limit { text.len() } else { bytes[i + 1] };
        (0..bytes.len() - 1).map(|i| Val::text(&text[bytes[i]..end(i)])).collect()
    } else {
        text.splitn(limit, separator).map(Val::text).collect()
    };
    Ok(Val::list(parts))
}

fn join<'a>(eval: &mut Evaluator<'a>, list: &Val<'a>, rest: &[Val<'a>]) -> Outcome<'a> {
    let separator = match rest {
        [] => "",
        [Val::Str(separator)] => separator.as_ref(),
        _ => return Err(Failure::NoSuchOverload),
    };
    let mut joined = String::new();
    for (index, item) in list.items().ok_or(Failure::NoSuchOverload)?.iter().enumerate() {
        let Val::Str(text) = item else { return Err(Failure::NoSuchOverload) };
        eval.charge((text.len() + separator.len()) / 10 + 1)?;
        if index > 0 {
            joined.push_str(separator);
        }
        joined.push_str(text);
    }
    Ok(Val::text(joined))
}
