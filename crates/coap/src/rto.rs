//! The retransmission timeout of a peer from its round-trip times.

#[cfg(test)]
mod tests;

use crate::Parameters;
use crate::time::{Duration, Instant};
use crate::transmission::{Backoff, Transmission};

/// Estimates the retransmission timeout of one peer, in the manner of `CoCoA` (draft-ietf-core-cocoa): optional
/// congestion control in the place of a fixed `ACK_TIMEOUT`, which a shorter timeout or a greater `NSTART` needs
/// (RFC 7252 §4.7, §4.8.1).
///
/// Two estimators after RFC 6298 §2 work side by side: a strong one from messages that were acknowledged without
/// retransmission, and a weak one from those with one or two, where it is not known which transmission was answered. The
/// timeout follows the strong one by a half and the weak one by a quarter. It begins at `ACK_TIMEOUT`; timeouts below
/// 1 s back off threefold and above 3 s by one and a half; and a timeout that was not confirmed for long moves back
/// towards the middle.
///
/// All in integers: 24 bytes for each peer.
#[derive(Clone, Copy, Debug)]
pub struct RtoEstimator {
    strong: Smoothed,
    weak: Smoothed,
    /// When the timeout was updated or aged last, in ticks of 64 ms.
    updated: u32,
    /// Milliseconds; 0 before the first measurement.
    rto: u16,
}

const _: () = assert!(size_of::<RtoEstimator>() <= 24);

/// A smoothed round-trip time and its variation (RFC 6298 §2).
#[derive(Clone, Copy, Debug)]
struct Smoothed {
    /// SRTT in eighths of a millisecond; 0 before the first measurement.
    srtt: u32,
    /// RTTVAR in quarters of a millisecond.
    variation: u32,
}

/// The least timeout: below it the peer's processing counts, not the network.
const LEAST: u16 = 100;

/// The greatest timeout.
const GREATEST: u16 = 32_000;

/// The factor of the variation in the strong estimator (RFC 6298 §2) and in the weak one.
const STRONG_K: u32 = 4;
const WEAK_K: u32 = 1;

/// Messages that were sent again more often say nothing.
const WEAK_RETRANSMISSIONS: u8 = 2;

const TICK_SHIFT: u32 = 6;

impl RtoEstimator {
    /// Nothing is known of the peer.
    pub const fn new() -> Self {
        Self {
            strong: Smoothed::NEW,
            weak: Smoothed::NEW,
            updated: 0,
            rto: 0,
        }
    }

    /// The timeout to begin with, before it is spread: `ACK_TIMEOUT` before the first measurement, and never more than
    /// a third of `MAX_TRANSMIT_SPAN`, so that there is time to send again.
    pub fn timeout(&self, parameters: &Parameters) -> Duration {
        if self.rto == 0 {
            return parameters.ack_timeout;
        }
        let third = Duration::from_millis(parameters.max_transmit_span().as_millis() / 3);
        Duration::from_millis(u64::from(self.rto)).min(third.max(parameters.ack_timeout))
    }

    /// Starts the timer of a Confirmable message to this peer that is sent at `now`; as [`Transmission::start`].
    pub fn start(&mut self, now: Instant, parameters: &Parameters, random: u32) -> Transmission {
        self.age(now);
        let timeout = self.timeout(parameters);
        let backoff = match timeout.as_millis() {
            // The rule of RFC 7252 as long as nothing is known.
            _ if self.rto == 0 => Backoff::Double,
            0..1000 => Backoff::Triple,
            1000..=3000 => Backoff::Double,
            _ => Backoff::OneAndAHalf,
        };
        let parameters = Parameters {
            ack_timeout: timeout,
            ..*parameters
        };
        Transmission::start_with(now, &parameters, backoff, random)
    }

    /// A Confirmable message was acknowledged, by an Acknowledgement, a response or a Reset.
    pub fn on_acknowledged(
        &mut self,
        now: Instant,
        transmission: &Transmission,
        parameters: &Parameters,
    ) {
        let retransmitted = transmission.retransmitted();
        if retransmitted > WEAK_RETRANSMISSIONS {
            return;
        }
        self.age(now);
        let before = if self.rto == 0 {
            u32::try_from(parameters.ack_timeout.as_millis()).unwrap_or(u32::MAX)
        } else {
            u32::from(self.rto)
        };
        // From the first transmission on.
        let rtt = now.saturating_duration_since(transmission.started());
        let rtt = u32::try_from(rtt.as_millis()).unwrap_or(u32::MAX);
        let rto = if retransmitted == 0 {
            let strong = self.strong.measure(rtt, STRONG_K);
            before.saturating_add(strong) / 2
        } else {
            let weak = self.weak.measure(rtt, WEAK_K);
            before.saturating_mul(3).saturating_add(weak) / 4
        };
        self.set(now, rto);
    }

    /// Moves a timeout that was not confirmed for long back: one below 1 s after 16 times itself is doubled, one above
    /// 3 s after 4 times itself becomes 1 s and half of it.
    fn age(&mut self, now: Instant) {
        let idle = u64::from(ticks(now).wrapping_sub(self.updated)) << TICK_SHIFT;
        let rto = u64::from(self.rto);
        let aged = match self.rto {
            1..1000 if idle > rto.saturating_mul(16) => rto.saturating_mul(2),
            3001.. if idle > rto.saturating_mul(4) => (rto / 2).saturating_add(1000),
            _ => return,
        };
        self.set(now, u32::try_from(aged).unwrap_or(u32::MAX));
    }

    fn set(&mut self, now: Instant, rto: u32) {
        self.rto = u16::try_from(rto)
            .unwrap_or(GREATEST)
            .clamp(LEAST, GREATEST);
        self.updated = ticks(now);
    }
}

impl Default for RtoEstimator {
    fn default() -> Self {
        Self::new()
    }
}

impl Smoothed {
    const NEW: Self = Self {
        srtt: 0,
        variation: 0,
    };

    /// Takes a round-trip time in milliseconds and gives the timeout `SRTT + k * RTTVAR` in milliseconds.
    fn measure(&mut self, rtt: u32, k: u32) -> u32 {
        // A minute is more than any timeout; and zero is what nothing was measured means.
        let rtt = rtt.clamp(1, 60_000);
        if self.srtt == 0 {
            self.srtt = rtt.saturating_mul(8);
            self.variation = rtt.saturating_mul(2);
        } else {
            let error = (self.srtt / 8).abs_diff(rtt);
            self.variation = self
                .variation
                .saturating_sub(self.variation / 4)
                .saturating_add(error);
            self.srtt = self.srtt.saturating_sub(self.srtt / 8).saturating_add(rtt);
        }
        (self.srtt / 8).saturating_add(k.saturating_mul(self.variation) / 4)
    }
}

/// They wrap after 8.7 years.
fn ticks(now: Instant) -> u32 {
    let [_, _, _, _, a, b, c, d] = (now.as_millis() >> TICK_SHIFT).to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}
