//! The objects that the manager knows: the core objects, and what is loaded from the OMA registry's XML.

use core::fmt;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use dunlin_codec::Types;
use dunlin_model::{
    ObjectDefinition, ObjectId, Owned, Path, ResourceDefinition, ResourceId, ValueType, Version,
    objects,
};

use crate::Registration;

mod names;
mod xml;

pub use xml::{DefinitionFileError, DefinitionFileErrorKind, Position};

/// The largest file that is read, in bytes; the registry's largest has some 100 KiB.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// An object as the registry describes it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RegisteredObject {
    /// The definition.
    pub definition: ObjectDefinition<Owned>,
    /// The URN, such as `urn:oma:lwm2m:ext:3303:1.1`; empty where a core object is built in.
    pub urn: Box<str>,
    /// The lowest version of the enabler that has the object.
    pub enabler: Version,
    /// What the object is for; empty where a core object is built in.
    pub description: Box<str>,
    /// What is told of each resource, in the order of the definition's resources.
    pub notes: Box<[ResourceNote]>,
    /// Where the manager has it from.
    pub source: ObjectSource,
}

/// Where the manager has an object from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ObjectSource {
    /// It is a core object, in the program.
    BuiltIn,
    /// A file that was there when the manager started.
    File,
    /// The store, which keeps what was given to [`Manager::keep_objects`](crate::Manager::keep_objects).
    Store,
}

/// What the registry tells of a resource in words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResourceNote {
    /// What the resource is for.
    pub description: Box<str>,
    /// The range as it is written, where it cannot be checked, such as `8 bit`; otherwise empty.
    pub range: Box<str>,
}

impl RegisteredObject {
    /// A resource of the object with what is told of it.
    pub fn resource(&self, id: ResourceId) -> Option<(&ResourceDefinition<Owned>, &ResourceNote)> {
        let at = self
            .definition
            .resources
            .binary_search_by_key(&id, |resource| resource.id)
            .ok()?;
        Some((self.definition.resources.get(at)?, self.notes.get(at)?))
    }
}

impl From<&ObjectDefinition> for RegisteredObject {
    fn from(definition: &ObjectDefinition) -> Self {
        Self {
            notes: vec![ResourceNote::default(); definition.resources.len()].into(),
            definition: definition.into(),
            urn: Box::default(),
            enabler: Version::V1_0,
            description: Box::default(),
            source: ObjectSource::BuiltIn,
        }
    }
}

/// The objects that are known, in all their versions.
///
/// Cloning is cheap; a clone does not see what is loaded into the other later.
///
/// ```
/// use dunlin_manager::Registry;
///
/// let registry = Registry::new();
/// let device = registry.newest(3.try_into()?).ok_or("built in")?;
/// assert_eq!(device.definition.name.as_ref(), "Device");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Registry {
    /// The versions of each object, ascending.
    objects: Arc<BTreeMap<ObjectId, Vec<Arc<RegisteredObject>>>>,
}

impl Registry {
    /// The core objects only.
    pub fn new() -> Self {
        let mut registry = Self::default();
        for definition in objects::CORE {
            registry.insert((*definition).into());
        }
        registry
    }

    /// Adds an object, in place of one with the same id and version.
    pub fn insert(&mut self, object: RegisteredObject) {
        self.insert_shared(Arc::new(object));
    }

    pub(crate) fn insert_shared(&mut self, object: Arc<RegisteredObject>) {
        let versions = Arc::make_mut(&mut self.objects)
            .entry(object.definition.id)
            .or_default();
        let version = object.definition.version;
        match versions.binary_search_by_key(&version, |known| known.definition.version) {
            Ok(at) => versions[at] = object,
            Err(at) => versions.insert(at, object),
        }
    }

    /// Adds the objects of an XML file of the registry: all of them or none. `name` is what errors call the file.
    ///
    /// # Errors
    ///
    /// [`DefinitionFileError`], with the line and the reason.
    pub fn load_xml(
        &mut self,
        name: &str,
        xml: &[u8],
    ) -> Result<Vec<Arc<RegisteredObject>>, DefinitionFileError> {
        let objects = Self::read_xml(name, xml)?;
        let mut loaded = Vec::with_capacity(objects.len());
        for object in objects {
            let (id, version) = (object.definition.id, object.definition.version);
            self.insert(object);
            loaded.extend(self.get(id, version).map(Arc::clone));
        }
        Ok(loaded)
    }

    /// Reads the objects of an XML file of the registry and adds none of them. `name` is what errors call the file.
    ///
    /// # Errors
    ///
    /// [`DefinitionFileError`], with the line and the reason.
    pub fn read_xml(name: &str, xml: &[u8]) -> Result<Vec<RegisteredObject>, DefinitionFileError> {
        xml::read(name, xml)
    }

    /// Adds the objects of an XML file.
    ///
    /// # Errors
    ///
    /// [`DefinitionFileError`].
    pub fn load_file(
        &mut self,
        file: &FilePath,
    ) -> Result<Vec<Arc<RegisteredObject>>, DefinitionFileError> {
        let name = file.display().to_string();
        let unreadable = |error: std::io::Error| DefinitionFileError {
            file: name.as_str().into(),
            position: None,
            kind: DefinitionFileErrorKind::Unreadable(error.to_string()),
        };
        let length = fs::metadata(file).map_err(unreadable)?.len();
        if length > MAX_FILE {
            return Err(DefinitionFileError {
                file: name.as_str().into(),
                position: None,
                kind: DefinitionFileErrorKind::TooLarge(length),
            });
        }
        let xml = fs::read(file).map_err(unreadable)?;
        self.load_xml(&name, &xml)
    }

