//! What a client may ask of a server.

use dunlin_coap::{Code, Message};

use crate::{Register, RequestError, Update};

/// A request of a client to a server, told apart by method and path (Transport 1.2.2 §6.4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Uplink<'a> {
    /// `POST /rd`
    Register(Register<'a>),
    /// `POST /rd/{location}`
    Update {
        /// The last segment of the registration's path.
        location: &'a [u8],
        /// What has changed.
        update: Update<'a>,
    },
    /// `DELETE /rd/{location}`
    Deregister {
        /// The last segment of the registration's path.
        location: &'a [u8],
    },
}

impl<'a> Uplink<'a> {
    /// Reads the request in `message`.
    ///
    /// # Errors
    ///
    /// 4.04 for a path that is no registration interface's, 4.05 for a method that has no meaning there, and whatever
    /// [`Register::from_message`] and [`Update::from_message`] refuse.
    pub fn from_message(message: &Message<'a>) -> Result<Self, RequestError> {
        const NO_SUCH_PATH: RequestError = RequestError::not_found("registrations live under /rd");
        const NO_SUCH_METHOD: RequestError =
            RequestError::method_not_allowed("/rd takes POST, /rd/{location} POST and DELETE");
        let mut segments = message.uri_path();
        if segments.next() != Some(b"rd") {
            return Err(NO_SUCH_PATH);
        }
        match (message.code(), segments.next(), segments.next()) {
            (Code::POST, None, _) => Register::from_message(message).map(Self::Register),
            (Code::POST, Some(location), None) => {
                Update::from_message(message).map(|update| Self::Update { location, update })
            }
            (Code::DELETE, Some(location), None) => Ok(Self::Deregister { location }),
            (_, _, None) => Err(NO_SUCH_METHOD),
            _ => Err(NO_SUCH_PATH),
        }
    }
}
