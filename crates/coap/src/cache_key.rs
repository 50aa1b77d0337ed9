//! What a cache needs to know of requests and responses (RFC 7252 §5.6).

use core::hash::{Hash, Hasher};

use crate::time::Duration;
use crate::{Code, DEFAULT_MAX_AGE, Message, OptionNumber};

/// What two requests must have in common for the response to one to serve the other: the method, the options that are
/// part of the Cache-Key, and for a FETCH the payload (RFC 7252 §5.6, RFC 8132 §2).
///
/// `Eq` and `Hash` compare that and nothing else. To the Cache-Key belong all options but
///
/// - those that are `NoCacheKey` by their number, such as Size1 or Echo (RFC 7252 §5.4.2);
/// - Observe (RFC 7641 §2) and No-Response (RFC 7967 §3.3);
/// - those that the cache interprets itself and so [leaves out](CacheKey::without), such as the `ETag` of a request
///   when it validates, or Block2 when it stores whole bodies.
///
/// The key does not hold the destination: where Uri-Host and Uri-Port are absent, they are that by default.
///
/// ```
/// use dunlin_coap::{CacheKey, Code, Message, MessageBuilder, MessageId, OptionNumber, Token, Type};
///
/// let mut first = [0; 32];
/// let first = MessageBuilder::new(&mut first, Type::Confirmable, Code::GET, MessageId(1), Token::EMPTY)
///     .path(["a"])
///     .finish()?;
/// let mut second = [0; 32];
/// let second = MessageBuilder::new(&mut second, Type::NonConfirmable, Code::GET, MessageId(2), Token::from([1; 4]))
///     .observe(0)
///     .path(["a"])
///     .finish()?;
/// let (first, second) = (Message::parse(first)?, Message::parse(second)?);
/// assert_eq!(CacheKey::of(&first), CacheKey::of(&second));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct CacheKey<'a> {
    request: Message<'a>,
    is_left_out: fn(OptionNumber) -> bool,
}

impl<'a> CacheKey<'a> {
    /// The key of a request.
    pub fn of(request: &Message<'a>) -> Self {
        Self::without(request, |_| false)
    }

    /// The key of a request for a cache that interprets more options itself (RFC 7252 §5.6).
    pub const fn without(request: &Message<'a>, is_left_out: fn(OptionNumber) -> bool) -> Self {
        Self {
            request: *request,
            is_left_out,
        }
    }

    /// The method.
    pub const fn method(&self) -> Code {
        self.request.code()
    }

    /// The options in the key, in their order.
    pub fn options(&self) -> impl Iterator<Item = (OptionNumber, &'a [u8])> + Clone + use<'a> {
        let is_left_out = self.is_left_out;
        self.request
            .options()
            .filter(move |(number, _)| is_in_key(*number) && !is_left_out(*number))
    }

    /// The payload where it is part of the key, else nothing.
    pub fn payload(&self) -> &'a [u8] {
        if self.method() == Code::FETCH {
            self.request.payload()
        } else {
            &[]
        }
    }
}

fn is_in_key(number: OptionNumber) -> bool {
    !number.is_no_cache_key()
        && !matches!(number, OptionNumber::OBSERVE | OptionNumber::NO_RESPONSE)
}

impl PartialEq for CacheKey<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.method() == other.method()
            && self.options().eq(other.options())
            && self.payload() == other.payload()
    }
}

impl Eq for CacheKey<'_> {}

impl Hash for CacheKey<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.method().hash(state);
        for option in self.options() {
            option.hash(state);
        }
        self.payload().hash(state);
    }
}

/// For how long a response may be used for other requests with the same [`CacheKey`]: its Max-Age (RFC 7252 §5.6.1).
///
/// `None` when it must not be stored: success codes but 2.05 are not cacheable or not known, and a 2.03 renews a stored
/// response and is none itself (RFC 7252 §5.9.1). Errors are cacheable.
pub fn fresh_for(response: &Message<'_>) -> Option<Duration> {
    let code = response.code();
    let is_cacheable = code == Code::CONTENT || matches!(code.class(), 4 | 5);
    let seconds = response
        .uint(OptionNumber::MAX_AGE)
        .unwrap_or(DEFAULT_MAX_AGE);
    (is_cacheable && seconds > 0).then(|| Duration::from_secs(u64::from(seconds)))
}

/// Whether a response makes those stale that are stored for the same URI: 2.01, 2.02 and 2.04 (RFC 7252 §5.9.1).
pub const fn makes_stale(code: Code) -> bool {
    matches!(code, Code::CREATED | Code::DELETED | Code::CHANGED)
}

