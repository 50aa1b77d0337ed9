use std::vec::Vec;

use super::*;

macro_rules! pki {
    ($name:literal) => {
        &include_bytes!(concat!("../../tests/pki/", $name))[..]
    };
}

fn parse(der: &[u8]) -> Certificate<'_> {
    Certificate::parse(der).unwrap()
}

#[test]
fn a_server_certificate_says_what_openssl_was_told() {
    let server = parse(pki!("server.der"));
    assert_eq!(server.as_der(), pki!("server.der"));
    assert_eq!(server.subject().common_name(), Some("A server"));
    assert_eq!(server.issuer().common_name(), Some("Intermediate"));
    assert_eq!(server.issuer(), parse(pki!("intermediate.der")).subject());
    assert_eq!(server.spki(), pki!("server.spki"));
    assert_eq!(
        server.public_key(),
        PublicKey::from_spki(pki!("server.spki"))
    );
    assert_eq!(server.not_before(), UnixTime(1_577_836_800));
    assert_eq!(server.not_after(), UnixTime(253_402_300_799));
    assert_eq!(
        server.signature_algorithm(),
        SignatureAlgorithm::EcdsaSha256
    );
    assert_eq!(server.signature()[0], 0x30);
    assert_eq!(server.tbs()[..2], [0x30, 0x82]);
    assert_eq!(server.serial(), [0x10, 4]);
    assert_eq!(
        server.subject_alt_names().collect::<Vec<_>>(),
        [GeneralName::Dns("server.example.com")]
    );
    assert_eq!(server.basic_constraints(), None);
    let usage = server.key_usage().unwrap();
    assert!(usage.digital_signature() && !usage.certificate_sign());
    assert_eq!(
        server.extended_key_usage(),
        Some(ExtendedKeyUsage {
            server: true,
            client: false
        })
    );
}

#[test]
fn an_authority_says_so() {
    let root = parse(pki!("root.der"));
    assert_eq!(root.issuer(), root.subject());
    assert_eq!(
        root.basic_constraints(),
        Some(BasicConstraints {
            authority: true,
            path_len: None
        })
    );
    let intermediate = parse(pki!("intermediate.der"));
    assert_eq!(intermediate.basic_constraints().unwrap().path_len, Some(0));
    // keyCertSign and cRLSign are bits 5 and 6.
    assert_eq!(intermediate.key_usage().unwrap().bits(), 0x60);
}

#[test]
fn a_client_is_named_by_its_common_name() {
    let client = parse(pki!("client.der"));
    assert_eq!(client.subject().common_name(), Some("0123456789ABCDEF"));
    assert!(!client.has_subject_alt_name());
    let purposes = client.extended_key_usage().unwrap();
    assert!(purposes.client && !purposes.server);
    let any = parse(pki!("any-purpose.der")).extended_key_usage().unwrap();
    assert!(any.client && any.server);
}

#[test]
fn every_kind_of_name_is_known() {
    let certificate = parse(pki!("names.der"));
    let names: Vec<_> = certificate.subject_alt_names().collect();
    assert_eq!(
        names,
        [
            GeneralName::Dns("a.example"),
            GeneralName::Dns("b.example"),
            GeneralName::Ip("192.0.2.1".parse().unwrap()),
            GeneralName::Ip("2001:db8::1".parse().unwrap()),
            GeneralName::Uri("coaps://c.example:5684"),
            GeneralName::Other,
            GeneralName::Other,
            GeneralName::Other,
            GeneralName::Other,
        ]
    );
    let names = certificate.subject_alt_names();
    assert!(names.clone().dns().eq(["a.example", "b.example"]));
    assert!(names.clone().uris().eq(["coaps://c.example:5684"]));
    assert_eq!(names.ip_addresses().count(), 2);
}

#[test]
fn other_algorithms_are_seen_but_not_taken() {
    let rsa = parse(pki!("rsa.der"));
    assert_eq!(rsa.public_key(), Err(KeyError::UnsupportedAlgorithm));
    let p384 = parse(pki!("p384.der"));
    assert_eq!(p384.public_key(), Err(KeyError::UnsupportedCurve));
    for (der, algorithm) in [
        (pki!("sha384.der"), SignatureAlgorithm::EcdsaSha384),
        (pki!("sha1.der"), SignatureAlgorithm::Other),
    ] {
        assert_eq!(parse(der).signature_algorithm(), algorithm);
    }
}

