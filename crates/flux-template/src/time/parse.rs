//! Reading by a layout.

use super::layout::{Offset, Piece, next};
use super::{Civil, DAY, DAYS, MONTHS, SECOND, Time, Zone, days_from_civil, days_in, is_leap};

/// What was read so far.
#[derive(Default)]
struct Found {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    yearday: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanosecond: i64,
    am: bool,
    pm: bool,
    utc: bool,
    offset: Option<i64>,
    zone: String,
}

enum Bad {
    /// The piece is not there.
    Value,
    /// This field is out of its range.
    Range(&'static str),
}

impl Time {
    /// `ParseInLocation` with the local zone.
    pub(crate) fn parse(layout: &[u8], value: &[u8]) -> Result<Self, String> {
        let mut found = Found::default();
        let mut rest = value;
        let mut ahead = layout;
        loop {
            let (text, piece, after) = next(ahead);
            if !skip(&mut rest, text) {
                return Err(cannot_parse(value, layout, rest, text));
            }
            let Some(piece) = piece else { break };
            let shown = &ahead[text.len()..ahead.len() - after.len()];
            ahead = after;
            let hold = rest;
            match read(piece, &mut rest, ahead, &mut found) {
                Ok(()) => {}
                Err(Bad::Value) => return Err(cannot_parse(value, layout, hold, shown)),
                Err(Bad::Range(what)) => return Err(format!("parsing time {}: {what} out of range", quote(value))),
            }
        }
        if !rest.is_empty() {
            return Err(format!("parsing time {}: extra text: {}", quote(value), quote(rest)));
        }
        found.finish().map_err(|message| format!("parsing time {}: {message}", quote(value)))
    }
}

fn cannot_parse(value: &[u8], layout: &[u8], at: &[u8], piece: &[u8]) -> String {
    let (value, layout, at, piece) = (quote(value), quote(layout), quote(at), quote(piece));
    format!("parsing time {value} as {layout}: cannot parse {at} as {piece}")
}

/// The quoting of `time`'s errors: every byte outside ASCII in hexadecimal.
pub(super) fn quote(text: &[u8]) -> String {
    let mut out = String::from("\"");
    for &byte in text {
        match byte {
            b'"' | b'\\' => {
                out.push('\\');
                out.push(char::from(byte));
            }
            b' '..=b'\x7F' => out.push(char::from(byte)),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push('"');
    out
}

/// Skips literal text; a space in it stands for any number of them.
fn skip(value: &mut &[u8], text: &[u8]) -> bool {
    let spaces = |text: &[u8]| text.iter().take_while(|byte| **byte == b' ').count();
    let mut text = text;
    while let Some(&first) = text.first() {
        if first == b' ' {
            if value.first().is_some_and(|byte| *byte != b' ') {
                return false;
            }
            text = &text[spaces(text)..];
            *value = &value[spaces(value)..];
            continue;
        }
        if value.first() != Some(&first) {
            return false;
        }
        text = &text[1..];
        *value = &value[1..];
    }
    true
}

fn take<'v>(value: &mut &'v [u8], count: usize) -> Result<&'v [u8], Bad> {
    if value.len() < count {
        return Err(Bad::Value);
    }
    let (taken, rest) = value.split_at(count);
    *value = rest;
    Ok(taken)
}

fn digits(text: &[u8]) -> Result<i64, Bad> {
    let text = std::str::from_utf8(text).map_err(|_| Bad::Value)?;
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().map_err(|_| Bad::Value) } else { Err(Bad::Value) }
}

fn is_digit(value: &[u8], at: usize) -> bool {
    value.get(at).is_some_and(u8::is_ascii_digit)
}

/// One digit or two; exactly two when fixed.
fn short_number(value: &mut &[u8], fixed: bool) -> Result<i64, Bad> {
    let count = usize::from(is_digit(value, 0)) + usize::from(is_digit(value, 0) && is_digit(value, 1));
    if count == 0 || (fixed && count < 2) {
        return Err(Bad::Value);
    }
    digits(take(value, count)?)
}

fn name(value: &mut &[u8], names: &[&str], length: Option<usize>) -> Result<i64, Bad> {
    for (index, name) in names.iter().enumerate() {
        let name = &name[..length.unwrap_or(name.len())];
        if value.len() >= name.len() && value[..name.len()].eq_ignore_ascii_case(name.as_bytes()) {
            *value = &value[name.len()..];
            return Ok(index as i64 + 1);
        }
    }
    Err(Bad::Value)
}

fn within(number: i64, below: i64, what: &'static str) -> Result<i64, Bad> {
    if (0..below).contains(&number) { Ok(number) } else { Err(Bad::Range(what)) }
}

