//! Message ids that are not used again too soon.

use std::vec::Vec;

use crate::MessageId;
use crate::MessageIds;
use crate::time::{Duration, Instant};

/// How many sequences there are: peers share one by their hash, so that no peer needs memory of its own.
const SEQUENCES: usize = 256;

/// How many ids are remembered together.
const SEGMENT: u16 = 1024;

/// Segments of a sequence.
const SEGMENTS: usize = 64;

/// Sequences of message ids, where an id is not used again within a time (RFC 7252 §4.4).
pub(crate) struct Sequences {
    sequences: Vec<Sequence>,
    lifetime: Duration,
}

struct Sequence {
    ids: MessageIds,
    /// The id that comes next; kept here to see where a segment begins.
    next: u16,
    /// When an id of each segment was given last.
    used: [Option<Instant>; SEGMENTS],
}

impl Sequences {
    /// Sequences from random starts; an id is free again after `lifetime`.
    pub(crate) fn new(lifetime: Duration) -> Self {
        let sequence = |_| {
            let start = rand::random();
            Sequence {
                ids: MessageIds::new(start),
                next: start,
                used: [None; SEGMENTS],
            }
        };
        Self {
            sequences: (0..SEQUENCES).map(sequence).collect(),
            lifetime,
        }
    }

    /// The next id towards the peer with this hash.
    ///
    /// # Errors
    ///
    /// When there will be one, if all ids are in use.
    pub(crate) fn next(&mut self, now: Instant, peer: u64) -> Result<MessageId, Instant> {
        let lifetime = self.lifetime;
        let Some(sequence) = self.sequence(peer) else {
            return Ok(MessageId(0));
        };
        let id = sequence.next;
        if let Some(used) = sequence.used.get_mut(usize::from(id / SEGMENT)) {
            // The rest of a segment was free when its first id was.
            if id % SEGMENT == 0
                && let Some(free) = used
                    .map(|used| used.saturating_add(lifetime))
                    .filter(|free| *free > now)
            {
                return Err(free);
            }
            *used = Some(now);
        }
        sequence.next = id.wrapping_add(1);
        Ok(sequence.ids.next())
    }

    /// The next id, whether it is free or not: for what is not missed when it is taken for a duplicate.
    pub(crate) fn next_of_any(&mut self, now: Instant, peer: u64) -> MessageId {
        self.next(now, peer).unwrap_or_else(|_| {
            self.sequence(peer).map_or(MessageId(0), |sequence| {
                sequence.next = sequence.next.wrapping_add(1);
                sequence.ids.next()
            })
        })
    }

    fn sequence(&mut self, peer: u64) -> Option<&mut Sequence> {
        let count = u64::try_from(self.sequences.len()).ok()?;
        let place = usize::try_from(peer.checked_rem(count)?).ok()?;
        self.sequences.get_mut(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_not_used_again_within_the_lifetime() {
        let lifetime = Duration::from_secs(247);
        let mut sequences = Sequences::new(lifetime);
        let start = Instant::from_secs(1000);
        let mut given = std::collections::HashSet::new();
        let free = loop {
            match sequences.next(start, 7) {
                Ok(id) => assert!(given.insert(id), "{id} was given twice"),
                Err(free) => break free,
            }
        };
        // The segment of the random start is left alone where it was begun.
        assert!(given.len() > 65536 - 1024, "only {} ids", given.len());
        assert_eq!(free, start + lifetime);
        assert!(sequences.next(start, 8).is_ok());
        assert!(sequences.next(free, 7).is_ok());
    }
}
