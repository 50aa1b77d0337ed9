//! Requests that have been carried out, with their answers (RFC 7252 §4.5).
//!
//! `dunlin-coap` has a window of duplicates with an index for many peers. A device has a handful of requests to
//! remember, so here a search from the front does, which costs a fifth of the code.

use dunlin_coap::MessageId;
use dunlin_coap::time::{Duration, Instant};

use crate::reply::move_down;

/// What is known of a request by its message id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    New,
    /// Its answer has not been fetched yet.
    InProgress,
    Answered,
}

/// Bytes in front of an answer: the server, the message id, the time in milliseconds, the length.
const HEAD: usize = 9;

/// The length of an answer that has not been given yet.
const NONE: u16 = u16::MAX;

/// The last requests, oldest first, in `bytes`. A server is named by its place among the agent's.
pub(crate) struct Replay<B: ?Sized> {
    lifetime: Duration,
    used: usize,
    bytes: B,
}

/// One request in the list.
struct Entry {
    start: usize,
    end: usize,
    answered: bool,
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
    /// The entry that begins at `start`, with its server, message id and time.
    fn entry(&self, start: usize) -> Option<(Entry, [u8; 7])> {
        let (head, _) = self.bytes.get(start..self.used)?.split_first_chunk()?;
        let [server, high, low, t0, t1, t2, t3, l0, l1]: &[u8; HEAD] = head;
        let length = u16::from_le_bytes([*l0, *l1]);
        let answered = length != NONE;
        let answer = if answered { usize::from(length) } else { 0 };
        let entry = Entry {
            start,
            end: start.saturating_add(HEAD).saturating_add(answer),
            answered,
        };
        Some((entry, [*server, *high, *low, *t0, *t1, *t2, *t3]))
    }

    fn find(&self, server: usize, id: MessageId) -> Option<Entry> {
        let [high, low] = id.0.to_be_bytes();
        let mut start = 0;
        while let Some((entry, [known, a, b, ..])) = self.entry(start) {
            if usize::from(known) == server && (a, b) == (high, low) {
                return Some(entry);
            }
            start = entry.end;
        }
        None
    }

    fn remove(&mut self, entry: &Entry) {
        if let Some(rest) = self.bytes.get_mut(entry.start..self.used) {
            let gone = entry.end.saturating_sub(entry.start);
            let kept = rest.len().saturating_sub(gone);
            move_down(rest, gone);
            self.used = entry.start.saturating_add(kept);
        }
    }

    /// Appends an entry; the oldest give way to it. Without any room it is not kept.
    fn append(&mut self, now: Instant, server: usize, id: MessageId, answer: Option<&[u8]>) {
        let body = answer.unwrap_or_default();
        let room = HEAD.saturating_add(body.len());
        let (Ok(server), Some(length)) = (
            u8::try_from(server),
            answer.map_or(Some(NONE), |body| u16::try_from(body.len()).ok()),
        ) else {
            return;
        };
        if room > self.bytes.len() {
            return;
        }
        while self.bytes.len().saturating_sub(self.used) < room {
            match self.entry(0) {
                Some((oldest, _)) => self.remove(&oldest),
                None => return,
            }
        }
        let [high, low] = id.0.to_be_bytes();
        let [t0, t1, t2, t3] = millis(now).to_le_bytes();
        let [l0, l1] = length.to_le_bytes();
        let head = [server, high, low, t0, t1, t2, t3, l0, l1];
        if let Some(space) = self.bytes.get_mut(self.used..) {
            for (slot, byte) in space.iter_mut().zip(head.iter().chain(body)) {
                *slot = *byte;
            }
            self.used = self.used.saturating_add(room);
        }
    }

