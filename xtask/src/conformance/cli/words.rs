//! Command lines as a shell splits them.

/// Splits at white space outside of quotes; a backslash keeps the next letter outside of single quotes.
pub fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(end), letter) if letter == end => quote = None,
            (Some('"') | None, '\\') => {
                let next = letters.next().unwrap_or('\\');
                let kept = word.get_or_insert_default();
                if quote.is_some() && !"\"\\$`".contains(next) {
                    kept.push('\\');
                }
                kept.push(next);
            }
            (Some(_), letter) => word.get_or_insert_default().push(letter),
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, letter) if letter.is_whitespace() => words.extend(word.take()),
            (None, letter) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

/// The text with every hexadecimal number of 64 digits replaced.
pub fn without_hex(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for part in text.split_inclusive(|c: char| !c.is_ascii_hexdigit()) {
        let digits = part.trim_end_matches(|c: char| !c.is_ascii_hexdigit());
        if digits.len() == 64 {
            result.push_str("HEX");
            result.push_str(&part[64..]);
        } else {
            result.push_str(part);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes() {
        assert_eq!(split(r#"a "b c" --d='e f' g\ h "i\.j" ''"#), ["a", "b c", "--d=e f", "g h", r"i\.j", ""]);
    }
}
