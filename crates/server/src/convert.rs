//! Between the manager's types and the API's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use dunlin_manager::{
    CommandError, DeviceInfo, DeviceState, Event, ObservationInfo, ObservationState, OwnedValue,
    Record, Timestamp,
};
use dunlin_model::{AttributeChanges, Attributes, ObjectLink, Path, ValueType};
use serde_json::Value as Json;

use crate::api::{self, DataType, EventKind, Problem, ProblemKind};
use crate::extract::sentence;
use crate::problem::IntoProblem as _;

mod object;
mod security;

pub(crate) use object::{object_detail, object_summary};
pub(crate) use security::credential;

#[cfg(test)]
mod tests;

/// The largest whole number up to which a float counts without gaps.
const EXACT: f64 = 9_007_199_254_740_992.0;

pub(crate) fn timestamp(time: Timestamp) -> api::Timestamp {
    api::Timestamp::from_millisecond(time.as_millis()).unwrap_or(api::Timestamp::UNIX_EPOCH)
}

/// The time of a record: seconds since 1970 with a fraction, by the device's clock.
fn record_time(seconds: f64) -> Option<api::Timestamp> {
    let millis = (seconds * 1000.0).round();
    if millis.is_nan() || millis.abs() > EXACT {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole and within the exact range"
    )]
    api::Timestamp::from_millisecond(millis as i64).ok()
}

pub(crate) fn summary(info: &DeviceInfo) -> api::DeviceSummary {
    let registration = &info.registration;
    api::DeviceSummary {
        endpoint: info.endpoint.to_string(),
        state: match info.state {
            DeviceState::Registered => api::DeviceState::Registered,
            DeviceState::Asleep => api::DeviceState::Asleep,
            DeviceState::Offline => api::DeviceState::Offline,
        },
        address: registration.peer.to_string(),
        secure: registration.peer.association.is_some(),
        lwm2m_version: registration.version.to_string(),
        binding: registration.binding.to_string(),
        queue_mode: registration.queue_mode,
        lifetime_seconds: registration.lifetime.into(),
        registered_at: timestamp(registration.registered_at),
        updated_at: timestamp(info.updated_at),
        last_seen_at: timestamp(info.last_seen),
        expires_at: info.expires_at.map(timestamp),
        commands_waiting: u64::try_from(info.commands_waiting).unwrap_or(u64::MAX),
    }
}

pub(crate) const fn data_type(kind: ValueType) -> DataType {
    match kind {
        ValueType::None => DataType::None,
        ValueType::String => DataType::String,
        ValueType::Integer => DataType::Integer,
        ValueType::Unsigned => DataType::Unsigned,
        ValueType::Float => DataType::Float,
        ValueType::Boolean => DataType::Boolean,
        ValueType::Opaque => DataType::Opaque,
        ValueType::Time => DataType::Time,
        ValueType::Objlnk => DataType::Objlnk,
        ValueType::Corelnk => DataType::Corelnk,
    }
}

/// A value as JSON.
pub(crate) fn to_json(value: &OwnedValue) -> Json {
    match value {
        OwnedValue::None => Json::Null,
        OwnedValue::String(text) | OwnedValue::Corelnk(text) => Json::from(text.as_str()),
        OwnedValue::Integer(number) | OwnedValue::Time(number) => Json::from(*number),
        OwnedValue::Unsigned(number) => Json::from(*number),
        OwnedValue::Float(number) => float_to_json(*number),
        OwnedValue::Single(number) => single_to_json(*number),
        OwnedValue::Boolean(truth) => Json::from(*truth),
        OwnedValue::Opaque(bytes) => Json::from(BASE64.encode(bytes)),
        OwnedValue::Objlnk(link) => Json::from(link.to_string()),
    }
}

fn float_to_json(number: f64) -> Json {
    if number.is_nan() {
        Json::from("NaN")
    } else if number.is_infinite() {
        Json::from(if number > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        })
    } else {
        Json::from(number)
    }
}

/// A number of 32 bits with its own digits, which those of the same number with 64 bits are not.
fn single_to_json(number: f32) -> Json {
    let shortest = number.to_string().parse();
    float_to_json(shortest.unwrap_or_else(|_| f64::from(number)))
}

