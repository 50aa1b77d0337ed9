use core::net::{Ipv4Addr, SocketAddr};

use super::*;
use crate::{Link, LwM2mVersion, Peer};

const GOOD: &str = include_str!("tests/good.xml");

fn object(id: u16) -> ObjectId {
    ObjectId::new(id).unwrap()
}

fn path(text: &str) -> Path {
    text.parse().unwrap()
}

fn device(links: &[(&str, Option<&str>)]) -> Registration {
    let peer = Peer::plain(0, SocketAddr::from((Ipv4Addr::LOCALHOST, 5683)));
    let mut registration = Registration::new("one", peer);
    registration.links = links
        .iter()
        .map(|(node, version)| Link {
            path: path(node),
            attributes: version
                .map(|version| ("ver".into(), version.into()))
                .into_iter()
                .collect(),
        })
        .collect();
    registration
}

#[test]
fn reads_every_field() {
    let mut registry = Registry::new();
    let loaded = registry.load_xml("good.xml", GOOD.as_bytes()).unwrap();
    let [found] = loaded.as_slice() else {
        panic!("one object: {loaded:?}");
    };
    let definition = &found.definition;
    assert_eq!(
        (definition.id.get(), definition.version),
        (42770, Version::new(2, 1))
    );
    assert_eq!(definition.name.as_ref(), "Test & Object");
    assert!(definition.multiple && !definition.mandatory);
    assert_eq!(found.enabler, Version::V1_1);
    assert_eq!(found.description.as_ref(), "First line\nsecond < line");
    let ids: Vec<_> = definition
        .resources
        .iter()
        .map(|one| one.id.get())
        .collect();
    assert_eq!(ids, [1, 2, 3, 40]);
    let (level, note) = found.resource(ResourceId::of::<2>()).unwrap();
    assert_eq!(level.name.as_ref(), "Level");
    assert_eq!(level.kind, ValueType::Unsigned);
    assert_eq!(level.range.to_string(), "0..247,255");
    assert_eq!(level.units.as_ref(), "/100");
    assert!(level.multiple && level.mandatory);
    assert_eq!(note.description.as_ref(), "How much.");
    let (width, note) = found.resource(ResourceId::of::<3>()).unwrap();
    assert_eq!(
        (&*width.range, note.range.as_ref()),
        (&dunlin_model::Range::Any, "8 bit")
    );
    let (go, _) = found.resource(ResourceId::of::<40>()).unwrap();
    assert_eq!(go.kind, ValueType::None);
    assert_eq!(registry.get(object(42770), Version::new(2, 1)), Some(found));
}

#[test]
fn what_is_wrong_is_said_with_file_line_and_reason() {
    for (from, to, at, reason) in [
        ("<LWM2M>", "<LWM2M", "", "no well-formed XML"),
        ("</LWM2M>", "", "", "no well-formed XML"),
        ("LWM2M>", "DDFList>", "2:1", "`DDFList`"),
        (
            "42770</ObjectID>",
            "65535</ObjectID>",
            "7:3",
            "no number from 0 to 65534",
        ),
        (
            "<ObjectID>42770</ObjectID>",
            "",
            "3:2",
            "`Object` has no `ObjectID`",
        ),
        (
            "2.1</ObjectVersion>",
            "two</ObjectVersion>",
            "10:3",
            "no version",
        ),
        (
            "42770:2.1<",
            "42770:2.0<",
            "8:3",
            "is not that of object 42770",
        ),
        (
            "<Operations>RW<",
            "<Operations>WR<",
            "",
            "none of R, W, RW, E",
        ),
        (
            "<Type>Unsigned Integer<",
            "<Type>Natural<",
            "",
            "none of the types",
        ),
        (
            "Item ID=\"1\"",
            "Item ID=\"2\"",
            "",
            "resource 2 is defined twice",
        ),
        ("Item ID=\"1\"", "Item ID=\"+1\"", "", "no number"),
        ("Item ID=\"1\"", "Item", "", "`Item` has no `ID`"),
        (
            "<MultipleInstances>Multiple</MultipleInstances>",
            "<MultipleInstances>Many</MultipleInstances>",
            "11:3",
            "neither Single nor Multiple",
        ),
        ("<Resources>", "<Resourcen>", "", "no well-formed XML"),
    ] {
        assert!(GOOD.contains(from), "{from}");
        let xml = GOOD.replace(from, to);
        let mut registry = Registry::new();
        let error = registry.load_xml("bad.xml", xml.as_bytes()).unwrap_err();
        let text = error.to_string();
        let expected = format!("bad.xml:{at}");
        assert!(
            text.starts_with(&expected) && text.contains(reason),
            "{from}: {text}"
        );
        assert!(error.position.is_some(), "{text}");
        assert!(registry.newest(object(42770)).is_none());
    }
}

