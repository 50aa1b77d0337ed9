use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::{MessageBuilder, OptionNumber};

const CSM: [u8; 2] = [0x00, 0xe1];

/// A bridge whose peer has said that it takes 1152 bytes.
fn open() -> Bridge {
    let mut bridge = Bridge::new(Settings::BASE, MessageId(7));
    let mut buffer = [0; 64];
    assert_eq!(bridge.poll_output(&mut buffer), Some(&CSM[..]));
    assert_eq!(
        bridge.handle_input(&CSM, &mut buffer),
        (2, Arrived::Settings)
    );
    assert!(bridge.is_open());
    bridge
}

fn send(bridge: &mut Bridge, datagram: &[u8]) -> (Vec<u8>, Option<[u8; 4]>) {
    let mut buffer = [0; 2000];
    let sent = bridge.send(datagram, &mut buffer);
    (sent.bytes.to_vec(), sent.acknowledgement)
}

fn datagram(bridge: &mut Bridge, bytes: &[u8]) -> Vec<u8> {
    let mut buffer = [0; 2000];
    match bridge.handle_input(bytes, &mut buffer) {
        (consumed, Arrived::Datagram(datagram)) => {
            assert_eq!(consumed, bytes.len());
            datagram.to_vec()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_request_goes_once_and_its_response_acknowledges_it() {
    let mut bridge = open();
    let request = [0x41, 0x02, 0x12, 0x34, 0x71, 0xb2, b'r', b'd'];
    let stream = (std::vec![0x31, 0x02, 0x71, 0xb2, b'r', b'd'], None);
    assert_eq!(send(&mut bridge, &request), stream);
    assert_eq!(
        send(&mut bridge, &request),
        (Vec::new(), None),
        "sent again"
    );
    // Another connection does not know it.
    assert_eq!(send(&mut open(), &request), stream);

    let response = [0x01, 0x41, 0x71];
    assert_eq!(
        datagram(&mut bridge, &response),
        [0x61, 0x41, 0x12, 0x34, 0x71]
    );
    // One more with this token is one that nobody waits for.
    assert_eq!(datagram(&mut bridge, &response), [0x51, 0x41, 0, 7, 0x71]);
    assert_eq!(send(&mut bridge, &request), stream, "a new request");
}

#[test]
fn what_is_asked_is_confirmable_and_answered_in_its_acknowledgement() {
    let mut bridge = open();
    let request = [0x21, 0x01, 0x99, 0xb1, b'3'];
    assert_eq!(
        datagram(&mut bridge, &request),
        [0x41, 0x01, 0, 7, 0x99, 0xb1, b'3']
    );
    assert_eq!(datagram(&mut bridge, &request)[..4], [0x41, 0x01, 0, 8]);
    assert_eq!(bridge.next_id(), MessageId(9));
    let answer = [0x61, 0x45, 0, 7, 0x99, 0xff, b'x'];
    let stream = std::vec![0x21, 0x45, 0x99, 0xff, b'x'];
    assert_eq!(send(&mut bridge, &answer), (stream, None));
}

#[test]
fn notifications_are_acknowledged_by_the_stream() {
    let mut bridge = open();
    let (stream, acknowledgement) = send(&mut bridge, &[0x41, 0x45, 0xab, 0xcd, 0x99, 0x60]);
    assert_eq!(stream, [0x11, 0x45, 0x99, 0x60]);
    assert_eq!(acknowledgement, Some([0x60, 0, 0xab, 0xcd]));
    let (stream, acknowledgement) = send(&mut bridge, &[0x51, 0x45, 0xab, 0xcd, 0x99, 0x60]);
    assert_eq!(stream, [0x11, 0x45, 0x99, 0x60]);
    assert_eq!(acknowledgement, None);
}

#[test]
fn what_is_of_udp_alone_does_not_go_over_the_stream() {
    let mut bridge = open();
    for of_udp in [
        &[0x60, 0, 0, 1][..],
        &[0x70, 0, 0, 1],
        &[0x40, 0, 0, 1],
        &[0x40],
        &[],
        &[0x40, 0xe1, 0, 1],
    ] {
        assert_eq!(send(&mut bridge, of_udp), (Vec::new(), None), "{of_udp:x?}");
    }
}

#[test]
fn a_message_that_the_peer_does_not_take_is_lost() {
    let mut bridge = open();
    let long = |len: usize| {
        let mut datagram = std::vec![0x40, 0x45, 0, 1, 0xff];
        datagram.resize(4 + len, b'x');
        datagram
    };
    let (stream, acknowledgement) = send(&mut bridge, &long(1148));
    assert_eq!(stream.len(), 1152);
    assert!(acknowledgement.is_some());
    assert_eq!(send(&mut bridge, &long(1149)), (Vec::new(), None));
}

#[test]
fn pings_releases_and_aborts() {
    let mut bridge = open();
    let mut buffer = [0; 64];
    assert_eq!(
        bridge.handle_input(&[0x01, 0xe2, 0x42], &mut buffer),
        (3, Arrived::Answer(&[0x01, 0xe3, 0x42]))
    );
    assert_eq!(
        open().handle_input(&[0x00, 0xe4], &mut buffer),
        (2, Arrived::Closed(None))
    );
    assert_eq!(
        open().handle_input(&[0x00, 0xe5], &mut buffer),
        (2, Arrived::Closed(None))
    );
    // A request before the CSM is an offence, and is answered with an Abort.
    let mut bridge = Bridge::new(Settings::BASE, MessageId(0));
    assert!(bridge.poll_output(&mut buffer).is_some());
    assert!(matches!(
        bridge.handle_input(&[0x00, 0x01], &mut buffer),
        (2, Arrived::Closed(Some(Failure::MissingCsm)))
    ));
    let abort = bridge.poll_output(&mut buffer).unwrap();
    assert_eq!(abort[2], 0xe5, "{abort:x?}");
    assert!(send(&mut bridge, &[0x40, 1, 0, 1]).0.is_empty());
}

#[test]
fn of_many_open_requests_the_oldest_is_forgotten() {
    let mut bridge = open();
    for id in 0..=8 {
        assert!(!send(&mut bridge, &[0x41, 1, 0, id, id]).0.is_empty());
    }
    assert_eq!(datagram(&mut bridge, &[0x01, 0x45, 0])[0], 0x51);
    for id in (1..=8).rev() {
        assert_eq!(
            datagram(&mut bridge, &[0x01, 0x45, id]),
            [0x61, 0x45, 0, id, id]
        );
    }
}

proptest! {
    /// Whatever is sent arrives at a bridge on the other side with the same token, options and payload.
    #[test]
    fn what_is_sent_arrives(
        token in prop::collection::vec(any::<u8>(), 0..=8),
        path in "[a-z]{1,300}",
        payload in prop::collection::vec(any::<u8>(), 0..800),
        asks: bool,
    ) {
        let (code, kind) = if asks { (Code::POST, Type::Confirmable) } else { (Code::CONTENT, Type::NonConfirmable) };
        let mut buffer = [0; 1500];
        let token = Token::new(&token).unwrap();
        let mut builder = MessageBuilder::new(&mut buffer, kind, code, MessageId(1), token);
        if asks {
            builder.option(OptionNumber::URI_PATH, path.get(..path.len().min(255)).unwrap().as_bytes());
        } else {
            builder.option(OptionNumber::ETAG, &[1, 2, 3]);
        }
        let sent = builder.payload(&payload).finish().unwrap().to_vec();
        let (stream, _) = send(&mut open(), &sent);
        let mut other = open();
        // In two pieces: the first is too little.
        let mut room = [0; 1500];
        let half = &stream[..stream.len() / 2];
        prop_assert!(matches!(other.handle_input(half, &mut room), (0, Arrived::NeedMore(more)) if more > half.len()));
        let arrived = datagram(&mut other, &stream);
        prop_assert_eq!(&arrived[4..], &sent[4..]);
        prop_assert_eq!(arrived[1], sent[1]);
        prop_assert_eq!(arrived[0] & 0x0f, sent[0] & 0x0f);
        prop_assert!(Message::parse(&arrived).is_ok());
    }

    /// Whatever comes, what goes to the endpoint is a message.
    #[test]
    fn what_arrives_is_a_message(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut bridge = open();
        let mut rest = &bytes[..];
        let mut room = [0; 300];
        while !rest.is_empty() {
            match bridge.handle_input(rest, &mut room) {
                (_, Arrived::NeedMore(_)) => break,
                (consumed, arrived) => {
                    if let Arrived::Datagram(datagram) = arrived {
                        prop_assert!(Message::parse(datagram).is_ok());
                    }
                    prop_assert!(consumed > 0);
                    rest = &rest[consumed..];
                }
            }
        }
    }
}
