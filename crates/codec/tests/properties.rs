//! Properties of the formats: what is written is read again, in every format the same, and no input does harm.

use std::collections::BTreeMap;

use dunlin_codec::{ContentFormat, Decoder, EncodeError, Part, Record, Types, encode_part};
use dunlin_model::{ObjectLink, Path, Value, ValueType};
use proptest::prelude::*;

mod checks;

const TLV: ContentFormat = ContentFormat::TLV;
const SENML_CBOR: ContentFormat = ContentFormat::SENML_CBOR;
const SENML_JSON: ContentFormat = ContentFormat::SENML_JSON;
const LWM2M_CBOR: ContentFormat = ContentFormat::LWM2M_CBOR;
const LWM2M_JSON: ContentFormat = ContentFormat::LWM2M_JSON;

/// The formats of any number of values.
const MANY: [ContentFormat; 7] = [
    TLV,
    SENML_CBOR,
    SENML_JSON,
    LWM2M_CBOR,
    LWM2M_JSON,
    ContentFormat::SENML_ETCH_CBOR,
    ContentFormat::SENML_ETCH_JSON,
];

/// JSON has no numbers that are none.
const JSON: [ContentFormat; 3] = [SENML_JSON, LWM2M_JSON, ContentFormat::SENML_ETCH_JSON];

/// An input that fails is printed, and belongs into a test of its own.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// A value that owns its bytes.
#[derive(Clone, Debug)]
enum Owned {
    Text(String),
    Bytes(Vec<u8>),
    Plain(Value<'static>),
    Corelnk(String),
}

impl Owned {
    fn value(&self) -> Value<'_> {
        match self {
            Self::Text(text) => Value::String(text),
            Self::Bytes(bytes) => Value::Opaque(bytes),
            Self::Plain(value) => *value,
            Self::Corelnk(text) => Value::Corelnk(text),
        }
    }
}

/// A value of any type.
fn value() -> impl Strategy<Value = Owned> {
    prop_oneof![
        any::<String>().prop_map(Owned::Text),
        any::<String>().prop_map(Owned::Corelnk),
        proptest::collection::vec(any::<u8>(), 0..300).prop_map(Owned::Bytes),
        integer().prop_map(|number| Owned::Plain(Value::Integer(number))),
        integer().prop_map(|number| Owned::Plain(Value::Time(number))),
        integer().prop_map(|number| Owned::Plain(Value::Unsigned(number.cast_unsigned()))),
        number().prop_map(|number| Owned::Plain(Value::Float(number))),
        any::<bool>().prop_map(|truth| Owned::Plain(Value::Boolean(truth))),
        any::<(u16, u16)>().prop_map(|(object, instance)| Owned::Plain(Value::Objlnk(
            ObjectLink::new(object, instance)
        ))),
    ]
}

/// Numbers of every length in bits.
fn integer() -> impl Strategy<Value = i64> {
    (any::<i64>(), 0..64_u32).prop_map(|(number, shift)| number >> shift)
}

/// Numbers that fit 16, 32 and 64 bits.
fn number() -> impl Strategy<Value = f64> {
    use proptest::num::{f32, f64};
    prop_oneof![
        (f32::NORMAL | f32::SUBNORMAL | f32::ZERO | f32::INFINITE).prop_map(f64::from),
        f64::NORMAL | f64::SUBNORMAL | f64::ZERO,
        (-2000..2000_i32).prop_map(|number| f64::from(number) / 8.0),
    ]
}

/// Identifiers of 8 and of 16 bits.
fn id() -> impl Strategy<Value = u16> {
    prop_oneof![0..4_u16, 0..=255_u16, 256..=65534_u16]
}

#[derive(Clone, Debug)]
enum Resource {
    Single(Owned),
    /// The value of each resource instance is a copy, so that they have one type.
    Multiple(Owned, Vec<u16>),
}

fn resource() -> impl Strategy<Value = Resource> {
    prop_oneof![
        2 => value().prop_map(Resource::Single),
        1 => (value(), proptest::collection::btree_set(id(), 0..4))
            .prop_map(|(value, ids)| Resource::Multiple(value, ids.into_iter().collect())),
    ]
}

