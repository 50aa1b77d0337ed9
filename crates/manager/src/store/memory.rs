//! A store in memory, for tests and for managers that may forget.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dunlin_model::{ObjectId, Version};

use super::{
    Change, Snapshot, Store, StoreError, StoredAssociation, StoredDevice, StoredObject,
    StoredTicketKeys,
};
use crate::{AssociationId, CredentialKind, StoredCredential};

/// Keeps everything in memory. Clones share what is kept, so that a test can look at it, or start a second manager on it
/// after the first.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    devices: BTreeMap<Arc<str>, StoredDevice>,
    objects: BTreeMap<(ObjectId, Version), StoredObject>,
    credentials: BTreeMap<(Arc<str>, CredentialKind), StoredCredential>,
    associations: BTreeMap<AssociationId, StoredAssociation>,
    ticket_keys: Option<Arc<StoredTicketKeys>>,
    failure: Option<String>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets every commit fail with `reason` until [`succeed`](Self::succeed).
    pub fn fail(&self, reason: impl Into<String>) {
        self.state().failure = Some(reason.into());
    }

    /// Lets commits succeed again.
    pub fn succeed(&self) {
        self.state().failure = None;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while the lock was held leaves at worst half a batch: this store promises nothing after a crash.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn load(&mut self) -> Result<Snapshot, StoreError> {
        let state = self.state();
        Ok(Snapshot {
            devices: state.devices.values().cloned().collect(),
            objects: state.objects.values().cloned().collect(),
            credentials: state.credentials.values().cloned().collect(),
            associations: state.associations.values().cloned().collect(),
            ticket_keys: state.ticket_keys.clone(),
        })
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        let mut state = self.state();
        if let Some(reason) = &state.failure {
            return Err(StoreError::Other(reason.clone()));
        }
        for change in changes {
            apply(&mut state, change);
        }
        Ok(())
    }
}

fn apply(state: &mut State, change: &Change) {
    let devices = &mut state.devices;
    match change {
        Change::Registration {
            registration,
            registered,
            updated_at,
            last_seen,
        } => {
            let device = devices
                .entry(Arc::clone(&registration.endpoint))
                .or_insert_with(|| StoredDevice {
                    registration: Arc::clone(registration),
                    registered: *registered,
                    updated_at: *updated_at,
                    last_seen: *last_seen,
                    observations: Vec::new(),
                    values: Vec::new(),
                });
            device.registration = Arc::clone(registration);
            device.registered = *registered;
            device.updated_at = *updated_at;
            device.last_seen = *last_seen;
        }
        Change::Seen {
            endpoint,
            updated_at,
            last_seen,
        } => {
            if let Some(device) = devices.get_mut(endpoint) {
                device.updated_at = *updated_at;
                device.last_seen = *last_seen;
            }
        }
        Change::Observation {
            endpoint,
            observation,
        } => {
            if let Some(device) = devices.get_mut(endpoint) {
                match device
                    .observations
                    .binary_search_by_key(&observation.path, |known| known.path)
                {
                    Ok(at) => device.observations[at] = observation.clone(),
                    Err(at) => device.observations.insert(at, observation.clone()),
                }
            }
        }
        Change::ObservationEnded { endpoint, path } => {
            if let Some(device) = devices.get_mut(endpoint) {
                device.observations.retain(|known| known.path != *path);
            }
        }
        Change::Values {
            endpoint,
            values,
            removed,
        } => {
            if let Some(device) = devices.get_mut(endpoint) {
                device.values.retain(|known| !removed.contains(&known.path));
                for value in values {
                    match device
                        .values
                        .binary_search_by_key(&value.path, |known| known.path)
                    {
                        Ok(at) => device.values[at] = value.clone(),
                        Err(at) => device.values.insert(at, value.clone()),
                    }
                }
            }
        }
        Change::Objects(objects) => {
            for object in objects {
                state
                    .objects
                    .insert((object.id, object.version), object.clone());
            }
        }
        Change::ObjectForgotten { id, version } => {
            state.objects.remove(&(*id, *version));
        }
        Change::Credential(stored) => {
            let key = (Arc::clone(&stored.endpoint), stored.credential.kind());
            state.credentials.insert(key, stored.clone());
        }
        Change::CredentialRemoved { endpoint, kind } => {
            state.credentials.remove(&(Arc::clone(endpoint), *kind));
        }
        Change::Association(stored) => {
            if let Some(id) = stored.peer.association {
                state.associations.insert(id, stored.clone());
            }
        }
        Change::TicketKeys(keys) => state.ticket_keys = Some(Arc::clone(keys)),
        Change::AssociationEnded(id) => {
            state.associations.remove(id);
        }
        Change::Probe => {}
    }
}
