//! Numbers in decimal digits, exactly both ways.
//!
//! The conversions of `core` are exact too, but weigh 25 KiB in a firmware image, keep panics in it, and come with the
//! formatting machinery. These take about a tenth of that: a quick way for the numbers of up to 15 digits that sensors
//! give, and long arithmetic for the rest.

mod big;
mod parse;
mod print;

pub(crate) use parse::{digits, float, float_of, integer};
pub(crate) use print::{Style, put_float, put_integer, put_unsigned};

#[cfg(test)]
mod tests;
