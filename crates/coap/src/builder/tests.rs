use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::block::BlockSize;
use crate::{Kind, Message};

fn builder(buffer: &mut [u8]) -> MessageBuilder<'_> {
    MessageBuilder::new(
        buffer,
        Type::Confirmable,
        Code::GET,
        MessageId(0x1234),
        Token::from([0xa1, 0xb2, 0xc3, 0xd4]),
    )
}

#[test]
fn builds_the_get_of_the_benchmark() {
    let mut buffer = [0; 64];
    let bytes = builder(&mut buffer)
        .observe(0)
        .path(["3", "0"])
        .accept(11542)
        .finish()
        .unwrap();
    assert_eq!(
        bytes,
        [
            0x44, 0x01, 0x12, 0x34, 0xa1, 0xb2, 0xc3, 0xd4, 0x60, 0x51, 0x33, 0x01, 0x30, 0x62,
            0x2d, 0x16
        ]
    );
    let message = Message::parse(bytes).unwrap();
    assert_eq!(message.kind(), Kind::Request);
    assert_eq!(message.observe(), Some(0));
    assert!(message.uri_path().eq([b"3", b"0"]));
}

#[test]
fn every_named_option() {
    let mut buffer = [0; 128];
    let block = Block::new(3, true, BlockSize::B64).unwrap();
    let bytes = builder(&mut buffer)
        .etag(&[1, 2])
        .observe(0xff12_3456)
        .location_path(["rd", "5a3f"])
        .path(["a"])
        .content_format(0)
        .max_age(60)
        .query(["x=1", "y"])
        .option_parts(OptionNumber::URI_QUERY, &[b"ep=", b"node"])
        .accept(112)
        .block2(block)
        .block1(block)
        .uint(OptionNumber::SIZE1, 0x0100_0000)
        .payload(b"payload")
        .finish()
        .unwrap();
    let message = Message::parse(bytes).unwrap();
    assert_eq!(message.etag(), Some(&[1, 2][..]));
    assert_eq!(message.observe(), Some(0x12_3456));
    assert!(message.location_path().eq([&b"rd"[..], b"5a3f"]));
    assert!(message.uri_path().eq([b"a"]));
    assert_eq!(message.content_format(), Some(0));
    assert_eq!(message.uint(OptionNumber::MAX_AGE), Some(60));
    assert!(message.uri_query().eq([&b"x=1"[..], b"y", b"ep=node"]));
    assert_eq!(message.accept(), Some(112));
    assert_eq!(message.block1(), Ok(Some(block)));
    assert_eq!(message.block2(), Ok(Some(block)));
    assert_eq!(message.uint(OptionNumber::SIZE1), Some(0x0100_0000));
    assert_eq!(message.payload(), b"payload");
}

#[test]
fn uints_are_as_short_as_they_can_be() {
    for (value, len) in [
        (0, 0),
        (1, 1),
        (0xff, 1),
        (0x100, 2),
        (0xffff, 2),
        (0x1_0000, 3),
        (0xff_ffff, 3),
        (0x100_0000, 4),
        (u32::MAX, 4),
    ] {
        let mut buffer = [0; 32];
        let bytes = builder(&mut buffer)
            .uint(OptionNumber::SIZE1, value)
            .finish()
            .unwrap();
        let message = Message::parse(bytes).unwrap();
        assert_eq!(message.option(OptionNumber::SIZE1).unwrap().len(), len);
        assert_eq!(message.uint(OptionNumber::SIZE1), Some(value));
    }
}

#[test]
fn a_payload_is_written_in_place() {
    let mut buffer = [0; 16];
    let mut message = builder(&mut buffer);
    message.path(["a"]);
    let space = message.payload_buffer();
    assert_eq!(space.len(), 5);
    space[..3].copy_from_slice(b"xyz");
    let bytes = message.payload_len(3).finish().unwrap();
    assert_eq!(Message::parse(bytes).unwrap().payload(), b"xyz");
    assert_eq!(bytes.len(), 14);
}

#[test]
fn no_payload_no_marker() {
    let mut buffer = [0; 16];
    assert_eq!(builder(&mut buffer).payload(&[]).finish().unwrap().len(), 8);
    let mut message = builder(&mut buffer);
    message.payload_buffer();
    assert_eq!(message.payload_len(0).finish().unwrap().len(), 8);
    let mut message = builder(&mut buffer);
    message.payload_buffer();
    assert_eq!(message.finish().unwrap().len(), 8, "asked for, never used");
    // Full, and nothing to be written.
    let mut full = [0; 8];
    let mut message = builder(&mut full);
    assert!(message.payload_buffer().is_empty());
    assert_eq!(message.payload_len(0).finish().unwrap().len(), 8);
    let mut message = builder(&mut full);
    message.payload_buffer();
    assert_eq!(
        message.payload_len(1).finish(),
        Err(BuildError::PayloadLength)
    );
}

#[test]
fn the_first_error_sticks() {
    let mut buffer = [0; 64];
    let mut message = builder(&mut buffer);
    message.accept(0).path(["late"]).payload(&[0; 100]);
    assert_eq!(message.remaining(), 0);
    assert!(message.payload_buffer().is_empty());
    assert_eq!(message.finish(), Err(BuildError::OutOfOrder));
    assert_eq!(message.finish(), Err(BuildError::OutOfOrder));
}

