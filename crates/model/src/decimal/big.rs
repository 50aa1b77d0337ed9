//! Long arithmetic, as little as the conversions need.
//!
//! A number is a slice of words, the lowest first, which the caller has made long enough for all that is to come; with
//! two operations alone the code is small enough for a device, and as fast as with a dozen.

use core::cmp::Ordering;

/// The lower and the upper half.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the upper half is cut off, and given by itself"
)]
const fn split(wide: u64) -> (u32, u32) {
    (wide as u32, (wide >> 32) as u32)
}

/// Sets the two lowest words.
pub(crate) fn set(words: &mut [u32], number: u64) {
    let (low, high) = split(number);
    for (word, part) in words.iter_mut().zip([low, high]) {
        *word = part;
    }
}

/// Multiplies with `factor` and adds `addend`.
pub(super) fn scale(words: &mut [u32], factor: u32, addend: u32) {
    let mut carry = addend;
    for word in words {
        (*word, carry) = word.carrying_mul(factor, carry);
    }
}

/// Multiplies with `base`, 2 or 10, `times` times.
pub(crate) fn raise(words: &mut [u32], base: u32, times: u32) {
    let mut factor = 1_u32;
    for _ in 0..times {
        factor = factor.wrapping_mul(base);
        if factor >= 1 << 28 {
            scale(words, factor, 0);
            factor = 1;
        }
    }
    scale(words, factor, 0);
}

/// Adds `times` × `other`, and gives how the outcome compares with 0. From one below 0 the same has to be taken away
/// again.
pub(crate) fn add(words: &mut [u32], times: i8, other: &[u32]) -> Ordering {
    let (mut carry, mut any) = (0_i64, 0);
    for (word, other) in words.iter_mut().zip(other) {
        let product = i64::from(*other).wrapping_mul(times.into());
        let sum = carry.wrapping_add(product).wrapping_add(i64::from(*word));
        (*word, _) = split(sum.cast_unsigned());
        any |= *word;
        carry = sum >> 32;
    }
    if carry < 0 {
        Ordering::Less
    } else {
        any.cmp(&0)
    }
}

/// How many bits the number has.
pub(super) fn bits(words: &[u32]) -> i32 {
    let mut bits = 0_i32;
    let mut below = 0_i32;
    for word in words {
        if *word != 0 {
            let free = word.leading_zeros().cast_signed();
            bits = below.wrapping_add(32).wrapping_sub(free);
        }
        below = below.wrapping_add(32);
    }
    bits
}
