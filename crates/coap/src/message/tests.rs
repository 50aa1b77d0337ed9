use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;

/// What `Message::parse` says of an error: its kind and whether there is a Reset to send.
fn error(bytes: &[u8]) -> (ParseErrorKind, bool) {
    let error = Message::parse(bytes).unwrap_err();
    (error.kind(), error.reset().is_some())
}

#[test]
fn headers_that_are_none() {
    use ParseErrorKind::{ReservedTokenLength, TruncatedHeader, TruncatedToken, UnknownVersion};

    assert_eq!(error(&[]), (TruncatedHeader, false));
    assert_eq!(error(&[0x40, 1, 0]), (TruncatedHeader, false));
    // Another version is ignored silently, even where the rest would be a Confirmable message.
    for version in [0x00, 0x80, 0xc0] {
        assert_eq!(error(&[version, 1, 0, 7]), (UnknownVersion, false));
    }
    for length in 9..=15 {
        let bytes = [&[0x40 | length, 1, 0, 7][..], &[0; 20]].concat();
        assert_eq!(error(&bytes), (ReservedTokenLength, true));
        let bytes = [&[0x50 | length, 1, 0, 7][..], &[0; 20]].concat();
        assert_eq!(error(&bytes), (ReservedTokenLength, false));
    }
    assert_eq!(error(&[0x42, 1, 0, 7, 1]), (TruncatedToken, true));
    assert_eq!(error(&[0x62, 1, 0, 7, 1]), (TruncatedToken, false));
}

#[test]
fn a_malformed_confirmable_message_is_reset_by_its_id() {
    let error = Message::parse(&[0x40, 1, 0xab, 0xcd, 0xff]).unwrap_err();
    assert_eq!(error.reset(), Some([0x70, 0, 0xab, 0xcd]));
    assert_eq!(error.message_type(), Some(Type::Confirmable));
    assert_eq!(error.id(), Some(MessageId(0xabcd)));
}

#[test]
fn empty_messages_have_nothing_but_a_header() {
    use ParseErrorKind::EmptyWithContent;

    for (first, kind) in [
        (0x40, Kind::Ping),
        (0x50, Kind::Invalid),
        (0x60, Kind::Acknowledgement),
        (0x70, Kind::Reset),
    ] {
        let bytes = [first, 0, 0x12, 0x34];
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(message.kind(), kind);
        assert_eq!(message.id(), MessageId(0x1234));
    }
    assert_eq!(error(&[0x41, 0, 0, 7, 1]), (EmptyWithContent, true));
    assert_eq!(error(&[0x41, 0, 0, 7]), (EmptyWithContent, true));
    assert_eq!(error(&[0x40, 0, 0, 7, 0xff, 1]), (EmptyWithContent, true));
    assert_eq!(error(&[0x60, 0, 0, 7, 0]), (EmptyWithContent, false));
    assert_eq!(error(&[0x4f, 0, 0, 7]), (EmptyWithContent, true));
}

#[test]
fn kinds_by_type_and_code() {
    let kind = |first, code| Message::parse(&[first, code, 0, 0]).unwrap().kind();
    for (first, request, response) in [
        (0x40, Kind::Request, Kind::Response),
        (0x50, Kind::Request, Kind::Response),
        (0x60, Kind::Invalid, Kind::Response),
        (0x70, Kind::Invalid, Kind::Invalid),
    ] {
        assert_eq!(kind(first, Code::GET.0), request);
        assert_eq!(kind(first, 0x1f), request, "an unknown method is a request");
        assert_eq!(kind(first, Code::CONTENT.0), response);
        assert_eq!(kind(first, 0xbf), response, "an unknown response is one");
        for reserved in [0x20, 0x60, 0xc0, 0xff] {
            assert_eq!(kind(first, reserved), Kind::Invalid);
        }
    }
}

/// A Confirmable GET with these bytes after its header.
fn after_header(bytes: &[u8]) -> Vec<u8> {
    [&[0x40, 1, 0, 7], bytes].concat()
}

