//! Values as plain text: LwM2M Core Appendix C.

use core::str;

use dunlin_model::float::double;
use dunlin_model::{Value, ValueType};

use crate::base64::{self, Variant};
use crate::number::{self, Precision, Style};
use crate::writer::Writer;
use crate::{DecodeErrorKind, EncodeError};

pub(super) fn parse<'a>(
    bytes: &'a [u8],
    kind: ValueType,
    scratch: &'a mut [u8],
) -> Result<Value<'a>, DecodeErrorKind> {
    if kind == ValueType::Opaque {
        let mut writer = Writer::new(scratch);
        base64::decode(Variant::Padded, bytes, &mut writer)?;
        let bytes = writer.into_written();
        return bytes
            .map(Value::Opaque)
            .map_err(|_| DecodeErrorKind::NoSpace);
    }
    let text = str::from_utf8(bytes).map_err(|_| DecodeErrorKind::Utf8)?;
    let value = match kind {
        ValueType::Integer => number::integer(bytes).map(Value::Integer),
        ValueType::Time => number::integer(bytes).map(Value::Time),
        ValueType::Unsigned => number::natural(bytes).map(Value::Unsigned),
        ValueType::Float => number::parse(bytes).map(Value::Float),
        ValueType::Boolean => match bytes {
            b"0" => Some(Value::Boolean(false)),
            b"1" => Some(Value::Boolean(true)),
            _ => None,
        },
        ValueType::Objlnk => text.parse().ok().map(Value::Objlnk),
        ValueType::Corelnk => Some(Value::Corelnk(text)),
        ValueType::String | ValueType::None => Some(Value::String(text)),
        ValueType::Opaque => None,
    };
    value.ok_or(DecodeErrorKind::Type)
}

pub(super) fn print(writer: &mut Writer<'_>, value: &Value<'_>) -> Result<(), EncodeError> {
    match *value {
        Value::String(text) | Value::Corelnk(text) => writer.put(text.as_bytes()),
        Value::Integer(number) | Value::Time(number) => number::put_integer(writer, number),
        Value::Unsigned(number) => number::put_unsigned(writer, number),
        // Without exponent, which the specification does not show.
        Value::Float(number) => number::put_float(writer, number, Precision::Double, Style::Plain),
        Value::Single(number) => {
            number::put_float(writer, double(number), Precision::Single, Style::Plain)
        }
        Value::None => Err(EncodeError::NotRepresentable),
        Value::Boolean(truth) => writer.byte(b'0' | u8::from(truth)),
        Value::Opaque(bytes) => base64::encode(Variant::Padded, bytes, writer),
        Value::Objlnk(link) => number::put_link(writer, link),
    }
}
