//! Capital letters of messages and reasons.

/// Every word with a capital letter in front; the letters behind stay as they are.
pub fn title(text: &str) -> String {
    let mut inside = false;
    let mut titled = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if !inside && character.is_alphabetic() {
            titled.extend(character.to_uppercase());
        } else {
            titled.push(character);
        }
        let joins = matches!(character, '\'' | '’' | '.' | ':' | '_')
            && characters.peek().is_some_and(|next| next.is_alphanumeric());
        inside = character.is_alphanumeric() || inside && joins;
    }
    titled
}

/// A sentence: blanks made single, the first word with a capital letter in front.
pub fn normalize(text: &str) -> String {
    let mut words = text.split_whitespace();
    let first = words.next().map(title).unwrap_or_default();
    words.fold(first, |sentence, word| format!("{sentence} {word}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_begin_with_capitals() {
        assert_eq!(title("helm's  chart-name, LAZY 2nd ébène"), "Helm's  Chart-Name, LAZY 2nd Ébène");
        assert_eq!(normalize("  helmChart/a/b   created with 'x y'\n"), "HelmChart/A/B created with 'x y'");
        assert_eq!(normalize(""), "");
    }
}
