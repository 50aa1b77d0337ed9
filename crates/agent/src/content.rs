//! Reading: the content of a node as a payload.

use dunlin_codec::{ContentFormat, Encoder, Part, Record, encode_part};
use dunlin_model::{
    InstanceId, ObjectDefinition, Path, ResourceDefinition, ResourceId, ResourceInstanceId, Value,
    ValueType,
};

use crate::{Error, Object, Objects, access, composite, set};

/// The id under which the value of a single resource is read.
pub(crate) const SINGLE: ResourceInstanceId = ResourceInstanceId::of::<0>();

/// Writes a part of what a server can read at and below `path` in `format`: as much as `buffer` holds from `skip` bytes on.
/// With a list, `path` is the root, and nodes of the list that are not there, or cannot be read, are left out.
pub(crate) fn encode(
    objects: &dyn Objects,
    server: Option<u16>,
    path: Path,
    list: Option<&[Path]>,
    format: ContentFormat,
    skip: usize,
    buffer: &mut [u8],
) -> Result<Part, Error> {
    encode_part(format, path, skip, buffer, |encoder| {
        let mut sink = Sink::new(encoder, format, server);
        let Some(list) = list else {
            return node(objects, path, &mut sink);
        };
        for path in list {
            composite::node(objects, *path, &mut sink)?;
        }
        Ok(())
    })
}

/// Gives what can be read at and below `path`.
pub(crate) fn node(
    objects: &dyn Objects,
    path: Path,
    sink: &mut Sink<'_, '_>,
) -> Result<(), Error> {
    let target = target(objects, path)?;
    let (definition, reader) = (target.definition, sink.server);
    let Some((id, object)) = path.instance_id().zip(target.object) else {
        let (mut any, mut refused) = (false, false);
        for id in set::instances(target.collection) {
            let allowed = access::reads(objects, reader, definition.id, id);
            refused |= !allowed;
            if let Some(object) = target.collection.instance(id).filter(|_| allowed) {
                any = true;
                instance(object, definition, id, sink)?;
            }
        }
        return if refused && !any {
            Err(Error::Unauthorized)
        } else {
            Ok(())
        };
    };
    if !access::reads(objects, reader, definition.id, id) {
        return Err(Error::Unauthorized);
    }
    let Some(found) = target.found else {
        return instance(object, definition, id, sink);
    };
    readable(object, found, path)?;
    match path.resource_instance_id() {
        Some(index) => {
            if put(object, found, index, path, sink)? {
                Ok(())
            } else {
                Err(Error::NotFound)
            }
        }
        None => resource(object, found, path, sink),
    }
}

/// Where what is read goes.
pub(crate) struct Sink<'s, 'b> {
    encoder: &'s mut Encoder<'b>,
    tlv: bool,
    /// Who reads, where that matters.
    server: Option<u16>,
}

impl<'s, 'b> Sink<'s, 'b> {
    pub(crate) fn new(
        encoder: &'s mut Encoder<'b>,
        format: ContentFormat,
        server: Option<u16>,
    ) -> Self {
        let tlv = format == ContentFormat::TLV;
        Self {
            encoder,
            tlv,
            server,
        }
    }

    fn push(&mut self, path: Path, value: Value<'_>) -> Result<(), Error> {
        Ok(self.encoder.push(&Record::new(path, value))?)
    }
}

/// Whether a payload of `format` can be written here, and be the answer to a Read.
pub(crate) fn is_for_single_requests(format: ContentFormat) -> bool {
    let other = matches!(
        format,
        // Of composite requests, and of servers for devices of 1.0.
        ContentFormat::SENML_ETCH_JSON | ContentFormat::SENML_ETCH_CBOR | ContentFormat::LWM2M_JSON
    );
    format.is_supported() && !other
}

/// Whether there is something at `path` that can be read; the error is the answer to a Read of it.
pub(crate) fn check(objects: &dyn Objects, path: Path, format: ContentFormat) -> Result<(), Error> {
    let mut single = None;
    let target = target(objects, path)?;
    if let Ok((object, found)) = target.resource() {
        readable(object, found, path)?;
        let index = path.resource_instance_id();
        if let Some(index) = index {
            object.read(found.id, index).ok_or(Error::NotFound)?;
        }
        if !found.multiple || index.is_some() {
            single = Some(found.kind);
        }
    }
    let acceptable = match format {
        _ if !is_for_single_requests(format) => false,
        ContentFormat::OPAQUE => single == Some(ValueType::Opaque),
        _ => single.is_some() || !format.is_single(),
    };
    if acceptable {
        Ok(())
    } else {
        Err(Error::NotAcceptable)
    }
}

/// The value of a single resource or a resource instance.
pub(crate) fn value(objects: &dyn Objects, path: Path) -> Option<Value<'_>> {
    let (object, found) = target(objects, path).ok()?.resource().ok()?;
    let index = match path.resource_instance_id() {
        Some(index) => index,
        None if found.multiple => return None,
        None => SINGLE,
    };
    object.read(found.id, index)
}

/// The value of a single resource or a resource instance that a server might read.
pub(crate) fn single(objects: &dyn Objects, path: Path) -> Result<Value<'_>, Error> {
    let (object, found) = target(objects, path)?.resource()?;
    readable(object, found, path)?;
    let index = match path.resource_instance_id() {
        Some(index) => index,
        None if found.multiple => return Err(Error::NotAllowed),
        None => SINGLE,
    };
    typed(object, found, index).ok_or(Error::NotFound)
}

