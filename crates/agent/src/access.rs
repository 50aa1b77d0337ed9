//! Who may do what: the Access Control object (Core 1.2.2 §8).

use dunlin_model::{InstanceId, MAX_ID, ObjectId, Path, ResourceId, ResourceInstanceId};

use crate::content::SINGLE;
use crate::features::ACCESS_CONTROL;
use crate::{Error, Object, Objects, set};

/// Read, Observe, Write-Attributes.
pub(crate) const READ: u8 = 1;
/// Write.
pub(crate) const WRITE: u8 = 2;
/// Execute.
pub(crate) const EXECUTE: u8 = 4;
/// Delete.
pub(crate) const DELETE: u8 = 8;
/// Create; on the object as a whole.
pub(crate) const CREATE: u8 = 16;

const ALL: u8 = READ | WRITE | EXECUTE | DELETE | CREATE;

/// Whether rights are looked at: there is an Access Control object, and more than one server (Core 1.2.2 §8.2).
fn is_on(objects: &dyn Objects) -> bool {
    let servers = objects.find(ObjectId::of::<1>());
    ACCESS_CONTROL
        && objects.find(ObjectId::of::<2>()).is_some()
        && servers.is_some_and(|servers| set::instances(servers).count() > 1)
}

fn number(rule: &dyn Object, resource: ResourceId, index: ResourceInstanceId) -> Option<u16> {
    u16::try_from(rule.read(resource, index)?.as_i64()?).ok()
}

/// The rights of a server on an instance, or, with 65535, on an object. `None` is who may do everything.
fn rights(objects: &dyn Objects, server: Option<u16>, object: ObjectId, instance: u16) -> u8 {
    let Some(server) = server.filter(|_| is_on(objects)) else {
        return ALL;
    };
    let Some(rules) = objects.find(ObjectId::of::<2>()) else {
        return ALL;
    };
    let owner = |rule: &dyn Object| number(rule, ResourceId::of::<3>(), SINGLE);
    // The rules themselves are for all to read, and for their owners to change.
    if object.get() == 2 {
        let rule = InstanceId::new(instance).and_then(|id| rules.instance(id));
        let owned = rule.is_some_and(|rule| owner(rule) == Some(server));
        return if owned { READ | WRITE } else { READ };
    }
    let rule = set::instances(rules)
        .filter_map(|id| rules.instance(id))
        .find(|rule| is_about(*rule, object, instance));
    let Some(rule) = rule else {
        return 0;
    };
    let full = (owner(rule) == Some(server)).then_some(ALL.into());
    let own = entry(rule, server).or(full);
    let bits = own.or_else(|| entry(rule, 0)).unwrap_or(0);
    u8::try_from(bits).unwrap_or(0)
}

fn is_about(rule: &dyn Object, object: ObjectId, instance: u16) -> bool {
    number(rule, ResourceId::of::<0>(), SINGLE) == Some(object.get())
        && number(rule, ResourceId::of::<1>(), SINGLE) == Some(instance)
}

/// Whether a server may read an instance.
pub(crate) fn reads(
    objects: &dyn Objects,
    server: Option<u16>,
    object: ObjectId,
    instance: InstanceId,
) -> bool {
    !ACCESS_CONTROL || rights(objects, server, object, instance.get()) & READ != 0
}

/// Whether a server may do this to the instance at or above `path`; what is not an instance's is allowed, but for a Create.
pub(crate) fn check(
    objects: &dyn Objects,
    server: Option<u16>,
    path: Path,
    right: u8,
) -> Result<(), Error> {
    if !ACCESS_CONTROL {
        return Ok(());
    }
    let Some(object) = path.object_id() else {
        return Ok(());
    };
    let instance = match path.instance_id() {
        Some(id) => {
            // What is not there is not found, whoever asks.
            if objects.instance(object, id).is_none() {
                return Ok(());
            }
            id.get()
        }
        None if right == CREATE => MAX_ID,
        None => return Ok(()),
    };
    if rights(objects, server, object, instance) & right == right {
        Ok(())
    } else {
        Err(Error::Unauthorized)
    }
}

/// A server has made an instance: it becomes its owner (Core 1.2.2 §8.3).
pub(crate) fn created(
    objects: &mut dyn Objects,
    server: Option<u16>,
    path: Path,
) -> Result<(), Error> {
    let (Some(server), Some(object), Some(instance)) =
        (server, path.object_id(), path.instance_id())
    else {
        return Ok(());
    };
    if !is_on(objects) {
        return Ok(());
    }
    let rules = objects.find_mut(ObjectId::of::<2>()).ok_or(Error::Failed)?;
    let id = crate::write::free_instance(rules).ok_or(Error::NoSpace)?;
    rules.provide(id)?;
    let rule = rules.instance_mut(id).ok_or(Error::Failed)?;
    for (resource, value) in [
        (ResourceId::of::<0>(), object.get()),
        (ResourceId::of::<1>(), instance.get()),
        (ResourceId::of::<3>(), server),
    ] {
        let value = dunlin_model::Value::Integer(value.into());
        rule.write(resource, SINGLE, &value)?;
    }
    Ok(())
}

