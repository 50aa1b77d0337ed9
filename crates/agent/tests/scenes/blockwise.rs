//! Long answers, long requests, long object lists (RFC 7959).

use dunlin_agent::{BlockSize, Code, Config, Event};
use dunlin_coap::OptionNumber;
use dunlin_coap::block::Block;

use crate::bench::{Bench, Received, Request, SERVER, node};
use crate::observe::at_two_servers;

fn config() -> Config<'static> {
    Config::new("urn:dev:os:1-7")
}

/// A device that sends in blocks of 64 bytes.
pub(crate) fn small_blocks() -> Bench {
    let mut bench: Bench = Bench::with(node(), config().block_size(BlockSize::B64));
    bench.connect();
    // The object list takes two blocks.
    let first = bench.next();
    bench.answer(
        &first,
        Code::CONTINUE,
        &[(OptionNumber::BLOCK1, &block1(0, true, BlockSize::B64))],
    );
    bench.accept_registration();
    bench
}

pub(crate) fn block1(number: u32, more: bool, size: BlockSize) -> Vec<u8> {
    let value = Block::new(number, more, size)
        .unwrap()
        .to_uint()
        .to_be_bytes();
    let start = value
        .iter()
        .position(|byte| *byte != 0)
        .unwrap_or(value.len());
    value[start..].to_vec()
}

#[test]
fn a_long_answer_comes_in_blocks() {
    let mut bench = small_blocks();
    let whole = {
        let mut bench = Bench::registered();
        let request = bench
            .request(Code::GET, "/3")
            .uint(OptionNumber::ACCEPT, 40);
        bench.ask(&request).message().payload().to_vec()
    };
    let mut body: Vec<u8> = Vec::new();
    let mut tags = Vec::new();
    for number in 0.. {
        let mut request = bench
            .request(Code::GET, "/3")
            .uint(OptionNumber::ACCEPT, 40);
        if number > 0 {
            request = request.option(OptionNumber::BLOCK2, &block1(number, false, BlockSize::B64));
        }
        let answer = bench.ask(&request);
        let message = answer.message();
        assert_eq!(message.code(), Code::CONTENT);
        let block = message.block2().unwrap().expect("a block");
        assert_eq!((block.number(), block.size()), (number, BlockSize::B64));
        assert_eq!(message.uint(OptionNumber::SIZE2).is_some(), number == 0);
        body.extend(message.payload());
        tags.push(message.etag().map(<[u8]>::to_vec));
        if !block.more() {
            break;
        }
    }
    assert_eq!(body, whole);
    tags.dedup();
    assert!(matches!(&tags[..], [Some(_)]), "{tags:?}");
}

#[test]
fn the_server_may_ask_for_smaller_blocks_but_not_for_those_beyond_the_end() {
    let mut bench = Bench::registered();
    let request = bench
        .request(Code::GET, "/3")
        .uint(OptionNumber::ACCEPT, 40)
        .option(OptionNumber::BLOCK2, &block1(0, false, BlockSize::B32));
    let answer = bench.ask(&request);
    assert_eq!(answer.message().payload().len(), 32);
    assert!(answer.message().block2().unwrap().unwrap().more());
    let request = bench
        .request(Code::GET, "/3")
        .uint(OptionNumber::ACCEPT, 40)
        .option(OptionNumber::BLOCK2, &block1(100, false, BlockSize::B32));
    bench.ask_code(&request, Code::BAD_REQUEST);
    // Exactly at the end there is nothing either.
    let request = bench
        .request(Code::GET, "/3/0/0")
        .option(OptionNumber::BLOCK2, &[0x07]);
    bench.ask_code(&request, Code::BAD_REQUEST);
}

#[test]
fn a_long_notification_begins_in_its_first_block() {
    let mut bench = small_blocks();
    let request = bench
        .request(Code::GET, "/3/0")
        .uint(OptionNumber::OBSERVE, 0);
    let answer = bench.ask(&request);
    assert!(answer.message().block2().unwrap().unwrap().more());
    bench.set(|node| node.device.battery_level = Some(1));
    let notification = bench.next();
    assert!(notification.message().observe().is_some());
    assert!(notification.message().block2().unwrap().unwrap().more());
    assert_ne!(notification.message().etag(), answer.message().etag());
}

