//! A response: what a server's handler gives and what a client gets.

use core::fmt;
use std::string::String;
use std::vec::Vec;

use bytes::Bytes;

use crate::block::{Block, BlockOptions, Tag};
use crate::{Code, Message, MessageBuilder, OptionNumber, decode_uint};

/// The Content-Format `text/plain; charset=utf-8` (RFC 7252 §12.3).
pub const TEXT_PLAIN: u16 = 0;

/// The Content-Format `application/link-format` (RFC 7252 §12.3).
pub const LINK_FORMAT: u16 = 40;

/// A response: its code, options and body.
///
/// Handlers of a server may return anything that turns into one: a [`Code`], text, bytes with a Content-Format, or a
/// `Result` of two such things.
///
/// ```
/// use dunlin_coap::Code;
/// use dunlin_coap::tokio::Response;
///
/// let response = Response::content("22.3 C").with_content_format(0).with_max_age(30);
/// assert_eq!(response.code(), Code::CONTENT);
/// assert_eq!(response.payload(), &b"22.3 C"[..]);
/// assert_eq!(Response::from(Code::CHANGED).code(), Code::CHANGED);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    code: Code,
    etag: Option<Tag>,
    content_format: Option<u16>,
    max_age: Option<u32>,
    /// The other options, in the order of their numbers.
    options: Vec<(OptionNumber, Bytes)>,
    payload: Bytes,
}

/// An `ETag` of 1 to 8 bytes.
fn tag(value: &[u8]) -> Option<Tag> {
    Tag::new(value).filter(|_| !value.is_empty())
}

impl Response {
    /// A response without options and body.
    pub const fn new(code: Code) -> Self {
        Self {
            code,
            etag: None,
            content_format: None,
            max_age: None,
            options: Vec::new(),
            payload: Bytes::new(),
        }
    }

    /// 2.05 Content with this body.
    pub fn content(body: impl Into<Bytes>) -> Self {
        Self::new(Code::CONTENT).with_payload(body)
    }

    /// 2.04 Changed.
    pub const fn changed() -> Self {
        Self::new(Code::CHANGED)
    }

    /// 2.01 Created.
    pub const fn created() -> Self {
        Self::new(Code::CREATED)
    }

    /// 2.02 Deleted.
    pub const fn deleted() -> Self {
        Self::new(Code::DELETED)
    }

    /// 2.03 Valid: what the client has under this `ETag` is still right (RFC 7252 §5.9.1.3).
    pub fn valid(etag: &[u8]) -> Self {
        Self::new(Code::VALID).with_etag(etag)
    }

    /// An error with a diagnostic text for a person (RFC 7252 §5.5.2).
    pub fn error(code: Code, text: impl Into<Bytes>) -> Self {
        Self::new(code).with_payload(text)
    }

    /// The same with this body.
    #[must_use]
    pub fn with_payload(mut self, payload: impl Into<Bytes>) -> Self {
        self.payload = payload.into();
        self
    }

    /// The same with this Content-Format.
    #[must_use]
    pub const fn with_content_format(mut self, format: u16) -> Self {
        self.content_format = Some(format);
        self
    }

    /// The same with this Max-Age in seconds; 60 is what a client assumes without (RFC 7252 §5.10.5).
    #[must_use]
    pub const fn with_max_age(mut self, seconds: u32) -> Self {
        self.max_age = Some(seconds);
        self
    }

    /// The same with this `ETag`, of 1 to 8 bytes; any other length leaves it out.
    ///
    /// A body that goes in several blocks and may change should have one (RFC 7959 §2.4).
    #[must_use]
    pub fn with_etag(mut self, etag: &[u8]) -> Self {
        self.etag = tag(etag);
        self
    }

    /// The same with the Location-Path of this path, such as `/rd/4711` (RFC 7252 §5.10.7).
    #[must_use]
    pub fn with_location(mut self, path: &str) -> Self {
        for segment in path.trim_start_matches('/').split('/') {
            let segment = Bytes::copy_from_slice(segment.as_bytes());
            self.insert(OptionNumber::LOCATION_PATH, segment);
        }
        self
    }

    /// The same with one more option.
    ///
    /// The options that have a method of their own replace what was there. Observe, Block1 and Block2 are the
    /// server's business and would be sent beside its own: leave them out.
    #[must_use]
    pub fn with_option(mut self, number: OptionNumber, value: impl Into<Bytes>) -> Self {
        self.insert(number, value.into());
        self
    }

    fn insert(&mut self, number: OptionNumber, value: Bytes) {
        let uint = decode_uint(&value);
        match number {
            OptionNumber::ETAG if self.etag.is_none() => self.etag = tag(&value),
            OptionNumber::CONTENT_FORMAT => {
                self.content_format = uint.and_then(|uint| u16::try_from(uint).ok());
            }
            OptionNumber::MAX_AGE => self.max_age = uint,
            _ => {
                let place = self.options.partition_point(|(other, _)| *other <= number);
                self.options.insert(place, (number, value));
            }
        }
    }

    /// The code.
    pub const fn code(&self) -> Code {
        self.code
    }

    /// Whether the code is of class 2.
    pub const fn is_success(&self) -> bool {
        self.code.class() == 2
    }

    /// The body.
    pub const fn payload(&self) -> &Bytes {
        &self.payload
    }

    /// The body alone.
    pub fn into_payload(self) -> Bytes {
        self.payload
    }

    /// The body as text; `None` where it is not UTF-8.
    pub fn text(&self) -> Option<&str> {
        core::str::from_utf8(&self.payload).ok()
    }

