//! From records to bytes.

use core::fmt;

use dunlin_model::{Level, Path};

#[cfg(feature = "lwm2m-cbor")]
use crate::lwm2m_cbor;
use crate::row::{Row, Rows, Way};
#[cfg(any(feature = "senml-cbor", feature = "senml-json", feature = "lwm2m-json"))]
use crate::senml;
#[cfg(any(feature = "text", feature = "opaque", feature = "cbor"))]
use crate::single;
#[cfg(feature = "tlv")]
use crate::tlv;
use crate::writer::{Window, Writer};
use crate::{ContentFormat, Record, SHORT_WAYS};

/// Why a payload cannot be encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
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
/// The bytes are the only ones for their records: shortest numbers, definite lengths, a fixed order of fields. Bytes of
/// the buffer behind the payload may be changed too.
///
/// ```
/// use dunlin_codec::{ContentFormat, Encoder, Record};
/// use dunlin_model::{Path, Value};
///
/// let mut buffer = [0; 16];
/// let mut encoder = Encoder::new(ContentFormat::TLV, Path::try_from((3303,))?, &mut buffer);
/// encoder.push(&Record::new(Path::try_from((3303, 0, 5700))?, Value::Float(22.5)))?;
/// let length = encoder.finish()?;
/// // Instance 0 with 7 bytes: resource 5700 with 4 bytes.
/// assert_eq!(buffer.get(..length), Some(&[0x07, 0, 0xe4, 0x16, 0x44, 0x41, 0xb4, 0, 0][..]));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Encoder<'b> {
    /// The short way of the format.
    push: fn(&mut Self, &Record<'_>) -> Result<(), EncodeError>,
    writer: Writer<'b>,
    row: Row,
    base: Path,
    format: Format,
}

// With a tag of its own on a host, where steps count more than bytes.
#[derive(Debug)]
#[cfg_attr(target_pointer_width = "64", repr(u8))]
enum Format {
    #[cfg(any(feature = "text", feature = "opaque", feature = "cbor"))]
    One(single::Encoder),
    #[cfg(feature = "tlv")]
    Tlv(tlv::Encoder),
    #[cfg(feature = "senml-cbor")]
    SenmlCbor(senml::CborEncoder),
    #[cfg(any(feature = "senml-json", feature = "lwm2m-json"))]
    Json(senml::JsonEncoder),
    #[cfg(feature = "lwm2m-cbor")]
    Lwm2mCbor(lwm2m_cbor::Encoder),
    /// A record could not be written.
    Failed(EncodeError),
}

impl Format {
    fn start(
        format: ContentFormat,
        base: Path,
        writer: &mut Writer<'_>,
    ) -> Result<Self, EncodeError> {
        let _ = (&base, &writer);
        Ok(match format {
            #[cfg(feature = "tlv")]
            ContentFormat::TLV if !SHORT_WAYS => Self::Tlv(tlv::Encoder::new(base)?),
            #[cfg(feature = "senml-cbor")]
            ContentFormat::SENML_CBOR | ContentFormat::SENML_ETCH_CBOR => {
                Self::SenmlCbor(senml::CborEncoder::new(base, writer)?)
            }
            #[cfg(feature = "lwm2m-cbor")]
            ContentFormat::LWM2M_CBOR => Self::Lwm2mCbor(lwm2m_cbor::Encoder::new(base, writer)?),
            #[cfg(any(feature = "senml-json", feature = "lwm2m-json"))]
            _ if let Some(form) = senml::Form::of(format) => {
                Self::Json(senml::JsonEncoder::new(base, form))
            }
            #[cfg(any(feature = "text", feature = "opaque", feature = "cbor"))]
            _ if format.is_single() && format.is_supported() => {
                Self::One(single::Encoder::new(format, base)?)
            }
            _ => return Err(EncodeError::UnsupportedFormat),
        })
    }

    /// Whether what is about an instance has its resources in a row from the first on.
    const fn nests(&self) -> bool {
        match self {
            #[cfg(feature = "tlv")]
            Self::Tlv(_) => true,
            #[cfg(feature = "lwm2m-cbor")]
            Self::Lwm2mCbor(_) => true,
            _ => false,
        }
    }

    /// The short way of the format, if it has one.
    fn push<'b>(&self) -> fn(&mut Encoder<'b>, &Record<'_>) -> Result<(), EncodeError> {
        if !SHORT_WAYS {
            return Encoder::push_any;
        }
        match self {
            #[cfg(feature = "tlv")]
            Self::Tlv(_) => Encoder::push_short::<tlv::Encoder>,
            #[cfg(feature = "senml-cbor")]
            Self::SenmlCbor(_) => Encoder::push_short::<senml::CborEncoder>,
            #[cfg(any(feature = "senml-json", feature = "lwm2m-json"))]
            Self::Json(encoder) if encoder.is_senml() => Encoder::push_short::<senml::JsonEncoder>,
            #[cfg(feature = "lwm2m-cbor")]
            Self::Lwm2mCbor(_) => Encoder::push_short::<lwm2m_cbor::Encoder>,
            _ => Encoder::push_any,
        }
    }
}

