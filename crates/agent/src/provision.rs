//! What a Bootstrap-Server does to the objects (Core 1.2.2 §6.1.7): nothing here asks for access rights.

use dunlin_codec::Part;
use dunlin_model::{InstanceId, Level, ObjectId, Path, ResourceId, Value};
use heapless::Vec;

use crate::content::SINGLE;
use crate::links::{self, Links};
use crate::write::{self, Author, Payload};
use crate::{Config, Error, Object, Objects, set};

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
    payload.visit(path, definition, &mut |record| {
        record.path.instance_id().ok_or(Error::BadValue)?;
        match record
            .path
            .resource_id()
            .and_then(|id| definition.resource(id))
        {
            Some(found) if !write::is_no_instances(found, record) => {
                write::typed(found, record).map(|_| ())
            }
            _ => Ok(()),
        }
    })?;
    let mut fresh = Vec::<InstanceId, INSTANCES>::new();
    if let (Some(instance), true) = (path.instance_id(), path.level() == Level::Instance) {
        replace(objects, id, instance)?;
        let _ = fresh.push(instance);
    }
    payload.visit(path, definition, &mut |record| {
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
    if let (Some(object), Some(id)) = (path.object_id(), path.instance_id()) {
        let known = objects.instance(object, id).is_some();
        if !known || is_kept(objects, object, id) {
            return Err(Error::BadValue);
        }
    }
    let mut index = 0_usize;
    while let Some(collection) = objects.get(index) {
        let object = collection.definition().id;
        let mut from = 0_u16;
        while let Some(id) = objects
            .get(index)
            .and_then(|collection| collection.next(from))
        {
            let doomed = path.contains(&Path::instance(object, id));
            if doomed
                && !is_kept(objects, object, id)
                && let Some(collection) = objects.get_mut(index)
            {
                // An instance that is always there is not deleted.
                let _ = collection.withdraw(id);
            }
            match id.get().checked_add(1) {
                Some(next) => from = next,
                None => break,
            }
        }
        index = index.saturating_add(1);
    }
    Ok(())
}

fn is_kept(objects: &dyn Objects, object: ObjectId, id: InstanceId) -> bool {
    match object.get() {
        0 => flag(objects, object, id, ResourceId::of::<1>()),
        3 => true,
        _ => false,
    }
}

fn flag(objects: &dyn Objects, object: ObjectId, id: InstanceId, resource: ResourceId) -> bool {
    objects
        .instance(object, id)
        .and_then(|object| object.read(resource, SINGLE))
        .and_then(|value| value.as_bool())
        == Some(true)
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
    set::instances(security)
        .find(|id| flag(objects, ObjectId::of::<0>(), *id, ResourceId::of::<1>()))
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
    let all = || set::instances(security).filter_map(|id| security.instance(id));
    let is_of_bootstrap = |account: &&dyn Object| {
        let bootstrap = account.read(ResourceId::of::<1>(), SINGLE);
        bootstrap.and_then(|value| value.as_bool()) == Some(true)
    };
    let accounts = || all().filter(|account| !is_of_bootstrap(account));
    let servers = || set::instances(server).filter_map(|id| server.instance(id));
    let (account_id, server_id) = (ResourceId::of::<10>(), ResourceId::of::<0>());
    let with = |wanted: Option<u16>| {
        let here = accounts().filter(|account| number(*account, account_id) == wanted);
        let there = servers().filter(|server| number(*server, server_id) == wanted);
        (here.count(), there.count())
    };
    let is_whole =
        |id: Option<u16>| id.is_some_and(|id| (1..=65534).contains(&id)) && with(id) == (1, 1);
    let (mut count, mut bootstraps) = (0_usize, 0_usize);
    for account in all() {
        let uri = account.read(ResourceId::of::<0>(), SINGLE);
        let reachable = uri
            .and_then(|uri| uri.as_str())
            .is_some_and(|uri| !uri.is_empty());
        if !reachable {
            return false;
        }
        if is_of_bootstrap(&account) {
            bootstraps = bootstraps.saturating_add(1);
        } else if is_whole(number(account, account_id)) {
            count = count.saturating_add(1);
        } else {
            return false;
        }
    }
    count > 0 && bootstraps <= 1 && servers().all(|server| is_whole(number(server, server_id)))
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
        let definition = collection.definition();
        let object = Path::object(definition.id);
        if !path.contains(&object) {
            continue;
        }
        let version = links::announced(definition, config.version);
        if version.is_some() || collection.next(0).is_none() {
            links.link(object);
        }
        if let Some(version) = version {
            links.version("ver", version);
        }
        for id in set::instances(collection) {
            links.link(Path::instance(definition.id, id));
            if let Some(instance) = collection.instance(id) {
                properties(definition.id, instance, &mut links);
            }
        }
    }
    Ok(links.finish())
}

/// The short server id and the URI of an account; the Bootstrap-Server's own has neither.
fn properties(object: ObjectId, instance: &dyn Object, links: &mut Links<'_>) {
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
