//! Floating point numbers of 16 bits, which CBOR has and `core` does not.

/// Widens a half to a single: RFC 8949 Appendix D.
// In whole numbers, since a device has no others in hardware.
pub(crate) fn widen(half: u16) -> f32 {
    let sign = u32::from(half & 0x8000) << 16;
    let exponent = u32::from((half >> 10) & 0x1f);
    let fraction = u32::from(half & 0x03ff);
    f32::from_bits(match (exponent, fraction.checked_ilog2()) {
        (0, None) => sign,
        // The subnormals: fraction × 2^-24, a normal number in a single.
        (0, Some(highest)) => {
            let fraction = fraction.wrapping_shl(23_u32.wrapping_sub(highest)) & 0x007f_ffff;
            sign | highest.wrapping_add(103) << 23 | fraction
        }
        (0x1f, _) => sign | 0x7f80_0000 | (fraction << 13),
        _ => sign | exponent.wrapping_add(112) << 23 | (fraction << 13),
    })
}

/// Narrows a single to a half, if that holds the very number. Every NaN becomes the one quiet NaN.
pub(crate) fn narrow(single: f32) -> Option<u16> {
    if single.is_nan() {
        return Some(0x7e00);
    }
    let bits = single.to_bits();
    let fraction = bits & 0x007f_ffff;
    let half = match (bits >> 23) & 0xff {
        0xff => 0x7c00,
        // 2^-14 and above, up to 65504.
        exponent @ 113..=142 => exponent.wrapping_sub(112) << 10 | fraction >> 13,
        // Subnormals: the number is a multiple of 2^-24.
        exponent @ 103..=112 => {
            (fraction | 0x0080_0000).wrapping_shr(126_u32.wrapping_sub(exponent))
        }
        _ => 0,
    };
    let half = u16::try_from((bits >> 16) & 0x8000 | half).ok()?;
    (widen(half).to_bits() == bits).then_some(half)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_comes_back() {
        for half in 0..=u16::MAX {
            let single = widen(half);
            if single.is_nan() {
                assert_eq!(narrow(single), Some(0x7e00));
            } else {
                assert_eq!(narrow(single), Some(half), "{half:04x}");
            }
        }
    }

    #[test]
    fn widens_as_the_examples_of_the_rfc() {
        for (half, single) in [
            (0x3c00, 1.0),
            (0x7bff, 65504.0),
            (0x0001, 5.960_464_5e-8),
            (0x0400, 0.000_061_035_156),
            (0xc400, -4.0),
            (0x7c00, f32::INFINITY),
        ] {
            assert_eq!(widen(half).to_bits(), single.to_bits());
        }
        assert!(widen(0x7e00).is_nan());
        assert_eq!(widen(0x8000).to_bits(), (-0.0_f32).to_bits());
    }

    #[test]
    fn nothing_is_rounded() {
        for single in [
            0.1,
            65505.0,
            65536.0,
            1e-8,
            1.000_976_6 + f32::EPSILON,
            f32::MIN_POSITIVE,
            f32::MAX,
        ] {
            assert_eq!(narrow(single), None, "{single}");
        }
    }
}
