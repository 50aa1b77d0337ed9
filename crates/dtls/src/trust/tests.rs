use std::vec;
use std::vec::Vec;

use sha2::{Digest, Sha256};
#[cfg(feature = "sha512")]
use sha2::{Sha384, Sha512};

use super::*;
use crate::MatchingType;

macro_rules! pki {
    ($name:literal) => {
        include_bytes!(concat!("../../tests/pki/", $name)).as_slice()
    };
}

const ROOT: &[u8] = pki!("root.der");
const INTERMEDIATE: &[u8] = pki!("intermediate.der");
const SERVER: &[u8] = pki!("server.der");
const CLIENT: &[u8] = pki!("client.der");
const FULL: &[&[u8]] = &[SERVER, INTERMEDIATE];

const SERVER_ROLE: Expected<'static> = Expected {
    role: Role::Server,
    time: None,
    name: None,
};

fn check(trust: Trust<'_>, chain: &[&[u8]], expected: &Expected<'_>) -> Result<(), TrustError> {
    let mut buffer = vec![0; 4096];
    let chain = Chain::parse(Chain::write(chain, &mut buffer).unwrap()).unwrap();
    let key = trust.check(&chain, expected)?;
    let peer = Certificate::parse(chain.end_entity().unwrap()).unwrap();
    assert_eq!(Ok(key), peer.public_key());
    Ok(())
}

fn exact(usage: CertificateUsage, pin: &[u8]) -> Trust<'_> {
    Trust::new(usage, Pin::new(MatchingType::Exact, pin).unwrap())
}

/// Checks `chain` with the authority `root` asserted, as usage 2.
fn below(root: &[u8], chain: &[&[u8]], expected: &Expected<'_>) -> Result<(), TrustError> {
    check(
        exact(CertificateUsage::TrustAnchorAssertion, root),
        chain,
        expected,
    )
}

/// Every way in which `der` and its key can be pinned.
fn pins(der: &[u8]) -> Vec<(MatchingType, Vec<u8>)> {
    let spki = Certificate::parse(der).unwrap().spki();
    [der, spki]
        .into_iter()
        .flat_map(|pinned| {
            [
                (MatchingType::Exact, pinned.to_vec()),
                (MatchingType::Sha256, Sha256::digest(pinned).to_vec()),
                #[cfg(feature = "sha512")]
                (MatchingType::Sha384, Sha384::digest(pinned).to_vec()),
                #[cfg(feature = "sha512")]
                (MatchingType::Sha512, Sha512::digest(pinned).to_vec()),
            ]
        })
        .collect()
}

#[test]
fn numbers_are_those_of_the_security_object() {
    use CertificateUsage::*;

    let usages = [0, 1, 2, 3].map(|number| CertificateUsage::try_from(number).unwrap());
    let names = [
        CaConstraint,
        ServiceCertificateConstraint,
        TrustAnchorAssertion,
        DomainIssuedCertificate,
    ];
    assert_eq!(usages, names);
    assert_eq!(CertificateUsage::try_from(4), Err(UnknownNumber(4)));
    assert_eq!(CertificateUsage::default(), DomainIssuedCertificate);
}

#[test]
fn usage_3_takes_the_pinned_certificate_and_no_other() {
    for (matching, data) in pins(SERVER) {
        let trust = Trust::new(
            CertificateUsage::DomainIssuedCertificate,
            Pin::new(matching, &data).unwrap(),
        );
        assert_eq!(check(trust, &[SERVER], &SERVER_ROLE), Ok(()), "{trust:?}");
        assert_eq!(check(trust, FULL, &SERVER_ROLE), Ok(()));
        for other in [CLIENT, pki!("self-signed.der")] {
            assert_eq!(
                check(trust, &[other, SERVER], &SERVER_ROLE),
                Err(TrustError::NotPinned)
            );
        }
    }
    let own = pki!("self-signed.der");
    let trust = exact(CertificateUsage::DomainIssuedCertificate, own);
    assert_eq!(check(trust, &[own], &SERVER_ROLE), Ok(()));
}

#[test]
fn usage_3_looks_at_the_name_but_not_at_the_dates() {
    let expected = Expected {
        time: Some(UnixTime(4_000_000_000)),
        name: Some("server.example.com"),
        ..SERVER_ROLE
    };
    let dates = pki!("dates.der");
    let trust = exact(CertificateUsage::DomainIssuedCertificate, dates);
    assert_eq!(check(trust, &[dates], &expected), Ok(()));
    // ETS 403.
    let other = Expected {
        name: Some("server-fail.example.com"),
        ..expected
    };
    assert_eq!(check(trust, &[dates], &other), Err(TrustError::WrongName));
}

