//! Flags, width and precision.

use super::Printer;
use crate::exec::Res;
use crate::go::{numbers, quoting, runes};

#[derive(Clone, Default)]
pub(super) struct Flags {
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
    pub(super) minus: bool,
    pub(super) plus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    /// `%+v`
    pub(super) plus_v: bool,
    /// `%#v`
    pub(super) sharp_v: bool,
}

const LOWER: &[u8; 16] = b"0123456789abcdef";
const UPPER: &[u8; 16] = b"0123456789ABCDEF";

impl Printer<'_, '_> {
    fn padding(&mut self, count: usize) -> Res<()> {
        self.run.charge(count)?;
        let byte = if self.flags.zero && !self.flags.minus { b'0' } else { b' ' };
        self.out.resize(self.out.len() + count, byte);
        Ok(())
    }

    pub(super) fn pad(&mut self, text: &[u8]) -> Res<()> {
        let missing = self.flags.width.map_or(0, |width| width.saturating_sub(runes::count(text)));
        if !self.flags.minus {
            self.padding(missing)?;
        }
        self.run.charge(text.len())?;
        self.out.extend_from_slice(text);
        if self.flags.minus {
            self.padding(missing)?;
        }
        Ok(())
    }

    fn pad_without_zeros(&mut self, text: &[u8]) -> Res<()> {
        let zero = std::mem::take(&mut self.flags.zero);
        let result = self.pad(text);
        self.flags.zero = zero;
        result
    }

