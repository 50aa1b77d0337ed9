//! How devices prove who they are.

use core::fmt;
use std::sync::Arc;

use dunlin_dtls::{ChainVerifier, PublicKey};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// The longest PSK identity in bytes (`LwM2M` Transport 1.2.2 §5.2.5 asks for 128).
const MAX_IDENTITY: usize = 128;

/// The shortest PSK in bytes: what AES-128 is worth (RFC 7925 §4.2 warns of keys with less entropy).
const MIN_KEY: usize = 16;

/// The longest certificate in bytes.
const MAX_CERTIFICATE: usize = 8 * 1024;

/// A credential of a device, by which the manager knows its endpoint name (`LwM2M` Transport 1.2.2 §5.2).
///
/// A device has at most one of each kind. Its secret is never shown.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credential {
    /// A pre-shared key (RFC 4279).
    Psk {
        /// The identity that the device gives: 1 to 128 bytes, mostly UTF-8.
        identity: Box<[u8]>,
        /// The key.
        key: SecretKey,
    },
    /// A raw public key (RFC 7250) on the curve P-256.
    RawPublicKey {
        /// The SubjectPublicKeyInfo in DER.
        spki: Box<[u8]>,
    },
    /// A certificate.
    Certificate {
        /// The SHA-256 of the certificate in DER.
        fingerprint: [u8; 32],
    },
    /// Any certificate that leads to an authority and whose subject's common name is the endpoint name.
    Authority {
        /// The certificate of the authority in DER.
        certificate: Box<[u8]>,
        /// Its SHA-256.
        fingerprint: [u8; 32],
    },
}

/// The kinds of credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CredentialKind {
    /// A pre-shared key.
    Psk,
    /// A raw public key.
    RawPublicKey,
    /// A certificate.
    Certificate,
    /// A certificate of an authority.
    Authority,
}

impl Credential {
    /// A pre-shared key.
    ///
    /// # Errors
    ///
    /// [`CredentialError::Identity`] and [`CredentialError::Key`] for lengths that are not taken.
    pub fn psk(identity: &[u8], key: &[u8]) -> Result<Self, CredentialError> {
        if identity.is_empty() || identity.len() > MAX_IDENTITY {
            return Err(CredentialError::Identity);
        }
        Ok(Self::Psk {
            identity: identity.into(),
            key: SecretKey::new(key).ok_or(CredentialError::Key)?,
        })
    }

    /// A raw public key: a SubjectPublicKeyInfo in DER.
    ///
    /// # Errors
    ///
    /// [`CredentialError::PublicKey`] if it is none on the curve P-256.
    pub fn raw_public_key(spki: &[u8]) -> Result<Self, CredentialError> {
        let key = PublicKey::from_spki(spki).map_err(|_| CredentialError::PublicKey)?;
        Ok(Self::RawPublicKey {
            spki: key.to_spki().into(),
        })
    }

    /// A certificate in DER.
    ///
    /// # Errors
    ///
    /// [`CredentialError::Certificate`] if it is none.
    pub fn certificate(der: &[u8]) -> Result<Self, CredentialError> {
        if der.len() > MAX_CERTIFICATE || dunlin_dtls::Certificate::parse(der).is_err() {
            return Err(CredentialError::Certificate);
        }
        Ok(Self::Certificate {
            fingerprint: Sha256::digest(der).into(),
        })
    }

    /// Any certificate that leads to an authority, whose own certificate in DER this is.
    ///
    /// # Errors
    ///
    /// [`CredentialError::Certificate`] if it is none.
    pub fn authority(der: &[u8]) -> Result<Self, CredentialError> {
        if der.len() > MAX_CERTIFICATE || ChainVerifier::new([der]).is_err() {
            return Err(CredentialError::Certificate);
        }
        Ok(Self::Authority {
            certificate: der.into(),
            fingerprint: Sha256::digest(der).into(),
        })
    }

