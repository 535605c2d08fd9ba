//! sprig's regular expressions.

use std::rc::Rc;

use regex::bytes::{Captures, Regex};

use super::{Arguments as _, Call, Function, flag, text, texts};
use crate::exec::{Operand, Res, Run, Ty, fail};
use crate::go::quoting;
use crate::value::{Elem, List, Value};

use Ty::{Bool, Int, Reflect, Str};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("regexMatch", &[Str, Str], Bool, |run, a| {
        charge(run, a)?;
        match run.regexes.get(a.bytes(0)) {
            Ok(regex) => flag(regex.is_match(a.bytes(1))),
            Err(_) => flag(false),
        }
    }),
    Function::new("mustRegexMatch", &[Str, Str], Bool, |run, a| flag(compiled(run, a)?.is_match(a.bytes(1)))),
    Function::new("regexFind", &[Str, Str], Str, |run, a| panicking(run, a, find)),
    Function::new("mustRegexFind", &[Str, Str], Str, find),
    Function::new("regexFindAll", &[Str, Str, Int], Reflect, |run, a| panicking(run, a, find_all)),
    Function::new("mustRegexFindAll", &[Str, Str, Int], Reflect, find_all),
    Function::new("regexReplaceAll", &[Str, Str, Str], Str, |run, a| panicking(run, a, |run, a| replace(run, a, true))),
    Function::new("mustRegexReplaceAll", &[Str, Str, Str], Str, |run, a| replace(run, a, true)),
    Function::new("regexReplaceAllLiteral", &[Str, Str, Str], Str, |run, a| {
        panicking(run, a, |run, a| replace(run, a, false))
    }),
    Function::new("mustRegexReplaceAllLiteral", &[Str, Str, Str], Str, |run, a| replace(run, a, false)),
    Function::new("regexSplit", &[Str, Str, Int], Reflect, |run, a| panicking(run, a, split)),
    Function::new("mustRegexSplit", &[Str, Str, Int], Reflect, split),
    Function::new("regexQuoteMeta", &[Str], Str, |_, a| {
        let mut out = Vec::new();
        for byte in a.bytes(0) {
            if br"\.+*?()|[]{}^$".contains(byte) {
                out.push(b'\\');
            }
            out.push(*byte);
        }
        text(out)
    }),
];

/// The functions without `must` panic over a bad pattern, in other words.
fn panicking(run: &mut Run<'_>, arguments: &[Operand], call: Call) -> Res<Operand> {
    charge(run, arguments)?;
    if let Err(message) = run.regexes.get(arguments.bytes(0)) {
        let pattern = arguments.bytes(0);
        let shown = match quoting::can_backquote(pattern) {
            true => format!("`{}`", String::from_utf8_lossy(pattern)),
            false => quoting::quote_text(pattern),
        };
        return fail(format!("regexp: Compile({shown}): {message}"));
    }
    call(run, arguments)
}

/// Counts the search, and compiling a pattern that is new.
fn charge(run: &mut Run<'_>, arguments: &[Operand]) -> Res<()> {
    run.charge(arguments.bytes(1).len().saturating_mul(4))?;
    let pattern = arguments.bytes(0);
    if run.regexes.knows(pattern) { Ok(()) } else { run.work(pattern.len().saturating_mul(4096).saturating_add(4096)) }
}

fn compiled(run: &mut Run<'_>, arguments: &[Operand]) -> Res<Rc<Regex>> {
    charge(run, arguments)?;
    match run.regexes.get(arguments.bytes(0)) {
        Ok(regex) => Ok(regex),
        Err(message) => fail(message),
    }
}

/// False inside a character, where the other crate finds empty matches and Go does not.
fn between_characters(bytes: &[u8], at: usize) -> bool {
    let continues = |at: usize| bytes.get(at).is_some_and(|byte| byte & 0xC0 == 0x80);
    if !continues(at) {
        return true;
    }
    let start = (1..4).filter_map(|back| at.checked_sub(back)).find(|start| !continues(*start));
    let length = start.and_then(|start| crate::go::runes::decode(&bytes[start..]).map(|(_, length)| start + length));
    length.is_none_or(|end| end <= at)
}

fn real(bytes: &[u8], found: &regex::bytes::Match<'_>) -> bool {
    !found.is_empty() || between_characters(bytes, found.start())
}

