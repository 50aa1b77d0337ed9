//! Decimal numbers as the values of notification attributes have them: digits, a point, no exponent.

use crate::number::{self, Style};
use crate::writer::Writer;

/// Reads a decimal number, rounded to the nearest float; `None` if it is none, or above every float.
///
/// ```
/// assert_eq!(dunlin_codec::decimal::parse(b"-12.5"), Some(-12.5));
/// assert_eq!(dunlin_codec::decimal::parse(b"12."), None);
/// ```
pub fn parse(text: &[u8]) -> Option<f64> {
    number::float(text)
}

/// Prints a finite number without exponent, with the fewest digits that are read as the same number, and gives how many
/// bytes of `buffer` it takes; `None` if that is not enough (326 bytes always are) or the number is not finite.
///
/// ```
/// let mut buffer = [0; 8];
/// let length = dunlin_codec::decimal::print(-12.5, &mut buffer);
/// assert_eq!(length.and_then(|length| buffer.get(..length)), Some(&b"-12.5"[..]));
/// ```
pub fn print(number: f64, buffer: &mut [u8]) -> Option<usize> {
    let mut writer = Writer::new(buffer);
    number::put_float(&mut writer, number, Style::Plain).ok()?;
    Some(writer.len())
}
