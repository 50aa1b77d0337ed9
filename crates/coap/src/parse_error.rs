//! Why a datagram is not a message.

use core::fmt;

use crate::header::reset;
use crate::{MessageId, Type};

/// Why some bytes are not a message, and what could be read of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ParseError {
    pub(crate) kind: ParseErrorKind,
    /// What the header says, where it could be read and its version is 1.
    pub(crate) header: Option<(Type, MessageId)>,
}

/// Why some bytes are not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// Shorter than the header of four bytes.
    TruncatedHeader,
    /// A version other than 1; to be ignored silently (RFC 7252 §3).
    UnknownVersion,
    /// A token length of 9 to 15 (RFC 7252 §3).
    ReservedTokenLength,
    /// The datagram ends inside the token.
    TruncatedToken,
    /// An option delta of 15 in a byte that is not the payload marker (RFC 7252 §3.1).
    ReservedOptionDelta,
    /// An option length of 15 (RFC 7252 §3.1).
    ReservedOptionLength,
    /// The datagram ends inside an option.
    TruncatedOption,
    /// An option number above 65535.
    OptionNumberTooLarge,
    /// A payload marker without payload (RFC 7252 §3).
    MissingPayload,
    /// An Empty message with a token or with bytes after the message id (RFC 7252 §4.1).
    EmptyWithContent,
}

impl ParseError {
    /// What is wrong.
    #[inline]
    pub const fn kind(&self) -> ParseErrorKind {
        self.kind
    }

    /// The type of the message, where the header could be read and its version is 1.
    #[inline]
    pub const fn message_type(&self) -> Option<Type> {
        match self.header {
            Some((message_type, _)) => Some(message_type),
            None => None,
        }
    }

    /// The id of the message, where the header could be read and its version is 1.
    #[inline]
    pub const fn id(&self) -> Option<MessageId> {
        match self.header {
            Some((_, id)) => Some(id),
            None => None,
        }
    }

    /// The Reset that rejects the message: for a Confirmable one; anything else is ignored silently
    /// (RFC 7252 §4.2, §4.3).
    #[inline]
    pub const fn reset(&self) -> Option<[u8; 4]> {
        match self.header {
            Some((Type::Confirmable, id)) => Some(reset(id)),
            _ => None,
        }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl fmt::Display for ParseErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TruncatedHeader => "shorter than a CoAP header",
            Self::UnknownVersion => "CoAP version is not 1",
            Self::ReservedTokenLength => "token length is reserved",
            Self::TruncatedToken => "ends inside the token",
            Self::ReservedOptionDelta => "option delta 15 is reserved",
            Self::ReservedOptionLength => "option length 15 is reserved",
            Self::TruncatedOption => "ends inside an option",
            Self::OptionNumberTooLarge => "option number above 65535",
            Self::MissingPayload => "payload marker without payload",
            Self::EmptyWithContent => "Empty message with more than a header",
        })
    }
}

impl core::error::Error for ParseError {}
impl core::error::Error for ParseErrorKind {}
