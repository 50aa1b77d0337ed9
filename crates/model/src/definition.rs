//! What the registry says about objects and resources: LwM2M Core Appendix D.

use crate::{ObjectId, Operations, Range, ResourceId, ValueType, Version};

/// The definition of an object.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ObjectDefinition {
    /// The object's identifier.
    pub id: ObjectId,
    /// The object's name in the registry.
    pub name: &'static str,
    /// The version of the definition.
    pub version: Version,
    /// Whether there may be more than one instance. An object without has at most the instance 0.
    pub multiple: bool,
    /// Whether every device has the object.
    pub mandatory: bool,
    /// The resources, by ascending identifier.
    pub resources: &'static [ResourceDefinition],
}

/// The definition of a resource.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResourceDefinition {
    /// The resource's identifier.
    pub id: ResourceId,
    /// The resource's name in the registry.
    pub name: &'static str,
    /// What a server may do with it.
    pub operations: Operations,
    /// Whether the resource has instances.
    pub multiple: bool,
    /// Whether every instance of the object has the resource.
    pub mandatory: bool,
    /// The type of the value, or of each resource instance.
    pub kind: ValueType,
    /// Which values are allowed.
    pub range: Range,
    /// The unit in the registry's notation (`s`, `Cel`, `/100`), or nothing.
    pub units: &'static str,
}

impl ObjectDefinition {
    /// Finds a resource of the object.
    pub fn resource(&self, id: ResourceId) -> Option<&'static ResourceDefinition> {
        // Most objects count their resources from 0 without gaps.
        match self.resources.get(usize::from(id.get())) {
            Some(resource) if resource.id == id => Some(resource),
            _ => {
                let index = self
                    .resources
                    .binary_search_by_key(&id, |resource| resource.id)
                    .ok()?;
                self.resources.get(index)
            }
        }
    }
}

impl ResourceDefinition {
    /// Makes a single, optional resource with any value and no unit.
    pub const fn new(
        id: ResourceId,
        name: &'static str,
        operations: Operations,
        kind: ValueType,
    ) -> Self {
        Self {
            id,
            name,
            operations,
            multiple: false,
            mandatory: false,
            kind,
            range: Range::Any,
            units: "",
        }
    }

    /// Gives the resource instances.
    #[must_use]
    pub const fn multiple(self) -> Self {
        Self {
            multiple: true,
            ..self
        }
    }

    /// Makes the resource mandatory.
    #[must_use]
    pub const fn mandatory(self) -> Self {
        Self {
            mandatory: true,
            ..self
        }
    }

    /// Sets which values are allowed.
    #[must_use]
    pub const fn range(self, range: Range) -> Self {
        Self { range, ..self }
    }

    /// Sets the unit.
    #[must_use]
    pub const fn units(self, units: &'static str) -> Self {
        Self { units, ..self }
    }
}
