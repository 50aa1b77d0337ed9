//! Object 3, Device: LwM2M Core Appendix E.4.

use super::resource_of as resource;
use crate::{
    ObjectDefinition, ObjectId, Operations, Range, ResourceDefinition, ValueType, Version,
};

/// Object 3, Device: LwM2M Core Appendix E.4.
pub const DEVICE: ObjectDefinition = ObjectDefinition {
    id: ObjectId::of::<3>(),
    name: crate::static_text("Device"),
    version: Version::new(1, 2),
    multiple: false,
    mandatory: true,
    resources: RESOURCES,
};

const RESOURCES: &[ResourceDefinition] = &[
    resource::<0>("Manufacturer", Operations::R, ValueType::String),
    resource::<1>("Model Number", Operations::R, ValueType::String),
    resource::<2>("Serial Number", Operations::R, ValueType::String),
    resource::<3>("Firmware Version", Operations::R, ValueType::String),
    resource::<4>("Reboot", Operations::E, ValueType::None).mandatory(),
    resource::<5>("Factory Reset", Operations::E, ValueType::None),
    resource::<6>("Available Power Sources", Operations::R, ValueType::Integer)
        .multiple()
        .range(&Range::Integer(0, 7)),
    resource::<7>("Power Source Voltage", Operations::R, ValueType::Integer).multiple(),
    resource::<8>("Power Source Current", Operations::R, ValueType::Integer).multiple(),
    resource::<9>("Battery Level", Operations::R, ValueType::Integer)
        .range(&Range::Integer(0, 100))
        .units("/100"),
    resource::<10>("Memory Free", Operations::R, ValueType::Integer),
    resource::<11>("Error Code", Operations::R, ValueType::Integer)
        .multiple()
        .mandatory()
        .range(&Range::Integer(0, 32)),
    resource::<12>("Reset Error Code", Operations::E, ValueType::None),
    resource::<13>("Current Time", Operations::RW, ValueType::Time),
    resource::<14>("UTC Offset", Operations::RW, ValueType::String),
    resource::<15>("Timezone", Operations::RW, ValueType::String),
    resource::<16>(
        "Supported Binding and Modes",
        Operations::R,
        ValueType::String,
    )
    .mandatory(),
    resource::<17>("Device Type", Operations::R, ValueType::String),
    resource::<18>("Hardware Version", Operations::R, ValueType::String),
    resource::<19>("Software Version", Operations::R, ValueType::String),
    resource::<20>("Battery Status", Operations::R, ValueType::Integer)
        .range(&Range::Integer(0, 6)),
    resource::<21>("Memory Total", Operations::R, ValueType::Integer),
    resource::<22>("ExtDevInfo", Operations::R, ValueType::Objlnk).multiple(),
];
