//! Every object of the OMA registry survives: it is loaded, an instance has a valid value in each resource, and that comes
//! back from every payload format as it went.

use std::path::Path as FilePath;

use dunlin_codec::{ContentFormat, Decoder, EncodeError, Encoder, Record};
use dunlin_manager::{RegisteredObject, Registry};
use dunlin_model::{
    InstanceId, Owned, Path, Range, ResourceDefinition, ResourceInstanceId, Value, ValueError,
    ValueType,
};

/// The numbers of the formats that carry objects (LwM2M Core §7.5), whether they are there yet or not.
const FORMATS: [u16; 5] = [110, 112, 11542, 11543, 11544];

/// The numbers of the formats that carry one value.
const SINGLE: [u16; 3] = [0, 42, 60];

fn registry() -> Option<Registry> {
    // As cargo tells it at run time: clones may share a target directory.
    let here = std::env::var("CARGO_MANIFEST_DIR")
        .unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    let folder = FilePath::new(&here).join("../../../shared/oma/objects");
    if !folder.exists() {
        println!("skipped: ../shared/oma/objects is not here");
        return None;
    }
    let mut registry = Registry::new();
    let loaded = registry.load_folder(&folder).expect("the folder is there");
    assert!(loaded.errors.is_empty(), "{:?}", loaded.errors);
    Some(registry)
}

/// Text and bytes to take values from.
const TEXT: &str = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";

/// A value that the resource may have, another for each `seed`.
fn value(resource: &ResourceDefinition<Owned>, seed: i64) -> Value<'static> {
    let whole = match &*resource.range {
        Range::Integer(min, max) => (min + seed).min(*max),
        Range::Integers(ranges) => {
            let at = usize::try_from(seed).unwrap_or(0) % ranges.len();
            ranges[at].1
        }
        _ => 1_000_000 * seed + 7,
    };
    let float = match *resource.range {
        Range::Float(min, max) => min + (max - min) / 4.0,
        #[expect(clippy::cast_precision_loss, reason = "small")]
        _ => seed as f64 - 0.25,
    };
    let length = match &*resource.range {
        Range::Length(min, max) => (*min).max(5).min(*max),
        Range::Lengths(lengths) => lengths[0],
        _ => 9,
    };
    let text = &TEXT[..length as usize];
    match resource.kind {
        ValueType::None => Value::None,
        ValueType::String => Value::String(text),
        ValueType::Integer => Value::Integer(whole),
        ValueType::Unsigned => Value::Unsigned(whole.unsigned_abs()),
        ValueType::Float => Value::Float(float),
        ValueType::Boolean => Value::Boolean(seed % 2 == 0),
        ValueType::Opaque => Value::Opaque(text.as_bytes()),
        ValueType::Time => Value::Time(1_700_000_000 + seed),
        ValueType::Objlnk => Value::Objlnk("3:0".parse().expect("a link")),
        ValueType::Corelnk => Value::Corelnk("</3/0>"),
    }
}

/// An instance with a value in each resource, two resource instances in each multiple one.
fn instance(object: &RegisteredObject) -> (Path, Vec<Record<'static>>) {
    let base = Path::instance(object.definition.id, InstanceId::of::<7>());
    let mut records = Vec::new();
    for resource in &object.definition.resources {
        // An executable resource has no value that could travel.
        if resource.kind == ValueType::None {
            continue;
        }
        let path = base.child(resource.id.get()).expect("an instance");
        let indices: &[u16] = if resource.multiple { &[0, 300] } else { &[] };
        let mut push = |path, seed| {
            let value = value(resource, seed);
            assert_eq!(resource.accept(value), Ok(value), "{path}");
            records.push(Record::new(path, value));
        };
        for index in indices {
            push(path.child(*index).expect("a resource"), i64::from(*index));
        }
        if indices.is_empty() {
            push(path, 1);
        }
    }
    (base, records)
}

