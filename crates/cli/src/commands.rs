//! The commands, one file each: its options, what it does, what it prints.

pub(crate) mod agent;
pub(crate) mod attributes;
pub(crate) mod cancel;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod demo;
pub(crate) mod device;
pub(crate) mod devices;
pub(crate) mod discover;
pub(crate) mod events;
pub(crate) mod execute;
pub(crate) mod objects;
pub(crate) mod objgen;
pub(crate) mod observe;
pub(crate) mod read;
pub(crate) mod security;
pub(crate) mod serve;
pub(crate) mod write;

use dunlin_server::api::{DataType, NotificationAttributes, Record};
use serde_json::Value;

use crate::clean::clean;
use crate::dictionary::Dictionary;
use crate::failure::Failure;

/// A value of the API as a person reads it.
fn show(value: &Value, kind: DataType) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => clean(text),
        Value::Number(seconds) if kind == DataType::Time => {
            match seconds.as_i64().map(jiff::Timestamp::from_second) {
                Some(Ok(time)) => crate::moment::date_and_time(time),
                _ => seconds.to_string(),
            }
        }
        other => other.to_string(),
    }
}

/// The name and the unit of what a record is at. Sensors of the registry name their unit in a resource beside the value,
/// which counts where `all` has it.
fn describe(record: &Record, all: &[Record], dictionary: &Dictionary<'_>) -> (String, String) {
    let path = record.path.parse().ok();
    let Some(resource) = path.and_then(|path| dictionary.resource(path)) else {
        return (String::new(), String::new());
    };
    if !resource.units.is_empty() || resource.kind != DataType::Float {
        return (resource.name, resource.units);
    }
    let beside = path
        .and_then(|path| path.parent()?.child(SENSOR_UNITS))
        .map(|path| path.to_string());
    let unit = all
        .iter()
        .find(|other| Some(&other.path) == beside.as_ref())
        .map(|other| show(&other.value, other.kind));
    (resource.name, unit.unwrap_or_default())
}

/// The resource in which a sensor names the unit of its values (IPSO, reusable resource 5701).
const SENSOR_UNITS: u16 = 5701;

/// Reads `pmin=1`, `pmax=60`, `gt=30`, `lt=10`, `st=0.5`.
fn notification_attributes<'a>(
    items: impl IntoIterator<Item = &'a str>,
) -> Result<NotificationAttributes, Failure> {
    const EXAMPLE: &str = "Write attributes as pmin=SECONDS pmax=SECONDS gt=NUMBER lt=NUMBER st=NUMBER \
        epmin=SECONDS epmax=SECONDS edge=0|1 con=0|1 hqmax=COUNT.";
    let mut attributes = NotificationAttributes::default();
    for item in items {
        let bad =
            || Failure::usage(format!("`{item}` is no notification attribute.")).remedy(EXAMPLE);
        let (name, value) = item.split_once('=').ok_or_else(bad)?;
        let number = || {
            value
                .parse::<f64>()
                .ok()
                .filter(|number| number.is_finite())
                .ok_or_else(bad)
        };
        let flag = || match value {
            "0" => Ok(false),
            "1" => Ok(true),
            _ => Err(bad()),
        };
        match name {
            "pmin" => attributes.pmin = Some(value.parse().map_err(|_| bad())?),
            "pmax" => attributes.pmax = Some(value.parse().map_err(|_| bad())?),
            "gt" => attributes.gt = Some(number()?),
            "lt" => attributes.lt = Some(number()?),
            "st" => attributes.st = Some(number()?),
            "epmin" => attributes.epmin = Some(value.parse().map_err(|_| bad())?),
            "epmax" => attributes.epmax = Some(value.parse().map_err(|_| bad())?),
            "edge" => attributes.edge = Some(flag()?),
            "con" => attributes.con = Some(flag()?),
            "hqmax" => attributes.hqmax = Some(value.parse().map_err(|_| bad())?),
            _ => return Err(bad()),
        }
    }
    Ok(attributes)
}

/// The attributes as they are written in LwM2M: `pmin=1 pmax=60`.
fn list_attributes(attributes: &NotificationAttributes) -> String {
    let text = |name: &str, value: Option<String>| value.map(|value| format!("{name}={value}"));
    let whole = |name, value: Option<u32>| text(name, value.map(|value| value.to_string()));
    let number = |name, value: Option<f64>| text(name, value.map(|value| value.to_string()));
    let flag = |name, value: Option<bool>| whole(name, value.map(u32::from));
    [
        whole("pmin", attributes.pmin),
        whole("pmax", attributes.pmax),
        number("gt", attributes.gt),
        number("lt", attributes.lt),
        number("st", attributes.st),
        whole("epmin", attributes.epmin),
        whole("epmax", attributes.epmax),
        flag("edge", attributes.edge),
        flag("con", attributes.con),
        whole("hqmax", attributes.hqmax),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn attributes_are_read_and_written_alike() {
        let text = "pmin=1 pmax=60 gt=30.5 lt=-10 st=0.5 epmin=1 epmax=2 edge=0 con=1 hqmax=9";
        let attributes = notification_attributes(text.split(' ')).expect("valid");
        assert_eq!(list_attributes(&attributes), text);
        for text in [
            "pmin", "pmin=", "pmin=-1", "pmin=1.5", "gt=warm", "gt=inf", "max=1", "edge=2", "con=",
        ] {
            assert!(
                notification_attributes([text]).is_err_and(|failure| failure.usage),
                "{text}"
            );
        }
    }

    #[test]
    fn values_are_shown_plainly() {
        assert_eq!(show(&json!(21.5), DataType::Float), "21.5");
        assert_eq!(show(&json!("Cel\u{7}"), DataType::String), "Cel\u{fffd}");
        assert_eq!(show(&json!(true), DataType::Boolean), "true");
        assert_eq!(show(&json!(1_700_000_000), DataType::Integer), "1700000000");
        assert!(show(&json!(1_700_000_000), DataType::Time).starts_with("2023-11-1"));
    }
}