/// JSON as a value of a type; without a type, as what the JSON looks like.
pub(crate) fn from_json(json: &Json, kind: Option<DataType>) -> Result<OwnedValue, String> {
    let wrong = |what: &str| Err(format!("{json} is not {what}"));
    match kind {
        None => match json {
            Json::String(text) => Ok(OwnedValue::String(text.clone())),
            Json::Bool(truth) => Ok(OwnedValue::Boolean(*truth)),
            Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
                (Some(number), ..) => Ok(OwnedValue::Integer(number)),
                (None, Some(number), _) => Ok(OwnedValue::Unsigned(number)),
                (None, None, Some(number)) => Ok(OwnedValue::Float(number)),
                (None, None, None) => wrong("a number that fits"),
            },
            Json::Null | Json::Array(_) | Json::Object(_) => {
                wrong("a value; give text, a number, true or false")
            }
        },
        Some(DataType::None) => match json {
            Json::Null => Ok(OwnedValue::None),
            _ => wrong("null"),
        },
        Some(DataType::String) => json
            .as_str()
            .map_or_else(|| wrong("text"), |text| Ok(OwnedValue::String(text.into()))),
        Some(DataType::Corelnk) => json.as_str().map_or_else(
            || wrong("text of links"),
            |text| Ok(OwnedValue::Corelnk(text.into())),
        ),
        Some(DataType::Integer) => integer(json).map_or_else(
            || wrong("a whole number"),
            |number| Ok(OwnedValue::Integer(number)),
        ),
        Some(DataType::Time) => integer(json).map_or_else(
            || wrong("a whole number of seconds"),
            |number| Ok(OwnedValue::Time(number)),
        ),
        Some(DataType::Unsigned) => {
            match json.as_u64().or_else(|| u64::try_from(integer(json)?).ok()) {
                Some(number) => Ok(OwnedValue::Unsigned(number)),
                None => wrong("a whole number from 0"),
            }
        }
        Some(DataType::Float) => match json {
            Json::Number(number) => number
                .as_f64()
                .map_or_else(|| wrong("a number"), |number| Ok(OwnedValue::Float(number))),
            Json::String(text) if text == "NaN" => Ok(OwnedValue::Float(f64::NAN)),
            Json::String(text) if text == "Infinity" => Ok(OwnedValue::Float(f64::INFINITY)),
            Json::String(text) if text == "-Infinity" => Ok(OwnedValue::Float(f64::NEG_INFINITY)),
            _ => wrong("a number"),
        },
        Some(DataType::Boolean) => json.as_bool().map_or_else(
            || wrong("true or false"),
            |truth| Ok(OwnedValue::Boolean(truth)),
        ),
        Some(DataType::Opaque) => match json.as_str().map(|text| BASE64.decode(text)) {
            Some(Ok(bytes)) => Ok(OwnedValue::Opaque(bytes)),
            _ => wrong("text in base64 with padding"),
        },
        Some(DataType::Objlnk) => match json.as_str().map(str::parse::<ObjectLink>) {
            Some(Ok(link)) => Ok(OwnedValue::Objlnk(link)),
            _ => wrong("an object link such as \"3:0\""),
        },
    }
}

fn integer(json: &Json) -> Option<i64> {
    json.as_i64().or_else(|| {
        let number = json.as_f64()?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "whole and within the exact range"
        )]
        (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
    })
}

pub(crate) fn record(record: &Record) -> api::Record {
    api::Record {
        path: record.path.to_string(),
        kind: data_type(record.value.kind()),
        value: to_json(&record.value),
        time: record.time.and_then(record_time),
    }
}

/// One value to write, as the manager takes it; `types` knows the type of a resource.
pub(crate) fn write_value(
    types: impl Fn(Path) -> Option<ValueType>,
    path: Path,
    json: &Json,
    kind: Option<DataType>,
) -> Result<OwnedValue, Problem> {
    let kind = kind.or_else(|| types(path).map(data_type));
    from_json(json, kind).map_err(|reason| {
        let expected = kind
            .map(|kind| format!(" of type {kind}"))
            .unwrap_or_default();
        ProblemKind::BadRequest
            .problem(format!("The value for {path} does not fit: {reason}."))
            .remedy(format!("Give {path} a value{expected}."))
    })
}

