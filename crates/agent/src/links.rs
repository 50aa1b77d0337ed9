//! Object lists and the answers to Discover, in CoRE link format (RFC 6690, Core 1.2.2 §6.2.1 and §6.3.2).
//!
//! They are written here and not by `dunlin-codec`, whose writer takes any text: numbers and names of attributes need
//! neither quotes nor the formatting of `core`, which is 5 KB of flash.

use dunlin_codec::{ContentFormat, Part};
use dunlin_lwm2m::LwM2mVersion;
use dunlin_model::decimal::{self, Precision, Style};
use dunlin_model::{
    AttributeSet, AttributeValue, Level, ObjectDefinition, ObjectId, Path, ResourceDefinition,
    Version, objects,
};

use crate::attributes::{Attached, fill, fill_effective};
use crate::features::{BOOTSTRAP, OBSERVE};
use crate::reply::{FNV, fnv};
use crate::{Collection, Error, Object, Objects, content, provision, set};

/// A list of links, of which one part goes into a buffer while the rest is counted.
pub(crate) struct Links<'b> {
    buffer: &'b mut [u8],
    skip: usize,
    at: usize,
}

impl<'b> Links<'b> {
    /// The part that begins `skip` bytes into the list.
    pub(crate) fn new(skip: usize, buffer: &'b mut [u8]) -> Self {
        Self {
            buffer,
            skip,
            at: 0,
        }
    }

    fn put(&mut self, text: &[u8]) {
        for byte in text {
            if let Some(place) = self.at.checked_sub(self.skip)
                && let Some(slot) = self.buffer.get_mut(place)
            {
                *slot = *byte;
            }
            self.at = self.at.saturating_add(1);
        }
    }

    fn number(&mut self, number: u32) {
        self.put(decimal::short_digits_of(number, &mut [0; 10]));
    }

    /// Begins a link.
    pub(crate) fn link(&mut self, path: Path) {
        self.put(if self.at == 0 { b"<" } else { b",<" });
        if path.level() == Level::Root {
            self.put(b"/");
        }
        for segment in path.segments() {
            self.put(b"/");
            self.number(segment.into());
        }
        self.put(b">");
    }

    /// Adds the links of an object's instances, and of the object itself where it has none or its version must be said;
    /// with `accounts` also what is told of accounts.
    pub(crate) fn object(
        &mut self,
        collection: &dyn Collection,
        enabler: LwM2mVersion,
        accounts: bool,
    ) {
        let definition = collection.definition();
        self.announce(definition, enabler, collection.next(0).is_none());
        for id in set::instances(collection) {
            self.link(Path::instance(definition.id, id));
            if BOOTSTRAP
                && accounts
                && let Some(instance) = collection.instance(id)
            {
                provision::properties(definition.id, instance, self);
            }
        }
    }

    /// Adds the link of an object `always`, or where its version must be said: where it is not the one that the enabler
    /// implies (Core 1.2.2 §7.2.2).
    fn announce(&mut self, definition: &ObjectDefinition, enabler: LwM2mVersion, always: bool) {
        let implied = objects::implied_version(definition.id, enabler.into());
        let differs = definition.version != implied;
        if always || differs {
            self.link(Path::object(definition.id));
        }
        if differs {
            self.version("ver", definition.version);
        }
    }

    /// Adds an attribute.
    pub(crate) fn attribute(&mut self, name: &str, value: u32) {
        self.name(name);
        self.number(value);
    }

    fn name(&mut self, name: &str) {
        self.put(b";");
        self.put(name.as_bytes());
        self.put(b"=");
    }

    /// Adds an attribute whose value stands in quotes.
    pub(crate) fn quoted(&mut self, name: &str, value: &str) {
        self.name(name);
        self.put(b"\"");
        for byte in value.as_bytes() {
            if matches!(byte, b'"' | b'\\') {
                self.put(b"\\");
            }
            self.put(&[*byte]);
        }
        self.put(b"\"");
    }

    /// Adds an attribute whose value is a version.
    pub(crate) fn version(&mut self, name: &str, version: Version) {
        self.attribute(name, version.major.into());
        self.put(b".");
        self.number(version.minor.into());
    }

    fn attributes(&mut self, attributes: &AttributeSet) {
        for attribute in attributes.iter() {
            match attribute.value {
                AttributeValue::Seconds(number) | AttributeValue::Count(number) => {
                    self.attribute(attribute.name, number);
                }
                AttributeValue::Flag(yes) => self.attribute(attribute.name, yes.into()),
                AttributeValue::Number(number) => {
                    self.name(attribute.name);
                    decimal::print_with(number, Precision::Double, Style::Plain, &mut |text| {
                        self.put(text);
                        true
                    });
                }
                _ => {}
            }
        }
    }

    /// How long the part and the whole are.
    pub(crate) fn finish(self) -> Part {
        Part {
            length: self.at.saturating_sub(self.skip).min(self.buffer.len()),
            total: self.at,
        }
    }
}

