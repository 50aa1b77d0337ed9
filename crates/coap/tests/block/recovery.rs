//! Refusals, hints and changes on the way (RFC 7959 §2.4, §2.5, §2.9).

use dunlin_coap::block::{
    BlockError, BlockSize, FromFn, Outgoing, ReceiveError, SendError, Step, Transfer, TransferError,
};
use dunlin_coap::{Code, Message, MessageBuilder, MessageId, OptionNumber, Token, Type};

use crate::peers::{Server, body, exchange, exchange_with, line};

fn transfer(method: Code, len: usize, block1: BlockSize, block2: BlockSize) -> Transfer {
    Transfer::new(method, len, block1, block2).unwrap()
}

/// A response with these options.
fn response(code: Code, write: impl FnOnce(&mut MessageBuilder<'_>)) -> Vec<u8> {
    let mut buffer = vec![0; 2048];
    let token = Token::EMPTY;
    let mut builder = MessageBuilder::new(
        &mut buffer,
        Type::Acknowledgement,
        code,
        MessageId(1),
        token,
    );
    write(&mut builder);
    builder.finish().unwrap().to_vec()
}

/// RFC 7959 §2.4: the client attempts to retrieve fresh values for the blocks that it retrieved first.
#[test]
fn a_changed_resource_is_got_anew() {
    let mut server = Server::new(BlockSize::MAX, BlockSize::B64);
    server.resource = vec![1; 200];
    let (mut said, mut log) = (0, Vec::new());
    let client = transfer(Code::GET, 0, BlockSize::MAX, BlockSize::MAX);
    let (code, got) = exchange_with(
        &mut server,
        client,
        Code::GET,
        "a",
        &[],
        |server, message| {
            log.push(line(message));
            said += 1;
            if said == 4 {
                server.resource = vec![2; 150];
                server.version += 1;
            }
        },
    );
    assert_eq!((code, got), (Code::CONTENT, vec![2; 150]));
    assert_eq!(
        log[4..8],
        [
            "GET, /a, 2:2/0/64",
            "2.05 Content, 2:2/0/64",
            "GET, /a, 2:0/0/64",
            "2.05 Content, 2:0/1/64"
        ]
    );
}

#[test]
fn a_resource_that_changes_for_ever_is_given_up() {
    let mut client = transfer(Code::GET, 0, BlockSize::MAX, BlockSize::MAX);
    let mut etag = 0_u8;
    let mut restarts = 0;
    let error = loop {
        etag += 1;
        let block = client.request().options.block2;
        let block = block.map_or(8, |block| block.to_uint() | 8);
        let bytes = response(Code::CONTENT, |m| {
            m.etag(&[etag])
                .uint(OptionNumber::BLOCK2, block)
                .payload(&[0; 16]);
        });
        match client.response(&Message::parse(&bytes).unwrap(), 64) {
            Ok(Step::Restart) => restarts += 1,
            Ok(step) => assert!(matches!(step, Step::Content(_))),
            Err(error) => break error,
        }
    };
    assert_eq!(error, TransferError::Receive(ReceiveError::EtagChanged));
    assert_eq!(restarts, 3);
}

/// What is not safe is not done twice.
#[test]
fn a_post_is_not_repeated_for_its_response() {
    for (method, restarts) in [(Code::POST, false), (Code::FETCH, true)] {
        let mut server = Server::new(BlockSize::MAX, BlockSize::B64);
        server.reply = vec![1; 200];
        let mut client = transfer(method, 20, BlockSize::B16, BlockSize::MAX);
        for id in 0..4 {
            let bytes = crate::peers::request(&client, method, "a", None, id, &body(20));
            let message = Message::parse(&bytes).unwrap();
            let answer = server.answer(&message, Type::Acknowledgement, message.id());
            if id == 2 {
                server.version += 1;
            }
            let answer = Message::parse(&answer).unwrap();
            let step = client.response(&answer, 200);
            match (id, restarts) {
                (3, false) => {
                    let error = TransferError::Receive(ReceiveError::EtagChanged);
                    assert_eq!(step, Err(error));
                }
                (3, true) => {
                    assert_eq!(step, Ok(Step::Restart));
                    let again = client.request();
                    assert_eq!((again.first, again.part.len), (true, 16));
                }
                _ => assert!(step.is_ok()),
            }
        }
    }
}

#[test]
fn a_server_that_forgot_is_told_again() {
    let mut server = Server::new(BlockSize::MAX, BlockSize::MAX);
    let mut said = 0;
    let client = transfer(Code::PUT, 100, BlockSize::B32, BlockSize::MAX);
    let mut log = Vec::new();
    let (code, _) = exchange_with(
        &mut server,
        client,
        Code::PUT,
        "a",
        &body(100),
        |server, message| {
            log.push(line(message));
            said += 1;
            if said == 4 {
                server.uploads.clear();
            }
        },
    );
    assert_eq!((code, &server.resource), (Code::CHANGED, &body(100)));
    assert_eq!(
        log[4..8],
        [
            "PUT, /a, 1:2/1/32",
            "4.08 Request Entity Incomplete, 1:2/1/32",
            "PUT, /a, 1:0/1/32",
            "2.31 Continue, 1:0/1/32"
        ]
    );
}

#[test]
fn a_server_that_always_forgets_has_the_last_word() {
    let mut client = transfer(Code::PUT, 100, BlockSize::B32, BlockSize::MAX);
    let refused = response(Code::REQUEST_ENTITY_INCOMPLETE, |_| ());
    let refused = Message::parse(&refused).unwrap();
    for _ in 0..3 {
        assert_eq!(client.response(&refused, 0), Ok(Step::Send));
    }
    assert_eq!(client.response(&refused, 0), Ok(Step::Refused));
    // Nothing was sent in blocks, so nothing can be incomplete.
    let mut client = transfer(Code::PUT, 10, BlockSize::B32, BlockSize::MAX);
    assert_eq!(client.response(&refused, 0), Ok(Step::Refused));
}

/// RFC 7959 §2.9.3.
#[test]
fn too_large_may_be_a_hint() {
    let refused = |size1: Option<u32>, block: Option<u32>| {
        response(Code::REQUEST_ENTITY_TOO_LARGE, |m| {
            if let Some(block) = block {
                m.uint(OptionNumber::BLOCK1, block);
            }
            if let Some(size) = size1 {
                m.uint(OptionNumber::SIZE1, size);
            }
        })
    };
    let cases = [
        // A smaller block, SZX 1; the same size; no option: nothing else to try.
        (128, None, Some(1), Some(32)),
        (128, None, Some(3), None),
        (128, None, None, None),
        // The body would never be taken.
        (128, Some(299), Some(1), None),
        (128, Some(300), Some(1), Some(32)),
        // Sent whole: try blocks.
        (1024, None, None, Some(256)),
        (1024, Some(1000), None, Some(256)),
        (1024, Some(299), None, None),
        (1024, None, Some(2), Some(64)),
    ];
    for (size, size1, block, expected) in cases {
        let size = BlockSize::at_most(size).unwrap();
        let mut client = transfer(Code::PUT, 300, size, BlockSize::MAX);
        let bytes = refused(size1, block);
        let step = client.response(&Message::parse(&bytes).unwrap(), 0);
        match expected {
            Some(size) => {
                assert_eq!(step, Ok(Step::Send), "{size1:?} {block:?}");
                let next = client.request();
                assert_eq!((next.part.len, next.part.offset), (size, 0));
                assert!(next.options.block1.is_some() && next.options.size1 == Some(300));
            }
            None => assert_eq!(step, Ok(Step::Refused), "{size1:?} {block:?}"),
        }
    }
    // Both sides together: the server tells its limit, the client believes it.
    let mut server = Server::new(BlockSize::B64, BlockSize::MAX);
    server.capacity = 200;
    let client = transfer(Code::PUT, 300, BlockSize::B128, BlockSize::MAX);
    let mut size1 = None;
    let (code, _) = exchange_with(
        &mut server,
        client,
        Code::PUT,
        "a",
        &body(300),
        |_, message| {
            size1 = message.uint(OptionNumber::SIZE1);
            if message.code().is_response() {
                assert_eq!(line(message), "4.13 Request Entity Too Large, 1:0/1/64");
            }
        },
    );
    assert_eq!((code, size1), (Code::REQUEST_ENTITY_TOO_LARGE, Some(200)));
}

#[test]
fn other_refusals_end_the_operation() {
    let mut client = transfer(Code::PUT, 300, BlockSize::B128, BlockSize::MAX);
    let bytes = response(Code::FORBIDDEN, |m| {
        m.payload(b"no");
    });
    assert_eq!(
        client.response(&Message::parse(&bytes).unwrap(), 0),
        Ok(Step::Refused)
    );

    let go_on = response(Code::CONTINUE, |m| {
        m.uint(OptionNumber::BLOCK1, 0x18);
    });
    let mut client = transfer(Code::PUT, 10, BlockSize::B128, BlockSize::MAX);
    assert_eq!(
        client.response(&Message::parse(&go_on).unwrap(), 0),
        Err(TransferError::Send(SendError::WrongBlock)),
        "there is nothing more"
    );
    let reserved = response(Code::CONTINUE, |m| {
        m.uint(OptionNumber::BLOCK1, 0x0f);
    });
    let mut client = transfer(Code::PUT, 300, BlockSize::B128, BlockSize::MAX);
    assert_eq!(
        client.response(&Message::parse(&reserved).unwrap(), 0),
        Err(TransferError::Send(SendError::Option(
            BlockError::ReservedSize
        )))
    );
}

/// A body of unknown length is cut the same as one whose length is known.
#[test]
fn bodies_of_unknown_length() {
    for len in [0, 1, 15, 16, 17, 31, 32, 33, 100] {
        let source = body(len);
        let mut server = Server::new(BlockSize::MAX, BlockSize::B16);
        server.resource.clone_from(&source);
        for number in 0..9 {
            for option in [None, Some(number << 4)] {
                let request = option.map(|value| value.try_into().unwrap());
                let known = Outgoing::from_body(&mut &source[..], request, BlockSize::B16, 0);
                let mut unknown = FromFn(None, |offset: usize, space: &mut [u8]| {
                    let rest = source.get(offset..).unwrap_or_default();
                    let len = rest.len().min(space.len());
                    space[..len].copy_from_slice(&rest[..len]);
                    len
                });
                let found = Outgoing::from_body(&mut unknown, request, BlockSize::B16, 0);
                assert_eq!(
                    found.map(|part| part.block),
                    known.map(|part| part.block),
                    "{len}"
                );
                let (Ok(known), Ok(found)) = (known, found) else {
                    continue;
                };
                let written = response(Code::CONTENT, |m| {
                    found.write(&mut unknown, m).unwrap();
                });
                let written = Message::parse(&written).unwrap();
                assert_eq!(written.payload(), known.of(&source));
            }
        }
    }
    // A body that ends earlier than it said, and a message without room.
    let mut short = FromFn(Some(20), |_, space: &mut [u8]| space.len().min(5));
    let part = Outgoing::from_body(&mut short, None, BlockSize::B16, 0).unwrap();
    response(Code::CONTENT, |m| {
        assert_eq!(part.write(&mut short, m), Err(SendError::Shortened));
    });
    let mut buffer = [0; 12];
    let mut small = MessageBuilder::new(
        &mut buffer,
        Type::Acknowledgement,
        Code::CONTENT,
        MessageId(1),
        Token::EMPTY,
    );
    assert_eq!(
        part.write(&mut &body(20)[..], &mut small),
        Err(SendError::Shortened)
    );
}

#[test]
fn the_last_response_may_have_no_blocks() {
    // A POST in blocks whose response is short.
    let mut server = Server::new(BlockSize::MAX, BlockSize::MAX);
    server.reply = b"done".to_vec();
    let client = transfer(Code::POST, 100, BlockSize::B64, BlockSize::MAX);
    let (log, _, got) = exchange(&mut server, client, Code::POST, "a", &body(100));
    assert_eq!(got, b"done");
    assert_eq!(log.last().unwrap(), "2.04 Changed, 1:1/0/64");
}
