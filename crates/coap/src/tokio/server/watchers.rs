//! The observers of one socket (RFC 7641 §4).

use core::cell::Cell;
use core::net::{IpAddr, SocketAddr};
use std::collections::HashMap;
use std::string::String;
use std::vec;
use std::vec::Vec;

use super::notifier::Changed;
use crate::observe::{Notification, Observer, Observers, Policy, SequenceNumber};
use crate::time::Instant;
use crate::{Message, MessageId, Token};

/// The crate's list of observers, and the request that each has registered with: to notify is to answer it again.
pub(super) struct Watchers {
    list: Observers<SocketAddr, u64, Vec<Option<Observer<SocketAddr, u64>>>>,
    watches: HashMap<u64, Watch>,
    numbered: u64,
    /// When to poll, as far as is known.
    next: Option<Instant>,
}

/// What was registered.
pub(super) struct Watch {
    pub(super) local: Option<IpAddr>,
    /// The registration as it was received.
    pub(super) request: Vec<u8>,
    /// Without its first slash.
    path: String,
    policy: Policy,
}

pub(super) type Due = Notification<SocketAddr, u64>;

impl Watchers {
    pub(super) fn new(max: usize) -> Self {
        Self {
            list: Observers::new(vec![None; max]),
            watches: HashMap::new(),
            numbered: 0,
            next: None,
        }
    }

    /// Adds an observer; `None` when there is no place.
    pub(super) fn register(
        &mut self,
        now: Instant,
        (peer, local): (SocketAddr, Option<IpAddr>),
        message: &Message<'_>,
        bytes: &[u8],
        policy: Policy,
    ) -> Option<SequenceNumber> {
        let token = message.token();
        self.remove(&peer, token);
        self.numbered = self.numbered.wrapping_add(1);
        let number = self.numbered;
        let registered = self.list.register(now, peer, token, number).ok()?;
        let mut path = String::new();
        for (i, segment) in message.uri_path().enumerate() {
            if i > 0 {
                path.push('/');
            }
            path.push_str(core::str::from_utf8(segment).unwrap_or_default());
        }
        let watch = Watch {
            local,
            request: bytes.to_vec(),
            path,
            policy,
        };
        self.watches.insert(number, watch);
        self.refresh(now);
        Some(registered.number)
    }

    /// Removes an observer.
    pub(super) fn remove(&mut self, peer: &SocketAddr, token: Token) {
        if !self.watches.is_empty()
            && let Some(number) = self.list.remove(peer, token)
        {
            self.watches.remove(&number);
        }
    }

    /// Takes note of what has changed.
    pub(super) fn changed(&mut self, now: Instant, changed: &Changed) {
        let watches = &self.watches;
        self.list.changed(|number| {
            watches
                .get(number)
                .is_some_and(|watch| changed.contains(&watch.path))
        });
        self.refresh(now);
    }

    /// The next notification to send.
    pub(super) fn poll(
        &mut self,
        now: Instant,
        nstart: usize,
        id: impl FnOnce(&SocketAddr) -> MessageId,
    ) -> Option<Due> {
        if self.next.is_none_or(|next| next > now) {
            return None;
        }
        let watches = &self.watches;
        let policy = |number: &u64| {
            watches
                .get(number)
                .map_or(Policy::CONFIRMABLE, |watch| watch.policy)
        };
        // The first peer that may be sent to is the one that an id is needed for.
        let chosen = Cell::new(None);
        let may_send = |peer: &SocketAddr, outstanding| {
            let may = outstanding < nstart;
            chosen.set(may.then_some(*peer));
            may
        };
        let due = self.list.poll(now, may_send, policy, || {
            chosen.get().map_or(MessageId(0), |peer| id(&peer))
        });
        if due.is_none() {
            self.refresh(now);
        }
        due
    }

    /// What was registered with.
    pub(super) fn watch(&self, number: u64) -> Option<&Watch> {
        self.watches.get(&number)
    }

    /// A notification was acknowledged.
    pub(super) fn acknowledged(&mut self, now: Instant, peer: &SocketAddr, id: MessageId) {
        if !self.watches.is_empty() && self.list.acknowledged(now, peer, id) {
            self.refresh(now);
        }
    }

    /// A message was reset: whoever resets a notification observes no more.
    pub(super) fn reset(&mut self, peer: &SocketAddr, id: MessageId) {
        if !self.watches.is_empty()
            && let Some((_, number)) = self.list.reset(peer, id)
        {
            self.watches.remove(&number);
        }
    }

    /// What to send in place of a notification that is to be sent again.
    pub(super) fn supersede(
        &mut self,
        now: Instant,
        peer: &SocketAddr,
        old: MessageId,
        new: impl FnOnce() -> MessageId,
    ) -> Option<Due> {
        self.list.supersede(now, peer, old, new)
    }

    /// When to poll.
    pub(super) const fn next_timeout(&self) -> Option<Instant> {
        self.next
    }

    fn refresh(&mut self, now: Instant) {
        self.next = if self.watches.is_empty() {
            None
        } else {
            self.list.next_timeout(now)
        };
    }
}
