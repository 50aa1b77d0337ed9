//! `dunlin-coap` beside `coap-lite` and libcoap; the naming convention is in `benches/README.md`.

mod echo;
mod external;
mod messages;

use core::fmt::Write;
use core::hint::black_box;
use std::path::PathBuf;
use std::process::Command;

use coap_lite::{CoapOption, MessageType, Packet};
use criterion::{Criterion, criterion_group};
use dunlin_coap::{Message, Type};
use messages::{cases, content, get, read, register};

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
        let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").expect("a string takes all");
            hex
        });
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
