//! Object 23, LwM2M COSE: OMA registry, version 1.0.

use super::resource_of as resource;
use crate::{ObjectDefinition, ObjectId, Operations, ResourceDefinition, ValueType};

/// Object 23, LwM2M COSE: OMA registry, version 1.0.
pub const COSE: ObjectDefinition =
    ObjectDefinition::new(ObjectId::of::<23>(), "LwM2M COSE", RESOURCES);

const RESOURCES: &[ResourceDefinition] = &[
    resource::<0>("KID", Operations::NONE, ValueType::String).mandatory(),
    resource::<1>("AEAD Algorithm", Operations::NONE, ValueType::Integer).mandatory(),
    resource::<2>("Key", Operations::NONE, ValueType::String).mandatory(),
];
