//! Cipher suites: those of RFC 7925 §4.2 and §4.4, and their siblings with AES-128-GCM.

/// A cipher suite. All use SHA-256 for the pseudo-random function and keys of 128 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum CipherSuite {
    /// `TLS_PSK_WITH_AES_128_CCM_8` (RFC 6655): what RFC 7925 requires for pre-shared keys.
    PskAes128Ccm8,
    /// `TLS_PSK_WITH_AES_128_GCM_SHA256` (RFC 5487).
    PskAes128Gcm,
    /// `TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8` (RFC 7251): what RFC 7925 requires for public keys and certificates.
    EcdheEcdsaAes128Ccm8,
    /// `TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256` (RFC 5289).
    EcdheEcdsaAes128Gcm,
}

/// How keys are agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyExchange {
    /// A pre-shared key alone (RFC 4279 §2).
    Psk,
    /// Ephemeral keys on P-256, signed (RFC 8422 §2.1).
    Ecdhe,
}

/// How records are protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aead {
    Ccm8,
    Gcm,
}

impl CipherSuite {
    /// Those that this build has, in the order in which they are preferred.
    pub const SUPPORTED: &'static [Self] = &[
        #[cfg(all(feature = "_ecdhe", feature = "gcm"))]
        Self::EcdheEcdsaAes128Gcm,
        #[cfg(all(feature = "_ecdhe", feature = "ccm8"))]
        Self::EcdheEcdsaAes128Ccm8,
        #[cfg(all(feature = "psk", feature = "gcm"))]
        Self::PskAes128Gcm,
        #[cfg(all(feature = "psk", feature = "ccm8"))]
        Self::PskAes128Ccm8,
    ];

    /// The number on the wire.
    pub const fn number(self) -> u16 {
        match self {
            Self::PskAes128Ccm8 => 0xC0A8,
            Self::PskAes128Gcm => 0x00A8,
            Self::EcdheEcdsaAes128Ccm8 => 0xC0AE,
            Self::EcdheEcdsaAes128Gcm => 0xC02B,
        }
    }

    /// The supported suite with this number on the wire.
    pub fn from_number(number: u16) -> Option<Self> {
        let mut supported = Self::SUPPORTED.iter();
        supported.find(|suite| suite.number() == number).copied()
    }

    pub(crate) const fn key_exchange(self) -> KeyExchange {
        match self {
            Self::PskAes128Ccm8 | Self::PskAes128Gcm => KeyExchange::Psk,
            Self::EcdheEcdsaAes128Ccm8 | Self::EcdheEcdsaAes128Gcm => KeyExchange::Ecdhe,
        }
    }

    pub(crate) const fn aead(self) -> Aead {
        match self {
            Self::PskAes128Ccm8 | Self::EcdheEcdsaAes128Ccm8 => Aead::Ccm8,
            Self::PskAes128Gcm | Self::EcdheEcdsaAes128Gcm => Aead::Gcm,
        }
    }
}
