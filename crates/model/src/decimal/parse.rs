//! From digits to numbers.

use core::cmp::Ordering;

use super::SHORT_WAYS;
use super::big::Big;

/// More digits than this change nothing: no float is as near to the middle between two others.
const DIGITS: usize = 800;
/// Enough for 800 digits, or for the power of ten that they are divided by: 10^(343 + 800) has 3797 bits.
const WORDS: usize = 128;

/// Reads digits only; `None` also for a number of more than 64 bits.
///
/// ```
/// assert_eq!(dunlin_model::decimal::natural(b"65535"), Some(65535));
/// assert_eq!(dunlin_model::decimal::natural(b"+1"), None);
/// ```
pub fn natural(text: &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number.checked_mul(10)?.checked_add(digit.into())?;
    }
    (!text.is_empty()).then_some(number)
}

/// Reads digits, with a minus sign or without; `None` also for a number of more than 64 bits.
///
/// ```
/// assert_eq!(dunlin_model::decimal::integer(b"-40"), Some(-40));
/// assert_eq!(dunlin_model::decimal::integer(b"-"), None);
/// ```
pub fn integer(text: &[u8]) -> Option<i64> {
    match text.strip_prefix(b"-") {
        Some(text) => 0_i64.checked_sub_unsigned(natural(text)?),
        None => natural(text)?.try_into().ok(),
    }
}

/// Reads a decimal number, with or without sign, fraction and exponent, rounded to the nearest float.
///
/// `None` if it is none, or above every float.
///
/// ```
/// assert_eq!(dunlin_model::decimal::parse(b"-12.5e1"), Some(-125.0));
/// assert_eq!(dunlin_model::decimal::parse(b"12."), None);
/// ```
pub fn parse(text: &[u8]) -> Option<f64> {
    let (negative, text) = match text.strip_prefix(b"-") {
        Some(text) => (true, text),
        None => (false, text),
    };
    let exponent_at = text.iter().position(|byte| matches!(byte, b'e' | b'E'));
    let (mantissa, exponent) = match exponent_at {
        Some(at) => (text.get(..at)?, exponent(text.get(at..)?.get(1..)?)?),
        None => (text, 0),
    };
    let point = mantissa.iter().position(|byte| *byte == b'.');
    let (whole, fraction) = match point {
        Some(at) => (mantissa.get(..at)?, mantissa.get(at..)?.get(1..)?),
        None => (mantissa, &b"0"[..]),
    };
    for part in [whole, fraction] {
        if part.is_empty() || !part.iter().all(u8::is_ascii_digit) {
            return None;
        }
    }
    let fraction = if point.is_some() { fraction } else { b"" };
    let places = i32::try_from(fraction.len()).ok()?;
    let exponent = exponent.saturating_sub(places);
    let all = || {
        let digits = whole.iter().chain(fraction);
        digits.map(|byte| u32::from(byte & 0x0f))
    };
    let significant = || all().skip_while(|digit| *digit == 0);
    let short = all().try_fold(0_u64, |number, digit| {
        number.checked_mul(10)?.checked_add(digit.into())
    });
    if let Some(mantissa) = short {
        return scaled(negative, mantissa, exponent);
    }
    let count = significant().count();
    let mut words = [0; WORDS];
    let mut number = Big::new(&mut words, 0);
    for digit in significant().take(DIGITS) {
        number.scale(10, digit);
    }
    // Whether there is more, but smaller than the last digit that is kept.
    let more = significant().skip(DIGITS).any(|digit| digit > 0);
    number.scale(10, more.into());
    let dropped = i32::try_from(count.saturating_sub(DIGITS)).ok()?;
    let exponent = exponent.saturating_add(dropped).saturating_sub(1);
    let highest = i32::try_from(count.min(DIGITS)).ok()?.saturating_add(1);
    divide(negative, number, exponent, exponent.saturating_add(highest))
}

