//! Object 11, LWM2M APN Connection Profile: OMA registry, version 1.1.

use super::resource_of as resource;
use crate::{
    ObjectDefinition, ObjectId, Operations, Range, ResourceDefinition, ValueType, Version,
};

/// Object 11, LWM2M APN Connection Profile: OMA registry, version 1.1.
pub const APN_CONNECTION_PROFILE: ObjectDefinition = ObjectDefinition::new(
    ObjectId::of::<11>(),
    "LWM2M APN Connection Profile",
    RESOURCES,
)
.version(Version::new(1, 1));

const RESOURCES: &[ResourceDefinition] = &[
    resource::<0>("Profile name", Operations::RW, ValueType::String).mandatory(),
    resource::<1>("APN", Operations::RW, ValueType::String),
    resource::<2>(
        "Auto select APN by device",
        Operations::RW,
        ValueType::Boolean,
    ),
    resource::<3>("Enable status", Operations::RW, ValueType::Boolean),
    resource::<4>("Authentication Type", Operations::RW, ValueType::Integer).mandatory(),
    resource::<5>("User Name", Operations::RW, ValueType::String),
    resource::<6>("Secret", Operations::RW, ValueType::String),
    resource::<7>("Reconnect Schedule", Operations::RW, ValueType::String),
    resource::<8>("Validity (MCC, MNC)", Operations::RW, ValueType::String).multiple(),
    resource::<9>(
        "Connection establishment time (1)",
        Operations::R,
        ValueType::Time,
    )
    .multiple(),
    resource::<10>(
        "Connection establishment result (1)",
        Operations::R,
        ValueType::Integer,
    )
    .multiple(),
    resource::<11>(
        "Connection establishment reject cause (1)",
        Operations::R,
        ValueType::Integer,
    )
    .multiple()
    .range(&Range::Integer(0, 111)),
    resource::<12>("Connection end time (1)", Operations::R, ValueType::Time).multiple(),
    resource::<13>("TotalBytesSent", Operations::R, ValueType::Integer),
    resource::<14>("TotalBytesReceived", Operations::R, ValueType::Integer),
    resource::<15>("IP address (2)", Operations::RW, ValueType::String).multiple(),
    resource::<16>("Prefix length(2)", Operations::RW, ValueType::String).multiple(),
    resource::<17>("Subnet mask (2)", Operations::RW, ValueType::String).multiple(),
    resource::<18>("Gateway (2)", Operations::RW, ValueType::String).multiple(),
    resource::<19>("Primary DNS address (2)", Operations::RW, ValueType::String).multiple(),
    resource::<20>(
        "Secondary DNS address (2)",
        Operations::RW,
        ValueType::String,
    )
    .multiple(),
    resource::<21>("QCI (3)", Operations::R, ValueType::Integer).range(&Range::Integer(1, 9)),
    resource::<22>(
        "Vendor specific extensions",
        Operations::R,
        ValueType::Objlnk,
    ),
    resource::<23>("TotalPacketsSent", Operations::R, ValueType::Integer),
    resource::<24>("PDN Type", Operations::RW, ValueType::Integer),
    resource::<25>("APN Rate Control", Operations::R, ValueType::Integer),
    resource::<26>(
        "Serving PLMN Rate control",
        Operations::RW,
        ValueType::Unsigned,
    ),
    resource::<27>("Uplink Time Unit", Operations::RW, ValueType::Unsigned)
        .range(&Range::Integer(0, 4)),
    resource::<28>(
        "APN Rate Control for Exception Data",
        Operations::R,
        ValueType::Integer,
    ),
    resource::<29>(
        "APN Exception Data Uplink Time Unit",
        Operations::RW,
        ValueType::Unsigned,
    )
    .range(&Range::Integer(0, 4)),
    resource::<30>("Supported RAT Types", Operations::RW, ValueType::Unsigned).multiple(),
    resource::<31>("RDS Application ID", Operations::RW, ValueType::String).multiple(),
    resource::<32>("RDS Destination Port", Operations::RW, ValueType::Integer)
        .multiple()
        .range(&Range::Integer(0, 15)),
    resource::<33>("RDS Source Port", Operations::RW, ValueType::Integer)
        .multiple()
        .range(&Range::Integer(0, 15)),
];
