//! sprig's strings.

use super::{Arguments as _, Function, flag, map, text, text_of, texts};
use crate::exec::{Operand, Res, Run, Ty, fail};
use crate::go::{fmt, quoting, runes};
use crate::value::{Elem, List, Map, MapKind, Str as Text, Value};

use Ty::{Any, Bool, Int, Reflect, Str};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("hello", &[], Str, |_, _| text("Hello!")),
    Function::new("abbrev", &[Int, Str], Str, |_, a| {
        let (width, bytes) = (a.int(0), a.bytes(1));
        if width < 4 { text(bytes) } else { text(abbreviate(bytes, 0, width)) }
    }),
    Function::new("abbrevboth", &[Int, Int, Str], Str, |_, a| {
        let (left, right, bytes) = (a.int(0), a.int(1), a.bytes(2));
        if right < 4 || (left > 0 && right < 7) { text(bytes) } else { abbreviate_both(bytes, left, right) }
    }),
    Function::new("trunc", &[Int, Str], Str, |_, a| text(truncate(a.int(0), a.bytes(1)))),
    Function::new("trim", &[Str], Str, |_, a| text(trim(a.bytes(0), runes::is_space))),
    Function::new("trimall", &[Str, Str], Str, |_, a| text(trim_set(a.bytes(1), a.bytes(0)))),
    Function::new("trimAll", &[Str, Str], Str, |_, a| text(trim_set(a.bytes(1), a.bytes(0)))),
    Function::new("trimSuffix", &[Str, Str], Str, |_, a| {
        let bytes = a.bytes(1);
        text(bytes.strip_suffix(a.bytes(0)).unwrap_or(bytes))
    }),
    Function::new("trimPrefix", &[Str, Str], Str, |_, a| {
        let bytes = a.bytes(1);
        text(bytes.strip_prefix(a.bytes(0)).unwrap_or(bytes))
    }),
    Function::new("substr", &[Int, Int, Str], Str, |_, a| substring(a.int(0), a.int(1), a.bytes(2))),
    Function::new("repeat", &[Int, Str], Str, repeat),
    Function::new("nospace", &[Str], Str, |_, a| text(without_space(a.bytes(0)))),
    Function::new("initials", &[Str], Str, |_, a| text(initials(a.bytes(0)))),
    Function::new("wrap", &[Int, Str], Str, |run, a| wrap(run, a.bytes(1), a.int(0), b"\n", false)),
    Function::new("wrapWith", &[Int, Str, Str], Str, |run, a| {
        let separator = if a.bytes(1).is_empty() { b"\n" } else { a.bytes(1) };
        wrap(run, a.bytes(2), a.int(0), separator, true)
    }),
    Function::new("contains", &[Str, Str], Bool, |_, a| flag(find(a.bytes(1), a.bytes(0)).is_some())),
    Function::new("hasPrefix", &[Str, Str], Bool, |_, a| flag(a.bytes(1).starts_with(a.bytes(0)))),
    Function::new("hasSuffix", &[Str, Str], Bool, |_, a| flag(a.bytes(1).ends_with(a.bytes(0)))),
    Function::variadic("quote", &[Any], Str, quote),
    Function::variadic("squote", &[Any], Str, squote),
    Function::variadic("cat", &[Any], Str, cat),
    Function::new("indent", &[Int, Str], Str, |run, a| indent(run, a.int(0), a.bytes(1), false)),
    Function::new("nindent", &[Int, Str], Str, |run, a| indent(run, a.int(0), a.bytes(1), true)),
    Function::new("replace", &[Str, Str, Str], Str, |run, a| text(replace(run, a.bytes(2), a.bytes(0), a.bytes(1))?)),
    Function::new("plural", &[Str, Str, Int], Str, |_, a| text(a.str(if a.int(2) == 1 { 0 } else { 1 }).clone())),
    Function::new("toString", &[Any], Str, |run, a| text(text_of(run, a.value(0))?)),
    Function::new("toStrings", &[Any], Reflect, |run, a| to_strings(run, a.value(0)).map(Operand::new)),
    Function::new("join", &[Str, Any], Str, join),
    Function::new("split", &[Str, Str], Reflect, |run, a| numbered(split(run, a.bytes(1), a.bytes(0), -1)?)),
    Function::new("splitn", &[Str, Int, Str], Reflect, |run, a| {
        numbered(split(run, a.bytes(2), a.bytes(0), a.int(1))?)
    }),
    Function::new("splitList", &[Str, Str], Reflect, |run, a| texts(split(run, a.bytes(1), a.bytes(0), -1)?)),
];

