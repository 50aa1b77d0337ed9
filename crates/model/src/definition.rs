//! What the registry says about objects and resources: LwM2M Core Appendix D.

mod error;

pub use error::{DefinitionError, DefinitionErrorKind, ValueError};

use crate::float::is_nan;
use crate::{
    ObjectId, Operations, Range, ResourceId, Static, Storage, Value, ValueType, Version,
    static_text,
};

/// The definition of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectDefinition<S: Storage = Static> {
    /// The object's identifier.
    pub id: ObjectId,
    /// The object's name in the registry.
    pub name: S::Text,
    /// The version of the definition.
    pub version: Version,
    /// Whether there may be more than one instance. An object without has at most the instance 0.
    pub multiple: bool,
    /// Whether every device has the object.
    pub mandatory: bool,
    /// The resources, by ascending identifier.
    pub resources: S::List<ResourceDefinition<S>>,
}

/// The definition of a resource.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceDefinition<S: Storage = Static> {
    /// The resource's identifier.
    pub id: ResourceId,
    /// The resource's name in the registry.
    pub name: S::Text,
    /// What a server may do with it.
    pub operations: Operations,
    /// Whether the resource has instances.
    pub multiple: bool,
    /// Whether every instance of the object has the resource.
    pub mandatory: bool,
    /// The type of the value, or of each resource instance.
    pub kind: ValueType,
    /// Which values are allowed.
    pub range: S::Place<Range<S>>,
    /// The unit in the registry's notation (`s`, `Cel`, `/100`), or nothing.
    pub units: S::Text,
}

impl Copy for ObjectDefinition {}
impl Copy for ResourceDefinition {}

impl ObjectDefinition {
    /// Makes an optional object of version 1.0 that may have several instances. The resources are in the order of their
    /// identifiers.
    pub const fn new(
        id: ObjectId,
        name: &'static str,
        resources: &'static [ResourceDefinition],
    ) -> Self {
        Self {
            id,
            name: static_text(name),
            version: Version::V1_0,
            multiple: true,
            mandatory: false,
            resources,
        }
    }

    /// Sets the version.
    #[must_use]
    pub const fn version(self, version: Version) -> Self {
        Self { version, ..self }
    }

    /// Leaves the object no instance but 0.
    #[must_use]
    pub const fn single(self) -> Self {
        Self {
            multiple: false,
            ..self
        }
    }

    /// Makes the object mandatory.
    #[must_use]
    pub const fn mandatory(self) -> Self {
        Self {
            mandatory: true,
            ..self
        }
    }
}

impl<S: Storage> ObjectDefinition<S> {
    /// Finds a resource of the object.
    pub fn resource(&self, id: ResourceId) -> Option<&ResourceDefinition<S>> {
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

    /// Tells whether something is wrong with the definition itself.
    ///
    /// # Errors
    /// The first thing wrong, with the resource it is about.
    pub fn check(&self) -> Result<(), DefinitionError> {
        let mut before = None;
        for resource in self.resources.iter() {
            let wrong = |kind| DefinitionError {
                kind,
                resource: resource.id,
            };
            if before == Some(resource.id) {
                return Err(wrong(DefinitionErrorKind::Duplicate));
            }
            if before > Some(resource.id) {
                return Err(wrong(DefinitionErrorKind::Order));
            }
            before = Some(resource.id);
            resource.check().map_err(wrong)?;
        }
        Ok(())
    }
}

impl<S: Storage> ResourceDefinition<S> {
    /// Gives `value` in the type of the resource, if it is one that the resource may have: the check of every Write.
    ///
    /// A number that another type of number holds exactly is one, as [`Value::convert`] says. A float is given as
    /// [`Value::Float`], however many bits it came in.
    ///
    /// ```
    /// use dunlin_model::{Value, ValueError, objects};
    ///
    /// let level = objects::resource(&"/3/0/9".parse()?).ok_or("not in the core objects")?;
    /// assert_eq!(level.accept(Value::Float(99.0)), Ok(Value::Integer(99)));
    /// assert_eq!(level.accept(Value::Integer(101)), Err(ValueError::Range));
    /// assert_eq!(level.accept(Value::String("99")), Err(ValueError::Type));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ValueError`].
    pub fn accept<'v>(&self, value: Value<'v>) -> Result<Value<'v>, ValueError> {
        let value = value.convert(self.kind).ok_or(ValueError::Type)?;
        if value.float().is_some_and(is_nan) {
            return Err(ValueError::NotANumber);
        }
        if !self.range.contains(&value) {
            return Err(ValueError::Range);
        }
        Ok(match value {
            Value::Single(number) => Value::Float(crate::float::double(number)),
            value => value,
        })
    }

    fn check(&self) -> Result<(), DefinitionErrorKind> {
        if self.operations.is_executable() != (self.kind == ValueType::None) {
            return Err(DefinitionErrorKind::Execute);
        }
        if self.operations.is_executable() && self.operations != Operations::E {
            return Err(DefinitionErrorKind::Execute);
        }
        if !self.range.suits(self.kind) {
            return Err(DefinitionErrorKind::Range);
        }
        Ok(())
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
            name: static_text(name),
            operations,
            multiple: false,
            mandatory: false,
            kind,
            range: &Range::Any,
            units: static_text(""),
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
    pub const fn range(self, range: &'static Range) -> Self {
        Self { range, ..self }
    }

    /// Sets the unit.
    #[must_use]
    pub const fn units(self, units: &'static str) -> Self {
        Self {
            units: static_text(units),
            ..self
        }
    }
}

#[cfg(feature = "alloc")]
mod owned;

#[cfg(test)]
mod tests;
