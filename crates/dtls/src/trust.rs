//! Whether a peer's certificates are to be trusted, as LwM2M's certificate usages say (/0/x/15, after RFC 6698 §2.1.1
//! and RFC 7671 §5), on a device: without an allocator, and with P-256 alone.
//!
//! A chain must be in order (RFC 5246 §7.4.2) and is followed from its anchor down to the peer, so that who has nothing
//! signed by the anchor costs one signature check and no more.

use core::fmt;

use crate::certificate::{Certificate, CertificateError, Name, UnixTime};
use crate::{Chain, KeyError, Pin, PublicKey, UnknownNumber};

pub(crate) mod host;
mod path;

/// What a pin says about a chain: /0/x/15 (Certificate Usage).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum CertificateUsage {
    /// 0: the chain leads to an anchor of the device's own store, and an authority in it is the pinned one.
    CaConstraint,
    /// 1: the chain leads to an anchor of the device's own store, and the peer's certificate is the pinned one.
    ServiceCertificateConstraint,
    /// 2: the chain leads to the pinned authority.
    TrustAnchorAssertion,
    /// 3: the peer's certificate is the pinned one. The default.
    #[default]
    DomainIssuedCertificate,
}

impl TryFrom<u8> for CertificateUsage {
    type Error = UnknownNumber;

    /// The meaning of /0/x/15.
    fn try_from(number: u8) -> Result<Self, UnknownNumber> {
        Ok(match number {
            0 => Self::CaConstraint,
            1 => Self::ServiceCertificateConstraint,
            2 => Self::TrustAnchorAssertion,
            3 => Self::DomainIssuedCertificate,
            _ => return Err(UnknownNumber(number)),
        })
    }
}

/// What a peer must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected<'a> {
    /// Its side of the handshake, which an extendedKeyUsage must allow.
    pub role: Role,
    /// The time of now, where it is known: a device may have no clock (RFC 7252 §9.1.3.3).
    pub time: Option<UnixTime>,
    /// Its name, where one is to be checked: the SNI (/0/x/14) or the host of the server's URI; a DNS name or an IP
    /// address, with or without brackets.
    pub name: Option<&'a str>,
}

/// The side of a peer in the handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Role {
    /// The peer is the server.
    Server,
    /// The peer is the client.
    Client,
}

/// Why a chain is not trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum TrustError {
    /// The peer presented no certificate.
    NoCertificate,
    /// A certificate that cannot be read.
    Certificate(CertificateError),
    /// A key that cannot be used.
    Key(KeyError),
    /// It was valid until before now.
    Expired,
    /// It will be valid after now.
    NotYetValid,
    /// It names somebody else (RFC 7925 §4.4.1).
    WrongName,
    /// Nothing in the chain is what was pinned.
    NotPinned,
    /// The chain is not in order or leads to no anchor.
    UnknownIssuer,
    /// A signature is not that of the issuer.
    BadSignature,
    /// A signature with an algorithm other than ECDSA with SHA-256, or with the feature `sha512` SHA-384 or SHA-512.
    UnsupportedSignature,
    /// The issuer of a certificate may not sign certificates (RFC 5280 §4.2.1.3, §4.2.1.9).
    NotAnAuthority,
    /// More authorities below one than it allows (RFC 5280 §4.2.1.9).
    PathTooLong,
    /// The peer's certificate is that of an authority, which RFC 7925 §4.4.4 keeps apart.
    AuthorityAsPeer,
    /// The key of the peer may not sign handshakes (RFC 8422 §5.3).
    WrongKeyUsage,
    /// A certificate is not for this side of a handshake (RFC 5280 §4.2.1.12).
    WrongPurpose,
    /// The usage needs anchors of the device's own, and there are none.
    NoTrustAnchors,
}

