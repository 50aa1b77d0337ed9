//! Why something has failed.

use core::fmt;

use dunlin_coap::Code;

/// Why an attempt to register failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Failure {
    /// The server did not answer in time.
    NoAnswer,
    /// There is no association with it: a handshake has failed, of DTLS or TLS, or what came of one has ended.
    Security(SecurityFailure),
    /// The server refused with this code.
    Refused(Code),
    /// The server rejected the message or gave an answer without a usable location.
    BadAnswer,
    /// The buffer given to [`poll_output`](crate::Agent::poll_output) is too small for the request.
    NoSpace,
}

/// Why there is no association with a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SecurityFailure {
    /// The server has ended it, or the connection below it.
    Ended,
    /// The server does not answer the handshake.
    NoAnswer,
    /// The server has given up, with an alert of this number (RFC 8446 §6).
    Alerted(u8),
    /// The server's certificate or public key is not what the account asks for.
    NotTrusted,
    /// The server has another key than the account, or somebody has changed what was said.
    NotAuthentic,
    /// There is no version, cipher suite, curve, signature or type of certificate that both have.
    NothingInCommon,
    /// The server does not agree to speak CoAP (RFC 8323 §8.2).
    NoProtocol,
    /// The server has sent what makes no sense in a handshake.
    Misbehaved,
    /// The device cannot do it: its keys, its random numbers or its room are of no use for this handshake.
    Unable,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAnswer => f.write_str("the server does not answer"),
            Self::Security(reason) => reason.fmt(f),
            Self::Refused(code) => {
                write!(f, "the server answered {code}")?;
                match code.name() {
                    Some(name) => write!(f, " {name}"),
                    None => Ok(()),
                }
            }
            Self::BadAnswer => f.write_str("the server's answer makes no sense"),
            Self::NoSpace => f.write_str("there is no room for the request"),
        }
    }
}

impl fmt::Display for SecurityFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ended => "the server has ended the secure connection",
            Self::NoAnswer => "the server does not answer the handshake",
            Self::Alerted(number) => {
                f.write_str("the server has given up the handshake: ")?;
                #[cfg(feature = "_dtls")]
                return fmt::Display::fmt(&dunlin_dtls::Alert(*number), f);
                #[cfg(not(feature = "_dtls"))]
                return write!(f, "alert {number}");
            }
            Self::NotTrusted => "the server's certificate or key is not what the account asks for",
            Self::NotAuthentic => "the server has another key than the account",
            Self::NothingInCommon => {
                "the server has no way of securing it in common with the device"
            }
            Self::NoProtocol => "the server does not agree to speak CoAP",
            Self::Misbehaved => "the server's part of the handshake makes no sense",
            Self::Unable => "the device's own keys or room do not do for the handshake",
        })
    }
}

#[cfg(feature = "_dtls")]
impl From<dunlin_dtls::Failure> for SecurityFailure {
    fn from(failure: dunlin_dtls::Failure) -> Self {
        use dunlin_dtls::Failure;
        match failure {
            Failure::TimedOut => Self::NoAnswer,
            Failure::Alerted(alert) => Self::Alerted(alert.0),
            Failure::NotTrusted(_) => Self::NotTrusted,
            Failure::WrongKey | Failure::NotAuthentic | Failure::UnknownIdentity => {
                Self::NotAuthentic
            }
            Failure::Version | Failure::NothingInCommon | Failure::NoExtendedMasterSecret => {
                Self::NothingInCommon
            }
            Failure::NoProtocol => Self::NoProtocol,
            Failure::NoCredentials | Failure::TooLong | Failure::Internal => Self::Unable,
            _ => Self::Misbehaved,
        }
    }
}
