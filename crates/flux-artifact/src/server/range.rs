//! The Range header.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Range {
    /// No header, or one that is not understood: both are answered with everything.
    Whole,
    /// Both ends included.
    Part {
        first: u64,
        last: u64,
    },
    Unsatisfiable,
}

/// Reads a single range of bytes; several at once are answered with everything, as is allowed.
pub(super) fn parse(header: Option<&str>, size: u64) -> Range {
    let Some((first, last)) = header.and_then(|text| text.strip_prefix("bytes=")).and_then(|text| text.split_once('-'))
    else {
        return Range::Whole;
    };
    let (first, last) = (first.trim(), last.trim());
    match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), _) if last.is_empty() => within(first, u64::MAX, size),
        (Ok(first), Ok(last)) if first <= last => within(first, last, size),
        (Err(_), Ok(0)) if first.is_empty() => Range::Unsatisfiable,
        (Err(_), Ok(count)) if first.is_empty() => within(size.saturating_sub(count), u64::MAX, size),
        _ => Range::Whole,
    }
}

fn within(first: u64, last: u64, size: u64) -> Range {
    if first >= size {
        return Range::Unsatisfiable;
    }
    Range::Part { first, last: last.min(size - 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let check = |text: &str, expected| assert_eq!(parse(Some(text), 10), expected, "{text}");
        check("bytes=0-3", Range::Part { first: 0, last: 3 });
        check("bytes=8-", Range::Part { first: 8, last: 9 });
        check("bytes=-3", Range::Part { first: 7, last: 9 });
        check("bytes=-30", Range::Part { first: 0, last: 9 });
        check("bytes=5-100", Range::Part { first: 5, last: 9 });
        check("bytes=10-", Range::Unsatisfiable);
        check("bytes=-0", Range::Unsatisfiable);
        check("bytes=3-1", Range::Whole);
        check("bytes=0-1,3-4", Range::Whole);
        check("items=0-1", Range::Whole);
        assert_eq!(parse(None, 10), Range::Whole);
        assert_eq!(parse(Some("bytes=0-"), 0), Range::Unsatisfiable);
    }
}
