//! Public keys in handshake messages: Certificate, signatures, ephemeral keys (RFC 8422 §5, RFC 7250).

use rand_core::CryptoRng;
use sha2::{Digest, Sha256};

use super::extensions::{ECDSA_SHA256, P256};
use super::kind;
use super::state::{CertificateType, Turn};
use crate::alert::Alert;
use crate::credentials::{CertificateTypes, Credentials, Presented};
use crate::ec::{PrivateKey, PublicKey};
use crate::error::{Failure, Malformed};
use crate::reader::Reader;
use crate::writer::Writer;

/// `named_curve` (RFC 8422 §5.4).
const NAMED_CURVE: u8 = 3;

impl CertificateType {
    /// The number on the wire (RFC 7250 §3).
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::X509 => 0,
            Self::RawPublicKey => 2,
        }
    }
}

impl CertificateTypes {
    pub(crate) const fn is_empty(self) -> bool {
        !self.raw_public_key && !self.x509
    }

    /// Their numbers, the preferred one first.
    pub(crate) fn write(self, writer: &mut Writer<'_>) {
        if self.raw_public_key {
            writer.u8(CertificateType::RawPublicKey.number());
        }
        if self.x509 {
            writer.u8(CertificateType::X509.number());
        }
    }

    /// The one that both sides have; a peer that says nothing means X.509.
    pub(crate) fn choose(self, offered: Option<&[u8]>) -> Option<CertificateType> {
        let offered = offered.unwrap_or(&[0]);
        let has = |kind: CertificateType| offered.contains(&kind.number());
        if self.raw_public_key && has(CertificateType::RawPublicKey) {
            Some(CertificateType::RawPublicKey)
        } else if self.x509 && has(CertificateType::X509) {
            Some(CertificateType::X509)
        } else {
            None
        }
    }
}

