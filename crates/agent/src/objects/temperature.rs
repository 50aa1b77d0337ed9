//! Object 3303, IPSO Temperature.

use dunlin_lwm2m::Arguments;
use dunlin_model::{ObjectDefinition, ResourceId, ResourceInstanceId, Value};
use heapless::String;

use crate::{Error, Object};

/// An instance of object 3303, IPSO Temperature: the value, and the extremes since they were reset.
///
/// It stands in an [`Objects`](crate::Objects) set as instance 0, or in [`Instances`](crate::Instances), where servers
/// may create and delete instances as far as there is room.
#[derive(Debug, Clone, Default)]
pub struct Temperature {
    value: f64,
    extremes: Option<(f64, f64)>,
    units: &'static str,
    /// What is measured, up to 32 bytes; a server may set it (resource 5750). Empty means none.
    pub application_type: String<32>,
    /// Seconds since 1970 of the last measurement (resource 5518).
    pub timestamp: Option<i64>,
}

impl Temperature {
    /// A sensor whose values are in `units`, such as `Cel` (RFC 8428 §12.1). It reads 0 until something is measured.
    pub fn new(units: &'static str) -> Self {
        Self {
            units,
            ..Self::default()
        }
    }

    /// Takes a measured value in, and widens the extremes where it lies outside.
    pub fn measure(&mut self, value: f64) {
        self.value = value;
        self.extremes = Some(match self.extremes {
            Some((min, max)) => (
                if value < min { value } else { min },
                if value > max { value } else { max },
            ),
            None => (value, value),
        });
    }

    /// The last measured value (resource 5700).
    pub fn value(&self) -> f64 {
        self.value
    }

    /// The smallest and the greatest value since the start or the last reset (resources 5601 and 5602); `None` before
    /// the first measurement.
    pub fn extremes(&self) -> Option<(f64, f64)> {
        self.extremes
    }
}

impl Object for Temperature {
    fn definition() -> &'static ObjectDefinition {
        &dunlin_model::objects::TEMPERATURE
    }

    fn read(&self, resource: ResourceId, _: ResourceInstanceId) -> Option<Value<'_>> {
        match resource.get() {
            5518 => self.timestamp.map(Value::Time),
            5601 => self.extremes.map(|(min, _)| Value::Float(min)),
            5602 => self.extremes.map(|(_, max)| Value::Float(max)),
            5605 => Some(Value::None),
            5700 => Some(Value::Float(self.value)),
            5701 => super::text(self.units),
            5750 => super::text(&self.application_type),
            _ => None,
        }
    }

    fn check(
        &self,
        resource: ResourceId,
        _: ResourceInstanceId,
        value: &Value<'_>,
    ) -> Result<(), Error> {
        match (resource.get(), value) {
            (5750, Value::String(text)) if text.len() <= self.application_type.capacity() => Ok(()),
            (5750, _) => Err(Error::BadValue),
            _ => Err(Error::NotFound),
        }
    }

    fn write(
        &mut self,
        _: ResourceId,
        _: ResourceInstanceId,
        value: &Value<'_>,
    ) -> Result<(), Error> {
        match value {
            Value::String(text) => super::set(&mut self.application_type, text),
            _ => Err(Error::BadValue),
        }
    }

    fn clear(&mut self, resource: ResourceId) {
        if resource.get() == 5750 {
            self.application_type.clear();
        }
    }

    /// Reset Min and Max Measured Values: both become the present value.
    fn execute(&mut self, _: ResourceId, _: &Arguments<'_>) -> Result<(), Error> {
        if self.extremes.is_some() {
            self.extremes = Some((self.value, self.value));
        }
        Ok(())
    }

    fn create() -> Option<Self> {
        Some(Self::new("Cel"))
    }
}
