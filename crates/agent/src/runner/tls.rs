//! TLS below CoAP over TCP (RFC 8323 §8.2, §9; Transport 1.2.2 §5), by certificates or raw public keys (RFC 7250): rustls with
//! the credentials of an account.

use core::fmt;

use dunlin_model::ResourceId;
use hosted::boxed::Box;
use hosted::io::{ErrorKind, Read as _, Write as _};
use hosted::string::ToString as _;
use hosted::sync::Arc;
use hosted::vec;
use hosted::vec::Vec;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{
    AlwaysResolvesClientRawPublicKeys, ResolvesClientCert, WebPkiServerVerifier, verify_server_name,
};
use rustls::crypto::{CryptoProvider, ring, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivateSec1KeyDer, ServerName, SubjectPublicKeyInfoDer, UnixTime,
};
use rustls::server::ParsedCertificate;
use rustls::sign::{CertifiedKey, SigningKey, SingleCertAndKey};
use rustls::version::TLS13;
use rustls::{
    ALL_VERSIONS, CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error,
    PeerIncompatible, RootCertStore, SignatureScheme,
};
use zeroize::Zeroizing;

use super::lines::Security;
use crate::account::{self, CERTIFICATES, RAW_PUBLIC_KEYS};
use crate::{Object, SecurityFailure, hosted};

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
    /// Reads the credentials of an account, whose server is `host`; `None` where they are of no use.
    pub(crate) fn of(account: &dyn Object, host: &str) -> Option<Self> {
        let provider = Arc::new(ring::default_provider());
        let key = signing_key(account::bytes(account, ResourceId::of::<5>()))?;
        let pinned = account::bytes(account, ResourceId::of::<4>()).to_vec();
        let pinned = CertificateDer::from(pinned);
        let (mode, name) = (
            account::mode(account)?,
            account::text(account, ResourceId::of::<14>()).unwrap_or(host),
        );
        let very = |is_key| Pinned {
            what: pinned.clone(),
            is_key,
            provider: provider.clone(),
        };
        let (versions, verifier, own): (_, Arc<dyn ServerCertVerifier>, _) = match mode {
            // Raw public keys are there from TLS 1.3 on.
            RAW_PUBLIC_KEYS => (&[&TLS13][..], Arc::new(very(true)), own_key(key)?),
            CERTIFICATES => {
                // As over DTLS: a device has no authorities of its own beside the one that is pinned.
                let verifier: Arc<dyn ServerCertVerifier> = match account::usage(account)? {
                    0 | 2 => {
                        let mut roots = RootCertStore::empty();
                        roots.add(pinned.clone()).ok()?;
                        let provider = provider.clone();
                        WebPkiServerVerifier::builder_with_provider(roots.into(), provider)
                            .build()
                            .ok()?
                    }
                    1 | 3 => Arc::new(very(false)),
                    _ => return None,
                };
                let own = account::bytes(account, ResourceId::of::<3>());
                (ALL_VERSIONS, verifier, own_certificate(own, key)?)
            }
            _ => return None,
        };
        let mut config = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(versions)
            .ok()?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_client_cert_resolver(own);
        config.alpn_protocols = vec![COAP.to_vec()];
        Some(Self {
            config: config.into(),
            name: ServerName::try_from(name.to_string()).ok()?,
        })
    }
}

/// What the agent proves itself by: its certificate, where the key is that of it.
fn own_certificate(bytes: &[u8], key: Arc<dyn SigningKey>) -> Option<Arc<dyn ResolvesClientCert>> {
    let own = CertifiedKey::new(vec![CertificateDer::from(bytes.to_vec())], key);
    own.keys_match().ok()?;
    Some(Arc::new(SingleCertAndKey::from(own)))
}

/// Or its public key, which stands in the place of a certificate (RFC 7250 §3); as over DTLS it is made of the private one.
fn own_key(key: Arc<dyn SigningKey>) -> Option<Arc<dyn ResolvesClientCert>> {
    let public = CertificateDer::from(key.public_key()?.to_vec());
    let own = Arc::new(CertifiedKey::new(vec![public], key));
    Some(Arc::new(AlwaysResolvesClientRawPublicKeys::new(own)))
}

