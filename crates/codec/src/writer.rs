//! A buffer that fills up, or a window that moves along a payload longer than the buffer.

#[cfg(any(test, not(target_pointer_width = "64")))]
mod bytewise;
#[cfg(target_pointer_width = "64")]
mod wordwise;

#[cfg(not(target_pointer_width = "64"))]
pub(crate) use bytewise::Writer;
#[cfg(target_pointer_width = "64")]
pub(crate) use wordwise::Writer;

/// How deep containers nest: the maps of LwM2M CBOR around each of the four numbers of a path, and the outermost.
pub(crate) const DEPTH: usize = 5;

/// Which part of a payload is kept, and what is known of the containers that lie across its start.
#[derive(Debug, Default)]
pub(crate) struct Window {
    /// How many bytes lie before the window.
    skip: usize,
    /// How many of them went by.
    before: usize,
    /// How many bytes came after the window was full.
    after: usize,
    /// For each depth the container whose header cannot be grown any more when it is closed: where it starts, and how
    /// long its header has to be.
    known: [Option<(usize, usize)>; DEPTH],
    /// What came out about the outermost such container that was not known.
    news: Option<(usize, (usize, usize))>,
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

/// The place of a header that is written when its container closes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mark {
    start: usize,
    /// How many bytes are left free for it.
    room: usize,
}

/// How long a text may be that goes the short way.
pub(crate) const LONGEST_TEXT: usize = 32;

#[cfg(test)]
macro_rules! tests {
    ($name:ident of $writer:ident, $close:expr) => {
        mod $name {
            use super::super::{Mark, Window, $writer::Writer};
            use crate::EncodeError;

            fn close(
                writer: &mut Writer<'_>,
                depth: usize,
                mark: Mark,
                header: &[u8],
            ) -> Result<(), EncodeError> {
                let close: fn(&mut Writer<'_>, usize, Mark, &[u8]) -> _ = $close;
                close(writer, depth, mark, header)
            }

            #[test]
            fn closing_moves_what_follows() {
                let mut buffer = [0; 8];
                let mut writer = Writer::new(&mut buffer);
                writer.put(b"a").unwrap();
                let mark = Mark {
                    start: writer.open(0, 1).unwrap(),
                    room: 1,
                };
                writer.put(b"bcd").unwrap();
                assert_eq!(writer.content(mark), 3);
                close(&mut writer, 0, mark, b"X").unwrap();
                assert_eq!(writer.written_from(0), b"aXbcd");
                close(&mut writer, 0, mark, b"1234").unwrap();
                assert_eq!(writer.written_from(0), b"a1234bcd");
                let mark = Mark { start: 1, room: 4 };
                assert_eq!(writer.fits(), Ok(()));
                let grown = close(&mut writer, 0, mark, b"12345");
                let grown = grown.and_then(|()| writer.fits());
                assert_eq!(grown, Err(EncodeError::NoSpace));
            }

            #[test]
            fn what_has_no_room_is_an_error() {
                let mut buffer = [0; 4];
                let (room, _) = buffer.split_at_mut(3);
                let mut writer = Writer::new(room);
                writer.byte(b'a').unwrap();
                writer.number(0x4243, 2).unwrap();
                assert_eq!(writer.written_from(0), b"aBC");
                for write in [
                    (|writer| writer.put(b"e")) as fn(&mut Writer<'_>) -> _,
                    |writer| writer.put_word(1, 1),
                    |writer| writer.byte(1),
                    |writer| writer.number(1, 1),
                ] {
                    let written = write(&mut writer).and_then(|()| writer.fits());
                    assert_eq!(written, Err(EncodeError::NoSpace));
                }
                assert_eq!(buffer, *b"aBC\0");
            }

            /// Writes `outer[…inner[…]…]` with headers that turn out longer than the room left for them.
            fn nested(writer: &mut Writer<'_>) {
                writer.put(b"start").unwrap();
                for _ in 0..2 {
                    let outer = writer.open(0, 1).unwrap();
                    writer.put(b"one").unwrap();
                    let inner = writer.open(1, 2).unwrap();
                    writer.put(b"two").unwrap();
                    let inner = writer.mark(1, inner, 2);
                    close(writer, 1, inner, b"<<<<").unwrap();
                    writer.put(b"three").unwrap();
                    let outer = writer.mark(0, outer, 1);
                    close(writer, 0, outer, b"((").unwrap();
                }
                writer.put(b"end").unwrap();
            }

            #[test]
            fn every_window_shows_its_part() {
                let mut whole = [0; 64];
                let mut writer = Writer::new(&mut whole);
                nested(&mut writer);
                let length = writer.len();
                assert_eq!(
                    &whole[..length],
                    b"start((one<<<<twothree((one<<<<twothreeend"
                );
                for skip in 0..=length {
                    for size in 0..=length {
                        let mut window = Window::new(skip);
                        let mut runs = 0;
                        loop {
                            let mut buffer = [0xee; 64];
                            let mut writer =
                                Writer::windowed(&mut buffer[..size], Some(&mut window));
                            nested(&mut writer);
                            runs += 1;
                            let (total, kept) = (writer.len(), writer.kept());
                            if window.again() {
                                continue;
                            }
                            assert_eq!(total, length, "{skip} {size}");
                            assert_eq!(kept, size.min(length - skip), "{skip} {size}");
                            assert_eq!(&buffer[..kept], &whole[skip..][..kept], "{skip} {size}");
                            assert!(buffer[size..].iter().all(|byte| *byte == 0xee));
                            break;
                        }
                        assert!(runs <= 3);
                    }
                }
            }
        }
    };
}

#[cfg(test)]
mod tests {
    tests!(of_a_device of bytewise, |writer, depth, mark, header| {
        writer.close(depth, mark, &|writer| writer.put(header))
    });
    #[cfg(target_pointer_width = "64")]
    tests!(of_a_host of wordwise, |writer, depth, mark, header| {
        let header = header.iter().fold(crate::short::Short::EMPTY, |short, byte| short.byte(*byte));
        writer.close(depth, mark, header)
    });
}
