//! Object 3303, IPSO Temperature.

use super::resource_of as resource;
use crate::{
    ObjectDefinition, ObjectId, Operations, Range, ResourceDefinition, ValueType, Version,
};

/// Object 3303, IPSO Temperature.
pub const TEMPERATURE: ObjectDefinition = ObjectDefinition {
    id: ObjectId::of::<3303>(),
    name: crate::static_text("Temperature"),
    version: Version::new(1, 1),
    multiple: true,
    mandatory: false,
    resources: RESOURCES,
};

const RESOURCES: &[ResourceDefinition] = &[
    resource::<5518>("Timestamp", Operations::R, ValueType::Time),
    resource::<5601>("Min Measured Value", Operations::R, ValueType::Float),
    resource::<5602>("Max Measured Value", Operations::R, ValueType::Float),
    resource::<5603>("Min Range Value", Operations::R, ValueType::Float),
    resource::<5604>("Max Range Value", Operations::R, ValueType::Float),
    resource::<5605>(
        "Reset Min and Max Measured Values",
        Operations::E,
        ValueType::None,
    ),
    resource::<5700>("Sensor Value", Operations::R, ValueType::Float).mandatory(),
    resource::<5701>("Sensor Units", Operations::R, ValueType::String),
    resource::<5750>("Application Type", Operations::RW, ValueType::String),
    resource::<6042>(
        "Measurement Quality Indicator",
        Operations::R,
        ValueType::Integer,
    )
    .range(&Range::Integer(0, 23)),
    resource::<6049>(
        "Measurement Quality Level",
        Operations::R,
        ValueType::Integer,
    )
    .range(&Range::Integer(0, 100)),
    resource::<6050>("Fractional Timestamp", Operations::R, ValueType::Float)
        .range(&Range::Float(0.0, 1.0))
        .units("s"),
];
