//! The writer of a host, with ways for words and short texts.

use super::{LONGEST_TEXT, Mark, Window};
use crate::short::Short;
use crate::{EncodeError, SHORT_WAYS};

/// Writes into a borrowed buffer and knows how far it got.
///
/// Given a [`Window`] it keeps of what is written only the part that the window covers, and counts the rest. Places in
/// the payload are then offsets into the whole of it.
#[derive(Debug)]
pub(crate) struct Writer<'b> {
    buffer: &'b mut [u8],
    /// Where the next byte goes; the end of the buffer while bytes are only counted.
    length: usize,
    /// Whether all that was written is in the buffer.
    whole: bool,
    window: Option<&'b mut Window>,
}

/// What of a buffer is written to: its places are numbers of 32 bits, for which the compiler sees that a few bytes more
/// are no overflow. More is no payload: a host's memory is no buffer, and a device has no more.
const LIMIT: usize = 0xffff_ffff;

#[inline]
fn limited(buffer: &mut [u8]) -> &mut [u8] {
    if !SHORT_WAYS || buffer.len() <= LIMIT {
        return buffer;
    }
    buffer.get_mut(..LIMIT).unwrap_or_default()
}

impl<'b> Writer<'b> {
    #[inline]
    pub(crate) fn new(buffer: &'b mut [u8]) -> Self {
        Self {
            buffer: limited(buffer),
            length: 0,
            whole: true,
            window: None,
        }
    }

    /// Keeps what is in the window, if there is one.
    #[inline]
    pub(crate) fn windowed(buffer: &'b mut [u8], window: Option<&'b mut Window>) -> Self {
        let buffer = limited(buffer);
        let whole = window.as_ref().is_none_or(|window| window.skip == 0);
        Self {
            length: if whole { 0 } else { buffer.len() },
            whole,
            buffer,
            window,
        }
    }

    /// How many bytes are written, those outside the window too.
    pub(crate) fn len(&self) -> usize {
        match &self.window {
            None => self.length,
            Some(window) if window.before < window.skip => window.before,
            Some(window) => window
                .skip
                .saturating_add(self.length)
                .saturating_add(window.after),
        }
    }

    /// How many bytes are in the buffer.
    pub(crate) fn kept(&self) -> usize {
        match &self.window {
            Some(window) if window.before < window.skip => 0,
            _ => self.length,
        }
    }

    #[cfg(test)]
    pub(crate) fn written_from(&self, start: usize) -> &[u8] {
        self.buffer.get(start..self.length).unwrap_or_default()
    }

