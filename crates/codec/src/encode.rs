//! From records to bytes.

use core::fmt;

use dunlin_model::Path;

use crate::{ContentFormat, Record, senml, text, tlv};

/// Why a payload cannot be encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeError {
    /// The content format is none of those encoded here.
    UnsupportedFormat,
    /// The buffer is too small.
    NoSpace,
    /// The format cannot say this: two values in plain text, a number as opaque, TLV of the whole device.
    NotRepresentable,
    /// A record does not come after the one before, in a format where it must.
    OutOfOrder,
    /// A record is not below the node that the payload is about.
    Outside,
    /// The format needs a value and there was none.
    Empty,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnsupportedFormat => "unsupported content format",
            Self::NoSpace => "the buffer is too small",
            Self::NotRepresentable => "the content format cannot say this",
            Self::OutOfOrder => "records must come in the order of their paths",
            Self::Outside => "a record outside the node of the payload",
            Self::Empty => "no value",
        })
    }
}

impl core::error::Error for EncodeError {}

/// Writes records into a buffer.
///
/// Records come in the order of their paths. After an error the encoder is of no use, and `finish` gives the same error
/// again, so that a caller may look at the result once.
///
/// The bytes are the only ones for their records: shortest numbers, definite lengths, a fixed order of fields. While
/// TLV is written it may take one byte more than in the end, for the length of a short object instance.
///
/// ```
/// use dunlin_codec::{ContentFormat, Encoder, Record};
/// use dunlin_model::{Path, Value};
///
/// let mut buffer = [0; 16];
/// let mut encoder = Encoder::new(ContentFormat::TLV, Path::try_from((3303,))?, &mut buffer)?;
/// encoder.push(&Record::new(Path::try_from((3303, 0, 5700))?, Value::Float(22.5)))?;
/// let length = encoder.finish()?;
/// // Instance 0 with 7 bytes: resource 5700 with 4 bytes.
/// assert_eq!(buffer.get(..length), Some(&[0x07, 0, 0xe4, 0x16, 0x44, 0x41, 0xb4, 0, 0][..]));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Encoder<'b> {
    base: Path,
    format: Format<'b>,
    error: Option<EncodeError>,
}

#[derive(Debug)]
enum Format<'b> {
    Text(text::Encoder<'b>),
    Tlv(tlv::Encoder<'b>),
    SenmlCbor(senml::Encoder<'b>),
}

impl<'b> Encoder<'b> {
    /// Starts a payload about the node `base`, the path of the request, in `buffer`.
    ///
    /// # Errors
    /// [`EncodeError::UnsupportedFormat`], or [`EncodeError::NotRepresentable`] if no payload of the format can be
    /// about `base`.
    pub fn new(
        format: ContentFormat,
        base: Path,
        buffer: &'b mut [u8],
    ) -> Result<Self, EncodeError> {
        let format = match format {
            ContentFormat::TEXT => Format::Text(text::Encoder::new(base, buffer, false)?),
            ContentFormat::OPAQUE => Format::Text(text::Encoder::new(base, buffer, true)?),
            ContentFormat::TLV => Format::Tlv(tlv::Encoder::new(base, buffer)?),
            ContentFormat::SENML_CBOR => Format::SenmlCbor(senml::Encoder::new(base, buffer)?),
            _ => return Err(EncodeError::UnsupportedFormat),
        };
        Ok(Self {
            base,
            format,
            error: None,
        })
    }

    /// Writes `record`.
    ///
    /// TLV has no times; it leaves them out.
    ///
    /// # Errors
    /// [`EncodeError::Outside`], [`EncodeError::NoSpace`], [`EncodeError::NotRepresentable`], or, where the format
    /// nests, [`EncodeError::OutOfOrder`].
    pub fn push(&mut self, record: &Record<'_>) -> Result<(), EncodeError> {
        let result = self.try_push(record);
        self.error = result.err();
        result
    }

    fn try_push(&mut self, record: &Record<'_>) -> Result<(), EncodeError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        if !self.base.contains(&record.path) {
            return Err(EncodeError::Outside);
        }
        match &mut self.format {
            Format::Text(encoder) => encoder.push(record),
            Format::Tlv(encoder) => encoder.push(record),
            Format::SenmlCbor(encoder) => encoder.push(record),
        }
    }

    /// Ends the payload and gives its length in bytes.
    ///
    /// # Errors
    /// The error of the first `push` that failed, [`EncodeError::NoSpace`], or [`EncodeError::Empty`] if a format of
    /// one value was given none.
    pub fn finish(self) -> Result<usize, EncodeError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        match self.format {
            Format::Text(encoder) => encoder.finish(),
            Format::Tlv(encoder) => encoder.finish(),
            Format::SenmlCbor(encoder) => encoder.finish(),
        }
    }
}
