use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::block::{Block, BlockSize};
use crate::reliable::{Framer, Framing, Next, parse_websocket};
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
    let mut buffer = [0; 512];
    let block = Block::new(3, true, BlockSize::B64).unwrap();
    let bytes = builder(&mut buffer)
        .if_match(&[])
        .if_match(&[3])
        .uri_host("example.net")
        .etag(&[1, 2])
        .etag(&[2])
        .if_none_match()
        .observe(0xff12_3456)
        .uri_port(5683)
        .location_path(["rd", "5a3f"])
        .oscore(&[9])
        .path(["a"])
        .content_format(0)
        .max_age(61)
        .query(["x=1", "y"])
        .option_parts(OptionNumber::URI_QUERY, &[b"ep=", b"node"])
        .hop_limit(core::num::NonZeroU8::new(16).unwrap())
        .accept(112)
        .q_block1(block)
        .location_query(["q"])
        .edhoc()
        .block2(block)
        .block1(block)
        .size2(0)
        .q_block2(block)
        .proxy_uri("coap://a")
        .proxy_scheme("coap")
        .size1(0x0100_0000)
        .echo(&[5; 40])
        .no_response(26)
        .request_tag(&[])
        .request_tag(&[1])
        .payload(b"payload")
        .finish()
        .unwrap();
    let message = Message::parse(bytes).unwrap();
    assert!(message.if_match().eq([&[][..], &[3]]));
    assert_eq!(message.uri_host(), Some("example.net"));
    assert_eq!(message.etag(), Some(&[1, 2][..]));
    assert!(message.etags().eq([&[1, 2][..], &[2]]));
    assert!(message.if_none_match());
    assert_eq!(message.observe(), Some(0x12_3456));
    assert_eq!(message.uri_port(), Some(5683));
    assert!(message.location_path().eq([&b"rd"[..], b"5a3f"]));
    assert_eq!(message.oscore(), Some(&[9][..]));
    assert!(message.uri_path().eq([b"a"]));
    assert_eq!(message.content_format(), Some(0));
    assert_eq!((message.max_age(), message.freshness()), (Some(61), 61));
    assert!(message.uri_query().eq([&b"x=1"[..], b"y", b"ep=node"]));
    assert_eq!(message.hop_limit(), Some(16));
    assert_eq!(message.accept(), Some(112));
    assert_eq!(message.q_block1(), Ok(Some(block)));
    assert!(message.location_query().eq([b"q"]));
    assert!(message.edhoc());
    assert_eq!(message.block2(), Ok(Some(block)));
    assert_eq!(message.block1(), Ok(Some(block)));
    assert_eq!(message.size2(), Some(0));
    assert_eq!(message.q_block2(), Ok(Some(block)));
    assert_eq!(message.proxy_uri(), Some("coap://a"));
    assert_eq!(message.proxy_scheme(), Some("coap"));
    assert_eq!(message.size1(), Some(0x0100_0000));
    assert_eq!(message.echo(), Some(&[5; 40][..]));
    assert_eq!(message.no_response(), Some(26));
    assert_eq!(message.request_tag(), Some(&[][..]));
    assert!(message.request_tags().eq([&[][..], &[1]]));
    assert_eq!(message.payload(), b"payload");
    // Each of them is defined, so that a wrong length would count as absence.
    assert!(
        message
            .options()
            .all(|(number, value)| number.definition().unwrap().allows_len(value.len()))
    );

    let mut buffer = [0; 8];
    let message = Message::parse(builder(&mut buffer).finish().unwrap()).unwrap();
    assert!(!message.if_none_match() && !message.edhoc());
    assert_eq!((message.max_age(), message.freshness()), (None, 60));
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
    let error = BuildError::OutOfOrder {
        previous: OptionNumber::ACCEPT,
        number: OptionNumber::URI_PATH,
    };
    assert_eq!(message.finish(), Err(error));
    assert_eq!(message.finish(), Err(error));
    assert_eq!(
        std::format!("{error}"),
        "option 11 (Uri-Path) comes after option 17 (Accept): options are added in the order of their numbers"
    );
}

