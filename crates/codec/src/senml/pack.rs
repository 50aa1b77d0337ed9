//! The records of a pack with their base fields resolved, before names become paths.

use core::fmt::Write as _;
use core::str;

use dunlin_model::{ObjectLink, Value};
use minicbor::data::Type;
use minicbor::decode::Decoder as Cbor;

use super::{half, label};
use crate::writer::Writer;
use crate::{DecodeError, DecodeErrorKind};

/// The newest version of SenML: RFC 8428 §4.4.
const VERSION: u64 = 10;
/// Seconds since 1970: RFC 8949 §3.4.2.
const EPOCH_TIME: u64 = 1;
/// An exponent of ten and a mantissa: RFC 8949 §3.4.4.
const DECIMAL_FRACTION: u64 = 4;

/// A record with its base fields.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Entry<'a> {
    /// The offset of the record in the payload.
    pub(super) offset: usize,
    /// Whether the record sets the base name.
    pub(super) new_base: bool,
    /// The base name.
    pub(super) base: &'a str,
    /// The name, `None` if the record has none.
    pub(super) name: Option<&'a str>,
    pub(super) time: Option<f64>,
    pub(super) value: Value<'a>,
}

/// Walks over the records of a pack.
#[derive(Debug)]
pub(super) struct Pack<'a> {
    cbor: Cbor<'a>,
    /// How many records are left, unless the array has no stated length.
    left: Option<u64>,
    state: State,
    base: &'a str,
    base_time: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    Records,
    End,
}

/// The fields of one record.
#[derive(Default)]
struct Fields<'a> {
    /// Which labels came, by bit.
    seen: u32,
    base: Option<&'a str>,
    name: Option<&'a str>,
    time: Option<f64>,
    value: Option<Value<'a>>,
}

/// What minicbor finds wrong.
fn fault(error: &minicbor::decode::Error) -> DecodeErrorKind {
    if error.is_end_of_input() {
        DecodeErrorKind::End
    } else if error.is_type_mismatch() {
        DecodeErrorKind::Type
    } else {
        DecodeErrorKind::Malformed
    }
}

type Fallible<T> = Result<T, DecodeErrorKind>;

/// Reads with minicbor.
macro_rules! read {
    ($cbor:expr, $what:ident) => {
        $cbor.$what().map_err(|error| fault(&error))
    };
}

impl<'a> Pack<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            cbor: Cbor::new(bytes),
            left: None,
            state: State::Start,
            base: "",
            base_time: None,
        }
    }

    fn step(&mut self) -> Fallible<Option<Entry<'a>>> {
        if self.state == State::Start {
            self.left = read!(self.cbor, array)?;
            self.state = State::Records;
        }
        let more = match &mut self.left {
            _ if self.state == State::End => return Ok(None),
            Some(left) => match left.checked_sub(1) {
                Some(less) => {
                    *left = less;
                    true
                }
                None => false,
            },
            None => !self.take_break()?,
        };
        if more {
            return self.record().map(Some);
        }
        self.state = State::End;
        if self.cbor.position() == self.cbor.input().len() {
            Ok(None)
        } else {
            Err(DecodeErrorKind::Trailing)
        }
    }

    /// Takes the end mark of an array or map without stated length, if it comes next.
    fn take_break(&mut self) -> Fallible<bool> {
        let at = self.cbor.position();
        match self.cbor.input().get(at) {
            None => Err(DecodeErrorKind::End),
            Some(0xff) => {
                self.cbor.set_position(at.saturating_add(1));
                Ok(true)
            }
            Some(_) => Ok(false),
        }
    }

    fn record(&mut self) -> Fallible<Entry<'a>> {
        let offset = self.cbor.position();
        let mut fields = Fields::default();
        match read!(self.cbor, map)? {
            Some(count) => {
                for _ in 0..count {
                    self.field(&mut fields)?;
                }
            }
            None => {
                while !self.take_break()? {
                    self.field(&mut fields)?;
                }
            }
        }
        if let Some(base) = fields.base {
            self.base = base;
        }
        let time = match (self.base_time, fields.time) {
            (Some(base), Some(time)) => {
                let sum = base + time;
                if !sum.is_finite() {
                    return Err(DecodeErrorKind::Type);
                }
                Some(sum)
            }
            (base, time) => base.or(time),
        };
        Ok(Entry {
            offset,
            new_base: fields.base.is_some(),
            base: self.base,
            name: fields.name,
            time,
            value: fields.value.unwrap_or(Value::None),
        })
    }

    fn field(&mut self, fields: &mut Fields<'a>) -> Fallible<()> {
        let cbor = &mut self.cbor;
        let byte = *cbor
            .input()
            .get(cbor.position())
            .ok_or(DecodeErrorKind::End)?;
        // Major type 3 is text.
        if byte >> 5 == 3 {
            return match read!(cbor, str)? {
                label::OBJECT_LINK_VALUE => {
                    let link: ObjectLink = read!(cbor, str)?
                        .parse()
                        .map_err(|_| DecodeErrorKind::Type)?;
                    fields.set_value(Value::Objlnk(link))
                }
                // A field that must be understood: RFC 8428 §4.4.
                unknown if unknown.ends_with('_') => Err(DecodeErrorKind::Unsupported),
                _ => skip(cbor),
            };
        }
        let field = match byte {
            // Every label there is has one byte.
            0x00..=0x17 | 0x20..=0x37 => {
                cbor.set_position(cbor.position().saturating_add(1));
                let small = byte.cast_signed() & 0x1f;
                if byte < 0x20 { small } else { !small }
            }
            _ => i8::try_from(read!(cbor, int)?).map_err(|_| DecodeErrorKind::Malformed)?,
        };
        let bit = u32::try_from(field.saturating_add(8))
            .ok()
            .and_then(|shift| 1_u32.checked_shl(shift))
            .unwrap_or(0);
        if fields.seen & bit != 0 {
            return Err(DecodeErrorKind::Duplicate);
        }
        fields.seen |= bit;
        match field {
            label::BASE_NAME => fields.base = Some(read!(cbor, str)?),
            label::NAME => fields.name = Some(read!(cbor, str)?),
            label::BASE_TIME => self.base_time = Some(seconds(cbor)?),
            label::TIME => fields.time = Some(seconds(cbor)?),
            label::VALUE => fields.set_value(number(cbor)?)?,
            label::STRING_VALUE => fields.set_value(Value::String(read!(cbor, str)?))?,
            label::BOOLEAN_VALUE => fields.set_value(Value::Boolean(read!(cbor, bool)?))?,
            label::DATA_VALUE => fields.set_value(Value::Opaque(read!(cbor, bytes)?))?,
            label::BASE_VERSION => {
                if read!(cbor, u64)? > VERSION {
                    return Err(DecodeErrorKind::Version);
                }
            }
            // The definition of a resource fixes its unit.
            label::BASE_UNIT | label::UNIT => drop(read!(cbor, str)?),
            label::UPDATE_TIME => drop(number(cbor)?),
            label::BASE_VALUE | label::BASE_SUM | label::SUM => {
                return Err(DecodeErrorKind::Unsupported);
            }
            _ => return Err(DecodeErrorKind::Malformed),
        }
        Ok(())
    }

    pub(super) fn next(&mut self) -> Option<Result<Entry<'a>, DecodeError>> {
        match self.step() {
            Ok(entry) => entry.map(Ok),
            Err(kind) => {
                self.stop();
                Some(Err(DecodeError::new(
                    kind,
                    self.cbor.position().min(self.cbor.input().len()),
                )))
            }
        }
    }

    /// Ends the walk.
    pub(super) fn stop(&mut self) {
        self.state = State::End;
    }
}

