//! The Rust types of values.

use dunlin_model::{ObjectLink, Value, ValueType};
use heapless::{String, Vec};

use crate::Error;

/// A Rust type that is the value of a resource.
///
/// Text is `&str` or [`heapless::String`], bytes are `&[u8]`, `[u8; N]` or [`heapless::Vec`]; what is borrowed cannot be
/// written by servers. An enumeration of the specification becomes an `enum`:
///
/// ```
/// use dunlin_agent::{ResourceValue, model::{Value, ValueType}};
///
/// #[derive(Clone, Copy, PartialEq, Debug)]
/// enum Severity {
///     Critical,
///     Mandatory,
///     Optional,
/// }
///
/// impl ResourceValue for Severity {
///     const KIND: ValueType = ValueType::Integer;
///
///     fn value(&self) -> Value<'_> {
///         Value::Integer(*self as i64)
///     }
///
///     fn from_value(value: &Value<'_>) -> Option<Self> {
///         Some(match value.as_i64()? {
///             0 => Self::Critical,
///             1 => Self::Mandatory,
///             2 => Self::Optional,
///             _ => return None,
///         })
///     }
/// }
///
/// assert_eq!(Severity::from_value(&Value::Integer(2)), Some(Severity::Optional));
/// ```
pub trait ResourceValue: Sized {
    /// The type.
    const KIND: ValueType;

    /// Whether a value can be written; not where it is borrowed.
    const WRITABLE: bool = true;

    /// The value. A number may be of any type of number: the agent makes it that of the definition.
    fn value(&self) -> Value<'_>;

    /// The Rust value of `value`; `None` when it does not hold it.
    fn from_value(value: &Value<'_>) -> Option<Self>;

    /// Whether [`from_value`](Self::from_value) gives something.
    ///
    /// # Errors
    ///
    /// [`Error::BadValue`] when not, [`Error::NotAllowed`] when nothing can be written.
    fn check(value: &Value<'_>) -> Result<(), Error> {
        if !Self::WRITABLE {
            return Err(Error::NotAllowed);
        }
        Self::from_value(value).map(|_| ()).ok_or(Error::BadValue)
    }
}

macro_rules! whole {
    ($($type:ty => $variant:ident as $wide:ty, $as:ident;)*) => {$(
        impl ResourceValue for $type {
            const KIND: ValueType = ValueType::$variant;

            fn value(&self) -> Value<'_> {
                Value::$variant(<$wide>::from(*self))
            }

            fn from_value(value: &Value<'_>) -> Option<Self> {
                value.$as().and_then(|number| Self::try_from(number).ok())
            }
        }
    )*};
}

whole! {
    i8 => Integer as i64, as_i64;
    i16 => Integer as i64, as_i64;
    i32 => Integer as i64, as_i64;
    i64 => Integer as i64, as_i64;
    u8 => Unsigned as u64, as_u64;
    u16 => Unsigned as u64, as_u64;
    u32 => Unsigned as u64, as_u64;
    u64 => Unsigned as u64, as_u64;
}

impl ResourceValue for f64 {
    const KIND: ValueType = ValueType::Float;

    fn value(&self) -> Value<'_> {
        Value::Float(*self)
    }

    fn from_value(value: &Value<'_>) -> Option<Self> {
        value.as_f64()
    }
}

impl ResourceValue for f32 {
    const KIND: ValueType = ValueType::Float;

    fn value(&self) -> Value<'_> {
        Value::Single(*self)
    }

    /// The nearest one.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "who has an f32 wants the nearest"
    )]
    fn from_value(value: &Value<'_>) -> Option<Self> {
        value.as_f64().map(|number| number as Self)
    }
}

impl ResourceValue for bool {
    const KIND: ValueType = ValueType::Boolean;

    fn value(&self) -> Value<'_> {
        Value::Boolean(*self)
    }

    fn from_value(value: &Value<'_>) -> Option<Self> {
        value.as_bool()
    }
}

impl ResourceValue for ObjectLink {
    const KIND: ValueType = ValueType::Objlnk;