impl<C: Credentials, R: CryptoRng> Turn<'_, C, R> {
    /// Appends our Certificate message, an empty one where we have none that fits.
    pub(crate) fn say_certificate(&mut self) -> Result<bool, Failure> {
        let types = self.credentials.own_types();
        let own_type = self.state.own_type;
        let public = self.credentials.private_key().map(PrivateKey::public_key);
        let has_one = public.is_some()
            && match own_type {
                CertificateType::RawPublicKey => types.raw_public_key,
                CertificateType::X509 => types.x509,
            };
        let credentials = &*self.credentials;
        let write = |writer: &mut Writer<'_>| match (own_type, public) {
            #[cfg(feature = "rpk")]
            (CertificateType::RawPublicKey, Some(key)) if has_one => writer.put(&key.to_message()),
            #[cfg(feature = "x509")]
            (CertificateType::X509, Some(_)) if has_one => {
                let list = writer.open(3);
                let mut index = 0_usize;
                while let Some(certificate) = credentials.own_certificate(index) {
                    let open = writer.open(3);
                    writer.put(certificate);
                    writer.close(open);
                    index = index.saturating_add(1);
                }
                writer.close(list);
            }
            _ => writer.u24(0),
        };
        let _ = credentials;
        let message = self
            .state
            .flight
            .push(self.outbox, kind::CERTIFICATE, write)?;
        self.state.transcript.update(message);
        Ok(has_one)
    }

    /// The peer's Certificate message: whose key it is, and that it is trusted. False when the peer has none.
    pub(crate) fn take_certificate(&mut self, body: &[u8]) -> Result<bool, Failure> {
        let mut reader = Reader::new(body);
        let list = reader
            .vec24()
            .and_then(|list| reader.finish().map(|()| list))
            .map_err(|Malformed| Failure::Malformed(kind::CERTIFICATE))?;
        if list.is_empty() {
            return Ok(false);
        }
        let bad = Failure::NotTrusted(Alert::BAD_CERTIFICATE);
        let (key, peer) = match self.state.peer_type {
            #[cfg(feature = "rpk")]
            CertificateType::RawPublicKey => {
                let key = PublicKey::from_message(body).map_err(|_| bad)?;
                let peer = self.credentials.verify(Presented::RawPublicKey(&key));
                (key, peer)
            }
            #[cfg(feature = "x509")]
            CertificateType::X509 => {
                let chain = crate::chain::Chain::parse(body).map_err(|_| bad)?;
                let leaf = chain.end_entity().ok_or(bad)?;
                let key = crate::certificate::Certificate::parse(leaf)
                    .ok()
                    .and_then(|certificate| certificate.public_key().ok())
                    .ok_or(Failure::NotTrusted(Alert::UNSUPPORTED_CERTIFICATE))?;
                (key, self.credentials.verify(Presented::Certificates(chain)))
            }
            #[allow(unreachable_patterns, reason = "each kind of credential is a feature")]
            _ => return Err(Failure::Internal),
        };
        self.state.peer = Some(peer.map_err(Failure::NotTrusted)?);
        self.state.peer_key = Some(key);
        Ok(true)
    }

    /// Draws our ephemeral key.
    pub(crate) fn draw_ephemeral(&mut self) -> Result<PublicKey, Failure> {
        let key = PrivateKey::generate(self.rng).map_err(|_| Failure::Internal)?;
        let public = key.public_key();
        self.state.ephemeral = Some(key);
        Ok(public)
    }

    /// The premaster secret, once both ephemeral keys are here (RFC 8422 §5.10).
    pub(crate) fn agree_ecdhe(&mut self) -> Result<(), Failure> {
        let (Some(own), Some(peer)) = (self.state.ephemeral.take(), self.state.peer_point.take())
        else {
            return Err(Failure::Internal);
        };
        let secret = own.agree(&peer).map_err(|_| Failure::Misbehaved)?;
        self.agree(secret.as_ref())
    }

    /// The server's ephemeral key, signed (RFC 8422 §5.4).
    pub(crate) fn say_server_key_exchange(&mut self) -> Result<(), Failure> {
        let public = self.draw_ephemeral()?;
        let mut parameters = [0; 69];
        let mut writer = Writer::new(&mut parameters);
        writer.u8(NAMED_CURVE);
        writer.u16(P256);
        writer.vec8(public.as_point());
        let hash = self.parameters_hash(&parameters);
        let key = self
            .credentials
            .private_key()
            .ok_or(Failure::NoCredentials)?;
        let (signature, len) = key.sign(&hash).ok_or(Failure::Internal)?;
        self.say(kind::SERVER_KEY_EXCHANGE, |writer| {
            writer.put(&parameters);
            write_signature(writer, signature.get(..len).unwrap_or_default());
        })
    }

    /// The server's ephemeral key arrives.
    pub(crate) fn take_server_key_exchange(&mut self, body: &[u8]) -> Result<(), Failure> {
        let malformed = |Malformed| Failure::Malformed(kind::SERVER_KEY_EXCHANGE);
        let mut reader = Reader::new(body);
        let curve = (
            reader.u8().map_err(malformed)?,
            reader.u16().map_err(malformed)?,
        );
        if curve != (NAMED_CURVE, P256) {
            return Err(Failure::NothingInCommon);
        }
        let point = reader.vec8().map_err(malformed)?;
        let behind = reader.rest().len();
        let parameters = body
            .get(..body.len().saturating_sub(behind))
            .unwrap_or_default();
        let signature = read_signature(reader).map_err(malformed)?;
        let hash = self.parameters_hash(parameters);
        let key = self.state.peer_key.ok_or(Failure::Internal)?;
        if !key.verify(&hash, signature) {
            return Err(Failure::NotAuthentic);
        }
        self.state.peer_point =
            Some(PublicKey::from_point(point).map_err(|_| Failure::Misbehaved)?);
        Ok(())
    }

    /// Proves that we have the key that we presented (RFC 5246 §7.4.8).
    pub(crate) fn say_certificate_verify(&mut self) -> Result<(), Failure> {
        let hash = self.state.transcript_hash();
        let key = self
            .credentials
            .private_key()
            .ok_or(Failure::NoCredentials)?;
        let (signature, len) = key.sign(&hash).ok_or(Failure::Internal)?;
        self.say(kind::CERTIFICATE_VERIFY, |writer| {
            write_signature(writer, signature.get(..len).unwrap_or_default());
        })
    }

    /// Whether the client has the key that it presented.
    pub(crate) fn take_certificate_verify(
        &mut self,
        body: &[u8],
        header: &[u8],
    ) -> Result<(), Failure> {
        let signature = read_signature(Reader::new(body))
            .map_err(|Malformed| Failure::Malformed(kind::CERTIFICATE_VERIFY))?;
        let hash = self.state.transcript_hash();
        let key = self.state.peer_key.ok_or(Failure::Internal)?;
        if !key.verify(&hash, signature) {
            return Err(Failure::NotAuthentic);
        }
        self.state.transcript.update(header);
        self.state.transcript.update(body);
        Ok(())
    }

    fn parameters_hash(&self, parameters: &[u8]) -> [u8; 32] {
        Sha256::new()
            .chain_update(self.state.client_random)
            .chain_update(self.state.server_random)
            .chain_update(parameters)
            .finalize()
            .into()
    }
}

fn write_signature(writer: &mut Writer<'_>, signature: &[u8]) {
    writer.u16(ECDSA_SHA256);
    writer.vec16(signature);
}

/// The signature at the end of a message; any but ECDSA with SHA-256 was not offered.
fn read_signature(mut reader: Reader<'_>) -> Result<&[u8], Malformed> {
    if reader.u16()? != ECDSA_SHA256 {
        return Err(Malformed);
    }
    let signature = reader.vec16()?;
    reader.finish()?;
    Ok(signature)
}
