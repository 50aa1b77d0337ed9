//! Object 16, Portfolio: OMA registry, version 1.0.

use super::resource_of as resource;
use crate::{ObjectDefinition, ObjectId, Operations, Range, ResourceDefinition, ValueType};

/// Object 16, Portfolio: OMA registry, version 1.0.
pub const PORTFOLIO: ObjectDefinition =
    ObjectDefinition::new(ObjectId::of::<16>(), "Portfolio", RESOURCES);

const RESOURCES: &[ResourceDefinition] = &[
    resource::<0>("Identity", Operations::RW, ValueType::String)
        .multiple()
        .mandatory(),
    resource::<1>("GetAuthData", Operations::E, ValueType::None),
    resource::<2>("AuthData", Operations::R, ValueType::Opaque).multiple(),
    resource::<3>("AuthStatus", Operations::R, ValueType::Integer).range(&Range::Integer(0, 2)),
];
