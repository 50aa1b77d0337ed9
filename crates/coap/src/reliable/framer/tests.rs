use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::reliable::Framing;
use crate::{MessageBuilder, OptionNumber};

/// The size that is announced by a header, which must be told by all its prefixes in turn.
fn size(header: &[u8]) -> Result<usize, FrameError> {
    let framer = Framer::new(u32::MAX);
    let mut needed = 0;
    for len in 0..=header.len() {
        match framer.next(&header[..len])? {
            Next::NeedMore(total) => {
                assert!(total > len && total >= needed);
                needed = total;
            }
            Next::Message { .. } => panic!("not a header alone"),
        }
    }
    Ok(needed)
}

#[test]
fn lengths_at_the_borders_of_their_forms() {
    for (header, expected) in [
        (&[0x10, 0x45][..], 3),
        (&[0xc8, 0x45], 22),
        (&[0xd0, 0x00, 0x45], 16),
        (&[0xd1, 0xff, 0x45], 272),
        (&[0xe0, 0x00, 0x00, 0x45], 273),
        (&[0xe8, 0xff, 0xff, 0x45], 65816),
        (&[0xf0, 0, 0, 0, 0, 0x45], 65811),
        (&[0xf8, 0, 1, 0, 0, 0x45], 131_355),
        // Extended tokens: the length lies behind the code (RFC 8974 §2.1).
        (&[0x0d, 0x45, 0x00], 16),
        (&[0x0e, 0x45, 0x00, 0x00], 273),
        (&[0xde, 0x01, 0x45, 0x00, 0x01], 289),
    ] {
        assert_eq!(size(header), Ok(expected), "{header:x?}");
    }
}

#[test]
fn what_cannot_be_taken_is_told_at_once() {
    let framer = Framer::new(1152);
    assert_eq!(
        framer.next(&[0x0f]).unwrap_err(),
        FrameError::Malformed(ParseErrorKind::ReservedTokenLength)
    );
    assert!(matches!(
        framer.next(&[0xe0, 0x03, 0x6f, 0x45]),
        Ok(Next::NeedMore(1152))
    ));
    assert_eq!(
        framer.next(&[0xe0, 0x03, 0x70, 0x45]).unwrap_err(),
        FrameError::TooLarge(1153)
    );
    assert_eq!(
        framer
            .next(&[0xfe, 255, 255, 255, 255, 0, 255, 255])
            .unwrap_err(),
        FrameError::TooLarge(8 + 65804 + 65805 + u64::from(u32::MAX))
    );
}

#[test]
fn the_syntax_of_the_rest_is_checked() {
    let framer = Framer::new(1152);
    for (bytes, kind) in [
        (&[0x10, 0x45, 0xff][..], ParseErrorKind::MissingPayload),
        (&[0x10, 0x45, 0x01], ParseErrorKind::TruncatedOption),
        (&[0x10, 0x45, 0xf0], ParseErrorKind::ReservedOptionDelta),
    ] {
        assert_eq!(
            framer.next(bytes).unwrap_err(),
            FrameError::Malformed(kind),
            "{bytes:x?}"
        );
    }
    assert_eq!(
        parse_websocket(&[0x10, 0x45, 0x00]).unwrap_err(),
        FrameError::LengthNotZero
    );
    assert_eq!(
        parse_websocket(&[0x00]).unwrap_err(),
        FrameError::Malformed(ParseErrorKind::TruncatedHeader)
    );
    assert_eq!(
        parse_websocket(&[0x02, 0x45, 0x00]).unwrap_err(),
        FrameError::Malformed(ParseErrorKind::TruncatedToken)
    );
}

/// Code, token, options as distance and value, payload.
type Parts = (u8, Vec<u8>, Vec<(u16, Vec<u8>)>, Vec<u8>);

fn parts() -> impl Strategy<Value = Parts> {
    let bytes = |max| prop::collection::vec(any::<u8>(), 0..max);
    let option = (0_u16..600, bytes(300));
    (
        1_u8..,
        bytes(300),
        prop::collection::vec(option, 0..4),
        bytes(400),
    )
}

fn write(parts: &Parts, framing: Framing) -> Vec<u8> {
    let (code, token, options, payload) = parts;
    let mut buffer = [0; 4096];
    let mut builder = MessageBuilder::reliable(&mut buffer, framing, Code(*code), token);
    let mut number = 0;
    for (delta, value) in options {
        number += delta;
        builder.option(OptionNumber(number), value);
    }
    builder.payload(payload).finish().unwrap().to_vec()
}

fn check(parts: &Parts, message: &Message<'_>) {
    let (code, token, options, payload) = parts;
    assert_eq!(message.code(), Code(*code));
    assert_eq!(message.token_bytes(), token);
    assert_eq!(message.payload(), payload);
    let mut number = 0;
    let expected = options.iter().map(|(delta, value)| {
        number += delta;
        (OptionNumber(number), &value[..])
    });
    assert!(message.options().eq(expected));
}

proptest! {
    /// However a stream is cut, the same messages come out, and no more is buffered than the framer asks for.
    #[test]
    fn any_cut_gives_the_same_messages(
        messages in prop::collection::vec(parts(), 0..5),
        cuts in prop::collection::vec(1_usize..700, 1..20),
    ) {
        let stream: Vec<u8> = messages.iter().flat_map(|parts| write(parts, Framing::Stream)).collect();
        let framer = Framer::new(4096);
        let mut expected = messages.iter();
        let (mut rest, mut buffer, mut needed) = (&stream[..], Vec::new(), 0);
        let mut cuts = cuts.iter().cycle();
        loop {
            match framer.next(&buffer).unwrap() {
                Next::Message { message, consumed } => {
                    prop_assert!(buffer.len() >= needed, "a message before all was there that was asked for");
                    check(expected.next().unwrap(), &message);
                    buffer.drain(..consumed);
                    needed = 0;
                }
                Next::NeedMore(total) => {
                    prop_assert!(total > buffer.len() && total >= needed);
                    needed = total;
                    if rest.is_empty() {
                        break;
                    }
                    let (more, after) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
                    buffer.extend(more);
                    rest = after;
                }
            }
        }
        prop_assert!(buffer.is_empty());
        prop_assert!(expected.next().is_none());
    }

    #[test]
    fn websocket_messages_round_trip(parts in parts()) {
        check(&parts, &parse_websocket(&write(&parts, Framing::WebSocket)).unwrap());
    }

    /// Any bytes are consumed or refused or wait for more, within the limit.
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..80), max in 0_u32..100) {
        match Framer::new(max).next(&bytes) {
            Ok(Next::NeedMore(total)) => prop_assert!(total > bytes.len() && total <= (max as usize).max(8)),
            Ok(Next::Message { consumed, .. }) => {
                prop_assert!(2 <= consumed && consumed <= bytes.len() && consumed <= max as usize);
            }
            Err(FrameError::TooLarge(size)) => prop_assert!(size > u64::from(max)),
            Err(_) => {}
        }
        let _ = parse_websocket(&bytes);
    }
}