impl<'b> Encoder<'b> {
    /// Starts a payload about the node `base`, the path of the request, in `buffer`.
    ///
    /// What is wrong already here is what `push` and `finish` then give: [`EncodeError::UnsupportedFormat`], or
    /// [`EncodeError::NotRepresentable`] if no payload of the format can be about `base`.
    #[inline]
    pub fn new(format: ContentFormat, base: Path, buffer: &'b mut [u8]) -> Self {
        Self::windowed(format, base, buffer, None)
    }

    /// Starts a payload of which the buffer holds what is in the window, if there is one.
    // Each way makes the encoder in one piece in a function that is not inlined, so that it is made where it is to stay: a
    // move of it costs as much as a record.
    #[inline]
    fn windowed(
        format: ContentFormat,
        base: Path,
        buffer: &'b mut [u8],
        window: Option<&'b mut Window>,
    ) -> Self {
        #[cfg(feature = "tlv")]
        if SHORT_WAYS && format == ContentFormat::TLV {
            return Self::of_tlv(base, buffer, window);
        }
        Self::of_any(format, base, buffer, window)
    }

    #[cfg(feature = "tlv")]
    #[inline(never)]
    fn of_tlv(base: Path, buffer: &'b mut [u8], window: Option<&'b mut Window>) -> Self {
        let format = match tlv::Encoder::new(base) {
            Ok(encoder) => Format::Tlv(encoder),
            Err(error) => Format::Failed(error),
        };
        Self::of(base, Writer::windowed(buffer, window), format)
    }

    #[inline(never)]
    fn of_any(
        format: ContentFormat,
        base: Path,
        buffer: &'b mut [u8],
        window: Option<&'b mut Window>,
    ) -> Self {
        let mut writer = Writer::windowed(buffer, window);
        let format = match Format::start(format, base, &mut writer) {
            Ok(format) => format,
            Err(error) => Format::Failed(error),
        };
        Self::of(base, writer, format)
    }

    #[inline]
    fn of(base: Path, writer: Writer<'b>, format: Format) -> Self {
        let mut row = Row::START;
        if SHORT_WAYS && format.nests() && base.level() == Level::Instance {
            row.go_to_resources(base);
        }
        Self {
            push: format.push(),
            writer,
            row,
            base,
            format,
        }
    }

    /// Makes this a Patch Pack, in which a record without value takes away the resource instance that it names: SenML
    /// ETCH, RFC 8790 §3.2. Without it, such a record names what a Fetch asks for. Other formats have no such packs.
    #[must_use]
    pub fn removes(mut self) -> Self {
        match &mut self.format {
            #[cfg(feature = "senml-cbor")]
            Format::SenmlCbor(encoder) => encoder.set_removes(),
            #[cfg(any(feature = "senml-json", feature = "lwm2m-json"))]
            Format::Json(encoder) => encoder.set_removes(),
            _ => {}
        }
        self
    }

    /// Writes `record`.
    ///
    /// TLV, LwM2M CBOR and the formats of one value have no times; they leave them out.
    ///
    /// # Errors
    /// [`EncodeError::Outside`], [`EncodeError::NoSpace`], [`EncodeError::NotRepresentable`], or, where the format
    /// nests, [`EncodeError::OutOfOrder`].
    #[inline]
    pub fn push(&mut self, record: &Record<'_>) -> Result<(), EncodeError> {
        if SHORT_WAYS {
            (self.push)(self, record)
        } else {
            self.push_any(record)
        }
    }

    /// Writes a record of the row, if its value is a common one.
    fn push_short<F: Rows>(&mut self, record: &Record<'_>) -> Result<(), EncodeError> {
        match F::next(&mut self.writer, &mut self.row, record) {
            Way::Done => {
                self.row.last = record.path;
                Ok(())
            }
            Way::Turn(id) => self.push_turn::<F>(record, id),
            Way::Long => self.push_any(record),
        }
    }

    /// Writes a record that may start another row.
    #[inline(never)]
    fn push_turn<F: Rows>(&mut self, record: &Record<'_>, id: u64) -> Result<(), EncodeError> {
        if F::turn(&mut self.writer, &mut self.row, id, self.base, record).is_some() {
            self.row.last = record.path;
            return Ok(());
        }
        self.push_any(record)
    }

    /// Does what [`push`](Self::push) does, without the short ways.
    #[cfg(test)]
    pub(crate) fn push_the_long_way(&mut self, record: &Record<'_>) -> Result<(), EncodeError> {
        self.push_any(record)
    }

    /// Notes that the payload cannot be made any more.
    #[cold]
    #[inline(never)]
    fn fail(&mut self, error: EncodeError) {
        self.push = Self::push_any;
        self.format = Format::Failed(error);
    }

