//! The peers of `benches/dtls.rs`: dimpl with the same RustCrypto primitives, OpenSSL in a process of its own, and the
//! primitives alone.

pub(crate) mod dimpl;
pub(crate) mod openssl;
pub(crate) mod raw;
