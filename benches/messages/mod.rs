//! The messages of the benchmarks, read and built with `dunlin-coap`.
//!
//! They are those of the shared vectors, which is why nothing is measured where those are absent.

use std::path::Path;

use dunlin_coap::block::{Block, BlockSize};
use dunlin_coap::{Code, Message, MessageBuilder, MessageId, OptionNumber, Token, Type};

/// Names and bytes of the messages; none, with a printed line, where the vectors are absent.
pub(crate) fn cases() -> Vec<(&'static str, Vec<u8>)> {
    // They lie beside the repository; this file is used from packages at different depths of it.
    // As cargo tells it at run time: clones that share a target directory share this program too.
    let here = std::env::var("CARGO_MANIFEST_DIR")
        .unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    let path = Path::new(&here)
        .ancestors()
        .map(|folder| folder.join("shared/vectors/bench-messages.json"))
        .find(|path| path.exists());
    let Some(path) = path else {
        eprintln!("skipped: no shared/vectors/bench-messages.json beside the repository");
        return Vec::new();
    };
    let text = std::fs::read_to_string(path).expect("it can be read");
    let mut buffer = [0; 1152];
    vec![
        ("get", message(&text, "coap-get")),
        ("register", message(&text, "coap-register")),
        ("content", content(&mut buffer, &[0x5a; 1024]).to_vec()),
    ]
}

/// The bytes of the message `name`: the value of "hex" that follows it.
fn message(text: &str, name: &str) -> Vec<u8> {
    let vector = text.split_once(name).expect("the vectors have it").1;
    let hex = vector.split_once("\"hex\": \"").expect("with bytes").1;
    let hex = hex.split_once('"').expect("in quotes").0;
    hex.as_bytes()
        .chunks(2)
        .map(|pair| str::from_utf8(pair).expect("ASCII"))
        .map(|pair| u8::from_str_radix(pair, 16).expect("hex"))
        .collect()
}

/// Parses and reads all there is.
#[inline]
pub(crate) fn read(bytes: &[u8]) -> usize {
    let message = Message::parse(bytes).expect("well formed");
    let mut sum = message.payload().len() + message.token_bytes().len();
    for (number, value) in message.options() {
        sum += usize::from(number.0) + value.len();
    }
    sum + usize::from(message.id().0)
}

/// The tokens of the vectors end in their own byte.
fn token(last: u8) -> Token {
    Token::from([0xa1, 0xb2, 0xc3, last])
}

/// Writes the GET.
pub(crate) fn get<'b>(buffer: &'b mut [u8], _: &[u8]) -> &'b [u8] {
    let (id, token) = (MessageId(0x1234), token(0xd4));
    MessageBuilder::new(buffer, Type::Confirmable, Code::GET, id, token)
        .observe(0)
        .path(["3", "0"])
        .accept(11542)
        .finish()
        .expect("fits")
}

/// Writes the Register with these links.
pub(crate) fn register<'b>(buffer: &'b mut [u8], links: &[u8]) -> &'b [u8] {
    let (id, token) = (MessageId(0x1235), token(0xd5));
    MessageBuilder::new(buffer, Type::Confirmable, Code::POST, id, token)
        .path(["rd"])
        .content_format(40)
        .query(["ep=urn:imei:490154203237518", "lt=300", "lwm2m=1.1", "b=U"])
        .payload(links)
        .finish()
        .expect("fits")
}

/// Writes the block with this payload.
pub(crate) fn content<'b>(buffer: &'b mut [u8], payload: &[u8]) -> &'b [u8] {
    let (id, token) = (MessageId(0x1236), token(0xd6));
    let block = Block::new(3, true, BlockSize::B1024).expect("in range");
    MessageBuilder::new(buffer, Type::Acknowledgement, Code::CONTENT, id, token)
        .option(OptionNumber::ETAG, &[1, 2, 3, 4])
        .content_format(42)
        .block2(block)
        .payload(payload)
        .finish()
        .expect("fits")
}
