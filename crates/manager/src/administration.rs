//! Orders about what the manager itself knows, as data.

use std::sync::Arc;

use dunlin_model::{ObjectId, Version};

use crate::{CommandError, DefinitionFileError, RegisteredObject};

/// An order about the manager itself rather than to a device. It holds when it is in the store.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Administration {
    /// Know these objects, in place of those with the same ids and versions.
    KeepObjects {
        /// The objects.
        objects: Vec<Arc<RegisteredObject>>,
        /// The XML that defines them all.
        xml: Arc<str>,
    },
    /// Do not keep an object any more. One that was there without the store is known again.
    ForgetObject {
        /// The object.
        id: ObjectId,
        /// Its version.
        version: Version,
    },
}

/// Why objects were not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeepObjectsError {
    /// The XML is wrong.
    #[error(transparent)]
    File(#[from] DefinitionFileError),
    /// They are too many, or the store does not take them.
    #[error(transparent)]
    Manager(#[from] CommandError),
}
