//! Any bytes are a message or are refused; what is one is written again the same, and coap-lite agrees.
#![no_main]

use coap_lite::Packet;
use dunlin_coap::request::unknown_critical;
use dunlin_coap::{Message, MessageBuilder, ParseErrorKind};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let theirs = Packet::from_bytes(data);
    let message = match Message::parse(data) {
        Ok(message) => message,
        Err(error) => {
            // RFC 7252 §3 and §4.1 decide these for us; see crates/coap/tests/coap_lite.rs.
            let decided = matches!(
                error.kind(),
                ParseErrorKind::UnknownVersion
                    | ParseErrorKind::MissingPayload
                    | ParseErrorKind::EmptyWithContent
            );
            assert!(decided || theirs.is_err(), "only we refuse it: {error}");
            return;
        }
    };

    let theirs = theirs.expect("only coap-lite refuses it");
    assert_eq!(message.code().0, u8::from(theirs.header.code));
    assert_eq!(message.id().0, theirs.header.message_id);
    assert_eq!(message.token().as_bytes(), theirs.get_token());
    assert_eq!(message.payload(), theirs.payload);
    let their_options = theirs
        .options()
        .flat_map(|(number, values)| values.iter().map(move |value| (*number, &value[..])));
    let our_options = message.options().map(|(number, value)| (number.0, value));
    assert!(our_options.eq(their_options));

    let mut buffer = vec![0; data.len()];
    let mut builder = MessageBuilder::new(
        &mut buffer,
        message.message_type(),
        message.code(),
        message.id(),
        message.token(),
    );
    for (number, value) in message.options() {
        builder.option(number, value);
    }
    assert_eq!(builder.payload(message.payload()).finish(), Ok(data));

    for (number, _) in message.options() {
        let _ = (message.uint(number), message.string(number));
    }
    let _ = (message.kind(), message.observe(), message.accept());
    let _ = (message.block1(), message.block2(), message.content_format());
    let _ = unknown_critical(&message, |_| true);
});
