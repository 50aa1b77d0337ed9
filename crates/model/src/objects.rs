//! The definitions of the objects that every build knows, from the OMA registry.
//!
//! ```
//! use dunlin_model::{ObjectId, objects};
//!
//! assert_eq!(objects::find(ObjectId::of::<3>()), Some(&objects::DEVICE));
//! ```

use crate::{
    ObjectDefinition, ObjectId, Operations, Path, ResourceDefinition, ResourceId, ValueType,
};

mod device;
mod security;
mod server;
mod temperature;

pub use device::DEVICE;
pub use security::SECURITY;
pub use server::SERVER;
pub use temperature::TEMPERATURE;

/// All objects of this module, by ascending identifier.
pub const CORE: &[&ObjectDefinition] = &[&SECURITY, &SERVER, &DEVICE, &TEMPERATURE];

/// Finds an object of [`CORE`].
pub fn find(id: ObjectId) -> Option<&'static ObjectDefinition> {
    CORE.iter().copied().find(|object| object.id == id)
}

/// Finds the definition of the resource that `path`, a resource or resource instance, lies in.
pub fn resource(path: &Path) -> Option<&'static ResourceDefinition> {
    find(path.object_id()?)?.resource(path.resource_id()?)
}

const fn resource_of<const ID: u16>(
    name: &'static str,
    operations: Operations,
    kind: ValueType,
) -> ResourceDefinition {
    ResourceDefinition::new(ResourceId::of::<ID>(), name, operations, kind)
}
