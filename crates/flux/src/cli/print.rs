//! Data on standard output, talk on standard error, tables.

use std::fmt::Display;
use std::io::Write as _;

use super::error::CliError;

/// Writes data; a reader that went away ends the output silently.
pub fn data(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// Writes a line of data.
pub fn line(text: &str) {
    data(&format!("{text}\n"));
}

fn say(sign: &str, text: &dyn Display) {
    let _ = writeln!(std::io::stderr().lock(), "{sign} {text}");
}

/// Something is being done.
pub fn action(text: impl Display) {
    say("\u{25ba}", &text);
}

/// Something is being made.
pub fn generate(text: impl Display) {
    say("\u{271a}", &text);
}

/// Something is waited for.
pub fn waiting(text: impl Display) {
    say("\u{25ce}", &text);
}

/// Something went well.
pub fn success(text: impl Display) {
    say("\u{2714}", &text);
}

/// Something went wrong.
pub fn failure(text: impl Display) {
    say("\u{2717}", &text);
}

/// Something is odd.
pub fn warning(text: impl Display) {
    say("\u{26a0}\u{fe0f}", &text);
}

/// The last line of a failed command.
pub fn failure_of(error: &CliError) {
    match error {
        CliError::Changed => warning(error),
        error => failure(error),
    }
}

/// A table without borders: cells padded to their column, a tab after each. Headers in upper case.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let header: Vec<String> = header.iter().map(|name| name.to_uppercase()).collect();
    let columns = rows.iter().map(Vec::len).chain([header.len()]).max().unwrap_or(0);
    let mut widths = vec![0_usize; columns];
    for row in rows.iter().chain([&header]) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell_lines(cell).map(display_width).max().unwrap_or(0));
        }
    }
    let mut text = String::new();
    if !header.is_empty() {
        push_row(&mut text, &header, &widths, " ");
    }
    for row in rows {
        push_row(&mut text, row, &widths, "\t");
    }
    text
}

/// A cell with line breaks takes several lines of the table.
fn push_row(text: &mut String, row: &[String], widths: &[usize], end: &str) {
    let cells: Vec<Vec<&str>> = row.iter().map(|cell| cell_lines(cell).collect()).collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or(1).max(1);
    for line in 0..height {
        for (column, width) in widths.iter().enumerate() {
            let cell = cells.get(column).and_then(|lines| lines.get(line)).copied().unwrap_or_default();
            text.push_str(cell);
            text.extend(std::iter::repeat_n(' ', width.saturating_sub(display_width(cell))));
            text.push_str(if column + 1 == widths.len() { end } else { "\t" });
        }
        text.push('\n');
    }
}

fn cell_lines(cell: &str) -> impl Iterator<Item = &str> {
    cell.trim_end_matches('\n').split('\n')
}

fn display_width(cell: &str) -> usize {
    cell.chars().count()
}

/// Long hexadecimal numbers cut to eight digits.
pub fn truncate_hex(text: &str) -> String {
    let is_hex = |c: char| matches!(c, '0'..='9' | 'a'..='f');
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
        let word = &rest[..end];
        if end == 0 {
            result.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let long = (40..=128).contains(&word.len()) && word.chars().all(is_hex);
        result.push_str(if long { &word[..8] } else { word });
        rest = &rest[end..];
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_no_borders() {
        let rows = vec![vec!["podinfo".into(), "True".into()], vec!["x".into(), "\u{e9}".into()]];
        assert_eq!(table(&["Name", "Ready"], &rows), "NAME   \tREADY \npodinfo\tTrue \t\nx      \t\u{e9}    \t\n");
        assert_eq!(table(&[], &rows[..1]), "podinfo\tTrue\t\n");
    }

    #[test]
    fn hashes_are_cut() {
        let hash = "5394cb7f48332b2de7c17dd8b8384bbc84b7e738";
        assert_eq!(truncate_hex(&format!("main@sha1:{hash}")), "main@sha1:5394cb7f");
        assert_eq!(truncate_hex("main@sha1:5394cb7f48"), "main@sha1:5394cb7f48");
    }
}
