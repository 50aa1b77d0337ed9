//! `application/senml+json`, `application/senml-etch+json` and the JSON of LwM2M 1.0: RFC 8428 §5, RFC 8790, LwM2M Core
//! 1.0.2 §6.4.4.

use core::mem;
use core::str;

use dunlin_model::{Path, Value, ValueType};

use super::resolve::seconds;
use super::{Base, Fields, Kind, Name, Resolver, VERSION, label};
use crate::base64::{self, Variant};
use crate::json::{self, Reader, Text};
use crate::number::{self, Precision, Style};
use crate::record::{integer_of, takes_integers, typed};
use crate::row::{Row, Rows, Way};
use crate::short::Short;
use crate::writer::Writer;
use crate::{
    ContentFormat, DecodeError, DecodeErrorKind, EncodeError, Record, SHORT_WAYS, Types, utf8,
};

type Fallible<T> = Result<T, DecodeErrorKind>;

/// How records stand in the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `[{"bn": …, "n": …, "vs": …}, …]`
    Senml(Kind),
    /// `{"bn": …, "e": [{"n": …, "sv": …}, …]}`
    #[cfg(feature = "lwm2m-json")]
    Old,
}

impl Form {
    /// The form that a content format is, if it is one.
    pub(crate) const fn of(format: ContentFormat) -> Option<Self> {
        Some(match format {
            #[cfg(feature = "senml-json")]
            ContentFormat::SENML_JSON => Self::Senml(Kind::Values),
            #[cfg(feature = "senml-json")]
            ContentFormat::SENML_ETCH_JSON => Self::Senml(Kind::Etch),
            #[cfg(feature = "lwm2m-json")]
            ContentFormat::LWM2M_JSON => Self::Old,
            _ => return None,
        })
    }

    /// What bytes are written in.
    const fn variant(self) -> Variant {
        match self {
            #[cfg(feature = "senml-json")]
            Self::Senml(_) => Variant::Url,
            #[cfg(not(feature = "senml-json"))]
            Self::Senml(_) => Variant::Padded,
            #[cfg(feature = "lwm2m-json")]
            Self::Old => Variant::Padded,
        }
    }

    /// Which field a label names.
    #[inline]
    fn label(self, label: &[u8]) -> Option<u8> {
        match self {
            Self::Senml(_) => Some(match label {
                b"n" => label::NAME,
                b"v" => label::VALUE,
                b"vs" => label::STRING_VALUE,
                b"vb" => label::BOOLEAN_VALUE,
                b"vd" => label::DATA_VALUE,
                b"t" => label::TIME,
                b"u" => label::UNIT,
                b"bn" => label::BASE_NAME,
                b"bt" => label::BASE_TIME,
                b"bu" => label::BASE_UNIT,
                b"bv" => label::BASE_VALUE,
                b"bs" => label::BASE_SUM,
                b"s" => label::SUM,
                b"ut" => label::UPDATE_TIME,
                b"vlo" => label::OBJECT_LINK_VALUE,
                b"bver" => label::BASE_VERSION,
                _ => return None,
            }),
            #[cfg(feature = "lwm2m-json")]
            Self::Old => Some(match label {
                b"n" => label::NAME,
                b"v" => label::VALUE,
                b"sv" => label::STRING_VALUE,
                b"bv" => label::BOOLEAN_VALUE,
                b"ov" => label::OBJECT_LINK_VALUE,
                b"t" => label::TIME,
                _ => return None,
            }),
        }
    }
}

/// Walks over the records of a pack.
#[derive(Debug)]
pub(crate) struct Decoder<'a, T: ?Sized> {
    reader: Reader<'a>,
    resolver: Resolver<'a, T>,
    form: Form,
    state: State,
    /// Where texts without their escapes go, and bytes.
    scratch: &'a mut [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    /// After a record.
    Record,
    End,
}

impl<'a, T: Types + ?Sized> Decoder<'a, T> {
    pub(crate) fn new(
        base: Path,
        bytes: &'a [u8],
        types: &'a T,
        form: Form,
        scratch: &'a mut [u8],
    ) -> Self {
        Self {
            reader: Reader::new(bytes),
            resolver: Resolver::new(base, types, true),
            form,
            state: State::Start,
            scratch,
        }
    }

    pub(crate) fn set_prefix(&mut self, prefix: &'a str) {
        self.resolver.set_prefix(prefix);
    }

    /// Whether a record comes next.
    #[inline]
    fn more(&mut self) -> Fallible<bool> {
        let more = match self.state {
            State::End => return Ok(false),
            State::Record => self.reader.another(b']')?,
            State::Start => {
                #[cfg(feature = "lwm2m-json")]
                if self.form == Form::Old {
                    self.read_around()?;
                }
                self.state = State::Record;
                self.reader.open(b'[')?;
                !self.reader.take(b']')?
            }
        };
        if more {
            return Ok(true);
        }
        self.state = State::End;
        // What is around the records of LwM2M 1.0 was read before.
        if matches!(self.form, Form::Senml(_)) && !self.reader.is_at_end() {
            return Err(DecodeErrorKind::Trailing);
        }
        Ok(false)
    }

