//! Reading and writing payloads: the records of a Device object in each format.

use core::hint::black_box;

use dunlin_codec::{ContentFormat, Decoder, Encoder, Record};
use dunlin_model::{Path, objects};

use crate::{Case, measured};

const TLV: ContentFormat = ContentFormat::TLV;
const SENML_CBOR: ContentFormat = ContentFormat::SENML_CBOR;
const SENML_JSON: ContentFormat = ContentFormat::SENML_JSON;
const LWM2M_CBOR: ContentFormat = ContentFormat::LWM2M_CBOR;

// What `--check` holds the codec to.
pub(crate) const CASES: &[Case] = &[
    Case {
        name: "codec/decode/tlv",
        goal: Some(1_500),
        run: |times| decode("tlv16", TLV, TLV, times),
    },
    Case {
        name: "codec/decode/senml-cbor",
        goal: Some(6_000),
        run: |times| decode("senml-cbor20", SENML_CBOR, SENML_CBOR, times),
    },
    Case {
        name: "codec/decode/lwm2m-cbor",
        goal: Some(5_000),
        run: |times| decode("lwm2m-cbor20", LWM2M_CBOR, LWM2M_CBOR, times),
    },
    Case {
        name: "codec/decode/senml-json",
        goal: Some(12_000),
        run: |times| decode("tlv20", TLV, SENML_JSON, times),
    },
    Case {
        name: "codec/encode/tlv",
        goal: Some(1_200),
        run: |times| encode("tlv16", TLV, times),
    },
    Case {
        name: "codec/encode/senml-cbor",
        goal: Some(2_500),
        run: |times| encode("tlv20", SENML_CBOR, times),
    },
    Case {
        name: "codec/encode/lwm2m-cbor",
        goal: Some(2_000),
        run: |times| encode("tlv20", LWM2M_CBOR, times),
    },
    Case {
        name: "codec/encode/senml-json",
        goal: Some(5_000),
        run: |times| encode("tlv20", SENML_JSON, times),
    },
];

fn message(name: &str) -> Vec<u8> {
    let file = dunlin_testkit::shared("vectors/bench-messages.json");
    let file = file.expect("the shared vectors are there");
    let messages = file["messages"].as_array().expect("a list");
    let message = messages.iter().find(|message| message["name"] == name);
    let hex = message.expect("a message of the name")["hex"].as_str();
    dunlin_testkit::hex(hex.expect("bytes in hexadecimal"))
}

fn base() -> Path {
    Path::try_from((3, 0)).expect("a path")
}

fn read(format: ContentFormat, bytes: &[u8]) -> usize {
    // A program gets its path from a request, and its definitions from a registry.
    let (base, types) = black_box((base(), objects::CORE));
    let mut decoder = Decoder::new(format, base, bytes, types, &mut []).expect("a payload");
    let mut count = 0;
    // Looked at where it is: `for` would move each record once more, which a program that uses it does not.
    while let Some(record) = &decoder.next() {
        assert!(black_box(record).is_ok());
        count += 1;
    }
    count
}

fn write(format: ContentFormat, records: &[Record<'_>], buffer: &mut [u8]) -> usize {
    let mut encoder = Encoder::new(format, base(), buffer);
    for record in records {
        encoder.push(record).expect("space");
    }
    encoder.finish().expect("space")
}

fn records(bytes: &[u8], format: ContentFormat) -> Vec<Record<'_>> {
    Decoder::new(format, base(), bytes, objects::CORE, &mut [])
        .expect("a payload")
        .map(|record| record.expect("a record"))
        .collect()
}

/// Decodes the message in `format`, which it is translated to if it is in another, `source`.
fn decode(name: &str, source: ContentFormat, format: ContentFormat, times: u32) {
    let mut bytes = message(name);
    if source != format {
        let mut buffer = vec![0; 1024];
        let length = write(format, &records(&bytes, source), &mut buffer);
        buffer.truncate(length);
        bytes = buffer;
    }
    for _ in 0..times {
        let bytes = black_box(&bytes[..]);
        black_box(measured(|| read(format, bytes)));
    }
}

/// Encodes the records of a TLV message in `format`.
fn encode(name: &str, format: ContentFormat, times: u32) {
    let bytes = message(name);
    let records = records(&bytes, TLV);
    let mut buffer = [0; 1024];
    for _ in 0..times {
        let records = black_box(&records[..]);
        let buffer = black_box(&mut buffer[..]);
        black_box(measured(|| write(format, records, buffer)));
    }
}
