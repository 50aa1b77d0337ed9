//! Ranges of values, as the registry's `RangeEnumeration` gives them.

use crate::Value;

/// Which values a resource may have.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Range {
    /// Every value of its type.
    #[default]
    Any,
    /// Whole numbers from the first to the second, both included.
    Integer(i64, i64),
    /// Numbers from the first to the second, both included.
    Float(f64, f64),
    /// Text or bytes whose length in bytes lies between the two, both included.
    Length(u32, u32),
    /// Text or bytes with one of these lengths in bytes.
    Lengths(&'static [u32]),
}

impl Range {
    /// Tells whether `value` lies in the range. A value of a type that the range does not speak of does not.
    pub fn contains(&self, value: &Value<'_>) -> bool {
        match *self {
            Self::Any => true,
            Self::Integer(min, max) => value
                .as_i64()
                .is_some_and(|number| (min..=max).contains(&number)),
            Self::Float(min, max) => value
                .as_f64()
                .is_some_and(|number| (min..=max).contains(&number)),
            Self::Length(min, max) => {
                length(value).is_some_and(|length| (min..=max).contains(&length))
            }
            Self::Lengths(lengths) => length(value).is_some_and(|length| lengths.contains(&length)),
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
        let range = Range::Integer(0, 100);
        assert!(range.contains(&Value::Integer(0)) && range.contains(&Value::Unsigned(100)));
        assert!(!range.contains(&Value::Integer(-1)) && !range.contains(&Value::Integer(101)));
        assert!(!range.contains(&Value::String("5")));
        let range = Range::Float(0.0, 1.0);
        assert!(range.contains(&Value::Float(1.0)) && !range.contains(&Value::Float(1.1)));
        assert!(!range.contains(&Value::Float(f64::NAN)));
    }

    #[test]
    fn lengths_count_bytes() {
        assert!(Range::Length(0, 3).contains(&Value::String("abc")));
        assert!(!Range::Length(0, 3).contains(&Value::String("aü€")));
        assert!(Range::Lengths(&[16, 32]).contains(&Value::Opaque(&[0; 32])));
        assert!(!Range::Lengths(&[16, 32]).contains(&Value::Opaque(&[0; 20])));
        assert!(Range::Any.contains(&Value::None));
    }
}
