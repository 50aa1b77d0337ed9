//! `dunlin-coap` beside `coap-lite` and libcoap; the naming convention is in `benches/README.md`.
//!
//! The messages are those of the shared vectors, which is why this measures nothing where they are absent.

mod echo;
mod external;

use core::hint::black_box;
use std::path::PathBuf;
use std::process::Command;

use coap_lite::{CoapOption, MessageType, Packet};
use criterion::{Criterion, criterion_group};
use dunlin_coap::block::{Block, BlockSize};
use dunlin_coap::{Code, Message, MessageBuilder, MessageId, OptionNumber, Token, Type};

/// Names and bytes of the messages; none, with a printed line, where the vectors are absent.
fn cases() -> Vec<(&'static str, Vec<u8>)> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../shared/vectors/bench-messages.json"
    );
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            println!("skipped: {path}: {error}");
            return Vec::new();
        }
    };
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
fn read(bytes: &[u8]) -> usize {
    let message = Message::parse(bytes).expect("well formed");
    let mut sum = message.payload().len() + message.token().len();
    for (number, value) in message.options() {
        sum += usize::from(number.0) + value.len();
    }
    sum + usize::from(message.id().0)
}

/// The same with coap-lite.
fn read_coap_lite(bytes: &[u8]) -> usize {
    let packet = Packet::from_bytes(bytes).expect("well formed");
    let mut sum = packet.payload.len() + packet.get_token().len();
    for (number, values) in packet.options() {
        for value in values {
            sum += usize::from(*number) + value.len();
        }
    }
    sum + usize::from(packet.header.message_id)
}

fn parse(c: &mut Criterion) {
    for (case, bytes) in cases() {
        assert_eq!(read(&bytes), read_coap_lite(&bytes));
        let mut group = c.benchmark_group(format!("coap/parse/{case}"));
        group.bench_function("dunlin", |b| b.iter(|| read(black_box(&bytes))));
        group.bench_function("coap-lite", |b| {
            b.iter(|| read_coap_lite(black_box(&bytes)));
        });
        group.finish();
    }
}

/// The tokens of the vectors end in their own byte.
fn token(last: u8) -> Token {
    Token::from([0xa1, 0xb2, 0xc3, last])
}

fn get<'b>(buffer: &'b mut [u8], _: &[u8]) -> &'b [u8] {
    let (id, token) = (MessageId(0x1234), token(0xd4));
    MessageBuilder::new(buffer, Type::Confirmable, Code::GET, id, token)
        .observe(0)
        .path(["3", "0"])
        .accept(11542)
        .finish()
        .expect("fits")
}

fn register<'b>(buffer: &'b mut [u8], links: &[u8]) -> &'b [u8] {
    let (id, token) = (MessageId(0x1235), token(0xd5));
    MessageBuilder::new(buffer, Type::Confirmable, Code::POST, id, token)
        .path(["rd"])
        .content_format(40)
        .query(["ep=urn:imei:490154203237518", "lt=300", "lwm2m=1.1", "b=U"])
        .payload(links)
        .finish()
        .expect("fits")
}

fn content<'b>(buffer: &'b mut [u8], payload: &[u8]) -> &'b [u8] {
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

/// The same with coap-lite, which is handed the values of the options ready to be copied.
fn build_coap_lite(parts: &Message<'_>, payload: &[u8]) -> Vec<u8> {
    let mut packet = Packet::new();
    packet.header.set_type(match parts.message_type() {
        Type::Acknowledgement => MessageType::Acknowledgement,
        _ => MessageType::Confirmable,
    });
    packet.header.code = parts.code().0.into();
    packet.header.message_id = parts.id().0;
    packet.set_token(parts.token().as_bytes().to_vec());
    for (number, value) in parts.options() {
        packet.add_option(CoapOption::from(number.0), value.to_vec());
    }
    packet.payload = payload.to_vec();
    packet.to_bytes().expect("fits")
}

/// Writes a message with this payload.
type Build = for<'b> fn(&'b mut [u8], &[u8]) -> &'b [u8];

fn serialise(c: &mut Criterion) {
    let builders: [Build; 3] = [get, register, content];
    for ((case, bytes), build) in cases().into_iter().zip(builders) {
        let parts = Message::parse(&bytes).expect("well formed");
        let payload = parts.payload();
        let mut buffer = [0; 1152];
        assert_eq!(build(&mut buffer, payload), bytes);
        assert_eq!(build_coap_lite(&parts, payload), bytes);
        let mut group = c.benchmark_group(format!("coap/serialise/{case}"));
        group.bench_function("dunlin", |b| {
            b.iter(|| build(black_box(&mut buffer), black_box(payload)).len());
        });
        group.bench_function("coap-lite", |b| {
            b.iter(|| build_coap_lite(black_box(&parts), black_box(payload)).len());
        });
        group.finish();
    }
}

/// libcoap in a process of its own, on the same bytes; a printed line where it is not installed.
fn libcoap(_: &mut Criterion) {
    if !external::measuring() {
        return;
    }
    let Some(program) = build_libcoap() else {
        println!("skipped: libcoap needs `cc` and Debian's libcoap3-dev");
        return;
    };
    for (case, bytes) in cases() {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        for operation in ["parse", "serialise"] {
            let output = Command::new(&program)
                .args([operation, &hex, "1"])
                .output()
                .expect("it was built here");
            let text = String::from_utf8_lossy(&output.stdout);
            let figure = text.trim().parse().unwrap_or_else(|_| {
                panic!("{}", String::from_utf8_lossy(&output.stderr));
            });
            external::report(&format!("coap/{operation}/{case}"), "libcoap", figure, "ns");
        }
    }
}

/// Compiles `benches/libcoap.c`; `None` without a compiler or without the library.
fn build_libcoap() -> Option<PathBuf> {
    let program = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("libcoap");
    let status = Command::new("cc")
        .args(["-O2", "-Wall", "-Wextra", "-o"])
        .arg(&program)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/libcoap.c"))
        .arg("-l:libcoap-3-notls.a")
        .status();
    status
        .is_ok_and(|status| status.success())
        .then_some(program)
}

criterion_group!(benches, parse, serialise, libcoap, echo::measure);

fn main() {
    echo::serve_if_told();
    benches();
    Criterion::default().configure_from_args().final_summary();
}
