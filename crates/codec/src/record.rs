//! What payloads are made of.

use dunlin_model::{
    ObjectDefinition, ObjectId, Path, ResourceDefinition, ResourceId, Storage, Value, ValueType,
};

use crate::{DecodeErrorKind, SHORT_WAYS};

/// From this many seconds on a SenML time is absolute: RFC 8428 §4.5.3.
const FIRST_ABSOLUTE_TIME: f64 = 268_435_456.0;

/// A node and its value.
///
/// [`Value::None`] at an instance says that the instance is there, which a payload says only when it has nothing to say
/// of its resources; at a resource, that it is a multiple resource without instances. In a SenML payload of a composite
/// request every record is without value.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Record<'a> {
    /// Which node.
    pub path: Path,
    /// Its value.
    pub value: Value<'a>,
    /// When the value was measured, in seconds, if the payload tells: since 1970 from 2^28 on, relative to now below
    /// (RFC 8428 §4.5.3). See [`Record::time_at`].
    pub time: Option<f64>,
}

impl<'a> Record<'a> {
    /// Makes a record without time.
    pub const fn new(path: Path, value: Value<'a>) -> Self {
        Self {
            path,
            value,
            time: None,
        }
    }

    /// Gives the time in seconds since 1970, where `now` is the time at which the payload came.
    pub fn time_at(&self, now: f64) -> Option<f64> {
        self.time.map(|time| {
            if time < FIRST_ABSOLUTE_TIME {
                now + time
            } else {
                time
            }
        })
    }
}

/// What is known of the resources that a payload speaks of.
///
/// TLV and plain text do not say of which type a value is; SenML says it roughly. A set of object definitions is a
/// `Types`; [`Untyped`] knows nothing.
pub trait Types {
    /// Gives the type of the value at `path`, a resource or a resource instance, or `None` if it is not known.
    ///
    /// A value of unknown type is taken as its format gives it: opaque in TLV, a string in plain text.
    fn value_type(&self, path: &Path) -> Option<ValueType>;

    /// Tells whether the resource at `path` has instances, or `None` if it is not known.
    fn is_multiple(&self, path: &Path) -> Option<bool> {
        let _ = path;
        None
    }

    /// Gives the unit of the resource at `path`, as SenML spells it (RFC 8428 §12.1), or `None` if it is not known.
    ///
    /// A number in SenML that comes with another unit is an error then.
    fn units(&self, path: &Path) -> Option<&str> {
        let _ = path;
        None
    }

    /// Finds `object`, for [`value_type_in`](Self::value_type_in) of many paths below it.
    #[inline]
    fn place(&self, object: ObjectId) -> usize {
        object.get().into()
    }

    /// Does what [`value_type`](Self::value_type) does, where `place` is what [`place`](Self::place) gave for the object of
    /// `path`, and `resource` is its resource.
    #[inline]
    fn value_type_in(&self, place: usize, resource: ResourceId, path: &Path) -> Option<ValueType> {
        let _ = (place, resource);
        self.value_type(path)
    }

    /// Does what [`value_type`](Self::value_type) does for one path after the other.
    ///
    /// `hint` is what the last call left there, 0 before the first: where to look first for the object, which is the
    /// same for many records.
    #[inline]
    fn value_type_near(&self, path: &Path, hint: &mut usize) -> Option<ValueType> {
        let _ = hint;
        self.value_type(path)
    }
}

impl<T: Types + ?Sized> Types for &T {
    fn value_type(&self, path: &Path) -> Option<ValueType> {
        (**self).value_type(path)
    }

    fn is_multiple(&self, path: &Path) -> Option<bool> {
        (**self).is_multiple(path)
    }

    fn units(&self, path: &Path) -> Option<&str> {
        (**self).units(path)
    }

    #[inline]
    fn place(&self, object: ObjectId) -> usize {
        (**self).place(object)
    }

    #[inline]
    fn value_type_in(&self, place: usize, resource: ResourceId, path: &Path) -> Option<ValueType> {
        (**self).value_type_in(place, resource, path)
    }

    #[inline]
    fn value_type_near(&self, path: &Path, hint: &mut usize) -> Option<ValueType> {
        (**self).value_type_near(path, hint)
    }
}

impl<S: Storage> Types for [&ObjectDefinition<S>] {
    fn value_type(&self, path: &Path) -> Option<ValueType> {
        find(self, *path).map(|resource| resource.kind)
    }

    fn is_multiple(&self, path: &Path) -> Option<bool> {
        find(self, *path).map(|resource| resource.multiple)
    }

    fn units(&self, path: &Path) -> Option<&str> {
        let units = &*find(self, *path)?.units;
        (!units.is_empty()).then_some(units)
    }

    #[inline]
    fn place(&self, object: ObjectId) -> usize {
        if !SHORT_WAYS {
            return 0;
        }
        // The core objects count from 0 without gaps.
        let first = usize::from(object.get());
        match self.get(first) {
            Some(definition) if definition.id == object => first,
            _ => position(self, object).unwrap_or(usize::MAX),
        }
    }

    #[inline]
    fn value_type_in(&self, place: usize, resource: ResourceId, path: &Path) -> Option<ValueType> {
        if !SHORT_WAYS {
            return self.value_type(path);
        }
        Some(self.get(place)?.resource(resource)?.kind)
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is a part of the short ways")]
    fn value_type_near(&self, path: &Path, hint: &mut usize) -> Option<ValueType> {
        if !SHORT_WAYS {
            return self.value_type(path);
        }
        let object = path.object_id()?;
        let definition = match self.get(*hint) {
            Some(definition) if definition.id == object => definition,
            _ => {
                *hint = position(self, object)?;
                self.get(*hint)?
            }
        };
        definition
            .resource(path.resource_id()?)
            .map(|resource| resource.kind)
    }
}

#[cold]
#[inline(never)]
fn position<S: Storage>(objects: &[&ObjectDefinition<S>], object: ObjectId) -> Option<usize> {
    objects
        .iter()
        .position(|definition| definition.id == object)
}

fn find<'o, S: Storage>(
    objects: &[&'o ObjectDefinition<S>],
    path: Path,
) -> Option<&'o ResourceDefinition<S>> {
    let (object, resource) = (path.object_id()?, path.resource_id()?);
    objects
        .iter()
        .find(|definition| definition.id == object)?
        .resource(resource)
}

/// Gives `value` as the type `kind`, if that is known and holds it exactly.
#[inline]
pub(crate) fn typed(
    value: Value<'_>,
    kind: Option<ValueType>,
) -> Result<Value<'_>, DecodeErrorKind> {
    match kind {
        None | Some(ValueType::None) => Ok(value),
        Some(kind) if value.kind() == kind => Ok(value),
        Some(kind) => convert(value, kind),
    }
}

/// Whether any integer is a value of the type `kind`, as it is or as a time.
#[inline]
pub(crate) fn takes_integers(kind: Option<ValueType>) -> bool {
    matches!(kind, Some(ValueType::Integer | ValueType::Time) | None)
}

/// Gives such an integer as the type `kind`.
#[inline]
pub(crate) fn integer_of<'a>(kind: Option<ValueType>, number: i64) -> Value<'a> {
    if kind == Some(ValueType::Time) {
        Value::Time(number)
    } else {
        Value::Integer(number)
    }
}

fn convert(value: Value<'_>, kind: ValueType) -> Result<Value<'_>, DecodeErrorKind> {
    value.convert(kind).ok_or(DecodeErrorKind::Type)
}

/// Knows the type of nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Untyped;

impl Types for Untyped {
    fn value_type(&self, _path: &Path) -> Option<ValueType> {
        None
    }
}
