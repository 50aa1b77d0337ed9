extern crate std;

use std::string::{String, ToString};
use std::vec::Vec;

use dunlin_model::{Attributes, Path};
use dunlin_testkit::shared;

use super::*;
use crate::EncodeError;

/// The link as it was written.
fn rewrite(text: &str) -> Result<String, EncodeError> {
    let mut buffer = [0; 1000];
    let mut writer = Writer::new(&mut buffer);
    for link in parse(text) {
        let link = link.unwrap();
        writer.target(link.target);
        for attribute in link.attributes() {
            match attribute.value {
                None => writer.flag(attribute.name),
                Some(_) if attribute.quoted => {
                    writer.quoted(attribute.name, &attribute.unescaped().collect::<String>())
                }
                Some(value) => writer.attribute(attribute.name, value),
            };
        }
    }
    let length = writer.finish()?;
    Ok(String::from_utf8(buffer[..length].to_vec()).unwrap())
}

#[test]
fn examples_of_the_specification() {
    let Some(file) = shared("vectors/linkformat-oma.json") else {
        return;
    };
    for vector in file["link_format"].as_array().unwrap() {
        let (id, text) = (
            vector["id"].as_str().unwrap(),
            vector["text"].as_str().unwrap(),
        );
        let links: Result<Vec<_>, _> = parse(text).collect();
        if vector["malformed"] == true {
            assert!(links.is_err(), "{id}");
            continue;
        }
        let links = links.unwrap_or_else(|error| panic!("{id}: {error}"));
        let expected = vector["links"].as_array().unwrap();
        assert_eq!(links.len(), expected.len(), "{id}");
        for (link, expected) in links.iter().zip(expected) {
            assert_eq!(link.target, expected["uri"].as_str().unwrap(), "{id}");
            let attributes: Vec<_> = link.attributes().collect();
            let expected = expected["attributes"].as_array().unwrap();
            assert_eq!(attributes.len(), expected.len(), "{id}");
            for (attribute, expected) in attributes.iter().zip(expected) {
                assert_eq!(attribute.name, expected["name"].as_str().unwrap(), "{id}");
                assert_eq!(attribute.value, expected["value"].as_str(), "{id}");
                assert_eq!(attribute.quoted, expected["quoted"] == true, "{id}");
            }
            if !link.target.starts_with("/lwm2m") {
                assert!(link.path().is_some(), "{id}: {}", link.target);
            }
        }
        assert_eq!(rewrite(text).unwrap(), text.replace(", ", ","), "{id}");
    }
}

#[test]
fn targets_become_paths() {
    let path = |text| {
        parse(text)
            .next()
            .unwrap()
            .unwrap()
            .path()
            .map(|path| path.to_string())
    };
    assert_eq!(path("</>").as_deref(), Some("/"));
    assert_eq!(path("</3/0/>").as_deref(), Some("/3/0"));
    assert_eq!(path("</3/0/6/1>").as_deref(), Some("/3/0/6/1"));
    for text in [
        "<>",
        "<//>",
        "</3//>",
        "<3/0>",
        "</lwm2m/3/0>",
        "</65535>",
        "<coap://host/3/0>",
    ] {
        assert_eq!(path(text), None, "{text}");
    }
    let under = |text, prefix| {
        parse(text)
            .next()
            .unwrap()
            .unwrap()
            .path_under(prefix)
            .map(|path| path.to_string())
    };
    assert_eq!(under("</lwm2m/3/0>", "/lwm2m").as_deref(), Some("/3/0"));
    assert_eq!(under("</lwm2m>", "/lwm2m").as_deref(), Some("/"));
    assert_eq!(under("</lwm2m2/3>", "/lwm2m"), None);
    assert_eq!(under("</3/0>", "/lwm2m"), None);
}

