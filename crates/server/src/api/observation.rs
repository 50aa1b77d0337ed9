//! Observations and notification attributes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
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
}

impl NotificationAttributes {
    /// Whether no attribute is given.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
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