    #[inline(never)]
    fn push_any(&mut self, record: &Record<'_>) -> Result<(), EncodeError> {
        let (writer, row) = (&mut self.writer, &mut self.row);
        let _ = (&writer, &row);
        let result = if self.base.contains(&record.path) {
            match &mut self.format {
                #[cfg(any(feature = "text", feature = "opaque", feature = "cbor"))]
                Format::One(encoder) => encoder.push(writer, self.base, record),
                #[cfg(feature = "tlv")]
                Format::Tlv(encoder) => encoder.push(writer, row, self.base, record),
                #[cfg(feature = "senml-cbor")]
                Format::SenmlCbor(encoder) => encoder.push(writer, row, record),
                #[cfg(any(feature = "senml-json", feature = "lwm2m-json"))]
                Format::Json(encoder) => encoder.push(writer, row, record),
                #[cfg(feature = "lwm2m-cbor")]
                Format::Lwm2mCbor(encoder) => encoder.push(writer, row, self.base, record),
                Format::Failed(error) => Err(*error),
            }
        } else if let Format::Failed(error) = self.format {
            Err(error)
        } else {
            Err(EncodeError::Outside)
        };
        match result.and_then(|()| self.writer.fits()) {
            Ok(()) => {
                self.row.last = record.path;
                Ok(())
            }
            Err(error) => {
                self.fail(error);
                Err(error)
            }
        }
    }

    /// Ends the payload and gives its length in bytes. Nothing may be written after it.
    ///
    /// # Errors
    /// That of the first `push` that failed or of `new`, [`EncodeError::NoSpace`], or [`EncodeError::Empty`] if a format of
    /// one value was given none, or LwM2M CBOR about the whole device.
    #[inline]
    pub fn finish(&mut self) -> Result<usize, EncodeError> {
        self.end()?;
        self.writer.fits()?;
        // A second end would not be one.
        self.push = Self::push_any;
        self.format = Format::Failed(EncodeError::OutOfOrder);
        Ok(self.writer.len())
    }

    fn end(&mut self) -> Result<(), EncodeError> {
        let (writer, row) = (&mut self.writer, &mut self.row);
        let _ = (&writer, &row);
        match &mut self.format {
            #[cfg(any(feature = "text", feature = "opaque", feature = "cbor"))]
            Format::One(encoder) => encoder.finish(),
            #[cfg(feature = "tlv")]
            Format::Tlv(encoder) => encoder.finish(writer, row),
            #[cfg(feature = "senml-cbor")]
            Format::SenmlCbor(encoder) => encoder.finish(writer, row),
            #[cfg(any(feature = "senml-json", feature = "lwm2m-json"))]
            Format::Json(encoder) => encoder.finish(writer),
            #[cfg(feature = "lwm2m-cbor")]
            Format::Lwm2mCbor(encoder) => encoder.finish(writer, row, self.base),
            Format::Failed(error) => Err(*error),
        }
    }
}

/// A part of a payload, made by [`encode_part`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// How many bytes of it are in the buffer.
    pub length: usize,
    /// How many bytes the whole payload has.
    pub total: usize,
}

/// Writes the part of a payload that starts `skip` bytes into it, as much of it as the buffer holds.
///
/// With it an answer of any size goes out block by block (RFC 7959) from a buffer of one block, and nothing is kept
/// between two blocks: for each of them `records` pushes the records of the whole payload, of which the bytes outside
/// the part are only counted. TLV, LwM2M CBOR and SenML CBOR put a length before what it is the length of; where such a
/// container lies across the start of the part, and its header is longer than the shortest one, `records` is called
/// again when that is known, at most once for each level of nesting. It must push the same records every time. The parts
/// put together are the very bytes that an [`Encoder`] with a large buffer writes.
///
/// ```
/// use dunlin_codec::{ContentFormat, EncodeError, Record, encode_part};
/// use dunlin_model::{Path, Value};
///
/// let instance = Path::try_from((3, 0))?;
/// let mut payload: Vec<u8> = Vec::new();
/// let mut block = [0; 16];
/// loop {
///     let part = encode_part::<EncodeError>(ContentFormat::TLV, instance, payload.len(), &mut block, |encoder| {
///         encoder.push(&Record::new(Path::try_from((3, 0, 0)).expect("a path"), Value::String("Open Mobile Alliance")))
///     })?;
///     payload.extend(block.iter().take(part.length));
///     if payload.len() == part.total {
///         break;
///     }
/// }
/// assert_eq!(payload, b"\xc8\0\x14Open Mobile Alliance");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
///
/// # Errors
/// Those of [`Encoder`] but for [`EncodeError::NoSpace`], as the error type of `records`, and whatever `records` gives.
pub fn encode_part<E: From<EncodeError>>(
    format: ContentFormat,
    base: Path,
    skip: usize,
    buffer: &mut [u8],
    mut records: impl FnMut(&mut Encoder<'_>) -> Result<(), E>,
) -> Result<Part, E> {
    let mut window = Window::new(skip);
    loop {
        let mut encoder = Encoder::windowed(format, base, &mut *buffer, Some(&mut window));
        records(&mut encoder)?;
        encoder.end()?;
        let part = Part {
            length: encoder.writer.kept(),
            total: encoder.writer.len(),
        };
        if !window.again() {
            return Ok(part);
        }
    }
}
