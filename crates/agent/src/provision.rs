//! What a Bootstrap-Server does to the objects (Core 1.2.2 §6.1.7): nothing here asks for access rights.

use dunlin_codec::Part;
use dunlin_model::{InstanceId, Level, ObjectId, Path, ResourceId, Value};
use heapless::Vec;

use crate::content::SINGLE;
use crate::links::Links;
use crate::write::{self, Author, Payload, Records};
use crate::{Collection, Config, Error, Object, Objects, set};

/// How many instances one Bootstrap-Write may bring.
const INSTANCES: usize = 8;

/// Writes at `path`, an object, an instance or a resource, whether it is there or not. An instance that the payload
/// brings replaces the one with its id. What the device does not have is passed over.
///
/// The payload is checked before anything changes, but for the lengths that a device has room for.
pub(crate) fn write(
    objects: &mut dyn Objects,
    path: Path,
    payload: Payload<'_>,
) -> Result<(), Error> {
    let id = path.object_id().ok_or(Error::NotAllowed)?;
    // The table of codes has no 4.04 for this operation (Transport 1.2.2 §6.7).
    let definition = objects.definition(id).ok_or(Error::BadValue)?;
    if let Some(resource) = path.resource_id() {
        definition.resource(resource).ok_or(Error::BadValue)?;
    }
    let records = Records {
        payload,
        base: path,
        definitions: core::slice::from_ref(&definition),
    };
    records.visit(&mut |record| {
        record.path.instance_id().ok_or(Error::BadValue)?;
        write::fits(definition, record)
    })?;
    let mut fresh = Vec::<InstanceId, INSTANCES>::new();
    if let (Some(instance), true) = (path.instance_id(), path.level() == Level::Instance) {
        replace(objects, id, instance)?;
    }
    records.visit(&mut |record| {
        let instance = record.path.instance_id().ok_or(Error::BadValue)?;
        if path.level() == Level::Object && !fresh.contains(&instance) {
            replace(objects, id, instance)?;
            fresh.push(instance).map_err(|_| Error::NoSpace)?;
        }
        write::apply(objects, Author::Bootstrapper, record)
    })
}

/// Makes an instance anew where instances can be made.
fn replace(objects: &mut dyn Objects, object: ObjectId, id: InstanceId) -> Result<(), Error> {
    let collection = objects.find_mut(object).ok_or(Error::BadValue)?;
    if collection.instance(id).is_some() {
        match collection.withdraw(id) {
            // Its values are all that can be replaced.
            Err(Error::NotAllowed) => return Ok(()),
            other => other?,
        }
    }
    collection.provide(id)
}

/// Deletes what can be deleted at and below `path`; the account of the Bootstrap-Server and instance 0 of the Device
/// object stay (Core 1.2.2 §6.1.7.5).
pub(crate) fn delete(objects: &mut dyn Objects, path: Path) -> Result<(), Error> {
    // An instance must be there, one of those that can be deleted.
    let mut done = path.level() < Level::Instance;
    let mut index = 0_usize;
    while let Some(object) = objects.get(index).map(|known| known.definition().id) {
        let mut from = 0_u16;
        while let Some(collection) = objects.get_mut(index)
            && let Some(id) = collection.next(from)
        {
            from = id.get().saturating_add(1);
            if path.contains(&Path::instance(object, id)) && !is_kept(collection, id) {
                done = true;
                // An instance that is always there is not deleted.
                let _ = collection.withdraw(id);
            }
        }
        index = index.saturating_add(1);
    }
    if done { Ok(()) } else { Err(Error::BadValue) }
}

fn is_kept(collection: &dyn Collection, id: InstanceId) -> bool {
    match collection.definition().id.get() {
        0 => collection.instance(id).is_some_and(is_own),
        3 => true,
        _ => false,
    }
}

/// Whether an account is the Bootstrap-Server's.
fn is_own(account: &dyn Object) -> bool {
    let value = account.read(ResourceId::of::<1>(), SINGLE);
    matches!(value, Some(Value::Boolean(true)))
}

