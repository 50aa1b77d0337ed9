//! The LwM2M object and resource model: identifiers, paths, values and definitions.
//!
//! This crate knows what an LwM2M device *is*: a tree of objects, object instances, resources and resource instances
//! (LwM2M Core 1.2.2 §7.1), the data types of its values (Appendix C) and what the registry says about each resource.
//! It knows no bytes (see `dunlin-codec`) and no network (see `dunlin-coap` and `dunlin-lwm2m`), needs no allocator and
//! has no panic path.
//!
//! ```
//! use dunlin_model::{Level, Path, ResourceId, Value, objects};
//!
//! let battery_level: Path = "/3/0/9".parse()?;
//! assert_eq!(battery_level, Path::try_from((3, 0, 9))?);
//! assert_eq!(battery_level.level(), Level::Resource);
//!
//! let definition = objects::resource(&battery_level).ok_or("not in the core objects")?;
//! assert_eq!(definition.name, "Battery Level");
//! assert!(definition.operations.is_readable());
//! assert!(definition.range.contains(&Value::Integer(100)));
//! assert!(!definition.range.contains(&Value::Integer(101)));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
#![no_std]
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation
    )
)]

#[cfg(feature = "alloc")]
extern crate alloc;

mod access;
mod attributes;
pub mod decimal;
mod definition;
pub mod float;
#[cfg(feature = "defmt")]
mod format;
mod id;
mod link;
pub mod objects;
mod operations;
mod path;
mod range;
#[cfg(feature = "serde")]
mod serialize;
mod storage;
mod value;
mod version;

pub use access::{AccessRights, AccessRightsError};
pub use attributes::{
    Attribute, AttributeChanges, AttributeError, AttributeSet, AttributeValue, Attributes,
    Properties, PropertyError,
};
pub use definition::{
    DefinitionError, DefinitionErrorKind, ObjectDefinition, ResourceDefinition, ValueError,
};
pub use id::{IdError, InstanceId, MAX_ID, ObjectId, ResourceId, ResourceInstanceId};
pub use link::{ObjectLink, ParseObjectLinkError};
pub use operations::{Operations, ParseOperationsError};
pub use path::{
    Children, Level, Path, PathError, PathErrorKind, PathParser, ResourceInstances, Resources,
};
#[cfg(feature = "alloc")]
pub use range::ParseRangeError;
pub use range::Range;
#[cfg(feature = "alloc")]
pub use storage::Owned;
pub use storage::{Static, StaticText, Storage, static_text};
pub use value::{ParseValueTypeError, Value, ValueType};
pub use version::{ParseVersionError, Version};
