//! What varies between two runs of a command line is replaced by its kind, on both sides.

use std::sync::LazyLock;

use regex::{Captures, Regex};

const RFC3339: &str = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)";
const UUID: &str = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";

/// What must stand before and behind a match; regular expressions here cannot look around.
#[derive(Clone, Copy)]
struct Around {
    before: fn(Option<char>) -> bool,
    behind: fn(Option<char>) -> bool,
}

const ANYTHING: Around = Around { before: |_| true, behind: |_| true };
const SUFFIX: Around =
    Around { before: |_| true, behind: |next| next.is_none_or(|next| next.is_whitespace() || "\"'/:,".contains(next)) };
const AGE: Around = Around {
    before: |last| last.is_none_or(|last| !is_word(last) && last != '.' && last != '-'),
    behind: |next| next.is_none_or(|next| !is_word(next) && next != '-'),
};

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

struct Rule {
    pattern: Regex,
    to: &'static str,
    around: Around,
}

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let rule = |pattern: &str, to: &'static str, around: Around| Rule {
        pattern: Regex::new(pattern).expect("the patterns are fixed"),
        to,
        around,
    };
    vec![
        rule(UUID, "<uid>", ANYTHING),
        rule(r"-[bcdfghjklmnpqrstvwxz2456789]{5}\b", "-<gen>", SUFFIX),
        rule(r"\b10\.(?:9[6-9]|10\d|11[01])\.\d+\.\d+\b", "<ip>", ANYTHING),
        rule(RFC3339, "<time>", ANYTHING),
        rule(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?(?: [+-]\d{4})?(?: UTC)?", "<time>", ANYTHING),
        rule(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}", "<time>", ANYTHING),
        rule(r#"((?:resourceVersion['"]?|Resource Version): *['"]?)\d+"#, "${1}<rv>", ANYTHING),
        rule(r"(?m)^[WIE]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ ", "<klog> ", ANYTHING),
        rule(r":3[0-2]\d{3}\b", ":<port>", ANYTHING),
        rule(r"(?i)(nodePort\D{1,9})3[0-2]\d{3}\b", "${1}<port>", ANYTHING),
        rule(r"(?:\d+d)?(?:\d+h)?(?:\d+m)?\d+s(?: ago)?", "<age>", AGE),
        rule(r"/tmp/[A-Za-z]+-\d+/", "<tmp>/", ANYTHING),
        rule(r"https?://[0-9a-z.]+:\d+", "<server>", ANYTHING),
        rule(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", "<jwt>", ANYTHING),
        rule(r"(?m)[ \t]+$", "", ANYTHING),
        rule(r" {2,}", "  ", ANYTHING),
    ]
});

/// The text without what varies.
pub(super) fn scrub(text: &str) -> String {
    let mut text = text.to_owned();
    for rule in RULES.iter() {
        let source = text.clone();
        let replaced = rule.pattern.replace_all(&source, |found: &Captures<'_>| {
            let whole = found.get(0).expect("group 0 is the match");
            let before = source[..whole.start()].chars().next_back();
            let behind = source[whole.end()..].chars().next();
            if !(rule.around.before)(before) || !(rule.around.behind)(behind) {
                return whole.as_str().to_owned();
            }
            let mut out = String::new();
            found.expand(rule.to, &mut out);
            out
        });
        text = replaced.into_owned();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::scrub;

    #[test]
    fn ages_times_and_suffixes_vary() {
        assert_eq!(scrub("web  0/2   5m3s \n"), "web  0/2  <age>\n");
        assert_eq!(scrub("pod/r-x7k2z created"), "pod/r-<gen> created");
        assert_eq!(scrub("uid: 2b2e6f4e-8a0c-4a3e-9d3c-0f4a7b1c2d3e"), "uid: <uid>");
        assert_eq!(scrub("http.5s"), "http.5s");
    }
}
