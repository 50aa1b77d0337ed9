//! Requests that have been answered, with their answers (RFC 7252 §4.5).
//!
//! `dunlin-coap` has a window of duplicates with an index for many peers. A device has a handful of requests to
//! remember, so here a search from the front does, which costs a fifth of the code.

use dunlin_coap::MessageId;
use dunlin_coap::time::{Duration, Instant};

use crate::reply::move_down;

/// Bytes in front of an answer: the server, the message id, the time in milliseconds, the length.
const HEAD: usize = 9;

/// Requests with their answers, oldest first, in `bytes`. A server is named by its place among the agent's.
pub(crate) struct Replay<B: ?Sized> {
    lifetime: Duration,
    used: usize,
    bytes: B,
}

impl<const N: usize> Replay<[u8; N]> {
    /// An empty list whose entries are forgotten after `lifetime`, `EXCHANGE_LIFETIME`.
    pub(crate) const fn new(lifetime: Duration) -> Self {
        Self {
            lifetime,
            used: 0,
            bytes: [0; N],
        }
    }
}

impl Replay<[u8]> {
    /// The head and the answer of the entry at the start of `entries`, and the entries behind it.
    fn split(entries: &[u8]) -> Option<(&[u8; HEAD], &[u8], &[u8])> {
        let (head, rest) = entries.split_first_chunk()?;
        let [.., l0, l1]: &[u8; HEAD] = head;
        let length = u16::from_le_bytes([*l0, *l1]);
        let (answer, rest) = rest.split_at_checked(length.into())?;
        Some((head, answer, rest))
    }

    /// All entries.
    fn entries(&self) -> &[u8] {
        self.bytes.get(..self.used).unwrap_or_default()
    }

    /// The answer to a request.
    fn find(&self, server: usize, id: MessageId) -> Option<&[u8]> {
        let [high, low] = id.0.to_be_bytes();
        let mut entries = self.entries();
        while let Some(([known, a, b, ..], answer, rest)) = Self::split(entries) {
            if usize::from(*known) == server && (*a, *b) == (high, low) {
                return Some(answer);
            }
            entries = rest;
        }
        None
    }

    /// Forgets the oldest entry; whether there was one.
    fn forget(&mut self) -> bool {
        let Some((_, _, rest)) = Self::split(self.entries()) else {
            return false;
        };
        let kept = rest.len();
        let gone = self.used.saturating_sub(kept);
        move_down(self.bytes.get_mut(..self.used).unwrap_or_default(), gone);
        self.used = kept;
        true
    }

    /// Whether a request has been answered; forgets those that are too old to be repeated.
    pub(crate) fn knows(&mut self, now: Instant, server: usize, id: MessageId) -> bool {
        while let Some(([_, _, _, t0, t1, t2, t3, ..], ..)) = Self::split(self.entries()) {
            let age = millis(now).wrapping_sub(u32::from_le_bytes([*t0, *t1, *t2, *t3]));
            if Duration::from_millis(age.into()) < self.lifetime {
                break;
            }
            self.forget();
        }
        self.find(server, id).is_some()
    }

    /// Keeps the answer to a request, an empty one where there is nothing to send; the oldest give way to it. One that is
    /// too long is not kept: such a long answer is that to a GET, which may be carried out again.
    pub(crate) fn answered(&mut self, now: Instant, server: usize, id: MessageId, answer: &[u8]) {
        let room = HEAD.saturating_add(answer.len());
        let (Ok(server), Ok(length)) = (u8::try_from(server), u16::try_from(answer.len())) else {
            return;
        };
        if room > self.bytes.len() {
            return;
        }
        while self.bytes.len().saturating_sub(self.used) < room && self.forget() {}
        let [high, low] = id.0.to_be_bytes();
        let [t0, t1, t2, t3] = millis(now).to_le_bytes();
        let [l0, l1] = length.to_le_bytes();
        let head = [server, high, low, t0, t1, t2, t3, l0, l1];
        for bytes in [&head[..], answer] {
            let space = self.bytes.get_mut(self.used..).unwrap_or_default();
            self.used = self.used.saturating_add(copy(space, bytes));
        }
    }

