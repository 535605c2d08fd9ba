//! Durations in Go's syntax: `1h30m`, `60s`, `1.5s`, `500ms`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration as StdDuration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A span of time, at most `i64::MAX` nanoseconds (about 292 years), as Go's `time.Duration`, but never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(StdDuration);

/// Why a text is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Not of the form number and unit.
    #[error("time: invalid duration {0:?}")]
    Invalid(String),
    /// A number without its unit.
    #[error("time: missing unit in duration {0:?}")]
    MissingUnit(String),
    /// A unit that is none of `ns`, `us`, `ms`, `s`, `m`, `h`.
    #[error("time: unknown unit {unit:?} in duration {text:?}")]
    UnknownUnit {
        /// What stood where a unit should.
        unit: String,
        /// The whole text.
        text: String,
    },
    /// Negative durations have no meaning in any field.
    #[error("duration {0:?} is negative")]
    Negative(String),
}

const MAX_NANOS: u128 = i64::MAX as u128;
/// Longer texts are refused before they are read.
const MAX_TEXT: usize = 256;

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(StdDuration::ZERO);
    /// The longest one.
    pub const MAX: Self = Self(StdDuration::from_nanos(i64::MAX as u64));

    /// From whole seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(StdDuration::from_secs(seconds))
    }

    /// From whole milliseconds.
    pub const fn from_millis(milliseconds: u64) -> Self {
        Self(StdDuration::from_millis(milliseconds))
    }

    /// From whole minutes.
    pub const fn from_minutes(minutes: u64) -> Self {
        Self(StdDuration::from_secs(minutes * 60))
    }

    /// As the standard library's type.
    pub const fn std(self) -> StdDuration {
        self.0
    }

    /// True for no time at all.
    pub const fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl From<StdDuration> for Duration {
    fn from(value: StdDuration) -> Self {
        Self(value.min(Self::MAX.0))
    }
}

impl From<Duration> for StdDuration {
    fn from(value: Duration) -> Self {
        value.0
    }
}

impl FromStr for Duration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        let nanos = parse_nanos(text)?;
        u64::try_from(nanos)
            .ok()
            .filter(|nanos| u128::from(*nanos) <= MAX_NANOS)
            .map(|nanos| Self(StdDuration::from_nanos(nanos)))
            .ok_or_else(|| DurationError::Invalid(text.to_owned()))
    }
}

/// Sums the parts; saturates far above what a duration can hold.
fn parse_nanos(text: &str) -> Result<u128, DurationError> {
    let invalid = || DurationError::Invalid(text.chars().take(MAX_TEXT).collect());
    if text.len() > MAX_TEXT {
        return Err(invalid());
    }
    let (negative, unsigned) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    if unsigned == "0" {
        return Ok(0);
    }
    if unsigned.is_empty() {
        return Err(invalid());
    }
    let mut total = 0_u128;
    let mut rest = unsigned;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(number_end);
        let unit_end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return Err(invalid());
        }
        if unit.is_empty() {
            return Err(DurationError::MissingUnit(text.to_owned()));
        }
        let scale = unit_nanos(unit)
            .ok_or_else(|| DurationError::UnknownUnit { unit: unit.to_owned(), text: text.to_owned() })?;
        let part = part_nanos(whole, fraction, scale).ok_or_else(invalid)?;
        total = total.saturating_add(part);
        rest = next;
    }
    if negative && total > 0 { Err(DurationError::Negative(text.to_owned())) } else { Ok(total) }
}

fn unit_nanos(unit: &str) -> Option<u128> {
    Some(match unit {
        "ns" => 1,
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

fn part_nanos(whole: &str, fraction: &str, scale: u128) -> Option<u128> {
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse::<u64>().ok()?.into() };
    // Digits past the nineteenth are below a nanosecond for every unit.
    let digits = &fraction[..fraction.len().min(19)];
    let part = if digits.is_empty() {
        0
    } else {
        let value: u128 = digits.parse().ok()?;
        value * scale / 10_u128.pow(u32::try_from(digits.len()).ok()?)
    };
    Some(whole.saturating_mul(scale).saturating_add(part))
}

impl fmt::Display for Duration {
    /// As Go prints it: `1m0s`, `1h0m0s`, `1.5s`, `500ms`, `0s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        match nanos {
            0 => f.write_str("0s"),
            1..1_000 => write!(f, "{nanos}ns"),
            1_000..1_000_000 => write!(f, "{}\u{b5}s", decimal(nanos, 1_000)),
            1_000_000..1_000_000_000 => write!(f, "{}ms", decimal(nanos, 1_000_000)),
            _ => {
                let (hours, minutes) = (nanos / 3_600_000_000_000, nanos / 60_000_000_000 % 60);
                if hours > 0 {
                    write!(f, "{hours}h")?;
                }
                if hours > 0 || minutes > 0 {
                    write!(f, "{minutes}m")?;
                }
                write!(f, "{}s", decimal(nanos % 60_000_000_000, 1_000_000_000))
            }
        }
    }
}

fn decimal(value: u128, scale: u128) -> String {
    let (whole, fraction) = (value / scale, value % scale);
    if fraction == 0 {
        return whole.to_string();
    }
    let width = scale.ilog10() as usize;
    format!("{whole}.{}", format!("{fraction:0width$}").trim_end_matches('0'))
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    /// A value too long for the type is read as the longest one: the schema's pattern lets it
    /// through, and one object must not break a watch.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let nanos = parse_nanos(&text).map_err(serde::de::Error::custom)?.min(MAX_NANOS);
        Ok(Self(StdDuration::from_nanos(u64::try_from(nanos).expect("bounded above"))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, printed: &str) {
        assert_eq!(text.parse::<Duration>().map(|d| d.to_string()), Ok(printed.to_owned()), "{text}");
    }

    #[test]
    fn reads_and_prints_as_go() {
        for (text, printed) in [
            ("1m", "1m0s"),
            ("60s", "1m0s"),
            ("1h", "1h0m0s"),
            ("1.5h", "1h30m0s"),
            ("500ms", "500ms"),
            ("1.5s", "1.5s"),
            ("1h2m3.25s", "1h2m3.25s"),
            ("0", "0s"),
            ("0s", "0s"),
            ("1500us", "1.5ms"),
            ("10ns", "10ns"),
            (".5s", "500ms"),
            ("720h", "720h0m0s"),
        ] {
            check(text, printed);
        }
    }

    #[test]
    fn refuses_what_go_refuses() {
        let refused = ["", "5", "s", "1x", "1.2.3s", "-1s", "3000000h", "1 m", "."];
        for text in refused {
            assert!(text.parse::<Duration>().is_err(), "{text}");
        }
        assert_eq!("5".parse::<Duration>(), Err(DurationError::MissingUnit("5".into())));
    }

    #[test]
    fn a_stored_value_out_of_range_saturates() {
        let read: Duration = serde_json::from_str("\"99999999999h\"").expect("saturates");
        assert_eq!(read, Duration::MAX);
    }
}
