//! The retransmission of one Confirmable message (RFC 7252 §4.2).

use crate::Parameters;
use crate::time::{Duration, Instant};

/// The timer of one Confirmable message under way; whoever owns it keeps the bytes.
///
/// ```text
/// start ──► waiting ──on_timeout──► Again ──► waiting (timeout doubled)
///              │                └─► GiveUp: drop it, tell the application
///              └─ Acknowledgement, Reset or response arrives: drop it
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Transmission {
    started: Instant,
    // Milliseconds after `started`.
    deadline: u32,
    // Milliseconds.
    timeout: u32,
    // In milliseconds: the least time between two transmissions.
    least: u32,
    backoff: Backoff,
    retransmitted: u8,
}

/// By what each timeout is longer than the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Backoff {
    /// One and a half times.
    OneAndAHalf,
    /// Twice, the rule of RFC 7252 §4.2.
    Double,
    /// Three times.
    Triple,
}

/// What to do when a Confirmable message was not acknowledged in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Send the same bytes again.
    Again,
    /// The peer does not answer: the transmission has failed.
    GiveUp,
}

impl Transmission {
    /// Starts the timer of a message that is sent at `now`.
    ///
    /// `random` is any random number; it spreads the first timeout evenly between `ACK_TIMEOUT` and `ACK_TIMEOUT *
    /// ACK_RANDOM_FACTOR`.
    pub fn start(now: Instant, parameters: &Parameters, random: u32) -> Self {
        Self::start_with(now, parameters, Backoff::Double, random)
    }

    /// As [`start`](Transmission::start) with another back-off, where the round trip to the peer is measured:
    /// [`RtoEstimator::start`](crate::RtoEstimator::start).
    pub fn start_with(
        now: Instant,
        parameters: &Parameters,
        backoff: Backoff,
        random: u32,
    ) -> Self {
        let least = parameters.ack_timeout;
        let spread = parameters.max_ack_timeout().saturating_sub(least);
        // Both factors are below 2^32 unless the parameters are absurd.
        let extra = spread.as_millis().saturating_mul(u64::from(random)) >> 32;
        let timeout = saturate(least.saturating_add(Duration::from_millis(extra)));
        Self {
            started: now,
            deadline: timeout,
            timeout,
            least: saturate(least),
            backoff,
            retransmitted: 0,
        }
    }

    /// Starts the timer of a message that is sent once and not again, or of what else is waited for: `patience` after
    /// `now` it is time to give up. At most 49 days.
    pub fn once(now: Instant, patience: Duration) -> Self {
        let patience = saturate(patience);
        Self {
            started: now,
            deadline: patience,
            timeout: patience,
            least: 0,
            backoff: Backoff::Double,
            retransmitted: u8::MAX,
        }
    }

    /// When [`on_timeout`](Transmission::on_timeout) is to be called next.
    #[inline]
    pub fn deadline(&self) -> Instant {
        self.started
            .saturating_add(Duration::from_millis(u64::from(self.deadline)))
    }

    /// Whether the deadline has come.
    #[inline]
    pub fn is_due(&self, now: Instant) -> bool {
        self.deadline() <= now
    }

    /// When the message was sent first.
    #[inline]
    pub const fn started(&self) -> Instant {
        self.started
    }

    /// How often the message was sent again.
    #[inline]
    pub const fn retransmitted(&self) -> u8 {
        self.retransmitted
    }

    /// Tells what to do, to be called once the deadline has come; sets the next deadline.
    ///
    /// A late call catches up with the schedule, yet leaves the `ACK_TIMEOUT` it was started with before the next
    /// retransmission, and never transmits after `MAX_TRANSMIT_SPAN` (RFC 7252 §4.2).
    pub fn on_timeout(&mut self, now: Instant, parameters: &Parameters) -> Retry {
        let elapsed = now.saturating_duration_since(self.started);
        if self.retransmitted >= parameters.max_retransmit
            || elapsed > parameters.max_transmit_span()
        {
            return Retry::GiveUp;
        }
        self.retransmitted = self.retransmitted.saturating_add(1);
        self.timeout = self.backoff.apply(self.timeout);
        let earliest = saturate(elapsed).saturating_add(self.least);
        self.deadline = self.deadline.saturating_add(self.timeout).max(earliest);
        Retry::Again
    }
}

impl Backoff {
    /// The timeout that follows `timeout`.
    const fn apply(self, timeout: u32) -> u32 {
        match self {
            Self::OneAndAHalf => timeout.saturating_add(timeout / 2),
            Self::Double => timeout.saturating_mul(2),
            Self::Triple => timeout.saturating_mul(3),
        }
    }
}

/// Milliseconds; at most 49 days.
fn saturate(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    const SIZE: usize = size_of::<Transmission>();
    const _: () = assert!(SIZE <= 24);

    /// The times in milliseconds of all transmissions and of giving up, if every timeout is seen `late` after it.
    fn schedule(random: u32, late: u64) -> (Vec<u64>, u64) {
        let parameters = Parameters::DEFAULT;
        let start = Instant::from_secs(1000);
        let mut transmission = Transmission::start(start, &parameters, random);
        let mut sent = std::vec![0];
        loop {
            let now = transmission.deadline() + Duration::from_millis(late);
            assert!(transmission.is_due(now));
            assert!(!transmission.is_due(transmission.deadline() - Duration::from_millis(1)));
            match transmission.on_timeout(now, &parameters) {
                Retry::Again => sent.push((now - start).as_millis()),
                Retry::GiveUp => return (sent, (now - start).as_millis()),
            }
        }
    }

    #[test]
    fn backs_off_as_the_rfc_computes() {
        // MAX_TRANSMIT_SPAN is 2+4+8+16 and MAX_TRANSMIT_WAIT 2+4+8+16+32 seconds, times the factor.
        assert_eq!(
            schedule(0, 0),
            (std::vec![0, 2000, 6000, 14_000, 30_000], 62_000)
        );
        let (sent, end) = schedule(u32::MAX, 0);
        assert_eq!(sent, [0, 2999, 8997, 20_993, 44_985]);
        assert_eq!(end, 92_969);
        assert_eq!(schedule(1 << 31, 0).0[1], 2500);
    }

    #[test]
    fn late_calls_catch_up_inside_the_envelope() {
        let (sent, _) = schedule(0, 1500);
        assert_eq!(sent, [0, 3500, 7500, 15_500, 31_500]);
        // So late that retransmissions would come closer than ACK_TIMEOUT, or after MAX_TRANSMIT_SPAN.
        let (sent, end) = schedule(0, 20_000);
        assert_eq!(sent, [0, 22_000, 44_000]);
        assert!(end > 45_000);
        for pair in sent.windows(2) {
            assert!(pair[1] - pair[0] >= 2000);
        }
    }

    #[test]
    fn once_gives_up_at_the_first_timeout() {
        let parameters = Parameters::DEFAULT;
        let mut timer = Transmission::once(Instant::from_secs(5), Duration::from_secs(7));
        assert_eq!(timer.deadline(), Instant::from_secs(12));
        assert_eq!(
            timer.on_timeout(Instant::from_secs(12), &parameters),
            Retry::GiveUp
        );
    }

    #[test]
    fn without_retransmission_gives_up_at_the_first_timeout() {
        let parameters = Parameters {
            max_retransmit: 0,
            ..Parameters::DEFAULT
        };
        let mut transmission = Transmission::start(Instant::ZERO, &parameters, 7);
        assert_eq!(
            transmission.on_timeout(transmission.deadline(), &parameters),
            Retry::GiveUp
        );
    }
}