/// Reads the exponent after the `e`; one beyond every float may be cut.
fn exponent(text: &[u8]) -> Option<i32> {
    let (negative, text) = match text.split_first()? {
        (b'-', text) => (true, text),
        (b'+', text) => (false, text),
        _ => (false, text),
    };
    if text.is_empty() {
        return None;
    }
    let mut number = 0_i32;
    for byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number.saturating_mul(10).saturating_add(digit.into());
    }
    Some(if negative {
        number.saturating_neg()
    } else {
        number
    })
}

/// Gives `mantissa` × 10^`exponent`, rounded to the nearest float; `None` above every float.
///
/// ```
/// assert_eq!(dunlin_model::decimal::scaled(true, 2115, -2), Some(-21.15));
/// ```
pub fn scaled(negative: bool, mantissa: u64, exponent: i32) -> Option<f64> {
    // Both numbers are floats, and so is what comes out, rounded once.
    if SHORT_WAYS && mantissa <= 1 << 53 && (-22..=22).contains(&exponent) {
        let power = power(exponent.unsigned_abs());
        #[expect(clippy::cast_precision_loss, reason = "up to 2^53")]
        let number = mantissa as f64;
        let number = if exponent < 0 {
            number / power
        } else {
            number * power
        };
        return Some(if negative { -number } else { number });
    }
    scaled_at_length(negative, mantissa, exponent)
}

pub(super) fn scaled_at_length(negative: bool, mantissa: u64, exponent: i32) -> Option<f64> {
    let mut words = [0; WORDS];
    divide(
        negative,
        Big::new(&mut words, mantissa),
        exponent,
        exponent.saturating_add(20),
    )
}

/// Gives 10^`exponent`, exact up to 22.
pub(super) fn power(exponent: u32) -> f64 {
    let mut power = 1.0;
    for _ in 0..exponent {
        power *= 10.0;
    }
    power
}

/// Gives `number` × 10^`exponent`, which is below 10^`highest`.
fn divide(negative: bool, mut number: Big<'_>, exponent: i32, highest: i32) -> Option<f64> {
    let sign = u64::from(negative) << 63;
    // Below half of the least float, 4.9e-324.
    if number.is_zero() || highest < -323 {
        return Some(f64::from_bits(sign));
    }
    // Above the greatest, 1.8e308; the number has at least one digit.
    if exponent > 309 {
        return None;
    }
    let mut words = [0; WORDS];
    let mut divisor = Big::new(&mut words, 1);
    if exponent < 0 {
        divisor.scale_by_power(exponent.unsigned_abs());
    } else {
        number.scale_by_power(exponent.unsigned_abs());
    }
    // The quotient becomes a number from 1 to 2, times 2^binary.
    let (mut binary, divisor_bits) = (i64::from(number.bits()), divisor.bits());
    binary = binary.saturating_sub(divisor_bits.into());
    if binary < 0 {
        number.shift(u32::try_from(binary.unsigned_abs()).ok()?);
    } else {
        divisor.shift(u32::try_from(binary.unsigned_abs()).ok()?);
    }
    if number.compare(&divisor).is_lt() {
        number.scale(2, 0);
        binary = binary.saturating_sub(1);
    }
    if binary > 1023 {
        return None;
    }
    // Below 2^-1022 there are fewer bits.
    let missing = (-1022_i64).saturating_sub(binary).max(0);
    let mut bits = 0_u64;
    if missing > 53 {
        return Some(f64::from_bits(sign));
    }
    for _ in missing..53 {
        bits = bits.wrapping_shl(1);
        if number.compare(&divisor).is_ge() {
            number.subtract(&divisor);
            bits |= 1;
        }
        number.scale(2, 0);
    }
    // What is left, in halves of the last bit.
    let up = match number.compare(&divisor) {
        Ordering::Less => false,
        Ordering::Equal => bits & 1 == 1,
        Ordering::Greater => true,
    };
    // The implied bit is added to the exponent, and so is a carry out of all bits.
    let biased = if missing > 0 {
        0
    } else {
        u64::try_from(binary.saturating_add(1022)).ok()? << 52
    };
    let bits = biased.wrapping_add(bits).wrapping_add(up.into());
    let number = f64::from_bits(sign | bits);
    number.is_finite().then_some(number)
}
