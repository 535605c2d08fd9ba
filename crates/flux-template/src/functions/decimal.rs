//! `shopspring/decimal`, as far as `addf` and its kin need: exact decimals, division to 16 places.

/// `digits * 10^exponent`, digits in base 10^9, least first.
#[derive(Clone, Debug)]
pub(super) struct Decimal {
    negative: bool,
    limbs: Vec<u32>,
    exponent: i32,
}

const BASE: u64 = 1_000_000_000;

/// Operands longer than this lose digits; a float has 17.
const MAX_LIMBS: usize = 256;

/// Places after the point that a division keeps.
const DIVISION_PLACES: i32 = 16;

impl Decimal {
    /// The shortest decimal that reads as this float. Not for infinities: those are refused before.
    pub(super) fn from_float(value: f64) -> Self {
        let text = format!("{value:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let negative = mantissa.starts_with('-');
        let mantissa = mantissa.trim_start_matches('-');
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let exponent: i32 = exponent.parse().unwrap_or(0);
        let digits = format!("{whole}{fraction}");
        Self { negative, limbs: limbs(&digits), exponent: exponent - fraction.len() as i32 }.trimmed()
    }

    fn trimmed(mut self) -> Self {
        while self.limbs.last() == Some(&0) {
            self.limbs.pop();
        }
        // Cut what no float could show.
        while self.limbs.len() > MAX_LIMBS {
            self.limbs.remove(0);
            self.exponent += 9;
        }
        if self.limbs.is_empty() {
            self.negative = false;
        }
        self
    }

    pub(super) fn is_zero(&self) -> bool {
        self.limbs.is_empty()
    }

    /// The same number with a smaller exponent.
    fn scaled(&self, exponent: i32) -> Vec<u32> {
        let zeros = usize::try_from(self.exponent - exponent).unwrap_or(0).min(9 * MAX_LIMBS);
        let mut limbs = vec![0; zeros / 9];
        limbs.extend_from_slice(&self.limbs);
        multiply_small(&mut limbs, 10u64.pow((zeros % 9) as u32));
        limbs
    }

    pub(super) fn add(&self, other: &Self) -> Self {
        let exponent = self.exponent.min(other.exponent);
        let (a, b) = (self.scaled(exponent), other.scaled(exponent));
        let (negative, limbs) = match (self.negative == other.negative, compare(&a, &b)) {
            (true, _) => (self.negative, sum(&a, &b)),
            (_, std::cmp::Ordering::Less) => (other.negative, difference(&b, &a)),
            _ => (self.negative, difference(&a, &b)),
        };
        Self { negative, limbs, exponent }.trimmed()
    }

    pub(super) fn negated(&self) -> Self {
        Self { negative: !self.negative && !self.is_zero(), ..self.clone() }
    }

    pub(super) fn multiply(&self, other: &Self) -> Self {
        let mut limbs = vec![0u32; self.limbs.len() + other.limbs.len() + 1];
        for (i, a) in self.limbs.iter().enumerate() {
            let mut carry = 0;
            for (j, b) in other.limbs.iter().chain(std::iter::once(&0)).enumerate() {
                let value = u64::from(limbs[i + j]) + u64::from(*a) * u64::from(*b) + carry;
                limbs[i + j] = (value % BASE) as u32;
                carry = value / BASE;
            }
        }
        Self { negative: self.negative != other.negative, limbs, exponent: self.exponent + other.exponent }.trimmed()
    }

    /// Half away from zero at 16 places. The divisor is not zero.
    pub(super) fn divide(&self, other: &Self) -> Self {
        // self / other = a * 10^(self.exponent - other.exponent + 16) / b * 10^-16
        let shift = self.exponent - other.exponent + DIVISION_PLACES;
        let mut dividend = self.clone();
        let mut divisor = other.limbs.clone();
        if shift >= 0 {
            dividend.exponent = shift;
            dividend.limbs = dividend.scaled(0);
        } else {
            divisor = Self { negative: false, limbs: divisor, exponent: -shift }.scaled(0);
        }
        let (mut quotient, rest) = divide(&dividend.limbs, &divisor);
        if compare(&sum(&rest, &rest), &divisor).is_ge() {
            quotient = sum(&quotient, &[1]);
        }
        Self { negative: self.negative != other.negative, limbs: quotient, exponent: -DIVISION_PLACES }.trimmed()
    }

    pub(super) fn to_float(&self) -> f64 {
        let mut text = String::from(if self.negative { "-" } else { "" });
        for (index, limb) in self.limbs.iter().rev().enumerate() {
            text.push_str(&if index == 0 { limb.to_string() } else { format!("{limb:09}") });
        }
        if self.limbs.is_empty() {
            return 0.0;
        }
        text.push_str(&format!("e{}", self.exponent));
        text.parse().unwrap_or(0.0)
    }
}

fn limbs(digits: &str) -> Vec<u32> {
    let parse = |chunk: &[u8]| chunk.iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
    digits.as_bytes().rchunks(9).map(parse).collect()
}

fn multiply_small(limbs: &mut Vec<u32>, factor: u64) {
    let mut carry = 0;
    for limb in limbs.iter_mut() {
        let value = u64::from(*limb) * factor + carry;
        *limb = (value % BASE) as u32;
        carry = value / BASE;
    }
    if carry > 0 {
        limbs.push(carry as u32);
    }
}

fn compare(a: &[u32], b: &[u32]) -> std::cmp::Ordering {
    let length = |limbs: &[u32]| limbs.iter().rposition(|limb| *limb != 0).map_or(0, |last| last + 1);
    let (a, b) = (&a[..length(a)], &b[..length(b)]);
    a.len().cmp(&b.len()).then_with(|| a.iter().rev().cmp(b.iter().rev()))
}

fn sum(a: &[u32], b: &[u32]) -> Vec<u32> {
    let mut out = Vec::with_capacity(a.len().max(b.len()) + 1);
    let mut carry = 0;
    for index in 0..a.len().max(b.len()) {
        let value = u64::from(*a.get(index).unwrap_or(&0)) + u64::from(*b.get(index).unwrap_or(&0)) + carry;
        out.push((value % BASE) as u32);
        carry = value / BASE;
    }
    out.push(carry as u32);
    out
}

/// `a - b`, where a is not less.
fn difference(a: &[u32], b: &[u32]) -> Vec<u32> {
    let mut out = Vec::with_capacity(a.len());
    let mut borrow = 0;
    for (index, limb) in a.iter().enumerate() {
        let value = i64::from(*limb) - i64::from(*b.get(index).unwrap_or(&0)) - borrow;
        borrow = i64::from(value < 0);
        out.push((value + borrow * BASE as i64) as u32);
    }
    out
}

/// Long division; each digit of the quotient is found by halving.
fn divide(a: &[u32], b: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let mut quotient = vec![0; a.len()];
    let mut rest: Vec<u32> = Vec::new();
    for index in (0..a.len()).rev() {
        rest.insert(0, a[index]);
        let (mut low, mut high) = (0u64, BASE - 1);
        while low < high {
            let middle = (low + high).div_ceil(2);
            let mut product = b.to_vec();
            multiply_small(&mut product, middle);
            if compare(&product, &rest).is_le() {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        let mut product = b.to_vec();
        multiply_small(&mut product, low);
        rest.resize(rest.len().max(product.len()), 0);
        rest = difference(&rest, &product);
        while rest.last() == Some(&0) {
            rest.pop();
        }
        quotient[index] = low as u32;
    }
    (quotient, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact() {
        let d = Decimal::from_float;
        assert_eq!(d(0.1).add(&d(0.2)).to_float(), 0.3);
        assert_eq!(d(1.1).multiply(&d(1.1)).to_float(), 1.21);
        assert_eq!(d(10.0).divide(&d(4.0)).divide(&d(2.0)).to_float(), 1.25);
        assert_eq!(d(2.0).divide(&d(3.0)).to_float(), 0.6666666666666667);
        assert_eq!(d(-1.0).divide(&d(3.0)).to_float(), -0.3333333333333333);
        assert_eq!(d(1e300).add(&d(1e-300)).to_float(), 1e300);
        assert_eq!(d(5.0).add(&d(7.5).negated()).to_float(), -2.5);
        assert_eq!(d(1e-200).divide(&d(1e200)).to_float(), 0.0);
    }
}
