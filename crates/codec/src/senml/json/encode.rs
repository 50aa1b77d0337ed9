//! From records to JSON.

use core::mem;

use dunlin_model::{Path, Value};

use super::Form;
use crate::base64;
use crate::json;
use crate::number::{self, Precision, Style};
use crate::row::{Row, Rows, Way};
use crate::senml::Base;
use crate::short::Short;
use crate::writer::Writer;
use crate::{EncodeError, Record};

/// Writes the records of a pack.
#[derive(Debug)]
pub(crate) struct Encoder {
    base: Base,
    form: Form,
    /// Whether a record without value takes one away.
    removes: bool,
    empty: bool,
}

impl Rows for Encoder {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the short way is one function")]
    fn next(writer: &mut Writer<'_>, row: &mut Row, record: &Record<'_>) -> Way {
        match row.next(record.path) {
            Some(id) if id < 10_000 => Way::of(try_record(writer, row, id, record)),
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
            return None;
        }
        let id = crate::senml::name::turn(row, base, record.path)?;
        try_record(writer, row, id, record)
    }
}

/// Writes the end of a record with a number that is not negative.
#[inline(never)]
fn try_large(writer: &mut Writer<'_>, label: Short, number: i64) -> Option<()> {
    let mut buffer = [0; 20];
    let digits = number::digits_of(u64::try_from(number).ok()?, &mut buffer);
    writer.try_put(label.word(), label.len_bytes(), digits)?;
    writer.try_word(b'}'.into(), 1)
}

/// Writes an integer or a text, without time, in SenML, whose last number is `id`, if there is room for more than that.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a part of the short way")]
fn try_record(writer: &mut Writer<'_>, row: &mut Row, id: u16, record: &Record<'_>) -> Option<()> {
    if record.time.is_some() {
        return None;
    }
    let id = Short::EMPTY.short_decimal(id);
    let name = row.start.join(id);
    let start = writer.here();
    let done = match record.value {
        Value::Integer(number) | Value::Time(number) => {
            let label = Short::new(*b"\",\"v\":");
            writer.try_words(Short::new(*b",{\"n\":\""), name)?;
            match u16::try_from(number) {
                Ok(number) => writer.try_words(label, Short::EMPTY.decimal(number).byte(b'}')),
                Err(_) => try_large(writer, label, number),
            }
        }
        Value::String(text) if json::is_plain(text) => {
            writer.try_words(Short::new(*b",{\"n\":\""), name)?;
            let label = Short::new(*b"\",\"vs\":\"");
            writer
                .try_put(label.word(), label.len_bytes(), text.as_bytes())
                .and_then(|()| writer.try_word(Short::new(*b"\"}").word(), 2))
        }
        _ => return None,
    };
    if done.is_none() {
        writer.back_to(start);
    }
    done
}

impl Encoder {
    pub(crate) const fn new(base: Path, form: Form) -> Self {
        Self {
            base: Base::new(base),
            form,
            removes: false,
            empty: true,
        }
    }

    pub(crate) const fn is_senml(&self) -> bool {
        matches!(self.form, Form::Senml(_))
    }

    pub(crate) const fn set_removes(&mut self) {
        self.removes = true;
    }

    #[inline(never)]
    pub(crate) fn push(
        &mut self,
        writer: &mut Writer<'_>,
        row: &mut Row,
        record: &Record<'_>,
    ) -> Result<(), EncodeError> {
        let written = self.base.step(row, record.path)?;
        let first = mem::replace(&mut self.empty, false);
        let mut before = match self.form {
            Form::Senml(_) if first => Before::Record(Short::new(*b"[{")),
            #[cfg(feature = "lwm2m-json")]
            Form::Old if first => {
                writer.put(b"{\"bn\":\"")?;
                if written.base {
                    self.base.base_name().put(writer)?;
                }
                writer.put(b"\",\"e\":[")?;
                Before::Record(Short::new(*b"{"))
            }
            // One base name is all that there can be.
            #[cfg(feature = "lwm2m-json")]
            Form::Old if written.base => return Err(EncodeError::OutOfOrder),
            _ => Before::Record(Short::new(*b",{")),
        };
        if written.base && matches!(self.form, Form::Senml(_)) {
            let name = self.base.base_name();
            let label = before.field().join(Short::new(*b"bn\":"));
            label.byte(b'"').put(writer)?;
            name.put(writer)?;
            before = Before::TextEnd;
        }
        let has_value = self.removes || !record.value.is_none();
        if written.name {
            let name = self.base.name(record.path);
            before.field().join(Short::new(*b"n\":\"")).put(writer)?;
            name.put(writer)?;
            before = Before::TextEnd;
        } else if !(has_value || matches!(self.form, Form::Senml(_))) {
            // A record says something.
            before.field().join(Short::new(*b"n\":\"")).put(writer)?;
            before = Before::TextEnd;
        }
        if has_value {
            before = put_value(writer, before, record.value, self.form)?;
        }
        if let Some(time) = record.time {
            before.field().join(Short::new(*b"t\":")).put(writer)?;
            number::put_float(writer, time, Precision::Double, Style::Exponent)?;
            before = Before::NumberEnd;
        }
        before.end().put(writer)
    }

