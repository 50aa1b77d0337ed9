//! From numbers to digits.

use super::big::Big;
use super::parse::power;
use crate::EncodeError;
use crate::short::Short;
use crate::writer::Writer;

/// Enough for the least float times the power of ten that makes it a number from 1 to 10: 1132 bits.
const WORDS: usize = 40;

/// How very large and very small numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// With all their zeros.
    Plain,
    /// With an exponent.
    Exponent,
}

/// The fewest digits that are read as the same float, and where the point stands: 0.`digits` × 10^`point`.
#[derive(Debug)]
struct Digits {
    text: [u8; 20],
    count: usize,
    point: i32,
}

impl Digits {
    fn push(&mut self, digit: u8) {
        if let Some(place) = self.text.get_mut(self.count) {
            *place = b'0' | digit;
            self.count = self.count.saturating_add(1);
        }
    }

    fn as_slice(&self) -> &[u8] {
        self.text.get(..self.count).unwrap_or_default()
    }

    /// The digits of `number` × 10^`exponent`.
    fn of(number: u64, exponent: i32) -> Self {
        let mut buffer = [0; 20];
        let all = decimal(number, &mut buffer);
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

/// Prints `number` to the end of `buffer`.
fn decimal(mut number: u64, buffer: &mut [u8; 20]) -> &[u8] {
    let mut first = 0;
    for (place, byte) in buffer.iter_mut().enumerate().rev() {
        let tens = number / 10;
        let [digit, ..] = number.wrapping_sub(tens.wrapping_mul(10)).to_le_bytes();
        *byte = b'0' | digit;
        (first, number) = (place, tens);
        if tens == 0 {
            break;
        }
    }
    buffer.get(first..).unwrap_or_default()
}

/// Writes a natural number.
#[inline]
pub(crate) fn put_unsigned(writer: &mut Writer<'_>, number: u64) -> Result<(), EncodeError> {
    match u16::try_from(number) {
        Ok(number) => Short::EMPTY.decimal(number).put(writer),
        Err(_) => writer.put(decimal(number, &mut [0; 20])),
    }
}

/// Writes a whole number.
#[inline]
pub(crate) fn put_integer(writer: &mut Writer<'_>, number: i64) -> Result<(), EncodeError> {
    if number < 0 {
        writer.put(b"-")?;
    }
    put_unsigned(writer, number.unsigned_abs())
}

/// Writes the fewest digits that are read as the same number. Numbers that are none cannot be written.
pub(crate) fn put_float(
    writer: &mut Writer<'_>,
    number: f64,
    style: Style,
) -> Result<(), EncodeError> {
    if !number.is_finite() {
        return Err(EncodeError::NotRepresentable);
    }
    if number.is_sign_negative() {
        writer.put(b"-")?;
    }
    let number = number.abs();
    if number == 0.0 {
        return writer.put(b"0");
    }
    let digits = match few_digits(number) {
        Some(digits) => digits,
        None => all_digits(number),
    };
    if style == Style::Exponent && !(-5..=15).contains(&digits.point) {
        let (first, rest) = digits.as_slice().split_at_checked(1).unwrap_or_default();
        writer.put(first)?;
        if !rest.is_empty() {
            writer.put(b".")?;
            writer.put(rest)?;
        }
        writer.put(b"e")?;
        return put_integer(writer, i64::from(digits.point).saturating_sub(1));
    }
    let zeros = |writer: &mut Writer<'_>, count: u32| (0..count).try_for_each(|_| writer.put(b"0"));
    let Ok(whole) = usize::try_from(digits.point) else {
        writer.put(b"0.")?;
        zeros(writer, digits.point.unsigned_abs())?;
        return writer.put(digits.as_slice());
    };
    match digits.as_slice().split_at_checked(whole) {
        None | Some((_, [])) => {
            writer.put(digits.as_slice())?;
            zeros(
                writer,
                u32::try_from(whole.saturating_sub(digits.count)).unwrap_or_default(),
            )
        }
        Some((whole, fraction)) => {
            writer.put(if whole.is_empty() { b"0" } else { whole })?;
            writer.put(b".")?;
            writer.put(fraction)
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
fn few_digits(number: f64) -> Option<Digits> {
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
fn all_digits(number: f64) -> Digits {
    let bits = number.to_bits();
    let (fraction, biased) = (
        bits & 0x000f_ffff_ffff_ffff,
        i32::try_from((bits >> 52) & 0x7ff).unwrap_or_default(),
    );
    let (mantissa, exponent) = match biased {
        0 => (fraction, -1074),
        _ => (fraction | 1 << 52, biased.saturating_sub(1075)),
    };
    // The next smaller float is only half as far away.
    let uneven = fraction == 0 && biased > 1;
    let even = mantissa & 1 == 0;

    // `number` is left / unit; what lies within `below` and `above` of it is read as the same float.
    let mut words = [[0; WORDS]; 5];
    let [left, unit, below, sum, above] = &mut words;
    let mut left = Big::new(left, mantissa);
    let mut unit = Big::new(unit, 1);
    let mut below = Big::new(below, 1);
    let mut sum = Big::new(sum, 0);
    let mut above = Big::new(above, 0);
    let extra = 1_u32.saturating_add(uneven.into());
    left.shift(extra);
    unit.shift(extra);
    if exponent >= 0 {
        left.shift(exponent.unsigned_abs());
        below.shift(exponent.unsigned_abs());
    } else {
        unit.shift(exponent.unsigned_abs());
    }
    // Its logarithm, or one less: 1233 / 4096 is a little below lg 2.
    let length = 64_u32.saturating_sub(mantissa.leading_zeros());
    let binary = exponent.saturating_add(i32::try_from(length).unwrap_or_default());
    let mut point = (binary.saturating_sub(1)).saturating_mul(1233) >> 12;
    if point >= 0 {
        unit.scale_by_power(point.unsigned_abs());
    } else {
        left.scale_by_power(point.unsigned_abs());
        below.scale_by_power(point.unsigned_abs());
    }
    // Whether the next higher digit is within reach.
    let mut reaches = |left: &Big<'_>, below: &Big<'_>, unit: &Big<'_>| {
        above.set(below);
        if uneven {
            above.scale(2, 0);
        }
        above.add(left);
        let order = above.compare(unit);
        order.is_gt() || even && order.is_eq()
    };
    while reaches(&left, &below, &unit) {
        unit.scale(10, 0);
        point = point.saturating_add(1);
    }
    let mut digits = Digits {
        text: [0; 20],
        count: 0,
        point,
    };
    // Seventeen digits tell every float from all others.
    for _ in 0..18 {
        left.scale(10, 0);
        below.scale(10, 0);
        let mut digit = 0_u8;
        while left.compare(&unit).is_ge() {
            left.subtract(&unit);
            digit = digit.wrapping_add(1);
        }
        let order = left.compare(&below);
        let low = order.is_lt() || even && order.is_eq();
        let high = reaches(&left, &below, &unit);
        if low || high {
            // Both: the nearer one.
            sum.set(&left);
            sum.scale(2, 0);
            let up = high && (!low || sum.compare(&unit).is_ge());
            digits.push(digit.wrapping_add(up.into()));
            break;
        }
        digits.push(digit);
    }
    digits
}
