//! `application/senml+cbor`: RFC 8428 §6, as LwM2M Core §7.5.7 uses it.
//!
//! A pack is an array of records, a record is a map. Labels are integers, but for `vlo`, the object link that LwM2M
//! adds. A base field holds for its own record and those after it; the name of a record is the base name and the name
//! put together.

mod decode;
mod encode;
mod half;
mod pack;

pub(crate) use decode::Decoder;
pub(crate) use encode::Encoder;

/// The labels of RFC 8428 §6, table 4.
mod label {
    pub(super) const BASE_VERSION: i8 = -1;
    pub(super) const BASE_NAME: i8 = -2;
    pub(super) const BASE_TIME: i8 = -3;
    pub(super) const BASE_UNIT: i8 = -4;
    pub(super) const BASE_VALUE: i8 = -5;
    pub(super) const BASE_SUM: i8 = -6;
    pub(super) const NAME: i8 = 0;
    pub(super) const UNIT: i8 = 1;
    pub(super) const VALUE: i8 = 2;
    pub(super) const STRING_VALUE: i8 = 3;
    pub(super) const BOOLEAN_VALUE: i8 = 4;
    pub(super) const SUM: i8 = 5;
    pub(super) const TIME: i8 = 6;
    pub(super) const UPDATE_TIME: i8 = 7;
    pub(super) const DATA_VALUE: i8 = 8;
    /// LwM2M Core §7.5.7.
    pub(super) const OBJECT_LINK_VALUE: &str = "vlo";
}

#[cfg(test)]
mod tests;