#[test]
fn options_that_are_none() {
    use ParseErrorKind::{
        MissingPayload, OptionNumberTooLarge, ReservedOptionDelta, ReservedOptionLength,
        TruncatedOption,
    };

    let cases: [(&[u8], ParseErrorKind); 16] = [
        (&[0xff], MissingPayload),
        (&[0xb1, b'a', 0xff], MissingPayload),
        (&[0xf0], ReservedOptionDelta),
        (&[0xfe, 0, 0], ReservedOptionDelta),
        (&[0x0f], ReservedOptionLength),
        (&[0xdf, 0], ReservedOptionLength),
        (&[0xb1], TruncatedOption),
        (&[0xb3, b'a', b'b'], TruncatedOption),
        (&[0xd0], TruncatedOption),
        (&[0xe0], TruncatedOption),
        (&[0xe0, 0], TruncatedOption),
        (&[0x0d], TruncatedOption),
        (&[0x0e, 0], TruncatedOption),
        (&[0x0e, 0, 0, 1], TruncatedOption),
        // 269 + 65267 = 65536, and 65535 + 1.
        (&[0xe0, 0xfe, 0xf3], OptionNumberTooLarge),
        (&[0xe0, 0xfe, 0xf2, 0x10], OptionNumberTooLarge),
    ];
    for (bytes, kind) in cases {
        assert_eq!(error(&after_header(bytes)), (kind, true), "{bytes:02x?}");
    }
}

#[test]
fn the_marker_is_one_only_where_an_option_could_begin() {
    let bytes = after_header(&[0xd1, 0xff, 0xff, 0x01, 0xff, 0xff, 0xff]);
    let message = Message::parse(&bytes).unwrap();
    let options: Vec<_> = message.options().collect();
    assert_eq!(
        options,
        [
            (OptionNumber(268), &[0xff][..]),
            (OptionNumber(268), &[0xff])
        ]
    );
    assert_eq!(message.payload(), [0xff]);
}

#[test]
fn longest_option_and_largest_number() {
    let mut bytes = after_header(&[0xee, 0xfe, 0xf2, 0xff, 0xff]);
    bytes.extend(vec![9; 65_804]);
    let message = Message::parse(&bytes).unwrap();
    let (number, value) = message.options().next().unwrap();
    assert_eq!((number, value.len()), (OptionNumber(65_535), 65_804));
}

#[test]
fn accessors_of_options() {
    // Uri-Path "a", "", Content-Format 0x2d16, Uri-Query "b", Accept 0, an ETag too late would be out of order.
    let bytes = after_header(&[
        0x42, 1, 2, 0x71, b'a', 0x00, 0x12, 0x2d, 0x16, 0x31, b'b', 0x20, 0xff, b'p',
    ]);
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.etag(), Some(&[1, 2][..]));
    assert!(message.uri_path().eq([&b"a"[..], b""]));
    assert!(message.uri_query().eq([b"b"]));
    assert_eq!(message.content_format(), Some(11_542));
    assert_eq!(message.accept(), Some(0));
    assert_eq!(message.observe(), None);
    assert_eq!(message.block1(), Ok(None));
    assert_eq!(message.string(OptionNumber::URI_QUERY), Some("b"));
    assert_eq!(message.payload(), b"p");
    let mut path = message.uri_path();
    assert_eq!(path.by_ref().count(), 2);
    assert_eq!(path.next(), None);
}

#[test]
fn an_option_of_a_length_outside_its_range_is_absent() {
    // Content-Format with three bytes, Max-Age with five.
    let bytes = after_header(&[0xc3, 0, 0, 1, 0x25, 0, 0, 0, 0, 60]);
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.content_format(), None);
    assert_eq!(message.uint(OptionNumber::MAX_AGE), None);
    assert_eq!(message.values(OptionNumber::MAX_AGE).count(), 1);
    // Leading zeros inside the range are fine.
    let bytes = after_header(&[0xc2, 0, 42, 0x24, 0, 0, 0, 60]);
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.content_format(), Some(42));
    assert_eq!(message.uint(OptionNumber::MAX_AGE), Some(60));
}

#[test]
fn uints_with_leading_zeros() {
    assert_eq!(decode_uint(&[]), Some(0));
    assert_eq!(decode_uint(&[0, 0, 0, 0]), Some(0));
    assert_eq!(decode_uint(&[1, 2, 3]), Some(0x01_0203));
    assert_eq!(decode_uint(&[0, 0, 0xff, 0xff, 0xff, 0xff]), Some(u32::MAX));
    assert_eq!(decode_uint(&[1, 0, 0, 0, 0]), None);
    assert_eq!(decode_uint(&[0, 1, 0, 0, 0, 0]), None);
}

#[test]
fn debug_shows_no_payload() {
    let bytes = after_header(&[0xb1, b'a', 0xff, b's', b'e', b'c', b'r', b'e', b't']);
    let text = std::format!("{:?}", Message::parse(&bytes).unwrap());
    assert!(
        text.contains("0.01 GET") && text.contains("Uri-Path"),
        "{text}"
    );
    assert!(!text.contains("115") && !text.contains("secret"), "{text}");
}

