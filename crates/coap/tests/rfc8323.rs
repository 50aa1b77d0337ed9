//! The messages and exchanges that RFC 8323 draws, written and read: Figures 2, 5, 11 to 14, 17 and 18.

use dunlin_coap::block::{Block, BlockSize};
use dunlin_coap::reliable::{
    Connection, Event, Framer, Framing, Next, Ping, Settings, parse_websocket,
};
use dunlin_coap::{
    Code, Message, MessageBuilder, MessageId, OptionNumber, Token, Type, decode_uint,
};

const BERT: Settings = Settings::BASE
    .with_max_message_size(16384 + 256)
    .with_block_wise_transfer();

/// The message on a stream, which is all of `bytes`.
fn read(bytes: &[u8]) -> Message<'_> {
    match Framer::new(20_000).next(bytes) {
        Ok(Next::Message { message, consumed }) if consumed == bytes.len() => message,
        other => panic!("{other:?}"),
    }
}

/// Both ends of a connection after their CSMs.
fn connected(framing: Framing, settings: Settings) -> (Connection, Connection) {
    let mut ends = [
        Connection::new(framing, settings),
        Connection::new(framing, settings),
    ];
    let mut csm = [0; Connection::OUTPUT_LEN];
    for (from, to) in [(0, 1), (1, 0)] {
        let csm = ends[from].poll_output(&mut csm).unwrap();
        assert!(matches!(ends[to].handle_input(csm).event, Event::Settings));
    }
    let [client, server] = ends;
    (client, server)
}

