//! Any bytes behind a header: what the option iterator gives, what the accessors find, and what a copy with some
//! options replaced says, is what a list of the options says.
#![no_main]

use dunlin_coap::{Code, Message, MessageBuilder, MessageId, OptionNumber, Token, Type};
use libfuzzer_sys::fuzz_target;

/// The first two bytes choose the numbers that are replaced.
fuzz_target!(|data: &[u8]| {
    let [one, other, body @ ..] = data else {
        return;
    };
    let datagram = [&[0x40, 1, 0, 1], body].concat();
    let Ok(message) = Message::parse(&datagram) else {
        return;
    };
    let options: Vec<_> = message.options().collect();
    assert!(options.is_sorted_by_key(|(number, _)| *number));

    for (number, value) in &options {
        let all = options.iter().filter(|(other, _)| other == number);
        assert!(message.values(*number).eq(all.map(|(_, value)| *value)));
        let first = options.iter().find(|(other, _)| other == number);
        let first = first.map(|(_, value)| *value);
        let allowed = |value: &&[u8]| {
            let definition = number.definition();
            definition.is_none_or(|definition| definition.allows_len(value.len()))
        };
        assert_eq!(message.option(*number), first.filter(allowed));
        let _ = (message.uint(*number), message.string(*number), value.len());
    }

    let (low, high) = (one.min(other), one.max(other));
    let removed = OptionNumber(u16::from(*low));
    let replaced = OptionNumber(u16::from(*high));
    let mut buffer = vec![0; datagram.len() + 32];
    let copy = MessageBuilder::new(
        &mut buffer,
        Type::Confirmable,
        Code::GET,
        MessageId(1),
        Token::EMPTY,
    )
    .copy_options(&message, &[(removed, None), (replaced, Some(b"new"))])
    .finish()
    .expect("in order, and it fits");
    let copy = Message::parse(copy).expect("what is built is well formed");
    let mut expected = options;
    expected.retain(|(number, _)| *number != removed && *number != replaced);
    let at = expected.partition_point(|(number, _)| *number < replaced);
    expected.insert(at, (replaced, b"new"));
    assert!(copy.options().eq(expected));
});
