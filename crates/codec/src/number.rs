//! Numbers in decimal digits: `dunlin_model::decimal`, into a writer.

use dunlin_model::ObjectLink;
pub(crate) use dunlin_model::decimal::{
    Precision, Style, digits_of, integer, natural, parse, scaled,
};
use dunlin_model::decimal::{print_with, short_digits_of};

use crate::short::Short;
use crate::writer::Writer;
use crate::{EncodeError, SHORT_WAYS};

/// How many digits an identifier has.
pub(crate) const fn count_digits(id: u16) -> u32 {
    match id {
        0..=9 => 1,
        10..=99 => 2,
        100..=999 => 3,
        1000..=9999 => 4,
        _ => 5,
    }
}

/// Writes an identifier.
#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
pub(crate) fn put_id(writer: &mut Writer<'_>, id: u16) -> Result<(), EncodeError> {
    if SHORT_WAYS {
        return Short::EMPTY.decimal(id).put(writer);
    }
    writer.put(short_digits_of(id.into(), &mut [0; 5]))
}

/// How many bytes the text of an object link has.
pub(crate) const fn link_length(link: ObjectLink) -> u32 {
    let digits = count_digits(link.object).wrapping_add(count_digits(link.instance));
    digits.wrapping_add(1)
}

/// Writes an object link as text.
pub(crate) fn put_link(writer: &mut Writer<'_>, link: ObjectLink) -> Result<(), EncodeError> {
    put_id(writer, link.object)?;
    writer.byte(b':')?;
    put_id(writer, link.instance)
}

/// Writes a natural number.
#[inline]
pub(crate) fn put_unsigned(writer: &mut Writer<'_>, number: u64) -> Result<(), EncodeError> {
    match u16::try_from(number) {
        Ok(number) if SHORT_WAYS => put_id(writer, number),
        _ => writer.put(digits_of(number, &mut [0; 20])),
    }
}

/// Writes a whole number.
#[inline]
pub(crate) fn put_integer(writer: &mut Writer<'_>, number: i64) -> Result<(), EncodeError> {
    if number < 0 {
        writer.put(b"-")?;
    }
    put_unsigned(writer, number.unsigned_abs())
}

/// Writes the fewest digits that are read as the same number. Numbers that are none cannot be written.
pub(crate) fn put_float(
    writer: &mut Writer<'_>,
    number: f64,
    precision: Precision,
    style: Style,
) -> Result<(), EncodeError> {
    if !number.is_finite() {
        return Err(EncodeError::NotRepresentable);
    }
    let mut result = Ok(());
    print_with(number, precision, style, &mut |digits| {
        result = writer.put(digits);
        result.is_ok()
    });
    result
}
