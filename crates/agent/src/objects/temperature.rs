//! Object 3303, IPSO Temperature.

use dunlin_lwm2m::Arguments;
use heapless::String;

use crate::{Error, Execute, Object, Time};

/// An instance of object 3303, IPSO Temperature: the value, and the extremes since they were reset.
///
/// It stands in an [`Objects`](crate::Objects) set as instance 0, or in [`Instances`](crate::Instances), where servers
/// may create and delete instances as far as there is room.
#[derive(Debug, Clone, Default, Object)]
#[object(id = 3303, version = "1.1", create = Self::celsius)]
pub struct Temperature {
    #[resource(5700, read)]
    value: f64,
    #[resource(5601, read)]
    min: Option<f64>,
    #[resource(5602, read)]
    max: Option<f64>,
    #[resource(5605, execute = reset, optional)]
    reset_min_max: Execute,
    #[resource(5701, read)]
    units: Option<&'static str>,
    /// What is measured, up to 32 bytes; a server may set it (resource 5750).
    #[resource(5750, read, write)]
    pub application_type: Option<String<32>>,
    /// When it was measured last (resource 5518).
    #[resource(5518, read)]
    pub timestamp: Option<Time>,
}

impl Temperature {
    /// A sensor whose values are in `units`, such as `Cel` (RFC 8428 §12.1). It reads 0 until something is measured.
    pub fn new(units: &'static str) -> Self {
        Self {
            units: (!units.is_empty()).then_some(units),
            ..Self::default()
        }
    }

    fn celsius() -> Self {
        Self::new("Cel")
    }

    /// Takes a measured value in, and widens the extremes where it lies outside.
    pub fn measure(&mut self, value: f64) {
        self.value = value;
        self.min = Some(self.min.map_or(value, |min| min.min(value)));
        self.max = Some(self.max.map_or(value, |max| max.max(value)));
    }

    /// The last measured value (resource 5700).
    pub fn value(&self) -> f64 {
        self.value
    }

    /// The smallest and the greatest value since the start or the last reset (resources 5601 and 5602); `None` before
    /// the first measurement.
    pub fn extremes(&self) -> Option<(f64, f64)> {
        self.min.zip(self.max)
    }

    /// Reset Min and Max Measured Values: both become the present value.
    #[expect(
        clippy::unnecessary_wraps,
        reason = "an executable resource may refuse"
    )]
    fn reset(&mut self, _: &Arguments<'_>) -> Result<(), Error> {
        if self.extremes().is_some() {
            (self.min, self.max) = (Some(self.value), Some(self.value));
        }
        Ok(())
    }
}
