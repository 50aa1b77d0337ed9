//! Exact conversions between values.

use super::{Value, ValueType};
use crate::ObjectLink;

/// 2^63, the first float above every `i64`.
const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;
/// 2^64, the first float above every `u64`.
const TWO_TO_64: f64 = 18_446_744_073_709_551_616.0;

impl<'a> Value<'a> {
    pub(super) fn float(&self) -> Option<f64> {
        match *self {
            Self::Float(number) => Some(number),
            Self::Single(number) => Some(number.into()),
            _ => None,
        }
    }

    /// Gives the number of an Integer, Unsigned or Time, or of a Float without fraction, if an `i64` holds it exactly.
    pub fn as_i64(&self) -> Option<i64> {
        match *self {
            Self::Integer(number) | Self::Time(number) => Some(number),
            Self::Unsigned(number) => i64::try_from(number).ok(),
            _ => self.float().and_then(float_to_i64),
        }
    }

    /// Gives the number of an Integer, Unsigned or Time, or of a Float without fraction, if a `u64` holds it exactly.
    pub fn as_u64(&self) -> Option<u64> {
        match *self {
            Self::Integer(number) | Self::Time(number) => u64::try_from(number).ok(),
            Self::Unsigned(number) => Some(number),
            _ => self.float().and_then(float_to_u64),
        }
    }

    /// Gives the number of a Float, or of an Integer, Unsigned or Time that an `f64` holds exactly.
    #[expect(
        clippy::cast_precision_loss,
        reason = "the way back tells whether anything was lost"
    )]
    pub fn as_f64(&self) -> Option<f64> {
        match *self {
            Self::Integer(number) | Self::Time(number) => {
                let float = number as f64;
                (float_to_i64(float) == Some(number)).then_some(float)
            }
            Self::Unsigned(number) => {
                let float = number as f64;
                (float_to_u64(float) == Some(number)).then_some(float)
            }
            _ => self.float(),
        }
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

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "in range, and compared exactly on the way back"
)]
fn float_to_i64(float: f64) -> Option<i64> {
    if !(-TWO_TO_63..TWO_TO_63).contains(&float) {
        return None;
    }
    let number = float as i64;
    (number as f64 == float).then_some(number)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "in range, and compared exactly on the way back"
)]
fn float_to_u64(float: f64) -> Option<u64> {
    if !(0.0..TWO_TO_64).contains(&float) {
        return None;
    }
    let number = float as u64;
    (number as f64 == float).then_some(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