    /// The format of the body.
    pub const fn content_format(&self) -> Option<u16> {
        self.content_format
    }

    /// For how many seconds the response is fresh.
    pub const fn max_age(&self) -> Option<u32> {
        self.max_age
    }

    /// The `ETag`.
    pub fn etag(&self) -> Option<&[u8]> {
        self.etag.as_ref().map(Tag::as_bytes)
    }

    /// The path of the resource that was created, such as `/rd/4711`; `None` without Location-Path.
    pub fn location(&self) -> Option<String> {
        let mut path = String::new();
        for segment in self.values(OptionNumber::LOCATION_PATH) {
            path.push('/');
            path.push_str(&String::from_utf8_lossy(segment));
        }
        (!path.is_empty()).then_some(path)
    }

    /// The values of an option that has no method of its own, among them Location-Path and Location-Query.
    pub fn values(&self, number: OptionNumber) -> impl Iterator<Item = &[u8]> {
        self.options
            .iter()
            .filter(move |(other, _)| *other == number)
            .map(|(_, value)| &**value)
    }

    /// What `message` says, with `payload` in place of its own; options of the transfer are left out.
    pub(crate) fn received(message: &Message<'_>, payload: Bytes) -> Self {
        let mut response = Self::new(message.code()).with_payload(payload);
        for (number, value) in message.options() {
            if !matches!(
                number,
                OptionNumber::OBSERVE
                    | OptionNumber::BLOCK1
                    | OptionNumber::BLOCK2
                    | OptionNumber::SIZE2
            ) {
                response.insert(number, Bytes::copy_from_slice(value));
            }
        }
        response
    }

    /// Writes the options of the response and of its transfer, and `payload`, a part of the body.
    pub(crate) fn write(
        &self,
        observe: Option<u32>,
        blocks: &BlockOptions,
        payload: &[u8],
        builder: &mut MessageBuilder<'_>,
    ) {
        let mut more = self.options.iter();
        let mut next = more.next();
        let mut before = |number: OptionNumber, builder: &mut MessageBuilder<'_>| {
            while let Some((other, value)) = next.filter(|(other, _)| *other < number) {
                builder.option(*other, value);
                next = more.next();
            }
        };
        if let Some(etag) = &self.etag {
            before(OptionNumber::ETAG, builder);
            builder.option(OptionNumber::ETAG, etag.as_bytes());
        }
        let numbers = [
            (OptionNumber::OBSERVE, observe),
            (
                OptionNumber::CONTENT_FORMAT,
                self.content_format.map(u32::from),
            ),
            (OptionNumber::MAX_AGE, self.max_age),
            (OptionNumber::BLOCK2, blocks.block2.map(Block::to_uint)),
            (OptionNumber::BLOCK1, blocks.block1.map(Block::to_uint)),
            (OptionNumber::SIZE2, blocks.size2),
            (OptionNumber::SIZE1, blocks.size1),
        ];
        for (number, value) in numbers {
            if let Some(value) = value {
                before(number, builder);
                builder.uint(number, value);
            }
        }
        before(OptionNumber(u16::MAX), builder);
        builder.payload(payload);
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("code", &self.code)
            .field("etag", &self.etag())
            .field("content_format", &self.content_format)
            .field("max_age", &self.max_age)
            .field("options", &self.options)
            .field("payload", &self.payload)
            .finish()
    }
}

impl From<Code> for Response {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl From<&'static str> for Response {
    /// 2.05 Content, text.
    fn from(text: &'static str) -> Self {
        Self::content(text).with_content_format(TEXT_PLAIN)
    }
}

impl From<String> for Response {
    /// 2.05 Content, text.
    fn from(text: String) -> Self {
        Self::content(text).with_content_format(TEXT_PLAIN)
    }
}

impl<B: Into<Bytes>> From<(u16, B)> for Response {
    /// 2.05 Content of this Content-Format.
    fn from((format, body): (u16, B)) -> Self {
        Self::content(body).with_content_format(format)
    }
}

impl<T: Into<Self>, E: Into<Self>> From<Result<T, E>> for Response {
    fn from(result: Result<T, E>) -> Self {
        match result {
            Ok(value) => value.into(),
            Err(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::BlockSize;
    use crate::{MessageId, Token, Type};

    #[test]
    fn options_are_written_in_their_order() {
        let response = Response::content("body")
            .with_option(OptionNumber(2050), "last")
            .with_location("/a/b")
            .with_option(OptionNumber(2), "first")
            .with_option(OptionNumber(16), [9].to_vec())
            .with_etag(b"tag")
            .with_content_format(40)
            .with_max_age(5);
        let blocks = BlockOptions {
            block1: Some(Block::first(BlockSize::B16)),
            block2: Some(Block::first(BlockSize::B64)),
            size1: None,
            size2: Some(4),
        };
        let mut buffer = [0; 128];
        let (id, token) = (MessageId(1), Token::EMPTY);
        let mut builder =
            MessageBuilder::new(&mut buffer, Type::Acknowledgement, Code::CONTENT, id, token);
        response.write(Some(7), &blocks, b"part", &mut builder);
        let message = Message::parse(builder.finish().unwrap()).unwrap();
        let numbers: Vec<u16> = message.options().map(|(number, _)| number.0).collect();
        assert_eq!(numbers, [2, 4, 6, 8, 8, 12, 14, 16, 23, 27, 28, 2050]);
        assert_eq!(message.payload(), b"part");

        let received = Response::received(&message, Bytes::from_static(b"body"));
        assert_eq!(received, response);
        assert_eq!(received.location().unwrap(), "/a/b");
    }
}
