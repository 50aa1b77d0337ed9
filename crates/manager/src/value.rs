//! Values and records that own their bytes.

use core::convert::Infallible;
use core::fmt;
use core::ops::Deref;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use dunlin_model::{ObjectLink, Path, Value, ValueType};
use serde::{Deserialize, Serialize};

mod serialize;

pub(crate) use serialize::as_text;
use serialize::{as_base64, as_float, as_single, from_base64, from_float};

/// A value of a resource that owns its bytes: [`Value`] for keeping.
///
/// As JSON it is an object of `type` and `value`; opaque values are base64 with padding, object links `"object:instance"`,
/// floats that no number names `"NaN"`, `"Infinity"` and `"-Infinity"`. It is read as it is written, and what is not of its
/// type is an error; a [`Single`](Self::Single) comes back as the [`Float`](Self::Float) that was written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(
    tag = "type",
    content = "value",
    rename_all = "lowercase",
    deny_unknown_fields
)]
pub enum OwnedValue {
    /// No value: an object instance without resources.
    None,
    /// UTF-8 text.
    String(String),
    /// A signed number.
    Integer(i64),
    /// An unsigned number.
    Unsigned(u64),
    /// A floating point number.
    Float(#[serde(serialize_with = "as_float", deserialize_with = "from_float")] f64),
    /// A floating point number that came, or is to go, in 32 bits: equal to the `Float` of the same number, and shown with
    /// the fewest digits that name it among the numbers of 32 bits, `0.1` and not `0.10000000149011612`.
    #[serde(rename = "float", skip_deserializing)]
    Single(#[serde(serialize_with = "as_single")] f32),
    /// True or false.
    Boolean(bool),
    /// Bytes.
    Opaque(#[serde(serialize_with = "as_base64", deserialize_with = "from_base64")] Vec<u8>),
    /// Seconds since 1970-01-01T00:00:00Z.
    Time(i64),
    /// A link to an object instance.
    Objlnk(ObjectLink),
    /// Links in CoRE link format.
    Corelnk(String),
}

impl OwnedValue {
    /// The same value, borrowed.
    pub fn as_value(&self) -> Value<'_> {
        match self {
            Self::None => Value::None,
            Self::String(text) => Value::String(text),
            Self::Integer(number) => Value::Integer(*number),
            Self::Unsigned(number) => Value::Unsigned(*number),
            Self::Float(number) => Value::Float(*number),
            Self::Single(number) => Value::Single(*number),
            Self::Boolean(truth) => Value::Boolean(*truth),
            Self::Opaque(bytes) => Value::Opaque(bytes),
            Self::Time(seconds) => Value::Time(*seconds),
            Self::Objlnk(link) => Value::Objlnk(*link),
            Self::Corelnk(links) => Value::Corelnk(links),
        }
    }

    /// The type of the value.
    pub fn kind(&self) -> ValueType {
        self.as_value().kind()
    }

    /// The value as a signed number: integers and times, and floats without a fraction.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Integer(number) | Self::Time(number) => Some(*number),
            Self::Unsigned(number) => i64::try_from(*number).ok(),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "only whole numbers within the exact range get here"
            )]
            Self::Float(number)
                if number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0 =>
            {
                Some(*number as i64)
            }
            Self::Single(number) => Self::Float(f64::from(*number)).as_i64(),
            _ => None,
        }
    }

    /// The value as an unsigned number, where it is one.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Unsigned(number) => Some(*number),
            other => u64::try_from(other.as_i64()?).ok(),
        }
    }

    /// The value as a floating point number: all number types.
    pub fn as_f64(&self) -> Option<f64> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "the nearest float is what is asked for"
        )]
        match self {
            Self::Float(number) => Some(*number),
            Self::Single(number) => Some(f64::from(*number)),
            Self::Integer(number) | Self::Time(number) => Some(*number as f64),
            Self::Unsigned(number) => Some(*number as f64),
            _ => None,
        }
    }

    /// The truth value.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Boolean(truth) => Some(*truth),
            Self::Integer(0) | Self::Unsigned(0) => Some(false),
            Self::Integer(1) | Self::Unsigned(1) => Some(true),
            _ => None,
        }
    }

    /// The text of a String or Corelnk.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) | Self::Corelnk(text) => Some(text),
            _ => None,
        }
    }

    /// The bytes of an Opaque.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Opaque(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The object link.
    pub fn as_link(&self) -> Option<ObjectLink> {
        match self {
            Self::Objlnk(link) => Some(*link),
            _ => None,
        }
    }

    /// The same value as type `kind`, where that loses nothing: a caller's `21` fits a Float, its text an Objlnk.
    pub(crate) fn coerced(self, kind: ValueType) -> Result<Self, Self> {
        if self.kind() == kind {
            return Ok(self);
        }
        let coerced = match kind {
            ValueType::Integer => self.as_i64().map(Self::Integer),
            ValueType::Unsigned => self.as_u64().map(Self::Unsigned),
            ValueType::Float => self.as_f64().map(Self::Float),
            ValueType::Boolean => self.as_bool().map(Self::Boolean),
            ValueType::Time => self.as_i64().map(Self::Time),
            ValueType::Objlnk => self
                .as_str()
                .and_then(|text| text.parse().ok())
                .map(Self::Objlnk),
            ValueType::Corelnk => self.as_str().map(|text| Self::Corelnk(text.to_owned())),
            ValueType::String => self.as_str().map(|text| Self::String(text.to_owned())),
            _ => None,
        };
        coerced.ok_or(self)
    }

    /// About how many bytes the value holds beyond its own size.
    pub(crate) fn heap_size(&self) -> usize {
        match self {
            Self::String(text) | Self::Corelnk(text) => text.len(),
            Self::Opaque(bytes) => bytes.len(),
            _ => 0,
        }
    }
}

