//! Servers over TLS, by certificates and raw public keys: the test is the server.

use core::net::SocketAddr;
use core::ops::ControlFlow;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread::spawn;

use dunlin_agent::model::Value;
use dunlin_agent::objects::{Device, Security, SecurityAccount, SecurityMode, Server};
use dunlin_agent::{Agent, Code, Config, Event, Failure, Secure, SecurityFailure};
use dunlin_coap::OptionNumber;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{AlwaysResolvesServerRawPublicKeys, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig,
    ServerConnection, SignatureScheme, StreamOwned,
};

use crate::servers::{self, Running};
use crate::streams::{EXPECTED, Line, accept, listener, server, twice};
use crate::{Node, agent};

type Stream = StreamOwned<ServerConnection, TcpStream>;
type Subject = Secure<'static, Node, SocketAddr, rand::rngs::StdRng, 2048, 1, 8, 512, 2048>;

fn file(name: &str) -> Vec<u8> {
    std::fs::read(format!(
        "{}/../dtls/tests/pki/{name}",
        env!("CARGO_MANIFEST_DIR")
    ))
    .unwrap()
}

/// TLS on the server's side, which asks for the device's certificate.
fn tls(coap: bool) -> impl Fn(TcpStream) -> Stream + Send + 'static {
    let provider = provider();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(file("client.der"))).unwrap();
    roots
        .add(CertificateDer::from(file("intermediate.der")))
        .unwrap();
    let _ = roots.add(CertificateDer::from(file("root.der")));
    let clients = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone());
    let chain = ["server.der", "intermediate.der"].map(|name| CertificateDer::from(file(name)));
    let key = PrivateKeyDer::try_from(file("server.pkcs8")).unwrap();
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients.build().unwrap())
        .with_single_cert(chain.to_vec(), key)
        .unwrap();
    if coap {
        config.alpn_protocols = vec![b"coap".to_vec()];
    }
    let config = Arc::new(config);
    move |stream| StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The public key of a private one.
fn public(private: &str) -> Vec<u8> {
    let key = PrivateKeyDer::try_from(file(private)).unwrap();
    let key = rustls::crypto::ring::sign::any_ecdsa_type(&key).unwrap();
    key.public_key().unwrap().to_vec()
}

/// TLS on the side of a server with a raw public key, which knows the device with this one.
fn raw(device: Vec<u8>) -> impl Fn(TcpStream) -> Stream + Send + 'static {
    let key = PrivateKeyDer::try_from(file("server.pkcs8")).unwrap();
    let key = rustls::crypto::ring::sign::any_ecdsa_type(&key).unwrap();
    let public = CertificateDer::from(file("server.spki"));
    let own = Arc::new(CertifiedKey::new(vec![public], key));
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_client_cert_verifier(Arc::new(Known(device)))
        .with_cert_resolver(Arc::new(AlwaysResolvesServerRawPublicKeys::new(own)));
    config.alpn_protocols = vec![b"coap".to_vec()];
    let config = Arc::new(config);
    move |stream| StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream)
}

/// The device with this key alone.
#[derive(Debug)]
struct Known(Vec<u8>);

