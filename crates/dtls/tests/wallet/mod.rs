//! What an end has and whom it trusts, for all tests, benchmarks and fuzz targets.
#![allow(dead_code, reason = "each of its users needs a part of it")]

use dunlin_dtls::{
    Alert, CertificateTypes, Chain, CipherSuite, Credentials, Presented, PrivateKey, PskKey,
    PskLookup, PublicKey, Session, SessionId,
};

/// Raw public keys alone.
pub(crate) const RAW: CertificateTypes = CertificateTypes {
    raw_public_key: true,
    x509: false,
};

/// Certificates alone.
pub(crate) const X509: CertificateTypes = CertificateTypes {
    raw_public_key: false,
    x509: true,
};

/// What an end has and whom it trusts.
#[derive(Default)]
pub(crate) struct Wallet {
    pub(crate) identity: Vec<u8>,
    pub(crate) key: Vec<u8>,
    /// Identities and keys that a server knows.
    pub(crate) psks: Vec<(Vec<u8>, Vec<u8>)>,
    /// Answers of the look-up come later.
    pub(crate) is_slow: bool,
    pub(crate) asked: Option<Vec<u8>>,
    pub(crate) private: Option<PrivateKey>,
    pub(crate) chain: Vec<Vec<u8>>,
    pub(crate) own: CertificateTypes,
    pub(crate) peers: CertificateTypes,
    /// Raw public keys and leaf certificates that are trusted, and whose they are.
    pub(crate) keys: Vec<(PublicKey, &'static str)>,
    pub(crate) certificates: Vec<(Vec<u8>, &'static str)>,
    pub(crate) sessions: Option<Vec<(Session, Option<&'static str>)>>,
    pub(crate) tickets: bool,
    pub(crate) name: Option<&'static str>,
    pub(crate) heard: Vec<u8>,
}

impl Credentials for Wallet {
    type Peer = &'static str;

    fn own_psk(&self) -> Option<(&[u8], PskKey)> {
        Some((&self.identity, PskKey::new(&self.key)?))
    }

    fn has_psks(&self) -> bool {
        !self.psks.is_empty()
    }

    fn psk(&mut self, identity: &[u8]) -> PskLookup<&'static str> {
        if self.is_slow {
            self.asked = Some(identity.to_vec());
            return PskLookup::Later;
        }
        self.look(identity)
    }

    fn private_key(&self) -> Option<&PrivateKey> {
        self.private.as_ref()
    }

    fn own_types(&self) -> CertificateTypes {
        self.own
    }

    fn own_certificate(&self, index: usize) -> Option<&[u8]> {
        self.chain.get(index).map(Vec::as_slice)
    }

    fn peer_types(&self) -> CertificateTypes {
        self.peers
    }

    fn verify(&mut self, presented: Presented<'_>) -> Result<&'static str, Alert> {
        let known = match presented {
            Presented::RawPublicKey(key) => self
                .keys
                .iter()
                .find(|known| known.0 == *key)
                .map(|known| known.1),
            Presented::Certificates(chain) => self.pinned(&chain),
            _ => None,
        };
        known.ok_or(Alert::CERTIFICATE_UNKNOWN)
    }

    fn server_name(&self) -> Option<&str> {
        self.name
    }

    fn asked_for(&mut self, server_name: &[u8]) {
        self.heard = server_name.to_vec();
    }

    fn keeps_sessions(&self) -> bool {
        self.sessions.is_some()
    }

    fn keep_session(&mut self, session: &Session, peer: Option<&&'static str>) {
        if let Some(sessions) = &mut self.sessions {
            sessions.push((session.clone(), peer.copied()));
        }
    }

    fn session(&mut self, id: &[u8]) -> Option<(Session, Option<&'static str>)> {
        let mut sessions = self.sessions.iter().flatten();
        sessions
            .find(|(session, _)| session.id().as_bytes() == id)
            .cloned()
    }

    fn gives_tickets(&self) -> bool {
        self.tickets
    }

    // Not sealed at all: these tests are of the handshake.
    fn seal_ticket(
        &mut self,
        session: &Session,
        _: Option<&&'static str>,
        buffer: &mut [u8],
    ) -> Option<usize> {
        buffer[..48].copy_from_slice(session.master_secret());
        buffer[48..50].copy_from_slice(&session.suite().number().to_be_bytes());
        Some(50)
    }

    fn open_ticket(&mut self, ticket: &[u8]) -> Option<(Session, Option<&'static str>)> {
        let master = ticket.get(..48)?.try_into().ok()?;
        let suite =
            CipherSuite::from_number(u16::from_be_bytes(ticket.get(48..50)?.try_into().ok()?))?;
        Some((
            Session::new(SessionId::default(), suite, master),
            Some("by ticket"),
        ))
    }
}

impl Wallet {
    /// A pre-shared key, which a client has and a server knows.
    pub(crate) fn of_psk(identity: &[u8], key: &[u8]) -> Self {
        Self {
            identity: identity.to_vec(),
            key: key.to_vec(),
            psks: vec![(identity.to_vec(), key.to_vec())],
            ..Self::default()
        }
    }

    /// A private key with a certificate, of an end that trusts one certificate.
    pub(crate) fn of_certificate(private: PrivateKey, own: &[u8], trusted: &[u8]) -> Self {
        Self {
            private: Some(private),
            chain: vec![own.to_vec()],
            own: X509,
            certificates: vec![(trusted.to_vec(), "peer")],
            peers: X509,
            ..Self::default()
        }
    }

    /// The same, but an end that does not say who it is.
    pub(crate) fn anonymous(trusted: &[u8]) -> Self {
        Self {
            certificates: vec![(trusted.to_vec(), "peer")],
            peers: X509,
            ..Self::default()
        }
    }

    /// A private key of an end that trusts one raw public key.
    pub(crate) fn of_raw_public_key(private: PrivateKey, trusted: PublicKey) -> Self {
        Self {
            private: Some(private),
            own: RAW,
            keys: vec![(trusted, "peer")],
            peers: RAW,
            ..Self::default()
        }
    }

    /// What is known of an identity.
    pub(crate) fn look(&self, identity: &[u8]) -> PskLookup<&'static str> {
        let mut known = self.psks.iter();
        match known.find(|known| known.0 == identity) {
            Some((_, key)) => PskLookup::Found(PskKey::new(key).unwrap(), "device"),
            None => PskLookup::Unknown,
        }
    }

    fn pinned(&self, chain: &Chain<'_>) -> Option<&'static str> {
        let leaf = chain.end_entity()?;
        let mut known = self.certificates.iter();
        known
            .find(|(certificate, _)| certificate == leaf)
            .map(|known| known.1)
    }
}