fn read(piece: Piece, value: &mut &[u8], ahead: &[u8], found: &mut Found) -> Result<(), Bad> {
    match piece {
        Piece::Year => {
            let year = digits(take(value, 2)?)?;
            found.year = if year >= 69 { 1900 + year } else { 2000 + year };
        }
        Piece::LongYear if is_digit(value, 0) => found.year = digits(take(value, 4)?)?,
        Piece::LongYear => return Err(Bad::Value),
        Piece::Month => found.month = Some(name(value, &MONTHS, Some(3))?),
        Piece::LongMonth => found.month = Some(name(value, &MONTHS, None)?),
        Piece::NumMonth | Piece::ZeroMonth => {
            let month = short_number(value, piece == Piece::ZeroMonth)?;
            if !(1..=12).contains(&month) {
                return Err(Bad::Range("month"));
            }
            found.month = Some(month);
        }
        Piece::Weekday => drop(name(value, &DAYS, Some(3))?),
        Piece::LongWeekday => drop(name(value, &DAYS, None)?),
        Piece::Day | Piece::UnderDay | Piece::ZeroDay => {
            if piece == Piece::UnderDay {
                *value = value.strip_prefix(b" ").unwrap_or(value);
            }
            found.day = Some(short_number(value, piece == Piece::ZeroDay)?);
        }
        Piece::UnderYearday | Piece::ZeroYearday => {
            for _ in 0..2 {
                if piece == Piece::UnderYearday {
                    *value = value.strip_prefix(b" ").unwrap_or(value);
                }
            }
            let count = (0..3).take_while(|at| is_digit(value, *at)).count();
            if count == 0 || (piece == Piece::ZeroYearday && count != 3) {
                return Err(Bad::Value);
            }
            found.yearday = Some(digits(take(value, count)?)?);
        }
        Piece::Hour => found.hour = within(short_number(value, false)?, 24, "hour")?,
        Piece::Hour12 | Piece::ZeroHour12 => {
            found.hour = within(short_number(value, piece == Piece::ZeroHour12)?, 13, "hour")?;
        }
        Piece::Minute | Piece::ZeroMinute => {
            found.minute = within(short_number(value, piece == Piece::ZeroMinute)?, 60, "minute")?;
        }
        Piece::Second | Piece::ZeroSecond => {
            found.second = within(short_number(value, piece == Piece::ZeroSecond)?, 60, "second")?;
            // A fraction that the layout does not mention is taken all the same.
            let mentioned = matches!(next(ahead).1, Some(Piece::Fraction(..) | Piece::OptionalFraction(..)));
            if matches!(value.first(), Some(b'.' | b',')) && is_digit(value, 1) && !mentioned {
                found.nanosecond = fraction(value)?;
            }
        }
        Piece::UpperPm | Piece::LowerPm => match (take(value, 2)?, piece) {
            (b"PM", Piece::UpperPm) | (b"pm", Piece::LowerPm) => found.pm = true,
            (b"AM", Piece::UpperPm) | (b"am", Piece::LowerPm) => found.am = true,
            _ => return Err(Bad::Value),
        },
        Piece::Offset(shape) => read_offset(shape, value, found)?,
        Piece::Name => read_zone(value, found)?,
        Piece::Fraction(count, _) => {
            let text = take(value, count + 1)?;
            if !matches!(text.first(), Some(b'.' | b',')) || !text[1..].iter().all(u8::is_ascii_digit) {
                return Err(Bad::Value);
            }
            let mut text = text;
            found.nanosecond = fraction(&mut text)?;
        }
        Piece::OptionalFraction(..) => {
            if matches!(value.first(), Some(b'.' | b',')) && is_digit(value, 1) {
                found.nanosecond = fraction(value)?;
            }
        }
    }
    Ok(())
}

