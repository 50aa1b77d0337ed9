//! Access rights: LwM2M Core §8 and object 2, Access Control.

use core::fmt;
use core::ops::BitOr;

/// What a server may do with an object instance: an instance of the ACL resource, /2/x/2.
///
/// ```
/// use dunlin_model::AccessRights;
///
/// let rights = AccessRights::from_acl(5).ok_or("five bits")?;
/// assert_eq!(rights, AccessRights::READ | AccessRights::EXECUTE);
/// assert_eq!(rights.to_string(), "RE");
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "i64", into = "i64"))]
pub struct AccessRights(u8);

impl AccessRights {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Read, Observe and Write-Attributes.
    pub const READ: Self = Self(1);
    /// Write.
    pub const WRITE: Self = Self(2);
    /// Execute.
    pub const EXECUTE: Self = Self(4);
    /// Delete.
    pub const DELETE: Self = Self(8);
    /// Create, which is a right on the object.
    pub const CREATE: Self = Self(16);
    /// Everything.
    pub const ALL: Self = Self(31);

    /// Reads a value of the ACL resource, 0 to 31.
    pub const fn from_acl(value: i64) -> Option<Self> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is between 0 and 31"
        )]
        match value {
            0..=31 => Some(Self(value as u8)),
            _ => None,
        }
    }

    /// Gives the value for the ACL resource, 0 to 31.
    pub const fn to_acl(self) -> i64 {
        self.0 as i64
    }

    /// Tells whether every right of `other` is in this set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Gives the rights of `server` on the instance that an Access Control instance is about: what stands for the
    /// server in `acl` (short server ids with their rights), else everything if it is the `owner`, else what stands
    /// for everybody under the id 0, else nothing (Core §8.1).
    ///
    /// ```
    /// use dunlin_model::AccessRights;
    ///
    /// let acl = [(0, AccessRights::READ), (7, AccessRights::ALL)];
    /// assert_eq!(AccessRights::of(7, 1, acl), AccessRights::ALL);
    /// assert_eq!(AccessRights::of(1, 1, acl), AccessRights::ALL);
    /// assert_eq!(AccessRights::of(2, 1, acl), AccessRights::READ);
    /// assert_eq!(AccessRights::of(2, 1, []), AccessRights::NONE);
    /// ```
    pub fn of(server: u16, owner: u16, acl: impl IntoIterator<Item = (u16, Self)>) -> Self {
        let mut default = Self::NONE;
        for (id, rights) in acl {
            if id == server {
                return rights;
            }
            if id == 0 {
                default = rights;
            }
        }
        if server == owner { Self::ALL } else { default }
    }
}

impl BitOr for AccessRights {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A number above 31, or below 0, is no set of access rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct AccessRightsError;

impl fmt::Display for AccessRightsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("access rights are a number from 0 to 31")
    }
}

impl core::error::Error for AccessRightsError {}

impl TryFrom<i64> for AccessRights {
    type Error = AccessRightsError;

    fn try_from(value: i64) -> Result<Self, AccessRightsError> {
        Self::from_acl(value).ok_or(AccessRightsError)
    }
}

impl From<AccessRights> for i64 {
    fn from(rights: AccessRights) -> Self {
        rights.to_acl()
    }
}

impl fmt::Display for AccessRights {
    /// Letters in the order of the bits: `R`, `W`, `E`, `D` and `C`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        [
            (Self::READ, "R"),
            (Self::WRITE, "W"),
            (Self::EXECUTE, "E"),
            (Self::DELETE, "D"),
            (Self::CREATE, "C"),
        ]
        .into_iter()
        .filter(|(right, _)| self.contains(*right))
        .try_for_each(|(_, letter)| f.write_str(letter))
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn the_bits_are_those_of_object_2() {
        // "5th least significant bit: Create", "4th: Delete" in the registry's text of /2/x/2.
        assert_eq!(AccessRights::CREATE.to_acl(), 1 << 4);
        assert_eq!(AccessRights::DELETE.to_acl(), 1 << 3);
        assert_eq!(AccessRights::ALL.to_string(), "RWEDC");
        assert_eq!(AccessRights::try_from(32), Err(AccessRightsError));
        assert_eq!(AccessRights::try_from(-1), Err(AccessRightsError));
        for value in 0..32 {
            assert_eq!(AccessRights::try_from(value).map(i64::from), Ok(value));
        }
    }

    #[test]
    fn an_entry_of_ones_own_goes_before_ownership() {
        let acl = [(3, AccessRights::READ)];
        assert_eq!(AccessRights::of(3, 3, acl), AccessRights::READ);
        assert_eq!(AccessRights::of(4, 4, acl), AccessRights::ALL);
        assert_eq!(AccessRights::of(5, 4, acl), AccessRights::NONE);
    }
}
