//! Go's `time` package, as far as templates reach. The local zone is UTC.

mod duration;
mod format;
mod layout;
mod parse;
mod zone;

pub(crate) use duration::{parse_duration, round_duration, text as duration_text, truncate_duration};
pub(crate) use zone::Zone;

pub(crate) const SECOND: i128 = 1_000_000_000;
const DAY: i64 = 86_400;
/// Nanoseconds since 1970 of Go's zero time, the first of January of year 1.
const ZERO: i128 = -62_135_596_800 * SECOND;

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
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

pub(crate) fn month_name(month: i64) -> String {
    let known = usize::try_from(month - 1).ok().and_then(|index| MONTHS.get(index));
    known.map_or_else(|| format!("%!Month({month})"), |name| (*name).to_owned())
}

pub(crate) fn weekday_name(day: i64) -> String {
    let known = usize::try_from(day).ok().and_then(|index| DAYS.get(index));
    known.map_or_else(|| format!("%!Weekday({day})"), |name| (*name).to_owned())
}

/// An instant in a zone.
#[derive(Clone, Debug)]
pub struct Time {
    /// Nanoseconds since 1970 in UTC.
    nanos: i128,
    zone: Zone,
}

/// The fields of a time in its zone.
pub(crate) struct Civil {
    pub(crate) year: i64,
    pub(crate) month: i64,
    pub(crate) day: i64,
    pub(crate) yearday: i64,
    /// Sunday is 0.
    pub(crate) weekday: i64,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
    pub(crate) second: i64,
    pub(crate) nanosecond: i64,
    pub(crate) offset: i64,
    pub(crate) zone: String,
}

impl Time {
    /// In the local zone.
    pub(crate) fn from_nanos(nanos: i128) -> Self {
        Self { nanos, zone: Zone::Local }
    }

    pub(crate) fn from_unix(seconds: i64) -> Self {
        Self::from_nanos(i128::from(seconds) * SECOND)
    }

    /// Go's zero time, in UTC.
    pub(crate) fn zero() -> Self {
        Self { nanos: ZERO, zone: Zone::Utc }
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.nanos == ZERO
    }

    pub(crate) fn with_zone(&self, zone: Zone) -> Self {
        Self { nanos: self.nanos, zone }
    }

    pub(crate) fn zone_name(&self) -> &str {
        self.zone.name()
    }

    pub(crate) fn nanos(&self) -> i128 {
        self.nanos
    }

    /// Seconds since 1970.
    pub(crate) fn unix(&self) -> i64 {
        self.nanos.div_euclid(SECOND) as i64
    }

    pub(crate) fn add(&self, nanos: i64) -> Self {
        Self { nanos: self.nanos.saturating_add(i128::from(nanos)), zone: self.zone.clone() }
    }

    /// Nanoseconds since `other`, within a duration's range.
    pub(crate) fn since(&self, other: &Self) -> i64 {
        (self.nanos - other.nanos).clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
    }

    pub(crate) fn add_date(&self, years: i64, months: i64, days: i64) -> Self {
        let civil = self.civil();
        let months = (civil.month - 1).saturating_add(months);
        let year = civil.year.saturating_add(years).saturating_add(months.div_euclid(12)).clamp(-200_000, 200_000);
        let day = days_from_civil(year, months.rem_euclid(12) + 1, 1) + civil.day - 1;
        let day = day.saturating_add(days).clamp(-100_000_000, 100_000_000);
        let clock = civil.hour * 3600 + civil.minute * 60 + civil.second - civil.offset;
        let nanos = i128::from(day * DAY + clock) * SECOND + i128::from(civil.nanosecond);
        Self { nanos, zone: self.zone.clone() }
    }

    /// Rounds down to a multiple of the duration since the zero time.
    pub(crate) fn truncate(&self, duration: i64) -> Self {
        if duration <= 0 {
            return self.clone();
        }
        let rest = (self.nanos - ZERO).rem_euclid(i128::from(duration));
        Self { nanos: self.nanos - rest, zone: self.zone.clone() }
    }

    pub(crate) fn round(&self, duration: i64) -> Self {
        if duration <= 0 {
            return self.clone();
        }
        let rest = (self.nanos - ZERO).rem_euclid(i128::from(duration));
        let nanos = if rest * 2 < i128::from(duration) { -rest } else { i128::from(duration) - rest };
        Self { nanos: self.nanos + nanos, zone: self.zone.clone() }
    }

    pub(crate) fn civil(&self) -> Civil {
        let (offset, zone) = self.zone.at(self.unix());
        let local = self.unix() + offset;
        let (days, clock) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        let (year, month, day) = civil_from_days(days);
        Civil {
            year,
            month,
            day,
            yearday: days - days_from_civil(year, 1, 1) + 1,
            weekday: (days + 4).rem_euclid(7),
            hour: clock / 3600,
            minute: clock / 60 % 60,
            second: clock % 60,
            nanosecond: self.nanos.rem_euclid(SECOND) as i64,
            offset,
            zone,
        }
    }

    /// `String`.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.format(b"2006-01-02 15:04:05.999999999 -0700 MST")).into_owned()
    }

    /// `GoString`.
    pub(crate) fn go_text(&self) -> String {
        let at = self.civil();
        let zone = match &self.zone {
            Zone::Utc => "time.UTC".to_owned(),
            Zone::Local => "time.Local".to_owned(),
            other => format!("time.Location({})", crate::go::quoting::quote_text(other.name().as_bytes())),
        };
        let Civil { year, day, hour, minute, second, nanosecond, .. } = at;
        format!(
            "time.Date({year}, time.{}, {day}, {hour}, {minute}, {second}, {nanosecond}, {zone})",
            month_name(at.month)
        )
    }

    /// As JSON and YAML print it; `None` outside the years 0 to 9999.
    pub(crate) fn rfc3339_nano(&self) -> Option<String> {
        if !(0..=9999).contains(&self.civil().year) {
            return None;
        }
        Some(String::from_utf8_lossy(&self.format(b"2006-01-02T15:04:05.999999999Z07:00")).into_owned())
    }
}

/// Days since 1970 of a date in the proleptic Gregorian calendar.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let shifted = (month + 9) % 12;
    let of_year = (153 * shifted + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days - era * 146_097;
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(month: i64, year: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_there_and_back() {
        for days in (-800_000..800_000).step_by(37) {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), days);
        }
        assert_eq!(Time::zero().text(), "0001-01-01 00:00:00 +0000 UTC");
        assert_eq!(Time::from_unix(1_709_212_455).text(), "2024-02-29 13:14:15 +0000 UTC");
    }

    #[test]
    fn arithmetic_with_dates() {
        let leap = Time::from_unix(1_709_212_455);
        assert_eq!(leap.add_date(1, 0, 0).text(), "2025-03-01 13:14:15 +0000 UTC");
        assert_eq!(leap.add_date(0, -2, 1).text(), "2023-12-30 13:14:15 +0000 UTC");
        assert_eq!(leap.truncate(3_600_000_000_000).text(), "2024-02-29 13:00:00 +0000 UTC");
    }

    #[test]
    fn zones() {
        let tokyo = Zone::load("Asia/Tokyo").unwrap();
        assert_eq!(Time::from_unix(0).with_zone(tokyo).text(), "1970-01-01 09:00:00 +0900 JST");
        assert!(Zone::load("Nope/Zone").is_none());
    }
}
