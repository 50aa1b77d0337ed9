//! Exact conversions between values.

use super::{Value, ValueType};
use crate::{ObjectLink, float};

impl<'a> Value<'a> {
    pub(crate) fn float(&self) -> Option<f64> {
        match *self {
            Self::Float(number) => Some(number),
            Self::Single(number) => Some(float::double(number)),
            _ => None,
        }
    }

    /// The whole number that this is: whether it is negative, and how large.
    fn whole(&self) -> Option<(bool, u64)> {
        match *self {
            Self::Integer(number) | Self::Time(number) => Some((number < 0, number.unsigned_abs())),
            Self::Unsigned(number) => Some((false, number)),
            _ => whole(self.float()?),
        }
    }

    /// Gives the number of an Integer, Unsigned or Time, or of a Float without fraction, if an `i64` holds it exactly.
    pub fn as_i64(&self) -> Option<i64> {
        let (negative, magnitude) = self.whole()?;
        if negative {
            0_i64.checked_sub_unsigned(magnitude)
        } else {
            i64::try_from(magnitude).ok()
        }
    }

    /// Gives the number of an Integer, Unsigned or Time, or of a Float without fraction, if a `u64` holds it exactly.
    pub fn as_u64(&self) -> Option<u64> {
        let (negative, magnitude) = self.whole()?;
        (!negative).then_some(magnitude)
    }

    /// Gives the number of a Float, or of an Integer, Unsigned or Time that an `f64` holds exactly.
    pub fn as_f64(&self) -> Option<f64> {
        if let Some(number) = self.float() {
            return Some(number);
        }
        let (negative, magnitude) = self.whole()?;
        // The upper 53 bits from the highest that is set, which is implied.
        let free = magnitude.leading_zeros();
        let bits = magnitude.checked_shl(free).unwrap_or_default();
        if bits & 0x7ff != 0 {
            return None;
        }
        let exponent = if bits == 0 {
            0
        } else {
            1085_u32.wrapping_sub(free)
        };
        let sign = u64::from(negative) << 63;
        let bits = (u64::from(exponent) << 52).wrapping_add(bits >> 11);
        Some(f64::from_bits(sign | bits))
    }

    /// Gives the truth of a Boolean.
    pub const fn as_bool(&self) -> Option<bool> {
        match *self {
            Self::Boolean(truth) => Some(truth),
            _ => None,
        }
    }

