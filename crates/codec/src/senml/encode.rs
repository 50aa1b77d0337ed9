//! From records to SenML.

use dunlin_model::{Path, Value};

use super::{half, label};
use crate::writer::Writer;
use crate::{EncodeError, Record};

/// CBOR major type 4.
const ARRAY: u8 = 0x80;
/// CBOR major type 5.
const MAP: u8 = 0xa0;

/// Writes the records of a pack. The array's header is put before them at the end, when their number is known.
#[derive(Debug)]
pub(crate) struct Encoder<'b> {
    writer: Writer<'b>,
    base: Path,
    base_name: BaseName,
    count: u32,
}

/// Which base name is in effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BaseName {
    None,
    /// The path of the request: `/3/0/0`.
    Node,
    /// What its children start with: `/3/0/`.
    Children,
}

type Fallible<T> = Result<T, EncodeError>;

/// What minicbor cannot write.
fn fault(error: minicbor::encode::Error<EncodeError>) -> EncodeError {
    error.into_write().unwrap_or(EncodeError::NotRepresentable)
}

/// Writes with minicbor.
macro_rules! put {
    ($writer:expr, $what:ident $(, $value:expr)?) => {
        minicbor::Encoder::new(&mut *$writer).$what($($value)?).map(drop).map_err(fault)
    };
}

impl<'b> Encoder<'b> {
    pub(crate) fn new(base: Path, buffer: &'b mut [u8]) -> Fallible<Self> {
        let mut writer = Writer::new(buffer);
        // Fits the header of an array of up to 23 records.
        writer.put(&[ARRAY])?;
        Ok(Self {
            writer,
            base,
            base_name: BaseName::None,
            count: 0,
        })
    }

    pub(crate) fn push(&mut self, record: &Record<'_>) -> Fallible<()> {
        self.count = self.count.saturating_add(1);
        let writer = &mut self.writer;
        let wanted = match (record.path == self.base, self.base) {
            // The root has no name that could be a base.
            (true, Path::ROOT) => BaseName::None,
            (true, _) => BaseName::Node,
            (false, _) => BaseName::Children,
        };
        let new_base = wanted != self.base_name;
        let has_name = wanted != BaseName::Node;
        let fields = [
            new_base && wanted != BaseName::None,
            has_name,
            record.time.is_some(),
            record.value != Value::None,
        ];
        let mut map = MAP;
        for field in fields {
            map = map.saturating_add(field.into());
        }
        writer.put(&[map])?;
        if new_base {
            if wanted == BaseName::None && self.base_name != BaseName::None {
                return Err(EncodeError::OutOfOrder);
            }
            self.base_name = wanted;
            if wanted != BaseName::None {
                put!(writer, i8, label::BASE_NAME)?;
                let name = |writer: &mut Writer<'_>| {
                    if self.base != Path::ROOT {
                        writer.print(self.base)?;
                    }
                    if wanted == BaseName::Children {
                        writer.put(b"/")
                    } else {
                        Ok(())
                    }
                };
                text(writer, name)?;
            }
        }
        if has_name {
            put!(writer, i8, label::NAME)?;
            text(writer, |writer| {
                if wanted == BaseName::None {
                    return writer.put(b"/");
                }
                let mut separate = false;
                for id in record.path.segments().skip(self.base.segments().count()) {
                    if separate {
                        writer.put(b"/")?;
                    }
                    writer.print(id)?;
                    separate = true;
                }
                Ok(())
            })?;
        }
        if let Some(time) = record.time {
            put!(writer, i8, label::TIME)?;
            match Value::Float(time).as_i64() {
                Some(seconds) => put!(writer, i64, seconds)?,
                None => float(writer, time)?,
            }
        }
        value(writer, &record.value)
    }

    pub(crate) fn finish(mut self) -> Fallible<usize> {
        let mut header = [0; 5];
        let mut array = Writer::new(&mut header);
        put!(&mut array, array, self.count.into())?;
        self.writer.replace(0, 1, array.written_from(0))?;
        Ok(self.writer.len())
    }
}

fn value(writer: &mut Writer<'_>, value: &Value<'_>) -> Fallible<()> {
    match *value {
        Value::None => Ok(()),
        Value::Integer(number) | Value::Time(number) => {
            put!(writer, i8, label::VALUE)?;
            put!(writer, i64, number)
        }
        Value::Unsigned(number) => {
            put!(writer, i8, label::VALUE)?;
            put!(writer, u64, number)
        }
        Value::Float(number) => {
            put!(writer, i8, label::VALUE)?;
            float(writer, number)
        }
        Value::String(string) | Value::Corelnk(string) => {
            put!(writer, i8, label::STRING_VALUE)?;
            put!(writer, str, string)
        }
        Value::Boolean(truth) => {
            put!(writer, i8, label::BOOLEAN_VALUE)?;
            put!(writer, bool, truth)
        }
        Value::Opaque(bytes) => {
            put!(writer, i8, label::DATA_VALUE)?;
            put!(writer, bytes, bytes)
        }
        Value::Objlnk(link) => {
            put!(writer, str, label::OBJECT_LINK_VALUE)?;
            text(writer, |writer| writer.print(link))
        }
    }
}

/// Writes what `write` writes as a text string; it must not be longer than 255 bytes.
fn text(
    writer: &mut Writer<'_>,
    write: impl FnOnce(&mut Writer<'_>) -> Fallible<()>,
) -> Fallible<()> {
    let start = writer.len();
    // Fits the header of a text of up to 23 bytes.
    writer.put(&[0])?;
    write(writer)?;
    let length = writer.len().saturating_sub(start).saturating_sub(1);
    match u8::try_from(length).map_err(|_| EncodeError::NotRepresentable)? {
        short @ 0..=23 => writer.replace(start, 1, &[0x60 | short]),
        long => writer.replace(start, 1, &[0x78, long]),
    }
}

/// Writes the shortest float that is the same number: RFC 8949 §4.2.2.
#[expect(
    clippy::cast_possible_truncation,
    reason = "compared bit by bit on the way back"
)]
fn float(writer: &mut Writer<'_>, number: f64) -> Fallible<()> {
    let single = number as f32;
    if !number.is_nan() && f64::from(single).to_bits() != number.to_bits() {
        return put!(writer, f64, number);
    }
    match half::narrow(single) {
        Some(half) => {
            let [high, low] = half.to_be_bytes();
            writer.put(&[0xf9, high, low])
        }
        None => put!(writer, f32, single),
    }
}
