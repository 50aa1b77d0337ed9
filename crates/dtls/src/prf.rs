//! The pseudo-random function with SHA-256 (RFC 5246 §5) and what is made with it.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

/// A master secret.
pub(crate) type MasterSecret = Zeroizing<[u8; 48]>;

/// HMAC with SHA-256 over the parts of a message.
pub(crate) fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = keyed(key);
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// HMAC for a key of any length (RFC 2104 §2): one longer than a block is hashed first, a shorter one padded.
fn keyed(key: &[u8]) -> Hmac<Sha256> {
    let mut block = Zeroizing::new([0; 64]);
    if let Some(front) = block.get_mut(..key.len()) {
        front.copy_from_slice(key);
    } else {
        let mut hash: [u8; 32] = Sha256::digest(key).into();
        for (to, from) in block.iter_mut().zip(hash) {
            *to = from;
        }
        hash.zeroize();
    }
    Hmac::new((&*block).into())
}

/// `PRF(secret, label, seed)`, as many bytes as `out` has.
pub(crate) fn prf(secret: &[u8], label: &[u8], seed: &[&[u8]], out: &mut [u8]) {
    let mac = keyed(secret);
    let feed = |mac: &mut Hmac<Sha256>| {
        mac.update(label);
        for part in seed {
            mac.update(part);
        }
    };
    let mut first = mac.clone();
    feed(&mut first);
    let mut a: [u8; 32] = first.finalize().into_bytes().into();
    let mut chunks = out.chunks_mut(32).peekable();
    while let Some(chunk) = chunks.next() {
        let mut block = mac.clone();
        block.update(&a);
        feed(&mut block);
        let mut bytes: [u8; 32] = block.finalize().into_bytes().into();
        for (to, from) in chunk.iter_mut().zip(bytes) {
            *to = from;
        }
        bytes.zeroize();
        if chunks.peek().is_some() {
            let mut next = mac.clone();
            next.update(&a);
            a = next.finalize().into_bytes().into();
        }
    }
    a.zeroize();
}

/// The master secret by the extended derivation (RFC 7627 §4), or by that of RFC 5246 §8.1.
pub(crate) fn master_secret(
    premaster: &[u8],
    session_hash: Option<&[u8; 32]>,
    client_random: &[u8; 32],
    server_random: &[u8; 32],
) -> MasterSecret {
    let mut master = MasterSecret::new([0; 48]);
    match session_hash {
        Some(hash) => prf(
            premaster,
            b"extended master secret",
            &[hash],
            master.as_mut(),
        ),
        None => prf(
            premaster,
            b"master secret",
            &[client_random, server_random],
            master.as_mut(),
        ),
    }
    master
}

/// The `verify_data` of a Finished message (RFC 5246 §7.4.9).
pub(crate) fn verify_data(
    master: &MasterSecret,
    by_client: bool,
    transcript: &[u8; 32],
) -> [u8; 12] {
    let label: &[u8] = if by_client {
        b"client finished"
    } else {
        b"server finished"
    };
    let mut data = [0; 12];
    prf(master.as_ref(), label, &[transcript], &mut data);
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test vector of the PRF with SHA-256 that was posted to the TLS working group's list.
    #[test]
    fn the_known_vector() {
        use dunlin_testkit::hex;

        let secret = hex("9bbe436ba940f017b17652849a71db35");
        let seed = hex("a0ba9f936cda311827a6f796ffd5198c");
        let mut out = [0; 100];
        prf(&secret, b"test label", &[&seed[..5], &seed[5..]], &mut out);
        let expected = hex(
            "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af0fa022f7\
             077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff70187347b66",
        );
        assert_eq!(out[..], expected[..]);
    }

    #[test]
    fn a_key_longer_than_a_block_is_hashed() {
        let long = [7; 65];
        let hash: [u8; 32] = Sha256::digest(long).into();
        assert_eq!(hmac_sha256(&long, &[b"x"]), hmac_sha256(&hash, &[b"x"]));
        assert_ne!(
            hmac_sha256(&long, &[b"x"]),
            hmac_sha256(&long[..64], &[b"x"])
        );
    }
}
