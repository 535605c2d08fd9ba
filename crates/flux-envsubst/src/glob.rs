//! Glob patterns: which beginnings of a value match.
//!
//! Upstream tries its matcher on every beginning, which takes the square of the length and more. Here all
//! beginnings are tried in one pass.

/// One step of a pattern.
enum Step {
    /// `*`: any bytes, also `/`.
    Star,
    /// `?`: one character.
    Any,
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
    Byte(u8),
}

/// Work allowed for one value: pattern steps times bytes.
const BUDGET: usize = 200_000_000;

/// Which beginning to cut off.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Take {
    Shortest,
    Longest,
}

/// Matching would be too expensive.
#[derive(Debug)]
pub(crate) struct TooExpensive;

/// Length in bytes of the shortest or longest beginning of `value`, not empty, that `pattern` matches. A
/// malformed pattern matches nothing.
pub(crate) fn prefix(pattern: &str, value: &str, take: Take) -> Result<Option<usize>, TooExpensive> {
    let Some(steps) = compile(pattern) else { return Ok(None) };
    if !pattern.contains(['*', '?', '[', '\\']) {
        return Ok((!pattern.is_empty() && value.starts_with(pattern)).then_some(pattern.len()));
    }
    if steps.len().saturating_mul(value.len()) > BUDGET {
        return Err(TooExpensive);
    }
    Ok(run(&steps, value, take))
}

/// Follows all possible states over the bytes of the value. Steps that take a character put the state behind
/// it, up to four bytes on.
fn run(steps: &[Step], value: &str, take: Take) -> Option<usize> {
    const AHEAD: usize = 5;
    let accepting = steps.len();
    let mut waiting: [Vec<bool>; AHEAD] = std::array::from_fn(|_| vec![false; accepting + 1]);
    let mut found = None;
    waiting[0][0] = true;
    for at in 0..=value.len() {
        let mut states = std::mem::replace(&mut waiting[0], vec![false; accepting + 1]);
        waiting.rotate_left(1);
        // Stars may match nothing.
        for state in 0..accepting {
            if states[state] && matches!(steps[state], Step::Star) {
                states[state + 1] = true;
            }
        }
        if states[accepting] && at > 0 {
            found = Some(at);
            if take == Take::Shortest {
                return found;
            }
        }
        let rest = &value.as_bytes()[at..];
        let Some(byte) = rest.first() else { break };
        let (character, width) = character(rest);
        let mut alive = false;
        for (state, step) in steps.iter().enumerate().filter(|(state, _)| states[*state]) {
            // `waiting` was rotated: index 0 is one byte on.
            match step {
                Step::Star => waiting[0][state] = true,
                Step::Any => waiting[width - 1][state + 1] = true,
                Step::Class { negated, ranges } => {
                    let inside = ranges.iter().any(|(low, high)| (*low..=*high).contains(&character));
                    if inside != *negated {
                        waiting[width - 1][state + 1] = true;
                    }
                }
                Step::Byte(expected) if expected == byte => waiting[0][state + 1] = true,
                Step::Byte(_) => continue,
            }
            alive = true;
        }
        if !alive && waiting.iter().all(|states| !states.contains(&true)) {
            break;
        }
    }
    found
}

/// The character at the start of bytes that may begin inside of one.
fn character(bytes: &[u8]) -> (char, usize) {
    let chunk = bytes[..bytes.len().min(4)].utf8_chunks().next();
    match chunk.and_then(|chunk| chunk.valid().chars().next()) {
        Some(character) => (character, character.len_utf8()),
        None => (char::REPLACEMENT_CHARACTER, 1),
    }
}

fn compile(pattern: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = pattern;
    while let Some(first) = rest.bytes().next() {
        match first {
            b'*' => {
                if !matches!(steps.last(), Some(Step::Star)) {
                    steps.push(Step::Star);
                }
                rest = &rest[1..];
            }
            b'?' => {
                steps.push(Step::Any);
                rest = &rest[1..];
            }
            b'[' => {
                let (class, tail) = class(&rest[1..])?;
                steps.push(class);
                rest = tail;
            }
            _ => {
                rest = if first == b'\\' { &rest[1..] } else { rest };
                let character = rest.chars().next()?;
                let (literal, tail) = rest.split_at(character.len_utf8());
                steps.extend(literal.bytes().map(Step::Byte));
                rest = tail;
            }
        }
    }
    Some(steps)
}

fn class(text: &str) -> Option<(Step, &str)> {
    let negated = text.starts_with('^');
    let mut rest = text.strip_prefix('^').unwrap_or(text);
    let mut ranges = Vec::new();
    loop {
        if let Some(tail) = rest.strip_prefix(']')
            && !ranges.is_empty()
        {
            return Some((Step::Class { negated, ranges }, tail));
        }
        let (low, tail) = member(rest)?;
        let (high, tail) = match tail.strip_prefix('-') {
            Some(tail) => member(tail)?,
            None => (low, tail),
        };
        ranges.push((low, high));
        rest = tail;
    }
}

/// A character of a class; something must follow it.
fn member(text: &str) -> Option<(char, &str)> {
    if text.starts_with(['-', ']']) {
        return None;
    }
    let text = text.strip_prefix('\\').unwrap_or(text);
    let character = text.chars().next()?;
    let tail = &text[character.len_utf8()..];
    (!tail.is_empty()).then_some((character, tail))
}
