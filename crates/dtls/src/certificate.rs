//! X.509 certificates (RFC 5280) in the profile of RFC 7925 §4.4.4, as views of their DER.

use core::fmt;

use crate::der::{Element, NotDer, Reader, Tag};
use crate::{KeyError, PublicKey};

mod extensions;
mod name;
mod time;

pub use extensions::{BasicConstraints, ExtendedKeyUsage, GeneralName, GeneralNames, KeyUsage};
pub use name::Name;
pub use time::UnixTime;

use extensions::Extensions;

/// The most bytes of a serial number: 20, and one that keeps it positive (RFC 5280 §4.1.2.2).
const MAX_SERIAL: usize = 21;

/// A certificate: a view of its DER, which was checked whole when the view was made.
///
/// Nothing is verified here: neither the signature nor the dates nor whom it names.
#[derive(Clone, Copy)]
pub struct Certificate<'a> {
    der: &'a [u8],
    tbs: &'a [u8],
    serial: &'a [u8],
    signature_algorithm: SignatureAlgorithm,
    signature: &'a [u8],
    issuer: Name<'a>,
    not_before: UnixTime,
    not_after: UnixTime,
    subject: Name<'a>,
    spki: &'a [u8],
    extensions: Extensions<'a>,
}

/// Which algorithm a certificate is signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SignatureAlgorithm {
    /// ecdsa-with-SHA256 (RFC 5758 §3.2): what RFC 7252 §9.1.3.3 asks for.
    EcdsaSha256,
    /// ecdsa-with-SHA384.
    EcdsaSha384,
    /// ecdsa-with-SHA512.
    EcdsaSha512,
    /// Any other: nothing here can check it.
    Other,
}

/// Why bytes are no certificate that can be used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum CertificateError {
    /// Not the DER of a certificate, or there is more than the certificate.
    Malformed,
    /// A version other than 3 (RFC 7925 §4.4.4).
    UnsupportedVersion,
    /// The two places that name the signature's algorithm differ (RFC 5280 §4.1.1.2).
    AlgorithmsDiffer,
    /// An extension is critical and unknown (RFC 5280 §4.2), such as name constraints.
    UnsupportedCriticalExtension,
    /// An extension is there twice (RFC 5280 §4.2).
    RepeatedExtension,
    /// More extensions than any certificate for a device has.
    TooManyExtensions,
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "not the DER encoding of a certificate",
            Self::UnsupportedVersion => "a certificate of a version other than 3",
            Self::AlgorithmsDiffer => "the signature's algorithm is named in two ways",
            Self::UnsupportedCriticalExtension => "an unknown critical extension",
            Self::RepeatedExtension => "an extension is there twice",
            Self::TooManyExtensions => "too many extensions",
        })
    }
}

impl core::error::Error for CertificateError {}

impl From<NotDer> for CertificateError {
    fn from(_: NotDer) -> Self {
        Self::Malformed
    }
}

impl<'a> Certificate<'a> {
    /// Reads the certificate in `der` (RFC 5280 §4.1).
    ///
    /// # Errors
    ///
    /// [`CertificateError`] when it is not exactly one certificate of version 3 in DER, or has a critical extension
    /// other than subjectAltName, basicConstraints, keyUsage and extendedKeyUsage, which RFC 7925 §4.4.4 names.
    pub fn parse(der: &'a [u8]) -> Result<Self, CertificateError> {
        let mut outer = Reader::new(der);
        let mut certificate = outer.nested(Tag::SEQUENCE)?;
        outer.finish()?;
        let to_be_signed = certificate.element()?;
        if to_be_signed.tag != Tag::SEQUENCE {
            return Err(CertificateError::Malformed);
        }
        let algorithm = certificate.take(Tag::SEQUENCE)?;
        let signature = certificate.octets()?;
        certificate.finish()?;

        let mut fields = Reader::new(to_be_signed.content);
        // Version 1 is the default and therefore not written.
        let mut version = match fields.take_optional(Tag::context(0))? {
            Some(version) => Reader::new(version),
            None => return Err(CertificateError::UnsupportedVersion),
        };
        if version.small_integer()? != 2 {
            return Err(CertificateError::UnsupportedVersion);
        }
        version.finish()?;
        let serial = fields.integer()?;
        if serial.len() > MAX_SERIAL {
            return Err(CertificateError::Malformed);
        }
        if fields.take(Tag::SEQUENCE)? != algorithm {
            return Err(CertificateError::AlgorithmsDiffer);
        }
        let issuer = Name::parse(&mut fields)?;
        let mut validity = fields.nested(Tag::SEQUENCE)?;
        let not_before = time::time(&mut validity)?;
        let not_after = time::time(&mut validity)?;
        validity.finish()?;
        let subject = Name::parse(&mut fields)?;
        let spki = fields.element()?;
        if spki.tag != Tag::SEQUENCE {
            return Err(CertificateError::Malformed);
        }
        let mut key = Reader::new(spki.content);
        algorithm_identifier(key.nested(Tag::SEQUENCE)?)?;
        key.octets()?;
        key.finish()?;
        // Of unique identifiers, which may stand here, RFC 5280 §4.1.2.8 says that nobody must make them.
        let extensions = match fields.take_optional(Tag::context(3))? {
            Some(list) => Extensions::parse(list)?,
            None => Extensions::default(),
        };
        fields.finish()?;

        Ok(Self {
            der,
            tbs: to_be_signed.whole,
            serial,
            signature_algorithm: SignatureAlgorithm::of(algorithm)?,
            signature,
            issuer,
            not_before,
            not_after,
            subject,
            spki: spki.whole,
            extensions,
        })
    }

