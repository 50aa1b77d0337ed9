//! The tables of `objects` say what the XML of the OMA registry says.

use std::fs;
use std::path::PathBuf;

use dunlin_model::{Operations, ValueType, objects};

/// The text of the first `<name>…</name>` in `xml`.
fn tag<'a>(xml: &'a str, name: &str) -> &'a str {
    let open = format!("<{name}>");
    let start = xml.find(&open).map(|at| at + open.len());
    let rest = start.map_or("", |start| &xml[start..]);
    rest.find(&format!("</{name}>"))
        .map_or("", |end| rest[..end].trim())
}

fn kind(text: &str) -> ValueType {
    match text {
        "String" => ValueType::String,
        "Integer" => ValueType::Integer,
        "Unsigned Integer" => ValueType::Unsigned,
        "Float" => ValueType::Float,
        "Boolean" => ValueType::Boolean,
        "Opaque" => ValueType::Opaque,
        "Time" => ValueType::Time,
        "Objlnk" => ValueType::Objlnk,
        "Corelnk" => ValueType::Corelnk,
        "" => ValueType::None,
        other => panic!("type {other}"),
    }
}

#[test]
fn definitions_are_those_of_the_registry() {
    // As cargo tells it at run time: clones may share a target directory.
    let here = std::env::var("CARGO_MANIFEST_DIR")
        .unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    let folder = PathBuf::from(&here).join("../../../shared/oma/objects");
    if !folder.exists() {
        println!("skipped: ../shared/oma/objects is not here");
        return;
    }
    for object in objects::CORE.iter().chain(objects::OPTIONAL) {
        let xml = fs::read_to_string(folder.join(format!("{}.xml", object.id))).unwrap();
        let (head, resources) = xml.split_once("<Resources>").unwrap();
        assert_eq!(tag(head, "Name"), object.name);
        let version = tag(head, "ObjectVersion");
        assert_eq!(
            if version.is_empty() { "1.0" } else { version },
            object.version.to_string()
        );
        assert_eq!(
            tag(head, "MultipleInstances") == "Multiple",
            object.multiple,
            "{}",
            object.name
        );
        assert_eq!(
            tag(head, "Mandatory") == "Mandatory",
            object.mandatory,
            "{}",
            object.name
        );

        let items: Vec<_> = resources.split("<Item ID=\"").skip(1).collect();
        assert_eq!(items.len(), object.resources.len(), "{}", object.name);
        for item in items {
            let id: u16 = item.split('"').next().unwrap().parse().unwrap();
            let ours = object.resource(id.try_into().unwrap()).unwrap();
            let place = format!("/{}/x/{id}", object.id);
            let name = tag(item, "Name")
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ");
            assert_eq!(name, ours.name, "{place}");
            assert_eq!(tag(item, "Operations"), ours.operations.as_str(), "{place}");
            assert_eq!(
                tag(item, "MultipleInstances") == "Multiple",
                ours.multiple,
                "{place}"
            );
            assert_eq!(
                tag(item, "Mandatory") == "Mandatory",
                ours.mandatory,
                "{place}"
            );
            assert_eq!(kind(tag(item, "Type")), ours.kind, "{place}");
            assert_eq!(tag(item, "Units"), ours.units, "{place}");
            let range = tag(item, "RangeEnumeration");
            // Preferred Transport says its values in prose.
            if !range.contains(' ') {
                assert_eq!(range, ours.range.to_string(), "{place}");
            }
        }
    }
}

#[test]
fn tables_ascend_and_executables_have_no_type() {
    for list in [objects::CORE, objects::OPTIONAL] {
        assert!(list.is_sorted_by(|left, right| left.id < right.id));
    }
    for object in objects::CORE.iter().chain(objects::OPTIONAL) {
        assert!(
            object
                .resources
                .is_sorted_by(|left, right| left.id < right.id),
            "{}",
            object.name
        );
        for resource in object.resources {
            assert_eq!(
                resource.operations == Operations::E,
                resource.kind == ValueType::None,
                "{}",
                resource.name
            );
            assert_eq!(object.resource(resource.id), Some(resource));
        }
    }
}
