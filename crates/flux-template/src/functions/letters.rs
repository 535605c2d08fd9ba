//! Letter case: Go's `strings`, goutils and xstrings.

use super::{Arguments as _, Function, text};
use crate::exec::Ty::Str;
use crate::go::runes;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("upper", &[Str], Str, |_, a| text(runes::map(a.bytes(0), |c| Some(runes::to_upper(c))))),
    Function::new("lower", &[Str], Str, |_, a| text(runes::map(a.bytes(0), |c| Some(runes::to_lower(c))))),
    Function::new("title", &[Str], Str, |_, a| text(title(a.bytes(0)))),
    Function::new("untitle", &[Str], Str, |_, a| text(untitle(a.bytes(0)))),
    Function::new("swapcase", &[Str], Str, |_, a| text(swap_case(a.bytes(0)))),
    Function::new("snakecase", &[Str], Str, |_, a| text(lower_words(a.bytes(0), b'_'))),
    Function::new("kebabcase", &[Str], Str, |_, a| text(lower_words(a.bytes(0), b'-'))),
    Function::new("camelcase", &[Str], Str, |_, a| text(pascal_case(a.bytes(0)))),
];

/// Go's notion of what separates words in `strings.Title`.
fn is_separator(character: char) -> bool {
    if character.is_ascii() {
        return !(character.is_ascii_alphanumeric() || character == '_');
    }
    !runes::is_letter(character) && !runes::is_digit(character) && runes::is_space(character)
}

fn title(bytes: &[u8]) -> Vec<u8> {
    let mut before = ' ';
    runes::map(bytes, |character| {
        let first = is_separator(before);
        before = character;
        Some(if first { runes::to_title(character) } else { character })
    })
}

fn untitle(bytes: &[u8]) -> Vec<u8> {
    let mut first = true;
    runes::map(bytes, |character| {
        if runes::is_space(character) {
            first = true;
            return Some(character);
        }
        Some(if std::mem::take(&mut first) { runes::to_lower(character) } else { character })
    })
}

fn is_title(character: char) -> bool {
    runes::to_title(character) == character
        && !character.is_uppercase()
        && character.is_alphabetic()
        && matches!(character, '\u{1C5}' | '\u{1C8}' | '\u{1CB}' | '\u{1F2}' | '\u{1F88}'..='\u{1FFC}')
}

fn swap_case(bytes: &[u8]) -> Vec<u8> {
    let mut space = true;
    runes::map(bytes, |character| {
        Some(if character.is_uppercase() || is_title(character) {
            space = false;
            runes::to_lower(character)
        } else if character.is_lowercase() {
            if std::mem::take(&mut space) { runes::to_title(character) } else { runes::to_upper(character) }
        } else {
            space = runes::is_space(character);
            character
        })
    })
}

fn is_connector(character: char) -> bool {
    character == '-' || character == '_' || runes::is_space(character)
}

/// xstrings' `ToPascalCase`.
fn pascal_case(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut characters = runes::chars(bytes).map(|(_, character)| character);
    let mut first_upper = false;
    let mut current = None;
    for character in characters.by_ref() {
        if !is_connector(character) {
            first_upper = character.is_uppercase();
            current = Some(runes::to_upper(character));
            break;
        }
        runes::push(&mut out, character);
    }
    let Some(mut current) = current else {
        // Only connectors: the last one is written once more.
        if let Some((_, last)) = runes::chars(bytes).last() {
            runes::push(&mut out, last);
        }
        return out;
    };
    for character in characters {
        let before = current;
        current = character;
        if is_connector(current) && is_connector(before) {
            runes::push(&mut out, before);
            continue;
        }
        if is_connector(before) {
            first_upper = current.is_uppercase();
            current = runes::to_upper(current);
            continue;
        }
        if first_upper {
            if current.is_uppercase() {
                current = runes::to_lower(current);
            } else {
                first_upper = false;
            }
        }
        runes::push(&mut out, before);
    }
    runes::push(&mut out, current);
    out
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Invalid,
    Number,
    Upper,
    Alphabet,
    Connector,
    Punct,
    Other,
}

fn is_alphabet(character: char) -> bool {
    runes::is_letter(character)
}

/// The next character that is not broken, and the bytes up to its end; at the end the one before.
fn valid(bytes: &[u8], before: char) -> (char, usize) {
    let mut size = 0;
    let mut rest = bytes;
    while let Some((character, length)) = runes::decode(rest) {
        size += length;
        if character != runes::REPLACEMENT {
            return (character, size);
        }
        rest = &rest[length..];
    }
    (before, size)
}

/// The length of the run from `at` whose characters all pass.
fn run_of(bytes: &[u8], mut at: usize, mut character: char, pass: impl Fn(char) -> bool) -> (usize, char) {
    while at < bytes.len() {
        let (next, size) = valid(&bytes[at..], character);
        character = next;
        if !pass(character) {
            break;
        }
        at += size;
    }
    (at, character)
}