    /// Copies the answer into `buffer` and gives its length; `None` where nothing is to be sent.
    pub(crate) fn answer(&self, server: usize, id: MessageId, buffer: &mut [u8]) -> Option<usize> {
        let answer = self.find(server, id)?;
        let space = buffer.get_mut(..answer.len())?;
        Some(copy(space, answer)).filter(|length| *length > 0)
    }
}

/// Copies `bytes` to the start of `space`, which has room for them, and gives their number.
fn copy(space: &mut [u8], bytes: &[u8]) -> usize {
    for (slot, byte) in space.iter_mut().zip(bytes) {
        *slot = *byte;
    }
    bytes.len()
}

/// The low 32 bits of the milliseconds: no request is kept for 49 days.
fn millis(now: Instant) -> u32 {
    let [_, _, _, _, bytes @ ..] = now.as_millis().to_be_bytes();
    u32::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    const LIFETIME: Duration = Duration::from_secs(247);

    fn at(seconds: u64) -> Instant {
        Instant::from_secs(seconds)
    }

    fn answer(replay: &Replay<[u8]>, server: usize, id: u16) -> Option<std::vec::Vec<u8>> {
        let mut buffer = [0; 64];
        let length = replay.answer(server, MessageId(id), &mut buffer)?;
        Some(buffer[..length].to_vec())
    }

    #[test]
    fn an_answer_is_given_again_to_who_asked_until_it_is_too_old() {
        let mut replay = Replay::<[u8; 64]>::new(LIFETIME);
        let replay: &mut Replay<[u8]> = &mut replay;
        let id = MessageId(7);
        assert!(!replay.knows(at(0), 0, id));
        assert_eq!(answer(replay, 0, 7), None);
        replay.answered(at(0), 0, MessageId(8), b"");
        assert!(replay.knows(at(0), 0, MessageId(8)), "and has no answer");
        assert_eq!(answer(replay, 0, 8), None);
        replay.answered(at(1), 0, id, b"first");
        assert!(replay.knows(at(2), 0, id));
        assert!(!replay.knows(at(2), 1, id), "another server");
        assert_eq!(answer(replay, 0, 7).as_deref(), Some(&b"first"[..]));
        assert!(replay.knows(at(247), 0, id));
        assert!(!replay.knows(at(248), 0, id));
    }

    #[test]
    fn the_oldest_give_way_and_what_is_too_long_is_not_kept() {
        let mut replay = Replay::<[u8; 64]>::new(LIFETIME);
        let replay: &mut Replay<[u8]> = &mut replay;
        for id in 0..10 {
            replay.answered(at(0), 0, MessageId(id), b"0123456789");
        }
        assert_eq!(answer(replay, 0, 6), None);
        for id in 7..10 {
            assert_eq!(answer(replay, 0, id).as_deref(), Some(&b"0123456789"[..]));
        }
        replay.answered(at(1), 0, MessageId(10), &[0; 64]);
        assert!(!replay.knows(at(1), 0, MessageId(10)));
        assert!(replay.knows(at(1), 0, MessageId(9)));
    }

    proptest::proptest! {
        /// Against a plain list: what the window knows is true, and the newest answer that fits is always known.
        #[test]
        fn it_knows_nothing_false(steps in proptest::collection::vec((0_u16..6, 1_usize..30), 0..60)) {
            let mut replay = Replay::<[u8; 48]>::new(LIFETIME);
            let replay: &mut Replay<[u8]> = &mut replay;
            let mut truth = std::collections::BTreeMap::new();
            for (id, length) in steps {
                let bytes = std::vec![u8::try_from(length).unwrap(); length];
                if !replay.knows(at(0), 0, MessageId(id)) {
                            replay.answered(at(0), 0, MessageId(id), &bytes);
                    truth.insert(id, bytes.clone());
                    proptest::prop_assert_eq!(answer(replay, 0, id), Some(bytes));
                }
                for id in 0..6 {
                    if let Some(known) = answer(replay, 0, id) {
                        proptest::prop_assert_eq!(Some(&known), truth.get(&id));
                    }
                }
            }
        }
    }
}
