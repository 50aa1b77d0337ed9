//! Events.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Record;

/// The kinds of events: the `event` field of the server-sent events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A device registered.
    Registered,
    /// A device updated its registration.
    Updated,
    /// A device left.
    Deregistered,
    /// The lifetime of a registration passed.
    Expired,
    /// A value arrived by an observation.
    Notification,
    /// An observation started.
    ObservationStarted,
    /// An observation ended.
    ObservationEnded,
    /// The store does not take changes: new registrations are refused until it does.
    StoreFailing,
    /// The store takes changes again.
    StoreRecovered,
    /// The receiver was too slow and missed events.
    Missed,
}

impl EventKind {
    /// The name that the API uses, such as `registered`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Updated => "updated",
            Self::Deregistered => "deregistered",
            Self::Expired => "expired",
            Self::Notification => "notification",
            Self::ObservationStarted => "observation_started",
            Self::ObservationEnded => "observation_ended",
            Self::StoreFailing => "store_failing",
            Self::StoreRecovered => "store_recovered",
            Self::Missed => "missed",
        }
    }
}

/// Something that happened to a device, or to the manager itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// What happened.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// The endpoint name of the device; absent where it is not about a device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "urn:imei:490154203237518")]
    pub endpoint: Option<String>,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The path of the observation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "/3303/0/5700")]
    pub path: Option<String>,
    /// The values of a notification.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<Record>,
    /// Why, where there is a reason to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How many events the receiver missed, in `missed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}
