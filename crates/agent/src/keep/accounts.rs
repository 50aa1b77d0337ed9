//! The record of the accounts: the objects 0, 1, 2, 21 and 23 in SenML CBOR, as a Bootstrap-Server may write them.

use dunlin_codec::{ContentFormat, Encoder, Record};
use dunlin_model::{InstanceId, ObjectDefinition, ObjectId, Path, ResourceDefinition};
use heapless::Vec;

use super::bytes::Writer;
use super::{ImportError, indices, value};
use crate::write::{self, Payload, Records};
use crate::{Error, Objects, set};

const FORMAT: ContentFormat = ContentFormat::SENML_CBOR;

/// How many instances more than there are a record may bring.
const INSTANCES: usize = 32;

/// Objects that belong to accounts: Security, Server, Access Control, and what Security names: OSCORE and COSE.
fn is_account(object: ObjectId) -> bool {
    matches!(object.get(), 0..=2 | 21 | 23)
}

/// Writes the record.
pub(super) fn write(objects: &dyn Objects, writer: &mut Writer<'_>) -> Option<()> {
    let len = encode(objects, writer.space()).ok()?;
    writer.advance(len)
}

pub(crate) fn encode(objects: &dyn Objects, buffer: &mut [u8]) -> Result<usize, Error> {
    let mut encoder = Encoder::new(FORMAT, Path::ROOT, buffer);
    for collection in objects.iter() {
        let definition = collection.definition();
        for id in set::instances(collection).filter(|_| is_account(definition.id)) {
            let Some(object) = collection.instance(id) else {
                continue;
            };
            for found in definition.resources {
                let path = Path::resource(definition.id, id, found.id);
                for index in indices(object, found) {
                    let path = if found.multiple {
                        path.child(index.get()).ok_or(Error::Failed)?
                    } else {
                        path
                    };
                    if let Some(value) = value(object, found, index) {
                        encoder.push(&Record::new(path, value))?;
                    }
                }
            }
        }
    }
    Ok(encoder.finish()?)
}

/// Takes the accounts in, all or nothing: everything is tried before anything is changed.
pub(crate) fn read(objects: &mut dyn Objects, bytes: &[u8]) -> Result<(), ImportError> {
    let mut definitions = Vec::<&'static ObjectDefinition, 5>::new();
    for collection in objects.iter() {
        let definition = collection.definition();
        if is_account(definition.id) {
            definitions
                .push(definition)
                .map_err(|_| ImportError::NoSpace)?;
        }
    }
    let record = Content {
        payload: Payload {
            format: FORMAT,
            bytes,
        },
        definitions: &definitions,
    };
    record.survey()?;
    let mut trial = Vec::new();
    let approved = record.try_out(objects, &mut trial);
    // The newest first, so that nothing lies in between.
    for (object, id) in trial.iter().rev() {
        if let Some(collection) = objects.find_mut(*object) {
            let _ = collection.withdraw(*id);
        }
    }
    approved?;
    record.apply(objects).map_err(|_| ImportError::Failed)
}

/// What a record holds.
struct Content<'r> {
    payload: Payload<'r>,
    definitions: &'r [&'static ObjectDefinition],
}

type Trial = Vec<(ObjectId, InstanceId), INSTANCES>;

impl Content<'_> {
    fn visit(&self, each: &mut dyn FnMut(&Record<'_>) -> Result<(), Error>) -> Result<(), Error> {
        let records = Records {
            payload: self.payload,
            base: Path::ROOT,
            definitions: self.definitions,
        };
        records.visit(each)
    }

    fn resource(&self, path: Path) -> Result<&'static ResourceDefinition, Error> {
        let object = path.object_id().ok_or(Error::BadValue)?;
        let definition = self.definitions.iter().find(|known| known.id == object);
        let resource = path.resource_id().ok_or(Error::BadValue)?;
        definition
            .and_then(|definition| definition.resource(resource))
            .ok_or(Error::NotFound)
    }

    /// Whether the record is well-formed, in order, and about what this device has.
    fn survey(&self) -> Result<(), ImportError> {
        let mut last = Path::ROOT;
        self.visit(&mut |record| {
            let found = self.resource(record.path)?;
            write::typed(found, record)?;
            let ascends = core::mem::replace(&mut last, record.path) < record.path;
            ascends.then_some(()).ok_or(Error::BadValue)
        })?;
        Ok(())
    }

    /// Makes room on trial for all the instances, and asks the objects whether they would take the values.
    fn try_out(&self, objects: &mut dyn Objects, trial: &mut Trial) -> Result<(), ImportError> {
        let (mut needed, mut last) = (0_usize, Path::ROOT);
        let (mut indices, mut resource) = (0_usize, Path::ROOT);
        self.visit(&mut |record| {
            let instance = record.path.truncate(dunlin_model::Level::Instance);
            let id = record.path.object_id().ok_or(Error::BadValue)?;
            if instance != last {
                let same = last.object_id() == Some(id);
                needed = if same { needed.saturating_add(1) } else { 1 };
                last = instance;
                let collection = objects.find_mut(id).ok_or(Error::NotFound)?;
                if set::instances(collection).count() < needed {
                    let free = write::free_instance(collection).ok_or(Error::NoSpace)?;
                    collection.provide(free).map_err(|_| Error::NoSpace)?;
                    trial.push((id, free)).map_err(|_| Error::NoSpace)?;
                }
            }
            let found = self.resource(record.path)?;
            let collection = objects.find(id).ok_or(Error::NotFound)?;
            let any = collection.next(0).ok_or(Error::NoSpace)?;
            let object = collection.instance(any).ok_or(Error::NoSpace)?;
            let here = record.path.truncate(dunlin_model::Level::Resource);
            let same = core::mem::replace(&mut resource, here) == here;
            indices = if same { indices.saturating_add(1) } else { 1 };
            if found.multiple && indices > object.room(found.id) {
                return Err(Error::NoSpace);
            }
            let (index, value) = write::typed(found, record)?;
            object.check(found.id, index, &value)
        })?;
        Ok(())
    }

    /// Puts the instances of the record in place of all that there are.
    fn apply(&self, objects: &mut dyn Objects) -> Result<(), Error> {
        for definition in self.definitions {
            let Some(collection) = objects.find_mut(definition.id) else {
                continue;
            };
            let mut from = Some(0);
            while let Some(id) = from.and_then(|from| collection.next(from)) {
                // One that is always there takes its values from the record.
                let _ = collection.withdraw(id);
                from = id.get().checked_add(1);
            }
        }
        self.visit(&mut |record| {
            let found = self.resource(record.path)?;
            let (index, value) = write::typed(found, record)?;
            let object = record.path.object_id().ok_or(Error::Failed)?;
            let id = record.path.instance_id().ok_or(Error::Failed)?;
            let collection = objects.find_mut(object).ok_or(Error::Failed)?;
            if collection.instance(id).is_none() {
                collection.provide(id)?;
            }
            let object = collection.instance_mut(id).ok_or(Error::Failed)?;
            object.write(found.id, index, &value)
        })
    }
}
