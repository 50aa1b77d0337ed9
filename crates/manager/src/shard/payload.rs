//! Records to bytes and back, with the types of the object definitions.

use std::collections::HashSet;

use dunlin_codec::{ContentFormat, Decoder, EncodeError, Types};
use dunlin_lwm2m::LwM2mVersion;
use dunlin_model::{Level, Owned, Path, ResourceDefinition, ValueError, ValueType};

use crate::{Action, CommandError, DeviceObjects, OwnedValue, Record, Registration, WriteValue};

/// The largest payload that is written.
const MAX_PAYLOAD: usize = 16 * 1024 * 1024;

/// Reads what a device gave for `base`.
pub(super) fn decode(
    objects: &DeviceObjects<'_>,
    format: ContentFormat,
    base: Path,
    payload: &[u8],
) -> Result<Vec<Record>, String> {
    let mut scratch = vec![
        0;
        if format == ContentFormat::TEXT {
            payload.len()
        } else {
            0
        }
    ];
    let root = &objects.registration().root;
    let prefix = format!("/{root}");
    let understood = |error: dunlin_codec::DecodeError| format!("{format}: {error}");
    let mut decoder =
        Decoder::new(format, base, payload, objects, &mut scratch).map_err(understood)?;
    if !root.is_empty() {
        decoder = decoder.alternate_path(&prefix);
    }
    let records = decoder
        .map(|record| {
            record
                .map(|record| Record {
                    path: record.path,
                    value: record.value.into(),
                    time: record.time,
                })
                .map_err(understood)
        })
        .collect::<Result<Vec<_>, _>>()?;
    match twice(&records) {
        Some(path) => Err(format!("{format}: {path} is given twice")),
        None => Ok(records),
    }
}

/// A node that has two values of the same time, which is now where none is told. A series has a time with each.
fn twice(records: &[Record]) -> Option<Path> {
    if records.is_sorted_by(|record, next| record.path < next.path) {
        return None;
    }
    let mut seen = HashSet::with_capacity(records.len());
    let mut records = records.iter();
    let twice =
        records.find(|record| !seen.insert((record.path, record.time.map(f64::to_bits))))?;
    Some(twice.path)
}

/// Reads what a device gave for `base` in the format that it names, or that was asked for.
///
/// Old clients name none and mean plain text. The first byte of a TLV with a resource is the lead of a multi-byte UTF-8
/// sequence that its identifier does not continue, so that the two are told apart.
pub(super) fn decode_answer(
    objects: &DeviceObjects<'_>,
    named: Option<ContentFormat>,
    asked: Option<ContentFormat>,
    base: Path,
    payload: &[u8],
) -> Result<Vec<Record>, String> {
    if let Some(format) = named {
        return decode(objects, format, base, payload);
    }
    let is_resource = matches!(base.level(), Level::Resource | Level::ResourceInstance);
    match asked {
        Some(format) if !is_resource || core::str::from_utf8(payload).is_err() => {
            decode(objects, format, base, payload)
        }
        _ if payload.is_empty() && !is_resource => Ok(Vec::new()),
        _ => decode(objects, ContentFormat::TEXT, base, payload),
    }
}

/// Writes what `buffer` holds of the payload of a Write or Create from `skip` on, and gives the length of the whole. The
/// values have their types.
pub(super) fn encode_part(
    format: ContentFormat,
    action: &Action,
    skip: usize,
    buffer: &mut [u8],
) -> Result<usize, EncodeError> {
    // The named instance is in the payload even if it has no value.
    let empty = [Record {
        path: action.path(),
        value: OwnedValue::None,
        time: None,
    }];
    let records = match action {
        Action::Write {
            value: WriteValue::Records(records),
            ..
        } => records,
        Action::Create {
            instance: Some(_),
            records,
            ..
        } if records.is_empty() => &empty[..],
        Action::Create { records, .. } if !records.is_empty() => records,
        _ => return Ok(0),
    };
    let part = dunlin_codec::encode_part(format, base(action), skip, buffer, |encoder| {
        for record in records {
            encoder.push(&dunlin_codec::Record {
                path: record.path,
                value: record.value.as_value(),
                time: record.time,
            })?;
        }
        Ok::<(), EncodeError>(())
    })?;
    if part.total > MAX_PAYLOAD {
        return Err(EncodeError::NoSpace);
    }
    Ok(part.total)
}

/// The node that the payload of a Write or Create is about.
pub(super) fn base(action: &Action) -> Path {
    match action {
        Action::Create {
            object,
            instance: Some(_),
            ..
        } => Path::object(*object),
        // The device chooses the instance: the payload has resources alone, whichever instance their paths have.
        Action::Create {
            object,
            instance: None,
            records,
        } => records.first().map_or(Path::object(*object), |record| {
            record.path.truncate(Level::Instance)
        }),
        other => other.path(),
    }
}

