//! Writing items, in the one preferred form of each: RFC 8949 §4.1.

use dunlin_model::Value;

use super::{half, major, simple};
use crate::EncodeError;
use crate::short::Short;
use crate::single_precision::narrow;
use crate::writer::Writer;

/// A head with an argument of up to 32 bits, one to five bytes.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a part of the short ways")]
pub(crate) const fn short_head(major: u8, argument: u32) -> Short {
    let [.., high, low] = argument.to_be_bytes();
    match argument {
        0..=23 => Short::new([major | low]),
        24..=0xff => Short::new([major | 0x18, low]),
        0x100..=0xffff => Short::new([major | 0x19]).be16(u16::from_be_bytes([high, low])),
        _ => Short::new([major | 0x1a]).be32(argument),
    }
}

/// Adds a head with an argument of up to 32 bits, one to five bytes, to up to three bytes.
pub(crate) const fn with_head(before: Short, major: u8, argument: u32) -> Short {
    before.join(short_head(major, argument))
}

/// Writes `before`, up to three bytes, and a head.
#[inline]
pub(crate) fn put_head(
    writer: &mut Writer<'_>,
    before: Short,
    major: u8,
    argument: u64,
) -> Result<(), EncodeError> {
    match u32::try_from(argument) {
        Ok(argument) => with_head(before, major, argument).put(writer),
        Err(_) => put_long_head(writer, before, major, argument),
    }
}

#[cold]
fn put_long_head(
    writer: &mut Writer<'_>,
    before: Short,
    major: u8,
    argument: u64,
) -> Result<(), EncodeError> {
    before.byte(major | 0x1b).put(writer)?;
    writer.put_word(argument.swap_bytes(), 8)
}

/// Writes `before`, up to three bytes, and `value`: LwM2M Core Appendix C.
#[inline]
pub(crate) fn put_value(
    writer: &mut Writer<'_>,
    before: Short,
    value: &Value<'_>,
) -> Result<(), EncodeError> {
    match *value {
        Value::Integer(number) | Value::Time(number) => {
            // The complement of a negative number, whose sign bit is all ones.
            let sign = number >> 63;
            let [sign_byte, ..] = sign.to_le_bytes();
            let major = major::NEGATIVE & sign_byte;
            put_head(writer, before, major, (number ^ sign).cast_unsigned())
        }
        Value::String(text) | Value::Corelnk(text) => {
            put_bytes(writer, before, major::TEXT, text.as_bytes())
        }
        _ => put_other_value(writer, before, value),
    }
}

/// The heads of the values of which there is most: an integer of up to 32 bits, or a text of up to 23 bytes, which is to
/// follow.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a part of the short ways")]
pub(crate) fn short_integer(number: i64) -> Option<Short> {
    if let Ok(number) = u32::try_from(number) {
        return Some(short_head(major::UNSIGNED, number));
    }
    Some(short_head(major::NEGATIVE, u32::try_from(!number).ok()?))
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "a part of the short ways")]
pub(crate) fn short_text(text: &str) -> Option<Short> {
    let length = u8::try_from(text.len()).ok()?;
    (length <= 23).then_some(Short::new([major::TEXT | length]))
}

#[inline(never)]
fn put_other_value(
    writer: &mut Writer<'_>,
    before: Short,
    value: &Value<'_>,
) -> Result<(), EncodeError> {
    match *value {
        Value::Unsigned(number) => put_head(writer, before, major::UNSIGNED, number),
        Value::Float(number) => put_float(writer, before, number),
        Value::Single(number) => put_single(writer, before, number),
        Value::Opaque(bytes) => put_bytes(writer, before, major::BYTES, bytes),
        Value::Boolean(truth) => {
            let byte = if truth { simple::TRUE } else { simple::FALSE };
            before.byte(byte).put(writer)
        }
        Value::Objlnk(link) => {
            let object = Short::EMPTY.decimal(link.object).byte(b':');
            let instance = Short::EMPTY.decimal(link.instance);
            let length = object.len().wrapping_add(instance.len());
            with_head(before, major::TEXT, length).put(writer)?;
            object.put(writer)?;
            instance.put(writer)
        }
        // The others are written above.
        _ => before.byte(simple::NULL).put(writer),
    }
}

#[inline]
fn put_bytes(
    writer: &mut Writer<'_>,
    before: Short,
    major: u8,
    bytes: &[u8],
) -> Result<(), EncodeError> {
    let length = u64::try_from(bytes.len()).map_err(|_| EncodeError::NotRepresentable)?;
    put_head(writer, before, major, length)?;
    writer.put(bytes)
}

/// Writes the shortest float that is the same number: RFC 8949 §4.2.2.
fn put_float(writer: &mut Writer<'_>, before: Short, number: f64) -> Result<(), EncodeError> {
    let single = match narrow(number) {
        Some(single) => single,
        None if number.is_nan() => f32::NAN,
        None => {
            before.byte(simple::DOUBLE).put(writer)?;
            return writer.put_word(number.to_bits().swap_bytes(), 8);
        }
    };
    put_single(writer, before, single)
}

fn put_single(writer: &mut Writer<'_>, before: Short, single: f32) -> Result<(), EncodeError> {
    match half::narrow(single) {
        Some(half) => before.byte(simple::HALF).be16(half),
        None => before.byte(simple::SINGLE).be32(single.to_bits()),
    }
    .put(writer)
}