#[test]
fn nothing_follows_the_payload() {
    let mut buffer = [0; 64];
    assert_eq!(
        builder(&mut buffer).payload(b"a").path(["a"]).finish(),
        Err(BuildError::OptionAfterPayload(OptionNumber::URI_PATH))
    );
    assert_eq!(
        builder(&mut buffer).payload(b"a").payload(b"b").finish(),
        Err(BuildError::PayloadLength)
    );
    let mut message = builder(&mut buffer);
    message.payload_buffer();
    assert_eq!(
        message.accept(0).finish(),
        Err(BuildError::OptionAfterPayload(OptionNumber::ACCEPT))
    );
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

/// A Confirmable GET of "a" with a token of this many bytes.
fn with_token(buffer: &mut [u8], len: usize) -> Result<&[u8], BuildError> {
    let token: Vec<u8> = (0..=255).cycle().take(len).collect();
    let id = MessageId(0x1234);
    MessageBuilder::new_extended(buffer, Type::Confirmable, Code::GET, id, &token)
        .path(["a"])
        .finish()
}

#[test]
fn extended_tokens_have_the_length_fields_of_rfc_8974() {
    // RFC 8974 §2.1: 13 and a byte from 13 bytes on, 14 and two bytes from 269 on.
    for (len, first, extension) in [
        (0, 0x40, &[][..]),
        (8, 0x48, &[]),
        (9, 0x49, &[]),
        (12, 0x4c, &[]),
        (13, 0x4d, &[0]),
        (268, 0x4d, &[255]),
        (269, 0x4e, &[0, 0]),
        (65_804, 0x4e, &[255, 255]),
    ] {
        let mut buffer = vec![0; 70_000];
        let bytes = with_token(&mut buffer, len).unwrap();
        assert_eq!(bytes[0], first);
        assert_eq!(&bytes[4..4 + extension.len()], extension);
        assert_eq!(bytes.len(), 4 + extension.len() + len + 2);
        let message = Message::parse_extended(bytes).unwrap();
        let token = message.token_bytes().iter().copied();
        assert!(token.eq((0..=255).cycle().take(len)));
        assert!(message.uri_path().eq([b"a"]));
        assert_eq!(message.token() == Token::EXTENDED, len > 8);
        assert_eq!(message.token().len(), len.min(9));
        assert_eq!(Message::parse(bytes).is_ok(), len <= 8);
    }
    let mut buffer = vec![0; 70_000];
    assert_eq!(
        with_token(&mut buffer, 65_805),
        Err(BuildError::TokenTooLong)
    );
}

#[test]
fn an_extended_token_is_not_mistaken_for_another() {
    let mut buffer = [0; 64];
    let bytes = with_token(&mut buffer, 9).unwrap();
    let token = Message::parse_extended(bytes).unwrap().token();
    assert_ne!(token, Token::EMPTY);
    assert!(!token.is_empty() && token.is_extended());
    assert!(token.as_bytes().is_empty());
    assert_eq!(std::format!("{token:?}"), "extended");
    let mut answer = [0; 64];
    let answer = MessageBuilder::new(
        &mut answer,
        Type::Confirmable,
        Code::CONTENT,
        MessageId(1),
        token,
    )
    .finish();
    assert_eq!(answer, Err(BuildError::TokenTooLong));
}

#[test]
fn on_a_stream_the_length_comes_first() {
    // Around the borders of Extended Length: whatever fits into the buffer with its length is written.
    for len in [
        0, 11, 12, 13, 14, 267, 268, 269, 270, 65803, 65804, 65805, 65806,
    ] {
        let extension = match len {
            0..=12 => 0,
            13..=268 => 1,
            269..=65804 => 2,
            _ => 4,
        };
        let payload = std::vec![7; usize::saturating_sub(len, 1)];
        let size = 3 + extension + len;
        for space in size..size + 6 {
            let mut buffer = std::vec![0xee; space];
            let message =
                MessageBuilder::reliable(&mut buffer, Framing::Stream, Code::CONTENT, &[9])
                    .payload(&payload)
                    .finish();
            if len == 1 {
                continue;
            }
            let message = message.unwrap();
            assert_eq!(message.len(), size, "{len} in {space}");
            let Ok(Next::Message { message, consumed }) = Framer::new(u32::MAX).next(message)
            else {
                panic!("{len} in {space}");
            };
            assert_eq!(consumed, size);
            assert_eq!(message.token_bytes(), [9]);
            assert_eq!(message.payload(), payload);
        }
        let mut buffer = std::vec![0; size - 1];
        let too_small = MessageBuilder::reliable(&mut buffer, Framing::Stream, Code::CONTENT, &[9])
            .payload(&payload)
            .finish();
        assert_eq!(too_small, Err(BuildError::NoSpace), "{len}");
    }
}

#[test]
fn over_websockets_the_length_is_zero() {
    let mut buffer = [0; 400];
    let bytes = MessageBuilder::reliable(&mut buffer, Framing::WebSocket, Code::GET, &[7; 20])
        .path(["a"])
        .payload(&[1; 300])
        .finish()
        .unwrap();
    assert_eq!(bytes[..4], [0x0d, 0x01, 7, 7]);
    let message = parse_websocket(bytes).unwrap();
    assert_eq!(message.token_bytes(), [7; 20]);
    assert_eq!(message.payload(), [1; 300]);

    let mut buffer = [0; 8];
    for framing in [Framing::Stream, Framing::WebSocket] {
        let empty = MessageBuilder::reliable(&mut buffer, framing, Code::EMPTY, &[])
            .finish()
            .unwrap();
        assert_eq!(empty, [0, 0]);
        let content = MessageBuilder::reliable(&mut buffer, framing, Code::EMPTY, &[])
            .payload(b"a")
            .finish();
        assert_eq!(content, Err(BuildError::EmptyWithContent));
        let long =
            MessageBuilder::reliable(&mut buffer, framing, Code::GET, &vec![0; 65805]).finish();
        assert_eq!(long, Err(BuildError::TokenTooLong));
    }
}
/// The options of `message`, copied with these replaced.
fn copied(
    message: &[u8],
    replace: &[(u16, Option<&[u8]>)],
) -> Result<Vec<(u16, Vec<u8>)>, BuildError> {
    let message = Message::parse(message).unwrap();
    let replace: Vec<_> = replace
        .iter()
        .map(|(number, value)| (OptionNumber(*number), *value))
        .collect();
    let mut buffer = [0; 256];
    let copy = builder(&mut buffer)
        .copy_options(&message, &replace)
        .finish()?;
    Ok(Message::parse(copy)
        .unwrap()
        .options()
        .map(|(number, value)| (number.0, value.to_vec()))
        .collect())
}

#[test]
fn options_are_copied_but_for_some() {
    let mut buffer = [0; 64];
    let bytes = builder(&mut buffer)
        .path(["a", "b"])
        .query(["c"])
        .finish()
        .unwrap();
    let option = |number, value: &[u8]| (number, value.to_vec());
    let all = [option(11, b"a"), option(11, b"b"), option(15, b"c")];
    assert_eq!(copied(bytes, &[]).unwrap(), all);
    // Before all, in the middle, behind all; two values for one; nothing for one.
    assert_eq!(
        copied(
            bytes,
            &[
                (6, Some(b"")),
                (11, Some(b"x")),
                (11, Some(b"y")),
                (12, Some(b"z")),
                (15, None),
                (16, None),
                (60, Some(&[1, 2])),
            ]
        )
        .unwrap(),
        [
            option(6, b""),
            option(11, b"x"),
            option(11, b"y"),
            option(12, b"z"),
            option(60, &[1, 2]),
        ]
    );
    assert_eq!(
        copied(bytes, &[(60, None), (6, None)]),
        Err(BuildError::OutOfOrder {
            previous: OptionNumber::SIZE1,
            number: OptionNumber::OBSERVE,
        })
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
