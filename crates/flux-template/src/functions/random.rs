//! Random texts, from the host's source.

use super::{Arguments as _, Function, int, text};
use crate::exec::{Operand, Res, Run, Ty, fail};
use crate::go::runes;

use Ty::{Int, Str};

const DIGITS: &[u8] = b"0123456789";
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BOTH: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// What goutils takes for ASCII.
const ASCII: std::ops::RangeInclusive<u8> = 32..=126;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("randAlphaNum", &[Int], Str, |run, a| from(run, a.int(0), BOTH)),
    Function::new("randAlpha", &[Int], Str, |run, a| from(run, a.int(0), LETTERS)),
    Function::new("randNumeric", &[Int], Str, |run, a| from(run, a.int(0), DIGITS)),
    Function::new("randAscii", &[Int], Str, |run, a| {
        let all: Vec<u8> = ASCII.collect();
        from(run, a.int(0), &all)
    }),
    Function::new("randBytes", &[Int], Str, |run, a| {
        let Ok(count) = usize::try_from(a.int(0)) else { return fail("runtime error: makeslice: len out of range") };
        run.charge(count.saturating_mul(2))?;
        let mut bytes = vec![0; count];
        run.host.random(&mut bytes);
        text(super::base64_text(&bytes))
    }),
    Function::new("randInt", &[Int, Int], Int, |run, a| {
        let (low, high) = (a.int(0), a.int(1));
        match high.wrapping_sub(low) {
            span @ 1.. => int(low.wrapping_add(below(run, span as u64) as i64)),
            _ => fail("invalid argument to Intn"),
        }
    }),
    Function::new("shuffle", &[Str], Str, |run, a| {
        run.charge(a.bytes(0).len().saturating_mul(8))?;
        let mut characters: Vec<char> = runes::chars(a.bytes(0)).map(|(_, character)| character).collect();
        for index in (1..characters.len()).rev() {
            let other = below(run, index as u64 + 1) as usize;
            characters.swap(index, other);
        }
        text(characters.into_iter().collect::<String>())
    }),
    Function::new("uuidv4", &[], Str, |run, _| {
        let mut bytes = [0; 16];
        run.host.random(&mut bytes);
        bytes[6] = bytes[6] & 0x0F | 0x40;
        bytes[8] = bytes[8] & 0x3F | 0x80;
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        text(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
    }),
];

/// An even number below the bound.
pub(super) fn below(run: &Run<'_>, bound: u64) -> u64 {
    let limit = u64::MAX - u64::MAX % bound;
    loop {
        let mut bytes = [0; 8];
        run.host.random(&mut bytes);
        let number = u64::from_le_bytes(bytes);
        if number < limit {
            return number % bound;
        }
    }
}

/// Characters of an alphabet; goutils answers nothing for a negative count.
fn from(run: &mut Run<'_>, count: i64, alphabet: &[u8]) -> Res<Operand> {
    let count = usize::try_from(count).unwrap_or(0);
    run.charge(count.saturating_mul(8))?;
    let mut out = Vec::with_capacity(count);
    // Bytes beyond the last whole multiple would favour the first characters.
    let limit = 256 - 256 % alphabet.len();
    let mut buffer = [0; 64];
    while out.len() < count {
        run.host.random(&mut buffer);
        let good = buffer.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < limit);
        out.extend(good.map(|byte| alphabet[byte % alphabet.len()]).take(count - out.len()));
    }
    text(out)
}
