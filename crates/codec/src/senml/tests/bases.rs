//! Base names, base times and base values, and what is taken off a name.

use super::*;

#[test]
fn bases_hold_for_what_follows() {
    // [{bn: "/3/0/", bt: 1700000000}, {n: "9", v: 1, t: -5}, {n: "9", v: 2}, {bn: "/1", n: "/0/1", bt: 0, v: 3}]
    let bytes = hex(
        "84 a2 21 65 2f332f302f 22 1a6553f100 a3 00 61 39 02 01 06 24 a2 00 61 39 02 02\
                     a4 21 62 2f31 00 64 2f302f31 22 00 02 03",
    );
    let records = decode(CBOR, "/", &bytes, &Untyped).unwrap();
    let at = |node, value, time| Record {
        path: path(node),
        value: Value::Integer(value),
        time: Some(time),
    };
    assert_eq!(
        records,
        [
            at("/3/0/9", 1, 1_699_999_995.0),
            at("/3/0/9", 2, 1_700_000_000.0),
            at("/1/0/1", 3, 0.0)
        ]
    );
}

#[test]
fn a_base_alone_names_a_node_or_nothing() {
    // [{bn: "/3303/1"}]: the instance is there.
    let bytes = hex("81 a1 21 67 2f333330332f31");
    let instance = [record("/3303/1", Value::None)];
    assert_eq!(
        decode(CBOR, "/3303", &bytes, &objects::CORE).unwrap(),
        instance
    );
    assert_eq!(encode(CBOR, "/3303/1", &instance).unwrap(), bytes);
    let bytes = encode(CBOR, "/3303", &instance).unwrap();
    assert_eq!(
        decode(CBOR, "/3303", &bytes, &objects::CORE).unwrap(),
        instance
    );
    // [{n: "/"}], a composite request for everything.
    let bytes = hex("81 a1 00 61 2f");
    assert_eq!(
        decode(CBOR, "/", &bytes, &Untyped).unwrap(),
        [record("/", Value::None)]
    );
    assert_eq!(
        encode(CBOR, "/", &[record("/", Value::None)]).unwrap(),
        bytes
    );
    // [{bn: "/3/0/"}] and [] name nothing.
    assert_eq!(
        decode(CBOR, "/3", &hex("81 a1 21 65 2f332f302f"), &Untyped).unwrap(),
        []
    );
    assert_eq!(decode(CBOR, "/3", &hex("80"), &Untyped).unwrap(), []);
    assert_eq!(encode(CBOR, "/3", &[]).unwrap(), hex("80"));
}

#[test]
fn alternate_paths_are_taken_off() {
    let prefixed = |bytes: &str| {
        let bytes = hex(bytes);
        let decoder = Decoder::new(CBOR, path("/3"), &bytes, &Untyped, &mut [])
            .unwrap()
            .alternate_path("/lwm2m");
        decoder
            .map(|record| record.map(|record| record.path))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| error.kind)
    };
    let node = Ok(vec![path("/3/0")]);
    assert_eq!(prefixed("81 a1 00 6a 2f6c776d326d 2f332f30"), node);
    assert_eq!(prefixed("81 a2 21 68 2f6c776d326d 2f33 00 62 2f30"), node);
    assert_eq!(prefixed("81 a2 21 63 2f6c77 00 67 6d326d 2f332f30"), node);
    assert_eq!(
        prefixed("81 a1 00 64 2f332f30"),
        Err(DecodeErrorKind::Outside)
    );
}

#[test]
fn times_come_back() {
    for time in [0.0, -5.0, 1_276_020_076.001, 1e300, 1_700_000_000.0] {
        let records = [Record {
            time: Some(time),
            ..record("/3303/0/5700", Value::Float(1.5))
        }];
        let bytes = encode(CBOR, "/3303/0/5700", &records).unwrap();
        assert_eq!(decode(CBOR, "/3303/0", &bytes, &Untyped).unwrap(), records);
    }
}

#[test]
fn times_are_finite() {
    // [{n: "/3/0/9", bt: 1.7e308, t: 1.7e308, v: 1}]
    let huge = "fb 7fee42d130773b76";
    let bytes = hex(&format!(
        "81 a4 00 66 2f332f302f39 22 {huge} 06 {huge} 02 01"
    ));
    assert_eq!(
        fault(CBOR, "/3/0", &bytes, &Untyped),
        Some(DecodeErrorKind::Type)
    );
}