    /// Which kind it is of.
    pub const fn kind(&self) -> CredentialKind {
        match self {
            Self::Psk { .. } => CredentialKind::Psk,
            Self::RawPublicKey { .. } => CredentialKind::RawPublicKey,
            Self::Certificate { .. } => CredentialKind::Certificate,
            Self::Authority { .. } => CredentialKind::Authority,
        }
    }

    /// What is not secret of it. But for authorities no two devices have the same.
    pub fn identity(&self) -> &[u8] {
        match self {
            Self::Psk { identity, .. } => identity,
            Self::RawPublicKey { spki } => spki,
            Self::Certificate { fingerprint } | Self::Authority { fingerprint, .. } => fingerprint,
        }
    }
}

impl CredentialKind {
    /// The name in the store and in the API: `psk`, `rpk`, `x509` or `x509-ca`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Psk => "psk",
            Self::RawPublicKey => "rpk",
            Self::Certificate => "x509",
            Self::Authority => "x509-ca",
        }
    }

    /// All of them. In tickets they go by their places here.
    pub(crate) const ALL: [Self; 4] = [
        Self::Psk,
        Self::RawPublicKey,
        Self::Certificate,
        Self::Authority,
    ];

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether each credential of the kind is one device's alone.
    pub(crate) const fn is_unique(self) -> bool {
        !matches!(self, Self::Authority)
    }
}

/// A pre-shared key. It is wiped when dropped, and never printed.
#[derive(Clone)]
pub struct SecretKey(Zeroizing<Box<[u8]>>);

impl SecretKey {
    /// A key of 16 to 64 bytes.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        (MIN_KEY..=dunlin_dtls::PskKey::MAX_LEN)
            .contains(&bytes.len())
            .then(|| Self(Zeroizing::new(bytes.into())))
    }

    /// The bytes, for the store.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq for SecretKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for SecretKey {}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey")
    }
}

/// A credential of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCredential {
    /// The device.
    pub endpoint: Arc<str>,
    /// How it proves that it is the one.
    pub credential: Credential,
}

/// What of a credential may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CredentialInfo {
    /// The device.
    pub endpoint: Arc<str>,
    /// The kind.
    pub kind: CredentialKind,
    /// The PSK identity, the SubjectPublicKeyInfo, or the fingerprint of the certificate or of the authority.
    pub identity: Box<[u8]>,
}

/// Credentials in the order of endpoint names and kinds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CredentialPage {
    /// The credentials of this page.
    pub credentials: Vec<CredentialInfo>,
    /// How many match in all.
    pub total: usize,
}

/// Why something is no credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// The PSK identity is empty or too long.
    #[error("a PSK identity has 1 to 128 bytes")]
    Identity,
    /// The key is too short or too long.
    #[error("a pre-shared key has 16 to 64 bytes")]
    Key,
    /// The public key is none.
    #[error("a raw public key is the SubjectPublicKeyInfo of a key on the curve P-256, in DER")]
    PublicKey,
    /// The private key is none.
    #[error("it is no private key on the curve P-256 in DER (PKCS#8 or SEC 1)")]
    PrivateKey,
    /// The certificate is none, or not that of the private key.
    #[error(
        "it is no X.509 certificate in DER, or longer than 8 KiB, or not that of the private key"
    )]
    Certificate,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_credential_is_refused() {
        assert!(Credential::psk(b"", &[1; 16]).is_err());
        assert!(Credential::psk(&[b'x'; 129], &[1; 16]).is_err());
        assert_eq!(Credential::psk(b"x", &[1; 15]), Err(CredentialError::Key));
        assert_eq!(Credential::psk(b"x", &[1; 65]), Err(CredentialError::Key));
        assert!(Credential::psk(&[0xff; 128], &[1; 64]).is_ok());
        assert!(Credential::raw_public_key(&[0x30; 91]).is_err());
        assert!(Credential::certificate(b"not one").is_err());
        assert!(Credential::authority(b"not one").is_err());
    }

    #[test]
    fn a_key_is_never_printed() {
        let credential = Credential::psk(b"who", b"sixteen secrets!").unwrap();
        let text = format!("{credential:?}");
        assert!(
            text.contains("SecretKey") && !text.contains("115"),
            "{text}"
        );
    }
}
