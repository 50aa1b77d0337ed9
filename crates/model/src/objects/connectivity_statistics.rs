//! Object 7, Connectivity Statistics: LwM2M Core Appendix E.8.

use super::resource_of as resource;
use crate::{ObjectDefinition, ObjectId, Operations, ResourceDefinition, ValueType};

/// Object 7, Connectivity Statistics: LwM2M Core Appendix E.8.
pub const CONNECTIVITY_STATISTICS: ObjectDefinition =
    ObjectDefinition::new(ObjectId::of::<7>(), "Connectivity Statistics", RESOURCES).single();

const RESOURCES: &[ResourceDefinition] = &[
    resource::<0>("SMS Tx Counter", Operations::R, ValueType::Integer),
    resource::<1>("SMS Rx Counter", Operations::R, ValueType::Integer),
    resource::<2>("Tx Data", Operations::R, ValueType::Integer),
    resource::<3>("Rx Data", Operations::R, ValueType::Integer),
    resource::<4>("Max Message Size", Operations::R, ValueType::Integer).units("B"),
    resource::<5>("Average Message Size", Operations::R, ValueType::Integer).units("B"),
    resource::<6>("Start", Operations::E, ValueType::None).mandatory(),
    resource::<7>("Stop", Operations::E, ValueType::None).mandatory(),
    resource::<8>("Collection Period", Operations::RW, ValueType::Integer).units("s"),
];
