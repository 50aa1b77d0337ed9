//! Robust block-wise transfer: many blocks at once, and only those again that were lost (RFC 9177).
//!
//! Where [`Block1` and `Block2`](super) ask for each block, Q-Block1 and Q-Block2 send them in sets of `MAX_PAYLOADS`,
//! as Non-confirmable messages above all, and tell the sender afterwards which are missing. A [`QBlockSender`] sends a
//! body: a request's on a client (Q-Block1), a response's on a server (Q-Block2). A [`QBlockReceiver`] takes it on the
//! other side. Both have the same two doors: what arrives is given in, and `poll` tells what to send now, or until when
//! there is nothing to do. The owner makes the messages: ids, tokens and all options that have nothing to do with
//! blocks.
//!
//! Sockets whose peers are not known to be who they say they are should not offer this: a small request makes a server
//! send a large body (RFC 9177 §11). What is sent is also subject to `PROBING_RATE` (RFC 9177 §7.2), as all
//! Non-confirmable messages are, which is the owner's to keep.

mod missing;
mod parameters;
mod receiver;
mod request;
mod sender;
mod support;
mod window;

use crate::time::Instant;

pub use missing::{MISSING_BLOCKS, MalformedMissingBlocks, MissingBlocks};
pub use parameters::QBlockParameters;
pub use receiver::{QBlockAsk, QBlockReceived, QBlockReceiver};
pub use request::{QBlockError, QBlockRequest, RequestedBlocks};
pub use sender::{QBlockPart, QBlockSender, QBlockSent};
pub use support::{QBlockSupport, QBlockTokens};

/// Whose body is in blocks, and so which option describes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum BodyOf {
    /// A request's: Q-Block1, Size1 and Request-Tag.
    Request,
    /// A response's: Q-Block2, Size2 and `ETag`.
    Response,
}

/// How the messages of a body travel: all of them the same way (RFC 9177 §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Delivery {
    /// Non-confirmable: pauses between the sets, and requests for what is missing (RFC 9177 §7.2).
    NonConfirmable,
    /// Confirmable, or a reliable transport: the message layer or the transport repeats what was lost, and limits
    /// what is under way (`NSTART`, RFC 9177 §7.1).
    Confirmable,
}

/// What there is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum QBlockPoll<T> {
    /// Send this, then ask again.
    Send(T),
    /// Nothing before this time unless a message arrives; [`Instant::MAX`] for ever.
    Wait(Instant),
    /// The peer is silent for too long: drop the body (RFC 9177 §7.2, `NON_MAX_RETRANSMIT` and
    /// `NON_PARTIAL_TIMEOUT`).
    GiveUp,
}
