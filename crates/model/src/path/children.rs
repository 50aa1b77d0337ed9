//! The nodes below a node, for many of which paths are made.

use super::{Level, Path};
use crate::{InstanceId, MAX_ID, ObjectId, ResourceId, ResourceInstanceId};

/// The nodes right below a node: [`Path::children`].
///
/// ```
/// use dunlin_model::Path;
///
/// let device = Path::try_from((3, 0))?;
/// assert_eq!(device.children().get(9), device.child(9));
/// # Ok::<(), dunlin_model::PathError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Children {
    parent: Path,
    /// How far the lowest part of a child lies from the end; beyond 48 there are none.
    shift: u32,
}

impl Children {
    /// Gives the node whose children these are.
    pub const fn parent(&self) -> Path {
        self.parent
    }

    /// Gives the child `id`; `None` for the reserved 65535 and below a resource instance.
    #[inline]
    pub const fn get(&self, id: u16) -> Option<Path> {
        if self.shift > 48 || id == MAX_ID {
            return None;
        }
        Some(Path(
            self.parent.0 | (id as u64).wrapping_add(1).wrapping_shl(self.shift),
        ))
    }
}

impl Path {
    /// Gives what makes the paths of many nodes below this one, with less work for each than [`child`](Self::child).
    #[inline]
    pub const fn children(&self) -> Children {
        Children {
            parent: *self,
            shift: self.free_bits().wrapping_sub(16),
        }
    }

    /// Gives what makes the paths of the instances of the resource that this path is or lies in, if it reaches that deep.
    #[inline]
    pub const fn resource_instances(&self) -> Option<ResourceInstances> {
        match (self.resources(), self.resource_id()) {
            (Some(resources), Some(resource)) => Some(resources.instances(resource)),
            _ => None,
        }
    }

    /// Gives what makes the paths of the resources of the object instance that this path is or lies in, if it reaches
    /// that deep.
    #[inline]
    pub const fn resources(&self) -> Option<Resources> {
        if self.part(32) == 0 {
            return None;
        }
        Some(Resources::below(self.truncate(Level::Instance)))
    }
}

/// The resources of an object instance: [`Path::resources`]. There is one for each identifier, which leaves less to check
/// than [`Children`] do.
///
/// ```
/// use dunlin_model::{Path, ResourceId};
///
/// let device = Path::try_from((3, 0))?.resources().ok_or("an instance")?;
/// assert_eq!(Ok(device.get(ResourceId::of::<9>())), Path::try_from((3, 0, 9)));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
// The bits of resource 0, from which the others count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resources(u64);

impl Resources {
    /// Gives those of `/object/instance`.
    pub const fn of(object: ObjectId, instance: InstanceId) -> Self {
        Self::below(Path::instance(object, instance))
    }

    #[inline]
    const fn below(instance: Path) -> Self {
        Self(instance.0 | 1 << 16)
    }

    /// Gives the path of `resource`.
    #[inline]
    pub const fn get(&self, resource: ResourceId) -> Path {
        Path(self.0.wrapping_add((resource.get() as u64) << 16))
    }

    /// Gives what makes the paths of the instances of `resource`.
    #[inline]
    pub const fn instances(&self, resource: ResourceId) -> ResourceInstances {
        ResourceInstances(self.get(resource).0 | 1)
    }
}

/// The instances of a multiple resource: [`Resources::instances`].
///
/// ```
/// use dunlin_model::{Path, ResourceId, ResourceInstanceId};
///
/// let device = Path::try_from((3, 0))?.resources().ok_or("an instance")?;
/// let sources = device.instances(ResourceId::of::<6>());
/// assert_eq!(Ok(sources.get(ResourceInstanceId::of::<1>())), Path::try_from((3, 0, 6, 1)));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
// The bits of resource instance 0, from which the others count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourceInstances(u64);

impl ResourceInstances {
    /// Gives the resource whose instances these are.
    #[inline]
    pub const fn parent(&self) -> Path {
        Path(self.0).truncate(Level::Resource)
    }

    /// Gives the path of `instance`.
    #[inline]
    pub const fn get(&self, instance: ResourceInstanceId) -> Path {
        Path(self.0.wrapping_add(instance.get() as u64))
    }
}
