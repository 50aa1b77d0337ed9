//! Transmission parameters and the times that follow from them (RFC 7252 §4.8).

use crate::time::Duration;

/// The transmission parameters of RFC 7252 §4.8, with the RFC's values as default.
///
/// Both ends must assume the same values where they change a derived time (RFC 7252 §4.8.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// `ACK_TIMEOUT`: the least time before the first retransmission. Default 2 s; not below 1 s without measuring the
    /// round trip.
    pub ack_timeout: Duration,
    /// `ACK_RANDOM_FACTOR` in hundredths: the first timeout is spread between `ACK_TIMEOUT` and this much of it.
    /// Default 150; values below 100 count as 100.
    pub ack_random_percent: u16,
    /// `MAX_RETRANSMIT`: how often a Confirmable message is sent again. Default 4.
    pub max_retransmit: u8,
    /// `NSTART`: how many interactions may be outstanding with one peer (RFC 7252 §4.7). Default 1.
    pub nstart: u8,
    /// `DEFAULT_LEISURE`: the time over which answers to multicast are spread (RFC 7252 §8.2). Default 5 s.
    pub default_leisure: Duration,
    /// `PROBING_RATE` in bytes a second: the average rate not to be exceeded towards a peer that does not answer
    /// (RFC 7252 §4.7). Default 1.
    pub probing_rate: u32,
    /// `MAX_LATENCY`: the longest time that a datagram is expected to be under way. Default 100 s.
    pub max_latency: Duration,
}

impl Parameters {
    /// The values of RFC 7252 §4.8 and §4.8.2.
    pub const DEFAULT: Self = Self {
        ack_timeout: Duration::from_secs(2),
        ack_random_percent: 150,
        max_retransmit: 4,
        nstart: 1,
        default_leisure: Duration::from_secs(5),
        probing_rate: 1,
        max_latency: Duration::from_secs(100),
    };

    /// The greatest first timeout: `ACK_TIMEOUT * ACK_RANDOM_FACTOR`. 3 s by default.
    pub const fn max_ack_timeout(&self) -> Duration {
        let percent = if self.ack_random_percent < 100 {
            100
        } else {
            self.ack_random_percent
        };
        Duration::from_millis(self.ack_timeout.as_millis().saturating_mul(percent as u64) / 100)
    }

    /// `MAX_TRANSMIT_SPAN`: the longest time from the first transmission of a Confirmable message to its last
    /// retransmission. 45 s by default.
    pub const fn max_transmit_span(&self) -> Duration {
        self.max_ack_timeout()
            .saturating_mul(doublings(self.max_retransmit))
    }

    /// `MAX_TRANSMIT_WAIT`: the longest time from the first transmission of a Confirmable message until its sender
    /// gives up. 93 s by default.
    pub const fn max_transmit_wait(&self) -> Duration {
        self.max_ack_timeout()
            .saturating_mul(doublings(self.max_retransmit.saturating_add(1)))
    }

    /// `PROCESSING_DELAY`: the time that a node takes to acknowledge, equal to `ACK_TIMEOUT`. 2 s by default.
    pub const fn processing_delay(&self) -> Duration {
        self.ack_timeout
    }

    /// `MAX_RTT`: the longest round trip. 202 s by default.
    pub const fn max_rtt(&self) -> Duration {
        self.max_latency
            .saturating_mul(2)
            .saturating_add(self.processing_delay())
    }

    /// `EXCHANGE_LIFETIME`: how long an acknowledgement may be expected, a message id must not be used again and a
    /// duplicate may arrive. 247 s by default; never below `MAX_TRANSMIT_WAIT`.
    pub const fn exchange_lifetime(&self) -> Duration {
        let lifetime = self.max_transmit_span().saturating_add(self.max_rtt());
        let wait = self.max_transmit_wait();
        if lifetime.as_millis() < wait.as_millis() {
            wait
        } else {
            lifetime
        }
    }

    /// `NON_LIFETIME`: how long the message id of a Non-confirmable message must not be used again. 145 s by default.
    pub const fn non_lifetime(&self) -> Duration {
        self.max_transmit_span().saturating_add(self.max_latency)
    }
}

impl Default for Parameters {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// `2^n - 1`: the sum of `n` timeouts that double, in units of the first.
const fn doublings(n: u8) -> u64 {
    match 1_u64.checked_shl(n as u32) {
        Some(power) => power.saturating_sub(1),
        None => u64::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_times_are_those_of_table_3() {
        let parameters = Parameters::DEFAULT;
        assert_eq!(parameters.max_transmit_span(), Duration::from_secs(45));
        assert_eq!(parameters.max_transmit_wait(), Duration::from_secs(93));
        assert_eq!(parameters.processing_delay(), Duration::from_secs(2));
        assert_eq!(parameters.max_rtt(), Duration::from_secs(202));
        assert_eq!(parameters.exchange_lifetime(), Duration::from_secs(247));
        assert_eq!(parameters.non_lifetime(), Duration::from_secs(145));
    }

    #[test]
    fn extreme_values_saturate() {
        let parameters = Parameters {
            max_retransmit: 255,
            ack_random_percent: 0,
            ..Parameters::DEFAULT
        };
        assert_eq!(parameters.max_ack_timeout(), Duration::from_secs(2));
        assert_eq!(parameters.max_transmit_span(), Duration::MAX);
        assert_eq!(parameters.exchange_lifetime(), Duration::MAX);
    }

    #[test]
    fn lifetime_covers_a_long_last_wait() {
        let parameters = Parameters {
            max_retransmit: 8,
            ..Parameters::DEFAULT
        };
        assert_eq!(
            parameters.exchange_lifetime(),
            parameters.max_transmit_wait()
        );
    }
}
