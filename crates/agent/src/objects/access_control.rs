//! Object 2, LwM2M Access Control.

use dunlin_model::objects::ACCESS_CONTROL;
use dunlin_model::{ObjectDefinition, ResourceId, ResourceInstanceId, Value};
use heapless::Vec;

use crate::{Error, Instances, Object, ObjectType};

/// Object 2, LwM2M Access Control, with room for `N` rules of entries for `SERVERS` servers each.
///
/// Rights are looked at when there is more than one instance of the Server object (Core 1.2.2 §8.2). Then a server has
/// none on what no rule is about.
pub type AccessControl<const N: usize, const SERVERS: usize = 2> =
    Instances<AccessRule<SERVERS>, N>;

/// One instance of the Access Control object: who may do what to one object instance, or who may create instances of an
/// object. A server changes the entries and the owner of what it owns; all else is for a Bootstrap-Server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessRule<const SERVERS: usize = 2> {
    /// The object (resource 0).
    pub object: u16,
    /// The instance; 65535 is the object itself, of which a rule says who may create instances (resource 1).
    pub instance: u16,
    /// Short server ids with their rights: 1 Read, 2 Write, 4 Execute, 8 Delete, 16 Create, added up. The id 0 stands for
    /// all servers without an entry (resource 2).
    pub acl: Vec<(u16, u8), SERVERS>,
    /// The short server id of the owner, who has all rights as long as it has no entry; 65535 where there is none
    /// (resource 3).
    pub owner: u16,
}

impl<const SERVERS: usize> AccessRule<SERVERS> {
    /// A rule without entries.
    pub const fn new(object: u16, instance: u16, owner: u16) -> Self {
        Self {
            object,
            instance,
            acl: Vec::new(),
            owner,
        }
    }

    /// Adds rights; without room nothing is added.
    #[must_use]
    pub fn allow(mut self, server: u16, rights: u8) -> Self {
        let _ = self.acl.push((server, rights));
        self
    }
}

impl<const SERVERS: usize> ObjectType for AccessRule<SERVERS> {
    const DEFINITION: &'static ObjectDefinition = &super::trimmed(
        &ACCESS_CONTROL,
        &const { super::resources(&ACCESS_CONTROL, [0, 1, 2, 3]) },
    );

    fn provide() -> Option<Self> {
        Some(Self::default())
    }

    fn is_provided() -> bool {
        true
    }
}

impl<const SERVERS: usize> Object for AccessRule<SERVERS> {
    fn read(&self, resource: ResourceId, index: ResourceInstanceId) -> Option<Value<'_>> {
        let number = match resource.get() {
            0 => self.object,
            1 => self.instance,
            2 => {
                let mut entries = self.acl.iter();
                let (_, rights) = entries.find(|(server, _)| *server == index.get())?;
                u16::from(*rights)
            }
            3 => self.owner,
            _ => return None,
        };
        Some(Value::Integer(number.into()))
    }

    fn next_index(&self, _: ResourceId, from: u16) -> Option<ResourceInstanceId> {
        let servers = self.acl.iter().map(|(server, _)| *server);
        ResourceInstanceId::new(servers.filter(|server| *server >= from).min()?)
    }

    fn room(&self, _: ResourceId) -> usize {
        SERVERS
    }

    fn check(
        &self,
        resource: ResourceId,
        _: ResourceInstanceId,
        value: &Value<'_>,
    ) -> Result<(), Error> {
        match resource.get() {
            0..=3 => number(value).map(|_| ()),
            _ => Err(Error::NotFound),
        }
    }

    fn write(
        &mut self,
        resource: ResourceId,
        index: ResourceInstanceId,
        value: &Value<'_>,
    ) -> Result<(), Error> {
        let number = number(value)?;
        match resource.get() {
            0 => self.object = number,
            1 => self.instance = number,
            2 => {
                let rights = u8::try_from(number).map_err(|_| Error::BadValue)?;
                self.acl.retain(|(server, _)| *server != index.get());
                self.acl
                    .push((index.get(), rights))
                    .map_err(|_| Error::NoSpace)?;
            }
            3 => self.owner = number,
            _ => return Err(Error::NotFound),
        }
        Ok(())
    }

    fn clear(&mut self, resource: ResourceId) {
        if resource.get() == 2 {
            self.acl.clear();
        }
    }

    fn remove(&mut self, resource: ResourceId, index: ResourceInstanceId) -> Result<(), Error> {
        let before = self.acl.len();
        if resource.get() == 2 {
            self.acl.retain(|(server, _)| *server != index.get());
        }
        if self.acl.len() < before {
            Ok(())
        } else {
            Err(Error::NotFound)
        }
    }
}

fn number(value: &Value<'_>) -> Result<u16, Error> {
    let number = value.as_i64().ok_or(Error::BadValue)?;
    u16::try_from(number).map_err(|_| Error::BadValue)
}
