//! The definitions of the objects that every build knows, from the OMA registry.
//!
//! ```
//! use dunlin_model::{ObjectId, objects};
//!
//! assert_eq!(objects::find(ObjectId::of::<3>()), Some(&objects::DEVICE));
//! ```

use crate::{
    ObjectDefinition, ObjectId, Operations, Path, ResourceDefinition, ResourceId, ValueType,
    Version,
};

mod access_control;
mod apn_connection_profile;
mod bearer_selection;
mod connectivity_monitoring;
mod connectivity_statistics;
mod cose;
mod device;
mod firmware_update;
mod location;
mod oscore;
mod portfolio;
mod security;
mod server;
mod temperature;
mod wlan_connectivity;

pub use access_control::ACCESS_CONTROL;
pub use apn_connection_profile::APN_CONNECTION_PROFILE;
pub use bearer_selection::BEARER_SELECTION;
pub use connectivity_monitoring::CONNECTIVITY_MONITORING;
pub use connectivity_statistics::CONNECTIVITY_STATISTICS;
pub use cose::COSE;
pub use device::DEVICE;
pub use firmware_update::FIRMWARE_UPDATE;
pub use location::LOCATION;
pub use oscore::OSCORE;
pub use portfolio::PORTFOLIO;
pub use security::SECURITY;
pub use server::SERVER;
pub use temperature::TEMPERATURE;
pub use wlan_connectivity::WLAN_CONNECTIVITY;

/// All objects of this module, by ascending identifier.
pub const CORE: &[&ObjectDefinition] = &[
    &SECURITY,
    &SERVER,
    &ACCESS_CONTROL,
    &DEVICE,
    &CONNECTIVITY_MONITORING,
    &FIRMWARE_UPDATE,
    &LOCATION,
    &CONNECTIVITY_STATISTICS,
    &TEMPERATURE,
];

/// Further objects of the registry that an agent may have, by ascending identifier: their definitions are here for whoever
/// asks for them, and no build has them unasked.
pub const OPTIONAL: &[&ObjectDefinition] = &[
    &APN_CONNECTION_PROFILE,
    &WLAN_CONNECTIVITY,
    &BEARER_SELECTION,
    &PORTFOLIO,
    &OSCORE,
    &COSE,
];

/// Finds an object of [`CORE`].
pub fn find(id: ObjectId) -> Option<&'static ObjectDefinition> {
    CORE.iter().copied().find(|object| object.id == id)
}

/// Finds the definition of the resource that `path`, a resource or resource instance, lies in.
pub fn resource(path: &Path) -> Option<&'static ResourceDefinition> {
    find(path.object_id()?)?.resource(path.resource_id()?)
}

/// The version of `object` that an enabler of version `enabler` implies: what it has when nobody says otherwise
/// (LwM2M Core §7.2.2). Objects that the enabler does not know have 1.0.
pub const fn implied_version(object: ObjectId, enabler: Version) -> Version {
    let minor = match (enabler.minor, object.get()) {
        (1, 0 | 1 | 3) | (2.., 2 | 5) => 1,
        (1, 4) | (2.., 0 | 1 | 3) => 2,
        (2.., 4) => 3,
        (2.., 21) => return Version::new(2, 0),
        _ => 0,
    };
    Version::new(1, minor)
}

const fn resource_of<const ID: u16>(
    name: &'static str,
    operations: Operations,
    kind: ValueType,
) -> ResourceDefinition {
    ResourceDefinition::new(ResourceId::of::<ID>(), name, operations, kind)
}
