//! Which requests of a peer belong to one block-wise operation.

#[expect(
    deprecated,
    reason = "the keyed hash that core has; what replaced it is in std"
)]
use core::hash::{Hasher, SipHasher};

use crate::{Message, OptionNumber};

/// Tells the block-wise operations of one peer apart: requests with the same key belong to the same operation
/// (RFC 7959 §2.4, §2.5, RFC 9175 §3.3).
///
/// It is a hash (SipHash-2-4, 64 bits) over method and options, and takes eight bytes where the options themselves
/// would take any number of bytes. Of all options these are left out: the Block and Q-Block options; Observe,
/// If-None-Match and `ETag`, which stand in the first request only (RFC 7959 §2.6, §2.10, RFC 9177 §4.4);
/// Content-Format, which is left out where a response is continued and which
/// [`BlockReceiver`](super::BlockReceiver) compares; and those that are elective and `NoCacheKey`, as are Size1, Size2
/// and Echo. The list of Request-Tags is part of it.
///
/// Two bodies must not be mixed because their hashes are the same. So the owner compares the peer's address, and the
/// security context where there is one, exactly, beside the key: a collision can only hit two operations that one peer
/// has under way at the same time, by chance with a probability of 2^-64, and a peer that could make one on purpose
/// would mix up nothing but its own bodies. It cannot, as long as the seed is random and secret.
///
/// ```
/// use dunlin_coap::block::TransferKey;
/// use dunlin_coap::Message;
///
/// // PUT /a with Block1 0/1/16, then 1/0/16; and PUT /b.
/// let seed = [0x5eed, 0xfeed];
/// let key = |bytes: &[u8]| TransferKey::new(&Message::parse(bytes).unwrap(), seed);
/// let first = key(&[0x40, 3, 0, 1, 0xb1, b'a', 0xd1, 3, 0x08]);
/// assert_eq!(first, key(&[0x40, 3, 0, 2, 0xb1, b'a', 0xd1, 3, 0x10]));
/// assert_ne!(first, key(&[0x40, 3, 0, 3, 0xb1, b'b', 0xd1, 3, 0x08]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TransferKey(u64);

impl TransferKey {
    /// The key of a request. The seed must be the same for all keys that are compared, random, and unknown to peers.
    #[expect(deprecated, reason = "see the import")]
    pub fn new(request: &Message<'_>, seed: [u64; 2]) -> Self {
        let [first, second] = seed;
        let mut hasher = SipHasher::new_with_keys(first, second);
        hasher.write_u8(request.code().0);
        for (number, value) in request.options() {
            if !distinguishes(number) {
                continue;
            }
            // The length too, so that no two lists of options have the same bytes.
            let len = u16::try_from(value.len()).unwrap_or(u16::MAX);
            hasher.write(&number.0.to_be_bytes());
            hasher.write(&len.to_be_bytes());
            hasher.write(value);
        }
        Self(hasher.finish())
    }
}

/// Whether requests that differ in this option belong to different operations.
fn distinguishes(number: OptionNumber) -> bool {
    !matches!(
        number,
        OptionNumber::BLOCK1
            | OptionNumber::BLOCK2
            | OptionNumber::Q_BLOCK1
            | OptionNumber::Q_BLOCK2
            | OptionNumber::OBSERVE
            | OptionNumber::IF_NONE_MATCH
            | OptionNumber::ETAG
            | OptionNumber::CONTENT_FORMAT
    ) && (number.is_critical() || number.is_unsafe() || !number.is_no_cache_key())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Code, MessageBuilder, MessageId, Token, Type};

    fn key(code: Code, seed: u64, write: impl FnOnce(&mut MessageBuilder<'_>)) -> TransferKey {
        let mut buffer = [0; 128];
        let token = Token::EMPTY;
        let mut builder =
            MessageBuilder::new(&mut buffer, Type::Confirmable, code, MessageId(1), token);
        write(&mut builder);
        let request = Message::parse(builder.finish().unwrap()).unwrap();
        TransferKey::new(&request, [seed, 0])
    }

    #[test]
    fn what_one_operation_may_vary() {
        let first = key(Code::POST, 1, |m| {
            m.option(OptionNumber::ETAG, b"e")
                .empty(OptionNumber::IF_NONE_MATCH)
                .observe(0)
                .path(["a", "b"])
                .content_format(42)
                .uint(OptionNumber::BLOCK1, 8)
                .uint(OptionNumber::SIZE1, 300)
                .option(OptionNumber::ECHO, b"echo")
                .option(OptionNumber::REQUEST_TAG, b"t");
        });
        let later = key(Code::POST, 1, |m| {
            m.path(["a", "b"])
                .uint(OptionNumber::BLOCK2, 0x10)
                .uint(OptionNumber::SIZE2, 0)
                .option(OptionNumber::REQUEST_TAG, b"t");
        });
        assert_eq!(first, later);
    }

    #[test]
    fn what_makes_another_operation() {
        let with_tags = |tags: &[&[u8]]| {
            let tags = std::vec::Vec::from(tags);
            key(Code::PUT, 1, |m| {
                m.path(["a"]);
                for tag in tags {
                    m.option(OptionNumber::REQUEST_TAG, tag);
                }
            })
        };
        let keys = [
            with_tags(&[]),
            // RFC 9175 §3.3: another list of tags, §3.4: the absent one is not the empty one.
            with_tags(&[b""]),
            with_tags(&[b"a"]),
            with_tags(&[b"a", b""]),
            with_tags(&[b"", b"a"]),
            with_tags(&[b"a", b"a"]),
            key(Code::POST, 1, |m| {
                m.path(["a"]);
            }),
            key(Code::PUT, 2, |m| {
                m.path(["a"]);
            }),
            key(Code::PUT, 1, |m| {
                m.path(["a", ""]);
            }),
            key(Code::PUT, 1, |m| {
                m.path(["a"]).query(["b"]);
            }),
            key(Code::PUT, 1, |m| {
                m.path(["a"]).accept(42);
            }),
            key(Code::PUT, 1, |m| {
                m.option(OptionNumber::URI_HOST, b"h").path(["a"]);
            }),
        ];
        for (i, a) in keys.iter().enumerate() {
            for b in keys.get(i + 1..).unwrap() {
                assert_ne!(a, b, "{i}");
            }
        }
    }
}