fn next_word(bytes: &[u8]) -> (Word, &[u8], &[u8]) {
    if bytes.is_empty() {
        return (Word::Invalid, b"", b"");
    }
    let (character, size) = valid(bytes, runes::REPLACEMENT);
    let (word, end) = match character {
        runes::REPLACEMENT => (Word::Invalid, size),
        _ if is_connector(character) => (Word::Connector, run_of(bytes, size, character, is_connector).0),
        _ if runes::is_punct(character) => (Word::Punct, run_of(bytes, size, character, runes::is_punct).0),
        _ if character.is_uppercase() => (Word::Upper, upper_word(bytes, size, character)),
        _ if is_alphabet(character) => {
            let pass = |character: char| is_alphabet(character) && !character.is_uppercase();
            (Word::Alphabet, run_of(bytes, size, character, pass).0)
        }
        _ if runes::is_number(character) => (Word::Number, run_of(bytes, size, character, runes::is_number).0),
        _ => {
            let pass = |character: char| {
                !(is_connector(character)
                    || is_alphabet(character)
                    || runes::is_number(character)
                    || runes::is_punct(character))
            };
            (Word::Other, run_of(bytes, size, character, pass).0)
        }
    };
    (word, &bytes[..end], &bytes[end..])
}

fn upper_word(bytes: &[u8], size: usize, character: char) -> usize {
    if size >= bytes.len() {
        return size;
    }
    let (second, second_size) = valid(&bytes[size..], character);
    if second.is_uppercase() {
        let mut at = size + second_size;
        let (mut last, mut last_size) = (second, second_size);
        while at < bytes.len() {
            let (next, next_size) = valid(&bytes[at..], last);
            last = next;
            if !next.is_uppercase() {
                break;
            }
            last_size = next_size;
            at += next_size;
        }
        // The last capital begins the next word.
        return if at < bytes.len() && is_alphabet(last) { at - last_size } else { at };
    }
    if is_alphabet(second) {
        let pass = |character: char| is_alphabet(character) && !character.is_uppercase();
        return run_of(bytes, size + second_size, second, pass).0;
    }
    size
}

fn write_lower(out: &mut Vec<u8>, word: Word, bytes: &[u8], connector: u8) {
    if word != Word::Upper && word != Word::Connector {
        return out.extend_from_slice(bytes);
    }
    for (_, character) in runes::chars(bytes) {
        if is_connector(character) {
            out.push(connector);
        } else {
            runes::push(out, runes::to_lower_if_upper(character));
        }
    }
}

/// xstrings' `ToSnakeCase` and `ToKebabCase`.
fn lower_words(bytes: &[u8], connector: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 8);
    let breaks = |word: Word| !matches!(word, Word::Connector | Word::Punct);
    let (mut word, mut text, mut rest) = next_word(bytes);
    while !rest.is_empty() {
        if word != Word::Connector {
            write_lower(&mut out, word, text, connector);
        }
        let (before, last) = (word, text);
        (word, text, rest) = next_word(rest);
        match before {
            Word::Number => {
                while matches!(word, Word::Alphabet | Word::Number) {
                    write_lower(&mut out, word, text, connector);
                    (word, text, rest) = next_word(rest);
                }
                if word != Word::Invalid && breaks(word) {
                    out.push(connector);
                }
            }
            Word::Connector => write_lower(&mut out, before, last, connector),
            Word::Punct => {}
            _ if word != Word::Number => {
                if breaks(word) {
                    out.push(connector);
                }
            }
            _ if rest.is_empty() => {}
            _ => {
                let number = text;
                (word, text, rest) = next_word(rest);
                if word != Word::Alphabet {
                    write_lower(&mut out, Word::Number, number, connector);
                    if breaks(word) {
                        out.push(connector);
                    }
                    continue;
                }
                out.push(connector);
                write_lower(&mut out, Word::Number, number, connector);
                while matches!(word, Word::Alphabet | Word::Number) {
                    write_lower(&mut out, word, text, connector);
                    (word, text, rest) = next_word(rest);
                }
                if word != Word::Invalid && breaks(word) {
                    out.push(connector);
                }
            }
        }
    }
    write_lower(&mut out, word, text, connector);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(change: impl Fn(&[u8]) -> Vec<u8>, from: &str, expect: &str) {
        assert_eq!(String::from_utf8(change(from.as_bytes())).unwrap(), expect);
    }

    #[test]
    fn words() {
        let snake = |bytes: &[u8]| lower_words(bytes, b'_');
        check(snake, "FirstName", "first_name");
        check(snake, "HTTPServer", "http_server");
        check(snake, "HTTP20xOK", "http_20x_ok");
        check(snake, "NoHTTPS", "no_https");
        check(snake, "GO PATH", "go_path");
        check(snake, "go-path", "go_path");
        check(pascal_case, "some_words", "SomeWords");
        check(pascal_case, "http_server", "HttpServer");
        check(pascal_case, "_complex__case_", "_Complex_Case_");
        check(title, "it's a-b", "It'S A-B");
        check(swap_case, "This Is A.Test", "tHIS iS a.tEST");
    }
}
