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

#[cfg(feature = "x509")]
pub mod certificate;
#[cfg(feature = "x509")]
mod chain;
#[cfg(feature = "_ecdhe")]
mod der;
#[cfg(feature = "_ecdhe")]
mod ec;
#[cfg(all(test, feature = "_ecdhe"))]
mod ec_tests;
#[cfg(feature = "_ecdhe")]
mod keys;
#[cfg(feature = "_ecdhe")]
mod pin;
#[cfg(feature = "x509")]
pub mod trust;
#[cfg(feature = "std")]
mod verifier;

#[cfg(feature = "x509")]
pub use certificate::Certificate;
#[cfg(feature = "x509")]
pub use chain::{Chain, MAX_CHAIN_LEN, MalformedChain};
#[cfg(feature = "_ecdhe")]
pub use ec::{InvalidKey, POINT_LEN, PrivateKey, PublicKey};
#[cfg(feature = "_ecdhe")]
pub use keys::{KeyError, RAW_PUBLIC_KEY_MESSAGE_LEN, SPKI_LEN};
#[cfg(feature = "_ecdhe")]
pub use pin::{InvalidPin, MatchingType, Pin, UnknownNumber};
#[cfg(feature = "std")]
pub use verifier::ChainVerifier;
