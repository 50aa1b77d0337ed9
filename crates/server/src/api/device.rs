//! Devices: their registrations and their object trees.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{DataType, Observation};

/// Whether the device can be reached by a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeviceState {
    /// It has a registration and hears commands at once.
    Registered,
    /// It has a registration but sleeps: commands wait until it is heard.
    Asleep,
    /// It has no registration now: the lifetime passed or the device left.
    Offline,
}

impl DeviceState {
    /// The name that the API uses, such as `registered`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Asleep => "asleep",
            Self::Offline => "offline",
        }
    }
}

/// One device of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceSummary {
    /// The endpoint name.
    #[schema(example = "urn:imei:490154203237518")]
    pub endpoint: String,
    /// Whether it is registered.
    pub state: DeviceState,
    /// The address and port that the device sends from.
    #[schema(example = "192.0.2.7:56830")]
    pub address: String,
    /// The `LwM2M` version that the device speaks.
    #[schema(example = "1.1")]
    pub lwm2m_version: String,
    /// The binding letters, such as `U`.
    #[schema(example = "U")]
    pub binding: String,
    /// Whether the device sleeps between its messages.
    pub queue_mode: bool,
    /// The lifetime of the registration.
    #[schema(example = 300)]
    pub lifetime_seconds: u64,
    /// When the device registered.
    #[schema(value_type = String, format = DateTime)]
    pub registered_at: Timestamp,
    /// When the device registered or updated its registration last.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Whether the device registered over DTLS.
    #[serde(default)]
    pub secure: bool,
    /// When the last message of the device arrived.
    #[schema(value_type = String, format = DateTime)]
    pub last_seen_at: Timestamp,
    /// When the registration expires unless it is updated; absent if it never does, or if it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// How many commands wait for the device, the running one included.
    #[schema(example = 0)]
    pub commands_waiting: u64,
}

/// A page of the device list, in the order of the endpoint names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceList {
    /// The devices of this page.
    pub devices: Vec<DeviceSummary>,
    /// How many devices match in all.
    pub total: u64,
}

/// All that the manager knows of one device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeviceDetail {
    /// The registration.
    #[serde(flatten)]
    pub summary: DeviceSummary,
    /// The objects that the device announced, in the order of their ids.
    pub objects: Vec<ObjectNode>,
    /// The running observations.
    pub observations: Vec<Observation>,
}

/// An object of a device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ObjectNode {
    /// The object id.
    #[schema(example = 3303)]
    pub id: u16,
    /// The name, where the manager has the definition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "Temperature")]
    pub name: Option<String>,
    /// The version that the device announced, or the one that its `LwM2M` version implies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "1.1")]
    pub version: Option<String>,
    /// Whether several instances are possible: then instances can be created and deleted.
    pub multiple: bool,
    /// The instances, in the order of their ids.
    pub instances: Vec<InstanceNode>,
}

/// An object instance of a device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InstanceNode {
    /// The instance id.
    pub id: u16,
    /// The resources of the definition, and those that the device showed beyond it, in the order of their ids.
    pub resources: Vec<ResourceNode>,
}

/// A resource of a device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ResourceNode {
    /// The resource id.
    #[schema(example = 5700)]
    pub id: u16,
    /// The path.
    #[schema(example = "/3303/0/5700")]
    pub path: String,
    /// The name, where the manager has the definition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "Sensor Value")]
    pub name: Option<String>,
    /// The operations of the definition: letters of `R`, `W` and `E`. Absent if the definition is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "R")]
    pub operations: Option<String>,
    /// The type of the value; absent if neither the definition nor a value is known.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<DataType>,
    /// The unit, such as `Cel`: that of the definition, or the one that the instance tells in its Sensor Units (5701).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "Cel")]
    pub units: Option<String>,
    /// Whether the resource has instances.
    pub multiple: bool,
    /// Whether every device with this object has the resource.
    pub mandatory: bool,
    /// The last known value of a resource without instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 21.5)]
    pub value: Option<serde_json::Value>,
    /// The last known values of a resource with instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<ResourceInstanceNode>>,
    /// When the value, or the newest of the values, arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub updated_at: Option<Timestamp>,
}

/// A resource instance of a device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ResourceInstanceNode {
    /// The resource instance id.
    pub id: u16,
    /// The last known value.
    pub value: serde_json::Value,
}
