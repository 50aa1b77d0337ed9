//! Payloads of one value: plain text, opaque and CBOR, LwM2M Core §7.5.1 to §7.5.3 and Appendix C.

#[cfg(feature = "text")]
mod text;

use dunlin_model::{Level, Path, Value};

use crate::writer::Writer;
use crate::{ContentFormat, DecodeError, DecodeErrorKind, EncodeError, Record, Types};

/// Whether a payload of one value can be about `base`.
fn carries(base: Path) -> bool {
    base.level() >= Level::Resource
}

/// Reads the value of `base`, which must be a node that holds exactly one.
pub(crate) fn decode<'a>(
    format: ContentFormat,
    base: Path,
    bytes: &'a [u8],
    types: &(impl Types + ?Sized),
    scratch: &'a mut [u8],
) -> Result<Record<'a>, DecodeError> {
    let whole_array = base.level() == Level::Resource && types.is_multiple(&base) == Some(true);
    if !carries(base) || whole_array {
        return Err(DecodeError::new(DecodeErrorKind::Base, 0));
    }
    let kind = types.value_type(&base);
    let value = match format {
        #[cfg(feature = "text")]
        ContentFormat::TEXT => {
            let kind = kind.unwrap_or(dunlin_model::ValueType::String);
            text::parse(bytes, kind, scratch).map_err(|kind| DecodeError::new(kind, 0))
        }
        #[cfg(feature = "cbor")]
        ContentFormat::CBOR => cbor(bytes, kind),
        #[cfg(feature = "opaque")]
        ContentFormat::OPAQUE => opaque(bytes, kind),
        _ => {
            let _ = (kind, bytes, scratch);
            Err(DecodeError::new(DecodeErrorKind::UnsupportedFormat, 0))
        }
    }?;
    Ok(Record::new(base, value))
}

#[cfg(feature = "opaque")]
fn opaque(bytes: &[u8], kind: Option<dunlin_model::ValueType>) -> Result<Value<'_>, DecodeError> {
    match kind {
        None | Some(dunlin_model::ValueType::Opaque) => Ok(Value::Opaque(bytes)),
        Some(_) => Err(DecodeError::new(DecodeErrorKind::Type, 0)),
    }
}

/// LwM2M Core §7.5.3: one data item.
#[cfg(feature = "cbor")]
fn cbor(bytes: &[u8], kind: Option<dunlin_model::ValueType>) -> Result<Value<'_>, DecodeError> {
    let mut reader = crate::cbor::Reader::new(bytes);
    let value = reader
        .value()
        .and_then(|value| crate::record::typed(value, kind));
    match value {
        Err(kind) => Err(DecodeError::new(kind, reader.offset())),
        Ok(_) if !reader.is_empty() => {
            Err(DecodeError::new(DecodeErrorKind::Trailing, reader.offset()))
        }
        // Nothing is no value of a resource.
        Ok(Value::None) => Err(DecodeError::new(DecodeErrorKind::Type, 0)),
        Ok(value) => Ok(value),
    }
}

/// Writes the one value of a payload.
#[derive(Debug)]
pub(crate) struct Encoder {
    format: ContentFormat,
    done: bool,
}

impl Encoder {
    pub(crate) fn new(format: ContentFormat, base: Path) -> Result<Self, EncodeError> {
        if !carries(base) {
            return Err(EncodeError::NotRepresentable);
        }
        Ok(Self {
            format,
            done: false,
        })
    }

    pub(crate) fn push(
        &mut self,
        writer: &mut Writer<'_>,
        base: Path,
        record: &Record<'_>,
    ) -> Result<(), EncodeError> {
        if self.done || record.path != base {
            return Err(EncodeError::NotRepresentable);
        }
        self.done = true;
        match (self.format, &record.value) {
            (_, Value::None) => Err(EncodeError::NotRepresentable),
            #[cfg(feature = "text")]
            (ContentFormat::TEXT, value) => text::print(writer, value),
            #[cfg(feature = "cbor")]
            (ContentFormat::CBOR, value) => crate::cbor::put_value(writer, value),
            (_, Value::Opaque(bytes)) => writer.put(bytes),
            _ => Err(EncodeError::NotRepresentable),
        }
    }

    pub(crate) fn finish(&self) -> Result<(), EncodeError> {
        if self.done {
            Ok(())
        } else {
            Err(EncodeError::Empty)
        }
    }
}

#[cfg(all(test, feature = "text", feature = "opaque", feature = "cbor"))]
mod tests;
