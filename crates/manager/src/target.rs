//! What a command is aimed at: a path in numbers or text, or a typed resource.

use core::convert::Infallible;
use core::marker::PhantomData;
use std::collections::BTreeMap;

use dunlin_model::{InstanceId, ObjectId, ObjectLink, Path, ResourceId};

use crate::{CommandError, OwnedValue, Record, Records, WriteValue};

/// Something a command can be aimed at.
///
/// - numbers: `(3,)` is an object, `(3, 0)` an instance, `(3, 0, 9)` a resource, `(3, 0, 7, 1)` a resource instance;
/// - text: `"/3/0/9"`;
/// - a [`Path`];
/// - a typed [`Resource`] such as [`device::BATTERY_LEVEL`](crate::device::BATTERY_LEVEL), which gives values of its own
///   type and takes no other.
pub trait Target {
    /// What a read gives: [`Records`], or the value of a typed resource.
    type Value: FromRecords;

    /// What a write takes: anything, or the value of a typed resource.
    type Input: Into<WriteValue>;

    /// The path.
    ///
    /// # Errors
    ///
    /// [`CommandError::Invalid`] when it is none: text that does not parse, or the reserved identifier 65535.
    fn path(&self) -> Result<Path, CommandError>;
}

/// Made from the records of an answer.
pub trait FromRecords: Sized + Send + 'static {
    /// Takes the value out of the `records` that a device gave for `path`.
    ///
    /// # Errors
    ///
    /// [`CommandError::BadAnswer`] when they hold something else.
    fn from_records(path: Path, records: Vec<Record>) -> Result<Self, CommandError>;
}

impl FromRecords for Records {
    fn from_records(_path: Path, records: Vec<Record>) -> Result<Self, CommandError> {
        Ok(Self::from(records))
    }
}

macro_rules! numbers {
    ($($tuple:ty),*) => {$(
        impl Target for $tuple {
            type Value = Records;
            type Input = WriteValue;

            fn path(&self) -> Result<Path, CommandError> {
                Path::try_from(*self).map_err(|error| CommandError::invalid(format!("{self:?} is no path: {error}")))
            }
        }
    )*};
}
numbers!((u16,), (u16, u16), (u16, u16, u16), (u16, u16, u16, u16));

impl Target for &str {
    type Value = Records;
    type Input = WriteValue;

    fn path(&self) -> Result<Path, CommandError> {
        self.parse()
            .map_err(|error| CommandError::invalid(format!("“{self}” is no path: {error}")))
    }
}

impl Target for Path {
    type Value = Records;
    type Input = WriteValue;

    fn path(&self) -> Result<Path, CommandError> {
        Ok(*self)
    }
}

/// A resource whose type is known when the program is compiled.
#[derive(Debug)]
pub struct Resource<T> {
    object: ObjectId,
    instance: InstanceId,
    id: ResourceId,
    value: PhantomData<fn() -> T>,
}

impl<T> Clone for Resource<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Resource<T> {}

impl<T> Resource<T> {
    /// Resource `resource` of the first instance of `object`.
    pub const fn new(object: ObjectId, resource: ResourceId) -> Self {
        Self {
            object,
            instance: InstanceId::of::<0>(),
            id: resource,
            value: PhantomData,
        }
    }

    /// The same resource of another instance.
    #[must_use]
    pub const fn of(self, instance: InstanceId) -> Self {
        Self { instance, ..self }
    }
}

impl<T: ResourceType> Target for Resource<T> {
    type Value = T;
    type Input = T;

    fn path(&self) -> Result<Path, CommandError> {
        Ok(Path::resource(self.object, self.instance, self.id))
    }
}

/// A resource that is executed: it has nothing to read, and takes nothing to write.
impl Target for Resource<()> {
    type Value = Records;
    type Input = Infallible;

    fn path(&self) -> Result<Path, CommandError> {
        Ok(Path::resource(self.object, self.instance, self.id))
    }
}

/// The Rust type of a resource's value.
pub trait ResourceType: FromRecords + Into<WriteValue> {}

macro_rules! resource_type {
    ($($type:ty, $what:literal, $take:expr;)*) => {$(
        impl FromRecords for $type {
            fn from_records(path: Path, records: Vec<Record>) -> Result<Self, CommandError> {
                let take: fn(OwnedValue) -> Option<Self> = $take;
                single(path, records, $what, take)
            }
        }

        impl ResourceType for $type {}

        impl FromRecords for BTreeMap<u16, $type> {
            fn from_records(path: Path, records: Vec<Record>) -> Result<Self, CommandError> {
                let take: fn(OwnedValue) -> Option<$type> = $take;
                multiple(path, records, $what, take)
            }
        }
    )*};
}
resource_type! {
    i64, "an integer", |value| value.as_i64();
    u64, "an unsigned integer", |value| value.as_u64();
    f64, "a number", |value| value.as_f64();
    bool, "a boolean", |value| value.as_bool();
    String, "a text", |value| match value { OwnedValue::String(text) | OwnedValue::Corelnk(text) => Some(text), _ => None };
    Vec<u8>, "bytes", |value| match value { OwnedValue::Opaque(bytes) => Some(bytes), _ => None };
    ObjectLink, "an object link", |value| value.as_link();
}

impl<T> Target for Resource<BTreeMap<u16, T>>
where
    BTreeMap<u16, T>: FromRecords,
{
    type Value = BTreeMap<u16, T>;
    type Input = WriteValue;

    fn path(&self) -> Result<Path, CommandError> {
        Ok(Path::resource(self.object, self.instance, self.id))
    }
}

fn single<T>(
    path: Path,
    records: Vec<Record>,
    what: &str,
    take: fn(OwnedValue) -> Option<T>,
) -> Result<T, CommandError> {
    let mut records = records.into_iter();
    match (records.next(), records.next()) {
        (Some(record), None) => {
            let kind = record.value.kind();
            take(record.value).ok_or_else(|| {
                CommandError::bad_answer(
                    path,
                    format!("the value should be {what}, but is of type {kind:?}"),
                )
            })
        }
        (None, _) => Err(CommandError::bad_answer(path, "the answer holds no value")),
        _ => Err(CommandError::bad_answer(
            path,
            "the answer holds several values where one should be",
        )),
    }
}

fn multiple<T>(
    path: Path,
    records: Vec<Record>,
    what: &str,
    take: fn(OwnedValue) -> Option<T>,
) -> Result<BTreeMap<u16, T>, CommandError> {
    let take_one = |record: Record| {
        let id = record.path.resource_instance_id().ok_or_else(|| {
            CommandError::bad_answer(path, "a value of the answer has no resource instance")
        })?;
        let value = take(record.value).ok_or_else(|| {
            CommandError::bad_answer(path, format!("the value of instance {id} should be {what}"))
        })?;
        Ok((id.get(), value))
    };
    records.into_iter().map(take_one).collect()
}
