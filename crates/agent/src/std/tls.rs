//! TLS below CoAP over TCP (RFC 8323 §8.2, §9; Transport 1.2.2 §5), by certificates: rustls with the credentials of an account.

use core::fmt;

use dunlin_model::{ResourceId, Value};
use hosted::boxed::Box;
use hosted::io::{ErrorKind, Read as _, Write as _};
use hosted::string::ToString as _;
use hosted::sync::Arc;
use hosted::vec;
use hosted::vec::Vec;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivateSec1KeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme,
};

use super::lines::Security;
use crate::content::SINGLE;
use crate::{Object, hosted};

/// The protocol's name for ALPN.
const COAP: &[u8] = b"coap";

/// The port on which a server need not negotiate it (RFC 8323 §8.2).
const SECURE_PORT: u16 = 5684;

/// The most bytes that a peer may send before the agent has taken them in.
const INBOX: usize = 1 << 16;

/// What a server proves itself by, and the agent to it.
#[derive(Clone)]
pub(crate) struct Tls {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Tls {
    /// Reads the credentials of an account in security mode 2, whose server is `host`; `None` where they are of no use.
    pub(crate) fn of(account: &dyn Object, host: &str) -> Option<Self> {
        let bytes = |resource| {
            let value = account.read(resource, SINGLE);
            value
                .and_then(|value| value.as_opaque())
                .unwrap_or_default()
        };
        let usage = match account.read(ResourceId::of::<15>(), SINGLE) {
            Some(value) => value.as_u64()?,
            None => 3,
        };
        let name = match account.read(ResourceId::of::<14>(), SINGLE) {
            Some(Value::String(name)) => name,
            _ => host,
        };
        let provider = Arc::new(ring::default_provider());
        let pinned = CertificateDer::from(bytes(ResourceId::of::<4>()).to_vec());
        // As over DTLS: a device has no authorities of its own beside the one that is pinned.
        let verifier: Arc<dyn ServerCertVerifier> = match usage {
            0 | 2 => {
                let mut roots = RootCertStore::empty();
                roots.add(pinned).ok()?;
                WebPkiServerVerifier::builder_with_provider(roots.into(), provider.clone())
                    .build()
                    .ok()?
            }
            1 | 3 => Arc::new(Pinned {
                certificate: pinned,
                provider: provider.clone(),
            }),
            _ => return None,
        };
        let own = CertificateDer::from(bytes(ResourceId::of::<3>()).to_vec());
        let key = signing_key(bytes(ResourceId::of::<5>()))?;
        let own = Arc::new(CertifiedKey::new(vec![own], key));
        own.keys_match().ok()?;
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .ok()?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(own)));
        config.alpn_protocols = vec![COAP.to_vec()];
        Some(Self {
            config: config.into(),
            name: ServerName::try_from(name.to_string()).ok()?,
        })
    }
}

/// The private key in one of the forms of /0/x/5.
fn signing_key(bytes: &[u8]) -> Option<Arc<dyn rustls::sign::SigningKey>> {
    let Ok(scalar) = <&[u8; 32]>::try_from(bytes) else {
        return ring::sign::any_ecdsa_type(&PrivateKeyDer::try_from(bytes).ok()?).ok();
    };
    // The bare scalar in an ECPrivateKey on P-256 (RFC 5915 §3).
    let (before, behind) = (
        [0x30, 0x31, 2, 1, 1, 4, 32],
        [0xa0, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7],
    );
    let mut der = [0_u8; 51];
    let parts = before.iter().chain(scalar).chain(&behind);
    for (place, byte) in der.iter_mut().zip(parts) {
        *place = *byte;
    }
    let key = PrivateKeyDer::Sec1(PrivateSec1KeyDer::from(&der[..]));
    let key = ring::sign::any_ecdsa_type(&key).ok();
    der.fill(0);
    core::hint::black_box(&der);
    key
}

/// Takes one certificate alone, whoever signed it and whenever it ends (usage 3).
struct Pinned {
    certificate: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl fmt::Debug for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pinned").finish_non_exhaustive()
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if *end_entity != self.certificate {
            return Err(CertificateError::UnknownIssuer.into());
        }
        verify_server_name(&ParsedCertificate::try_from(end_entity)?, name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

/// The bytes of a connection: as they are, or under TLS.
pub(crate) struct Wire(Option<Box<ClientConnection>>);

impl Wire {
    pub(crate) fn new(security: &Security) -> Option<Self> {
        let Security::Tls(tls) = security else {
            return Some(Self(None));
        };
        let connection = ClientConnection::new(tls.config.clone(), tls.name.clone()).ok()?;
        Some(Self(Some(Box::new(connection))))
    }

    /// What goes out for these bytes, which wait for the end of the handshake.
    pub(crate) fn write(&mut self, plain: &[u8]) -> Option<Vec<u8>> {
        let Some(connection) = &mut self.0 else {
            return Some(plain.to_vec());
        };
        connection.writer().write_all(plain).ok()?;
        outgoing(connection)
    }

    /// Puts what came in these bytes into `inbox`, and gives what TLS has to say to them. The server is at `port`.
    pub(crate) fn read(
        &mut self,
        mut bytes: &[u8],
        inbox: &mut Vec<u8>,
        port: u16,
    ) -> Option<Vec<u8>> {
        let Some(connection) = &mut self.0 else {
            inbox.extend_from_slice(bytes);
            return Some(Vec::new());
        };
        while !bytes.is_empty() {
            connection.read_tls(&mut bytes).ok()?;
            if connection.process_new_packets().is_err() {
                // An alert may be on its way out; the connection ends without it.
                return None;
            }
            let mut piece = [0; 4096];
            loop {
                match connection.reader().read(&mut piece) {
                    Ok(0) => return None,
                    Ok(len) => inbox.extend_from_slice(piece.get(..len).unwrap_or_default()),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(_) => return None,
                }
            }
        }
        if !connection.is_handshaking()
            && port != SECURE_PORT
            && connection.alpn_protocol() != Some(COAP)
        {
            return None;
        }
        if inbox.len() > INBOX {
            return None;
        }
        outgoing(connection)
    }
}

fn outgoing(connection: &mut ClientConnection) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    while connection.wants_write() {
        connection.write_tls(&mut bytes).ok()?;
    }
    Some(bytes)
}
