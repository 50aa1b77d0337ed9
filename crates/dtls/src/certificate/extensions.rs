//! The extensions that RFC 7925 §4.4.4 names (RFC 5280 §4.2.1).

use core::net::IpAddr;

use super::CertificateError;
use crate::der::{NotDer, Reader, Tag, named_bits};

/// More than a certificate for a device has; it bounds the work of finding repeated ones.
const MAX_EXTENSIONS: usize = 24;

/// id-ce, 2.5.29 (RFC 5280 §4.2).
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 15];
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 17];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 37];
const NAME_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 30];

/// anyExtendedKeyUsage, 2.5.29.37.0, and id-kp-serverAuth and -clientAuth, 1.3.6.1.5.5.7.3.1 and 2 (RFC 5280
/// §4.2.1.12).
const ANY_USAGE: &[u8] = &[0x55, 0x1d, 37, 0];
const SERVER_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];
const CLIENT_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 2];

/// What the extensions of a certificate say.
#[derive(Clone, Copy, Default)]
pub(super) struct Extensions<'a> {
    /// The names, checked, without the head of their sequence.
    pub(super) subject_alt_name: Option<&'a [u8]>,
    pub(super) basic_constraints: Option<BasicConstraints>,
    pub(super) key_usage: Option<KeyUsage>,
    pub(super) extended_key_usage: Option<ExtendedKeyUsage>,
}

/// basicConstraints (RFC 5280 §4.2.1.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BasicConstraints {
    /// Whether the key may sign certificates.
    pub authority: bool,
    /// How many intermediate authorities may follow below this one; `None` is any number.
    pub path_len: Option<u8>,
}

/// keyUsage (RFC 5280 §4.2.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct KeyUsage(u16);

/// extendedKeyUsage, as far as it is about DTLS (RFC 5280 §4.2.1.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ExtendedKeyUsage {
    /// id-kp-serverAuth or anyExtendedKeyUsage is there.
    pub server: bool,
    /// id-kp-clientAuth or anyExtendedKeyUsage is there.
    pub client: bool,
}

impl KeyUsage {
    /// The key signs handshakes, which `ECDHE_ECDSA` asks for (RFC 8422 §5.3).
    pub fn digital_signature(self) -> bool {
        self.0 & 1 != 0
    }

    /// The key signs certificates.
    pub fn certificate_sign(self) -> bool {
        self.0 & 1 << 5 != 0
    }

    /// All bits, bit 0 of RFC 5280 (`digitalSignature`) as bit 0.
    pub fn bits(self) -> u16 {
        self.0
    }
}

impl<'a> Extensions<'a> {
    /// Reads the content of the field `extensions`.
    pub(super) fn parse(field: &'a [u8]) -> Result<Self, CertificateError> {
        let mut field = Reader::new(field);
        let all = field.nested(Tag::SEQUENCE)?;
        field.finish()?;
        if all.is_empty() {
            return Err(CertificateError::Malformed);
        }
        let mut found = Self::default();
        let mut rest = all;
        for place in 0..MAX_EXTENSIONS {
            if rest.is_empty() {
                return Ok(found);
            }
            let extension = Extension::parse(&mut rest)?;
            let mut before = all;
            for _ in 0..place {
                if Extension::parse(&mut before)?.id == extension.id {
                    return Err(CertificateError::RepeatedExtension);
                }
            }
            found.add(&extension)?;
        }
        if rest.is_empty() {
            Ok(found)
        } else {
            Err(CertificateError::TooManyExtensions)
        }
    }

    fn add(&mut self, extension: &Extension<'a>) -> Result<(), CertificateError> {
        let mut value = Reader::new(extension.value);
        match extension.id {
            KEY_USAGE => self.key_usage = Some(KeyUsage(named_bits(value.take(Tag::BIT_STRING)?)?)),
            SUBJECT_ALT_NAME => {
                let names = value.take(Tag::SEQUENCE)?;
                GeneralNames::check(names)?;
                self.subject_alt_name = Some(names);
            }
            BASIC_CONSTRAINTS => {
                self.basic_constraints =
                    Some(BasicConstraints::parse(value.nested(Tag::SEQUENCE)?)?);
            }
            EXTENDED_KEY_USAGE => {
                self.extended_key_usage =
                    Some(ExtendedKeyUsage::parse(value.nested(Tag::SEQUENCE)?)?);
            }
            // They are always critical (RFC 5280 §4.2.1.10); where one forgot to say so, they still mean what they say.
            NAME_CONSTRAINTS => return Err(CertificateError::UnsupportedCriticalExtension),
            _ if extension.critical => return Err(CertificateError::UnsupportedCriticalExtension),
            _ => return Ok(()),
        }
        Ok(value.finish()?)
    }
}

struct Extension<'a> {
    id: &'a [u8],
    critical: bool,
    value: &'a [u8],
}