    /// Gives the text of a String or Corelnk.
    pub const fn as_str(&self) -> Option<&'a str> {
        match *self {
            Self::String(text) | Self::Corelnk(text) => Some(text),
            _ => None,
        }
    }

    /// Gives the bytes of an Opaque.
    pub const fn as_opaque(&self) -> Option<&'a [u8]> {
        match *self {
            Self::Opaque(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Gives the seconds since 1970 of a Time, or of a number that can be one.
    pub fn as_time(&self) -> Option<i64> {
        self.as_i64()
    }

    /// Gives the link of an Objlnk.
    pub const fn as_objlnk(&self) -> Option<ObjectLink> {
        match *self {
            Self::Objlnk(link) => Some(link),
            _ => None,
        }
    }

    /// Gives the same value as the type `kind`, if that type holds it exactly.
    ///
    /// Numbers (Integer, Unsigned, Float, Time) become each other, String and Corelnk become each other, and text of
    /// the form `66:0` becomes an Objlnk. Nothing is rounded and nothing else is guessed.
    ///
    /// ```
    /// use dunlin_model::{Value, ValueType};
    ///
    /// assert_eq!(Value::Float(100.0).convert(ValueType::Integer), Some(Value::Integer(100)));
    /// assert_eq!(Value::Float(22.5).convert(ValueType::Integer), None);
    /// ```
    pub fn convert(self, kind: ValueType) -> Option<Self> {
        if self.kind() == kind {
            return Some(self);
        }
        match kind {
            ValueType::Integer => self.as_i64().map(Self::Integer),
            ValueType::Unsigned => self.as_u64().map(Self::Unsigned),
            ValueType::Float => self.as_f64().map(Self::Float),
            ValueType::Time => self.as_i64().map(Self::Time),
            ValueType::String => self.as_str().map(Self::String),
            ValueType::Corelnk => self.as_str().map(Self::Corelnk),
            ValueType::Objlnk => match self {
                Self::String(text) => text.parse().ok().map(Self::Objlnk),
                _ => None,
            },
            ValueType::None | ValueType::Boolean | ValueType::Opaque => None,
        }
    }
}

/// The whole number that a float is, if it is one below 2^64: whether it is negative, and how large.
// In whole numbers, since a device has no others in hardware.
fn whole(float: f64) -> Option<(bool, u64)> {
    let bits = float.to_bits();
    let fraction = bits & 0x000f_ffff_ffff_ffff;
    let negative = bits >> 63 == 1;
    let exponent = u32::try_from((bits >> 52) & 0x7ff).ok()?;
    if exponent == 0 {
        return (fraction == 0).then_some((false, 0));
    }
    // All its bits, the first before a point that stands this far behind the last of 64.
    let mantissa = (fraction | 1 << 52) << 11;
    let behind = 1086_u32.wrapping_sub(exponent);
    if mantissa.trailing_zeros() < behind {
        return None;
    }
    let magnitude = mantissa.wrapping_shr(behind);
    Some((negative, magnitude))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2^63, the first float above every `i64`.
    const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;
    /// 2^64, the first float above every `u64`.
    const TWO_TO_64: f64 = 18_446_744_073_709_551_616.0;

    #[test]
    fn numbers_convert_when_exact() {
        assert_eq!(Value::Float(-3.0).as_i64(), Some(-3));
        assert_eq!(Value::Float(0.5).as_i64(), None);
        assert_eq!(Value::Float(f64::NAN).as_i64(), None);
        assert_eq!(Value::Float(f64::INFINITY).as_u64(), None);
        assert_eq!(Value::Float(TWO_TO_63).as_i64(), None);
        assert_eq!(Value::Float(-TWO_TO_63).as_i64(), Some(i64::MIN));
        assert_eq!(Value::Float(TWO_TO_63).as_u64(), Some(1 << 63));
        assert_eq!(Value::Float(TWO_TO_64).as_u64(), None);
        assert_eq!(Value::Unsigned(u64::MAX).as_i64(), None);
        assert_eq!(Value::Integer(-1).as_u64(), None);
        assert_eq!(Value::Integer((1 << 53) + 1).as_f64(), None);
        assert_eq!(
            Value::Integer(1 << 53).as_f64(),
            Some(9_007_199_254_740_992.0)
        );
        assert_eq!(Value::Integer(i64::MAX).as_f64(), None);
        assert_eq!(Value::Unsigned(u64::MAX).as_f64(), None);
    }

    #[test]
    fn nothing_is_guessed() {
        assert_eq!(Value::Integer(1).convert(ValueType::Boolean), None);
        assert_eq!(Value::String("1").convert(ValueType::Integer), None);
        assert_eq!(Value::Opaque(b"1").convert(ValueType::String), None);
        assert_eq!(Value::None.convert(ValueType::String), None);
        assert_eq!(
            Value::String("66:0").convert(ValueType::Objlnk),
            Some(Value::Objlnk(ObjectLink::new(66, 0)))
        );
        assert_eq!(
            Value::String("</1>").convert(ValueType::Corelnk),
            Some(Value::Corelnk("</1>"))
        );
    }

    proptest! {
        #[test]
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            clippy::float_cmp,
            reason = "compared exactly on the way back"
        )]
        fn as_the_conversions_of_the_language(bits in any::<u64>(), number in any::<i64>(), shift in 0..64_u32) {
            for float in [f64::from_bits(bits), (number >> shift) as f64, 0.5 * (number >> shift) as f64] {
                let signed = (-TWO_TO_63..TWO_TO_63).contains(&float).then_some(float as i64);
                let signed = signed.filter(|number| *number as f64 == float);
                prop_assert_eq!(Value::Float(float).as_i64(), signed);
                let unsigned = (0.0..TWO_TO_64).contains(&float).then_some(float as u64);
                let unsigned = unsigned.filter(|number| *number as f64 == float);
                prop_assert_eq!(Value::Float(float).as_u64(), unsigned);
            }
            let number = number >> shift;
            let float = number as f64;
            let exact = (-TWO_TO_63..TWO_TO_63).contains(&float) && float as i64 == number;
            prop_assert_eq!(Value::Integer(number).as_f64(), exact.then_some(float));
            let float = bits as f64;
            let exact = float < TWO_TO_64 && float as u64 == bits;
            prop_assert_eq!(Value::Unsigned(bits).as_f64(), exact.then_some(float));
        }

        #[test]
        fn what_converts_comes_back(number in any::<i64>()) {
            let value = Value::Integer(number);
            for kind in [ValueType::Unsigned, ValueType::Float, ValueType::Time] {
                if let Some(other) = value.convert(kind) {
                    prop_assert_eq!(other.convert(ValueType::Integer), Some(value));
                }
            }
        }
    }
}
