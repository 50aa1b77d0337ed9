//! A second opinion: `coap-lite` and we agree on every datagram, or the RFC says who is right.

use coap_lite::error::MessageError;
use coap_lite::{CoapOption, MessageType, Packet};
use dunlin_coap::{Code, MessageBuilder, MessageId, OptionNumber, Token};
use dunlin_coap::{Message, ParseErrorKind, Type};
use proptest::prelude::*;

/// What we refuse and coap-lite accepts, each with the sentence that decides it for us.
fn only_we_refuse(kind: ParseErrorKind) -> bool {
    match kind {
        // RFC 7252 §3: "Messages with unknown version numbers MUST be silently ignored."
        ParseErrorKind::UnknownVersion
        // RFC 7252 §3: "The presence of a marker followed by a zero-length payload MUST be processed as a message
        // format error."
        | ParseErrorKind::MissingPayload
        // RFC 7252 §4.1: "An Empty message has the Code field set to 0.00. The Token Length field MUST be set to 0 and
        // bytes of data MUST NOT be present after the Message ID field. If there are any bytes, they MUST be processed
        // as a message format error."
        | ParseErrorKind::EmptyWithContent => true,
        _ => false,
    }
}

/// What coap-lite refuses and we accept: an option of more than 65535 bytes.
///
/// RFC 7252 §3.1: "14: A 16-bit unsigned integer in network byte order precedes the Option Value and indicates the
/// Option Length minus 269." That is up to 65804; coap-lite adds in 16 bits.
fn only_coap_lite_refuses(ours: &Message<'_>, error: &MessageError) -> bool {
    let longest = ours.options().map(|(_, value)| value.len()).max();
    *error == MessageError::InvalidOptionLength && longest > Some(65_535)
}

fn compare(bytes: &[u8]) {
    let ours = Message::parse(bytes);
    let theirs = Packet::from_bytes(bytes);
    let (ours, theirs) = match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => (ours, theirs),
        (Err(_), Err(_)) => return,
        (Err(error), Ok(_)) => {
            assert!(
                only_we_refuse(error.kind()),
                "only we refuse {bytes:02x?}: {error}"
            );
            return;
        }
        (Ok(ours), Err(error)) => {
            assert!(
                only_coap_lite_refuses(&ours, &error),
                "only coap-lite refuses {bytes:02x?}: {error:?}"
            );
            return;
        }
    };
    let message_type = match theirs.header.get_type() {
        MessageType::Confirmable => Type::Confirmable,
        MessageType::NonConfirmable => Type::NonConfirmable,
        MessageType::Acknowledgement => Type::Acknowledgement,
        MessageType::Reset => Type::Reset,
    };
    assert_eq!(ours.message_type(), message_type);
    assert_eq!(ours.code().0, u8::from(theirs.header.code));
    assert_eq!(ours.id().0, theirs.header.message_id);
    assert_eq!(ours.token().as_bytes(), theirs.get_token());
    assert_eq!(ours.payload(), theirs.payload);
    let their_options = theirs
        .options()
        .flat_map(|(number, values)| values.iter().map(move |value| (*number, &value[..])));
    assert!(
        ours.options()
            .map(|(number, value)| (number.0, value))
            .eq(their_options)
    );
}

/// A well-formed message, by coap-lite's hand.
fn messages() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![8 => 0..64_u16, 2 => 0..600_u16, 1 => any::<u16>()];
    let value = prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..16),
        1 => prop::collection::vec(any::<u8>(), 260..280),
    ];
    (
        prop::collection::vec(any::<u8>(), 0..=8),
        1..=255_u8,
        any::<u16>(),
        prop::collection::vec((number, value), 0..8),
        prop::collection::vec(any::<u8>(), 0..40),
    )
        .prop_map(|(token, code, id, options, payload)| {
            let mut packet = Packet::new();
            packet.set_token(token);
            packet.header.code = code.into();
            packet.header.message_id = id;
            for (number, value) in options {
                packet.add_option(CoapOption::from(number), value);
            }
            packet.payload = payload;
            packet.to_bytes_unlimited().unwrap()
        })
}

