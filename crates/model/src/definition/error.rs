//! What can be wrong with a definition, and with a value for it.

use core::fmt;

use crate::ResourceId;

/// Why a resource may not have a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ValueError {
    /// It is of another type, or a number that the type of the resource does not hold exactly.
    Type,
    /// It is not a number (NaN).
    NotANumber,
    /// It is out of the range, or of a length out of it.
    Range,
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Type => "of another type",
            Self::NotANumber => "not a number",
            Self::Range => "out of range",
        })
    }
}

impl core::error::Error for ValueError {}

/// What is wrong with a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum DefinitionErrorKind {
    /// Two resources have the same identifier.
    Duplicate,
    /// The resource stands after one with a greater identifier.
    Order,
    /// A resource with a type is executable, or one without is readable or writable.
    Execute,
    /// The range is none for the type.
    Range,
}

/// What is wrong with a definition, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DefinitionError {
    /// What is wrong.
    pub kind: DefinitionErrorKind,
    /// With which resource.
    pub resource: ResourceId,
}

impl fmt::Display for DefinitionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            DefinitionErrorKind::Duplicate => "is defined twice",
            DefinitionErrorKind::Order => "stands after one with a greater id",
            DefinitionErrorKind::Execute => "is executable and has a type, or neither is the case",
            DefinitionErrorKind::Range => "has a range that is none for its type",
        };
        write!(f, "resource {} {what}", self.resource)
    }
}

impl core::error::Error for DefinitionError {}
