//! An object of every kind of resource, written by hand as an application would.

use dunlin_agent::model::{
    ObjectDefinition, ObjectId, ObjectLink, Operations, Range, ResourceDefinition, ResourceId,
    ResourceInstanceId, Value, ValueType,
};
use dunlin_agent::{
    Arguments, Code, Config, ContentFormat, Error, Event, Instances, Object, ObjectType,
};
use dunlin_coap::OptionNumber;
use dunlin_codec::{Encoder, Record};

use crate::bench::{Bench, node};

const fn resource<const ID: u16>(
    name: &'static str,
    operations: Operations,
    kind: ValueType,
) -> ResourceDefinition {
    ResourceDefinition::new(ResourceId::of::<ID>(), name, operations, kind)
}

const RESOURCES: &[ResourceDefinition] = &[
    resource::<0>("Name", Operations::RW, ValueType::String)
        .mandatory()
        .range(&Range::Length(1, 8)),
    resource::<1>("Levels", Operations::RW, ValueType::Integer)
        .multiple()
        .range(&Range::Integer(0, 10)),
    resource::<2>("Link", Operations::RW, ValueType::Objlnk),
    resource::<3>("Blob", Operations::W, ValueType::Opaque),
    resource::<4>("Go", Operations::E, ValueType::None),
    resource::<5>("Ratio", Operations::RW, ValueType::Float),
    resource::<6>("Count", Operations::RW, ValueType::Unsigned),
];

#[derive(Debug, Default)]
pub(crate) struct Rich {
    name: Option<String>,
    levels: Vec<(u16, i64)>,
    link: Option<ObjectLink>,
    blob: Vec<u8>,
    ratio: f64,
    count: u64,
    gone: Option<String>,
}

impl ObjectType for Rich {
    const DEFINITION: &'static ObjectDefinition =
        &ObjectDefinition::new(ObjectId::of::<42769>(), "Rich", RESOURCES);

    fn create() -> Option<Self> {
        Some(Self::default())
    }
}

impl Object for Rich {
    fn read(&self, resource: ResourceId, index: ResourceInstanceId) -> Option<Value<'_>> {
        match resource.get() {
            0 => self.name.as_deref().map(Value::String),
            1 => self
                .levels
                .iter()
                .find(|(id, _)| *id == index.get())
                .map(|(_, level)| Value::Integer(*level)),
            2 => self.link.map(Value::Objlnk),
            3 => Some(Value::Opaque(&self.blob)),
            4 => Some(Value::None),
            5 => Some(Value::Float(self.ratio)),
            6 => Some(Value::Unsigned(self.count)),
            _ => None,
        }
    }

    fn next_index(&self, _: ResourceId, from: u16) -> Option<ResourceInstanceId> {
        self.levels
            .iter()
            .map(|(id, _)| *id)
            .filter(|id| *id >= from)
            .min()
            .and_then(ResourceInstanceId::new)
    }

    fn has(&self, _: ResourceId) -> bool {
        true
    }

    fn room(&self, _: ResourceId) -> usize {
        4
    }

    fn check(&self, _: ResourceId, _: ResourceInstanceId, _: &Value<'_>) -> Result<(), Error> {
        Ok(())
    }

    fn write(
        &mut self,
        resource: ResourceId,
        index: ResourceInstanceId,
        value: &Value<'_>,
    ) -> Result<(), Error> {
        match (resource.get(), *value) {
            (0, Value::String(name)) => self.name = Some(name.to_owned()),
            (1, Value::Integer(level)) => {
                self.levels.retain(|(id, _)| *id != index.get());
                self.levels.push((index.get(), level));
            }
            (2, Value::Objlnk(link)) => self.link = Some(link),
            (3, Value::Opaque(bytes)) => self.blob = bytes.to_vec(),
            (5, Value::Float(ratio)) => self.ratio = ratio,
            (6, Value::Unsigned(count)) => self.count = count,
            other => panic!("asked to write {other:?}"),
        }
        Ok(())
    }

    fn clear(&mut self, resource: ResourceId) {
        match resource.get() {
            1 => self.levels.clear(),
            2 => self.link = None,
            3 => self.blob.clear(),
            5 => self.ratio = 0.0,
            6 => self.count = 0,
            other => panic!("asked to clear {other}"),
        }
    }

    fn execute(&mut self, _: ResourceId, arguments: &Arguments<'_>) -> Result<(), Error> {
        self.gone = Some(arguments.value(1).ok_or(Error::BadValue)?.to_owned());
        Ok(())
    }
}

