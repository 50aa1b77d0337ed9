//! Tells duplicates and repeats the answer they got (RFC 7252 §4.5).

mod index;
mod ring;
#[cfg(test)]
mod tests;

use core::fmt;

use crate::MessageId;
use crate::time::{Duration, Instant};
use index::Index;
use ring::{Record, Ring};

/// Remembers the messages that arrived within `EXCHANGE_LIFETIME` and what they were answered, so that a duplicate is
/// processed once only and gets the same answer (RFC 7252 §4.5).
///
/// The storage is the owner's: a ring of bytes that holds the answers one after the other, and a table of numbers
/// that finds them. It may be two small arrays on a device or many megabytes on a server. An entry takes 16 bytes of
/// the ring, its answer, and 4 bytes of the table, of which at most three quarters are used; 16 bytes more where
/// another entry was begun before its answer came. When either is full the oldest entries are forgotten, in progress
/// or not: their duplicates count as new.
///
/// The key is the peer, as a number that the owner gives to each address (or to each security association), and the
/// message id. Confirmable and Non-confirmable messages share it (RFC 7252 §4.3).
///
/// ```text
///            begin                answered
///  (new) ───────────► in progress ─────────► answered ───► forgotten after the lifetime, or when full
///                          └──── forget ────────┴────────► (new)
/// ```
///
/// ```
/// use dunlin_coap::time::{Duration, Instant};
/// use dunlin_coap::{DuplicateWindow, MessageId, Seen};
///
/// let mut window = DuplicateWindow::new([0; 512], [0; 16], Duration::from_secs(247), 0x5eed);
/// let (now, peer, id) = (Instant::ZERO, 1, MessageId(7));
/// assert_eq!(window.check(now, peer, id), Seen::New);
/// window.begin(now, peer, id);
/// assert_eq!(window.check(now, peer, id), Seen::InProgress);
/// window.answered(now, peer, id, b"answer")?;
/// assert_eq!(window.check(now, peer, id), Seen::Answered(b"answer"));
/// assert_eq!(window.check(now + Duration::from_secs(248), peer, id), Seen::New);
/// # Ok::<(), dunlin_coap::AnswerTooLong>(())
/// ```
pub struct DuplicateWindow<B, I> {
    ring: B,
    index: I,
    state: State,
}

/// Whether a message was seen before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen<'a> {
    /// Not within the lifetime, or forgotten: process it.
    New,
    /// It is being processed: ignore the duplicate.
    InProgress,
    /// It got this answer: send the answer again, or nothing where it is empty.
    Answered(&'a [u8]),
}

/// The answer does not fit into the window even when all else is forgotten.
///
/// The entry is forgotten too: a duplicate will be processed again, which RFC 7252 §4.5 allows for idempotent requests.
/// Where that must not be, store an empty answer in its place, so that duplicates are ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerTooLong;

/// What the window knows besides its storage.
#[derive(Clone, Copy, Debug)]
struct State {
    ring: ring::State,
    /// Entries in the index.
    entries: usize,
    /// The secret of the index.
    multiplier: u64,
    /// In ticks.
    lifetime: u32,
}

/// Time is kept in ticks of 64 ms: 32 bits of them last for 8.7 years.
const TICK_SHIFT: u32 = 6;

impl<B: AsMut<[u8]>, I: AsMut<[u32]>> DuplicateWindow<B, I> {
    /// An empty window that remembers for `lifetime`, which is
    /// [`Parameters::exchange_lifetime`](crate::Parameters::exchange_lifetime).
    ///
    /// An entry is kept for the lifetime and at most 128 ms longer. `seed` is a random number that keeps peers from
    /// choosing message ids that collide in the table. Only the first 4 GiB of the ring are used; a ring below 16
    /// bytes or a table of fewer than two numbers remembers nothing.
    pub fn new(ring: B, mut index: I, lifetime: Duration, seed: u64) -> Self {
        index.as_mut().fill(index::EMPTY);
        let ticks = (lifetime.as_millis() >> TICK_SHIFT).saturating_add(1);
        Self {
            ring,
            index,
            state: State {
                ring: ring::State::EMPTY,
                entries: 0,
                multiplier: index::multiplier(seed),
                // Half the range at most, far from where the ticks wrap.
                lifetime: u32::try_from(ticks).unwrap_or(u32::MAX).min(u32::MAX / 2),
            },
        }
    }

