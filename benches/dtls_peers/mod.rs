//! The peers of `benches/dtls.rs`: ours, dimpl with the same RustCrypto primitives, OpenSSL in a process of its own, and
//! the primitives alone.

pub(crate) mod dimpl;
pub(crate) mod dunlin;
pub(crate) mod openssl;
pub(crate) mod raw;

/// The pre-shared key of every handshake here.
pub(crate) const PSK: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// Its identity.
pub(crate) const IDENTITY: &[u8] = b"urn:dev:os:32473-1";

/// A self-signed certificate for a key on P-256, which all sides with a certificate have. It serves measuring alone.
pub(crate) const CERTIFICATE: &[u8] = include_bytes!("certificate.der");

/// Its private key (PKCS #8).
pub(crate) const KEY: &[u8] = include_bytes!("key.der");

/// What is agreed on before data are sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A pre-shared key, AES-128-CCM-8.
    Psk,
    /// ECDHE-ECDSA with AES-128-GCM, the server has a certificate.
    Ecdhe,
    /// The same, and the client has one, too.
    Mutual,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Psk, Self::Ecdhe, Self::Mutual];

    /// As in the benchmark's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Psk => "psk",
            Self::Ecdhe => "ecdhe",
            Self::Mutual => "ecdhe-mutual",
        }
    }
}

/// How records are protected.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cipher {
    Ccm8,
    Gcm,
}

impl Cipher {
    pub(crate) const ALL: [Self; 2] = [Self::Ccm8, Self::Gcm];

    /// As in the benchmark's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ccm8 => "ccm8",
            Self::Gcm => "gcm",
        }
    }
}

/// Bytes of data in a record.
pub(crate) const LENGTHS: [usize; 3] = [64, 256, 1024];
