//! The objects of an agent as one set.

use dunlin_model::{InstanceId, ObjectDefinition, ObjectId};
use heapless::Vec;

use crate::{Collection, Error, Object};

/// The objects of an agent, numbered from 0 without gaps, in ascending order of their object ids.
///
/// `#[derive(Objects)]` writes this for a struct whose fields are objects, in whatever order they stand:
///
/// ```
/// # #[cfg(feature = "derive")] {
/// use dunlin_agent::{Instances, Objects, objects::{Device, Security, Server, Temperature}};
///
/// #[derive(Objects)]
/// struct Node<'a> {
///     security: Security<1>,
///     server: Server<1>,
///     device: Device<'a>,
///     temperature: Instances<Temperature, 4>,
///     #[objects(skip)]
///     restarts: u32,
/// }
/// # }
/// ```
pub trait Objects {
    /// The object at `index`; `None` after the last.
    fn get(&self, index: usize) -> Option<&dyn Collection>;

    /// The object at `index`; `None` after the last.
    fn get_mut(&mut self, index: usize) -> Option<&mut dyn Collection>;
}

/// Look-ups that every part of the engine needs.
impl dyn Objects + '_ {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &dyn Collection> {
        let mut index = 0_usize;
        core::iter::from_fn(move || {
            let next = self.get(index)?;
            index = index.saturating_add(1);
            Some(next)
        })
    }

    pub(crate) fn find(&self, object: ObjectId) -> Option<&dyn Collection> {
        self.iter()
            .find(|collection| collection.definition().id == object)
    }

    pub(crate) fn find_mut(&mut self, object: ObjectId) -> Option<&mut dyn Collection> {
        let index = self
            .iter()
            .position(|collection| collection.definition().id == object)?;
        self.get_mut(index)
    }

    pub(crate) fn instance(&self, object: ObjectId, instance: InstanceId) -> Option<&dyn Object> {
        self.find(object)?.instance(instance)
    }

    pub(crate) fn definition(&self, object: ObjectId) -> Option<&'static ObjectDefinition> {
        Some(self.find(object)?.definition())
    }
}

/// How many objects operations on several of them may find on a device.
const OBJECTS: usize = 32;

/// The definitions of several objects.
pub(crate) type Definitions = Vec<&'static ObjectDefinition, OBJECTS>;

/// Adds the definitions of all objects.
pub(crate) fn definitions(objects: &dyn Objects, all: &mut Definitions) -> Result<(), Error> {
    for collection in objects.iter() {
        all.push(collection.definition())
            .map_err(|_| Error::NoSpace)?;
    }
    Ok(())
}

/// The ids of a collection's instances, ascending.
pub(crate) fn instances(collection: &dyn Collection) -> impl Iterator<Item = InstanceId> {
    let mut from = 0_u16;
    core::iter::from_fn(move || {
        let next = collection.next(from)?;
        // At most 65535, at or above which there is none.
        from = next.get().saturating_add(1);
        Some(next)
    })
}
