//! Comparisons of `dunlin-codec`; the naming convention is in `benches/README.md`.
//!
//! The messages are those of `../shared/vectors/bench-messages.json`: twenty resources of a Device object, and the same
//! in SenML JSON. SenML is measured beside `ciborium`, `serde_cbor` and `serde_json` with `serde` structures, which give
//! records with names where ours gives paths and checks the types of the values; TLV and LwM2M CBOR have no peers among
//! Rust crates.

use core::hint::black_box;

use ciborium::Value as Cbor;
use criterion::{Bencher, Criterion, criterion_group, criterion_main};
use dunlin_codec::{ContentFormat, Decoder, Encoder, Record};
use dunlin_model::{Path, objects};
use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

fn message(name: &str) -> Option<Vec<u8>> {
    let file = dunlin_testkit::shared("vectors/bench-messages.json")?;
    let message = file["messages"]
        .as_array()?
        .iter()
        .find(|message| message["name"] == name)?;
    message["hex"].as_str().map(dunlin_testkit::hex)
}

fn base() -> Path {
    Path::try_from((3, 0)).expect("a path")
}

/// Reads every record.
fn decode(format: ContentFormat, bytes: &[u8]) -> usize {
    let decoder = Decoder::new(format, base(), bytes, objects::CORE, &mut []).expect("a payload");
    let mut count = 0;
    for record in decoder {
        assert!(black_box(&record).is_ok());
        count += 1;
    }
    count
}

fn encode(format: ContentFormat, records: &[Record<'_>], buffer: &mut [u8]) -> usize {
    let mut encoder = Encoder::new(format, base(), buffer);
    for record in records {
        encoder.push(record).expect("space");
    }
    encoder.finish().expect("space")
}

/// A SenML record as a user of `serde` would write it.
#[derive(Default)]
struct Senml {
    base_name: Option<String>,
    name: Option<String>,
    string_value: Option<String>,
    value: Option<Number>,
}

#[derive(Clone, Copy)]
enum Number {
    Integer(i64),
    Float(f64),
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Integer(number) => serializer.serialize_i64(number),
            Self::Float(number) => serializer.serialize_f64(number),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Numbers;
        impl Visitor<'_> for Numbers {
            type Value = Number;

            fn expecting(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                formatter.write_str("a number")
            }

            fn visit_i64<E>(self, number: i64) -> Result<Number, E> {
                Ok(Number::Integer(number))
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Number, E> {
                i64::try_from(number)
                    .map(Number::Integer)
                    .map_err(E::custom)
            }

            fn visit_f64<E>(self, number: f64) -> Result<Number, E> {
                Ok(Number::Float(number))
            }
        }
        deserializer.deserialize_any(Numbers)
    }
}