    /// All of it.
    pub fn as_der(&self) -> &'a [u8] {
        self.der
    }

    /// What is signed: the DER of the `TBSCertificate` (RFC 5280 §4.1.1.1).
    pub fn tbs(&self) -> &'a [u8] {
        self.tbs
    }

    /// The serial number, big-endian in two's complement; at most 21 bytes (RFC 5280 §4.1.2.2).
    pub fn serial(&self) -> &'a [u8] {
        self.serial
    }

    /// What it is signed with (RFC 5280 §4.1.1.2).
    pub fn signature_algorithm(&self) -> SignatureAlgorithm {
        self.signature_algorithm
    }

    /// The signature, in the form of its algorithm; for ECDSA the DER of `Ecdsa-Sig-Value` (RFC 5280 §4.1.1.3).
    pub fn signature(&self) -> &'a [u8] {
        self.signature
    }

    /// Who signed it (RFC 5280 §4.1.2.4).
    pub fn issuer(&self) -> Name<'a> {
        self.issuer
    }

    /// The first second at which it is valid (RFC 5280 §4.1.2.5).
    pub fn not_before(&self) -> UnixTime {
        self.not_before
    }

    /// The last second at which it is valid (RFC 5280 §4.1.2.5).
    pub fn not_after(&self) -> UnixTime {
        self.not_after
    }

    /// Whom it speaks of (RFC 5280 §4.1.2.6).
    pub fn subject(&self) -> Name<'a> {
        self.subject
    }

    /// The DER of its `SubjectPublicKeyInfo`, of whatever algorithm (RFC 5280 §4.1.2.7).
    pub fn spki(&self) -> &'a [u8] {
        self.spki
    }

    /// Its public key.
    ///
    /// # Errors
    ///
    /// [`KeyError`] when that is no key on P-256.
    pub fn public_key(&self) -> Result<PublicKey, KeyError> {
        PublicKey::from_spki(self.spki)
    }

    /// Whether it has the extension subjectAltName (RFC 5280 §4.2.1.6).
    pub fn has_subject_alt_name(&self) -> bool {
        self.extensions.subject_alt_name.is_some()
    }

    /// The entries of subjectAltName (RFC 5280 §4.2.1.6); none where there is no such extension.
    pub fn subject_alt_names(&self) -> GeneralNames<'a> {
        GeneralNames::new(self.extensions.subject_alt_name.unwrap_or_default())
    }

    /// basicConstraints: whether it may sign certificates (RFC 5280 §4.2.1.9).
    pub fn basic_constraints(&self) -> Option<BasicConstraints> {
        self.extensions.basic_constraints
    }

    /// keyUsage: what the key is for; anything where there is no such extension (RFC 5280 §4.2.1.3).
    pub fn key_usage(&self) -> Option<KeyUsage> {
        self.extensions.key_usage
    }

    /// extendedKeyUsage: what the certificate is for; anything where there is no such extension (RFC 5280 §4.2.1.12).
    pub fn extended_key_usage(&self) -> Option<ExtendedKeyUsage> {
        self.extensions.extended_key_usage
    }
}

impl fmt::Debug for Certificate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("subject", &self.subject)
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

impl SignatureAlgorithm {
    /// The algorithm that the content of an `AlgorithmIdentifier` names.
    fn of(identifier: &[u8]) -> Result<Self, NotDer> {
        /// ecdsa-with-SHA2, 1.2.840.10045.4.3 (RFC 5758 §3.2).
        const ECDSA_SHA2: [u8; 7] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03];

        let (oid, parameters) = algorithm_identifier(Reader::new(identifier))?;
        let algorithm = match oid.split_first_chunk() {
            Some((&ECDSA_SHA2, [2])) => Self::EcdsaSha256,
            Some((&ECDSA_SHA2, [3])) => Self::EcdsaSha384,
            Some((&ECDSA_SHA2, [4])) => Self::EcdsaSha512,
            _ => return Ok(Self::Other),
        };
        // RFC 5758 §3.2: without parameters.
        match parameters {
            None => Ok(algorithm),
            Some(_) => Err(NotDer),
        }
    }
}

/// The algorithm and the parameters in the content of an `AlgorithmIdentifier` (RFC 5280 §4.1.1.2).
fn algorithm_identifier(mut content: Reader<'_>) -> Result<(&[u8], Option<Element<'_>>), NotDer> {
    let algorithm = content.oid()?;
    let parameters = if content.is_empty() {
        None
    } else {
        Some(content.element()?)
    };
    content.finish()?;
    Ok((algorithm, parameters))
}

#[cfg(test)]
mod tests;
