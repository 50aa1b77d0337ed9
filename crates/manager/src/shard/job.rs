//! An order to a device, from its arrival until something came of it.

use dunlin_coap::Token;
use dunlin_coap::time::Instant;
use dunlin_codec::ContentFormat;

use super::CommandId;
use crate::Action;

/// Who wants something done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The owner of the shard.
    Caller(CommandId),
    /// The shard, to set up an observation that the device may have lost.
    Restore,
    /// The shard, to read what was too long for one notification.
    Rest,
}

/// An order that waits for its device, or is being carried out.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) origin: Origin,
    pub(super) action: Action,
    /// The format that the caller wants and no other.
    pub(super) format: Option<ContentFormat>,
    /// The format to try first.
    pub(super) preferred: Option<ContentFormat>,
    /// The token of the observation to cancel.
    pub(super) token: Option<Token>,
    pub(super) deadline: Instant,
}

impl Job {
    pub(super) fn new(origin: Origin, action: Action, deadline: Instant) -> Self {
        Self {
            origin,
            action,
            format: None,
            preferred: None,
            token: None,
            deadline,
        }
    }

    /// Whether it does no harm when the device carries it out twice.
    pub(super) fn is_idempotent(&self) -> bool {
        !matches!(self.action, Action::Execute { .. } | Action::Create { .. })
    }
}
