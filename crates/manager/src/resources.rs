//! Typed constants for the resources of the core objects.

macro_rules! resources {
    ($(#[$docs:meta])* $module:ident = $object:literal { $($(#[$resource_docs:meta])* $name:ident = $id:literal: $type:ty,)* }) => {
        $(#[$docs])*
        pub mod $module {
            #[allow(unused_imports, reason = "not every object has a multiple resource or a link")]
            use std::collections::BTreeMap;

            use dunlin_model::{ObjectId, ResourceId};

            use crate::Resource;

            $($(#[$resource_docs])* pub const $name: Resource<$type> = Resource::new(ObjectId::of::<$object>(), ResourceId::of::<$id>());)*
        }
    };
}

resources! {
    /// Resources of the Device object (3).
    device = 3 {
        /// Manufacturer.
        MANUFACTURER = 0: String,
        /// Model Number.
        MODEL_NUMBER = 1: String,
        /// Serial Number.
        SERIAL_NUMBER = 2: String,
        /// Firmware Version.
        FIRMWARE_VERSION = 3: String,
        /// Reboot (execute).
        REBOOT = 4: (),
        /// Factory Reset (execute).
        FACTORY_RESET = 5: (),
        /// Available Power Sources by instance.
        AVAILABLE_POWER_SOURCES = 6: BTreeMap<u16, i64>,
        /// Power Source Voltage in mV by instance.
        POWER_SOURCE_VOLTAGE = 7: BTreeMap<u16, i64>,
        /// Power Source Current in mA by instance.
        POWER_SOURCE_CURRENT = 8: BTreeMap<u16, i64>,
        /// Battery Level in percent.
        BATTERY_LEVEL = 9: i64,
        /// Memory Free in KiB.
        MEMORY_FREE = 10: i64,
        /// Error Code by instance.
        ERROR_CODE = 11: BTreeMap<u16, i64>,
        /// Reset Error Code (execute).
        RESET_ERROR_CODE = 12: (),
        /// Current Time in seconds since 1970-01-01T00:00:00Z.
        CURRENT_TIME = 13: i64,
        /// UTC Offset such as `+02:00`.
        UTC_OFFSET = 14: String,
        /// Timezone such as `Europe/Lisbon`.
        TIMEZONE = 15: String,
        /// Supported Binding and Modes.
        SUPPORTED_BINDING = 16: String,
        /// Device Type.
        DEVICE_TYPE = 17: String,
        /// Hardware Version.
        HARDWARE_VERSION = 18: String,
        /// Software Version.
        SOFTWARE_VERSION = 19: String,
        /// Battery Status.
        BATTERY_STATUS = 20: i64,
        /// Memory Total in KiB.
        MEMORY_TOTAL = 21: i64,
    }
}

resources! {
    /// Resources of the `LwM2M` Server object (1).
    server = 1 {
        /// Short Server ID.
        SHORT_SERVER_ID = 0: i64,
        /// Lifetime in seconds.
        LIFETIME = 1: i64,
        /// Default Minimum Period in seconds.
        DEFAULT_MINIMUM_PERIOD = 2: i64,
        /// Default Maximum Period in seconds.
        DEFAULT_MAXIMUM_PERIOD = 3: i64,
        /// Disable (execute).
        DISABLE = 4: (),
        /// Disable Timeout in seconds.
        DISABLE_TIMEOUT = 5: i64,
        /// Notification Storing When Disabled or Offline.
        NOTIFICATION_STORING = 6: bool,
        /// Binding.
        BINDING = 7: String,
        /// Registration Update Trigger (execute).
        REGISTRATION_UPDATE_TRIGGER = 8: (),
    }
}

resources! {
    /// Resources of the IPSO Temperature object (3303).
    temperature = 3303 {
        /// Reset Min and Max Measured Values (execute).
        RESET_MIN_AND_MAX = 5605: (),
        /// Min Measured Value since the last reset.
        MIN_MEASURED_VALUE = 5601: f64,
        /// Max Measured Value since the last reset.
        MAX_MEASURED_VALUE = 5602: f64,
        /// Min Range Value of the sensor.
        MIN_RANGE_VALUE = 5603: f64,
        /// Max Range Value of the sensor.
        MAX_RANGE_VALUE = 5604: f64,
        /// Sensor Value.
        SENSOR_VALUE = 5700: f64,
        /// Sensor Units.
        SENSOR_UNITS = 5701: String,
    }
}
