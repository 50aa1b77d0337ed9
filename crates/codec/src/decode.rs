//! From bytes to records.

use core::fmt;

use dunlin_model::{Path, PathErrorKind};

#[cfg(feature = "lwm2m-cbor")]
use crate::lwm2m_cbor;
#[cfg(any(feature = "senml-cbor", feature = "senml-json", feature = "lwm2m-json"))]
use crate::senml;
#[cfg(any(feature = "text", feature = "opaque", feature = "cbor"))]
use crate::single;
#[cfg(feature = "tlv")]
use crate::tlv;
use crate::{ContentFormat, Record, SHORT_WAYS, Types};

/// What is wrong with a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum DecodeErrorKind {
    /// The content format is none of those decoded here.
    UnsupportedFormat,
    /// The format cannot tell of the node that the request names: plain text of an instance, TLV of the whole device.
    Base,
    /// The payload ends early.
    End,
    /// Bytes follow the end of the payload.
    Trailing,
    /// The bytes break the rules of the format.
    Malformed,
    /// Legal, but not a form that is decoded here: SenML sums, text in chunks.
    Unsupported,
    /// A TLV of this kind cannot stand here, or a map is nested too deep.
    Nesting,
    /// Resources of an object come without the instance they belong to, as in a Create that leaves the choice of the
    /// instance to the device: decode again with the path of the chosen instance as base.
    MissingInstance,
    /// The identifier 65535, which names no node, or a larger number.
    Identifier,
    /// A name that is not a path.
    Name(PathErrorKind),
    /// A node that is not below the one that the request names.
    Outside,
    /// A field comes twice in a record, a record has two values, or a value follows another of the same path.
    Duplicate,
    /// A value that is not of the resource's type.
    Type,
    /// A number in another unit than the resource's.
    Unit,
    /// A value whose length does not fit its type.
    Length,
    /// Text that is not UTF-8.
    Utf8,
    /// Text that is not base64, with padding or without as the format has it.
    Base64,
    /// The scratch buffer is too small for a value that does not stand in the payload as it is.
    NoSpace,
    /// A version of SenML that is not known.
    Version,
}

/// Why a payload cannot be decoded, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DecodeError {
    /// What is wrong.
    pub kind: DecodeErrorKind,
    /// The offset into the payload of the record or byte that is wrong.
    pub offset: usize,
}

impl DecodeError {
    pub(crate) const fn new(kind: DecodeErrorKind, offset: usize) -> Self {
        Self { kind, offset }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            DecodeErrorKind::UnsupportedFormat => "unsupported content format",
            DecodeErrorKind::Base => "the content format cannot carry the requested node",
            DecodeErrorKind::End => "the payload ends early",
            DecodeErrorKind::Trailing => "bytes after the end",
            DecodeErrorKind::Malformed => "malformed",
            DecodeErrorKind::Unsupported => "unsupported form",
            DecodeErrorKind::Nesting => "a level that cannot stand here",
            DecodeErrorKind::MissingInstance => "resources without an object instance",
            DecodeErrorKind::Identifier => "an identifier above 65534",
            DecodeErrorKind::Name(kind) => {
                return write!(
                    f,
                    "a name that is not a path: {kind} (at byte {})",
                    self.offset
                );
            }
            DecodeErrorKind::Outside => "a node outside the requested one",
            DecodeErrorKind::Duplicate => "given twice",
            DecodeErrorKind::Type => "a value of the wrong type",
            DecodeErrorKind::Unit => "a number in another unit",
            DecodeErrorKind::Length => "a value of the wrong length",
            DecodeErrorKind::Utf8 => "not UTF-8",
            DecodeErrorKind::Base64 => "not base64",
            DecodeErrorKind::NoSpace => "too long for the scratch buffer",
            DecodeErrorKind::Version => "unknown version of SenML",
        };
        write!(f, "{what} (at byte {})", self.offset)
    }
}

impl core::error::Error for DecodeError {}