    fn value(&self) -> Value<'_> {
        Value::Objlnk(*self)
    }

    fn from_value(value: &Value<'_>) -> Option<Self> {
        value.as_objlnk()
    }
}

/// Seconds since 1970-01-01T00:00:00Z: the value of a resource of type Time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(pub i64);

impl ResourceValue for Time {
    const KIND: ValueType = ValueType::Time;

    fn value(&self) -> Value<'_> {
        Value::Time(self.0)
    }

    fn from_value(value: &Value<'_>) -> Option<Self> {
        value.as_time().map(Self)
    }
}

impl ResourceValue for &str {
    const KIND: ValueType = ValueType::String;
    const WRITABLE: bool = false;

    fn value(&self) -> Value<'_> {
        Value::String(self)
    }

    fn from_value(_: &Value<'_>) -> Option<Self> {
        None
    }
}

impl<const N: usize> ResourceValue for String<N> {
    const KIND: ValueType = ValueType::String;

    fn value(&self) -> Value<'_> {
        Value::String(self)
    }

    fn from_value(value: &Value<'_>) -> Option<Self> {
        Self::try_from(value.as_str()?).ok()
    }

    // Without a copy that is thrown away.
    fn check(value: &Value<'_>) -> Result<(), Error> {
        match value.as_str() {
            Some(text) if text.len() <= N => Ok(()),
            _ => Err(Error::BadValue),
        }
    }
}

impl ResourceValue for &[u8] {
    const KIND: ValueType = ValueType::Opaque;
    const WRITABLE: bool = false;

    fn value(&self) -> Value<'_> {
        Value::Opaque(self)
    }

    fn from_value(_: &Value<'_>) -> Option<Self> {
        None
    }
}

impl<const N: usize> ResourceValue for [u8; N] {
    const KIND: ValueType = ValueType::Opaque;

    fn value(&self) -> Value<'_> {
        Value::Opaque(self)
    }

    fn from_value(value: &Value<'_>) -> Option<Self> {
        value.as_opaque()?.try_into().ok()
    }
}

impl<const N: usize> ResourceValue for Vec<u8, N> {
    const KIND: ValueType = ValueType::Opaque;

    fn value(&self) -> Value<'_> {
        Value::Opaque(self)
    }

    fn from_value(value: &Value<'_>) -> Option<Self> {
        Self::from_slice(value.as_opaque()?).ok()
    }

    fn check(value: &Value<'_>) -> Result<(), Error> {
        match value.as_opaque() {
            Some(bytes) if bytes.len() <= N => Ok(()),
            _ => Err(Error::BadValue),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_fit_or_are_refused() {
        assert_eq!(u8::from_value(&Value::Integer(255)), Some(255));
        assert_eq!(u8::check(&Value::Integer(256)), Err(Error::BadValue));
        assert_eq!(i8::check(&Value::Unsigned(128)), Err(Error::BadValue));
        assert_eq!(u64::check(&Value::Integer(-1)), Err(Error::BadValue));
        assert_eq!(i64::from_value(&Value::Float(3.0)), Some(3));
        assert_eq!(f32::from_value(&Value::Integer(3)), Some(3.0));
        assert_eq!(Time::from_value(&Value::Integer(3)), Some(Time(3)));
        assert_eq!(bool::check(&Value::Integer(1)), Err(Error::BadValue));
    }

    #[test]
    fn text_and_bytes_fit_or_are_refused() {
        type Short = String<3>;
        assert_eq!(Short::check(&Value::String("abc")), Ok(()));
        assert_eq!(Short::check(&Value::String("abcd")), Err(Error::BadValue));
        assert_eq!(Short::check(&Value::Opaque(b"abc")), Err(Error::BadValue));
        assert_eq!(
            Vec::<u8, 2>::check(&Value::Opaque(b"abc")),
            Err(Error::BadValue)
        );
        assert_eq!(<[u8; 2]>::from_value(&Value::Opaque(b"ab")), Some(*b"ab"));
        assert_eq!(<[u8; 2]>::check(&Value::Opaque(b"a")), Err(Error::BadValue));
        assert_eq!(<&str>::check(&Value::String("abc")), Err(Error::NotAllowed));
    }
}
