//! From RE2's syntax to that of the `regex` crate: ASCII classes, literal brackets and braces, `\Q..\E`.

/// Go's bound on `{n,m}`.
const MAX_REPEAT: u32 = 1000;
/// Go's bound on nesting.
const MAX_DEPTH: usize = 1000;

/// The pattern for the `regex` crate, or Go's complaint without its prefix.
pub(super) fn translate(pattern: &str) -> Result<String, String> {
    let mut translator = Translator {
        pattern,
        rest: pattern,
        out: String::with_capacity(pattern.len() + 8),
        opened: 0,
        atom: false,
        repeated: None,
    };
    translator.run()?;
    Ok(translator.out)
}

struct Translator<'p> {
    pattern: &'p str,
    rest: &'p str,
    out: String,
    /// Groups that are open.
    opened: usize,
    /// Something stands before that can be repeated.
    atom: bool,
    /// Where the last repetition operator began.
    repeated: Option<&'p str>,
}

const ASCII_SPACE: &str = r"\t\n\f\r ";

impl<'p> Translator<'p> {
    fn advance(&mut self, bytes: usize) -> &'p str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        taken
    }

    fn atom(&mut self) {
        self.atom = true;
        self.repeated = None;
    }

    fn run(&mut self) -> Result<(), String> {
        while let Some(character) = self.rest.chars().next() {
            match character {
                '(' => self.open()?,
                ')' => {
                    if self.opened == 0 {
                        return Err(format!("unexpected ): `{}`", self.pattern));
                    }
                    self.opened -= 1;
                    self.advance(1);
                    self.out.push(')');
                    self.atom();
                }
                '|' => {
                    self.advance(1);
                    self.out.push('|');
                    self.atom = false;
                    self.repeated = None;
                }
                '*' | '+' | '?' => self.repeat(1)?,
                '{' => match counted(self.rest) {
                    Some((length, least, most)) => {
                        if least > MAX_REPEAT || most.is_some_and(|most| most > MAX_REPEAT || most < least) {
                            return Err(format!("invalid repeat count: `{}`", &self.rest[..length]));
                        }
                        self.repeat(length)?;
                    }
                    None => {
                        self.advance(1);
                        self.out.push_str("\\{");
                        self.atom();
                    }
                },
                '[' => {
                    self.class()?;
                    self.atom();
                }
                '\\' => self.escape()?,
                '^' | '$' | '.' => {
                    self.advance(1);
                    // Without (?m) Go's $ is the very end, as in the other crate.
                    self.out.push(character);
                    self.atom();
                }
                '}' | ']' => {
                    self.advance(1);
                    self.out.push('\\');
                    self.out.push(character);
                    self.atom();
                }
                _ => {
                    self.advance(character.len_utf8());
                    self.out.push(character);
                    self.atom();
                }
            }
        }
        if self.opened > 0 {
            return Err(format!("missing closing ): `{}`", self.pattern));
        }
        Ok(())
    }

    fn repeat(&mut self, length: usize) -> Result<(), String> {
        let start = self.rest;
        let lazy = usize::from(self.rest[length..].starts_with('?'));
        if !self.atom {
            return Err(format!("missing argument to repetition operator: `{}`", &self.rest[..length + lazy]));
        }
        if let Some(before) = self.repeated {
            let both = before.len() - self.rest.len() + length + lazy;
            return Err(format!("invalid nested repetition operator: `{}`", &before[..both]));
        }
        let operator = self.advance(length + lazy);
        self.out.push_str(operator);
        self.repeated = Some(start);
        Ok(())
    }

    fn open(&mut self) -> Result<(), String> {
        if self.opened >= MAX_DEPTH {
            return Err(format!("expression nests too deeply: `{}`", self.pattern));
        }
        self.atom = false;
        self.repeated = None;
        let Some(flags) = self.rest.strip_prefix("(?") else {
            self.advance(1);
            self.out.push('(');
            self.opened += 1;
            return Ok(());
        };
        if let Some(named) = flags.strip_prefix("P<").or_else(|| flags.strip_prefix('<'))
            && !named.starts_with(['=', '!'])
        {
            let name = named.split('>').next().unwrap_or_default();
            let good = !name.is_empty() && name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric());
            let whole = self.rest.len() - named.len() + name.len();
            if named.len() == name.len() {
                return Err(format!("invalid named capture: `{}`", self.rest));
            }
            if !good {
                return Err(format!("invalid named capture: `{}`", &self.rest[..whole + 1]));
            }
            self.advance(whole + 1);
            // A name may begin with a digit in Go; then it cannot be referred to by name here.
            if name.starts_with(|first: char| first.is_ascii_digit()) {
                self.out.push('(');
            } else {
                self.out.push_str(&format!("(?P<{name}>"));
            }
            self.opened += 1;
            return Ok(());
        }
        let length = flags.find([':', ')']).unwrap_or(flags.len());
        let word = &flags[..length];
        let (on, off) = word.split_once('-').unwrap_or((word, ""));
        let known = |text: &str| text.chars().all(|flag| "imsU".contains(flag));
        let bad_at = flags.find(|flag: char| !"imsU-:)".contains(flag));
        if length == flags.len() || !known(on) || !known(off) || (word.contains('-') && off.is_empty()) {
            let shown = match bad_at {
                Some(at) => {
                    let end = 2 + at + flags[at..].chars().next().map_or(0, char::len_utf8);
                    &self.rest[..end.min(self.rest.len())]
                }
                None if length == flags.len() => return Err(format!("missing closing ): `{}`", self.pattern)),
                None => &self.rest[..(2 + length + 1).min(self.rest.len())],
            };
            return Err(format!("invalid or unsupported Perl syntax: `{shown}`"));
        }
        let group = flags[length..].starts_with(':');
        let taken = self.advance(2 + length + 1);
        if word.is_empty() && !group {
            // `(?)` sets nothing.
            return Ok(());
        }
        self.out.push_str(taken);
        if group {
            self.opened += 1;
        }
        Ok(())
    }

    fn escape(&mut self) -> Result<(), String> {
        let mut after = self.rest[1..].chars();
        let Some(letter) = after.next() else { return Err("trailing backslash at end of expression: ``".to_owned()) };
        let plain = match letter {
            'A' | 'z' | 'b' | 'B' => {
                self.advance(2);
                self.out.push_str(match letter {
                    'A' => r"\A",
                    'z' => r"\z",
                    'b' => r"(?-u:\b)",
                    _ => r"(?-u:\B)",
                });
                self.atom();
                return Ok(());
            }
            'Q' => {
                self.advance(2);
                let (literal, length) = match self.rest.find("\\E") {
                    Some(end) => (&self.rest[..end], end + 2),
                    None => (self.rest, self.rest.len()),
                };
                for character in literal.chars() {
                    push_literal(&mut self.out, character);
                    self.atom();
                }
                self.advance(length);
                return Ok(());
            }
            'd' => "[0-9]",
            'D' => "[^0-9]",
            'w' => "[0-9A-Za-z_]",
            'W' => "[^0-9A-Za-z_]",
            's' => r"[\t\n\f\r ]",
            'S' => r"[^\t\n\f\r ]",
            'p' | 'P' => {
                let length = property(self.rest)?;
                let taken = self.advance(length);
                self.out.push_str(taken);
                self.atom();
                return Ok(());
            }
            _ => {
                let character = self.character()?;
                push_literal(&mut self.out, character);
                self.atom();
                return Ok(());
            }
        };
        self.advance(2);
        self.out.push_str(plain);
        self.atom();
        Ok(())
    }

    /// An escape that stands for one character.
    fn character(&mut self) -> Result<char, String> {
        let text = self.rest;
        let letter = text[1..].chars().next().ok_or("trailing backslash at end of expression: ``")?;
        let invalid = |length: usize| -> String {
            let end = text.char_indices().map(|(at, _)| at).chain([text.len()]).find(|at| *at >= length);
            format!("invalid escape sequence: `{}`", &text[..end.unwrap_or(text.len())])
        };
        let octal = |digits: &str| -> usize {
            digits.bytes().take(3).take_while(|digit| (b'0'..=b'7').contains(digit)).count()
        };
        let (character, length) = match letter {
            'a' => ('\x07', 2),
            'f' => ('\x0C', 2),
            'n' => ('\n', 2),
            'r' => ('\r', 2),
            't' => ('\t', 2),
            'v' => ('\x0B', 2),
            '0'..='7' => {
                let count = octal(&text[1..]);
                if letter != '0' && count < 2 {
                    return Err(invalid(2));
                }
                let value = u32::from_str_radix(&text[1..1 + count], 8).unwrap_or(0);
                (char::from_u32(value).unwrap_or('\0'), 1 + count)
            }
            'x' => {
                let digits = &text[2..];
                let (number, length) = match digits.strip_prefix('{') {
                    Some(inside) => {
                        let end = inside.find('}').ok_or_else(|| invalid(text.len()))?;
                        (&inside[..end], 2 + end + 2)
                    }
                    None => (digits.get(..2).ok_or_else(|| invalid(text.len().min(4)))?, 4),
                };
                let value = u32::from_str_radix(number, 16).ok().and_then(char::from_u32);
                (value.ok_or_else(|| invalid(length))?, length)
            }
            _ if letter.is_ascii() && !letter.is_ascii_alphanumeric() => (letter, 2),
            _ => return Err(invalid(1 + letter.len_utf8())),
        };
        self.advance(length);
        Ok(character)
    }

    fn class(&mut self) -> Result<(), String> {
        let start = self.rest;
        self.advance(1);
        self.out.push('[');
        if self.rest.starts_with('^') {
            self.advance(1);
            self.out.push('^');
        }
        let mut first = true;
        while first || !self.rest.starts_with(']') {
            let item = self.rest;
            if item.is_empty() {
                return Err(format!("missing closing ]: `{start}`"));
            }
            // A dash may stand anywhere: where no range can be, it is a character.
            first = false;
            if let Some(length) = self.named_class()? {
                let taken = self.advance(length);
                self.out.push_str(taken);
                continue;
            }
            if let Some(set) = self.perl_class() {
                self.advance(2);
                self.out.push_str(set);
                continue;
            }
            if self.rest.starts_with("\\p") || self.rest.starts_with("\\P") {
                let length = property(self.rest)?;
                let taken = self.advance(length);
                self.out.push_str(taken);
                continue;
            }
            let low = self.class_character(start)?;
            let mut high = low;
            if self.rest.starts_with('-') && self.rest.len() > 1 && !self.rest[1..].starts_with(']') {
                self.advance(1);
                high = self.class_character(start)?;
                if high < low {
                    let shown = &item[..item.len() - self.rest.len()];
                    return Err(format!("invalid character class range: `{shown}`"));
                }
            }
            push_class(&mut self.out, low);
            if high != low {
                self.out.push('-');
                push_class(&mut self.out, high);
            }
        }
        self.advance(1);
        self.out.push(']');
        Ok(())
    }

    /// `[:alpha:]`
    fn named_class(&self) -> Result<Option<usize>, String> {
        const NAMES: &[&str] = &[
            "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper",
            "word", "xdigit",
        ];
        let Some(inside) = self.rest.strip_prefix("[:") else { return Ok(None) };
        let Some(end) = inside.find(":]") else { return Ok(None) };
        let name = inside[..end].trim_start_matches('^');
        if !NAMES.contains(&name) {
            return Err(format!("invalid character class range: `{}`", &self.rest[..end + 4]));
        }
        Ok(Some(end + 4))
    }

    fn perl_class(&self) -> Option<&'static str> {
        Some(match self.rest.get(..2)? {
            "\\d" => "0-9",
            "\\D" => r"\x00-/:-\x{10FFFF}",
            "\\w" => "0-9A-Za-z_",
            "\\W" => r"\x00-/:-@\[-\^`\{-\x{10FFFF}",
            "\\s" => ASCII_SPACE,
            "\\S" => r"\x00-\x08\x0B\x0E-\x1F!-\x{10FFFF}",
            _ => return None,
        })
    }

    fn class_character(&mut self, start: &str) -> Result<char, String> {
        match self.rest.chars().next() {
            None => Err(format!("missing closing ]: `{start}`")),
            Some('\\') => self.character(),
            Some(character) => {
                self.advance(character.len_utf8());
                Ok(character)
            }
        }
    }
}

