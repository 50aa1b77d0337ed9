//! Why an operation on an object fails, and the one place where its response code is chosen.

use core::fmt;

use crate::features::DIAGNOSTICS;
use dunlin_coap::Code;
use dunlin_codec::{DecodeError, DecodeErrorKind, EncodeError};

/// Why an operation on an object is refused.
///
/// An [`Object`](crate::Object) gives these; the agent gives them too for what it checks itself. [`Error::code`] is
/// what the server is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Error {
    /// The object, instance, resource or resource instance does not exist here: 4.04.
    NotFound,
    /// It exists and does not allow the operation: 4.05.
    NotAllowed,
    /// The server may not do this: 4.01.
    Unauthorized,
    /// A value of the wrong type, out of range, or in conflict with others; malformed content: 4.00.
    BadValue,
    /// The format asked for cannot carry the content: 4.06.
    NotAcceptable,
    /// The format of a payload is not supported here: 4.15.
    UnsupportedFormat,
    /// All room for it is taken: 5.00, since it is no fault of the request.
    NoSpace,
    /// The device could not do it: 5.00.
    Failed,
    /// What the request names is known and never implemented here: 5.01.
    NotImplemented,
}

impl Error {
    /// The response code (OMA LwM2M Transport 1.2.2 §6.7).
    pub const fn code(self) -> Code {
        match self {
            Self::NotFound => Code::NOT_FOUND,
            Self::NotAllowed => Code::METHOD_NOT_ALLOWED,
            Self::Unauthorized => Code::UNAUTHORIZED,
            Self::BadValue => Code::BAD_REQUEST,
            Self::NotAcceptable => Code::NOT_ACCEPTABLE,
            Self::UnsupportedFormat => Code::UNSUPPORTED_CONTENT_FORMAT,
            Self::NoSpace | Self::Failed => Code::INTERNAL_SERVER_ERROR,
            Self::NotImplemented => Code::NOT_IMPLEMENTED,
        }
    }

    /// What is wrong, for the diagnostic payload of the answer (RFC 7252 §5.5.2); empty without the feature
    /// `diagnostics`.
    pub const fn diagnostic(self) -> &'static str {
        if !DIAGNOSTICS {
            return "";
        }
        match self {
            Self::NotFound => "not found",
            Self::NotAllowed => "not allowed",
            Self::Unauthorized => "unauthorized",
            Self::BadValue => "bad value",
            Self::NotAcceptable => "not acceptable",
            Self::UnsupportedFormat => "unsupported format",
            Self::NoSpace => "no space",
            Self::Failed => "failed",
            Self::NotImplemented => "not implemented",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.diagnostic())
    }
}

impl core::error::Error for Error {}

impl From<EncodeError> for Error {
    fn from(error: EncodeError) -> Self {
        match error {
            EncodeError::NoSpace => Self::NoSpace,
            EncodeError::UnsupportedFormat | EncodeError::NotRepresentable | EncodeError::Empty => {
                Self::NotAcceptable
            }
            _ => Self::Failed,
        }
    }
}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        match error.kind {
            DecodeErrorKind::UnsupportedFormat | DecodeErrorKind::Base => Self::UnsupportedFormat,
            _ => Self::BadValue,
        }
    }
}
