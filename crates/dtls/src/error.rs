//! What can go wrong, and the alert that tells the peer.

use core::fmt;

use crate::alert::Alert;

/// Bytes that are no message of the kind that they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Why a record was not taken. Nobody is told: anyone can send such a record (RFC 6347 §4.1.2.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Dropped {
    /// The bytes are no record of DTLS 1.2, or the record is cut off.
    NotARecord,
    /// The record belongs to an epoch whose keys are not here.
    WrongEpoch,
    /// The record carries another connection id than the association's, or none where it needs one.
    WrongConnectionId,
    /// A record with this number was received before, or it is too old to tell.
    Replayed,
    /// The record is not from the peer, or was changed on its way.
    NotAuthentic,
    /// The record is longer than a record may be.
    TooLong,
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotARecord => "not a record of DTLS 1.2",
            Self::WrongEpoch => "a record of an epoch without keys",
            Self::WrongConnectionId => "a record with a foreign connection id",
            Self::Replayed => "a record that was received before",
            Self::NotAuthentic => "a record that is not authentic",
            Self::TooLong => "a record that is too long",
        })
    }
}

impl core::error::Error for Dropped {}

/// Why a record could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ProtectError {
    /// There is no association: the handshake is not over, or the association is.
    NotConnected,
    /// The peer takes no record that long; `limit` is how many bytes of plaintext it takes.
    TooLong {
        /// The most bytes of plaintext in one record.
        limit: usize,
    },
    /// The buffer is too small for the record; it needs `needed` bytes.
    BufferTooSmall {
        /// Bytes that the record takes.
        needed: usize,
    },
    /// The sequence numbers that were reserved are used up: [export](crate::Association::export) the association and
    /// store the record before more is sent.
    ReservationUsedUp,
    /// All sequence numbers are used up: only a new handshake helps (RFC 6347 §4.1).
    SequenceExhausted,
}

impl fmt::Display for ProtectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotConnected => f.write_str("there is no association to send over"),
            Self::TooLong { limit } => {
                write!(f, "the peer takes at most {limit} bytes in a record")
            }
            Self::BufferTooSmall { needed } => {
                write!(f, "the record needs {needed} bytes of buffer")
            }
            Self::ReservationUsedUp => f.write_str(
                "the reserved sequence numbers are used up: export and store the association first",
            ),
            Self::SequenceExhausted => {
                f.write_str("the sequence numbers are used up: a new handshake is needed")
            }
        }
    }
}

impl core::error::Error for ProtectError {}

/// Why a handshake failed or an association ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Failure {
    /// The peer did not answer.
    TimedOut,
    /// The peer gave up and says why.
    Alerted(Alert),
    /// A handshake message of this type is malformed.
    Malformed(u8),
    /// A handshake message of this type has no place here.
    Unexpected(u8),
    /// A handshake message, or all of a flight, is longer than there is room for.
    TooLong,
    /// The peer speaks another version than DTLS 1.2.
    Version,
    /// The peer has no cipher suite in common with us, or no curve, signature or certificate type that fits one.
    NothingInCommon,
    /// The client offers other protocols over DTLS than `coap` alone (RFC 7301 §3.2).
    NoProtocol,
    /// The peer does not offer the extended master secret (RFC 7627), which is required.
    NoExtendedMasterSecret,
    /// The peer chose or changed something that it may not.
    Misbehaved,
    /// The peer's PSK identity is unknown.
    UnknownIdentity,
    /// The peer has another key than we have, or somebody changed what was said: its records of the new epoch cannot be
    /// read.
    WrongKey,
    /// The peer's Finished or signature does not fit what was said: somebody changed it, or the peer's key is not the one
    /// that it presented.
    NotAuthentic,
    /// The peer presented no certificate or key, or none that is trusted; the alert says more.
    NotTrusted(Alert),
    /// We have no credentials for what was agreed on.
    NoCredentials,
    /// The random generator or a key of ours is unusable.
    Internal,
}

impl Failure {
    /// What the peer is told; `None` where it is told nothing.
    pub const fn alert(self) -> Option<Alert> {
        Some(match self {
            Self::TimedOut | Self::Alerted(_) => return None,
            Self::Malformed(_) => Alert::DECODE_ERROR,
            Self::Unexpected(_) => Alert::UNEXPECTED_MESSAGE,
            Self::Version => Alert::PROTOCOL_VERSION,
            Self::NothingInCommon | Self::NoCredentials => Alert::HANDSHAKE_FAILURE,
            Self::NoProtocol => Alert::NO_APPLICATION_PROTOCOL,
            Self::NoExtendedMasterSecret => Alert::INSUFFICIENT_SECURITY,
            Self::Misbehaved => Alert::ILLEGAL_PARAMETER,
            // An unknown identity and a wrong key look the same from outside (RFC 4279 §2).
            Self::UnknownIdentity | Self::WrongKey | Self::NotAuthentic => Alert::DECRYPT_ERROR,
            Self::NotTrusted(alert) => alert,
            Self::TooLong | Self::Internal => Alert::INTERNAL_ERROR,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TimedOut => "the peer did not answer",
            Self::Alerted(alert) => return write!(f, "the peer gave up: {alert}"),
            Self::Malformed(kind) => {
                return write!(f, "a malformed handshake message of type {kind}");
            }
            Self::Unexpected(kind) => {
                return write!(f, "an unexpected handshake message of type {kind}");
            }
            Self::TooLong => "a handshake message is longer than there is room for",
            Self::Version => "the peer does not speak DTLS 1.2",
            Self::NothingInCommon => {
                "no cipher suite, curve, signature or certificate type in common"
            }
            Self::NoProtocol => "the client offers other protocols than coap alone",
            Self::NoExtendedMasterSecret => "the peer does not offer the extended master secret",
            Self::Misbehaved => "the peer chose what it may not",
            Self::UnknownIdentity => "the PSK identity is unknown",
            Self::WrongKey => "the peer has another key",
            Self::NotAuthentic => "a signature or Finished message that is not authentic",
            Self::NotTrusted(alert) => {
                return write!(f, "the peer's key or certificate is not trusted: {alert}");
            }
            Self::NoCredentials => "no credentials of ours fit",
            Self::Internal => "an unusable random generator or key",
        })
    }
}

impl core::error::Error for Failure {}
