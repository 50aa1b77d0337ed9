//! Sources of message ids and tokens.

mod pool;

pub use pool::{Exhausted, MessageIdPool};

use rand_core::Rng;

use crate::{MessageId, Token};

/// Gives message ids in sequence from a random start (RFC 7252 §4.4).
///
/// An id must not be used again towards the same peer within `EXCHANGE_LIFETIME`: one sequence for all peers holds
/// for 65536 messages in that time, about 265 a second. [`MessageIdPool`] says when that is too few.
#[derive(Clone, Debug)]
pub struct MessageIds {
    next: u16,
}

impl MessageIds {
    /// Starts at `random`, which should be unpredictable.
    #[inline]
    pub const fn new(random: u16) -> Self {
        Self { next: random }
    }

    /// The next id.
    #[inline]
    pub const fn next(&mut self) -> MessageId {
        let id = MessageId(self.next);
        self.next = self.next.wrapping_add(1);
        id
    }
}

/// Gives random tokens (RFC 7252 §5.3.1).
///
/// A token must differ from those of the requests that are still open towards the same peer, which only the owner
/// knows: draw again when it does not. Without DTLS or OSCORE a token should have at least 4 random bytes, as it is
/// what keeps off-path attackers from forging responses.
#[derive(Clone, Debug)]
pub struct Tokens {
    len: usize,
}

impl Tokens {
    /// Tokens of `len` bytes; above 8 counts as 8.
    #[inline]
    pub const fn new(len: usize) -> Self {
        Self {
            len: if len > Token::MAX_LEN {
                Token::MAX_LEN
            } else {
                len
            },
        }
    }

    /// A random token.
    #[inline]
    pub fn next(&self, rng: &mut impl Rng) -> Token {
        let bytes = rng.next_u64().to_ne_bytes();
        bytes
            .get(..self.len)
            .and_then(Token::new)
            .unwrap_or_default()
    }
}

impl Default for Tokens {
    /// Tokens of 4 bytes.
    fn default() -> Self {
        Self::new(4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_ids_wrap() {
        let mut ids = MessageIds::new(0xffff);
        assert_eq!(ids.next(), MessageId(0xffff));
        assert_eq!(ids.next(), MessageId(0));
    }

    #[test]
    fn tokens_have_the_length_and_differ() {
        struct Counter(u64);
        impl rand_core::TryRng for Counter {
            type Error = core::convert::Infallible;
            fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
                unreachable!()
            }
            fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
                self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
                Ok(self.0)
            }
            fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Self::Error> {
                unreachable!()
            }
        }
        let mut rng = Counter(1);
        assert_ne!(
            Tokens::default().next(&mut rng),
            Tokens::default().next(&mut rng)
        );
        assert_eq!(Tokens::default().next(&mut rng).len(), 4);
        assert_eq!(Tokens::new(99).next(&mut rng).len(), 8);
        assert_eq!(Tokens::new(0).next(&mut rng), Token::EMPTY);
    }
}
