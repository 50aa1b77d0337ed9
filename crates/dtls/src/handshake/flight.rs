//! A flight of our own: messages kept until they are answered, sent as datagrams, sent again (RFC 6347 §4.2.4).

use dunlin_time::{Duration, Instant};

use super::{HEADER_LEN, header};
use crate::association::Association;
use crate::reader::Reader;
use crate::record::{self, ContentType};
use crate::writer::Writer;

/// In front of each message in the outbox: its type in a record, and its length.
const ITEM_LEN: usize = 3;

/// The fewest bytes of a datagram that a flight is cut into, where even that gets no answer (RFC 6347 §4.1.1.1).
const LEAST_MTU: usize = 256;

/// The fewest bytes of a message that are worth a fragment of their own at the end of a datagram.
const LEAST_FRAGMENT: usize = 32;

/// What is to be sent, how far that is, and when it is sent again.
pub(crate) struct Flight {
    /// How much of the outbox is filled.
    len: usize,
    /// The item that is sent next, and how much of it was sent.
    cursor: usize,
    offset: usize,
    is_sending: bool,
    /// Whether keys changed before the cursor: then its epoch is 1.
    is_protected: bool,
    /// How often the flight was begun.
    pub(crate) sent: u8,
    /// When it was begun last.
    begun: Instant,
    /// When it is sent again, unless it is the last.
    pub(crate) deadline: Option<Instant>,
    timeout: Duration,
    /// Whether an answer is expected.
    wants_answer: bool,
    /// The next sequence number of epoch 0.
    pub(crate) sequence: u64,
    /// The sequence number of the next message.
    pub(crate) message: u16,
}

/// A message or a whole flight that the outbox has no room for.
#[derive(Debug)]
pub(crate) struct OutboxFull;

impl Flight {
    pub(crate) const NONE: Self = Self {
        len: 0,
        cursor: 0,
        offset: 0,
        is_sending: false,
        is_protected: false,
        sent: 0,
        begun: Instant::ZERO,
        deadline: None,
        timeout: Duration::ZERO,
        wants_answer: false,
        sequence: 0,
        message: 0,
    };

    /// Forgets the last flight: a new one is written.
    pub(crate) fn clear(&mut self) {
        *self = Self {
            sequence: self.sequence,
            message: self.message,
            ..Self::NONE
        };
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends a message, whose body `write` writes; gives it with its header, for the transcript.
    pub(crate) fn push<'o>(
        &mut self,
        outbox: &'o mut [u8],
        kind: u8,
        write: impl FnOnce(&mut Writer<'_>),
    ) -> Result<&'o [u8], OutboxFull> {
        let start = self.len.saturating_add(ITEM_LEN);
        let (front, body) = outbox
            .get_mut(self.len..)
            .and_then(|free| free.split_at_mut_checked(ITEM_LEN.saturating_add(HEADER_LEN)))
            .ok_or(OutboxFull)?;
        let mut writer = Writer::new(body);
        write(&mut writer);
        let len = writer.finish().ok_or(OutboxFull)?;
        let mut writer = Writer::new(front);
        writer.u8(ContentType::HANDSHAKE.0);
        let item = HEADER_LEN.saturating_add(len);
        writer.u16(u16::try_from(item).map_err(|_| OutboxFull)?);
        writer.put(&header(kind, len, self.message, 0, len));
        self.len = start.saturating_add(item);
        self.message = self.message.wrapping_add(1);
        outbox.get(start..self.len).ok_or(OutboxFull)
    }

    /// Appends a ChangeCipherSpec: what follows is protected.
    pub(crate) fn push_change(&mut self, outbox: &mut [u8]) -> Result<(), OutboxFull> {
        let mut writer = Writer::new(outbox.get_mut(self.len..).ok_or(OutboxFull)?);
        writer.u8(ContentType::CHANGE_CIPHER_SPEC.0);
        writer.u16(1);
        writer.u8(1);
        self.len = self.len.saturating_add(writer.finish().ok_or(OutboxFull)?);
        Ok(())
    }

    /// Begins to send what was pushed.
    pub(crate) fn begin(&mut self, now: Instant, timeout: Duration, wants_answer: bool) {
        (self.timeout, self.wants_answer) = (timeout, wants_answer);
        self.start(now);
    }

    fn start(&mut self, now: Instant) {
        (self.cursor, self.offset) = (0, 0);
        (self.is_sending, self.is_protected) = (true, false);
        self.begun = now;
        self.sent = self.sent.saturating_add(1);
        self.deadline = self
            .wants_answer
            .then_some(now.saturating_add(self.timeout));
    }

    /// No answer came in time: sends the flight again, and waits twice as long for the answer.
    pub(crate) fn repeat(&mut self, now: Instant, longest: Duration) {
        self.timeout = self.timeout.saturating_mul(2).min(longest);
        self.start(now);
    }

    /// The peer repeats its own flight, so it did not get this one: sends it again, unless that was just done.
    ///
    /// The distance keeps duplicates in the network from being multiplied.
    pub(crate) fn repeat_for_peer(&mut self, now: Instant) {
        let distance = Duration::from_millis(200);
        if self.is_empty()
            || self.is_sending
            || now.saturating_duration_since(self.begun) < distance
        {
            return;
        }
        let sent = self.sent;
        self.start(now);
        // A peer that repeats itself does not make us give up earlier.
        self.sent = sent;
    }