#[test]
fn usage_2_takes_what_the_pinned_authority_has_issued() {
    for (matching, data) in pins(ROOT) {
        let trust = Trust::new(
            CertificateUsage::TrustAnchorAssertion,
            Pin::new(matching, &data).unwrap(),
        );
        let with_root = [SERVER, INTERMEDIATE, ROOT];
        assert_eq!(check(trust, &with_root, &SERVER_ROLE), Ok(()), "{trust:?}");
        // Of a hash alone nobody knows the key.
        let without_root = match matching {
            MatchingType::Exact => Ok(()),
            _ => Err(TrustError::NotPinned),
        };
        assert_eq!(check(trust, FULL, &SERVER_ROLE), without_root, "{trust:?}");
        assert!(check(trust, &[SERVER], &SERVER_ROLE).is_err());
    }
    for (matching, data) in pins(INTERMEDIATE) {
        let trust = Trust::new(
            CertificateUsage::TrustAnchorAssertion,
            Pin::new(matching, &data).unwrap(),
        );
        assert_eq!(check(trust, FULL, &SERVER_ROLE), Ok(()), "{trust:?}");
    }
    assert_eq!(below(INTERMEDIATE, &[SERVER], &SERVER_ROLE), Ok(()));
}

#[test]
fn the_peers_own_certificate_is_no_authority_to_assert() {
    let (_, hash) = &pins(SERVER)[1];
    let trust = Trust::new(
        CertificateUsage::TrustAnchorAssertion,
        Pin::new(MatchingType::Sha256, hash).unwrap(),
    );
    assert_eq!(check(trust, FULL, &SERVER_ROLE), Err(TrustError::NotPinned));
    let own = pki!("self-signed.der");
    assert_eq!(
        below(own, &[own], &SERVER_ROLE),
        Err(TrustError::AuthorityAsPeer)
    );
}

#[test]
fn usages_0_and_1_need_anchors_of_the_devices_own() {
    let anchors = [TrustAnchor::from_certificate(ROOT).unwrap()];
    let other = [TrustAnchor::from_certificate(pki!("deeper.der")).unwrap()];
    for (usage, pinned, wrong) in [
        (CertificateUsage::CaConstraint, INTERMEDIATE, SERVER),
        (CertificateUsage::CaConstraint, ROOT, pki!("deeper.der")),
        (
            CertificateUsage::ServiceCertificateConstraint,
            SERVER,
            INTERMEDIATE,
        ),
    ] {
        for (matching, data) in pins(pinned) {
            let trust = Trust::new(usage, Pin::new(matching, &data).unwrap());
            assert_eq!(
                check(trust.with_anchors(&anchors), FULL, &SERVER_ROLE),
                Ok(()),
                "{trust:?}"
            );
            assert_eq!(
                check(trust.with_anchors(&other), FULL, &SERVER_ROLE),
                Err(TrustError::UnknownIssuer)
            );
            assert_eq!(
                check(trust, FULL, &SERVER_ROLE),
                Err(TrustError::NoTrustAnchors)
            );
        }
        assert_eq!(
            check(
                exact(usage, wrong).with_anchors(&anchors),
                FULL,
                &SERVER_ROLE
            ),
            Err(TrustError::NotPinned)
        );
    }
    // What stands above the part that was followed is not part of the path.
    let trust = exact(CertificateUsage::CaConstraint, pki!("deeper.der")).with_anchors(&anchors);
    let padded = [SERVER, INTERMEDIATE, pki!("deeper.der")];
    assert_eq!(
        check(trust, &padded, &SERVER_ROLE),
        Err(TrustError::NotPinned)
    );
}

#[test]
fn an_authority_may_have_changed_its_key() {
    let mut anchors =
        [pki!("impostor.der"), ROOT].map(|der| TrustAnchor::from_certificate(der).unwrap());
    for _ in 0..2 {
        let trust = exact(CertificateUsage::CaConstraint, INTERMEDIATE).with_anchors(&anchors);
        assert_eq!(check(trust, FULL, &SERVER_ROLE), Ok(()));
        anchors.reverse();
    }
}

