//! Constant definitions on the heap, beside those that are loaded.

use crate::{ObjectDefinition, Owned, Range, ResourceDefinition};

impl From<&ObjectDefinition> for ObjectDefinition<Owned> {
    fn from(object: &ObjectDefinition) -> Self {
        Self {
            id: object.id,
            name: object.name.into(),
            version: object.version,
            multiple: object.multiple,
            mandatory: object.mandatory,
            resources: object.resources.iter().map(Into::into).collect(),
        }
    }
}

impl From<&ResourceDefinition> for ResourceDefinition<Owned> {
    fn from(resource: &ResourceDefinition) -> Self {
        Self {
            id: resource.id,
            name: resource.name.into(),
            operations: resource.operations,
            multiple: resource.multiple,
            mandatory: resource.mandatory,
            kind: resource.kind,
            range: alloc::boxed::Box::new(resource.range.into()),
            units: resource.units.into(),
        }
    }
}

impl From<&Range> for Range<Owned> {
    fn from(range: &Range) -> Self {
        match *range {
            Range::Any => Self::Any,
            Range::Integer(min, max) => Self::Integer(min, max),
            Range::Integers(ranges) => Self::Integers(ranges.into()),
            Range::Float(min, max) => Self::Float(min, max),
            Range::Length(min, max) => Self::Length(min, max),
            Range::Lengths(lengths) => Self::Lengths(lengths.into()),
        }
    }
}
