//! Points in time as Go's JSON writes them: RFC 3339 with nanoseconds and the zone they were given in.

use std::fmt;

/// A point in time with its zone offset. The zero value is Go's: the first second of year 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time {
    /// Since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    pub nanoseconds: u32,
    /// East of UTC, in seconds.
    pub offset: i32,
}

/// Seconds from the first second of year 1 to 1970.
const YEAR_ONE: i64 = -62_135_596_800;

impl Default for Time {
    fn default() -> Self {
        Self::from_unix(YEAR_ONE)
    }
}

/// Why a text is no RFC 3339 time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an RFC 3339 time")]
pub struct TimeError {
    pub text: String,
}

impl Time {
    /// A time in UTC.
    pub fn from_unix(seconds: i64) -> Self {
        Self { seconds, nanoseconds: 0, offset: 0 }
    }

    /// Go's `IsZero`: also what a missing field means.
    pub fn is_zero(&self) -> bool {
        self.seconds == YEAR_ONE && self.nanoseconds == 0
    }

    /// Reads RFC 3339, with any number of fraction digits up to nine.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        parse(text).ok_or_else(|| TimeError { text: text.to_owned() })
    }

    /// Without the fraction and in UTC, as Kubernetes' `metav1.Time` writes it.
    pub fn to_seconds_text(&self) -> String {
        Self { seconds: self.seconds, nanoseconds: 0, offset: 0 }.to_string()
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = self.seconds + i64::from(self.offset);
        let (year, month, day) = civil(local.div_euclid(86_400));
        let second = local.rem_euclid(86_400);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if self.nanoseconds > 0 {
            let digits = format!("{:09}", self.nanoseconds);
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        if self.offset == 0 {
            return f.write_str("Z");
        }
        let minutes = self.offset.abs() / 60;
        let sign = if self.offset < 0 { '-' } else { '+' };
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

fn number(text: &str, from: usize, length: usize) -> Option<i64> {
    let part = text.get(from..from + length)?;
    part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?
}

fn parse(text: &str) -> Option<Time> {
    let at = |index: usize, expected: u8| text.as_bytes().get(index) == Some(&expected);
    let separated = at(4, b'-') && at(7, b'-') && at(10, b'T') && at(13, b':') && at(16, b':');
    if !separated {
        return None;
    }
    let [year, month, day] = [number(text, 0, 4)?, number(text, 5, 2)?, number(text, 8, 2)?];
    let [hour, minute, second] = [number(text, 11, 2)?, number(text, 14, 2)?, number(text, 17, 2)?];
    let days = days_of(month, year)?;
    if !(1..=days).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut rest = text.get(19..)?;
    let mut nanoseconds = 0;
    if let Some(fraction) = rest.strip_prefix('.') {
        let length = fraction.bytes().take_while(u8::is_ascii_digit).count();
        let kept = fraction.get(..length.min(9)).filter(|digits| !digits.is_empty())?;
        nanoseconds = format!("{kept:0<9}").parse().ok()?;
        rest = &fraction[length..];
    }
    let offset = match rest.as_bytes().first()? {
        b'Z' if rest.len() == 1 => 0,
        sign @ (b'+' | b'-') if rest.len() == 6 && rest.as_bytes()[3] == b':' => {
            let (hours, minutes) = (number(rest, 1, 2)?, number(rest, 4, 2)?);
            let offset = i32::try_from(hours * 3600 + minutes * 60).ok().filter(|_| hours < 25 && minutes < 60)?;
            if *sign == b'-' { -offset } else { offset }
        }
        _ => return None,
    };
    let local = days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Some(Time { seconds: local - i64::from(offset), nanoseconds, offset })
}

fn days_of(month: i64, year: i64) -> Option<i64> {
    Some(match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => return None,
    })
}

/// Days since 1970 of a date of the proleptic Gregorian calendar; years count from March, eras are 400 years.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn round(text: &str, expected: &str) {
        assert_eq!(Time::parse(text).unwrap().to_string(), expected);
    }

    #[test]
    fn reads_and_prints_as_go_does() {
        round("2026-01-02T03:04:05.678901234Z", "2026-01-02T03:04:05.678901234Z");
        round("2026-01-02T05:04:05.670+02:00", "2026-01-02T05:04:05.67+02:00");
        round("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z");
        round("2024-02-29T23:59:59-03:30", "2024-02-29T23:59:59-03:30");
        assert!(Time::default().is_zero());
        assert!(Time::parse("0001-01-01T00:00:00Z").unwrap().is_zero());
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in
            ["", "2026", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01T00:00:00", "é026-01-01T00:00:00Z"]
        {
            assert!(Time::parse(text).is_err(), "{text}");
        }
    }
}
