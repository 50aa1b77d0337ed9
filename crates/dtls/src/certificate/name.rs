//! Distinguished names (RFC 5280 §4.1.2.4).

use core::fmt;

use crate::der::{NotDer, Reader, Tag};

/// id-at-commonName, 2.5.4.3 (RFC 5280 Appendix A.1).
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

const UTF8_STRING: Tag = Tag(0x0c);
const PRINTABLE_STRING: Tag = Tag(0x13);
const IA5_STRING: Tag = Tag(0x16);

/// A distinguished name; two are equal when their DER is (RFC 5280 §7.1 allows to compare so).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Name<'a>(&'a [u8]);

impl<'a> Name<'a> {
    /// The next element, which must be a name; every part of it is looked at.
    pub(super) fn parse(reader: &mut Reader<'a>) -> Result<Self, NotDer> {
        let content = reader.take(Tag::SEQUENCE)?;
        let mut relative_names = Reader::new(content);
        while !relative_names.is_empty() {
            let mut attributes = relative_names.nested(Tag::SET)?;
            // A SET of at least one.
            attribute(&mut attributes)?;
            while !attributes.is_empty() {
                attribute(&mut attributes)?;
            }
        }
        Ok(Self(content))
    }

    /// The content of its `RDNSequence`: what two equal names have in common.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Its common name, as a client's certificate has its EUI-64 or its endpoint name there (RFC 7925 §4.4.2).
    ///
    /// `None` when there is no common name, or one that is no text in UTF-8, or several: which of these is the leftmost
    /// depends on how the name is written down.
    pub fn common_name(&self) -> Option<&'a str> {
        let mut found = None;
        let mut relative_names = Reader::new(self.0);
        while !relative_names.is_empty() {
            let mut attributes = relative_names.nested(Tag::SET).ok()?;
            while !attributes.is_empty() {
                let (kind, tag, value) = attribute(&mut attributes).ok()?;
                if kind != COMMON_NAME {
                    continue;
                }
                if found.is_some() {
                    return None;
                }
                let (UTF8_STRING | PRINTABLE_STRING | IA5_STRING) = tag else {
                    return None;
                };
                found = Some(core::str::from_utf8(value).ok()?);
            }
        }
        found
    }
}

/// The next `AttributeTypeAndValue`: its type, and the tag and content of its value.
fn attribute<'a>(reader: &mut Reader<'a>) -> Result<(&'a [u8], Tag, &'a [u8]), NotDer> {
    let mut pair = reader.nested(Tag::SEQUENCE)?;
    let kind = pair.oid()?;
    let value = pair.element()?;
    pair.finish()?;
    Ok((kind, value.tag, value.content))
}

impl fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.common_name() {
            Some(name) => write!(f, "CN={name:?}"),
            None => f.write_str("Name"),
        }
    }
}
