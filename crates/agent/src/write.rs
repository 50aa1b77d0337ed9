//! Writing, executing, creating and deleting: what changes objects.

use dunlin_codec::{ContentFormat, DecodeError, DecodeErrorKind, Decoder, Record};
use dunlin_lwm2m::{Arguments, LwM2mVersion, WriteMode};
use dunlin_model::{
    InstanceId, Level, ObjectDefinition, ObjectId, ObjectLink, Path, ResourceDefinition, Value,
};

use crate::features::{BOOTSTRAP, COMPOSITE};
use crate::{Error, Object, Objects, content, content::SINGLE};

/// Room for the base64 of one opaque value in a text payload.
const SCRATCH: usize = 128;

/// The content of a request, and its format.
#[derive(Clone, Copy)]
pub(crate) struct Payload<'a> {
    pub(crate) format: ContentFormat,
    pub(crate) bytes: &'a [u8],
}

/// A payload with what is needed to read it, once or twice.
pub(crate) struct Records<'a> {
    pub(crate) payload: Payload<'a>,
    pub(crate) base: Path,
    /// The objects whose types the records have.
    pub(crate) definitions: &'a [&'static ObjectDefinition],
}

impl Records<'_> {
    /// The instance that the first record is about.
    fn first_instance(&self) -> Result<Option<InstanceId>, DecodeError> {
        let mut scratch = [0; SCRATCH];
        match self.decoder(&mut scratch)?.next() {
            Some(Ok(first)) => Ok(first.path.instance_id()),
            Some(Err(error)) => Err(error),
            None => Ok(None),
        }
    }

    fn decoder<'s>(
        &'s self,
        scratch: &'s mut [u8],
    ) -> Result<Decoder<'s, [&'static ObjectDefinition]>, DecodeError> {
        let Payload { format, bytes } = self.payload;
        Decoder::new(format, self.base, bytes, self.definitions, scratch)
    }

    /// Calls `each` for every record.
    pub(crate) fn visit(
        &self,
        each: &mut dyn FnMut(&Record<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut scratch = [0; SCRATCH];
        let decoder = self.decoder(&mut scratch);
        let decoder = decoder.map_err(|error| match self.payload.format {
            // Bytes for a resource that is no bytes: the format is what does not fit.
            ContentFormat::OPAQUE => Error::UnsupportedFormat,
            _ => error.into(),
        })?;
        for record in decoder {
            each(&record?)?;
        }
        Ok(())
    }

    /// Checks whether `author` can write all records, and counts them. With `replaces`, the resource instances that there
    /// are go before the new ones come.
    pub(crate) fn check(
        &self,
        objects: &dyn Objects,
        author: Author,
        replaces: bool,
    ) -> Result<usize, Error> {
        let mut table = Table {
            records: self,
            author,
            replaces,
            last: Path::ROOT,
            count: 0,
            ascends: true,
        };
        self.visit(&mut |record| table.take(objects, record))?;
        Ok(table.count)
    }

    /// Sets all records, which have been checked.
    pub(crate) fn apply(&self, objects: &mut dyn Objects, author: Author) -> Result<(), Error> {
        self.visit(&mut |record| apply(objects, author, record))
            .map_err(|_| Error::Failed)
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
    let author = Author::Server(path.level());
    let replaces = mode == WriteMode::Replace;
    let records = Records {
        payload,
        base: path,
        definitions: core::slice::from_ref(&definition),
    };
    if records.check(objects, author, replaces)? == 0 && path.level() >= Level::Resource {
        // A multiple resource may be replaced by no resource instances at all, a value cannot be nothing.
        let emptied = target.found.is_some_and(|found| found.multiple);
        if !emptied || path.level() != Level::Resource {
            return Err(Error::BadValue);
        }
    }
    if replaces {
        clear(instance_mut(objects, path)?, definition, path);
    }
    records.apply(objects, author)
}

/// Writes one value.
pub(crate) fn put(objects: &mut dyn Objects, path: Path, value: Value<'_>) -> Result<(), Error> {
    let target = content::target(objects, path)?;
    let (object, found) = target.resource()?;
    let record = Record::new(path, value);
    let author = Author::Server(path.level());
    check(objects, author, &record)?;
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
    let mut records = Records {
        payload,
        base,
        definitions: core::slice::from_ref(&definition),
    };
    // The payload names the instance, or leaves the choice to the device.
    let mut id = free_instance(collection);
    if !payload.bytes.is_empty() {
        match records.first_instance() {
            Err(error) if error.kind == DecodeErrorKind::MissingInstance => {
                let free = id.ok_or(Error::NoSpace)?;
                records.base = Path::instance(object_id, free);
            }
            first => id = first?.or(id),
        }
    }
    let id = id.ok_or(Error::NoSpace)?;
    if collection.instance(id).is_some() {
        return Err(Error::BadValue);
    }
    objects
        .find_mut(object_id)
        .ok_or(Error::NotFound)?
        .create(id)?;
    let filled = fill(objects, definition, id, &records);
    if filled.is_err()
        && let Some(collection) = objects.find_mut(object_id)
    {
        let _ = collection.delete(id);
    }
    filled.map(|()| id)
}

/// Sets what the payload brings; then nothing mandatory may be missing.
fn fill(
    objects: &mut dyn Objects,
    definition: &'static ObjectDefinition,
    id: InstanceId,
    records: &Records<'_>,
) -> Result<(), Error> {
    if !records.payload.bytes.is_empty() {
        records.check(objects, Author::Creator(id), true)?;
        records.apply(objects, Author::Creator(id))?;
    }
    let object = objects.instance(definition.id, id).ok_or(Error::Failed)?;
    for found in definition.resources {
        if found.mandatory && !content::exists(object, found) {
            return Err(Error::BadValue);
        }
    }
    Ok(())
}

/// Removes an instance, or, from version 1.2 on, a resource instance (Core 1.2.2 §6.3.7).
pub(crate) fn delete(
    objects: &mut dyn Objects,
    path: Path,
    version: LwM2mVersion,
) -> Result<(), Error> {
    let target = content::target(objects, path)?;
    let Ok((object, found)) = target.resource() else {
        let id = path.instance_id().ok_or(Error::NotAllowed)?;
        return objects
            .find_mut(target.definition.id)
            .ok_or(Error::NotFound)?
            .delete(id);
    };
    let index = path.resource_instance_id();
    if let Some(index) = index
        && version >= LwM2mVersion::V1_2
        && found.operations.is_writable()
        && found.multiple
    {
        return instance_mut(objects, path)?.remove(found.id, index);
    }
    // What cannot be removed: what is left is to say why not.
    let there = content::exists(object, found)
        && index.is_none_or(|index| object.read(found.id, index).is_some());
    Err(if there {
        Error::NotAllowed
    } else {
        Error::NotFound
    })
}

/// Carries out an Execute.
pub(crate) fn execute(objects: &mut dyn Objects, path: Path, arguments: &str) -> Result<(), Error> {
    let (object, found) = content::target(objects, path)?.resource()?;
    if !content::exists(object, found) {
        return Err(Error::NotFound);
    }
    if !found.operations.is_executable() {
        return Err(Error::NotAllowed);
    }
    let arguments = Arguments::parse(arguments).map_err(|_| Error::BadValue)?;
    instance_mut(objects, path)?.execute(found.id, &arguments)
}

/// The instance at or above `path`, which is there.
fn instance_mut(objects: &mut dyn Objects, path: Path) -> Result<&mut dyn Object, Error> {
    let ids = path.object_id().zip(path.instance_id());
    let (object, id) = ids.ok_or(Error::Failed)?;
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
    /// A server that creates this instance: what it cannot write is passed over (Core 1.2.2 §6.3.7).
    Creator(InstanceId),
    /// A server at several nodes; a record without value may take a resource instance away (RFC 8790 §3.2).
    Composer { etch: bool },
    /// A Bootstrap-Server, to whom everything is open.
    Bootstrapper,
}

/// What a payload has brought so far: nothing comes twice, and resource instances have room.
struct Table<'p> {
    records: &'p Records<'p>,
    author: Author,
    /// The resource instances that there are go before the new ones come.
    replaces: bool,
    /// The path of the last record, and how many records came.
    last: Path,
    count: usize,
    /// Whether every record came after the one before, in the order of paths: then none comes twice.
    ascends: bool,
}