const _: () = assert!(size_of::<Message<'_>>() <= 7 * size_of::<usize>());
const _: () = assert!(size_of::<ParseError>() <= 8);
const _: () = assert!(size_of::<Token>() == 9);

/// Writes a message again from what its accessors say.
fn rebuild(message: &Message<'_>) -> Vec<u8> {
    let mut buffer = vec![0; 1024];
    let mut builder = crate::MessageBuilder::new(
        &mut buffer,
        message.message_type(),
        message.code(),
        message.id(),
        message.token(),
    );
    for (number, value) in message.options() {
        builder.option(number, value);
    }
    builder
        .payload(message.payload())
        .finish()
        .unwrap()
        .to_vec()
}

/// Calls every accessor, as none may fail once the message is parsed.
fn touch(message: &Message<'_>) {
    let options = message.options().count();
    assert!(message.uri_path().count() + message.uri_query().count() <= options);
    for (number, value) in message.options() {
        assert!(message.values(number).any(|other| other == value));
    }
    for number in (0..=300).map(OptionNumber) {
        let _ = (message.uint(number), message.string(number));
    }
    let _ = (message.block1(), message.block2(), message.observe());
    let _ = (message.accept(), message.content_format(), message.etag());
    let _ = (message.kind(), message.token(), message.payload());
    crate::request::unknown_critical(message, |_| true);
    assert!(!std::format!("{message:?}").is_empty());
}

proptest! {
    #[test]
    fn arbitrary_bytes_parse_or_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(message) = Message::parse(&bytes) {
            touch(&message);
            prop_assert_eq!(rebuild(&message), bytes);
        }
    }

    /// Arbitrary bytes seldom get past the header; these begin with one.
    #[test]
    fn arbitrary_options_parse_or_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let bytes = after_header(&bytes);
        match Message::parse(&bytes) {
            Ok(message) => {
                touch(&message);
                // There is one way only to write a message.
                prop_assert_eq!(rebuild(&message), bytes);
            }
            Err(error) => prop_assert!(error.reset().is_some()),
        }
    }

    /// What is cut off a message makes it shorter or none, never another payload.
    #[test]
    fn every_prefix_parses_or_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let bytes = after_header(&bytes);
        if let Ok(whole) = Message::parse(&bytes) {
            for len in 0..bytes.len() {
                if let Ok(part) = Message::parse(&bytes[..len]) {
                    touch(&part);
                    prop_assert!(whole.payload().starts_with(part.payload()));
                }
            }
        }
    }

    /// What is found to be plain is what the whole parser finds.
    #[test]
    fn plain_messages_are_messages(
        first in prop_oneof![Just(0x40_u8), any::<u8>()],
        bytes in prop::collection::vec(prop_oneof![Just(0_u8), Just(0x0d), Just(0xff), any::<u8>()], 3..60),
    ) {
        let bytes = [&[first], &bytes[..]].concat();
        if let Some(plain) = Message::parse_plain(&bytes) {
            let message = Message::parse_any(&bytes).unwrap();
            prop_assert_eq!(plain.message_type(), message.message_type());
            prop_assert_eq!((plain.code(), plain.id()), (message.code(), message.id()));
            prop_assert_eq!(plain.token_bytes(), message.token_bytes());
            prop_assert_eq!(plain.body.options, message.body.options);
            prop_assert_eq!(plain.payload(), message.payload());
        }
    }
}

#[test]
fn a_plain_message_is_found_to_be_one() {
    for (bytes, plain) in [
        (after_header(&[0x60, 0x51, b'3', 0xff, 1]), true),
        (after_header(&[&[0xbd, 255][..], &[0; 268]].concat()), true),
        (after_header(&[&[0xbd, 255][..], &[0; 267]].concat()), false),
        (after_header(&[0xb1]), false),
        (after_header(&[0xbd]), false),
        (after_header(&[0xff]), false),
        (after_header(&[0xd0, 0]), false),
        // Numbers are not added up: 12 times 5461 is as much as an option can have.
        (after_header(&[0xc0; 5461]), true),
        (after_header(&[0xc0; 5462]), false),
        (
            after_header(&[&[0xc0; 5462][..], &[0xff, 1]].concat()),
            false,
        ),
        (vec![0x40, 0, 0, 1], false),
    ] {
        assert_eq!(Message::parse_plain(&bytes).is_some(), plain);
    }
    assert!(Message::parse(&after_header(&[0xc0; 5461])).is_ok());
    assert_eq!(
        error(&after_header(&[0xc0; 5462])),
        (ParseErrorKind::OptionNumberTooLarge, true)
    );
}

/// The table says what the nibbles say.
#[test]
fn sizes_of_small_options() {
    for first in 0..=255_u8 {
        let (delta, len) = (first >> 4, first & 0x0f);
        let small = if delta < 13 && len < 13 {
            1 + usize::from(len)
        } else {
            0
        };
        assert_eq!(crate::options::small(first), small);
    }
}