#[test]
fn an_object_list_longer_than_a_block_is_registered_in_blocks() {
    let whole = {
        let mut bench = Bench::new();
        bench.connect();
        bench.next().text()
    };
    let mut bench: Bench = Bench::with(node(), config().block_size(BlockSize::B64));
    bench.connect();
    let first = bench.next();
    let block = first.message().block1().unwrap().unwrap();
    assert_eq!((block.number(), block.more()), (0, true));
    // The server wants smaller blocks still.
    bench.answer(
        &first,
        Code::CONTINUE,
        &[(OptionNumber::BLOCK1, &block1(0, true, BlockSize::B32))],
    );
    let mut body = first.text();
    let mut last = bench.next();
    loop {
        let block = last.message().block1().unwrap().unwrap();
        assert_eq!(block.size(), BlockSize::B32);
        assert_eq!(usize::try_from(block.offset()).unwrap(), body.len());
        assert_eq!(last.query(), first.query());
        body += &last.text();
        if !block.more() {
            break;
        }
        let echo = block1(block.number(), true, BlockSize::B32);
        bench.answer(&last, Code::CONTINUE, &[(OptionNumber::BLOCK1, &echo)]);
        last = bench.next();
    }
    assert_eq!(body, whole);
    bench.sent.push_front((SERVER, last.0));
    bench.accept_registration();
}

#[test]
fn a_list_too_large_for_the_server_is_sent_in_the_blocks_it_hints_at() {
    let mut bench = Bench::new();
    bench.connect();
    let first = bench.next();
    assert!(first.message().block1().unwrap().is_none());
    let hint = block1(0, false, BlockSize::B16);
    bench.answer(
        &first,
        Code::REQUEST_ENTITY_TOO_LARGE,
        &[(OptionNumber::BLOCK1, &hint)],
    );
    let again = bench.next();
    assert_eq!(
        again.message().block1().unwrap().unwrap().size(),
        BlockSize::B16
    );
    assert_eq!(again.message().payload().len(), 16);
}

/// A Write of `/1/0` in TLV, and the blocks to send it in.
fn upload<const SERVERS: usize>(bench: &mut Bench<SERVERS>) -> (Vec<Request>, &'static [u8]) {
    // Lifetime 300, default pmin 5, default pmax 60, disable timeout 9, storing on, binding U, then padding by a
    // resource that nobody knows.
    const BYTES: &[u8] = b"\xc2\x01\x01\x2c\xc1\x02\x05\xc1\x03\x3c\xc1\x05\x09\xc1\x06\x01\xc1\x07U\xc8\xc8\x10################";
    let blocks = BYTES.chunks(16).enumerate().map(|(number, chunk)| {
        let number = u32::try_from(number).unwrap();
        let more = usize::try_from(number + 1).unwrap() * 16 < BYTES.len();
        bench
            .request(Code::POST, "/1/0")
            .payload(11542, chunk)
            .option(OptionNumber::BLOCK1, &block1(number, more, BlockSize::B16))
    });
    (blocks.collect(), BYTES)
}

#[test]
fn a_long_write_arrives_in_blocks_and_takes_effect_with_the_last() {
    let mut bench = Bench::registered();
    let (blocks, _) = upload(&mut bench);
    let (last, others) = blocks.split_last().unwrap();
    for block in others {
        bench.ask_code(block, Code::CONTINUE);
        assert_eq!(
            bench
                .agent
                .objects()
                .server
                .get(0)
                .unwrap()
                .default_minimum_period,
            None
        );
    }
    // A block whose answer was lost is answered again.
    bench.ask_code(others.last().unwrap(), Code::CONTINUE);
    bench.ask_code(last, Code::CHANGED);
    assert_eq!(
        bench
            .agent
            .objects()
            .server
            .get(0)
            .unwrap()
            .default_minimum_period,
        Some(5)
    );
    assert_eq!(
        bench
            .agent
            .objects()
            .server
            .get(0)
            .unwrap()
            .default_maximum_period,
        Some(60)
    );
    bench.expect_event(Event::Written {
        path: "/1/0".parse().unwrap(),
    });
}

#[test]
fn what_is_complete_does_not_go_on() {
    let mut bench = Bench::registered();
    let (blocks, _) = upload(&mut bench);
    let (last, others) = blocks.split_last().unwrap();
    for block in others {
        bench.ask_code(block, Code::CONTINUE);
    }
    bench.ask_code(last, Code::CHANGED);
    let mut again = last.clone();
    again.id = bench.id();
    bench.ask_code(&again, Code::REQUEST_ENTITY_INCOMPLETE);
}

