//! The clock of the operating system as the engine's time.

use crate::time::{Duration, Instant};

/// Where this program's time begins, so that the engine's milliseconds fit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    epoch: tokio::time::Instant,
}

impl Clock {
    /// A clock that stands at zero now.
    pub(crate) fn start() -> Self {
        Self {
            epoch: tokio::time::Instant::now(),
        }
    }

    /// The time now.
    pub(crate) fn now(&self) -> Instant {
        let elapsed = self.epoch.elapsed().as_millis();
        Instant::from_millis(u64::try_from(elapsed).unwrap_or(u64::MAX))
    }

    /// When a timer for `instant` must ring: not before it.
    pub(crate) fn ring(&self, instant: Instant) -> tokio::time::Instant {
        let after = core::time::Duration::from_millis(instant.as_millis());
        // Beyond the end of the system's time: in some years.
        let years = core::time::Duration::from_secs(1 << 28);
        self.epoch
            .checked_add(after)
            .or_else(|| tokio::time::Instant::now().checked_add(years))
            .unwrap_or(self.epoch)
    }
}

/// A length of time of the standard library in the engine's milliseconds, rounded down.
pub(crate) fn duration(duration: core::time::Duration) -> Duration {
    Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}
