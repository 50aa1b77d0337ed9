//! From numbers to digits.

use super::SHORT_WAYS;
use super::big::{add, raise, scale, set};
use super::parse::power;
use crate::float::order;

/// Enough for the least float times the power of ten that makes it a number from 1 to 10: 1132 bits.
const WORDS: usize = 40;

/// How very large and very small numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Style {
    /// With all their zeros.
    Plain,
    /// With an exponent.
    Exponent,
}

/// Which numbers the digits tell a number from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Precision {
    /// All that 64 bits hold.
    Double,
    /// Those that 32 bits hold, of which it is one.
    Single,
}

/// The fewest digits that are read as the same float, and where the point stands: 0.`digits` × 10^`point`.
#[derive(Debug)]
pub(super) struct Digits {
    text: [u8; 20],
    count: usize,
    pub(super) point: i32,
}

impl Digits {
    fn push(&mut self, digit: u8) {
        if let Some(place) = self.text.get_mut(self.count) {
            *place = b'0' | digit;
            self.count = self.count.saturating_add(1);
        }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        self.text.get(..self.count).unwrap_or_default()
    }

    /// The digits of `number` × 10^`exponent`.
    fn of(number: u64, exponent: i32) -> Self {
        let mut buffer = [0; 20];
        let all = digits_of(number, &mut buffer);
        let point = i32::try_from(all.len()).unwrap_or_default();
        let mut digits = Self {
            text: [0; 20],
            count: 0,
            point: exponent.saturating_add(point),
        };
        for digit in all {
            digits.push(digit & 0x0f);
        }
        while digits.count > 1 && digits.as_slice().last() == Some(&b'0') {
            digits.count = digits.count.saturating_sub(1);
        }
        digits
    }
}

/// Prints a number of 32 bits to the end of `buffer` and gives its digits: ten at most, and no more than have room.
///
/// ```
/// assert_eq!(dunlin_model::decimal::short_digits_of(5700, &mut [0; 5]), b"5700");
/// ```
pub fn short_digits_of(mut number: u32, buffer: &mut [u8]) -> &[u8] {
    let mut first = buffer.len();
    for place in buffer.iter_mut().rev() {
        let tens = number / 10;
        let [digit, ..] = number.wrapping_sub(tens.wrapping_mul(10)).to_le_bytes();
        *place = b'0' | digit;
        first = first.wrapping_sub(1);
        number = tens;
        if number == 0 {
            break;
        }
    }
    buffer.get(first..).unwrap_or_default()
}

/// Prints `number` to the end of `buffer` and gives its digits.
///
/// ```
/// assert_eq!(dunlin_model::decimal::digits_of(1_700_000_000, &mut [0; 20]), b"1700000000");
/// ```
pub fn digits_of(mut number: u64, buffer: &mut [u8; 20]) -> &[u8] {
    let mut first = 0;
    for (place, byte) in buffer.iter_mut().enumerate().rev() {
        let (tens, digit) = divided_by_ten(number);
        *byte = b'0' | digit;
        (first, number) = (place, tens);
        if tens == 0 {
            break;
        }
    }
    buffer.get(first..).unwrap_or_default()
}

/// The tens of a number, and its last digit.
#[inline]
fn divided_by_ten(number: u64) -> (u64, u8) {
    if SHORT_WAYS {
        let tens = number / 10;
        let [digit, ..] = number.wrapping_sub(tens.wrapping_mul(10)).to_le_bytes();
        return (tens, digit);
    }
    in_pieces(number)
}

/// The same in pieces of 16 bits, which a device divides in one instruction, where 64 bits take a large function.
pub(super) fn in_pieces(number: u64) -> (u64, u8) {
    let bytes = number.to_be_bytes();
    let (pieces, _) = bytes.as_chunks::<2>();
    let (mut tens, mut left) = (0_u64, 0_u32);
    for piece in pieces {
        let dividend = left << 16 | u32::from(u16::from_be_bytes(*piece));
        let quotient = dividend / 10;
        left = dividend.wrapping_sub(quotient.wrapping_mul(10));
        tens = tens << 16 | u64::from(quotient);
    }
    let [digit, ..] = left.to_le_bytes();
    (tens, digit)
}

/// Prints a finite number without exponent, with the fewest digits that are read as the same number, and gives how many
/// bytes of `buffer` it takes; `None` if that is not enough (327 bytes always are) or the number is not finite.
///
/// ```
/// let mut buffer = [0; 8];
/// let length = dunlin_model::decimal::print(-12.5, &mut buffer);
/// assert_eq!(length.and_then(|length| buffer.get(..length)), Some(&b"-12.5"[..]));
/// ```
pub fn print(number: f64, buffer: &mut [u8]) -> Option<usize> {
    let mut length = 0_usize;
    let printed = print_with(number, Precision::Double, Style::Plain, &mut |digits| {
        let room = buffer.get_mut(length..).unwrap_or_default();
        let Some(room) = room.get_mut(..digits.len()) else {
            return false;
        };
        // Not `copy_from_slice`, whose panic stays in an image that is compiled for size.
        for (place, digit) in room.iter_mut().zip(digits) {
            *place = *digit;
        }
        length = length.saturating_add(digits.len());
        true
    });
    printed.then_some(length)
}