    /// The peer's answer is there.
    pub(crate) fn answered(&mut self) {
        self.deadline = None;
        self.is_sending = false;
    }

    /// Writes the next datagram of the flight; `None` when all of it was sent.
    ///
    /// Datagrams get smaller when the flight was sent in vain: perhaps the path takes no more (RFC 6347 §4.1.1.1).
    pub(crate) fn poll(
        &mut self,
        outbox: &[u8],
        association: Option<&mut Association>,
        mtu: usize,
        limit: usize,
        buffer: &mut [u8],
    ) -> Option<usize> {
        let halvings = u32::from(self.sent.saturating_sub(1) / 2).min(8);
        let mtu = (mtu >> halvings).max(LEAST_MTU.min(mtu)).min(buffer.len());
        let (datagram, _) = buffer.split_at_mut_checked(mtu)?;
        let mut association = association;
        let mut used = 0_usize;
        while self.is_sending {
            let Some((content_type, bytes)) = item(outbox, self.cursor, self.len) else {
                self.is_sending = false;
                break;
            };
            let room = datagram.get_mut(used..)?;
            let written = if self.is_protected {
                let association = association.as_deref_mut()?;
                self.write_protected(association, content_type, bytes, limit, room)
            } else {
                self.write_plain(content_type, bytes, limit, room)
            };
            let Some((len, is_done)) = written else {
                if used == 0 {
                    // Not even a fragment fits: the buffer is too small to send anything.
                    self.is_sending = false;
                }
                break;
            };
            used = used.saturating_add(len);
            if is_done {
                self.is_protected |= content_type == ContentType::CHANGE_CIPHER_SPEC;
                self.offset = 0;
                self.cursor = self
                    .cursor
                    .saturating_add(ITEM_LEN)
                    .saturating_add(bytes.len());
            }
        }
        (used > 0).then_some(used)
    }

    /// A record of epoch 0 with the rest of an item or as much of it as fits; its length, and whether the item is done.
    fn write_plain(
        &mut self,
        content_type: ContentType,
        bytes: &[u8],
        limit: usize,
        room: &mut [u8],
    ) -> Option<(usize, bool)> {
        let space = room.len().checked_sub(record::HEADER_LEN)?.min(limit);
        let (front, part, is_done) = self.part(content_type, bytes, space)?;
        let front = front.as_ref().map_or(&[][..], |front| &front[..]);
        let len = record::write_plain(room, content_type, self.sequence, &[front, part])?;
        self.sequence = self.sequence.saturating_add(1);
        self.advance(part.len());
        Some((len, is_done))
    }

    fn write_protected(
        &mut self,
        association: &mut Association,
        content_type: ContentType,
        bytes: &[u8],
        limit: usize,
        room: &mut [u8],
    ) -> Option<(usize, bool)> {
        let space = room
            .len()
            .checked_sub(association.overhead())?
            .min(limit)
            .min(association.max_data_len());
        let (front, part, is_done) = self.part(content_type, bytes, space)?;
        let start = association.overhead_before();
        let mut writer = Writer::new(room.get_mut(start..)?);
        if let Some(front) = &front {
            writer.put(front);
        }
        writer.put(part);
        let len = writer.finish()?;
        let record = association.seal(content_type, room, len).ok()?.len();
        self.advance(part.len());
        Some((record, is_done))
    }

    fn advance(&mut self, len: usize) {
        self.offset = self.offset.saturating_add(len);
    }

    /// The next part of an item that fits `space`, and the header that a part of a message has.
    fn part<'o>(
        &self,
        content_type: ContentType,
        bytes: &'o [u8],
        space: usize,
    ) -> Option<Part<'o>> {
        if content_type != ContentType::HANDSHAKE {
            return (bytes.len() <= space).then_some((None, bytes, true));
        }
        let (whole, body) = bytes.split_first_chunk::<HEADER_LEN>()?;
        let rest = body.get(self.offset..)?;
        let space = space.checked_sub(HEADER_LEN)?;
        let taken = rest.len().min(space);
        if taken < rest.len() && taken < LEAST_FRAGMENT {
            return None;
        }
        let [kind, _, _, _, s1, s0, ..] = *whole;
        let sequence = u16::from_be_bytes([s1, s0]);
        let front = header(kind, body.len(), sequence, self.offset, taken);
        Some((Some(front), rest.get(..taken)?, taken == rest.len()))
    }
}

/// The header of a part of a message, its bytes, and whether it is the last.
type Part<'o> = (Option<[u8; HEADER_LEN]>, &'o [u8], bool);

/// The item at `cursor`: what record it goes into, and its bytes.
fn item(outbox: &[u8], cursor: usize, len: usize) -> Option<(ContentType, &[u8])> {
    let mut reader = Reader::new(outbox.get(cursor..len)?);
    let content_type = ContentType(reader.u8().ok()?);
    Some((content_type, reader.vec16().ok()?))
}
