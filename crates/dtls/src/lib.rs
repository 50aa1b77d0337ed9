//! DTLS 1.2 for constrained devices, client and server: `no_std`, no allocator, sans-IO (RFC 6347, RFC 7925).
//!
//! What is here:
//!
//! - [`Connection`], a handshake with one peer and the association that comes of it, in either role;
//! - [`Acceptor`], a server's door for strangers: a cookie, and no memory before a client has shown it;
//! - [`Association`], what is left when the handshake is over: keys, sequence numbers, anti-replay window and connection
//!   ids (RFC 9146) in less than 200 bytes. It protects records in place, rests as long as its owner likes, and goes on in
//!   another process after [`Association::export`]. While many records go over it, [`Ciphers`] beside it stay ready;
//! - [`Credentials`], what a handshake asks its owner: pre-shared keys (RFC 4279), raw public keys (RFC 7250) and X.509
//!   certificates on the curve P-256, each a feature, as are the roles and the cipher suites.
//!
//! What is not: sockets, threads, clocks, random numbers, an opinion about whom to trust; TLS over streams; other versions
//! than 1.2; renegotiation, compression, NULL ciphers, which RFC 7925 forbids. The primitives are RustCrypto's.
//!
//! A record that is not authentic is dropped without a word, and so is whatever else anyone may send. An
//! [`Event::Failed`] always means that this connection is over.
//!
//! # A whole loop
//!
//! A sensor and a server with a pre-shared key; the owner carries the datagrams:
//!
//! ```
//! use dunlin_dtls::{
//!     Acceptor, Config, Connection, Credentials, Datagram, Event, Greeting, Output, PskKey, PskLookup,
//! };
//! use dunlin_time::Instant;
//! # use rand::{SeedableRng, rngs::StdRng};
//!
//! struct Sensor;
//! impl Credentials for Sensor {
//!     type Peer = ();
//!     fn own_psk(&self) -> Option<(&[u8], PskKey)> {
//!         Some((b"urn:dev:1", PskKey::new(b"0123456789abcdef")?))
//!     }
//! }
//!
//! struct Server;
//! impl Credentials for Server {
//!     type Peer = &'static str;
//!     fn has_psks(&self) -> bool {
//!         true
//!     }
//!     fn psk(&mut self, identity: &[u8]) -> PskLookup<&'static str> {
//!         match (identity, PskKey::new(b"0123456789abcdef")) {
//!             (b"urn:dev:1", Some(key)) => PskLookup::Found(key, "the sensor"),
//!             _ => PskLookup::Unknown,
//!         }
//!     }
//! }
//!
//! // Best a generator that cannot be predicted.
//! let mut rng = StdRng::seed_from_u64(1);
//! let now = Instant::ZERO;
//! let acceptor = Acceptor::new(&mut rng);
//! let mut client = Connection::<(), 256, 256>::client(Config::DEFAULT);
//! let mut server = Connection::<&str, 256, 256>::server(Config::DEFAULT);
//! client.connect(now, None, &mut Sensor, &mut rng);
//!
//! let (mut there, mut back) = ([0; 1152], [0; 1152]);
//! while !(client.is_established() && server.is_established()) {
//!     while let Output::Transmit(bytes) = client.poll_output(&mut there) {
//!         // The first time the server has no memory of the client, and asks for its cookie.
//!         match acceptor.handle_input(now, b"the client's address", bytes, &mut back) {
//!             Greeting::Verify(_) => {
//!                 let mut datagram = Datagram::new(&mut back[..Acceptor::ANSWER_LEN]);
//!                 client.handle_input(now, &mut datagram, &mut Sensor, &mut rng);
//!             }
//!             _ => {
//!                 server.handle_input(now, &mut Datagram::new(bytes), &mut Server, &mut rng);
//!             }
//!         }
//!     }
//!     while let Output::Transmit(bytes) = server.poll_output(&mut back) {
//!         client.handle_input(now, &mut Datagram::new(bytes), &mut Sensor, &mut rng);
//!     }
//! }
//! assert_eq!(server.peer(), Some(&"the sensor"));
//!
//! // Data, in place: the record is decrypted where it lies.
//! let record = client.send(b"22.3 C", &mut there)?;
//! let mut datagram = Datagram::new(record);
//! let data = server.handle_input(now, &mut datagram, &mut Server, &mut rng);
//! assert_eq!(data, Some(&mut b"22.3 C".to_owned()[..]));
//! # Ok::<(), dunlin_dtls::ProtectError>(())
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
#![cfg_attr(
    not(all(
        feature = "client",
        feature = "server",
        feature = "psk",
        feature = "rpk",
        feature = "x509",
        feature = "ccm8",
        feature = "ticket"
    )),
    allow(
        dead_code,
        unreachable_code,
        unused_imports,
        unused_mut,
        unused_variables,
        reason = "each role, suite and kind of credential is a feature; all together leave nothing unused"
    )
)]

#[cfg(any(test, feature = "std"))]
extern crate std;

#[cfg(feature = "server")]
mod acceptor;
mod aead;
mod alert;
mod association;
#[cfg(feature = "x509")]
pub mod certificate;
#[cfg(feature = "x509")]
mod chain;
mod cid;
mod config;
mod connection;
mod credentials;
#[cfg(feature = "_ecdhe")]
mod der;
#[cfg(feature = "_ecdhe")]
mod ec;
#[cfg(all(test, feature = "_ecdhe"))]
mod ec_tests;
mod error;
mod export;
mod handshake;
#[cfg(feature = "_ecdhe")]
mod keys;
mod live;
#[cfg(feature = "_ecdhe")]
mod pin;
mod prf;
mod protection;
mod reader;
mod record;
mod session;
mod suite;
#[cfg(all(feature = "server", feature = "ticket"))]
mod ticket;
#[cfg(feature = "x509")]
pub mod trust;
#[cfg(feature = "std")]
mod verifier;
mod window;
mod writer;

#[cfg(feature = "server")]
pub use acceptor::{Acceptor, Greeting};
pub use alert::{Alert, Level};
pub use association::{Association, Content, Opened, Role};
#[cfg(feature = "x509")]
pub use certificate::Certificate;
#[cfg(feature = "x509")]
pub use chain::{Chain, MAX_CHAIN_LEN, MalformedChain};
pub use cid::ConnectionId;
pub use config::{ClientAuthentication, Config, MaxFragmentLength};
pub use connection::{Connection, Output};
#[cfg(feature = "_ecdhe")]
pub use credentials::{CertificateTypes, Presented};
pub use credentials::{Credentials, PskKey, PskLookup};
#[cfg(feature = "_ecdhe")]
pub use ec::{InvalidKey, POINT_LEN, PrivateKey, PublicKey};
pub use error::{Dropped, Failure, ProtectError};
pub use export::{Exported, ImportError};
pub use handshake::state::Event;
#[cfg(feature = "_ecdhe")]
pub use keys::{KeyError, RAW_PUBLIC_KEY_MESSAGE_LEN, SPKI_LEN};
pub use live::{Ciphers, Live};
#[cfg(feature = "_ecdhe")]
pub use pin::{InvalidPin, MatchingType, Pin, UnknownNumber};
pub use record::{ContentType, Datagram, RecordHeader};
pub use session::{Session, SessionId};
pub use suite::CipherSuite;

pub use dunlin_time as time;
#[cfg(all(feature = "server", feature = "ticket"))]
pub use ticket::TicketKeys;
#[cfg(feature = "std")]
pub use verifier::ChainVerifier;
