//! Writing items, in the one preferred form of each: RFC 8949 §4.1.

use dunlin_model::Value;
use dunlin_model::float::{Width, double, is_nan, narrow};

use super::{major, simple};
use crate::EncodeError;
use crate::number::{link_length, put_link};
use crate::short::Short;
use crate::writer::{Mark, Writer};

/// A head with an argument of up to 32 bits, one to five bytes.
#[cfg_attr(
    target_pointer_width = "64",
    inline(always),
    expect(clippy::inline_always, reason = "a part of the short ways")
)]
#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
pub(crate) const fn short_head(major: u8, argument: u32) -> Short {
    let [.., high, low] = argument.to_be_bytes();
    match argument {
        0..=23 => Short::new([major | low]),
        24..=0xff => Short::new([major | 0x18, low]),
        0x100..=0xffff => Short::new([major | 0x19]).be16(u16::from_be_bytes([high, low])),
        _ => Short::new([major | 0x1a]).be32(argument),
    }
}

/// Writes a head.
#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
pub(crate) fn put_head(
    writer: &mut Writer<'_>,
    major: u8,
    argument: u64,
) -> Result<(), EncodeError> {
    let [.., low] = argument.to_be_bytes();
    let (form, count) = match argument {
        0..=23 => return writer.byte(major | low),
        24..=0xff => (0x18, 1),
        0x100..=0xffff => (0x19, 2),
        0x1_0000..=0xffff_ffff => (0x1a, 4),
        _ => (0x1b, 8),
    };
    writer.byte(major | form)?;
    writer.number(argument, count)
}

/// Puts the head of an array or map of `count` items in the place of `mark`.
pub(crate) fn close(
    writer: &mut Writer<'_>,
    depth: usize,
    mark: Mark,
    major: u8,
    count: u32,
) -> Result<(), EncodeError> {
    #[cfg(target_pointer_width = "64")]
    let head = short_head(major, count);
    #[cfg(not(target_pointer_width = "64"))]
    let head = &|writer: &mut Writer<'_>| put_head(writer, major, count.into());
    writer.close(depth, mark, head)
}

/// Writes `value`: LwM2M Core Appendix C.
#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
pub(crate) fn put_value(writer: &mut Writer<'_>, value: &Value<'_>) -> Result<(), EncodeError> {
    match *value {
        Value::Integer(number) | Value::Time(number) => {
            // The complement of a negative number, whose sign bit is all ones.
            let sign = number >> 63;
            let [sign_byte, ..] = sign.to_le_bytes();
            let major = major::NEGATIVE & sign_byte;
            put_head(writer, major, (number ^ sign).cast_unsigned())
        }
        Value::Unsigned(number) => put_head(writer, major::UNSIGNED, number),
        Value::String(text) | Value::Corelnk(text) => {
            put_bytes(writer, major::TEXT, text.as_bytes())
        }
        Value::Opaque(bytes) => put_bytes(writer, major::BYTES, bytes),
        Value::Float(number) => put_float(writer, number),
        Value::Single(number) => put_float(writer, double(number)),
        Value::Boolean(truth) => writer.byte(if truth { simple::TRUE } else { simple::FALSE }),
        Value::Objlnk(link) => {
            put_head(writer, major::TEXT, link_length(link).into())?;
            put_link(writer, link)
        }
        Value::None => writer.byte(simple::NULL),
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

#[inline]
fn put_bytes(writer: &mut Writer<'_>, major: u8, bytes: &[u8]) -> Result<(), EncodeError> {
    let length = u64::try_from(bytes.len()).map_err(|_| EncodeError::NotRepresentable)?;
    put_head(writer, major, length)?;
    writer.put(bytes)
}

/// Writes the shortest float that is the same number, and the one shortest NaN: RFC 8949 §4.2.2.
fn put_float(writer: &mut Writer<'_>, number: f64) -> Result<(), EncodeError> {
    let half = if is_nan(number) {
        Some(0x7e00)
    } else {
        narrow(number, Width::HALF)
    };
    let (head, bits, count) = if let Some(half) = half {
        (simple::HALF, half.into(), 2)
    } else if let Some(single) = narrow(number, Width::SINGLE) {
        (simple::SINGLE, single.into(), 4)
    } else {
        (simple::DOUBLE, number.to_bits(), 8)
    };
    writer.byte(head)?;
    writer.number(bits, count)
}
