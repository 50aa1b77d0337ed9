//! Numbers in decimal digits: `dunlin_model::decimal`, into a writer.

use dunlin_model::decimal::print_with;
pub(crate) use dunlin_model::decimal::{
    Precision, Style, digits_of, integer, natural, parse, scaled,
};

use crate::EncodeError;
use crate::short::Short;
use crate::writer::Writer;

/// Writes a natural number.
#[inline]
pub(crate) fn put_unsigned(writer: &mut Writer<'_>, number: u64) -> Result<(), EncodeError> {
    match u16::try_from(number) {
        Ok(number) => Short::EMPTY.decimal(number).put(writer),
        Err(_) => writer.put(digits_of(number, &mut [0; 20])),
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
