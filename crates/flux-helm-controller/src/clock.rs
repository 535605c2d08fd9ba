//! The time as records write it.

use flux_helm::Time;

/// Now, in UTC.
pub fn now() -> Time {
    let now = jiff::Timestamp::now();
    Time { seconds: now.as_second(), nanoseconds: now.subsec_nanosecond().unsigned_abs(), offset: 0 }
}
