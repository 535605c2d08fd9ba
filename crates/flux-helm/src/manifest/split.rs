//! Documents of a rendered file. Helm splits the text by a pattern, before any YAML is read.

/// Which of Helm's two ways to split. They keep different blank lines, so manifests and digests differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Splitting {
    /// Helm 4.2: blanks before and after a marker belong to it.
    V42,
    /// Helm 4.3 and Flux's own build of Helm: a marker at the start of a line, and the blanks on that line.
    #[default]
    V43,
}

/// The documents of a file that are not blank, without leading blanks.
pub fn split(text: &str, splitting: Splitting) -> Vec<&str> {
    let text = text.trim_start_matches(is_space);
    let parts = match splitting {
        Splitting::V43 => at_markers(text),
        Splitting::V42 => around_markers(text),
    };
    parts.into_iter().map(|part| part.trim_start_matches(is_space)).filter(|part| !part.is_empty()).collect()
}

/// Go's `unicode.IsSpace`.
fn is_space(c: char) -> bool {
    c.is_whitespace()
}

/// `(?m)^---[ \t]*`
fn at_markers(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        if line.starts_with("---") {
            parts.push(&text[start..at]);
            let blanks = line[3..].bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            start = at + 3 + blanks;
        }
        at += line.len();
    }
    parts.push(&text[start..]);
    parts
}

/// `(?:^|\s*\n)---\s*` with RE2's `\s`.
fn around_markers(text: &str) -> Vec<&str> {
    let blank = |byte: &u8| matches!(byte, b'\t' | b'\n' | 0x0c | b'\r' | b' ');
    let bytes = text.as_bytes();
    let mut parts = Vec::new();
    let (mut start, mut at) = (0, 0);
    while let Some(found) = text[at..].find("---").map(|found| at + found) {
        if found != 0 && (found <= start || bytes[found - 1] != b'\n') {
            // Right behind another marker's blanks, or inside a line.
            at = found + 1;
            continue;
        }
        let before = bytes[start..found].iter().rev().take_while(|byte| blank(byte)).count();
        parts.push(&text[start..found - before]);
        let after = bytes[found + 3..].iter().take_while(|byte| blank(byte)).count();
        start = found + 3 + after;
        at = start;
    }
    parts.push(&text[start..]);
    parts
}