    /// Gives up the buffer for what is written in it.
    pub(crate) fn into_written(self) -> Result<&'b [u8], EncodeError> {
        self.buffer.get(..self.length).ok_or(EncodeError::NoSpace)
    }

    #[inline]
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        if let Some(room) = self.buffer.get_mut(self.length..)
            && let Some(place) = room.get_mut(..bytes.len())
        {
            copy(place, bytes);
            self.length = self.length.wrapping_add(bytes.len());
            return Ok(());
        }
        self.put_part(bytes)
    }

    /// Whether there was room for all that was written: else there was an error.
    #[inline]
    #[expect(
        clippy::unnecessary_wraps,
        clippy::unused_self,
        reason = "as on a device"
    )]
    pub(crate) const fn fits(&self) -> Result<(), EncodeError> {
        Ok(())
    }

    /// Writes one byte.
    #[inline]
    pub(crate) fn byte(&mut self, byte: u8) -> Result<(), EncodeError> {
        self.put_word(byte.into(), 1)
    }

    /// Writes the lowest `count` bytes of `number`, up to eight, the highest of them first.
    #[inline]
    pub(crate) fn number(&mut self, number: u64, count: usize) -> Result<(), EncodeError> {
        let unused = 8_usize.wrapping_sub(count) & 7;
        let unused = u32::try_from(unused).unwrap_or_default().wrapping_mul(8);
        self.put_word(number.swap_bytes().wrapping_shr(unused), count)
    }

    /// Writes the first `count` bytes of `word`, the lowest byte first.
    #[inline]
    pub(crate) fn put_word(&mut self, word: u64, count: usize) -> Result<(), EncodeError> {
        if let Some(room) = self.buffer.get_mut(self.length..)
            && let Some(place) = room.first_chunk_mut::<8>()
        {
            *place = word.to_le_bytes();
            self.length = self.length.wrapping_add(count);
            return Ok(());
        }
        self.put_last_word(word, count)
    }

    /// Writes the first `count` bytes of `word`, if there is room for eight.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a part of the short ways")]
    pub(crate) fn try_word(&mut self, word: u64, count: usize) -> Option<()> {
        let at = self.here();
        let place = self.buffer.get_mut(at..at.wrapping_add(8))?;
        *place.first_chunk_mut()? = word.to_le_bytes();
        self.length = at.wrapping_add(count);
        Some(())
    }

    /// Writes the first `count` bytes of `word`, up to eight, the lowest byte first, and `text`, if it has at most 32 bytes
    /// and there is room for 48.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a part of the short ways")]
    pub(crate) fn try_put(&mut self, word: u64, count: usize, text: &[u8]) -> Option<()> {
        if text.len() > LONGEST_TEXT {
            return None;
        }
        // What is no more than eight is no more than fifteen, which the compiler sees.
        let count = count & 15;
        let at = self.here();
        let room = self.buffer.get_mut(at..at.wrapping_add(48))?;
        *room.first_chunk_mut()? = word.to_le_bytes();
        copy_short(room.get_mut(count..)?.get_mut(..text.len())?, text)?;
        self.length = at.wrapping_add(count).wrapping_add(text.len());
        Some(())
    }

    /// Writes two words, if there is room for 24 bytes.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a part of the short ways")]
    pub(crate) fn try_words(&mut self, first: Short, second: Short) -> Option<()> {
        let count = first.len_bytes() & 15;
        let at = self.here();
        let room = self.buffer.get_mut(at..at.wrapping_add(24))?;
        *room.first_chunk_mut()? = first.to_bytes();
        *room.get_mut(count..)?.first_chunk_mut()? = second.to_bytes();
        self.length = at.wrapping_add(count).wrapping_add(second.len_bytes());
        Some(())
    }

    /// The same and `text`, if it has at most 32 bytes and there is room for 64.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a part of the short ways")]
    pub(crate) fn try_put_all(&mut self, first: Short, second: Short, text: &[u8]) -> Option<()> {
        if text.len() > LONGEST_TEXT {
            return None;
        }
        let (one, two) = (first.len_bytes() & 15, second.len_bytes() & 15);
        let at = self.here();
        let room = self.buffer.get_mut(at..at.wrapping_add(64))?;
        *room.first_chunk_mut()? = first.to_bytes();
        let room = room.get_mut(one..)?;
        *room.first_chunk_mut()? = second.to_bytes();
        copy_short(room.get_mut(two..)?.get_mut(..text.len())?, text)?;
        let count = one.wrapping_add(two).wrapping_add(text.len());
        self.length = at.wrapping_add(count);
        Some(())
    }

    /// Where the next byte goes.
    #[inline]
    pub(crate) const fn here(&self) -> usize {
        // It is no more than that, which the compiler does not see.
        self.length & LIMIT
    }

    /// Takes back what was tried since [`here`](Self::here) gave `place`.
    #[inline]
    pub(crate) const fn back_to(&mut self, place: usize) {
        self.length = place;
    }

    #[cold]
    #[inline(never)]
    fn put_last_word(&mut self, word: u64, count: usize) -> Result<(), EncodeError> {
        self.put(word.to_le_bytes().get(..count).unwrap_or_default())
    }

    /// Keeps what falls into the window and counts the rest.
    #[cold]
    fn put_part(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        let Some(window) = &mut self.window else {
            return Err(EncodeError::NoSpace);
        };
        let skipped = window.skip.saturating_sub(window.before).min(bytes.len());
        if skipped > 0 {
            window.before = window.before.saturating_add(skipped);
            if window.before == window.skip {
                self.length = 0;
            }
        }
        let bytes = bytes.get(skipped..).unwrap_or_default();
        let room = self.buffer.get_mut(self.length..).unwrap_or_default();
        let kept = room.len().min(bytes.len());
        self.whole = false;
        if let (Some(place), Some(bytes)) = (room.get_mut(..kept), bytes.get(..kept)) {
            copy(place, bytes);
        }
        self.length = self.length.saturating_add(kept);
        window.after = window
            .after
            .saturating_add(bytes.len().saturating_sub(kept));
        Ok(())
    }

    /// Leaves `room` bytes free for the header of a container that has `depth` containers around it, and gives the place.
    pub(crate) fn open(&mut self, depth: usize, room: usize) -> Result<usize, EncodeError> {
        let mark = self.mark(depth, self.len(), room);
        self.put_word(0, mark.room)?;
        Ok(mark.start)
    }

    /// Does what [`open`](Self::open) does where [`has_all`](Self::has_all) is so; what is written next says whether there
    /// is room.
    #[inline]
    pub(crate) const fn open_here(&mut self, room: usize) -> usize {
        let start = self.here();
        self.length = start.wrapping_add(room);
        start
    }

    /// Gives the mark of a container that was opened at `start` with `room`.
    #[inline]
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

    /// Whether all that was written is in the buffer.
    #[inline]
    pub(crate) const fn has_all(&self) -> bool {
        self.whole
    }

    /// Puts a header of two bytes at `start`, where [`has_all`](Self::has_all) is so.
    #[inline]
    pub(crate) fn put_header(&mut self, start: usize, header: [u8; 2]) -> Option<()> {
        let place = self.buffer.get_mut(start..start.wrapping_add(2))?;
        *place.first_chunk_mut()? = header;
        Some(())
    }

    /// Puts a header of three bytes at `start`, where [`has_all`](Self::has_all) is so, two were left for it, and up to
    /// 16 follow; `None` also where there is little room behind those.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a part of the short ways")]
    pub(crate) fn grow_header(&mut self, start: usize, header: [u8; 3]) -> Option<()> {
        let area = self.buffer.get_mut(start..start.wrapping_add(19))?;
        let area = area.first_chunk_mut::<19>()?;
        let [_, _, content @ .., _] = *area;
        let [a, b, c, place @ ..] = area;
        ([*a, *b, *c], *place) = (header, content);
        self.length = self.length.wrapping_add(1);
        Some(())
    }

    /// Puts a byte at `start`, where [`has_all`](Self::has_all) is so.
    #[inline]
    pub(crate) fn put_byte(&mut self, start: usize, byte: u8) -> Option<()> {
        *self.buffer.get_mut(start)? = byte;
        Some(())
    }

    /// How many bytes follow the header at `mark`.
    pub(crate) fn content(&self, mark: Mark) -> usize {
        self.len()
            .saturating_sub(mark.start)
            .saturating_sub(mark.room)
    }

    /// Puts `header` in the place of `mark`, and moves what follows if it is longer.
    #[inline]
    pub(crate) fn close(
        &mut self,
        depth: usize,
        mark: Mark,
        header: Short,
    ) -> Result<(), EncodeError> {
        if SHORT_WAYS && self.window.is_none() && (header.len(), mark.room) == (1, 1) {
            let [byte, ..] = header.to_bytes();
            if self.put_byte(mark.start, byte).is_some() {
                return Ok(());
            }
        }
        self.close_any(depth, mark, header)
    }

    #[inline(never)]
    fn close_any(&mut self, depth: usize, mark: Mark, header: Short) -> Result<(), EncodeError> {
        let bytes = header.to_bytes();
        let bytes = bytes.get(..header.len_bytes()).unwrap_or_default();
        if self.window.is_some() {
            self.close_in_window(depth, mark, bytes);
            return Ok(());
        }
        if bytes.len() == mark.room {
            let place = self.buffer.get_mut(mark.start..).unwrap_or_default();
            for (place, byte) in place.iter_mut().zip(bytes) {
                *place = *byte;
            }
            return Ok(());
        }
        self.replace(mark, bytes).ok_or(EncodeError::NoSpace)
    }

    fn replace(&mut self, mark: Mark, header: &[u8]) -> Option<()> {
        let from = mark.start.checked_add(mark.room)?;
        let body = self.length.checked_sub(from)?;
        let growth = header.len().checked_sub(mark.room)?;
        let length = self.length.checked_add(growth)?;
        if length > self.buffer.len() {
            return None;
        }
        shift(self.buffer.get_mut(from..)?, body, growth);
        let place = self.buffer.get_mut(mark.start..)?;
        for (place, byte) in place.iter_mut().zip(header) {
            *place = *byte;
        }
        self.length = length;
        Some(())
    }

    /// The same where only a part of the payload is in the buffer. A container that ends before the window grows
    /// unseen; in one that starts in it the bytes that are moved out of it are counted; one that lies across its start
    /// has to be written again, with what is known by then.
    fn close_in_window(&mut self, depth: usize, mark: Mark, header: &[u8]) {
        let end = self.len();
        let Some(window) = &mut self.window else {
            return;
        };
        let growth = header.len().saturating_sub(mark.room);
        if mark.start >= window.skip {
            let start = mark.start.saturating_sub(window.skip);
            if growth > 0 {
                self.whole = false;
                let room = self.buffer.len().saturating_sub(self.length);
                let fits = room.min(growth);
                // What is in the buffer behind the header, as far as it stays there.
                let from = start.saturating_add(mark.room);
                let area = self.buffer.get_mut(from..).unwrap_or_default();
                let moved = self.length.saturating_sub(from);
                let moved = moved.min(area.len().saturating_sub(growth));
                shift(area, moved, growth);
                self.length = self.length.saturating_add(fits);
                window.after = window.after.saturating_add(growth.saturating_sub(fits));
            }
            let area = self.buffer.get_mut(start..).unwrap_or_default();
            for (place, byte) in area.iter_mut().zip(header) {
                *place = *byte;
            }
        } else if growth > 0 {
            if end.saturating_add(growth) <= window.skip {
                window.before = window.before.saturating_add(growth);
                if window.before == window.skip {
                    self.length = 0;
                }
            } else if window.news.is_none_or(|(known, _)| depth < known) {
                window.news = Some((depth, (mark.start, header.len())));
            }
        } else {
            // The end of the header may be in the window.
            let hidden = window.skip.saturating_sub(mark.start);
            let seen = header.get(hidden..).unwrap_or_default();
            if window.before == window.skip {
                for (place, byte) in self.buffer.iter_mut().zip(seen) {
                    *place = *byte;
                }
            }
        }
    }
}

