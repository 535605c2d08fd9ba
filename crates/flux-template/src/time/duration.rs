//! `time.Duration`: nanoseconds.

/// `String`: `1h2m3.5s`.
pub(crate) fn text(nanos: i64) -> String {
    let magnitude = nanos.unsigned_abs();
    let sign = if nanos < 0 { "-" } else { "" };
    if magnitude == 0 {
        return "0s".to_owned();
    }
    if magnitude < 1_000_000_000 {
        let (unit, digits) = match magnitude {
            0..1_000 => return format!("{sign}{magnitude}ns"),
            1_000..1_000_000 => ("µs", 3),
            _ => ("ms", 6),
        };
        return format!("{sign}{}{unit}", decimal(magnitude, digits));
    }
    let seconds = magnitude / 1_000_000_000;
    let last = format!("{}s", decimal(magnitude % 60_000_000_000, 9));
    match (seconds / 3600, seconds / 60 % 60) {
        (0, 0) => format!("{sign}{last}"),
        (0, minutes) => format!("{sign}{minutes}m{last}"),
        (hours, minutes) => format!("{sign}{hours}h{minutes}m{last}"),
    }
}

fn decimal(value: u64, digits: u32) -> String {
    let unit = 10u64.pow(digits);
    let fraction = format!("{:0width$}", value % unit, width = digits as usize);
    let fraction = fraction.trim_end_matches('0');
    let whole = value / unit;
    if fraction.is_empty() { whole.to_string() } else { format!("{whole}.{fraction}") }
}

/// `ParseDuration`.
pub(crate) fn parse_duration(text: &[u8]) -> Result<i64, String> {
    let shown = || super::parse::quote(text);
    let invalid = || format!("time: invalid duration {}", shown());
    let (negative, mut rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if rest == b"0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let whole_digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let whole = whole(&rest[..whole_digits]).ok_or_else(invalid)?;
        rest = &rest[whole_digits..];
        let mut fraction: &[u8] = b"";
        if let Some(after) = rest.strip_prefix(b".") {
            let count = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
            (fraction, rest) = after.split_at(count);
        }
        if whole_digits == 0 && fraction.is_empty() {
            return Err(invalid());
        }
        let unit_length = rest.iter().take_while(|byte| !byte.is_ascii_digit() && **byte != b'.').count();
        let (name, after) = rest.split_at(unit_length);
        rest = after;
        if name.is_empty() {
            return Err(format!("time: missing unit in duration {}", shown()));
        }
        let Some(unit) = unit(name) else {
            let name = super::parse::quote(name);
            return Err(format!("time: unknown unit {name} in duration {}", shown()));
        };
        let part = whole.checked_mul(unit).filter(|part| *part <= 1 << 63).ok_or_else(invalid)?;
        total = total.checked_add(part).ok_or_else(invalid)?;
        total = total.checked_add(fraction_of(fraction, unit)).filter(|total| *total <= 1 << 63).ok_or_else(invalid)?;
    }
    match (negative, total) {
        (true, 0x8000_0000_0000_0000) => Ok(i64::MIN),
        (true, _) => i64::try_from(total).map(|total| -total).map_err(|_| invalid()),
        (false, _) => i64::try_from(total).map_err(|_| invalid()),
    }
}

fn whole(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0u64, |value, digit| {
        value.checked_mul(10)?.checked_add(u64::from(digit - b'0')).filter(|value| *value <= 1 << 63)
    })
}

fn fraction_of(digits: &[u8], unit: u64) -> u64 {
    let (mut value, mut scale) = (0u64, 1f64);
    for digit in digits {
        let next = value.checked_mul(10).and_then(|value| value.checked_add(u64::from(digit - b'0')));
        let Some(next) = next.filter(|next| *next <= i64::MAX as u64) else { break };
        value = next;
        scale *= 10.0;
    }
    (value as f64 * (unit as f64 / scale)) as u64
}

fn unit(name: &[u8]) -> Option<u64> {
    Some(match name {
        b"ns" => 1,
        b"us" | b"\xc2\xb5s" | b"\xce\xbcs" => 1_000,
        b"ms" => 1_000_000,
        b"s" => 1_000_000_000,
        b"m" => 60_000_000_000,
        b"h" => 3_600_000_000_000,
        _ => return None,
    })
}

/// `Truncate`.
pub(crate) fn truncate_duration(nanos: i64, unit: i64) -> i64 {
    if unit <= 0 { nanos } else { nanos - nanos % unit }
}

/// `Round`: half away from zero.
pub(crate) fn round_duration(nanos: i64, unit: i64) -> i64 {
    if unit <= 0 {
        return nanos;
    }
    let rest = i128::from(nanos % unit);
    let (nanos, unit) = (i128::from(nanos), i128::from(unit));
    let rounded = if rest.abs() * 2 < unit { nanos - rest } else { nanos - rest + unit * rest.signum() };
    rounded.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printing_and_reading() {
        for shown in ["1h0m0s", "1m35s", "1.5s", "-2h3m4.005s", "1.5µs", "2ms", "1ns", "0s"] {
            assert_eq!(text(parse_duration(shown.as_bytes()).unwrap()), shown);
        }
        assert_eq!(parse_duration(b"1.5h"), Ok(5_400_000_000_000));
        assert_eq!(parse_duration(b"x"), Err("time: invalid duration \"x\"".into()));
        assert_eq!(parse_duration(b"5"), Err("time: missing unit in duration \"5\"".into()));
        assert_eq!(parse_duration(b"5y"), Err("time: unknown unit \"y\" in duration \"5y\"".into()));
        assert_eq!(round_duration(1_500, 1_000), 2_000);
    }
}