/// Where a part of a text begins.
pub(super) fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    let Some(&first) = part.first() else { return Some(0) };
    let mut from = 0;
    while let Some(at) = bytes.get(from..)?.iter().position(|byte| *byte == first) {
        let at = from + at;
        if bytes[at..].starts_with(part) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

fn abbreviate(bytes: &[u8], offset: i64, width: i64) -> Vec<u8> {
    let length = bytes.len() as i64;
    if length <= width {
        return bytes.to_vec();
    }
    let offset = offset.min(length);
    let offset = if length - offset < width - 3 { length - (width - 3) } else { offset };
    let piece = |from: i64, to: i64| &bytes[from.clamp(0, length) as usize..to.clamp(0, length) as usize];
    if offset <= 4 {
        return [piece(0, width - 3), b"..."].concat();
    }
    if width < 7 {
        return Vec::new();
    }
    if offset + width - 3 < length {
        return [b"...".as_slice(), &abbreviate(piece(offset, length), 0, width - 3)].concat();
    }
    [b"...".as_slice(), piece(length - (width - 3), length)].concat()
}

fn abbreviate_both(bytes: &[u8], left: i64, right: i64) -> Res<Operand> {
    text(abbreviate(bytes, left, right))
}

fn truncate(count: i64, bytes: &[u8]) -> &[u8] {
    let length = bytes.len() as i64;
    if count < 0 && length + count > 0 {
        return &bytes[(length + count) as usize..];
    }
    if count >= 0 && length > count { &bytes[..count as usize] } else { bytes }
}

pub(super) fn trim(bytes: &[u8], cut: impl Fn(char) -> bool) -> &[u8] {
    let mut rest = bytes;
    while let Some((character, length)) = runes::decode(rest)
        && cut(character)
    {
        rest = &rest[length..];
    }
    while let Some((character, length)) = runes::decode_last(rest)
        && cut(character)
    {
        rest = &rest[..rest.len() - length];
    }
    rest
}

fn trim_set<'t>(bytes: &'t [u8], set: &[u8]) -> &'t [u8] {
    let set: Vec<char> = runes::chars(set).map(|(_, character)| character).collect();
    trim(bytes, |character| set.contains(&character))
}

/// Go's text for a bad slice expression.
fn out_of_range<T>(from: i64, to: i64, length: i64) -> Res<T> {
    if to < 0 || to > length {
        let shown = if to < 0 { format!("[:{to}]") } else { format!("[:{to}] with length {length}") };
        return fail(format!("runtime error: slice bounds out of range {shown}"));
    }
    if from < 0 {
        return fail(format!("runtime error: slice bounds out of range [{from}:]"));
    }
    fail(format!("runtime error: slice bounds out of range [{from}:{to}]"))
}

fn substring(start: i64, end: i64, bytes: &[u8]) -> Res<Operand> {
    let length = bytes.len() as i64;
    let (from, to) = match (start, end) {
        (..0, _) => (0, end),
        (_, ..0) => (start, length),
        _ if end > length => (start, length),
        _ => (start, end),
    };
    if to < 0 || to > length || from > to {
        return out_of_range(from, to, length);
    }
    text(&bytes[from as usize..to as usize])
}

