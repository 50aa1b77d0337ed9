//! Object 0, LwM2M Security: LwM2M Core Appendix E.1.

use super::resource_of as resource;
use crate::{
    ObjectDefinition, ObjectId, Operations, Range, ResourceDefinition, ValueType, Version,
};

/// Object 0, LwM2M Security: LwM2M Core Appendix E.1.
pub const SECURITY: ObjectDefinition = ObjectDefinition {
    id: ObjectId::of::<0>(),
    name: crate::static_text("LWM2M Security"),
    version: Version::new(1, 2),
    multiple: true,
    mandatory: true,
    resources: RESOURCES,
};

const RESOURCES: &[ResourceDefinition] = &[
    resource::<0>("LWM2M Server URI", Operations::NONE, ValueType::String)
        .mandatory()
        .range(&Range::Length(0, 255)),
    resource::<1>("Bootstrap-Server", Operations::NONE, ValueType::Boolean).mandatory(),
    resource::<2>("Security Mode", Operations::NONE, ValueType::Integer)
        .mandatory()
        .range(&Range::Integer(0, 4)),
    resource::<3>(
        "Public Key or Identity",
        Operations::NONE,
        ValueType::Opaque,
    )
    .mandatory(),
    resource::<4>("Server Public Key", Operations::NONE, ValueType::Opaque).mandatory(),
    resource::<5>("Secret Key", Operations::NONE, ValueType::Opaque).mandatory(),
    resource::<6>("SMS Security Mode", Operations::NONE, ValueType::Integer)
        .range(&Range::Integer(0, 255)),
    resource::<7>(
        "SMS Binding Key Parameters",
        Operations::NONE,
        ValueType::Opaque,
    )
    .range(&Range::lengths(&[6])),
    resource::<8>(
        "SMS Binding Secret Key(s)",
        Operations::NONE,
        ValueType::Opaque,
    )
    .range(&Range::lengths(&[16, 32, 48])),
    resource::<9>(
        "LwM2M Server SMS Number",
        Operations::NONE,
        ValueType::String,
    ),
    resource::<10>("Short Server ID", Operations::NONE, ValueType::Integer)
        .range(&Range::Integer(1, 65534)),
    resource::<11>("Client Hold Off Time", Operations::NONE, ValueType::Integer).units("s"),
    resource::<12>(
        "Bootstrap-Server Account Timeout",
        Operations::NONE,
        ValueType::Integer,
    )
    .units("s"),
    resource::<13>("Matching Type", Operations::NONE, ValueType::Unsigned)
        .range(&Range::Integer(0, 3)),
    resource::<14>("SNI", Operations::NONE, ValueType::String),
    resource::<15>("Certificate Usage", Operations::NONE, ValueType::Unsigned)
        .range(&Range::Integer(0, 3)),
    resource::<16>(
        "DTLS/TLS Ciphersuite",
        Operations::NONE,
        ValueType::Unsigned,
    )
    .multiple(),
    resource::<17>("OSCORE Security Mode", Operations::NONE, ValueType::Objlnk),
    resource::<18>(
        "Groups To Use by Client",
        Operations::NONE,
        ValueType::Unsigned,
    )
    .multiple()
    .range(&Range::Integer(0, 65535)),
    resource::<19>(
        "Signature Algorithms Supported by Server",
        Operations::NONE,
        ValueType::Unsigned,
    )
    .multiple()
    .range(&Range::Integer(0, 65535)),
    resource::<20>(
        "Signature Algorithms To Use by Client",
        Operations::NONE,
        ValueType::Unsigned,
    )
    .multiple()
    .range(&Range::Integer(0, 65535)),
    resource::<21>(
        "Signature Algorithm Certs Supported by Server",
        Operations::NONE,
        ValueType::Unsigned,
    )
    .multiple()
    .range(&Range::Integer(0, 65535)),
    resource::<22>(
        "TLS 1.3 Features To Use by Client",
        Operations::NONE,
        ValueType::Unsigned,
    )
    .range(&Range::Integer(0, 65535)),
    resource::<23>(
        "TLS Extensions Supported by Server",
        Operations::NONE,
        ValueType::Unsigned,
    )
    .range(&Range::Integer(0, 65535)),
    resource::<24>(
        "TLS Extensions To Use by Client",
        Operations::NONE,
        ValueType::Unsigned,
    )
    .range(&Range::Integer(0, 65535)),
    resource::<25>(
        "Secondary LwM2M Server URI",
        Operations::NONE,
        ValueType::String,
    )
    .multiple()
    .range(&Range::Length(0, 255)),
    resource::<26>("MQTT Server", Operations::NONE, ValueType::Objlnk),
    resource::<27>("LwM2M COSE Security", Operations::NONE, ValueType::Objlnk).multiple(),
    resource::<28>("RDS Destination Port", Operations::NONE, ValueType::Integer)
        .range(&Range::Integer(0, 15)),
    resource::<29>("RDS Source Port", Operations::NONE, ValueType::Integer)
        .range(&Range::Integer(0, 15)),
    resource::<30>("RDS Application ID", Operations::NONE, ValueType::String),
];
