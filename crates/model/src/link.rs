//! Object links: LwM2M Core Appendix C, type Objlnk.

use core::fmt;
use core::str::FromStr;

/// A reference to an object instance, printed `object:instance`.
///
/// Either part may be 65535: `65535:65535` is the null link and `o:65535` names an object as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectLink {
    /// The object, or 65535.
    pub object: u16,
    /// The object instance, or 65535.
    pub instance: u16,
}

impl ObjectLink {
    /// The link that points to nothing.
    pub const NULL: Self = Self {
        object: u16::MAX,
        instance: u16::MAX,
    };

    /// Makes a link to the instance `instance` of `object`.
    pub const fn new(object: u16, instance: u16) -> Self {
        Self { object, instance }
    }

    /// Tells whether this is the null link.
    pub fn is_null(self) -> bool {
        self == Self::NULL
    }
}

impl Default for ObjectLink {
    /// The null link.
    fn default() -> Self {
        Self::NULL
    }
}

impl fmt::Display for ObjectLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.object, self.instance)
    }
}

/// The text is not an object link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ParseObjectLinkError;

impl fmt::Display for ParseObjectLinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object link is two numbers up to 65535, as in 66:0")
    }
}

impl core::error::Error for ParseObjectLinkError {}

impl FromStr for ObjectLink {
    type Err = ParseObjectLinkError;

    /// Reads `object:instance` in decimal, and `FFFF:FFFF`, which the examples of the specification print for the null
    /// link.
    fn from_str(text: &str) -> Result<Self, ParseObjectLinkError> {
        if text.eq_ignore_ascii_case("ffff:ffff") {
            return Ok(Self::NULL);
        }
        let mut link = Self::new(0, 0);
        let mut number = &mut link.object;
        // Whether a digit came, of the second number too.
        let (mut any, mut second) = (false, false);
        for byte in text.bytes() {
            if byte == b':' && any && !second {
                (number, any, second) = (&mut link.instance, false, true);
                continue;
            }
            // Nothing but digits: `u16::from_str` also takes a plus sign.
            let digit = byte.wrapping_sub(b'0');
            let next = u32::from(*number)
                .wrapping_mul(10)
                .wrapping_add(digit.into());
            *number = match u16::try_from(next) {
                Ok(next) if digit <= 9 => next,
                _ => return Err(ParseObjectLinkError),
            };
            any = true;
        }
        if any && second {
            Ok(link)
        } else {
            Err(ParseObjectLinkError)
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn prints_and_reads_decimal() {
        let link = ObjectLink::new(66, 1);
        assert_eq!(link.to_string(), "66:1");
        assert_eq!("66:1".parse(), Ok(link));
        assert_eq!(ObjectLink::NULL.to_string(), "65535:65535");
        assert_eq!("65535:65535".parse(), Ok(ObjectLink::NULL));
        assert_eq!("FFFF:FFFF".parse(), Ok(ObjectLink::NULL));
    }

    #[test]
    fn refuses_what_is_no_link() {
        for text in [
            "", ":", "1", "1:", ":1", "+1:2", "1:-2", "65536:0", "1:2:3", " 1:2", "FFFF:0",
        ] {
            assert_eq!(
                text.parse::<ObjectLink>(),
                Err(ParseObjectLinkError),
                "{text:?}"
            );
        }
    }
}