/// The value as the type of its definition: an object may give a number of another type.
fn typed<'o>(
    object: &'o dyn Object,
    definition: &ResourceDefinition,
    index: ResourceInstanceId,
) -> Option<Value<'o>> {
    object.read(definition.id, index)?.convert(definition.kind)
}

/// Whether this instance has the resource.
pub(crate) fn exists(object: &dyn Object, definition: &ResourceDefinition) -> bool {
    if definition.multiple {
        object.has(definition.id)
    } else {
        object.read(definition.id, SINGLE).is_some()
    }
}

/// The ids of a multiple resource's instances, ascending.
pub(crate) fn indices(
    object: &dyn Object,
    id: ResourceId,
) -> impl Iterator<Item = ResourceInstanceId> {
    let mut from = 0_u16;
    core::iter::from_fn(move || {
        let next = object.next_index(id, from)?;
        // At most 65535, at or above which there is none.
        from = next.get().saturating_add(1);
        Some(next)
    })
}

/// What a path leads to.
#[derive(Clone, Copy)]
pub(crate) struct Target<'o> {
    pub(crate) collection: &'o dyn crate::Collection,
    pub(crate) definition: &'static ObjectDefinition,
    /// The instance, if the path names one.
    pub(crate) object: Option<&'o dyn Object>,
    /// The resource, if the path names one, whether the instance has it or not.
    pub(crate) found: Option<&'static ResourceDefinition>,
}

impl<'o> Target<'o> {
    /// The instance and the resource of a path that has both.
    pub(crate) fn resource(self) -> Result<(&'o dyn Object, &'static ResourceDefinition), Error> {
        self.object.zip(self.found).ok_or(Error::NotAllowed)
    }
}

/// What `path` leads to: an object that a server may see, an instance that is there, a resource that is defined.
#[inline(never)]
pub(crate) fn target(objects: &dyn Objects, path: Path) -> Result<Target<'_>, Error> {
    let (collection, definition) = lookup(objects, path)?;
    let (mut object, mut found) = (None, None);
    if let Some(id) = path.instance_id() {
        object = Some(collection.instance(id).ok_or(Error::NotFound)?);
    }
    if let Some(id) = path.resource_id() {
        found = Some(definition.resource(id).ok_or(Error::NotFound)?);
    }
    Ok(Target {
        collection,
        definition,
        object,
        found,
    })
}

/// The collection of the object in `path`, unless no server may see it.
pub(crate) fn lookup(
    objects: &dyn Objects,
    path: Path,
) -> Result<(&dyn crate::Collection, &'static ObjectDefinition), Error> {
    let id = path.object_id().ok_or(Error::NotAllowed)?;
    if is_secret(path) {
        return Err(Error::Unauthorized);
    }
    let collection = objects.find(id).ok_or(Error::NotFound)?;
    Ok((collection, collection.definition()))
}

/// Whether `path` lies in an object with credentials, which no server may touch: Security (0), OSCORE (21), and COSE (23)
/// where there is one.
pub(crate) fn is_secret(path: Path) -> bool {
    let object = path.object_id().map(dunlin_model::ObjectId::get);
    matches!(object, Some(0 | 21)) || cfg!(feature = "cose") && object == Some(23)
}

/// Whether a resource, or a resource instance of it, can be read.
fn readable(
    object: &dyn Object,
    found: &'static ResourceDefinition,
    path: Path,
) -> Result<(), Error> {
    if !exists(object, found) {
        return Err(Error::NotFound);
    }
    // A resource instance of a single resource is no path of this object (Core 1.2.2 §6.3.1).
    if !found.operations.is_readable() || (path.resource_instance_id().is_some() && !found.multiple)
    {
        return Err(Error::NotAllowed);
    }
    Ok(())
}

fn instance(
    object: &dyn Object,
    definition: &'static ObjectDefinition,
    id: InstanceId,
    sink: &mut Sink<'_, '_>,
) -> Result<(), Error> {
    for found in definition.resources {
        if found.operations.is_readable() {
            resource(
                object,
                found,
                Path::resource(definition.id, id, found.id),
                sink,
            )?;
        }
    }
    Ok(())
}

fn resource(
    object: &dyn Object,
    definition: &ResourceDefinition,
    path: Path,
    sink: &mut Sink<'_, '_>,
) -> Result<(), Error> {
    if !definition.multiple {
        return put(object, definition, SINGLE, path, sink).map(|_| ());
    }
    let mut empty = true;
    for index in indices(object, definition.id) {
        if let Some(path) = path.child(index.get())
            && put(object, definition, index, path, sink)?
        {
            empty = false;
        }
    }
    // Only TLV can say that a resource is there and has no instances.
    if empty && sink.tlv && object.has(definition.id) {
        sink.push(path, Value::None)?;
    }
    Ok(())
}

/// Gives the value of a single resource or a resource instance; whether there is one.
fn put(
    object: &dyn Object,
    definition: &ResourceDefinition,
    index: ResourceInstanceId,
    path: Path,
    sink: &mut Sink<'_, '_>,
) -> Result<bool, Error> {
    match typed(object, definition, index) {
        Some(value) => sink.push(path, value).map(|()| true),
        None => Ok(false),
    }
}
