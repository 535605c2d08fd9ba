//! Kubernetes quantities, as far as adding and comparing them needs.

/// Thousandths; a value between two of them is rounded up, as the scheduler does for CPU.
pub(crate) type Milli = i128;

/// Reads a quantity such as `250m`, `1.5`, `16Gi` or `2e3`. `None` for anything else, and for negative values.
pub(crate) fn parse(text: &str) -> Option<Milli> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    if number.len() > 20 || !number.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.len() > 9 || fraction.contains('.') {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let nanos: i128 = format!("{fraction:0<9}").parse().ok()?;
    let value = whole.checked_mul(1_000_000_000)?.checked_add(nanos)?;
    let (factor, divisor) = scale(suffix)?;
    let product = value.checked_mul(factor)?;
    let divisor = divisor * 1_000_000;
    Some(product / divisor + i128::from(product % divisor != 0))
}

/// What a suffix multiplies and divides by.
fn scale(suffix: &str) -> Option<(i128, i128)> {
    Some(match suffix {
        "" => (1, 1),
        "n" => (1, 1_000_000_000),
        "u" => (1, 1_000_000),
        "m" => (1, 1_000),
        "k" => (1_000, 1),
        "M" => (1_000_000, 1),
        "G" => (1_000_000_000, 1),
        "T" => (1_000_000_000_000, 1),
        "P" => (1_000_000_000_000_000, 1),
        "E" => (1_000_000_000_000_000_000, 1),
        "Ki" => (1 << 10, 1),
        "Mi" => (1 << 20, 1),
        "Gi" => (1 << 30, 1),
        "Ti" => (1 << 40, 1),
        "Pi" => (1 << 50, 1),
        "Ei" => (1 << 60, 1),
        _ => {
            let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            let power = 10_i128.checked_pow(exponent.unsigned_abs()).filter(|_| exponent.abs() <= 18)?;
            if exponent < 0 { (1, power) } else { (power, 1) }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn reads_what_kubernetes_writes() {
        for (text, expect) in [
            ("1", Some(1_000)),
            ("0", Some(0)),
            ("250m", Some(250)),
            ("1.5", Some(1_500)),
            (".5", Some(500)),
            ("2e3", Some(2_000_000)),
            ("1k", Some(1_000_000)),
            ("1Ki", Some(1_024_000)),
            ("16Gi", Some((16 << 30) * 1_000)),
            ("1u", Some(1)),
            ("", None),
            (".", None),
            ("-1", None),
            ("1 Gi", None),
            ("1e99", None),
            ("1.2.3", None),
            ("99999999999999999999Ei", None),
        ] {
            assert_eq!(parse(text), expect, "{text}");
        }
    }
}
