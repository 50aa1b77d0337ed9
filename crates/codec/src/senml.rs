//! SenML (RFC 8428) in its two forms as LwM2M Core §7.5.6 and §7.5.7 use it, SenML-ETCH (RFC 8790), and the JSON of
//! LwM2M 1.0, which SenML grew out of.
//!
//! A pack is an array of records, a record is a map. A base field holds for its own record and those after it; the name
//! of a record is the base name and the name put together, its time and its value are sums in the same way. What a
//! record says is read into [`Fields`] by the form's own reader, and [`Resolver`] makes records of them.

#[cfg(feature = "senml-cbor")]
mod cbor;
#[cfg(any(feature = "senml-json", feature = "lwm2m-json"))]
mod json;
mod name;
mod resolve;

#[cfg(feature = "senml-cbor")]
pub(crate) use cbor::{Decoder as CborDecoder, Encoder as CborEncoder};
#[cfg(any(feature = "senml-json", feature = "lwm2m-json"))]
pub(crate) use json::{Decoder as JsonDecoder, Encoder as JsonEncoder, Form};
pub(crate) use name::{Base, Name};
pub(crate) use resolve::{Fields, Resolver, label};

/// The newest version of SenML: RFC 8428 §4.4.
const VERSION: u64 = 10;

/// What the records of a pack are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Values: `application/senml+…`. In a composite request records have none.
    Values,
    /// A Fetch or Patch Pack: `application/senml-etch+…`. A value may be `null`.
    Etch,
}

#[cfg(all(test, feature = "senml-cbor", feature = "senml-json"))]
mod tests;