/// Instances of an object and their resources.
type Object = BTreeMap<u16, BTreeMap<u16, Resource>>;

fn object() -> impl Strategy<Value = Object> {
    proptest::collection::btree_map(
        id(),
        proptest::collection::btree_map(id(), resource(), 0..8),
        0..4,
    )
}

/// The type of each resource.
struct Table(BTreeMap<Path, ValueType>);

impl Types for Table {
    fn value_type(&self, path: &Path) -> Option<ValueType> {
        self.0
            .get(&path.truncate(dunlin_model::Level::Resource))
            .copied()
    }
}

const OBJECT: u16 = 9;

/// The records that a Read of the whole object gives, and their types.
fn records(object: &Object) -> (Vec<Record<'_>>, Table) {
    let mut records = Vec::new();
    let mut types = BTreeMap::new();
    for (&instance, resources) in object {
        if resources.is_empty() {
            records.push(Record::new(
                Path::try_from((OBJECT, instance)).unwrap(),
                Value::None,
            ));
        }
        for (&id, resource) in resources {
            let path = Path::try_from((OBJECT, instance, id)).unwrap();
            match resource {
                Resource::Single(value) => {
                    records.push(Record::new(path, value.value()));
                    types.insert(path, value.value().kind());
                }
                Resource::Multiple(value, ids) => {
                    if ids.is_empty() {
                        records.push(Record::new(path, Value::None));
                    }
                    for &id in ids {
                        records.push(Record::new(path.child(id).unwrap(), value.value()));
                    }
                    types.insert(path, value.value().kind());
                }
            }
        }
    }
    (records, Table(types))
}

fn written(format: ContentFormat, base: Path, records: &[Record<'_>]) -> Vec<u8> {
    let mut buffer = vec![0; 100_000];
    let length = checks::encode(format, base, records, &mut buffer).unwrap();
    buffer.truncate(length);
    buffer
}

fn read<'a>(
    format: ContentFormat,
    base: Path,
    bytes: &'a [u8],
    types: &'a Table,
    scratch: &'a mut [u8],
) -> Vec<Record<'a>> {
    let decoder = Decoder::new(format, base, bytes, types, scratch).unwrap();
    decoder
        .collect::<Result<_, _>>()
        .unwrap_or_else(|error| panic!("{format} of {base}: {error}"))
}

