//! `strconv`: numbers.

/// Why a text is no number: the words of `strconv`'s errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NumberError {
    Syntax,
    Range,
}

/// `strconv.ParseUint(text, base, 64)`; base 0 reads prefixes and underscores.
pub(crate) fn parse_uint(text: &[u8], base: u32) -> Result<u64, NumberError> {
    let (digits, radix, prefixed) = radix_of(text, base)?;
    let underscores = base == 0;
    if digits.is_empty() || (underscores && digits.contains(&b'_') && !underscores_fit(text)) {
        return Err(NumberError::Syntax);
    }
    _ = prefixed;
    let mut value: u64 = 0;
    let mut overflow = false;
    for &byte in digits {
        if byte == b'_' && underscores {
            continue;
        }
        let digit = char::from(byte).to_digit(36).filter(|digit| *digit < radix).ok_or(NumberError::Syntax)?;
        match value.checked_mul(u64::from(radix)).and_then(|value| value.checked_add(u64::from(digit))) {
            Some(next) => value = next,
            None => overflow = true,
        }
    }
    if overflow { Err(NumberError::Range) } else { Ok(value) }
}

fn radix_of(text: &[u8], base: u32) -> Result<(&[u8], u32, bool), NumberError> {
    if base != 0 {
        return Ok((text, base, false));
    }
    Ok(match text {
        [b'0', b'x' | b'X', rest @ ..] if !rest.is_empty() => (rest, 16, true),
        [b'0', b'b' | b'B', rest @ ..] if !rest.is_empty() => (rest, 2, true),
        [b'0', b'o' | b'O', rest @ ..] if !rest.is_empty() => (rest, 8, true),
        [b'0', rest @ ..] if !rest.is_empty() => (rest, 8, true),
        _ => (text, 10, false),
    })
}

/// Underscores stand between digits, or between a prefix and digits.
fn underscores_fit(text: &[u8]) -> bool {
    let mut before = b'^';
    let (text, hex) = match text {
        [b'0', letter, rest @ ..] if b"bBoOxX".contains(letter) => {
            before = b'0';
            (rest, b"xX".contains(letter))
        }
        _ => (text, false),
    };
    for &byte in text {
        let digit = byte.is_ascii_digit() || (hex && byte.is_ascii_hexdigit());
        match (before, byte) {
            (_, b'_') if before != b'0' => return false,
            (_, b'_') => before = b'_',
            (b'_', _) if !digit => return false,
            _ => before = if digit { b'0' } else { b'!' },
        }
    }
    before != b'_'
}

/// `strconv.ParseInt(text, base, 64)`.
pub(crate) fn parse_int(text: &[u8], base: u32) -> Result<i64, NumberError> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let value = parse_uint(digits, base)?;
    match (negative, value) {
        (true, 0x8000_0000_0000_0000) => Ok(i64::MIN),
        (true, _) => i64::try_from(value).map(|value| -value).map_err(|_| NumberError::Range),
        (false, _) => i64::try_from(value).map_err(|_| NumberError::Range),
    }
}

/// `strconv.ParseFloat(text, 64)`. Out of range is an error.
pub(crate) fn parse_float(text: &[u8]) -> Result<f64, NumberError> {
    let text = std::str::from_utf8(text).map_err(|_| NumberError::Syntax)?;
    let (sign, body) = match text.as_bytes() {
        [b'-', ..] => (-1.0, &text[1..]),
        [b'+', ..] => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    match body.to_ascii_lowercase().as_str() {
        "inf" | "infinity" => return Ok(sign * f64::INFINITY),
        "nan" => return Ok(f64::NAN),
        _ => {}
    }
    let hex = body.len() > 2 && (body.starts_with("0x") || body.starts_with("0X"));
    let plain: String = match body.contains('_') {
        true if underscores_fit(body.as_bytes()) => body.replace('_', ""),
        true => return Err(NumberError::Syntax),
        false => body.to_owned(),
    };
    if hex {
        return hex_float(&plain.as_bytes()[2..]).map(|value| sign * value);
    }
    let shaped = plain.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte))
        && plain.bytes().any(|byte| byte.is_ascii_digit())
        && plain.as_bytes().first().is_some_and(|byte| byte.is_ascii_digit() || *byte == b'.');
    if !shaped {
        return Err(NumberError::Syntax);
    }
    let value: f64 = plain.parse().map_err(|_| NumberError::Syntax)?;
    if value.is_infinite() { Err(NumberError::Range) } else { Ok(sign * value) }
}

