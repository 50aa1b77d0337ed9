extern crate std;

use dunlin_lwm2m::Arguments;
use dunlin_model::{InstanceId, ResourceId, ResourceInstanceId, Value, ValueType, objects};
use std::vec::Vec;

use super::*;
use crate::content::{SINGLE, exists, indices};
use crate::{Collection, Error, Instances, Object};

fn resource(id: u16) -> ResourceId {
    ResourceId::new(id).unwrap()
}

/// Reads everything that the definition names, in its order.
fn values(
    object: &dyn Object,
    definition: &'static dunlin_model::ObjectDefinition,
) -> Vec<(u16, u16, ValueType)> {
    let mut found = Vec::new();
    for definition in definition.resources {
        if !exists(object, definition) {
            continue;
        }
        let mut read = |index: ResourceInstanceId| {
            let value = object.read(definition.id, index).unwrap();
            // What an object gives is of the defined type and in the defined range.
            assert_eq!(value.kind(), definition.kind, "{}", definition.name);
            assert!(
                definition.range.contains(&value) || !definition.operations.is_readable(),
                "{}",
                definition.name
            );
            found.push((definition.id.get(), index.get(), value.kind()));
        };
        if definition.multiple {
            indices(object, definition.id).for_each(&mut read);
        } else {
            read(SINGLE);
        }
    }
    found
}

fn full_device() -> Device<'static> {
    let mut device = Device::new("a", "b", "c");
    device.firmware_version = "d";
    device.battery_level = Some(100);
    device.memory_free = Some(1);
    device.error_codes.extend([1, 3]);
    device.current_time = Some(1);
    device.utc_offset = "e".try_into().unwrap();
    device.timezone = "f".try_into().unwrap();
    device.device_type = "g";
    device.hardware_version = "h";
    device.software_version = "i";
    device.battery_status = Some(6);
    device.memory_total = Some(2);
    // Out of order on purpose.
    device
        .power_sources
        .push(PowerSource {
            kind: 6,
            voltage: 230_000,
            current: 5,
        })
        .unwrap();
    device
        .power_sources
        .push(PowerSource {
            kind: 1,
            voltage: 3700,
            current: -20,
        })
        .unwrap();
    device
}

#[test]
fn a_full_device_has_everything_but_external_devices() {
    let device = full_device();
    let ids: Vec<(u16, u16)> = values(&device, &objects::DEVICE)
        .iter()
        .map(|(id, index, _)| (*id, *index))
        .collect();
    let mut expected: Vec<(u16, u16)> = (0..=21)
        .filter(|id| ![6, 7, 8, 11].contains(id))
        .map(|id| (id, 0))
        .collect();
    expected.extend([
        (6, 1),
        (6, 6),
        (7, 1),
        (7, 6),
        (8, 1),
        (8, 6),
        (11, 0),
        (11, 1),
    ]);
    expected.sort_unstable();
    assert_eq!(ids, expected);
    assert_eq!(
        device.read(resource(8), ResourceInstanceId::new(1).unwrap()),
        Some(Value::Integer(-20))
    );
}

#[test]
fn a_bare_device_has_what_is_mandatory() {
    let device: Device<'_> = Device::default();
    let mandatory = objects::DEVICE
        .resources
        .iter()
        .filter(|resource| resource.mandatory);
    for definition in mandatory {
        assert!(exists(&device, definition), "{}", definition.name);
    }
    assert_eq!(device.read(resource(0), SINGLE), None);
}

#[test]
fn accounts_have_what_is_mandatory_and_of_the_right_type() {
    let security = SecurityAccount::no_sec(1, "coap://example.com").unwrap();
    let server = ServerAccount::new(1, 60);
    for (object, definition) in [
        (&security as &dyn Object, &objects::SECURITY),
        (&server, &objects::SERVER),
    ] {
        let found = values(object, definition);
        for definition in definition
            .resources
            .iter()
            .filter(|resource| resource.mandatory)
        {
            assert!(
                found.iter().any(|(id, ..)| *id == definition.id.get()),
                "{}",
                definition.name
            );
        }
    }
}

#[test]
fn what_a_server_account_takes_it_gives_back() {
    let mut server = ServerAccount::new(1, 60);
    for (id, value) in [
        (1, Value::Integer(7)),
        (2, Value::Integer(8)),
        (3, Value::Integer(9)),
        (5, Value::Integer(10)),
        (6, Value::Boolean(false)),
        (7, Value::String("UQ")),
        (14, Value::Unsigned(11)),
        (17, Value::Unsigned(12)),
        (18, Value::Unsigned(13)),
        (19, Value::Unsigned(14)),
        (26, Value::Integer(1)),
    ] {
        assert_eq!(server.check(resource(id), SINGLE, &value), Ok(()), "{id}");
        assert_eq!(server.write(resource(id), SINGLE, &value), Ok(()), "{id}");
        assert_eq!(server.read(resource(id), SINGLE), Some(value), "{id}");
    }
    for id in [2, 3, 5, 14, 17, 18, 19, 26] {
        server.clear(resource(id));
        assert_eq!(server.read(resource(id), SINGLE), None, "{id}");
    }
    assert_eq!(
        server.check(resource(10), SINGLE, &Value::None),
        Err(Error::NotFound)
    );
    assert_eq!(
        server.check(resource(1), SINGLE, &Value::Integer(-1)),
        Err(Error::BadValue)
    );
}