fn number(object: &dyn Object, resource: ResourceId) -> Option<u16> {
    u16::try_from(object.read(resource, SINGLE)?.as_i64()?).ok()
}

/// The account of the Bootstrap-Server.
pub(crate) fn account(objects: &dyn Objects) -> Option<&dyn Object> {
    objects.instance(ObjectId::of::<0>(), account_id(objects)?)
}

pub(crate) fn account_id(objects: &dyn Objects) -> Option<InstanceId> {
    let security = objects.find(ObjectId::of::<0>())?;
    set::instances(security).find(|id| security.instance(*id).is_some_and(is_own))
}

/// Takes the account of the Bootstrap-Server away; whether there was one.
pub(crate) fn purge(objects: &mut dyn Objects) -> bool {
    let id = account_id(objects);
    let security = objects.find_mut(ObjectId::of::<0>());
    id.zip(security)
        .is_some_and(|(id, security)| security.withdraw(id).is_ok())
}

/// Whether the accounts are whole: at least one server, each with a URI, a Security and a Server instance of the same
/// short server id that no other has; and of a Bootstrap-Server one at most, with a URI (Core 1.2.2 §6.1.7.6).
pub(crate) fn is_consistent(objects: &dyn Objects) -> bool {
    let (Some(security), Some(server)) = (
        objects.find(ObjectId::of::<0>()),
        objects.find(ObjectId::of::<1>()),
    ) else {
        return false;
    };
    let (account_id, server_id) = (ResourceId::of::<10>(), ResourceId::of::<0>());
    let (mut accounts, mut bootstraps) = (0_usize, 0_usize);
    for id in set::instances(security) {
        let Some(account) = security.instance(id) else {
            continue;
        };
        let uri = account.read(ResourceId::of::<0>(), SINGLE);
        if !matches!(uri, Some(Value::String(uri)) if !uri.is_empty()) {
            return false;
        }
        if is_own(account) {
            bootstraps = bootstraps.saturating_add(1);
            continue;
        }
        let id = number(account, account_id).unwrap_or(0);
        if !(1..=65534).contains(&id)
            || sharing(security, account_id, id) != 1
            || sharing(server, server_id, id) != 1
        {
            return false;
        }
        accounts = accounts.saturating_add(1);
    }
    // Each has a server of its own, so that there is none without an account if there are no more.
    accounts > 0 && bootstraps <= 1 && set::instances(server).count() == accounts
}

/// How many accounts of servers, or servers, have this short server id.
fn sharing(collection: &dyn Collection, resource: ResourceId, short_server_id: u16) -> usize {
    let mut count = 0_usize;
    for id in set::instances(collection) {
        if let Some(object) = collection.instance(id)
            && number(object, resource) == Some(short_server_id)
            && !is_own(object)
        {
            count = count.saturating_add(1);
        }
    }
    count
}

/// Writes the answer to a Bootstrap-Discover of the whole device or of an object (Core 1.2.2 §6.1.7.3).
pub(crate) fn discover(
    objects: &dyn Objects,
    config: &Config<'_>,
    path: Path,
    mut links: Links<'_>,
) -> Result<Part, Error> {
    links.link(Path::ROOT);
    links.version("lwm2m", config.version.into());
    if let Some(object) = path.object_id() {
        objects.find(object).ok_or(Error::NotFound)?;
    }
    for collection in objects.iter() {
        if path.contains(&Path::object(collection.definition().id)) {
            links.object(collection, config.version, true);
        }
    }
    Ok(links.finish())
}

/// Adds the short server id and the URI of an account; the Bootstrap-Server's own has neither.
pub(crate) fn properties(object: ObjectId, instance: &dyn Object, links: &mut Links<'_>) {
    let resource = match object.get() {
        0 => ResourceId::of::<10>(),
        1 => ResourceId::of::<0>(),
        _ => return,
    };
    let Some(id) = number(instance, resource) else {
        return;
    };
    links.attribute("ssid", id.into());
    if object.get() == 0
        && let Some(Value::String(uri)) = instance.read(ResourceId::of::<0>(), SINGLE)
    {
        links.quoted("uri", uri);
    }
}