/// Mantissa in hexadecimal, then `p` and a binary exponent.
fn hex_float(text: &[u8]) -> Result<f64, NumberError> {
    let at = text.iter().position(|byte| b"pP".contains(byte)).ok_or(NumberError::Syntax)?;
    let exponent = parse_int(&text[at + 1..], 10).map_err(|_| NumberError::Syntax)?;
    let (mut mantissa, mut shift, mut point, mut any, mut sticky) = (0u64, 0i64, false, false, false);
    for &byte in &text[..at] {
        if byte == b'.' && !point {
            point = true;
            continue;
        }
        let digit = char::from(byte).to_digit(16).ok_or(NumberError::Syntax)?;
        any = true;
        if mantissa >> 59 == 0 {
            mantissa = mantissa << 4 | u64::from(digit);
            shift -= if point { 4 } else { 0 };
        } else {
            sticky |= digit != 0;
            shift += if point { 0 } else { 4 };
        }
    }
    if !any {
        return Err(NumberError::Syntax);
    }
    let mantissa = mantissa | u64::from(sticky);
    let power = exponent.saturating_add(shift).clamp(-3000, 3000) as i32;
    let value = (mantissa as f64) * 2f64.powi(power / 2) * 2f64.powi(power - power / 2);
    if value.is_infinite() { Err(NumberError::Range) } else { Ok(value) }
}

/// `strconv.FormatFloat(value, format, precision, 64)`; a negative precision asks for the shortest digits.
pub(crate) fn format_float(value: f64, format: u8, precision: i32) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let magnitude = value.abs();
    let body = match format {
        b'b' => return format!("{sign}{}", binary(magnitude)),
        b'x' | b'X' => return format!("{sign}{}", hexadecimal(magnitude, precision, format == b'X')),
        b'f' => match precision {
            ..0 => fixed(&Digits::shortest(magnitude), None),
            _ => {
                let places = precision as usize;
                let mut text = format!("{magnitude:.*}", places.min(ALL_DIGITS));
                text.extend(std::iter::repeat_n('0', places.saturating_sub(ALL_DIGITS)));
                text
            }
        },
        b'e' | b'E' => match precision {
            ..0 => exponential(&Digits::shortest(magnitude), None, format),
            _ => exponential(&Digits::rounded(magnitude, precision as usize + 1), Some(precision as usize), format),
        },
        _ => general(magnitude, precision, format),
    };
    format!("{sign}{body}")
}

/// More digits than any float has; what is beyond is zeros, and too much for Rust's formatting.
const ALL_DIGITS: usize = 1100;

/// Significant decimal digits and where the point stands: `0.DIGITS * 10^point`.
struct Digits {
    digits: Vec<u8>,
    point: i32,
}

impl Digits {
    fn shortest(value: f64) -> Self {
        Self::of(&format!("{value:e}"))
    }

    fn rounded(value: f64, digits: usize) -> Self {
        Self::of(&format!("{value:.*e}", digits.clamp(1, ALL_DIGITS) - 1))
    }

    fn of(scientific: &str) -> Self {
        let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
        let digits: Vec<u8> = mantissa.bytes().filter(|byte| *byte != b'.').collect();
        let zero = digits.iter().all(|digit| *digit == b'0');
        let point = if zero { 0 } else { exponent.parse::<i32>().unwrap_or(0) + 1 };
        let end = digits.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1);
        Self { digits: digits[..end].to_vec(), point }
    }
}

fn general(value: f64, precision: i32, format: u8) -> String {
    let (digits, mut limit) = match precision {
        ..0 => (Digits::shortest(value), 6),
        0 => (Digits::rounded(value, 1), 1),
        _ => (Digits::rounded(value, precision as usize), precision),
    };
    let count = digits.digits.len() as i32;
    if precision >= 0 && limit > count && count >= digits.point {
        limit = count;
    }
    let precision = if precision > count { count } else { precision };
    let exponent = digits.point - 1;
    if exponent < -4 || exponent >= limit {
        let places = if precision < 0 { count } else { precision.min(count) };
        let places = (places - 1).max(0) as usize;
        return exponential(&digits, Some(places), if format == b'G' { b'E' } else { b'e' });
    }
    fixed(&digits, Some((count - digits.point).max(0) as usize))
}

fn fixed(digits: &Digits, places: Option<usize>) -> String {
    let places = places.unwrap_or_else(|| (digits.digits.len() as i32 - digits.point).max(0) as usize);
    let digit = |at: i32| -> char {
        usize::try_from(at).ok().and_then(|at| digits.digits.get(at)).map_or('0', |digit| char::from(*digit))
    };
    let mut out = String::new();
    match digits.point {
        ..=0 => out.push('0'),
        point => out.extend((0..point).map(digit)),
    }
    if places > 0 {
        out.push('.');
        out.extend((0..places as i32).map(|at| digit(digits.point + at)));
    }
    out
}

