//! Object 3, Device.

use dunlin_lwm2m::Arguments;
use dunlin_model::objects::DEVICE;
use dunlin_model::{ObjectDefinition, ResourceId, ResourceInstanceId, Value};
use heapless::{String, Vec};

use crate::{Error, Object, ObjectType};

/// Object 3, Device, as the single instance 0, with room for `POWER` power sources.
///
/// An empty text and an absent number are resources that the device does not have. Reboot and Factory Reset reach the
/// application as events, after the server has its answer.
#[derive(Debug, Clone, Default)]
pub struct Device<'a, const POWER: usize = 2> {
    /// Manufacturer (resource 0).
    pub manufacturer: &'a str,
    /// Model number (resource 1).
    pub model_number: &'a str,
    /// Serial number (resource 2).
    pub serial_number: &'a str,
    /// Firmware version (resource 3).
    pub firmware_version: &'a str,
    /// Power sources (resources 6 to 8), ordered by id.
    pub power_sources: Vec<PowerSource, POWER>,
    /// Battery level in percent, 0 to 100 (resource 9).
    pub battery_level: Option<u8>,
    /// Free memory in kilobytes (resource 10).
    pub memory_free: Option<u32>,
    /// Error codes, oldest first; none is told as the one code 0 (resource 11).
    pub error_codes: Vec<u8, 4>,
    /// Seconds since 1970 (resource 13). A server may set it; the application keeps it going.
    pub current_time: Option<i64>,
    /// Offset from UTC, such as `UTC+01:00` (resource 14). Empty means that the device has none.
    pub utc_offset: String<12>,
    /// Time zone, such as `Europe/Lisbon` (resource 15). Empty means that the device has none.
    pub timezone: String<32>,
    /// Device type (resource 17).
    pub device_type: &'a str,
    /// Hardware version (resource 18).
    pub hardware_version: &'a str,
    /// Software version (resource 19).
    pub software_version: &'a str,
    /// Battery status, 0 to 6 (resource 20).
    pub battery_status: Option<u8>,
    /// Memory in kilobytes (resource 21).
    pub memory_total: Option<u32>,
    /// The letters of the transports that the device has (resource 16); `U` where it is empty.
    #[cfg(feature = "other-transports")]
    pub supported_bindings: &'a str,
}

/// One power source of a [`Device`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PowerSource {
    /// The kind, which is its resource instance id too: 0 DC, 1 internal battery, 2 external battery, 3 fuel cell,
    /// 4 power over Ethernet, 5 USB, 6 AC mains, 7 solar.
    pub kind: u8,
    /// Millivolts.
    pub voltage: i32,
    /// Milliamperes.
    pub current: i32,
}

impl<'a> Device<'a> {
    /// A device with nothing but a manufacturer, a model and a serial number.
    pub fn new(manufacturer: &'a str, model_number: &'a str, serial_number: &'a str) -> Self {
        Self {
            manufacturer,
            model_number,
            serial_number,
            ..Self::default()
        }
    }
}

impl<const POWER: usize> ObjectType for Device<'_, POWER> {
    const DEFINITION: &'static ObjectDefinition = &super::trimmed(
        &DEVICE,
        &const {
            super::resources(
                &DEVICE,
                [
                    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                ],
            )
        },
    );
}

impl<const POWER: usize> Object for Device<'_, POWER> {
    fn read(&self, resource: ResourceId, index: ResourceInstanceId) -> Option<Value<'_>> {
        let number = |value: Option<u32>| value.map(|value| Value::Integer(value.into()));
        let source = || {
            self.power_sources
                .iter()
                .find(|source| u16::from(source.kind) == index.get())
        };
        let value = match resource.get() {
            0 => Value::String(self.manufacturer),
            1 => Value::String(self.model_number),
            2 => Value::String(self.serial_number),
            3 => Value::String(self.firmware_version),
            4 | 5 | 12 => Value::None,
            6 => Value::Integer(source()?.kind.into()),
            7 => Value::Integer(source()?.voltage.into()),
            8 => Value::Integer(source()?.current.into()),
            9 => number(self.battery_level.map(u32::from))?,
            10 => number(self.memory_free)?,
            11 if self.error_codes.is_empty() && index.get() == 0 => Value::Integer(0),
            11 => Value::Integer((*self.error_codes.get(usize::from(index.get()))?).into()),
            13 => Value::Time(self.current_time?),
            14 => Value::String(&self.utc_offset),
            15 => Value::String(&self.timezone),
            #[cfg(feature = "other-transports")]
            16 if !self.supported_bindings.is_empty() => Value::String(self.supported_bindings),
            16 => Value::String("U"),
            17 => Value::String(self.device_type),
            18 => Value::String(self.hardware_version),
            19 => Value::String(self.software_version),
            20 => number(self.battery_status.map(u32::from))?,
            21 => number(self.memory_total)?,
            _ => return None,
        };
        // A text that the device does not have is empty.
        (!matches!(value, Value::String(""))).then_some(value)
    }

    fn next_index(&self, resource: ResourceId, from: u16) -> Option<ResourceInstanceId> {
        let next = match resource.get() {
            6..=8 => self
                .power_sources
                .iter()
                .map(|source| source.kind.into())
                .filter(|kind| *kind >= from)
                .min()?,
            11 if usize::from(from) < self.error_codes.len().max(1) => from,
            _ => return None,
        };
        ResourceInstanceId::new(next)
    }

    fn check(
        &self,
        resource: ResourceId,
        _: ResourceInstanceId,
        value: &Value<'_>,
    ) -> Result<(), Error> {
        let fits = match (resource.get(), value) {
            (13, _) => true,
            (14, Value::String(text)) => text.len() <= self.utc_offset.capacity(),
            (15, Value::String(text)) => text.len() <= self.timezone.capacity(),
            _ => return Err(Error::NotFound),
        };
        if fits { Ok(()) } else { Err(Error::BadValue) }
    }

    fn write(
        &mut self,
        resource: ResourceId,
        _: ResourceInstanceId,
        value: &Value<'_>,
    ) -> Result<(), Error> {
        match (resource.get(), value) {
            (13, Value::Time(seconds)) => self.current_time = Some(*seconds),
            (14, Value::String(text)) => super::set(&mut self.utc_offset, text)?,
            (15, Value::String(text)) => super::set(&mut self.timezone, text)?,
            _ => return Err(Error::NotFound),
        }
        Ok(())
    }

    fn clear(&mut self, resource: ResourceId) {
        match resource.get() {
            13 => self.current_time = None,
            14 => self.utc_offset.clear(),
            15 => self.timezone.clear(),
            _ => {}
        }
    }

    fn execute(&mut self, resource: ResourceId, _: &Arguments<'_>) -> Result<(), Error> {
        match resource.get() {
            4 | 5 => Ok(()),
            12 => {
                self.error_codes.clear();
                Ok(())
            }
            _ => Err(Error::NotFound),
        }
    }
}