/// A separator and digits, of which nine count.
fn fraction(value: &mut &[u8]) -> Result<i64, Bad> {
    let count = value[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let text = take(value, count + 1)?;
    let digits = text[1..].iter().chain(std::iter::repeat(&b'0')).take(9);
    Ok(digits.fold(0, |value, digit| value * 10 + i64::from(digit - b'0')))
}

fn read_offset(shape: Offset, value: &mut &[u8], found: &mut Found) -> Result<(), Bad> {
    if shape.z && value.first() == Some(&b'Z') {
        *value = &value[1..];
        found.utc = true;
        return Ok(());
    }
    let length = match (shape.minutes, shape.seconds, shape.colon) {
        (false, ..) => 3,
        (_, false, colon) => 5 + usize::from(colon),
        (_, true, colon) => 7 + 2 * usize::from(colon),
    };
    let text = take(value, length)?;
    let step = 2 + usize::from(shape.colon);
    let part = |index: usize, wanted: bool| -> Result<i64, Bad> {
        if !wanted {
            return Ok(0);
        }
        let at = 1 + index * step;
        if shape.colon && index > 0 && text[at - 1] != b':' {
            return Err(Bad::Value);
        }
        digits(&text[at..at + 2])
    };
    let (hours, minutes, seconds) = (part(0, true)?, part(1, shape.minutes)?, part(2, shape.seconds)?);
    if hours > 24 {
        return Err(Bad::Range("time zone offset hour"));
    }
    if minutes > 60 {
        return Err(Bad::Range("time zone offset minute"));
    }
    if seconds > 60 {
        return Err(Bad::Range("time zone offset second"));
    }
    let offset = (hours * 60 + minutes) * 60 + seconds;
    found.offset = match text[0] {
        b'+' => Some(offset),
        b'-' => Some(-offset),
        _ => return Err(Bad::Value),
    };
    Ok(())
}

fn read_zone(value: &mut &[u8], found: &mut Found) -> Result<(), Bad> {
    if let Some(rest) = value.strip_prefix(b"UTC") {
        *value = rest;
        found.utc = true;
        return Ok(());
    }
    let length = zone_length(value).ok_or(Bad::Value)?;
    found.zone = String::from_utf8_lossy(take(value, length)?).into_owned();
    Ok(())
}

fn zone_length(value: &[u8]) -> Option<usize> {
    if value.len() < 3 {
        return None;
    }
    if value.starts_with(b"ChST") || value.starts_with(b"MeST") {
        return Some(4);
    }
    if let Some(rest) = value.strip_prefix(b"GMT") {
        return Some(3 + signed_offset(rest).unwrap_or(0));
    }
    if matches!(value[0], b'+' | b'-') {
        return signed_offset(value);
    }
    match value.iter().take(6).take_while(|byte| byte.is_ascii_uppercase()).count() {
        5 if value[4] == b'T' => Some(5),
        4 if value[3] == b'T' || value.starts_with(b"WITA") => Some(4),
        3 => Some(3),
        _ => None,
    }
}

/// The length of `+3` or `-11`, up to 23.
fn signed_offset(value: &[u8]) -> Option<usize> {
    if !matches!(value.first(), Some(b'+' | b'-')) {
        return None;
    }
    let count = value[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = digits(&value[1..=count]).ok().filter(|number| count > 0 && *number <= 23);
    number.map(|_| count + 1)
}

impl Found {
    fn finish(mut self) -> Result<Time, &'static str> {
        if self.pm && self.hour < 12 {
            self.hour += 12;
        } else if self.am && self.hour == 12 {
            self.hour = 0;
        }
        let (month, day) = match self.yearday {
            Some(yearday) => self.by_yearday(yearday)?,
            None => (self.month.unwrap_or(1), self.day.unwrap_or(1)),
        };
        if day < 1 || day > days_in(month, self.year) {
            return Err("day out of range");
        }
        let clock = self.hour * 3600 + self.minute * 60 + self.second;
        let seconds = days_from_civil(self.year, month, day) * DAY + clock;
        let nanos = |offset: i64| i128::from(seconds - offset) * SECOND + i128::from(self.nanosecond);
        if self.utc {
            return Ok(Time { nanos: nanos(0), zone: Zone::Utc });
        }
        if let Some(offset) = self.offset {
            let local = offset == 0 && (self.zone.is_empty() || self.zone == "UTC");
            let zone = if local { Zone::Local } else { Zone::Fixed { name: self.zone, offset } };
            return Ok(Time { nanos: nanos(offset), zone });
        }
        if !self.zone.is_empty() {
            let hours = self.zone.strip_prefix("GMT").and_then(|hours| hours.parse::<i64>().ok());
            let offset = hours.unwrap_or(0) * 3600;
            return Ok(Time { nanos: nanos(0), zone: Zone::Fixed { name: self.zone, offset } });
        }
        Ok(Time { nanos: nanos(0), zone: Zone::Local })
    }

    fn by_yearday(&self, yearday: i64) -> Result<(i64, i64), &'static str> {
        if yearday < 1 || yearday > 365 + i64::from(is_leap(self.year)) {
            return Err("day-of-year out of range");
        }
        let days = days_from_civil(self.year, 1, 1) + yearday - 1;
        let Civil { month, day, .. } = Time::from_unix(days * DAY).civil();
        if self.month.is_some_and(|known| known != month) {
            return Err("day-of-year does not match month");
        }
        if self.day.is_some_and(|known| known != day) {
            return Err("day-of-year does not match day");
        }
        Ok((month, day))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(layout: &str, value: &str, expect: &str) {
        let text = match Time::parse(layout.as_bytes(), value.as_bytes()) {
            Ok(time) => time.text(),
            Err(error) => error,
        };
        assert_eq!(text, expect);
    }

    #[test]
    fn good_and_bad() {
        check("2006-01-02", "2024-02-29", "2024-02-29 00:00:00 +0000 UTC");
        check("2006-01-02T15:04:05Z07:00", "2024-02-29T13:14:15.5+02:00", "2024-02-29 13:14:15.5 +0200 +0200");
        check("Jan _2 06 3:04PM", "feb  3 70 1:05PM", "1970-02-03 13:05:00 +0000 UTC");
        check("2006 002", "2024 060", "2024-02-29 00:00:00 +0000 UTC");
        check("2006-01-02 MST", "2024-01-02 CEST", "2024-01-02 00:00:00 +0000 CEST");
        check("2006-01-02", "bad", "parsing time \"bad\" as \"2006-01-02\": cannot parse \"bad\" as \"2006\"");
        check("2006-01-02", "2023-02-29", "parsing time \"2023-02-29\": day out of range");
        check("2006-01-02", "2023-13-29", "parsing time \"2023-13-29\": month out of range");
        check("2006", "2023x", "parsing time \"2023x\": extra text: \"x\"");
    }
}
