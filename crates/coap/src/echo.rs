//! The Echo option: requests that are fresh, and clients that are where they say (RFC 9175 §2).
//!
//! A server makes and checks values with [`EchoIssuer`] and keeps nothing of them; a client keeps the newest in an
//! [`EchoMemory`] for each server. [`Amplification`] says how much a server may send to an address that was not
//! validated.

mod amplification;
mod memory;
#[cfg(test)]
mod tests;

use core::fmt;

use subtle::ConstantTimeEq;

pub use amplification::{Amplification, UNVALIDATED_RESPONSE, unvalidated_response};
pub use memory::{ChallengeAnswer, EchoMemory};

use crate::time::{Duration, Instant};
use crate::{Message, OptionNumber};

/// The length of the values of an [`EchoIssuer`] in bytes.
pub const ECHO_LEN: usize = 12;

/// A message authentication code with a key of the server's own, truncated to 64 bits.
///
/// This crate has none. Truncated HMAC-SHA-256 is recommended (RFC 9175 Appendix A); any closure will do:
///
/// ```
/// use dunlin_coap::echo::EchoIssuer;
/// use dunlin_coap::time::{Duration, Instant};
/// # struct Hmac(u64);
/// # impl Hmac {
/// #     fn new(key: &[u8]) -> Self { Self(key.len() as u64) }
/// #     fn update(&mut self, bytes: &[u8]) { for b in bytes { self.0 = self.0.wrapping_mul(31) ^ u64::from(*b) } }
/// #     fn finish(self) -> [u8; 32] { let mut out = [0; 32]; out[..8].copy_from_slice(&self.0.to_be_bytes()); out }
/// # }
///
/// let key = [7; 32]; // random, made anew at each start
/// let issuer = EchoIssuer::new(|time: [u8; 4], address: &[u8]| {
///     let mut mac = Hmac::new(&key);
///     mac.update(&time);
///     mac.update(address);
///     let [a, b, c, d, e, f, g, h, ..] = mac.finish();
///     [a, b, c, d, e, f, g, h]
/// });
///
/// let value = issuer.issue(Instant::from_secs(9), b"192.0.2.1");
/// let age = Duration::from_secs(5);
/// assert!(issuer.check(Instant::from_secs(10), b"192.0.2.1", &value, age).is_ok());
/// assert!(issuer.check(Instant::from_secs(10), b"192.0.2.2", &value, age).is_err());
/// ```
pub trait EchoMac {
    /// The code of the time and, behind it, the address.
    fn mac(&self, time: [u8; 4], address: &[u8]) -> [u8; 8];
}

impl<F: Fn([u8; 4], &[u8]) -> [u8; 8]> EchoMac for F {
    fn mac(&self, time: [u8; 4], address: &[u8]) -> [u8; 8] {
        self(time, address)
    }
}

/// Makes and checks Echo values that are integrity-protected timestamps (RFC 9175 Appendix A item 2): the seconds of a
/// clock, and a MAC over them and the address of the client. No state is kept for a client.
///
/// The clock must be monotonic. When it loses continuity, as at a reboot, there must be a new key (RFC 9175 §5).
/// Without encryption the value shows the time since the clock's epoch, which better is a random one (RFC 9175 §6).
///
/// A 4.01 response with the value goes in an Acknowledgement or a Non-confirmable message, never as a separate
/// Confirmable response where the address is not validated (RFC 9175 §2.4 item 3).
#[derive(Clone, Copy)]
pub struct EchoIssuer<M> {
    mac: M,
}

/// Why a request is not known to be fresh: it is answered with a 4.01 and a new value (RFC 9175 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum NotFresh {
    /// It has no Echo option.
    Missing,
    /// The value is not one of this server's for this address.
    Forged,
    /// The value is too old.
    Stale,
}

impl<M: EchoMac> EchoIssuer<M> {
    /// An issuer with this code, whose key nobody else has.
    pub const fn new(mac: M) -> Self {
        Self { mac }
    }

    /// The value for a client at `address`.
    ///
    /// The address is any unambiguous bytes: of IP address and port where values show that a client is reachable, or
    /// else of its security association. Where freshness alone matters it may be empty.
    pub fn issue(&self, now: Instant, address: &[u8]) -> [u8; ECHO_LEN] {
        let time = u32::try_from(now.as_secs())
            .unwrap_or(u32::MAX)
            .to_be_bytes();
        self.value(time, address)
    }

    /// Checks a value and gives the time after which it was made, to compare with that of an event
    /// (RFC 9175 §2.5.1).
    ///
    /// `max_age` is the threshold T of RFC 9175 §2.3: the value must be younger. It counts from the beginning of the
    /// second in which the value was made.
    ///
    /// # Errors
    ///
    /// [`NotFresh::Forged`] and [`NotFresh::Stale`].
    pub fn check(
        &self,
        now: Instant,
        address: &[u8],
        value: &[u8],
        max_age: Duration,
    ) -> Result<Instant, NotFresh> {
        let Some((&time, _)) = value.split_first_chunk() else {
            return Err(NotFresh::Forged);
        };
        let expected = self.value(time, address);
        if !bool::from(expected.as_slice().ct_eq(value)) {
            return Err(NotFresh::Forged);
        }
        let made = Instant::from_secs(u64::from(u32::from_be_bytes(time)));
        // A time to come is that of another clock.
        if made > now || now.saturating_duration_since(made) >= max_age {
            return Err(NotFresh::Stale);
        }
        Ok(made)
    }

    /// As [`check`](EchoIssuer::check), of the Echo option of a request.
    ///
    /// # Errors
    ///
    /// Every [`NotFresh`].
    pub fn check_request(
        &self,
        now: Instant,
        address: &[u8],
        request: &Message<'_>,
        max_age: Duration,
    ) -> Result<Instant, NotFresh> {
        let value = request
            .option(OptionNumber::ECHO)
            .ok_or(NotFresh::Missing)?;
        self.check(now, address, value, max_age)
    }

    fn value(&self, time: [u8; 4], address: &[u8]) -> [u8; ECHO_LEN] {
        let [t0, t1, t2, t3] = time;
        let [m0, m1, m2, m3, m4, m5, m6, m7] = self.mac.mac(time, address);
        [t0, t1, t2, t3, m0, m1, m2, m3, m4, m5, m6, m7]
    }
}

impl<M> fmt::Debug for EchoIssuer<M> {
    /// Nothing of the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EchoIssuer").finish_non_exhaustive()
    }
}

impl fmt::Display for NotFresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "request without Echo option",
            Self::Forged => "Echo value that was not made for this client",
            Self::Stale => "Echo value is too old",
        })
    }
}

impl core::error::Error for NotFresh {}
