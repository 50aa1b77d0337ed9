//! The examples of RFC 7959 §3, message by message.

use dunlin_coap::block::{Block, BlockOptions, BlockSize, Step, Transfer};
use dunlin_coap::{Code, Message, MessageBuilder, MessageId, Token, Type};
use dunlin_testkit::hex;

use crate::peers::{Handling, Server, body, exchange, exchange_with, request};

/// The size of a block that is written without its name.
fn size(bytes: usize) -> BlockSize {
    BlockSize::at_most(bytes).unwrap()
}

fn get(len: usize, preferred: usize, transfer: Transfer) -> Vec<String> {
    let mut server = Server::new(BlockSize::MAX, size(preferred));
    server.resource = body(len);
    let (log, code, got) = exchange(&mut server, transfer, Code::GET, "status", &[]);
    assert_eq!((code, got), (Code::CONTENT, body(len)));
    log
}

fn transfer(method: Code, len: usize, block1: usize, block2: usize) -> Transfer {
    Transfer::new(method, len, size(block1), size(block2)).unwrap()
}

#[test]
fn figure_2_simple_get() {
    let log = get(300, 128, transfer(Code::GET, 0, 1024, 1024));
    assert_eq!(
        log,
        [
            "GET, /status",
            "2.05 Content, 2:0/1/128",
            "GET, /status, 2:1/0/128",
            "2.05 Content, 2:1/1/128",
            "GET, /status, 2:2/0/128",
            "2.05 Content, 2:2/0/128",
        ]
    );
}

#[test]
fn figure_3_early_negotiation() {
    let log = get(350, 128, transfer(Code::GET, 0, 1024, 64).negotiate_early());
    assert_eq!(
        log,
        [
            "GET, /status, 2:0/0/64",
            "2.05 Content, 2:0/1/64",
            "GET, /status, 2:1/0/64",
            "2.05 Content, 2:1/1/64",
            "GET, /status, 2:2/0/64",
            "2.05 Content, 2:2/1/64",
            "GET, /status, 2:3/0/64",
            "2.05 Content, 2:3/1/64",
            "GET, /status, 2:4/0/64",
            "2.05 Content, 2:4/1/64",
            "GET, /status, 2:5/0/64",
            "2.05 Content, 2:5/0/64",
        ]
    );
}

/// Figures 5 and 6 are the same to the block layer: a lost message is sent again by the message layer.
#[test]
fn figures_4_to_6_late_negotiation() {
    let log = get(350, 128, transfer(Code::GET, 0, 1024, 64));
    assert_eq!(
        log,
        [
            "GET, /status",
            "2.05 Content, 2:0/1/128",
            "GET, /status, 2:2/0/64",
            "2.05 Content, 2:2/1/64",
            "GET, /status, 2:3/0/64",
            "2.05 Content, 2:3/1/64",
            "GET, /status, 2:4/0/64",
            "2.05 Content, 2:4/1/64",
            "GET, /status, 2:5/0/64",
            "2.05 Content, 2:5/0/64",
        ]
    );
    // Sent again because its answer was lost, a request gets the same answer from a server that keeps nothing.
    let mut server = Server::new(BlockSize::MAX, BlockSize::B128);
    server.resource = body(350);
    let mut client = transfer(Code::GET, 0, 1024, 64);
    for id in [1234, 1235] {
        let bytes = request(&client, Code::GET, "status", None, id, &[]);
        let message = Message::parse(&bytes).unwrap();
        let answers =
            [(); 2].map(|()| server.answer(&message, Type::Acknowledgement, message.id()));
        assert_eq!(answers[0], answers[1]);
        let answer = Message::parse(&answers[0]).unwrap();
        assert!(matches!(
            client.response(&answer, 350),
            Ok(Step::Content(_))
        ));
    }
}

fn put(len: usize, block1: usize, server: &mut Server) -> Vec<String> {
    let client = transfer(Code::PUT, len, block1, 1024);
    let (log, code, got) = exchange(server, client, Code::PUT, "options", &body(len));
    assert_eq!((code, got), (Code::CHANGED, Vec::new()));
    assert_eq!(server.resource, body(len));
    assert!(server.uploads.is_empty());
    log
}

