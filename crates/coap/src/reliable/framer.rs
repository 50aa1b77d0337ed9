//! Where a message ends in a stream of bytes (RFC 8323 §3.2).

#[cfg(test)]
mod tests;

use core::fmt;

use crate::{Code, Message, ParseErrorKind};

/// Cuts a stream of bytes into messages (RFC 8323 §3.2).
///
/// It keeps nothing: the owner holds what was received and drops what was consumed, and needs a buffer of the greatest
/// message that it takes. A message that will not fit is told as soon as its length is known.
///
/// ```
/// use dunlin_coap::Code;
/// use dunlin_coap::reliable::{Framer, Next};
///
/// let framer = Framer::new(1152);
/// // 2.03 Valid with the token 7f, cut in two.
/// let Next::NeedMore(total) = framer.next(&[0x01])? else { panic!() };
/// assert_eq!(total, 2);
/// let Next::Message { message, consumed } = framer.next(&[0x01, 0x43, 0x7f])? else { panic!() };
/// assert_eq!(message.code(), Code::VALID);
/// assert_eq!(message.token_bytes(), [0x7f]);
/// assert_eq!(consumed, 3);
/// # Ok::<(), dunlin_coap::reliable::FrameError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framer {
    max_message_size: u32,
}

/// What a stream begins with.
#[derive(Clone, Copy, Debug)]
pub enum Next<'a> {
    /// Only a part of a message: nothing can be told before there are this many bytes, counted from the first byte of
    /// the message. At least one more than there are; exact when the length of the message is known.
    NeedMore(usize),
    /// A message.
    Message {
        /// The message, of type Non-confirmable and with id 0, which mean nothing here.
        message: Message<'a>,
        /// How many bytes it has: what comes after is the next message.
        consumed: usize,
    },
}

/// Why some bytes are no message. The stream cannot be read further: the connection is to be aborted (RFC 8323 §5.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FrameError {
    /// The message is greater than what was announced (RFC 8323 §5.3.1): its size in bytes, header and all.
    TooLarge(u64),
    /// The message breaks the syntax.
    Malformed(ParseErrorKind),
    /// The Len field of a message over WebSockets is not 0 (RFC 8323 §4.2).
    LengthNotZero,
}

/// What the first bytes of a message tell.
struct Header {
    /// The field TKL.
    token_length: u8,
    code: Code,
    /// Up to the code, inclusive: 2 to 6 bytes.
    head_len: usize,
    /// The whole message.
    size: u64,
}

impl Framer {
    /// Takes messages of up to `max_message_size` bytes, header and all.
    pub const fn new(max_message_size: u32) -> Self {
        Self { max_message_size }
    }

    /// The first message in `bytes`.
    ///
    /// # Errors
    ///
    /// [`FrameError::TooLarge`] and [`FrameError::Malformed`].
    pub fn next<'a>(&self, bytes: &'a [u8]) -> Result<Next<'a>, FrameError> {
        let header = match Header::read(bytes)? {
            Ok(header) => header,
            Err(total) => return Ok(Next::NeedMore(total)),
        };
        let too_large = FrameError::TooLarge(header.size);
        if header.size > u64::from(self.max_message_size) {
            return Err(too_large);
        }
        let size = usize::try_from(header.size).map_err(|_| too_large)?;
        let Some(message) = bytes.get(..size) else {
            return Ok(Next::NeedMore(size));
        };
        let rest = message.get(header.head_len..).unwrap_or_default();
        let message = Message::parse_body(header.code, header.token_length, rest)
            .map_err(FrameError::Malformed)?;
        Ok(Next::Message {
            message,
            consumed: size,
        })
    }
}

impl Header {
    /// Reads the header, or tells how many bytes that needs.
    fn read(bytes: &[u8]) -> Result<Result<Self, usize>, FrameError> {
        let Some((&first, rest)) = bytes.split_first() else {
            return Ok(Err(2));
        };
        let token_length = first & 0x0f;
        // Bytes of Extended Length and the length that they count from.
        let (extension, base) = match first >> 4 {
            13 => (1, 13),
            14 => (2, 269),
            15 => (4, 65805),
            len => (0, u64::from(len)),
        };
        // Bytes of the extension of TKL and the length that they count from (RFC 8974 §2.1).
        let (token_extension, token_base) = match token_length {
            15 => return Err(FrameError::Malformed(ParseErrorKind::ReservedTokenLength)),
            13 => (1, 13),
            14 => (2, 269),
            len => (0, u64::from(len)),
        };
        let head_len = 2_usize.wrapping_add(extension);
        let read = || {
            let (length, rest) = uint(extension, rest)?;
            let (&code, rest) = rest.split_first()?;
            let (token, _) = uint(token_extension, rest)?;
            Some((length, code, token))
        };
        let prefix_len = head_len.wrapping_add(token_extension);
        let Some((length, code, token)) = read() else {
            return Ok(Err(prefix_len));
        };
        // At most 6 + 2 + 65804 + 65804 + 2^32: far from overflow.
        let size = [base, length, token_base, token]
            .into_iter()
            .fold(prefix_len as u64, u64::wrapping_add);
        Ok(Ok(Self {
            token_length,
            code: Code(code),
            head_len,
            size,
        }))
    }
}

/// Splits off an integer of up to four bytes in network byte order.
fn uint(len: usize, bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (value, rest) = bytes.split_at_checked(len)?;
    let value = value
        .iter()
        .fold(0, |value, byte| (value << 8) | u64::from(*byte));
    Some((value, rest))
}

/// Reads the message in the payload of one binary WebSocket message (RFC 8323 §4.2).
///
/// Its type is Non-confirmable and its id 0, which mean nothing here.
///
/// # Errors
///
/// [`FrameError::LengthNotZero`] and [`FrameError::Malformed`].
pub fn parse_websocket(bytes: &[u8]) -> Result<Message<'_>, FrameError> {
    let Some((&[first, code], rest)) = bytes.split_first_chunk() else {
        return Err(FrameError::Malformed(ParseErrorKind::TruncatedHeader));
    };
    if first >> 4 != 0 {
        return Err(FrameError::LengthNotZero);
    }
    Message::parse_body(Code(code), first & 0x0f, rest).map_err(FrameError::Malformed)
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge(size) => write!(f, "message of {size} bytes is too large"),
            Self::Malformed(kind) => kind.fmt(f),
            Self::LengthNotZero => f.write_str("Len is not 0 over WebSockets"),
        }
    }
}

impl core::error::Error for FrameError {}
