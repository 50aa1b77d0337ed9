//! What an endpoint wants done.

use core::fmt;

use super::ExchangeId;
use crate::BuildError;
use crate::block::{ReceiveError, SendError};
use crate::observe::Notification;

/// A datagram to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit<'b, P> {
    /// To whom.
    pub to: P,
    /// The datagram.
    pub bytes: &'b [u8],
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Output<'b, P> {
    /// Send this datagram.
    Transmit(Transmit<'b, P>),
    /// A part of an upload's body is wanted: send it with [`part`](crate::Endpoint::part).
    Part {
        /// Whose body.
        exchange: ExchangeId,
        /// Where in the body the part begins, in bytes.
        offset: usize,
        /// Its length in bytes.
        len: usize,
    },
    /// An observer is to be told the state of a resource: write it with
    /// [`notification`](crate::Endpoint::notification). One that is not written is lost.
    Notify(Notification<P, u32>),
    /// Something has ended.
    Event(Event),
    /// There is nothing to do until the next input or timeout.
    Idle,
}

/// What has ended without a message to show for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Event {
    /// A request, an observation or a separate response has failed; its number may be given to another now.
    Failed {
        /// Which.
        exchange: ExchangeId,
        /// Why.
        failure: Failure,
    },
    /// The rest of a notification could not be fetched; the observation goes on.
    Incomplete {
        /// The observation.
        exchange: ExchangeId,
    },
}

/// Why an exchange has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Failure {
    /// The peer did not answer in time (RFC 7252 §4.2).
    TimedOut,
    /// The peer rejected the message with a Reset.
    Reset,
    /// The blocks of the response make no body (RFC 7959).
    Blocks(ReceiveError),
    /// The body cannot be sent on (RFC 7959).
    Upload(SendError),
    /// The message does not fit into the buffer for output.
    NoSpace,
}

/// Why a request was not accepted for sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RequestError {
    /// All exchanges are in use: wait until one ends.
    Full,
    /// The message does not fit, or was written wrongly.
    Build(BuildError),
    /// The body has more blocks than can be numbered (RFC 7959 §2.2).
    TooLong,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TimedOut => "the peer does not answer",
            Self::Reset => "the peer rejects the message",
            Self::Blocks(error) => return error.fmt(f),
            Self::Upload(error) => return error.fmt(f),
            Self::NoSpace => "the buffer is too small for the message",
        })
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "all exchanges are in use",
            Self::Build(error) => return error.fmt(f),
            Self::TooLong => "body has too many blocks",
        })
    }
}

impl core::error::Error for Failure {}
impl core::error::Error for RequestError {}

impl From<BuildError> for RequestError {
    fn from(error: BuildError) -> Self {
        Self::Build(error)
    }
}