fn encode(
    format: ContentFormat,
    base: Path,
    records: &[Record<'_>],
) -> Result<Vec<u8>, EncodeError> {
    let mut buffer = vec![0; 64 * 1024];
    let mut encoder = Encoder::new(format, base, &mut buffer);
    for record in records {
        encoder.push(record)?;
    }
    let length = encoder.finish()?;
    buffer.truncate(length);
    Ok(buffer)
}

#[test]
fn every_object_comes_back_from_every_format() {
    let Some(registry) = registry() else { return };
    let (mut objects, mut payloads) = (0, [0; FORMATS.len()]);
    for newest in registry.objects() {
        for object in registry.versions(newest.definition.id) {
            objects += 1;
            // The types are those of this version.
            let mut alone = Registry::default();
            alone.insert(RegisteredObject::clone(object));
            let (base, records) = instance(object);
            for (format, count) in FORMATS.into_iter().zip(&mut payloads) {
                let bytes = match encode(ContentFormat(format), base, &records) {
                    Err(EncodeError::UnsupportedFormat) => continue,
                    bytes => bytes.unwrap_or_else(|error| panic!("{base} in {format}: {error}")),
                };
                *count += 1;
                let mut scratch = vec![0; bytes.len()];
                let decoder =
                    Decoder::new(ContentFormat(format), base, &bytes, &alone, &mut scratch);
                let decoder = decoder.unwrap_or_else(|error| panic!("{base} in {format}: {error}"));
                let back: Result<Vec<_>, _> = decoder.collect();
                let mut back = back.unwrap_or_else(|error| panic!("{base} in {format}: {error}"));
                // An instance without values, of an object to execute only, may be told as being there.
                back.retain(|record| *record != Record::new(base, Value::None));
                assert_eq!(back, records, "{base} in {format}");
            }
        }
    }
    assert!(objects > 300, "{objects}");
    // SenML CBOR and TLV are there at least.
    assert_eq!((payloads[1], payloads[2]), (objects, objects));
    println!("{objects} objects, payloads by format: {payloads:?}");
}

#[test]
fn every_resource_comes_back_alone() {
    let Some(registry) = registry() else { return };
    let mut counts = [0; SINGLE.len()];
    for object in registry.objects() {
        let mut alone = Registry::default();
        alone.insert(RegisteredObject::clone(object));
        let (_, records) = instance(object);
        for record in records {
            for (format, count) in SINGLE.into_iter().zip(&mut counts) {
                let place = format!("{} in {format}", record.path);
                let bytes = match encode(ContentFormat(format), record.path, &[record]) {
                    Err(EncodeError::UnsupportedFormat | EncodeError::NotRepresentable) => continue,
                    bytes => bytes.unwrap_or_else(|error| panic!("{place}: {error}")),
                };
                *count += 1;
                let mut scratch = vec![0; bytes.len()];
                let decoder = Decoder::new(
                    ContentFormat(format),
                    record.path,
                    &bytes,
                    &alone,
                    &mut scratch,
                );
                let back: Result<Vec<_>, _> = decoder.and_then(Iterator::collect);
                assert_eq!(back, Ok(vec![record]), "{place}");
            }
        }
    }
    assert!(counts[0] > 2000 && counts[1] > 50, "{counts:?}");
}

#[test]
fn no_resource_takes_what_it_should_not() {
    let Some(registry) = registry() else { return };
    for object in registry.objects() {
        for resource in &object.definition.resources {
            let place = format!("/{}/0/{}", object.definition.id, resource.id);
            let wrong_type = match resource.kind {
                ValueType::None => continue,
                ValueType::String | ValueType::Corelnk | ValueType::Objlnk => Value::Integer(1),
                _ => Value::String("wrong"),
            };
            assert_eq!(
                resource.accept(wrong_type),
                Err(ValueError::Type),
                "{place}"
            );
            if resource.kind == ValueType::Float {
                let nan = resource.accept(Value::Float(f64::NAN));
                assert_eq!(nan, Err(ValueError::NotANumber), "{place}");
            }
            let long = TEXT.repeat(200);
            let outside = match &*resource.range {
                Range::Integer(_, i64::MAX) | Range::Any => continue,
                Range::Integer(_, max) => Value::Integer(max + 1),
                Range::Integers(ranges) => {
                    Value::Integer(ranges.iter().map(|(_, max)| *max).max().unwrap_or(0) + 1)
                }
                Range::Float(_, max) => Value::Float(max + 1.0),
                _ if resource.kind == ValueType::Opaque => Value::Opaque(long.as_bytes()),
                _ => Value::String(&long),
            };
            let outside = outside.convert(resource.kind).unwrap_or(outside);
            assert_eq!(resource.accept(outside), Err(ValueError::Range), "{place}");
        }
    }
    // The other end of a path is checked too.
    assert!(ResourceInstanceId::new(u16::MAX).is_none());
}
