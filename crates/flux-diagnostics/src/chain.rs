//! An error and its causes.

use std::error::Error;
use std::iter;

/// The causes of an error, outermost first, without the error itself.
pub fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    iter::successors(error.source(), |&cause| cause.source())
}

/// The innermost cause; of an error without causes, the error.
pub fn root<'e>(error: &'e (dyn Error + 'static)) -> &'e (dyn Error + 'static) {
    causes(error).last().unwrap_or(error)
}

/// An error with its causes, outermost first, divided by `: `. What the text already ends with is not said again.
pub fn one_line(error: &(dyn Error + 'static)) -> String {
    causes(error)
        .map(ToString::to_string)
        .fold(error.to_string(), |text, cause| if text.ends_with(&cause) { text } else { format!("{text}: {cause}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Link {
        text: &'static str,
        #[source]
        next: Option<Box<Link>>,
    }

    fn links(texts: &[&'static str]) -> Link {
        let (text, rest) = texts.split_first().expect("not empty");
        let next = (!rest.is_empty()).then(|| Box::new(links(rest)));
        Link { text, next }
    }

    #[test]
    fn outermost_first() {
        let error = links(&["cannot fetch", "no route", "unreachable"]);
        assert_eq!(one_line(&error), "cannot fetch: no route: unreachable");
        assert_eq!(causes(&error).count(), 2);
        assert_eq!(root(&error).to_string(), "unreachable");
    }

    #[test]
    fn nothing_is_said_twice() {
        assert_eq!(one_line(&links(&["cannot fetch: no route", "no route"])), "cannot fetch: no route");
        assert_eq!(root(&links(&["alone"])).to_string(), "alone");
    }
}
