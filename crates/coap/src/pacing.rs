//! How much may be under way, and when: `NSTART`, `PROBING_RATE`, leisure, and what a server asks for (RFC 7252 §4.7,
//! §8.2, RFC 8516).
//!
//! Each part is a few bytes for each peer, or for each group; the owner keeps it where it keeps the peer.

use crate::time::{Duration, Instant};
use crate::{Code, DEFAULT_MAX_AGE, Message, OptionNumber, Parameters};

/// Counts the outstanding interactions with one peer, so that there are never more than `NSTART` (RFC 7252 §4.7).
///
/// An interaction is outstanding from a Confirmable message or a request on, until the Acknowledgement, the Reset or the
/// response comes or is no longer expected: a request ends with its Acknowledgement, though its response is yet to come.
/// A notification counts too (RFC 7641 §4.5.1). What may not begin waits in a queue of the owner, or is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Outstanding(u8);

impl Outstanding {
    /// None is outstanding.
    pub const NONE: Self = Self(0);

    /// How many are outstanding.
    pub const fn count(self) -> u8 {
        self.0
    }

    /// Begins an interaction and is true, if another may begin; an `NSTART` of 0 counts as 1.
    #[must_use]
    pub const fn begin(&mut self, parameters: &Parameters) -> bool {
        if !self.may_begin(parameters) {
            return false;
        }
        self.0 = self.0.saturating_add(1);
        true
    }

    /// Whether another interaction may begin.
    pub const fn may_begin(self, parameters: &Parameters) -> bool {
        self.0 == 0 || self.0 < parameters.nstart
    }

    /// Ends an interaction.
    pub const fn end(&mut self) {
        self.0 = self.0.saturating_sub(1);
    }
}

/// The budget of bytes towards one peer that does not respond: on average no more than `PROBING_RATE`
/// (RFC 7252 §4.7).
///
/// It bounds how soon a client stops to expect the response to a Non-confirmable request, or to an acknowledged one, and
/// may send the next: with the default of one byte a second, a request of 60 bytes a minute later. A peer that
/// responds is not limited by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Probing {
    /// When what was sent without hearing of the peer is worth its time.
    ready_at: Instant,
}

impl Probing {
    /// Nothing was sent since the peer was heard.
    pub const NEW: Self = Self {
        ready_at: Instant::ZERO,
    };

    /// Whether a message may be sent.
    pub fn may_send(&self, now: Instant) -> bool {
        self.ready_at <= now
    }

    /// When a message may be sent.
    pub const fn ready_at(&self) -> Instant {
        self.ready_at
    }

    /// A message of `len` bytes was sent.
    pub fn on_sent(&mut self, now: Instant, len: usize, parameters: &Parameters) {
        let bytes = u64::try_from(len).unwrap_or(u64::MAX);
        let rate = u64::from(parameters.probing_rate.max(1));
        let millis = bytes.saturating_mul(1000).div_ceil(rate);
        self.ready_at = self
            .ready_at
            .max(now)
            .saturating_add(Duration::from_millis(millis));
    }

    /// A message of the peer has come.
    pub const fn on_heard(&mut self) {
        *self = Self::NEW;
    }
}

/// When to answer requests to a group, so that its members do not answer at once (RFC 7252 §8.2).
///
/// One for each group that the server has joined: the next period begins when the one before it has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Leisure {
    period_ends: Instant,
}

impl Leisure {
    /// No period has begun.
    pub const NEW: Self = Self {
        period_ends: Instant::ZERO,
    };

    /// When to answer a request that has come at `now`: some time in a period of `leisure`, which is
    /// [`default_leisure`](Parameters::default_leisure) where [`least_leisure`] cannot be computed.
    ///
    /// `random` is any random number.
    pub fn pick(&mut self, now: Instant, leisure: Duration, random: u32) -> Instant {
        let begins = self.period_ends.max(now);
        self.period_ends = begins.saturating_add(leisure);
        let spread = u128::from(leisure.as_millis()).saturating_mul(u128::from(random)) >> 32;
        begins.saturating_add(Duration::from_millis(
            u64::try_from(spread).unwrap_or(u64::MAX),
        ))
    }
}