impl Serialize for Senml {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = [
            self.base_name.is_some(),
            self.name.is_some(),
            self.string_value.is_some(),
            self.value.is_some(),
        ];
        let mut map =
            serializer.serialize_map(Some(fields.iter().filter(|field| **field).count()))?;
        if let Some(name) = &self.base_name {
            map.serialize_entry(&-2, name)?;
        }
        if let Some(name) = &self.name {
            map.serialize_entry(&0, name)?;
        }
        if let Some(text) = &self.string_value {
            map.serialize_entry(&3, text)?;
        }
        if let Some(number) = &self.value {
            map.serialize_entry(&2, number)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Senml {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Records;
        impl<'de> Visitor<'de> for Records {
            type Value = Senml;

            fn expecting(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                formatter.write_str("a SenML record")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Senml, A::Error> {
                let mut record = Senml::default();
                while let Some(label) = map.next_key::<i64>()? {
                    match label {
                        -2 => record.base_name = Some(map.next_value()?),
                        0 => record.name = Some(map.next_value()?),
                        2 => record.value = Some(map.next_value()?),
                        3 => record.string_value = Some(map.next_value()?),
                        _ => drop(map.next_value::<Cbor>()?),
                    }
                }
                Ok(record)
            }
        }
        deserializer.deserialize_map(Records)
    }
}

/// The same with the labels of JSON.
#[derive(Serialize, Deserialize)]
struct SenmlJson {
    #[serde(rename = "bn", skip_serializing_if = "Option::is_none")]
    base_name: Option<String>,
    #[serde(rename = "n", skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(rename = "vs", skip_serializing_if = "Option::is_none")]
    string_value: Option<String>,
    #[serde(rename = "v", skip_serializing_if = "Option::is_none")]
    value: Option<Number>,
}

/// Our figures for `format`, and those of `peers` beside them: the name of each, what decodes and what encodes.
fn measure(
    criterion: &mut Criterion,
    name: &str,
    format: ContentFormat,
    source: ContentFormat,
    message: &[u8],
    peers: &[Peer],
) {
    let records: Vec<_> = Decoder::new(source, base(), message, objects::CORE, &mut [])
        .expect("a payload")
        .collect::<Result<_, _>>()
        .expect("records");
    let mut buffer = [0; 1024];
    let length = encode(format, &records, &mut buffer);
    let bytes = if source == format {
        message.to_vec()
    } else {
        buffer[..length].to_vec()
    };
    assert_eq!(decode(format, &bytes), records.len());

    let mut group = criterion.benchmark_group(format!("codec/decode/{name}"));
    group.bench_function("dunlin", |bencher| {
        bencher.iter(|| decode(format, black_box(&bytes)));
    });
    for peer in peers {
        group.bench_function(peer.name, |bencher| (peer.decode)(bencher, &bytes));
    }
    group.finish();

    let mut group = criterion.benchmark_group(format!("codec/encode/{name}"));
    group.bench_function("dunlin", |bencher| {
        bencher.iter(|| encode(format, black_box(&records), black_box(&mut buffer)));
    });
    for peer in peers {
        group.bench_function(peer.name, |bencher| (peer.encode)(bencher, &bytes));
    }
    group.finish();
}

/// Another library: how it decodes a payload, and encodes again what it says.
struct Peer {
    name: &'static str,
    decode: fn(&mut Bencher<'_>, &[u8]),
    encode: fn(&mut Bencher<'_>, &[u8]),
}

/// Writes into one vector, over and over.
fn encoding(bencher: &mut Bencher<'_>, mut encode: impl FnMut(&mut Vec<u8>)) {
    let mut buffer = Vec::with_capacity(1024);
    bencher.iter(|| {
        buffer.clear();
        encode(&mut buffer);
        buffer.len()
    });
}

const CIBORIUM: Peer = Peer {
    name: "ciborium",
    decode: |bencher, bytes| {
        bencher.iter(|| ciborium::from_reader::<Vec<Senml>, _>(black_box(bytes)).expect("a pack"));
    },
    encode: |bencher, bytes| {
        let pack: Vec<Senml> = ciborium::from_reader(bytes).expect("a pack");
        encoding(bencher, |buffer| {
            ciborium::into_writer(black_box(&pack), buffer).expect("a pack");
        });
    },
};

const SERDE_CBOR: Peer = Peer {
    name: "serde_cbor",
    decode: |bencher, bytes| {
        bencher.iter(|| serde_cbor::from_slice::<Vec<Senml>>(black_box(bytes)).expect("a pack"));
    },
    encode: |bencher, bytes| {
        let pack: Vec<Senml> = serde_cbor::from_slice(bytes).expect("a pack");
        encoding(bencher, |buffer| {
            serde_cbor::to_writer(buffer, black_box(&pack)).expect("a pack");
        });
    },
};

const SERDE_JSON: Peer = Peer {
    name: "serde_json",
    decode: |bencher, bytes| {
        bencher
            .iter(|| serde_json::from_slice::<Vec<SenmlJson>>(black_box(bytes)).expect("a pack"));
    },
    encode: |bencher, bytes| {
        let pack: Vec<SenmlJson> = serde_json::from_slice(bytes).expect("a pack");
        encoding(bencher, |buffer| {
            serde_json::to_writer(buffer, black_box(&pack)).expect("a pack");
        });
    },
};

fn codec(criterion: &mut Criterion) {
    const TLV: ContentFormat = ContentFormat::TLV;
    const SENML_CBOR: ContentFormat = ContentFormat::SENML_CBOR;
    const LWM2M_CBOR: ContentFormat = ContentFormat::LWM2M_CBOR;
    let (Some(tlv), Some(senml), Some(lwm2m)) = (
        message("tlv20"),
        message("senml-cbor20"),
        message("lwm2m-cbor20"),
    ) else {
        return;
    };
    measure(criterion, "tlv", TLV, TLV, &tlv, &[]);
    measure(
        criterion,
        "senml-cbor",
        SENML_CBOR,
        SENML_CBOR,
        &senml,
        &[CIBORIUM, SERDE_CBOR],
    );
    measure(criterion, "lwm2m-cbor", LWM2M_CBOR, LWM2M_CBOR, &lwm2m, &[]);
    let json = ContentFormat::SENML_JSON;
    measure(criterion, "senml-json", json, TLV, &tlv, &[SERDE_JSON]);
}

criterion_group!(benches, codec);
criterion_main!(benches);