impl Table<'_> {
    /// Checks the next record.
    fn take(&mut self, objects: &dyn Objects, record: &Record<'_>) -> Result<(), Error> {
        let object = check(objects, self.author, record)?;
        self.ascends &= self.last < record.path;
        self.last = record.path;
        self.count = self.count.saturating_add(1);
        // Few records are resource instances, and few payloads out of order.
        if self.ascends && record.path.level() < Level::ResourceInstance {
            return Ok(());
        }
        self.look_back(object, record)
    }

    /// Reads what came up to `record` again.
    fn look_back(&self, object: &dyn Object, record: &Record<'_>) -> Result<(), Error> {
        let resource = record.path.truncate(Level::Resource);
        // The resource where it is one of several instances.
        let index = record.path.resource_instance_id();
        let multiple = resource.resource_id().filter(|_| index.is_some());
        // The resource instances that take room, those that there are among them.
        let mut taken = match multiple {
            Some(id) if !self.replaces => content::indices(object, id).count(),
            _ => 0,
        };
        let mut left = self.count;
        self.records.visit(&mut |earlier| {
            if left == 0 {
                return Ok(());
            }
            left = left.saturating_sub(1);
            if left > 0 && earlier.path == record.path {
                return Err(Error::BadValue);
            }
            if let Some(id) = multiple
                && let Some(index) = earlier.path.resource_instance_id()
                && earlier.path.truncate(Level::Resource) == resource
                && !earlier.value.is_none()
                && (self.replaces || object.read(id, index).is_none())
            {
                taken = taken.saturating_add(1);
            }
            Ok(())
        })?;
        match multiple {
            Some(id) if taken > object.room(id) => Err(Error::NoSpace),
            _ => Ok(()),
        }
    }
}