/// The accounts have changed: what the rules say about servers that are gone is forgotten. An instance whose owner is gone
/// belongs to the server with the most rights on it from then on; where no other has any it goes too, with its rule
/// (Core 1.2.2 §8.3).
pub(crate) fn forget_orphans(objects: &mut dyn Objects) {
    if !ACCESS_CONTROL {
        return;
    }
    let mut from = Some(0_u16);
    while let Some(id) = from
        && let Some(id) = objects
            .find(ObjectId::of::<2>())
            .and_then(|rules| rules.next(id))
    {
        from = id.get().checked_add(1);
        forget_servers(objects, id);
        let Some(rule) = objects.instance(ObjectId::of::<2>(), id) else {
            continue;
        };
        let owner = number(rule, ResourceId::of::<3>(), SINGLE);
        let about = number(rule, ResourceId::of::<0>(), SINGLE).and_then(ObjectId::new);
        let instance = number(rule, ResourceId::of::<1>(), SINGLE).and_then(InstanceId::new);
        if owner.is_none_or(|owner| owner == MAX_ID || is_server(objects, owner)) {
            continue;
        }
        if let Some(heir) = heir(objects, rule)
            && let Some(rules) = objects.find_mut(ObjectId::of::<2>())
            && let Some(rule) = rules.instance_mut(id)
        {
            let value = dunlin_model::Value::Integer(heir.into());
            let _ = rule.write(ResourceId::of::<3>(), SINGLE, &value);
            continue;
        }
        if let Some(rules) = objects.find_mut(ObjectId::of::<2>()) {
            let _ = rules.withdraw(id);
        }
        // The rule about an object as a whole goes alone; so does that about what cannot be deleted.
        if let (Some(about), Some(instance)) = (about, instance)
            && let Some(collection) = objects.find_mut(about)
        {
            let _ = collection.delete(instance);
        }
    }
}

/// The server to which an instance falls: that with the highest sum of the rights to write and to delete, the smaller id
/// of two; `None` where none has any right.
fn heir(objects: &dyn Objects, rule: &dyn Object) -> Option<u16> {
    let servers = objects.find(ObjectId::of::<1>())?;
    let mut found = None;
    for instance in set::instances(servers) {
        let server = servers.instance(instance)?;
        let Some(id) = number(server, ResourceId::of::<0>(), SINGLE) else {
            continue;
        };
        let bits = entry(rule, id).or_else(|| entry(rule, 0)).unwrap_or(0);
        let bits = u8::try_from(bits).unwrap_or(0);
        let sum = bits & (WRITE | DELETE);
        let better = found.is_none_or(|(most, known)| sum > most || sum == most && id < known);
        if bits & ALL != 0 && better {
            found = Some((sum, id));
        }
    }
    found.map(|(_, id)| id)
}

/// What a rule says of a server.
fn entry(rule: &dyn Object, server: u16) -> Option<u16> {
    number(
        rule,
        ResourceId::of::<2>(),
        ResourceInstanceId::new(server)?,
    )
}

/// Takes the rights of servers that are gone out of a rule; 0 stands for all the others.
fn forget_servers(objects: &mut dyn Objects, rule: InstanceId) {
    let entries = ResourceId::of::<2>();
    let mut from = Some(1_u16);
    while let Some(index) = from
        && let Some(index) = objects
            .instance(ObjectId::of::<2>(), rule)
            .and_then(|rule| rule.next_index(entries, index))
    {
        from = index.get().checked_add(1);
        if !is_server(objects, index.get())
            && let Some(rule) = objects
                .find_mut(ObjectId::of::<2>())
                .and_then(|rules| rules.instance_mut(rule))
        {
            let _ = rule.remove(entries, index);
        }
    }
}

/// Whether there is an account with this short server id.
fn is_server(objects: &dyn Objects, id: u16) -> bool {
    objects.find(ObjectId::of::<1>()).is_some_and(|servers| {
        set::instances(servers)
            .filter_map(|instance| servers.instance(instance))
            .any(|server| number(server, ResourceId::of::<0>(), SINGLE) == Some(id))
    })
}

/// An instance is gone, and with it the rule about it.
pub(crate) fn deleted(objects: &mut dyn Objects, path: Path) {
    let (Some(object), Some(instance)) = (path.object_id(), path.instance_id()) else {
        return;
    };
    if !ACCESS_CONTROL {
        return;
    }
    if let Some(rules) = objects.find_mut(ObjectId::of::<2>()) {
        let found = set::instances(rules).find(|id| {
            let rule = rules.instance(*id);
            rule.is_some_and(|rule| is_about(rule, object, instance.get()))
        });
        if let Some(id) = found {
            let _ = rules.withdraw(id);
        }
    }
}
