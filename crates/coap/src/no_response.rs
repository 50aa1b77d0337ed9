//! Responses that the client does not want (RFC 7967).

use crate::{Code, Message, OptionNumber};

/// In which classes of responses a client is not interested: the value of the No-Response option (RFC 7967 §2.1).
///
/// It is a matter of the response alone: a Confirmable request is acknowledged all the same, with an Empty message
/// where the response is suppressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct NoResponse(pub u8);

impl NoResponse {
    /// Interested in all.
    pub const INTERESTED: Self = Self(0);
    /// Not interested in 2.xx.
    pub const SUCCESS: Self = Self(2);
    /// Not interested in 4.xx.
    pub const CLIENT_ERROR: Self = Self(8);
    /// Not interested in 5.xx.
    pub const SERVER_ERROR: Self = Self(16);
    /// Not interested in any: the client need not listen.
    pub const ALL: Self = Self(2 | 8 | 16);

    /// The No-Response option of a request.
    pub fn of(request: &Message<'_>) -> Option<Self> {
        let value = request.uint(OptionNumber::NO_RESPONSE)?;
        u8::try_from(value).ok().map(Self)
    }

    /// Not interested in the classes of either.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the client is not interested in a response with this code.
    pub const fn suppresses(self, code: Code) -> bool {
        match code.class() {
            0 => false,
            class => self.0 & (1 << class.saturating_sub(1)) != 0,
        }
    }

    /// Whether the client is not interested in any response.
    pub const fn suppresses_all(self) -> bool {
        self.0 & Self::ALL.0 == Self::ALL.0
    }
}

/// Whether a response with this code to `request` is not to be sent.
///
/// `by_default` is what the server does without the option: false, or for a request that came by multicast
/// [`silent_to_group`]. What the option says goes before it, also where it is interest (RFC 7967 §2.1).
pub fn is_suppressed(request: &Message<'_>, code: Code, by_default: bool) -> bool {
    NoResponse::of(request).map_or(by_default, |option| option.suppresses(code))
}

/// Whether a server keeps silent to a multicast request by default, as it has nothing useful to say: an error, or a
/// success without payload (RFC 7252 §8.2).
pub const fn silent_to_group(code: Code, payload: &[u8]) -> bool {
    !code.is_success() || payload.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MessageBuilder, MessageId, Token, Type};

    fn suppressed(value: Option<&[u8]>, code: Code, by_default: bool) -> bool {
        let mut buffer = [0; 32];
        let mut builder = MessageBuilder::new(
            &mut buffer,
            Type::NonConfirmable,
            Code::PUT,
            MessageId(0x7d38),
            Token::EMPTY,
        );
        if let Some(value) = value {
            builder.option(OptionNumber::NO_RESPONSE, value);
        }
        let message = Message::parse(builder.finish().unwrap()).unwrap();
        is_suppressed(&message, code, by_default)
    }

    #[test]
    fn values_of_table_2() {
        let codes = [Code::CHANGED, Code::NOT_FOUND, Code::BAD_GATEWAY];
        for (value, expected) in [
            (&b""[..], [false, false, false]),
            (b"\x00", [false, false, false]),
            (b"\x02", [true, false, false]),
            (b"\x08", [false, true, false]),
            (b"\x10", [false, false, true]),
            (b"\x12", [true, false, true]),
            (b"\x1a", [true, true, true]),
            (b"\xff", [true, true, true]),
            // Too long: as if absent.
            (b"\x00\x1a", [false, false, false]),
        ] {
            assert_eq!(
                codes.map(|code| suppressed(Some(value), code, false)),
                expected
            );
        }
        assert_eq!(
            NoResponse::SUCCESS.and(NoResponse::SERVER_ERROR),
            NoResponse(18)
        );
        assert_eq!(NoResponse::ALL, NoResponse(26));
        assert!(NoResponse::ALL.suppresses_all() && NoResponse(255).suppresses_all());
        assert!(!NoResponse(18).suppresses_all());
        assert!(!NoResponse(255).suppresses(Code::EMPTY));
    }

    #[test]
    fn interest_overrides_the_silence_of_a_group() {
        assert!(silent_to_group(Code::NOT_FOUND, b"why"));
        assert!(silent_to_group(Code::CHANGED, b""));
        assert!(!silent_to_group(Code::CONTENT, b"x"));
        assert!(suppressed(None, Code::NOT_FOUND, true));
        assert!(!suppressed(None, Code::NOT_FOUND, false));
        // The example of RFC 7967 §2.1: not interested in success only.
        assert!(!suppressed(Some(b"\x02"), Code::NOT_FOUND, true));
        assert!(suppressed(Some(b"\x02"), Code::CHANGED, true));
        assert!(!suppressed(Some(b""), Code::CHANGED, true));
    }
}
