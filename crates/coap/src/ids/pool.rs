//! Message ids that are not used again too soon.

use core::fmt;

use crate::MessageId;
use crate::time::{Duration, Instant};

/// Gives message ids in sequence from a random start and none again within the lifetime of an exchange
/// (RFC 7252 §4.4), for one peer or for all.
///
/// The 65536 ids lie in `N` parts, and a part is begun again only when none of its ids was given within the lifetime. So
/// a pool costs 4 bytes for each part, and gives at least 65536 × (N − 1) / N ids in each lifetime: with 8 parts and
/// 247 s, 232 a second for ever. `N` is 1 to 256, else it does not compile.
///
/// ```
/// use dunlin_coap::time::{Duration, Instant};
/// use dunlin_coap::{MessageId, MessageIdPool, Parameters};
///
/// let lifetime = Parameters::DEFAULT.exchange_lifetime();
/// let mut ids = MessageIdPool::<8>::new(0x7d36, lifetime);
/// assert_eq!(ids.next(Instant::ZERO), Ok(MessageId(0x7d36)));
/// assert_eq!(ids.next(Instant::ZERO), Ok(MessageId(0x7d37)));
/// ```
#[derive(Clone, Debug)]
pub struct MessageIdPool<const N: usize = 8> {
    /// When the newest id of each part was given, in ticks; 0 for never.
    used: [u32; N],
    /// In ticks.
    lifetime: u32,
    next: u16,
}

/// All ids were given within the lifetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Exhausted {
    /// When there are ids again.
    pub until: Instant,
}

/// Time is kept in ticks of 64 ms from 1 on: 32 bits of them last for 8.7 years, after which no id is refused.
const TICK_SHIFT: u32 = 6;

impl<const N: usize> MessageIdPool<N> {
    const PARTS: usize = {
        assert!(1 <= N && N <= 256, "the ids lie in 1 to 256 parts");
        N
    };

    /// Starts at `random`, which should be unpredictable; `lifetime` is
    /// [`exchange_lifetime`](crate::Parameters::exchange_lifetime), or
    /// [`non_lifetime`](crate::Parameters::non_lifetime) where no message is Confirmable.
    pub fn new(random: u16, lifetime: Duration) -> Self {
        let ticks = (lifetime.as_millis() >> TICK_SHIFT).saturating_add(1);
        Self {
            used: [0; N],
            lifetime: u32::try_from(ticks).unwrap_or(u32::MAX),
            next: random,
        }
    }

    /// The next id.
    ///
    /// # Errors
    ///
    /// [`Exhausted`]: too many ids were given within the lifetime.
    pub fn next(&mut self, now: Instant) -> Result<MessageId, Exhausted> {
        let ticks = ticks(now);
        let part = Self::part_of(self.next);
        if let Some(used) = self.used.get(usize::from(part))
            && *used != 0
            && Self::is_first_of_part(self.next)
        {
            let free = used.saturating_add(self.lifetime);
            if ticks <= free && ticks != u32::MAX {
                let until = u64::from(free) << TICK_SHIFT;
                return Err(Exhausted {
                    until: Instant::from_millis(until),
                });
            }
        }
        if let Some(used) = self.used.get_mut(usize::from(part)) {
            *used = ticks;
        }
        let id = MessageId(self.next);
        self.next = self.next.wrapping_add(1);
        Ok(id)
    }

    fn is_first_of_part(id: u16) -> bool {
        id.checked_sub(1)
            .is_none_or(|before| Self::part_of(before) != Self::part_of(id))
    }

    fn part_of(id: u16) -> u8 {
        // At most 255, as there are at most 256 parts.
        let part = usize::from(id).saturating_mul(Self::PARTS) >> 16;
        u8::try_from(part).unwrap_or(u8::MAX)
    }
}

/// Ticks, the first of which is 1.
fn ticks(now: Instant) -> u32 {
    u32::try_from(now.as_millis() >> TICK_SHIFT)
        .unwrap_or(u32::MAX)
        .saturating_add(1)
}

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("all message ids were used within the lifetime of an exchange")
    }
}

impl core::error::Error for Exhausted {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec;

    const LIFETIME: Duration = Duration::from_secs(247);
    const _: () = assert!(size_of::<MessageIdPool<8>>() <= 40);

    #[test]
    fn a_burst_gets_all_ids_but_those_of_the_first_part_again() {
        // Begins in the middle of a part, whose rest is given last.
        for start in [0, 100, u16::MAX] {
            let mut ids = MessageIdPool::<8>::new(start, LIFETIME);
            let mut given = 0;
            let until = loop {
                match ids.next(Instant::from_secs(1)) {
                    Ok(_) => given += 1,
                    Err(exhausted) => break exhausted.until,
                }
            };
            assert!((65536 - 8192..=65536).contains(&given), "{given}");
            assert!(until >= Instant::from_secs(248));
            assert!(until <= Instant::from_secs(249));
            assert!(ids.next(until - Duration::from_millis(1)).is_err());
            assert!(ids.next(until + Duration::from_millis(64)).is_ok());
        }
    }

    #[test]
    fn a_steady_rate_never_exhausts_them() {
        let mut ids = MessageIdPool::<8>::new(77, LIFETIME);
        for step in 0..400_000_u64 {
            // 231 a second.
            assert!(
                ids.next(Instant::from_millis(step * 1000 / 231)).is_ok(),
                "{step}"
            );
        }
    }

    const SHORT: Duration = Duration::from_secs(10);

    fn no_id_comes_again<const N: usize>(
        mut ids: MessageIdPool<N>,
        steps: &[(u64, u32)],
    ) -> Result<(), TestCaseError> {
        let mut given = vec![None; 65536];
        let mut now = Instant::ZERO;
        for (wait, count) in steps {
            now += Duration::from_millis(*wait);
            for _ in 0..*count {
                let Ok(id) = ids.next(now) else { break };
                let last = given[usize::from(id.0)].replace(now);
                prop_assert!(last.is_none_or(|last| now - last > SHORT));
            }
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn no_id_comes_again_within_the_lifetime(
            start: u16,
            steps in prop::collection::vec((0..700_u64, 1..6_000_u32), 1..80),
        ) {
            no_id_comes_again(MessageIdPool::<1>::new(start, SHORT), &steps)?;
            no_id_comes_again(MessageIdPool::<3>::new(start, SHORT), &steps)?;
            no_id_comes_again(MessageIdPool::<256>::new(start, SHORT), &steps)?;
        }
    }
}