/// How many matches a count asks for; a negative one asks for all.
fn most(count: i64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn find(run: &mut Run<'_>, arguments: &[Operand]) -> Res<Operand> {
    let regex = compiled(run, arguments)?;
    text(regex.find(arguments.bytes(1)).map_or(b"".as_slice(), |found| found.as_bytes()))
}

fn find_all(run: &mut Run<'_>, arguments: &[Operand]) -> Res<Operand> {
    let regex = compiled(run, arguments)?;
    let bytes = arguments.bytes(1);
    let mut found = Vec::new();
    for one in regex.find_iter(bytes).filter(|found| real(bytes, found)).take(most(arguments.int(2))) {
        run.step()?;
        found.push(Value::text(one.as_bytes()));
    }
    if found.is_empty() {
        return Ok(Value::List(List::nil(Elem::Str)).into());
    }
    texts(found)
}

fn replace(run: &mut Run<'_>, arguments: &[Operand], expand: bool) -> Res<Operand> {
    let regex = compiled(run, arguments)?;
    let (bytes, with) = (arguments.bytes(1), arguments.bytes(2));
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    let expands = expand && with.contains(&b'$');
    if expands {
        for captures in regex.captures_iter(bytes) {
            run.step()?;
            let Some(whole) = captures.get(0).filter(|whole| real(bytes, whole)) else { continue };
            out.extend_from_slice(&bytes[at..whole.start()]);
            let before = out.len();
            expand_into(&mut out, with, &captures);
            run.charge(out.len() - before)?;
            at = whole.end();
        }
    } else {
        for whole in regex.find_iter(bytes).filter(|found| real(bytes, found)) {
            run.step()?;
            run.charge(with.len())?;
            out.extend_from_slice(&bytes[at..whole.start()]);
            out.extend_from_slice(with);
            at = whole.end();
        }
    }
    out.extend_from_slice(&bytes[at..]);
    run.charge(out.len())?;
    text(out)
}

/// Go's `Expand`: `$1`, `$name`, `${name}`, `$$`; a name goes as far as letters, digits and `_` go.
fn expand_into(out: &mut Vec<u8>, template: &[u8], captures: &Captures<'_>) {
    let mut rest = template;
    while let Some(at) = rest.iter().position(|byte| *byte == b'$') {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        if rest.get(1) == Some(&b'$') {
            out.push(b'$');
            rest = &rest[2..];
            continue;
        }
        let Some((name, length)) = group_name(rest) else {
            out.push(b'$');
            rest = &rest[1..];
            continue;
        };
        rest = &rest[length..];
        let number = if name.len() < 9 { name.parse::<usize>().ok() } else { None };
        let group = match number {
            Some(number) => captures.get(number),
            None => captures.name(name),
        };
        if let Some(group) = group {
            out.extend_from_slice(group.as_bytes());
        }
    }
    out.extend_from_slice(rest);
}

/// The name after a dollar, and the length of the whole reference.
fn group_name(text: &[u8]) -> Option<(&str, usize)> {
    let brace = text.get(1) == Some(&b'{');
    let start = 1 + usize::from(brace);
    let word = crate::go::runes::chars(text.get(start..)?)
        .take_while(|(_, c)| *c == '_' || crate::go::runes::is_letter(*c) || crate::go::runes::is_digit(*c));
    let length: usize = word.map(|(_, character)| character.len_utf8()).sum();
    let name = std::str::from_utf8(&text[start..start + length]).ok().filter(|name| !name.is_empty())?;
    if !brace {
        return Some((name, start + length));
    }
    (text.get(start + length) == Some(&b'}')).then_some((name, start + length + 1))
}

fn split(run: &mut Run<'_>, arguments: &[Operand]) -> Res<Operand> {
    let regex = compiled(run, arguments)?;
    let (bytes, count) = (arguments.bytes(1), arguments.int(2));
    if count == 0 {
        return Ok(Value::List(List::nil(Elem::Str)).into());
    }
    if !arguments.bytes(0).is_empty() && bytes.is_empty() {
        return texts(vec![Value::text("")]);
    }
    let mut parts = Vec::new();
    let (mut begin, mut end) = (0, 0);
    for found in regex.find_iter(bytes).filter(|found| real(bytes, found)).take(most(count)) {
        run.step()?;
        if count > 0 && parts.len() as i64 == count - 1 {
            break;
        }
        end = found.start();
        if found.end() != 0 {
            parts.push(Value::text(&bytes[begin..end]));
        }
        begin = found.end();
    }
    if end != bytes.len() {
        parts.push(Value::text(&bytes[begin..]));
    }
    texts(parts)
}