#[test]
fn what_the_profile_has_not_is_refused() {
    for (der, error) in [
        (
            pki!("critical.der"),
            CertificateError::UnsupportedCriticalExtension,
        ),
        (
            pki!("constrained.der"),
            CertificateError::UnsupportedCriticalExtension,
        ),
        (pki!("version-1.der"), CertificateError::UnsupportedVersion),
        (pki!("server.spki"), CertificateError::Malformed),
    ] {
        assert_eq!(Certificate::parse(der).err(), Some(error));
    }
    assert!(Certificate::parse(pki!("unknown.der")).is_ok());
    assert!(Certificate::parse(pki!("self-signed.der")).is_ok());
}

#[test]
fn no_part_and_nothing_more_is_a_certificate() {
    let whole = pki!("names.der");
    for len in 0..whole.len() {
        assert!(Certificate::parse(&whole[..len]).is_err(), "{len}");
    }
    let mut longer = whole.to_vec();
    longer.push(0);
    assert_eq!(
        Certificate::parse(&longer).err(),
        Some(CertificateError::Malformed)
    );
}

/// `der` with the first `from` replaced by `to`, which is as long.
fn replaced(der: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = der
        .windows(from.len())
        .position(|part| part == from)
        .unwrap();
    let mut out = der.to_vec();
    out[at..at + to.len()].copy_from_slice(to);
    out
}

#[test]
fn the_algorithm_is_named_twice_alike() {
    // The first of the two stands in what is signed.
    let other = replaced(
        pki!("server.der"),
        &[0xce, 0x3d, 4, 3, 2],
        &[0xce, 0x3d, 4, 3, 3],
    );
    assert_eq!(
        Certificate::parse(&other).err(),
        Some(CertificateError::AlgorithmsDiffer)
    );
}

#[test]
fn an_extension_stands_once() {
    // keyUsage becomes a second extendedKeyUsage.
    let twice = replaced(pki!("server.der"), &[0x55, 0x1d, 15], &[0x55, 0x1d, 37]);
    let error = Certificate::parse(&twice).err();
    assert_eq!(error, Some(CertificateError::RepeatedExtension));
    // Unknown ones are compared too: subjectKeyIdentifier becomes a second authorityKeyIdentifier.
    let twice = replaced(pki!("server.der"), &[0x55, 0x1d, 14], &[0x55, 0x1d, 35]);
    let error = Certificate::parse(&twice).err();
    assert_eq!(error, Some(CertificateError::RepeatedExtension));
}

#[test]
fn several_common_names_are_none() {
    // organizationName becomes another commonName.
    let two = replaced(
        pki!("server.der"),
        &[0x55, 4, 10, 0x0c, 6],
        &[0x55, 4, 3, 0x0c, 6],
    );
    assert_eq!(parse(&two).issuer().common_name(), None);
    // A text that is no text.
    let not_utf8 = replaced(pki!("server.der"), b"A server", b"\xff server");
    assert_eq!(parse(&not_utf8).subject().common_name(), None);
}

#[test]
fn names_are_ascii_and_addresses_whole() {
    let ip = [0x87, 4, 192, 0, 2, 1];
    for (from, to) in [
        (&b"a.example"[..], &b"a.examp\xffe"[..]),
        (b"a.example", b"a.examp\0e"),
        (b"a.example", b"a.examp e"),
        // Five bytes of an address: its length and that of the entry after it.
        (&ip, &[0x87, 5, 192, 0, 2, 1]),
        // A kind that does not exist.
        (&ip, &[0x89, 4, 192, 0, 2, 1]),
    ] {
        assert_eq!(
            Certificate::parse(&replaced(pki!("names.der"), from, to)).err(),
            Some(CertificateError::Malformed),
            "{to:02x?}"
        );
    }
}
