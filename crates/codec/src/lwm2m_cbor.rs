//! `application/vnd.oma.lwm2m+cbor`: LwM2M Core §7.5.4.
//!
//! One map, whose keys are numbers or arrays of numbers and whose values are values or maps again. The path of a value
//! is made of all the numbers on the way to it. There are no times.

mod decode;
mod encode;

pub(crate) use decode::Decoder;
pub(crate) use encode::Encoder;

#[cfg(test)]
mod tests;
