//! Values and their types: LwM2M Core Appendix C.

use core::fmt;
use core::str::FromStr;

use crate::ObjectLink;

mod convert;

/// A value of a resource or resource instance, borrowed from wherever it lies.
///
/// `Debug` shows no content of opaque values, because keys are opaque values.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    /// No value: an executable resource, or a node that is only named.
    None,
    /// UTF-8 text.
    String(&'a str),
    /// A signed integer.
    Integer(i64),
    /// An unsigned integer.
    Unsigned(u64),
    /// A floating point number.
    Float(f64),
    /// A floating point number that its owner has with 32 bits, or that came in 32 bits: four bytes in TLV, a single in
    /// CBOR. It is equal to the [`Float`](Self::Float) of the same number and is written as that in binary; in text it has
    /// the fewest digits that name it among the numbers of 32 bits: `0.1` where the `Float` has `0.10000000149011612`.
    Single(f32),
    /// True or false.
    Boolean(bool),
    /// Bytes.
    Opaque(&'a [u8]),
    /// Seconds since 1970-01-01T00:00:00Z.
    Time(i64),
    /// A reference to an object instance.
    Objlnk(ObjectLink),
    /// A list of links in CoRE link format.
    Corelnk(&'a str),
}

/// The type of a [`Value`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ValueType {
    /// No value, as an executable resource has it.
    None,
    /// UTF-8 text.
    String,
    /// A signed integer of 64 bits.
    Integer,
    /// An unsigned integer of 64 bits.
    Unsigned,
    /// A floating point number of 64 bits.
    Float,
    /// True or false.
    Boolean,
    /// Bytes.
    Opaque,
    /// Seconds since 1970-01-01T00:00:00Z.
    Time,
    /// A reference to an object instance.
    Objlnk,
    /// A list of links in CoRE link format.
    Corelnk,
}

impl ValueType {
    /// Every type.
    pub const ALL: [Self; 10] = [
        Self::None,
        Self::String,
        Self::Integer,
        Self::Unsigned,
        Self::Float,
        Self::Boolean,
        Self::Opaque,
        Self::Time,
        Self::Objlnk,
        Self::Corelnk,
    ];

    /// Gives the name in lower case: `string`, `integer`, `unsigned`, `float`, `boolean`, `opaque`, `time`, `objlnk`,
    /// `corelnk`, or `none`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::String => "string",
            Self::Integer => "integer",
            Self::Unsigned => "unsigned",
            Self::Float => "float",
            Self::Boolean => "boolean",
            Self::Opaque => "opaque",
            Self::Time => "time",
            Self::Objlnk => "objlnk",
            Self::Corelnk => "corelnk",
        }
    }

    /// Tells whether values of this type are numbers, so that `gt`, `lt` and `st` make sense (LwM2M Core §7.3).
    pub const fn is_numeric(self) -> bool {
        matches!(
            self,
            Self::Integer | Self::Unsigned | Self::Float | Self::Time
        )
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The text names no type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ParseValueTypeError;

impl fmt::Display for ParseValueTypeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a type is string, integer, unsigned, float, boolean, opaque, time, objlnk, corelnk or none",
        )
    }
}

impl core::error::Error for ParseValueTypeError {}

impl FromStr for ValueType {
    type Err = ParseValueTypeError;

    /// Reads what [`ValueType::name`] gives.
    fn from_str(text: &str) -> Result<Self, ParseValueTypeError> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or(ParseValueTypeError)
    }
}

impl Value<'_> {
    /// Tells whether there is no value.
    #[inline]
    pub const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Tells the type.
    pub const fn kind(&self) -> ValueType {
        match self {
            Self::None => ValueType::None,
            Self::String(_) => ValueType::String,
            Self::Integer(_) => ValueType::Integer,
            Self::Unsigned(_) => ValueType::Unsigned,
            Self::Float(_) | Self::Single(_) => ValueType::Float,
            Self::Boolean(_) => ValueType::Boolean,
            Self::Opaque(_) => ValueType::Opaque,
            Self::Time(_) => ValueType::Time,
            Self::Objlnk(_) => ValueType::Objlnk,
            Self::Corelnk(_) => ValueType::Corelnk,
        }
    }
}

impl PartialEq for Value<'_> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        match (self.is_none(), other.is_none()) {
            (false, false) => is_same(self, other),
            (one, other) => one == other,
        }
    }
}

#[expect(clippy::float_cmp, reason = "as the numbers themselves compare")]
fn is_same(one: &Value<'_>, other: &Value<'_>) -> bool {
    match (*one, *other) {
        (Value::String(one), Value::String(other))
        | (Value::Corelnk(one), Value::Corelnk(other)) => one == other,
        (Value::Integer(one), Value::Integer(other)) | (Value::Time(one), Value::Time(other)) => {
            one == other
        }
        (Value::Unsigned(one), Value::Unsigned(other)) => one == other,
        (Value::Boolean(one), Value::Boolean(other)) => one == other,
        (Value::Opaque(one), Value::Opaque(other)) => one == other,
        (Value::Objlnk(one), Value::Objlnk(other)) => one == other,
        (one, other) => match (one.float(), other.float()) {
            (Some(one), Some(other)) => one == other,
            _ => false,
        },
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::String(text) => write!(f, "String({text:?})"),
            Self::Integer(number) => write!(f, "Integer({number})"),
            Self::Unsigned(number) => write!(f, "Unsigned({number})"),
            Self::Float(number) => write!(f, "Float({number:?})"),
            Self::Single(number) => write!(f, "Single({number:?})"),
            Self::Boolean(truth) => write!(f, "Boolean({truth})"),
            Self::Opaque(bytes) => write!(f, "Opaque({} bytes)", bytes.len()),
            Self::Time(seconds) => write!(f, "Time({seconds})"),
            Self::Objlnk(link) => write!(f, "Objlnk({link})"),
            Self::Corelnk(text) => write!(f, "Corelnk({text:?})"),
        }
    }
}

macro_rules! from {
    ($($type:ty => $variant:ident),*) => {$(
        impl<'a> From<$type> for Value<'a> {
            fn from(value: $type) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}

from!(&'a str => String, i64 => Integer, i32 => Integer, u64 => Unsigned, u32 => Unsigned, f64 => Float, f32 => Single,
    bool => Boolean, &'a [u8] => Opaque, ObjectLink => Objlnk);

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::format;

    #[test]
    fn debug_hides_opaque_bytes() {
        assert_eq!(format!("{:?}", Value::Opaque(b"secret")), "Opaque(6 bytes)");
        assert_eq!(format!("{:?}", Value::Float(1.0)), "Float(1.0)");
    }

    #[test]
    fn a_single_is_the_float_of_the_same_number() {
        let single = Value::from(0.1_f32);
        assert_eq!(single.kind(), ValueType::Float);
        assert_eq!(single, Value::Float(0.1_f32.into()));
        assert_eq!(Value::Float(0.1_f32.into()), single);
        assert_ne!(single, Value::Float(0.1));
        assert_ne!(Value::Single(f32::NAN), Value::Single(f32::NAN));
        assert_eq!(Value::Single(2.0).as_i64(), Some(2));
        assert_eq!(Value::Single(0.5).as_f64(), Some(0.5));
        assert_eq!(single.convert(ValueType::Float), Some(single));
        assert_eq!(
            Value::Single(3.0).convert(ValueType::Unsigned),
            Some(Value::Unsigned(3))
        );
    }
}
