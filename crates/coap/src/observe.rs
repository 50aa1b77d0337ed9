//! Observing resources: the parts of client and server (RFC 7641).
//!
//! A client keeps an [`Observation`] for each token under which it has registered; a server keeps its [`Observers`].
//! Neither builds a message or keeps a representation.

mod client;
mod observers;
mod order;

pub use client::{Delivery, Observation, rest_of};
pub use observers::{
    Confirm, Full, NON_PAUSE, Notification, Observer, Observers, Policy, Registered,
};
pub use order::{Freshness, REORDERING_TIME, SequenceNumber, is_newer};

use crate::{Code, Message};

/// The Observe value of a request that registers an observer (RFC 7641 §2).
pub const REGISTER: u32 = 0;

/// The Observe value of a request that deregisters an observer (RFC 7641 §2).
pub const DEREGISTER: u32 = 1;

/// What a request wants of the list of observers (RFC 7641 §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Action {
    /// To be added.
    Register,
    /// To be removed.
    Deregister,
}

impl Action {
    /// The action of a request; `None` without an Observe option that means something: in a GET or a FETCH, 0 or 1
    /// (RFC 7641 §2, RFC 8132 §2.4).
    pub fn of(request: &Message<'_>) -> Option<Self> {
        if !matches!(request.code(), Code::GET | Code::FETCH) {
            return None;
        }
        match request.observe()? {
            REGISTER => Some(Self::Register),
            DEREGISTER => Some(Self::Deregister),
            _ => None,
        }
    }
}