/// Records to write, as the manager takes them. Relative paths start at `base`.
pub(crate) fn write_records(
    types: impl Fn(Path) -> Option<ValueType>,
    base: Path,
    records: &[api::WriteRecord],
) -> Result<Vec<Record>, Problem> {
    records
        .iter()
        .map(|record| {
            let path = join(base, &record.path)?;
            Ok(Record::new(
                path,
                write_value(&types, path, &record.value, record.kind)?,
            ))
        })
        .collect()
}

/// A path from text: whole with a leading slash, otherwise relative to `base`.
fn join(base: Path, text: &str) -> Result<Path, Problem> {
    let whole = if text.starts_with('/') {
        text.to_owned()
    } else if base == Path::ROOT {
        format!("/{text}")
    } else {
        format!("{base}/{text}")
    };
    let path = path(&whole)?;
    if base.contains(&path) {
        Ok(path)
    } else {
        Err(ProblemKind::BadRequest
            .problem(format!("{path} is not below {base}."))
            .remedy("Give paths at or below the one that the URL names."))
    }
}

/// A path from text with or without the leading slash.
pub(crate) fn path(text: &str) -> Result<Path, Problem> {
    let text = text.strip_prefix('/').unwrap_or(text);
    let text = text.strip_suffix('/').unwrap_or(text);
    format!("/{text}").parse().map_err(|error| {
        ProblemKind::BadRequest
            .problem(format!("`/{text}` is not a path: {error}."))
            .remedy("Write a path as up to four numbers from 0 to 65534, such as /3303/0/5700.")
    })
}

pub(crate) fn attributes(attributes: &api::NotificationAttributes) -> Attributes {
    let mut converted = Attributes::NONE;
    converted.pmin = attributes.pmin;
    converted.pmax = attributes.pmax;
    converted.gt = attributes.gt;
    converted.lt = attributes.lt;
    converted.st = attributes.st;
    converted.epmin = attributes.epmin;
    converted.epmax = attributes.epmax;
    converted.edge = attributes.edge;
    converted.con = attributes.con;
    converted.hqmax = attributes.hqmax;
    converted
}

/// Changes of attributes, if they do not contradict one another.
pub(crate) fn attribute_changes(
    changes: &api::AttributeChanges,
) -> Result<AttributeChanges, Problem> {
    let wanted = Attributes {
        pmin: changes.pmin.flatten(),
        pmax: changes.pmax.flatten(),
        gt: changes.gt.flatten(),
        lt: changes.lt.flatten(),
        st: changes.st.flatten(),
        epmin: changes.epmin.flatten(),
        epmax: changes.epmax.flatten(),
        edge: changes.edge.flatten(),
        con: changes.con.flatten(),
        hqmax: changes.hqmax.flatten(),
    };
    // What is null is removed.
    let removed = [
        ("pmin", changes.pmin == Some(None)),
        ("pmax", changes.pmax == Some(None)),
        ("gt", changes.gt == Some(None)),
        ("lt", changes.lt == Some(None)),
        ("st", changes.st == Some(None)),
        ("epmin", changes.epmin == Some(None)),
        ("epmax", changes.epmax == Some(None)),
        ("edge", changes.edge == Some(None)),
        ("con", changes.con == Some(None)),
        ("hqmax", changes.hqmax == Some(None)),
    ];
    let mut changes = AttributeChanges::from(wanted);
    let mut named = removed.iter().filter(|(_, removed)| *removed);
    let known = named.all(|(name, _)| changes.remove(name).is_ok());
    debug_assert!(known, "each name is an attribute's and is not set");
    match changes.apply(Attributes::NONE) {
        Ok(_) => Ok(changes),
        Err(error) => Err(ProblemKind::BadRequest
            .problem(format!("The attributes are not possible: {error}."))
            .remedy("Give attributes that do not contradict one another.")),
    }
}

pub(crate) fn observation(info: &ObservationInfo) -> api::Observation {
    api::Observation {
        path: info.path.to_string(),
        attributes: api::NotificationAttributes {
            pmin: info.attributes.pmin,
            pmax: info.attributes.pmax,
            gt: info.attributes.gt,
            lt: info.attributes.lt,
            st: info.attributes.st,
            epmin: info.attributes.epmin,
            epmax: info.attributes.epmax,
            edge: info.attributes.edge,
            con: info.attributes.con,
            hqmax: info.attributes.hqmax,
        },
        state: match info.state {
            ObservationState::Pending => api::ObservationState::Pending,
            ObservationState::Active => api::ObservationState::Active,
        },
        started_at: timestamp(info.started_at),
        notified_at: info.notified_at.map(timestamp),
    }
}