/// Nibbles, half of them at the edge of the extensions.
fn edges() -> impl Strategy<Value = u8> {
    prop_oneof![0..=11_u8, 12..=14_u8, 12..=15_u8]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn on_arbitrary_bytes(mut bytes in prop::collection::vec(any::<u8>(), 0..80), seemly in any::<bool>()) {
        if seemly && let [first, ..] = &mut bytes[..] {
            // Version 1 and a token length that is mostly allowed.
            *first = *first & 0x37 | 0x40;
        }
        compare(&bytes);
    }

    /// Options of every sort of header, cut anywhere: deltas and lengths of 12 to 15 and their extensions are as frequent
    /// as all others.
    #[test]
    fn on_headers_of_options(
        parts in prop::collection::vec((edges(), edges(), any::<[u8; 4]>(), 0..20_usize), 0..6),
        end in prop_oneof![Just(&[][..]), Just(&[0xff][..]), Just(&[0xff, 0][..])],
    ) {
        let mut bytes = vec![0x40, 1, 0, 1];
        for (delta, len, extensions, value) in parts {
            bytes.push(delta << 4 | len);
            // As many as the nibbles say, or nearly.
            let count = [0, 0, 0, 1, 2, 0][usize::from(delta.saturating_sub(10))]
                + [0, 0, 0, 1, 2, 0][usize::from(len.saturating_sub(10))];
            bytes.extend(&extensions[..count]);
            bytes.extend(vec![7; if len < 13 { usize::from(len) } else { value }]);
        }
        bytes.extend(end);
        compare(&bytes);
    }

    /// What the other writes, we read, and the other way round; both write the same.
    #[test]
    fn on_what_both_write(
        token in prop::collection::vec(any::<u8>(), 0..=8),
        code in 1..=255_u8,
        options in prop::collection::btree_map(any::<u16>(), prop::collection::vec(any::<u8>(), 0..300), 0..6),
        payload in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut buffer = vec![0; 4096];
        let mut builder = MessageBuilder::new(
            &mut buffer,
            Type::Confirmable,
            Code(code),
            MessageId(1),
            Token::new(&token).unwrap(),
        );
        let mut packet = Packet::new();
        packet.header.code = code.into();
        packet.header.message_id = 1;
        packet.set_token(token);
        packet.payload.clone_from(&payload);
        for (number, value) in options {
            builder.option(OptionNumber(number), &value);
            packet.add_option(CoapOption::from(number), value);
        }
        let bytes = builder.payload(&payload).finish().unwrap();
        prop_assert_eq!(&packet.to_bytes_unlimited().unwrap(), bytes);
        compare(bytes);
    }

    #[test]
    fn on_well_formed_messages(bytes in messages()) {
        prop_assert!(Message::parse(&bytes).is_ok());
        compare(&bytes);
    }

    #[test]
    fn on_mutated_messages(
        mut bytes in messages(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len() + 1));
        }
        compare(&bytes);
    }
}

#[test]
fn the_differences_are_as_told() {
    for (bytes, kind) in [
        (&[0x80, 1, 0, 1][..], ParseErrorKind::UnknownVersion),
        (&[0x40, 1, 0, 1, 0xff], ParseErrorKind::MissingPayload),
        (&[0x41, 0, 0, 1, 9], ParseErrorKind::EmptyWithContent),
    ] {
        assert!(Packet::from_bytes(bytes).is_ok());
        assert_eq!(Message::parse(bytes).unwrap_err().kind(), kind);
    }
}

#[test]
fn the_longest_options() {
    for (extension, accepted) in [(65_266_u16, true), (65_267, false), (65_535, false)] {
        let mut bytes = vec![0x40, 1, 0, 1, 0x0e];
        bytes.extend(extension.to_be_bytes());
        bytes.extend(vec![7; usize::from(extension) + 269]);
        assert!(Message::parse(&bytes).is_ok());
        assert_eq!(Packet::from_bytes(&bytes).is_ok(), accepted);
        compare(&bytes);
    }
}