/// Whether JSON can say it.
fn is_finite(records: &[Record<'_>]) -> bool {
    !records
        .iter()
        .any(|record| matches!(record.value, Value::Float(number) if !number.is_finite()))
}

/// The record with 64 bits where a float has 32.
fn widened(record: Record<'_>) -> Record<'_> {
    let value = match record.value {
        Value::Single(number) => Value::Float(number.into()),
        value => value,
    };
    Record { value, ..record }
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn records_come_back_the_same_from_every_format(object in object()) {
        let (records, types) = records(&object);
        let root = Path::try_from((OBJECT,)).unwrap();
        for format in MANY {
            if JSON.contains(&format) && !is_finite(&records) {
                continue;
            }
            let bytes = written(format, root, &records);
            let mut scratch = vec![0; bytes.len()];
            let back = read(format, root, &bytes, &types, &mut scratch);
            prop_assert_eq!(&back, &records, "{}", format);
            // Across formats, to the bit. Digits are fewer where the bits are.
            let back: Vec<_> = back.into_iter().map(widened).collect();
            for other in MANY {
                if JSON.contains(&other) && !is_finite(&records) {
                    continue;
                }
                prop_assert_eq!(written(other, root, &back), written(other, root, &records));
            }
        }
    }

    #[test]
    fn every_node_can_be_the_request(object in object(), choice in any::<prop::sample::Index>()) {
        let (records, types) = records(&object);
        prop_assume!(!records.is_empty());
        let mut base = choice.get(&records).path;
        loop {
            let below: Vec<_> = records.iter().filter(|record| base.contains(&record.path)).copied().collect();
            for format in MANY {
                if format == TLV && base == Path::ROOT || JSON.contains(&format) && !is_finite(&below) {
                    continue;
                }
                let bytes = written(format, base, &below);
                let mut scratch = vec![0; bytes.len()];
                let back = read(format, base, &bytes, &types, &mut scratch);
                prop_assert_eq!(back, &*below, "{} of {}", format, base);
            }
            let Some(parent) = base.parent() else { break };
            base = parent;
        }
    }

    #[test]
    fn every_part_is_that_of_the_whole(object in object(), size in 1..70_usize, choice in any::<prop::sample::Index>()) {
        let (records, _) = records(&object);
        prop_assume!(is_finite(&records));
        let root = Path::try_from((OBJECT,)).unwrap();
        for format in MANY {
            let whole = written(format, root, &records);
            let mut skip = choice.index(whole.len() + 1);
            for _ in 0..4 {
                let mut block = vec![0; size];
                let part = encode_part(format, root, skip, &mut block, |encoder| {
                    records.iter().try_for_each(|record| encoder.push(record))
                });
                let part: Part = part.map_err(|error: EncodeError| error).unwrap();
                prop_assert_eq!(part.total, whole.len());
                prop_assert_eq!(part.length, size.min(whole.len() - skip));
                prop_assert_eq!(&block[..part.length], &whole[skip..][..part.length], "{} from {}", format, skip);
                skip += part.length;
            }
        }
    }

    #[test]
    fn every_cut_of_tlv_is_an_error_or_shorter(object in object(), cut in any::<prop::sample::Index>()) {
        let (records, types) = records(&object);
        let root = Path::try_from((OBJECT,)).unwrap();
        let bytes = written(TLV, root, &records);
        prop_assume!(!bytes.is_empty());
        let cut = &bytes[..cut.index(bytes.len())];
        let decoder = Decoder::new(TLV, root, cut, &types, &mut []).unwrap();
        // A cut between two instances is a payload too.
        if let Ok(fewer) = decoder.collect::<Result<Vec<_>, _>>() {
            prop_assert!(records.starts_with(&fewer) && fewer.len() < records.len());
        }
    }

    #[test]
    fn every_cut_of_the_others_is_an_error(object in object(), cut in any::<prop::sample::Index>()) {
        let (records, types) = records(&object);
        prop_assume!(is_finite(&records));
        let root = Path::try_from((OBJECT,)).unwrap();
        for format in MANY.into_iter().filter(|format| *format != TLV) {
            let bytes = written(format, root, &records);
            let cut = &bytes[..cut.index(bytes.len())];
            let mut scratch = vec![0; cut.len()];
            let decoder = Decoder::new(format, root, cut, &types, &mut scratch).unwrap();
            prop_assert!(decoder.collect::<Result<Vec<_>, _>>().is_err(), "{}", format);
        }
    }

    #[test]
    fn times_come_back(times in proptest::collection::vec(number(), 1..6), value in integer()) {
        let path = Path::try_from((OBJECT, 0, 7)).unwrap();
        let types = Table(BTreeMap::from([(path, ValueType::Integer)]));
        let records: Vec<_> = times
            .iter()
            .filter(|time| time.is_finite())
            .map(|time| Record { time: Some(*time), ..Record::new(path, Value::Integer(value)) })
            .collect();
        for format in [SENML_CBOR, SENML_JSON, LWM2M_JSON] {
            let bytes = written(format, path, &records);
            prop_assert_eq!(read(format, path, &bytes, &types, &mut []), &*records, "{}", format);
        }
    }

    #[test]
    fn single_values_come_back(value in value()) {
        let path = Path::try_from((OBJECT, 0, 7)).unwrap();
        let types = Table(BTreeMap::from([(path, value.value().kind())]));
        let record = Record::new(path, value.value());
        for format in [ContentFormat::TEXT, ContentFormat::CBOR, ContentFormat::OPAQUE] {
            let possible = match format {
                ContentFormat::TEXT => is_finite(&[record]),
                ContentFormat::OPAQUE => matches!(record.value, Value::Opaque(_)),
                _ => true,
            };
            if !possible {
                continue;
            }
            let bytes = written(format, path, &[record]);
            let mut scratch = vec![0; bytes.len()];
            prop_assert_eq!(read(format, path, &bytes, &types, &mut scratch), [record]);
        }
    }

    #[test]
    fn what_is_cbor_for_us_is_cbor_for_others(object in object()) {
        let (records, _) = records(&object);
        let root = Path::try_from((OBJECT,)).unwrap();
        for (format, base) in [(SENML_CBOR, Path::ROOT), (LWM2M_CBOR, root)] {
            let bytes = written(format, base, &records);
            let value: ciborium::Value = ciborium::from_reader(&bytes[..]).unwrap();
            let mut rewritten = Vec::new();
            ciborium::into_writer(&value, &mut rewritten).unwrap();
            prop_assert_eq!(rewritten, bytes);
        }
    }

    #[test]
    fn what_is_json_for_us_is_json_for_others(object in object()) {
        let (records, _) = records(&object);
        prop_assume!(is_finite(&records));
        for format in [SENML_JSON, LWM2M_JSON] {
            let bytes = written(format, Path::ROOT, &records);
            let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            let (entries, base) = match format {
                SENML_JSON => (&value, ""),
                _ => (&value["e"], value["bn"].as_str().unwrap_or_default()),
            };
            let entries = entries.as_array().unwrap();
            prop_assert_eq!(entries.len(), records.len());
            let mut base = base.to_owned();
            for (entry, record) in entries.iter().zip(&records) {
                if let Some(name) = entry["bn"].as_str() {
                    name.clone_into(&mut base);
                }
                let name = base.clone() + entry["n"].as_str().unwrap_or_default();
                prop_assert_eq!(name, record.path.to_string());
                let text = entry.get("vs").or_else(|| entry.get("sv")).and_then(serde_json::Value::as_str);
                match record.value {
                    Value::String(value) | Value::Corelnk(value) => prop_assert_eq!(text, Some(value)),
                    Value::Integer(value) | Value::Time(value) => prop_assert_eq!(entry["v"].as_i64(), Some(value)),
                    Value::Unsigned(value) => prop_assert_eq!(entry["v"].as_u64(), Some(value)),
                    Value::Boolean(value) => {
                        let truth = entry.get("vb").or_else(|| entry.get("bv"));
                        prop_assert_eq!(truth.and_then(serde_json::Value::as_bool), Some(value));
                    }
                    _ => {}
                }
            }
        }
    }
}

/// Bytes that look like TLVs.
fn tlv_like() -> impl Strategy<Value = Vec<u8>> {
    let type_byte = prop_oneof![
        any::<u8>(),
        Just(0xc1),
        Just(0xc4),
        Just(0x08),
        Just(0x88),
        Just(0x41),
        Just(0x83)
    ];
    let tlv = (
        type_byte,
        proptest::collection::vec(prop_oneof![0..12_u8, any::<u8>()], 0..12),
    );
    proptest::collection::vec(tlv, 0..6).prop_map(|tlvs| {
        tlvs.into_iter()
            .flat_map(|(first, rest)| [vec![first], rest].concat())
            .collect()
    })
}

/// Bytes that look like SenML.
fn senml_like() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(vec![0x9f]),
        Just(vec![0xff]),
        Just(vec![0xbf]),
        (0..4_u8).prop_map(|count| vec![0x80 | count]),
        (0..4_u8).prop_map(|count| vec![0xa0 | count]),
        Just(b"\x00\x66/3/0/9".to_vec()),
        Just(b"\x21\x65/3/0/".to_vec()),
        Just(b"\x00\x619".to_vec()),
        Just(b"\x63vlo\x6366:0".to_vec()),
        (0..9_u8, any::<u8>()).prop_map(|(label, value)| vec![label, value]),
        (0x20..0x26_u8, any::<u8>()).prop_map(|(label, value)| vec![label, value]),
        proptest::collection::vec(any::<u8>(), 0..6),
        Just(vec![0x02, 0xfb, 1, 2, 3, 4, 5, 6, 7, 8]),
        Just(vec![
            0x06, 0xfb, 0x7f, 0xef, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff
        ]),
        Just(vec![
            0x22, 0xfb, 0x7f, 0xef, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff
        ]),
        Just(vec![0x02, 0xc4, 0x82, 0x21, 0x19, 0x01, 0x02]),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Bytes that look like LwM2M CBOR.
fn lwm2m_cbor_like() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(vec![0xbf]),
        Just(vec![0xff]),
        (0..4_u8).prop_map(|count| vec![0xa0 | count]),
        (1..6_u8).prop_map(|count| vec![0x80 | count]),
        Just(vec![0x82, 3, 0]),
        Just(vec![0x83, 3, 0, 9]),
        Just(vec![0x9f, 3, 0, 0xff]),
        (0..12_u8).prop_map(|number| vec![number]),
        Just(vec![0x19, 0x0c, 0xe7]),
        Just(vec![0x19, 0xff, 0xff]),
        Just(b"\x63abc".to_vec()),
        Just(vec![0xf6]),
        Just(vec![0xf9, 0x3e, 0]),
        proptest::collection::vec(any::<u8>(), 0..4),
    ];
    (any::<bool>(), proptest::collection::vec(piece, 0..14)).prop_map(|(whole, pieces)| {
        let start = if whole { vec![0xbf] } else { vec![] };
        [start, pieces.concat()].concat()
    })
}