pub(crate) fn bench() -> Bench {
    let mut node = node();
    let rich = Rich {
        name: Some("one".to_owned()),
        levels: vec![(3, 5), (7, 6)],
        ..Rich::default()
    };
    node.rich.insert(0, rich).unwrap();
    Bench::registered_with(node, Config::new("urn:dev:os:1-7"))
}

pub(crate) fn rich(bench: &Bench) -> &Rich {
    let all: &Instances<Rich, 4> = &bench.agent.objects().rich;
    all.get(0).unwrap()
}

fn payload(format: ContentFormat, base: &str, records: &[(&str, Value<'_>)]) -> Vec<u8> {
    let mut buffer = [0; 256];
    let mut encoder = Encoder::new(format, base.parse().unwrap(), &mut buffer);
    for (path, value) in records {
        encoder
            .push(&Record::new(path.parse().unwrap(), *value))
            .unwrap();
    }
    let length = encoder.finish().unwrap();
    buffer[..length].to_vec()
}

const FORMATS: [ContentFormat; 2] = [ContentFormat::TLV, ContentFormat::SENML_CBOR];

#[test]
fn multiple_resources_are_replaced_or_added_to() {
    for format in FORMATS {
        let mut bench = bench();
        let records = [
            ("/42769/0/1/1", Value::Integer(9)),
            ("/42769/0/1/3", Value::Integer(8)),
        ];
        let bytes = payload(format, "/42769/0/1", &records);
        let request = bench
            .request(Code::POST, "/42769/0/1")
            .payload(format.0, &bytes);
        bench.ask_code(&request, Code::CHANGED);
        let mut levels = rich(&bench).levels.clone();
        levels.sort_unstable();
        assert_eq!(levels, [(1, 9), (3, 8), (7, 6)]);
        let request = bench
            .request(Code::PUT, "/42769/0/1")
            .payload(format.0, &bytes);
        bench.ask_code(&request, Code::CHANGED);
        assert_eq!(rich(&bench).levels, [(1, 9), (3, 8)]);
        // One resource instance alone.
        let bytes = payload(
            format,
            "/42769/0/1/3",
            &[("/42769/0/1/3", Value::Integer(0))],
        );
        let request = bench
            .request(Code::PUT, "/42769/0/1/3")
            .payload(format.0, &bytes);
        bench.ask_code(&request, Code::CHANGED);
        assert_eq!(rich(&bench).levels, [(1, 9), (3, 0)]);
        // One of them out of range: none is written, and nothing is cleared.
        let records = [
            ("/42769/0/1/1", Value::Integer(1)),
            ("/42769/0/1/2", Value::Integer(11)),
        ];
        let bytes = payload(format, "/42769/0/1", &records);
        for method in [Code::PUT, Code::POST] {
            let request = bench
                .request(method, "/42769/0/1")
                .payload(format.0, &bytes);
            bench.ask_code(&request, Code::BAD_REQUEST);
        }
        assert_eq!(rich(&bench).levels, [(1, 9), (3, 0)]);
    }
}

#[test]
fn a_multiple_resource_is_emptied_by_an_empty_replacement() {
    let mut bench = bench();
    // A multiple-resource TLV of length 0.
    let request = bench
        .request(Code::PUT, "/42769/0/1")
        .payload(ContentFormat::TLV.0, &[0x80, 1]);
    bench.ask_code(&request, Code::CHANGED);
    assert_eq!(rich(&bench).levels, []);
    let read = bench
        .request(Code::GET, "/42769/0/1")
        .uint(OptionNumber::ACCEPT, 11542);
    assert_eq!(bench.ask(&read).message().payload(), [0x80, 1]);
}

#[test]
fn a_value_cannot_be_nothing() {
    let mut bench = bench();
    for (format, bytes) in [
        (ContentFormat::TLV, &b""[..]),
        (ContentFormat::SENML_CBOR, b"\x80"),
    ] {
        for path in ["/42769/0/0", "/42769/0/1/3", "/42769/0/6"] {
            let request = bench.request(Code::PUT, path).payload(format.0, bytes);
            bench.ask_code(&request, Code::BAD_REQUEST);
        }
    }
    assert!(bench.events.is_empty());
}

#[test]
fn a_replacement_of_the_instance_keeps_mandatory_values_and_clears_the_rest() {
    let mut bench = bench();
    bench.set(|node| {
        let rich = node.rich.get_mut(0).unwrap();
        (rich.ratio, rich.count) = (1.5, 9);
    });
    let bytes = payload(
        ContentFormat::TLV,
        "/42769/0",
        &[("/42769/0/5", Value::Float(2.5))],
    );
    let request = bench
        .request(Code::PUT, "/42769/0")
        .payload(ContentFormat::TLV.0, &bytes);
    bench.ask_code(&request, Code::CHANGED);
    let rich = rich(&bench);
    assert_eq!(
        (
            rich.name.as_deref(),
            rich.ratio,
            rich.count,
            rich.levels.len()
        ),
        (Some("one"), 2.5, 0, 0)
    );
}

#[test]
fn links_must_lead_somewhere() {
    let mut bench = bench();
    for (link, code) in [
        ("3:0", Code::CHANGED),
        ("3:65535", Code::CHANGED),
        ("65535:65535", Code::CHANGED),
        ("3:1", Code::BAD_REQUEST),
        ("4:0", Code::BAD_REQUEST),
        ("65535:0", Code::BAD_REQUEST),
        ("3", Code::BAD_REQUEST),
    ] {
        let request = bench
            .request(Code::PUT, "/42769/0/2")
            .payload(0, link.as_bytes());
        let answer = bench.ask(&request);
        assert_eq!(answer.code(), code, "{link}");
    }
    assert!(rich(&bench).link.unwrap().is_null());
}

#[test]
fn bytes_come_as_bytes_and_as_base64() {
    let mut bench = bench();
    let request = bench
        .request(Code::PUT, "/42769/0/3")
        .payload(42, b"\0\xff");
    bench.ask_code(&request, Code::CHANGED);
    assert_eq!(rich(&bench).blob, b"\0\xff");
    let request = bench.request(Code::PUT, "/42769/0/3").payload(0, b"AQID");
    bench.ask_code(&request, Code::CHANGED);
    assert_eq!(rich(&bench).blob, [1, 2, 3]);
    // Written, never read: neither alone nor with the instance.
    let request = bench.request(Code::GET, "/42769/0/3");
    bench.ask_code(&request, Code::METHOD_NOT_ALLOWED);
    let answer = bench.get("/42769/0");
    assert!(
        !answer
            .message()
            .payload()
            .windows(3)
            .any(|window| window == [1, 2, 3])
    );
}

#[test]
fn numbers_are_taken_as_the_type_of_the_resource_wants_them() {
    let mut bench = bench();
    for (path, value, code) in [
        ("/42769/0/5", Value::Integer(3), Code::CHANGED),
        ("/42769/0/5", Value::Float(0.5), Code::CHANGED),
        ("/42769/0/6", Value::Integer(3), Code::CHANGED),
        ("/42769/0/6", Value::Integer(-3), Code::BAD_REQUEST),
        ("/42769/0/6", Value::String("3"), Code::BAD_REQUEST),
        ("/42769/0/0", Value::Integer(3), Code::BAD_REQUEST),
        ("/42769/0/0", Value::String(""), Code::BAD_REQUEST),
        ("/42769/0/0", Value::String("nine char"), Code::BAD_REQUEST),
    ] {
        let bytes = payload(ContentFormat::SENML_CBOR, path, &[(path, value)]);
        let request = bench
            .request(Code::PUT, path)
            .payload(ContentFormat::SENML_CBOR.0, &bytes);
        let answer = bench.ask(&request);
        assert_eq!(answer.code(), code, "{path} {value:?}");
    }
    assert_eq!((rich(&bench).ratio, rich(&bench).count), (0.5, 3));
}

#[test]
fn a_value_outside_the_target_is_refused() {
    let mut bench = bench();
    let bytes = payload(
        ContentFormat::SENML_CBOR,
        "/42769/0/6",
        &[("/42769/0/6", Value::Unsigned(1))],
    );
    let request = bench
        .request(Code::PUT, "/42769/0/5")
        .payload(ContentFormat::SENML_CBOR.0, &bytes);
    bench.ask_code(&request, Code::BAD_REQUEST);
    assert_eq!(rich(&bench).count, 0);
}

#[test]
fn a_multiple_resource_takes_no_value_and_a_single_one_no_index() {
    let mut bench = bench();
    let request = bench.request(Code::PUT, "/42769/0/1").payload(0, b"5");
    let answer = bench.ask(&request);
    assert!(
        matches!(
            answer.code(),
            Code::BAD_REQUEST | Code::UNSUPPORTED_CONTENT_FORMAT
        ),
        "{}",
        answer.code()
    );
    let request = bench.request(Code::PUT, "/42769/0/6/0").payload(0, b"5");
    bench.ask_code(&request, Code::METHOD_NOT_ALLOWED);
}

#[test]
fn arguments_reach_the_object() {
    let mut bench = bench();
    let request = bench.request(Code::POST, "/42769/0/4");
    bench.ask_code(&request, Code::BAD_REQUEST);
    let request = bench
        .request(Code::POST, "/42769/0/4")
        .payload(0, b"0,1='far'");
    bench.ask_code(&request, Code::CHANGED);
    assert_eq!(rich(&bench).gone.as_deref(), Some("far"));
    bench.expect_event(Event::Executed {
        path: "/42769/0/4".parse().unwrap(),
    });
}

#[test]
fn a_new_instance_needs_what_is_mandatory_and_takes_the_first_free_id() {
    let mut bench = bench();
    let bytes = payload(
        ContentFormat::TLV,
        "/42769/2",
        &[("/42769/2/6", Value::Unsigned(1))],
    );
    let request = bench
        .request(Code::POST, "/42769")
        .payload(ContentFormat::TLV.0, &bytes);
    bench.ask_code(&request, Code::BAD_REQUEST);
    assert_eq!(bench.agent.objects().rich.len(), 1);
    bench
        .agent
        .set(|node| node.rich.insert(2, Rich::default()).unwrap());
    let bytes = payload(
        ContentFormat::TLV,
        "/42769/2",
        &[("/42769/2/0", Value::String("two"))],
    );
    for path in ["42769/1", "42769/3"] {
        let request = bench
            .request(Code::POST, "/42769")
            .payload(ContentFormat::TLV.0, &bytes);
        bench.deliver(&request.bytes());
        let (_, answer) = bench.sent.pop_back().unwrap();
        let answer = crate::bench::Received(answer);
        bench.sent.clear();
        if answer.code() == Code::CREATED {
            let location: Vec<&[u8]> = answer.message().location_path().collect();
            assert_eq!(location.join(&b'/'), path.as_bytes());
        }
    }
    assert!(
        bench.agent.objects().rich.get(1).is_some() && bench.agent.objects().rich.get(3).is_some()
    );
}

/// Levels by resource instance in TLV, in this order, be it right or not.
fn levels(instances: &[(u8, u8)]) -> Vec<u8> {
    let mut bytes = vec![0x88, 1, u8::try_from(instances.len() * 3).unwrap()];
    for (index, level) in instances {
        bytes.extend([0x41, *index, *level]);
    }
    bytes
}

#[test]
fn bad_input_is_refused_by_its_code_and_changes_nothing() {
    let nan = [&[0xc8, 5, 8][..], &f64::NAN.to_be_bytes()].concat();
    let twice = levels(&[(1, 1), (1, 2)]);
    let twice_apart = levels(&[(1, 1), (3, 2), (1, 3)]);
    let five = levels(&[(0, 1), (1, 1), (2, 1), (3, 1), (4, 1)]);
    let (tlv, text) = (ContentFormat::TLV.0, ContentFormat::TEXT.0);
    let bad = Code::BAD_REQUEST;
    for (path, format, bytes, code) in [
        // Of another type, or no value of its type.
        ("/42769/0/1/3", text, &b"warm"[..], bad),
        ("/42769/0/1/3", text, b"5.5", bad),
        ("/42769/0/6", text, b"-1", bad),
        ("/42769/0/6", tlv, &[0xc3, 6, 0, 0, 1], bad),
        ("/42769/0/0", text, b"\xff\xfe", bad),
        ("/42769/0/0", tlv, &[0xc1, 0, 0xff], bad),
        ("/42769/0/5", text, b"NaN", bad),
        ("/42769/0/5", tlv, &nan, bad),
        ("/42769/0/3", text, b"no base64", bad),
        // Out of range.
        ("/42769/0/1/3", text, b"11", bad),
        ("/42769/0/1/3", text, b"-1", bad),
        ("/42769/0/0", text, b"", bad),
        ("/42769/0/0", text, b"nine long", bad),
        // Twice.
        ("/42769/0/1", tlv, &twice, bad),
        ("/42769/0/1", tlv, &twice_apart, bad),
        ("/42769/0", tlv, &[0xc1, 6, 1, 0xc1, 6, 2], bad),
        // More than there is room for.
        ("/42769/0/1", tlv, &five, Code::INTERNAL_SERVER_ERROR),
        // Not there.
        ("/42769/0/99", text, b"1", Code::NOT_FOUND),
        ("/42769/9/0", text, b"x", Code::NOT_FOUND),
        ("/42770/0/0", text, b"x", Code::NOT_FOUND),
        // A resource instance of a single resource, and a value for an executable one.
        ("/42769/0/0/0", text, b"x", Code::METHOD_NOT_ALLOWED),
        ("/42769/0/4", text, b"x", Code::METHOD_NOT_ALLOWED),
        // A format that is none of the agent's.
        ("/42769/0/0", 9999, b"x", Code::UNSUPPORTED_CONTENT_FORMAT),
    ] {
        let mut bench = bench();
        let request = bench.request(Code::PUT, path).payload(format, bytes);
        let answer = bench.ask(&request);
        assert_eq!(answer.code(), code, "{path} {bytes:x?}: {}", answer.text());
        assert!(!answer.text().is_empty());
        let rich = rich(&bench);
        assert_eq!(rich.name.as_deref(), Some("one"), "{path} {bytes:x?}");
        assert_eq!(rich.levels, [(3, 5), (7, 6)], "{path} {bytes:x?}");
        assert!(rich.blob.is_empty() && rich.count == 0 && rich.link.is_none());
    }
}

#[test]
fn resource_instances_come_in_any_order_as_far_as_there_is_room() {
    let mut bench = bench();
    let tlv = ContentFormat::TLV.0;
    let four = levels(&[(9, 1), (2, 1), (4, 1), (3, 1)]);
    let request = bench.request(Code::PUT, "/42769/0/1").payload(tlv, &four);
    bench.ask_code(&request, Code::CHANGED);
    assert_eq!(rich(&bench).levels, [(9, 1), (2, 1), (4, 1), (3, 1)]);
    // What is there may be written, but nothing may be added.
    let known = levels(&[(3, 2), (9, 2)]);
    let request = bench.request(Code::POST, "/42769/0/1").payload(tlv, &known);
    bench.ask_code(&request, Code::CHANGED);
    let one_more = levels(&[(9, 3), (5, 3)]);
    let request = bench
        .request(Code::POST, "/42769/0/1")
        .payload(tlv, &one_more);
    bench.ask_code(&request, Code::INTERNAL_SERVER_ERROR);
    assert!(rich(&bench).levels.contains(&(9, 2)));
}
