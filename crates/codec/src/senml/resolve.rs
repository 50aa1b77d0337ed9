//! Base fields: RFC 8428 §4.5 and §4.6.

use dunlin_model::{Children, Level, Path, PathErrorKind, Value, ValueType};

use super::name::{Names, below};
use super::{Name, VERSION};
use crate::record::typed;
use crate::{DecodeErrorKind, Record, SHORT_WAYS, Types};

type Fallible<T> = Result<T, DecodeErrorKind>;

/// Whether times and base values of what is read count.
const TIMES: bool = cfg!(feature = "senml-times");

/// Whether units of what is read count.
pub(crate) const UNITS: bool = cfg!(feature = "senml-units");

/// Whether any form has decimal digits.
const JSON: bool = cfg!(any(feature = "senml-json", feature = "lwm2m-json"));

/// The labels of RFC 8428 §6, table 4, plus 6, so that they count from 0.
pub(crate) mod label {
    pub(crate) const BASE_SUM: u8 = 0;
    pub(crate) const BASE_VALUE: u8 = 1;
    pub(crate) const BASE_UNIT: u8 = 2;
    pub(crate) const BASE_TIME: u8 = 3;
    pub(crate) const BASE_NAME: u8 = 4;
    pub(crate) const BASE_VERSION: u8 = 5;
    pub(crate) const NAME: u8 = 6;
    pub(crate) const UNIT: u8 = 7;
    pub(crate) const VALUE: u8 = 8;
    pub(crate) const STRING_VALUE: u8 = 9;
    pub(crate) const BOOLEAN_VALUE: u8 = 10;
    pub(crate) const SUM: u8 = 11;
    pub(crate) const TIME: u8 = 12;
    pub(crate) const UPDATE_TIME: u8 = 13;
    pub(crate) const DATA_VALUE: u8 = 14;
    /// LwM2M Core §7.5.7; it has no number.
    pub(crate) const OBJECT_LINK_VALUE: u8 = 15;
}

/// The labels of values, of which a record has one.
const VALUES: u32 = 1 << label::VALUE
    | 1 << label::STRING_VALUE
    | 1 << label::BOOLEAN_VALUE
    | 1 << label::DATA_VALUE
    | 1 << label::OBJECT_LINK_VALUE;

/// The fields of one record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a> {
    /// Which labels came, by bit.
    seen: u32,
    pub(crate) base_name: Name<'a>,
    pub(crate) name: Name<'a>,
    pub(crate) base_time: f64,
    pub(crate) time: f64,
    pub(crate) base_value: Value<'a>,
    pub(crate) value: Value<'a>,
    pub(crate) base_unit: &'a str,
    pub(crate) unit: &'a str,
}

impl Fields<'_> {
    #[inline]
    pub(crate) const fn new() -> Self {
        Self {
            seen: 0,
            base_name: Name::EMPTY,
            name: Name::EMPTY,
            base_time: 0.0,
            time: 0.0,
            base_value: Value::None,
            value: Value::None,
            base_unit: "",
            unit: "",
        }
    }

    /// Notes that a field of `label` comes, which must be the first.
    #[inline]
    pub(crate) fn see(&mut self, label: u8) -> Fallible<()> {
        let bit = 1_u32.wrapping_shl(label.into());
        let others = if bit & VALUES != 0 { VALUES } else { bit };
        if self.seen & others != 0 {
            return Err(DecodeErrorKind::Duplicate);
        }
        self.seen |= bit;
        Ok(())
    }

    #[inline]
    pub(crate) const fn has(&self, label: u8) -> bool {
        self.seen & 1_u32.wrapping_shl(label as u32) != 0
    }

    /// Whether there is a base field that later records need.
    #[inline]
    const fn has_base(&self) -> bool {
        const BASE: u32 = 1 << label::BASE_NAME
            | 1 << label::BASE_TIME
            | 1 << label::BASE_VALUE
            | (UNITS as u32) << label::BASE_UNIT;
        self.seen & BASE != 0
    }

    /// Whether there is a value, `null` too.
    #[inline]
    pub(crate) const fn has_value(&self) -> bool {
        self.seen & VALUES != 0
    }
}