#[test]
fn figure_7_atomic_put() {
    let mut server = Server::new(BlockSize::MAX, BlockSize::MAX);
    assert_eq!(
        put(300, 128, &mut server),
        [
            "PUT, /options, 1:0/1/128",
            "2.31 Continue, 1:0/1/128",
            "PUT, /options, 1:1/1/128",
            "2.31 Continue, 1:1/1/128",
            "PUT, /options, 1:2/0/128",
            "2.04 Changed, 1:2/0/128",
        ]
    );
}

#[test]
fn figure_8_stateless_put() {
    let mut server = Server::new(BlockSize::MAX, BlockSize::MAX);
    server.handling = Handling::Alone;
    assert_eq!(
        put(300, 128, &mut server),
        [
            "PUT, /options, 1:0/1/128",
            "2.04 Changed, 1:0/0/128",
            "PUT, /options, 1:1/1/128",
            "2.04 Changed, 1:1/0/128",
            "PUT, /options, 1:2/0/128",
            "2.04 Changed, 1:2/0/128",
        ]
    );
}

#[test]
fn figure_9_put_with_negotiation() {
    let mut server = Server::new(BlockSize::B32, BlockSize::MAX);
    assert_eq!(
        put(220, 128, &mut server),
        [
            "PUT, /options, 1:0/1/128",
            "2.31 Continue, 1:0/1/32",
            "PUT, /options, 1:4/1/32",
            "2.31 Continue, 1:4/1/32",
            "PUT, /options, 1:5/1/32",
            "2.31 Continue, 1:5/1/32",
            "PUT, /options, 1:6/0/32",
            "2.04 Changed, 1:6/0/32",
        ]
    );
}

fn post(client: Transfer, reply: usize) -> Vec<String> {
    let mut server = Server::new(BlockSize::MAX, BlockSize::B128);
    server.reply = body(reply);
    let (log, code, got) = exchange(&mut server, client, Code::POST, "soap", &body(300));
    assert_eq!((code, got), (Code::CHANGED, body(reply)));
    assert_eq!(server.taken, [body(300)], "carried out once");
    log
}

#[test]
fn figure_10_post_with_response() {
    assert_eq!(
        post(transfer(Code::POST, 300, 128, 1024), 500),
        [
            "POST, /soap, 1:0/1/128",
            "2.31 Continue, 1:0/1/128",
            "POST, /soap, 1:1/1/128",
            "2.31 Continue, 1:1/1/128",
            "POST, /soap, 1:2/0/128",
            "2.04 Changed, 1:2/0/128, 2:0/1/128",
            "POST, /soap, 2:1/0/128",
            "2.04 Changed, 2:1/1/128",
            "POST, /soap, 2:2/0/128",
            "2.04 Changed, 2:2/1/128",
            "POST, /soap, 2:3/0/128",
            "2.04 Changed, 2:3/0/128",
        ]
    );
    // "could also do late negotiation by requesting, e.g., 2:2/0/64"
    let log = post(transfer(Code::POST, 300, 128, 64), 500);
    assert_eq!(
        log[5..8],
        [
            "2.04 Changed, 1:2/0/128, 2:0/1/128",
            "POST, /soap, 2:2/0/64",
            "2.04 Changed, 2:2/1/64",
        ]
    );
}

#[test]
fn figure_11_post_with_response_and_early_negotiation() {
    assert_eq!(
        post(transfer(Code::POST, 300, 128, 64).negotiate_early(), 250),
        [
            "POST, /soap, 1:0/1/128",
            "2.31 Continue, 1:0/1/128",
            "POST, /soap, 1:1/1/128",
            "2.31 Continue, 1:1/1/128",
            "POST, /soap, 1:2/0/128, 2:0/0/64",
            "2.04 Changed, 1:2/0/128, 2:0/1/64",
            "POST, /soap, 2:1/0/64",
            "2.04 Changed, 2:1/1/64",
            "POST, /soap, 2:2/0/64",
            "2.04 Changed, 2:2/1/64",
            "POST, /soap, 2:3/0/64",
            "2.04 Changed, 2:3/0/64",
        ]
    );
}

