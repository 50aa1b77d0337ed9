//! One open exchange.

use crate::block::{Block, BlockReceiver, BlockSender};
use crate::observe::Freshness;
use crate::{MessageId, Token, Transmission};

use super::Failure;

/// The number of one of an endpoint's own exchanges: a request, an observation or a separate response.
///
/// No two open exchanges have the same; numbers come again after 65536 exchanges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ExchangeId(pub(super) u16);

/// An exchange that the endpoint began. Its message, with id and token, lies in a slot of its own.
///
/// ```text
///          poll           Acknowledgement
/// Queued ───────► Sent ───────────────────► Waiting
///   ▲              │                          │
///   │              ├────────◄─────────────────┘
///   │              │ response
///   │              ├──────────► ended
///   │              ├── of an observation ──► Observing ── Max-Age over ──┐
///   └── next block, Echo ◄──┴──────────────────────────────────────────┘
/// ```
#[derive(Clone, Copy, Debug)]
pub(super) struct Exchange<P> {
    pub(super) peer: P,
    /// Retransmission while `Sent`, else one deadline.
    pub(super) timer: Transmission,
    pub(super) task: Task,
    pub(super) id: ExchangeId,
    /// How much of the slot the message takes.
    pub(super) len: u16,
    pub(super) phase: Phase,
    /// To be transmitted at the next poll.
    pub(super) due: bool,
    /// The length of the Echo value that lies behind the message in the slot.
    pub(super) echo: u8,
}

// What one open exchange costs besides its message, with the longest address.
const _: () = assert!(size_of::<Option<Exchange<core::net::SocketAddr>>>() <= 96);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// To be sent as soon as NSTART allows (RFC 7252 §4.7).
    Queued,
    /// On the way: no Acknowledgement and no response yet.
    Sent,
    /// Acknowledged: the response comes separately.
    Waiting,
    /// An observation that has been answered.
    Observing,
    /// Failed: the owner does not know yet.
    Over(Failure),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Task {
    /// A request that is answered once.
    Request,
    /// A body in blocks that is being fetched, for a request or for a notification of an observation.
    Download {
        receiver: BlockReceiver,
        next: Block,
        /// The exchange in the owner's eyes: the observation where it fetches the rest of a notification.
        told: ExchangeId,
        /// How often it may begin again.
        restarts: u8,
    },
    /// A body that is being sent in blocks.
    Upload(BlockSender),
    /// A registration, and then the last notification.
    Observe(Option<Freshness>),
    /// The end of an observation, whose answer interests nobody.
    Deregister,
    /// A response of the server side in a message of its own.
    Respond,
    /// A Confirmable notification to an observer of ours.
    Notify,
}

impl<P> Exchange<P> {
    /// Whether it waits for a response, rather than to give one.
    pub(super) const fn is_client(&self) -> bool {
        !matches!(self.task, Task::Respond | Task::Notify)
    }

    /// Whether a response may come.
    pub(super) const fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Sent | Phase::Waiting | Phase::Observing)
    }

    /// The number of the exchange in the owner's eyes.
    pub(super) const fn told(&self) -> ExchangeId {
        match self.task {
            Task::Download { told, .. } => told,
            _ => self.id,
        }
    }
}

/// The message id in a written message.
pub(super) fn message_id(message: &[u8]) -> MessageId {
    match *message {
        [_, _, high, low, ..] => MessageId(u16::from_be_bytes([high, low])),
        _ => MessageId(0),
    }
}

/// Puts another message id into a written message.
pub(super) fn set_message_id(message: &mut [u8], id: MessageId) {
    if let [_, _, high, low, ..] = message {
        [*high, *low] = id.0.to_be_bytes();
    }
}

/// Puts another token of four bytes into a message that is written with one.
pub(super) fn set_token(message: &mut [u8], token: [u8; 4]) {
    if let Some(space) = message.get_mut(4..).and_then(|rest| rest.first_chunk_mut()) {
        *space = token;
    }
}

/// Whether a written message has this token.
pub(super) fn has_token(message: &[u8], token: &Token) -> bool {
    let Some((header, rest)) = message.split_first_chunk::<4>() else {
        return false;
    };
    let len = usize::from(header[0] & 0x0f);
    rest.get(..len) == Some(token.as_bytes())
}
