//! Confirmable messages that were sent and wait for their Acknowledgement.

use core::net::{IpAddr, SocketAddr};
use std::collections::{BTreeSet, HashMap};
use std::vec::Vec;

use crate::time::Instant;
use crate::{MessageId, Parameters, Retry, Transmission};

/// The messages under way and their timers; each has a value that tells what it is about.
pub(crate) struct Confirmables<T> {
    sent: HashMap<(SocketAddr, MessageId), Sent<T>>,
    deadlines: BTreeSet<(Instant, SocketAddr, MessageId)>,
}

struct Sent<T> {
    transmission: Transmission,
    local: Option<IpAddr>,
    bytes: Vec<u8>,
    value: T,
}

/// What a message whose time has come needs.
pub(crate) enum Due<T> {
    /// To be sent again, as [`bytes`](Confirmables::bytes) has it.
    Again(SocketAddr, MessageId),
    /// Nobody has acknowledged it.
    GivenUp(SocketAddr, T),
}

impl<T> Confirmables<T> {
    pub(crate) fn new() -> Self {
        Self {
            sent: HashMap::new(),
            deadlines: BTreeSet::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.sent.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }

    /// When [`due`](Confirmables::due) has something.
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.deadlines.first().map(|(instant, _, _)| *instant)
    }

    /// Remembers a message that is being sent.
    pub(crate) fn insert(
        &mut self,
        transmission: Transmission,
        (peer, local): (SocketAddr, Option<IpAddr>),
        id: MessageId,
        bytes: Vec<u8>,
        value: T,
    ) {
        let sent = Sent {
            transmission,
            local,
            bytes,
            value,
        };
        self.deadlines.insert((transmission.deadline(), peer, id));
        if let Some(old) = self.sent.insert((peer, id), sent) {
            self.deadlines
                .remove(&(old.transmission.deadline(), peer, id));
        }
    }

    /// Takes a message that was acknowledged or reset, or is no longer of interest.
    pub(crate) fn remove(&mut self, peer: SocketAddr, id: MessageId) -> Option<(Transmission, T)> {
        let sent = self.sent.remove(&(peer, id))?;
        self.deadlines
            .remove(&(sent.transmission.deadline(), peer, id));
        Some((sent.transmission, sent.value))
    }

    /// The bytes of a message, and from which of our addresses they go.
    pub(crate) fn bytes(&self, peer: SocketAddr, id: MessageId) -> Option<(Option<IpAddr>, &[u8])> {
        let sent = self.sent.get(&(peer, id))?;
        Some((sent.local, &sent.bytes))
    }

    /// The next message whose time has come.
    pub(crate) fn due(&mut self, now: Instant, parameters: &Parameters) -> Option<Due<T>> {
        let (_, peer, id) = self.deadlines.first().filter(|due| due.0 <= now).copied()?;
        self.deadlines.pop_first();
        let key = (peer, id);
        match self
            .sent
            .get_mut(&key)?
            .transmission
            .on_timeout(now, parameters)
        {
            Retry::Again => {
                let sent = self.sent.get(&key)?;
                self.deadlines
                    .insert((sent.transmission.deadline(), peer, id));
                Some(Due::Again(peer, id))
            }
            Retry::GiveUp => self
                .sent
                .remove(&key)
                .map(|sent| Due::GivenUp(peer, sent.value)),
        }
    }
}
