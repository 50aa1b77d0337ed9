//! Chains of certificates on systems with `std`, checked by `rustls-webpki`.

use std::vec::Vec;

use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime as WebpkiTime};
use webpki::{EndEntityCert, Error, KeyUsage, anchor_from_trusted_cert, ring};

use crate::certificate::{Certificate, UnixTime};
use crate::trust::{Role, TrustError, host};
use crate::{Chain, PublicKey};

/// With what certificates may be signed: ECDSA, as RFC 7925 §4.4.4 has it. Authorities may have a key on P-384.
const ALGORITHMS: &[&dyn rustls_pki_types::SignatureVerificationAlgorithm] = &[
    ring::ECDSA_P256_SHA256,
    ring::ECDSA_P256_SHA384,
    ring::ECDSA_P384_SHA256,
    ring::ECDSA_P384_SHA384,
];

/// Checks the certificates of peers against a set of authorities, whatever their order.
///
/// A server holds one for all its clients; a device without `std` has [`Trust`](crate::trust::Trust).
#[derive(Debug, Clone)]
pub struct ChainVerifier {
    roots: Vec<TrustAnchor<'static>>,
}

impl ChainVerifier {
    /// Trusts the authorities whose certificates (DER) are `roots`. Their dates are not looked at.
    ///
    /// # Errors
    ///
    /// [`TrustError::NoTrustAnchors`] when there is none, or why one cannot be read.
    pub fn new<T: AsRef<[u8]>>(roots: impl IntoIterator<Item = T>) -> Result<Self, TrustError> {
        let roots = roots
            .into_iter()
            .map(|der| {
                anchor_from_trusted_cert(&CertificateDer::from(der.as_ref()))
                    .map(|anchor| anchor.to_owned())
                    .map_err(|error| reason(&error))
            })
            .collect::<Result<Vec<_>, _>>()?;
        if roots.is_empty() {
            return Err(TrustError::NoTrustAnchors);
        }
        Ok(Self { roots })
    }

    /// Whether the certificates that a peer in `role` presents lead to an authority at `time` (RFC 5280 §6), and its
    /// own names `name`, where one is expected; gives the peer's key, which its signature in the handshake is still to
    /// be checked with.
    ///
    /// Names are compared as [`Trust`](crate::trust::Trust) does, so that servers and devices have one rule.
    ///
    /// # Errors
    ///
    /// [`TrustError`].
    pub fn check(
        &self,
        chain: &Chain<'_>,
        role: Role,
        time: UnixTime,
        name: Option<&str>,
    ) -> Result<PublicKey, TrustError> {
        let der = chain.end_entity().ok_or(TrustError::NoCertificate)?;
        let peer = Certificate::parse(der)?;
        let key = peer.public_key()?;
        let seconds = u64::try_from(time.0).map_err(|_| TrustError::NotYetValid)?;
        let intermediates: Vec<_> = chain
            .certificates()
            .skip(1)
            .map(CertificateDer::from)
            .collect();
        let usage = match role {
            Role::Server => KeyUsage::server_auth(),
            Role::Client => KeyUsage::client_auth(),
        };
        let der = CertificateDer::from(der);
        EndEntityCert::try_from(&der)
            .and_then(|end_entity| {
                end_entity
                    .verify_for_usage(
                        ALGORITHMS,
                        &self.roots,
                        &intermediates,
                        WebpkiTime::since_unix_epoch(core::time::Duration::from_secs(seconds)),
                        usage,
                        None,
                        None,
                    )
                    .map(|_| ())
            })
            .map_err(|error| reason(&error))?;
        // The handshake's signature is not webpki's business, so neither is this (RFC 8422 §5.3).
        if peer
            .key_usage()
            .is_some_and(|usage| !usage.digital_signature())
        {
            return Err(TrustError::WrongKeyUsage);
        }
        match name {
            Some(name) if !host::is_named(&peer, name) => Err(TrustError::WrongName),
            _ => Ok(key),
        }
    }
}

/// The error of `rustls-webpki` in our words.
fn reason(error: &Error) -> TrustError {
    use crate::certificate::CertificateError;

    match error {
        Error::CertExpired { .. } => TrustError::Expired,
        Error::CertNotValidYet { .. } => TrustError::NotYetValid,
        Error::CertNotValidForName(_) | Error::NameConstraintViolation => TrustError::WrongName,
        Error::UnknownIssuer
        | Error::MaximumPathBuildCallsExceeded
        | Error::MaximumSignatureChecksExceeded => TrustError::UnknownIssuer,
        Error::InvalidSignatureForPublicKey => TrustError::BadSignature,
        Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            TrustError::UnsupportedSignature
        }
        Error::EndEntityUsedAsCa => TrustError::NotAnAuthority,
        Error::PathLenConstraintViolated | Error::MaximumPathDepthExceeded => {
            TrustError::PathTooLong
        }
        Error::CaUsedAsEndEntity => TrustError::AuthorityAsPeer,
        Error::RequiredEkuNotFoundContext(_) => TrustError::WrongPurpose,
        Error::UnsupportedCertVersion => CertificateError::UnsupportedVersion.into(),
        Error::UnsupportedCriticalExtension => {
            CertificateError::UnsupportedCriticalExtension.into()
        }
        _ => CertificateError::Malformed.into(),
    }
}

#[cfg(test)]
mod tests;