    /// Cuts to as many characters as the precision says.
    fn cut<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        let Some(precision) = self.flags.precision else { return text };
        runes::chars(text).nth(precision).map_or(text, |(at, _)| &text[..at])
    }

    pub(super) fn string(&mut self, text: &[u8], verb: char) -> Res<bool> {
        match verb {
            'v' if self.flags.sharp_v => self.quoted(text)?,
            'v' | 's' => self.pad(self.cut(text))?,
            'x' => self.hexadecimal(text, LOWER)?,
            'X' => self.hexadecimal(text, UPPER)?,
            'q' => self.quoted(text)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(super) fn quoted(&mut self, text: &[u8]) -> Res<()> {
        let text = self.cut(text);
        if self.flags.sharp && quoting::can_backquote(text) {
            return self.pad(&[b"`", text, b"`"].concat());
        }
        self.run.charge(text.len())?;
        let quoted = quoting::quoted(text, b'"', self.flags.plus);
        self.pad(&quoted)
    }

    fn hexadecimal(&mut self, bytes: &[u8], digits: &[u8; 16]) -> Res<()> {
        let length = self.flags.precision.map_or(bytes.len(), |precision| precision.min(bytes.len()));
        self.run.charge(length.saturating_mul(2))?;
        let (space, sharp) = (self.flags.space, self.flags.sharp);
        let prefix = [b'0', if digits == UPPER { b'X' } else { b'x' }];
        let mut text = Vec::with_capacity(2 * length);
        if sharp && length > 0 {
            text.extend_from_slice(&prefix);
        }
        for (index, byte) in bytes[..length].iter().enumerate() {
            if space && index > 0 {
                text.push(b' ');
                if sharp {
                    text.extend_from_slice(&prefix);
                }
            }
            text.extend_from_slice(&[digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]]);
        }
        self.pad(&text)
    }

    /// An integer given as its bits.
    pub(super) fn integer(&mut self, bits: u64, signed: bool, verb: char) -> Res<bool> {
        match verb {
            'v' if self.flags.sharp_v && !signed => self.plain_hex(bits)?,
            'v' | 'd' => self.digits(bits, 10, signed, verb)?,
            'b' => self.digits(bits, 2, signed, verb)?,
            'o' | 'O' => self.digits(bits, 8, signed, verb)?,
            'x' | 'X' => self.digits(bits, 16, signed, verb)?,
            'c' => {
                let mut text = Vec::new();
                runes::push(&mut text, character(bits));
                self.pad(&text)?;
            }
            'q' => {
                let text = quoting::quote_rune(character(bits), self.flags.plus);
                self.pad(&text)?;
            }
            'U' => self.unicode(bits)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(super) fn plain_hex(&mut self, bits: u64) -> Res<()> {
        let sharp = std::mem::replace(&mut self.flags.sharp, true);
        let result = self.digits(bits, 16, false, 'v');
        self.flags.sharp = sharp;
        result
    }

    fn digits(&mut self, bits: u64, base: u64, signed: bool, verb: char) -> Res<()> {
        let negative = signed && (bits as i64) < 0;
        let mut rest = if negative { (bits as i64).unsigned_abs() } else { bits };
        let flags = &self.flags;
        let sign = match (negative, flags.plus, flags.space) {
            (true, ..) => Some(b'-'),
            (_, true, _) => Some(b'+'),
            (_, _, true) => Some(b' '),
            _ => None,
        };
        let mut least = 0;
        match flags.precision {
            Some(0) if rest == 0 => {
                let zero = std::mem::take(&mut self.flags.zero);
                let result = self.padding(self.flags.width.unwrap_or(0));
                self.flags.zero = zero;
                return result;
            }
            Some(precision) => least = precision,
            None if flags.zero && !flags.minus => {
                least = flags.width.unwrap_or(0).saturating_sub(usize::from(sign.is_some()));
            }
            None => {}
        }
        self.run.charge(least)?;
        let table = if verb == 'X' { UPPER } else { LOWER };
        // Written from the last digit.
        let mut text = Vec::new();
        loop {
            text.push(table[(rest % base) as usize]);
            rest /= base;
            if rest == 0 {
                break;
            }
        }
        if text.len() < least {
            text.resize(least, b'0');
        }
        if self.flags.sharp {
            match base {
                2 => text.extend_from_slice(b"b0"),
                8 if text.last() != Some(&b'0') => text.push(b'0'),
                16 => text.extend_from_slice(if verb == 'X' { b"X0" } else { b"x0" }),
                _ => {}
            }
        }
        if verb == 'O' {
            text.extend_from_slice(b"o0");
        }
        text.extend(sign);
        text.reverse();
        self.pad_without_zeros(&text)
    }

    fn unicode(&mut self, bits: u64) -> Res<()> {
        let digits = self.flags.precision.unwrap_or(4).max(4);
        self.run.charge(digits)?;
        let plain = format!("{bits:X}");
        let mut text = b"U+".to_vec();
        text.extend(std::iter::repeat_n(b'0', digits.saturating_sub(plain.len())));
        text.extend_from_slice(plain.as_bytes());
        if self.flags.sharp
            && let Some(character) = u32::try_from(bits).ok().and_then(char::from_u32)
            && runes::is_print(character)
        {
            text.extend_from_slice(format!(" '{character}'").as_bytes());
        }
        self.pad_without_zeros(&text)
    }

    pub(super) fn float(&mut self, value: f64, verb: char) -> Res<bool> {
        let (format, precision) = match verb {
            'v' => (b'g', -1),
            'b' => (b'b', -1),
            'g' => (b'g', -1),
            'G' => (b'G', -1),
            'x' => (b'x', -1),
            'X' => (b'X', -1),
            'f' | 'F' => (b'f', 6),
            'e' => (b'e', 6),
            'E' => (b'E', 6),
            _ => return Ok(false),
        };
        let precision = self.flags.precision.map_or(precision, |precision| precision as i32);
        self.run.charge(usize::try_from(precision).unwrap_or(0))?;
        let mut text = numbers::format_float(value, format, precision).into_bytes();
        if !matches!(text[0], b'+' | b'-') {
            text.insert(0, b'+');
        }
        if self.flags.space && text[0] == b'+' && !self.flags.plus {
            text[0] = b' ';
        }
        if matches!(text[1], b'I' | b'N') {
            let plain = text[1] == b'N' && !self.flags.space && !self.flags.plus;
            let keep = self.flags.plus || text[0] != b'+';
            _ = keep;
            let text = if plain { &text[1..] } else { &text[..] };
            self.pad_without_zeros(text)?;
            return Ok(true);
        }
        if self.flags.sharp && verb != 'b' {
            text = sharpened(text, verb, precision);
        }
        let flags = &self.flags;
        if !flags.plus && text[0] == b'+' {
            self.pad(&text[1..])?;
            return Ok(true);
        }
        let missing = flags.width.map_or(0, |width| width.saturating_sub(text.len()));
        if flags.zero && !flags.minus && missing > 0 {
            self.out.push(text[0]);
            self.padding(missing)?;
            self.out.extend_from_slice(&text[1..]);
        } else {
            self.pad(&text)?;
        }
        Ok(true)
    }

    pub(super) fn complex(&mut self, (re, im): (f64, f64), verb: char) -> Res<bool> {
        if !"vbgGxXfFeE".contains(verb) {
            return Ok(false);
        }
        let plus = self.flags.plus;
        self.out.push(b'(');
        self.float(re, verb)?;
        self.flags.plus = true;
        self.float(im, verb)?;
        self.out.extend_from_slice(b"i)");
        self.flags.plus = plus;
        Ok(true)
    }
}

fn character(bits: u64) -> char {
    u32::try_from(bits).ok().and_then(char::from_u32).unwrap_or(runes::REPLACEMENT)
}

/// `%#g` and its kin keep the point and trailing zeros. The text begins with its sign.
fn sharpened(text: Vec<u8>, verb: char, precision: i32) -> Vec<u8> {
    let mut digits = match verb {
        'v' | 'g' | 'G' | 'x' if precision == -1 => 6,
        'v' | 'g' | 'G' | 'x' => precision,
        _ => 0,
    };
    let hex = matches!(verb, 'x' | 'X');
    let split = text.iter().position(|byte| matches!(byte, b'p' | b'P') || (!hex && matches!(byte, b'e' | b'E')));
    let (number, tail) = text.split_at(split.unwrap_or(text.len()));
    let mut number = number.to_vec();
    let (mut point, mut nonzero) = (false, false);
    for byte in &number[1..] {
        if *byte == b'.' {
            point = true;
            continue;
        }
        nonzero |= *byte != b'0';
        digits -= i32::from(nonzero);
    }
    if !point {
        if number.len() == 2 && number[1] == b'0' {
            digits -= 1;
        }
        number.push(b'.');
    }
    number.resize(number.len() + usize::try_from(digits).unwrap_or(0), b'0');
    number.extend_from_slice(tail);
    number
}
