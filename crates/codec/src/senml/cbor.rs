//! `application/senml+cbor` and `application/senml-etch+cbor`: RFC 8428 §6, RFC 8790.
//!
//! Labels are integers, but for `vlo`, the object link that LwM2M adds.

use core::str;

use dunlin_model::{Path, Value, ValueType};

use super::name::Text;
use super::{Base, Fields, Kind, Resolver, label};
use crate::cbor::{
    OPEN, Reader, close, integer, major, put_head, put_value, short_integer, short_text, text,
};
use crate::record::{integer_of, takes_integers, typed};
use crate::row::{Row, Rows, Way};
use crate::short::Short;
use crate::writer::Writer;
use crate::{DecodeError, DecodeErrorKind, EncodeError, Record, SHORT_WAYS, Types};

type Fallible<T> = Result<T, DecodeErrorKind>;

/// The label of an object link.
const OBJECT_LINK: &[u8] = b"vlo";

/// Walks over the records of a pack.
#[derive(Debug)]
pub(crate) struct Decoder<'a, T: ?Sized> {
    reader: Reader<'a>,
    resolver: Resolver<'a, T>,
    kind: Kind,
    /// How many records are to come, or [`OPEN`]; [`START`] before the head of the array was read.
    left: u64,
}

/// Everything is to come.
const START: u64 = OPEN.wrapping_sub(1);

impl<'a, T: Types + ?Sized> Decoder<'a, T> {
    pub(crate) fn new(base: Path, bytes: &'a [u8], types: &'a T, kind: Kind) -> Self {
        Self {
            reader: Reader::new(bytes),
            resolver: Resolver::new(base, types, false),
            kind,
            left: START,
        }
    }

    pub(crate) fn set_prefix(&mut self, prefix: &'a str) {
        self.resolver.set_prefix(prefix);
    }

    /// Whether a record comes next.
    #[inline]
    fn more(&mut self) -> Fallible<bool> {
        if self.left == START {
            self.left = self.reader.container(major::ARRAY)?;
        }
        if self.reader.another(&mut self.left)? {
            return Ok(true);
        }
        if self.reader.is_empty() {
            Ok(false)
        } else {
            Err(DecodeErrorKind::Trailing)
        }
    }

    #[inline]
    fn fields(&mut self, fields: &mut Fields<'a>) -> Fallible<()> {
        let mut left = self.reader.container(major::MAP)?;
        while self.reader.another(&mut left)? {
            self.field(fields)?;
        }
        Ok(())
    }

    #[inline]
    fn field(&mut self, fields: &mut Fields<'a>) -> Fallible<()> {
        let head = self.reader.head()?;
        let label = match head.first {
            // The label as `resolve::label` counts.
            0x00..=0x08 => head.first.wrapping_add(label::NAME),
            0x20..=0x25 => 0x25_u8.wrapping_sub(head.first),
            0x60..=0x7f => match self.reader.content(head)? {
                OBJECT_LINK => label::OBJECT_LINK_VALUE,
                // A field that must be understood: RFC 8428 §4.4.
                [.., b'_'] => return Err(DecodeErrorKind::Unsupported),
                label => {
                    str::from_utf8(label).map_err(|_| DecodeErrorKind::Utf8)?;
                    return self.reader.value().map(drop);
                }
            },
            _ if matches!(head.major(), major::UNSIGNED | major::NEGATIVE) => {
                return Err(DecodeErrorKind::Malformed);
            }
            _ => return Err(DecodeErrorKind::Type),
        };
        fields.see(label)?;
        let value = self.reader.value()?;
        // Takes the record away: RFC 8790 §3.2.
        if label == label::VALUE && self.kind == Kind::Etch && value.is_none() {
            return Ok(());
        }
        fields.set(label, value)
    }