#[test]
fn a_chain_is_in_order_and_whole() {
    assert_eq!(below(ROOT, FULL, &SERVER_ROLE), Ok(()));
    for (chain, error) in [
        (&[][..], TrustError::NoCertificate),
        (&[SERVER], TrustError::UnknownIssuer),
        (&[SERVER, ROOT, INTERMEDIATE], TrustError::UnknownIssuer),
        (&[pki!("self-signed.der")], TrustError::UnknownIssuer),
        (
            &[pki!("of-peer.der"), pki!("any-purpose.der")],
            TrustError::NotAnAuthority,
        ),
        (
            &[pki!("of-no-signer.der"), pki!("no-signer.der")],
            TrustError::NotAnAuthority,
        ),
        (
            &[pki!("too-deep.der"), pki!("deeper.der"), INTERMEDIATE],
            TrustError::PathTooLong,
        ),
        (
            &[pki!("of-for-clients.der"), pki!("for-clients.der")],
            TrustError::WrongPurpose,
        ),
        (&[pki!("of-impostor.der")], TrustError::BadSignature),
        (&[INTERMEDIATE], TrustError::AuthorityAsPeer),
        (&[ROOT], TrustError::AuthorityAsPeer),
        (&[pki!("agreement.der")], TrustError::WrongKeyUsage),
        (&[CLIENT, INTERMEDIATE], TrustError::WrongPurpose),
        (&[pki!("sha1.der")], TrustError::UnsupportedSignature),
        (
            &[pki!("rsa.der")],
            TrustError::Key(KeyError::UnsupportedAlgorithm),
        ),
        (
            &[pki!("critical.der")],
            TrustError::Certificate(CertificateError::UnsupportedCriticalExtension),
        ),
        (
            &[SERVER, pki!("version-1.der")],
            TrustError::Certificate(CertificateError::UnsupportedVersion),
        ),
    ] {
        assert_eq!(below(ROOT, chain, &SERVER_ROLE), Err(error));
    }
    let sha384 = if cfg!(feature = "sha512") {
        Ok(())
    } else {
        Err(TrustError::UnsupportedSignature)
    };
    assert_eq!(below(ROOT, &[pki!("sha384.der")], &SERVER_ROLE), sha384);
    assert_eq!(below(ROOT, &[pki!("unknown.der")], &SERVER_ROLE), Ok(()));
    let client = Expected {
        role: Role::Client,
        ..SERVER_ROLE
    };
    assert_eq!(below(ROOT, &[CLIENT, INTERMEDIATE], &client), Ok(()));
    assert_eq!(below(ROOT, &[pki!("any-purpose.der")], &client), Ok(()));
    assert_eq!(below(ROOT, FULL, &client), Err(TrustError::WrongPurpose));
}

#[test]
fn an_anchors_own_limits_hold() {
    // `intermediate` allows no authority below itself.
    assert_eq!(
        below(
            INTERMEDIATE,
            &[pki!("too-deep.der"), pki!("deeper.der")],
            &SERVER_ROLE
        ),
        Err(TrustError::PathTooLong)
    );
    for der in [SERVER, pki!("agreement.der"), pki!("no-signer.der")] {
        assert_eq!(
            TrustAnchor::from_certificate(der).err(),
            Some(TrustError::NotAnAuthority)
        );
    }
}

#[test]
fn dates_hold_to_the_second_where_the_time_is_known() {
    let chain = [pki!("dates.der")];
    let at = |seconds| {
        let expected = Expected {
            time: Some(UnixTime(seconds)),
            ..SERVER_ROLE
        };
        below(ROOT, &chain, &expected)
    };
    assert_eq!(at(1_735_689_599), Err(TrustError::NotYetValid));
    assert_eq!(at(1_735_689_600), Ok(()));
    assert_eq!(at(1_767_225_599), Ok(()));
    assert_eq!(at(1_767_225_600), Err(TrustError::Expired));
    assert_eq!(below(ROOT, &chain, &SERVER_ROLE), Ok(()));

    // The dates of an authority count, those of the anchor do not.
    let at = |seconds| Expected {
        time: Some(UnixTime(seconds)),
        ..SERVER_ROLE
    };
    let chain = [pki!("of-year.der"), pki!("year.der")];
    assert_eq!(below(ROOT, &chain, &at(1_735_689_600)), Ok(()));
    for (seconds, error) in [
        (1_735_689_599, TrustError::NotYetValid),
        (1_767_225_600, TrustError::Expired),
    ] {
        assert_eq!(below(ROOT, &chain, &at(seconds)), Err(error));
        assert_eq!(below(pki!("year.der"), &chain[..1], &at(seconds)), Ok(()));
    }
    assert_eq!(below(ROOT, &[pki!("before-unix.der")], &at(0)), Ok(()));
}

#[test]
fn the_name_is_checked_last() {
    let expected = Expected {
        name: Some("server-fail.example.com"),
        ..SERVER_ROLE
    };
    assert_eq!(below(ROOT, FULL, &expected), Err(TrustError::WrongName));
    assert_eq!(
        below(ROOT, &[pki!("of-impostor.der")], &expected),
        Err(TrustError::BadSignature)
    );
}

#[test]
fn one_changed_bit_of_what_is_signed_is_seen() {
    let tbs = Certificate::parse(SERVER).unwrap().tbs();
    let start = tbs.as_ptr() as usize - SERVER.as_ptr() as usize;
    for at in (start..start + tbs.len()).step_by(7) {
        let mut changed = SERVER.to_vec();
        changed[at] ^= 1;
        assert!(
            below(ROOT, &[&changed, INTERMEDIATE], &SERVER_ROLE).is_err(),
            "byte {at}"
        );
    }
}

#[test]
fn alerts_are_those_of_rfc_5246() {
    for (error, alert) in [
        (TrustError::NoCertificate, 40),
        (TrustError::BadSignature, 42),
        (TrustError::WrongPurpose, 43),
        (TrustError::Expired, 45),
        (TrustError::NotPinned, 46),
        (TrustError::UnknownIssuer, 48),
    ] {
        assert_eq!(error.alert(), alert);
    }
}
