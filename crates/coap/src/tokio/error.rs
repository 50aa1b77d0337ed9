//! Why a request has no response.

use std::io;

use thiserror::Error;

use crate::block::{ReceiveError, SendError};
use crate::reliable::Failure;
use crate::uri::{Scheme, UriError};
use crate::{BuildError, Code};

/// Why a request of a [`Client`](super::Client) has no response.
///
/// A response with an error code is a response: see [`Response::is_success`](super::Response::is_success).
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is no URI of CoAP.
    #[error(transparent)]
    Uri(#[from] UriError),
    /// There is no transport for the scheme.
    #[error("no transport for the scheme {0}")]
    Scheme(Scheme),
    /// The name of the host has no address.
    #[error("cannot find the host {0}")]
    Host(std::string::String),
    /// The system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The peer did not acknowledge the request, nor any of its retransmissions (RFC 7252 §4.2).
    #[error("the peer does not answer")]
    NoAnswer,
    /// The time that was given for the request is over.
    #[error("the time for the request is over")]
    TimedOut,
    /// The peer rejected the message with a Reset (RFC 7252 §4.2).
    #[error("the peer rejected the message")]
    Reset,
    /// The options do not fit into a message, or occur in a way that can not be written.
    #[error("the request can not be written: {0}")]
    Message(#[from] BuildError),
    /// The body of the request can not be sent in blocks.
    #[error("the body can not be sent: {0}")]
    Send(#[from] SendError),
    /// The body of the response can not be put together.
    #[error("the body can not be received: {0}")]
    Receive(#[from] ReceiveError),
    /// The server wants an earlier part of the body again, which is read only once.
    #[error("the body can not be read again")]
    NotRepeatable,
    /// An observation or the rest of a download was refused with this code.
    #[error("the server refused with {0}")]
    Refused(Code),
    /// The server does not let the resource be observed.
    #[error("the resource can not be observed")]
    NotObservable,
    /// The connection was given up because the peer does not keep to RFC 8323, or sent a greater message than it may.
    #[error("the connection was given up: {0}")]
    Protocol(Failure),
    /// The connection has ended before the response came (RFC 8323 §3.4).
    #[error("the connection has ended")]
    Disconnected,
    /// The client has ended.
    #[error("the client has ended")]
    Closed,
}
