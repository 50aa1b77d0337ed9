//! Single datagrams and what the message layer makes of them.

use dunlin_coap::endpoint::{Event, Failure, Input, Output};
use dunlin_coap::time::{Duration, Instant};
use dunlin_coap::{
    Code, Message, MessageBuilder, MessageId, OptionNumber, Token, Type, empty_ack, reset,
};

use crate::world::{Node, Random};

const NOW: Instant = Instant::from_secs(5);

fn node() -> Node {
    Node::new(Random(42))
}

/// All datagrams that wait.
fn sent(node: &mut Node) -> Vec<Vec<u8>> {
    let mut buffer = [0; 1500];
    let mut all = Vec::new();
    loop {
        match node.poll_output(&mut buffer) {
            Output::Transmit(datagram) => all.push(datagram.bytes.to_vec()),
            Output::Idle => return all,
            _ => {}
        }
    }
}

fn message(
    message_type: Type,
    code: Code,
    id: u16,
    write: impl FnOnce(&mut MessageBuilder<'_>),
) -> Vec<u8> {
    let mut buffer = [0; 512];
    let token = if code.is_empty() {
        Token::EMPTY
    } else {
        Token::from([9, 8, 7, 6])
    };
    let mut builder = MessageBuilder::new(&mut buffer, message_type, code, MessageId(id), token);
    write(&mut builder);
    builder.finish().unwrap().to_vec()
}

fn get(id: u16) -> Vec<u8> {
    message(Type::Confirmable, Code::GET, id, |m| {
        m.path(["a"]);
    })
}

#[test]
fn pings_and_nonsense_are_reset() {
    let mut node = node();
    for datagram in [
        &[0x40, 0, 1, 2][..],
        // A token length of 9.
        &[0x49, 1, 1, 2],
        // A code of a reserved class.
        &[0x40, 0x21, 1, 2],
        // A response nobody asked for.
        &[0x40, 0x45, 1, 2],
    ] {
        assert!(matches!(
            node.handle_input(NOW, 1, datagram),
            Input::Nothing
        ));
        assert_eq!(sent(&mut node), [reset(MessageId(0x0102))], "{datagram:?}");
    }
    for datagram in [
        &[][..],
        &[0x80, 0, 1, 2],
        &[0x59, 1, 1, 2],
        &[0x50, 0, 1, 2],
        &[0x50, 0x45, 1, 2],
        &[0x60, 0, 1, 2],
        &[0x60, 0x45, 1, 2],
        &[0x60, 1, 1, 2],
        &[0x70, 0, 1, 2],
    ] {
        assert!(matches!(
            node.handle_input(NOW, 1, datagram),
            Input::Nothing
        ));
        assert_eq!(sent(&mut node), [[0; 0]; 0], "{datagram:?}");
    }
    // A notification that nobody wants any more ends when it is rejected (RFC 7641 §3.6).
    let notification = message(Type::NonConfirmable, Code::CONTENT, 7, |m| {
        m.observe(5);
    });
    node.handle_input(NOW, 1, &notification);
    assert_eq!(sent(&mut node), [reset(MessageId(7))]);
}

#[test]
fn a_duplicate_gets_the_same_answer() {
    let mut node = node();
    let mut buffer = [0; 128];
    let asked = get(3);
    let Input::Request(request) = node.handle_input(NOW, 1, &asked) else {
        panic!()
    };
    let first = node
        .respond(NOW, &request, Code::CONTENT, &mut buffer, |response| {
            response.payload(b"22.3 C")
        })
        .unwrap()
        .bytes
        .to_vec();
    let response = Message::parse(&first).unwrap();
    assert_eq!(response.message_type(), Type::Acknowledgement);
    assert_eq!(response.id(), MessageId(3));
    assert_eq!(response.token(), Token::from([9, 8, 7, 6]));

    let later = NOW + Duration::from_secs(200);
    assert!(matches!(
        node.handle_input(later, 1, &get(3)),
        Input::Nothing
    ));
    assert_eq!(sent(&mut node), [first]);
    // From elsewhere, or after the lifetime, it is another request.
    assert!(matches!(
        node.handle_input(later, 2, &get(3)),
        Input::Request(_)
    ));
    let much_later = NOW + Duration::from_secs(248);
    assert!(matches!(
        node.handle_input(much_later, 1, &get(3)),
        Input::Request(_)
    ));
}

#[test]
fn unknown_critical_options_are_refused() {
    let mut node = node();
    let ask = |message_type| {
        message(message_type, Code::GET, 8, |m| {
            m.path(["a"]).empty(OptionNumber(2049));
        })
    };
    let asked = ask(Type::Confirmable);
    assert!(matches!(node.handle_input(NOW, 1, &asked), Input::Nothing));
    let refusal = sent(&mut node).remove(0);
    let refusal = Message::parse(&refusal).unwrap();
    assert_eq!(refusal.code(), Code::BAD_OPTION);
    assert_eq!(refusal.token(), Token::from([9, 8, 7, 6]));
    assert_eq!(refusal.payload(), b"2049");
    let asked = ask(Type::NonConfirmable);
    assert!(matches!(node.handle_input(NOW, 1, &asked), Input::Nothing));
    assert!(sent(&mut node).is_empty());
}

#[test]
fn no_response_is_honoured() {
    let mut node = node();
    let mut buffer = [0; 64];
    let ask = |message_type, id| {
        message(message_type, Code::PUT, id, |m| {
            m.path(["a"]).uint(OptionNumber::NO_RESPONSE, 2);
        })
    };
    let mut answer = |message_type, id, code| {
        let asked = ask(message_type, id);
        let Input::Request(request) = node.handle_input(NOW, 1, &asked) else {
            panic!()
        };
        node.respond(NOW, &request, code, &mut buffer, |response| response)
            .map(|answer| answer.bytes.to_vec())
    };
    let con = Type::Confirmable;
    assert_eq!(
        answer(con, 1, Code::CHANGED).unwrap(),
        empty_ack(MessageId(1))
    );
    assert_eq!(
        answer(con, 2, Code::NOT_FOUND).unwrap()[1],
        Code::NOT_FOUND.0
    );
    let non = Type::NonConfirmable;
    assert_eq!(answer(non, 3, Code::CHANGED), None);
    assert_eq!(
        answer(non, 4, Code::NOT_FOUND).unwrap()[1],
        Code::NOT_FOUND.0
    );
}

#[test]
fn what_cannot_be_written_is_an_internal_error() {
    let mut node = node();
    let mut buffer = [0; 32];
    let asked = get(3);
    let Input::Request(request) = node.handle_input(NOW, 1, &asked) else {
        panic!()
    };
    let answer = node
        .respond(NOW, &request, Code::CONTENT, &mut buffer, |response| {
            response.payload(&[1; 100])
        })
        .unwrap();
    let answer = Message::parse(answer.bytes).unwrap();
    assert_eq!(answer.code(), Code::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.id(), MessageId(3));
}

#[test]
fn a_reset_ends_a_request() {
    let mut node = node();
    let exchange = node
        .request(NOW, 1, Code::GET, |request| request.path(["a"]))
        .unwrap();
    let asked = sent(&mut node).remove(0);
    let id = Message::parse(&asked).unwrap().id();
    node.handle_input(NOW, 2, &reset(id));
    assert_eq!(node.poll_output(&mut [0; 64]), Output::Idle);
    node.handle_input(NOW, 1, &reset(id));
    let failure = Failure::Reset;
    assert_eq!(
        node.poll_output(&mut [0; 64]),
        Output::Event(Event::Failed { exchange, failure })
    );
    assert_eq!(node.next_timeout(), None);
}

#[test]
fn a_separate_response_is_acknowledged_each_time_it_comes() {
    let mut node = node();
    node.request(NOW, 1, Code::GET, |request| request.path(["a"]))
        .unwrap();
    let asked = sent(&mut node).remove(0);
    let asked = Message::parse(&asked).unwrap();
    node.handle_input(NOW, 1, &empty_ack(asked.id()));
    assert!(sent(&mut node).is_empty());
    let mut buffer = [0; 64];
    let (con, id) = (Type::Confirmable, MessageId(77));
    let response = MessageBuilder::new(&mut buffer, con, Code::CONTENT, id, asked.token())
        .payload(b"x")
        .finish()
        .unwrap();
    assert!(matches!(
        node.handle_input(NOW, 2, response),
        Input::Nothing
    ));
    assert_eq!(sent(&mut node), [reset(id)]);
    assert!(matches!(
        node.handle_input(NOW, 1, response),
        Input::Response(_)
    ));
    assert_eq!(sent(&mut node), [empty_ack(id)]);
    assert!(matches!(
        node.handle_input(NOW, 1, response),
        Input::Nothing
    ));
    assert_eq!(sent(&mut node), [empty_ack(id)]);
}

#[test]
fn one_request_at_a_time_to_each_peer() {
    let mut node = node();
    for (peer, path) in [(1, "a"), (1, "b"), (2, "c")] {
        node.request(NOW, peer, Code::GET, |request| request.path([path]))
            .unwrap();
    }
    let datagrams = sent(&mut node);
    assert_eq!(datagrams.len(), 2);
    let first = Message::parse(&datagrams[0]).unwrap();
    node.handle_input(NOW, 1, &empty_ack(first.id()));
    let datagrams = sent(&mut node);
    let second = Message::parse(&datagrams[0]).unwrap();
    assert!(second.uri_path().eq([b"b"]));
    assert_ne!(first.id(), second.id());
    assert_ne!(first.token(), second.token());
}