    #[inline]
    fn step(&mut self) -> Result<Option<Record<'a>>, DecodeError> {
        loop {
            match self.more() {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(kind) => return Err(DecodeError::new(kind, self.reader.offset())),
            }
            let start = self.reader.offset();
            let mut fields = Fields::new();
            if let Err(kind) = self.fields(&mut fields) {
                return Err(DecodeError::new(kind, self.reader.offset()));
            }
            match self.resolver.record(&fields) {
                Ok(None) => {}
                Ok(Some(record)) => return Ok(Some(record)),
                Err(kind) => return Err(DecodeError::new(kind, start)),
            }
        }
    }

    /// Reads a record of a name and a value, in this order, if that comes next and nothing is wrong with it.
    #[inline]
    fn simple(&mut self) -> Option<Result<Record<'a>, DecodeError>> {
        if self.left >= START {
            return None;
        }
        let left = self.left.checked_sub(1)?;
        let (&[map, name_label, name], rest) = self.reader.rest().split_first_chunk()?;
        // A text of up to 23 bytes.
        let length = usize::from(name ^ major::TEXT);
        if (map, name_label) != (major::MAP | 2, 0x00) || length > 23 {
            return None;
        }
        let (name, rest) = rest.split_at_checked(length)?;
        let (&label, rest) = rest.split_first()?;
        let (path, kind) = self.resolver.simple(name)?;
        if label == 0x02 && takes_integers(kind) {
            if let Some((number, rest)) = integer(rest) {
                self.go_on(left, rest);
                return Some(Ok(Record::new(path, integer_of(kind, number))));
            }
        } else if label == 0x03 && matches!(kind, Some(ValueType::String) | None) {
            let (text, rest) = text(rest)?;
            self.go_on(left, rest);
            return Some(Ok(Record::new(path, Value::String(text))));
        }
        let (value, rest) = other_value(label, rest, kind)?;
        self.go_on(left, rest);
        Some(Ok(Record::new(path, value)))
    }

    #[inline]
    fn go_on(&mut self, left: u64, rest: &'a [u8]) {
        self.left = left;
        self.reader.set_rest(rest);
    }

    #[inline(never)]
    pub(crate) fn next(&mut self) -> Option<Result<Record<'a>, DecodeError>> {
        if SHORT_WAYS && let Some(record) = self.simple() {
            return Some(record);
        }
        self.next_of_any()
    }

    #[inline(never)]
    pub(crate) fn next_of_any(&mut self) -> Option<Result<Record<'a>, DecodeError>> {
        match self.step() {
            Ok(record) => record.map(Ok),
            Err(error) => {
                (self.left, self.reader) = (0, Reader::new(b""));
                Some(Err(error))
            }
        }
    }
}

/// Reads the value of `label` as the type `kind`, if it is one and nothing is wrong with it.
#[inline(never)]
fn other_value(label: u8, bytes: &[u8], kind: Option<ValueType>) -> Option<(Value<'_>, &[u8])> {
    let mut reader = Reader::new(bytes);
    let value = reader.value().ok()?;
    match (label, &value) {
        (
            0x02,
            Value::Integer(_)
            | Value::Unsigned(_)
            | Value::Float(_)
            | Value::Single(_)
            | Value::Time(_),
        )
        | (0x03, Value::String(_))
        | (0x04, Value::Boolean(_))
        | (0x08, Value::Opaque(_)) => Some((typed(value, kind).ok()?, reader.rest())),
        _ => None,
    }
}

/// Writes the records of a pack. The array's head is written at the end, when their number is known.
#[derive(Debug)]
pub(crate) struct Encoder {
    base: Base,
    /// Whether a record without value takes one away.
    removes: bool,
    count: u32,
}

impl Rows for Encoder {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the short way is one function")]
    fn next(writer: &mut Writer<'_>, row: &mut Row, record: &Record<'_>) -> Way {
        match row.next(record.path) {
            Some(id) if id < 10_000 => Way::of(try_record(writer, row, MAP, id, record)),
            _ => Way::Turn(0),
        }
    }

    #[inline]
    fn turn(
        writer: &mut Writer<'_>,
        row: &mut Row,
        _id: u64,
        base: Path,
        record: &Record<'_>,
    ) -> Option<()> {
        if !row.has_begun() {
            return try_first(writer, row, base, record);
        }
        let id = super::name::turn(row, base, record.path)?;
        try_record(writer, row, MAP, id, record)
    }
}

/// Writes the first record, with a base name, in a payload about the object instance `base`.
#[inline(never)]
fn try_first(
    writer: &mut Writer<'_>,
    row: &mut Row,
    base: Path,
    record: &Record<'_>,
) -> Option<()> {
    let id = super::name::turn(row, base, record.path)?;
    let name = super::name::short_base(base)?;
    let [length, ..] = name.len().to_le_bytes();
    let start = writer.here();
    // The label -2.
    let head = Short::new([major::MAP | 3, 0x21, major::TEXT | length]);
    writer.try_words(head, name)?;
    let done = try_record(writer, row, Short::EMPTY, id, record);
    if done.is_none() {
        writer.back_to(start);
    }
    done
}

