//! Reading items, in any well-formed form.

use core::str;

use dunlin_model::Value;
use dunlin_model::float::{Width, widen};

use super::{BREAK, major, simple};
use crate::{DecodeErrorKind, utf8};

type Fallible<T> = Result<T, DecodeErrorKind>;

/// The length of an array or a map that is left open. No payload is as long.
pub(crate) const OPEN: u64 = u64::MAX;

/// Seconds since 1970: RFC 8949 §3.4.2.
const EPOCH_TIME: u64 = 1;
/// An exponent of ten and a mantissa: RFC 8949 §3.4.4.
const DECIMAL_FRACTION: u64 = 4;

/// The start of an item: its first byte and its argument, a number or a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// The first byte.
    pub(crate) first: u8,
    /// The argument; 0 where there is none.
    pub(crate) argument: u64,
}

impl Head {
    /// The major type, in the upper three bits.
    #[inline]
    pub(crate) const fn major(self) -> u8 {
        self.first & 0xe0
    }

    /// How many items an array or a map has, or [`OPEN`]. More than any payload holds are as if it had ended.
    #[inline]
    pub(crate) fn length(self) -> Fallible<u64> {
        if self.is_open() {
            Ok(OPEN)
        } else if self.argument > u32::MAX.into() {
            Err(DecodeErrorKind::End)
        } else {
            Ok(self.argument)
        }
    }

    /// Whether the length of an array, a map or a string is left open, or this is the end of one.
    #[inline]
    pub(crate) const fn is_open(self) -> bool {
        self.first & 0x1f == 0x1f
    }
}

/// Walks over the items of a payload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    length: usize,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            length: bytes.len(),
        }
    }

    /// How many bytes were read.
    pub(crate) const fn offset(&self) -> usize {
        self.length.saturating_sub(self.rest.len())
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The first byte of what comes next.
    #[inline]
    pub(crate) fn peek(&self) -> Fallible<u8> {
        self.rest.first().copied().ok_or(DecodeErrorKind::End)
    }

    /// What is to come.
    #[inline]
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Goes on to `rest`, the end of what is to come.
    #[inline]
    pub(crate) const fn set_rest(&mut self, rest: &'a [u8]) {
        self.rest = rest;
    }

    /// Reads a head.
    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn head(&mut self) -> Fallible<Head> {
        let (&first, rest) = self.rest.split_first().ok_or(DecodeErrorKind::End)?;
        let (argument, rest) = match first & 0x1f {
            small @ 0..=23 => (u64::from(small), rest),
            24 => {
                let (&byte, rest) = rest.split_first().ok_or(DecodeErrorKind::End)?;
                (u64::from(byte), rest)
            }
            25 => {
                let (&bytes, rest) = rest.split_first_chunk().ok_or(DecodeErrorKind::End)?;
                (u64::from(u16::from_be_bytes(bytes)), rest)
            }
            26 => {
                let (&bytes, rest) = rest.split_first_chunk().ok_or(DecodeErrorKind::End)?;
                (u64::from(u32::from_be_bytes(bytes)), rest)
            }
            27 => {
                let (&bytes, rest) = rest.split_first_chunk().ok_or(DecodeErrorKind::End)?;
                (u64::from_be_bytes(bytes), rest)
            }
            // Numbers and tags have no open form.
            31 if !matches!(first, 0x1f | 0x3f | 0xdf) => (0, rest),
            _ => return Err(DecodeErrorKind::Malformed),
        };
        self.rest = rest;
        Ok(Head { first, argument })
    }

    /// Reads the head of an array or a map, and gives how many items it has, or [`OPEN`].
    #[inline]
    pub(crate) fn container(&mut self, major: u8) -> Fallible<u64> {
        let head = self.head()?;
        if head.major() != major {
            return Err(DecodeErrorKind::Type);
        }
        head.length()
    }

    /// Whether another item comes in an array or a map of which `left` are to come.
    #[inline]
    pub(crate) fn another(&mut self, left: &mut u64) -> Fallible<bool> {
        if *left == OPEN {
            return match self.rest.split_first() {
                None => Err(DecodeErrorKind::End),
                Some((&BREAK, rest)) => {
                    (self.rest, *left) = (rest, 0);
                    Ok(false)
                }
                Some(_) => Ok(true),
            };
        }
        let less = left.checked_sub(1);
        *left = less.unwrap_or_default();
        Ok(less.is_some())
    }

    /// Takes the bytes of a string whose head was read.
    #[inline]
    pub(crate) fn content(&mut self, head: Head) -> Fallible<&'a [u8]> {
        if head.is_open() {
            return Err(DecodeErrorKind::Unsupported);
        }
        let length = usize::try_from(head.argument).map_err(|_| DecodeErrorKind::End)?;
        let (content, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(DecodeErrorKind::End)?;
        self.rest = rest;
        Ok(content)
    }

    /// Reads a value: LwM2M Core Appendix C. `null` is no value.
    #[inline]
    pub(crate) fn value(&mut self) -> Fallible<Value<'a>> {
        let head = self.head()?;
        if head.major() == major::TAG {
            return self.tagged(head.argument);
        }
        self.untagged(head)
    }

    /// Reads a value whose head was read.
    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn untagged(&mut self, head: Head) -> Fallible<Value<'a>> {
        match head.major() {
            major::UNSIGNED => Ok(unsigned(head.argument)),
            major::TEXT => {
                let text = self.content(head)?;
                str::from_utf8(text)
                    .map(Value::String)
                    .map_err(|_| DecodeErrorKind::Utf8)
            }
            major::BYTES => self.content(head).map(Value::Opaque),
            major::NEGATIVE => negative(head.argument),
            _ => special(head),
        }
    }

    #[cold]
    fn tagged(&mut self, tag: u64) -> Fallible<Value<'a>> {
        match tag {
            EPOCH_TIME => match self.plain_number()? {
                Value::Integer(seconds) => Ok(Value::Time(seconds)),
                other => Ok(other),
            },
            DECIMAL_FRACTION if cfg!(feature = "decimal-fractions") => {
                self.decimal_fraction().map(Value::Float)
            }
            _ => Err(DecodeErrorKind::Unsupported),
        }
    }

    /// Reads a number without tag.
    fn plain_number(&mut self) -> Fallible<Value<'a>> {
        let head = self.head()?;
        match self.untagged(head)? {
            number @ (Value::Integer(_)
            | Value::Unsigned(_)
            | Value::Float(_)
            | Value::Single(_)) => Ok(number),
            _ => Err(DecodeErrorKind::Type),
        }
    }

    /// Reads `[exponent, mantissa]`, rounded to the nearest float.
    fn decimal_fraction(&mut self) -> Fallible<f64> {
        match self.container(major::ARRAY)? {
            2 => {}
            OPEN => return Err(DecodeErrorKind::Unsupported),
            _ => return Err(DecodeErrorKind::Malformed),
        }
        let exponent = match self.plain_number()? {
            Value::Integer(exponent) => {
                i16::try_from(exponent).map_err(|_| DecodeErrorKind::Malformed)?
            }
            _ => return Err(DecodeErrorKind::Type),
        };
        let head = self.head()?;
        let (negative, mantissa) = match head.major() {
            major::UNSIGNED => (false, head.argument),
            major::NEGATIVE => (
                true,
                head.argument
                    .checked_add(1)
                    .ok_or(DecodeErrorKind::Unsupported)?,
            ),
            _ => return Err(DecodeErrorKind::Type),
        };
        crate::number::scaled(negative, mantissa, exponent.into()).ok_or(DecodeErrorKind::Malformed)
    }
}

