//! LwM2M payload formats over borrowed buffers: plain text, opaque, CBOR, TLV, SenML and SenML-ETCH in JSON and CBOR,
//! LwM2M CBOR, the JSON of LwM2M 1.0, and the CoRE link format. Each is a feature of its own, and all are there by
//! default.
//!
//! A payload is a sequence of [`Record`]s, a path and a value each, whatever its format is. A [`Decoder`] walks over
//! the records of a received payload and copies nothing; an [`Encoder`] writes records into the caller's buffer. Both
//! need no allocator and have no panic path. What the bytes of a payload mean for an operation is the matter of
//! `dunlin-lwm2m` and those above it.
//!
//! ```
//! use dunlin_codec::{ContentFormat, Decoder, Encoder, Record};
//! use dunlin_model::{Path, Value, objects};
//!
//! // A device answers a Read of /3/0 …
//! let base = Path::try_from((3, 0))?;
//! let mut buffer = [0; 64];
//! let mut encoder = Encoder::new(ContentFormat::TLV, base, &mut buffer);
//! encoder.push(&Record::new(Path::try_from((3, 0, 0))?, Value::String("Dunlin")))?;
//! encoder.push(&Record::new(Path::try_from((3, 0, 7, 0))?, Value::Integer(3800)))?;
//! encoder.push(&Record::new(Path::try_from((3, 0, 7, 1))?, Value::Integer(5000)))?;
//! let length = encoder.finish()?;
//!
//! // … and the server reads the answer.
//! let bytes = buffer.get(..length).unwrap_or_default();
//! let decoder = Decoder::new(ContentFormat::TLV, base, bytes, objects::CORE, &mut [])?;
//! for record in decoder {
//!     let record = record?;
//!     println!("{} = {:?}", record.path, record.value);
//! }
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
#![no_std]
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation
    )
)]
// The formats share their parts, and a build with all of them shows which are of no use.
#![cfg_attr(
    not(all(
        feature = "text",
        feature = "opaque",
        feature = "cbor",
        feature = "tlv",
        feature = "lwm2m-json",
        feature = "senml-json",
        feature = "senml-cbor",
        feature = "lwm2m-cbor",
        feature = "link"
    )),
    allow(
        dead_code,
        irrefutable_let_patterns,
        unreachable_code,
        unused_imports,
        unused_mut,
        unused_variables
    )
)]

#[cfg(any(feature = "text", feature = "senml-json", feature = "lwm2m-json"))]
mod base64;
#[cfg(any(feature = "cbor", feature = "senml-cbor", feature = "lwm2m-cbor"))]
mod cbor;
mod content_format;
mod decode;
mod encode;
#[cfg(any(feature = "senml-json", feature = "lwm2m-json"))]
mod json;
#[cfg(feature = "link")]
pub mod link;
#[cfg(feature = "lwm2m-cbor")]
mod lwm2m_cbor;
mod number;
mod record;
mod row;
#[cfg(any(feature = "senml-cbor", feature = "senml-json", feature = "lwm2m-json"))]
mod senml;
mod short;
#[cfg(any(feature = "text", feature = "opaque", feature = "cbor"))]
mod single;
#[cfg(feature = "tlv")]
mod tlv;
mod utf8;
mod writer;

/// Whether common records have short ways, which give what the general ways give and cost some code for each format: where
/// a register holds eight bytes at once speed counts, on a device its flash.
const SHORT_WAYS: bool = cfg!(target_pointer_width = "64");

pub use content_format::{ContentFormat, ParseContentFormatError};
pub use decode::{DecodeError, DecodeErrorKind, Decoder};
pub use encode::{EncodeError, Encoder, Part, encode_part};
pub use record::{Record, Types, Untyped};

#[cfg(all(
    test,
    feature = "text",
    feature = "opaque",
    feature = "cbor",
    feature = "tlv",
    feature = "lwm2m-json",
    feature = "senml-json",
    feature = "senml-cbor",
    feature = "lwm2m-cbor"
))]
mod tests;
