//! What is wrong in a payload, in every format that it can be wrong in, and the code that it gets: nothing is changed by it.

use dunlin_agent::Code;

use crate::bench::Bench;
use crate::rich;

const TLV: u16 = 11542;
const SENML_CBOR: u16 = 112;
const SENML_JSON: u16 = 110;
const LWM2M_CBOR: u16 = 11544;

/// A payload of LwM2M CBOR about `/42769/0` with one map of entries.
fn map(entries: &[u8]) -> Vec<u8> {
    [b"\xa1\x82\x19\xa7\x11\x00", entries].concat()
}

/// A pack of SenML CBOR with the base name `/42769/0/` in the first record, whose rest follows as that of the others.
fn pack(records: &[&[u8]]) -> Vec<u8> {
    let mut bytes = vec![0x80 | u8::try_from(records.len()).unwrap()];
    for (at, record) in records.iter().enumerate() {
        let (name, fields): (&[u8], _) = match at {
            0 => (b"\x21\x69/42769/0/", 3),
            _ => (b"", 2),
        };
        bytes.push(0xa0 | fields);
        bytes.extend(name);
        bytes.extend(*record);
    }
    bytes
}

/// Whether the object is as it was.
#[track_caller]
fn is_unchanged(bench: &Bench, what: &str) {
    let rich = rich::rich(bench);
    let shown = format!("{rich:?}");
    assert_eq!(
        shown,
        "Rich { name: Some(\"one\"), levels: [(3, 5), (7, 6)], link: None, blob: [], ratio: 0.0, count: 0, gone: None }",
        "{what}"
    );
}

