//! CoRE link format: RFC 6690, the payload of Register and of the answer to Discover.
//!
//! ```
//! use dunlin_codec::link;
//! use dunlin_model::Path;
//!
//! let mut links = link::parse("</1/0>,</3303/0>;ver=1.1");
//! assert_eq!(links.next().and_then(Result::ok).and_then(|link| link.path()), Path::try_from((1, 0)).ok());
//! let temperature = links.next().ok_or("two links")??;
//! assert_eq!(temperature.attribute("ver").and_then(|version| version.value), Some("1.1"));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod parse;
mod write;

use core::fmt;

use dunlin_model::Path;

pub use parse::{Attributes, Links, parse};
pub use write::{Plain, Writer};

/// A link: where it points, and what is said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link<'a> {
    /// What stands between `<` and `>`.
    pub target: &'a str,
    attributes: &'a str,
}

/// An attribute of a [`Link`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// The name.
    pub name: &'a str,
    /// The value as it stands there, without the quotes; `None` for a name alone.
    ///
    /// In quotes a backslash may stand before any character; [`Attribute::unescaped`] takes those away.
    pub value: Option<&'a str>,
    /// Whether the value stood in quotes.
    pub quoted: bool,
}

impl<'a> Link<'a> {
    /// Gives the node of the device that the link points to, if it does. One slash at the end is let pass, as the
    /// examples of the specification have it.
    pub fn path(&self) -> Option<Path> {
        path(self.target)
    }

    /// Gives the node that the link points to under the alternate path `prefix`, for example `/lwm2m`
    /// (LwM2M Transport §6.4.1).
    pub fn path_under(&self, prefix: &str) -> Option<Path> {
        match self.target.strip_prefix(prefix)? {
            "" => Some(Path::ROOT),
            target => path(target),
        }
    }

    /// Walks over the attributes.
    pub const fn attributes(&self) -> Attributes<'a> {
        Attributes::new(self.attributes)
    }

    /// Gives the first attribute of the name `name`.
    pub fn attribute(&self, name: &str) -> Option<Attribute<'a>> {
        self.attributes().find(|attribute| attribute.name == name)
    }
}

fn path(target: &str) -> Option<Path> {
    let target = match target.strip_suffix('/') {
        Some(node) if node.len() > 1 => node,
        _ => target,
    };
    target.parse().ok()
}

impl<'a> Attribute<'a> {
    /// Gives the characters of the value without the backslashes that protect them.
    pub fn unescaped(&self) -> impl Iterator<Item = char> + use<'a> {
        let mut characters = self.value.unwrap_or_default().chars();
        let quoted = self.quoted;
        core::iter::from_fn(move || match characters.next() {
            Some('\\') if quoted => characters.next(),
            character => character,
        })
    }
}

/// Text that is not a list of links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LinkError {
    /// The offset of the byte that is wrong, or of the end.
    pub offset: usize,
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a list of links (at byte {})", self.offset)
    }
}

impl core::error::Error for LinkError {}

#[cfg(test)]
mod tests;
