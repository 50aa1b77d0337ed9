//! Transmission parameters and the times that follow from them (RFC 7252 §4.8).

use core::fmt;

use crate::time::Duration;

/// The transmission parameters of RFC 7252 §4.8, with the RFC's values as default.
///
/// Both ends must assume the same values where they change a derived time (RFC 7252 §4.8.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default))]
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

    /// Checks what RFC 7252 §4.8.1 demands of any configuration. Parameters that fail still make nothing panic.
    ///
    /// # Errors
    ///
    /// The first [`ParameterError`].
    pub const fn check(&self) -> Result<(), ParameterError> {
        if self.ack_timeout.is_zero() {
            Err(ParameterError::AckTimeout)
        } else if self.ack_random_percent < 100 {
            Err(ParameterError::AckRandomFactor)
        } else if self.nstart == 0 {
            Err(ParameterError::Nstart)
        } else if self.probing_rate == 0 {
            Err(ParameterError::ProbingRate)
        } else if self.max_transmit_wait().as_millis() > MAX_WAIT.as_millis() {
            Err(ParameterError::MaxTransmitWait)
        } else {
            Ok(())
        }
    }

    /// Whether they are safe without congestion control of its own, such as a measured round trip: `ACK_TIMEOUT` not
    /// below 1 s, `NSTART` not above 1 and `PROBING_RATE` not above the default (RFC 7252 §4.8.1).
    pub const fn is_conservative(&self) -> bool {
        self.ack_timeout.as_millis() >= 1000
            && self.nstart <= Self::DEFAULT.nstart
            && self.probing_rate <= Self::DEFAULT.probing_rate
    }

    /// The greatest first timeout: `ACK_TIMEOUT * ACK_RANDOM_FACTOR`. 3 s by default.
    pub const fn max_ack_timeout(&self) -> Duration {
        let percent = if self.ack_random_percent < 100 {
            100
        } else {
            self.ack_random_percent as u32
        };
        // In 32 bits, which a microcontroller can divide; a longer timeout is not valid.
        let millis = low_millis(self.ack_timeout);
        let hundreds = (millis / 100) as u64;
        let rest = (millis % 100).saturating_mul(percent) / 100;
        Duration::from_millis(
            hundreds
                .saturating_mul(percent as u64)
                .saturating_add(rest as u64),
        )
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

/// A duration in milliseconds, as far as 32 bits go.
#[expect(
    clippy::cast_possible_truncation,
    reason = "what does not fit is left out before"
)]
const fn low_millis(duration: Duration) -> u32 {
    let millis = duration.as_millis();
    if millis > u32::MAX as u64 {
        u32::MAX
    } else {
        millis as u32
    }
}

/// The longest wait that [`Transmission`](crate::Transmission) can time: 32 bits of milliseconds.
const MAX_WAIT: Duration = Duration::from_millis(u32::MAX as u64);

/// What [`Parameters::check`] finds wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ParameterError {
    /// `ACK_TIMEOUT` is zero.
    AckTimeout,
    /// `ACK_RANDOM_FACTOR` is below 1.0.
    AckRandomFactor,
    /// `NSTART` is zero: nothing could be sent.
    Nstart,
    /// `PROBING_RATE` is zero: nothing could be sent.
    ProbingRate,
    /// `MAX_TRANSMIT_WAIT` is above 49 days: `ACK_TIMEOUT` or `MAX_RETRANSMIT` is too great.
    MaxTransmitWait,
}

impl fmt::Display for ParameterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AckTimeout => "ACK_TIMEOUT is zero",
            Self::AckRandomFactor => "ACK_RANDOM_FACTOR is below 1.0",
            Self::Nstart => "NSTART is zero",
            Self::ProbingRate => "PROBING_RATE is zero",
            Self::MaxTransmitWait => {
                "ACK_TIMEOUT or MAX_RETRANSMIT is too great: a transmission would take more than 49 days"
            }
        })
    }
}

impl core::error::Error for ParameterError {}

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
    fn check_tells_what_is_wrong() {
        let default = Parameters::DEFAULT;
        assert_eq!(default.check(), Ok(()));
        assert!(default.is_conservative());
        let millis = Duration::from_millis;
        let fails = |parameters: Parameters| parameters.check().unwrap_err();
        assert_eq!(
            fails(Parameters {
                ack_timeout: Duration::ZERO,
                ..default
            }),
            ParameterError::AckTimeout
        );
        assert_eq!(
            fails(Parameters {
                ack_random_percent: 99,
                ..default
            }),
            ParameterError::AckRandomFactor
        );
        assert_eq!(
            fails(Parameters {
                nstart: 0,
                ..default
            }),
            ParameterError::Nstart
        );
        assert_eq!(
            fails(Parameters {
                probing_rate: 0,
                ..default
            }),
            ParameterError::ProbingRate
        );
        assert_eq!(
            fails(Parameters {
                max_retransmit: 30,
                ..default
            }),
            ParameterError::MaxTransmitWait
        );
        for parameters in [
            Parameters {
                ack_timeout: millis(999),
                ..default
            },
            Parameters {
                nstart: 2,
                ..default
            },
            Parameters {
                probing_rate: 2,
                ..default
            },
        ] {
            assert_eq!(parameters.check(), Ok(()));
            assert!(!parameters.is_conservative());
        }
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