impl<'a> Extension<'a> {
    fn parse(reader: &mut Reader<'a>) -> Result<Self, NotDer> {
        let mut fields = reader.nested(Tag::SEQUENCE)?;
        let extension = Self {
            id: fields.oid()?,
            critical: fields.boolean_default_false()?,
            value: fields.take(Tag::OCTET_STRING)?,
        };
        fields.finish()?;
        Ok(extension)
    }
}

impl BasicConstraints {
    fn parse(mut fields: Reader<'_>) -> Result<Self, NotDer> {
        let authority = fields.boolean_default_false()?;
        let path_len = if fields.is_empty() {
            None
        } else {
            Some(fields.small_integer()?)
        };
        fields.finish()?;
        // RFC 5280 §4.2.1.9: a length only for an authority.
        if path_len.is_some() && !authority {
            return Err(NotDer);
        }
        Ok(Self {
            authority,
            path_len,
        })
    }
}

impl ExtendedKeyUsage {
    fn parse(mut purposes: Reader<'_>) -> Result<Self, NotDer> {
        let mut usage = Self::default();
        if purposes.is_empty() {
            return Err(NotDer);
        }
        while !purposes.is_empty() {
            let purpose = purposes.oid()?;
            usage.server |= purpose == SERVER_AUTH || purpose == ANY_USAGE;
            usage.client |= purpose == CLIENT_AUTH || purpose == ANY_USAGE;
        }
        Ok(usage)
    }
}

/// An entry of subjectAltName (RFC 5280 §4.2.1.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum GeneralName<'a> {
    /// dNSName, as it is written: in any case, perhaps with a wildcard.
    Dns(&'a str),
    /// uniformResourceIdentifier.
    Uri(&'a str),
    /// iPAddress.
    Ip(IpAddr),
    /// Any other kind.
    Other,
}

impl<'a> GeneralName<'a> {
    fn parse(reader: &mut Reader<'a>) -> Result<Self, NotDer> {
        const EMAIL: Tag = Tag::context_primitive(1);
        const DNS: Tag = Tag::context_primitive(2);
        const URI: Tag = Tag::context_primitive(6);
        const IP: Tag = Tag::context_primitive(7);
        const REGISTERED_ID: Tag = Tag::context_primitive(8);
        const OTHER_NAME: Tag = Tag::context(0);
        const X400: Tag = Tag::context(3);
        const DIRECTORY: Tag = Tag::context(4);
        const EDI: Tag = Tag::context(5);

        let element = reader.element()?;
        match element.tag {
            EMAIL => ascii(element.content).map(|_| Self::Other),
            DNS => ascii(element.content).map(Self::Dns),
            URI => ascii(element.content).map(Self::Uri),
            IP => {
                if let Ok(bytes) = <[u8; 4]>::try_from(element.content) {
                    Ok(Self::Ip(IpAddr::from(bytes)))
                } else if let Ok(bytes) = <[u8; 16]>::try_from(element.content) {
                    Ok(Self::Ip(IpAddr::from(bytes)))
                } else {
                    Err(NotDer)
                }
            }
            REGISTERED_ID | OTHER_NAME | X400 | DIRECTORY | EDI => Ok(Self::Other),
            _ => Err(NotDer),
        }
    }
}

/// Text of at least one character that consists of printable ASCII.
fn ascii(bytes: &[u8]) -> Result<&str, NotDer> {
    if bytes.is_empty() || !bytes.iter().all(u8::is_ascii_graphic) {
        return Err(NotDer);
    }
    core::str::from_utf8(bytes).map_err(|_| NotDer)
}

/// The entries of subjectAltName, in the order of the certificate.
#[derive(Clone)]
pub struct GeneralNames<'a>(Reader<'a>);

impl<'a> GeneralNames<'a> {
    /// Of what [`GeneralNames::check`] has accepted.
    pub(super) fn new(names: &'a [u8]) -> Self {
        Self(Reader::new(names))
    }

    /// Whether every entry is one, and there is one.
    fn check(names: &[u8]) -> Result<(), NotDer> {
        let mut reader = Reader::new(names);
        GeneralName::parse(&mut reader)?;
        while !reader.is_empty() {
            GeneralName::parse(&mut reader)?;
        }
        Ok(())
    }

    /// The entries of kind dNSName.
    pub fn dns(self) -> impl Iterator<Item = &'a str> + Clone {
        self.filter_map(|name| match name {
            GeneralName::Dns(name) => Some(name),
            _ => None,
        })
    }

    /// The entries of kind uniformResourceIdentifier.
    pub fn uris(self) -> impl Iterator<Item = &'a str> + Clone {
        self.filter_map(|name| match name {
            GeneralName::Uri(name) => Some(name),
            _ => None,
        })
    }

    /// The entries of kind iPAddress.
    pub fn ip_addresses(self) -> impl Iterator<Item = IpAddr> + Clone + use<'a> {
        self.filter_map(|name| match name {
            GeneralName::Ip(address) => Some(address),
            _ => None,
        })
    }
}

impl<'a> Iterator for GeneralNames<'a> {
    type Item = GeneralName<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        // Checked when the certificate was read.
        GeneralName::parse(&mut self.0).ok()
    }
}