/// The Max-Age in seconds of a response that was stored for `age` and is given out again: what is left of it
/// (RFC 7252 §5.7.1).
pub fn max_age_left(response: &Message<'_>, age: Duration) -> u32 {
    let seconds = response
        .uint(OptionNumber::MAX_AGE)
        .unwrap_or(DEFAULT_MAX_AGE);
    let age = u32::try_from(age.as_millis().div_ceil(1000)).unwrap_or(u32::MAX);
    seconds.saturating_sub(age)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MessageBuilder, MessageId, Token, Type};
    use core::hash::BuildHasher;
    use std::hash::RandomState;
    use std::vec::Vec;

    type Options<'a> = &'a [(u16, &'a [u8])];

    fn build(code: Code, options: Options<'_>, payload: &[u8]) -> Vec<u8> {
        let mut buffer = [0; 256];
        let mut builder = MessageBuilder::new(
            &mut buffer,
            Type::Confirmable,
            code,
            MessageId(1),
            Token::EMPTY,
        );
        for (number, value) in options {
            builder.option(OptionNumber(*number), value);
        }
        builder.payload(payload).finish().unwrap().to_vec()
    }

    fn same_with(
        left_out: fn(OptionNumber) -> bool,
        a: (Code, Options<'_>, &[u8]),
        b: (Code, Options<'_>, &[u8]),
    ) -> bool {
        let (a, b) = (build(a.0, a.1, a.2), build(b.0, b.1, b.2));
        let (a, b) = (Message::parse(&a).unwrap(), Message::parse(&b).unwrap());
        let (a, b) = (
            CacheKey::without(&a, left_out),
            CacheKey::without(&b, left_out),
        );
        let hasher = RandomState::new();
        assert_eq!(a == b, hasher.hash_one(a) == hasher.hash_one(b));
        a == b
    }

    fn same(a: (Code, Options<'_>, &[u8]), b: (Code, Options<'_>, &[u8])) -> bool {
        same_with(|_| false, a, b)
    }

    #[test]
    fn options_that_do_not_matter() {
        let plain: Options<'_> = &[(11, b"a"), (17, b"\x28")];
        // Observe, Size2, Size1, Echo, No-Response, and an unknown NoCacheKey option.
        let more: Options<'_> = &[
            (6, b""),
            (11, b"a"),
            (17, b"\x28"),
            (28, b""),
            (60, b"\x05"),
            (252, b"echo"),
            (258, b"\x02"),
            (65308, b"?"),
        ];
        assert!(same((Code::GET, plain, b""), (Code::GET, more, b"")));
    }

    #[test]
    fn options_that_matter() {
        let plain: Options<'_> = &[(11, b"a")];
        let others: [Options<'_>; 9] = [
            &[],
            &[(11, b"b")],
            &[(11, b"a"), (11, b"")],
            &[(3, b"h"), (11, b"a")],
            &[(4, b"tag"), (11, b"a")],
            &[(11, b"a"), (15, b"")],
            &[(11, b"a"), (16, b"\x05")],
            &[(11, b"a"), (23, b"")],
            &[(11, b"a"), (65000, b"")],
        ];
        for other in others {
            assert!(!same((Code::GET, plain, b""), (Code::GET, other, b"")));
        }
        // Elective and critical alike, unless the cache interprets them.
        let with_tag: Options<'_> = &[(4, b"tag"), (11, b"a"), (23, b"")];
        let left_out = |number| matches!(number, OptionNumber::ETAG | OptionNumber::BLOCK2);
        assert!(same_with(
            left_out,
            (Code::GET, plain, b""),
            (Code::GET, with_tag, b"")
        ));
    }

    #[test]
    fn method_and_payload() {
        let path: Options<'_> = &[(11, b"a")];
        assert!(!same((Code::GET, path, b""), (Code::FETCH, path, b"")));
        assert!(same((Code::FETCH, path, b"x"), (Code::FETCH, path, b"x")));
        assert!(!same((Code::FETCH, path, b"x"), (Code::FETCH, path, b"y")));
        assert!(same((Code::POST, path, b"x"), (Code::POST, path, b"y")));
        // What ends where is part of it.
        let (a, b): (Options<'_>, Options<'_>) =
            (&[(11, b"ab"), (11, b"c")], &[(11, b"a"), (11, b"bc")]);
        assert!(!same((Code::GET, a, b""), (Code::GET, b, b"")));
    }

    #[test]
    fn how_long_responses_are_fresh() {
        let parse = |code, options: Options<'_>| {
            let bytes = build(code, options, b"");
            let message = Message::parse(&bytes).unwrap();
            let left = max_age_left(&message, Duration::from_millis(19_001));
            (fresh_for(&message).map(Duration::as_secs), left)
        };
        assert_eq!(parse(Code::CONTENT, &[]), (Some(60), 40));
        assert_eq!(parse(Code::CONTENT, &[(14, b"\x0a")]), (Some(10), 0));
        assert_eq!(parse(Code::CONTENT, &[(14, b"")]), (None, 0));
        assert_eq!(parse(Code::NOT_FOUND, &[]).0, Some(60));
        assert_eq!(parse(Code::GATEWAY_TIMEOUT, &[]).0, Some(60));
        for code in [Code::CREATED, Code::DELETED, Code::CHANGED] {
            assert!(makes_stale(code));
            assert_eq!(parse(code, &[]).0, None);
        }
        for code in [Code::VALID, Code::CONTINUE, Code(0x5e)] {
            assert!(!makes_stale(code));
            assert_eq!(parse(code, &[]).0, None);
        }
    }
}