/// `{n}`, `{n,}` or `{n,m}`: its length and bounds. What has another form is literal.
fn counted(text: &str) -> Option<(usize, u32, Option<u32>)> {
    let end = text.find('}')?;
    let inside = &text[1..end];
    let (low, high) = inside.split_once(',').map_or((inside, None), |(low, high)| (low, Some(high)));
    let number = |digits: &str| -> Option<u32> {
        let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
        let leading = digits.len() > 1 && digits.starts_with('0');
        (plain && !leading).then(|| digits.parse().unwrap_or(u32::MAX))
    };
    let least = number(low)?;
    let most = match high {
        None => Some(least),
        Some("") => None,
        Some(high) => Some(number(high)?),
    };
    Some((end + 1, least, most))
}

/// The length of `\pN` or `\p{Greek}`.
fn property(text: &str) -> Result<usize, String> {
    let invalid = |end: usize| format!("invalid character class range: `{}`", &text[..end]);
    let Some(next) = text[2..].chars().next() else { return Err(invalid(text.len())) };
    let end = match next {
        '{' => 2 + text[2..].find('}').ok_or_else(|| invalid(text.len()))? + 1,
        _ => 2 + next.len_utf8(),
    };
    Ok(end)
}

fn push_literal(out: &mut String, character: char) {
    if r"\.+*?()|[]{}^$#&-~".contains(character) {
        out.push('\\');
    }
    out.push(character);
}

