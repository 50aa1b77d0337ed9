//! Paths: where a node is in the tree of a device.

use core::fmt;
use core::str::FromStr;

use crate::{InstanceId, ObjectId, ResourceId, ResourceInstanceId};

mod children;
mod parse;

pub use children::{Children, ResourceInstances, Resources};
pub use parse::PathParser;

/// The place of a node: `/`, `/object`, `/object/instance`, `/object/instance/resource` or
/// `/object/instance/resource/resource-instance` (LwM2M Core §7.1).
///
/// Paths order as a depth-first walk does: a node comes before its children, and those come by number.
///
/// ```
/// use dunlin_model::{ObjectId, Path};
///
/// let device = Path::object(ObjectId::of::<3>());
/// let battery_level = Path::try_from((3, 0, 9))?;
/// assert!(device.contains(&battery_level));
/// assert!(device < battery_level);
/// assert_eq!(battery_level.parent().and_then(|instance| instance.child(13)), "/3/0/13".parse().ok());
/// # Ok::<(), dunlin_model::PathError>(())
/// ```
// Four parts of 16 bits, the object uppermost. Each is the identifier + 1, or 0 where there is none, so that the derived
// order is the one promised above. Below the first part that is 0 there are only zeros.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Path(u64);

/// How deep in the tree a [`Path`] points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Level {
    /// `/`, the whole device.
    Root,
    /// `/object`.
    Object,
    /// `/object/instance`.
    Instance,
    /// `/object/instance/resource`.
    Resource,
    /// `/object/instance/resource/resource-instance`.
    ResourceInstance,
}

/// What is wrong with a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PathErrorKind {
    /// Text that does not start with `/`.
    NoSlash,
    /// Two slashes in a row, or one at the end.
    EmptySegment,
    /// A character that is neither a digit nor `/`.
    NotANumber,
    /// A number with a leading zero, which is another URI than the number without.
    LeadingZero,
    /// A number above 65534.
    TooLarge,
    /// More than four segments.
    TooDeep,
    /// The instance 65535 in a request of no instance, which leaves the choice to the device.
    NoInstance,
}

/// Why something is not a [`Path`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PathError {
    /// What is wrong.
    pub kind: PathErrorKind,
    /// Where: the offset of the byte in a text, the index of the number in numbers.
    pub at: usize,
}

impl fmt::Display for PathErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSlash => "a path starts with a slash",
            Self::EmptySegment => "a number is missing",
            Self::NotANumber => "not a digit",
            Self::LeadingZero => "leading zero",
            Self::TooLarge => "a number above 65534",
            Self::TooDeep => "more than four numbers",
            Self::NoInstance => "no instance is chosen",
        })
    }
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at {})", self.kind, self.at)
    }
}

impl core::error::Error for PathError {}

impl Path {
    /// The root of the tree, `/`.
    pub const ROOT: Self = Self(0);

    /// Gives the path as one number, by which paths order as by themselves: four parts of 16 bits, the object uppermost,
    /// each of them the identifier plus one, or 0 where there is none.
    #[inline]
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    const fn from_parts([object, instance, resource, resource_instance]: [u16; 4]) -> Self {
        Self(
            (object as u64) << 48
                | (instance as u64) << 32
                | (resource as u64) << 16
                | resource_instance as u64,
        )
    }

    const fn parts(self) -> [u16; 4] {
        [self.part(48), self.part(32), self.part(16), self.part(0)]
    }