#[test]
fn a_server_does_not_go_on_with_what_another_began() {
    let mut bench = at_two_servers();
    let (blocks, _) = upload(&mut bench);
    bench.deliver(&blocks[0].bytes());
    assert_eq!(bench.next().code(), Code::CONTINUE);
    bench.deliver_from(9, &blocks[1].bytes());
    let (to, answer) = bench.sent.pop_front().unwrap();
    assert_eq!(
        (to, Received(answer).code()),
        (9, Code::REQUEST_ENTITY_INCOMPLETE)
    );
    // Which leaves the first one's alone.
    bench.deliver(&blocks[1].bytes());
    assert_eq!(bench.next().code(), Code::CONTINUE);
}

#[test]
fn a_gap_or_a_change_of_target_is_incomplete() {
    let mut bench = Bench::registered();
    let (blocks, _) = upload(&mut bench);
    bench.ask_code(&blocks[1], Code::REQUEST_ENTITY_INCOMPLETE);
    bench.ask_code(&blocks[0], Code::CONTINUE);
    bench.ask_code(&blocks[2], Code::REQUEST_ENTITY_INCOMPLETE);

    let (blocks, bytes) = upload(&mut bench);
    bench.ask_code(&blocks[0], Code::CONTINUE);
    let elsewhere = bench
        .request(Code::POST, "/3/0")
        .payload(11542, &bytes[16..32])
        .option(OptionNumber::BLOCK1, &block1(1, true, BlockSize::B16));
    bench.ask_code(&elsewhere, Code::REQUEST_ENTITY_INCOMPLETE);
    // Which leaves the first one alone.
    bench.ask_code(&blocks[1], Code::CONTINUE);
    assert_eq!(
        bench
            .agent
            .objects()
            .server
            .get(0)
            .unwrap()
            .default_minimum_period,
        None
    );
}

#[test]
fn a_body_larger_than_the_room_for_it_is_refused_with_the_size_that_fits() {
    let mut bench = Bench::registered();
    let mut code = Code::CONTINUE;
    let mut number = 0;
    while code == Code::CONTINUE {
        let request = bench
            .request(Code::PUT, "/3/0")
            .payload(11542, &[0; 256])
            .option(OptionNumber::BLOCK1, &block1(number, true, BlockSize::B256));
        let answer = bench.ask(&request);
        code = answer.code();
        if code != Code::CONTINUE {
            assert_eq!(answer.message().uint(OptionNumber::SIZE1), Some(1024));
        }
        number += 1;
    }
    assert_eq!((code, number), (Code::REQUEST_ENTITY_TOO_LARGE, 5));
    // A size that is announced is refused at once.
    let request = bench
        .request(Code::PUT, "/3/0")
        .payload(11542, &[0; 16])
        .uint(OptionNumber::SIZE1, 5000)
        .option(OptionNumber::BLOCK1, &block1(0, true, BlockSize::B16));
    bench.ask_code(&request, Code::REQUEST_ENTITY_TOO_LARGE);
}

#[test]
fn a_write_refused_in_its_last_block_changes_nothing() {
    let mut bench = Bench::registered();
    let (mut blocks, bytes) = upload(&mut bench);
    let end = blocks.len() - 1;
    let number = u32::try_from(end).unwrap();
    for block in &blocks[..end] {
        bench.ask_code(block, Code::CONTINUE);
    }
    let mut cut = bytes[end * 16..].to_vec();
    cut.pop();
    blocks[end] = bench
        .request(Code::POST, "/1/0")
        .payload(11542, &cut)
        .option(OptionNumber::BLOCK1, &block1(number, false, BlockSize::B16));
    bench.ask_code(&blocks[end], Code::BAD_REQUEST);
    assert_eq!(
        bench
            .agent
            .objects()
            .server
            .get(0)
            .unwrap()
            .default_minimum_period,
        None
    );
}

#[test]
fn a_buffer_too_small_for_the_content_gets_an_error_not_a_panic() {
    let mut bench = Bench::registered();
    for length in 0..200 {
        bench.buffer = vec![0; length];
        let request = bench.request(Code::GET, "/3/0");
        bench.deliver(&request.bytes());
        if let Some((_, bytes)) = bench.sent.pop_front() {
            let code = crate::bench::Received(bytes).code();
            assert!(
                code == Code::INTERNAL_SERVER_ERROR || code == Code::CONTENT,
                "{length}: {code}"
            );
        } else {
            assert!(length < 20, "{length}");
        }
    }
}

#[test]
fn an_execute_in_blocks_is_refused_and_not_carried_out() {
    let mut bench = Bench::registered();
    let request = bench
        .request(Code::POST, "/3/0/4")
        .payload(0, b"0='0123456789ab'")
        .option(OptionNumber::BLOCK1, &block1(0, true, BlockSize::B16));
    bench.ask_code(&request, Code::REQUEST_ENTITY_TOO_LARGE);
    assert!(bench.events.is_empty());
}