fn push_class(out: &mut String, character: char) {
    if r"\[]^-&~".contains(character) {
        out.push('\\');
    }
    out.push(character);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn translated() {
        assert_eq!(translate(r"a\d{2}[\w.-]+").unwrap(), r"a[0-9]{2}[0-9A-Za-z_.\-]+");
        assert_eq!(translate(r"\Qa.b\E{,2}x{").unwrap(), r"a\.b\{,2\}x\{");
        assert_eq!(translate("[[a]&&]").unwrap(), r"[\[a]&&\]");
        assert_eq!(translate(r"[^a-z-_.][\w-\.]").unwrap(), r"[^a-z\-_.][0-9A-Za-z_\-.]");
        assert_eq!(translate(r"\bx\_").unwrap(), r"(?-u:\b)x_");
    }

    #[test]
    fn complaints() {
        let check = |pattern: &str, expect: &str| assert_eq!(translate(pattern).unwrap_err(), expect);
        check("(", "missing closing ): `(`");
        check("a)", "unexpected ): `a)`");
        check("[a", "missing closing ]: `[a`");
        check("*a", "missing argument to repetition operator: `*`");
        check("a**", "invalid nested repetition operator: `**`");
        check(r"\q", r"invalid escape sequence: `\q`");
        check("(?!a)", "invalid or unsupported Perl syntax: `(?!`");
        check("[z-a]", "invalid character class range: `z-a`");
        check("a{1001}", "invalid repeat count: `{1001}`");
        check("\\", "trailing backslash at end of expression: ``");
    }
}
