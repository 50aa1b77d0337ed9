//! From JSON to records.

use core::mem;
use core::str;

use dunlin_model::{Path, Value, ValueType};

use super::Form;
use crate::base64;
use crate::json::{self, Reader, Text};
use crate::record::{integer_of, takes_integers, typed};
use crate::senml::resolve::seconds;
use crate::senml::{Fields, Kind, Name, Resolver, VERSION, label};
use crate::writer::Writer;
use crate::{DecodeError, DecodeErrorKind, Record, SHORT_WAYS, Types, utf8};

type Fallible<T> = Result<T, DecodeErrorKind>;

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
        let unescaped = json::unescape(name.bytes, &mut writer);
        unescaped.map_err(|_| DecodeErrorKind::Unsupported)?;
        let written = writer.into_written();
        let name = written.map_err(|_| DecodeErrorKind::Unsupported)?;
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
            label::BASE_UNIT => fields.base_unit = self.text()?,
            label::UNIT => fields.unit = self.text()?,
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
                self.state = State::End;
                Some(Err(error))
            }
        }
    }
}
