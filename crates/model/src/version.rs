//! Versions of objects and of the enabler.

use core::fmt;
use core::str::FromStr;

/// A version of an object or of LwM2M itself, printed `major.minor`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The number before the point: a change breaks compatibility.
    pub major: u8,
    /// The number after the point: a change adds to it.
    pub minor: u8,
}

impl Version {
    /// Version 1.0, which an object has when nothing else is said.
    pub const V1_0: Self = Self::new(1, 0);
    /// Version 1.1.
    pub const V1_1: Self = Self::new(1, 1);
    /// Version 1.2.
    pub const V1_2: Self = Self::new(1, 2);

    /// Makes the version `major.minor`.
    pub const fn new(major: u8, minor: u8) -> Self {
        Self { major, minor }
    }

    /// Tells whether who knows this version understands `other`: the major numbers are equal. What a greater minor
    /// number has added is optional, and unknown optional resources are no errors (LwM2M Core §7.2.2).
    pub const fn is_compatible(self, other: Self) -> bool {
        self.major == other.major
    }
}

impl Default for Version {
    fn default() -> Self {
        Self::V1_0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The text is not a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ParseVersionError;

impl fmt::Display for ParseVersionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a version is two numbers up to 255, as in 1.2")
    }
}

impl core::error::Error for ParseVersionError {}

impl FromStr for Version {
    type Err = ParseVersionError;

    fn from_str(text: &str) -> Result<Self, ParseVersionError> {
        let (major, minor) = text.split_once('.').ok_or(ParseVersionError)?;
        Ok(Self {
            major: number(major)?,
            minor: number(minor)?,
        })
    }
}

fn number(text: &str) -> Result<u8, ParseVersionError> {
    // `u8::from_str` also takes a plus sign and leading zeros.
    if !text.bytes().all(|byte| byte.is_ascii_digit()) || (text.len() > 1 && text.starts_with('0'))
    {
        return Err(ParseVersionError);
    }
    text.parse().map_err(|_| ParseVersionError)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn prints_reads_and_orders() {
        assert_eq!(Version::V1_2.to_string(), "1.2");
        assert_eq!("1.10".parse(), Ok(Version::new(1, 10)));
        assert!(Version::new(1, 10) > Version::V1_2);
        assert!(Version::V1_0.is_compatible(Version::V1_2));
        assert!(!Version::V1_0.is_compatible(Version::new(2, 0)));
        for text in [
            "", "1", "1.", ".1", "1.2.3", "+1.0", "01.0", "1.00", "256.0", "a.b",
        ] {
            assert_eq!(text.parse::<Version>(), Err(ParseVersionError), "{text:?}");
        }
    }
}