/// An event; `None` for kinds that the API does not know yet.
pub(crate) fn event(event: &Event) -> Option<api::Event> {
    let new = |kind| api::Event {
        kind,
        endpoint: event.device().map(|device| device.endpoint().to_owned()),
        at: timestamp(Timestamp::now()),
        path: None,
        records: Vec::new(),
        reason: None,
        count: None,
    };
    Some(match event {
        Event::Registered(_) => new(EventKind::Registered),
        Event::Updated(_) => new(EventKind::Updated),
        Event::Deregistered(_) => new(EventKind::Deregistered),
        Event::Expired(_) => new(EventKind::Expired),
        Event::Notification(notification) => api::Event {
            at: timestamp(notification.at),
            path: Some(notification.path.to_string()),
            records: notification.records.iter().map(record).collect(),
            ..new(EventKind::Notification)
        },
        Event::ObservationStarted { path, .. } => api::Event {
            path: Some(path.to_string()),
            ..new(EventKind::ObservationStarted)
        },
        Event::ObservationEnded { path, reason, .. } => api::Event {
            path: Some(path.to_string()),
            reason: Some(reason.clone()),
            ..new(EventKind::ObservationEnded)
        },
        Event::StoreFailing { reason } => api::Event {
            reason: Some(reason.clone()),
            ..new(EventKind::StoreFailing)
        },
        Event::StoreRecovered => new(EventKind::StoreRecovered),
        Event::Missed(count) => api::Event {
            count: Some(*count),
            ..new(EventKind::Missed)
        },
        _ => return None,
    })
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        let detail = sentence(&error.to_string());
        match error {
            CommandError::UnknownDevice { .. } => ProblemKind::NotRegistered.problem(detail),
            CommandError::NotConnected { .. } | CommandError::Reset { .. } => {
                ProblemKind::NotConnected.problem(detail)
            }
            CommandError::Asleep { .. } => ProblemKind::TimedOut.problem(detail).remedy(
                "Give the request a longer `timeout`, or try again when the device was heard.",
            ),
            CommandError::TimedOut { .. } => ProblemKind::TimedOut.problem(detail),
            CommandError::Refused { code, .. } => ProblemKind::RefusedByDevice
                .problem(detail)
                .remedy(remedy_for(code.class(), code.detail()))
                .code(code.to_string()),
            CommandError::BadAnswer { .. } => ProblemKind::BadAnswer.problem(detail),
            CommandError::Interrupted { .. } => ProblemKind::BadAnswer.problem(detail).remedy(
                "Look at the device whether it was carried out before you ask for it again.",
            ),
            CommandError::Invalid { .. } => ProblemKind::BadRequest.problem(detail),
            CommandError::Overloaded { .. } => ProblemKind::Overloaded.problem(detail),
            CommandError::StoreFailed { .. } => ProblemKind::StoreFailed.problem(detail),
            CommandError::Stopped => ProblemKind::Overloaded
                .problem(detail)
                .remedy("Try again when the manager has started."),
            other => ProblemKind::Internal.problem(sentence(&other.to_string())),
        }
    }
}

/// What an operator can do about a device's answer code.
const fn remedy_for(class: u8, detail: u8) -> &'static str {
    match (class, detail) {
        (4, 0) => "Check the value against the resource's type and range.",
        (4, 1) => "The device does not give this manager the right; change its access control.",
        (4, 3) => "The device forbids it; see its maker's documentation.",
        (4, 4) => "Use Discover to see what the device has.",
        (4, 5) => "The resource does not allow this operation; see the operations in its row.",
        (4, 6) => "The device cannot answer in this format; choose another `format`.",
        (4, 13) => "Write less at once.",
        (4, 15) => {
            "The device does not understand the payload's format; write a single resource instead."
        }
        (5, 0) => "The device has a fault; try again, and look at its error codes (/3/0/11).",
        (5, 1) => "The device does not support this operation.",
        (5, 3) => "The device is busy; try again in a moment.",
        _ => "See the device's documentation for the code.",
    }
}
