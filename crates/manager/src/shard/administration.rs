//! Orders about the manager itself: they are stored, and hold from then on.

use std::collections::BTreeMap;
use std::sync::Arc;

use dunlin_coap::time::Instant;
use dunlin_model::{ObjectId, Version};

use super::storing::Waiting;
use super::{CommandId, Output, Queued, Shard};
use crate::{
    Administration, Change, CommandError, ObjectSource, Outcome, RegisteredObject, Registry,
    StoredObject,
};

/// The objects that are known without the store, and those in it, which come first.
pub(super) struct Objects {
    base: Registry,
    stored: BTreeMap<(ObjectId, Version), Arc<RegisteredObject>>,
}

impl Objects {
    /// Reads what is stored. What cannot be read, since another version of the program wrote it, stays in the store.
    pub(super) fn new(base: Registry, stored: &[StoredObject]) -> Self {
        let mut objects = Self {
            base,
            stored: BTreeMap::new(),
        };
        for StoredObject { id, version, xml } in stored {
            match Registry::read_xml(&format!("object {id} {version}"), xml.as_bytes()) {
                Ok(read) => {
                    for mut object in read {
                        let definition = &object.definition;
                        if (definition.id, definition.version) == (*id, *version) {
                            object.source = ObjectSource::Store;
                            objects.stored.insert((*id, *version), Arc::new(object));
                        }
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "a stored object definition is not understood");
                }
            }
        }
        objects
    }

    /// All of them.
    pub(super) fn registry(&self) -> Registry {
        let mut registry = self.base.clone();
        for object in self.stored.values() {
            registry.insert_shared(Arc::clone(object));
        }
        registry
    }
}

impl Shard {
    pub(super) fn administer(&mut self, now: Instant, id: CommandId, order: Administration) {
        match self.change_for(&order) {
            Ok(change) => {
                self.persist(now, change, Waiting::Administration { id, order });
            }
            Err(error) => self.administered(id, Err(error)),
        }
    }

    /// What is to be stored for an order, if it makes sense.
    fn change_for(&self, order: &Administration) -> Result<Change, CommandError> {
        let stored = &self.objects.stored;
        match order {
            Administration::PutCredential(new) => {
                self.credentials.check(new, self.config.max_credentials)?;
                Ok(Change::Credential(new.clone()))
            }
            Administration::RemoveCredential { endpoint, kind } => {
                if self.credentials.get(endpoint, *kind).is_none() {
                    return Err(CommandError::invalid(format!(
                        "“{endpoint}” has no credential of the kind {}",
                        kind.name()
                    )));
                }
                Ok(Change::CredentialRemoved {
                    endpoint: Arc::clone(endpoint),
                    kind: *kind,
                })
            }
            Administration::KeepObjects { objects, xml } => {
                let kept: Vec<_> = objects
                    .iter()
                    .map(|object| StoredObject {
                        id: object.definition.id,
                        version: object.definition.version,
                        xml: Arc::clone(xml),
                    })
                    .collect();
                let new = kept
                    .iter()
                    .filter(|one| !stored.contains_key(&(one.id, one.version)))
                    .count();
                let most = self.config.max_stored_objects;
                if stored.len().saturating_add(new) > most {
                    return Err(CommandError::invalid(format!(
                        "the manager keeps {most} object definitions at most: remove some"
                    )));
                }
                Ok(Change::Objects(kept))
            }
            Administration::ForgetObject { id, version } => {
                if stored.contains_key(&(*id, *version)) {
                    Ok(Change::ObjectForgotten {
                        id: *id,
                        version: *version,
                    })
                } else {
                    Err(CommandError::invalid(format!(
                        "object {id} in version {version} is not in the store"
                    )))
                }
            }
        }
    }

    /// An order is stored.
    pub(super) fn administration_stored(
        &mut self,
        now: Instant,
        id: CommandId,
        order: Administration,
    ) {
        match order {
            Administration::PutCredential(new) => {
                // Two orders may have waited for the store at once.
                let (endpoint, kind) = (Arc::clone(&new.endpoint), new.credential.kind());
                if self.credentials.get(&endpoint, kind) != Some(&new.credential) {
                    self.end_association_of(now, &endpoint);
                }
                self.credentials.put(new);
            }
            Administration::RemoveCredential { endpoint, kind } => {
                self.credentials.remove(&endpoint, kind);
                self.end_association_of(now, &endpoint);
            }
            Administration::KeepObjects { objects, .. } => {
                for object in objects {
                    let key = (object.definition.id, object.definition.version);
                    let mut object = Arc::unwrap_or_clone(object);
                    object.source = ObjectSource::Store;
                    self.objects.stored.insert(key, Arc::new(object));
                }
                self.config.registry = self.objects.registry();
            }
            Administration::ForgetObject { id, version } => {
                self.objects.stored.remove(&(id, version));
                self.config.registry = self.objects.registry();
            }
        }
        self.administered(id, Ok(Outcome::Done));
    }

    /// Tells whoever gave an order about the manager what came of it.
    pub(super) fn administered(
        &mut self,
        command: CommandId,
        result: Result<Outcome, CommandError>,
    ) {
        self.outputs
            .push_back(Queued::Output(Output::Completed { command, result }));
    }
}
