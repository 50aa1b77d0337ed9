//! A second opinion: `coap-lite` and we agree on every datagram, or the RFC says who is right.

use coap_lite::{CoapOption, MessageType, Packet};
use dunlin_coap::{Message, ParseErrorKind, Type};
use proptest::prelude::*;

/// The differences that are known, each with the sentence of RFC 7252 that decides it for us.
fn is_decided(kind: ParseErrorKind) -> bool {
    match kind {
        // §3: "Messages with unknown version numbers MUST be silently ignored."
        ParseErrorKind::UnknownVersion
        // §3: "The presence of a marker followed by a zero-length payload MUST be processed as a message format error."
        | ParseErrorKind::MissingPayload
        // §4.1: "An Empty message has the Code field set to 0.00. The Token Length field MUST be set to 0 and bytes of
        // data MUST NOT be present after the Message ID field. If there are any bytes, they MUST be processed as a
        // message format error."
        | ParseErrorKind::EmptyWithContent => true,
        _ => false,
    }
}

fn compare(bytes: &[u8]) {
    let ours = Message::parse(bytes);
    let theirs = Packet::from_bytes(bytes);
    let (ours, theirs) = match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => (ours, theirs),
        (Err(_), Err(_)) => return,
        (Err(error), Ok(_)) => {
            assert!(
                is_decided(error.kind()),
                "only we refuse {bytes:02x?}: {error}"
            );
            return;
        }
        (Ok(_), Err(error)) => panic!("only coap-lite refuses {bytes:02x?}: {error:?}"),
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
