//! The curve against RFC 6979, and points that are none.

use std::string::String;
use std::vec::Vec;

use p256::ecdsa::Signature;
use sha2::{Digest, Sha256};

use crate::{InvalidKey, PrivateKey, PublicKey};

const SHARED: &str = "vectors/ecdsa-p256-rfc6979.json";

fn bytes<const N: usize>(value: &serde_json::Value) -> [u8; N] {
    let text = value.as_str().unwrap();
    dunlin_testkit::hex(text).try_into().unwrap()
}

fn point(x: &[u8; 32], y: &[u8; 32]) -> [u8; 65] {
    let point: Vec<u8> = [4].iter().chain(x).chain(y).copied().collect();
    point.try_into().unwrap()
}

#[test]
fn signatures_are_those_of_rfc_6979() {
    let Some(file) = dunlin_testkit::shared(SHARED) else {
        return;
    };
    let key = PrivateKey::from_scalar(&bytes(&file["private_x"])).unwrap();
    let public = point(&bytes(&file["public_ux"]), &bytes(&file["public_uy"]));
    assert_eq!(key.public_key().as_point(), &public);

    let mut tried = 0;
    for vector in file["vectors"].as_array().unwrap() {
        let message: String = vector["message"].as_str().unwrap().into();
        let hash: [u8; 32] = Sha256::digest(&message).into();
        let (r, s): ([u8; 32], [u8; 32]) = (bytes(&vector["r"]), bytes(&vector["s"]));
        let expected = Signature::from_scalars(r, s).unwrap().to_der();
        if vector["hash"] != "SHA-256" {
            assert!(!key.public_key().verify(&hash, expected.as_bytes()));
            continue;
        }
        let (signature, len) = key.sign(&hash).unwrap();
        assert_eq!(&signature[..len], expected.as_bytes(), "{message}");
        assert!(key.public_key().verify(&hash, expected.as_bytes()));
        tried += 1;
    }
    assert_eq!(tried, 2);
}

#[test]
fn a_signature_is_of_one_key_one_hash_and_one_encoding() {
    let key = PrivateKey::from_scalar(&[7; 32]).unwrap();
    let (signature, len) = key.sign(&[1; 32]).unwrap();
    let signature = &signature[..len];
    assert!(key.public_key().verify(&[1; 32], signature));
    assert!(!key.public_key().verify(&[2; 32], signature));
    let other = PrivateKey::from_scalar(&[8; 32]).unwrap();
    assert!(!other.public_key().verify(&[1; 32], signature));

    let mut longer = signature.to_vec();
    longer.push(0);
    assert!(!key.public_key().verify(&[1; 32], &longer));
    for at in 0..len {
        let mut wrong = signature.to_vec();
        wrong[at] ^= 1;
        assert!(!key.public_key().verify(&[1; 32], &wrong), "byte {at}");
    }
    // r and s of zero.
    assert!(
        !key.public_key()
            .verify(&[1; 32], &[0x30, 6, 2, 1, 0, 2, 1, 0])
    );
    assert!(!key.public_key().verify(&[1; 32], &[]));
}

#[test]
fn both_sides_agree_on_the_same_secret() {
    let (one, two) = (
        PrivateKey::from_scalar(&[7; 32]).unwrap(),
        PrivateKey::from_scalar(&[8; 32]).unwrap(),
    );
    let secret = one.agree(&two.public_key()).unwrap();
    assert_eq!(secret, two.agree(&one.public_key()).unwrap());
    assert_ne!(secret, one.agree(&one.public_key()).unwrap());
}

#[test]
fn what_is_no_point_is_no_key() {
    let good = *PrivateKey::from_scalar(&[7; 32])
        .unwrap()
        .public_key()
        .as_point();
    assert!(PublicKey::from_point(&good).is_ok());

    let mut wrong = Vec::from([
        Vec::new(),
        [0].to_vec(),
        good[..64].to_vec(),
        good[1..].to_vec(),
    ]);
    for at in [1, 32, 33, 64] {
        let mut off = good;
        off[at] ^= 1;
        wrong.push(off.to_vec());
    }
    for first in [0, 2, 3, 5, 6, 7] {
        let mut form = good;
        form[0] = first;
        wrong.push(form.to_vec());
        wrong.push(form[..33].to_vec());
    }
    let mut zeros = [0; 65];
    zeros[0] = 4;
    wrong.push(zeros.to_vec());
    let mut longer = good.to_vec();
    longer.push(0);
    wrong.push(longer);
    for bytes in wrong {
        assert_eq!(
            PublicKey::from_point(&bytes),
            Err(InvalidKey),
            "{bytes:02x?}"
        );
    }
}

#[test]
fn a_scalar_is_from_one_to_the_order_less_one() {
    let mut order = [0; 32];
    order.copy_from_slice(&dunlin_testkit::hex(
        "ffffffff00000000 ffffffffffffffff bce6faada7179e84 f3b9cac2fc632551",
    ));
    assert!(PrivateKey::from_scalar(&[0; 32]).is_err());
    assert!(PrivateKey::from_scalar(&order).is_err());
    order[31] -= 1;
    assert!(PrivateKey::from_scalar(&order).is_ok());
}
