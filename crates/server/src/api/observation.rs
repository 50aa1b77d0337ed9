//! Observations and notification attributes.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::Record;

/// The attributes that decide when a device notifies (LwM2M Core §7.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NotificationAttributes {
    /// At least so many seconds between two notifications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 1)]
    pub pmin: Option<u32>,
    /// At most so many seconds between two notifications; 0 is no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 60)]
    pub pmax: Option<u32>,
    /// Notify when the value crosses this upper limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gt: Option<f64>,
    /// Notify when the value crosses this lower limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lt: Option<f64>,
    /// Notify when the value changes by at least this much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub st: Option<f64>,
    /// At least so many seconds between two evaluations of the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epmin: Option<u32>,
    /// At most so many seconds between two evaluations of the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epmax: Option<u32>,
    /// Notify only when a boolean becomes true, or only when it becomes false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edge: Option<bool>,
    /// Whether the device sends its notifications confirmable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub con: Option<bool>,
    /// How many values the device keeps while the server is out of reach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hqmax: Option<u32>,
}

impl NotificationAttributes {
    /// Whether no attribute is given.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Changes of the attributes attached to a node: a number sets an attribute, `null` removes it, and what is not given stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttributeChanges {
    /// At least so many seconds between two notifications.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<u32>, example = 1)]
    pub pmin: Option<Option<u32>>,
    /// At most so many seconds between two notifications; 0 is no limit.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<u32>, example = 60)]
    pub pmax: Option<Option<u32>>,
    /// Notify when the value crosses this upper limit.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<f64>)]
    pub gt: Option<Option<f64>>,
    /// Notify when the value crosses this lower limit.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<f64>)]
    pub lt: Option<Option<f64>>,
    /// Notify when the value changes by at least this much.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<f64>)]
    pub st: Option<Option<f64>>,
    /// At least so many seconds between two evaluations of the value.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<u32>)]
    pub epmin: Option<Option<u32>>,
    /// At most so many seconds between two evaluations of the value.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<u32>)]
    pub epmax: Option<Option<u32>>,
    /// Notify only when a boolean becomes true, or only when it becomes false.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<bool>)]
    pub edge: Option<Option<bool>>,
    /// Whether the device sends its notifications confirmable.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<bool>)]
    pub con: Option<Option<bool>>,
    /// How many values the device keeps while the server is out of reach.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<u32>)]
    pub hqmax: Option<Option<u32>>,
}

impl AttributeChanges {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl From<NotificationAttributes> for AttributeChanges {
    /// Sets what is given.
    fn from(attributes: NotificationAttributes) -> Self {
        Self {
            pmin: attributes.pmin.map(Some),
            pmax: attributes.pmax.map(Some),
            gt: attributes.gt.map(Some),
            lt: attributes.lt.map(Some),
            st: attributes.st.map(Some),
            epmin: attributes.epmin.map(Some),
            epmax: attributes.epmax.map(Some),
            edge: attributes.edge.map(Some),
            con: attributes.con.map(Some),
            hqmax: attributes.hqmax.map(Some),
        }
    }
}

/// A member that is there, be it `null`.
#[expect(
    clippy::option_option,
    reason = "absent, null and a number are three things"
)]
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Whether the device notifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ObservationState {
    /// The request is on its way, or waits until the device is heard.
    Pending,
    /// The device accepted it.
    Active,
}

/// An observation that the manager keeps up, also over restarts and new registrations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Observation {
    /// The observed path.
    #[schema(example = "/3303/0/5700")]
    pub path: String,
    /// The attributes that the observation was started with.
    #[serde(default)]
    pub attributes: NotificationAttributes,
    /// Whether the device notifies.
    pub state: ObservationState,
    /// When it was started.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// When the last notification arrived; absent before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub notified_at: Option<Timestamp>,
}

/// An observation that has just started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ObservationStarted {
    /// The observation.
    #[serde(flatten)]
    pub observation: Observation,
    /// The values with which the device answered.
    pub records: Vec<Record>,
}

/// The observations of one device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ObservationList {
    /// The observations, in the order of their paths.
    pub observations: Vec<Observation>,
}
