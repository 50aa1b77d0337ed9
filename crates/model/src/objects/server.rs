//! Object 1, LwM2M Server: LwM2M Core Appendix E.2.

use super::resource_of as resource;
use crate::{
    ObjectDefinition, ObjectId, Operations, Range, ResourceDefinition, ValueType, Version,
};

/// Object 1, LwM2M Server: LwM2M Core Appendix E.2.
pub const SERVER: ObjectDefinition = ObjectDefinition {
    id: ObjectId::of::<1>(),
    name: crate::static_text("LwM2M Server"),
    version: Version::new(1, 2),
    multiple: true,
    mandatory: true,
    resources: RESOURCES,
};

const RESOURCES: &[ResourceDefinition] = &[
    resource::<0>("Short Server ID", Operations::R, ValueType::Integer)
        .mandatory()
        .range(&Range::Integer(1, 65534)),
    resource::<1>("Lifetime", Operations::RW, ValueType::Integer)
        .mandatory()
        .units("s"),
    resource::<2>("Default Minimum Period", Operations::RW, ValueType::Integer).units("s"),
    resource::<3>("Default Maximum Period", Operations::RW, ValueType::Integer).units("s"),
    resource::<4>("Disable", Operations::E, ValueType::None),
    resource::<5>("Disable Timeout", Operations::RW, ValueType::Integer).units("s"),
    resource::<6>(
        "Notification Storing When Disabled or Offline",
        Operations::RW,
        ValueType::Boolean,
    )
    .mandatory(),
    resource::<7>("Binding", Operations::RW, ValueType::String).mandatory(),
    resource::<8>(
        "Registration Update Trigger",
        Operations::E,
        ValueType::None,
    )
    .mandatory(),
    resource::<9>("Bootstrap-Request Trigger", Operations::E, ValueType::None),
    resource::<10>("APN Link", Operations::RW, ValueType::Objlnk),
    resource::<11>("TLS-DTLS Alert Code", Operations::R, ValueType::Unsigned)
        .range(&Range::Integer(0, 255)),
    resource::<12>("Last Bootstrapped", Operations::R, ValueType::Time),
    resource::<13>(
        "Registration Priority Order",
        Operations::R,
        ValueType::Unsigned,
    ),
    resource::<14>(
        "Initial Registration Delay Timer",
        Operations::RW,
        ValueType::Unsigned,
    )
    .units("s"),
    resource::<15>(
        "Registration Failure Block",
        Operations::R,
        ValueType::Boolean,
    ),
    resource::<16>(
        "Bootstrap on Registration Failure",
        Operations::R,
        ValueType::Boolean,
    ),
    resource::<17>(
        "Communication Retry Count",
        Operations::RW,
        ValueType::Unsigned,
    ),
    resource::<18>(
        "Communication Retry Timer",
        Operations::RW,
        ValueType::Unsigned,
    )
    .units("s"),
    resource::<19>(
        "Communication Sequence Delay Timer",
        Operations::RW,
        ValueType::Unsigned,
    )
    .units("s"),
    resource::<20>(
        "Communication Sequence Retry Count",
        Operations::RW,
        ValueType::Unsigned,
    ),
    resource::<21>("Trigger", Operations::RW, ValueType::Boolean),
    resource::<22>("Preferred Transport", Operations::RW, ValueType::String),
    resource::<23>("Mute Send", Operations::RW, ValueType::Boolean),
    resource::<24>("Alternate APN Links", Operations::RW, ValueType::Objlnk).multiple(),
    resource::<25>(
        "Supported Server Versions",
        Operations::RW,
        ValueType::String,
    )
    .multiple(),
    resource::<26>(
        "Default Notification Mode",
        Operations::RW,
        ValueType::Integer,
    )
    .range(&Range::Integer(0, 1)),
    resource::<27>(
        "Profile ID Hash Algorithm",
        Operations::RW,
        ValueType::Unsigned,
    )
    .range(&Range::Integer(0, 255)),
];