/// Text that looks like SenML JSON or that of LwM2M 1.0.
const JSON_LIKE: &str = r#"(\[|\{"bn":"/3/0/","e":\[|\{"e":\[)?((\{|,\{)("bn":"(/3/0|/|/3303)/?",|"bt":1,|"bv":2,)?("n":"(9|7/0|/3/0/9|0|15)",?|"n":"",)?("v":-?[0-9]{1,20}(\.5)?(e[0-9]{1,3})?|"vs":"[a\\n\\u0020"]{0,6}"|"(vd|sv)":"[A-Z_=]{0,6}"|"[vb]{2}":true|"vlo":"1:2"|"v":null|"t":-5)?(\},?|,|[ -~])){0,4}(\]|\]\})?[ \n]?"#;

proptest! {
    #![proptest_config(cases(800))]

    #[test]
    fn any_bytes_are_read_or_refused(input in proptest::collection::vec(any::<u8>(), 0..80)) {
        for format in MANY.into_iter().chain([ContentFormat::TEXT, ContentFormat::OPAQUE, ContentFormat::CBOR]) {
            checks::payload(format, &input);
        }
    }

    #[test]
    fn anything_like_tlv_is_read_or_refused(choice in any::<u8>(), bytes in tlv_like()) {
        checks::payload(TLV, &[vec![choice], bytes].concat());
    }

    #[test]
    fn anything_like_senml_is_read_or_refused(choice in any::<u8>(), bytes in senml_like()) {
        for format in [SENML_CBOR, ContentFormat::SENML_ETCH_CBOR] {
            checks::payload(format, &[vec![choice], bytes.clone()].concat());
        }
    }

    #[test]
    fn anything_like_lwm2m_cbor_is_read_or_refused(choice in any::<u8>(), bytes in lwm2m_cbor_like()) {
        checks::payload(LWM2M_CBOR, &[vec![choice], bytes.clone()].concat());
        checks::payload(ContentFormat::CBOR, &[vec![choice], bytes].concat());
    }

    #[test]
    fn anything_like_json_is_read_or_refused(choice in any::<u8>(), text in JSON_LIKE) {
        for format in JSON {
            checks::payload(format, &[&[choice], text.as_bytes()].concat());
            let mut scratch = vec![0; text.len()];
            if checks::decode(format, Path::ROOT, text.as_bytes(), &mut scratch).is_ok() {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{}", text);
            }
        }
    }

    #[test]
    fn anything_like_text_is_read_or_refused(choice in any::<u8>(), text in "[-+0-9.eE:=A/]{0,24}") {
        checks::payload(ContentFormat::TEXT, &[vec![choice], text.into_bytes()].concat());
    }

    #[test]
    fn anything_like_links_is_read_or_refused(text in "(</[0-9/]{0,6}>|;[a-z]{1,3}|=[a-z0-9]{1,3}|=\"[^\"]{0,3}\"|, ?|.){0,10}") {
        checks::links(&text);
    }

    #[test]
    fn any_text_is_a_path_or_not(text in any::<String>()) {
        checks::path(&text);
    }
}