/// The records of a write to `path`, with the types of their resources and in the order of their paths.
pub(super) fn written(
    objects: &DeviceObjects<'_>,
    path: Path,
    value: WriteValue,
) -> Result<Vec<Record>, CommandError> {
    let records = match value {
        WriteValue::One(value) => match path.level() {
            Level::Resource if objects.is_multiple(&path) == Some(true) => {
                return Err(CommandError::invalid(format!(
                    "{path} has instances: write records, or one instance such as {path}/0"
                )));
            }
            Level::Resource | Level::ResourceInstance => vec![Record {
                path,
                value,
                time: None,
            }],
            _ => {
                return Err(CommandError::invalid(format!(
                    "{path} is no resource: write records"
                )));
            }
        },
        WriteValue::Records(records) => records,
    };
    typed(objects, path, records)
}

/// `records`, which must all be at or below `path`, with the types of their resources and in the order of their paths.
pub(super) fn typed(
    objects: &DeviceObjects<'_>,
    path: Path,
    records: Vec<Record>,
) -> Result<Vec<Record>, CommandError> {
    let mut records = records
        .into_iter()
        .map(|record| {
            if !path.contains(&record.path) {
                return Err(CommandError::invalid(format!(
                    "{} is not below {path}",
                    record.path
                )));
            }
            match objects.resource(&record.path) {
                Some(resource) => fitted(resource, record),
                None => Ok(record),
            }
        })
        .collect::<Result<Vec<_>, _>>()?;
    records.sort_by_key(|record| record.path);
    if let Some(twice) = records.windows(2).find(|pair| pair[0].path == pair[1].path) {
        return Err(CommandError::invalid(format!(
            "{} is given twice",
            twice[0].path
        )));
    }
    Ok(records)
}

/// A record with the type of its resource, if the resource may have the value.
fn fitted(resource: &ResourceDefinition<Owned>, record: Record) -> Result<Record, CommandError> {
    let (path, kind) = (record.path, resource.kind);
    // A resource that is only executed has no type.
    if kind == ValueType::None {
        return Ok(record);
    }
    let name = &*resource.name;
    let value = record.value.coerced(kind).map_err(|value| {
        CommandError::invalid(format!(
            "{path} ({name}) is of type {kind}: “{value}” ({}) does not fit",
            value.kind()
        ))
    })?;
    match resource.accept(value.as_value()) {
        Ok(_) => Ok(Record { value, ..record }),
        Err(ValueError::NotANumber) => Err(CommandError::invalid(format!(
            "{path} ({name}) takes numbers, and NaN is none"
        ))),
        Err(_) if kind.is_numeric() => Err(CommandError::invalid(format!(
            "{path} ({name}) takes {}: {value} is out of range",
            resource.range
        ))),
        Err(_) => Err(CommandError::invalid(format!(
            "{path} ({name}) takes {} bytes, and the value has {}",
            resource.range,
            value.heap_size()
        ))),
    }
}

/// The formats that a device is expected to know, the best first.
fn expected(registration: &Registration, first: Option<ContentFormat>) -> Vec<ContentFormat> {
    let announced = |format| registration.formats.contains(&format);
    let senml_first =
        registration.version != LwM2mVersion::V1_0 && announced(ContentFormat::SENML_CBOR);
    let usual = if senml_first {
        [ContentFormat::SENML_CBOR, ContentFormat::TLV]
    } else {
        [ContentFormat::TLV, ContentFormat::SENML_CBOR]
    };
    let mut formats: Vec<_> = first.into_iter().collect();
    formats.extend(usual.into_iter().filter(|format| Some(*format) != first));
    formats
}

/// The formats to ask for when `path` is read, in their order; `None` leaves it to the device.
pub(super) fn formats_to_read(
    objects: &DeviceObjects<'_>,
    first: Option<ContentFormat>,
    path: Path,
) -> Vec<Option<ContentFormat>> {
    let registration = objects.registration();
    let mut formats = expected(registration, first);
    let single = match path.level() {
        Level::Resource => objects.is_multiple(&path) != Some(true),
        level => level == Level::ResourceInstance,
    };
    if single {
        let plain = match objects.value_type(&path) {
            Some(ValueType::Opaque) => ContentFormat::OPAQUE,
            _ => ContentFormat::TEXT,
        };
        if first != Some(plain) {
            formats.push(plain);
        }
    }
    let named = formats.into_iter().map(Some);
    // A device of 1.0 that announces nothing may know TLV by a number of an old draft, or drop a request whose Accept it
    // has no name for. It knows best what it speaks.
    let silent = registration.version == LwM2mVersion::V1_0 && registration.formats.is_empty();
    if silent && first.is_none() {
        [None].into_iter().chain(named).collect()
    } else {
        named.chain([None]).collect()
    }
}

/// The formats to write `records` in, in their order.
pub(super) fn formats_to_write(
    registration: &Registration,
    first: Option<ContentFormat>,
    path: Path,
    records: &[Record],
) -> Vec<Option<ContentFormat>> {
    let mut formats = expected(registration, first);
    if let [record] = records
        && record.path == path
    {
        let plain = match record.value {
            OwnedValue::Opaque(_) => ContentFormat::OPAQUE,
            _ => ContentFormat::TEXT,
        };
        if first != Some(plain) {
            formats.push(plain);
        }
    }
    formats.into_iter().map(Some).collect()
}
