//! The order of notifications (RFC 7641 §3.4, §4.4).

use crate::time::{Duration, Instant};

/// After this time without a notification the next one is newer whatever its number (RFC 7641 §3.4).
pub const REORDERING_TIME: Duration = Duration::from_secs(128);

/// The number of a notification: 24 bits that wrap (RFC 7641 §3.4).
///
/// A server numbers the notifications of one observation upwards, at most one for each
/// [`next`](SequenceNumber::next).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(from = "u32", into = "u32"))]
pub struct SequenceNumber(u32);

impl SequenceNumber {
    /// The number in the low 24 bits of `value`.
    #[inline]
    pub const fn new(value: u32) -> Self {
        Self(value & 0x00ff_ffff)
    }

    /// The number as the Observe option carries it.
    #[inline]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The number that follows.
    #[inline]
    #[must_use]
    pub const fn next(self) -> Self {
        Self::new(self.0.wrapping_add(1))
    }
}

impl From<u32> for SequenceNumber {
    /// The low 24 bits.
    fn from(value: u32) -> Self {
        Self::new(value)
    }
}

impl From<SequenceNumber> for u32 {
    fn from(number: SequenceNumber) -> Self {
        number.0
    }
}

/// Whether notification `number`, arriving at `now`, was sent more recently than `freshest`, which arrived at
/// `freshest_at` (RFC 7641 §3.4).
#[inline]
pub fn is_newer(
    freshest: SequenceNumber,
    freshest_at: Instant,
    number: SequenceNumber,
    now: Instant,
) -> bool {
    let (v1, v2) = (freshest.0, number.0);
    (v1 < v2 && v2.wrapping_sub(v1) < 1 << 23)
        || (v1 > v2 && v1.wrapping_sub(v2) > 1 << 23)
        || now.saturating_duration_since(freshest_at) > REORDERING_TIME
}

/// What an observer remembers of one observation to tell new notifications from late ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    at: Instant,
    number: SequenceNumber,
}

impl Freshness {
    /// Begins with the first response that carries an Observe option.
    #[inline]
    pub const fn new(number: SequenceNumber, now: Instant) -> Self {
        Self { at: now, number }
    }

    /// When the freshest notification arrived.
    #[inline]
    pub const fn at(&self) -> Instant {
        self.at
    }

    /// Takes a notification: true and remembered when it is newer than all before it, else false.
    #[inline]
    #[must_use]
    pub fn accept(&mut self, number: SequenceNumber, now: Instant) -> bool {
        let newer = is_newer(self.number, self.at, number, now);
        if newer {
            *self = Self::new(number, now);
        }
        newer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const _: () = assert!(size_of::<Freshness>() <= 16);

    #[test]
    fn order_in_serial_number_arithmetic() {
        let now = Instant::from_secs(10);
        let newer = |v1, v2| is_newer(SequenceNumber::new(v1), now, SequenceNumber::new(v2), now);
        assert!(newer(0, 1));
        assert!(!newer(1, 0));
        assert!(!newer(5, 5));
        assert!(newer(0, (1 << 23) - 1));
        // Exactly half the circle: neither of the two is newer.
        assert!(!newer(0, 1 << 23));
        assert!(!newer(1 << 23, 0));
        assert!(newer(0xff_ffff, 0));
        assert!(newer((1 << 23) + 1, 0));
        assert!(!newer(0, 0xff_ffff));
    }

    #[test]
    fn anything_is_newer_after_128_seconds() {
        let start = Instant::from_secs(10);
        let mut freshness = Freshness::new(SequenceNumber::new(44), start);
        assert!(!freshness.accept(SequenceNumber::new(43), start + Duration::from_secs(128)));
        assert!(freshness.accept(
            SequenceNumber::new(43),
            start + Duration::from_millis(128_001)
        ));
        assert!(!freshness.accept(SequenceNumber::new(43), start + Duration::from_secs(129)));
        assert!(freshness.accept(SequenceNumber::new(60), start + Duration::from_secs(129)));
    }

    #[test]
    fn numbers_wrap_at_24_bits() {
        assert_eq!(SequenceNumber::new(0xff_ffff).next().get(), 0);
        assert_eq!(SequenceNumber::new(0x0123_4567).get(), 0x23_4567);
    }
}
