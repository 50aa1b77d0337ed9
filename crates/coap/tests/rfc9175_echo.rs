//! The messages of RFC 9175 §2.3, Figures 1 and 2.

use dunlin_coap::echo::{ChallengeAnswer, EchoIssuer, EchoMemory, NotFresh};
use dunlin_coap::time::{Duration, Instant};
use dunlin_coap::{Code, Message, MessageBuilder, MessageId, OptionNumber, Token, Type};

/// PUT to the lock, with the payload "0" for unlocking.
fn put(token: u8, memory: &EchoMemory) -> Vec<u8> {
    let mut buffer = [0; 64];
    let token = Token::new(&[token]).unwrap();
    let mut builder = MessageBuilder::new(
        &mut buffer,
        Type::Confirmable,
        Code::PUT,
        MessageId(1),
        token,
    );
    builder.path(["lock"]);
    memory.write(&mut builder);
    builder.payload(b"0").finish().unwrap().to_vec()
}

fn response(token: u8, code: Code, echo: Option<&[u8]>) -> Vec<u8> {
    let mut buffer = [0; 64];
    let token = Token::new(&[token]).unwrap();
    let mut builder = MessageBuilder::new(
        &mut buffer,
        Type::Acknowledgement,
        code,
        MessageId(1),
        token,
    );
    if let Some(value) = echo {
        builder.option(OptionNumber::ECHO, value);
    }
    builder.finish().unwrap().to_vec()
}

#[test]
fn figure_1_time_based_freshness() {
    // The MAC of the figure is text.
    let issuer = EchoIssuer::new(|time: [u8; 4], _: &[u8]| {
        assert_eq!(time, [0, 0, 0, 9]);
        *b"\x43\x74\x68\x75\x6c\x68\x75\x21"
    });
    let value = [0, 0, 0, 9, 0x43, 0x74, 0x68, 0x75, 0x6c, 0x68, 0x75, 0x21];
    let threshold = Duration::from_secs(5);
    let mut client = EchoMemory::NEW;

    let request = put(0x41, &client);
    let request = Message::parse(&request).unwrap();
    let now = Instant::from_secs(9);
    assert_eq!(
        issuer.check_request(now, b"", &request, threshold),
        Err(NotFresh::Missing)
    );
    let echo = issuer.issue(now, b"");
    assert_eq!(echo, value);
    let refusal = response(0x41, Code::UNAUTHORIZED, Some(&echo));
    assert_eq!(
        client.on_response(&Message::parse(&refusal).unwrap(), 0),
        ChallengeAnswer::Repeat
    );

    let request = put(0x42, &client);
    let request = Message::parse(&request).unwrap();
    assert_eq!(request.option(OptionNumber::ECHO), Some(&value[..]));
    assert_eq!(request.payload(), b"0");
    let now = Instant::from_secs(10);
    assert_eq!(
        issuer.check_request(now, b"", &request, threshold),
        Ok(Instant::from_secs(9))
    );
    let done = response(0x42, Code::CHANGED, None);
    assert_eq!(
        client.on_response(&Message::parse(&done).unwrap(), 1),
        ChallengeAnswer::HandOn
    );
}

#[test]
fn figure_2_event_based_freshness() {
    // The server counts the operations on the lock: the value is not of this crate's making.
    let mut client = EchoMemory::NEW;
    let refusal = response(0x41, Code::UNAUTHORIZED, Some(&[0x05]));
    assert_eq!(
        client.on_response(&Message::parse(&refusal).unwrap(), 0),
        ChallengeAnswer::Repeat
    );
    let request = put(0x42, &client);
    let request = Message::parse(&request).unwrap();
    assert_eq!(request.option(OptionNumber::ECHO), Some(&[0x05][..]));

    // The response has a value for the next request.
    let done = response(0x42, Code::CHANGED, Some(&[0x06]));
    assert_eq!(
        client.on_response(&Message::parse(&done).unwrap(), 1),
        ChallengeAnswer::HandOn
    );
    let request = put(0x43, &client);
    let request = Message::parse(&request).unwrap();
    assert_eq!(request.option(OptionNumber::ECHO), Some(&[0x06][..]));
}
