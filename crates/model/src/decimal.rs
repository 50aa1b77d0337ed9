//! Numbers in decimal digits, exactly both ways.
//!
//! The conversions of `core` are exact too, but weigh 25 KiB in a firmware image, keep panics in it, and come with the
//! formatting machinery. These take less than a tenth of that: long arithmetic, and on hosts a quick way for the numbers of up to
//! 15 digits that sensors give.

use core::{fmt, str};

mod big;
mod parse;
mod print;

/// Whether numbers of few digits have ways of their own, which give what the long arithmetic gives: not on a device, where
/// a multiplication of floats is a function that takes flash.
const SHORT_WAYS: bool = cfg!(target_pointer_width = "64");

pub(crate) use big::{add, raise, set};
pub use parse::{integer, natural, parse, parse_plain, scaled};
pub use print::{Precision, Style, digits_of, print, print_with, short_digits_of};

/// A number that prints as `core` prints it, without exponent, but by the way of this module.
///
/// ```
/// use dunlin_model::decimal::Decimal;
///
/// assert_eq!(format!("{}", Decimal(-12.5)), "-12.5");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Decimal(pub f64);

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.is_finite() {
            return f.write_str(match (self.0.is_nan(), self.0.is_sign_negative()) {
                (true, _) => "NaN",
                (false, true) => "-inf",
                (false, false) => "inf",
            });
        }
        let mut result = Ok(());
        print_with(self.0, Precision::Double, Style::Plain, &mut |digits| {
            result = f.write_str(str::from_utf8(digits).unwrap_or_default());
            result.is_ok()
        });
        result
    }
}

#[cfg(test)]
mod tests;