    /// Looks a request up, and forgets those that are too old to be repeated.
    pub(crate) fn check(&mut self, now: Instant, server: usize, id: MessageId) -> Known {
        while let Some((oldest, [_, _, _, t0, t1, t2, t3])) = self.entry(0) {
            let age = millis(now).wrapping_sub(u32::from_le_bytes([t0, t1, t2, t3]));
            if Duration::from_millis(age.into()) < self.lifetime {
                break;
            }
            self.remove(&oldest);
        }
        match self.find(server, id) {
            None => Known::New,
            Some(entry) if entry.answered => Known::Answered,
            Some(_) => Known::InProgress,
        }
    }

    /// Keeps a request that is about to be carried out.
    pub(crate) fn begin(&mut self, now: Instant, server: usize, id: MessageId) {
        self.append(now, server, id, None);
    }

    /// Keeps an answer. One that is too long is not kept, nor the request: such a long answer is that to a GET, which
    /// may be carried out again.
    pub(crate) fn answered(&mut self, now: Instant, server: usize, id: MessageId, answer: &[u8]) {
        if let Some(entry) = self.find(server, id) {
            self.remove(&entry);
        }
        self.append(now, server, id, Some(answer));
    }

    /// Copies the answer into `buffer` and gives its length.
    pub(crate) fn answer(&self, server: usize, id: MessageId, buffer: &mut [u8]) -> Option<usize> {
        let entry = self.find(server, id).filter(|entry| entry.answered)?;
        let answer = self
            .bytes
            .get(entry.start.saturating_add(HEAD)..entry.end)?;
        let space = buffer.get_mut(..answer.len())?;
        for (slot, byte) in space.iter_mut().zip(answer) {
            *slot = *byte;
        }
        Some(answer.len())
    }
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
        assert_eq!(replay.check(at(0), 0, id), Known::New);
        replay.begin(at(0), 0, id);
        assert_eq!(replay.check(at(1), 0, id), Known::InProgress);
        assert_eq!(answer(replay, 0, 7), None);
        replay.answered(at(1), 0, id, b"first");
        assert_eq!(replay.check(at(2), 0, id), Known::Answered);
        assert_eq!(replay.check(at(2), 1, id), Known::New, "another server");
        assert_eq!(answer(replay, 0, 7).as_deref(), Some(&b"first"[..]));
        assert_eq!(replay.check(at(247), 0, id), Known::Answered);
        assert_eq!(replay.check(at(248), 0, id), Known::New);
    }

    #[test]
    fn the_oldest_give_way_and_what_is_too_long_is_not_kept() {
        let mut replay = Replay::<[u8; 64]>::new(LIFETIME);
        let replay: &mut Replay<[u8]> = &mut replay;
        for id in 0..10 {
            replay.begin(at(0), 0, MessageId(id));
            replay.answered(at(0), 0, MessageId(id), b"0123456789");
        }
        assert_eq!(answer(replay, 0, 6), None);
        for id in 7..10 {
            assert_eq!(answer(replay, 0, id).as_deref(), Some(&b"0123456789"[..]));
        }
        replay.begin(at(1), 0, MessageId(10));
        replay.answered(at(1), 0, MessageId(10), &[0; 64]);
        assert_eq!(replay.check(at(1), 0, MessageId(10)), Known::New);
        assert_eq!(replay.check(at(1), 0, MessageId(9)), Known::Answered);
    }

    proptest::proptest! {
        /// Against a plain list: what the window knows is true, and the newest answer that fits is always known.
        #[test]
        fn it_knows_nothing_false(steps in proptest::collection::vec((0_u16..6, 0_usize..30), 0..60)) {
            let mut replay = Replay::<[u8; 48]>::new(LIFETIME);
            let replay: &mut Replay<[u8]> = &mut replay;
            let mut truth = std::collections::BTreeMap::new();
            for (id, length) in steps {
                let bytes = std::vec![u8::try_from(length).unwrap(); length];
                if replay.check(at(0), 0, MessageId(id)) == Known::New {
                    replay.begin(at(0), 0, MessageId(id));
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
