//! DTLS 1.2.
#![no_std]
#[cfg(any(test, feature = "std"))]
extern crate std;
#[cfg(feature = "_ecdhe")]
mod ec;
#[cfg(feature = "_ecdhe")]
pub use ec::{InvalidKey, PrivateKey, PublicKey};
