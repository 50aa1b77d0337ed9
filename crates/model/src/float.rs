//! Floats in whole-number arithmetic, exactly: a device has no other in hardware, and the functions that stand for it take
//! a kilobyte of flash.

use core::cmp::Ordering;

mod width;

pub use width::{Width, double, narrow, widen};

use crate::decimal::{add, raise, set};

/// Enough for the sum of two numbers in units of the least: 2098 bits, and one more.
const WORDS: usize = 66;

/// The order of two numbers, as `<` and `==` have it, with every NaN above or below all that are numbers.
///
/// ```
/// use core::cmp::Ordering;
///
/// assert_eq!(dunlin_model::float::order(-0.5, 0.25), Ordering::Less);
/// assert_eq!(dunlin_model::float::order(-0.0, 0.0), Ordering::Equal);
/// ```
pub fn order(a: f64, b: f64) -> Ordering {
    key(a).cmp(&key(b))
}

/// A whole number for each float, in their order.
#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
const fn key(float: f64) -> i64 {
    let bits = float.to_bits().cast_signed();
    if bits < 0 {
        i64::MIN.wrapping_sub(bits)
    } else {
        bits
    }
}

/// Whether it is no number.
pub const fn is_nan(float: f64) -> bool {
    key(float.abs()) > key(f64::INFINITY)
}

/// How the distance between `a` and `b` compares with `times` × `distance`, which is not negative: without rounding.
///
/// An infinite number is further from all others than any distance, and none of itself; NaN is at no distance.
///
/// ```
/// use core::cmp::Ordering;
///
/// assert_eq!(dunlin_model::float::order_of_distance(21.5, 22.0, 0.25, 2), Ordering::Equal);
/// ```
pub fn order_of_distance(a: f64, b: f64, distance: f64, times: i8) -> Ordering {
    let (far, near) = if key(a.abs()) < key(b.abs()) {
        (b, a)
    } else {
        (a, b)
    };
    if exponent(far) > MAX_EXPONENT {
        return if is_nan(far) || order(far, near).is_eq() {
            Ordering::Less
        } else {
            Ordering::Greater
        };
    }
    if exponent(distance) > MAX_EXPONENT {
        return Ordering::Less;
    }
    let least = exponent(near).min(exponent(distance));
    let mut words = [[0; WORDS]; 3];
    for (words, number) in words.iter_mut().zip([far, near, distance]) {
        let bits = number.to_bits();
        let fraction = bits & 0x000f_ffff_ffff_ffff;
        let is_normal = bits >> 52 & 0x7ff != 0;
        set(words, fraction | u64::from(is_normal) << 52);
        raise(words, 2, exponent(number).wrapping_sub(least).into());
    }
    let [sum, near_words, limit] = &mut words;
    let same = (far.to_bits() ^ near.to_bits()) >> 63 == 0;
    add(sum, if same { -1 } else { 1 }, near_words);
    add(sum, times.wrapping_neg(), limit)
}

/// By how much the last bit of a number is shifted: 1 at least, and more than [`MAX_EXPONENT`] for what is no number.
#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
fn exponent(float: f64) -> u16 {
    let [.., low, high] = float.to_bits().to_le_bytes();
    let exponent = u16::from_le_bytes([low, high]) >> 4 & 0x7ff;
    exponent.max(1)
}

/// Above this it is no number.
const MAX_EXPONENT: u16 = 0x7fe;

#[cfg(test)]
mod tests {
    extern crate std;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_ends() {
        let least = f64::from_bits(1);
        assert_eq!(
            order_of_distance(f64::MAX, -f64::MAX, f64::MAX, 2),
            Ordering::Equal
        );
        assert_eq!(
            order_of_distance(f64::MAX, 0.0, least, 1),
            Ordering::Greater
        );
        assert_eq!(order_of_distance(least, 0.0, least, 1), Ordering::Equal);
        assert_eq!(order_of_distance(least, -least, least, 2), Ordering::Equal);
        assert_eq!(order_of_distance(0.0, -0.0, 0.0, 1), Ordering::Equal);
        assert_eq!(
            order_of_distance(f64::INFINITY, 0.0, f64::MAX, 1),
            Ordering::Greater
        );
        assert_eq!(
            order_of_distance(f64::INFINITY, f64::NEG_INFINITY, 1.0, 1),
            Ordering::Greater
        );
        assert_eq!(
            order_of_distance(f64::INFINITY, f64::INFINITY, 0.5, 1),
            Ordering::Less
        );
        assert_eq!(order_of_distance(f64::NAN, 0.0, 0.5, 1), Ordering::Less);
        assert_eq!(
            order_of_distance(f64::NAN, f64::INFINITY, 0.5, 1),
            Ordering::Less
        );
        assert_eq!(
            order_of_distance(1.0, 2.0, f64::INFINITY, 1),
            Ordering::Less
        );
    }

    proptest! {
        #[test]
        fn as_the_order_of_the_language(a in any::<f64>(), b in any::<f64>()) {
            prop_assert_eq!(Some(order(a, b)), a.partial_cmp(&b));
        }

        /// Among whole numbers that floats hold, and their halves, the language does not round either.
        #[test]
        fn as_whole_numbers(a in -1_i64 << 40..1 << 40, b in -1_i64 << 40..1 << 40, near in -3_i64..4, times in 1..3_i8, scale in -300..300_i32) {
            let distance = a.abs_diff(b).cast_signed() / i64::from(times) + near;
            prop_assume!(distance >= 0);
            let expected = a.abs_diff(b).cmp(&(distance * i64::from(times)).cast_unsigned());
            #[expect(clippy::cast_precision_loss, reason = "they have 41 bits")]
            let [a, b, distance] = [a, b, distance].map(|number| number as f64 * 2_f64.powi(scale));
            prop_assert_eq!(order_of_distance(a, b, distance, times), expected);
        }
    }
}
