//! Where the manager keeps what must outlive it.

mod memory;
mod sqlite;

use std::path::PathBuf;
use std::sync::Arc;

use dunlin_coap::Token;
use dunlin_codec::ContentFormat;
use dunlin_model::{Attributes, ObjectId, Path, Version};

use zeroize::Zeroizing;

pub use memory::MemoryStore;
pub use sqlite::{Sqlite, SqliteOptions};

use crate::{
    AssociationId, CredentialKind, KnownValue, Peer, Registration, StoredCredential, Timestamp,
};

/// Keeps devices, registrations, observations and last known values, and object definitions that were given to the manager.
///
/// The calls block; the manager makes them on a thread of their own, and hands all changes that wait at that moment over
/// in one call.
pub trait Store: Send + 'static {
    /// Gives everything that is kept.
    ///
    /// # Errors
    ///
    /// The store cannot be read, or holds something that it did not write.
    fn load(&mut self) -> Result<Snapshot, StoreError>;

    /// Applies `changes` in their order, all or none of them; they are durable when the call returns.
    ///
    /// # Errors
    ///
    /// None of the changes is kept. The manager tries again later.
    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError>;
}

impl Store for Box<dyn Store> {
    fn load(&mut self) -> Result<Snapshot, StoreError> {
        (**self).load()
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        (**self).commit(changes)
    }
}

/// One change to keep.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// A device registered, changed its registration, or left. Replaces what is kept of its registration, and keeps its
    /// observations and values.
    Registration {
        /// The registration, or the last one.
        registration: Arc<Registration>,
        /// Whether it stands.
        registered: bool,
        /// When the device registered or updated last.
        updated_at: Timestamp,
        /// When the device was heard last.
        last_seen: Timestamp,
    },
    /// A device was heard.
    Seen {
        /// The device.
        endpoint: Arc<str>,
        /// When the device registered or updated last.
        updated_at: Timestamp,
        /// When the device was heard last.
        last_seen: Timestamp,
    },
    /// An observation was started, or has a new token or new attributes.
    Observation {
        /// The device.
        endpoint: Arc<str>,
        /// The observation.
        observation: StoredObservation,
    },
    /// An observation ended.
    ObservationEnded {
        /// The device.
        endpoint: Arc<str>,
        /// What was observed.
        path: Path,
    },
    /// Resources have new values.
    Values {
        /// The device.
        endpoint: Arc<str>,
        /// The values.
        values: Vec<KnownValue>,
        /// Paths that have no value any more.
        removed: Vec<Path>,
    },
    /// Object definitions are kept, each in place of one with the same id and version.
    Objects(Vec<StoredObject>),
    /// An object definition is not kept any more.
    ObjectForgotten {
        /// The object.
        id: ObjectId,
        /// Its version.
        version: Version,
    },
    /// A device has a credential, in place of one of the same kind.
    Credential(StoredCredential),
    /// A device has no credential of a kind any more.
    CredentialRemoved {
        /// The device.
        endpoint: Arc<str>,
        /// The kind.
        kind: CredentialKind,
    },
    /// An association is there, or has gone on.
    Association(StoredAssociation),
    /// An association is over.
    AssociationEnded(AssociationId),
    /// There are new keys for tickets, in place of those before.
    TicketKeys(Arc<StoredTicketKeys>),
    /// Nothing: it shows whether the store takes changes of the size of a registration.
    Probe,
}

/// An observation as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredObservation {
    /// What is observed.
    pub path: Path,
    /// The attributes that it was started with.
    pub attributes: Attributes,
    /// The token of its notifications.
    pub token: Token,
    /// The format that the caller asked for, if any.
    pub format: Option<ContentFormat>,
    /// When it was started.
    pub started_at: Timestamp,
}

/// An object definition as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredObject {
    /// The object.
    pub id: ObjectId,
    /// Its version.
    pub version: Version,
    /// The XML of the OMA registry that defines it, and maybe others, which then are kept beside it.
    pub xml: Arc<str>,
}

/// A DTLS association as it is kept. It holds keys: a store is to be kept like a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredAssociation {
    /// Where it was heard last; the association's id is set.
    pub peer: Peer,
    /// The device, as it has proved.
    pub endpoint: Arc<str>,
    /// The association: 80 to 100 bytes that only the manager reads.
    pub record: Zeroizing<Box<[u8]>>,
}

impl core::fmt::Debug for StoredAssociation {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("StoredAssociation")
            .field("peer", &self.peer)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

/// The keys by which the manager reads the tickets that it gave to devices (RFC 5077): a store is to be kept like a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredTicketKeys {
    /// The keys, which only the manager reads.
    pub record: Zeroizing<Box<[u8]>>,
}

impl core::fmt::Debug for StoredTicketKeys {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("StoredTicketKeys")
    }
}

/// Everything that a store keeps.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Snapshot {
    /// The devices, in any order.
    pub devices: Vec<StoredDevice>,
    /// The object definitions, in any order.
    pub objects: Vec<StoredObject>,
    /// The credentials, in any order.
    pub credentials: Vec<StoredCredential>,
    /// The DTLS associations, in any order.
    pub associations: Vec<StoredAssociation>,
    /// The keys for the tickets of sessions.
    pub ticket_keys: Option<Arc<StoredTicketKeys>>,
}

/// A device as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredDevice {
    /// The registration, or the last one.
    pub registration: Arc<Registration>,
    /// Whether it stands.
    pub registered: bool,
    /// When the device registered or updated last.
    pub updated_at: Timestamp,
    /// When the device was heard last.
    pub last_seen: Timestamp,
    /// Its observations, in the order of their paths.
    pub observations: Vec<StoredObservation>,
    /// The last known values, in the order of their paths.
    pub values: Vec<KnownValue>,
}

/// Why a store cannot be opened, read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The folder or the file cannot be written.
    #[error("cannot write {}: {reason}: give the folder to the user that runs the manager, or choose another", .path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        reason: String,
    },
    /// Another process uses the file.
    #[error("{} is in use by another process: stop the other manager, or choose another file", .path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// There is no room: the disk, or the size limit that was set.
    #[error("{} cannot grow: the disk or the set limit is full", .path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// A newer version of the manager wrote the file.
    #[error("{} has schema version {found}, newer than the {supported} of this program: use the newer program", .path.display())]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// The version in the file.
        found: u32,
        /// The newest version that this program knows.
        supported: u32,
    },
    /// The file is something else, or is damaged.
    #[error("{} is damaged or was not written by this program: {reason}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// Something else went wrong.
    #[error("{0}")]
    Other(String),
}
