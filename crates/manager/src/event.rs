//! What happens, for those who want to know.

use dunlin_model::Path;
use tokio::sync::broadcast;

use crate::{Device, Records, Timestamp};

/// Something that happened to a device, or to the manager itself.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// A device registered. The registration is stored, and commands may be sent.
    Registered(Device),
    /// A device updated its registration.
    Updated(Device),
    /// A device left.
    Deregistered(Device),
    /// The lifetime of a registration passed without an Update.
    Expired(Device),
    /// A value arrived by an observation.
    Notification(Notification),
    /// A device accepted an observation.
    ObservationStarted {
        /// The device.
        device: Device,
        /// What is observed.
        path: Path,
    },
    /// An observation ended: it was cancelled, or the device ended or refused it.
    ObservationEnded {
        /// The device.
        device: Device,
        /// What was observed.
        path: Path,
        /// Why, in a few words.
        reason: String,
    },
    /// The store does not take changes: new registrations are refused with 5.03 until it does.
    StoreFailing {
        /// What the store said.
        reason: String,
    },
    /// The store takes changes again.
    StoreRecovered,
    /// The receiver was too slow and missed this many events.
    Missed(u64),
}

impl Event {
    /// The name of the kind, such as `registered`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Registered(_) => "registered",
            Self::Updated(_) => "updated",
            Self::Deregistered(_) => "deregistered",
            Self::Expired(_) => "expired",
            Self::Notification(_) => "notification",
            Self::ObservationStarted { .. } => "observation_started",
            Self::ObservationEnded { .. } => "observation_ended",
            Self::StoreFailing { .. } => "store_failing",
            Self::StoreRecovered => "store_recovered",
            Self::Missed(_) => "missed",
        }
    }

    /// The device that it happened to.
    pub const fn device(&self) -> Option<&Device> {
        match self {
            Self::Registered(device)
            | Self::Updated(device)
            | Self::Deregistered(device)
            | Self::Expired(device)
            | Self::ObservationStarted { device, .. }
            | Self::ObservationEnded { device, .. }
            | Self::Notification(Notification { device, .. }) => Some(device),
            Self::StoreFailing { .. } | Self::StoreRecovered | Self::Missed(_) => None,
        }
    }
}

/// Values that a device sent by itself, because they are observed.
#[derive(Debug, Clone)]
pub struct Notification {
    /// The device.
    pub device: Device,
    /// What is observed.
    pub path: Path,
    /// The values.
    pub records: Records,
    /// When they arrived.
    pub at: Timestamp,
}

/// All events from the moment of [`Manager::events`](crate::Manager::events) on.
#[derive(Debug)]
pub struct Events(pub(crate) broadcast::Receiver<Event>);

impl Events {
    /// The next event; [`Event::Missed`] where the receiver was too slow; `None` when the manager has stopped.
    pub async fn next(&mut self) -> Option<Event> {
        match self.0.recv().await {
            Ok(event) => Some(event),
            Err(broadcast::error::RecvError::Lagged(count)) => Some(Event::Missed(count)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}