#[cfg(feature = "senml-cbor")]
impl<'a> Fields<'a> {
    /// Takes the value of a field, whose label was [seen](Self::see), as CBOR has it.
    #[inline]
    pub(crate) fn set(&mut self, label: u8, value: Value<'a>) -> Fallible<()> {
        match (kind_of(label), &value) {
            (
                Some(ValueType::Float),
                Value::Integer(_)
                | Value::Unsigned(_)
                | Value::Float(_)
                | Value::Single(_)
                | Value::Time(_),
            )
            | (Some(ValueType::String), Value::String(_))
            | (Some(ValueType::Boolean), Value::Boolean(_))
            | (Some(ValueType::Opaque), Value::Opaque(_)) => {}
            (None, _) => return Err(DecodeErrorKind::Unsupported),
            _ => return Err(DecodeErrorKind::Type),
        }
        match label {
            label::VALUE | label::STRING_VALUE | label::BOOLEAN_VALUE | label::DATA_VALUE => {
                self.value = value;
            }
            label::NAME => self.name = Name::of(value),
            label::BASE_NAME => self.base_name = Name::of(value),
            label::OBJECT_LINK_VALUE => {
                let link = value.as_str().and_then(|text| text.parse().ok());
                self.value = Value::Objlnk(link.ok_or(DecodeErrorKind::Type)?);
            }
            label::BASE_VERSION => match value {
                Value::Integer(version) if (0..=VERSION.cast_signed()).contains(&version) => {}
                Value::Integer(_) | Value::Unsigned(_) => return Err(DecodeErrorKind::Version),
                _ => return Err(DecodeErrorKind::Type),
            },
            label::UNIT if UNITS => self.unit = value.as_str().unwrap_or_default(),
            label::BASE_UNIT if UNITS => self.base_unit = value.as_str().unwrap_or_default(),
            label::UNIT | label::BASE_UNIT => {}
            // The times, and what is refused with them.
            _ if !TIMES => {}
            label::BASE_VALUE => self.base_value = value,
            label::TIME => self.time = seconds(value)?,
            label::BASE_TIME => self.base_time = seconds(value)?,
            _ => drop(seconds(value)?),
        }
        Ok(())
    }
}

/// Of which type a field is in CBOR; a number of any is a float here.
#[cfg(feature = "senml-cbor")]
const fn kind_of(label: u8) -> Option<ValueType> {
    match label {
        label::NAME
        | label::BASE_NAME
        | label::UNIT
        | label::BASE_UNIT
        | label::STRING_VALUE
        | label::OBJECT_LINK_VALUE => Some(ValueType::String),
        label::BOOLEAN_VALUE => Some(ValueType::Boolean),
        label::DATA_VALUE => Some(ValueType::Opaque),
        label::BASE_SUM | label::SUM => None,
        _ => Some(ValueType::Float),
    }
}

/// Makes records of fields.
#[derive(Debug)]
pub(crate) struct Resolver<'a, T: ?Sized> {
    types: &'a T,
    /// The node of the request.
    base: Path,
    names: Names<'a>,
    /// The node whose children follow the base name, if no other base field counts and it is asked about.
    parent: Option<Children>,
    base_time: Option<f64>,
    base_value: Value<'a>,
    base_unit: Option<&'a str>,
    /// Where the last object was found.
    hint: usize,
    /// Whether numbers are decimal digits, of which a float is the nearest.
    rounds: bool,
}

impl<'a, T: Types + ?Sized> Resolver<'a, T> {
    pub(crate) fn new(base: Path, types: &'a T, rounds: bool) -> Self {
        Self {
            types,
            base,
            names: Names::new(),
            parent: None,
            base_time: None,
            base_value: Value::None,
            base_unit: None,
            hint: 0,
            rounds,
        }
    }

    pub(crate) fn set_prefix(&mut self, prefix: &'a str) {
        self.names.set_prefix(prefix);
        self.note_parent();
    }

    /// Looks again whether most records are simple, after a change of a base field.
    fn note_parent(&mut self) {
        if !SHORT_WAYS {
            return;
        }
        let plain =
            self.base_time.is_none() && self.base_value.is_none() && self.base_unit.is_none();
        let parent = if plain { self.names.parent() } else { None };
        self.parent = parent
            .filter(|parent| self.base.contains(parent))
            .map(|parent| parent.children());
    }

    /// Keeps base fields that do not come with a record, as those of LwM2M 1.0 do.
    #[cfg(feature = "lwm2m-json")]
    pub(crate) fn set_base(&mut self, fields: &Fields<'a>) {
        if fields.has(label::BASE_NAME) {
            self.names.set_base(fields.base_name);
        } else {
            self.names.imply_base();
        }
        if fields.has(label::BASE_TIME) {
            self.base_time = Some(fields.base_time);
        }
        self.note_parent();
    }

    /// Gives the type of the resource that `fields` name, for a form that does not tell text and bytes apart.
    #[cfg(feature = "lwm2m-json")]
    pub(crate) fn value_type(&self, fields: &Fields<'a>) -> Option<ValueType> {
        let path = self.names.path(self.base, fields.name).ok()?;
        self.types.value_type(&path)
    }

    /// Gives the path of a name and the type of its value, if no base field counts but the base name, and the name is
    /// numbers that end at a resource or below one.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the form's own loop goes through it")]
    pub(crate) fn simple(&mut self, name: &[u8]) -> Option<(Path, Option<ValueType>)> {
        let path = below(self.parent?, name)?;
        path.resource_id()?;
        Some((path, self.types.value_type_near(&path, &mut self.hint)))
    }