#[test]
fn broken_links_tell_where() {
    for (text, offset) in [
        ("x", 0),
        ("</1", 3),
        ("</1 >", 3),
        ("</1\">", 3),
        ("</1></2>", 4),
        ("</1>,", 5),
        ("</1>,,</2>", 5),
        ("</1> ,</2>", 4),
        (" </1>", 0),
        ("</1>;", 5),
        ("</1>;=1", 5),
        ("</1>;a=", 7),
        ("</1>;a=,</2>", 7),
        ("</1>;a=1;", 9),
        ("</1>;a=\"x", 7),
        ("</1>;a=\"x\\", 7),
        ("</1>;a b=1", 6),
        ("</1>;a=b\"c\"", 8),
        ("</1>,</2>;\u{fc}=1", 10),
    ] {
        let mut links = parse(text);
        let error = links.find_map(Result::err);
        let found = error.map(|error| error.offset);
        assert!(found.is_some(), "{text:?} was read");
        // Within the attribute for values, exact elsewhere.
        assert_eq!(found, Some(offset), "{text:?}");
        assert!(links.next().is_none());
    }
    assert!(parse("").next().is_none());
}

#[test]
fn quotes_protect() {
    let link = parse(r#"</1>;t="a, \"b\" \\ c;d=e>";x"#)
        .next()
        .unwrap()
        .unwrap();
    let title = link.attribute("t").unwrap();
    assert_eq!(title.value, Some(r#"a, \"b\" \\ c;d=e>"#));
    assert_eq!(title.unescaped().collect::<String>(), r#"a, "b" \ c;d=e>"#);
    assert_eq!(link.attribute("x").unwrap().value, None);
    assert_eq!(link.attribute("y"), None);
    let text = r#"</1>;t="a, \"b\" \\ c;d=e>";x"#;
    assert_eq!(rewrite(text).unwrap(), text);
}

#[test]
fn notification_attributes_are_written() {
    let mut buffer = [0; 64];
    let mut writer = Writer::new(&mut buffer);
    let attributes = Attributes {
        pmin: Some(10),
        gt: Some(50.0),
        lt: Some(42.2),
        ..Attributes::NONE
    };
    writer
        .link(&Path::try_from((3, 0, 7)).unwrap())
        .attribute("dim", 2)
        .attributes(&attributes);
    let length = writer.finish().unwrap();
    assert_eq!(&buffer[..length], b"</3/0/7>;dim=2;pmin=10;gt=50;lt=42.2");
}

#[test]
fn what_links_cannot_say_is_an_error() {
    fn written(
        write: impl for<'w, 'b> FnOnce(&'w mut Writer<'b>) -> &'w mut Writer<'b>,
    ) -> Result<usize, EncodeError> {
        write(&mut Writer::new(&mut [0; 32])).finish()
    }
    let wrong = Err(EncodeError::NotRepresentable);
    assert_eq!(written(|writer| writer.target("/a>b")), wrong);
    assert_eq!(written(|writer| writer.flag("a")), wrong);
    assert_eq!(written(|writer| writer.link(&Path::ROOT).flag("")), wrong);
    assert_eq!(
        written(|writer| writer.link(&Path::ROOT).attribute("a", "")),
        wrong
    );
    assert_eq!(
        written(|writer| writer.link(&Path::ROOT).attribute("a", "b,c")),
        wrong
    );
    assert_eq!(
        written(|writer| writer.link(&Path::ROOT).quoted("a", "b\nc")),
        wrong
    );
    // The first error stays.
    assert_eq!(written(|writer| writer.flag("a").link(&Path::ROOT)), wrong);
    let long = "0123456789012345678901234567890123456789";
    assert_eq!(
        written(|writer| writer.link(&Path::ROOT).quoted("a", long)),
        Err(EncodeError::NoSpace)
    );
}

#[test]
fn characters_are_those_of_the_grammar() {
    let token = "!#$%&'()*+-./:<=>?@[]^_`{|}~";
    for character in (0..=255_u8).map(char::from) {
        let expected = character.is_ascii_alphanumeric() || token.contains(character);
        assert_eq!(parse::is_token(character), expected, "{character:?}");
    }
    for character in "\"\\;, ".chars() {
        assert!(!parse::is_token(character));
    }
}
