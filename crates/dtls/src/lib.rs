//! DTLS 1.2.
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

#[cfg(any(test, feature = "std"))]
extern crate std;

mod aead;
mod alert;
mod association;
mod cid;
#[cfg(feature = "_ecdhe")]
mod ec;
mod error;
mod export;
mod prf;
mod reader;
mod record;
mod suite;
mod window;
mod writer;

pub use alert::{Alert, Level};
pub use association::{Association, Content, Opened, Role};
pub use cid::ConnectionId;
#[cfg(feature = "_ecdhe")]
pub use ec::{InvalidKey, POINT_LEN, PrivateKey, PublicKey};
pub use error::{Dropped, Failure, ProtectError};
pub use export::{Exported, ImportError};
pub use record::{ContentType, Datagram, Record, RecordHeader};
pub use suite::CipherSuite;
