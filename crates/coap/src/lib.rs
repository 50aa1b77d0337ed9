//! CoAP messages and the parts of a CoAP message engine: `no_std`, no allocator, sans-IO.
//!
//! What is here:
//!
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
//! A server that answers a GET and a client whose first message is lost:
//!
//! ```
//! use dunlin_coap::request::unknown_critical;
//! use dunlin_coap::time::{Duration, Instant};
//! use dunlin_coap::{
//!     Code, DuplicateWindow, Kind, Message, MessageBuilder, MessageIds, OptionNumber, Parameters, Retry, Seen, Token,
//!     Transmission, Type, reset,
//! };
//!
//! type Window = DuplicateWindow<[u8; 512], [u32; 32]>;
//!
//! /// Takes a datagram and writes the answer: its length, 0 for silence.
//! fn serve(window: &mut Window, now: Instant, peer: u64, datagram: &[u8], out: &mut [u8]) -> usize {
//!     let mut send = |bytes: &[u8]| {
//!         out[..bytes.len()].copy_from_slice(bytes);
//!         bytes.len()
//!     };
//!     let request = match Message::parse(datagram) {
//!         Ok(message) => message,
//!         // A malformed Confirmable message is reset; all else is ignored.
//!         Err(error) => return error.reset().map_or(0, |bytes| send(&bytes)),
//!     };
//!     let id = request.id();
//!     match request.kind() {
//!         Kind::Request if request.message_type() == Type::Confirmable => {}
//!         Kind::Ping => return send(&reset(id)),
//!         _ => return 0,
//!     }
//!     match window.check(now, peer, id) {
//!         Seen::New => window.begin(now, peer, id),
//!         Seen::InProgress => return 0,
//!         Seen::Answered(answer) => return send(answer),
//!     }
//!
//!     let known = |number| matches!(number, OptionNumber::URI_PATH | OptionNumber::ACCEPT);
//!     let (code, payload) = if unknown_critical(&request, known).is_some() {
//!         (Code::BAD_OPTION, &b""[..])
//!     } else if !request.uri_path().eq([b"temperature"]) {
//!         (Code::NOT_FOUND, &b""[..])
//!     } else if request.code() != Code::GET {
//!         (Code::METHOD_NOT_ALLOWED, &b""[..])
//!     } else {
//!         (Code::CONTENT, &b"22.3 C"[..])
//!     };
//!     let mut answer = [0; 64];
//!     let answer = MessageBuilder::new(&mut answer, Type::Acknowledgement, code, id, request.token())
//!         .payload(payload)
//!         .finish()
//!         .expect("64 bytes are enough");
//!     window.answered(now, peer, id, answer).expect("so are 512");
//!     send(answer)
//! }
//!
//! let parameters = Parameters::DEFAULT;
//! let mut window = Window::new([0; 512], [0; 32], parameters.exchange_lifetime(), 0x5eed);
//! let mut ids = MessageIds::new(0x7d36);
//! let mut now = Instant::ZERO;
//!
//! // The client sends a request and starts its timer.
//! let mut buffer = [0; 64];
//! let token = Token::from([1, 2, 3, 4]);
//! let request = MessageBuilder::new(&mut buffer, Type::Confirmable, Code::GET, ids.next(), token)
//!     .path(["temperature"])
//!     .finish()?;
//! let mut transmission = Transmission::start(now, &parameters, 0x8000_0000);
//!
//! // It is lost. After 2 to 3 seconds the client sends the same bytes again.
//! now = transmission.deadline();
//! assert_eq!(now, Instant::from_millis(2500));
//! assert_eq!(transmission.on_timeout(now, &parameters), Retry::Again);
//! let mut answer = [0; 64];
//! let length = serve(&mut window, now, 1, request, &mut answer);
//!
//! // The answer is in the Acknowledgement; a duplicate of the request gets the same bytes.
//! let response = Message::parse(&answer[..length])?;
//! assert_eq!(response.kind(), Kind::Response);
//! assert_eq!(response.code(), Code::CONTENT);
//! assert_eq!(response.token(), token);
//! assert_eq!(response.payload(), b"22.3 C");
//! let mut repeated = [0; 64];
//! let later = now + Duration::from_secs(5);
//! assert_eq!(serve(&mut window, later, 1, request, &mut repeated), length);
//! assert_eq!(repeated, answer);
//! # Ok::<(), Box<dyn core::error::Error>>(())
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
pub mod time;
#[cfg(feature = "tokio")]
pub mod tokio;
mod transmission;
pub mod uri;

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