/// An iterator over the records of a payload.
///
/// Everything that is handed out lies inside the node of the request. After an error the iterator ends; what came
/// before it must not be acted on, since a request is carried out as a whole or not at all.
///
/// ```
/// use dunlin_codec::{ContentFormat, Decoder, Record};
/// use dunlin_model::{Path, Value, objects};
///
/// let lifetime = Path::try_from((1, 0, 1))?;
/// let mut decoder = Decoder::new(ContentFormat::TEXT, lifetime, b"300", objects::CORE, &mut [])?;
/// assert_eq!(decoder.next(), Some(Ok(Record::new(lifetime, Value::Integer(300)))));
/// assert_eq!(decoder.next(), None);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Decoder<'a, T: Types + ?Sized = dyn Types + 'a> {
    format: Format<'a, T>,
}

// A tag by itself is quicker to look at than one in the room that a format leaves.
#[cfg_attr(target_pointer_width = "64", repr(u8))]
#[derive(Debug)]
enum Format<'a, T: ?Sized> {
    #[cfg(any(feature = "text", feature = "opaque", feature = "cbor"))]
    One(Option<Record<'a>>),
    #[cfg(feature = "tlv")]
    Tlv(tlv::Decoder<'a, T>),
    #[cfg(feature = "senml-cbor")]
    SenmlCbor(senml::CborDecoder<'a, T>),
    #[cfg(any(feature = "senml-json", feature = "lwm2m-json"))]
    Json(senml::JsonDecoder<'a, T>),
    #[cfg(feature = "lwm2m-cbor")]
    Lwm2mCbor(lwm2m_cbor::Decoder<'a, T>),
    /// Never made.
    #[expect(
        dead_code,
        reason = "keeps the parameters in use when there is no format"
    )]
    None(Option<(&'a T, core::convert::Infallible)>),
}

impl<'a, T: Types + ?Sized> Decoder<'a, T> {
    /// Starts to decode `bytes`, the payload of a request or of its answer.
    ///
    /// `base` is the path of the request. `types` tells the types of the values. `scratch` is where values go that do
    /// not stand in the payload as they are: opaque values in text and JSON, which need three bytes for every four of
    /// the payload, and JSON's texts with backslashes. A buffer as long as the payload is always enough.
    ///
    /// # Errors
    /// [`DecodeErrorKind::UnsupportedFormat`], [`DecodeErrorKind::Base`], and every error of a payload of one value,
    /// which is decoded here already.
    #[inline]
    pub fn new(
        format: ContentFormat,
        base: Path,
        bytes: &'a [u8],
        types: &'a T,
        scratch: &'a mut [u8],
    ) -> Result<Self, DecodeError> {
        #[cfg(feature = "tlv")]
        if SHORT_WAYS && format == ContentFormat::TLV {
            return Self::of_tlv(base, bytes, types);
        }
        Self::of_format(format, base, bytes, types, scratch)
    }

    fn of_format(
        format: ContentFormat,
        base: Path,
        bytes: &'a [u8],
        types: &'a T,
        scratch: &'a mut [u8],
    ) -> Result<Self, DecodeError> {
        let _ = (&base, &bytes, &types, &scratch);
        let format = match format {
            #[cfg(any(feature = "text", feature = "opaque", feature = "cbor"))]
            _ if format.is_single() && format.is_supported() => {
                Format::One(Some(single::decode(format, base, bytes, types, scratch)?))
            }
            #[cfg(feature = "tlv")]
            ContentFormat::TLV if !SHORT_WAYS => {
                Format::Tlv(tlv::Decoder::new(base, bytes, types)?)
            }
            #[cfg(feature = "senml-cbor")]
            ContentFormat::SENML_CBOR => Format::SenmlCbor(senml::CborDecoder::new(
                base,
                bytes,
                types,
                senml::Kind::Values,
            )),
            #[cfg(feature = "senml-cbor")]
            ContentFormat::SENML_ETCH_CBOR => Format::SenmlCbor(senml::CborDecoder::new(
                base,
                bytes,
                types,
                senml::Kind::Etch,
            )),
            #[cfg(any(feature = "senml-json", feature = "lwm2m-json"))]
            _ if let Some(form) = senml::Form::of(format) => {
                Format::Json(senml::JsonDecoder::new(base, bytes, types, form, scratch))
            }
            #[cfg(feature = "lwm2m-cbor")]
            ContentFormat::LWM2M_CBOR => {
                Format::Lwm2mCbor(lwm2m_cbor::Decoder::new(base, bytes, types))
            }
            _ => return Err(DecodeError::new(DecodeErrorKind::UnsupportedFormat, 0)),
        };
        Ok(Self { format })
    }

    #[cfg(feature = "tlv")]
    #[inline]
    fn of_tlv(base: Path, bytes: &'a [u8], types: &'a T) -> Result<Self, DecodeError> {
        Ok(Self {
            format: Format::Tlv(tlv::Decoder::new(base, bytes, types)?),
        })
    }

    /// Takes `path`, for example `/lwm2m`, off the names of SenML: LwM2M Transport §6.4.1.
    ///
    /// A device that registers under an alternate path puts it before the names of its payloads; a name without it is
    /// then an error. A device behind a gateway does so with its prefix, which LwM2M CBOR has too, as a text in the
    /// keys (LwM2M Gateway §10).
    #[must_use]
    pub fn alternate_path(mut self, path: &'a str) -> Self {
        match &mut self.format {
            #[cfg(feature = "senml-cbor")]
            Format::SenmlCbor(decoder) => decoder.set_prefix(path),
            #[cfg(any(feature = "senml-json", feature = "lwm2m-json"))]
            Format::Json(decoder) => decoder.set_prefix(path),
            #[cfg(feature = "lwm2m-cbor")]
            Format::Lwm2mCbor(decoder) => decoder.set_prefix(path),
            _ => {
                let _ = path;
            }
        }
        self
    }
}

impl<'a, T: Types + ?Sized> Decoder<'a, T> {
    #[inline]
    fn next_of_format(&mut self) -> Option<Result<Record<'a>, DecodeError>> {
        match &mut self.format {
            #[cfg(any(feature = "text", feature = "opaque", feature = "cbor"))]
            Format::One(record) => record.take().map(Ok),
            #[cfg(feature = "tlv")]
            Format::Tlv(decoder) => decoder.next(),
            #[cfg(feature = "senml-cbor")]
            Format::SenmlCbor(decoder) => decoder.next(),
            #[cfg(any(feature = "senml-json", feature = "lwm2m-json"))]
            Format::Json(decoder) => decoder.next(),
            #[cfg(feature = "lwm2m-cbor")]
            Format::Lwm2mCbor(decoder) => decoder.next(),
            Format::None(_) => None,
        }
    }
}

#[cfg(test)]
impl<'a, T: Types + ?Sized> Decoder<'a, T> {
    /// Does what [`Iterator::next`] does, without the short ways that the formats have for common records.
    pub(crate) fn next_the_long_way(&mut self) -> Option<Result<Record<'a>, DecodeError>> {
        match &mut self.format {
            #[cfg(any(feature = "text", feature = "opaque", feature = "cbor"))]
            Format::One(record) => record.take().map(Ok),
            #[cfg(feature = "tlv")]
            Format::Tlv(decoder) => decoder.next_of_any(),
            #[cfg(feature = "senml-cbor")]
            Format::SenmlCbor(decoder) => decoder.next_of_any(),
            #[cfg(any(feature = "senml-json", feature = "lwm2m-json"))]
            Format::Json(decoder) => decoder.next_of_any(),
            #[cfg(feature = "lwm2m-cbor")]
            Format::Lwm2mCbor(decoder) => decoder.next_of_any(),
            Format::None(_) => None,
        }
    }
}

impl<'a, T: Types + ?Sized> Iterator for Decoder<'a, T> {
    type Item = Result<Record<'a>, DecodeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        #[cfg(feature = "tlv")]
        if SHORT_WAYS && let Format::Tlv(decoder) = &mut self.format {
            return decoder.next();
        }
        self.next_of_format()
    }
}

impl<T: Types + ?Sized> core::iter::FusedIterator for Decoder<'_, T> {}
