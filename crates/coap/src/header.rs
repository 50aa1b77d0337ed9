//! The fields of the message header (RFC 7252 §3).

#[cfg(feature = "serde")]
mod token_serde;

use crate::SHORT_WAYS;
use crate::copy::copy;

use core::fmt;

/// The type of a message (RFC 7252 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[repr(u8)]
pub enum Type {
    /// Wants an Acknowledgement or a Reset (RFC 7252 §4.2).
    Confirmable = 0,
    /// Wants no Acknowledgement (RFC 7252 §4.3).
    NonConfirmable = 1,
    /// Tells that a Confirmable message arrived (RFC 7252 §4.2).
    Acknowledgement = 2,
    /// Tells that a message arrived but could not be processed (RFC 7252 §4.2).
    Reset = 3,
}

impl Type {
    /// The type in the two low bits of `bits`.
    #[inline]
    pub(crate) const fn from_bits(bits: u8) -> Self {
        match bits & 0b11 {
            0 => Self::Confirmable,
            1 => Self::NonConfirmable,
            2 => Self::Acknowledgement,
            _ => Self::Reset,
        }
    }
}

impl fmt::Display for Type {
    /// `CON`, `NON`, `ACK` or `RST`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Confirmable => "CON",
            Self::NonConfirmable => "NON",
            Self::Acknowledgement => "ACK",
            Self::Reset => "RST",
        })
    }
}

/// The number that pairs a message with its Acknowledgement or Reset and tells duplicates (RFC 7252 §4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MessageId(pub u16);

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The token that pairs a response with its request: 0 to 8 bytes (RFC 7252 §5.3.1).
///
/// Longer ones (RFC 8974) are read as [`Message::token_bytes`](crate::Message::token_bytes) and written by
/// [`MessageBuilder::new_extended`](crate::MessageBuilder::new_extended).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Token {
    // Bytes beyond `len` are zero, so that the derived comparison is right.
    bytes: [u8; Self::MAX_LEN],
    /// 0 to 8; `EXTENDED_LEN` in the place holder.
    len: u8,
}

/// No token has this length, as nine bytes and more do not fit.
const EXTENDED_LEN: u8 = 9;

/// More than eight bytes were offered as a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TokenTooLong;

impl Token {
    /// The greatest length in bytes.
    pub const MAX_LEN: usize = 8;
    /// The token of no bytes.
    pub const EMPTY: Self = Self {
        bytes: [0; Self::MAX_LEN],
        len: 0,
    };
    /// Stands for a token of more than eight bytes (RFC 8974 §2.1), which does not fit here; see
    /// [`Message::token_bytes`](crate::Message::token_bytes).
    ///
    /// It has no bytes, equals no other token, and a message with it cannot be built.
    pub const EXTENDED: Self = Self {
        bytes: [0; Self::MAX_LEN],
        len: EXTENDED_LEN,
    };

    /// The token of these bytes; `None` when there are more than eight.
    #[inline]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        // The usual lengths without a loop.
        if SHORT_WAYS && let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
            return Some(Self::from(bytes));
        }
        if SHORT_WAYS && let Ok(bytes) = <[u8; 8]>::try_from(bytes) {
            return Some(Self::from(bytes));
        }
        let len = u8::try_from(bytes.len()).ok()?;
        let mut token = Self { len, ..Self::EMPTY };
        copy(token.bytes.get_mut(..bytes.len())?, bytes);
        Some(token)
    }

    /// The bytes.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// The length in bytes, 0 to 8; 9 for [`Token::EXTENDED`], as more than eight.
    #[inline]
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether this is the token of no bytes.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The length as the header's TKL field.
    #[inline]
    pub(crate) const fn length_field(&self) -> u8 {
        self.len
    }

    /// The bytes and zeros behind them.
    #[inline]
    pub(crate) const fn padded(&self) -> [u8; Self::MAX_LEN] {
        self.bytes
    }

    /// Whether this is [`Token::EXTENDED`].
    #[inline]
    pub const fn is_extended(&self) -> bool {
        self.len == EXTENDED_LEN
    }
}

impl From<[u8; 4]> for Token {
    fn from([a, b, c, d]: [u8; 4]) -> Self {
        Self {
            bytes: [a, b, c, d, 0, 0, 0, 0],
            len: 4,
        }
    }
}

impl From<[u8; 8]> for Token {
    fn from(bytes: [u8; 8]) -> Self {
        Self { bytes, len: 8 }
    }
}

impl TryFrom<&[u8]> for Token {
    type Error = TokenTooLong;

    fn try_from(bytes: &[u8]) -> Result<Self, TokenTooLong> {
        Self::new(bytes).ok_or(TokenTooLong)
    }
}

impl fmt::Debug for Token {
    /// Hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_extended() {
            return f.write_str("extended");
        }
        Hex(self.as_bytes()).fmt(f)
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Token {
    /// Hexadecimal digits.
    fn format(&self, f: defmt::Formatter<'_>) {
        if self.is_extended() {
            defmt::write!(f, "extended");
        } else {
            defmt::write!(f, "{=[u8]:02x}", self.as_bytes());
        }
    }
}

/// Bytes that print as hexadecimal digits.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl fmt::Debug for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Display for TokenTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a token has at most 8 bytes")
    }
}

impl core::error::Error for TokenTooLong {}

/// The Empty Acknowledgement of the message `id`: 4 bytes (RFC 7252 §4.2).
#[inline]
pub const fn empty_ack(id: MessageId) -> [u8; 4] {
    let [high, low] = id.0.to_be_bytes();
    [0x60, 0x00, high, low]
}

/// The Reset of the message `id`: 4 bytes (RFC 7252 §4.2).
#[inline]
pub const fn reset(id: MessageId) -> [u8; 4] {
    let [high, low] = id.0.to_be_bytes();
    [0x70, 0x00, high, low]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_compare_by_bytes_and_length() {
        let short = Token::new(&[1]).unwrap();
        let long = Token::new(&[1, 0]).unwrap();
        assert_ne!(short, long);
        assert_eq!(long.as_bytes(), [1, 0]);
        assert_eq!(Token::new(&[]), Some(Token::EMPTY));
        assert_eq!(Token::new(&[0; 8]).unwrap().len(), 8);
        assert_eq!(Token::new(&[0; 9]), None);
        assert_eq!(Token::new(&[0; 300]), None);
        assert_eq!(
            std::format!("{:?}", Token::from([1, 2, 0xab, 0])),
            "0x0102ab00"
        );
    }

    #[test]
    fn empty_messages_have_four_bytes() {
        assert_eq!(empty_ack(MessageId(0x7d38)), [0x60, 0, 0x7d, 0x38]);
        assert_eq!(reset(MessageId(0xad7c)), [0x70, 0, 0xad, 0x7c]);
    }
}
