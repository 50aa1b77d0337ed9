//! The object list of a registration, and the links that Discover gives.

use std::collections::BTreeMap;

use dunlin_codec::ContentFormat;
use dunlin_codec::link::{self, Writer};
use dunlin_model::Path;

use crate::{Link, Registration};

/// What the object list of a Register or Update says.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct ObjectList {
    /// The alternate path, without slashes at its ends.
    pub(crate) root: Box<str>,
    pub(crate) formats: Vec<ContentFormat>,
    pub(crate) links: Vec<Link>,
}

/// Why an object list is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadLinks {
    /// The byte at which it does not go on as link format does.
    pub(crate) offset: usize,
}

/// Reads an object list (LwM2M Core 1.2.2 §6.2.1.3). What is linked besides objects and instances is not an error.
pub(crate) fn read_links(text: &[u8]) -> Result<ObjectList, BadLinks> {
    let text = core::str::from_utf8(text).map_err(|error| BadLinks {
        offset: error.valid_up_to(),
    })?;
    let links = link::parse(text)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| BadLinks {
            offset: error.offset,
        })?;
    let is_root = |link: &&link::Link<'_>| {
        link.attribute("rt")
            .and_then(|rt| rt.value)
            .is_some_and(|rt| rt.split(' ').any(|one| one == "oma.lwm2m"))
    };
    let announced_root = links.iter().find(is_root);
    let root: Box<str> = announced_root
        .map(|link| link.target.trim_matches('/').into())
        .unwrap_or_default();
    let formats = announced_root
        .or_else(|| links.iter().find(|link| link.path() == Some(Path::ROOT)))
        .and_then(|link| link.attribute("ct")?.value)
        .map(|formats| {
            formats
                .split(' ')
                .filter_map(|one| one.parse().ok())
                .map(ContentFormat)
                .collect()
        })
        .unwrap_or_default();
    Ok(ObjectList {
        links: nodes(&links, &root),
        formats,
        root,
    })
}

/// Reads the answer to a Discover of a device whose paths begin with `root`.
pub(super) fn read_discovered(text: &[u8], root: &str) -> Result<Vec<Link>, BadLinks> {
    let text = core::str::from_utf8(text).map_err(|error| BadLinks {
        offset: error.valid_up_to(),
    })?;
    let links = link::parse(text)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| BadLinks {
            offset: error.offset,
        })?;
    Ok(nodes(&links, root))
}

fn nodes(links: &[link::Link<'_>], root: &str) -> Vec<Link> {
    let prefix = if root.is_empty() {
        String::new()
    } else {
        format!("/{root}")
    };
    let mut nodes = BTreeMap::new();
    for link in links {
        let path = if prefix.is_empty() {
            link.path()
        } else {
            link.path_under(&prefix)
        };
        if let Some(path) = path.filter(|path| *path != Path::ROOT) {
            let attributes = link
                .attributes()
                .map(|one| (one.name.into(), one.unescaped().collect::<String>().into()))
                .collect();
            nodes.insert(path, attributes);
        }
    }
    nodes
        .into_iter()
        .map(|(path, attributes)| Link { path, attributes })
        .collect()
}

/// Writes the object list of `registration`, so that [`read_links`] gives the same again.
pub(crate) fn write_links(registration: &Registration) -> String {
    let prefix = if registration.root.is_empty() {
        String::new()
    } else {
        format!("/{}", registration.root)
    };
    let mut buffer = vec![0; 1024];
    loop {
        let mut writer = Writer::new(&mut buffer);
        writer.target(if prefix.is_empty() { "/" } else { &prefix });
        writer.quoted("rt", "oma.lwm2m");
        if !registration.formats.is_empty() {
            let formats: Vec<_> = registration
                .formats
                .iter()
                .map(|format| format.0.to_string())
                .collect();
            writer.quoted("ct", &formats.join(" "));
        }
        for link in &registration.links {
            writer.target(&format!("{prefix}{}", link.path));
            for (name, value) in &link.attributes {
                if value.is_empty() {
                    writer.flag(name)
                } else {
                    writer.quoted(name, value)
                };
            }
        }
        match writer.finish() {
            Ok(length) => {
                buffer.truncate(length);
                // The writer makes text out of text.
                return String::from_utf8(buffer).unwrap_or_default();
            }
            Err(dunlin_codec::EncodeError::NoSpace) => {
                let larger = buffer.len() * 2;
                buffer.resize(larger, 0);
            }
            // What was read by the same grammar can be written.
            Err(_) => return String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Path {
        text.parse().unwrap()
    }

    #[test]
    fn reads_objects_attributes_formats_and_the_alternate_path() {
        let list = read_links(
            b"</>;ct=\"110 112\", </1/0>,</3303>;ver=1.1,</3303/0/>,</3303/1>,<coap://x/y>",
        )
        .unwrap();
        assert_eq!(
            list.formats,
            [ContentFormat::SENML_JSON, ContentFormat::SENML_CBOR]
        );
        assert_eq!(&*list.root, "");
        let paths: Vec<_> = list.links.iter().map(|link| link.path).collect();
        assert_eq!(
            paths,
            [
                path("/1/0"),
                path("/3303"),
                path("/3303/0"),
                path("/3303/1")
            ]
        );
        assert_eq!(&*list.links[1].attributes["ver"], "1.1");

        let list =
            read_links(b"</lwm2m>;rt=\"oma.lwm2m\";ct=11543,</lwm2m/1/0>,</lwm2m/3>").unwrap();
        assert_eq!(&*list.root, "lwm2m");
        assert_eq!(list.formats, [ContentFormat::LWM2M_JSON]);
        let paths: Vec<_> = list.links.iter().map(|link| link.path).collect();
        assert_eq!(paths, [path("/1/0"), path("/3")]);

        assert_eq!(read_links(b"").unwrap(), ObjectList::default());
        assert_eq!(read_links(b"</1/0>,3/0").unwrap_err().offset, 7);
        assert_eq!(read_links(b"</1/\xff>").unwrap_err().offset, 4);
    }
}
