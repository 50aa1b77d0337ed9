//! Writing, executing, creating and deleting: what changes objects.

use dunlin_codec::{ContentFormat, DecodeErrorKind, Decoder, Record};
use dunlin_lwm2m::{Arguments, LwM2mVersion, WriteMode};
use dunlin_model::{
    InstanceId, Level, ObjectDefinition, ObjectId, ObjectLink, Path, ResourceDefinition, Value,
};

use crate::table::Table;
use crate::{Error, Object, Objects, content, content::SINGLE};

/// Room for the base64 of one opaque value in a text payload.
const SCRATCH: usize = 128;

/// A payload with what is needed to read it, once or twice.
#[derive(Clone, Copy)]
pub(crate) struct Payload<'a> {
    pub(crate) format: ContentFormat,
    pub(crate) bytes: &'a [u8],
}

impl Payload<'_> {
    /// Whether these are resources of an object without the instance that they belong to.
    fn lacks_instance(&self, base: Path, definition: &'static ObjectDefinition) -> bool {
        let types = core::slice::from_ref(&definition);
        let first = Decoder::new(self.format, base, self.bytes, types, &mut [])
            .map(|mut decoder| decoder.next());
        let (Err(error) | Ok(Some(Err(error)))) = first else {
            return false;
        };
        error.kind == DecodeErrorKind::MissingInstance
    }

    /// Calls `each` for every record of the payload.
    pub(crate) fn visit(
        &self,
        base: Path,
        definition: &'static ObjectDefinition,
        each: &mut dyn FnMut(&Record<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.visit_all(base, core::slice::from_ref(&definition), each)
    }

    /// Calls `each` for every record of the payload, whose types are those of several objects.
    pub(crate) fn visit_all(
        &self,
        base: Path,
        definitions: &[&'static ObjectDefinition],
        each: &mut dyn FnMut(&Record<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut scratch = [0; SCRATCH];
        let decoder = Decoder::new(self.format, base, self.bytes, definitions, &mut scratch);
        let decoder = decoder.map_err(|error| match self.format {
            // Bytes for a resource that is no bytes: the format is what does not fit.
            ContentFormat::OPAQUE => Error::UnsupportedFormat,
            _ => error.into(),
        })?;
        for record in decoder {
            each(&record?)?;
        }
        Ok(())
    }
}

/// Writes at `path`: everything that `payload` says, or nothing.
pub(crate) fn write(
    objects: &mut dyn Objects,
    path: Path,
    mode: WriteMode,
    payload: Payload<'_>,
) -> Result<(), Error> {
    let target = content::target(objects, path)?;
    let definition = target.definition;
    let object = target.object.ok_or(Error::NotAllowed)?;
    let id = path.instance_id().ok_or(Error::NotAllowed)?;
    if let Some(found) = target.found {
        // A writable resource may be absent until it is written; an Execute or Read alone tells that it is there.
        if !found.operations.is_writable() {
            return Err(if content::exists(object, found) {
                Error::NotAllowed
            } else {
                Error::NotFound
            });
        }
        let of_several = mode == WriteMode::Partial || path.resource_instance_id().is_some();
        if of_several && !found.multiple {
            return Err(Error::NotAllowed);
        }
    }
    let definitions = core::slice::from_ref(&definition);
    let mut table = Table::new(payload, path, definitions, mode == WriteMode::Replace);
    let author = Author::Server(path.level());
    payload.visit_all(path, definitions, &mut |record| {
        check(objects, object, definition, author, record)?;
        table.take(object, record)
    })?;
    if table.count == 0 && path.level() >= Level::Resource {
        // A multiple resource may be replaced by no resource instances at all, a value cannot be nothing.
        let emptied = target.found.is_some_and(|found| found.multiple);
        if !emptied || path.level() != Level::Resource {
            return Err(Error::BadValue);
        }
    }
    if mode == WriteMode::Replace {
        clear(instance_mut(objects, definition.id, id)?, definition, path);
    }
    apply_all(objects, path, definitions, author, payload)
}

/// Sets all records of a checked payload.
pub(crate) fn apply_all(
    objects: &mut dyn Objects,
    base: Path,
    definitions: &[&'static ObjectDefinition],
    author: Author,
    payload: Payload<'_>,
) -> Result<(), Error> {
    payload
        .visit_all(base, definitions, &mut |record| {
            apply(objects, author, record)
        })
        .map_err(|_| Error::Failed)
}

/// Writes one value.
pub(crate) fn put(objects: &mut dyn Objects, path: Path, value: Value<'_>) -> Result<(), Error> {
    let target = content::target(objects, path)?;
    let (object, found) = target.resource()?;
    let record = Record::new(path, value);
    let author = Author::Server(path.level());
    check(objects, object, target.definition, author, &record)?;
    if let Some(index) = path.resource_instance_id()
        && object.read(found.id, index).is_none()
        && content::indices(object, found.id).count() >= object.room(found.id)
    {
        return Err(Error::NoSpace);
    }
    apply(objects, author, &record)
}

/// Makes an instance of `object_id` from `payload` and gives its id; on an error nothing remains.
#[cfg_attr(not(target_pointer_width = "64"), inline(never))]
pub(crate) fn create(
    objects: &mut dyn Objects,
    object_id: ObjectId,
    payload: Payload<'_>,
) -> Result<InstanceId, Error> {
    let base = Path::object(object_id);
    let (collection, definition) = content::lookup(objects, base)?;
    if !definition.multiple {
        return Err(Error::NotAllowed);
    }
    let free = free_instance(collection);
    let mut base = base;
    if payload.lacks_instance(base, definition) {
        base = base
            .child(free.ok_or(Error::NoSpace)?.get())
            .ok_or(Error::NoSpace)?;
    }
    // The payload names the instance, or leaves the choice to the device.
    let mut named = None;
    if !payload.bytes.is_empty() {
        payload.visit(base, definition, &mut |record| {
            let id = record.path.instance_id();
            if named.is_some_and(|named| id != Some(named)) {
                return Err(Error::BadValue);
            }
            named = id;
            Ok(())
        })?;
    }
    let id = named.or(free).ok_or(Error::NoSpace)?;
    if collection.instance(id).is_some() {
        return Err(Error::BadValue);
    }
    objects
        .find_mut(object_id)
        .ok_or(Error::NotFound)?
        .create(id)?;
    let filled = fill(objects, definition, id, payload, base);
    if filled.is_err()
        && let Some(collection) = objects.find_mut(object_id)
    {
        let _ = collection.delete(id);
    }
    filled.map(|()| id)
}

fn fill(
    objects: &mut dyn Objects,
    definition: &'static ObjectDefinition,
    id: InstanceId,
    payload: Payload<'_>,
    base: Path,
) -> Result<(), Error> {
    if !payload.bytes.is_empty() {
        let object = objects.instance(definition.id, id).ok_or(Error::Failed)?;
        let definitions = core::slice::from_ref(&definition);
        let mut table = Table::new(payload, base, definitions, true);
        payload.visit_all(base, definitions, &mut |record| {
            check(objects, object, definition, Author::Creator, record)?;
            table.take(object, record)
        })?;
        apply_all(objects, base, definitions, Author::Creator, payload)?;
    }
    let object = objects.instance(definition.id, id).ok_or(Error::Failed)?;
    let complete = definition
        .resources
        .iter()
        .all(|found| !found.mandatory || content::exists(object, found));
    if complete {
        Ok(())
    } else {
        Err(Error::BadValue)
    }
}

/// Removes an instance, or, from version 1.2 on, a resource instance (Core 1.2.2 §6.3.7).
pub(crate) fn delete(
    objects: &mut dyn Objects,
    path: Path,
    version: LwM2mVersion,
) -> Result<(), Error> {
    let target = content::target(objects, path)?;
    let definition = target.definition;
    let id = path.instance_id().ok_or(Error::NotAllowed)?;
    if let Ok((object, found)) = target.resource() {
        let index = path.resource_instance_id();
        if let Some(index) = index
            && version >= LwM2mVersion::V1_2
            && found.operations.is_writable()
            && found.multiple
        {
            return instance_mut(objects, definition.id, id)?.remove(found.id, index);
        }
        // What cannot be removed: what is left is to say why not.
        let there = content::exists(object, found)
            && index.is_none_or(|index| object.read(found.id, index).is_some());
        return Err(if there {
            Error::NotAllowed
        } else {
            Error::NotFound
        });
    }
    objects
        .find_mut(definition.id)
        .ok_or(Error::NotFound)?
        .delete(id)
}

/// Carries out an Execute.
pub(crate) fn execute(objects: &mut dyn Objects, path: Path, arguments: &str) -> Result<(), Error> {
    let target = content::target(objects, path)?;
    let (object, found) = target.resource()?;
    let (id, definition) = (
        path.instance_id().ok_or(Error::NotAllowed)?,
        target.definition,
    );
    if !content::exists(object, found) {
        return Err(Error::NotFound);
    }
    if !found.operations.is_executable() {
        return Err(Error::NotAllowed);
    }
    let arguments = Arguments::parse(arguments).map_err(|_| Error::BadValue)?;
    instance_mut(objects, definition.id, id)?.execute(found.id, &arguments)
}

fn instance_mut(
    objects: &mut dyn Objects,
    object: ObjectId,
    id: InstanceId,
) -> Result<&mut dyn Object, Error> {
    objects
        .find_mut(object)
        .and_then(|collection| collection.instance_mut(id))
        .ok_or(Error::Failed)
}

/// The smallest instance id that is not in use.
pub(crate) fn free_instance(collection: &dyn crate::Collection) -> Option<InstanceId> {
    let mut free = 0_u16;
    for id in crate::set::instances(collection) {
        if id.get() != free {
            break;
        }
        free = free.checked_add(1)?;
    }
    InstanceId::new(free)
}

/// Who writes, and so what may be written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Author {
    /// A server, or the device itself, at a node of this level.
    Server(Level),
    /// A server that creates an instance: what it cannot write is passed over (Core 1.2.2 §6.3.7).
    Creator,
    /// A server at several nodes; a record without value may take a resource instance away (RFC 8790 §3.2).
    Composer { etch: bool },
    /// A Bootstrap-Server, to whom everything is open.
    Bootstrapper,
}

/// Whether `author` can write `record`.
pub(crate) fn check(
    objects: &dyn Objects,
    object: &dyn Object,
    definition: &'static ObjectDefinition,
    author: Author,
    record: &Record<'_>,
) -> Result<(), Error> {
    let Some(id) = record.path.resource_id() else {
        // An instance without resources.
        return if record.value.is_none() {
            Ok(())
        } else {
            Err(Error::BadValue)
        };
    };
    // Of what comes beside other resources, some may be passed over.
    let alone = match author {
        Author::Server(level) => level >= Level::Resource,
        Author::Composer { .. } => true,
        _ => false,
    };
    let Some(found) = definition.resource(id) else {
        return if alone { Err(Error::NotFound) } else { Ok(()) };
    };
    if !found.operations.is_writable() {
        return match author {
            Author::Creator => Ok(()),
            Author::Composer { .. } if !content::exists(object, found) => Err(Error::NotFound),
            _ => Err(Error::NotAllowed),
        };
    }
    if let Author::Composer { etch } = author
        && record.value.is_none()
    {
        let index = record.path.resource_instance_id().filter(|_| etch);
        let index = index.ok_or(Error::BadValue)?;
        return match object.read(id, index) {
            Some(_) if found.multiple => Ok(()),
            Some(_) => Err(Error::NotAllowed),
            None => Err(Error::NotFound),
        };
    }
    if is_no_instances(found, record) {
        return Ok(());
    }
    let (index, value) = typed(found, record)?;
    if let Value::Objlnk(link) = value
        && !link_exists(objects, link)
    {
        return Err(Error::BadValue);
    }
    match object.check(id, index, &value) {
        // An optional resource that this device does not have, beside others that it has.
        Err(Error::NotFound) if !alone && !found.mandatory => Ok(()),
        other => other,
    }
}

/// Sets one record, which has been checked as far as `author` is to hear of it.
pub(crate) fn apply(
    objects: &mut dyn Objects,
    author: Author,
    record: &Record<'_>,
) -> Result<(), Error> {
    let (path, value) = (record.path, &record.value);
    let (Some(object), Some(instance)) = (path.object_id(), path.instance_id()) else {
        return Err(Error::BadValue);
    };
    let collection = objects.find_mut(object).ok_or(Error::BadValue)?;
    let definition = collection.definition();
    let provides = author == Author::Bootstrapper;
    if provides && collection.instance(instance).is_none() {
        collection.provide(instance)?;
    }
    let object = collection.instance_mut(instance).ok_or(Error::Failed)?;
    let Some(found) = path.resource_id().and_then(|id| definition.resource(id)) else {
        return Ok(());
    };
    if let Some(index) = path.resource_instance_id()
        && value.is_none()
    {
        return object.remove(found.id, index);
    }
    if !(provides || found.operations.is_writable()) || is_no_instances(found, record) {
        return Ok(());
    }
    let (index, value) = typed(found, record)?;
    match object.check(found.id, index, &value) {
        Ok(()) => object.write(found.id, index, &value),
        // What this device does not have is passed over.
        Err(Error::NotFound | Error::NotAllowed) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Takes away what a replacing Write of `path` may leave out.
fn clear(object: &mut dyn Object, definition: &'static ObjectDefinition, path: Path) {
    for found in definition.resources {
        let hit = match (path.resource_id(), path.resource_instance_id()) {
            (None, _) => !found.mandatory || found.multiple,
            (Some(id), None) => found.id == id && found.multiple,
            (Some(_), Some(_)) => false,
        };
        if hit && found.operations.is_writable() {
            object.clear(found.id);
        }
    }
}

/// A record that says: this multiple resource has no instances.
pub(crate) fn is_no_instances(definition: &ResourceDefinition, record: &Record<'_>) -> bool {
    definition.multiple && record.path.level() == Level::Resource && record.value.is_none()
}

/// The value of `record` in the type and range of its resource, and which resource instance it is for.
pub(crate) fn typed<'v>(
    definition: &ResourceDefinition,
    record: &Record<'v>,
) -> Result<(dunlin_model::ResourceInstanceId, Value<'v>), Error> {
    let index = match record.path.resource_instance_id() {
        Some(index) if definition.multiple => index,
        None if !definition.multiple => SINGLE,
        _ => return Err(Error::BadValue),
    };
    let value = definition
        .accept(record.value)
        .map_err(|_| Error::BadValue)?;
    Ok((index, value))
}

/// Whether `link` is null, a supported object, or an existing instance (Core 1.2.2 Appendix C).
pub(crate) fn link_exists(objects: &dyn Objects, link: ObjectLink) -> bool {
    if link.is_null() {
        return true;
    }
    let Some(collection) = ObjectId::new(link.object).and_then(|id| objects.find(id)) else {
        return false;
    };
    InstanceId::new(link.instance).is_none_or(|id| collection.instance(id).is_some())
}