    /// Looks a message up that has just arrived.
    pub fn check(&mut self, now: Instant, peer: u64, id: MessageId) -> Seen<'_> {
        self.view().into_seen(now, Key { peer, id })
    }

    /// Remembers that a message is being processed. Whatever was known under the same key is forgotten.
    pub fn begin(&mut self, now: Instant, peer: u64, id: MessageId) {
        self.view().begin(now, Key { peer, id });
    }

    /// Remembers the answer to a message, empty where there is nothing to send; replaces an earlier answer.
    ///
    /// Works without [`begin`](DuplicateWindow::begin) too. The lifetime counts from `begin`. An answer that comes
    /// after the lifetime must not be given: by then the key may belong to another message.
    ///
    /// # Errors
    ///
    /// [`AnswerTooLong`], and the entry is forgotten.
    pub fn answered(
        &mut self,
        now: Instant,
        peer: u64,
        id: MessageId,
        answer: &[u8],
    ) -> Result<(), AnswerTooLong> {
        self.view().answered(now, Key { peer, id }, answer)
    }

    /// Forgets a message, so that a duplicate is processed.
    pub fn forget(&mut self, peer: u64, id: MessageId) {
        self.view().forget(Key { peer, id });
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.index.as_mut().fill(index::EMPTY);
        self.state.ring = ring::State::EMPTY;
        self.state.entries = 0;
    }

    /// How many messages are remembered, among them some whose lifetime is over.
    pub const fn len(&self) -> usize {
        self.state.entries
    }

    /// Whether nothing is remembered.
    pub const fn is_empty(&self) -> bool {
        self.state.entries == 0
    }

    /// The window without its storage types.
    pub(crate) fn view(&mut self) -> View<'_> {
        let ring = self.ring.as_mut();
        View {
            index: Index::new(self.index.as_mut(), self.state.multiplier, ring.len()),
            ring: Ring::new(ring, &mut self.state.ring),
            entries: &mut self.state.entries,
            lifetime: self.state.lifetime,
        }
    }
}

impl<B, I> fmt::Debug for DuplicateWindow<B, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DuplicateWindow")
            .field("entries", &self.state.entries)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for AnswerTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("answer is longer than the window of duplicates")
    }
}

impl core::error::Error for AnswerTooLong {}

/// Under what a message is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) peer: u64,
    pub(crate) id: MessageId,
}

/// The whole window without its storage types, so that the code exists once.
pub(crate) struct View<'a> {
    ring: Ring<'a>,
    index: Index<'a>,
    entries: &'a mut usize,
    lifetime: u32,
}

