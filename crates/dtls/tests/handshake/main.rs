//! Handshakes of a client and a server over a link in memory.
#![cfg(all(
    feature = "rpk",
    feature = "x509",
    feature = "gcm",
    feature = "ccm8",
    feature = "ticket",
    feature = "psk"
))]

mod attacks;
mod basics;
mod rough;
#[path = "../wallet/mod.rs"]
mod wallet;
mod world;