#[test]
fn what_a_device_takes_it_gives_back() {
    let mut device = Device::new("a", "b", "c");
    for (id, value) in [
        (13, Value::Time(5)),
        (14, Value::String("UTC-3")),
        (15, Value::String("Europe/Oslo")),
    ] {
        assert_eq!(device.check(resource(id), SINGLE, &value), Ok(()), "{id}");
        assert_eq!(device.write(resource(id), SINGLE, &value), Ok(()), "{id}");
        assert_eq!(device.read(resource(id), SINGLE), Some(value), "{id}");
        device.clear(resource(id));
        assert_eq!(device.read(resource(id), SINGLE), None, "{id}");
    }
}

#[test]
fn a_thermometer_keeps_its_extremes() {
    let mut sensor = Temperature::new("Cel");
    sensor
        .execute(resource(5605), &Arguments::default())
        .unwrap();
    assert_eq!(sensor.extremes(), None);
    for value in [20.0, 18.5, 22.0, 21.0] {
        sensor.measure(value);
    }
    assert_eq!(
        (sensor.value(), sensor.extremes()),
        (21.0, Some((18.5, 22.0)))
    );
    sensor
        .execute(resource(5605), &Arguments::default())
        .unwrap();
    assert_eq!(sensor.extremes(), Some((21.0, 21.0)));
    values(&sensor, &objects::TEMPERATURE);
}

#[test]
fn instances_stay_in_order() {
    let mut all = Instances::<Temperature, 3>::new();
    for id in [5, 1, 3] {
        all.insert(id, Temperature::new("Cel")).unwrap();
    }
    let ids: Vec<u16> = all.iter().map(|(id, _)| id.get()).collect();
    assert_eq!(ids, [1, 3, 5]);
    // One with a known id takes the place of the old one even where there is no room.
    let mut warm = Temperature::new("Cel");
    warm.measure(30.0);
    all.insert(3, warm).unwrap();
    assert_eq!(
        (all.len(), all.get(3).map(Temperature::value)),
        (3, Some(30.0))
    );
    assert!(all.insert(4, Temperature::new("Cel")).is_err());
    assert!(all.insert(65535, Temperature::new("Cel")).is_err());
    assert_eq!(all.next(2), InstanceId::new(3));
    assert_eq!(all.next(6), None);
    assert!(all.remove(1).is_some() && all.remove(1).is_none());
}

/// What is derived says what the registry says, as far as the device has it.
#[test]
fn derived_objects_agree_with_the_registry() {
    use crate::ObjectType;
    for (ours, registry) in [
        (
            ConnectivityMonitoring::<2>::DEFINITION,
            &objects::CONNECTIVITY_MONITORING,
        ),
        (Location::DEFINITION, &objects::LOCATION),
        (
            ConnectivityStatistics::DEFINITION,
            &objects::CONNECTIVITY_STATISTICS,
        ),
        #[cfg(feature = "apn-connection-profile")]
        (
            ApnConnectionProfile::<2>::DEFINITION,
            &objects::APN_CONNECTION_PROFILE,
        ),
        #[cfg(feature = "wlan-connectivity")]
        (
            WlanConnectivity::<4>::DEFINITION,
            &objects::WLAN_CONNECTIVITY,
        ),
        #[cfg(feature = "bearer-selection")]
        (BearerSelection::<4>::DEFINITION, &objects::BEARER_SELECTION),
        #[cfg(feature = "portfolio")]
        (Portfolio::<4>::DEFINITION, &objects::PORTFOLIO),
        #[cfg(feature = "oscore")]
        (Oscore::DEFINITION, &objects::OSCORE),
        #[cfg(feature = "cose")]
        (Cose::DEFINITION, &objects::COSE),
    ] {
        assert_eq!(ours.id, registry.id);
        assert_eq!(ours.version, registry.version, "{}", registry.name);
        assert_eq!(ours.multiple, registry.multiple, "{}", registry.name);
        for resource in registry.resources {
            let Some(ours) = ours.resource(resource.id) else {
                assert!(!resource.mandatory, "{} is missing", resource.name);
                continue;
            };
            let expected = dunlin_model::ResourceDefinition {
                name: "",
                ..*resource
            };
            assert_eq!(*ours, expected, "{}", resource.name);
        }
        for ours in ours.resources {
            assert!(registry.resource(ours.id).is_some());
        }
    }
}