    /// Adds the objects of all XML files of a folder and of those in it, in the order of their names. Files that are XML
    /// of something else, such as the registry's index, are left out.
    ///
    /// A file that is wrong does not keep the others away: what is wrong is told beside how many objects were loaded.
    ///
    /// # Errors
    ///
    /// [`std::io::Error`] if a folder cannot be read.
    pub fn load_folder(&mut self, folder: &FilePath) -> std::io::Result<Loaded> {
        let mut loaded = Loaded::default();
        let mut files = Vec::new();
        xml_files(folder, 0, &mut files)?;
        // The files of a folder come before those in its subfolders, so that of two with one version the later is older.
        for file in files.iter().rev() {
            match self.load_file(file) {
                Ok(objects) => loaded.objects += objects.len(),
                Err(error) if error.is_of_something_else() => {}
                Err(error) => loaded.errors.push(error),
            }
        }
        loaded.errors.reverse();
        Ok(loaded)
    }

    /// The object in exactly this version.
    pub fn get(&self, id: ObjectId, version: Version) -> Option<&Arc<RegisteredObject>> {
        let versions = self.objects.get(&id)?;
        let at = versions
            .binary_search_by_key(&version, |known| known.definition.version)
            .ok()?;
        versions.get(at)
    }

    /// The object in its newest version.
    pub fn newest(&self, id: ObjectId) -> Option<&Arc<RegisteredObject>> {
        self.objects.get(&id)?.last()
    }

    /// The object as a device with `version` has it: in that version, or in the newest that is compatible.
    pub fn compatible(&self, id: ObjectId, version: Version) -> Option<&Arc<RegisteredObject>> {
        self.get(id, version).or_else(|| {
            self.versions(id)
                .rev()
                .find(|known| known.definition.version.is_compatible(version))
        })
    }

    /// The versions of an object, ascending.
    pub fn versions(
        &self,
        id: ObjectId,
    ) -> impl DoubleEndedIterator<Item = &Arc<RegisteredObject>> {
        self.objects.get(&id).into_iter().flatten()
    }

    /// The newest version of each object, in the order of their ids.
    pub fn objects(&self) -> impl Iterator<Item = &Arc<RegisteredObject>> {
        self.objects.values().filter_map(|versions| versions.last())
    }

    /// The newest definition of the resource that `path`, a resource or a resource instance, lies in.
    pub fn resource(&self, path: &Path) -> Option<&ResourceDefinition<Owned>> {
        self.newest(path.object_id()?)?
            .definition
            .resource(path.resource_id()?)
    }

    /// How many objects are known, each in all its versions counted once.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether no object is known.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// What is known of the objects of a device, in the versions that it announced.
    pub fn of<'r>(&'r self, registration: &'r Registration) -> DeviceObjects<'r> {
        DeviceObjects {
            registry: self,
            registration,
        }
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("objects", &self.objects.len())
            .finish()
    }
}

/// What came of loading a folder.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Loaded {
    /// How many objects and versions were loaded.
    pub objects: usize,
    /// The files that are wrong.
    pub errors: Vec<DefinitionFileError>,
}

/// How deep folders are looked into.
const MAX_DEPTH: u32 = 4;

fn xml_files(folder: &FilePath, depth: u32, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<Vec<_>>>()?;
    entries.sort();
    let (folders, plain): (Vec<_>, Vec<_>) = entries.into_iter().partition(|path| path.is_dir());
    files.extend(plain.into_iter().filter(|path| {
        path.extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("xml"))
    }));
    for folder in folders {
        if depth < MAX_DEPTH {
            xml_files(&folder, depth + 1, files)?;
        }
    }
    Ok(())
}

/// The objects of one device, as the registry knows them.
#[derive(Debug, Clone, Copy)]
pub struct DeviceObjects<'r> {
    registry: &'r Registry,
    registration: &'r Registration,
}

impl<'r> DeviceObjects<'r> {
    /// An object in the version that the device has, or in the newest compatible one.
    ///
    /// A device that does not say has the version that its enabler implies, and if that is not known the newest.
    pub fn find(&self, id: ObjectId) -> Option<&'r Arc<RegisteredObject>> {
        let mut versions = self.registry.versions(id);
        let (only, more) = (versions.next_back()?, versions.next_back().is_some());
        match self.announced(id) {
            Some(version) => self.registry.compatible(id, version),
            None if !more => Some(only),
            None => {
                let implied = objects::implied_version(id, self.registration.version.into());
                self.registry.compatible(id, implied).or(Some(only))
            }
        }
    }

    /// The definition of the resource that `path` lies in.
    pub fn resource(&self, path: &Path) -> Option<&'r ResourceDefinition<Owned>> {
        self.find(path.object_id()?)?
            .definition
            .resource(path.resource_id()?)
    }

    /// The registration of the device.
    pub fn registration(&self) -> &'r Registration {
        self.registration
    }

    fn announced(&self, id: ObjectId) -> Option<Version> {
        self.registration
            .links
            .iter()
            .filter(|link| link.path.object_id() == Some(id))
            .find_map(|link| link.attributes.get("ver")?.parse().ok())
    }
}

impl Types for DeviceObjects<'_> {
    fn value_type(&self, path: &Path) -> Option<ValueType> {
        self.resource(path).map(|resource| resource.kind)
    }

    fn is_multiple(&self, path: &Path) -> Option<bool> {
        self.resource(path).map(|resource| resource.multiple)
    }
}

impl Types for Registry {
    fn value_type(&self, path: &Path) -> Option<ValueType> {
        self.resource(path).map(|resource| resource.kind)
    }

    fn is_multiple(&self, path: &Path) -> Option<bool> {
        self.resource(path).map(|resource| resource.multiple)
    }
}

#[cfg(test)]
mod tests;
