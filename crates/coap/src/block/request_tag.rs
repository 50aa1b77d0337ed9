//! Tags of bodies: `ETag` of a response's, Request-Tag of a request's (RFC 9175 §3).

use core::fmt;

use crate::Message;
use crate::OptionNumber;

/// The value of an `ETag` (RFC 7252 §5.10.6) or of a Request-Tag (RFC 9175 §3.2.1): up to eight bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Tag {
    // Bytes beyond `len` are zero, so that the derived comparison is right.
    bytes: [u8; Self::MAX_LEN],
    len: u8,
}

impl Tag {
    /// The greatest length in bytes.
    pub const MAX_LEN: usize = 8;

    /// The tag of these bytes; `None` when there are more than eight.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let mut tag = Self {
            len: u8::try_from(bytes.len()).ok()?,
            ..Self::default()
        };
        tag.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(tag)
    }

    /// The tag of the bytes of `number` without leading zeros: none for 0.
    pub fn from_number(number: u64) -> Self {
        let bytes = number.to_be_bytes();
        let zeros = usize::try_from(number.leading_zeros() / 8).unwrap_or(0);
        bytes.get(zeros..).and_then(Self::new).unwrap_or_default()
    }

    /// The first Request-Tag of `message`.
    pub fn of_request(message: &Message<'_>) -> Option<Self> {
        message
            .option(OptionNumber::REQUEST_TAG)
            .and_then(Self::new)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// The Request-Tag for a new operation: `None`, the absent option, or the shortest value that is not `in_use`
    /// (RFC 9175 §3.4, §3.5.2).
    ///
    /// `in_use` has the tags, absent ones too, of all operations that the server could take for the new one (same
    /// server, method and options) and that are either still going on, unless the new one is to replace them, or have
    /// ended but are not [concluded](Protection::concludes). So a client that does one transfer at a time and is not
    /// concerned with body integrity always gets `None`, which costs nothing.
    ///
    /// The time grows with the square of the number of tags in use.
    pub fn unused(in_use: impl Iterator<Item = Option<Self>> + Clone) -> Option<Self> {
        let is_free = |tag: Option<Self>| in_use.clone().all(|used| used != tag);
        if is_free(None) {
            return None;
        }
        // Among n + 1 values one is free where n are in use.
        (0..=u64::MAX)
            .map(Self::from_number)
            .find(|tag| is_free(Some(*tag)))
    }
}

impl fmt::Debug for Tag {
    /// Hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.as_bytes()
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Gives tags of four bytes in sequence from a random start: for those who must give each body a tag of its own, as
/// Q-Block1 and Q-Block2 demand (RFC 9177 §4.3, §4.4, Implementation Notes).
#[derive(Clone, Debug)]
pub struct Tags {
    next: u32,
}

impl Tags {
    /// Starts at `random`, which should be unpredictable.
    pub const fn new(random: u32) -> Self {
        Self { next: random }
    }

    /// The next tag; the same again after 2^32.
    pub fn next_tag(&mut self) -> Tag {
        let tag = Tag::new(&self.next.to_be_bytes()).unwrap_or_default();
        self.next = self.next.wrapping_add(1);
        tag
    }
}

/// What protects the messages of an operation, as far as it decides when a Request-Tag may be used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Nothing: a tag protects from nobody who can alter messages.
    None,
    /// DTLS with replay protection.
    Dtls,
    /// OSCORE.
    Oscore,
    /// A security layer that delivers in order, such as TLS.
    Ordered,
}

impl Protection {
    /// Whether an operation that has ended is concluded: none of its messages would be valid if replayed, so that its
    /// tag may be used again in an operation that matches it (RFC 9175 §3.5.1).
    ///
    /// `answered`: each of its requests got a response (with OSCORE, one that it has verified; an Empty
    /// Acknowledgement is none). `retransmitted`: some request was sent more than once. What is not concluded stays in
    /// use until the messages can no longer be replayed, at worst as long as the security context.
    pub const fn concludes(self, answered: bool, retransmitted: bool) -> bool {
        match self {
            Self::None | Self::Ordered => true,
            Self::Oscore => answered,
            Self::Dtls => answered && !retransmitted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_as_short_as_possible() {
        assert!(Tag::from_number(0).as_bytes().is_empty());
        assert_eq!(Tag::from_number(0x1ff).as_bytes(), [1, 0xff]);
        assert_eq!(Tag::new(&[0; 9]), None);
        assert_ne!(Tag::new(&[0]), Tag::new(&[]));

        // RFC 9175 §3.5.2: absent first, then the empty value, then one byte.
        let mut used = std::vec::Vec::new();
        for expected in [None, Some(&[][..]), Some(&[1]), Some(&[2])] {
            let tag = Tag::unused(used.iter().copied());
            assert_eq!(tag, expected.and_then(Tag::new));
            used.push(tag);
        }
        used.remove(1);
        assert_eq!(Tag::unused(used.iter().copied()), Tag::new(&[]));
        for _ in 0..300 {
            let tag = Tag::unused(used.iter().copied());
            assert!(!used.contains(&tag));
            used.push(tag);
        }
    }

    #[test]
    fn sequences_wrap() {
        let mut tags = Tags::new(u32::MAX);
        assert_eq!(tags.next_tag().as_bytes(), [0xff; 4]);
        assert_eq!(tags.next_tag().as_bytes(), [0; 4]);
    }

    #[test]
    fn conclusion_follows_the_protection() {
        // RFC 9175 §3.5.1.
        for (protection, answered, retransmitted, concluded) in [
            (Protection::Ordered, false, true, true),
            (Protection::Oscore, false, false, false),
            (Protection::Oscore, true, true, true),
            (Protection::Dtls, true, false, true),
            (Protection::Dtls, true, true, false),
            (Protection::Dtls, false, false, false),
        ] {
            assert_eq!(protection.concludes(answered, retransmitted), concluded);
        }
    }
}