/// Each writable resource takes a value of its kind and range, gives it back, and refuses what lies outside.
#[cfg(all(
    feature = "apn-connection-profile",
    feature = "wlan-connectivity",
    feature = "bearer-selection",
    feature = "portfolio",
    feature = "oscore",
    feature = "cose"
))]
#[test]
fn what_the_optional_objects_take_they_give_back() {
    use dunlin_model::{Operations, Range};
    let objects: [(&mut dyn Object, _); 6] = [
        (
            &mut ApnConnectionProfile::<2>::default(),
            &objects::APN_CONNECTION_PROFILE,
        ),
        (
            &mut WlanConnectivity::<4>::default(),
            &objects::WLAN_CONNECTIVITY,
        ),
        (
            &mut BearerSelection::<4>::default(),
            &objects::BEARER_SELECTION,
        ),
        (&mut Portfolio::<4>::default(), &objects::PORTFOLIO),
        (&mut Oscore::default(), &objects::OSCORE),
        (&mut Cose::default(), &objects::COSE),
    ];
    for (object, definition) in objects {
        let mut taken = 0;
        for found in definition.resources {
            let writable = found.operations.is_writable() || found.operations == Operations::NONE;
            if !writable || object.field(found.id).is_none() {
                continue;
            }
            taken += 1;
            let digits = "0123456789abcdef".repeat(4);
            let number = match found.range {
                Range::Integer(first, _) => *first,
                _ => 3,
            };
            let length = match found.range {
                Range::Length(first, _) => *first,
                Range::Lengths(all) => all[0],
                _ => 5,
            };
            let text = &digits[..length as usize];
            let value = match found.kind {
                ValueType::String => Value::String(text),
                ValueType::Opaque => Value::Opaque(text.as_bytes()),
                ValueType::Boolean => Value::Boolean(true),
                _ => Value::Integer(number),
            };
            let index = ResourceInstanceId::new(u16::from(found.multiple)).unwrap();
            assert_eq!(
                object.check(found.id, index, &value),
                Ok(()),
                "{}",
                found.name
            );
            assert_eq!(
                object.write(found.id, index, &value),
                Ok(()),
                "{}",
                found.name
            );
            let read = object.read(found.id, index).unwrap();
            assert_eq!(
                read.convert(found.kind),
                value.convert(found.kind),
                "{}",
                found.name
            );
            let long = "x".repeat(2000);
            let bad = match found.kind {
                ValueType::String => Value::String(&long),
                ValueType::Opaque => Value::Opaque(long.as_bytes()),
                ValueType::Boolean => Value::String("true"),
                _ => Value::Integer(i64::MAX),
            };
            assert_eq!(
                object.check(found.id, index, &bad),
                Err(Error::BadValue),
                "{}",
                found.name
            );
        }
        assert!(
            taken > 2 || definition.id.get() == 16,
            "{}",
            definition.name
        );
    }
}

#[cfg(all(
    feature = "apn-connection-profile",
    feature = "wlan-connectivity",
    feature = "oscore",
    feature = "cose"
))]
#[test]
fn secrets_of_the_optional_objects_are_not_printed() {
    use std::format;
    let apn = ApnConnectionProfile::<2> {
        secret: Some(SecretText::new("hush").unwrap()),
        ..Default::default()
    };
    let wlan = WlanConnectivity::<4> {
        wpa_phrase: Some(SecretText::new("hush").unwrap()),
        ..Default::default()
    };
    let oscore = Oscore {
        master_secret: SecretBytes::new(&[77; 16]).unwrap(),
        ..Oscore::default()
    };
    let cose = Cose {
        key: SecretText::new("hush").unwrap(),
        ..Cose::default()
    };
    assert_eq!(cose.key.as_str(), "hush");
    assert_eq!(oscore.master_secret.as_bytes(), [77; 16]);
    for text in [
        format!("{apn:?}"),
        format!("{wlan:?}"),
        format!("{oscore:?}"),
        format!("{cose:?}"),
    ] {
        assert!(!text.contains("hush") && !text.contains("77"), "{text}");
    }
}

#[test]
fn credentials_are_for_no_server() {
    let secret = |object: u16| crate::content::is_secret((object,).try_into().unwrap());
    assert!(secret(0) && secret(21));
    assert_eq!(secret(23), cfg!(feature = "cose"));
    assert!(![1, 2, 3, 20, 22, 24].into_iter().any(secret));
}

#[test]
fn statistics_count_while_a_server_collects() {
    let mut object = ConnectivityStatistics::default();
    let read = |object: &ConnectivityStatistics, id| match object.read(resource(id), SINGLE) {
        Some(Value::Unsigned(number)) => number,
        other => panic!("{other:?}"),
    };
    object.add(5000, 5000);
    assert_eq!(read(&object, 2), 0);
    let arguments = Arguments::parse("").unwrap();
    object.execute(resource(6), &arguments).unwrap();
    object.add(1500, 200);
    object.add(600, 900);
    assert_eq!(read(&object, 2), 2);
    assert_eq!(read(&object, 3), 1);
    object.execute(resource(7), &arguments).unwrap();
    assert!(!object.is_collecting());
    object.add(5000, 5000);
    assert_eq!(read(&object, 2), 2);
    object.execute(resource(6), &arguments).unwrap();
    assert_eq!(read(&object, 2), 0);
    object.end();
    assert!(!object.is_collecting());
}
