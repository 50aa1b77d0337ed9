//! Paths by numbers or by the names of the registry.
//!
//! ```text
//! /3/0/9                       by numbers
//! device.battery_level         by names; the instance is 0 where it is left out
//! temperature.1.sensor_value   another instance
//! device.0.error_code.2        a resource instance
//! 3303.sensor_value            mixed
//! ```
//!
//! Case, spaces and `_` or `-` do not matter, and the objects "LWM2M Server" and "LWM2M Security" may leave out the
//! `lwm2m_`. The names are those of the core objects, and of every object that the manager knows.

use dunlin_model::{InstanceId, ObjectId, Path, PathError, ResourceId, objects};

use crate::dictionary::Dictionary;
use crate::failure::Failure;

/// Why a text names no path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NameError {
    /// Numbers that are no path.
    Numbers { text: String, error: PathError },
    /// No object has this name.
    Object {
        name: String,
        nearest: Option<String>,
    },
    /// The object has no resource of this name.
    Resource {
        name: String,
        object: String,
        nearest: Option<String>,
    },
    /// A resource is named, but the object's definition is not known.
    Unknown { name: String, object: u16 },
    /// A segment that must be a number is none.
    Number { segment: String },
    /// Nothing stands between two separators, or there are more than four segments.
    Shape { text: String },
}

impl From<NameError> for Failure {
    fn from(error: NameError) -> Self {
        let by_numbers =
            "Give a path by numbers such as /3/0/9, or by names such as device.battery_level.";
        let meant = |nearest: Option<String>| nearest.map(|name| format!("Did you mean `{name}`?"));
        match error {
            NameError::Numbers { text, error } => {
                Self::usage(format!("`{text}` is no path: {error}.")).remedy(by_numbers)
            }
            NameError::Object { name, nearest } => Self::usage(format!(
                "No object is called `{name}`."
            ))
            .remedy(meant(nearest).unwrap_or_else(|| {
                let known: Vec<_> = objects::CORE
                    .iter()
                    .map(|object| snake(object.name))
                    .collect();
                format!(
                    "Known by name are {}, and what `dunlin objects list` shows; any other goes by its number.",
                    known.join(", ")
                )
            })),
            NameError::Resource {
                name,
                object,
                nearest,
            } => Self::usage(format!(
                "The object {object} has no resource called `{name}`."
            ))
            .remedy(meant(nearest).unwrap_or_else(|| by_numbers.into())),
            NameError::Unknown { name, object } => Self::usage(format!(
                "The definition of object {object} is not known, so `{name}` says nothing."
            ))
            .remedy("Name its resources by their numbers, or give the manager the definition with `dunlin objects upload`."),
            NameError::Number { segment } => {
                Self::usage(format!("`{segment}` is no number from 0 to 65534.")).remedy(by_numbers)
            }
            NameError::Shape { text } => {
                Self::usage(format!("`{text}` is no path.")).remedy(by_numbers)
            }
        }
    }
}

/// Reads a path, by numbers or by names.
pub(crate) fn resolve(text: &str, dictionary: &Dictionary<'_>) -> Result<Path, Failure> {
    if text.starts_with('/')
        && text
            .bytes()
            .all(|byte| byte == b'/' || byte.is_ascii_digit())
    {
        return text.parse().map_err(|error| {
            let text = text.to_owned();
            NameError::Numbers { text, error }.into()
        });
    }
    let mut segments = text
        .strip_prefix('/')
        .unwrap_or(text)
        .split(['.', '/'])
        .peekable();
    let shape = || {
        Failure::from(NameError::Shape {
            text: text.to_owned(),
        })
    };
    if text.is_empty() || text.split(['.', '/']).skip(1).any(str::is_empty) {
        return Err(shape());
    }
    let first = segments.next().ok_or_else(shape)?;
    let object = object_id(first, dictionary)?;
    let mut path = Path::object(object);
    let Some(second) = segments.peek() else {
        return Ok(path);
    };
    // A name in second place is a resource of the instance 0.
    let instance = if is_number(second) {
        segments.next().map(number).transpose()?.unwrap_or(0)
    } else {
        0
    };
    path = InstanceId::new(instance)
        .map(|instance| Path::instance(object, instance))
        .ok_or_else(shape)?;
    if let Some(third) = segments.next() {
        path = path
            .child(resource_id(object, third, dictionary)?.get())
            .ok_or_else(shape)?;
    }
    if let Some(fourth) = segments.next() {
        path = path.child(number(fourth)?).ok_or_else(shape)?;
    }
    if segments.next().is_some() {
        Err(shape())
    } else {
        Ok(path)
    }
}

