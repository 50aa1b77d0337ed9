use std::vec;

use super::*;
use crate::certificate::CertificateError;
use crate::trust::{CertificateUsage, Expected, Trust};
use crate::{MatchingType, Pin};

macro_rules! pki {
    ($name:literal) => {
        include_bytes!(concat!("../../tests/pki/", $name)).as_slice()
    };
}

const ROOT: &[u8] = pki!("root.der");
const INTERMEDIATE: &[u8] = pki!("intermediate.der");
const SERVER: &[u8] = pki!("server.der");
const NOW: UnixTime = UnixTime(1_750_000_000);

fn with_chain<T>(certificates: &[&[u8]], check: impl FnOnce(&Chain<'_>) -> T) -> T {
    let mut buffer = vec![0; 4096];
    check(&Chain::parse(Chain::write(certificates, &mut buffer).unwrap()).unwrap())
}

fn check(
    certificates: &[&[u8]],
    role: Role,
    time: UnixTime,
    name: Option<&str>,
) -> Result<PublicKey, TrustError> {
    let verifier = ChainVerifier::new([ROOT]).unwrap();
    with_chain(certificates, |chain| {
        verifier.check(chain, role, time, name)
    })
}

#[test]
fn a_chain_to_a_root_gives_the_key() {
    let key = Certificate::parse(SERVER).unwrap().public_key().unwrap();
    for name in [None, Some("server.example.com")] {
        assert_eq!(
            check(&[SERVER, INTERMEDIATE], Role::Server, NOW, name),
            Ok(key)
        );
    }
    let client = check(&[pki!("client.der"), INTERMEDIATE], Role::Client, NOW, None);
    assert!(client.is_ok());
}

#[test]
fn roots_must_be_certificates() {
    let none: [&[u8]; 0] = [];
    assert_eq!(
        ChainVerifier::new(none).err(),
        Some(TrustError::NoTrustAnchors)
    );
    assert_eq!(
        ChainVerifier::new([ROOT, &ROOT[1..]]).err(),
        Some(CertificateError::Malformed.into())
    );
}

/// What every chain of `tests/pki` comes to, here and by the rules for devices.
#[test]
fn devices_and_servers_judge_alike() {
    let server = "server.example.com";
    for (chain, role, name, expected) in [
        (
            &[SERVER, INTERMEDIATE][..],
            Role::Server,
            Some(server),
            None,
        ),
        (
            &[SERVER, INTERMEDIATE, ROOT],
            Role::Server,
            Some(server),
            None,
        ),
        (&[pki!("sha384.der")], Role::Server, Some(server), None),
        (&[pki!("unknown.der")], Role::Client, None, None),
        (&[pki!("names.der")], Role::Server, Some("a.example"), None),
        (&[], Role::Server, None, Some(TrustError::NoCertificate)),
        (
            &[SERVER, INTERMEDIATE],
            Role::Server,
            Some("server-fail.example.com"),
            Some(TrustError::WrongName),
        ),
        (
            &[pki!("wildcard.der")],
            Role::Server,
            Some(server),
            Some(TrustError::WrongName),
        ),
        (
            &[SERVER, INTERMEDIATE],
            Role::Client,
            None,
            Some(TrustError::WrongPurpose),
        ),
        (
            &[pki!("client.der"), INTERMEDIATE],
            Role::Server,
            None,
            Some(TrustError::WrongPurpose),
        ),
        (
            &[SERVER],
            Role::Server,
            None,
            Some(TrustError::UnknownIssuer),
        ),
        (
            &[pki!("of-peer.der"), pki!("any-purpose.der")],
            Role::Server,
            None,
            Some(TrustError::NotAnAuthority),
        ),
        (
            &[pki!("too-deep.der"), pki!("deeper.der"), INTERMEDIATE],
            Role::Server,
            None,
            Some(TrustError::PathTooLong),
        ),
        (
            &[pki!("of-for-clients.der"), pki!("for-clients.der")],
            Role::Server,
            None,
            Some(TrustError::WrongPurpose),
        ),
        (
            &[pki!("of-impostor.der")],
            Role::Server,
            None,
            Some(TrustError::BadSignature),
        ),
        (
            &[INTERMEDIATE],
            Role::Server,
            None,
            Some(TrustError::AuthorityAsPeer),
        ),
        (
            &[pki!("agreement.der")],
            Role::Server,
            None,
            Some(TrustError::WrongKeyUsage),
        ),
        (
            &[pki!("sha1.der")],
            Role::Server,
            None,
            Some(TrustError::UnsupportedSignature),
        ),
        (
            &[pki!("critical.der")],
            Role::Server,
            None,
            Some(TrustError::Certificate(
                CertificateError::UnsupportedCriticalExtension,
            )),
        ),
    ] {
        let expected = expected.map_or(Ok(()), Err);
        assert_eq!(
            check(chain, role, NOW, name).map(|_| ()),
            expected,
            "on a server"
        );
        let trust = Trust::new(
            CertificateUsage::TrustAnchorAssertion,
            Pin::new(MatchingType::Exact, ROOT).unwrap(),
        );
        let wanted = Expected {
            role,
            time: Some(NOW),
            name,
        };
        assert_eq!(
            with_chain(chain, |chain| trust.check(chain, &wanted)).map(|_| ()),
            expected,
            "on a device"
        );
    }
}

#[test]
fn dates_hold_to_the_second() {
    let dates = pki!("dates.der");
    let at = |seconds| check(&[dates], Role::Server, UnixTime(seconds), None).map(|_| ());
    assert_eq!(at(-1), Err(TrustError::NotYetValid));
    assert_eq!(at(1_735_689_599), Err(TrustError::NotYetValid));
    assert_eq!(at(1_735_689_600), Ok(()));
    assert_eq!(at(1_767_225_599), Ok(()));
    assert_eq!(at(1_767_225_600), Err(TrustError::Expired));

    let later = UnixTime(1_767_225_600);
    let chain = [pki!("of-year.der"), pki!("year.der")];
    assert!(check(&chain, Role::Server, NOW, None).is_ok());
    assert_eq!(
        check(&chain, Role::Server, later, None),
        Err(TrustError::Expired)
    );
}
