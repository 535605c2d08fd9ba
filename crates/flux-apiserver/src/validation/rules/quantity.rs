//! Comparing quantities, which arrive in canonical form.

use std::cmp::Ordering;

use serde_json::Value;

/// A quantity in billionths; those too large to count compare as the largest.
pub(crate) fn nano(value: &Value) -> i128 {
    let Some(text) = value.as_str() else { return value.as_i64().map_or(0, |number| i128::from(number) * NANO) };
    parse(text).unwrap_or(0)
}

const NANO: i128 = 1_000_000_000;

fn parse(text: &str) -> Option<i128> {
    let end = text.find(|letter: char| letter.is_ascii_alphabetic()).unwrap_or(text.len());
    let (digits, suffix) = text.split_at(end);
    let factor = factor(suffix)?;
    let (negative, digits) = match digits.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, digits),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut size = whole.saturating_mul(factor);
    let mut place = factor;
    for digit in fraction.bytes().take(18) {
        place /= 10;
        size = size.saturating_add(i128::from(digit.checked_sub(b'0')?).saturating_mul(place));
    }
    Some(if negative { -size } else { size })
}

/// What a suffix multiplies by, in billionths.
fn factor(suffix: &str) -> Option<i128> {
    Some(match suffix {
        "n" => 1,
        "u" => 1_000,
        "m" => 1_000_000,
        "" => NANO,
        "k" => NANO * 1_000,
        "M" => NANO * 1_000_000,
        "G" => NANO * 1_000_000_000,
        "T" => NANO * 1_000_000_000_000,
        "P" => NANO * 1_000_000_000_000_000,
        "E" => NANO * 1_000_000_000_000_000_000,
        "Ki" => NANO << 10,
        "Mi" => NANO << 20,
        "Gi" => NANO << 30,
        "Ti" => NANO << 40,
        "Pi" => NANO << 50,
        "Ei" => NANO << 60,
        other => {
            let power: i32 = other.strip_prefix(['e', 'E'])?.parse().ok()?;
            10i128.checked_pow(u32::try_from(power + 9).ok()?)?
        }
    })
}

pub(super) fn compare(a: &Value, b: &Value) -> Ordering {
    nano(a).cmp(&nano(b))
}

pub(super) fn is_integer(value: &Value) -> bool {
    // Upstream looks at thousandths, rounded up.
    let nano = nano(value);
    let milli = nano.div_euclid(1_000_000) + i128::from(nano.rem_euclid(1_000_000) != 0);
    milli % 1_000 == 0
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn quantities_compare_across_suffixes() {
        assert_eq!(compare(&json!("1500m"), &json!("1.5")), Ordering::Equal);
        assert_eq!(compare(&json!("1Ki"), &json!("1k")), Ordering::Greater);
        assert_eq!(compare(&json!("-1"), &json!("0")), Ordering::Less);
        assert!(is_integer(&json!("2k")) && !is_integer(&json!("1500m")));
    }
}
