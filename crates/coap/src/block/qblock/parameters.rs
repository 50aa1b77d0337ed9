//! The parameters of RFC 9177 §7.2.

use crate::Parameters;
use crate::time::Duration;

/// The congestion control parameters of Q-Block1 and Q-Block2, with the RFC's values as default (RFC 9177 §7.2,
/// Table 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct QBlockParameters {
    /// `MAX_PAYLOADS`: how many messages are sent at once. Both ends must have the same value. Default 10; 0 counts as
    /// 1.
    pub max_payloads: u8,
    /// `NON_TIMEOUT`: the least time between two sets. Default 2 s.
    pub non_timeout: Duration,
    /// `ACK_RANDOM_FACTOR` in hundredths: the greatest time between two sets is this much of `NON_TIMEOUT`. Default
    /// 150; values below 100 count as 100.
    pub ack_random_percent: u16,
    /// `NON_RECEIVE_TIMEOUT`: how long the receiver waits for a missing block before it asks for it. Default 4 s;
    /// counts as a second more than the greatest time between two sets where it is below that.
    pub non_receive_timeout: Duration,
    /// `NON_MAX_RETRANSMIT`: how often missing blocks are asked for without an answer. Default 4.
    pub non_max_retransmit: u8,
    /// `NON_PROBING_WAIT`: the longest wait between two bodies that `PROBING_RATE` imposes; `None` is the derived
    /// value, between 247 and 248 s by default.
    pub non_probing_wait: Option<Duration>,
    /// `NON_PARTIAL_TIMEOUT`: how long a partial body is kept; `None` is the derived value, 247 s by default.
    pub non_partial_timeout: Option<Duration>,
    /// `MAX_LATENCY`, from which the derived values are computed (RFC 7252 §4.8.2). Default 100 s.
    pub max_latency: Duration,
    /// `MAX_TRANSMIT_SPAN`: how long a client waits for missing blocks of a Confirmable response before it asks for
    /// them (RFC 9177 §4.4). Default 45 s.
    pub max_transmit_span: Duration,
}

impl QBlockParameters {
    /// The values of RFC 9177 Table 3.
    pub const DEFAULT: Self = Self::new(&Parameters::DEFAULT);

    /// The defaults that follow from the transmission parameters.
    pub const fn new(parameters: &Parameters) -> Self {
        Self {
            max_payloads: 10,
            non_timeout: parameters.ack_timeout,
            ack_random_percent: parameters.ack_random_percent,
            non_receive_timeout: parameters.ack_timeout.saturating_mul(2),
            non_max_retransmit: parameters.max_retransmit,
            non_probing_wait: None,
            non_partial_timeout: None,
            max_latency: parameters.max_latency,
            max_transmit_span: parameters.max_transmit_span(),
        }
    }

    /// `MAX_PAYLOADS` as a number of blocks, at least 1.
    pub(super) const fn set(&self) -> u32 {
        if self.max_payloads == 0 {
            1
        } else {
            self.max_payloads as u32
        }
    }

    /// The number of the set that the block belongs to.
    pub(super) const fn set_of(&self, block: u32) -> u32 {
        match block.checked_div(self.set()) {
            Some(set) => set,
            None => 0,
        }
    }

    /// The number of the first block of a set.
    pub(super) const fn first_of(&self, set: u32) -> u32 {
        set.saturating_mul(self.set())
    }

    /// `NON_TIMEOUT_RANDOM`: the time between two sets of one body, spread by any random number between `NON_TIMEOUT`
    /// and `NON_TIMEOUT * ACK_RANDOM_FACTOR`.
    pub const fn non_timeout_random(&self, random: u32) -> Duration {
        let least = self.non_timeout.as_millis();
        let spread = self.scaled(least).saturating_sub(least);
        let extra = spread.saturating_mul(random as u64) >> 32;
        Duration::from_millis(least.saturating_add(extra))
    }

    /// `Time-to-Wait` before missing blocks are asked for, where that was done `asked` times without an answer:
    /// `NON_RECEIVE_TIMEOUT * 2^asked`.
    pub const fn time_to_wait(&self, asked: u8) -> Duration {
        let most = self.scaled(self.non_timeout.as_millis());
        let least = most.saturating_add(1000);
        let wait = self.non_receive_timeout.as_millis();
        let wait = if wait < least { least } else { wait };
        Duration::from_millis(wait).saturating_mul(1 << if asked < 32 { asked } else { 32 })
    }

    /// `NON_PROBING_WAIT`: the longest wait between two bodies to a peer that does not answer.
    pub const fn non_probing_wait(&self, random: u32) -> Duration {
        match self.non_probing_wait {
            Some(wait) => wait,
            None => self.lifetime(self.non_timeout_random(random)),
        }
    }

    /// `NON_PARTIAL_TIMEOUT`: how long a partial body is kept.
    pub const fn non_partial_timeout(&self) -> Duration {
        match self.non_partial_timeout {
            Some(timeout) => timeout,
            None => self.lifetime(self.non_timeout),
        }
    }

    /// `NON_TIMEOUT * (2^NON_MAX_RETRANSMIT - 1) * ACK_RANDOM_FACTOR + 2 * MAX_LATENCY + delay`.
    const fn lifetime(&self, delay: Duration) -> Duration {
        let doublings = match 1_u64.checked_shl(self.non_max_retransmit as u32) {
            Some(power) => power.saturating_sub(1),
            None => u64::MAX,
        };
        let span = self.scaled(self.non_timeout.as_millis().saturating_mul(doublings));
        Duration::from_millis(span)
            .saturating_add(self.max_latency.saturating_mul(2))
            .saturating_add(delay)
    }

    /// Times `ACK_RANDOM_FACTOR`.
    const fn scaled(&self, millis: u64) -> u64 {
        let percent = if self.ack_random_percent < 100 {
            100
        } else {
            self.ack_random_percent
        };
        millis.saturating_mul(percent as u64) / 100
    }
}

impl Default for QBlockParameters {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_table_3() {
        let parameters = QBlockParameters::DEFAULT;
        assert_eq!(parameters.max_payloads, 10);
        assert_eq!(parameters.non_max_retransmit, 4);
        assert_eq!(parameters.non_timeout, Duration::from_secs(2));
        assert_eq!(parameters.non_timeout_random(0), Duration::from_secs(2));
        let most = parameters.non_timeout_random(u32::MAX);
        assert_eq!(most, Duration::from_millis(2999));
        assert_eq!(parameters.time_to_wait(0), Duration::from_secs(4));
        assert_eq!(parameters.time_to_wait(4), Duration::from_secs(64));
        assert_eq!(parameters.non_probing_wait(0), Duration::from_secs(247));
        assert_eq!(parameters.non_partial_timeout(), Duration::from_secs(247));
    }

    #[test]
    fn extremes_saturate() {
        let parameters = QBlockParameters {
            max_payloads: 0,
            non_timeout: Duration::MAX,
            non_max_retransmit: 255,
            ..QBlockParameters::DEFAULT
        };
        assert_eq!(parameters.set(), 1);
        assert_eq!(parameters.non_partial_timeout(), Duration::MAX);
        assert_eq!(parameters.time_to_wait(255), Duration::MAX);
        let short = QBlockParameters {
            non_receive_timeout: Duration::ZERO,
            ..QBlockParameters::DEFAULT
        };
        assert_eq!(short.time_to_wait(0), Duration::from_secs(4));
    }
}
