//! The pieces of a layout.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearday,
    ZeroYearday,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperPm,
    LowerPm,
    Name,
    /// An offset from UTC.
    Offset(Offset),
    /// `.000`: this many digits; the separator is kept.
    Fraction(usize, u8),
    /// `.999`: as many digits as matter, at most this many.
    OptionalFraction(usize, u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offset {
    /// `Z` for UTC.
    pub(super) z: bool,
    pub(super) colon: bool,
    pub(super) minutes: bool,
    pub(super) seconds: bool,
}

/// The text before the first piece, the piece, and what follows.
pub(super) fn next(layout: &[u8]) -> (&[u8], Option<Piece>, &[u8]) {
    for at in 0..layout.len() {
        if let Some((skip, piece, length)) = piece(&layout[at..]) {
            return (&layout[..at + skip], Some(piece), &layout[at + skip + length..]);
        }
    }
    (layout, None, b"")
}

fn lower_follows(rest: &[u8]) -> bool {
    rest.first().is_some_and(u8::is_ascii_lowercase)
}

fn digit_at(text: &[u8], at: usize) -> bool {
    text.get(at).is_some_and(u8::is_ascii_digit)
}

/// Bytes that belong to the text before, the piece, and its length.
fn piece(rest: &[u8]) -> Option<(usize, Piece, usize)> {
    let whole = |piece, length| Some((0, piece, length));
    match rest {
        [b'J', b'a', b'n', after @ ..] => {
            if rest.starts_with(b"January") {
                return whole(Piece::LongMonth, 7);
            }
            if lower_follows(after) { None } else { whole(Piece::Month, 3) }
        }
        [b'M', b'o', b'n', after @ ..] => {
            if rest.starts_with(b"Monday") {
                return whole(Piece::LongWeekday, 6);
            }
            if lower_follows(after) { None } else { whole(Piece::Weekday, 3) }
        }
        [b'M', b'S', b'T', ..] => whole(Piece::Name, 3),
        [b'0', b'0', b'2', ..] => whole(Piece::ZeroYearday, 3),
        [b'0', digit @ b'1'..=b'6', ..] => {
            let pieces = [
                Piece::ZeroMonth,
                Piece::ZeroDay,
                Piece::ZeroHour12,
                Piece::ZeroMinute,
                Piece::ZeroSecond,
                Piece::Year,
            ];
            whole(pieces[usize::from(digit - b'1')], 2)
        }
        [b'1', b'5', ..] => whole(Piece::Hour, 2),
        [b'1', ..] => whole(Piece::NumMonth, 1),
        [b'2', b'0', b'0', b'6', ..] => whole(Piece::LongYear, 4),
        [b'2', ..] => whole(Piece::Day, 1),
        [b'_', b'2', b'0', b'0', b'6', ..] => Some((1, Piece::LongYear, 4)),
        [b'_', b'2', ..] => whole(Piece::UnderDay, 2),
        [b'_', b'_', b'2', ..] => whole(Piece::UnderYearday, 3),
        [b'3', ..] => whole(Piece::Hour12, 1),
        [b'4', ..] => whole(Piece::Minute, 1),
        [b'5', ..] => whole(Piece::Second, 1),
        [b'P', b'M', ..] => whole(Piece::UpperPm, 2),
        [b'p', b'm', ..] => whole(Piece::LowerPm, 2),
        [b'-' | b'Z', ..] => offset(rest),
        [separator @ (b'.' | b','), digit @ (b'0' | b'9'), ..] => {
            let count = rest[1..].iter().take_while(|byte| *byte == digit).count();
            if digit_at(rest, count + 1) {
                return None;
            }
            let piece = match digit {
                b'0' => Piece::Fraction(count, *separator),
                _ => Piece::OptionalFraction(count, *separator),
            };
            whole(piece, count + 1)
        }
        _ => None,
    }
}

fn offset(rest: &[u8]) -> Option<(usize, Piece, usize)> {
    let z = rest[0] == b'Z';
    let body = &rest[1..];
    let (colon, minutes, seconds, length) = if body.starts_with(b"070000") {
        (false, true, true, 7)
    } else if body.starts_with(b"07:00:00") {
        (true, true, true, 9)
    } else if body.starts_with(b"0700") {
        (false, true, false, 5)
    } else if body.starts_with(b"07:00") {
        (true, true, false, 6)
    } else if body.starts_with(b"07") {
        (false, false, false, 3)
    } else {
        return None;
    };
    Some((0, Piece::Offset(Offset { z, colon, minutes, seconds }), length))
}
