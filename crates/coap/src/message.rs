//! A received message as a view of its datagram.

#[cfg(test)]
mod tests;

use core::fmt;

use crate::block::{Block, BlockError};
use crate::options::{PAYLOAD_MARKER, small, split_extended};
use crate::parse_error::{ParseError, ParseErrorKind};
use crate::{Code, MessageId, OptionNumber, Options, Token, Type, Values, decode_uint};

/// A message in the bytes of its datagram: checked whole by [`Message::parse`], nothing copied.
///
/// The accessors of options take an option whose length is outside the defined range for absent, as they must treat
/// it like an option that they do not know (RFC 7252 §5.4.3), and the first of several where only one is allowed
/// (RFC 7252 §5.4.5). A server must refuse requests where such an option is critical:
/// [`unknown_critical`](crate::request::unknown_critical) finds it.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    r#type: Type,
    code: Code,
    id: MessageId,
    body: Body<'a>,
}

/// What follows the header.
#[derive(Clone, Copy)]
struct Body<'a> {
    /// At most eight bytes.
    token: &'a [u8],
    /// Walked once without an error, without the payload marker.
    options: &'a [u8],
    payload: &'a [u8],
}

/// What a message is to the message layer, by its type and code (RFC 7252 §4.3, Table 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A request, Confirmable or Non-confirmable.
    Request,
    /// A response: separate (Confirmable or Non-confirmable) or piggybacked in an Acknowledgement.
    Response,
    /// An Empty Acknowledgement: a separate response will follow.
    Acknowledgement,
    /// A Reset.
    Reset,
    /// An Empty Confirmable message, to be answered with a Reset: the "CoAP ping" (RFC 7252 §4.3).
    Ping,
    /// A combination that means nothing: a code of a reserved class, a request in an Acknowledgement, a Reset that is
    /// not Empty, an Empty Non-confirmable message. Answered with a Reset when Confirmable, else ignored
    /// (RFC 7252 §4.2, §4.3).
    Invalid,
}

impl<'a> Message<'a> {
    /// Reads a datagram.
    ///
    /// Accepts exactly the messages that RFC 7252 §3 calls well formed: the options are walked once, so that no
    /// accessor can fail later. Codes of reserved classes are well formed; see [`Message::kind`].
    ///
    /// # Errors
    ///
    /// Every [`ParseErrorKind`]. [`ParseError::reset`] has the answer to send, if any.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let Some((&[first, code, high, low], rest)) = bytes.split_first_chunk() else {
            return Err(ParseError {
                kind: ParseErrorKind::TruncatedHeader,
                header: None,
            });
        };
        if first >> 6 != 1 {
            return Err(ParseError {
                kind: ParseErrorKind::UnknownVersion,
                header: None,
            });
        }
        let message_type = Type::from_bits(first >> 4);
        let code = Code(code);
        let id = MessageId(u16::from_be_bytes([high, low]));
        match Body::parse(first & 0x0f, code, rest) {
            Ok(body) => Ok(Self {
                r#type: message_type,
                code,
                id,
                body,
            }),
            Err(kind) => Err(ParseError {
                kind,
                header: Some((message_type, id)),
            }),
        }
    }

    /// The type.
    #[inline]
    pub const fn message_type(&self) -> Type {
        self.r#type
    }

    /// The code.
    #[inline]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The message id.
    #[inline]
    pub const fn id(&self) -> MessageId {
        self.id
    }

    /// The token.
    #[inline]
    pub fn token(&self) -> Token {
        Token::new(self.body.token).unwrap_or_default()
    }

    /// The payload; empty when there is none.
    #[inline]
    pub const fn payload(&self) -> &'a [u8] {
        self.body.payload
    }

    /// What the message is to the message layer.
    #[inline]
    pub const fn kind(&self) -> Kind {
        let code = self.code;
        match self.r#type {
            Type::Confirmable | Type::NonConfirmable if code.is_request() => Kind::Request,
            Type::Confirmable | Type::NonConfirmable | Type::Acknowledgement
                if code.is_response() =>
            {
                Kind::Response
            }
            Type::Confirmable if code.is_empty() => Kind::Ping,
            Type::Acknowledgement if code.is_empty() => Kind::Acknowledgement,
            Type::Reset if code.is_empty() => Kind::Reset,
            _ => Kind::Invalid,
        }
    }

    /// All options in their order.
    #[inline]
    pub const fn options(&self) -> Options<'a> {
        Options::new(self.body.options)
    }

    /// The values of the option `number`, whatever their lengths.
    #[inline]
    pub const fn values(&self, number: OptionNumber) -> Values<'a> {
        Values::new(self.options(), number)
    }

    /// The value of the first option `number`.
    ///
    /// `None` also when its length is outside the range that is defined for it.
    #[inline]
    pub fn option(&self, number: OptionNumber) -> Option<&'a [u8]> {
        let value = self.values(number).next()?;
        match number.definition() {
            Some(definition) if !definition.allows_len(value.len()) => None,
            _ => Some(value),
        }
    }

    /// The value of the first option `number` as an integer.
    ///
    /// `None` also when its length is outside the range that is defined for it, or the integer does not fit.
    #[inline]
    pub fn uint(&self, number: OptionNumber) -> Option<u32> {
        decode_uint(self.option(number)?)
    }

    /// The value of the first option `number` as a string.
    ///
    /// `None` also when its length is outside the defined range, or it is not UTF-8.
    #[inline]
    pub fn string(&self, number: OptionNumber) -> Option<&'a str> {
        core::str::from_utf8(self.option(number)?).ok()
    }

    /// The segments of the path (Uri-Path).
    #[inline]
    pub const fn uri_path(&self) -> Values<'a> {
        self.values(OptionNumber::URI_PATH)
    }

    /// The arguments of the query (Uri-Query).
    #[inline]
    pub const fn uri_query(&self) -> Values<'a> {
        self.values(OptionNumber::URI_QUERY)
    }

    /// The segments of the path of a created resource (Location-Path).
    #[inline]
    pub const fn location_path(&self) -> Values<'a> {
        self.values(OptionNumber::LOCATION_PATH)
    }

    /// The Observe option: 0 registers and 1 deregisters in a request, a sequence number in a notification
    /// (RFC 7641 §2).
    #[inline]
    pub fn observe(&self) -> Option<u32> {
        self.uint(OptionNumber::OBSERVE)
    }

    /// The format of the payload (Content-Format).
    #[inline]
    pub fn content_format(&self) -> Option<u16> {
        self.uint(OptionNumber::CONTENT_FORMAT)
            .and_then(|format| u16::try_from(format).ok())
    }

    /// The format wanted of the response (Accept).
    #[inline]
    pub fn accept(&self) -> Option<u16> {
        self.uint(OptionNumber::ACCEPT)
            .and_then(|format| u16::try_from(format).ok())
    }

    /// The first `ETag`.
    #[inline]
    pub fn etag(&self) -> Option<&'a [u8]> {
        self.option(OptionNumber::ETAG)
    }

    /// The Block1 option.
    ///
    /// # Errors
    ///
    /// The errors of [`Block::decode`].
    #[inline]
    pub fn block1(&self) -> Result<Option<Block>, BlockError> {
        self.block(OptionNumber::BLOCK1)
    }

    /// The Block2 option.
    ///
    /// # Errors
    ///
    /// The errors of [`Block::decode`].
    #[inline]
    pub fn block2(&self) -> Result<Option<Block>, BlockError> {
        self.block(OptionNumber::BLOCK2)
    }

    #[inline]
    fn block(&self, number: OptionNumber) -> Result<Option<Block>, BlockError> {
        self.values(number).next().map(Block::decode).transpose()
    }
}