    /// Reads what is around the records, wherever they stand in it, and goes to them.
    #[cfg(feature = "lwm2m-json")]
    fn read_around(&mut self) -> Fallible<()> {
        let mut fields = Fields::new();
        let mut records = None;
        self.reader.open(b'{')?;
        let mut more = !self.reader.take(b'}')?;
        while more {
            let name = self.reader.text()?;
            self.reader.expect(b':')?;
            match name.bytes {
                b"bn" => {
                    fields.see(label::BASE_NAME)?;
                    fields.base_name = self.name()?;
                }
                b"bt" => {
                    fields.see(label::BASE_TIME)?;
                    fields.base_time = seconds(self.reader.number()?)?;
                }
                b"e" => {
                    if records.replace(self.reader).is_some() {
                        return Err(DecodeErrorKind::Duplicate);
                    }
                    self.skip_records()?;
                }
                _ => self.reader.skip()?,
            }
            more = self.reader.another(b'}')?;
        }
        if !self.reader.is_at_end() {
            return Err(DecodeErrorKind::Trailing);
        }
        self.resolver.set_base(&fields);
        self.reader = records.ok_or(DecodeErrorKind::Malformed)?;
        Ok(())
    }

    /// Passes over the array of records, which are read later.
    #[cfg(feature = "lwm2m-json")]
    fn skip_records(&mut self) -> Fallible<()> {
        self.reader.open(b'[')?;
        let mut more = !self.reader.take(b']')?;
        while more {
            self.reader.open(b'{')?;
            let mut field = !self.reader.take(b'}')?;
            while field {
                self.reader.text()?;
                self.reader.expect(b':')?;
                self.reader.skip()?;
                field = self.reader.another(b'}')?;
            }
            more = self.reader.another(b']')?;
        }
        Ok(())
    }

