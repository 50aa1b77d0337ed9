//! How many bytes ten typical payloads have in each format. Printed as a table by
//! `cargo test -p dunlin-codec --test payload_sizes -- --nocapture`.

use core::fmt::Write as _;

use dunlin_codec::{ContentFormat, Encoder, Record};
use dunlin_model::{ObjectLink, Path, Value};

const FORMATS: [ContentFormat; 8] = [
    ContentFormat::TEXT,
    ContentFormat::CBOR,
    ContentFormat::TLV,
    ContentFormat::LWM2M_CBOR,
    ContentFormat::SENML_CBOR,
    ContentFormat::SENML_JSON,
    ContentFormat::LWM2M_JSON,
    ContentFormat::OPAQUE,
];

/// A name, the path of the request, the records, and the bytes in each format.
type Payload = (
    &'static str,
    &'static str,
    Vec<Record<'static>>,
    [Option<usize>; 8],
);

fn record(path: &str, value: impl Into<Value<'static>>) -> Record<'static> {
    Record::new(path.parse().unwrap(), value.into())
}

fn payloads() -> Vec<Payload> {
    let device = [
        ("/3/0/0", Value::String("Open Mobile Alliance")),
        ("/3/0/1", Value::String("Lightweight M2M Client")),
        ("/3/0/2", Value::String("345000123")),
        ("/3/0/3", Value::String("1.0")),
        ("/3/0/6/0", Value::Integer(1)),
        ("/3/0/6/1", Value::Integer(5)),
        ("/3/0/7/0", Value::Integer(3800)),
        ("/3/0/7/1", Value::Integer(5000)),
        ("/3/0/8/0", Value::Integer(125)),
        ("/3/0/8/1", Value::Integer(900)),
        ("/3/0/9", Value::Integer(100)),
        ("/3/0/10", Value::Integer(15)),
        ("/3/0/11/0", Value::Integer(0)),
        ("/3/0/13", Value::Time(1_367_491_215)),
        ("/3/0/14", Value::String("+02:00")),
        ("/3/0/16", Value::String("U")),
    ];
    let sensor = |instance: u16, value: f64| {
        let path = |id| format!("/3303/{instance}/{id}");
        [
            record(&path(5601), value - 4.5),
            record(&path(5602), value + 3.25),
            record(&path(5700), value),
            record(&path(5701), "Cel"),
        ]
    };
    let series = |count: i32| {
        (0..count).map(|step| Record {
            time: Some(1_700_000_000.0 - f64::from(step) * 60.0),
            ..record("/3303/0/5700", 21.5 + f64::from(step % 5) / 10.0)
        })
    };
    vec![
        (
            "battery level, an integer",
            "/3/0/9",
            vec![record("/3/0/9", 100)],
            [3, 2, 3, 7, 13, 25, 31, 0].map(some),
        ),
        (
            "temperature, a float",
            "/3303/0/5700",
            vec![record("/3303/0/5700", 22.5)],
            [4, 3, 7, 12, 20, 32, 38, 0].map(some),
        ),
        (
            "firmware version, a text",
            "/3/0/3",
            vec![record("/3/0/3", "1.0.17-rc2")],
            [10, 11, 13, 16, 22, 35, 41, 0].map(some),
        ),
        (
            "a key of 16 bytes",
            "/0/1/5",
            vec![record("/0/1/5", &[0xa5_u8; 16][..])],
            [24, 17, 19, 22, 28, 47, 55, 16].map(some),
        ),
        (
            "an object link",
            "/9/0/13",
            vec![record("/9/0/13", ObjectLink::new(3303, 65535))],
            [10, 11, 6, 16, 26, 37, 42, 0].map(some),
        ),
        (
            "supply voltages, an array of two",
            "/3/0/7",
            vec![record("/3/0/7/0", 3800), record("/3/0/7/1", 5000)],
            [0, 0, 11, 14, 26, 54, 60, 0].map(some),
        ),
        (
            "the Device object of the specification",
            "/3/0",
            device.map(|(path, value)| record(path, value)).into(),
            [0, 0, 121, 118, 196, 384, 390, 0].map(some),
        ),
        (
            "four temperature sensors",
            "/3303",
            (0..4_u8)
                .flat_map(|id| sensor(id.into(), 20.0 + f64::from(id)))
                .collect(),
            [0, 0, 120, 113, 221, 403, 409, 0].map(some),
        ),
        (
            "a sensor and the battery, sent",
            "/",
            [record("/3/0/9", 95)]
                .into_iter()
                .chain(sensor(0, 22.5))
                .collect(),
            [0, 0, 0, 39, 88, 148, 154, 0].map(some),
        ),
        (
            "an hour of temperatures, one a minute",
            "/3303/0/5700",
            series(60).collect(),
            [0, 0, 0, 0, 964, 1581, 1587, 0].map(some),
        ),
    ]
}

/// 0 where the format cannot say it.
fn some(bytes: usize) -> Option<usize> {
    (bytes > 0).then_some(bytes)
}

fn size(format: ContentFormat, base: Path, records: &[Record<'_>]) -> Option<usize> {
    // They would lose the times.
    let timeless = matches!(format, ContentFormat::TLV | ContentFormat::LWM2M_CBOR);
    if timeless && records.iter().any(|record| record.time.is_some()) {
        return None;
    }
    let mut buffer = vec![0; 10_000];
    let mut encoder = Encoder::new(format, base, &mut buffer);
    for record in records {
        encoder.push(record).ok()?;
    }
    encoder.finish().ok()
}

#[test]
fn payloads_have_the_sizes_of_the_documentation() {
    let mut table = String::from("| Payload |");
    for format in FORMATS {
        write!(table, " {format} |").unwrap();
    }
    table += "\n|---|";
    table += &"---:|".repeat(FORMATS.len());
    let mut same = true;
    for (name, base, records, expected) in payloads() {
        let base = base.parse().unwrap();
        let sizes = FORMATS.map(|format| size(format, base, &records));
        write!(table, "\n| {name} |").unwrap();
        for size in sizes {
            match size {
                Some(size) => write!(table, " {size} |").unwrap(),
                None => table += " |",
            }
        }
        same &= sizes == expected;
    }
    println!("{table}");
    assert!(same, "other sizes than those in this file");
}
