//! What a proxy must check before it forwards (RFC 7252 §5.7, RFC 8768).

use core::fmt;

use crate::{Code, Message, OptionNumber, decode_uint};

/// The Hop-Limit that a proxy inserts where none is configured (RFC 8768 §3).
pub const DEFAULT_HOP_LIMIT: u8 = 16;

/// The first option that is unsafe to forward and not `known` to the proxy (RFC 7252 §5.7.1).
///
/// A request with it is answered with 4.02 Bad Option; for a response with it the client gets 5.02 Bad Gateway. All
/// other options that the proxy does not know are forwarded as they are. Critical options do not matter here: a proxy
/// forwards those that are safe and unknown to it (RFC 7252 §5.4.1).
pub fn unknown_unsafe(
    message: &Message<'_>,
    known: impl Fn(OptionNumber) -> bool,
) -> Option<OptionNumber> {
    message
        .options()
        .map(|(number, _)| number)
        .find(|number| number.is_unsafe() && !known(*number))
}

/// Why a request is not forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum HopLimitError {
    /// The value is not between 1 and 255: 4.00 Bad Request.
    OutOfRange,
    /// The limit is reached, most likely in a loop: 5.08 Hop Limit Reached, with an identifier of the proxy as
    /// diagnostic payload (RFC 8768 §4).
    Reached,
}

impl HopLimitError {
    /// The code of the answer.
    pub const fn code(self) -> Code {
        match self {
            Self::OutOfRange => Code::BAD_REQUEST,
            Self::Reached => Code::HOP_LIMIT_REACHED,
        }
    }
}

/// The Hop-Limit with which a proxy forwards a request: one less than it has, or `initial` where it has none
/// (RFC 8768 §3).
///
/// # Errors
///
/// Every [`HopLimitError`].
pub fn next_hop_limit(request: &Message<'_>, initial: u8) -> Result<u8, HopLimitError> {
    // Of several the first counts (RFC 7252 §5.4.5).
    let Some(value) = request.values(OptionNumber::HOP_LIMIT).next() else {
        return Ok(initial);
    };
    match decode_uint(value).map(u8::try_from) {
        Some(Ok(1)) => Err(HopLimitError::Reached),
        Some(Ok(limit)) => limit.checked_sub(1).ok_or(HopLimitError::OutOfRange),
        _ => Err(HopLimitError::OutOfRange),
    }
}

impl fmt::Display for HopLimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfRange => "Hop-Limit is not between 1 and 255",
            Self::Reached => "Hop-Limit is reached",
        })
    }
}

impl core::error::Error for HopLimitError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MessageBuilder, MessageId, Token, Type};

    fn with<T>(options: &[(u16, &[u8])], read: impl Fn(&Message<'_>) -> T) -> T {
        let mut buffer = [0; 64];
        let mut builder = MessageBuilder::new(
            &mut buffer,
            Type::Confirmable,
            Code::GET,
            MessageId(1),
            Token::EMPTY,
        );
        for (number, value) in options {
            builder.option(OptionNumber(*number), value);
        }
        read(&Message::parse(builder.finish().unwrap()).unwrap())
    }

    #[test]
    fn only_unknown_unsafe_options_stop_a_message() {
        let known = |number| matches!(number, OptionNumber::URI_PATH | OptionNumber::PROXY_SCHEME);
        let stops = |options: &[(u16, &[u8])]| {
            with(options, |message| unknown_unsafe(message, known)).map(|number| number.0)
        };
        assert_eq!(stops(&[]), None);
        assert_eq!(stops(&[(11, b"a"), (39, b"coap")]), None);
        // Critical and safe, elective and safe.
        assert_eq!(stops(&[(1, b""), (5, b""), (17, b""), (65000, b"")]), None);
        // Elective and unsafe, critical and unsafe.
        assert_eq!(stops(&[(14, b""), (23, b"")]), Some(14));
        assert_eq!(stops(&[(65003, b"")]), Some(65003));
    }

    #[test]
    fn hop_limit_counts_down() {
        let next = |options: &[(u16, &[u8])]| {
            with(options, |message| {
                next_hop_limit(message, DEFAULT_HOP_LIMIT)
            })
        };
        assert_eq!(next(&[]), Ok(16));
        assert_eq!(next(&[(16, b"\xff")]), Ok(254));
        assert_eq!(next(&[(16, b"\x02")]), Ok(1));
        assert_eq!(next(&[(16, b"\x02"), (16, b"\x09")]), Ok(1));
        assert_eq!(next(&[(16, b"\x01")]), Err(HopLimitError::Reached));
        for value in [&b""[..], b"\x00", b"\x01\x00", b"\xff\xff\xff\xff\xff"] {
            assert_eq!(next(&[(16, value)]), Err(HopLimitError::OutOfRange));
        }
        assert_eq!(HopLimitError::Reached.code(), Code::HOP_LIMIT_REACHED);
        assert_eq!(HopLimitError::OutOfRange.code(), Code::BAD_REQUEST);
    }
}
