//! Records of different lengths, one after the other in a ring of bytes; the oldest go first.

use super::Key;
use crate::MessageId;

/// Bytes before the answer: peer, time, message id, length of the answer.
pub(super) const HEADER: usize = 16;

/// In place of a length: there is no answer yet.
const IN_PROGRESS: u16 = u16::MAX;

/// The greatest length of an answer.
const MAX_ANSWER: usize = 0xfffe;

/// The fields of a record before its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) key: Key,
    /// When the message arrived, in ticks.
    pub(super) time: u32,
    /// `None` while in progress.
    pub(super) answer_len: Option<u16>,
}

/// Where the records lie.
///
/// ```text
/// not wrapped:  . . . oldest ======== next . . . .
/// wrapped:      ==== next . . . oldest ===== limit
/// ```
#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    oldest: usize,
    next: usize,
    newest: usize,
    /// Where the records before the beginning of the ring end, when wrapped.
    limit: Option<usize>,
    records: usize,
}

pub(super) struct Ring<'a> {
    bytes: &'a mut [u8],
    state: &'a mut State,
}

impl Record {
    pub(super) fn new(key: Key, time: u32, answer: Option<&[u8]>) -> Self {
        Self {
            key,
            time,
            answer_len: answer.map(|answer| u16::try_from(answer.len()).unwrap_or(0)),
        }
    }

    const fn len(&self) -> usize {
        match self.answer_len {
            Some(len) => HEADER.saturating_add(len as usize),
            None => HEADER,
        }
    }

    fn encode(&self) -> [u8; HEADER] {
        let mut fields = u128::from(self.key.peer);
        fields |= u128::from(self.time) << 64;
        fields |= u128::from(self.key.id.0) << 96;
        fields |= u128::from(self.answer_len.unwrap_or(IN_PROGRESS)) << 112;
        fields.to_le_bytes()
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "takes the fields apart again"
    )]
    const fn decode(bytes: [u8; HEADER]) -> Self {
        let fields = u128::from_le_bytes(bytes);
        Self {
            key: Key {
                peer: fields as u64,
                id: MessageId((fields >> 96) as u16),
            },
            time: (fields >> 64) as u32,
            answer_len: match (fields >> 112) as u16 {
                IN_PROGRESS => None,
                len => Some(len),
            },
        }
    }
}

impl State {
    pub(super) const EMPTY: Self = Self {
        oldest: 0,
        next: 0,
        newest: 0,
        limit: None,
        records: 0,
    };
}

impl<'a> Ring<'a> {
    pub(super) fn new(bytes: &'a mut [u8], state: &'a mut State) -> Self {
        // Offsets must fit into the index.
        let len = bytes
            .len()
            .min(usize::try_from(u32::MAX).unwrap_or(usize::MAX));
        let bytes = bytes.get_mut(..len).unwrap_or_default();
        Self { bytes, state }
    }

    /// Whether a record with this answer fits into the empty ring.
    pub(super) fn fits(&self, answer: Option<&[u8]>) -> bool {
        let len = answer.unwrap_or_default().len();
        len <= MAX_ANSWER && HEADER.saturating_add(len) <= self.bytes.len()
    }

    pub(super) fn record(&self, offset: usize) -> Option<Record> {
        let header = self.bytes.get(offset..)?.first_chunk()?;
        Some(Record::decode(*header))
    }

    pub(super) fn oldest(&self) -> Option<(usize, Record)> {
        if self.state.records == 0 {
            return None;
        }
        let offset = self.state.oldest;
        Some((offset, self.record(offset)?))
    }

    pub(super) const fn is_newest(&self, offset: usize) -> bool {
        self.state.records > 0 && self.state.newest == offset
    }

    pub(super) const fn is_wrapped(&self) -> bool {
        self.state.limit.is_some()
    }

    pub(super) fn answer(&self, offset: usize, record: &Record) -> &[u8] {
        self.bytes
            .get(offset..offset.saturating_add(record.len()))
            .and_then(|bytes| bytes.get(HEADER..))
            .unwrap_or_default()
    }

    pub(super) fn into_answer(self, offset: usize, record: &Record) -> &'a [u8] {
        let bytes: &'a [u8] = self.bytes;
        bytes
            .get(offset..offset.saturating_add(record.len()))
            .and_then(|bytes| bytes.get(HEADER..))
            .unwrap_or_default()
    }

    /// Forgets the oldest record, which is this one.
    #[inline]
    pub(super) fn pop(&mut self, offset: usize, record: &Record) {
        let state = &mut *self.state;
        state.records = state.records.saturating_sub(1);
        state.oldest = offset.saturating_add(record.len());
        if state.limit.is_some_and(|limit| state.oldest >= limit) {
            state.oldest = 0;
            state.limit = None;
        }
        if state.records == 0 {
            *state = State::EMPTY;
        }
    }

    /// Writes a record behind the newest and gives its offset; `None` when there is no room.
    pub(super) fn push(&mut self, record: &Record, answer: &[u8]) -> Option<usize> {
        let len = HEADER.saturating_add(answer.len());
        let (state, end) = (&mut *self.state, self.bytes.len());
        let offset = if state.limit.is_some() {
            (state.oldest.saturating_sub(state.next) >= len).then_some(state.next)?
        } else if end.saturating_sub(state.next) >= len {
            state.next
        } else if state.oldest >= len {
            state.limit = Some(state.next);
            0
        } else {
            return None;
        };
        let (header, rest) = self.bytes.get_mut(offset..)?.split_first_chunk_mut()?;
        let (space, _) = rest.split_at_mut_checked(answer.len())?;
        *header = record.encode();
        space.copy_from_slice(answer);
        state.newest = offset;
        state.next = offset.saturating_add(len);
        state.records = state.records.saturating_add(1);
        Some(offset)
    }

    /// Writes an answer into the newest record, in place of what answer it had; false when there is no room for it.
    pub(super) fn extend(&mut self, offset: usize, record: &Record, answer: &[u8]) -> bool {
        let end = if self.is_wrapped() {
            self.state.oldest
        } else {
            self.bytes.len()
        };
        let Some((header, rest)) = self
            .bytes
            .get_mut(offset..end)
            .and_then(|space| space.split_first_chunk_mut())
            .filter(|_| answer.len() <= MAX_ANSWER)
        else {
            return false;
        };
        let Some((space, _)) = rest.split_at_mut_checked(answer.len()) else {
            return false;
        };
        *header = Record::new(record.key, record.time, Some(answer)).encode();
        space.copy_from_slice(answer);
        let len = HEADER.saturating_add(answer.len());
        self.state.next = offset.saturating_add(len);
        true
    }
}

#[cfg(test)]
impl Ring<'_> {
    /// The offsets of all records, oldest first.
    pub(super) fn offsets(&self) -> std::vec::Vec<usize> {
        let mut offsets = std::vec![];
        let mut offset = self.state.oldest;
        for _ in 0..self.state.records {
            if self.state.limit == Some(offset) {
                offset = 0;
            }
            offsets.push(offset);
            offset += self.record(offset).unwrap().len();
        }
        if self.state.records > 0 {
            assert_eq!(
                offset, self.state.next,
                "the records end where the next begins"
            );
            assert_eq!(offsets.last(), Some(&self.state.newest));
        }
        offsets
    }
}
