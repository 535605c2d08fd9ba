//! Go's regular expressions by Rust's: the same family, with a few differences in what is accepted.

use regex::Regex;

/// Compiles a pattern written for Go.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    Regex::new(&translate(pattern)).map_err(|_| format!("error parsing regexp: `{pattern}`"))
}

/// Compiles a pattern that must match from start to end.
pub(crate) fn anchored(pattern: &str) -> Result<Regex, String> {
    compile(&format!("^(?:{pattern})$"))
}

/// Go's classes are ASCII, and a brace that opens no repetition is a plain brace.
fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern;
    let mut in_class = false;
    while let Some(c) = rest.chars().next() {
        let tail = &rest[c.len_utf8()..];
        match c {
            '\\' => {
                let Some(escaped) = tail.chars().next() else {
                    out.push('\\');
                    break;
                };
                rest = &tail[escaped.len_utf8()..];
                let class = match (escaped, in_class) {
                    ('d', false) => "[0-9]",
                    ('d', true) => "0-9",
                    ('w', false) => "[0-9A-Za-z_]",
                    ('w', true) => "0-9A-Za-z_",
                    ('s', false) => "[\\t\\n\\x0C\\r ]",
                    ('s', true) => "\\t\\n\\x0C\\r ",
                    ('D', false) => "[^0-9]",
                    ('W', false) => "[^0-9A-Za-z_]",
                    ('S', false) => "[^\\t\\n\\x0C\\r ]",
                    ('b', false) => "(?-u:\\b)",
                    ('<', _) => "<",
                    ('>', _) => ">",
                    _ => {
                        out.push('\\');
                        out.push(escaped);
                        ""
                    }
                };
                out.push_str(class);
                continue;
            }
            '[' if !in_class => {
                in_class = true;
                out.push('[');
                let mut tail = tail;
                if let Some(after) = tail.strip_prefix('^') {
                    out.push('^');
                    tail = after;
                }
                if let Some(after) = tail.strip_prefix(']') {
                    out.push_str("\\]");
                    tail = after;
                }
                rest = tail;
                continue;
            }
            '[' if !tail.starts_with(':') => out.push_str("\\["),
            ']' if in_class => {
                // `[:alpha:]` ends with `:]` inside the class.
                in_class = out.ends_with(':') && out.rfind("[:").is_some_and(|at| !out[at..].contains(']'));
                out.push(']');
            }
            '&' | '~' if in_class && tail.starts_with(c) => {
                out.push('\\');
                out.push(c);
            }
            '{' if !in_class && !opens_repetition(tail) => out.push_str("\\{"),
            '}' if !in_class && !closes_repetition(&out) => out.push_str("\\}"),
            c => out.push(c),
        }
        rest = tail;
    }
    out
}

fn opens_repetition(tail: &str) -> bool {
    let Some(end) = tail.find('}') else { return false };
    let (low, high) = tail[..end].split_once(',').unwrap_or((&tail[..end], ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    !low.is_empty() && digits(low) && digits(high)
}

fn closes_repetition(before: &str) -> bool {
    before.rfind('{').is_some_and(|at| {
        !before[..at].ends_with('\\')
            && !before[at + 1..].is_empty()
            && before[at + 1..].bytes().all(|b| b.is_ascii_digit() || b == b',')
    }) || before.rfind("\\p{").is_some_and(|at| !before[at..].contains('}'))
        || before.rfind("\\P{").is_some_and(|at| !before[at..].contains('}'))
        || before.rfind("\\x{").is_some_and(|at| !before[at..].contains('}'))
}
