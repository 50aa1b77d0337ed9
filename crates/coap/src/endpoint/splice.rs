//! Changes one option of a message that is written already, in place.

use crate::OptionNumber;
use crate::options::{PAYLOAD_MARKER, split_option};

/// The most bytes before the value of an option.
const MAX_HEADER: usize = 5;

/// Gives the message in the first `len` bytes of `buffer` the option `number` once, with this value, or not at all
/// where there is none; gives the new length.
///
/// `None`, and nothing changed, when the buffer is too small or does not begin with a message.
pub(crate) fn set_option(
    buffer: &mut [u8],
    len: usize,
    number: OptionNumber,
    value: Option<&[u8]>,
) -> Option<usize> {
    let place = Place::find(buffer.get(..len)?, number)?;
    let mut headers = Headers {
        bytes: [0; 2 * MAX_HEADER],
        len: 0,
    };
    let mut previous = place.previous;
    if let Some(value) = value {
        headers.push(number.0.checked_sub(previous)?, value.len())?;
        previous = number.0;
    }
    let split = headers.len;
    if let Some((next, len)) = place.next {
        headers.push(next.checked_sub(previous)?, len)?;
    }
    let (own, following) = headers.bytes.get(..headers.len)?.split_at_checked(split)?;
    let value = value.unwrap_or_default();
    let added = own
        .len()
        .checked_add(value.len())?
        .checked_add(following.len())?;
    let kept = len.checked_sub(place.end)?;
    let new_len = place.start.checked_add(added)?.checked_add(kept)?;

    // What follows moves first.
    let (_, from_start) = buffer.split_at_mut_checked(place.start)?;
    let removed = place.end.checked_sub(place.start)?;
    move_tail(from_start, removed, added, kept)?;
    let mut space = from_start.get_mut(..added)?.iter_mut();
    for (space, byte) in space.by_ref().zip(own.iter().chain(value).chain(following)) {
        *space = *byte;
    }
    Some(new_len)
}

/// Moves `len` bytes within `bytes`.
fn move_tail(bytes: &mut [u8], from: usize, to: usize, len: usize) -> Option<()> {
    let end = from.checked_add(len)?;
    // Asked in the words of `copy_within`, so that the compiler sees that it cannot panic.
    if end > bytes.len() || to > bytes.len().checked_sub(len)? {
        return None;
    }
    bytes.copy_within(from..end, to);
    Some(())
}

/// Where in a message an option is to stand.
struct Place {
    /// Here the option begins.
    start: usize,
    /// Here ends what is to be written anew: the option as it was, and the header of the option that follows.
    end: usize,
    /// The number of the option before.
    previous: u16,
    /// The number of the option that follows and the length of its value.
    next: Option<(u16, usize)>,
}

impl Place {
    fn find(message: &[u8], number: OptionNumber) -> Option<Self> {
        let token_len = usize::from(message.first()? & 0x0f);
        let mut start = token_len.checked_add(4)?;
        let mut rest = message.get(start..)?;
        let mut previous = 0_u16;
        let mut removed = 0_usize;
        let mut last = 0_u16;
        while let Some((&first, after)) = rest.split_first() {
            if first == PAYLOAD_MARKER {
                break;
            }
            let option = split_option(first, after).ok()?;
            let (next, value_len) = (option.rest, option.value.len());
            let size = rest.len().checked_sub(next.len())?;
            last = last.checked_add(u16::try_from(option.delta).ok()?)?;
            if last > number.0 {
                let header = size.checked_sub(value_len)?;
                return Some(Self {
                    start,
                    end: start.checked_add(removed)?.checked_add(header)?,
                    previous,
                    next: Some((last, value_len)),
                });
            }
            if last == number.0 {
                removed = removed.checked_add(size)?;
            } else {
                start = start.checked_add(size)?;
                previous = last;
            }
            rest = next;
        }
        Some(Self {
            start,
            end: start.checked_add(removed)?,
            previous,
            next: None,
        })
    }
}

/// Headers of options, one after the other.
struct Headers {
    bytes: [u8; 2 * MAX_HEADER],
    len: usize,
}

impl Headers {
    fn push(&mut self, delta: u16, len: usize) -> Option<()> {
        let len = u16::try_from(len).ok()?;
        let (delta_bits, delta_extension) = nibble(delta);
        let (len_bits, len_extension) = nibble(len);
        self.byte((delta_bits << 4) | len_bits)?;
        for byte in delta_extension.iter().chain(&len_extension) {
            if let Some(byte) = *byte {
                self.byte(byte)?;
            }
        }
        Some(())
    }

    fn byte(&mut self, byte: u8) -> Option<()> {
        *self.bytes.get_mut(self.len)? = byte;
        self.len = self.len.saturating_add(1);
        Some(())
    }
}

/// The four bits of a delta or length, and the bytes that extend them (RFC 7252 §3.1).
fn nibble(value: u16) -> (u8, [Option<u8>; 2]) {
    match value {
        0..13 => (value.to_be_bytes()[1], [None, None]),
        13..269 => (13, [None, Some(value.wrapping_sub(13).to_be_bytes()[1])]),
        _ => (14, value.wrapping_sub(269).to_be_bytes().map(Some)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Code, Message, MessageBuilder, MessageId, Token, Type};
    use proptest::prelude::*;
    use std::vec::Vec;

    type List = Vec<(u16, Vec<u8>)>;

    fn build(options: &List, payload: &[u8], buffer: &mut [u8]) -> usize {
        let token = Token::from([1, 2, 3, 4]);
        let id = MessageId(7);
        let mut builder = MessageBuilder::new(buffer, Type::Confirmable, Code::GET, id, token);
        for (number, value) in options {
            builder.option(OptionNumber(*number), value);
        }
        builder.payload(payload).finish().unwrap().len()
    }

    proptest! {
        #[test]
        fn as_if_it_had_been_written_so(
            mut options in prop::collection::vec(
                (prop_oneof![0..40_u16, 0..1000_u16, any::<u16>()], prop::collection::vec(any::<u8>(), 0..300)),
                0..6,
            ),
            number in prop_oneof![0..40_u16, 0..1000_u16, any::<u16>()],
            value in prop::option::of(prop::collection::vec(any::<u8>(), 0..300)),
            payload in prop::collection::vec(any::<u8>(), 0..20),
        ) {
            options.sort_by_key(|option| option.0);
            let mut buffer = [0; 4096];
            let len = build(&options, &payload, &mut buffer);
            let len = set_option(&mut buffer, len, OptionNumber(number), value.as_deref()).unwrap();

            let mut expected = options.clone();
            expected.retain(|option| option.0 != number);
            if let Some(value) = value {
                expected.push((number, value));
                expected.sort_by_key(|option| option.0);
            }
            let mut other = [0; 4096];
            let other_len = build(&expected, &payload, &mut other);
            prop_assert_eq!(&buffer[..len], &other[..other_len]);
        }

        #[test]
        fn a_full_buffer_is_left_as_it_is(len in 0..40_usize) {
            let mut buffer = [0; 64];
            let written = build(&std::vec![(11, b"path".to_vec()), (17, b"4".to_vec())], b"payload", &mut buffer);
            let before = buffer;
            let space = &mut buffer[..written + len];
            if let Some(new) = set_option(space, written, OptionNumber(12), Some(&[1; 30])) {
                prop_assert!(Message::parse(&space[..new]).is_ok());
            } else {
                prop_assert_eq!(&space[..written], &before[..written]);
            }
        }
    }
}