impl ClientCertVerifier for Known {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        if end_entity.as_ref() == self.0 {
            Ok(ClientCertVerified::assertion())
        } else {
            Err(CertificateError::UnknownIssuer.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        unreachable!("TLS 1.3 alone")
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        key: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let key = SubjectPublicKeyInfoDer::from(key.as_ref());
        let algorithms = provider().signature_verification_algorithms;
        verify_tls13_signature_with_raw_key(message, &key, signature, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider()
            .signature_verification_algorithms
            .supported_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

/// An account with certificates.
fn certificates(address: SocketAddr) -> SecurityAccount {
    let uri = format!("coaps+tcp://{address}");
    let (own, key, server) = (file("client.der"), file("client.pkcs8"), file("server.der"));
    let mode = SecurityMode::Certificate;
    let mut account = SecurityAccount::keys(1, &uri, mode, &own, &key, &server).unwrap();
    account.server_name = "server.example.com".try_into().unwrap();
    account
}

/// An account with raw public keys.
fn keys(address: SocketAddr) -> SecurityAccount {
    let uri = format!("coaps+tcp://{address}");
    let (own, key) = (public("client.pkcs8"), file("client.pkcs8"));
    let mode = SecurityMode::RawPublicKey;
    SecurityAccount::keys(1, &uri, mode, &own, &key, &file("server.spki")).unwrap()
}

fn over_tls(account: SecurityAccount) -> Secure<'static, Node, SocketAddr, rand::rngs::StdRng> {
    Secure::new(agent(account))
}

#[test]
fn ets_404_registers_over_tls_with_certificates() {
    let (address, server) = server(tls(true));
    let subject = over_tls(certificates(address));
    dunlin_agent::std::run(subject, server.watched(twice())).unwrap();
    assert_eq!(server.join(), EXPECTED);
}

#[test]
fn raw_public_keys_do_over_tls() {
    let (address, server) = server(raw(public("client.pkcs8")));
    let subject = over_tls(keys(address));
    dunlin_agent::std::run(subject, server.watched(twice())).unwrap();
    assert_eq!(server.join(), EXPECTED);
}

#[cfg(feature = "tokio")]
#[tokio::test]
async fn on_tokio_it_is_the_same() {
    let (one, first) = server(tls(true));
    let (two, second) = server(raw(public("client.pkcs8")));
    for (account, server) in [(certificates(one), first), (keys(two), second)] {
        let run = dunlin_agent::tokio::run(over_tls(account), server.watched(twice()));
        run.await.unwrap();
        // The connection's task closes it.
        let seen = tokio::task::spawn_blocking(|| server.join());
        assert_eq!(seen.await.unwrap(), EXPECTED);
    }
}

/// One that knows a Bootstrap-Server alone, by certificates.
fn blank(address: SocketAddr) -> Subject {
    let mut account = certificates(address);
    account.bootstrap = true;
    let mut security = Security::new();
    security.insert(0, account).unwrap();
    let node = Node {
        security,
        server: Server::new(),
        device: Device::new("Dunlin", "Sockets", "1"),
    };
    let agent = Agent::with_capacity(node, Config::new("sockets"), rand::make_rng());
    Secure::new(agent)
}

/// A Bootstrap-Server over TLS, which gives the account of a server at `uri`, over TLS as well.
fn bootstrap(uri: String) -> (SocketAddr, Running<()>) {
    let (listener, address) = listener();
    let running = Running::start(move || {
        let mut line = Line::new(tls(true)(accept(&listener)));
        let (request, token, _) = line.next().unwrap();
        assert_eq!(request, "0.02 bs");
        line.say(Code::CHANGED, &token, |_| ());
        let (own, key, server) = (file("client.der"), file("client.pkcs8"), file("server.der"));
        let account = servers::security(
            &uri,
            2,
            &[
                ("/0/1/3", Value::Opaque(&own)),
                ("/0/1/4", Value::Opaque(&server)),
                ("/0/1/5", Value::Opaque(&key)),
                ("/0/1/14", Value::String("server.example.com")),
            ],
        );
        write(&mut line, ["0", "1"], &account);
        write(&mut line, ["1", "0"], &servers::server());
        line.say(Code::POST, b"end", |post| {
            post.path(["bs"]);
        });
        assert_eq!(line.next().unwrap().0, "2.04");
    });
    (address, running)
}

/// Writes in blocks of 512 bytes.
fn write<S: Read + Write>(line: &mut Line<S>, path: [&str; 2], payload: &[u8]) {
    let mut blocks = (0_u8..).zip(payload.chunks(512)).peekable();
    while let Some((number, block)) = blocks.next() {
        let more = blocks.peek().is_some();
        line.say(Code::PUT, &[number], |put| {
            put.path(path)
                .option(OptionNumber::CONTENT_FORMAT, b"\x70")
                .option(
                    OptionNumber::BLOCK1,
                    &[number << 4 | u8::from(more) << 3 | 5],
                )
                .payload(block);
        });
        let (answer, token, _) = line.next().unwrap();
        assert_eq!(answer, if more { "2.31" } else { "2.04" });
        assert_eq!(token, [number]);
    }
}

#[test]
fn ets_404_bootstraps_over_tls_and_registers_over_tls() {
    let (address, server) = server(tls(true));
    let (start, bootstrap) = bootstrap(format!("coaps+tcp://{address}"));
    let turn = server.watched(bootstrap.watched(twice()));
    dunlin_agent::std::run(blank(start), turn).unwrap();
    bootstrap.join();
    assert_eq!(server.join(), EXPECTED);
}

#[cfg(feature = "tokio")]
#[tokio::test]
async fn on_tokio_it_bootstraps_over_tls() {
    let (address, server) = server(tls(true));
    let (start, bootstrap) = bootstrap(format!("coaps+tcp://{address}"));
    let turn = server.watched(bootstrap.watched(twice()));
    let run = dunlin_agent::tokio::run(blank(start), turn);
    run.await.unwrap();
    bootstrap.join();
    let seen = tokio::task::spawn_blocking(|| server.join());
    assert_eq!(seen.await.unwrap(), EXPECTED);
}

/// Runs an agent on both runners until it tells that there is no security with its server, which gets no request, and gives
/// the reason.
fn refused<S: Read>(
    wrap: impl Fn(TcpStream) -> S + Send + 'static,
    subject: impl Fn(SocketAddr) -> Subject,
) -> SecurityFailure {
    let (listener, address) = listener();
    let (over, seen) = channel();
    spawn(move || {
        loop {
            let mut stream = wrap(accept(&listener));
            let mut bytes = vec![];
            let _ = stream.read_to_end(&mut bytes);
            over.send(bytes).unwrap();
        }
    });
    let found = core::cell::Cell::new(None);
    let turn = |_: &mut Subject, event| match event {
        Some(
            Event::RegistrationFailed {
                server: 1, reason, ..
            }
            | Event::BootstrapFailed { reason, .. },
        ) => {
            found.set(Some(reason));
            ControlFlow::Break(())
        }
        Some(other) => panic!("{other:?}"),
        None => ControlFlow::Continue(()),
    };
    dunlin_agent::std::run(subject(address), turn).unwrap();
    let first = found.take().unwrap();
    assert_eq!(seen.recv().unwrap(), b"");
    #[cfg(feature = "tokio")]
    {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        let run = async { dunlin_agent::tokio::run(subject(address), turn).await };
        runtime.block_on(run).unwrap();
        assert_eq!(found.take(), Some(first));
        drop(runtime);
        assert_eq!(seen.recv().unwrap(), b"");
    }
    // An attempt is one connection, however often the request would have been sent.
    assert!(seen.try_recv().is_err());
    match first {
        Failure::Security(reason) => reason,
        other => panic!("{other:?}"),
    }
}

/// One with this account.
fn with(account: SecurityAccount) -> Subject {
    let mut security = Security::new();
    security.insert(0, account).unwrap();
    let node = Node {
        security,
        server: Server::single(1, 300),
        device: Device::new("Dunlin", "Sockets", "1"),
    };
    let agent = Agent::with_capacity(node, Config::new("sockets"), rand::make_rng());
    Secure::new(agent)
}

#[test]
fn a_certificate_with_another_name_is_refused() {
    let reason = refused(tls(true), |address| {
        let mut account = certificates(address);
        account.server_name = "other.example.com".try_into().unwrap();
        with(account)
    });
    assert_eq!(reason, SecurityFailure::NotTrusted);
}

#[test]
fn another_certificate_than_the_pinned_one_is_refused() {
    let reason = refused(tls(true), |address| {
        let mut account = certificates(address);
        account.server_public_key = file("client.der").as_slice().try_into().unwrap();
        with(account)
    });
    assert_eq!(reason, SecurityFailure::NotTrusted);
}

#[test]
fn a_bootstrap_server_that_is_not_trusted_is_no_answer_either() {
    let reason = refused(tls(true), |address| {
        let mut account = certificates(address);
        account.bootstrap = true;
        account.server_name = "other.example.com".try_into().unwrap();
        with(account)
    });
    assert_eq!(reason, SecurityFailure::NotTrusted);
}

#[test]
fn another_key_than_the_pinned_one_is_refused() {
    let reason = refused(raw(public("client.pkcs8")), |address| {
        let mut account = keys(address);
        account.server_public_key = public("of-passing.pkcs8").as_slice().try_into().unwrap();
        with(account)
    });
    assert_eq!(reason, SecurityFailure::NotTrusted);
}

#[test]
fn a_certificate_is_no_raw_public_key() {
    // handshake_failure: the server has no raw public key.
    let reason = refused(tls(true), |address| with(keys(address)));
    assert_eq!(reason, SecurityFailure::Alerted(40));
}

#[test]
fn a_device_that_the_server_does_not_trust_hears_its_alert() {
    // After the device's last word in TLS 1.3: unknown_ca.
    let reason = refused(raw(public("of-passing.pkcs8")), |address| {
        with(keys(address))
    });
    assert_eq!(reason, SecurityFailure::Alerted(48));
}

#[test]
fn a_server_that_does_not_agree_on_coap_is_refused() {
    let reason = refused(tls(false), |address| with(certificates(address)));
    assert_eq!(reason, SecurityFailure::NoProtocol);
}

/// What a server without TLS sees of a device is TLS, which it does not look at.
struct Other;

impl Read for Other {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Ok(0)
    }
}

#[test]
fn a_server_without_tls_is_refused() {
    for (says, expected) in [
        (
            &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
            SecurityFailure::Misbehaved,
        ),
        (b"", SecurityFailure::Ended),
    ] {
        let wrap = move |mut stream: TcpStream| {
            // The beginning of the handshake is read, or the end of the connection would be a reset.
            let mut hello = [0; 4096];
            let _ = stream.read(&mut hello).unwrap();
            stream.write_all(says).unwrap();
            Other
        };
        let reason = refused(wrap, |address| with(certificates(address)));
        assert_eq!(reason, expected);
    }
}