/// The head of most records.
const MAP: Short = Short::new([major::MAP | 2]);

/// Writes an integer or a text without time, in a map whose head is `map` or was written, whose last number is `id`, if there is room for more than that.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a part of the short way")]
fn try_record(
    writer: &mut Writer<'_>,
    row: &mut Row,
    map: Short,
    id: u16,
    record: &Record<'_>,
) -> Option<()> {
    if record.time.is_some() {
        return None;
    }
    let name = row.start.join(Short::EMPTY.short_decimal(id));
    if name.len() > 5 {
        return None;
    }
    let [low, ..] = name.len().to_le_bytes();
    let name = map.join(Short::new([0x00, major::TEXT | low])).join(name);
    match record.value {
        Value::Integer(number) | Value::Time(number) => {
            let value = Short::new([0x02]).join(short_integer(number)?);
            writer.try_words(name, value)?;
        }
        Value::String(text) => {
            let value = Short::new([0x03]).join(short_text(text)?);
            writer.try_put_all(name, value, text.as_bytes())?;
        }
        _ => return None,
    }
    row.count = row.count.wrapping_add(1);
    Some(())
}

impl Encoder {
    pub(crate) fn new(base: Path, writer: &mut Writer<'_>) -> Result<Self, EncodeError> {
        // Fits the head of an array of up to 23 records.
        writer.open(0, 1)?;
        Ok(Self {
            base: Base::new(base),
            removes: false,
            count: 0,
        })
    }

    pub(crate) fn set_removes(&mut self) {
        self.removes = true;
    }

    #[inline(never)]
    pub(crate) fn push(
        &mut self,
        writer: &mut Writer<'_>,
        row: &mut Row,
        record: &Record<'_>,
    ) -> Result<(), EncodeError> {
        self.count = self.count.saturating_add(1);
        let written = self.base.step(row, record.path)?;
        let has_value = self.removes || !record.value.is_none();
        let mut count = u8::from(written.name).wrapping_add(has_value.into());
        if written.base | record.time.is_some() {
            count = count
                .wrapping_add(written.base.into())
                .wrapping_add(record.time.is_some().into());
        }
        writer.byte(major::MAP | count)?;
        if written.base {
            // The label -2.
            writer.byte(0x21)?;
            put_name(writer, self.base.base_name())?;
        }
        if written.name {
            writer.byte(0x00)?;
            put_name(writer, self.base.name(record.path))?;
        }
        if let Some(time) = record.time {
            let time = Value::Float(time);
            let time = time.as_i64().map_or(time, Value::Integer);
            writer.byte(0x06)?;
            put_value(writer, &time)?;
        }
        if !has_value {
            return Ok(());
        }
        match (label_of(&record.value), record.value) {
            (Some(label), _) => writer.byte(label)?,
            (None, Value::None) => writer.byte(0x02)?,
            _ => {
                writer.byte(0x63)?;
                writer.put(OBJECT_LINK)?;
            }
        }
        put_value(writer, &record.value)
    }

    pub(crate) fn finish(&self, writer: &mut Writer<'_>, row: &Row) -> Result<(), EncodeError> {
        let count = self.count.wrapping_add(row.count);
        close(writer, 0, writer.mark(0, 0, 1), major::ARRAY, count)
    }
}

/// Writes a name as a text.
#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
fn put_name(writer: &mut Writer<'_>, name: Text) -> Result<(), EncodeError> {
    put_head(writer, major::TEXT, name.len().into())?;
    name.put(writer)
}

/// The label of a value, if it has one of a single byte.
#[inline]
const fn label_of(value: &Value<'_>) -> Option<u8> {
    match value {
        Value::Integer(_)
        | Value::Unsigned(_)
        | Value::Float(_)
        | Value::Single(_)
        | Value::Time(_) => Some(0x02),
        Value::String(_) | Value::Corelnk(_) => Some(0x03),
        Value::Boolean(_) => Some(0x04),
        Value::Opaque(_) => Some(0x08),
        Value::None | Value::Objlnk(_) => None,
    }
}
