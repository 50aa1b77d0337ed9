//! Puts handshake messages together whose fragments arrive in any order (RFC 6347 §4.2.3), within a fixed buffer.

use core::ops::Range;

use super::Fragment;

/// How many messages may be incomplete or early at the same time.
const MESSAGES: usize = 4;
/// How many gaps a message may have, plus one.
const RANGES: usize = 4;

/// Which messages lie in the buffer, and which bytes of them are there.
#[derive(Default)]
pub(crate) struct Inbox {
    slots: [Option<Slot>; MESSAGES],
    used: u16,
}

/// Places in the buffer are 16 bits wide: four slots take a tenth of the memory of a small device's handshake.
struct Slot {
    kind: u8,
    sequence: u16,
    start: u16,
    len: u16,
    have: Ranges,
}

/// A message for which there is no room, although it is the next one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

impl Inbox {
    /// Keeps a fragment of the message `next` or of a later one. A fragment for which there is no room is forgotten, as if
    /// it were lost: its sender repeats it.
    pub(crate) fn store(
        &mut self,
        buffer: &mut [u8],
        next: u16,
        fragment: &Fragment<'_>,
    ) -> Result<(), TooLong> {
        let known = self
            .slots
            .iter()
            .flatten()
            .any(|slot| slot.sequence == fragment.sequence);
        if !known && !self.begin(buffer.len(), fragment) {
            if fragment.sequence != next {
                return Ok(());
            }
            // The next message goes before the later ones.
            *self = Self::default();
            if !self.begin(buffer.len(), fragment) {
                return Err(TooLong);
            }
        }
        let mut slots = self.slots.iter_mut().flatten();
        let Some(slot) = slots.find(|slot| slot.sequence == fragment.sequence) else {
            return Ok(());
        };
        if slot.kind != fragment.kind || usize::from(slot.len) != fragment.len {
            return Ok(());
        }
        let end = fragment.offset.saturating_add(fragment.bytes.len());
        let start = usize::from(slot.start);
        let rest = buffer.get_mut(start.saturating_add(fragment.offset)..);
        if let Some(room) = rest.and_then(|rest| rest.get_mut(..fragment.bytes.len()))
            && slot.have.add(fragment.offset..end)
        {
            room.copy_from_slice(fragment.bytes);
        }
        Ok(())
    }

    /// The type of message `sequence` and where it lies in the buffer, when it is complete. It is forgotten by this.
    pub(crate) fn take(&mut self, sequence: u16) -> Option<(u8, Range<usize>)> {
        let slot = self.slots.iter_mut().find(|slot| {
            slot.as_ref()
                .is_some_and(|slot| slot.sequence == sequence && slot.have.is_all(slot.len))
        })?;
        let Slot {
            kind, start, len, ..
        } = slot.take()?;
        if self.slots.iter().all(Option::is_none) {
            self.used = 0;
        }
        let start = usize::from(start);
        Some((kind, start..start.saturating_add(usize::from(len))))
    }

    fn begin(&mut self, size: usize, fragment: &Fragment<'_>) -> bool {
        let Ok(len) = u16::try_from(fragment.len) else {
            return false;
        };
        let Some(end) = self.used.checked_add(len) else {
            return false;
        };
        let Some(free) = self.slots.iter_mut().find(|slot| slot.is_none()) else {
            return false;
        };
        if usize::from(end) > size {
            return false;
        }
        *free = Some(Slot {
            kind: fragment.kind,
            sequence: fragment.sequence,
            start: self.used,
            len,
            have: Ranges::default(),
        });
        self.used = end;
        true
    }
}

/// Which bytes are there: ranges in order, which neither touch nor overlap.
#[derive(Default)]
struct Ranges([Option<(u16, u16)>; RANGES]);

