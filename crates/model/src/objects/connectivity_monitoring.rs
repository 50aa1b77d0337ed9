//! Object 4, Connectivity Monitoring: LwM2M Core Appendix E.5.

use super::resource_of as resource;
use crate::{
    ObjectDefinition, ObjectId, Operations, Range, ResourceDefinition, ValueType, Version,
};

/// Object 4, Connectivity Monitoring: LwM2M Core Appendix E.5.
pub const CONNECTIVITY_MONITORING: ObjectDefinition =
    ObjectDefinition::new(ObjectId::of::<4>(), "Connectivity Monitoring", RESOURCES)
        .version(Version::new(1, 3))
        .single();

const RESOURCES: &[ResourceDefinition] = &[
    resource::<0>("Network Bearer", Operations::R, ValueType::Integer)
        .mandatory()
        .range(&Range::Integer(0, 50)),
    resource::<1>(
        "Available Network Bearer",
        Operations::R,
        ValueType::Integer,
    )
    .multiple()
    .mandatory()
    .range(&Range::Integer(0, 50)),
    resource::<2>("Radio Signal Strength", Operations::R, ValueType::Integer)
        .mandatory()
        .units("dBm"),
    resource::<3>("Link Quality", Operations::R, ValueType::Integer),
    resource::<4>("IP Addresses", Operations::R, ValueType::String)
        .multiple()
        .mandatory(),
    resource::<5>("Router IP Addresses", Operations::R, ValueType::String).multiple(),
    resource::<6>("Link Utilization", Operations::R, ValueType::Integer)
        .range(&Range::Integer(0, 100))
        .units("/100"),
    resource::<7>("APN", Operations::R, ValueType::String).multiple(),
    resource::<8>("Cell ID", Operations::R, ValueType::Integer),
    resource::<9>("SMNC", Operations::R, ValueType::Integer).range(&Range::Integer(0, 999)),
    resource::<10>("SMCC", Operations::R, ValueType::Integer).range(&Range::Integer(0, 999)),
    resource::<11>("SignalSNR", Operations::R, ValueType::Integer).units("dB"),
    resource::<12>("LAC", Operations::R, ValueType::Integer),
    resource::<13>(
        "Coverage Enhancement Level",
        Operations::R,
        ValueType::Integer,
    )
    .range(&Range::Integer(0, 4)),
];