/// Reads a resource of an object, by number or by name.
pub(crate) fn resource_id(
    object: ObjectId,
    text: &str,
    dictionary: &Dictionary<'_>,
) -> Result<ResourceId, Failure> {
    if is_number(text) {
        let id = ResourceId::new(number(text)?).ok_or_else(|| NameError::Number {
            segment: text.to_owned(),
        })?;
        return Ok(id);
    }
    dictionary.resource_named(object, text)
}

fn object_id(text: &str, dictionary: &Dictionary<'_>) -> Result<ObjectId, Failure> {
    if is_number(text) {
        let id = ObjectId::new(number(text)?).ok_or_else(|| NameError::Number {
            segment: text.to_owned(),
        })?;
        return Ok(id);
    }
    dictionary.object_named(text)
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn number(text: &str) -> Result<u16, NameError> {
    match text.parse() {
        Ok(number) if number <= dunlin_model::MAX_ID.saturating_sub(1) => Ok(number),
        _ => Err(NameError::Number {
            segment: text.to_owned(),
        }),
    }
}

/// A registry name as it is written on the command line: lower case, words joined by `_`.
pub(crate) fn snake(name: &str) -> String {
    let words = name
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("_")
}

/// What is left of a name when it is compared.
pub(crate) fn squash(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

pub(crate) fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    let scored = names.map(|name| (strsim::jaro_winkler(wanted, &squash(name)), name));
    let (score, name) = scored.max_by(|(a, _), (b, _)| a.total_cmp(b))?;
    (score > 0.8).then(|| snake(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(text: &str) -> Result<Path, Failure> {
        super::resolve(text, &Dictionary::built_in())
    }

    #[test]
    fn names_and_numbers_lead_to_the_same_place() {
        for (text, path) in [
            ("/", "/"),
            ("/3", "/3"),
            ("/3/0/9", "/3/0/9"),
            ("3/0/9", "/3/0/9"),
            ("3.0.9", "/3/0/9"),
            ("device", "/3"),
            ("device.0", "/3/0"),
            ("device.battery_level", "/3/0/9"),
            ("Device.Battery-Level", "/3/0/9"),
            ("device.batteryLevel", "/3/0/9"),
            ("/device/0/battery_level", "/3/0/9"),
            ("temperature.sensor_value", "/3303/0/5700"),
            ("temperature.1.sensor_value", "/3303/1/5700"),
            ("3303.sensor_value", "/3303/0/5700"),
            ("device.error_code.0", "/3/0/11/0"),
            ("device.0.11.2", "/3/0/11/2"),
            ("server.lifetime", "/1/0/1"),
            ("lwm2m_server.0.lifetime", "/1/0/1"),
            ("device.extdevinfo", "/3/0/22"),
            ("10.0.5", "/10/0/5"),
        ] {
            assert_eq!(
                resolve(text).map(|path| path.to_string()),
                Ok(path.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn every_resource_is_found_by_its_own_name() {
        for object in objects::CORE {
            for resource in object.resources {
                let text = format!("{}.0.{}", snake(object.name), snake(resource.name));
                let path = resolve(&text).expect("a name of the registry");
                assert_eq!(
                    (path.object_id(), path.resource_id()),
                    (Some(object.id), Some(resource.id)),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_path_says_why() {
        let message = |text: &str| resolve(text).expect_err(text).to_string();
        assert!(message("device.batery_level").contains("Did you mean `battery_level`?"));
        assert!(message("devise").contains("Did you mean `device`?"));
        assert!(message("fridge").contains("Known by name are"));
        assert!(message("10.0.firmware").contains("by their numbers"));
        assert!(message("/3/0/70000").contains("65534"));
        for text in [
            "",
            ".",
            "3.",
            "device..9",
            "/3/0/9/0/0",
            "3/0/9/0/0",
            "/3//9",
            "device.0.9.x",
            "3.65535",
            "-1",
        ] {
            assert!(resolve(text).is_err(), "{text}");
            assert!(resolve(text).expect_err(text).usage, "{text}");
        }
    }
}