/// The lower bound of the leisure of a group with this many members, for responses of `size` bytes and a network that
/// is to carry `rate` bytes a second (RFC 7252 §8.2).
pub fn least_leisure(members: u32, size: u32, rate: u32) -> Duration {
    let millis = u128::from(members)
        .saturating_mul(u128::from(size))
        .saturating_mul(1000)
        .div_ceil(u128::from(rate.max(1)));
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

/// For how long a server asks to be left in peace by its response: the Max-Age of a 4.29 Too Many Requests, to requests
/// of the same kind (RFC 8516 §3), and of a 5.03 Service Unavailable (RFC 7252 §5.9.3.4). 60 s where it does not say.
///
/// `None` for all other responses.
pub fn retry_after(response: &Message<'_>) -> Option<Duration> {
    if !matches!(
        response.code(),
        Code::TOO_MANY_REQUESTS | Code::SERVICE_UNAVAILABLE
    ) {
        return None;
    }
    let seconds = response
        .uint(OptionNumber::MAX_AGE)
        .unwrap_or(DEFAULT_MAX_AGE);
    Some(Duration::from_secs(u64::from(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MessageBuilder, MessageId, Token, Type};
    use proptest::prelude::*;

    const PARAMETERS: Parameters = Parameters::DEFAULT;

    #[test]
    fn nstart_bounds_the_outstanding() {
        let mut outstanding = Outstanding::NONE;
        assert!(outstanding.begin(&PARAMETERS));
        assert!(!outstanding.may_begin(&PARAMETERS));
        assert!(!outstanding.begin(&PARAMETERS));
        let three = Parameters {
            nstart: 3,
            ..PARAMETERS
        };
        assert!(outstanding.begin(&three));
        assert!(outstanding.begin(&three));
        assert!(!outstanding.begin(&three));
        assert_eq!(outstanding.count(), 3);
        for _ in 0..4 {
            outstanding.end();
        }
        assert_eq!(outstanding, Outstanding::NONE);
        // Else nothing could ever be sent.
        let none = Parameters {
            nstart: 0,
            ..PARAMETERS
        };
        assert!(outstanding.begin(&none));
    }

    #[test]
    fn a_silent_peer_gets_a_byte_a_second() {
        let mut probing = Probing::NEW;
        let at = Instant::from_secs;
        assert!(probing.may_send(at(100)));
        probing.on_sent(at(100), 60, &PARAMETERS);
        assert!(!probing.may_send(at(159)));
        assert!(probing.may_send(at(160)));
        // Sent all the same: it adds up.
        probing.on_sent(at(110), 40, &PARAMETERS);
        assert_eq!(probing.ready_at(), at(200));
        probing.on_heard();
        assert!(probing.may_send(at(110)));
    }

    #[test]
    fn answers_to_a_group_are_spread() {
        let mut leisure = Leisure::NEW;
        let five = PARAMETERS.default_leisure;
        let at = Instant::from_secs;
        assert_eq!(leisure.pick(at(10), five, 0), at(10));
        // The period goes on until 15 s, the next until 20 s.
        assert_eq!(leisure.pick(at(11), five, 0), at(15));
        assert_eq!(
            leisure.pick(at(12), five, 1 << 31),
            at(20) + Duration::from_millis(2500)
        );
        assert_eq!(leisure.pick(at(100), five, 0), at(100));
        // The example of RFC 7252 §8.2.
        assert_eq!(least_leisure(100, 100, 1000), Duration::from_secs(10));
        assert_eq!(least_leisure(u32::MAX, u32::MAX, 0), Duration::MAX);
    }

    #[test]
    fn servers_that_ask_for_patience() {
        let ask = |code, max_age: Option<u32>| {
            let mut buffer = [0; 16];
            let mut builder = MessageBuilder::new(
                &mut buffer,
                Type::Acknowledgement,
                code,
                MessageId(1),
                Token::EMPTY,
            );
            if let Some(seconds) = max_age {
                builder.max_age(seconds);
            }
            retry_after(&Message::parse(builder.finish().unwrap()).unwrap())
        };
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(ask(Code::TOO_MANY_REQUESTS, Some(8)), seconds(8));
        assert_eq!(ask(Code::TOO_MANY_REQUESTS, None), seconds(60));
        assert_eq!(ask(Code::SERVICE_UNAVAILABLE, Some(0)), seconds(0));
        assert_eq!(ask(Code::CONTENT, Some(8)), None);
        assert_eq!(ask(Code::INTERNAL_SERVER_ERROR, Some(8)), None);
    }

    proptest! {
        #[test]
        fn the_average_rate_is_kept(
            rate in 1..2000_u32,
            sends in prop::collection::vec((0..500_000_u64, 1..1500_usize), 1..50),
        ) {
            let parameters = Parameters { probing_rate: rate, ..PARAMETERS };
            let mut probing = Probing::NEW;
            let mut now = Instant::ZERO;
            let mut sent = 0_u64;
            let mut last = 0;
            for (wait, len) in sends {
                now += Duration::from_millis(wait);
                if probing.may_send(now) {
                    // All but the message that is sent now.
                    prop_assert!(sent * 1000 <= now.as_millis() * u64::from(rate));
                    probing.on_sent(now, len, &parameters);
                    last = u64::try_from(len).unwrap();
                    sent += last;
                }
            }
            prop_assert!(sent >= last);
        }

        #[test]
        fn answers_fall_into_the_period(
            requests in prop::collection::vec((0..9000_u64, any::<u32>(), 0..20_000_u64), 1..30),
        ) {
            let mut leisure = Leisure::NEW;
            let mut now = Instant::ZERO;
            for (wait, random, length) in requests {
                now += Duration::from_millis(wait);
                let begins = leisure.period_ends.max(now);
                let at = leisure.pick(now, Duration::from_millis(length), random);
                prop_assert!(begins <= at && at <= leisure.period_ends);
            }
        }
    }
}