impl TrustError {
    /// The description of the alert that tells the peer so (RFC 5246 §7.2.2).
    pub fn alert(self) -> u8 {
        const HANDSHAKE_FAILURE: u8 = 40;
        const BAD_CERTIFICATE: u8 = 42;
        const UNSUPPORTED_CERTIFICATE: u8 = 43;
        const CERTIFICATE_EXPIRED: u8 = 45;
        const CERTIFICATE_UNKNOWN: u8 = 46;
        const UNKNOWN_CA: u8 = 48;

        match self {
            Self::NoCertificate => HANDSHAKE_FAILURE,
            Self::Certificate(
                CertificateError::UnsupportedVersion
                | CertificateError::UnsupportedCriticalExtension,
            )
            | Self::Key(
                KeyError::UnsupportedAlgorithm | KeyError::UnsupportedCurve | KeyError::Compressed,
            )
            | Self::UnsupportedSignature
            | Self::AuthorityAsPeer
            | Self::WrongKeyUsage
            | Self::WrongPurpose => UNSUPPORTED_CERTIFICATE,
            Self::Certificate(_)
            | Self::Key(_)
            | Self::WrongName
            | Self::BadSignature
            | Self::NotAnAuthority
            | Self::PathTooLong => BAD_CERTIFICATE,
            Self::Expired | Self::NotYetValid => CERTIFICATE_EXPIRED,
            Self::NotPinned => CERTIFICATE_UNKNOWN,
            Self::UnknownIssuer | Self::NoTrustAnchors => UNKNOWN_CA,
        }
    }
}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certificate(error) => return error.fmt(f),
            Self::Key(error) => return error.fmt(f),
            Self::NoCertificate => "the peer presented no certificate",
            Self::Expired => "the certificate has expired",
            Self::NotYetValid => "the certificate is not valid yet",
            Self::WrongName => "the certificate names somebody else",
            Self::NotPinned => "the certificate is not the one that was pinned",
            Self::UnknownIssuer => "the certificates lead to no trusted authority",
            Self::BadSignature => "a certificate is not signed by its issuer",
            Self::UnsupportedSignature => "a certificate is signed with an unknown algorithm",
            Self::NotAnAuthority => "the issuer of a certificate is no authority",
            Self::PathTooLong => "more intermediate authorities than allowed",
            Self::AuthorityAsPeer => "the peer's certificate is that of an authority",
            Self::WrongKeyUsage => "the peer's key may not sign handshakes",
            Self::WrongPurpose => "a certificate is not for this side of the handshake",
            Self::NoTrustAnchors => "there are no trust anchors to check against",
        })
    }
}

impl core::error::Error for TrustError {}

impl From<CertificateError> for TrustError {
    fn from(error: CertificateError) -> Self {
        Self::Certificate(error)
    }
}

impl From<KeyError> for TrustError {
    fn from(error: KeyError) -> Self {
        Self::Key(error)
    }
}

/// An authority that is trusted without a signature of another (RFC 5280 §6.1.1 d).
#[derive(Debug, Clone, Copy)]
pub struct TrustAnchor<'a> {
    source: Source<'a>,
    key: PublicKey,
}

#[derive(Debug, Clone, Copy)]
enum Source<'a> {
    Certificate(Certificate<'a>),
    /// Nothing but a key.
    Key,
}

impl<'a> TrustAnchor<'a> {
    /// The authority whose certificate (DER) is `der`. Its dates and its own signature are not looked at.
    ///
    /// # Errors
    ///
    /// [`TrustError::Certificate`] or [`TrustError::Key`] when it cannot be read, [`TrustError::NotAnAuthority`] when
    /// it says that it is none; it need not say that it is one (RFC 6698 §2.1.1).
    pub fn from_certificate(der: &'a [u8]) -> Result<Self, TrustError> {
        let certificate = Certificate::parse(der)?;
        if certificate
            .basic_constraints()
            .is_some_and(|constraints| !constraints.authority)
            || !path::may_sign_certificates(&certificate)
        {
            return Err(TrustError::NotAnAuthority);
        }
        Ok(Self {
            source: Source::Certificate(certificate),
            key: certificate.public_key()?,
        })
    }

    fn is_pinned(&self, pin: &Pin<'_>) -> bool {
        match self.source {
            Source::Certificate(certificate) => certificate_is_pinned(&certificate, pin),
            Source::Key => pin.matches_key(&self.key),
        }
    }