/// Writes a message at one end and reads it at the other: its bytes.
fn pass(
    from: &Connection,
    to: &mut Connection,
    code: Code,
    token: &[u8],
    write: impl FnOnce(&mut MessageBuilder<'_>),
) -> Vec<u8> {
    let mut buffer = vec![0; 20_000];
    let mut builder = from.message(&mut buffer, code, token).unwrap();
    write(&mut builder);
    let bytes = builder.finish().unwrap();
    let input = to.handle_input(bytes);
    assert_eq!(input.consumed, bytes.len());
    let (Event::Request(message) | Event::Response(message)) = input.event else {
        panic!("{:?}", input.event);
    };
    assert_eq!(message.code(), code);
    assert_eq!(message.token_bytes(), token);
    bytes.to_vec()
}

#[test]
fn figure_2() {
    let (client, mut server) = connected(Framing::Stream, Settings::BASE);
    let request = pass(&client, &mut server, Code::GET, &[0x71], |request| {
        request.path(["temperature"]);
    });
    assert_eq!(request, b"\xc1\x01\x71\xbbtemperature");
    let mut client = client;
    let response = pass(&server, &mut client, Code::CONTENT, &[0x71], |response| {
        response.payload(b"22.5 C");
    });
    assert_eq!(response, b"\x71\x45\x71\xff22.5 C");

    // The same over UDP has the same options and payload after its own header.
    let mut buffer = [0; 64];
    let id = MessageId(0xbc90);
    let token = Token::new(&[0x71]).unwrap();
    let over_udp = MessageBuilder::new(&mut buffer, Type::Confirmable, Code::GET, id, token)
        .path(["temperature"])
        .finish()
        .unwrap();
    assert_eq!(over_udp[4..], request[2..]);
}

#[test]
fn figure_5() {
    let bytes = [0x01, 0x43, 0x7f];
    let message = read(&bytes);
    assert_eq!(message.code(), Code::VALID);
    assert_eq!(message.token_bytes(), [0x7f]);
    assert_eq!(message.options().count(), 0);
    assert!(message.payload().is_empty());
    let mut buffer = [0; 3];
    let written =
        MessageBuilder::reliable(&mut buffer, Framing::Stream, Code::VALID, &[0x7f]).finish();
    assert_eq!(written, Ok(&bytes[..]));
}

#[test]
fn figures_11_and_12() {
    let (asking, mut asked) = connected(Framing::Stream, Settings::BASE);
    let mut buffer = [0; 8];
    let ping = Ping {
        token: &[0x42],
        custody: false,
    };
    let bytes = asking.ping(&mut buffer, ping).unwrap().finish().unwrap();
    assert_eq!(bytes, [0x01, 0xe2, 0x42]);
    let Event::Ping(ping) = asked.handle_input(bytes).event else {
        panic!();
    };
    let mut buffer = [0; 8];
    let bytes = asked.pong(&mut buffer, ping).unwrap().finish().unwrap();
    assert_eq!(bytes, [0x01, 0xe3, 0x42]);
    let mut asking = asking;
    let Event::Pong(pong) = asking.handle_input(bytes).event else {
        panic!();
    };
    assert_eq!(pong.token, [0x42]);
}

/// One message of Figures 13 and 14: its code, its block and the length of its payload. `option` is 23 or 27.
fn bert(
    ends: (&Connection, &mut Connection),
    code: Code,
    option: OptionNumber,
    block: (u32, bool),
    len: usize,
) {
    let (from, to) = ends;
    let block = Block::new(block.0, block.1, BlockSize::Bert).unwrap();
    let bytes = pass(from, to, code, &[0x53], |message| {
        if code.is_request() {
            let path = if option == OptionNumber::BLOCK1 {
                "options"
            } else {
                "status"
            };
            message.path([path]);
        }
        message
            .uint(option, block.to_uint())
            .payload(&vec![0x2a; len]);
    });
    let message = read(&bytes);
    let value = message.values(option).next().unwrap();
    // SZX 7.
    assert_eq!(decode_uint(value).unwrap() & 7, 7);
    let read = Block::in_message(&message, option, BlockSize::Bert).unwrap();
    assert_eq!(read, Some(block));
    assert_eq!(message.payload().len(), len);
}

#[test]
fn figure_13() {
    let (mut client, mut server) = connected(Framing::Stream, BERT);
    assert!(client.peer().bert() && server.peer().bert());
    let block2 = OptionNumber::BLOCK2;
    pass(&client, &mut server, Code::GET, &[0x53], |request| {
        request.path(["status"]);
    });
    bert(
        (&server, &mut client),
        Code::CONTENT,
        block2,
        (0, true),
        3072,
    );
    bert((&client, &mut server), Code::GET, block2, (3, false), 0);
    bert(
        (&server, &mut client),
        Code::CONTENT,
        block2,
        (3, true),
        5120,
    );
    bert((&client, &mut server), Code::GET, block2, (8, false), 0);
    bert(
        (&server, &mut client),
        Code::CONTENT,
        block2,
        (8, false),
        4711,
    );
}

#[test]
fn figure_14() {
    let (mut client, mut server) = connected(Framing::Stream, BERT);
    assert_eq!(client.peer().bert_len(256), Some(16384));
    let block1 = OptionNumber::BLOCK1;
    bert((&client, &mut server), Code::PUT, block1, (0, true), 8192);
    bert((&server, &mut client), Code::CONTINUE, block1, (0, true), 0);
    bert((&client, &mut server), Code::PUT, block1, (8, true), 16384);
    bert((&server, &mut client), Code::CONTINUE, block1, (8, true), 0);
    bert((&client, &mut server), Code::PUT, block1, (24, false), 5683);
    bert(
        (&server, &mut client),
        Code::CHANGED,
        block1,
        (24, false),
        0,
    );
}

#[test]
fn figure_17() {
    let (mut client, mut server) = connected(Framing::WebSocket, Settings::BASE);
    let request = pass(&client, &mut server, Code::GET, &[0x53], |request| {
        request.path(["sensors", "temperature"]).query(["u=Cel"]);
    });
    assert_eq!(request, b"\x01\x01\x53\xb7sensors\x0btemperature\x45u=Cel");
    let message = parse_websocket(&request).unwrap();
    assert!(message.uri_path().eq([&b"sensors"[..], b"temperature"]));
    assert!(message.uri_query().eq([b"u=Cel"]));
    let response = pass(&server, &mut client, Code::CONTENT, &[0x53], |response| {
        response.payload(b"22.3 Cel");
    });
    assert_eq!(response, b"\x01\x45\x53\xff22.3 Cel");
}

#[test]
fn figure_18() {
    let (mut client, mut proxy) = connected(Framing::WebSocket, Settings::BASE);
    let uri = "coap://[2001:db8::1]/";
    let request = pass(&client, &mut proxy, Code::GET, &[0x7d], |request| {
        request.option(OptionNumber::PROXY_URI, uri.as_bytes());
    });
    assert_eq!(request, b"\x01\x01\x7d\xdd\x16\x08coap://[2001:db8::1]/");
    assert_eq!(
        parse_websocket(&request)
            .unwrap()
            .string(OptionNumber::PROXY_URI),
        Some(uri)
    );

    // Between proxy and server over UDP.
    let mut buffer = [0; 64];
    let (id, token) = (MessageId(0x8f54), Token::new(&[0x0a, 0x15]).unwrap());
    let forwarded = MessageBuilder::new(&mut buffer, Type::Confirmable, Code::GET, id, token)
        .finish()
        .unwrap();
    assert_eq!(forwarded, [0x42, 0x01, 0x8f, 0x54, 0x0a, 0x15]);
    let mut buffer = [0; 64];
    let answer = MessageBuilder::new(&mut buffer, Type::Acknowledgement, Code::CONTENT, id, token)
        .payload(b"ready")
        .finish()
        .unwrap();
    assert_eq!(answer, b"\x62\x45\x8f\x54\x0a\x15\xffready");

    let payload = Message::parse(answer).unwrap().payload();
    let response = pass(&proxy, &mut client, Code::CONTENT, &[0x7d], |response| {
        response.payload(payload);
    });
    assert_eq!(response, b"\x01\x45\x7d\xffready");
}

#[cfg(feature = "serde")]
#[test]
fn settings_stay_in_range_when_they_are_read() {
    let settings = BERT.with_extended_token_length(20);
    let text = serde_json::to_string(&settings).unwrap();
    assert_eq!(serde_json::from_str::<Settings>(&text).unwrap(), settings);
    let text = text.replace(":20,", ":70000,");
    let read: Settings = serde_json::from_str(&text).unwrap();
    assert_eq!(read.extended_token_length(), Settings::MAX_TOKEN_LENGTH);
}
