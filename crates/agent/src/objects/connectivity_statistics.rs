//! Object 7, Connectivity Statistics.

use dunlin_lwm2m::Arguments;

use crate::{Error, Execute, Object};

/// Object 7, Connectivity Statistics, as the single instance 0: what has been sent and received since a server started to
/// collect. The application counts by [`add`](Self::add), and ends a collection after its period.
#[derive(Debug, Clone, Default, Object)]
#[object(id = 7, single)]
pub struct ConnectivityStatistics {
    /// Kilobytes sent (resource 2).
    #[resource(2, read, type = integer, optional)]
    sent: u32,
    /// Kilobytes received (resource 3).
    #[resource(3, read, type = integer, optional)]
    received: u32,
    #[resource(6, execute = start)]
    start: Execute,
    #[resource(7, execute = stop)]
    stop: Execute,
    /// How long to collect, in seconds; 0 until it is stopped (resource 8).
    #[resource(8, read, write, type = integer, unit = "s", optional)]
    pub period: u32,
    collecting: bool,
    /// Bytes that are no kilobyte yet.
    rest: (u32, u32),
}

impl ConnectivityStatistics {
    /// Counts bytes, while a server collects.
    pub fn add(&mut self, sent: u32, received: u32) {
        if self.collecting {
            let (all_sent, all_received) = (
                self.rest.0.saturating_add(sent),
                self.rest.1.saturating_add(received),
            );
            self.sent = self.sent.saturating_add(all_sent / 1000);
            self.received = self.received.saturating_add(all_received / 1000);
            self.rest = (all_sent % 1000, all_received % 1000);
        }
    }

    /// Whether a server collects.
    pub fn is_collecting(&self) -> bool {
        self.collecting
    }

    /// Ends the collection, as its period is over.
    pub fn end(&mut self) {
        self.collecting = false;
    }

    #[expect(
        clippy::unnecessary_wraps,
        reason = "an executable resource may refuse"
    )]
    fn start(&mut self, _: &Arguments<'_>) -> Result<(), Error> {
        (self.sent, self.received, self.rest) = (0, 0, (0, 0));
        self.collecting = true;
        Ok(())
    }

    #[expect(
        clippy::unnecessary_wraps,
        reason = "an executable resource may refuse"
    )]
    fn stop(&mut self, _: &Arguments<'_>) -> Result<(), Error> {
        self.collecting = false;
        Ok(())
    }
}
