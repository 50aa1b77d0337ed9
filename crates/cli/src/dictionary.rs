//! What objects and resources are called: the core objects by the program itself, all others by the manager.

use core::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use dunlin_model::{ObjectDefinition, ObjectId, Path, ResourceId, ValueType, objects};
use dunlin_server::api::{DataType, ObjectDetail, ResourceDefinition};

use crate::client::{Client, Route};
use crate::failure::Failure;
use crate::name::{NameError, nearest, squash};

/// The definitions of objects. The manager is asked for one that the program does not have, once.
pub(crate) struct Dictionary<'c> {
    manager: Option<&'c Client>,
    /// The device whose versions count.
    endpoint: Option<&'c str>,
    asked: RefCell<BTreeMap<ObjectId, Option<Rc<ObjectDetail>>>>,
}

/// What is told of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resource {
    pub(crate) name: String,
    pub(crate) units: String,
    pub(crate) operations: String,
    pub(crate) kind: DataType,
}

impl<'c> Dictionary<'c> {
    /// The words of a manager for one device.
    pub(crate) const fn of(client: &'c Client, endpoint: &'c str) -> Self {
        Self {
            manager: Some(client),
            endpoint: Some(endpoint),
            asked: RefCell::new(BTreeMap::new()),
        }
    }

    /// The newest words of a manager.
    pub(crate) const fn newest(client: &'c Client) -> Self {
        Self {
            manager: Some(client),
            endpoint: None,
            asked: RefCell::new(BTreeMap::new()),
        }
    }

    /// The words of the program.
    #[cfg(test)]
    pub(crate) const fn built_in() -> Self {
        Self {
            manager: None,
            endpoint: None,
            asked: RefCell::new(BTreeMap::new()),
        }
    }

    /// The object that is called `name`.
    pub(crate) fn object_named(&self, name: &str) -> Result<ObjectId, Failure> {
        let wanted = squash(name);
        let core = objects::CORE.iter().find(|object| {
            let known = squash(object.name);
            known == wanted || known.strip_prefix("lwm2m") == Some(&wanted)
        });
        if let Some(object) = core {
            return Ok(object.id);
        }
        if let Some(detail) = self.ask(name)?
            && let Some(id) = ObjectId::new(detail.summary.id)
        {
            self.asked.borrow_mut().insert(id, Some(Rc::new(detail)));
            return Ok(id);
        }
        Err(NameError::Object {
            name: name.to_owned(),
            nearest: nearest(&wanted, objects::CORE.iter().map(|object| object.name)),
        }
        .into())
    }

    /// The resource of an object that is called `name`.
    pub(crate) fn resource_named(
        &self,
        object: ObjectId,
        name: &str,
    ) -> Result<ResourceId, Failure> {
        let wanted = squash(name);
        let core = objects::find(object);
        let in_core = core.and_then(|core| {
            core.resources
                .iter()
                .find(|resource| squash(resource.name) == wanted)
        });
        if let Some(resource) = in_core {
            return Ok(resource.id);
        }
        let detail = self.detail(object)?;
        let definitions = detail
            .as_ref()
            .map_or(&[][..], |detail| &detail.definitions);
        let found = definitions
            .iter()
            .find(|resource| squash(&resource.name) == wanted)
            .and_then(|resource| ResourceId::new(resource.id));
        if let Some(id) = found {
            return Ok(id);
        }
        let known = detail
            .as_ref()
            .map(|detail| detail.summary.name.as_str())
            .or(core.map(|core| core.name));
        let Some(known) = known else {
            return Err(NameError::Unknown {
                name: name.to_owned(),
                object: object.get(),
            }
            .into());
        };
        let mut all: Vec<&str> = definitions
            .iter()
            .map(|resource| resource.name.as_str())
            .collect();
        all.extend(core.into_iter().flat_map(names));
        Err(NameError::Resource {
            name: name.to_owned(),
            object: known.to_owned(),
            nearest: nearest(&wanted, all.into_iter()),
        }
        .into())
    }

    /// The resource that a path lies in. Only a help for the reader: nothing where the manager does not tell it.
    pub(crate) fn resource(&self, path: Path) -> Option<Resource> {
        if let Some(resource) = objects::resource(&path) {
            return Some(Resource {
                name: resource.name.to_owned(),
                units: resource.units.to_owned(),
                operations: resource.operations.to_string(),
                kind: data_type(resource.kind),
            });
        }
        let id = path.resource_id()?.get();
        let detail = self.detail(path.object_id()?).ok()??;
        let find = |resource: &&ResourceDefinition| resource.id == id;
        let resource = detail.definitions.iter().find(find)?;
        Some(Resource {
            name: resource.name.clone(),
            units: resource.units.clone().unwrap_or_default(),
            operations: resource.operations.clone(),
            kind: resource.kind,
        })
    }

    /// What a path is called: `Battery Level`, or `Device`.
    pub(crate) fn label(&self, path: Path) -> Option<String> {
        if path.resource_id().is_some() {
            return self.resource(path).map(|resource| resource.name);
        }
        let object = path.object_id()?;
        if let Some(core) = objects::find(object) {
            return Some(core.name.to_owned());
        }
        let detail = self.detail(object).ok()??;
        Some(detail.summary.name.clone())
    }

    /// What the manager has of an object.
    fn detail(&self, object: ObjectId) -> Result<Option<Rc<ObjectDetail>>, Failure> {
        if let Some(known) = self.asked.borrow().get(&object) {
            return Ok(known.clone());
        }
        let detail = self.ask(&object.to_string())?.map(Rc::new);
        self.asked.borrow_mut().insert(object, detail.clone());
        Ok(detail)
    }

    fn ask(&self, object: &str) -> Result<Option<ObjectDetail>, Failure> {
        let Some(client) = self.manager else {
            return Ok(None);
        };
        let route = Route::object(object).query("endpoint", self.endpoint);
        client
            .find(&route)?
            .map(|answer| answer.parse())
            .transpose()
    }
}

fn names(object: &ObjectDefinition) -> impl Iterator<Item = &str> {
    object.resources.iter().map(|resource| resource.name)
}

const fn data_type(kind: ValueType) -> DataType {
    match kind {
        ValueType::None => DataType::None,
        ValueType::String => DataType::String,
        ValueType::Integer => DataType::Integer,
        ValueType::Unsigned => DataType::Unsigned,
        ValueType::Float => DataType::Float,
        ValueType::Boolean => DataType::Boolean,
        ValueType::Opaque => DataType::Opaque,
        ValueType::Time => DataType::Time,
        ValueType::Objlnk => DataType::Objlnk,
        ValueType::Corelnk => DataType::Corelnk,
    }
}
