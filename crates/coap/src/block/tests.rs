//! The examples of RFC 7959 §3, played by the parts: what one side gives, the other takes.

use std::vec;
use std::vec::Vec;

use super::*;
use crate::{Code, Message, MessageBuilder, MessageId, OptionNumber, Token, Type};

/// `num/m/size`.
fn block(text: &str) -> Block {
    let mut fields = text.split('/').map(|field| field.parse().unwrap());
    let mut next = || -> u32 { fields.next().unwrap() };
    let (number, more) = (next(), next() == 1);
    let size = BlockSize::at_most(next() as usize).unwrap();
    Block::new(number, more, size).unwrap()
}

/// A message with one block option and a payload.
fn message(number: OptionNumber, option: Option<Block>, payload: &[u8]) -> Vec<u8> {
    message_with(number, option, payload, |_| ())
}

fn message_with(
    number: OptionNumber,
    option: Option<Block>,
    payload: &[u8],
    earlier: impl FnOnce(&mut MessageBuilder<'_>),
) -> Vec<u8> {
    let mut buffer = vec![0; payload.len() + 64];
    let code = if number == OptionNumber::BLOCK1 {
        Code::PUT
    } else {
        Code::CONTENT
    };
    let mut builder = MessageBuilder::new(
        &mut buffer,
        Type::Confirmable,
        code,
        MessageId(0),
        Token::EMPTY,
    );
    earlier(&mut builder);
    if let Some(option) = option {
        builder.uint(number, option.to_uint());
    }
    builder.payload(payload).finish().unwrap().to_vec()
}

fn body(len: usize) -> Vec<u8> {
    (0..=250_u8).cycle().take(len).collect()
}

/// A client gets a body, its first request with `first`, wanting at most `wanted`, from a server that prefers
/// `preferred`: the requested and the given blocks, and the body that it got.
fn get(
    len: usize,
    first: Option<&str>,
    wanted: BlockSize,
    preferred: BlockSize,
) -> (Vec<std::string::String>, Vec<u8>) {
    let source = body(len);
    let mut got = vec![0; len];
    let mut receiver = BlockReceiver::new();
    let mut request = first.map(block);
    let mut log = Vec::new();
    loop {
        let part = Outgoing::requested(len, request, preferred).unwrap();
        log.push(std::format!(
            "{} {}",
            request.map_or("-".into(), |block| std::format!("{block}")),
            part.block
                .map_or("-".into(), |block| std::format!("{block}"))
        ));
        let bytes = message(OptionNumber::BLOCK2, part.block, part.of(&source));
        let response = Message::parse(&bytes).unwrap();
        let received = receiver.response(&response, len, wanted).unwrap();
        assert!(received.store(response.payload(), &mut got));
        match received.next {
            Next::More(next) => request = Some(next),
            Next::Complete(_) => return (log, got),
        }
    }
}

#[test]
fn figures_2_to_4_of_block2() {
    let (log, got) = get(300, None, BlockSize::MAX, BlockSize::B128);
    assert_eq!(log, ["- 0/1/128", "1/0/128 1/1/128", "2/0/128 2/0/128"]);
    assert_eq!(got, body(300));

    // Early negotiation.
    let (log, got) = get(350, Some("0/0/64"), BlockSize::B64, BlockSize::B128);
    assert_eq!(
        log,
        [
            "0/0/64 0/1/64",
            "1/0/64 1/1/64",
            "2/0/64 2/1/64",
            "3/0/64 3/1/64",
            "4/0/64 4/1/64",
            "5/0/64 5/0/64"
        ]
    );
    assert_eq!(got, body(350));

    // Late negotiation: the client has two blocks of 64 in the first block of 128.
    let (log, got) = get(350, None, BlockSize::B64, BlockSize::B128);
    assert_eq!(
        log,
        [
            "- 0/1/128",
            "2/0/64 2/1/64",
            "3/0/64 3/1/64",
            "4/0/64 4/1/64",
            "5/0/64 5/0/64"
        ]
    );
    assert_eq!(got, body(350));
}

/// A client puts a body in blocks of `size` to a server that prefers `preferred`: the sent and the acknowledged
/// blocks, and the body that arrived.
fn put(len: usize, size: BlockSize, preferred: BlockSize) -> (Vec<std::string::String>, Vec<u8>) {
    let source = body(len);
    let mut arrived = vec![0; len];
    let mut sender = BlockSender::new(len, size).unwrap();
    let mut receiver = BlockReceiver::new();
    let mut log = Vec::new();
    loop {
        let part = sender.current();
        let bytes = message(OptionNumber::BLOCK1, part.block, part.of(&source));
        let request = Message::parse(&bytes).unwrap();
        let received = receiver.request(&request, len, preferred).unwrap();
        assert!(received.store(request.payload(), &mut arrived));
        let (answer, complete) = match received.next {
            Next::More(block) => (Some(block), false),
            Next::Complete(block) => (block, true),
        };
        log.push(std::format!(
            "{} {}",
            part.block
                .map_or("-".into(), |block| std::format!("{block}")),
            answer.map_or("-".into(), |block| std::format!("{block}"))
        ));
        assert_eq!(sender.acknowledge(answer), Ok(!complete));
        if complete {
            return (log, arrived);
        }
    }
}

#[test]
fn figures_7_and_9_of_block1() {
    let (log, arrived) = put(300, BlockSize::B128, BlockSize::MAX);
    assert_eq!(
        log,
        ["0/1/128 0/1/128", "1/1/128 1/1/128", "2/0/128 2/0/128"]
    );
    assert_eq!(arrived, body(300));

    // The server prefers smaller blocks from the first one on.
    let (log, arrived) = put(220, BlockSize::B128, BlockSize::B32);
    assert_eq!(
        log,
        [
            "0/1/128 0/1/32",
            "4/1/32 4/1/32",
            "5/1/32 5/1/32",
            "6/0/32 6/0/32"
        ]
    );
    assert_eq!(arrived, body(220));
}

#[test]
fn figure_8_stateless_put() {
    // Each block gets its final answer at once, with the M bit unset; the client goes on.
    let mut sender = BlockSender::new(300, BlockSize::B128).unwrap();
    for (sent, acknowledged, more) in [
        ("0/1/128", "0/0/128", true),
        ("1/1/128", "1/0/128", true),
        ("2/0/128", "2/0/128", false),
    ] {
        assert_eq!(sender.current().block, Some(block(sent)));
        assert_eq!(sender.acknowledge(Some(block(acknowledged))), Ok(more));
    }
}

#[test]
fn figure_10_and_11_combine_both() {
    // The last Block1 exchange carries the first Block2 block, with or without a size asked for.
    let (log, _) = put(300, BlockSize::B128, BlockSize::MAX);
    assert_eq!(log.last().unwrap(), "2/0/128 2/0/128");
    let part = Outgoing::requested(500, None, BlockSize::B128).unwrap();
    assert_eq!(part.block, Some(block("0/1/128")));
    let part = Outgoing::requested(250, Some(block("0/0/64")), BlockSize::B128).unwrap();
    assert_eq!(part.block, Some(block("0/1/64")));
    let part = Outgoing::requested(250, Some(block("3/0/64")), BlockSize::B128).unwrap();
    assert_eq!((part.block, part.len), (Some(block("3/0/64")), 58));
}

#[test]
fn sizes_around_the_borders() {
    for size in [BlockSize::B16, BlockSize::B64, BlockSize::B1024] {
        for blocks in 0..4 {
            for around in [-1_isize, 0, 1] {
                let Some(len) = (blocks * size.bytes()).checked_add_signed(around) else {
                    continue;
                };
                assert_eq!(get(len, None, BlockSize::MAX, size).1, body(len));
                assert_eq!(put(len, size, BlockSize::MAX).1, body(len));
                let (log, _) = put(len, size, BlockSize::MAX);
                assert_eq!(log.len(), len.div_ceil(size.bytes()).max(1));
            }
        }
    }
}

#[test]
fn a_whole_body_goes_without_option() {
    assert_eq!(get(64, None, BlockSize::MAX, BlockSize::B64).0, ["- -"]);
    assert_eq!(put(64, BlockSize::B64, BlockSize::MAX).0, ["- -"]);
    // Who asks for blocks is told that this is the only one.
    let part = Outgoing::requested(64, Some(block("0/0/64")), BlockSize::B128).unwrap();
    assert_eq!(part.block, Some(block("0/0/64")));
}

/// A server's receiver that has taken two blocks of 16 bytes, Content-Format 42.
fn halfway() -> BlockReceiver {
    let mut receiver = BlockReceiver::new();
    for number in ["0/1/16", "1/1/16"] {
        request(&mut receiver, number, 42, &[7; 16]).unwrap();
    }
    assert_eq!(receiver.received(), 32);
    receiver
}

fn request(
    receiver: &mut BlockReceiver,
    option: &str,
    format: u16,
    payload: &[u8],
) -> Result<Received, ReceiveError> {
    let bytes = message_with(OptionNumber::BLOCK1, Some(block(option)), payload, |m| {
        m.content_format(format);
    });
    receiver.request(&Message::parse(&bytes).unwrap(), 64, BlockSize::MAX)
}

#[test]
fn what_a_server_refuses() {
    let cases = [
        // A gap, and the end without the middle.
        (
            "3/1/16",
            42,
            16,
            ReceiveError::Incomplete,
            Code::REQUEST_ENTITY_INCOMPLETE,
        ),
        (
            "3/0/16",
            42,
            5,
            ReceiveError::Incomplete,
            Code::REQUEST_ENTITY_INCOMPLETE,
        ),
        // Another Content-Format.
        (
            "2/1/16",
            0,
            16,
            ReceiveError::Incomplete,
            Code::REQUEST_ENTITY_INCOMPLETE,
        ),
        // More follows but the block is not full, or too full.
        (
            "2/1/16",
            42,
            15,
            ReceiveError::PayloadSize,
            Code::BAD_REQUEST,
        ),
        (
            "2/1/16",
            42,
            17,
            ReceiveError::PayloadSize,
            Code::BAD_REQUEST,
        ),
        // 33 bytes where 32 are left.
        (
            "2/0/16",
            42,
            33,
            ReceiveError::TooLarge,
            Code::REQUEST_ENTITY_TOO_LARGE,
        ),
    ];
    for (option, format, len, error, code) in cases {
        let mut receiver = halfway();
        let result = request(&mut receiver, option, format, &vec![0; len]);
        assert_eq!(result, Err(error), "{option}");
        assert_eq!(error.code(), code);
        assert!(!receiver.is_receiving(), "the body is forgotten");
        assert_eq!(
            request(&mut receiver, "2/0/16", 42, &[0; 4]),
            Err(ReceiveError::Incomplete)
        );
    }
    // The last block may have any size: SZX does not govern it (RFC 7959 §2.3).
    let received = request(&mut halfway(), "2/0/16", 42, &[0; 32]).unwrap();
    assert!(received.is_complete());
    assert_eq!((received.offset, received.end()), (32, 64));
}

#[test]
fn a_server_takes_the_last_block_again_and_a_new_beginning() {
    let mut receiver = halfway();
    let again = request(&mut receiver, "1/1/16", 42, &[7; 16]).unwrap();
    assert_eq!(again.offset, 16);
    assert_eq!(receiver.received(), 32);
    // The one before the last is too late.
    request(&mut receiver, "2/1/16", 42, &[7; 16]).unwrap();
    assert_eq!(
        request(&mut receiver, "1/1/16", 42, &[7; 16]),
        Err(ReceiveError::Incomplete)
    );
    let anew = request(&mut receiver, "0/1/32", 0, &[7; 32]).unwrap();
    assert_eq!((anew.offset, anew.next), (0, Next::More(block("0/1/32"))));
    // The blocks may become smaller on the way.
    let next = request(&mut receiver, "2/0/16", 0, &[7; 3]).unwrap();
    assert_eq!((next.offset, next.end()), (32, 35));
}

#[test]
fn a_server_refuses_what_is_announced_too_large() {
    let bytes = message_with(OptionNumber::BLOCK1, None, &[], |m| {
        m.block1(block("0/1/16"))
            .uint(OptionNumber::SIZE1, 65)
            .payload(&[0; 16]);
    });
    let message = Message::parse(&bytes).unwrap();
    let mut receiver = BlockReceiver::new();
    assert_eq!(
        receiver.request(&message, 64, BlockSize::MAX),
        Err(ReceiveError::TooLarge)
    );
    assert!(receiver.request(&message, 65, BlockSize::MAX).is_ok());
}

#[test]
fn malformed_options() {
    for (value, error, code) in [
        (&[7][..], BlockError::ReservedSize, Code::BAD_REQUEST),
        (&[0, 0, 0, 0], BlockError::Length, Code::BAD_OPTION),
    ] {
        let bytes = message_with(OptionNumber::BLOCK1, None, &[], |m| {
            m.option(OptionNumber::BLOCK1, value);
        });
        let message = Message::parse(&bytes).unwrap();
        let result = BlockReceiver::new().request(&message, 64, BlockSize::MAX);
        assert_eq!(result, Err(ReceiveError::Option(error)));
        assert_eq!(result.unwrap_err().code(), code);
    }
}

#[test]
fn a_client_compares_entity_tags() {
    let response = |option, etag: &[u8]| {
        message_with(OptionNumber::BLOCK2, Some(block(option)), &[0; 16], |m| {
            m.etag(etag);
        })
    };
    let mut receiver = BlockReceiver::new();
    let take = |receiver: &mut BlockReceiver, bytes: &[u8]| {
        receiver.response(&Message::parse(bytes).unwrap(), 64, BlockSize::MAX)
    };
    take(&mut receiver, &response("0/1/16", b"a")).unwrap();
    take(&mut receiver, &response("1/1/16", b"a")).unwrap();
    assert_eq!(
        take(&mut receiver, &response("2/1/16", b"b")),
        Err(ReceiveError::EtagChanged)
    );
    take(&mut receiver, &response("0/1/16", b"b")).unwrap();
    // A tag that is gone has changed too.
    assert_eq!(
        take(
            &mut receiver,
            &message(OptionNumber::BLOCK2, Some(block("1/0/16")), &[0; 16])
        ),
        Err(ReceiveError::EtagChanged)
    );
}

#[test]
fn a_client_is_not_kept_asking_for_ever() {
    let first = message(OptionNumber::BLOCK2, Some(block("0/1/16")), &[0; 16]);
    let first = Message::parse(&first).unwrap();
    let whole = message(OptionNumber::BLOCK2, None, &[0; 16]);
    let whole = Message::parse(&whole).unwrap();
    for again in [&first, &whole] {
        let mut receiver = BlockReceiver::new();
        receiver.response(&first, 64, BlockSize::MAX).unwrap();
        assert_eq!(
            receiver.response(again, 64, BlockSize::MAX),
            Err(ReceiveError::Incomplete)
        );
    }
    // Each block is larger than nothing, and the whole not larger than the room for it.
    let mut receiver = BlockReceiver::new();
    for number in 0..4 {
        let option = Block::new(number, true, BlockSize::B16);
        let bytes = message(OptionNumber::BLOCK2, option, &[0; 16]);
        let taken = receiver.response(&Message::parse(&bytes).unwrap(), 63, BlockSize::MAX);
        assert_eq!(taken.is_ok(), number < 3);
    }
}

#[test]
fn a_sender_begins_again() {
    let mut sender = BlockSender::new(300, BlockSize::B128).unwrap();
    assert_eq!(sender.acknowledge(Some(block("0/1/128"))), Ok(true));
    assert_eq!(
        sender.acknowledge(Some(block("0/1/128"))),
        Err(SendError::WrongBlock)
    );
    sender.restart();
    assert_eq!(sender.current().block, Some(block("0/1/128")));
    // 4.13 with a smaller size; the same or none is no hint.
    assert!(!sender.shrink(Some(block("0/0/128"))));
    assert!(!sender.shrink(None));
    assert!(sender.shrink(Some(block("0/0/16"))));
    assert_eq!(sender.current().block, Some(block("0/1/16")));
    // A larger size in the answer changes nothing.
    assert_eq!(sender.acknowledge(Some(block("0/1/1024"))), Ok(true));
    assert_eq!(sender.current().block, Some(block("1/1/16")));
    // A final answer without the option ends it.
    assert_eq!(sender.acknowledge(None), Ok(false));
}

#[test]
fn blocks_that_do_not_exist() {
    let most = 16 << 20;
    assert!(BlockSender::new(most, BlockSize::B16).is_ok());
    assert_eq!(
        BlockSender::new(most + 1, BlockSize::B16),
        Err(SendError::TooLong)
    );
    let mut sender = BlockSender::new(most + 1, BlockSize::B32).unwrap();
    assert!(!sender.shrink(Some(block("0/0/16"))));
    assert_eq!(
        Outgoing::requested(64, Some(block("4/0/16")), BlockSize::MAX),
        Err(SendError::OutOfRange)
    );
    assert_eq!(
        Outgoing::requested(0, Some(block("1/0/16")), BlockSize::MAX),
        Err(SendError::OutOfRange)
    );
    assert_eq!(SendError::OutOfRange.code(), Code::BAD_REQUEST);
    // An empty body has one empty block.
    let part = Outgoing::requested(0, Some(block("0/0/16")), BlockSize::MAX).unwrap();
    assert_eq!((part.len, part.block), (0, Some(block("0/0/16"))));
}

const _: () = assert!(size_of::<BlockReceiver>() <= 32);
const _: () = assert!(size_of::<BlockSender>() <= 12);
const _: () = assert!(size_of::<Tag>() <= 9);
const _: () = assert!(size_of::<Transfer>() <= 56);
