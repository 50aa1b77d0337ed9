//! What is due when.

use core::net::SocketAddr;
use std::collections::{BTreeSet, HashMap};

use dunlin_coap::MessageId;
use dunlin_coap::time::Instant;

use super::Ticket;
use super::device::DeviceId;
use crate::Peer;

/// Whose timer it is. Each has at most one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Timer {
    /// The earliest of a device's moments.
    Device(DeviceId),
    /// A request that waits for the store should be acknowledged.
    Waiting(Ticket),
    /// A separate answer should be sent again.
    Separate(Peer, MessageId),
    /// A handshake should go on, or be given up.
    Handshake(u16, SocketAddr),
    /// The oldest upload is given up.
    Uploads,
    /// The store should be written, or tried again.
    Store,
}

/// All timers in the order of their moments.
#[derive(Debug, Default)]
pub(super) struct Timers {
    queue: BTreeSet<(Instant, Timer)>,
    moments: HashMap<Timer, Instant>,
}

impl Timers {
    pub(super) fn next(&self) -> Option<Instant> {
        self.queue.first().map(|(moment, _)| *moment)
    }

    /// Sets the moment of `timer`, or takes it away.
    pub(super) fn set(&mut self, timer: Timer, moment: Option<Instant>) {
        let before = match moment {
            Some(moment) => self.moments.insert(timer, moment),
            None => self.moments.remove(&timer),
        };
        if before != moment {
            if let Some(before) = before {
                self.queue.remove(&(before, timer));
            }
            if let Some(moment) = moment {
                self.queue.insert((moment, timer));
            }
        }
    }

    pub(super) fn is_set(&self, timer: Timer) -> bool {
        self.moments.contains_key(&timer)
    }

    /// Takes a timer whose moment has come.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Timer> {
        let (moment, timer) = *self.queue.first()?;
        if moment > now {
            return None;
        }
        self.queue.pop_first();
        self.moments.remove(&timer);
        Some(timer)
    }
}
