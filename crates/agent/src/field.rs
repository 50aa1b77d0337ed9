//! What the fields of a struct with `#[derive(Object)]` are: the values of its resources.

use dunlin_lwm2m::Arguments;
use dunlin_model::{ResourceInstanceId, Value, ValueType};

use crate::Error;

mod execute;
mod instances;
mod value;

pub use execute::Execute;
pub use instances::ResourceInstances;
pub use value::{ResourceValue, Time};

/// A resource of an object instance, whatever its Rust type is.
///
/// These are fields: every [`ResourceValue`], an `Option` of one for a resource that the instance may lack,
/// [`ResourceInstances`] for a multiple resource, and [`Execute`]. [`Object`](crate::Object) says what the methods mean.
pub trait Field {
    /// The value, or that of one resource instance.
    fn read(&self, index: ResourceInstanceId) -> Option<Value<'_>>;

    /// The smallest id at or above `from` among the resource instances.
    fn next_index(&self, from: u16) -> Option<ResourceInstanceId> {
        let _ = from;
        None
    }

    /// How many resource instances there can be.
    fn room(&self) -> usize {
        usize::MAX
    }

    /// Whether [`write`](Self::write) would take `value`.
    ///
    /// # Errors
    ///
    /// [`Error::BadValue`] for a value that the type does not hold, [`Error::NotAllowed`] where nothing is written.
    fn check(&self, value: &Value<'_>) -> Result<(), Error>;

    /// Sets the value, or that of one resource instance.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check), and [`Error::NoSpace`] when there is no room for a resource instance more.
    fn write(&mut self, index: ResourceInstanceId, value: &Value<'_>) -> Result<(), Error>;

    /// Takes the value away, where it can be missing.
    fn clear(&mut self) {}

    /// Takes one resource instance away.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when there is none, [`Error::NotAllowed`] where none can be taken away.
    fn remove(&mut self, index: ResourceInstanceId) -> Result<(), Error> {
        let _ = index;
        Err(Error::NotAllowed)
    }

    /// Notes an Execute.
    ///
    /// # Errors
    ///
    /// [`Error::NotAllowed`] where there is nothing to execute.
    fn execute(&mut self, arguments: &Arguments<'_>) -> Result<(), Error> {
        let _ = arguments;
        Err(Error::NotAllowed)
    }
}

/// What the definition says of a resource, from the Rust type of its field.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no type of a resource",
    label = "not a resource",
    note = "use a number, `bool`, text, bytes, `ObjectLink` or `Time`; an `Option` or `ResourceInstances` of one; or `Execute`",
    note = "`impl ResourceValue` makes a type of your own the value of a resource"
)]
pub trait FieldType: Field {
    /// The type of the value.
    const KIND: ValueType;
    /// Whether the resource has instances.
    const MULTIPLE: bool = false;
    /// Whether the resource can be missing.
    const OPTIONAL: bool = false;
    /// Whether a value can be written.
    const WRITABLE: bool = true;
}

impl<T: ResourceValue> Field for T {
    fn read(&self, _: ResourceInstanceId) -> Option<Value<'_>> {
        Some(self.value())
    }

    fn check(&self, value: &Value<'_>) -> Result<(), Error> {
        T::check(value)
    }

    fn write(&mut self, _: ResourceInstanceId, value: &Value<'_>) -> Result<(), Error> {
        *self = T::from_value(value).ok_or(Error::BadValue)?;
        Ok(())
    }
}

impl<T: ResourceValue> FieldType for T {
    const KIND: ValueType = T::KIND;
    const WRITABLE: bool = T::WRITABLE;
}

impl<T: ResourceValue> Field for Option<T> {
    fn read(&self, _: ResourceInstanceId) -> Option<Value<'_>> {
        self.as_ref().map(T::value)
    }

    fn check(&self, value: &Value<'_>) -> Result<(), Error> {
        T::check(value)
    }

    fn write(&mut self, _: ResourceInstanceId, value: &Value<'_>) -> Result<(), Error> {
        *self = Some(T::from_value(value).ok_or(Error::BadValue)?);
        Ok(())
    }

    fn clear(&mut self) {
        *self = None;
    }
}

impl<T: ResourceValue> FieldType for Option<T> {
    const KIND: ValueType = T::KIND;
    const OPTIONAL: bool = true;
    const WRITABLE: bool = T::WRITABLE;
}