/// The formats of several values and of single ones that are announced: not those that every client has, plain text and
/// opaque (Core 1.2.2 §6.2.1).
const FORMATS: &[ContentFormat] = &[
    ContentFormat::CBOR,
    ContentFormat::SENML_JSON,
    ContentFormat::SENML_CBOR,
    ContentFormat::TLV,
    ContentFormat::LWM2M_CBOR,
];

/// Writes the object list of a Register or an Update, without the objects that are known already.
pub(crate) fn list(
    objects: &dyn Objects,
    enabler: LwM2mVersion,
    known: &[ObjectId],
    mut links: Links<'_>,
) -> Part {
    // 1.0 has no such announcement.
    if enabler != LwM2mVersion::V1_0 && known.is_empty() {
        links.link(Path::ROOT);
        links.put(b";ct=\"");
        let mut first = true;
        for format in FORMATS {
            if format.is_supported() {
                if !first {
                    links.put(b" ");
                }
                first = false;
                links.number(format.0.into());
            }
        }
        links.put(b"\"");
    }
    for collection in objects.iter() {
        let id = collection.definition().id;
        if !content::is_secret(Path::object(id)) && !known.contains(&id) {
            links.object(collection, enabler, false);
        }
    }
    links.finish()
}

/// A fingerprint of the object list, which changes when an Update has to tell it anew.
pub(crate) fn fingerprint(objects: &dyn Objects) -> u32 {
    let mut hash = FNV;
    let mut mix = |id: u16| hash = fnv(hash, &id.to_be_bytes());
    for collection in objects.iter() {
        for id in set::instances(collection) {
            mix(id.get());
        }
        // The objects are always the same; 65535 is no id and keeps the instances of two of them apart.
        mix(dunlin_model::MAX_ID);
    }
    hash
}

/// Writes the answer to a Discover of `path` by `server`.
pub(crate) fn discover(
    objects: &dyn Objects,
    enabler: LwM2mVersion,
    table: &[Option<Attached>],
    server: usize,
    path: Path,
    depth: Option<u8>,
    links: Links<'_>,
) -> Result<Part, Error> {
    let node = content::target(objects, path)?;
    let level = path.level();
    let levels = depth.unwrap_or(if level == Level::Object { 2 } else { 1 });
    let mut tree = Tree {
        links,
        table,
        server,
        target: path,
        deepest: (level as u8).saturating_add(levels),
    };
    if let Ok((object, found)) = node.resource() {
        if !content::exists(object, found) {
            return Err(Error::NotFound);
        }
        if path.resource_instance_id().is_some() {
            return Err(Error::NotAllowed);
        }
        tree.resource(object, found, path);
    } else if let Some(object) = node.object {
        tree.instance(object, node.definition, path);
    } else {
        tree.links.announce(node.definition, enabler, true);
        tree.attributes(path);
        for id in set::instances(node.collection) {
            if let Some(object) = node.collection.instance(id) {
                let path = Path::instance(node.definition.id, id);
                tree.instance(object, node.definition, path);
            }
        }
    }
    Ok(tree.links.finish())
}

struct Tree<'t, 'b> {
    links: Links<'b>,
    table: &'t [Option<Attached>],
    server: usize,
    target: Path,
    /// The deepest level that is shown, as a number.
    deepest: u8,
}

impl Tree<'_, '_> {
    /// Adds a node, if it is not too deep; with `dimension`, how many resource instances it has.
    fn node(&mut self, path: Path, dimension: Option<u32>) -> bool {
        if path.level() as u8 > self.deepest {
            return false;
        }
        self.links.link(path);
        if let Some(dimension) = dimension {
            self.links.attribute("dim", dimension);
        }
        self.attributes(path);
        true
    }

    /// What is attached to the node; at the target also what it inherits (Core 1.2.2 §6.3.2).
    fn attributes(&mut self, path: Path) {
        if !OBSERVE {
            return;
        }
        let fill = if path == self.target {
            fill_effective
        } else {
            fill
        };
        let mut shown = AttributeSet::NONE;
        fill(self.table, self.server, path, &mut shown);
        self.links.attributes(&shown);
    }

    fn instance(&mut self, object: &dyn Object, definition: &'static ObjectDefinition, path: Path) {
        if !self.node(path, None) {
            return;
        }
        for found in definition.resources {
            if content::exists(object, found)
                && let Some(path) = path.child(found.id.get())
            {
                self.resource(object, found, path);
            }
        }
    }

    fn resource(&mut self, object: &dyn Object, found: &'static ResourceDefinition, path: Path) {
        if !found.multiple {
            self.node(path, None);
            return;
        }
        let count = content::indices(object, found.id).count();
        self.node(path, u32::try_from(count).ok());
        for index in content::indices(object, found.id) {
            if let Some(path) = path.child(index.get()) {
                self.node(path, None);
            }
        }
    }
}
