//! The handle of one observation.

use tokio::sync::broadcast;

use crate::{CommandError, Device, Notification, ObservationInfo, Records};

/// The notifications of one observed path, from its start on.
///
/// Dropping it ends nothing: see [`Device::observe`].
#[derive(Debug)]
pub struct Observation {
    device: Device,
    info: ObservationInfo,
    first: Records,
    notifications: broadcast::Receiver<Notification>,
    missed: u64,
}

impl Observation {
    pub(crate) fn new(
        device: Device,
        info: ObservationInfo,
        first: Records,
        notifications: broadcast::Receiver<Notification>,
    ) -> Self {
        Self {
            device,
            info,
            first,
            notifications,
            missed: 0,
        }
    }

    /// The device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// What is observed, and how.
    pub fn info(&self) -> &ObservationInfo {
        &self.info
    }

    /// The values with which the device answered the start.
    pub fn first(&self) -> &Records {
        &self.first
    }

    /// The next notification; `None` when the observation has ended or the manager has stopped.
    pub async fn next(&mut self) -> Option<Notification> {
        loop {
            match self.notifications.recv().await {
                Ok(notification) => return Some(notification),
                Err(broadcast::error::RecvError::Lagged(count)) => {
                    self.missed = self.missed.saturating_add(count);
                }
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }

    /// How many notifications were lost to this handle because it was too slow; the newest are always kept.
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// Ends the observation at the device.
    ///
    /// # Errors
    ///
    /// As [`Device::cancel`].
    pub async fn cancel(self) -> Result<(), CommandError> {
        self.device.cancel(self.info.path).await
    }
}
