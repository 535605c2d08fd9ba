//! The four timestamp forms go-yaml knows, read as Go's `time.Parse` reads them.

use std::fmt::Write as _;

/// A date and time that is valid in the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timestamp {
    year: u32,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    nanosecond: u32,
    /// Minutes east of Greenwich.
    offset: i32,
}

/// Reads `2006-1-2`, `2006-1-2T15:4:5Z`, with `t`, or with spaces and no zone.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    if bytes.len() < 8 || bytes[4] != b'-' || !bytes[..4].iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut rest = &bytes[5..];
    let year = text[..4].parse().ok()?;
    let month = short(&mut rest)?;
    rest = rest.strip_prefix(b"-")?;
    let day = short(&mut rest)?;
    if !(1..=12).contains(&month) || day < 1 || day > days_in(month, year) {
        return None;
    }
    let mut time = Timestamp { year, month, day, hour: 0, minute: 0, second: 0, nanosecond: 0, offset: 0 };
    let zoned = match rest.first() {
        None => return Some(time),
        Some(b'T' | b't') => {
            rest = &rest[1..];
            true
        }
        Some(b' ') => {
            rest = rest.trim_ascii_start();
            false
        }
        Some(_) => return None,
    };
    time.hour = short(&mut rest).filter(|hour| *hour < 24)?;
    rest = rest.strip_prefix(b":")?;
    time.minute = short(&mut rest).filter(|minute| *minute < 60)?;
    rest = rest.strip_prefix(b":")?;
    time.second = short(&mut rest).filter(|second| *second < 60)?;
    time.nanosecond = fraction(&mut rest);
    if zoned {
        time.offset = zone(&mut rest)?;
    }
    rest.is_empty().then_some(time)
}

/// One or two digits.
fn short(rest: &mut &[u8]) -> Option<u32> {
    let (value, used) = match **rest {
        [a @ b'0'..=b'9', b @ b'0'..=b'9', ..] => (u32::from(a - b'0') * 10 + u32::from(b - b'0'), 2),
        [a @ b'0'..=b'9', ..] => (u32::from(a - b'0'), 1),
        _ => return None,
    };
    *rest = &rest[used..];
    Some(value)
}

/// A point or comma and digits, of which nine count.
fn fraction(rest: &mut &[u8]) -> u32 {
    let [b'.' | b',', digits @ ..] = *rest else { return 0 };
    let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if length == 0 {
        return 0;
    }
    *rest = &digits[length..];
    (0..9).fold(0, |value, at| value * 10 + digits[..length].get(at).map_or(0, |digit| u32::from(digit - b'0')))
}

fn zone(rest: &mut &[u8]) -> Option<i32> {
    let (sign, offset) = match **rest {
        [b'Z', ..] => {
            *rest = &rest[1..];
            return Some(0);
        }
        [b'+', ref offset @ ..] => (1, offset),
        [b'-', ref offset @ ..] => (-1, offset),
        _ => return None,
    };
    let [a, b, b':', c, d, tail @ ..] = offset else { return None };
    let two = |high: &u8, low: &u8| {
        (high.is_ascii_digit() && low.is_ascii_digit()).then(|| i32::from(high - b'0') * 10 + i32::from(low - b'0'))
    };
    let (hours, minutes) = (two(a, b)?, two(c, d)?);
    if hours > 24 || minutes > 60 {
        return None;
    }
    *rest = tail;
    Some(sign * (hours * 60 + minutes))
}

fn days_in(month: u32, year: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl Timestamp {
    /// RFC 3339 with as many fraction digits as needed: what Go's JSON encoder writes.
    pub(crate) fn rfc3339(&self) -> String {
        let Self { year, month, day, hour, minute, second, .. } = self;
        let mut out = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
        if self.nanosecond > 0 {
            let digits = format!("{:09}", self.nanosecond);
            out.push('.');
            out.push_str(digits.trim_end_matches('0'));
        }
        match self.offset {
            0 => out.push('Z'),
            offset => {
                let sign = if offset < 0 { '-' } else { '+' };
                _ = write!(out, "{sign}{:02}:{:02}", offset.abs() / 60, offset.abs() % 60);
            }
        }
        out
    }

    /// `%#v` of the time.
    pub(crate) fn go_syntax(&self) -> String {
        const MONTHS: [&str; 12] = [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ];
        let Self { year, month, day, hour, minute, second, nanosecond, offset } = self;
        let month = MONTHS.get(month.saturating_sub(1) as usize).unwrap_or(&"January");
        let zone = if *offset == 0 { "time.UTC" } else { "time.Location(\"\")" };
        format!("time.Date({year}, time.{month}, {day}, {hour}, {minute}, {second}, {nanosecond}, {zone})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_and_printing() {
        let print = |text: &str| parse(text).map(|time| time.rfc3339());
        let good = [
            ("2020-01-01", "2020-01-01T00:00:00Z"),
            ("2020-1-2", "2020-01-02T00:00:00Z"),
            ("2001-12-14T21:59:43.10-05:00", "2001-12-14T21:59:43.1-05:00"),
            ("2001-12-14t1:9:3Z", "2001-12-14T01:09:03Z"),
            ("2001-12-15   2:59:43,123456789123", "2001-12-15T02:59:43.123456789Z"),
            ("2000-02-29T00:00:00+00:00", "2000-02-29T00:00:00Z"),
        ];
        for (text, expect) in good {
            assert_eq!(print(text).as_deref(), Some(expect), "{text}");
        }
        for bad in
            ["2020-13-01", "2021-02-29", "2020-01-01T", "2020-01-01 10:00", "2020-01-01T1:1:1", "20200101", "2020-1-1x"]
        {
            assert_eq!(print(bad), None, "{bad}");
        }
    }
}