impl<'a> Fields<'a> {
    fn set_value(&mut self, value: Value<'a>) -> Fallible<()> {
        match self.value.replace(value) {
            None => Ok(()),
            Some(_) => Err(DecodeErrorKind::Duplicate),
        }
    }
}

/// Reads a number: an integer, a float, a decimal fraction, or a time as LwM2M Core Appendix C has it in CBOR.
fn number<'a>(cbor: &mut Cbor<'a>) -> Fallible<Value<'a>> {
    if read!(cbor, datatype)? != Type::Tag {
        return plain_number(cbor);
    }
    match read!(cbor, tag)?.as_u64() {
        EPOCH_TIME => Ok(match plain_number(cbor)? {
            Value::Integer(seconds) => Value::Time(seconds),
            other => other,
        }),
        DECIMAL_FRACTION => decimal_fraction(cbor).map(Value::Float),
        _ => Err(DecodeErrorKind::Unsupported),
    }
}

fn plain_number<'a>(cbor: &mut Cbor<'a>) -> Fallible<Value<'a>> {
    Ok(match read!(cbor, datatype)? {
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => {
            let number = read!(cbor, u64)?;
            i64::try_from(number).map_or(Value::Unsigned(number), Value::Integer)
        }
        Type::I8 | Type::I16 | Type::I32 | Type::I64 => Value::Integer(read!(cbor, i64)?),
        Type::F32 | Type::F64 => Value::Float(read!(cbor, f64)?),
        Type::F16 => Value::Float(half(cbor)?.into()),
        // Below the least `i64`.
        Type::Int => return Err(DecodeErrorKind::Unsupported),
        _ => return Err(DecodeErrorKind::Type),
    })
}

/// Reads a half, which minicbor does only with another crate.
fn half(cbor: &mut Cbor<'_>) -> Fallible<f32> {
    let at = cbor.position();
    let after = cbor.input().get(at.saturating_add(1)..).unwrap_or_default();
    let (&bytes, _) = after.split_first_chunk::<2>().ok_or(DecodeErrorKind::End)?;
    cbor.set_position(at.saturating_add(3));
    Ok(half::widen(u16::from_be_bytes(bytes)))
}

/// Reads `[exponent, mantissa]`; the conversion of the number in text rounds as the RFC asks for.
fn decimal_fraction(cbor: &mut Cbor<'_>) -> Fallible<f64> {
    match read!(cbor, array)? {
        Some(2) => {}
        Some(_) => return Err(DecodeErrorKind::Malformed),
        None => return Err(DecodeErrorKind::Unsupported),
    }
    let exponent = read!(cbor, i16)?;
    let mantissa = read!(cbor, int)?;
    let mut buffer = [0; 32];
    let mut text = Writer::new(&mut buffer);
    write!(text, "{mantissa}e{exponent}").map_err(|_| DecodeErrorKind::Malformed)?;
    str::from_utf8(text.written_from(0))
        .ok()
        .and_then(|text| text.parse().ok())
        .filter(|number: &f64| number.is_finite())
        .ok_or(DecodeErrorKind::Malformed)
}

fn seconds(cbor: &mut Cbor<'_>) -> Fallible<f64> {
    number(cbor)?
        .as_f64()
        .filter(|seconds| seconds.is_finite())
        .ok_or(DecodeErrorKind::Type)
}

/// Passes over the value of a field that is not known. Those defined so far are all single numbers or texts.
fn skip(cbor: &mut Cbor<'_>) -> Fallible<()> {
    match read!(cbor, datatype)? {
        Type::Bool => drop(read!(cbor, bool)?),
        Type::String => drop(read!(cbor, str)?),
        Type::Bytes => drop(read!(cbor, bytes)?),
        Type::Null => read!(cbor, null)?,
        _ => drop(number(cbor)?),
    }
    Ok(())
}