/// Figures 12 and 13: a notification has the first block, the rest is got with another token.
#[test]
fn figures_12_and_13_notifications() {
    for (early, registration) in [
        (false, "41011636 fb 60 5b 7374617475732d69636f6e"),
        (true, "41011636 fb 60 5b 7374617475732d69636f6e c102"),
    ] {
        let block = if early { 64 } else { 128 };
        let mut client = transfer(Code::GET, 0, 1024, block);
        if early {
            client = client.negotiate_early();
        }
        // The client registers.
        let mut buffer = [0; 64];
        let token = Token::new(&[0xfb]).unwrap();
        let id = MessageId(0x1636);
        let mut builder = MessageBuilder::new(&mut buffer, Type::Confirmable, Code::GET, id, token);
        builder.observe(0).path(["status-icon"]);
        client.request().options.write(&mut builder);
        assert_eq!(builder.finish().unwrap(), hex(registration));

        // The server notifies; ETag 6f00f392, Observe 62354.
        let len = 2 * 128 + 53;
        let source = body(len);
        let mut head = hex("4145af9c fb 44 6f00f392 22 f392 d1 04");
        head.push(if early { 0x0a } else { 0x0b });
        head.push(0xff);
        let first = [&head[..], &source[..block]].concat();
        let first = Message::parse(&first).unwrap();
        assert_eq!(first.observe(), Some(62354));

        // The rest is got as if the notification had been the answer to a GET.
        let mut client = transfer(Code::GET, 0, 1024, block);
        let Ok(Step::Content(received)) = client.response(&first, len) else {
            panic!()
        };
        let mut got = vec![0; len];
        assert!(received.store(first.payload(), &mut got));
        for number in 1.. {
            let next = client.request();
            assert!(!next.first, "an observation is not registered again");
            assert_eq!(next.options.block2, Block::new(number, false, size(block)));
            let more = len > (number as usize + 1) * block;
            let option = Block::new(number, more, size(block)).unwrap();
            let mut buffer = [0; 256];
            let mut builder = MessageBuilder::new(
                &mut buffer,
                Type::Acknowledgement,
                Code::CONTENT,
                MessageId(0x1636 + u16::try_from(number).unwrap()),
                Token::new(&[0xfc]).unwrap(),
            );
            builder.etag(&hex("6f00f392")).block2(option);
            let offset = number as usize * block;
            builder.payload(&source[offset..len.min(offset + block)]);
            let response = Message::parse(builder.finish().unwrap()).unwrap();
            let Ok(Step::Content(received)) = client.response(&response, len) else {
                panic!()
            };
            assert!(received.store(response.payload(), &mut got));
            if received.is_complete() {
                assert_eq!(number, if early { 4 } else { 2 });
                break;
            }
        }
        assert_eq!(got, source);
    }
}

/// RFC 7959 §4.
#[test]
fn sizes_are_asked_for_and_told() {
    let mut server = Server::new(BlockSize::MAX, BlockSize::B64);
    server.resource = body(200);
    let mut seen = Vec::new();
    let mut see = |_: &mut Server, message: &Message<'_>| {
        let options = BlockOptions::read(message, BlockSize::MAX).unwrap();
        seen.push((options.size1, options.size2));
    };
    let client = transfer(Code::GET, 0, 1024, 1024).ask_size();
    exchange_with(&mut server, client, Code::GET, "a", &[], &mut see);
    let client = transfer(Code::PUT, 200, 128, 1024);
    exchange_with(&mut server, client, Code::PUT, "a", &body(200), &mut see);
    assert_eq!(
        seen[..3],
        [(None, Some(0)), (None, Some(200)), (None, None)]
    );
    assert_eq!(
        seen[8..],
        [(Some(200), None), (None, None), (None, None), (None, None)]
    );

    // Asked for, the size is told with a short body too.
    seen.clear();
    let mut see = |_: &mut Server, message: &Message<'_>| {
        let options = BlockOptions::read(message, BlockSize::MAX).unwrap();
        seen.push((options.size1, options.size2));
    };
    server.resource = body(10);
    let client = transfer(Code::GET, 0, 1024, 1024).ask_size();
    exchange_with(&mut server, client, Code::GET, "a", &[], &mut see);
    assert_eq!(seen, [(None, Some(0)), (None, Some(10))]);
}