fn exponential(digits: &Digits, places: Option<usize>, letter: u8) -> String {
    let places = places.unwrap_or_else(|| digits.digits.len().saturating_sub(1));
    let digit = |at: usize| digits.digits.get(at).map_or('0', |digit| char::from(*digit));
    let mut out = String::new();
    out.push(digit(0));
    if places > 0 {
        out.push('.');
        out.extend((1..=places).map(digit));
    }
    let exponent = if digits.digits.is_empty() { 0 } else { digits.point - 1 };
    let sign = if exponent < 0 { '-' } else { '+' };
    out.push(char::from(letter));
    out.push(sign);
    out.push_str(&format!("{:02}", exponent.abs()));
    out
}

fn parts(value: f64) -> (u64, i32) {
    let bits = value.to_bits();
    let exponent = (bits >> 52 & 0x7FF) as i32;
    let mantissa = bits & ((1 << 52) - 1);
    if exponent == 0 { (mantissa, -1074) } else { (mantissa | 1 << 52, exponent - 1075) }
}

/// `mantissa p exponent`, as `%b` prints.
fn binary(value: f64) -> String {
    let (mantissa, exponent) = parts(value);
    format!("{mantissa}p{exponent:+}")
}

fn hexadecimal(value: f64, precision: i32, upper: bool) -> String {
    let (mut mantissa, mut exponent) = parts(value);
    exponent = if mantissa == 0 { 0 } else { exponent + 52 };
    // The leading one stands at bit 60.
    mantissa <<= 8;
    while mantissa != 0 && mantissa & 1 << 60 == 0 {
        mantissa <<= 1;
        exponent -= 1;
    }
    if (0..15).contains(&precision) {
        let shift = (precision * 4) as u32;
        let extra = mantissa << shift & ((1 << 60) - 1);
        mantissa >>= 60 - shift;
        if extra | (mantissa & 1) > 1 << 59 {
            mantissa += 1;
        }
        mantissa <<= 60 - shift;
        if mantissa & 1 << 61 != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let mut out = format!("0x{}", mantissa >> 60 & 1);
    mantissa <<= 4;
    let places = if precision < 0 { usize::MAX } else { precision as usize };
    if places > 0 && (mantissa != 0 || precision > 0) {
        out.push('.');
        for _ in 0..places {
            if precision < 0 && mantissa == 0 {
                break;
            }
            out.push(char::from_digit((mantissa >> 60) as u32, 16).unwrap_or('0'));
            mantissa <<= 4;
        }
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    out.push_str(&format!("p{sign}{:02}", exponent.abs()));
    if upper { out.to_uppercase() } else { out }
}

/// A float's conversion to int64 on amd64: what does not fit is the lowest number.
pub(crate) fn float_to_int(value: f64) -> i64 {
    if !(-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&value) {
        return i64::MIN;
    }
    value as i64
}

/// A float's conversion to uint64 on amd64.
pub(crate) fn float_to_uint(value: f64) -> u64 {
    if value < 9_223_372_036_854_775_808.0 {
        float_to_int(value) as u64
    } else {
        float_to_int(value - 9_223_372_036_854_775_808.0) as u64 ^ 1 << 63
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortest_general() {
        let check = |value: f64, expect: &str| assert_eq!(format_float(value, b'g', -1), expect);
        check(1e6, "1e+06");
        check(123456.0, "123456");
        check(1234567.0, "1.234567e+06");
        check(0.0001, "0.0001");
        check(0.00001, "1e-05");
        check(-0.0, "-0");
        check(1e21, "1e+21");
        check(3.14, "3.14");
    }

    #[test]
    fn other_formats() {
        assert_eq!(format_float(42.0, b'b', -1), "5910974510923776p-47");
        assert_eq!(format_float(3.14159, b'f', 2), "3.14");
        assert_eq!(format_float(1234.5678, b'e', 3), "1.235e+03");
        assert_eq!(format_float(1234.5678, b'g', 3), "1.23e+03");
        assert_eq!(format_float(100000.0, b'g', 6), "100000");
        assert_eq!(format_float(1.0, b'x', -1), "0x1p+00");
        assert_eq!(format_float(3.0, b'x', 3), "0x1.800p+01");
        assert_eq!(format_float(0.0, b'e', -1), "0e+00");
    }

    #[test]
    fn reading() {
        assert_eq!(parse_int(b"0x1F", 0), Ok(31));
        assert_eq!(parse_int(b"-0b11", 0), Ok(-3));
        assert_eq!(parse_int(b"1_000", 0), Ok(1000));
        assert_eq!(parse_int(b"017", 0), Ok(15));
        assert_eq!(parse_int(b"1__0", 0), Err(NumberError::Syntax));
        assert_eq!(parse_int(b"9223372036854775808", 10), Err(NumberError::Range));
        assert_eq!(parse_float(b"0x1.8p1"), Ok(3.0));
        assert_eq!(parse_float(b"1_0.5"), Ok(10.5));
        assert_eq!(parse_float(b"1_.5"), Err(NumberError::Syntax));
        assert_eq!(parse_float(b".5"), Ok(0.5));
        assert_eq!(parse_float(b"1e"), Err(NumberError::Syntax));
    }
}