    /// Makes a record of `fields`, or nothing if they only set a base.
    pub(crate) fn record(&mut self, fields: &Fields<'a>) -> Fallible<Option<Record<'a>>> {
        let new_base = fields.has(label::BASE_NAME);
        if new_base {
            self.names.set_base(fields.base_name);
        }
        if TIMES && fields.has(label::BASE_TIME) {
            self.base_time = Some(fields.base_time);
        }
        if fields.has(label::BASE_VALUE) {
            if !TIMES {
                return Err(DecodeErrorKind::Unsupported);
            }
            self.base_value = fields.base_value;
        }
        if UNITS && fields.has(label::BASE_UNIT) {
            self.base_unit = Some(fields.base_unit);
        }
        if fields.has_base() {
            self.note_parent();
        }
        let named = fields.has(label::NAME);
        let bare = !named && !fields.has_value();
        if bare && !new_base {
            return Err(DecodeErrorKind::Malformed);
        }
        let path = match self.names.path(self.base, fields.name) {
            // A base name that a name continues, such as `/3/0/` or `/`.
            Ok(Path::ROOT) | Err(DecodeErrorKind::Name(PathErrorKind::EmptySegment)) if bare => {
                return Ok(None);
            }
            path => path?,
        };
        if !self.base.contains(&path) {
            return Err(DecodeErrorKind::Outside);
        }
        let mut value = fields.value;
        if TIMES && !self.base_value.is_none() && named | fields.has(label::VALUE) {
            value = sum(fields, self.base_value)?;
        }
        if !value.is_none() {
            if path.level() < Level::Resource {
                return Err(DecodeErrorKind::Type);
            }
            if UNITS && value.kind().is_numeric() {
                self.check_unit(fields, path)?;
            }
            let kind = self.types.value_type_near(&path, &mut self.hint);
            value = match typed(value, kind) {
                // A whole number of more digits than a float has is written as any other in JSON.
                Err(error) if JSON && self.rounds && kind == Some(ValueType::Float) => {
                    nearest(value).map(Value::Float).ok_or(error)?
                }
                value => value?,
            };
        }
        let time = if !TIMES {
            None
        } else if fields.has(label::TIME) {
            Some(match self.base_time {
                Some(base) => finite(base + fields.time)?,
                None => fields.time,
            })
        } else {
            self.base_time
        };
        Ok(Some(Record { path, value, time }))
    }
}

impl<T: Types + ?Sized> Resolver<'_, T> {
    /// A number is in the unit of its resource, if it says in which (RFC 8428 §4.5.2). Base unit and unit are passed over
    /// where the unit of the resource is not known.
    fn check_unit(&self, fields: &Fields<'_>, path: Path) -> Fallible<()> {
        let unit = fields.has(label::UNIT).then_some(fields.unit);
        match (unit.or(self.base_unit), self.types.units(&path)) {
            (Some(unit), Some(known)) if !is_same_unit(unit, known) => Err(DecodeErrorKind::Unit),
            _ => Ok(()),
        }
    }
}

/// Whether two names may be of one unit. `%` is a ratio by its number in RFC 8428 §12.1, and a hundredth in older versions
/// of objects, which are `/` and `/100` otherwise: it is no reason to refuse either.
fn is_same_unit(one: &str, other: &str) -> bool {
    let is_ratio = |unit| matches!(unit, "%" | "/" | "/100");
    one == other || [one, other].contains(&"%") && is_ratio(one) && is_ratio(other)
}

/// A time, and a sum, must be a number.
pub(crate) fn finite(time: f64) -> Fallible<f64> {
    if time.is_finite() {
        Ok(time)
    } else {
        Err(DecodeErrorKind::Type)
    }
}

/// Gives `number`, a time in seconds, as the nearest float.
#[inline]
pub(crate) fn seconds(number: Value<'_>) -> Fallible<f64> {
    nearest(number)
        .ok_or(DecodeErrorKind::Type)
        .and_then(finite)
}

/// The float that is nearest to a number.
#[expect(
    clippy::cast_precision_loss,
    reason = "what JSON and CBOR call a number is read as a float"
)]
fn nearest(number: Value<'_>) -> Option<f64> {
    match number {
        Value::Integer(number) | Value::Time(number) => Some(number as f64),
        Value::Unsigned(number) => Some(number as f64),
        number => number.as_f64(),
    }
}

/// The base value and the value: a missing one counts as 0, unless the record has a value of another kind.
#[cold]
fn sum<'a>(fields: &Fields<'a>, base: Value<'a>) -> Fallible<Value<'a>> {
    if fields.has_value() && !fields.has(label::VALUE) {
        return Ok(fields.value);
    }
    match (base, fields.value) {
        (base, Value::None) => Ok(base),
        (Value::Integer(base), Value::Integer(value)) => base
            .checked_add(value)
            .map(Value::Integer)
            .ok_or(DecodeErrorKind::Type),
        (base, value) => {
            let (Some(base), Some(value)) = (base.as_f64(), value.as_f64()) else {
                return Err(DecodeErrorKind::Type);
            };
            finite(base + value).map(Value::Float)
        }
    }
}
