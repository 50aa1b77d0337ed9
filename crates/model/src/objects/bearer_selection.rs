//! Object 13, LWM2M Bearer Selection: OMA registry, version 1.1.

use super::resource_of as resource;
use crate::{
    ObjectDefinition, ObjectId, Operations, Range, ResourceDefinition, ValueType, Version,
};

/// Object 13, LWM2M Bearer Selection: OMA registry, version 1.1.
pub const BEARER_SELECTION: ObjectDefinition =
    ObjectDefinition::new(ObjectId::of::<13>(), "LWM2M Bearer Selection", RESOURCES)
        .version(Version::new(1, 1))
        .single();

const RESOURCES: &[ResourceDefinition] = &[
    resource::<0>(
        "Preferred Communications Bearer",
        Operations::RW,
        ValueType::Integer,
    )
    .multiple()
    .range(&Range::Integer(0, 100)),
    resource::<1>("Acceptable RSSI (GSM)", Operations::RW, ValueType::Integer)
        .range(&Range::Integer(-110, -48)),
    resource::<2>("Acceptable RSCP (UMTS)", Operations::RW, ValueType::Integer)
        .range(&Range::Integer(-120, -25)),
    resource::<3>("Acceptable RSRP (LTE)", Operations::RW, ValueType::Integer)
        .range(&Range::Integer(-140, -44)),
    resource::<4>(
        "Acceptable RSSI (1xEV-DO)",
        Operations::RW,
        ValueType::Integer,
    ),
    resource::<5>("Cell lock list", Operations::RW, ValueType::String),
    resource::<6>("Operator list", Operations::RW, ValueType::String),
    resource::<7>("Operator list mode", Operations::RW, ValueType::Boolean),
    resource::<8>("List of available PLMNs", Operations::R, ValueType::String),
    resource::<9>(
        "Vendor specific extensions",
        Operations::R,
        ValueType::Objlnk,
    ),
    resource::<10>(
        "Acceptable RSRP (NB-IoT)",
        Operations::RW,
        ValueType::Integer,
    )
    .range(&Range::Integer(-158, -44)),
    resource::<11>(
        "Higher Priority PLMN Search Timer",
        Operations::RW,
        ValueType::Integer,
    ),
    resource::<12>(
        "Attach without PDN connection",
        Operations::RW,
        ValueType::Boolean,
    ),
];