impl<'a> View<'a> {
    /// [`DuplicateWindow::check`].
    pub(crate) fn check(&self, now: Instant, key: Key) -> Seen<'_> {
        match self.find_fresh(now, key) {
            None => Seen::New,
            Some((offset, record)) => match record.answer_len {
                None => Seen::InProgress,
                Some(_) => Seen::Answered(self.ring.answer(offset, &record)),
            },
        }
    }

    fn into_seen(self, now: Instant, key: Key) -> Seen<'a> {
        match self.find_fresh(now, key) {
            None => Seen::New,
            Some((offset, record)) => match record.answer_len {
                None => Seen::InProgress,
                Some(_) => Seen::Answered(self.ring.into_answer(offset, &record)),
            },
        }
    }

    /// [`DuplicateWindow::begin`].
    pub(crate) fn begin(&mut self, now: Instant, key: Key) {
        self.forget(key);
        self.append(now, key, ticks(now), None);
    }

    /// [`DuplicateWindow::answered`].
    pub(crate) fn answered(
        &mut self,
        now: Instant,
        key: Key,
        answer: &[u8],
    ) -> Result<(), AnswerTooLong> {
        let mut time = ticks(now);
        if let Some((slot, offset, record)) = self.find(key) {
            if !self.is_expired(now, &record) {
                if self.extend_newest(offset, &record, answer) {
                    return Ok(());
                }
                time = record.time;
            }
            // What was dropped to make room may have moved it.
            let slot = if self.index.holds(slot, offset) {
                Some(slot)
            } else {
                self.find(key).map(|(slot, ..)| slot)
            };
            if let Some(slot) = slot {
                self.remove_slot(slot);
            }
        }
        if self.append(now, key, time, Some(answer)) {
            Ok(())
        } else {
            Err(AnswerTooLong)
        }
    }

    /// The offset and the record of `key` within its lifetime.
    #[inline]
    fn find_fresh(&self, now: Instant, key: Key) -> Option<(usize, Record)> {
        let (_, offset, record) = self.find(key)?;
        (!self.is_expired(now, &record)).then_some((offset, record))
    }

    /// The slot, the offset in the ring and the record of `key`.
    // Used thrice: in one place it takes a tenth of a small server's code less.
    #[inline(never)]
    fn find(&self, key: Key) -> Option<(usize, usize, Record)> {
        for (slot, offset) in self.index.probe(key) {
            let record = self.ring.record(offset)?;
            if record.key == key {
                return Some((slot, offset, record));
            }
        }
        None
    }

    #[inline]
    fn is_expired(&self, now: Instant, record: &Record) -> bool {
        ticks(now).wrapping_sub(record.time) > self.lifetime
    }

    /// Takes `key` out of the index. Its record stays in the ring, dead, until the oldest end reaches it.
    fn forget(&mut self, key: Key) {
        if let Some((slot, _, _)) = self.find(key) {
            self.remove_slot(slot);
        }
    }

    fn remove_slot(&mut self, slot: usize) {
        let ring = &self.ring;
        self.index
            .remove(slot, |offset| ring.record(offset).map(|record| record.key));
        *self.entries = self.entries.saturating_sub(1);
    }

    /// Drops the oldest record; false when there is none.
    fn drop_oldest(&mut self) -> bool {
        let Some((offset, record)) = self.ring.oldest() else {
            return false;
        };
        self.drop_record(offset, &record);
        true
    }

    fn drop_record(&mut self, offset: usize, record: &Record) {
        // A dead record is not what the index holds under its key.
        if let Some((slot, live, _)) = self.find(record.key)
            && live == offset
        {
            self.remove_slot(slot);
        }
        self.ring.pop(offset, record);
    }

    /// Adds a record under a key that is not in the index; false when it does not fit into the empty window.
    fn append(&mut self, now: Instant, key: Key, time: u32, answer: Option<&[u8]>) -> bool {
        if !self.ring.fits(answer) || self.index.max_entries() == 0 {
            return false;
        }
        // Two for each one that comes: more than enough to keep up.
        for _ in 0..2 {
            match self.ring.oldest() {
                Some((offset, record)) if self.is_expired(now, &record) => {
                    self.drop_record(offset, &record);
                }
                _ => break,
            }
        }
        while *self.entries >= self.index.max_entries() {
            if !self.drop_oldest() {
                return false;
            }
        }
        let record = Record::new(key, time, answer);
        loop {
            if let Some(offset) = self.ring.push(&record, answer.unwrap_or_default()) {
                if self.index.insert(key, offset) {
                    *self.entries = self.entries.saturating_add(1);
                    return true;
                }
                return false;
            }
            if !self.drop_oldest() {
                return false;
            }
        }
    }

    /// Writes the answer into the record at `offset` if that is the newest, so that no other record is needed; false
    /// when it is not, or has no space behind it.
    fn extend_newest(&mut self, offset: usize, record: &Record, answer: &[u8]) -> bool {
        if !self.ring.is_newest(offset) {
            return false;
        }
        loop {
            if self.ring.extend(offset, record, answer) {
                return true;
            }
            // Only what lies between this record and the oldest end can make room.
            if !self.ring.is_wrapped() || !self.drop_oldest() {
                return false;
            }
        }
    }
}

fn ticks(now: Instant) -> u32 {
    let [_, _, _, _, a, b, c, d] = (now.as_millis() >> TICK_SHIFT).to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}
