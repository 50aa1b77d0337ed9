//! CoAP over TCP, TLS and WebSockets: the frame of a message on a byte stream and the signaling of a connection
//! (RFC 8323).
//!
//! - [`Framer`] finds the messages in a stream, [`parse_websocket`] reads the one in a binary WebSocket message; both
//!   give the [`Message`](crate::Message) that all other parts take. It has no type and no id there: a reliable
//!   transport needs neither Acknowledgement nor Reset, sends nothing twice and has no duplicates (RFC 8323 §3.1).
//! - [`MessageBuilder::reliable`](crate::MessageBuilder::reliable) writes a message with either [`Framing`].
//! - [`Bridge`] carries what an endpoint that was made for datagrams has to say over a connection.
//! - [`Connection`] does the signaling: CSM, Ping, Pong, Release and Abort (RFC 8323 §5).
//!
//! What is left to the owner: the transport, buffers, tokens of its requests, patience. A server may leave the Observe
//! option of a notification empty, and a client takes notifications in the order in which they come (RFC 8323 §7.1).
//! With the feature `tokio`, client and server do all of it.

mod bridge;
mod connection;
mod framer;
mod settings;
mod signal;

pub use bridge::{Arrived, Bridge, Sent};
pub use connection::{Connection, Event, Failure, Input, SendError};
pub use framer::{FrameError, Framer, Next, parse_websocket};
pub use settings::Settings;
pub use signal::{Abort, Goodbye, Ping, Release};

/// How messages are laid out on the transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Framing {
    /// A byte stream, such as TCP or TLS: each message begins with its length (RFC 8323 §3.2).
    Stream,
    /// WebSockets: each message is the payload of one binary message, which knows its length (RFC 8323 §4.2).
    WebSocket,
}
