//! Message ids that are not used again too soon.

use std::vec::Vec;

use crate::time::{Duration, Instant};
use crate::{MessageId, MessageIdPool};

/// How many sequences there are: peers share one by their hash, so that no peer needs memory of its own.
const SEQUENCES: usize = 256;

/// In how many parts the ids of a sequence become free again.
const PARTS: usize = 32;

/// Sequences of message ids, where an id is not used again within a time (RFC 7252 §4.4).
pub(crate) struct Sequences {
    sequences: Vec<Sequence>,
}

struct Sequence {
    pool: MessageIdPool<PARTS>,
    /// What is given when all are in use.
    extra: MessageId,
}

impl Sequences {
    /// Sequences from random starts; an id is free again after `lifetime`.
    pub(crate) fn new(lifetime: Duration) -> Self {
        let sequence = |_| Sequence {
            pool: MessageIdPool::new(rand::random(), lifetime),
            extra: MessageId(rand::random()),
        };
        Self {
            sequences: (0..SEQUENCES).map(sequence).collect(),
        }
    }

    /// The next id towards the peer with this hash.
    ///
    /// # Errors
    ///
    /// When there will be one, if all ids are in use.
    pub(crate) fn next(&mut self, now: Instant, peer: u64) -> Result<MessageId, Instant> {
        match self.sequence(peer) {
            Some(sequence) => sequence.pool.next(now).map_err(|exhausted| exhausted.until),
            None => Ok(MessageId(0)),
        }
    }

    /// The next id, whether it is free or not: for what is not missed when it is taken for a duplicate.
    pub(crate) fn next_of_any(&mut self, now: Instant, peer: u64) -> MessageId {
        self.next(now, peer).unwrap_or_else(|_| {
            self.sequence(peer).map_or(MessageId(0), |sequence| {
                sequence.extra = MessageId(sequence.extra.0.wrapping_add(1));
                sequence.extra
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
        assert!(given.len() > 65536 / 32 * 31, "only {} ids", given.len());
        assert!(free >= start + lifetime);
        assert!(sequences.next(start, 8).is_ok());
        assert!(sequences.next(free + Duration::from_secs(1), 7).is_ok());
    }
}