#[test]
fn base_values_are_added() {
    let json = br#"[{"bn":"/3303/0/","bv":20,"n":"5700","v":1.5},{"n":"5601","v":-20},{"n":"5602"},{"n":"5701","vs":"Cel"},
        {"bv":9223372036854775807,"n":"5603","v":1}]"#;
    let mut scratch = [0; 8];
    let mut decoder = Decoder::new(
        ContentFormat::SENML_JSON,
        path("/3303"),
        json,
        &Untyped,
        &mut scratch,
    )
    .unwrap();
    for (node, value) in [
        ("/3303/0/5700", Value::Float(21.5)),
        ("/3303/0/5601", Value::Integer(0)),
        ("/3303/0/5602", Value::Integer(20)),
        ("/3303/0/5701", Value::String("Cel")),
    ] {
        assert_eq!(decoder.next(), Some(Ok(record(node, value))));
    }
    // Nothing is rounded.
    let error = decoder.next().unwrap().unwrap_err();
    assert_eq!((error.kind, error.offset), (DecodeErrorKind::Type, 113));
    assert_eq!(decoder.next(), None);
    // [{bn: "/3303/0/", bv: 20, n: "5700", v: 2}]
    let bytes = hex("81 a4 21 68 2f333330332f302f 24 14 00 64 35373030 02 02");
    assert_eq!(
        decode(CBOR, "/3303", &bytes, &Untyped).unwrap(),
        [record("/3303/0/5700", Value::Integer(22))]
    );
}

#[test]
fn numbers_come_in_the_unit_of_their_resource() {
    let json = ContentFormat::SENML_JSON;
    let (minutes, celsius) = ("/6/0/2", "/3303/0/5700");
    let units = |node| crate::Types::units(objects::CORE, &path(node));
    assert_eq!((units(minutes), units(celsius)), (Some("m"), None));
    for (text, kind) in [
        // Its own unit, by itself or from the base; and where none is known, any.
        (r#"[{"n":"/6/0/2","u":"m","v":1}]"#, None),
        (r#"[{"bu":"m","n":"/6/0/2","v":1}]"#, None),
        (r#"[{"bu":"ft","n":"/6/0/2","u":"m","v":1}]"#, None),
        (r#"[{"n":"/3303/0/5700","u":"Cel","v":1}]"#, None),
        // What `%` is, older objects and the RFC do not agree about.
        (r#"[{"n":"/3/0/9","u":"%","v":1}]"#, None),
        (
            r#"[{"n":"/3/0/9","u":"/","v":1}]"#,
            Some(DecodeErrorKind::Unit),
        ),
        // A text has none.
        (r#"[{"bu":"ft","n":"/3/0/0","vs":"a"}]"#, None),
        (
            r#"[{"n":"/6/0/2","u":"ft","v":1}]"#,
            Some(DecodeErrorKind::Unit),
        ),
        (
            r#"[{"bu":"ft","n":"/3/0/0","vs":"a"},{"n":"/6/0/2","v":1}]"#,
            Some(DecodeErrorKind::Unit),
        ),
        (
            r#"[{"bn":"/6/0/","bu":"ft"},{"n":"0","u":"lat","v":1},{"n":"2","v":1}]"#,
            Some(DecodeErrorKind::Unit),
        ),
    ] {
        let outcome = fault(json, "/", text.as_bytes(), &objects::CORE);
        assert_eq!(outcome, kind, "{text}");
    }
    // [{bu: "ft", n: "/6/0/2", v: 1}] and [{n: "/6/0/2", u: "m", v: 1}]
    let feet = hex("81 a3 23 62 6674 00 66 2f362f302f32 02 01");
    assert_eq!(
        fault(CBOR, "/", &feet, &objects::CORE),
        Some(DecodeErrorKind::Unit)
    );
    assert_eq!(fault(CBOR, "/", &feet, &Untyped), None);
    let metres = hex("81 a3 00 66 2f362f302f32 01 61 6d 02 01");
    assert_eq!(fault(CBOR, "/", &metres, &objects::CORE), None);
}
