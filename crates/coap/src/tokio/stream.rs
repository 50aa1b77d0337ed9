//! Connections over reliable transports: TCP, whatever stream the user hands in, such as TLS, and WebSockets
//! (RFC 8323).

mod link;
mod session;

use core::time::Duration;
use std::vec::Vec;

pub(crate) use link::{Io, Link};
#[cfg(feature = "websocket")]
pub(crate) use session::Inbox;
pub(crate) use session::{End, Outbox, Refused, Role, Session};

use crate::Message;
use crate::reliable::Settings;

/// The largest BERT block that our peers are invited to send: eight blocks of 1024 bytes, so that a large body does not
/// keep small messages waiting for long (RFC 8323 §6).
const BERT_LEN: u32 = 8 * 1024;

/// What is added to it for header and options (RFC 8323 §5.3.2).
const OVERHEAD: u32 = 512;

/// What we announce unless told otherwise.
pub(crate) const SETTINGS: Settings = Settings::BASE
    .with_max_message_size(BERT_LEN + OVERHEAD)
    .with_block_wise_transfer();

/// How long the peer may take for its handshake and its first message.
pub(crate) const OPENING: Duration = Duration::from_secs(10);

/// How long a connection that is to end may take for what is under way.
pub(crate) const CLOSING: Duration = Duration::from_secs(5);

/// A message that came over a connection, as if it had come in a datagram: for what takes those. Its token has at most
/// eight bytes, as we announce.
pub(crate) fn as_datagram(message: &Message<'_>) -> Vec<u8> {
    let (options, payload) = (message.options(), message.payload());
    let token = message.token();
    let token = token.as_bytes();
    let len = options.as_bytes().len().saturating_add(payload.len());
    let mut bytes = Vec::with_capacity(len.saturating_add(16));
    let token_length = u8::try_from(token.len()).unwrap_or(0);
    bytes.extend([0x50 | token_length, message.code().0, 0, 0]);
    bytes.extend(token);
    bytes.extend(options.as_bytes());
    if !payload.is_empty() {
        bytes.push(0xff);
        bytes.extend(payload);
    }
    bytes
}

/// The time so much later.
pub(crate) fn after(time: Duration) -> tokio::time::Instant {
    let now = tokio::time::Instant::now();
    now.checked_add(time).unwrap_or(now)
}