    pub(crate) fn finish(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        let end: &[u8] = match (self.form, self.empty) {
            (Form::Senml(_), true) => b"[]",
            (Form::Senml(_), false) => b"]",
            #[cfg(feature = "lwm2m-json")]
            (Form::Old, true) => b"{\"e\":[]}",
            #[cfg(feature = "lwm2m-json")]
            (Form::Old, false) => b"]}",
        };
        writer.put(end)
    }
}

/// What stands between what was written and what comes next.
#[derive(Clone, Copy, Debug)]
enum Before {
    /// The start of a record, up to two bytes.
    Record(Short),
    /// The quote of a text.
    TextEnd,
    /// Nothing.
    NumberEnd,
}

impl Before {
    /// Up to the name of the next field, three bytes at most.
    #[inline]
    const fn field(self) -> Short {
        match self {
            Self::Record(start) => start.byte(b'"'),
            Self::TextEnd => Short::new(*b"\",\""),
            Self::NumberEnd => Short::new(*b",\""),
        }
    }

    /// Up to the end of the record.
    #[inline]
    const fn end(self) -> Short {
        match self {
            Self::Record(start) => start.byte(b'}'),
            Self::TextEnd => Short::new(*b"\"}"),
            Self::NumberEnd => Short::new(*b"}"),
        }
    }
}

/// Writes the field of a value.
#[inline]
fn put_value(
    writer: &mut Writer<'_>,
    before: Before,
    value: Value<'_>,
    form: Form,
) -> Result<Before, EncodeError> {
    let senml = matches!(form, Form::Senml(_));
    match value {
        Value::Integer(number) | Value::Time(number) => {
            let before = before.field();
            before.join(Short::new(*b"v\":")).put(writer)?;
            number::put_integer(writer, number)?;
            Ok(Before::NumberEnd)
        }
        Value::String(text) | Value::Corelnk(text) => {
            let before = before.field();
            let label = if senml { b"vs\":" } else { b"sv\":" };
            before.join(Short::new(*label)).byte(b'"').put(writer)?;
            json::put_text(writer, text)?;
            Ok(Before::TextEnd)
        }
        other => put_other_value(writer, before, other, form),
    }
}

#[inline(never)]
fn put_other_value(
    writer: &mut Writer<'_>,
    before: Before,
    value: Value<'_>,
    form: Form,
) -> Result<Before, EncodeError> {
    let senml = matches!(form, Form::Senml(_));
    let before = before.field();
    match value {
        Value::Opaque(bytes) => {
            let label = if senml { b"vd\":" } else { b"sv\":" };
            before.join(Short::new(*label)).byte(b'"').put(writer)?;
            base64::encode(form.variant(), bytes, writer)?;
            return Ok(Before::TextEnd);
        }
        Value::Objlnk(link) => {
            before.put(writer)?;
            let label = if senml {
                Short::new(*b"vlo\":\"")
            } else {
                Short::new(*b"ov\":\"")
            };
            label.put(writer)?;
            number::put_link(writer, link)?;
            return Ok(Before::TextEnd);
        }
        Value::Boolean(truth) => {
            let label = if senml { b"vb\":" } else { b"bv\":" };
            before.join(Short::new(*label)).put(writer)?;
            let truth = if truth {
                Short::new(*b"true")
            } else {
                Short::new(*b"false")
            };
            truth.put(writer)?;
        }
        number => {
            before.join(Short::new(*b"v\":")).put(writer)?;
            match number {
                Value::Unsigned(number) => number::put_unsigned(writer, number)?,
                Value::Float(number) => {
                    number::put_float(writer, number, Precision::Double, Style::Exponent)?;
                }
                Value::Single(number) => {
                    number::put_float(writer, number.into(), Precision::Single, Style::Exponent)?;
                }
                // Takes the record away.
                _ => Short::new(*b"null").put(writer)?,
            }
        }
    }
    Ok(Before::NumberEnd)
}
