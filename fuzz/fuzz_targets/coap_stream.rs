//! Any bytes, cut anywhere: a stream is read the same however it comes, a connection ends in good order, and what was
//! read is written again the same.
#![no_main]

use dunlin_coap::reliable::{
    Arrived, Bridge, Connection, Event, Framer, Framing, Next, Settings, parse_websocket,
};
use dunlin_coap::{Code, Message, MessageBuilder, MessageId};
use libfuzzer_sys::fuzz_target;

const OWN: Settings = Settings::BASE
    .with_max_message_size(2000)
    .with_block_wise_transfer()
    .with_extended_token_length(300);

fn rewritten(message: &Message<'_>, framing: Framing) -> Vec<u8> {
    let mut buffer = vec![0; 4000];
    let token = message.token_bytes();
    let mut builder = MessageBuilder::reliable(&mut buffer, framing, message.code(), token);
    for (number, value) in message.options() {
        builder.option(number, value);
    }
    let bytes = builder.payload(message.payload()).finish();
    bytes.expect("the buffer is large enough").to_vec()
}

/// A message as another implementation would see it, whatever its encoding.
fn content<'a>(message: &Message<'a>) -> (Code, &'a [u8], Vec<(u16, &'a [u8])>, &'a [u8]) {
    let options = message.options().map(|(number, value)| (number.0, value));
    let token = message.token_bytes();
    (message.code(), token, options.collect(), message.payload())
}

fn same(message: &Message<'_>) {
    // An Empty message with content is read and ignored, never written.
    if message.code().is_empty() {
        return;
    }
    let stream = rewritten(message, Framing::Stream);
    let Ok(Next::Message {
        message: read,
        consumed,
    }) = Framer::new(4000).next(&stream)
    else {
        panic!("our own message is refused: {stream:x?}");
    };
    assert_eq!(consumed, stream.len());
    assert_eq!(content(message), content(&read));
    let websocket = rewritten(message, Framing::WebSocket);
    let read = parse_websocket(&websocket).expect("our own message is refused");
    assert_eq!(content(message), content(&read));
}

/// Sends what the connection must send: at most a CSM and an Abort. Whether there was an Abort.
fn drain(connection: &mut Connection) -> bool {
    let mut aborted = false;
    let mut buffer = [0; Connection::OUTPUT_LEN];
    for _ in 0..3 {
        match connection.poll_output(&mut buffer) {
            None => return aborted,
            Some(bytes) => {
                let code = match connection.framing() {
                    Framing::WebSocket => parse_websocket(bytes).map(|message| message.code()),
                    Framing::Stream => match Framer::new(64).next(bytes) {
                        Ok(Next::Message { message, consumed }) if consumed == bytes.len() => {
                            Ok(message.code())
                        }
                        other => panic!("{other:?}"),
                    },
                };
                assert!(!aborted);
                match code {
                    Ok(Code::CSM) => {}
                    Ok(Code::ABORT) => aborted = true,
                    other => panic!("{other:?}"),
                }
            }
        }
    }
    panic!("it never ends");
}

/// Feeds a stream in pieces: what came of it, as text, and how much was taken.
fn feed(stream: &[u8], piece: usize) -> (Vec<String>, bool) {
    let mut connection = Connection::new(Framing::Stream, OWN);
    drain(&mut connection);
    let (mut log, mut buffer, mut needed) = (Vec::new(), Vec::new(), 0);
    for chunk in stream.chunks(piece) {
        buffer.extend_from_slice(chunk);
        while !buffer.is_empty() {
            let input = connection.handle_input(&buffer);
            assert!(input.consumed <= buffer.len());
            match input.event {
                Event::NeedMore(total) => {
                    assert_eq!(input.consumed, 0);
                    assert!(total > buffer.len() && total >= needed);
                    assert!(total <= OWN.max_message_size() as usize);
                    needed = total;
                    break;
                }
                Event::Request(message) | Event::Response(message) => {
                    same(&message);
                    log.push(format!("{:?}", content(&message)));
                }
                Event::Ping(ping) => {
                    let mut out = vec![0; 2100];
                    let pong = connection
                        .pong(&mut out, ping)
                        .map(|mut pong| pong.finish().is_ok());
                    log.push(format!("{ping:?} {pong:?}"));
                }
                Event::Release(release) => {
                    let addresses: Vec<_> = release.alternative_addresses().collect();
                    log.push(format!("{addresses:?} {:?}", release.hold_off()));
                }
                Event::Abort(abort) => log.push(format!("{:?}", abort.bad_csm_option())),
                Event::Settings => log.push(format!("{:?}", connection.peer())),
                Event::Failed(failure) => {
                    assert!(connection.is_closed());
                    log.push(format!("{failure:?}"));
                }
                _ => {}
            }
            needed = 0;
            assert!(input.consumed > 0);
            buffer.drain(..input.consumed);
        }
    }
    (log, drain(&mut connection))
}

/// Feeds a stream to an endpoint made for datagrams: each that it gets is one, and goes out again as the same message.
fn bridge(stream: &[u8], piece: usize) -> Vec<Vec<u8>> {
    let mut bridge = Bridge::new(OWN, MessageId(7));
    let mut other = Bridge::new(OWN, MessageId(7));
    let (mut room, mut out) = ([0; 2100], [0; 2100]);
    let mut datagrams = Vec::new();
    let mut buffer = Vec::new();
    for chunk in stream.chunks(piece) {
        buffer.extend_from_slice(chunk);
        while !buffer.is_empty() {
            let (consumed, arrived) = bridge.handle_input(&buffer, &mut room);
            assert!(consumed <= buffer.len());
            match arrived {
                Arrived::NeedMore(total) => {
                    assert!(consumed == 0 && total > buffer.len());
                    break;
                }
                Arrived::Datagram(bytes) => {
                    let message = Message::parse(bytes).expect("a datagram");
                    let sent = other.send(bytes, &mut out);
                    // A message as long as what is taken before a CSM, or shorter.
                    if !sent.bytes.is_empty() {
                        let Ok(Next::Message { message: read, .. }) =
                            Framer::new(4000).next(sent.bytes)
                        else {
                            panic!("our own message is refused");
                        };
                        assert_eq!(content(&message), content(&read));
                    }
                    datagrams.push(bytes.to_vec());
                }
                Arrived::Closed(_) => return datagrams,
                _ => {}
            }
            assert!(consumed > 0);
            buffer.drain(..consumed);
        }
    }
    datagrams
}

fuzz_target!(|data: &[u8]| {
    let Some((&piece, stream)) = data.split_first() else {
        return;
    };
    let whole = feed(stream, stream.len().max(1));
    assert_eq!(whole, feed(stream, usize::from(piece).max(1)));
    // The same after a good beginning.
    let opened = [&[0x00, 0xe1], stream].concat();
    assert_eq!(
        feed(&opened, opened.len()),
        feed(&opened, usize::from(piece).max(1))
    );
    assert_eq!(
        bridge(&opened, opened.len()),
        bridge(&opened, usize::from(piece).max(1))
    );

    if let Ok(message) = parse_websocket(stream) {
        same(&message);
    }
    let mut connection = Connection::new(Framing::WebSocket, OWN);
    connection.handle_input(&[0x00, 0xe1]);
    connection.handle_input(stream);
    drain(&mut connection);
});
