//! Executable resources.

use dunlin_lwm2m::Arguments;
use dunlin_model::{ResourceInstanceId, Value, ValueType};

use super::{Field, FieldType};
use crate::Error;

/// An executable resource: remembers that a server has executed it until the application takes notice.
///
/// [`Event::Executed`](crate::Event::Executed) says when to look. Where the arguments matter, or where the device may
/// refuse, name a method in the attribute instead: `#[resource(5605, execute = reset)]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Execute {
    executed: bool,
}

impl Execute {
    /// Not executed yet.
    pub const fn new() -> Self {
        Self { executed: false }
    }

    /// Whether it was executed since this was last asked.
    pub fn take(&mut self) -> bool {
        core::mem::take(&mut self.executed)
    }
}

impl Field for Execute {
    fn read(&self, _: ResourceInstanceId) -> Option<Value<'_>> {
        Some(Value::None)
    }

    fn check(&self, _: &Value<'_>) -> Result<(), Error> {
        Err(Error::NotAllowed)
    }

    fn write(&mut self, _: ResourceInstanceId, _: &Value<'_>) -> Result<(), Error> {
        Err(Error::NotAllowed)
    }

    fn execute(&mut self, _: &Arguments<'_>) -> Result<(), Error> {
        self.executed = true;
        Ok(())
    }
}

impl FieldType for Execute {
    const KIND: ValueType = ValueType::None;
    const WRITABLE: bool = false;
}

impl Field for Option<Execute> {
    fn read(&self, _: ResourceInstanceId) -> Option<Value<'_>> {
        self.map(|_| Value::None)
    }

    fn check(&self, _: &Value<'_>) -> Result<(), Error> {
        Err(Error::NotAllowed)
    }

    fn write(&mut self, _: ResourceInstanceId, _: &Value<'_>) -> Result<(), Error> {
        Err(Error::NotAllowed)
    }

    fn execute(&mut self, arguments: &Arguments<'_>) -> Result<(), Error> {
        self.as_mut().ok_or(Error::NotFound)?.execute(arguments)
    }
}

impl FieldType for Option<Execute> {
    const KIND: ValueType = ValueType::None;
    const OPTIONAL: bool = true;
    const WRITABLE: bool = false;
}
