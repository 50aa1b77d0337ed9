//! The examples of RFC 8323 §6: blocks on reliable transports.

use dunlin_coap::block::{BlockSize, Transfer};
use dunlin_coap::{Code, Message, Type};

use crate::peers::{Server, body, exchange, line, request};

#[test]
fn figure_13_get_with_bert_blocks() {
    let mut server = Server::new(BlockSize::Bert, BlockSize::Bert);
    server.resource = body(3072 + 5120 + 4711);
    server.limits = vec![3072, 5120 + 1000, 8000];
    let client = Transfer::new(Code::GET, 0, BlockSize::Bert, BlockSize::Bert).unwrap();
    let (log, _, got) = exchange(&mut server, client, Code::GET, "status", &[]);
    assert_eq!(got, server.resource);
    assert_eq!(
        log,
        [
            "GET, /status",
            "2.05 Content, 2:0/1/BERT(3072)",
            "GET, /status, 2:3/0/BERT",
            "2.05 Content, 2:3/1/BERT(5120)",
            "GET, /status, 2:8/0/BERT",
            "2.05 Content, 2:8/0/BERT(4711)",
        ]
    );
}

#[test]
fn figure_14_put_with_bert_blocks() {
    let len = 8192 + 16384 + 5683;
    let mut server = Server::new(BlockSize::Bert, BlockSize::Bert);
    let client = Transfer::new(Code::PUT, len, BlockSize::Bert, BlockSize::Bert).unwrap();
    let mut transfer = client;
    let mut log = Vec::new();
    for (id, limit) in [(1, 8192), (2, 16384), (3, 8192)] {
        transfer = transfer.payload_limit(limit);
        let bytes = request(&transfer, Code::PUT, "options", None, id, &body(len));
        let message = Message::parse(&bytes).unwrap();
        let answer = server.answer(&message, Type::Acknowledgement, message.id());
        let answer = Message::parse(&answer).unwrap();
        log.extend([line(&message), line(&answer)]);
        transfer.response(&answer, 0).unwrap();
    }
    assert_eq!(server.resource, body(len));
    assert_eq!(
        log,
        [
            "PUT, /options, 1:0/1/BERT(8192)",
            "2.31 Continue, 1:0/1/BERT",
            "PUT, /options, 1:8/1/BERT(16384)",
            "2.31 Continue, 1:8/1/BERT",
            "PUT, /options, 1:24/0/BERT(5683)",
            "2.04 Changed, 1:24/0/BERT",
        ]
    );
}

/// "the recipient of a CoAP request with a BERT Option in control usage is allowed to respond with a different SZX
/// value"
#[test]
fn bert_is_an_offer() {
    let mut server = Server::new(BlockSize::Bert, BlockSize::B512);
    server.resource = body(1200);
    let client = Transfer::new(Code::GET, 0, BlockSize::Bert, BlockSize::Bert).unwrap();
    let client = client.negotiate_early();
    let (log, _, got) = exchange(&mut server, client, Code::GET, "a", &[]);
    assert_eq!(got, server.resource);
    assert_eq!(
        log[..3],
        [
            "GET, /a, 2:0/0/BERT",
            "2.05 Content, 2:0/1/512",
            "GET, /a, 2:1/0/512"
        ]
    );

    // A server that understands BERT and wants smaller blocks gets them after the first payload.
    let mut server = Server::new(BlockSize::B1024, BlockSize::Bert);
    let client = Transfer::new(Code::PUT, 5000, BlockSize::Bert, BlockSize::Bert).unwrap();
    let (log, code, _) = exchange(
        &mut server,
        client.payload_limit(4096),
        Code::PUT,
        "a",
        &body(5000),
    );
    // It said BlockSize::B1024 and so takes SZX 7 for the reserved value.
    assert_eq!((log.len(), code), (2, Code::BAD_REQUEST));
}
