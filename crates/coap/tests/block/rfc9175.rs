//! Request-Tag: bodies to one resource that are sent at the same time are not mixed (RFC 9175 §3).

use dunlin_coap::block::{BlockSize, Protection, Step, Tag, Transfer};
use dunlin_coap::{Code, Message, Type};

use crate::peers::{Server, body, request};

fn answer(server: &mut Server, transfer: &mut Transfer, bytes: &[u8]) -> (Code, Step) {
    let message = Message::parse(bytes).unwrap();
    let response = server.answer(&message, Type::Acknowledgement, message.id());
    let response = Message::parse(&response).unwrap();
    (response.code(), transfer.response(&response, 64).unwrap())
}

fn post(len: usize) -> Transfer {
    Transfer::new(Code::POST, len, BlockSize::B16, BlockSize::MAX).unwrap()
}

/// RFC 9175 §3.5.2.
#[test]
fn concurrent_operations_are_kept_apart() {
    let mut server = Server::new(BlockSize::MAX, BlockSize::MAX);
    let bodies = [body(40), body(50)[5..].to_vec(), vec![7; 33]];
    let mut tags: Vec<Option<Tag>> = Vec::new();
    for _ in &bodies {
        tags.push(Tag::unused(tags.iter().copied()));
    }
    assert_eq!(tags[0], None, "the first needs none");
    let mut transfers: Vec<_> = bodies.iter().map(|body| post(body.len())).collect();
    let mut open = 3;
    let mut id = 0;
    for round in 0.. {
        for (i, transfer) in transfers.iter_mut().enumerate() {
            id += 1;
            let bytes = request(transfer, Code::POST, "a", tags[i], id, &bodies[i]);
            let (code, step) = answer(&mut server, transfer, &bytes);
            if round < 2 {
                assert_eq!((code, step), (Code::CONTINUE, Step::Send));
            } else {
                assert_eq!(code, Code::CHANGED);
                open -= 1;
            }
        }
        if open == 0 {
            break;
        }
    }
    assert_eq!(server.taken, bodies);
}

/// Without tags the second body takes the place of the first (RFC 7959 §2.5), and nothing is mixed either.
#[test]
fn without_tags_the_later_body_wins() {
    let mut server = Server::new(BlockSize::MAX, BlockSize::MAX);
    let (mut one, mut other) = (post(40), post(40));
    let bytes = request(&one, Code::POST, "a", None, 1, &[1; 40]);
    answer(&mut server, &mut one, &bytes);
    let bytes = request(&one, Code::POST, "a", None, 2, &[1; 40]);
    answer(&mut server, &mut one, &bytes);
    let bytes = request(&other, Code::POST, "a", None, 3, &[2; 40]);
    answer(&mut server, &mut other, &bytes);
    let bytes = request(&one, Code::POST, "a", None, 4, &[1; 40]);
    let (code, step) = answer(&mut server, &mut one, &bytes);
    assert_eq!((code, step), (Code::REQUEST_ENTITY_INCOMPLETE, Step::Send));
    assert!(one.request().first, "begins anew");
    assert!(server.taken.is_empty());
}

/// The attack of RFC 9175 §3.5.1: a block of an earlier operation is replayed into a later one.
#[test]
fn a_replayed_block_belongs_to_its_own_body() {
    let mut server = Server::new(BlockSize::MAX, BlockSize::MAX);
    let mut first = post(40);
    let mut recorded = Vec::new();
    for id in 0..2 {
        recorded = request(&first, Code::POST, "a", None, id, &[b'X'; 40]);
        answer(&mut server, &mut first, &recorded);
    }
    // The client gives up. Nothing proves that its messages are no longer valid: the absent tag stays in use.
    assert!(!Protection::Dtls.concludes(true, true));
    let tag = Tag::unused([None].into_iter());
    let mut second = post(40);
    let bytes = request(&second, Code::POST, "a", tag, 10, &[b'Y'; 40]);
    answer(&mut server, &mut second, &bytes);
    let message = Message::parse(&recorded).unwrap();
    server.answer(&message, Type::Acknowledgement, message.id());
    for id in 11..13 {
        let bytes = request(&second, Code::POST, "a", tag, id, &[b'Y'; 40]);
        answer(&mut server, &mut second, &bytes);
    }
    assert_eq!(server.taken, [[b'Y'; 40]]);
}
