//! `Printf`'s formats.

use super::Printer;
use super::pad::Flags;
use crate::exec::{Res, kinds};
use crate::go::runes;
use crate::value::Value;

/// Go's bound on widths and precisions.
const TOO_LARGE: i64 = 1_000_000;

/// Where in the arguments formatting is.
struct Place {
    number: usize,
    /// `%[n]` was used somewhere.
    reordered: bool,
    /// The last `%[n]` was good.
    good: bool,
}

impl Printer<'_, '_> {
    pub(super) fn format(&mut self, format: &[u8], values: &[&Value]) -> Res<()> {
        let mut place = Place { number: 0, reordered: false, good: true };
        let mut at = 0;
        while at < format.len() {
            let text = format[at..].iter().position(|byte| *byte == b'%').unwrap_or(format.len() - at);
            self.run.charge(text)?;
            self.out.extend_from_slice(&format[at..at + text]);
            at += text;
            if at >= format.len() {
                break;
            }
            self.run.step()?;
            at = self.directive(format, at + 1, values, &mut place)?;
        }
        if !place.reordered && place.number < values.len() {
            self.extra(&values[place.number..])?;
        }
        Ok(())
    }

    fn extra(&mut self, values: &[&Value]) -> Res<()> {
        self.flags = Flags::default();
        self.text("%!(EXTRA ");
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                self.text(", ");
            }
            if value.is_nil() {
                self.text("<nil>");
            } else {
                self.text(&kinds::type_name(value));
                self.text("=");
                self.argument(value, 'v')?;
            }
        }
        self.text(")");
        Ok(())
    }

    /// What follows a percent sign; answers where it ends.
    fn directive(&mut self, format: &[u8], mut at: usize, values: &[&Value], place: &mut Place) -> Res<usize> {
        place.good = true;
        self.flags = Flags::default();
        while let Some(byte) = format.get(at) {
            match byte {
                b'#' => self.flags.sharp = true,
                b'0' => self.flags.zero = true,
                b'+' => self.flags.plus = true,
                b'-' => self.flags.minus = true,
                b' ' => self.flags.space = true,
                _ => break,
            }
            at += 1;
        }
        let mut after_index = argument_number(format, &mut at, values.len(), place);
        if format.get(at) == Some(&b'*') {
            at += 1;
            match int_argument(values, place) {
                Some(width) => {
                    self.flags.width = Some(width.unsigned_abs() as usize);
                    if width < 0 {
                        self.flags.minus = true;
                        self.flags.zero = false;
                    }
                }
                None => self.text("%!(BADWIDTH)"),
            }
            after_index = false;
        } else {
            self.flags.width = parse_number(format, &mut at, format.len());
            if after_index && self.flags.width.is_some() {
                place.good = false;
            }
        }
        if at + 1 < format.len() && format[at] == b'.' {
            at += 1;
            if after_index {
                place.good = false;
            }
            after_index = argument_number(format, &mut at, values.len(), place);
            if format.get(at) == Some(&b'*') {
                at += 1;
                self.flags.precision = int_argument(values, place).and_then(|number| usize::try_from(number).ok());
                if self.flags.precision.is_none() {
                    self.text("%!(BADPREC)");
                }
                after_index = false;
            } else {
                self.flags.precision = Some(parse_number(format, &mut at, format.len()).unwrap_or(0));
            }
        }
        if !after_index {
            argument_number(format, &mut at, values.len(), place);
        }
        let Some((verb, length)) = format.get(at..).and_then(runes::decode) else {
            self.text("%!(NOVERB)");
            return Ok(format.len());
        };
        at += length;
        match verb {
            '%' => self.text("%"),
            _ if !place.good => self.text(&format!("%!{verb}(BADINDEX)")),
            _ if place.number >= values.len() => self.text(&format!("%!{verb}(MISSING)")),
            _ => {
                if matches!(verb, 'v' | 'w') {
                    self.flags.sharp_v = std::mem::take(&mut self.flags.sharp);
                    self.flags.plus_v = std::mem::take(&mut self.flags.plus);
                }
                self.argument(values[place.number], verb)?;
                place.number += 1;
            }
        }
        Ok(at)
    }
}

/// Digits up to `end`; a number that is too large ends the format.
fn parse_number(format: &[u8], at: &mut usize, end: usize) -> Option<usize> {
    let mut number: Option<i64> = None;
    while *at < end && format[*at].is_ascii_digit() {
        if number.is_some_and(|number| number > TOO_LARGE) {
            *at = end;
            return None;
        }
        number = Some(number.unwrap_or(0) * 10 + i64::from(format[*at] - b'0'));
        *at += 1;
    }
    number.and_then(|number| usize::try_from(number).ok())
}

/// `[n]`; answers whether there was one.
fn argument_number(format: &[u8], at: &mut usize, count: usize, place: &mut Place) -> bool {
    if format.get(*at) != Some(&b'[') {
        return false;
    }
    place.reordered = true;
    let Some(close) = format[*at..].iter().position(|byte| *byte == b']').filter(|_| format.len() - *at >= 3) else {
        place.good = false;
        *at += 1;
        return false;
    };
    let mut inner = *at + 1;
    let end = *at + close;
    let index = parse_number(format, &mut inner, end).filter(|_| inner == end);
    *at = end + 1;
    match index {
        Some(index) if index >= 1 && index <= count => {
            place.number = index - 1;
            true
        }
        Some(_) => {
            place.good = false;
            true
        }
        None => {
            place.good = false;
            false
        }
    }
}

/// The argument of `*`.
fn int_argument(values: &[&Value], place: &mut Place) -> Option<i64> {
    let value = values.get(place.number)?;
    place.number += 1;
    let number = match value {
        Value::Int(number, _) => *number,
        Value::Uint(number, _) => i64::try_from(*number).ok()?,
        _ => return None,
    };
    (-TOO_LARGE..=TOO_LARGE).contains(&number).then_some(number)
}
