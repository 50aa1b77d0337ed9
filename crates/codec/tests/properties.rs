//! Properties of the formats: what is written is read again, in every format the same, and no input does harm.

use std::collections::BTreeMap;

use dunlin_codec::{ContentFormat, Decoder, Record, Types};
use dunlin_model::{ObjectLink, Path, Value, ValueType};
use proptest::prelude::*;

mod checks;

const TLV: ContentFormat = ContentFormat::TLV;
const SENML_CBOR: ContentFormat = ContentFormat::SENML_CBOR;

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
) -> Vec<Record<'a>> {
    let decoder = Decoder::new(format, base, bytes, types, &mut []).unwrap();
    decoder.collect::<Result<_, _>>().unwrap()
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn records_come_back_the_same_from_every_format(object in object()) {
        let (records, types) = records(&object);
        let root = Path::try_from((OBJECT,)).unwrap();
        let (tlv, senml) = (written(TLV, root, &records), written(SENML_CBOR, root, &records));
        let (from_tlv, from_senml) = (read(TLV, root, &tlv, &types), read(SENML_CBOR, root, &senml, &types));
        prop_assert_eq!(&from_tlv, &records);
        prop_assert_eq!(&from_senml, &records);
        // Across formats and back, to the bit.
        prop_assert_eq!(&written(SENML_CBOR, root, &from_tlv), &senml);
        prop_assert_eq!(&written(TLV, root, &from_senml), &tlv);
    }

    #[test]
    fn every_node_can_be_the_request(object in object(), choice in any::<prop::sample::Index>()) {
        let (records, types) = records(&object);
        prop_assume!(!records.is_empty());
        let mut base = choice.get(&records).path;
        while base != Path::ROOT {
            let below: Vec<_> = records.iter().filter(|record| base.contains(&record.path)).copied().collect();
            for format in [TLV, SENML_CBOR] {
                let bytes = written(format, base, &below);
                let back = read(format, base, &bytes, &types);
                prop_assert_eq!(back, &*below, "{} of {}", format, base);
            }
            base = base.parent().unwrap();
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
    fn every_cut_of_senml_is_an_error(object in object(), cut in any::<prop::sample::Index>()) {
        let (records, types) = records(&object);
        let root = Path::try_from((OBJECT,)).unwrap();
        let bytes = written(SENML_CBOR, root, &records);
        let cut = &bytes[..cut.index(bytes.len())];
        let decoder = Decoder::new(SENML_CBOR, root, cut, &types, &mut []).unwrap();
        prop_assert!(decoder.collect::<Result<Vec<_>, _>>().is_err());
    }

    #[test]
    fn plain_text_comes_back(value in value()) {
        let path = Path::try_from((OBJECT, 0, 7)).unwrap();
        let types = Table(BTreeMap::from([(path, value.value().kind())]));
        let record = Record::new(path, value.value());
        prop_assume!(!matches!(record.value, Value::Float(number) if !number.is_finite()));
        let bytes = written(ContentFormat::TEXT, path, &[record]);
        let mut scratch = vec![0; bytes.len()];
        let mut decoder = Decoder::new(ContentFormat::TEXT, path, &bytes, &types, &mut scratch).unwrap();
        prop_assert_eq!(decoder.next(), Some(Ok(record)));
    }

    #[test]
    fn what_senml_cbor_is_for_us_is_cbor_for_others(object in object()) {
        let (records, _) = records(&object);
        let bytes = written(SENML_CBOR, Path::ROOT, &records);
        let pack: ciborium::Value = ciborium::from_reader(&bytes[..]).unwrap();
        let mut rewritten = Vec::new();
        ciborium::into_writer(&pack, &mut rewritten).unwrap();
        prop_assert_eq!(rewritten, bytes);
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

proptest! {
    #![proptest_config(cases(800))]

    #[test]
    fn any_bytes_are_read_or_refused(input in proptest::collection::vec(any::<u8>(), 0..80)) {
        for format in [TLV, SENML_CBOR, ContentFormat::TEXT, ContentFormat::OPAQUE] {
            checks::payload(format, &input);
        }
    }

    #[test]
    fn anything_like_tlv_is_read_or_refused(choice in any::<u8>(), bytes in tlv_like()) {
        checks::payload(TLV, &[vec![choice], bytes].concat());
    }

    #[test]
    fn anything_like_senml_is_read_or_refused(choice in any::<u8>(), bytes in senml_like()) {
        checks::payload(SENML_CBOR, &[vec![choice], bytes].concat());
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
