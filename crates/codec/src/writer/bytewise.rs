//! The writer of a device: byte by byte, in a third of the code.

use super::{Mark, Window};
use crate::EncodeError;
#[cfg(not(test))]
use crate::short::Short;

/// Writes into a borrowed buffer and knows how far it got.
///
/// Given a [`Window`] it keeps of what is written only the part that the window covers, and counts the rest. Places are
/// offsets into the whole of the payload.
#[derive(Debug)]
pub(crate) struct Writer<'b> {
    buffer: &'b mut [u8],
    /// The place of the buffer's first byte.
    skip: usize,
    /// Where the next byte goes.
    at: usize,
    window: Option<&'b mut Window>,
}

impl<'b> Writer<'b> {
    pub(crate) fn new(buffer: &'b mut [u8]) -> Self {
        Self::windowed(buffer, None)
    }

    /// Keeps what is in the window, if there is one.
    pub(crate) fn windowed(buffer: &'b mut [u8], window: Option<&'b mut Window>) -> Self {
        Self {
            buffer,
            skip: window.as_ref().map_or(0, |window| window.skip),
            at: 0,
            window,
        }
    }

    /// How many bytes are written, those outside the window too.
    pub(crate) const fn len(&self) -> usize {
        self.at
    }

    /// How many bytes are in the buffer.
    pub(crate) fn kept(&self) -> usize {
        self.at.saturating_sub(self.skip).min(self.buffer.len())
    }

    #[cfg(test)]
    pub(crate) fn written_from(&self, start: usize) -> &[u8] {
        self.buffer.get(start..self.at).unwrap_or_default()
    }

    /// Gives up the buffer for what is written in it.
    #[cfg(not(test))]
    pub(crate) fn into_written(self) -> Result<&'b [u8], EncodeError> {
        self.buffer.get(..self.at).ok_or(EncodeError::NoSpace)
    }

    fn place(&mut self, at: usize) -> Option<&mut u8> {
        self.buffer.get_mut(at.checked_sub(self.skip)?)
    }

    /// Whether there was room for all that was written; what there was none for is only counted.
    pub(crate) fn fits(&self) -> Result<(), EncodeError> {
        if self.window.is_none() && self.at > self.buffer.len() {
            return Err(EncodeError::NoSpace);
        }
        Ok(())
    }

    #[inline(never)]
    fn put_bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if let Some(place) = self.place(self.at) {
                *place = *byte;
            }
            self.at = self.at.saturating_add(1);
        }
    }

    #[inline(never)]
    fn put_one(&mut self, byte: u8) {
        self.put_bytes(&[byte]);
    }

    #[inline(never)]
    fn put_number(&mut self, number: u64, count: usize) {
        let bytes = number.to_be_bytes();
        let unused = bytes.len().wrapping_sub(count);
        self.put_bytes(bytes.get(unused..).unwrap_or_default());
    }

    // None of these fails here, so that no caller needs to look: `fits` says in the end what a host says at once.

    /// Writes `bytes`.
    #[inline]
    #[expect(clippy::unnecessary_wraps, reason = "as on a host")]
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.put_bytes(bytes);
        Ok(())
    }

    /// Writes one byte.
    #[inline]
    #[expect(clippy::unnecessary_wraps, reason = "as on a host")]
    pub(crate) fn byte(&mut self, byte: u8) -> Result<(), EncodeError> {
        self.put_one(byte);
        Ok(())
    }

    /// Writes the lowest `count` bytes of `number`, up to eight, the highest of them first.
    #[inline]
    #[expect(clippy::unnecessary_wraps, reason = "as on a host")]
    pub(crate) fn number(&mut self, number: u64, count: usize) -> Result<(), EncodeError> {
        self.put_number(number, count);
        Ok(())
    }

    /// Writes the first `count` bytes of `word`, the lowest byte first.
    #[inline]
    pub(crate) fn put_word(&mut self, word: u64, count: usize) -> Result<(), EncodeError> {
        self.put(word.to_le_bytes().get(..count).unwrap_or_default())
    }

    /// Leaves `room` bytes free for the header of a container that has `depth` containers around it, and gives the place.
    #[expect(clippy::unnecessary_wraps, reason = "as on a host")]
    pub(crate) fn open(&mut self, depth: usize, room: usize) -> Result<usize, EncodeError> {
        let mark = self.mark(depth, self.at, room);
        self.at = self.at.saturating_add(mark.room);
        Ok(mark.start)
    }

    /// Gives the mark of a container that was opened at `start` with `room`.
    pub(crate) fn mark(&self, depth: usize, start: usize, room: usize) -> Mark {
        let known = match &self.window {
            Some(window) => window.known.get(depth).copied().flatten(),
            None => None,
        };
        let room = match known {
            Some((place, length)) if place == start => length,
            _ => room,
        };
        Mark { start, room }
    }

    /// How many bytes follow the header at `mark`.
    pub(crate) const fn content(&self, mark: Mark) -> usize {
        self.at.saturating_sub(mark.start).saturating_sub(mark.room)
    }

    /// Puts the header that `put` writes in the place of `mark`, and moves what follows if it is longer.
    ///
    /// A container that starts before the window and ends in it or behind it has to be written again, with what is known
    /// by then.
    #[inline(never)]
    pub(crate) fn close(
        &mut self,
        depth: usize,
        mark: Mark,
        put: &dyn Fn(&mut Self) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        // Behind the content first, where nothing stands, to see how long it is.
        let end = self.at;
        put(self)?;
        let length = self.at.saturating_sub(end);
        let growth = length.saturating_sub(mark.room);
        if growth > 0 {
            if mark.start >= self.skip {
                for at in (mark.start.saturating_add(mark.room)..end).rev() {
                    if let Some(byte) = self.place(at).copied()
                        && let Some(place) = self.place(at.saturating_add(growth))
                    {
                        *place = byte;
                    }
                }
            } else if end.saturating_add(growth) > self.skip
                && let Some(window) = &mut self.window
                && window.news.is_none_or(|(known, _)| depth < known)
            {
                window.news = Some((depth, (mark.start, length)));
            }
        }
        self.at = mark.start;
        put(self)?;
        self.at = end.saturating_add(growth);
        Ok(())
    }
}

/// The short ways, which are a host's.
#[cfg(not(test))]
impl Writer<'_> {
    pub(crate) const fn try_word(&mut self, _: u64, _: usize) -> Option<()> {
        None
    }

    pub(crate) const fn try_put(&mut self, _: u64, _: usize, _: &[u8]) -> Option<()> {
        None
    }

    pub(crate) const fn try_words(&mut self, _: Short, _: Short) -> Option<()> {
        None
    }

    pub(crate) const fn try_put_all(&mut self, _: Short, _: Short, _: &[u8]) -> Option<()> {
        None
    }

    pub(crate) const fn here(&self) -> usize {
        self.at
    }

    pub(crate) const fn back_to(&mut self, _: usize) {}

    pub(crate) const fn open_here(&mut self, _: usize) -> usize {
        self.at
    }

    pub(crate) const fn has_all(&self) -> bool {
        false
    }

    pub(crate) const fn put_header(&mut self, _: usize, _: [u8; 2]) -> Option<()> {
        None
    }

    pub(crate) const fn grow_header(&mut self, _: usize, _: [u8; 3]) -> Option<()> {
        None
    }

    pub(crate) const fn put_byte(&mut self, _: usize, _: u8) -> Option<()> {
        None
    }
}
