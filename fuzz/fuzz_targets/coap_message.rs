//! Any bytes are a message or are refused; what is one is written again the same, and coap-lite agrees.
#![no_main]

use coap_lite::Packet;
use dunlin_coap::request::unknown_critical;
use dunlin_coap::{Message, MessageBuilder, ParseErrorKind, Token};
use libfuzzer_sys::fuzz_target;

/// Where the token may be longer, more is a message, what was one is the same, and each is written again the same.
fn extended(data: &[u8], strict: Option<&Message<'_>>) {
    let Ok(message) = Message::parse_extended(data) else {
        assert!(strict.is_none());
        return;
    };
    let token = message.token_bytes();
    assert_eq!(strict.is_some(), token.len() <= 8);
    assert_eq!(strict.is_none(), message.token() == Token::EXTENDED);
    if let Some(strict) = strict {
        assert_eq!(strict.token_bytes(), token);
        assert_eq!(strict.payload(), message.payload());
        assert!(strict.options().eq(message.options()));
    }
    let mut buffer = vec![0; data.len()];
    let written = MessageBuilder::new_extended(
        &mut buffer,
        message.message_type(),
        message.code(),
        message.id(),
        token,
    )
    .copy_options(&message, &[])
    .payload(message.payload())
    .finish();
    assert_eq!(written, Ok(data));
}

fuzz_target!(|data: &[u8]| {
    let theirs = Packet::from_bytes(data);
    let message = match Message::parse(data) {
        Ok(message) => message,
        Err(error) => {
            extended(data, None);
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

    extended(data, Some(&message));

    let theirs = match theirs {
        Ok(theirs) => theirs,
        // RFC 7252 §3.1 allows options of up to 65804 bytes; coap-lite ends at 65535.
        Err(error) => {
            let longest = message.options().map(|(_, value)| value.len()).max();
            assert!(longest > Some(65_535), "only coap-lite refuses it: {error}");
            return;
        }
    };
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
