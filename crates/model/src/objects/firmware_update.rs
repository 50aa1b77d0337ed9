//! Object 5, Firmware Update: LwM2M Core Appendix E.6.

use super::resource_of as resource;
use crate::{
    ObjectDefinition, ObjectId, Operations, Range, ResourceDefinition, ValueType, Version,
};

/// Object 5, Firmware Update: LwM2M Core Appendix E.6.
pub const FIRMWARE_UPDATE: ObjectDefinition =
    ObjectDefinition::new(ObjectId::of::<5>(), "Firmware Update", RESOURCES)
        .version(Version::new(1, 2))
        .single();

const RESOURCES: &[ResourceDefinition] = &[
    resource::<0>("Package", Operations::W, ValueType::Opaque).mandatory(),
    resource::<1>("Package URI", Operations::RW, ValueType::String)
        .mandatory()
        .range(&Range::Length(0, 255)),
    resource::<2>("Update", Operations::E, ValueType::None).mandatory(),
    resource::<3>("State", Operations::R, ValueType::Integer)
        .mandatory()
        .range(&Range::Integer(0, 3)),
    resource::<5>("Update Result", Operations::R, ValueType::Integer)
        .mandatory()
        .range(&Range::Integer(0, 11)),
    resource::<6>("PkgName", Operations::R, ValueType::String).range(&Range::Length(0, 255)),
    resource::<7>("PkgVersion", Operations::R, ValueType::String).range(&Range::Length(0, 255)),
    resource::<8>(
        "Firmware Update Protocol Support",
        Operations::R,
        ValueType::Integer,
    )
    .multiple()
    .range(&Range::Integer(0, 5)),
    resource::<9>(
        "Firmware Update Delivery Method",
        Operations::R,
        ValueType::Integer,
    )
    .mandatory()
    .range(&Range::Integer(0, 2)),
    resource::<10>("Cancel", Operations::E, ValueType::None),
    resource::<11>("Severity", Operations::RW, ValueType::Integer).range(&Range::Integer(0, 2)),
    resource::<12>("Last State Change Time", Operations::R, ValueType::Time),
    resource::<13>("Maximum Defer Period", Operations::RW, ValueType::Unsigned).units("s"),
    resource::<14>(
        "Automatic Upgrade at Download",
        Operations::RW,
        ValueType::Boolean,
    ),
];
