//! Object lists and the answers to Discover, in CoRE link format (RFC 6690, Core 1.2.2 §6.2.1 and §6.3.2).

use dunlin_codec::link::Writer;
use dunlin_lwm2m::LwM2mVersion;
use dunlin_model::{Level, ObjectDefinition, Path, Version, objects};

use crate::attributes::{Attached, attached, effective};
use crate::{Collection, Config, Error, Objects, content, set};

/// Writes the object list of a Register or an Update and gives its length.
pub(crate) fn list(
    objects: &dyn Objects,
    config: &Config<'_>,
    buffer: &mut [u8],
) -> Result<usize, Error> {
    let mut links = Writer::new(buffer);
    // Formats beside those that every client has (Core 1.2.2 §6.2.1); 1.0 has no such announcement.
    if config.version != LwM2mVersion::V1_0 {
        links.link(&Path::ROOT).quoted("ct", "112 11542");
    }
    for collection in objects.iter() {
        let definition = collection.definition();
        let object = Path::object(definition.id);
        if content::is_secret(object) {
            continue;
        }
        let version = announced(definition, config.version);
        let empty = collection.next(0).is_none();
        if empty || version.is_some() {
            links.link(&object);
        }
        if let Some(version) = version {
            links.attribute("ver", version);
        }
        for id in set::instances(collection) {
            links.link(&Path::instance(definition.id, id));
        }
    }
    Ok(links.finish()?)
}

/// A fingerprint of the object list, which changes when an Update has to tell it anew.
pub(crate) fn fingerprint(objects: &dyn Objects) -> u32 {
    let mut hash = 0x811c_9dc5_u32;
    let mut mix = |id: u16| {
        for byte in id.to_be_bytes() {
            hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        }
    };
    for collection in objects.iter() {
        for id in set::instances(collection) {
            mix(id.get());
        }
        // The objects are always the same; 65535 is no id and keeps the instances of two of them apart.
        mix(dunlin_model::MAX_ID);
    }
    hash
}

/// Writes the answer to a Discover of `path` by `server` and gives its length.
pub(crate) fn discover(
    objects: &dyn Objects,
    config: &Config<'_>,
    table: &[Option<Attached>],
    server: usize,
    path: Path,
    depth: Option<u8>,
    buffer: &mut [u8],
) -> Result<usize, Error> {
    let (collection, definition) = content::lookup(objects, path)?;
    let levels = depth.unwrap_or(if path.level() == Level::Object { 2 } else { 1 });
    let mut tree = Tree {
        links: Writer::new(buffer),
        table,
        server,
        target: path,
    };
    match path.instance_id() {
        None => {
            tree.node(path);
            if let Some(version) = announced(definition, config.version) {
                tree.links.attribute("ver", version);
            }
            tree.attributes(path);
            if levels > 0 {
                for id in set::instances(collection) {
                    tree.instance(
                        collection,
                        Path::instance(definition.id, id),
                        levels.saturating_sub(1),
                    )?;
                }
            }
        }
        Some(_) if path.resource_id().is_none() => tree.instance(collection, path, levels)?,
        Some(_) => tree.resource(collection, path, levels)?,
    }
    Ok(tree.links.finish()?)
}

struct Tree<'t, 'b> {
    links: Writer<'b>,
    table: &'t [Option<Attached>],
    server: usize,
    target: Path,
}

impl Tree<'_, '_> {
    fn node(&mut self, path: Path) {
        self.links.link(&path);
    }

    /// What is attached to the node; at the target also what it inherits (Core 1.2.2 §6.3.2).
    fn attributes(&mut self, path: Path) {
        let shown = if path == self.target {
            effective(self.table, self.server, path)
        } else {
            attached(self.table, self.server, path)
        };
        self.links.attributes(&shown);
    }

    fn instance(
        &mut self,
        collection: &dyn Collection,
        path: Path,
        levels: u8,
    ) -> Result<(), Error> {
        let object = path
            .instance_id()
            .and_then(|id| collection.instance(id))
            .ok_or(Error::NotFound)?;
        self.node(path);
        self.attributes(path);
        if levels > 0 {
            for found in collection.definition().resources {
                if content::exists(object, found)
                    && let Some(path) = path.child(found.id.get())
                {
                    self.resource(collection, path, levels.saturating_sub(1))?;
                }
            }
        }
        Ok(())
    }

    fn resource(
        &mut self,
        collection: &dyn Collection,
        path: Path,
        levels: u8,
    ) -> Result<(), Error> {
        let object = path
            .instance_id()
            .and_then(|id| collection.instance(id))
            .ok_or(Error::NotFound)?;
        let found = path
            .resource_id()
            .and_then(|id| collection.definition().resource(id))
            .ok_or(Error::NotFound)?;
        if !content::exists(object, found) {
            return Err(Error::NotFound);
        }
        if path.resource_instance_id().is_some() {
            return Err(Error::NotAllowed);
        }
        self.node(path);
        if found.multiple {
            self.links
                .attribute("dim", content::indices(object, found).count());
        }
        self.attributes(path);
        if levels > 0 && found.multiple {
            for index in content::indices(object, found) {
                if let Some(path) = path.child(index.get()) {
                    self.node(path);
                    self.attributes(path);
                }
            }
        }
        Ok(())
    }
}

/// The version of an object where it must be said: where it is not the one that the enabler implies (Core 1.2.2
/// §7.2.2).
fn announced(definition: &ObjectDefinition, enabler: LwM2mVersion) -> Option<Version> {
    let implied = objects::implied_version(definition.id, enabler.into());
    (definition.version != implied).then_some(definition.version)
}