/// Whether `author` can write `record`; gives the instance that it is for.
fn check<'o>(
    objects: &'o dyn Objects,
    author: Author,
    record: &Record<'_>,
) -> Result<&'o dyn Object, Error> {
    let (collection, definition) = content::lookup(objects, record.path)?;
    let instance = record.path.instance_id().ok_or(Error::NotAllowed)?;
    if let Author::Creator(new) = author
        && instance != new
    {
        return Err(Error::BadValue);
    }
    let object = collection.instance(instance).ok_or(Error::NotFound)?;
    // Of what comes beside other resources, some may be passed over.
    let composes = COMPOSITE && matches!(author, Author::Composer { .. });
    let alone = composes || matches!(author, Author::Server(level) if level >= Level::Resource);
    let Some(id) = record.path.resource_id() else {
        // An instance without resources.
        return match (alone, record.value) {
            (true, _) => Err(Error::NotAllowed),
            (false, Value::None) => Ok(object),
            _ => Err(Error::BadValue),
        };
    };
    let Some(found) = definition.resource(id) else {
        return if alone {
            Err(Error::NotFound)
        } else {
            Ok(object)
        };
    };
    if !found.operations.is_writable() {
        return match author {
            Author::Creator(_) => Ok(object),
            _ if composes && !content::exists(object, found) => Err(Error::NotFound),
            _ => Err(Error::NotAllowed),
        };
    }
    if composes && record.value.is_none() {
        let etches = author == Author::Composer { etch: true };
        let index = record.path.resource_instance_id().filter(|_| etches);
        let index = index.ok_or(Error::BadValue)?;
        return match object.read(id, index) {
            Some(_) if found.multiple => Ok(object),
            Some(_) => Err(Error::NotAllowed),
            None => Err(Error::NotFound),
        };
    }
    if is_no_instances(found, record) {
        return Ok(object);
    }
    let typed = typed(found, record);
    // By reference: a value is large to move.
    let (index, value) = match &typed {
        Ok(typed) => typed,
        Err(error) => return Err(*error),
    };
    if let Value::Objlnk(link) = value
        && !link_exists(objects, *link)
    {
        return Err(Error::BadValue);
    }
    match object.check(id, *index, value) {
        // An optional resource that this device does not have, beside others that it has.
        Err(Error::NotFound) if !alone && !found.mandatory => Ok(object),
        other => other.map(|()| object),
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
    let provides = BOOTSTRAP && author == Author::Bootstrapper;
    if provides && collection.instance(instance).is_none() {
        collection.provide(instance)?;
    }
    let object = collection.instance_mut(instance).ok_or(Error::Failed)?;
    let Some(found) = path.resource_id().and_then(|id| definition.resource(id)) else {
        return Ok(());
    };
    if COMPOSITE
        && let Some(index) = path.resource_instance_id()
        && value.is_none()
    {
        return object.remove(found.id, index);
    }
    if !(provides || found.operations.is_writable()) || is_no_instances(found, record) {
        return Ok(());
    }
    let typed = typed(found, record);
    let (index, value) = match &typed {
        Ok(typed) => typed,
        Err(error) => return Err(*error),
    };
    match object.check(found.id, *index, value) {
        Ok(()) => object.write(found.id, *index, value),
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

/// Whether the value of `record` is of the type and range of its resource, where the object has that resource.
pub(crate) fn fits(
    definition: &'static ObjectDefinition,
    record: &Record<'_>,
) -> Result<(), Error> {
    let id = record.path.resource_id();
    match id.and_then(|id| definition.resource(id)) {
        Some(found) if !is_no_instances(found, record) => typed(found, record).map(|_| ()),
        _ => Ok(()),
    }
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
