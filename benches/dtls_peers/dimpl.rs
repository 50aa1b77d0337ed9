//! dimpl: both ends in memory.

use std::sync::Arc;
use std::time::Instant;

use dimpl::crypto::{Dtls12CipherSuite, rust_crypto};
use dimpl::{Config, Dtls, DtlsCertificate, Output, PskResolver};

use crate::handshakes::{CERTIFICATE, Cipher, IDENTITY, KEY, Kind, PSK};

struct Resolver;

impl PskResolver for Resolver {
    fn resolve(&self, identity: &[u8]) -> Option<Vec<u8>> {
        (identity == IDENTITY).then(|| PSK.to_vec())
    }
}

/// What many handshakes share.
pub(crate) struct Peer {
    kind: Kind,
    client: Arc<Config>,
    server: Arc<Config>,
}

/// Both ends, established.
pub(crate) struct Pair {
    pub(crate) client: Dtls,
    pub(crate) server: Dtls,
}

impl Peer {
    pub(crate) fn new(kind: Kind) -> Self {
        let builder = || {
            let suite = match kind {
                Kind::Psk => Dtls12CipherSuite::PSK_AES128_CCM_8,
                Kind::Ecdhe | Kind::Mutual => Dtls12CipherSuite::ECDHE_ECDSA_AES128_GCM_SHA256,
            };
            Config::builder()
                .with_crypto_provider(rust_crypto::default_provider())
                .dtls12_cipher_suites(&[suite])
                .kx_groups(&[dimpl::crypto::NamedGroup::Secp256r1])
                .require_client_certificate(kind == Kind::Mutual)
        };
        let (client, server) = match kind {
            Kind::Psk => (
                builder().with_psk_client(IDENTITY.to_vec(), Arc::new(Resolver)),
                builder().with_psk_server(None, Arc::new(Resolver)),
            ),
            Kind::Ecdhe | Kind::Mutual => (builder(), builder()),
        };
        Self {
            kind,
            client: Arc::new(client.build().expect("a configuration")),
            server: Arc::new(server.build().expect("a configuration")),
        }
    }

    /// The one that dimpl has for each cipher.
    pub(crate) fn with(cipher: Cipher) -> Self {
        Self::new(match cipher {
            Cipher::Ccm8 => Kind::Psk,
            Cipher::Gcm => Kind::Ecdhe,
        })
    }

    fn end(&self, config: &Arc<Config>, now: Instant) -> Dtls {
        let config = Arc::clone(config);
        if self.kind == Kind::Psk {
            return Dtls::new_12_psk(config, now);
        }
        let certificate = DtlsCertificate {
            certificate: CERTIFICATE.to_vec(),
            private_key: KEY.to_vec(),
        };
        Dtls::new_12(config, certificate, now)
    }

    pub(crate) fn handshake(&self) -> Pair {
        let now = Instant::now();
        let mut client = self.end(&self.client, now);
        client.set_active(true);
        client.handle_timeout(now).expect("a first flight");
        let mut server = self.end(&self.server, now);
        server.set_active(false);
        server.handle_timeout(now).expect("nothing to do");
        let mut connected = (false, false);
        for _ in 0..10 {
            connected.0 |= pass(&mut client, &mut server);
            connected.1 |= pass(&mut server, &mut client);
            if connected == (true, true) {
                return Pair { client, server };
            }
        }
        panic!("a handshake without end");
    }
}

/// Carries what one end has to send to the other; whether the one got connected.
fn pass(from: &mut Dtls, to: &mut Dtls) -> bool {
    let mut buffer = [0; 2048];
    let mut connected = false;
    loop {
        match from.poll_output(&mut buffer) {
            Output::Packet(packet) => to.handle_packet(packet).expect("a genuine packet"),
            Output::Connected => connected = true,
            // The one certificate is pinned.
            Output::PeerCert(certificate) => assert_eq!(certificate, CERTIFICATE),
            Output::Timeout(_) => return connected,
            _ => {}
        }
    }
}

impl Pair {
    /// The client protects a record into `buffer`; its length.
    pub(crate) fn protect(&mut self, data: &[u8], buffer: &mut [u8]) -> usize {
        self.client.send_application_data(data).expect("connected");
        let mut length = 0;
        loop {
            match self.client.poll_output(buffer) {
                Output::Packet(packet) => length = packet.len(),
                Output::Timeout(_) => return length,
                _ => {}
            }
        }
    }

    /// The server unprotects a record into `buffer`; the length of its data.
    pub(crate) fn unprotect(&mut self, packet: &[u8], buffer: &mut [u8]) -> usize {
        self.server.handle_packet(packet).expect("a genuine packet");
        let mut length = 0;
        loop {
            match self.server.poll_output(buffer) {
                Output::ApplicationData(data) => length = data.len(),
                Output::Timeout(_) => return length,
                _ => {}
            }
        }
    }
}