/// Hands out a finite number piece by piece, with the fewest digits that are read as the same number, until `put` gives
/// `false`. Gives whether all was put; `false` also for a number that is not finite.
pub fn print_with(
    number: f64,
    precision: Precision,
    style: Style,
    put: &mut dyn FnMut(&[u8]) -> bool,
) -> bool {
    if !number.is_finite() || number.is_sign_negative() && !put(b"-") {
        return false;
    }
    if order(number, 0.0).is_eq() {
        return put(b"0");
    }
    let number = number.abs();
    let few = match precision {
        Precision::Double if SHORT_WAYS => few_digits(number),
        _ => None,
    };
    let digits = few.unwrap_or_else(|| all_digits(number, precision));
    let point = digits.point;
    if style == Style::Exponent && !(-5..=15).contains(&point) {
        let (first, rest) = digits.as_slice().split_at_checked(1).unwrap_or_default();
        let exponent = i64::from(point).saturating_sub(1);
        return put(first)
            && (rest.is_empty() || put(b".") && put(rest))
            && put(if exponent < 0 { b"e-" } else { b"e" })
            && put(digits_of(exponent.unsigned_abs(), &mut [0; 20]));
    }
    let Ok(whole) = usize::try_from(point) else {
        return put(b"0.")
            && (0..point.unsigned_abs()).all(|_| put(b"0"))
            && put(digits.as_slice());
    };
    match digits.as_slice().split_at_checked(whole) {
        None | Some((_, [])) => {
            put(digits.as_slice()) && (0..whole.saturating_sub(digits.count)).all(|_| put(b"0"))
        }
        Some((whole, fraction)) => {
            put(if whole.is_empty() { b"0" } else { whole }) && put(b".") && put(fraction)
        }
    }
}

/// The digits of a number that has up to 15 of them, at most 22 behind the point.
///
/// A quotient of two whole numbers below 2^53 and 10^22 is rounded once, so that one that is `number` is read as
/// `number`; and no other number of 15 digits is.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    reason = "positive and below 10^15, and compared exactly"
)]
pub(super) fn few_digits(number: f64) -> Option<Digits> {
    for places in 0..=22_u32 {
        let power = power(places);
        let shifted = number * power;
        if shifted >= 1e15 {
            return None;
        }
        let whole = (shifted + 0.5) as u64;
        if whole > 0 && whole as f64 / power == number {
            return Some(Digits::of(
                whole,
                i32::try_from(places).ok()?.saturating_neg(),
            ));
        }
    }
    None
}

/// The digits of any number, by the method of Steele and White, with Dragon4's corrections.
#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
pub(super) fn all_digits(number: f64, precision: Precision) -> Digits {
    let bits = number.to_bits();
    let (fraction, biased) = (
        bits & 0x000f_ffff_ffff_ffff,
        i32::try_from((bits >> 52) & 0x7ff).unwrap_or_default(),
    );
    let (mut mantissa, mut exponent) = match biased {
        0 => (fraction, -1074),
        _ => (fraction | 1 << 52, biased.saturating_sub(1075)),
    };
    let mut least = -1074_i32;
    if precision == Precision::Single {
        // The bits that only a number of 64 bits has are 0.
        least = -149;
        let surplus = least.saturating_sub(exponent).max(29);
        mantissa = mantissa.wrapping_shr(surplus.unsigned_abs());
        exponent = exponent.saturating_add(surplus);
    }
    // The next smaller float is only half as far away.
    let uneven = fraction == 0 && exponent > least;
    let even = mantissa & 1 == 0;

    // `number` is left / unit; what lies within `below` under it and `factor` times that above it is read as the same
    // float.
    let factor = if uneven { 2 } else { 1 };
    let mut words = [[0; WORDS]; 3];
    let mut slices = words.each_mut().map(|words| {
        // 96 bits more than the exponent has: for the mantissa, and a few steps to the left.
        let room = exponent.unsigned_abs() / 32;
        let room = usize::try_from(room).unwrap_or_default().saturating_add(3);
        words.get_mut(..room).unwrap_or_default()
    });
    let [left, unit, below] = &mut slices;
    set(left, mantissa);
    set(unit, 1);
    set(below, 1);
    // Where the point stands, by the logarithm: 78913 / 2^18 is lg 2. It may stand one too far to the right.
    let length = 64_u32.wrapping_sub(mantissa.leading_zeros()).cast_signed();
    let binary = exponent.wrapping_add(length);
    let mut point = (binary.wrapping_mul(78_913) >> 18).wrapping_add(1);
    let (up, down) = (exponent.max(0), exponent.wrapping_neg().max(0));
    let (tens_up, tens_down) = (point.wrapping_neg().max(0), point.max(0));
    for (words, twos, tens) in [
        (&mut *left, up.wrapping_add(factor.into()), tens_up),
        (&mut *below, up, tens_up),
        (&mut *unit, down.wrapping_add(factor.into()), tens_down),
    ] {
        raise(words, 2, twos.unsigned_abs());
        raise(words, 10, tens.unsigned_abs());
    }
    let mut digits = Digits {
        text: [0; 20],
        count: 0,
        point: 0,
    };
    // Seventeen digits tell every float from all others, and one may be a zero in front.
    for _ in 0..18 {
        scale(left, 10, 0);
        scale(below, 10, 0);
        let mut digit = 0_u8;
        while add(left, -1, unit).is_ge() {
            digit = digit.wrapping_add(1);
        }
        add(left, 1, unit);
        // Whether this digit, or the next higher one, is within reach: at the very border if the mantissa is even.
        let border = i8::from(even);
        let low = (add(left, -1, below) as i8) < border;
        add(left, 1, below);
        add(left, factor, below);
        let high = (add(left, -1, unit).reverse() as i8) < border;
        add(left, 1, unit);
        add(left, factor.wrapping_neg(), below);
        if low || high {
            // Both: the nearer one.
            scale(left, 2, 0);
            let up = high && (!low || add(left, -1, unit).is_ge());
            digits.push(digit.wrapping_add(up.into()));
            break;
        }
        if digits.count == 0 && digit == 0 {
            point = point.wrapping_sub(1);
        } else {
            digits.push(digit);
        }
    }
    digits.point = point;
    digits
}
