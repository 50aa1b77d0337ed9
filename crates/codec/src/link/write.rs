//! Writing links.

use dunlin_model::decimal::Style;
use dunlin_model::{AttributeValue, Path, Version};

use super::parse::{is_parameter_name, is_target, is_token};
use crate::short::Short;
use crate::{ContentFormat, EncodeError, number, writer};

/// The value of an attribute that stands without quotes.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Plain<'a> {
    /// A token.
    Text(&'a str),
    /// A whole number.
    Number(i64),
    /// A number, written without exponent.
    Decimal(f64),
    /// A version, `1.1`.
    Version(Version),
}

impl<'a> From<&'a str> for Plain<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

macro_rules! from_numbers {
    ($($type:ty),*) => {$(
        impl From<$type> for Plain<'_> {
            fn from(number: $type) -> Self {
                Self::Number(number.into())
            }
        }
    )*};
}

from_numbers!(u8, u16, u32, i32, i64);

impl From<usize> for Plain<'_> {
    fn from(number: usize) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<f64> for Plain<'_> {
    fn from(number: f64) -> Self {
        Self::Decimal(number)
    }
}

impl From<Version> for Plain<'_> {
    fn from(version: Version) -> Self {
        Self::Version(version)
    }
}

impl From<ContentFormat> for Plain<'_> {
    fn from(format: ContentFormat) -> Self {
        format.0.into()
    }
}

impl From<AttributeValue> for Plain<'_> {
    fn from(value: AttributeValue) -> Self {
        match value {
            AttributeValue::Seconds(number) | AttributeValue::Count(number) => number.into(),
            AttributeValue::Number(number) => number.into(),
            AttributeValue::Flag(yes) => u8::from(yes).into(),
            _ => Self::Text(""),
        }
    }
}

/// Writes a list of links into a buffer.
///
/// Calls chain; the first error stays and is given by [`Writer::finish`].
///
/// ```
/// use dunlin_codec::link::Writer;
/// use dunlin_model::Path;
///
/// let mut buffer = [0; 64];
/// let mut links = Writer::new(&mut buffer);
/// links.link(&Path::ROOT).quoted("rt", "oma.lwm2m").attribute("ct", 112);
/// links.link(&Path::try_from((1, 0))?);
/// links.link(&Path::try_from((3303, 0))?).attribute("ver", "1.1");
/// let length = links.finish()?;
/// assert_eq!(buffer.get(..length), Some(&br#"</>;rt="oma.lwm2m";ct=112,</1/0>,</3303/0>;ver=1.1"#[..]));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Writer<'b> {
    writer: writer::Writer<'b>,
    error: Option<EncodeError>,
}

impl<'b> Writer<'b> {
    /// Starts an empty list in `buffer`.
    pub fn new(buffer: &'b mut [u8]) -> Self {
        Self {
            writer: writer::Writer::new(buffer),
            error: None,
        }
    }

    /// Starts a link to the node `path`.
    pub fn link(&mut self, path: &Path) -> &mut Self {
        self.run(&mut |writer| {
            start(writer)?;
            if *path == Path::ROOT {
                writer.put(b"/")?;
            }
            for id in path.segments() {
                Short::new(*b"/").decimal(id).put(writer)?;
            }
            writer.put(b">")
        })
    }

    /// Starts a link to `target`, for example the alternate path of a device.
    ///
    /// What a URI does not allow is [`EncodeError::NotRepresentable`].
    pub fn target(&mut self, target: &str) -> &mut Self {
        self.run(&mut |writer| {
            if !is_target(target) {
                return Err(EncodeError::NotRepresentable);
            }
            start(writer)?;
            writer.put(target.as_bytes())?;
            writer.put(b">")
        })
    }

    /// Adds the attribute `name=value` to the link.
    ///
    /// What needs quotes, or a name that is none, is [`EncodeError::NotRepresentable`].
    pub fn attribute<'v>(&mut self, name: &str, value: impl Into<Plain<'v>>) -> &mut Self {
        let value = value.into();
        self.name(name).run(&mut |writer| {
            writer.put(b"=")?;
            match value {
                Plain::Text(text) if !text.is_empty() && text.chars().all(is_token) => {
                    writer.put(text.as_bytes())
                }
                Plain::Text(_) => Err(EncodeError::NotRepresentable),
                Plain::Number(number) => number::put_integer(writer, number),
                Plain::Decimal(number) => {
                    number::put_float(writer, number, number::Precision::Double, Style::Plain)
                }
                Plain::Version(version) => {
                    let major = Short::EMPTY.decimal(version.major.into()).byte(b'.');
                    major.decimal(version.minor.into()).put(writer)
                }
            }
        })
    }

    /// Adds the attribute `name="value"` to the link.
    ///
    /// Control characters, or a name that is none, are [`EncodeError::NotRepresentable`].
    pub fn quoted(&mut self, name: &str, value: &str) -> &mut Self {
        self.name(name).run(&mut |writer| {
            writer.put(b"=\"")?;
            for character in value.chars() {
                match character {
                    '"' => writer.put(b"\\\"")?,
                    '\\' => writer.put(b"\\\\")?,
                    _ if character.is_control() => return Err(EncodeError::NotRepresentable),
                    _ => writer.put(character.encode_utf8(&mut [0; 4]).as_bytes())?,
                }
            }
            writer.put(b"\"")
        })
    }

    /// Adds the attribute `name`, without value, to the link.
    pub fn flag(&mut self, name: &str) -> &mut Self {
        self.name(name)
    }

    /// Adds every notification attribute that is set, as Discover shows them.
    pub fn attributes(&mut self, attributes: &dunlin_model::Attributes) -> &mut Self {
        for attribute in attributes.iter() {
            self.attribute(attribute.name, attribute.value);
        }
        self
    }

    /// Ends the list and gives its length in bytes.
    ///
    /// # Errors
    /// [`EncodeError::NoSpace`] or [`EncodeError::NotRepresentable`], whichever came first.
    pub fn finish(&self) -> Result<usize, EncodeError> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(self.writer.len()),
        }
    }

    fn name(&mut self, name: &str) -> &mut Self {
        self.run(&mut |writer| {
            // An attribute needs a link that it belongs to.
            if writer.len() == 0 || !is_parameter_name(name) {
                return Err(EncodeError::NotRepresentable);
            }
            writer.put(b";")?;
            writer.put(name.as_bytes())
        })
    }

    fn run(
        &mut self,
        write: &mut dyn FnMut(&mut writer::Writer<'b>) -> Result<(), EncodeError>,
    ) -> &mut Self {
        if self.error.is_none() {
            self.error = write(&mut self.writer).err();
        }
        self
    }
}

/// Writes what stands before the target of a link.
fn start(writer: &mut writer::Writer<'_>) -> Result<(), EncodeError> {
    writer.put(if writer.len() == 0 { b"<" } else { b",<" })
}
