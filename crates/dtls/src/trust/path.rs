//! Following a chain from an anchor to the peer (RFC 5280 §6.1).

use sha2::{Digest, Sha256};
#[cfg(feature = "sha512")]
use sha2::{Sha384, Sha512};

use super::{Expected, Role, TrustAnchor, TrustError, certificate_is_pinned};
use crate::certificate::{Certificate, SignatureAlgorithm};
use crate::{Chain, Pin, PublicKey};

/// A chain that was followed down from an anchor.
pub(super) struct Path<'a, 'p> {
    anchor: &'p TrustAnchor<'a>,
    chain: Chain<'a>,
    /// How many authorities of the chain stand between the peer and the anchor.
    authorities: usize,
}

impl Path<'_, '_> {
    /// Whether the anchor or an authority below it is pinned.
    pub(super) fn has_authority(&self, pin: &Pin<'_>) -> Result<bool, TrustError> {
        if self.anchor.is_pinned(pin) {
            return Ok(true);
        }
        for der in self.chain.certificates().skip(1).take(self.authorities) {
            if certificate_is_pinned(&Certificate::parse(der)?, pin) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Follows the shortest part of `chain` that one of `anchors` has issued. What the chain has above it is not looked at.
pub(super) fn follow<'a, 'p>(
    chain: &Chain<'a>,
    anchors: &'p [TrustAnchor<'a>],
    expected: &Expected<'_>,
) -> Result<Path<'a, 'p>, TrustError> {
    if anchors.is_empty() {
        return Err(TrustError::NoTrustAnchors);
    }
    let last = chain.len().saturating_sub(1);
    for (authorities, der) in chain.certificates().enumerate() {
        let highest = Certificate::parse(der)?;
        let mut issuers = anchors
            .iter()
            .filter(|anchor| match anchor.subject() {
                Some(subject) => subject == highest.issuer(),
                None => authorities == last,
            })
            .peekable();
        if issuers.peek().is_none() {
            continue;
        }
        // Several may have one name, as when an authority changes its key.
        let mut result = Err(TrustError::UnknownIssuer);
        for anchor in issuers {
            result = is_signed(&highest, &anchor.key).map(|()| anchor);
            if result.is_ok() {
                break;
            }
        }
        let anchor = result?;
        is_allowed_below(anchor.path_len(), authorities)?;
        descend(chain, highest, authorities, expected)?;
        return Ok(Path {
            anchor,
            chain: *chain,
            authorities,
        });
    }
    Err(TrustError::UnknownIssuer)
}

/// From the certificate at place `authorities` of `chain`, whose signature is checked, down to the peer's.
fn descend<'a>(
    chain: &Chain<'a>,
    highest: Certificate<'a>,
    authorities: usize,
    expected: &Expected<'_>,
) -> Result<(), TrustError> {
    let mut upper = highest;
    for place in (0..authorities).rev() {
        // The upper one stands at `place + 1`, so that many authorities as `place` are below it.
        is_authority(&upper, place)?;
        is_for(&upper, expected)?;
        let der = chain.certificates().nth(place);
        let lower = Certificate::parse(der.ok_or(TrustError::UnknownIssuer)?)?;
        if lower.issuer() != upper.subject() {
            return Err(TrustError::UnknownIssuer);
        }
        is_signed(&lower, &upper.public_key()?)?;
        upper = lower;
    }
    is_peer(&upper)?;
    is_for(&upper, expected)
}

/// Whether `certificate` is signed with the key `issuer` (RFC 5280 §6.1.3 a 1).
fn is_signed(certificate: &Certificate<'_>, issuer: &PublicKey) -> Result<(), TrustError> {
    let tbs = certificate.tbs();
    // ECDSA takes the leftmost bits of a hash that is longer than the order of the curve (FIPS 186-4 §6.4).
    let hash = match certificate.signature_algorithm() {
        SignatureAlgorithm::EcdsaSha256 => Sha256::digest(tbs).first_chunk().copied(),
        #[cfg(feature = "sha512")]
        SignatureAlgorithm::EcdsaSha384 => Sha384::digest(tbs).first_chunk().copied(),
        #[cfg(feature = "sha512")]
        SignatureAlgorithm::EcdsaSha512 => Sha512::digest(tbs).first_chunk().copied(),
        _ => None,
    };
    let hash = hash.ok_or(TrustError::UnsupportedSignature)?;
    if issuer.verify(&hash, certificate.signature()) {
        Ok(())
    } else {
        Err(TrustError::BadSignature)
    }
}

/// Whether `certificate` is that of an authority with `below` others under it (RFC 5280 §6.1.4 k to n).
fn is_authority(certificate: &Certificate<'_>, below: usize) -> Result<(), TrustError> {
    let path_len = match certificate.basic_constraints() {
        Some(constraints) if constraints.authority => constraints.path_len,
        _ => return Err(TrustError::NotAnAuthority),
    };
    if !may_sign_certificates(certificate) {
        return Err(TrustError::NotAnAuthority);
    }
    is_allowed_below(path_len, below)
}

/// Whether an authority with the constraint `path_len` may have `below` others under it.
fn is_allowed_below(path_len: Option<u8>, below: usize) -> Result<(), TrustError> {
    match path_len {
        Some(most) if below > usize::from(most) => Err(TrustError::PathTooLong),
        _ => Ok(()),
    }
}

/// Whether the key of `certificate` may sign certificates (RFC 5280 §4.2.1.3).
pub(super) fn may_sign_certificates(certificate: &Certificate<'_>) -> bool {
    certificate
        .key_usage()
        .is_none_or(crate::certificate::KeyUsage::certificate_sign)
}

/// Whether `certificate` is one for the end of a chain, that signs handshakes.
fn is_peer(certificate: &Certificate<'_>) -> Result<(), TrustError> {
    if certificate
        .basic_constraints()
        .is_some_and(|constraints| constraints.authority)
    {
        return Err(TrustError::AuthorityAsPeer);
    }
    match certificate.key_usage() {
        Some(usage) if !usage.digital_signature() => Err(TrustError::WrongKeyUsage),
        _ => Ok(()),
    }
}

/// Whether `certificate` is valid now and for what is expected. The purposes of authorities bind what is below them,
/// as it is common practice.
fn is_for(certificate: &Certificate<'_>, expected: &Expected<'_>) -> Result<(), TrustError> {
    if let Some(now) = expected.time {
        if now < certificate.not_before() {
            return Err(TrustError::NotYetValid);
        }
        if now > certificate.not_after() {
            return Err(TrustError::Expired);
        }
    }
    let allowed = certificate
        .extended_key_usage()
        .is_none_or(|usage| match expected.role {
            Role::Server => usage.server,
            Role::Client => usage.client,
        });
    if allowed {
        Ok(())
    } else {
        Err(TrustError::WrongPurpose)
    }
}
