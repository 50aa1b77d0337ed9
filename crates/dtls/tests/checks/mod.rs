//! What must hold for every input, called by the properties here and by the fuzz target `dtls_certificate`.

use dunlin_dtls::certificate::Certificate;
use dunlin_dtls::trust::{CertificateUsage, Expected, Role, Trust};
use dunlin_dtls::{Chain, MatchingType, Pin, PrivateKey, PublicKey};
use x509_cert::der::{Decode, Encode, ErrorKind};

/// Takes `input` for everything that a peer or a provisioning server may say about keys.
pub(crate) fn all(input: &[u8]) {
    certificate(input);
    public_key(input);
    private_key(input);
    chain(input);
}

fn certificate(input: &[u8]) {
    let Ok(certificate) = Certificate::parse(input) else {
        return;
    };
    assert_eq!(certificate.as_der(), input);
    for part in [
        certificate.tbs(),
        certificate.spki(),
        certificate.signature(),
        certificate.issuer().as_bytes(),
    ] {
        let (part, whole) = (part.as_ptr_range(), input.as_ptr_range());
        assert!(whole.start <= part.start && part.end <= whole.end);
    }
    assert_eq!(
        certificate.has_subject_alt_name(),
        certificate.subject_alt_names().count() > 0
    );
    second_opinion(&certificate);

    let key = certificate.public_key();
    if let Ok(key) = key {
        assert_eq!(key.to_spki(), certificate.spki());
    }
    // Pinned it is trusted whatever it says, and as its own authority it is looked at by all rules.
    let mut buffer = vec![0; 6 + input.len()];
    let body = Chain::write(&[input], &mut buffer).unwrap();
    let chain = Chain::parse(body).unwrap();
    for usage in [
        CertificateUsage::DomainIssuedCertificate,
        CertificateUsage::TrustAnchorAssertion,
    ] {
        let trust = Trust::new(usage, Pin::new(MatchingType::Exact, input).unwrap());
        let expected = Expected {
            role: Role::Server,
            time: None,
            name: None,
        };
        let trusted = trust.check(&chain, &expected);
        if usage == CertificateUsage::DomainIssuedCertificate {
            assert_eq!(trusted.is_ok(), key.is_ok());
        }
        let named = Expected {
            name: Some("server.example.com"),
            ..expected
        };
        if let Ok(named) = trust.check(&chain, &named) {
            assert_eq!(trusted, Ok(named), "a name makes nothing good");
        }
    }
}

/// What we accept, `x509-cert` accepts with the same meaning.
fn second_opinion(ours: &Certificate<'_>) {
    // It knows no time before 1970.
    if ours.not_before().0 < 0 || ours.not_after().0 < 0 {
        return;
    }
    let theirs = match x509_cert::Certificate::from_der(ours.as_der()) {
        Ok(theirs) => theirs,
        // It knows no object identifier from 2.40 on, nor numbers beyond 32 bits in them, and not every type that an
        // attribute of a name may have.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::OidMalformed | ErrorKind::TagUnknown { .. }
            ) =>
        {
            return;
        }
        Err(error) => panic!("x509-cert refuses it: {error}"),
    };
    let theirs = theirs.tbs_certificate();
    assert_eq!(theirs.serial_number().as_bytes(), ours.serial());
    let validity = theirs.validity();
    for (theirs, ours) in [
        (validity.not_before, ours.not_before()),
        (validity.not_after, ours.not_after()),
    ] {
        assert_eq!(
            i64::try_from(theirs.to_unix_duration().as_secs()),
            Ok(ours.0)
        );
    }
    // Its own encoding of dates differs where an authority took the longer form before 2050.
    for (theirs, ours) in [
        (theirs.issuer(), ours.issuer()),
        (theirs.subject(), ours.subject()),
    ] {
        assert!(theirs.to_der().unwrap().ends_with(ours.as_bytes()));
    }
    let spki = theirs.subject_public_key_info().to_der().unwrap();
    assert_eq!(spki, ours.spki());
}

fn public_key(input: &[u8]) {
    if let Ok(key) = PublicKey::from_spki(input) {
        assert_eq!(key.to_spki(), input, "there is one encoding");
    }
    if let Ok(key) = PublicKey::from_message(input) {
        assert_eq!(key.to_message(), input, "there is one encoding");
    }
    if let Ok(key) = PublicKey::from_point(input) {
        assert_eq!(PublicKey::from_spki(&key.to_spki()), Ok(key));
    }
}

fn private_key(input: &[u8]) {
    if let Ok(key) = PrivateKey::from_bytes(input) {
        let scalar = key.to_scalar();
        assert!(input.windows(32).any(|part| part == &scalar[..]));
        let again = PrivateKey::from_bytes(&scalar[..]).unwrap();
        assert_eq!(again.public_key(), key.public_key());
    }
}

fn chain(input: &[u8]) {
    let Ok(chain) = Chain::parse(input) else {
        return;
    };
    let certificates: Vec<_> = chain.certificates().collect();
    assert_eq!(certificates.len(), chain.len());
    let mut buffer = vec![0; input.len()];
    assert_eq!(Chain::write(&certificates, &mut buffer), Some(input));
    for der in certificates {
        certificate(der);
    }
}