fn repeat(run: &mut Run<'_>, arguments: &[Operand]) -> Res<Operand> {
    let (count, bytes) = (arguments.int(0), arguments.bytes(1));
    let Ok(count) = usize::try_from(count) else { return fail("strings: negative Repeat count") };
    match count.checked_mul(bytes.len()).filter(|bytes| i64::try_from(*bytes).is_ok()) {
        Some(total) => run.charge(total)?,
        None => return fail("strings: Repeat output length overflow"),
    }
    text(bytes.repeat(count))
}

/// goutils reads single bytes as characters.
fn without_space(bytes: &[u8]) -> Vec<u8> {
    if !bytes.iter().any(|byte| runes::is_space(char::from(*byte))) {
        return bytes.to_vec();
    }
    let mut out = Vec::with_capacity(bytes.len());
    for character in bytes.iter().map(|byte| char::from(*byte)).filter(|character| !runes::is_space(*character)) {
        runes::push(&mut out, character);
    }
    out
}

fn initials(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut gap = true;
    for character in bytes.iter().map(|byte| char::from(*byte)) {
        if runes::is_space(character) {
            gap = true;
        } else if gap {
            runes::push(&mut out, character);
            gap = false;
        }
    }
    out
}

fn wrap(run: &mut Run<'_>, bytes: &[u8], width: i64, newline: &[u8], long_words: bool) -> Res<Operand> {
    let width = usize::try_from(width).unwrap_or(1).max(1);
    run.charge((bytes.len() / width).saturating_mul(newline.len() + 1).saturating_add(bytes.len()))?;
    let mut out = Vec::new();
    let mut at = 0;
    while bytes.len() - at > width {
        if bytes[at] == b' ' {
            at += 1;
            continue;
        }
        let line = &bytes[at..=at + width];
        let (end, next) = match line.iter().rposition(|byte| *byte == b' ') {
            Some(space) => (at + space, at + space + 1),
            None if long_words => (at + width, at + width),
            None => match bytes[at + width..].iter().position(|byte| *byte == b' ') {
                Some(space) => (at + width + space, at + width + space + 1),
                None => break,
            },
        };
        out.extend_from_slice(&bytes[at..end]);
        out.extend_from_slice(newline);
        at = next;
    }
    out.extend_from_slice(&bytes[at..]);
    text(out)
}

fn quote(run: &mut Run<'_>, arguments: &[Operand]) -> Res<Operand> {
    let mut out = Vec::new();
    for value in arguments.values(0).filter(|value| !value.is_nil()) {
        let shown = text_of(run, value)?;
        run.charge(shown.len())?;
        if !out.is_empty() {
            out.push(b' ');
        }
        out.extend_from_slice(&quoting::quote(shown.as_bytes()));
    }
    text(out)
}

fn squote(run: &mut Run<'_>, arguments: &[Operand]) -> Res<Operand> {
    let mut out = Vec::new();
    for value in arguments.values(0).filter(|value| !value.is_nil()) {
        let shown = fmt::sprint(run, [value])?;
        out.extend_from_slice(if out.is_empty() { b"'" } else { b" '" });
        out.extend_from_slice(&shown);
        out.push(b'\'');
    }
    text(out)
}

fn cat(run: &mut Run<'_>, arguments: &[Operand]) -> Res<Operand> {
    let mut out = Vec::new();
    for (index, value) in arguments.values(0).filter(|value| !value.is_nil()).enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(&fmt::sprint(run, [value])?);
    }
    text(out)
}

fn indent(run: &mut Run<'_>, spaces: i64, bytes: &[u8], newline: bool) -> Res<Operand> {
    let Ok(spaces) = usize::try_from(spaces) else { return fail("strings: negative Repeat count") };
    let lines = 1 + bytes.iter().filter(|byte| **byte == b'\n').count();
    let total = lines.saturating_mul(spaces).saturating_add(bytes.len() + 1);
    run.charge(total)?;
    let mut out = Vec::with_capacity(total);
    if newline {
        out.push(b'\n');
    }
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if index > 0 {
            out.push(b'\n');
        }
        out.resize(out.len() + spaces, b' ');
        out.extend_from_slice(line);
    }
    text(out)
}

