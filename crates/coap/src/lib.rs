//! CoAP messages and the parts of a CoAP message engine: `no_std`, no allocator, sans-IO.
//!
//! What is here:
//!
//! - [`Endpoint`], a whole client and server in one, for devices and for whoever wants no parts;
//! - [`Message`], a view of a received datagram that is checked whole once, and [`MessageBuilder`], which writes a
//!   message once into the caller's buffer (RFC 7252 §3 and §5.10);
//! - the parts of the message layer: [`Transmission`] sends a Confirmable message again, [`DuplicateWindow`] tells
//!   duplicates and repeats answers, [`MessageIds`] and [`Tokens`] number messages and requests, [`Parameters`] has
//!   the times (RFC 7252 §4); [`RtoEstimator`] measures the round trip to a peer, and [`pacing`] bounds what is under way;
//! - block-wise transfer in [`block`] (RFC 7959), observation as client and server in [`observe`] (RFC 7641), freshness
//!   and validated addresses in [`echo`] (RFC 9175);
//! - URIs in [`uri`], parsed into options and composed from them;
//! - in [`request`] what every server must refuse, in [`no_response`] what it need not send, in [`proxy`] and
//!   [`cache_key`] the rules of intermediaries.
//!
//! What is not: sockets, threads, clocks, randomness, a cache, a proxy, an opinion about resources. Each part keeps
//! only what its rule needs; storage, time and random numbers are the owner's, so that a device with a few hundred
//! bytes and a server with many megabytes run the same code. No input makes it panic.
//!
//! # A whole loop
//!
//! A client whose first datagram is lost, and a server that answers a GET; the owner carries the datagrams:
//!
//! ```
//! use dunlin_coap::endpoint::{Input, Output};
//! use dunlin_coap::time::Instant;
//! use dunlin_coap::{Code, Endpoint};
//! # struct Random(u64);
//! # impl rand_core::TryRng for Random {
//! #     type Error = core::convert::Infallible;
//! #     fn try_next_u32(&mut self) -> Result<u32, Self::Error> { Ok((self.try_next_u64()? >> 32) as u32) }
//! #     fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
//! #         self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
//! #         Ok(self.0)
//! #     }
//! #     fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Self::Error> { Ok(()) }
//! # }
//!
//! // A peer's address is whatever the owner likes.
//! const CLIENT: u8 = 1;
//! const SERVER: u8 = 2;
//! let mut client = Endpoint::<u8, _>::new(Random(1));
//! let mut server = Endpoint::<u8, _>::new(Random(2));
//! let (mut there, mut back) = ([0; 256], [0; 256]);
//!
//! // The client asks. The datagram is lost.
//! let mut now = Instant::ZERO;
//! let asked = client.request(now, SERVER, Code::GET, |request| request.path(["temperature"]))?;
//! assert!(matches!(client.poll_output(&mut there), Output::Transmit(_)));
//! assert_eq!(client.poll_output(&mut there), Output::Idle);
//!
//! // After 2 to 3 seconds it sends the same bytes again.
//! now = client.next_timeout().unwrap();
//! client.handle_timeout(now);
//! let Output::Transmit(datagram) = client.poll_output(&mut there) else { panic!() };
//!
//! // The server answers, in the Acknowledgement.
//! let Input::Request(request) = server.handle_input(now, CLIENT, datagram.bytes) else { panic!() };
//! let is_known = request.uri_path().eq([b"temperature"]);
//! let answer = match (is_known, request.code()) {
//!     (true, Code::GET) => server.respond(now, &request, Code::CONTENT, &mut back, |response| {
//!         response.content_format(0).payload(b"22.3 C")
//!     }),
//!     (true, _) => server.respond(now, &request, Code::METHOD_NOT_ALLOWED, &mut back, |response| response),
//!     (false, _) => server.respond(now, &request, Code::NOT_FOUND, &mut back, |response| response),
//! };
//! let answer = answer.unwrap().bytes;
//!
//! // A duplicate of the request gets the same bytes, without the owner.
//! assert!(matches!(server.handle_input(now, CLIENT, datagram.bytes), Input::Nothing));
//! let mut again = [0; 256];
//! let Output::Transmit(duplicate) = server.poll_output(&mut again) else { panic!() };
//! assert_eq!(duplicate.bytes, answer);
//!
//! let Input::Response(response) = client.handle_input(now, SERVER, answer) else { panic!() };
//! assert_eq!(response.exchange, asked);
//! assert_eq!(response.code(), Code::CONTENT);
//! assert_eq!(response.payload(), b"22.3 C");
//! # Ok::<(), dunlin_coap::endpoint::RequestError>(())
//! ```
#![no_std]
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation
    )
)]

#[cfg(any(test, feature = "coap-lite", feature = "tokio"))]
extern crate std;

pub mod block;
mod body;
mod builder;
pub mod cache_key;
#[cfg(feature = "coap-lite")]
pub mod coap_lite;
mod code;
mod copy;
mod duplicates;
pub mod echo;
pub mod endpoint;
mod header;
mod ids;
mod message;
pub mod no_response;
pub mod observe;
mod option_number;
mod options;
pub mod pacing;
mod parameters;
mod parse_error;
pub mod proxy;
pub mod reliable;
pub mod request;
mod rto;
#[cfg(feature = "tokio")]
pub mod tokio;
mod transmission;
pub mod uri;

/// Whether small options and tokens have ways of their own, which give what the general ways give: where a register holds
/// eight bytes at once speed counts, on a device its flash.
const SHORT_WAYS: bool = cfg!(target_pointer_width = "64");

pub use dunlin_time as time;

pub use builder::{BuildError, MessageBuilder};
pub use cache_key::CacheKey;
pub use code::Code;
pub use duplicates::{AnswerTooLong, DuplicateWindow, Seen};
pub use endpoint::device::Endpoint;
pub use header::{MessageId, Token, TokenTooLong, Type, empty_ack, reset};
pub use ids::{Exhausted, MessageIdPool, MessageIds, Tokens};
pub use message::{Kind, Message};
pub use no_response::NoResponse;
pub use option_number::{Definition, Format, OptionNumber};
pub use options::{Options, Values, decode_uint};
pub use parameters::{ParameterError, Parameters};
pub use parse_error::{ParseError, ParseErrorKind};
pub use rto::RtoEstimator;
pub use transmission::{Backoff, Retry, Transmission};

/// The age in seconds up to which a response without Max-Age is fresh (RFC 7252 §5.10.5).
const DEFAULT_MAX_AGE: u32 = 60;
