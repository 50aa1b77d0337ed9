//! Writing links.

use core::fmt::Display;
use core::str;

use dunlin_model::Path;

use super::parse::{is_parameter_name, is_target, is_token};
use crate::{EncodeError, writer};

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
    pub const fn new(buffer: &'b mut [u8]) -> Self {
        Self {
            writer: writer::Writer::new(buffer),
            error: None,
        }
    }

    /// Starts a link to the node `path`.
    pub fn link(&mut self, path: &Path) -> &mut Self {
        self.start(path)
    }

    /// Starts a link to `target`, for example the alternate path of a device.
    ///
    /// What a URI does not allow is [`EncodeError::NotRepresentable`].
    pub fn target(&mut self, target: &str) -> &mut Self {
        if is_target(target) {
            self.start(target)
        } else {
            self.run(|_| Err(EncodeError::NotRepresentable))
        }
    }

    /// Adds the attribute `name=value` to the link.
    ///
    /// What needs quotes, or a name that is none, is [`EncodeError::NotRepresentable`].
    pub fn attribute(&mut self, name: &str, value: impl Display) -> &mut Self {
        self.name(name).run(|writer| {
            writer.put(b"=")?;
            let start = writer.len();
            writer.print(value)?;
            let token = str::from_utf8(writer.written_from(start)).unwrap_or_default();
            if !token.is_empty() && token.chars().all(is_token) {
                Ok(())
            } else {
                Err(EncodeError::NotRepresentable)
            }
        })
    }

    /// Adds the attribute `name="value"` to the link.
    ///
    /// Control characters, or a name that is none, are [`EncodeError::NotRepresentable`].
    pub fn quoted(&mut self, name: &str, value: &str) -> &mut Self {
        self.name(name).run(|writer| {
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

    fn start(&mut self, target: impl Display) -> &mut Self {
        self.run(|writer| {
            writer.put(if writer.len() == 0 { b"<" } else { b",<" })?;
            writer.print(target)?;
            writer.put(b">")
        })
    }

    fn name(&mut self, name: &str) -> &mut Self {
        self.run(|writer| {
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
        write: impl FnOnce(&mut writer::Writer<'b>) -> Result<(), EncodeError>,
    ) -> &mut Self {
        if self.error.is_none() {
            self.error = write(&mut self.writer).err();
        }
        self
    }
}