#[test]
fn nothing_follows_the_payload() {
    let mut buffer = [0; 64];
    assert_eq!(
        builder(&mut buffer).payload(b"a").path(["a"]).finish(),
        Err(BuildError::OutOfOrder)
    );
    assert_eq!(
        builder(&mut buffer).payload(b"a").payload(b"b").finish(),
        Err(BuildError::PayloadLength)
    );
    let mut message = builder(&mut buffer);
    message.payload_buffer();
    assert_eq!(message.accept(0).finish(), Err(BuildError::OutOfOrder));
    let mut message = builder(&mut buffer);
    message.payload_buffer();
    assert_eq!(
        message.payload_len(56).finish(),
        Err(BuildError::PayloadLength)
    );
}

#[test]
fn empty_messages_take_nothing() {
    let mut buffer = [0; 64];
    let mut empty = |token, write: fn(&mut MessageBuilder<'_>)| {
        let id = MessageId(1);
        let mut message =
            MessageBuilder::new(&mut buffer, Type::Confirmable, Code::EMPTY, id, token);
        write(&mut message);
        message.finish().map(<[u8]>::to_vec)
    };
    assert_eq!(empty(Token::EMPTY, |_| ()), Ok(vec![0x40, 0, 0, 1]));
    let refused = Err(BuildError::EmptyWithContent);
    assert_eq!(empty(Token::from([0; 4]), |_| ()), refused);
    assert_eq!(
        empty(Token::EMPTY, |message| {
            message.path(["a"]);
        }),
        refused
    );
    assert_eq!(
        empty(Token::EMPTY, |message| {
            message.payload(b"a");
        }),
        refused
    );
}

#[test]
fn values_that_are_too_long() {
    let mut buffer = vec![0; 70_000];
    let longest = vec![1; 65_804];
    assert!(
        builder(&mut buffer)
            .option(OptionNumber(9), &longest)
            .finish()
            .is_ok()
    );
    let longer = vec![1; 65_805];
    assert_eq!(
        builder(&mut buffer)
            .option(OptionNumber(9), &longer)
            .finish(),
        Err(BuildError::ValueTooLong)
    );
}

#[derive(Clone, Debug)]
struct Plan {
    message_type: u8,
    code: Code,
    id: u16,
    token: Vec<u8>,
    options: Vec<(u16, Vec<u8>)>,
    payload: Vec<u8>,
}

fn plans() -> impl Strategy<Value = Plan> {
    let number = prop_oneof![8 => 0..64_u16, 2 => 0..600_u16, 1 => any::<u16>()];
    let value = prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..20),
        1 => prop::collection::vec(any::<u8>(), 250..300),
    ];
    (
        0..4_u8,
        1..=255_u8,
        any::<u16>(),
        prop::collection::vec(any::<u8>(), 0..=8),
        prop::collection::vec((number, value), 0..12),
        prop::collection::vec(any::<u8>(), 0..100),
    )
        .prop_map(|(message_type, code, id, token, mut options, payload)| {
            options.sort_by_key(|(number, _)| *number);
            Plan {
                message_type,
                code: Code(code),
                id,
                token,
                options,
                payload,
            }
        })
}

fn build<'b>(plan: &Plan, buffer: &'b mut [u8]) -> Result<&'b [u8], BuildError> {
    let mut message = MessageBuilder::new(
        buffer,
        Type::from_bits(plan.message_type),
        plan.code,
        MessageId(plan.id),
        Token::new(&plan.token).unwrap(),
    );
    for (number, value) in &plan.options {
        message.option(OptionNumber(*number), value);
    }
    message.payload(&plan.payload).finish()
}

proptest! {
    #[test]
    fn what_is_built_is_parsed_again(plan in plans()) {
        let mut buffer = vec![0; 8192];
        let bytes = build(&plan, &mut buffer).unwrap();
        let message = Message::parse(bytes).unwrap();
        prop_assert_eq!(message.message_type() as u8, plan.message_type);
        prop_assert_eq!(message.code(), plan.code);
        prop_assert_eq!(message.id(), MessageId(plan.id));
        let token = message.token();
        prop_assert_eq!(token.as_bytes(), &plan.token);
        let options: Vec<_> = message
            .options()
            .map(|(number, value)| (number.0, value.to_vec()))
            .collect();
        prop_assert_eq!(options, plan.options);
        prop_assert_eq!(message.payload(), plan.payload);
    }

    #[test]
    fn any_smaller_buffer_is_too_small(plan in plans()) {
        let mut buffer = vec![0; 8192];
        let whole = build(&plan, &mut buffer).unwrap().to_vec();
        let mut exact = vec![0; whole.len()];
        prop_assert_eq!(build(&plan, &mut exact).unwrap(), &whole);
        for len in 0..whole.len() {
            let mut small = vec![0; len];
            prop_assert_eq!(build(&plan, &mut small), Err(BuildError::NoSpace));
        }
    }
}
