//! What is said in JSON.

use super::*;

/// Whether `value` is that of a record in the vectors of JSON.
fn is_json(value: &Value<'_>, resolved: &Json) -> bool {
    match value {
        Value::Objlnk(link) => resolved["vlo"].as_str().unwrap().parse() == Ok(*link),
        Value::Opaque(bytes) => hex(resolved["vd_hex"].as_str().unwrap()) == *bytes,
        Value::None => ["v", "vs", "vb", "vd", "vlo"]
            .iter()
            .all(|label| resolved[label].is_null()),
        other => is(other, resolved),
    }
}

#[test]
fn examples_of_lwm2m_in_json() {
    let Some(file) = shared("vectors/senml-oma.json") else {
        return;
    };
    let mut canonical = 0;
    for vector in file["json"].as_array().unwrap() {
        let id = vector["id"].as_str().unwrap();
        let json = vector["json"].as_str().unwrap();
        let resolved = vector["resolved"].as_array().unwrap();
        let first = resolved[0]["path"].as_str().unwrap();
        let prefix = ["/lwm2m", "/d01"]
            .into_iter()
            .find(|prefix| first.starts_with(prefix));
        let prefix = prefix.unwrap_or_default();
        let mut scratch = [0; 1024];
        let records: Result<Vec<_>, _> = Decoder::new(
            ContentFormat::SENML_JSON,
            path("/"),
            json.as_bytes(),
            &Untyped,
            &mut scratch,
        )
        .unwrap()
        .alternate_path(prefix)
        .collect();
        // Two devices behind one gateway.
        if json.contains("/d02") {
            assert_eq!(records.unwrap_err().kind, DecodeErrorKind::Outside, "{id}");
            continue;
        }
        let records = records.unwrap_or_else(|error| panic!("{id}: {error}"));
        assert_eq!(records.len(), resolved.len(), "{id}");
        for (record, resolved) in records.iter().zip(resolved) {
            let node = resolved["path"]
                .as_str()
                .unwrap()
                .strip_prefix(prefix)
                .unwrap();
            assert_eq!(record.path, path(node), "{id}");
            assert_eq!(record.time, resolved["time"].as_f64(), "{id}");
            assert!(
                is_json(&record.value, resolved),
                "{id}: {record:?} {resolved}"
            );
        }
        let base = json
            .split("\"bn\":\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .unwrap_or("/");
        let base = if base == "/" {
            base
        } else {
            base.trim_end_matches('/')
        };
        if let Ok(base) = base.parse()
            && records
                .iter()
                .all(|record| dunlin_model::Path::contains(&base, &record.path))
        {
            let mut buffer = [0; 2048];
            let mut encoder = crate::Encoder::new(ContentFormat::SENML_JSON, base, &mut buffer);
            records
                .iter()
                .try_for_each(|record| encoder.push(record))
                .unwrap();
            let length = encoder.finish().unwrap();
            canonical += usize::from(&buffer[..length] == json.as_bytes());
        }
    }
    // Byte for byte, where the example has one base name, no base time, and decimal links.
    assert_eq!(canonical, 5);
}

#[test]
fn the_json_of_1_0() {
    let Some(file) = shared("vectors/senml-oma.json") else {
        return;
    };
    let old = ContentFormat::LWM2M_JSON;
    for vector in file["oma_json"].as_array().unwrap() {
        let json = vector["json"].as_str().unwrap().as_bytes();
        let records = decode(old, "/3/0", json, &objects::CORE).unwrap();
        assert_eq!(records.len(), 16);
        assert_eq!(encode(old, "/3/0", &records).unwrap(), json);
    }
    let types = Table(vec![
        (path("/9/0/1"), ValueType::Opaque),
        (path("/9/0/2"), ValueType::Corelnk),
    ]);
    let records = [
        Record {
            time: Some(-5.0),
            ..record("/9/0/0", Value::Boolean(true))
        },
        record("/9/0/1", Value::Opaque(b"foob")),
        record("/9/0/2", Value::Corelnk("</1>")),
        record("/9/0/3", Value::Objlnk(ObjectLink::new(66, 0))),
        record("/9/0/4", Value::None),
    ];
    let json = br#"{"bn":"/9/0/","e":[{"n":"0","bv":true,"t":-5},{"n":"1","sv":"Zm9vYg=="},{"n":"2","sv":"</1>"},{"n":"3","ov":"66:0"},{"n":"4"}]}"#;
    assert_eq!(encode(old, "/9/0", &records).unwrap(), json);
    let mut scratch = [0; 16];
    let decoder = Decoder::new(old, path("/9"), json, &types, &mut scratch).unwrap();
    assert_eq!(decoder.collect::<Result<Vec<_>, _>>().unwrap(), records);

    // What is around the records may stand behind them, and a missing base name is the path of the request.
    for (base, json, expected) in [
        (
            "/3/0",
            r#"{"e":[{"n":"9","v":1}],"bt":100,"bn":"/3/0/"}"#,
            "/3/0/9",
        ),
        ("/3/0", r#"{"bt":100,"e":[{"n":"9","v":1}]}"#, "/3/0/9"),
        (
            "/3/0",
            r#"{"x":null,"bt":100,"e":[{"n":"/3/0/9","v":1}]}"#,
            "/3/0/9",
        ),
        (
            "/3/0/9",
            r#" { "bt" : 100 , "e" : [ { "n" : "" , "v" : 1 } ] } "#,
            "/3/0/9",
        ),
        (
            "/3/0/9",
            r#"{"bn":"/3/0/9","bt":100,"e":[{"v":1}]}"#,
            "/3/0/9",
        ),
    ] {
        let record = Record {
            time: Some(100.0),
            ..record(expected, Value::Integer(1))
        };
        assert_eq!(
            decode(old, base, json.as_bytes(), &Untyped).unwrap(),
            [record],
            "{json}"
        );
    }
    for (json, kind) in [
        (r#"{"e":[]}x"#, DecodeErrorKind::Trailing),
        (r#"{"bn":"/3/0/"}"#, DecodeErrorKind::Malformed),
        (r#"{"e":[],"e":[]}"#, DecodeErrorKind::Duplicate),
        (r#"{"bn":"/","bn":"/","e":[]}"#, DecodeErrorKind::Duplicate),
        (r#"{"e":[{}]}"#, DecodeErrorKind::Malformed),
        (r#"{"e":[{"n":"9","v":[]}]}"#, DecodeErrorKind::Type),
        ("[]", DecodeErrorKind::Type),
        (r#"{"e":[{"n":"9","v":1}]"#, DecodeErrorKind::End),
    ] {
        assert_eq!(
            fault(old, "/3/0", json.as_bytes(), &Untyped),
            Some(kind),
            "{json}"
        );
    }
    assert_eq!(decode(old, "/3/0", br#"{"e":[]}"#, &Untyped).unwrap(), []);
    assert_eq!(encode(old, "/3/0", &[]).unwrap(), br#"{"e":[]}"#);
}

#[test]
fn json_is_read_strictly() {
    use DecodeErrorKind::*;
    let json = ContentFormat::SENML_JSON;
    for (text, kind, offset) in [
        ("", End, 0),
        ("{}", Type, 0),
        ("[", End, 1),
        ("[]x", Trailing, 2),
        ("[{}]", Malformed, 1),
        (r#"[{"n":"/3/0/9","v":1},]"#, Malformed, 22),
        (r#"[{"n":"/3/0/9","v":1,}]"#, Malformed, 21),
        (r#"[{"n":"/3/0/9" "v":1}]"#, Malformed, 15),
        (r#"[{"n":"/3/0/9","v":1]"#, Malformed, 20),
        (r#"[{"n":"/3/0/9","v":01}]"#, Malformed, 21),
        (r#"[{"n":"/3/0/9","v":"1"}]"#, Type, 19),
        (r#"[{"n":"/3/0/9","v":null}]"#, Type, 19),
        (r#"[{"n":"/3/0/9","v":1.5}]"#, Type, 1),
        (r#"[{"n":"/3/0/9","v":1,"v":1}]"#, Duplicate, 25),
        (r#"[{"n":"/3/0/9","v":1,"vs":""}]"#, Duplicate, 26),
        (r#"[{"n":"/3/0/9","v":1,"x_":1}]"#, Unsupported, 26),
        (r#"[{"n":"/3/0/9","v":1,"\u0078_":1}]"#, Unsupported, 31),
        (r#"[{"n":"/3/0/9","v":1,"s":1}]"#, Unsupported, 25),
        (r#"[{"n":"/3/0/9","v":1,"bver":11}]"#, Version, 30),
        (r#"[{"n":"/3/0/9","v":1,"x":{}}]"#, Type, 25),
        (r#"[{"n":"/3/0/0","vs":"\u12"}]"#, Malformed, 26),
        (r#"[{"n":"/3/0/0","vs":"\n"}]"#, NoSpace, 24),
        (r#"[{"n":"/3/1/0","vs":"n"}]"#, Outside, 1),
        (
            r#"[{"n":"/3/0/x","v":1}]"#,
            Name(PathErrorKind::NotANumber),
            1,
        ),
        (r#"[{"n":"/3/0/22/0","vlo":"x"}]"#, Type, 27),
        (r#"[{"n":"/3/0/9","v":1,"t":1e999}]"#, Malformed, 30),
    ] {
        let error = decode(json, "/3/0", text.as_bytes(), &objects::CORE).unwrap_err();
        assert_eq!((error.kind, error.offset), (kind, offset), "{text}");
    }
    let bytes = b"[{\"n\":\"/3/0/0\",\"vs\":\"\xff\"}]";
    assert_eq!(fault(json, "/3/0", bytes, &Untyped), Some(Utf8));
    // What JSON lets stand for the same.
    let text = br#" [ { "n" : "\/3\/0\u002f9" , "\u0076" : 1e2 , "u" : "%" , "x" : [] } ] "#;
    assert_eq!(fault(json, "/3/0", text, &objects::CORE), Some(Type));
    let text = br#" [ { "n" : "\/3\/0\u002f9" , "\u0076" : 1e2 , "u" : "%" , "x" : null } ] "#;
    let records = decode(json, "/3/0", text, &objects::CORE).unwrap();
    assert_eq!(records, [record("/3/0/9", Value::Integer(100))]);
    let text = br#"[{"n":"/3/0/0","vs":"a\n\u20ac\ud83d\ude00"}]"#;
    let mut scratch = [0; 16];
    let mut decoder = Decoder::new(json, path("/"), text, &objects::CORE, &mut scratch).unwrap();
    let expected = record("/3/0/0", Value::String("a\n\u{20ac}\u{1f600}"));
    assert_eq!(decoder.next(), Some(Ok(expected)));
}