#[test]
fn what_is_wrong_in_a_payload_gets_bad_request_and_changes_nothing() {
    // Deeper than any format nests.
    let deep = [0x81; 200];
    let long = [&b"\x00\x79\x01\x00"[..], &[b'1'; 256], b"\x02\x01"].concat();
    let long_key = [&b"\x79\x01\x00"[..], &[b'1'; 256], b"\x01"].concat();
    let rows: Vec<(&str, u16, Vec<u8>)> = vec![
        // A value that is not of the resource's type.
        (
            "an integer of three bytes",
            TLV,
            b"\x86\x01\x43\x03\x00\x00\x01".to_vec(),
        ),
        ("a float of two bytes", TLV, b"\xc2\x05\x00\x01".to_vec()),
        (
            "an object link of three bytes",
            TLV,
            b"\xc3\x02\x00\x01\x02".to_vec(),
        ),
        (
            "text for a number",
            SENML_CBOR,
            pack(&[b"\x00\x61\x35\x03\x61x"]),
        ),
        (
            "a number for text",
            SENML_CBOR,
            pack(&[b"\x00\x61\x30\x02\x01"]),
        ),
        ("text for a number", LWM2M_CBOR, map(b"\xa1\x05\x61x")),
        ("a number for text", LWM2M_CBOR, map(b"\xa1\x00\x01")),
        ("one value for many", LWM2M_CBOR, map(b"\xa1\x01\x05")),
        (
            "many values for one",
            LWM2M_CBOR,
            map(b"\xa1\x05\xa1\x00\x05"),
        ),
        ("one value for many", TLV, b"\xc1\x01\x05".to_vec()),
        ("many values for one", TLV, b"\x83\x06\x41\x00\x05".to_vec()),
        // Out of the range of numbers, and of lengths.
        ("a level of 11", TLV, b"\x83\x01\x41\x03\x0b".to_vec()),
        (
            "a level of -1",
            SENML_CBOR,
            pack(&[b"\x00\x63\x31/3\x02\x20"]),
        ),
        ("a level of 11", LWM2M_CBOR, map(b"\xa1\x01\xa1\x03\x0b")),
        (
            "a name of nine bytes",
            TLV,
            b"\xc8\x00\x09nine is 9".to_vec(),
        ),
        (
            "a count of -1",
            SENML_CBOR,
            pack(&[b"\x00\x61\x36\x02\x20"]),
        ),
        (
            "a count above 64 bits",
            LWM2M_CBOR,
            map(b"\xa1\x06\xc2\x49\x01\0\0\0\0\0\0\0\0"),
        ),
        // A resource that is not there, by itself.
        ("the reserved identifier", TLV, b"\xe1\xff\xff\x05".to_vec()),
        (
            "a node of another object",
            SENML_CBOR,
            b"\x81\xa2\x00\x66/1/0/1\x02\x01".to_vec(),
        ),
        (
            "a node of another object",
            LWM2M_CBOR,
            b"\xa1\x83\x01\x00\x01\x05".to_vec(),
        ),
        // The same resource instance twice.
        (
            "a level twice",
            TLV,
            b"\x86\x01\x41\x03\x01\x41\x03\x02".to_vec(),
        ),
        (
            "a resource twice",
            TLV,
            b"\xc1\x06\x01\xc1\x06\x02".to_vec(),
        ),
        (
            "a level twice",
            SENML_CBOR,
            pack(&[b"\x00\x63\x31/3\x02\x01", b"\x00\x63\x31/3\x02\x02"]),
        ),
        (
            "a level twice",
            LWM2M_CBOR,
            map(b"\xa1\x01\xa2\x03\x01\x03\x02"),
        ),
        // Names that are too long, or none.
        ("a name of 256 digits", SENML_CBOR, pack(&[&long])),
        (
            "a name with a leading zero",
            SENML_CBOR,
            pack(&[b"\x00\x62\x30\x36\x02\x01"]),
        ),
        (
            "a name of five numbers",
            SENML_CBOR,
            pack(&[b"\x00\x65\x31/3/1\x02\x01"]),
        ),
        (
            "a key of 256 digits",
            LWM2M_CBOR,
            map(&[&b"\xa1"[..], &long_key].concat()),
        ),
        (
            "a key of five numbers",
            LWM2M_CBOR,
            b"\xa1\x85\x19\xa7\x11\x00\x01\x03\x01\x05".to_vec(),
        ),
        // Levels where there are none.
        (
            "an instance in an instance",
            TLV,
            b"\x04\x00\x02\x00\xc0\x00".to_vec(),
        ),
        (
            "a multiple resource in one",
            TLV,
            b"\x84\x01\x82\x01\x40\x03".to_vec(),
        ),
        ("arrays in arrays", SENML_CBOR, deep.to_vec()),
        ("arrays in arrays", LWM2M_CBOR, deep.to_vec()),
        (
            "maps in maps",
            LWM2M_CBOR,
            map(b"\xa1\x01\xa1\x03\xa1\x00\x05"),
        ),
        // What is not a number.
        ("NaN", TLV, b"\xc4\x05\x7f\xc0\x00\x00".to_vec()),
        ("NaN", TLV, b"\xc8\x05\x08\x7f\xf8\0\0\0\0\0\0".to_vec()),
        ("NaN", SENML_CBOR, pack(&[b"\x00\x61\x35\x02\xf9\x7e\x00"])),
        (
            "NaN",
            LWM2M_CBOR,
            map(b"\xa1\x05\xfb\x7f\xf8\0\0\0\0\0\x01"),
        ),
        // Text that is not UTF-8.
        ("half a character", TLV, b"\xc1\x00\xc3".to_vec()),
        (
            "a surrogate",
            SENML_CBOR,
            pack(&[b"\x00\x61\x30\x03\x63\xed\xa0\x80"]),
        ),
        (
            "a byte of no character",
            LWM2M_CBOR,
            map(b"\xa1\x00\x61\xff"),
        ),
        (
            "a name of no character",
            SENML_CBOR,
            pack(&[b"\x00\x61\xff\x02\x01"]),
        ),
        // Lengths that would be negative, or are longer than all that there is.
        ("16 MiB less one", TLV, b"\xd8\x00\xff\xff\xff".to_vec()),
        (
            "a length of -1",
            SENML_CBOR,
            pack(&[b"\x00\x7b\xff\xff\xff\xff\xff\xff\xff\xff"]),
        ),
        (
            "2^64 - 1 records",
            SENML_CBOR,
            b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(),
        ),
        (
            "a length of -1",
            LWM2M_CBOR,
            map(b"\xa1\x00\x7b\xff\xff\xff\xff\xff\xff\xff\xff"),
        ),
        (
            "2^64 - 1 entries",
            LWM2M_CBOR,
            map(b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff"),
        ),
        // Ends that come too early or too late.
        ("nothing", SENML_CBOR, Vec::new()),
        ("nothing", LWM2M_CBOR, Vec::new()),
        (
            "bytes behind the end",
            SENML_CBOR,
            [&pack(&[b"\x00\x61\x36\x02\x01"])[..], b"\0"].concat(),
        ),
        (
            "bytes behind the end",
            LWM2M_CBOR,
            [&map(b"\xa1\x06\x01")[..], b"\0"].concat(),
        ),
    ];
    // The same in JSON.
    let json = [
        (
            "text for a number",
            r#"[{"bn":"/42769/0/","n":"5","vs":"x"}]"#.to_owned(),
        ),
        (
            "a level of 11",
            r#"[{"bn":"/42769/0/","n":"1/3","v":11}]"#.to_owned(),
        ),
        (
            "a level twice",
            r#"[{"bn":"/42769/0/1/","n":"3","v":1},{"n":"3","v":2}]"#.to_owned(),
        ),
        ("NaN", r#"[{"bn":"/42769/0/","n":"5","v":NaN}]"#.to_owned()),
        (
            "more than a float holds",
            r#"[{"bn":"/42769/0/","n":"5","v":1e400}]"#.to_owned(),
        ),
        (
            "a count of -1",
            r#"[{"bn":"/42769/0/","n":"6","v":-1}]"#.to_owned(),
        ),
        (
            "half a surrogate",
            r#"[{"bn":"/42769/0/","n":"0","vs":"\ud800"}]"#.to_owned(),
        ),
        ("arrays in arrays", "[".repeat(300)),
        (
            "a field of arrays",
            format!(r#"[{{"x":{}"#, "[".repeat(300)),
        ),
        (
            "a name of 256 digits",
            format!(r#"[{{"n":"/42769/0/{}","v":1}}]"#, "1".repeat(256)),
        ),
        (
            "no base64",
            r#"[{"bn":"/42769/0/","n":"3","vd":"!"}]"#.to_owned(),
        ),
    ];
    let json = json.map(|(name, text)| (name, SENML_JSON, text.into_bytes()));
    let broken = b"[{\"bn\":\"/42769/0/\",\"n\":\"0\",\"vs\":\"\xff\"}]".to_vec();
    let broken = ("a byte of no character", SENML_JSON, broken);
    for (name, format, payload) in rows.into_iter().chain(json).chain([broken]) {
        let mut bench = rich::bench();
        let request = bench
            .request(Code::POST, "/42769/0")
            .payload(format, &payload);
        let answer = bench.ask(&request);
        let what = format!("{name} in {format}: {payload:02x?}");
        assert_eq!(
            answer.code(),
            Code::BAD_REQUEST,
            "{what}: {}",
            answer.text()
        );
        assert!(bench.events.is_empty(), "{what}");
        is_unchanged(&bench, &what);
    }
}

#[test]
fn what_is_wrong_in_a_text_gets_bad_request() {
    let mut bench = rich::bench();
    for (path, text) in [
        ("/42769/0/5", &b"warm"[..]),
        ("/42769/0/5", b"NaN"),
        ("/42769/0/5", b""),
        ("/42769/0/5", b"1e400"),
        ("/42769/0/6", b"-1"),
        ("/42769/0/6", b"18446744073709551616"),
        ("/42769/0/1/3", b"11"),
        ("/42769/0/2", b"3"),
        ("/42769/0/2", b"3:70000"),
        ("/42769/0/0", b"nine is 9"),
        ("/42769/0/0", b"\xc3"),
        ("/42769/0/3", b"!"),
    ] {
        let request = bench.request(Code::PUT, path).payload(0, text);
        let answer = bench.ask(&request);
        assert_eq!(answer.code(), Code::BAD_REQUEST, "{path} {text:?}");
    }
    is_unchanged(&bench, "text");
}

#[test]
fn what_is_not_there_is_not_found() {
    let mut bench = rich::bench();
    for (path, format, payload) in [
        ("/42769/0/99", TLV, &b"\xc1\x63\x05"[..]),
        (
            "/42769/0/99",
            SENML_CBOR,
            b"\x81\xa2\x00\x6b/42769/0/99\x02\x05",
        ),
        (
            "/42769/0/99",
            LWM2M_CBOR,
            b"\xa1\x83\x19\xa7\x11\x00\x18\x63\x05",
        ),
        ("/42769/9", TLV, b"\xc1\x06\x05"),
        ("/42768/0", TLV, b"\xc1\x06\x05"),
    ] {
        let request = bench.request(Code::PUT, path).payload(format, payload);
        let answer = bench.ask(&request);
        assert_eq!(answer.code(), Code::NOT_FOUND, "{path} in {format}");
    }
    is_unchanged(&bench, "what is not there");
}