/// The private key in one of the forms of /0/x/5.
fn signing_key(bytes: &[u8]) -> Option<Arc<dyn SigningKey>> {
    let Ok(scalar) = <&[u8; 32]>::try_from(bytes) else {
        return ring::sign::any_ecdsa_type(&PrivateKeyDer::try_from(bytes).ok()?).ok();
    };
    // The bare scalar in an ECPrivateKey on P-256 (RFC 5915 §3).
    let (before, behind) = (
        [0x30, 0x31, 2, 1, 1, 4, 32],
        [0xa0, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7],
    );
    let mut der = Zeroizing::new([0_u8; 51]);
    let parts = before.iter().chain(scalar).chain(&behind);
    for (place, byte) in der.iter_mut().zip(parts) {
        *place = *byte;
    }
    let key = PrivateKeyDer::Sec1(PrivateSec1KeyDer::from(&der[..]));
    ring::sign::any_ecdsa_type(&key).ok()
}

/// Takes one certificate alone, whoever signed it and whenever it ends (usage 3), or one public key.
struct Pinned {
    what: CertificateDer<'static>,
    is_key: bool,
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
        if *end_entity != self.what {
            return Err(CertificateError::UnknownIssuer.into());
        }
        if !self.is_key {
            verify_server_name(&ParsedCertificate::try_from(end_entity)?, name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.is_key {
            return Err(PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig.into());
        }
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
        if self.is_key {
            let key = SubjectPublicKeyInfoDer::from(certificate.as_ref());
            return verify_tls13_signature_with_raw_key(message, &key, signature, algorithms);
        }
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        self.is_key
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

    /// Puts what came in these bytes into `inbox`, and what TLS has to say to them into `answer`, which is to be sent although
    /// it fails: it may be an alert. The server is at `port`.
    pub(crate) fn read(
        &mut self,
        mut bytes: &[u8],
        inbox: &mut Vec<u8>,
        answer: &mut Vec<u8>,
        port: u16,
    ) -> Result<(), SecurityFailure> {
        let Some(connection) = &mut self.0 else {
            inbox.extend_from_slice(bytes);
            return Ok(());
        };
        let mut done = Ok(());
        while !bytes.is_empty() && done.is_ok() {
            done = take(connection, &mut bytes, inbox);
        }
        let agreed = port == SECURE_PORT || connection.alpn_protocol() == Some(COAP);
        if done.is_ok() && !connection.is_handshaking() && !agreed {
            // What waits for the end of the handshake is not for this server: nothing more goes out.
            return Err(SecurityFailure::NoProtocol);
        }
        answer.extend(outgoing(connection).unwrap_or_default());
        done
    }

    /// Whether there is TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.0.is_some()
    }
}

/// Takes some of these bytes.
fn take(
    connection: &mut ClientConnection,
    bytes: &mut &[u8],
    inbox: &mut Vec<u8>,
) -> Result<(), SecurityFailure> {
    let taken = connection.read_tls(bytes);
    taken.map_err(|_| SecurityFailure::Misbehaved)?;
    connection.process_new_packets().map_err(reason)?;
    let mut piece = [0; 4096];
    loop {
        match connection.reader().read(&mut piece) {
            Ok(len @ 1..) => inbox.extend_from_slice(piece.get(..len).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Ok(0) | Err(_) => return Err(SecurityFailure::Ended),
        }
    }
    if inbox.len() > INBOX {
        return Err(SecurityFailure::Misbehaved);
    }
    Ok(())
}

/// What an error means for a server.
fn reason(error: Error) -> SecurityFailure {
    match error {
        Error::AlertReceived(alert) => SecurityFailure::Alerted(alert.into()),
        Error::InvalidCertificate(CertificateError::BadSignature) | Error::DecryptError => {
            SecurityFailure::NotAuthentic
        }
        Error::InvalidCertificate(_)
        | Error::NoCertificatesPresented
        | Error::UnsupportedNameType => SecurityFailure::NotTrusted,
        Error::PeerIncompatible(_) => SecurityFailure::NothingInCommon,
        Error::NoApplicationProtocol => SecurityFailure::NoProtocol,
        Error::FailedToGetRandomBytes | Error::FailedToGetCurrentTime => SecurityFailure::Unable,
        _ => SecurityFailure::Misbehaved,
    }
}

fn outgoing(connection: &mut ClientConnection) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    while connection.wants_write() {
        connection.write_tls(&mut bytes).ok()?;
    }
    Some(bytes)
}
