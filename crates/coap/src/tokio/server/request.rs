//! What a handler is told of a request.

use core::fmt;
use core::net::SocketAddr;
use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;

use super::template::Template;
use crate::options::{Options, Values};
use crate::{Code, Message, OptionNumber, decode_uint};

/// A request as a handler sees it: the whole body, whether it came in one message or in blocks.
///
/// Handlers that answer at once borrow it from the datagram; handlers that are futures own it.
#[derive(Clone)]
pub struct Request<'a> {
    code: Code,
    peer: SocketAddr,
    options: Cow<'a, [u8]>,
    payload: Payload<'a>,
    template: Cow<'a, Arc<Template>>,
}

#[derive(Clone)]
enum Payload<'a> {
    Borrowed(&'a [u8]),
    Owned(Bytes),
}

impl<'a> Request<'a> {
    pub(super) fn new(
        message: &Message<'a>,
        peer: SocketAddr,
        template: &'a Arc<Template>,
    ) -> Self {
        Self {
            code: message.code(),
            peer,
            options: Cow::Borrowed(message.options().as_bytes()),
            payload: Payload::Borrowed(message.payload()),
            template: Cow::Borrowed(template),
        }
    }

    /// The same with the whole body in place of its last block.
    pub(super) fn with_payload(self, payload: Bytes) -> Self {
        Self {
            payload: Payload::Owned(payload),
            ..self
        }
    }

    /// The request with all that it borrowed.
    pub fn into_owned(self) -> Request<'static> {
        Request {
            code: self.code,
            peer: self.peer,
            options: Cow::Owned(self.options.into_owned()),
            payload: Payload::Owned(match self.payload {
                Payload::Borrowed(bytes) => Bytes::copy_from_slice(bytes),
                Payload::Owned(bytes) => bytes,
            }),
            template: Cow::Owned(self.template.into_owned()),
        }
    }

    /// The method, such as [`Code::GET`].
    pub const fn method(&self) -> Code {
        self.code
    }

    /// Who asks.
    pub const fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The body.
    pub fn payload(&self) -> &[u8] {
        match &self.payload {
            Payload::Borrowed(bytes) => bytes,
            Payload::Owned(bytes) => bytes,
        }
    }

    /// The body, to keep; copied where the request is borrowed.
    pub fn to_payload(&self) -> Bytes {
        match &self.payload {
            Payload::Borrowed(bytes) => Bytes::copy_from_slice(bytes),
            Payload::Owned(bytes) => bytes.clone(),
        }
    }

    /// The body as text; `None` where it is not UTF-8.
    pub fn text(&self) -> Option<&str> {
        core::str::from_utf8(self.payload()).ok()
    }

    /// The segments of the path.
    pub fn path(&self) -> impl Iterator<Item = &str> {
        self.texts(OptionNumber::URI_PATH)
    }

    /// The segment that stands for `{name}` in the path of the route; of `{*name}` the first of its segments.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.path().nth(self.template.position(name)?)
    }

    /// The segments that stand for `{*name}` at the end of the path of the route.
    pub fn rest(&self) -> impl Iterator<Item = &str> {
        self.path().skip(self.template.rest_position())
    }

    /// The arguments of the query, such as `u=c`.
    pub fn query(&self) -> impl Iterator<Item = &str> {
        self.texts(OptionNumber::URI_QUERY)
    }

    /// The value of the first argument `name=value` of the query; empty where there is no `=`.
    pub fn argument(&self, name: &str) -> Option<&str> {
        self.query().find_map(|argument| {
            let (key, value) = argument.split_once('=').unwrap_or((argument, ""));
            (key == name).then_some(value)
        })
    }

    /// The format of the body.
    pub fn content_format(&self) -> Option<u16> {
        self.uint(OptionNumber::CONTENT_FORMAT)
            .and_then(|format| u16::try_from(format).ok())
    }

    /// The format that the client wants of the response.
    pub fn accept(&self) -> Option<u16> {
        self.uint(OptionNumber::ACCEPT)
            .and_then(|format| u16::try_from(format).ok())
    }

    /// Whether the client has a response with this `ETag`, so that 2.03 Valid is enough (RFC 7252 §5.10.6.2).
    pub fn has_etag(&self, etag: &[u8]) -> bool {
        self.values(OptionNumber::ETAG).any(|value| value == etag)
    }

    /// The value of the first option `number`; `None` also when its length is outside the defined range.
    pub fn option(&self, number: OptionNumber) -> Option<&[u8]> {
        let value = self.values(number).next()?;
        match number.definition() {
            Some(definition) if !definition.allows_len(value.len()) => None,
            _ => Some(value),
        }
    }

    /// The value of the first option `number` as an integer.
    pub fn uint(&self, number: OptionNumber) -> Option<u32> {
        decode_uint(self.option(number)?)
    }

    /// The values of the option `number`, whatever their lengths.
    pub fn values(&self, number: OptionNumber) -> Values<'_> {
        Values::new(self.options(), number)
    }

    /// All options in their order.
    pub fn options(&self) -> Options<'_> {
        Options::new(&self.options)
    }

    fn texts(&self, number: OptionNumber) -> impl Iterator<Item = &str> {
        // A request with a path or a query that is not UTF-8 was refused.
        self.values(number)
            .map(|value| core::str::from_utf8(value).unwrap_or_default())
    }
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.code)
            .field("peer", &self.peer)
            .field("options", &self.options().collect::<std::vec::Vec<_>>())
            .field("payload", &self.payload().len())
            .finish_non_exhaustive()
    }
}