impl Ranges {
    /// False when that would make too many ranges.
    fn add(&mut self, new: Range<usize>) -> bool {
        let (Ok(mut start), Ok(mut end)) = (u16::try_from(new.start), u16::try_from(new.end))
        else {
            return false;
        };
        let mut merged = [None; RANGES];
        let mut count = 0_usize;
        let mut free = false;
        for slot in &self.0 {
            match slot {
                Some((from, to)) if *from <= end && *to >= start => {
                    start = start.min(*from);
                    end = end.max(*to);
                    free = true;
                }
                Some(range) => {
                    if let Some(place) = merged.get_mut(count) {
                        *place = Some(*range);
                    }
                    count = count.saturating_add(1);
                }
                None => free = true,
            }
        }
        match merged.get_mut(count) {
            Some(place) if free => *place = Some((start, end)),
            _ => return false,
        }
        self.0 = merged;
        true
    }

    fn is_all(&self, len: u16) -> bool {
        len == 0 || self.0.iter().flatten().any(|range| *range == (0, len))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use std::vec::Vec;

    use super::*;

    fn fragment(sequence: u16, len: usize, offset: usize, bytes: &[u8]) -> Fragment<'_> {
        Fragment {
            kind: 1,
            len,
            sequence,
            offset,
            bytes,
        }
    }

    #[test]
    fn a_message_is_there_when_all_of_it_is() {
        let (mut inbox, mut buffer) = (Inbox::default(), [0; 16]);
        inbox
            .store(&mut buffer, 0, &fragment(0, 6, 4, b"ef"))
            .unwrap();
        inbox
            .store(&mut buffer, 0, &fragment(0, 6, 0, b"abc"))
            .unwrap();
        assert_eq!(inbox.take(0), None);
        inbox
            .store(&mut buffer, 0, &fragment(0, 6, 2, b"cde"))
            .unwrap();
        let (_, range) = inbox.take(0).unwrap();
        assert_eq!(&buffer[range], b"abcdef");
        assert_eq!(inbox.take(0), None);
    }

    #[test]
    fn later_messages_give_way_to_the_next_one() {
        let (mut inbox, mut buffer) = (Inbox::default(), [0; 8]);
        inbox
            .store(&mut buffer, 0, &fragment(1, 6, 0, b"later!"))
            .unwrap();
        inbox
            .store(&mut buffer, 0, &fragment(2, 4, 0, b"none"))
            .unwrap();
        inbox
            .store(&mut buffer, 0, &fragment(0, 4, 0, b"next"))
            .unwrap();
        assert!(inbox.take(0).is_some());
        assert_eq!(inbox.take(1), None);
        assert_eq!(
            inbox.store(&mut buffer, 0, &fragment(0, 9, 0, b"x")),
            Err(TooLong)
        );
    }

    #[test]
    fn fragments_that_disagree_are_not_mixed() {
        let (mut inbox, mut buffer) = (Inbox::default(), [0; 16]);
        inbox
            .store(&mut buffer, 0, &fragment(0, 4, 0, b"ab"))
            .unwrap();
        inbox
            .store(&mut buffer, 0, &fragment(0, 5, 2, b"cde"))
            .unwrap();
        assert_eq!(inbox.take(0), None);
    }

    proptest! {
        #[test]
        fn any_order_of_overlapping_fragments_gives_the_message(
            message in prop::collection::vec(any::<u8>(), 0..60),
            cuts in prop::collection::vec((0_usize..60, 0_usize..60), 0..40),
        ) {
            let (mut inbox, mut buffer) = (Inbox::default(), [0; 64]);
            let len = message.len();
            for (from, to) in cuts {
                let (from, to) = (from.min(to).min(len), from.max(to).min(len));
                inbox.store(&mut buffer, 0, &fragment(0, len, from, &message[from..to])).unwrap();
            }
            if let Some((_, range)) = inbox.take(0) {
                prop_assert_eq!(&buffer[range], &message[..]);
            }
            // Sent again in order, it is always complete.
            let parts: Vec<_> = (0..len.max(1)).step_by(7).collect();
            let mut inbox = Inbox::default();
            for from in parts {
                let to = (from + 7).min(len);
                inbox.store(&mut buffer, 0, &fragment(0, len, from, &message[from..to])).unwrap();
            }
            let (_, range) = inbox.take(0).unwrap();
            prop_assert_eq!(&buffer[range], &message[..]);
        }
    }
}
