//! Floats of 16 and 32 bits as those of 64, and back.

/// How many bits a shorter float has for its fraction and for its exponent: IEEE 754-2019 §3.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Width {
    fraction: u32,
    exponent: u32,
}

impl Width {
    /// 16 bits.
    pub const HALF: Self = Self {
        fraction: 10,
        exponent: 5,
    };
    /// 32 bits.
    pub const SINGLE: Self = Self {
        fraction: 23,
        exponent: 8,
    };

    /// The exponent of what is no number.
    const fn ones(self) -> u32 {
        1_u32.wrapping_shl(self.exponent).wrapping_sub(1)
    }

    /// By how much the exponent of the same number with 64 bits is larger.
    const fn bias(self) -> u32 {
        1023_u32.wrapping_sub(self.ones() >> 1)
    }
}

/// The fraction of 64 bits.
const FRACTION: u64 = (1 << 52) - 1;

/// The number whose bits are the lowest of `bits`.
///
/// ```
/// use dunlin_model::float::{Width, widen};
///
/// assert_eq!(widen(0xc400, Width::HALF), -4.0);
/// ```
#[cfg_attr(target_pointer_width = "64", inline)]
#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
pub fn widen(bits: u32, width: Width) -> f64 {
    let (mut exponent, ones) = (
        bits.wrapping_shr(width.fraction) & width.ones(),
        width.ones(),
    );
    let mut fraction = u64::from(bits).wrapping_shl(52_u32.wrapping_sub(width.fraction)) & FRACTION;
    if exponent == ones {
        exponent = 0x7ff;
    } else if exponent > 0 {
        exponent = exponent.wrapping_add(width.bias());
    } else if fraction > 0 {
        // What is subnormal there is normal here.
        exponent = width.bias().wrapping_add(1);
        while fraction <= FRACTION {
            fraction <<= 1;
            exponent = exponent.wrapping_sub(1);
        }
    }
    let sign = bits.wrapping_shr(width.fraction.wrapping_add(width.exponent)) & 1;
    f64::from_bits(u64::from(sign << 11 | exponent) << 52 | fraction & FRACTION)
}

/// The bits of the same number with fewer of them, if they hold it, and of a quiet NaN, if they hold its payload.
///
/// ```
/// use dunlin_model::float::{Width, narrow};
///
/// assert_eq!(narrow(-4.0, Width::HALF), Some(0xc400));
/// assert_eq!(narrow(0.1, Width::SINGLE), None);
/// ```
#[cfg_attr(target_pointer_width = "64", inline)]
#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
#[expect(
    clippy::cast_possible_truncation,
    reason = "no more bits are left than the width has"
)]
pub fn narrow(number: f64, width: Width) -> Option<u32> {
    let bits = number.to_bits();
    let (mut exponent, mut significand) = ((bits >> 52) as u32 & 0x7ff, bits & FRACTION);
    let (ones, bias) = (width.ones(), width.bias());
    let mut surplus = 52_u32.wrapping_sub(width.fraction);
    if exponent == 0x7ff {
        if significand != 0 && significand >> 51 == 0 {
            return None;
        }
        exponent = ones;
    } else if exponent > bias {
        exponent = exponent.wrapping_sub(bias);
        if exponent >= ones {
            return None;
        }
    } else if exponent | significand as u32 | (significand >> 32) as u32 != 0 {
        // A multiple of the least number there.
        significand |= 1 << 52;
        surplus = surplus.wrapping_add(bias.wrapping_add(1).wrapping_sub(exponent));
        exponent = 0;
    }
    if significand.trailing_zeros() < surplus {
        return None;
    }
    let sign = (bits >> 63) as u32;
    let head = sign.wrapping_shl(width.exponent) | exponent;
    Some(head.wrapping_shl(width.fraction) | significand.wrapping_shr(surplus) as u32)
}

/// The same number with 64 bits.
#[inline]
pub fn double(single: f32) -> f64 {
    // Where floats are in hardware, this is one instruction.
    if cfg!(target_pointer_width = "64") {
        f64::from(single)
    } else {
        widen(single.to_bits(), Width::SINGLE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_half_comes_back() {
        for half in 0..=u32::from(u16::MAX) {
            let number = widen(half, Width::HALF);
            // Of a NaN that is not quiet there is none that is.
            let expected = (!number.is_nan() || half & 0x0200 != 0).then_some(half);
            assert_eq!(narrow(number, Width::HALF), expected, "{half:04x}");
        }
    }

    #[test]
    fn widens_as_the_examples_of_the_rfc() {
        // RFC 8949 Appendix A.
        for (half, number) in [
            (0x3c00, 1.0),
            (0x7bff, 65504.0),
            (0x0001, 5.960_464_477_539_063e-8),
            (0x0400, 0.000_061_035_156_25),
            (0xc400, -4.0),
            (0x7c00, f64::INFINITY),
            (0x8000, -0.0),
        ] {
            assert_eq!(widen(half, Width::HALF).to_bits(), f64::to_bits(number));
        }
        assert!(widen(0x7e00, Width::HALF).is_nan());
    }

    #[test]
    fn no_half_is_rounded() {
        for number in [0.1, 65505.0, 65536.0, 1e-8, 1.000_976_7, f64::MAX, 5e-324] {
            assert_eq!(narrow(number, Width::HALF), None, "{number}");
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "compared bit by bit on the way back"
    )]
    fn check(number: f64) {
        // What becomes of the payload of a NaN is not promised.
        if number.is_nan() {
            return;
        }
        let single = number as f32;
        let holds = f64::from(single).to_bits() == number.to_bits();
        let expected = holds.then_some(single.to_bits());
        assert_eq!(narrow(number, Width::SINGLE), expected, "{number}");
    }

    #[test]
    fn a_quiet_nan_stays_one() {
        for sign in [0, 1 << 63] {
            let nan = |fraction: u64| f64::from_bits(sign | 0x7ff << 52 | fraction);
            let narrowed = |fraction| narrow(nan(fraction), Width::SINGLE);
            let head = u32::try_from(sign >> 32).unwrap();
            assert_eq!(narrowed(1 << 51), Some(head | 0x7fc0_0000));
            assert_eq!(narrowed(1 << 51 | 1), None);
            assert_eq!(narrowed(1 << 50), None);
        }
    }

    #[test]
    fn the_ends_of_the_ranges() {
        for exponent in 0..2048_u64 {
            for fraction in [
                0,
                1,
                1 << 28,
                1 << 29,
                1 << 30,
                1 << 51,
                (1 << 52) - 1,
                (1 << 52) - (1 << 29),
            ] {
                let bits = exponent << 52 | fraction;
                check(f64::from_bits(bits));
                check(f64::from_bits(bits | 1 << 63));
            }
        }
    }

    proptest! {
        #[test]
        fn as_the_conversions_of_the_language(bits in any::<u64>(), single in any::<u32>()) {
            check(f64::from_bits(bits));
            let number = f64::from(f32::from_bits(single));
            check(number);
            let widened = widen(single, Width::SINGLE);
            prop_assert!(widened.to_bits() == number.to_bits() || widened.is_nan() && number.is_nan());
        }
    }
}
