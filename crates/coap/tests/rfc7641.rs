//! The observation of RFC 7641 Appendix A.1, message by message, with its clock.

use dunlin_coap::observe::{self, Freshness, SequenceNumber};
use dunlin_coap::time::Instant;
use dunlin_coap::{Code, Kind, Message, MessageBuilder, MessageId, Token, Type, reset};

const ETAG: [u8; 5] = [0x78, 0x79, 0x7a, 0x7a, 0x79];

/// A registration as the figures draw it: header, token and entity tag.
fn register(header: [u8; 4], token: u8, etag: Option<&[u8]>) {
    let mut buffer = [0; 64];
    let token = Token::new(&[token]).unwrap();
    let id = MessageId(u16::from_be_bytes([header[2], header[3]]));
    let mut builder = MessageBuilder::new(&mut buffer, Type::Confirmable, Code::GET, id, token);
    if let Some(etag) = etag {
        builder.etag(etag);
    }
    let bytes = builder
        .observe(observe::REGISTER)
        .path(["temperature"])
        .finish()
        .unwrap();
    assert_eq!(bytes[..4], header);
    let message = Message::parse(bytes).unwrap();
    assert_eq!(message.kind(), Kind::Request);
    assert_eq!(message.observe(), Some(0));
    assert_eq!(message.etag(), etag);
}

/// A notification as the figures draw it, written and read again: its number.
fn notification(
    header: [u8; 4],
    token: u8,
    etag: Option<&[u8]>,
    number: u32,
    payload: &str,
) -> SequenceNumber {
    let mut buffer = [0; 64];
    let message_type = match header[0] >> 4 {
        0x4 => Type::Confirmable,
        0x5 => Type::NonConfirmable,
        _ => Type::Acknowledgement,
    };
    let id = MessageId(u16::from_be_bytes([header[2], header[3]]));
    let token = Token::new(&[token]).unwrap();
    let mut builder = MessageBuilder::new(&mut buffer, message_type, Code(header[1]), id, token);
    if let Some(etag) = etag {
        builder.etag(etag);
    }
    let bytes = builder
        .observe(number)
        .max_age(15)
        .payload(payload.as_bytes())
        .finish()
        .unwrap();
    assert_eq!(bytes[..4], header);
    let message = Message::parse(bytes).unwrap();
    assert_eq!(message.kind(), Kind::Response);
    assert_eq!(message.token(), token);
    assert_eq!(message.uint(dunlin_coap::OptionNumber::MAX_AGE), Some(15));
    assert_eq!(message.payload(), payload.as_bytes());
    SequenceNumber::new(message.observe().unwrap())
}

#[test]
fn figures_3_to_6() {
    let at = Instant::from_secs;

    // Figure 3: registration and a new state. Figure 4: a notification is lost, the client registers again.
    register([0x41, 0x01, 0x16, 0x33], 0x4a, None);
    let first = notification([0x61, 0x45, 0x16, 0x33], 0x4a, None, 9, "18.5 Cel");
    let mut freshness = Freshness::new(first, at(9));
    let second = notification([0x51, 0x45, 0x7b, 0x50], 0x4a, None, 16, "19.2 Cel");
    assert!(freshness.accept(second, at(16)));
    register([0x41, 0x01, 0x16, 0x34], 0xb2, None);
    let again = notification([0x61, 0x45, 0x16, 0x34], 0xb2, Some(&ETAG), 44, "19.7 Cel");
    assert!(freshness.accept(again, at(44)));
    // The notification that seemed lost was only late.
    let late = notification([0x51, 0x45, 0x7b, 0x51], 0x4a, None, 25, "19.7 Cel");
    assert!(!freshness.accept(late, at(45)));

    // Figure 5: after its crash the client begins anew with a stored response, and is told that it is valid again.
    register([0x41, 0x01, 0x16, 0x35], 0xf9, Some(&ETAG));
    let anew = notification([0x61, 0x45, 0x16, 0x35], 0xf9, None, 74, "20.0 Cel");
    let mut freshness = Freshness::new(anew, at(74));
    let valid = notification([0x51, 0x43, 0xaa, 0x0c], 0xf9, Some(&ETAG), 81, "");
    assert!(freshness.accept(valid, at(81)));

    // Figure 6: the client has forgotten the observation and rejects a Confirmable notification.
    notification([0x41, 0x45, 0xaa, 0x0f], 0xf9, None, 91, "19.3 Cel");
    let reject = reset(MessageId(0xaa0f));
    assert_eq!(reject, [0x70, 0x00, 0xaa, 0x0f]);
    assert_eq!(Message::parse(&reject).unwrap().kind(), Kind::Reset);
}
