use std::vec::Vec;

use super::*;

macro_rules! pki {
    ($name:literal) => {
        include_bytes!(concat!("../../tests/pki/", $name))
    };
}

const PKCS8: &[u8] = pki!("server.pkcs8");
const SEC1: &[u8] = pki!("server.sec1");
const SPKI: &[u8] = pki!("server.spki");

fn scalar() -> Zeroizing<[u8; 32]> {
    PrivateKey::from_bytes(PKCS8).unwrap().to_scalar()
}

#[test]
fn every_form_of_openssl_is_the_same_key() {
    let public = PublicKey::from_spki(SPKI).unwrap();
    let scalar = scalar();
    for (form, bytes) in [
        ("PKCS#8", PKCS8),
        ("SEC 1", SEC1),
        ("SEC 1 without public key", pki!("server-no-public.sec1")),
        ("scalar", &scalar[..]),
    ] {
        let key = PrivateKey::from_bytes(bytes).expect(form);
        assert_eq!(key.to_scalar(), scalar, "{form}");
        assert_eq!(key.public_key(), public, "{form}");
    }
}

#[test]
fn a_public_key_is_written_as_it_was_read() {
    assert_eq!(PublicKey::from_spki(SPKI).unwrap().to_spki(), SPKI);
}

#[test]
fn the_raw_public_key_message_has_one_length() {
    let key = PublicKey::from_spki(SPKI).unwrap();
    let message = key.to_message();
    assert_eq!(message[..3], [0, 0, 91]);
    assert_eq!(message[3..], *SPKI);
    assert_eq!(PublicKey::from_message(&message), Ok(key));

    let mut wrong = message;
    wrong[2] = 90;
    assert_eq!(PublicKey::from_message(&wrong), Err(KeyError::Malformed));
    assert_eq!(
        PublicKey::from_message(&message[..93]),
        Err(KeyError::Malformed)
    );
    assert_eq!(PublicKey::from_message(&[]), Err(KeyError::Malformed));
}

#[test]
fn other_keys_are_told_apart() {
    for (bytes, expected) in [
        (&pki!("server-compressed.spki")[..], KeyError::Compressed),
        (pki!("p384.spki"), KeyError::UnsupportedCurve),
        (pki!("ed25519.spki"), KeyError::UnsupportedAlgorithm),
    ] {
        assert_eq!(PublicKey::from_spki(bytes), Err(expected));
    }
    for (bytes, expected) in [
        (
            &pki!("server-explicit.sec1")[..],
            KeyError::UnsupportedCurve,
        ),
        (pki!("p384.sec1"), KeyError::UnsupportedCurve),
        (pki!("p384.pkcs8"), KeyError::UnsupportedCurve),
        (pki!("ed25519.pkcs8"), KeyError::UnsupportedAlgorithm),
        (SPKI, KeyError::Malformed),
        (&[], KeyError::Malformed),
        (&[7; 31], KeyError::Malformed),
        (&[0; 32], KeyError::OffCurve),
        (&[0xff; 32], KeyError::OffCurve),
    ] {
        assert_eq!(PrivateKey::from_bytes(bytes).err(), Some(expected));
    }
}

/// SPKI with `point` as its bit string.
fn spki(point: &[u8]) -> Vec<u8> {
    let mut bytes = SPKI_HEAD.to_vec();
    bytes.extend_from_slice(point);
    let point = u8::try_from(point.len()).unwrap();
    bytes[1] = 24 + point;
    bytes[24] = 1 + point;
    bytes
}