    /// Its name; one that is a key alone has none.
    fn subject(&self) -> Option<Name<'a>> {
        match self.source {
            Source::Certificate(certificate) => Some(certificate.subject()),
            Source::Key => None,
        }
    }

    fn path_len(&self) -> Option<u8> {
        match self.source {
            Source::Certificate(certificate) => certificate.basic_constraints()?.path_len,
            Source::Key => None,
        }
    }
}

/// What a device trusts: the resources 4, 13 and 15 of an instance of the Security object.
#[derive(Debug, Clone, Copy)]
pub struct Trust<'a> {
    usage: CertificateUsage,
    pin: Pin<'a>,
    anchors: &'a [TrustAnchor<'a>],
}

impl<'a> Trust<'a> {
    /// Trusts what `pin` is, in the sense of `usage`.
    pub fn new(usage: CertificateUsage, pin: Pin<'a>) -> Self {
        Self {
            usage,
            pin,
            anchors: &[],
        }
    }

    /// With the device's own store of authorities, which the usages 0 and 1 build on and the others do not look at.
    #[must_use]
    pub fn with_anchors(self, anchors: &'a [TrustAnchor<'a>]) -> Self {
        Self { anchors, ..self }
    }

    /// Whether the peer with this `chain` is the expected one; gives its key, which its signature in the handshake is
    /// still to be checked with.
    ///
    /// A name that is expected is checked in every usage, as LwM2M's tests want it (ETS 403). The dates are not where
    /// the peer's own certificate is pinned without an authority (usage 3): the pin says what holds (RFC 7671 §5.1).
    ///
    /// # Errors
    ///
    /// [`TrustError`].
    pub fn check(
        &self,
        chain: &Chain<'_>,
        expected: &Expected<'_>,
    ) -> Result<PublicKey, TrustError> {
        let der = chain.end_entity().ok_or(TrustError::NoCertificate)?;
        let peer = Certificate::parse(der)?;
        let key = peer.public_key()?;
        match self.usage {
            CertificateUsage::DomainIssuedCertificate => self.is_pinned(&peer)?,
            CertificateUsage::ServiceCertificateConstraint => {
                self.is_pinned(&peer)?;
                path::follow(chain, self.anchors, expected)?;
            }
            CertificateUsage::CaConstraint => {
                let path = path::follow(chain, self.anchors, expected)?;
                if !path.has_authority(&self.pin)? {
                    return Err(TrustError::NotPinned);
                }
            }
            CertificateUsage::TrustAnchorAssertion => {
                path::follow(chain, &[self.asserted(chain)?], expected)?;
            }
        }
        match expected.name {
            Some(name) if !host::is_named(&peer, name) => Err(TrustError::WrongName),
            _ => Ok(key),
        }
    }

    fn is_pinned(&self, peer: &Certificate<'_>) -> Result<(), TrustError> {
        if certificate_is_pinned(peer, &self.pin) {
            Ok(())
        } else {
            Err(TrustError::NotPinned)
        }
    }

    /// The authority that is pinned: kept whole, or found by its hash or key among those that the peer presents
    /// (RFC 7671 §5.2).
    fn asserted<'b>(&self, chain: &Chain<'b>) -> Result<TrustAnchor<'b>, TrustError>
    where
        'a: 'b,
    {
        if let Some(der) = self.pin.exact()
            && Certificate::parse(der).is_ok()
        {
            return TrustAnchor::from_certificate(der);
        }
        for der in chain.certificates().skip(1) {
            let certificate = Certificate::parse(der)?;
            if certificate_is_pinned(&certificate, &self.pin) {
                return TrustAnchor::from_certificate(der);
            }
        }
        // A key that signed the last of the chain, whatever its name.
        match self.pin.exact() {
            Some(spki) => Ok(TrustAnchor {
                source: Source::Key,
                key: PublicKey::from_spki(spki)?,
            }),
            None => Err(TrustError::NotPinned),
        }
    }
}

/// Whether `certificate` or its key is pinned.
fn certificate_is_pinned(certificate: &Certificate<'_>, pin: &Pin<'_>) -> bool {
    pin.matches(certificate.as_der()) || pin.matches(certificate.spki())
}

#[cfg(test)]
mod tests;
