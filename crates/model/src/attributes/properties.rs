//! What links say about a node that nobody can write: LwM2M Core §7.3.1.

use core::fmt;

use crate::{Level, Path, Version};

/// The properties of a node, as the answers to Discover and Bootstrap-Discover and the object list of a registration
/// give them.
///
/// ```
/// use dunlin_model::{Path, Properties, Version};
///
/// let properties = Properties::parse([("ver", "1.1"), ("pmin", "10")])?;
/// assert_eq!(properties.ver, Some(Version::V1_1));
/// assert!(properties.check(Path::try_from((3303,))?).is_ok());
/// assert!(properties.check(Path::try_from((3303, 0, 5700))?).is_err());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Properties<'a> {
    /// How many instances a multiple resource has.
    pub dim: Option<u16>,
    /// The version of an object.
    pub ver: Option<Version>,
    /// The short server id that an account belongs to, 1 to 65534.
    pub ssid: Option<u16>,
    /// The URI of the server that a Security instance is about.
    pub uri: Option<&'a str>,
}

/// What is wrong with a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PropertyError {
    /// The value is missing or none of the property's kind.
    Value(&'static str),
    /// The name came twice.
    Duplicate(&'static str),
    /// The node is none that has the property: `dim` is a resource's, `ver` an object's or its only instance's, `ssid`
    /// an instance's of the objects 0, 1, 21, 23 and 24, and `uri` an instance's of object 0.
    Target(&'static str),
}

impl fmt::Display for PropertyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, what) = match self {
            Self::Value(name) => (name, "has no proper value"),
            Self::Duplicate(name) => (name, "is given twice"),
            Self::Target(name) => (name, "is not for this node"),
        };
        write!(f, "{name} {what}")
    }
}

impl core::error::Error for PropertyError {}

impl<'a> Properties<'a> {
    /// Takes the properties out of the attributes of a link; other attributes are left alone.
    ///
    /// # Errors
    /// [`PropertyError::Value`] or [`PropertyError::Duplicate`].
    pub fn parse(
        attributes: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, PropertyError> {
        fn put<T>(
            to: &mut Option<T>,
            name: &'static str,
            value: Option<T>,
        ) -> Result<(), PropertyError> {
            if to.is_some() {
                return Err(PropertyError::Duplicate(name));
            }
            *to = Some(value.ok_or(PropertyError::Value(name))?);
            Ok(())
        }
        let mut properties = Self::default();
        for (name, value) in attributes {
            match name {
                "dim" => put(&mut properties.dim, "dim", number(value))?,
                "ver" => put(&mut properties.ver, "ver", value.parse().ok())?,
                "ssid" => {
                    let ssid = number(value).filter(|ssid| (1..=65534).contains(ssid));
                    put(&mut properties.ssid, "ssid", ssid)?;
                }
                "uri" => put(&mut properties.uri, "uri", Some(value))?,
                _ => {}
            }
        }
        Ok(properties)
    }

    /// Checks that the node `path` may have these properties.
    ///
    /// # Errors
    /// [`PropertyError::Target`].
    pub fn check(&self, path: Path) -> Result<(), PropertyError> {
        let level = path.level();
        let object = path.object_id().map(crate::ObjectId::get);
        if self.dim.is_some() && level != Level::Resource {
            return Err(PropertyError::Target("dim"));
        }
        if self.ver.is_some() && !matches!(level, Level::Object | Level::Instance) {
            return Err(PropertyError::Target("ver"));
        }
        let account = level == Level::Instance && matches!(object, Some(0 | 1 | 21 | 23 | 24));
        if self.ssid.is_some() && !account {
            return Err(PropertyError::Target("ssid"));
        }
        if self.uri.is_some() && !(level == Level::Instance && object == Some(0)) {
            return Err(PropertyError::Target("uri"));
        }
        Ok(())
    }
}

impl fmt::Display for Properties<'_> {
    /// As link attributes: `;dim=2`, `;ver=1.1`, `;ssid=101`, `;uri="coaps://example.com"`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(dim) = self.dim {
            write!(f, ";dim={dim}")?;
        }
        if let Some(ver) = self.ver {
            write!(f, ";ver={ver}")?;
        }
        if let Some(ssid) = self.ssid {
            write!(f, ";ssid={ssid}")?;
        }
        if let Some(uri) = self.uri {
            write!(f, ";uri=\"{uri}\"")?;
        }
        Ok(())
    }
}

fn number(text: &str) -> Option<u16> {
    // `u16::from_str` also takes a plus sign.
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn reads_and_prints_the_example_of_bootstrap_discover() {
        let uri = "coaps://server_1.example.com";
        let properties = Properties::parse([("ssid", "101"), ("uri", uri)]).unwrap();
        assert_eq!(
            properties.to_string(),
            ";ssid=101;uri=\"coaps://server_1.example.com\""
        );
        let path = |text: &str| text.parse::<Path>().unwrap();
        assert_eq!(properties.check(path("/0/0")), Ok(()));
        assert_eq!(
            properties.check(path("/1/0")),
            Err(PropertyError::Target("uri"))
        );
        assert_eq!(
            properties.check(path("/3/0")),
            Err(PropertyError::Target("ssid"))
        );
        let properties = Properties::parse([("dim", "8")]).unwrap();
        assert_eq!(properties.check(path("/3/0/6")), Ok(()));
        assert_eq!(
            properties.check(path("/3/0/6/0")),
            Err(PropertyError::Target("dim"))
        );
    }

    #[test]
    fn refuses_what_is_wrong() {
        for (name, value) in [
            ("dim", ""),
            ("dim", "+1"),
            ("dim", "65536"),
            ("ver", "1"),
            ("ssid", "0"),
            ("ssid", "65535"),
        ] {
            assert!(
                matches!(Properties::parse([(name, value)]), Err(PropertyError::Value(wrong)) if wrong == name),
                "{name}={value}"
            );
        }
        assert_eq!(
            Properties::parse([("ver", "1.0"), ("ver", "1.0")]),
            Err(PropertyError::Duplicate("ver"))
        );
    }
}
