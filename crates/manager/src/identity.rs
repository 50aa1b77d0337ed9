//! What the manager proves itself by to devices with raw public keys or certificates.

use core::fmt;

use dunlin_dtls::{PrivateKey, SPKI_LEN};

use zeroize::Zeroizing;

use crate::CredentialError;

/// The manager's own key on the curve P-256 and its certificates. Devices with pre-shared keys need none.
pub struct ServerIdentity {
    private_key: PrivateKey,
    certificates: Vec<Box<[u8]>>,
}

impl ServerIdentity {
    /// A private key in DER (PKCS#8 or SEC 1) and the chain of certificates in DER, the manager's own first; none if there
    /// are only devices with raw public keys.
    ///
    /// # Errors
    ///
    /// [`CredentialError::PrivateKey`] if the key is none, [`CredentialError::Certificate`] if the first certificate is none
    /// or is that of another key.
    pub fn new(private_key: &[u8], certificates: Vec<Box<[u8]>>) -> Result<Self, CredentialError> {
        let private_key =
            PrivateKey::from_bytes(private_key).map_err(|_| CredentialError::PrivateKey)?;
        if let Some(own) = certificates.first() {
            let key = dunlin_dtls::Certificate::parse(own)
                .ok()
                .and_then(|own| own.public_key().ok());
            if key.map(|key| key.to_spki()) != Some(private_key.public_key().to_spki()) {
                return Err(CredentialError::Certificate);
            }
        }
        Ok(Self {
            private_key,
            certificates,
        })
    }

    /// Makes a new private key: 32 bytes that [`new`](Self::new) takes.
    pub fn generate_key() -> Zeroizing<[u8; 32]> {
        let mut rng: rand::rngs::StdRng = rand::make_rng();
        loop {
            // It fails for one number in 2^32 only.
            if let Ok(key) = PrivateKey::generate(&mut rng) {
                return key.to_scalar();
            }
        }
    }

    /// The SubjectPublicKeyInfo that devices know the manager by.
    pub fn public_key(&self) -> [u8; SPKI_LEN] {
        self.private_key.public_key().to_spki()
    }

    pub(crate) const fn private_key(&self) -> &PrivateKey {
        &self.private_key
    }

    pub(crate) fn certificates(&self) -> &[Box<[u8]>] {
        &self.certificates
    }
}

impl fmt::Debug for ServerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerIdentity")
            .field("certificates", &self.certificates.len())
            .finish_non_exhaustive()
    }
}
