//! Object 21, LWM2M OSCORE: OMA registry, version 2.0.

use super::resource_of as resource;
use crate::{ObjectDefinition, ObjectId, Operations, ResourceDefinition, ValueType, Version};

/// Object 21, LWM2M OSCORE: OMA registry, version 2.0.
pub const OSCORE: ObjectDefinition =
    ObjectDefinition::new(ObjectId::of::<21>(), "LWM2M OSCORE", RESOURCES)
        .version(Version::new(2, 0));

const RESOURCES: &[ResourceDefinition] = &[
    resource::<0>("OSCORE Master Secret", Operations::NONE, ValueType::Opaque).mandatory(),
    resource::<1>("OSCORE Sender ID", Operations::NONE, ValueType::Opaque).mandatory(),
    resource::<2>("OSCORE Recipient ID", Operations::NONE, ValueType::Opaque).mandatory(),
    resource::<3>(
        "OSCORE AEAD Algorithm",
        Operations::NONE,
        ValueType::Integer,
    ),
    resource::<4>(
        "OSCORE HMAC Algorithm",
        Operations::NONE,
        ValueType::Integer,
    ),
    resource::<5>("OSCORE Master Salt", Operations::NONE, ValueType::Opaque),
    resource::<6>("OSCORE ID Context", Operations::NONE, ValueType::Opaque),
];
