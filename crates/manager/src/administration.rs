//! Orders about what the manager itself knows, as data.

use std::sync::Arc;

use dunlin_model::{ObjectId, Version};

use crate::{
    CommandError, CredentialKind, DefinitionFileError, RegisteredObject, StoredCredential,
};

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
    /// Give a device a credential, in place of the one of the same kind. Its association ends.
    PutCredential(StoredCredential),
    /// Take a credential away. The device's association ends.
    RemoveCredential {
        /// The device.
        endpoint: Arc<str>,
        /// The kind.
        kind: CredentialKind,
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