/// As the [`Value`]s compare.
impl PartialEq for OwnedValue {
    fn eq(&self, other: &Self) -> bool {
        self.as_value() == other.as_value()
    }
}

impl From<Value<'_>> for OwnedValue {
    fn from(value: Value<'_>) -> Self {
        match value {
            Value::None => Self::None,
            Value::String(text) => Self::String(text.to_owned()),
            Value::Integer(number) => Self::Integer(number),
            Value::Unsigned(number) => Self::Unsigned(number),
            Value::Float(number) => Self::Float(number),
            Value::Single(number) => Self::Single(number),
            Value::Boolean(truth) => Self::Boolean(truth),
            Value::Opaque(bytes) => Self::Opaque(bytes.to_vec()),
            Value::Time(seconds) => Self::Time(seconds),
            Value::Objlnk(link) => Self::Objlnk(link),
            Value::Corelnk(links) => Self::Corelnk(links.to_owned()),
        }
    }
}

macro_rules! from {
    ($($from:ty => $variant:ident),* $(,)?) => {$(
        impl From<$from> for OwnedValue {
            fn from(value: $from) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}
from! {
    &str => String, String => String, i64 => Integer, i32 => Integer, u64 => Unsigned, u32 => Unsigned, f64 => Float,
    f32 => Single, bool => Boolean, Vec<u8> => Opaque, &[u8] => Opaque, ObjectLink => Objlnk,
}

impl From<Infallible> for OwnedValue {
    /// Never: it lets the target of an Execute say that nothing can be written to it.
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl fmt::Display for OwnedValue {
    /// As a person reads it: text and numbers plainly, opaque values as base64.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::String(text) | Self::Corelnk(text) => f.write_str(text),
            Self::Integer(number) | Self::Time(number) => number.fmt(f),
            Self::Unsigned(number) => number.fmt(f),
            Self::Float(number) => number.fmt(f),
            Self::Single(number) => number.fmt(f),
            Self::Boolean(truth) => truth.fmt(f),
            Self::Opaque(bytes) => f.write_str(&BASE64.encode(bytes)),
            Self::Objlnk(link) => link.fmt(f),
        }
    }
}

/// A value with its path, and when the device took it, if the device told.
///
/// As JSON it is an object of `path`, what the value is written as, and `time`; it is read as it is written, and with
/// nothing else in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "serialize::Fields")]
pub struct Record {
    /// A resource or a resource instance; an object instance when the value is [`OwnedValue::None`].
    pub path: Path,
    /// The value.
    #[serde(flatten)]
    pub value: OwnedValue,
    /// Seconds since 1970-01-01T00:00:00Z, in formats that carry a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<f64>,
}

impl Record {
    /// `value` at `path`, without a time.
    pub fn new(path: Path, value: impl Into<OwnedValue>) -> Self {
        Self {
            path,
            value: value.into(),
            time: None,
        }
    }
}

/// What a device answered to a read or notified: values in the order in which they came.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Records(Vec<Record>);

impl Records {
    /// The value, if there is exactly one.
    pub fn value(&self) -> Option<&OwnedValue> {
        match self.0.as_slice() {
            [record] => Some(&record.value),
            _ => None,
        }
    }

    /// The value at `path`.
    pub fn get(&self, path: Path) -> Option<&OwnedValue> {
        self.0
            .iter()
            .find(|record| record.path == path)
            .map(|record| &record.value)
    }

    /// The records alone.
    pub fn into_vec(self) -> Vec<Record> {
        self.0
    }
}

impl From<Vec<Record>> for Records {
    fn from(records: Vec<Record>) -> Self {
        Self(records)
    }
}

impl Deref for Records {
    type Target = [Record];

    fn deref(&self) -> &[Record] {
        &self.0
    }
}

impl IntoIterator for Records {
    type Item = Record;
    type IntoIter = std::vec::IntoIter<Record>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Records {
    type Item = &'a Record;
    type IntoIter = core::slice::Iter<'a, Record>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// What to write: one value for the target itself, or records at and below it.
#[derive(Debug, Clone, PartialEq)]
pub enum WriteValue {
    /// The value of the resource or resource instance that is the target. Its type follows the resource's definition where
    /// nothing is lost by that.
    One(OwnedValue),
    /// Values of resources and resource instances at and below the target.
    Records(Vec<Record>),
}

impl<T: Into<OwnedValue>> From<T> for WriteValue {
    fn from(value: T) -> Self {
        Self::One(value.into())
    }
}

impl From<Vec<Record>> for WriteValue {
    fn from(records: Vec<Record>) -> Self {
        Self::Records(records)
    }
}

impl From<Records> for WriteValue {
    fn from(records: Records) -> Self {
        Self::Records(records.0)
    }
}
