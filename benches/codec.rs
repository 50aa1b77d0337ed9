//! Comparisons of `dunlin-codec`; the naming convention is in `benches/README.md`.
//!
//! The messages are those of `../shared/vectors/bench-messages.json`: twenty resources of a Device object. SenML CBOR
//! is measured beside `ciborium` with `serde` structures, which gives records with names where ours gives paths and
//! checks the types of the values; TLV has no peer among Rust crates.

use core::hint::black_box;

use ciborium::Value as Cbor;
use criterion::{Criterion, criterion_group, criterion_main};
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
        black_box(record.expect("a record"));
        count += 1;
    }
    count
}

fn encode(format: ContentFormat, records: &[Record<'_>], buffer: &mut [u8]) -> usize {
    let mut encoder = Encoder::new(format, base(), buffer).expect("a format");
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

fn tlv(criterion: &mut Criterion) {
    let Some(bytes) = message("tlv20") else {
        return;
    };
    let mut group = criterion.benchmark_group("codec/decode/tlv");
    group.bench_function("dunlin", |bencher| {
        bencher.iter(|| decode(ContentFormat::TLV, black_box(&bytes)));
    });
    group.finish();

    let records: Vec<_> = Decoder::new(ContentFormat::TLV, base(), &bytes, objects::CORE, &mut [])
        .expect("a payload")
        .collect::<Result<_, _>>()
        .expect("records");
    let mut buffer = [0; 512];
    assert_eq!(
        encode(ContentFormat::TLV, &records, &mut buffer),
        bytes.len()
    );
    let mut group = criterion.benchmark_group("codec/encode/tlv");
    group.bench_function("dunlin", |bencher| {
        bencher.iter(|| {
            encode(
                ContentFormat::TLV,
                black_box(&records),
                black_box(&mut buffer),
            )
        });
    });
    group.finish();
}

fn senml_cbor(criterion: &mut Criterion) {
    let Some(bytes) = message("senml-cbor20") else {
        return;
    };
    let mut group = criterion.benchmark_group("codec/decode/senml-cbor");
    group.bench_function("dunlin", |bencher| {
        bencher.iter(|| decode(ContentFormat::SENML_CBOR, black_box(&bytes)));
    });
    group.bench_function("ciborium", |bencher| {
        bencher.iter(|| {
            ciborium::from_reader::<Vec<Senml>, _>(black_box(&bytes[..])).expect("a pack")
        });
    });
    group.finish();

    let records: Vec<_> = Decoder::new(
        ContentFormat::SENML_CBOR,
        base(),
        &bytes,
        objects::CORE,
        &mut [],
    )
    .expect("a payload")
    .collect::<Result<_, _>>()
    .expect("records");
    let theirs: Vec<Senml> = ciborium::from_reader(&bytes[..]).expect("a pack");
    let mut buffer = [0; 512];
    assert_eq!(
        encode(ContentFormat::SENML_CBOR, &records, &mut buffer),
        bytes.len()
    );
    let mut group = criterion.benchmark_group("codec/encode/senml-cbor");
    group.bench_function("dunlin", |bencher| {
        bencher.iter(|| {
            encode(
                ContentFormat::SENML_CBOR,
                black_box(&records),
                black_box(&mut buffer),
            )
        });
    });
    group.bench_function("ciborium", |bencher| {
        let mut buffer = Vec::with_capacity(512);
        bencher.iter(|| {
            buffer.clear();
            ciborium::into_writer(black_box(&theirs), &mut buffer).expect("a pack");
            buffer.len()
        });
    });
    group.finish();
}

criterion_group!(benches, tlv, senml_cbor);
criterion_main!(benches);
