//! A received message as a view of its datagram.
//!
//! What is called often is inlined on a host; on a device each call would have a copy of its own of it.

#[cfg(test)]
mod tests;
mod typed;

use core::fmt;

use crate::body::Body;
use crate::header::Hex;
use crate::parse_error::{ParseError, ParseErrorKind};
use crate::{Code, MessageId, OptionNumber, Options, SHORT_WAYS, Token, Type, Values, decode_uint};

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

/// What a message is to the message layer, by its type and code (RFC 7252 §4.3, Table 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
    #[cfg_attr(not(target_os = "none"), inline)]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        if SHORT_WAYS && let Some(message) = Self::parse_plain(bytes) {
            return Ok(message);
        }
        Self::parse_any(bytes)
    }

    /// The message in these bytes where it is plain: see [`Body::parse_plain`].
    #[cfg_attr(not(target_os = "none"), inline)]
    fn parse_plain(bytes: &'a [u8]) -> Option<Self> {
        let &[first, code, high, low] = bytes.first_chunk()?;
        // Without the type, version 1 and the length of the token are 0x40 to 0x48.
        let token_length = (first & 0xcf).wrapping_sub(0x40);
        if token_length > 8 || code == Code::EMPTY.0 {
            return None;
        }
        let (head, body) = bytes.split_at_checked(usize::from(token_length).wrapping_add(4))?;
        Some(Self {
            r#type: Type::from_bits(first >> 4),
            code: Code(code),
            id: MessageId(u16::from_be_bytes([high, low])),
            body: Body::parse_plain(head.get(4..)?, body)?,
        })
    }

    /// The message in any bytes.
    #[cold]
    #[inline(never)]
    fn parse_any(bytes: &'a [u8]) -> Result<Self, ParseError> {
        Self::parse_with(bytes, Body::parse)
    }

    /// Reads a datagram whose token may be longer than eight bytes (RFC 8974 §2.1).
    ///
    /// Like [`parse`](Message::parse), but the token may have up to 65804 bytes:
    /// [`token_bytes`](Message::token_bytes) has them. It is never too long to be read, as a server that knows extended
    /// tokens must not reset a request because of its token, but answers it, with the whole token: 4.00 Bad Request when
    /// it will never take a token as long, 5.03 Service Unavailable when it cannot now (RFC 8974 §2.2.2).
    ///
    /// ```
    /// use dunlin_coap::{Code, Message, MessageBuilder};
    ///
    /// # let mut buffer = [0; 128];
    /// # let token = [7; 40];
    /// # let datagram = MessageBuilder::new_extended(
    /// #     &mut buffer, dunlin_coap::Type::Confirmable, Code::GET, dunlin_coap::MessageId(1), &token,
    /// # ).path(["a"]).finish()?;
    /// assert!(Message::parse(datagram).is_err());
    /// let request = Message::parse_extended(datagram)?;
    /// assert_eq!(request.token_bytes(), token);
    /// let code = if request.token_bytes().len() > 32 { Code::BAD_REQUEST } else { Code::CONTENT };
    /// # assert_eq!(code, Code::BAD_REQUEST);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Every [`ParseErrorKind`].
    pub fn parse_extended(bytes: &'a [u8]) -> Result<Self, ParseError> {
        Self::parse_with(bytes, Body::parse_extended)
    }

    #[cfg_attr(not(target_os = "none"), inline)]
    fn parse_with(
        bytes: &'a [u8],
        body: impl FnOnce(u8, &'a [u8]) -> Result<Body<'a>, ParseErrorKind>,
    ) -> Result<Self, ParseError> {
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
        let fail = |kind| ParseError {
            kind,
            header: Some((message_type, id)),
        };
        let token_length = first & 0x0f;
        if code.is_empty() && (token_length != 0 || !rest.is_empty()) {
            return Err(fail(ParseErrorKind::EmptyWithContent));
        }
        let body = body(token_length, rest).map_err(fail)?;
        Ok(Self {
            r#type: message_type,
            code,
            id,
            body,
        })
    }

    /// Takes what follows the code in a message that has neither type nor message id, as over a reliable transport
    /// (RFC 8323 §3.2): the token of a length that `token_length` tells, options and payload.
    ///
    /// The token may be of any length (RFC 8974 §2.1); who announced none above eight bytes looks at
    /// [`token_bytes`](Message::token_bytes). The message has the type Non-confirmable and the id 0. An Empty message
    /// with content passes, as it is to be ignored like any other (RFC 8323 §3.4).
    pub(crate) fn parse_body(
        code: Code,
        token_length: u8,
        rest: &'a [u8],
    ) -> Result<Self, ParseErrorKind> {
        Ok(Self {
            r#type: Type::NonConfirmable,
            code,
            id: MessageId(0),
            body: Body::parse_extended(token_length, rest)?,
        })
    }

    /// The type.
    #[cfg_attr(not(target_os = "none"), inline)]
    pub const fn message_type(&self) -> Type {
        self.r#type
    }

    /// The code.
    #[cfg_attr(not(target_os = "none"), inline)]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The message id.
    #[cfg_attr(not(target_os = "none"), inline)]
    pub const fn id(&self) -> MessageId {
        self.id
    }

    /// The token.
    ///
    /// In place of a token of more than eight bytes, which only [`parse_extended`](Message::parse_extended) accepts,
    /// stands [`Token::EXTENDED`]: it equals no token of up to eight bytes and cannot be written into a message. Who
    /// reads extended tokens uses [`token_bytes`](Message::token_bytes).
    #[cfg_attr(not(target_os = "none"), inline)]
    pub fn token(&self) -> Token {
        Token::new(self.body.token).unwrap_or(Token::EXTENDED)
    }

    /// All bytes of the token, however many they are.
    #[cfg_attr(not(target_os = "none"), inline)]
    pub const fn token_bytes(&self) -> &'a [u8] {
        self.body.token
    }

    /// The payload; empty when there is none.
    #[cfg_attr(not(target_os = "none"), inline)]
    pub const fn payload(&self) -> &'a [u8] {
        self.body.payload
    }

    /// What the message is to the message layer.
    #[cfg_attr(not(target_os = "none"), inline)]
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
    #[cfg_attr(not(target_os = "none"), inline)]
    pub const fn options(&self) -> Options<'a> {
        Options::new(self.body.options)
    }

    /// The values of the option `number`, whatever their lengths.
    #[cfg_attr(not(target_os = "none"), inline)]
    pub const fn values(&self, number: OptionNumber) -> Values<'a> {
        Values::new(self.options(), number)
    }

    /// The value of the first option `number`.
    ///
    /// `None` also when its length is outside the range that is defined for it.
    #[cfg_attr(not(target_os = "none"), inline)]
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
    #[cfg_attr(not(target_os = "none"), inline)]
    pub fn uint(&self, number: OptionNumber) -> Option<u32> {
        decode_uint(self.option(number)?)
    }

    /// The value of the first option `number` as a string.
    ///
    /// `None` also when its length is outside the defined range, or it is not UTF-8.
    #[cfg_attr(not(target_os = "none"), inline)]
    pub fn string(&self, number: OptionNumber) -> Option<&'a str> {
        core::str::from_utf8(self.option(number)?).ok()
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
            .field("token", &Hex(self.body.token))
            .field("options", &Numbers(self.options()))
            .field("payload_len", &self.body.payload.len())
            .finish()
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Message<'_> {
    /// Header, number of options and length of the payload; no payload, which may be secret.
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(
            f,
            "{} {} id {=u16} token {=[u8]:02x}, {=usize} options, {=usize} bytes of payload",
            self.r#type,
            self.code,
            self.id.0,
            self.body.token,
            self.options().count(),
            self.body.payload.len()
        );
    }
}