    #[inline]
    fn fields(&mut self) -> Fallible<Fields<'a>> {
        let mut fields = Fields::new();
        self.reader.open(b'{')?;
        if self.reader.take(b'}')? {
            return Ok(fields);
        }
        loop {
            let name = self.reader.text()?;
            self.reader.expect(b':')?;
            let label = if name.escaped {
                self.escaped_label(name)?
            } else {
                self.form.label(name.bytes)
            };
            match label {
                Some(label) => self.field(label, &mut fields)?,
                // A field that must be understood: RFC 8428 §4.4.
                None if name.bytes.ends_with(b"_") => return Err(DecodeErrorKind::Unsupported),
                None => {
                    str::from_utf8(name.bytes).map_err(|_| DecodeErrorKind::Utf8)?;
                    self.reader.skip()?;
                }
            }
            if !self.reader.another(b'}')? {
                return Ok(fields);
            }
        }
    }

    #[cold]
    fn escaped_label(&self, name: Text<'_>) -> Fallible<Option<u8>> {
        let mut buffer = [0; 16];
        let mut writer = Writer::new(&mut buffer);
        json::unescape(name.bytes, &mut writer).map_err(|_| DecodeErrorKind::Unsupported)?;
        let name = writer.into_written();
        match self.form.label(name) {
            None if name.ends_with(b"_") => Err(DecodeErrorKind::Unsupported),
            label => Ok(label),
        }
    }

    #[inline]
    fn field(&mut self, label: u8, fields: &mut Fields<'a>) -> Fallible<()> {
        fields.see(label)?;
        match label {
            label::NAME => fields.name = self.name()?,
            label::VALUE => {
                if self.form == Form::Senml(Kind::Etch) && self.reader.take_null()? {
                    // Takes the record away: RFC 8790 §3.2.
                    return Ok(());
                }
                fields.value = self.reader.number()?;
            }
            label::STRING_VALUE => fields.value = Value::String(self.text()?),
            label::BOOLEAN_VALUE => fields.value = Value::Boolean(self.reader.truth()?),
            label::DATA_VALUE => {
                let text = self.text()?;
                fields.value = Value::Opaque(self.bytes(text)?);
            }
            label::OBJECT_LINK_VALUE => {
                let link = self.text()?.parse().map_err(|_| DecodeErrorKind::Type)?;
                fields.value = Value::Objlnk(link);
            }
            label::BASE_NAME => fields.base_name = self.name()?,
            label::TIME => fields.time = seconds(self.reader.number()?)?,
            label::BASE_TIME => fields.base_time = seconds(self.reader.number()?)?,
            label::BASE_VALUE => fields.base_value = self.reader.number()?,
            label::BASE_VERSION => match self.reader.number()?.as_u64() {
                Some(..=VERSION) => {}
                Some(_) => return Err(DecodeErrorKind::Version),
                None => return Err(DecodeErrorKind::Type),
            },
            // The definition of a resource fixes its unit.
            label::BASE_UNIT | label::UNIT => drop(self.text()?),
            label::UPDATE_TIME => drop(seconds(self.reader.number()?)?),
            _ => return Err(DecodeErrorKind::Unsupported),
        }
        Ok(())
    }

    #[inline]
    fn name(&mut self) -> Fallible<Name<'a>> {
        let Text { bytes, escaped } = self.reader.text()?;
        Ok(Name { bytes, escaped })
    }

    #[inline]
    fn text(&mut self) -> Fallible<&'a str> {
        let text = self.reader.text()?;
        let bytes = if text.escaped {
            self.keep(|writer| json::unescape(text.bytes, writer))?
        } else {
            text.bytes
        };
        str::from_utf8(bytes).map_err(|_| DecodeErrorKind::Utf8)
    }

    fn bytes(&mut self, text: &str) -> Fallible<&'a [u8]> {
        let variant = self.form.variant();
        self.keep(|writer| base64::decode(variant, text.as_bytes(), writer))
    }

    /// Writes to the scratch buffer, of which the rest stays for later.
    fn keep(&mut self, write: impl FnOnce(&mut Writer<'_>) -> Fallible<()>) -> Fallible<&'a [u8]> {
        let buffer = mem::take(&mut self.scratch);
        let mut writer = Writer::new(&mut *buffer);
        write(&mut writer)?;
        let length = writer.len();
        let (kept, rest) = buffer
            .split_at_mut_checked(length)
            .ok_or(DecodeErrorKind::NoSpace)?;
        self.scratch = rest;
        Ok(kept)
    }

    #[inline]
    fn step(&mut self) -> Result<Option<Record<'a>>, DecodeError> {
        loop {
            match self.more() {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(kind) => return Err(DecodeError::new(kind, self.reader.offset())),
            }
            let _ = self.reader.peek();
            let start = self.reader.offset();
            let fields = match self.fields() {
                Ok(fields) => fields,
                Err(kind) => return Err(DecodeError::new(kind, self.reader.offset())),
            };
            match self.record(fields) {
                Ok(None) => {}
                Ok(Some(record)) => return Ok(Some(record)),
                Err(kind) => return Err(DecodeError::new(kind, start)),
            }
        }
    }

    #[inline]
    fn record(&mut self, mut fields: Fields<'a>) -> Fallible<Option<Record<'a>>> {
        #[cfg(feature = "lwm2m-json")]
        if self.form == Form::Old
            && let Value::String(text) = fields.value
            && self.resolver.value_type(&fields) == Some(ValueType::Opaque)
        {
            fields.value = Value::Opaque(self.bytes(text)?);
        }
        self.resolver.record(&fields)
    }

    /// Reads a record of a name and a number or text, in this order and without white space, if that comes next and
    /// nothing is wrong with it.
    #[inline]
    fn simple(&mut self) -> Option<Result<Record<'a>, DecodeError>> {
        let mut reader = self.reader;
        if self.state != State::Record || !reader.take_bytes(b",{\"n\":\"") {
            return None;
        }
        let name = reader.plain_text()?;
        let (path, kind) = self.resolver.simple(name)?;
        let text = match self.form {
            Form::Senml(_) => b",\"vs\":\"",
            #[cfg(feature = "lwm2m-json")]
            Form::Old => b",\"sv\":\"",
        };
        if reader.take_bytes(b",\"v\":") {
            if takes_integers(kind)
                && let Some(number) = reader.short_integer()
            {
                return self.record_ends(reader, path, integer_of(kind, number));
            }
            let value = typed(reader.number().ok()?, kind).ok()?;
            self.record_ends(reader, path, value)
        } else if reader.take_bytes(text) {
            let text = utf8::text(reader.plain_text()?)?;
            if matches!(kind, Some(ValueType::String) | None) {
                return self.record_ends(reader, path, Value::String(text));
            }
            let value = typed(Value::String(text), kind).ok()?;
            self.record_ends(reader, path, value)
        } else {
            None
        }
    }

    /// Gives a record, if its end comes next in `reader`.
    #[inline]
    fn record_ends(
        &mut self,
        mut reader: Reader<'a>,
        path: Path,
        value: Value<'a>,
    ) -> Option<Result<Record<'a>, DecodeError>> {
        if !reader.take_bytes(b"}") {
            return None;
        }
        self.reader = reader;
        Some(Ok(Record::new(path, value)))
    }

    #[inline]
    pub(crate) fn next(&mut self) -> Option<Result<Record<'a>, DecodeError>> {
        let mut next = None;
        if SHORT_WAYS {
            next = self.simple();
        }
        if next.is_none() {
            next = self.next_of_any();
        }
        next
    }

    #[inline(never)]
    pub(crate) fn next_of_any(&mut self) -> Option<Result<Record<'a>, DecodeError>> {
        match self.step() {
            Ok(record) => record.map(Ok),
            Err(error) => {
                self.state = State::End;
                Some(Err(error))
            }
        }
    }
}

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
        let id = super::name::turn(row, base, record.path)?;
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
            let object = Short::EMPTY.decimal(link.object).byte(b':');
            object.put(writer)?;
            Short::EMPTY.decimal(link.instance).put(writer)?;
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
