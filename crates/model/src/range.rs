//! Ranges of values, as the registry's `RangeEnumeration` gives them.

use core::fmt;

use crate::decimal::Decimal;
use crate::float::{is_nan, order};
use crate::{Static, Storage, Value, ValueType};

#[cfg(feature = "alloc")]
mod parse;

#[cfg(feature = "alloc")]
pub use parse::ParseRangeError;

/// Which values a resource may have.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Range<S: Storage = Static> {
    /// Every value of its type.
    #[default]
    Any,
    /// Whole numbers from the first to the second, both included.
    Integer(i64, i64),
    /// Whole numbers in one of these ranges, both ends included; a single number is a range of itself.
    Integers(S::List<(i64, i64)>),
    /// Numbers from the first to the second, both included.
    Float(f64, f64),
    /// Text or bytes whose length in bytes lies between the two, both included.
    Length(u32, u32),
    /// Text or bytes with one of these lengths in bytes.
    Lengths(S::List<u32>),
}

impl Copy for Range {}

impl Range {
    /// Makes [`Range::Integers`] of constants.
    pub const fn integers(ranges: &'static [(i64, i64)]) -> Self {
        Self::Integers(ranges)
    }

    /// Makes [`Range::Lengths`] of constants.
    pub const fn lengths(lengths: &'static [u32]) -> Self {
        Self::Lengths(lengths)
    }
}

impl<S: Storage> Range<S> {
    /// Tells whether `value` lies in the range. A value of a type that the range does not speak of does not.
    pub fn contains(&self, value: &Value<'_>) -> bool {
        match self {
            Self::Any => true,
            Self::Integer(min, max) => value
                .as_i64()
                .is_some_and(|number| (*min..=*max).contains(&number)),
            Self::Integers(ranges) => value.as_i64().is_some_and(|number| {
                ranges
                    .iter()
                    .any(|(min, max)| (*min..=*max).contains(&number))
            }),
            Self::Float(min, max) => value.as_f64().is_some_and(|number| {
                let is_number = !is_nan(number);
                is_number && order(*min, number).is_le() && order(number, *max).is_le()
            }),
            Self::Length(min, max) => {
                length(value).is_some_and(|length| (*min..=*max).contains(&length))
            }
            Self::Lengths(lengths) => length(value).is_some_and(|length| lengths.contains(&length)),
        }
    }

    /// Tells whether the range speaks of values of type `kind` and holds any: whole numbers for Integer, Unsigned
    /// Integer and Time, numbers for Float, lengths for String, Opaque and Corelnk.
    pub fn suits(&self, kind: ValueType) -> bool {
        let whole = matches!(
            kind,
            ValueType::Integer | ValueType::Unsigned | ValueType::Time
        );
        let long = matches!(
            kind,
            ValueType::String | ValueType::Opaque | ValueType::Corelnk
        );
        match self {
            Self::Any => true,
            Self::Integer(min, max) => whole && min <= max,
            Self::Integers(ranges) => {
                whole && !ranges.is_empty() && ranges.iter().all(|(min, max)| min <= max)
            }
            Self::Float(min, max) => kind == ValueType::Float && min <= max,
            Self::Length(min, max) => long && min <= max,
            Self::Lengths(lengths) => long && !lengths.is_empty(),
        }
    }
}

impl<S: Storage> fmt::Display for Range<S> {
    /// As the registry writes it: `0..100`, `0..247,255`, `16,32,48`; nothing for every value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn list<T>(
            f: &mut fmt::Formatter<'_>,
            items: &[T],
            each: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
        ) -> fmt::Result {
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    f.write_str(",")?;
                }
                each(f, item)?;
            }
            Ok(())
        }
        match self {
            Self::Any => Ok(()),
            Self::Integer(min, max) => write!(f, "{min}..{max}"),
            Self::Integers(ranges) => list(f, ranges, |f, (min, max)| {
                if min == max {
                    write!(f, "{min}")
                } else {
                    write!(f, "{min}..{max}")
                }
            }),
            Self::Float(min, max) => write!(f, "{}..{}", Decimal(*min), Decimal(*max)),
            Self::Length(min, max) => write!(f, "{min}..{max}"),
            Self::Lengths(lengths) => list(f, lengths, |f, length| write!(f, "{length}")),
        }
    }
}

fn length(value: &Value<'_>) -> Option<u32> {
    let length = match value {
        Value::String(text) | Value::Corelnk(text) => text.len(),
        Value::Opaque(bytes) => bytes.len(),
        _ => return None,
    };
    u32::try_from(length).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_inside() {
        let range: Range = Range::Integer(0, 100);
        assert!(range.contains(&Value::Integer(0)) && range.contains(&Value::Unsigned(100)));
        assert!(!range.contains(&Value::Integer(-1)) && !range.contains(&Value::Integer(101)));
        assert!(!range.contains(&Value::String("5")));
        let range: Range = Range::Float(0.0, 1.0);
        assert!(range.contains(&Value::Float(1.0)) && !range.contains(&Value::Float(1.1)));
        assert!(!range.contains(&Value::Float(f64::NAN)));
        let range = Range::integers(&[(0, 3), (99, 99)]);
        assert!(range.contains(&Value::Integer(3)) && range.contains(&Value::Integer(99)));
        assert!(!range.contains(&Value::Integer(4)) && !range.contains(&Value::Integer(100)));
    }

    #[test]
    fn lengths_count_bytes() {
        let range: Range = Range::Length(0, 3);
        assert!(range.contains(&Value::String("abc")));
        assert!(!range.contains(&Value::String("aü€")));
        let range = Range::lengths(&[16, 32]);
        assert!(range.contains(&Value::Opaque(&[0; 32])));
        assert!(!range.contains(&Value::Opaque(&[0; 20])));
        assert!(Range::<Static>::Any.contains(&Value::None));
    }

    #[test]
    fn ranges_suit_types() {
        let range: Range = Range::Integer(0, 3);
        assert!(range.suits(ValueType::Unsigned) && !range.suits(ValueType::Float));
        let range: Range = Range::Length(0, 3);
        assert!(range.suits(ValueType::Corelnk) && !range.suits(ValueType::Boolean));
        assert!(!Range::<Static>::Integer(1, 0).suits(ValueType::Integer));
        assert!(!Range::lengths(&[]).suits(ValueType::Opaque));
    }
}
