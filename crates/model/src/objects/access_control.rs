//! Object 2, Access Control: LwM2M Core Appendix E.3.

use super::resource_of as resource;
use crate::{
    ObjectDefinition, ObjectId, Operations, Range, ResourceDefinition, ValueType, Version,
};

/// Object 2, Access Control: LwM2M Core Appendix E.3.
pub const ACCESS_CONTROL: ObjectDefinition =
    ObjectDefinition::new(ObjectId::of::<2>(), "LwM2M Access Control", RESOURCES)
        .version(Version::new(1, 1));

const RESOURCES: &[ResourceDefinition] = &[
    resource::<0>("Object ID", Operations::R, ValueType::Integer)
        .mandatory()
        .range(&Range::Integer(1, 65534)),
    resource::<1>("Object Instance ID", Operations::R, ValueType::Integer)
        .mandatory()
        .range(&Range::Integer(0, 65535)),
    resource::<2>("ACL", Operations::RW, ValueType::Integer)
        .multiple()
        .range(&Range::Integer(0, 31)),
    resource::<3>("Access Control Owner", Operations::RW, ValueType::Integer)
        .mandatory()
        .range(&Range::Integer(0, 65535)),
];