/// Copies up to 32 bytes to a place that is as long, without a call: in two pieces that may overlap.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a part of the short ways")]
fn copy_short(place: &mut [u8], bytes: &[u8]) -> Option<()> {
    let length = bytes.len();
    if length < 8 {
        if length >= 4 {
            *place.first_chunk_mut::<4>()? = *bytes.first_chunk()?;
            *place.last_chunk_mut::<4>()? = *bytes.last_chunk()?;
        } else if length > 0 {
            *place.first_mut()? = *bytes.first()?;
            *place.get_mut(length >> 1)? = *bytes.get(length >> 1)?;
            *place.last_mut()? = *bytes.last()?;
        }
    } else if length < 16 {
        *place.first_chunk_mut::<8>()? = *bytes.first_chunk()?;
        *place.last_chunk_mut::<8>()? = *bytes.last_chunk()?;
    } else {
        *place.first_chunk_mut::<16>()? = *bytes.first_chunk()?;
        *place.last_chunk_mut::<16>()? = *bytes.last_chunk()?;
    }
    Some(())
}

/// Copies `bytes` to `place`, which is as long.
// Not `copy_from_slice`, whose panic stays in an image that is compiled for size.
#[inline]
fn copy(place: &mut [u8], bytes: &[u8]) {
    for (place, byte) in place.iter_mut().zip(bytes) {
        *place = *byte;
    }
}

/// Moves the first `count` bytes of `area` on by `by`, if they stay in it.
#[inline(never)]
fn shift(area: &mut [u8], count: usize, by: usize) {
    if SHORT_WAYS {
        if count <= area.len() && by <= area.len().wrapping_sub(count) {
            area.copy_within(..count, by);
        }
        return;
    }
    // Byte by byte from the end: `copy_within` brings a large function into an image.
    for from in (0..count).rev() {
        let byte = area.get(from).copied().unwrap_or_default();
        if let Some(place) = area.get_mut(from.saturating_add(by)) {
            *place = byte;
        }
    }
}
