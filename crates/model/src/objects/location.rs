//! Object 6, Location: LwM2M Core Appendix E.7.

use super::resource_of as resource;
use crate::{ObjectDefinition, ObjectId, Operations, ResourceDefinition, ValueType};

/// Object 6, Location: LwM2M Core Appendix E.7.
pub const LOCATION: ObjectDefinition =
    ObjectDefinition::new(ObjectId::of::<6>(), "Location", RESOURCES).single();

const RESOURCES: &[ResourceDefinition] = &[
    resource::<0>("Latitude", Operations::R, ValueType::Float)
        .mandatory()
        .units("lat"),
    resource::<1>("Longitude", Operations::R, ValueType::Float)
        .mandatory()
        .units("lon"),
    resource::<2>("Altitude", Operations::R, ValueType::Float).units("m"),
    resource::<3>("Radius", Operations::R, ValueType::Float).units("m"),
    resource::<4>("Velocity", Operations::R, ValueType::Opaque),
    resource::<5>("Timestamp", Operations::R, ValueType::Time).mandatory(),
    resource::<6>("Speed", Operations::R, ValueType::Float).units("m/s"),
];