impl<'a> Body<'a> {
    #[inline]
    fn parse(token_length: u8, code: Code, rest: &'a [u8]) -> Result<Self, ParseErrorKind> {
        if token_length > 8 {
            return Err(ParseErrorKind::ReservedTokenLength);
        }
        if code.is_empty() && (token_length != 0 || !rest.is_empty()) {
            return Err(ParseErrorKind::EmptyWithContent);
        }
        let (token, body) = rest
            .split_at_checked(usize::from(token_length))
            .ok_or(ParseErrorKind::TruncatedToken)?;

        // 64 bits never overflow: each option adds at most 65804.
        let mut number = 0_u64;
        let mut walk = body;
        let mut payload: &[u8] = &[];
        let mut options = body;
        while let Some((&first, rest)) = walk.split_first() {
            if let Some((delta, len)) = small(first) {
                walk = rest.get(len..).ok_or(ParseErrorKind::TruncatedOption)?;
                number = number.wrapping_add(u64::from(delta));
                continue;
            }
            if first == PAYLOAD_MARKER {
                if rest.is_empty() {
                    return Err(ParseErrorKind::MissingPayload);
                }
                // `walk` is a tail of `body`.
                let len = body.len().saturating_sub(walk.len());
                options = body.get(..len).unwrap_or_default();
                payload = rest;
                break;
            }
            let option = split_extended(first, rest)?;
            // Numbers never fall: it is enough to look at the last.
            number = number.wrapping_add(u64::from(option.delta));
            walk = option.rest;
        }
        if number > u64::from(u16::MAX) {
            return Err(ParseErrorKind::OptionNumberTooLarge);
        }
        Ok(Self {
            token,
            options,
            payload,
        })
    }
}

impl fmt::Debug for Message<'_> {
    /// Header, options and the payload's length; no payload, which may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Numbers<'a>(Options<'a>);
        impl fmt::Debug for Numbers<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_list()
                    .entries(self.0.clone().map(|(number, _)| number))
                    .finish()
            }
        }
        f.debug_struct("Message")
            .field("type", &self.r#type)
            .field("code", &self.code)
            .field("id", &self.id.0)
            .field("token", &self.token())
            .field("options", &Numbers(self.options()))
            .field("payload_len", &self.body.payload.len())
            .finish()
    }
}