/// Reads an integer of up to 32 bits and gives what follows, if that comes next.
///
/// This and [`text`] read what there is most of in payloads, and nothing else.
#[inline(always)]
#[expect(clippy::inline_always, reason = "it is a part of the short ways")]
pub(crate) fn integer(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let (argument, rest) = match first & 0x1f {
        small @ 0..=23 => (u32::from(small), rest),
        24 => {
            let (&byte, rest) = rest.split_first()?;
            (byte.into(), rest)
        }
        25 => {
            let (&bytes, rest) = rest.split_first_chunk()?;
            (u16::from_be_bytes(bytes).into(), rest)
        }
        26 => {
            let (&bytes, rest) = rest.split_first_chunk()?;
            (u32::from_be_bytes(bytes), rest)
        }
        _ => return None,
    };
    match first & 0xe0 {
        major::UNSIGNED => Some((argument.into(), rest)),
        major::NEGATIVE => Some((!i64::from(argument), rest)),
        _ => None,
    }
}

/// Reads a text of up to 255 bytes and gives what follows, if that comes next.
#[inline(always)]
#[expect(clippy::inline_always, reason = "it is a part of the short ways")]
pub(crate) fn text(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let (length, rest) = match first ^ major::TEXT {
        length @ 0..=23 => (length, rest),
        24 => {
            let (&length, rest) = rest.split_first()?;
            (length, rest)
        }
        _ => return None,
    };
    let (text, rest) = rest.split_at_checked(length.into())?;
    Some((utf8::text(text)?, rest))
}

/// The value of a head that is neither a number nor a string.
fn special<'a>(head: Head) -> Fallible<Value<'a>> {
    match head.first {
        simple::FALSE => Ok(Value::Boolean(false)),
        simple::TRUE => Ok(Value::Boolean(true)),
        simple::NULL => Ok(Value::None),
        simple::HALF => {
            let half = u32::try_from(head.argument).unwrap_or_default();
            Ok(Value::Float(widen(half, Width::HALF)))
        }
        simple::SINGLE => {
            let single = u32::try_from(head.argument).unwrap_or_default();
            Ok(Value::Single(f32::from_bits(single)))
        }
        simple::DOUBLE => Ok(Value::Float(f64::from_bits(head.argument))),
        // A simple value below 32 in two bytes: RFC 8949 §3.3.
        0xf8 if head.argument < 32 => Err(DecodeErrorKind::Malformed),
        _ => Err(DecodeErrorKind::Type),
    }
}

#[inline]
fn unsigned<'a>(argument: u64) -> Value<'a> {
    i64::try_from(argument).map_or(Value::Unsigned(argument), Value::Integer)
}

#[inline]
fn negative<'a>(argument: u64) -> Fallible<Value<'a>> {
    // Below the least `i64`.
    i64::try_from(argument)
        .map(|number| Value::Integer(!number))
        .map_err(|_| DecodeErrorKind::Unsupported)
}
