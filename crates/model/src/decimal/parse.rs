//! From digits to numbers.

use super::SHORT_WAYS;
use super::big::{add, bits, raise, scale, set};

/// More digits than this change nothing: no float is as near to the middle between two others.
const DIGITS: i32 = 770;

/// Enough for 1,095 digits by [`room`]: for so many that are kept with those of the greatest float behind them, or for
/// the power of ten that the kept ones are divided by.
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
        // Not `checked_mul`, which is large where words are small.
        if number > u64::MAX / 10 {
            return None;
        }
        number = number.wrapping_mul(10).checked_add(digit.into())?;
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
    parse_by(text, SHORT_WAYS)
}

pub(super) fn parse_by(text: &[u8], short_ways: bool) -> Option<f64> {
    let exponent_at = text.iter().position(|byte| matches!(byte, b'e' | b'E'));
    let Some(at) = exponent_at else {
        return mantissa_of(text, 0, short_ways);
    };
    let (mantissa, rest) = text.split_at_checked(at)?;
    mantissa_of(mantissa, exponent(rest.get(1..)?)?, short_ways)
}

/// Reads a decimal number as [`parse`] does, but none with an exponent.
///
/// ```
/// assert_eq!(dunlin_model::decimal::parse_plain(b"-12.5"), Some(-12.5));
/// assert_eq!(dunlin_model::decimal::parse_plain(b"1e3"), None);
/// ```
pub fn parse_plain(text: &[u8]) -> Option<f64> {
    mantissa_of(text, 0, SHORT_WAYS)
}

fn mantissa_of(text: &[u8], mut exponent: i32, short_ways: bool) -> Option<f64> {
    let (negative, text) = match text.strip_prefix(b"-") {
        Some(text) => (true, text),
        None => (false, text),
    };
    let mut words = [0; WORDS];
    // The first digits, where there are short ways.
    let mut short = 0_u64;
    // How many digits are kept, and whether there is more, but smaller than the last of them.
    let (mut count, mut more) = (0_i32, false);
    let (mut point, mut complete) = (false, false);
    for byte in text {
        let digit = byte.wrapping_sub(b'0');
        if *byte == b'.' && complete && !point {
            (point, complete) = (true, false);
            continue;
        }
        if digit > 9 {
            return None;
        }
        complete = true;
        if count < DIGITS {
            exponent = exponent.saturating_sub(point.into());
            if short_ways && count < SHORT {
                short = short.wrapping_mul(10).wrapping_add(digit.into());
                count = count.wrapping_add((short > 0).into());
                continue;
            }
            if short_ways && count == SHORT {
                set(&mut words, short);
            }
            if count > 0 || digit > 0 {
                count = count.wrapping_add(1);
                scale(words.get_mut(..room(count))?, 10, digit.into());
            }
        } else {
            exponent = exponent.saturating_add((!point).into());
            more |= digit > 0;
        }
    }
    if !complete {
        return None;
    }
    if short_ways && count <= SHORT {
        return scaled(negative, short, exponent);
    }
    if count > 0 {
        count = count.wrapping_add(1);
        scale(words.get_mut(..room(count))?, 10, more.into());
    }
    divide(negative, &mut words, count, exponent.saturating_sub(1))
}

/// So many digits have 64 bits.
const SHORT: i32 = 19;

/// How many words so many digits take, with a few bits to spare.
fn room(digits: i32) -> usize {
    usize::try_from(digits / 9)
        .unwrap_or_default()
        .saturating_add(3)
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
    set(&mut words, mantissa);
    let count = if mantissa == 0 { 0 } else { 20 };
    divide(negative, &mut words, count, exponent)
}

/// Gives 10^`exponent`, exact up to 22.
pub(super) fn power(exponent: u32) -> f64 {
    let mut power = 1.0;
    for _ in 0..exponent {
        power *= 10.0;
    }
    power
}

/// Gives `number` × 10^`exponent`; `number` has up to `digits` digits.
fn divide(negative: bool, number: &mut [u32; WORDS], digits: i32, exponent: i32) -> Option<f64> {
    let sign = u64::from(negative) << 63;
    // Below half of the least float, 4.9e-324.
    if digits == 0 || exponent.saturating_add(digits) < -323 {
        return Some(f64::from_bits(sign));
    }
    // Above the greatest, 1.8e308; the number has at least one digit.
    if exponent > 309 {
        return None;
    }
    let (up, down) = (exponent.max(0), exponent.saturating_neg().max(0));
    let room = room(digits.saturating_add(up).max(down));
    let mut divisor = [0; WORDS];
    let (number, divisor) = (number.get_mut(..room)?, divisor.get_mut(..room)?);
    set(divisor, 1);
    raise(number, 10, up.unsigned_abs());
    raise(divisor, 10, down.unsigned_abs());
    // The quotient becomes a number from 1 to 2, times 2^binary.
    let mut binary = bits(number).wrapping_sub(bits(divisor));
    raise(
        if binary < 0 {
            &mut *number
        } else {
            &mut *divisor
        },
        2,
        binary.unsigned_abs(),
    );
    let order = add(number, -1, divisor);
    add(number, 1, divisor);
    if order.is_lt() {
        scale(number, 2, 0);
        binary = binary.wrapping_sub(1);
    }
    if binary > 1023 {
        return None;
    }
    // Below 2^-1022 there are fewer bits.
    let missing = (-1022_i32).wrapping_sub(binary).max(0);
    let mut bits = 0_u64;
    if missing > 53 {
        return Some(f64::from_bits(sign));
    }
    for _ in missing..53 {
        bits = bits.wrapping_shl(1);
        if add(number, -1, divisor).is_lt() {
            add(number, 1, divisor);
        } else {
            bits |= 1;
        }
        scale(number, 2, 0);
    }
    // What is left, in halves of the last bit.
    let left = add(number, -1, divisor);
    let up = left.is_gt() || left.is_eq() && bits & 1 == 1;
    // The implied bit is added to the exponent, and so is a carry out of all bits.
    let biased = if missing > 0 {
        0
    } else {
        binary.wrapping_add(1022).unsigned_abs()
    };
    let bits = (u64::from(biased) << 52)
        .wrapping_add(bits)
        .wrapping_add(up.into());
    let number = f64::from_bits(sign | bits);
    number.is_finite().then_some(number)
}
