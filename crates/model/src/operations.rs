//! The operations a resource allows.

use core::fmt;
use core::ops::BitOr;
use core::str::FromStr;

/// What a server may do with a resource: a set of Read, Write and Execute.
///
/// The empty set ([`Operations::NONE`]) marks resources that only the bootstrap interface reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Operations(u8);

impl Operations {
    /// No operation.
    pub const NONE: Self = Self(0);
    /// Read.
    pub const R: Self = Self(1);
    /// Write.
    pub const W: Self = Self(2);
    /// Read and Write.
    pub const RW: Self = Self(3);
    /// Execute.
    pub const E: Self = Self(4);

    /// Tells whether every operation of `other` is in this set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Tells whether Read is in this set.
    pub const fn is_readable(self) -> bool {
        self.contains(Self::R)
    }

    /// Tells whether Write is in this set.
    pub const fn is_writable(self) -> bool {
        self.contains(Self::W)
    }

    /// Tells whether Execute is in this set.
    pub const fn is_executable(self) -> bool {
        self.contains(Self::E)
    }

    /// Gives the registry's letters: `R`, `W`, `RW`, `E`, or nothing.
    pub const fn as_str(self) -> &'static str {
        match self.0 {
            1 => "R",
            2 => "W",
            3 => "RW",
            4 => "E",
            5 => "RE",
            6 => "WE",
            7 => "RWE",
            _ => "",
        }
    }
}

impl BitOr for Operations {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for Operations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The text is no set of operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ParseOperationsError;

impl fmt::Display for ParseOperationsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("operations are R, W, RW, E or nothing")
    }
}

impl core::error::Error for ParseOperationsError {}

impl FromStr for Operations {
    type Err = ParseOperationsError;

    /// Reads what the registry's schema allows: `R`, `W`, `RW`, `E`, or nothing.
    fn from_str(text: &str) -> Result<Self, ParseOperationsError> {
        match text {
            "" => Ok(Self::NONE),
            "R" => Ok(Self::R),
            "W" => Ok(Self::W),
            "RW" => Ok(Self::RW),
            "E" => Ok(Self::E),
            _ => Err(ParseOperationsError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_prints() {
        for operations in [
            Operations::NONE,
            Operations::R,
            Operations::W,
            Operations::RW,
            Operations::E,
        ] {
            assert_eq!(operations.as_str().parse(), Ok(operations));
        }
        assert_eq!("r".parse::<Operations>(), Err(ParseOperationsError));
    }

    #[test]
    fn sets_contain_their_parts() {
        assert_eq!(Operations::R | Operations::W, Operations::RW);
        assert!(Operations::RW.is_readable() && Operations::RW.is_writable());
        assert!(!Operations::RW.is_executable());
        assert!(Operations::RW.contains(Operations::NONE));
        assert!(!Operations::NONE.is_readable());
        assert_eq!(Operations::RW.as_str(), "RW");
    }
}
