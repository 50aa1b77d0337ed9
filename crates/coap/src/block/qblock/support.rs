//! Whether a peer knows Q-Block at all, and the tokens of a body.

use crate::{Code, Message, OptionNumber, Token, Type};

/// What a client knows of a server: whether it understands Q-Block1 and Q-Block2 (RFC 9177 §4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum QBlockSupport {
    /// Not asked yet: the first request with such an option must be Confirmable, as a Non-confirmable one might be
    /// ignored without a word.
    #[default]
    Unknown,
    /// It does.
    Supported,
    /// It does not: use Block1 and Block2.
    Unsupported,
}

impl QBlockSupport {
    /// Learns from the response to a request that had one of the options: true when the operation must be begun again
    /// with Block1 and Block2.
    pub fn learn(&mut self, response: &Message<'_>) -> bool {
        match response.code() {
            Code::BAD_OPTION => *self = Self::Unsupported,
            code if code.is_success() => *self = Self::Supported,
            _ => {}
        }
        *self == Self::Unsupported
    }

    /// The type of the next message that has one of the options, where Non-confirmable ones are wanted.
    pub const fn message_type(self) -> Type {
        match self {
            Self::Supported => Type::NonConfirmable,
            _ => Type::Confirmable,
        }
    }

    /// Whether a request shows that its sender understands both options (RFC 9177 §4.1): then its response may be in
    /// Q-Block2.
    pub fn of_client(request: &Message<'_>) -> bool {
        [OptionNumber::Q_BLOCK1, OptionNumber::Q_BLOCK2]
            .into_iter()
            .any(|number| request.values(number).next().is_some())
    }
}

/// The tokens of all requests of one body: eight bytes, of which the upper half counts the requests and the lower half
/// is the body's, so that one number is enough to know them all (RFC 9177 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QBlockTokens {
    body: u32,
    count: u32,
}

impl QBlockTokens {
    /// The tokens of a body: `random` must differ from those of all other bodies that are under way to the same peer.
    pub const fn new(random: u32) -> Self {
        Self {
            body: random,
            count: 0,
        }
    }

    /// A token for the next request, or the same request again.
    pub fn next_token(&mut self) -> Token {
        let token = u64::from(self.count) << 32 | u64::from(self.body);
        self.count = self.count.wrapping_add(1);
        Token::from(token.to_be_bytes())
    }

    /// Whether a response with this token answers one of the requests.
    pub fn owns(&self, token: &Token) -> bool {
        let Some((count, body)) = token.as_bytes().split_first_chunk() else {
            return false;
        };
        body == self.body.to_be_bytes() && u32::from_be_bytes(*count) < self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_a_body() {
        let mut tokens = QBlockTokens::new(0xabcd);
        let first = tokens.next_token();
        assert_eq!(first, Token::from([0, 0, 0, 0, 0, 0, 0xab, 0xcd]));
        let second = tokens.next_token();
        assert!(tokens.owns(&first) && tokens.owns(&second));
        assert!(
            !tokens.owns(&Token::from([0, 0, 0, 2, 0, 0, 0xab, 0xcd])),
            "not sent"
        );
        assert!(!tokens.owns(&Token::from([0, 0, 0, 0, 0, 0, 0xab, 0xce])));
        assert!(!tokens.owns(&Token::EMPTY));
    }

    #[test]
    fn support_is_found_out_by_confirmable_requests() {
        let mut support = QBlockSupport::default();
        assert_eq!(support.message_type(), Type::Confirmable);
        let response = |code: Code| [0x40, code.0, 0, 1];
        let learn = |support: &mut QBlockSupport, code| {
            support.learn(&Message::parse(&response(code)).unwrap())
        };
        assert!(!learn(&mut support, Code::NOT_FOUND));
        assert_eq!(support, QBlockSupport::Unknown);
        assert!(!learn(&mut support, Code::CONTENT));
        assert_eq!(support.message_type(), Type::NonConfirmable);
        assert!(learn(&mut support, Code::BAD_OPTION));
        assert_eq!(support, QBlockSupport::Unsupported);
    }
}