#[test]
fn hostile_files_are_refused() {
    let mut registry = Registry::new();
    let bomb = "<!DOCTYPE a [<!ENTITY b \"bb\">]><LWM2M>&b;</LWM2M>";
    let mut refused = |xml: &[u8]| registry.load_xml("x", xml).unwrap_err();
    assert!(matches!(
        refused(bomb.as_bytes()).kind,
        DefinitionFileErrorKind::Xml(_)
    ));
    let error = refused(b"<LWM2M>\n \xff</LWM2M>");
    assert_eq!(error.kind, DefinitionFileErrorKind::Utf8);
    assert_eq!(error.position, Some(Position { line: 2, column: 2 }));
    assert!(matches!(
        refused(&vec![b' '; 5 << 20]).kind,
        DefinitionFileErrorKind::TooLarge(_)
    ));
    assert!(matches!(refused(b"").kind, DefinitionFileErrorKind::Xml(_)));
    assert_eq!(refused(b"<LWM2M/>").kind, DefinitionFileErrorKind::Empty);
    let deep = "<LWM2M>".repeat(5000);
    assert!(matches!(
        refused(deep.as_bytes()).kind,
        DefinitionFileErrorKind::Xml(_)
    ));
    let wide = format!("<LWM2M>{}</LWM2M>", "<a/>".repeat(300_000));
    assert!(matches!(
        refused(wide.as_bytes()).kind,
        DefinitionFileErrorKind::Xml(_)
    ));
}

#[test]
fn versions_stand_side_by_side() {
    let mut registry = Registry::new();
    let older = GOOD
        .replace("2.1<", "2.0<")
        .replace("Unsigned Integer", "Integer");
    let oldest = GOOD
        .replace("2.1<", "1.0<")
        .replace("Unsigned Integer", "Float");
    for xml in [GOOD, &oldest, &older] {
        registry.load_xml("x", xml.as_bytes()).unwrap();
    }
    let versions: Vec<_> = registry
        .versions(object(42770))
        .map(|one| one.definition.version.to_string())
        .collect();
    assert_eq!(versions, ["1.0", "2.0", "2.1"]);
    let level = path("/42770/0/2");
    for (announced, kind) in [
        (Some("2.1"), Some(ValueType::Unsigned)),
        (Some("2.0"), Some(ValueType::Integer)),
        (Some("2.7"), Some(ValueType::Unsigned)),
        (Some("1.0"), Some(ValueType::Float)),
        // Nothing is known of a version that may be all different, and no version means 1.0.
        (Some("3.0"), None),
        (None, Some(ValueType::Float)),
    ] {
        let registration = device(&[("/42770", announced), ("/42770/0", None)]);
        assert_eq!(
            registry.of(&registration).value_type(&level),
            kind,
            "{announced:?}"
        );
    }
    // The version may stand at the only instance.
    let registration = device(&[("/42770/0", Some("2.0"))]);
    let kind = registry.of(&registration).value_type(&level);
    assert_eq!(kind, Some(ValueType::Integer));
}

#[test]
fn a_device_that_does_not_say_has_what_its_enabler_implies() {
    let mut registry = Registry::new();
    let mut old = RegisteredObject::from(&objects::DEVICE);
    old.definition.version = Version::V1_0;
    registry.insert(old);
    let mut registration = device(&[("/3/0", None)]);
    let version = |registration: &Registration| {
        registry
            .of(registration)
            .find(object(3))
            .unwrap()
            .definition
            .version
    };
    assert_eq!(version(&registration), Version::V1_0);
    registration.version = LwM2mVersion::V1_2;
    assert_eq!(version(&registration), Version::V1_2);
    // One version only: better than nothing.
    let temperature = registry.of(&registration).find(object(3303));
    assert_eq!(temperature.unwrap().definition.version, Version::V1_1);
}

#[test]
fn a_folder_is_loaded_in_spite_of_a_wrong_file() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("version_history");
    fs::create_dir(&inner).unwrap();
    fs::write(folder.path().join("good.XML"), GOOD).unwrap();
    fs::write(folder.path().join("bad.xml"), "<LWM2M>").unwrap();
    fs::write(folder.path().join("index.xml"), "<DDFList/>").unwrap();
    fs::write(folder.path().join("read.me"), "<LWM2M>").unwrap();
    fs::write(inner.join("old.xml"), GOOD.replace("2.1<", "1.0<")).unwrap();
    let mut registry = Registry::new();
    let loaded = registry.load_folder(folder.path()).unwrap();
    assert_eq!(loaded.objects, 2);
    let [error] = loaded.errors.as_slice() else {
        panic!("{:?}", loaded.errors);
    };
    assert!(error.file.ends_with("bad.xml"), "{error}");
    assert_eq!(registry.versions(object(42770)).count(), 2);
    assert!(registry.load_folder(&folder.path().join("none")).is_err());
}

#[test]
fn the_whole_registry_loads() {
    // As cargo tells it at run time: clones may share a target directory.
    let here = std::env::var("CARGO_MANIFEST_DIR")
        .unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    let folder = FilePath::new(&here).join("../../../shared/oma/objects");
    if !folder.exists() {
        println!("skipped: ../shared/oma/objects is not here");
        return;
    }
    let mut registry = Registry::new();
    let loaded = registry.load_folder(&folder).unwrap();
    assert!(loaded.errors.is_empty(), "{:#?}", loaded.errors);
    assert!(
        loaded.objects > 400 && registry.len() > 240,
        "{} {}",
        loaded.objects,
        registry.len()
    );
    // What is built in is what is loaded.
    for core in objects::CORE {
        let found = registry.get(core.id, core.version).unwrap();
        assert_eq!(found.definition, ObjectDefinition::<Owned>::from(*core));
        assert!(!found.urn.is_empty());
    }
    assert!(registry.versions(object(0)).count() >= 3);
}