    /// The part that is `shift` bits above the lowest.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the parts above are cut off"
    )]
    const fn part(self, shift: u32) -> u16 {
        (self.0 >> shift) as u16
    }

    /// How many bits lie below the lowest part that is there: 64 for the root, 0 for a resource instance.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    const fn free_bits(self) -> u32 {
        self.0.trailing_zeros() & !15
    }

    /// Makes the path `/object`.
    pub const fn object(object: ObjectId) -> Self {
        Self::from_parts([object.get().wrapping_add(1), 0, 0, 0])
    }

    /// Makes the path `/object/instance`.
    pub const fn instance(object: ObjectId, instance: InstanceId) -> Self {
        Self::from_parts([
            object.get().wrapping_add(1),
            instance.get().wrapping_add(1),
            0,
            0,
        ])
    }

    /// Makes the path `/object/instance/resource`.
    pub const fn resource(object: ObjectId, instance: InstanceId, resource: ResourceId) -> Self {
        let [o, i, ..] = Self::instance(object, instance).parts();
        Self::from_parts([o, i, resource.get().wrapping_add(1), 0])
    }

    /// Makes the path `/object/instance/resource/resource-instance`.
    pub const fn resource_instance(
        object: ObjectId,
        instance: InstanceId,
        resource: ResourceId,
        resource_instance: ResourceInstanceId,
    ) -> Self {
        let [o, i, r, _] = Self::resource(object, instance, resource).parts();
        Self::from_parts([o, i, r, resource_instance.get().wrapping_add(1)])
    }

    /// Gives the object, unless this is the root.
    #[inline]
    pub const fn object_id(&self) -> Option<ObjectId> {
        match self.part(48).checked_sub(1) {
            Some(id) => ObjectId::new(id),
            None => None,
        }
    }

    /// Gives the object instance, if the path reaches that deep.
    #[inline]
    pub const fn instance_id(&self) -> Option<InstanceId> {
        match self.part(32).checked_sub(1) {
            Some(id) => InstanceId::new(id),
            None => None,
        }
    }

    /// Gives the resource, if the path reaches that deep.
    #[inline]
    pub const fn resource_id(&self) -> Option<ResourceId> {
        match self.part(16).checked_sub(1) {
            Some(id) => ResourceId::new(id),
            None => None,
        }
    }

    /// Gives the resource instance, if the path reaches that deep.
    #[inline]
    pub const fn resource_instance_id(&self) -> Option<ResourceInstanceId> {
        match self.part(0).checked_sub(1) {
            Some(id) => ResourceInstanceId::new(id),
            None => None,
        }
    }

    /// Tells how deep the path points.
    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub const fn level(&self) -> Level {
        match self.free_bits() {
            0 => Level::ResourceInstance,
            16 => Level::Resource,
            32 => Level::Instance,
            48 => Level::Object,
            _ => Level::Root,
        }
    }

    /// Gives the node above; the root has none.
    pub const fn parent(&self) -> Option<Self> {
        if self.0 == 0 {
            return None;
        }
        // Without its last number.
        let last = 0xffff_u64.wrapping_shl(self.free_bits());
        Some(Self(self.0 & !last))
    }

    /// Gives the node `id` below; `None` for the reserved 65535 and below a resource instance.
    #[inline]
    pub const fn child(&self, id: u16) -> Option<Self> {
        let (Some(shift), Some(part)) = (self.free_bits().checked_sub(16), id.checked_add(1))
        else {
            return None;
        };
        Some(Self(self.0 | (part as u64).wrapping_shl(shift)))
    }

    /// Gives the ancestor (or the path itself) at `level`; a path that is not as deep is given unchanged.
    #[must_use]
    #[inline]
    pub const fn truncate(&self, level: Level) -> Self {
        Self(match level {
            Level::Root => 0,
            Level::Object => self.0 & 0xffff_0000_0000_0000,
            Level::Instance => self.0 & 0xffff_ffff_0000_0000,
            Level::Resource => self.0 & 0xffff_ffff_ffff_0000,
            Level::ResourceInstance => self.0,
        })
    }

    /// Tells whether `other` is this node or lies below it.
    #[inline]
    pub const fn contains(&self, other: &Self) -> bool {
        // What differs lies below this node.
        self.0 == 0 || (self.0 ^ other.0) < 1 << self.free_bits()
    }

    /// Walks over the numbers of the path, from the object down.
    pub fn segments(&self) -> impl Iterator<Item = u16> + Clone + use<> {
        self.parts()
            .into_iter()
            .map_while(|kept| kept.checked_sub(1))
    }
}

impl From<ObjectId> for Path {
    fn from(object: ObjectId) -> Self {
        Self::object(object)
    }
}

impl TryFrom<&[u16]> for Path {
    type Error = PathError;

    /// Makes a path of up to four numbers.
    ///
    /// # Errors
    /// [`PathErrorKind::TooLarge`] for 65535 and [`PathErrorKind::TooDeep`] for a fifth number, with its index.
    fn try_from(numbers: &[u16]) -> Result<Self, PathError> {
        let mut kept = [0; 4];
        let mut places = kept.iter_mut();
        for (at, number) in numbers.iter().enumerate() {
            let place = places.next().ok_or(PathError {
                kind: PathErrorKind::TooDeep,
                at,
            })?;
            *place = number.checked_add(1).ok_or(PathError {
                kind: PathErrorKind::TooLarge,
                at,
            })?;
        }
        Ok(Self::from_parts(kept))
    }
}

macro_rules! from_numbers {
    ($($type:ty),*) => {$(
        impl TryFrom<$type> for Path {
            type Error = PathError;

            fn try_from(numbers: $type) -> Result<Self, PathError> {
                Self::try_from(numbers.as_slice())
            }
        }
    )*};
}

from_numbers!([u16; 1], [u16; 2], [u16; 3], [u16; 4]);

macro_rules! from_tuples {
    ($($type:ty),*) => {$(
        impl TryFrom<$type> for Path {
            type Error = PathError;

            fn try_from(numbers: $type) -> Result<Self, PathError> {
                Self::try_from(<[u16; _]>::from(numbers))
            }
        }
    )*};
}

from_tuples!((u16,), (u16, u16), (u16, u16, u16), (u16, u16, u16, u16));

impl TryFrom<&str> for Path {
    type Error = PathError;

    fn try_from(text: &str) -> Result<Self, PathError> {
        text.parse()
    }
}

impl FromStr for Path {
    type Err = PathError;

    /// Reads `/` or up to four numbers after slashes; nothing may follow.
    fn from_str(text: &str) -> Result<Self, PathError> {
        let mut parser = PathParser::new();
        parser.feed(text)?;
        parser.finish()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ROOT {
            return f.write_str("/");
        }
        self.segments().try_for_each(|id| write!(f, "/{id}"))
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Path({self})")
    }
}

#[cfg(test)]
mod tests;
