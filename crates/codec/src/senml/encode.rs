//! From records to SenML.

use dunlin_model::{Level, Path, Value};

use super::{half, label};
use crate::writer::Writer;
use crate::{EncodeError, Record};

/// CBOR major type 3.
const TEXT: u8 = 0x60;
/// CBOR major type 4.
const ARRAY: u8 = 0x80;
/// CBOR major type 5.
const MAP: u8 = 0xa0;
/// The label -2.
const BASE_NAME: u8 = 0x21;
/// The label 0.
const NAME: u8 = 0x00;

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
        if new_base && wanted == BaseName::None {
            return Err(EncodeError::OutOfOrder);
        }
        self.base_name = wanted;
        let has_name = wanted != BaseName::Node;
        let fields = [
            new_base,
            has_name,
            record.time.is_some(),
            record.value != Value::None,
        ];
        writer.put(&[fields
            .iter()
            .fold(MAP, |map, field| map.saturating_add((*field).into()))])?;
        if new_base {
            writer.put(&[BASE_NAME])?;
            let end = if wanted == BaseName::Children {
                "/"
            } else {
                ""
            };
            name(writer, "/", self.base.segments(), end)?;
        }
        if has_name {
            writer.put(&[NAME])?;
            if wanted == BaseName::None {
                name(writer, "/", Path::ROOT.segments(), "")?;
            } else {
                let known = match self.base.level() {
                    Level::Root => 0,
                    Level::Object => 1,
                    Level::Instance => 2,
                    Level::Resource | Level::ResourceInstance => 3,
                };
                name(writer, "", record.path.segments().skip(known), "")?;
            }
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
            let mut buffer = [0; 11];
            let mut printed = Writer::new(&mut buffer);
            printed.print(link)?;
            text(writer, printed.written_from(0))
        }
    }
}

/// Writes a text string of `start`, `numbers` with slashes between them, and `end`.
fn name(
    writer: &mut Writer<'_>,
    start: &str,
    numbers: impl Iterator<Item = u16>,
    end: &str,
) -> Fallible<()> {
    // Five digits for each of four numbers, and a slash before and after each.
    let mut buffer = [0; 25];
    let mut name = Writer::new(&mut buffer);
    name.put(start.as_bytes())?;
    let empty = name.len();
    for number in numbers {
        if name.len() > empty {
            name.put(b"/")?;
        }
        name.decimal(number)?;
    }
    if name.len() > empty {
        name.put(end.as_bytes())?;
    }
    text(writer, name.written_from(0))
}

/// Writes a text string of up to 255 bytes.
fn text(writer: &mut Writer<'_>, bytes: &[u8]) -> Fallible<()> {
    match u8::try_from(bytes.len()).map_err(|_| EncodeError::NotRepresentable)? {
        short @ 0..=23 => writer.put(&[TEXT | short])?,
        long => writer.put(&[TEXT | 0x18, long])?,
    }
    writer.put(bytes)
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
