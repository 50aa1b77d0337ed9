//! The client's side of one observation (RFC 7641 §3).

#[cfg(test)]
mod tests;

use crate::block::Block;
use crate::observe::{Freshness, REORDERING_TIME, SequenceNumber};
use crate::time::{Duration, Instant};
use crate::{DEFAULT_MAX_AGE, Message, OptionNumber, Type};

/// The least time to wait after Max-Age before registering again (RFC 7641 §3.3.1).
const LEAST_WAIT: Duration = Duration::from_secs(5);

/// By how much that wait is spread.
const WAIT_SPREAD_MS: u64 = 10_000;

const _: () = assert!(size_of::<Observation>() <= 40);

/// What a client knows of one observation besides its request, whose token, options and payload the owner keeps: a
/// registration anew and a deregistration repeat them all, the entity tags excepted (RFC 7641 §3.3.1, §3.6).
///
/// ```text
///                on_response            reregister_at: on_requested
///  Registering ──────────────► Registered ◄───────────────────────► Renewing
///       │   without Observe, error │                                   │
///       └─────────► Ended ◄────────┴───────────────────────────────────┘
///                     ▲ the answer           │ on_deregister
///                     └───────── Leaving ◄───┘
/// ```
///
/// As long as it has not [ended](Observation::is_ended), Confirmable messages with the token are acknowledged. One that
/// has ended is forgotten: whatever comes after it gets a Reset, which ends the observation at the server too
/// (RFC 7641 §3.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Of the freshest notification; means nothing before the first.
    freshness: Freshness,
    /// Of the freshest notification, in seconds.
    max_age: u32,
    /// When to register again.
    due: Instant,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The request is under way, nothing has come yet.
    Registering,
    Registered,
    /// Another registration is under way.
    Renewing,
    /// The deregistration is under way.
    Leaving,
    Ended,
}

/// What a response to an observation is for the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Delivery {
    /// Newer than all before it: the state of the resource.
    Fresh,
    /// A notification that is older than one before it, or that is no longer wanted: to be dropped.
    Late,
    /// The last response, to be taken as that to any request: the server has not registered the client, or has removed
    /// it, or an error ends the observation (RFC 7641 §3.2, §4.2).
    Last,
}

impl Observation {
    /// Begins with the request that registers.
    pub const fn new() -> Self {
        Self {
            freshness: Freshness::new(SequenceNumber::new(0), Instant::ZERO),
            max_age: 0,
            due: Instant::MAX,
            state: State::Registering,
        }
    }

    /// Takes a response with the token of the observation, other than an Empty Acknowledgement.
    ///
    /// `random` is any random number; it spreads the time of the next registration.
    pub fn on_response(&mut self, now: Instant, response: &Message<'_>, random: u32) -> Delivery {
        let number = response
            .observe()
            .filter(|_| response.code().is_success())
            .map(SequenceNumber::new);
        let Some(number) = number else {
            self.state = State::Ended;
            return Delivery::Last;
        };
        let newer = match self.state {
            State::Leaving | State::Ended => return Delivery::Late,
            State::Registering => {
                self.freshness = Freshness::new(number, now);
                true
            }
            // The answer to a request that followed the freshest notification is newer, even where the server has begun
            // to count anew.
            State::Renewing if response.message_type() == Type::Acknowledgement => {
                self.freshness = Freshness::new(number, now);
                true
            }
            State::Registered | State::Renewing => self.freshness.accept(number, now),
        };
        if newer {
            self.max_age = response
                .uint(OptionNumber::MAX_AGE)
                .unwrap_or(DEFAULT_MAX_AGE);
            let spread = WAIT_SPREAD_MS.saturating_mul(u64::from(random)) >> 32;
            self.due = self
                .freshest_until()
                .saturating_add(LEAST_WAIT)
                .saturating_add(Duration::from_millis(spread));
        } else if self.state == State::Renewing {
            // Perhaps the answer, of a server that has begun to count anew: by then its numbers count as newer.
            self.due = now.saturating_add(REORDERING_TIME);
        }
        self.state = State::Registered;
        if newer {
            Delivery::Fresh
        } else {
            Delivery::Late
        }
    }

    const fn freshest_until(&self) -> Instant {
        self.freshness
            .at()
            .saturating_add(Duration::from_secs(self.max_age as u64))
    }

    /// Until when the freshest notification tells the state of the resource, if there is one and no newer comes
    /// (RFC 7641 §3.3.1).
    pub fn fresh_until(&self) -> Option<Instant> {
        match self.state {
            State::Registered | State::Renewing => Some(self.freshest_until()),
            State::Registering | State::Leaving | State::Ended => None,
        }
    }

    /// Whether the freshest notification tells the state of the resource: its age is not greater than its Max-Age.
    pub fn is_fresh(&self, now: Instant) -> bool {
        self.fresh_until().is_some_and(|until| now <= until)
    }

    /// When to register again, with the same token and options: 5 to 15 seconds after Max-Age (RFC 7641 §3.3.1).
    ///
    /// `None` while a request is under way, and once the observation has ended.
    pub fn reregister_at(&self) -> Option<Instant> {
        (self.state == State::Registered).then_some(self.due)
    }

    /// Whether it is time to register again.
    pub fn is_due(&self, now: Instant) -> bool {
        self.reregister_at().is_some_and(|at| at <= now)
    }

    /// The registration was sent again.
    pub const fn on_requested(&mut self) {
        if matches!(self.state, State::Registered) {
            self.state = State::Renewing;
        }
    }

    /// The request under way has failed: no answer came, or a Reset. A registration may be tried again under a new
    /// token; the server has removed the client, or soon will.
    pub const fn on_failed(&mut self) {
        self.state = State::Ended;
    }

    /// A request with Observe 1 and otherwise the options and payload of the registration is being sent
    /// (RFC 7641 §3.6). Its response ends the observation, notifications until then are [late](Delivery::Late).
    ///
    /// To cancel without a request, drop the observation.
    pub const fn on_deregister(&mut self) {
        if !matches!(self.state, State::Ended) {
            self.state = State::Leaving;
        }
    }

    /// Whether no response with the token is expected any more.
    pub const fn is_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }
}

impl Default for Observation {
    fn default() -> Self {
        Self::new()
    }
}

/// The block to ask for next when a notification is only the first block of the representation (RFC 7959 §2.6): a
/// GET with this Block2 option, a token of its own and no Observe option.
///
/// The blocks that follow belong to the same representation only if they have the same `ETag`; a newer notification
/// makes them useless.
pub fn rest_of(notification: &Message<'_>) -> Option<Block> {
    let block = notification.block2().ok()??;
    if block.number() != 0 || !block.more() {
        return None;
    }
    Block::new(1, false, block.size())
}
