//! Printing by a layout.

use super::layout::{Offset, Piece, next};
use super::{Civil, DAYS, MONTHS, Time};

impl Time {
    /// `Format`.
    pub(crate) fn format(&self, layout: &[u8]) -> Vec<u8> {
        let at = self.civil();
        let mut out = Vec::new();
        let mut layout = layout;
        loop {
            let (text, piece, rest) = next(layout);
            out.extend_from_slice(text);
            let Some(piece) = piece else { return out };
            write(&mut out, &at, piece);
            layout = rest;
        }
    }
}

fn write(out: &mut Vec<u8>, at: &Civil, piece: Piece) {
    let month = MONTHS[(at.month - 1).clamp(0, 11) as usize];
    let day = DAYS[at.weekday.clamp(0, 6) as usize];
    let hour12 = if at.hour % 12 == 0 { 12 } else { at.hour % 12 };
    let text = match piece {
        Piece::LongMonth => month.to_owned(),
        Piece::Month => month[..3].to_owned(),
        Piece::NumMonth => at.month.to_string(),
        Piece::ZeroMonth => format!("{:02}", at.month),
        Piece::LongWeekday => day.to_owned(),
        Piece::Weekday => day[..3].to_owned(),
        Piece::Day => at.day.to_string(),
        Piece::UnderDay => format!("{:2}", at.day),
        Piece::ZeroDay => format!("{:02}", at.day),
        Piece::UnderYearday => format!("{:3}", at.yearday),
        Piece::ZeroYearday => format!("{:03}", at.yearday),
        Piece::Hour => format!("{:02}", at.hour),
        Piece::Hour12 => hour12.to_string(),
        Piece::ZeroHour12 => format!("{hour12:02}"),
        Piece::Minute => at.minute.to_string(),
        Piece::ZeroMinute => format!("{:02}", at.minute),
        Piece::Second => at.second.to_string(),
        Piece::ZeroSecond => format!("{:02}", at.second),
        Piece::LongYear if at.year < 0 => format!("-{:04}", -at.year),
        Piece::LongYear => format!("{:04}", at.year),
        Piece::Year => format!("{:02}", at.year.abs() % 100),
        Piece::UpperPm => if at.hour >= 12 { "PM" } else { "AM" }.to_owned(),
        Piece::LowerPm => if at.hour >= 12 { "pm" } else { "am" }.to_owned(),
        Piece::Name if at.zone.is_empty() => {
            offset(at.offset, Offset { z: false, colon: false, minutes: true, seconds: false })
        }
        Piece::Name => at.zone.clone(),
        Piece::Offset(shape) => offset(at.offset, shape),
        Piece::Fraction(digits, separator) => fraction(at.nanosecond, digits, separator, false),
        Piece::OptionalFraction(digits, separator) => fraction(at.nanosecond, digits, separator, true),
    };
    out.extend_from_slice(text.as_bytes());
}

fn offset(seconds: i64, shape: Offset) -> String {
    if shape.z && seconds == 0 {
        return "Z".to_owned();
    }
    let minutes = (seconds / 60).abs();
    let sign = if seconds / 60 < 0 { '-' } else { '+' };
    let colon = if shape.colon { ":" } else { "" };
    let mut text = format!("{sign}{:02}", minutes / 60);
    if shape.minutes {
        text.push_str(&format!("{colon}{:02}", minutes % 60));
    }
    if shape.seconds {
        text.push_str(&format!("{colon}{:02}", seconds.abs() % 60));
    }
    text
}

fn fraction(nanosecond: i64, digits: usize, separator: u8, trim: bool) -> String {
    let all = format!("{nanosecond:09}");
    let mut digits = all[..digits.min(9)].to_owned() + &"0".repeat(digits.min(100).saturating_sub(9));
    if trim {
        digits.truncate(digits.trim_end_matches('0').len());
        if digits.is_empty() {
            return String::new();
        }
    }
    format!("{}{digits}", char::from(separator))
}
