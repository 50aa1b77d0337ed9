//! Plain text and opaque payloads, one value each: LwM2M Core §7.5.1, §7.5.2 and Appendix C.

use core::str;

use dunlin_model::{Level, Path, Value, ValueType};

use crate::writer::Writer;
use crate::{DecodeError, DecodeErrorKind, EncodeError, Record, Types, base64};

/// Whether a payload of one value can be about `base`.
fn carries(base: Path) -> bool {
    base.level() >= Level::Resource
}

/// Refuses nodes that hold not exactly one value.
fn check_base(base: Path, types: &(impl Types + ?Sized)) -> Result<(), DecodeError> {
    let whole_array = base.level() == Level::Resource && types.is_multiple(&base) == Some(true);
    if carries(base) && !whole_array {
        Ok(())
    } else {
        Err(DecodeError::new(DecodeErrorKind::Base, 0))
    }
}

pub(crate) fn decode<'a>(
    base: Path,
    bytes: &'a [u8],
    types: &(impl Types + ?Sized),
    scratch: &'a mut [u8],
) -> Result<Record<'a>, DecodeError> {
    check_base(base, types)?;
    let kind = types.value_type(&base).unwrap_or(ValueType::String);
    match parse(bytes, kind, scratch) {
        Ok(value) => Ok(Record::new(base, value)),
        Err(kind) => Err(DecodeError::new(kind, 0)),
    }
}

pub(crate) fn decode_opaque<'a>(
    base: Path,
    bytes: &'a [u8],
    types: &(impl Types + ?Sized),
) -> Result<Record<'a>, DecodeError> {
    check_base(base, types)?;
    match types.value_type(&base) {
        None | Some(ValueType::Opaque) => Ok(Record::new(base, Value::Opaque(bytes))),
        Some(_) => Err(DecodeError::new(DecodeErrorKind::Type, 0)),
    }
}

fn parse<'a>(
    bytes: &'a [u8],
    kind: ValueType,
    scratch: &'a mut [u8],
) -> Result<Value<'a>, DecodeErrorKind> {
    if kind == ValueType::Opaque {
        return base64::decode(bytes, scratch).map(Value::Opaque);
    }
    let text = str::from_utf8(bytes).map_err(|_| DecodeErrorKind::Utf8)?;
    let value = match kind {
        ValueType::Integer => integer(text).map(Value::Integer),
        ValueType::Time => integer(text).map(Value::Time),
        ValueType::Unsigned if is_digits(text) => text.parse().ok().map(Value::Unsigned),
        ValueType::Float => float(text).map(Value::Float),
        ValueType::Boolean => match text {
            "0" => Some(Value::Boolean(false)),
            "1" => Some(Value::Boolean(true)),
            _ => None,
        },
        ValueType::Objlnk => text.parse().ok().map(Value::Objlnk),
        ValueType::Corelnk => Some(Value::Corelnk(text)),
        ValueType::String | ValueType::None => Some(Value::String(text)),
        ValueType::Unsigned | ValueType::Opaque => None,
    };
    value.ok_or(DecodeErrorKind::Type)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn integer(text: &str) -> Option<i64> {
    // `i64::from_str` also takes a plus sign.
    if is_digits(text.strip_prefix('-').unwrap_or(text)) {
        text.parse().ok()
    } else {
        None
    }
}

/// A decimal number, with or without fraction and exponent.
fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (
            mantissa,
            exponent.strip_prefix(['-', '+']).unwrap_or(exponent),
        ),
        None => (unsigned, "0"),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    if !(is_digits(whole) && is_digits(fraction) && is_digits(exponent)) {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Writes the one value of a plain text or opaque payload.
#[derive(Debug)]
pub(crate) struct Encoder<'b> {
    writer: Writer<'b>,
    base: Path,
    opaque: bool,
    done: bool,
}

impl<'b> Encoder<'b> {
    pub(crate) fn new(base: Path, buffer: &'b mut [u8], opaque: bool) -> Result<Self, EncodeError> {
        if !carries(base) {
            return Err(EncodeError::NotRepresentable);
        }
        Ok(Self {
            writer: Writer::new(buffer),
            base,
            opaque,
            done: false,
        })
    }

    pub(crate) fn push(&mut self, record: &Record<'_>) -> Result<(), EncodeError> {
        if self.done || record.path != self.base {
            return Err(EncodeError::NotRepresentable);
        }
        self.done = true;
        let writer = &mut self.writer;
        if self.opaque {
            return match record.value {
                Value::Opaque(bytes) => writer.put(bytes),
                _ => Err(EncodeError::NotRepresentable),
            };
        }
        match record.value {
            Value::String(text) | Value::Corelnk(text) => writer.put(text.as_bytes()),
            Value::Integer(number) | Value::Time(number) => writer.print(number),
            Value::Unsigned(number) => writer.print(number),
            // Prints the shortest digits that read back as the same number, never an exponent.
            Value::Float(number) if number.is_finite() => writer.print(number),
            Value::None | Value::Float(_) => Err(EncodeError::NotRepresentable),
            Value::Boolean(truth) => writer.put(if truth { b"1" } else { b"0" }),
            Value::Opaque(bytes) => base64::encode(bytes, writer),
            Value::Objlnk(link) => writer.print(link),
        }
    }

    pub(crate) fn finish(self) -> Result<usize, EncodeError> {
        if self.done {
            Ok(self.writer.len())
        } else {
            Err(EncodeError::Empty)
        }
    }
}

#[cfg(test)]
mod tests;
