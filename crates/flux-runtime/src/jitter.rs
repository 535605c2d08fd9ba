//! Spreads intervals so that many objects do not come due together.

use std::time::Duration;

use rand::Rng as _;

/// `interval` changed by a random share of at most `percentage` up or down; 0, and 100 and more, change nothing.
pub fn spread(interval: Duration, percentage: u8) -> Duration {
    let share: f64 = rand::rng().random_range(-1.0..=1.0);
    at(interval, percentage, share)
}

/// The spread interval for a given `share` between -1 and 1; [`spread`] without the chance.
pub fn at(interval: Duration, percentage: u8, share: f64) -> Duration {
    let percentage = if percentage >= 100 { 0.0 } else { f64::from(percentage) / 100.0 };
    interval.mul_f64((1.0 + percentage * share.clamp(-1.0, 1.0)).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_within_the_percentage() {
        let minute = Duration::from_secs(60);
        assert_eq!(at(minute, 5, -1.0), Duration::from_secs(57));
        assert_eq!(at(minute, 5, 1.0), Duration::from_secs(63));
        assert_eq!(spread(minute, 0), minute);
        for _ in 0..100 {
            let spread = spread(minute, 10);
            assert!((Duration::from_secs(54)..=Duration::from_secs(66)).contains(&spread));
        }
    }
}