/// `strings.ReplaceAll`; an empty `old` is found before every character and at the end.
pub(super) fn replace(run: &mut Run<'_>, bytes: &[u8], old: &[u8], new: &[u8]) -> Res<Vec<u8>> {
    run.charge(bytes.len())?;
    let mut out = Vec::with_capacity(bytes.len());
    if old.is_empty() {
        run.charge((runes::count(bytes) + 1).saturating_mul(new.len()))?;
        for (at, character) in runes::chars(bytes) {
            out.extend_from_slice(new);
            let length = if bytes[at..].starts_with(character.encode_utf8(&mut [0; 4]).as_bytes()) {
                character.len_utf8()
            } else {
                1
            };
            out.extend_from_slice(&bytes[at..at + length]);
        }
        out.extend_from_slice(new);
        return Ok(out);
    }
    let mut rest = bytes;
    while let Some(at) = find(rest, old) {
        out.extend_from_slice(&rest[..at]);
        run.charge(new.len())?;
        run.step()?;
        out.extend_from_slice(new);
        rest = &rest[at + old.len()..];
    }
    out.extend_from_slice(rest);
    run.charge(out.len())?;
    Ok(out)
}

/// sprig's `strslice`.
pub(super) fn to_strings(run: &mut Run<'_>, value: &Value) -> Res<Value> {
    let items = match value {
        Value::Nil => Vec::new(),
        Value::List(list) if list.elem() == Elem::Str => return Ok(value.clone()),
        Value::List(list) => {
            let items = list.items();
            run.charge(items.len() * 64)?;
            let texts = items.iter().filter(|item| !item.is_nil());
            texts.map(|item| text_of(run, item).map(Value::Str)).collect::<Res<Vec<_>>>()?
        }
        Value::Bytes(bytes) => bytes.as_bytes().iter().map(|byte| Value::text(byte.to_string())).collect(),
        other => vec![Value::Str(text_of(run, other)?)],
    };
    Ok(Value::List(List::new(Elem::Str, items)))
}

fn join(run: &mut Run<'_>, arguments: &[Operand]) -> Res<Operand> {
    let separator = arguments.bytes(0);
    let Value::List(list) = to_strings(run, arguments.value(1))? else { return text("") };
    let mut out = Vec::new();
    for (index, item) in list.items().iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(separator);
        }
        if let Value::Str(item) = item {
            run.charge(item.len() + separator.len())?;
            out.extend_from_slice(item.as_bytes());
        }
    }
    text(out)
}

/// `strings.SplitN`; a negative count has no bound, an empty separator splits characters.
fn split(run: &mut Run<'_>, bytes: &[u8], separator: &[u8], count: i64) -> Res<Vec<Value>> {
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    let mut items: Vec<Value> = Vec::new();
    if most == 0 {
        return Ok(items);
    }
    run.charge(bytes.len())?;
    let mut rest = bytes;
    if separator.is_empty() {
        run.charge(runes::count(bytes).min(most).saturating_mul(64))?;
        while let Some((_, length)) = runes::decode(rest)
            && items.len() + 1 < most
        {
            items.push(Value::text(&rest[..length]));
            rest = &rest[length..];
        }
        if !rest.is_empty() {
            items.push(Value::text(rest));
        }
        return Ok(items);
    }
    while items.len() + 1 < most
        && let Some(at) = find(rest, separator)
    {
        run.step()?;
        items.push(Value::text(&rest[..at]));
        rest = &rest[at + separator.len()..];
    }
    items.push(Value::text(rest));
    Ok(items)
}

fn numbered(items: Vec<Value>) -> Res<Operand> {
    let entries = items.into_iter().enumerate().map(|(index, item)| (Text::from(format!("_{index}")), item));
    map(Map::from_entries(MapKind::Strings, entries))
}
