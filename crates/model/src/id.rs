//! The four identifiers of the tree: LwM2M Core §7.1.

use core::fmt;

/// The reserved identifier 65535 (`MAX_ID`): never a node of the tree, it stands for "none".
pub const MAX_ID: u16 = u16::MAX;

/// 65535 was given where an identifier of a node is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct IdError;

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("65535 (MAX_ID) is reserved and names no node")
    }
}

impl core::error::Error for IdError {}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct $name(u16);

        impl $name {
            /// Makes an identifier of `id`, 0 to 65534; `None` for the reserved 65535.
            pub const fn new(id: u16) -> Option<Self> {
                if id == MAX_ID { None } else { Some(Self(id)) }
            }

            /// Makes an identifier of a literal; the reserved 65535 does not compile.
            ///
            /// ```
            #[doc = concat!("let id = dunlin_model::", stringify!($name), "::of::<3>();")]
            /// assert_eq!(id.get(), 3);
            /// ```
            /// ```compile_fail
            #[doc = concat!("let id = dunlin_model::", stringify!($name), "::of::<65535>();")]
            /// ```
            pub const fn of<const ID: u16>() -> Self {
                const { assert!(ID != MAX_ID, "65535 (MAX_ID) is reserved and names no node") };
                Self(ID)
            }

            /// Gives the number, 0 to 65534.
            pub const fn get(self) -> u16 {
                self.0
            }
        }

        impl TryFrom<u16> for $name {
            type Error = IdError;

            fn try_from(id: u16) -> Result<Self, IdError> {
                Self::new(id).ok_or(IdError)
            }
        }

        impl From<$name> for u16 {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

id! {
    /// The identifier of an object, for example 3 for Device.
    ObjectId
}
id! {
    /// The identifier of an object instance within its object.
    InstanceId
}
id! {
    /// The identifier of a resource within its object.
    ResourceId
}
id! {
    /// The identifier of a resource instance within a multiple resource.
    ResourceInstanceId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserved_identifier_is_refused() {
        assert_eq!(ObjectId::new(65534).map(ObjectId::get), Some(65534));
        assert_eq!(ObjectId::new(65535), None);
        assert_eq!(ResourceId::try_from(65535), Err(IdError));
        assert_eq!(InstanceId::try_from(7), Ok(InstanceId::of::<7>()));
    }

    #[test]
    fn identifiers_order_by_number() {
        assert!(ResourceInstanceId::of::<9>() < ResourceInstanceId::of::<10>());
    }
}
