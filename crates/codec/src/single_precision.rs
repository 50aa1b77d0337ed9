//! Floating point numbers that 32 bits hold.

/// The same number with 32 bits, if they hold it, and a quiet NaN if they hold its payload.
// In whole numbers, since a device has no others in hardware.
pub(crate) fn narrow(number: f64) -> Option<f32> {
    let bits = number.to_bits();
    let (exponent, fraction) = ((bits >> 52) & 0x7ff, bits & 0x000f_ffff_ffff_ffff);
    let (exponent, significand, surplus) = match exponent {
        0 | 0x7ff if fraction == 0 => (exponent & 0xff, 0, 0_u64),
        0x7ff if fraction >> 51 == 1 => (0xff, fraction, 29),
        897..=1150 => (exponent.wrapping_sub(896), fraction, 29),
        // What is normal in 64 bits and subnormal in 32.
        874..=896 => (0, fraction | 1 << 52, 926_u64.wrapping_sub(exponent)),
        _ => return None,
    };
    let surplus = u32::try_from(surplus).ok()?;
    if significand.trailing_zeros() < surplus {
        return None;
    }
    let single = (bits >> 63) << 31 | exponent << 23 | significand.wrapping_shr(surplus);
    Some(f32::from_bits(u32::try_from(single).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
        assert_eq!(narrow(number).map(f32::to_bits), expected, "{number}");
    }

    #[test]
    fn a_quiet_nan_stays_one() {
        for sign in [0, 1 << 63] {
            let nan = |fraction: u64| f64::from_bits(sign | 0x7ff << 52 | fraction);
            let narrowed = narrow(nan(1 << 51)).map(f32::to_bits);
            assert_eq!(
                narrowed,
                Some(u32::try_from(sign >> 32).unwrap() | 0x7fc0_0000)
            );
            assert_eq!(narrow(nan(1 << 51 | 1)), None);
            assert_eq!(narrow(nan(1 << 50)), None);
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
        fn what_the_conversion_of_the_language_holds(bits in any::<u64>(), single in any::<u32>()) {
            check(f64::from_bits(bits));
            check(f32::from_bits(single).into());
        }
    }
}
