//! Nothing here asks the allocator for memory, whatever is read or written.

use allocation_counter::measure;
use dunlin_codec::{
    ContentFormat, DecodeError, Decoder, EncodeError, Encoder, Record, encode_part, link,
};
use dunlin_model::{AttributeChanges, Attributes, ObjectLink, Path, Value, decimal, objects};

/// The formats of any number of values.
const MANY: [ContentFormat; 7] = [
    ContentFormat::TLV,
    ContentFormat::LWM2M_JSON,
    ContentFormat::LWM2M_CBOR,
    ContentFormat::SENML_JSON,
    ContentFormat::SENML_CBOR,
    ContentFormat::SENML_ETCH_JSON,
    ContentFormat::SENML_ETCH_CBOR,
];

/// Runs `work` and refuses every allocation in it.
#[track_caller]
fn without_allocation<T>(work: impl FnOnce() -> T) -> T {
    let mut result = None;
    let info = measure(|| result = Some(work()));
    assert_eq!(info.count_total, 0, "{info:?}");
    result.expect("it ran")
}

fn path(text: &str) -> Path {
    text.parse().expect("a path")
}

/// Values of each type, beside each other and in arrays, and a text that JSON writes with escapes.
fn records() -> [Record<'static>; 12] {
    let record = |node, value| Record::new(path(node), value);
    [
        record("/3/0/0", Value::String("Dunlin")),
        record(
            "/3/0/1",
            Value::String("a \"quoted\"\nname of more than a few bytes"),
        ),
        record("/3/0/6/0", Value::Integer(1)),
        record("/3/0/6/1", Value::Integer(-1_000_000_000_000)),
        record("/3/0/9", Value::Integer(100)),
        record("/3/0/13", Value::Time(1_700_000_000)),
        record("/3/0/22/0", Value::Objlnk(ObjectLink::new(3303, 0))),
        record("/3/0/100", Value::Float(21.100_000_381_469_727)),
        record("/3/0/101", Value::Float(0.1)),
        record("/3/0/102", Value::Boolean(true)),
        record("/3/0/103", Value::Unsigned(u64::MAX)),
        record("/3/0/300", Value::Opaque(&[7; 40])),
    ]
}

fn write(
    format: ContentFormat,
    base: Path,
    records: &[Record<'_>],
    buffer: &mut [u8],
) -> Result<usize, EncodeError> {
    let mut encoder = Encoder::new(format, base, buffer);
    for record in records {
        encoder.push(record)?;
    }
    encoder.finish()
}

fn read(
    format: ContentFormat,
    base: Path,
    bytes: &[u8],
    scratch: &mut [u8],
) -> Result<usize, DecodeError> {
    let mut count = 0;
    for record in Decoder::new(format, base, bytes, objects::CORE, scratch)? {
        record?;
        count += 1;
    }
    Ok(count)
}

#[test]
fn the_counter_counts() {
    assert!(measure(|| drop(vec![1_u8])).count_total > 0);
}

#[test]
fn payloads_of_many_values() {
    let (records, base) = (records(), path("/3/0"));
    for format in MANY {
        let (mut buffer, mut scratch) = ([0; 2048], [0; 512]);
        let length = without_allocation(|| write(format, base, &records, &mut buffer));
        let bytes = &buffer[..length.expect("fits")];
        let count = without_allocation(|| read(format, base, bytes, &mut scratch));
        assert_eq!(count, Ok(records.len()), "{format}");
        // What is cut or changed is refused, or says something else.
        without_allocation(|| {
            for cut in 0..bytes.len() {
                let _ = read(format, base, &bytes[..cut], &mut scratch);
            }
        });
        let mut changed = buffer;
        without_allocation(|| {
            for place in 0..bytes.len() {
                changed[place] ^= 0x21;
                let _ = read(format, base, &changed[..bytes.len()], &mut scratch);
                changed[place] ^= 0x21;
            }
        });
        let mut block = [0; 16];
        let mut at = 0;
        while at < bytes.len() {
            let part = without_allocation(|| {
                encode_part::<EncodeError>(format, base, at, &mut block, |encoder| {
                    records.iter().try_for_each(|record| encoder.push(record))
                })
            });
            at += part.expect("records in order").length;
        }
    }
}

#[test]
fn payloads_of_one_value() {
    for record in records() {
        for format in [
            ContentFormat::TEXT,
            ContentFormat::OPAQUE,
            ContentFormat::CBOR,
        ] {
            let (mut buffer, mut scratch) = ([0; 128], [0; 128]);
            let length = without_allocation(|| write(format, record.path, &[record], &mut buffer));
            let Ok(length) = length else { continue };
            let _ =
                without_allocation(|| read(format, record.path, &buffer[..length], &mut scratch));
        }
    }
}

#[test]
fn links_attributes_and_numbers() {
    let attributes = Attributes {
        pmin: Some(10),
        gt: Some(-12.75),
        ..Attributes::NONE
    };
    let mut buffer = [0; 128];
    let length = without_allocation(|| {
        link::Writer::new(&mut buffer)
            .link(&Path::ROOT)
            .quoted("rt", "oma.lwm2m")
            .attribute("ct", 112)
            .link(&path("/3303/0"))
            .attributes(&attributes)
            .finish()
    });
    let text = core::str::from_utf8(&buffer[..length.expect("fits")]).expect("text");
    assert_eq!(
        text,
        "</>;rt=\"oma.lwm2m\";ct=112,</3303/0>;pmin=10;gt=-12.75"
    );
    let count = without_allocation(|| {
        link::parse(text)
            .map(|link| link.map_or(0, |link| link.attributes().count()))
            .sum::<usize>()
    });
    assert_eq!(count, 4);
    without_allocation(|| {
        assert!(AttributeChanges::parse(["pmin=10", "gt=-12.75", "st"]).is_ok());
        assert!(AttributeChanges::parse(["gt=1e5"]).is_err());
        for number in [5e-324, f64::MAX, 0.1 + 0.2] {
            let mut digits = [0; 327];
            let length = decimal::print(number, &mut digits).expect("enough room");
            assert_eq!(decimal::parse(&digits[..length]), Some(number));
        }
    });
}