#[test]
fn a_point_must_be_on_the_curve() {
    let good = PublicKey::from_spki(SPKI).unwrap();
    assert_eq!(PublicKey::from_spki(&spki(good.as_point())), Ok(good));

    let mut off = *good.as_point();
    off[64] ^= 1;
    assert_eq!(PublicKey::from_spki(&spki(&off)), Err(KeyError::OffCurve));
    // Coordinates that are not below the prime.
    let mut large = [0xff; 65];
    large[0] = 4;
    assert_eq!(PublicKey::from_spki(&spki(&large)), Err(KeyError::OffCurve));
    // Infinity in its own form, and as zeros in the uncompressed one.
    assert_eq!(PublicKey::from_spki(&spki(&[0])), Err(KeyError::OffCurve));
    let mut zeros = [0; 65];
    assert_eq!(
        PublicKey::from_spki(&spki(&zeros)),
        Err(KeyError::Malformed)
    );
    zeros[0] = 4;
    assert_eq!(PublicKey::from_spki(&spki(&zeros)), Err(KeyError::OffCurve));
    // The hybrid form of SEC 1, and none.
    let mut hybrid = *good.as_point();
    hybrid[0] = 6 | good.as_point()[64] & 1;
    assert_eq!(
        PublicKey::from_spki(&spki(&hybrid)),
        Err(KeyError::Malformed)
    );
    assert_eq!(PublicKey::from_spki(&spki(&[])), Err(KeyError::Malformed));
    // Half a point.
    assert_eq!(
        PublicKey::from_spki(&spki(&good.as_point()[..64])),
        Err(KeyError::OffCurve)
    );
}

#[test]
fn nothing_may_follow_and_lengths_have_one_form() {
    let mut longer = SPKI.to_vec();
    longer.push(0);
    assert_eq!(PublicKey::from_spki(&longer), Err(KeyError::Malformed));

    let mut long_form = SPKI.to_vec();
    long_form.insert(1, 0x81);
    assert_eq!(PublicKey::from_spki(&long_form), Err(KeyError::Malformed));

    for whole in [PKCS8, SEC1] {
        let mut longer = whole.to_vec();
        longer.push(0);
        assert_eq!(
            PrivateKey::from_bytes(&longer).err(),
            Some(KeyError::Malformed)
        );
        for len in (0..whole.len()).filter(|len| *len != 32) {
            assert!(PrivateKey::from_bytes(&whole[..len]).is_err(), "{len}");
        }
    }
}

#[test]
fn the_public_key_beside_a_private_one_must_be_its_own() {
    for whole in [PKCS8, SEC1] {
        let mut other = whole.to_vec();
        let secret = other.windows(2).position(|pair| pair == [4, 32]).unwrap();
        other[secret + 33] ^= 1;
        assert_eq!(
            PrivateKey::from_bytes(&other).err(),
            Some(KeyError::Mismatch)
        );
    }
}

#[test]
fn a_curve_must_be_named_somewhere() {
    // The inner key of PKCS#8 names none, as the outer one has.
    let inner = &PKCS8[PKCS8.len() - 109..];
    assert_eq!(inner[..2], [0x30, 0x6b]);
    assert_eq!(
        PrivateKey::from_bytes(inner).err(),
        Some(KeyError::UnsupportedCurve)
    );
}

/// `OneAsymmetricKey` of version 2 with `public` in its own field (RFC 5958 §2).
fn version_2(version: u8, public: &[u8; 65]) -> Vec<u8> {
    let mut fields = Vec::from([2, 1, version]);
    fields.extend_from_slice(&SPKI_HEAD[2..23]);
    let scalar = scalar();
    fields.extend_from_slice(&[4, 39, 0x30, 37, 2, 1, 1, 4, 32]);
    fields.extend_from_slice(&scalar[..]);
    // No attributes.
    fields.extend_from_slice(&[0xa0, 0, 0x81, 66, 0]);
    fields.extend_from_slice(public);
    let mut whole = Vec::from([0x30, 0x81, u8::try_from(fields.len()).unwrap()]);
    whole.append(&mut fields);
    whole
}

#[test]
fn version_2_may_have_a_public_key_of_its_own() {
    let key = PrivateKey::from_bytes(PKCS8).unwrap();
    let point = *key.public_key().as_point();
    let read = PrivateKey::from_bytes(&version_2(1, &point)).unwrap();
    assert_eq!(read.to_scalar(), key.to_scalar());
    assert_eq!(
        PrivateKey::from_bytes(&version_2(0, &point)).err(),
        Some(KeyError::Malformed),
        "version 1 has none"
    );
    let other = PrivateKey::from_bytes(pki!("client.pkcs8")).unwrap();
    assert_eq!(
        PrivateKey::from_bytes(&version_2(1, other.public_key().as_point())).err(),
        Some(KeyError::Mismatch)
    );
}
