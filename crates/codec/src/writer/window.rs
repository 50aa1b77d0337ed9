//! A window that moves along a payload longer than the buffer.

use super::{DEPTH, Mark, Writer, copy, shift};
use crate::{EncodeError, SHORT_WAYS};

/// Which part of a payload is kept, and what is known of the containers that lie across its start.
#[derive(Debug, Default)]
pub(crate) struct Window {
    /// How many bytes lie before the window.
    pub(super) skip: usize,
    /// How many of them went by.
    pub(super) before: usize,
    /// How many bytes came after the window was full.
    pub(super) after: usize,
    /// For each depth the container whose header cannot be grown any more when it is closed: where it starts, and how
    /// long its header has to be.
    pub(super) known: [Option<(usize, usize)>; DEPTH],
    /// What came out about the outermost such container that was not known.
    pub(super) news: Option<(usize, (usize, usize))>,
}

impl Window {
    pub(crate) fn new(skip: usize) -> Self {
        Self {
            skip,
            ..Self::default()
        }
    }

    /// Makes ready for the same records once more. Gives `false` if there is no need.
    pub(crate) fn again(&mut self) -> bool {
        let Some((depth, container)) = self.news.take() else {
            return false;
        };
        if let Some(known) = self.known.get_mut(depth) {
            *known = Some(container);
        }
        (self.before, self.after) = (0, 0);
        true
    }
}

impl Writer<'_> {
    /// Keeps what falls into the window and counts the rest.
    #[cold]
    pub(super) fn put_part(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
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
        if SHORT_WAYS {
            self.whole = false;
        }
        if let (Some(place), Some(bytes)) = (room.get_mut(..kept), bytes.get(..kept)) {
            copy(place, bytes);
        }
        self.length = self.length.saturating_add(kept);
        window.after = window
            .after
            .saturating_add(bytes.len().saturating_sub(kept));
        Ok(())
    }

    /// The same where only a part of the payload is in the buffer. A container that ends before the window grows
    /// unseen; in one that starts in it the bytes that are moved out of it are counted; one that lies across its start
    /// has to be written again, with what is known by then.
    pub(super) fn close_in_window(&mut self, depth: usize, mark: Mark, header: &[u8]) {
        let end = self.len();
        let Some(window) = &mut self.window else {
            return;
        };
        let growth = header.len().saturating_sub(mark.room);
        if mark.start >= window.skip {
            let start = mark.start.saturating_sub(window.skip);
            if growth > 0 {
                if SHORT_WAYS {
                    self.whole = false;
                }
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
