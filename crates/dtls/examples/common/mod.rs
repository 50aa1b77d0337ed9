//! What the examples `dtls_client` and `dtls_server` share: options, credentials, the clock.

use core::fmt::Write;
use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::time::Instant as Clock;

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes128Gcm, Nonce};
use anyhow::{Context, Result, bail};
use dunlin_dtls::{
    Alert, CertificateTypes, CipherSuite, ClientAuthentication, Config, Credentials,
    MaxFragmentLength, Presented, PrivateKey, PskKey, PskLookup, PublicKey, Session, SessionId,
};
use dunlin_time::{Duration, Instant};
use rand::RngExt;

/// A connection with room for chains of certificates.
pub(crate) type Connection = dunlin_dtls::Connection<String, 4096, 4096>;

/// Who we are, whom we trust, and how it is done. Files are DER.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A pre-shared key: its identity and the key in hexadecimal digits.
    #[arg(long, num_args = 2, value_names = ["IDENTITY", "KEY"])]
    psk: Vec<String>,
    /// Our private key.
    #[arg(long)]
    key: Option<PathBuf>,
    /// Presents our key as a raw public key.
    #[arg(long, requires = "key")]
    raw: bool,
    /// Presents our key in this certificate.
    #[arg(long, requires = "key")]
    certificate: Option<PathBuf>,
    /// Trusts who has this public key.
    #[arg(long)]
    trust_key: Vec<PathBuf>,
    /// Trusts who has this certificate.
    #[arg(long)]
    trust_certificate: Vec<PathBuf>,
    /// The only cipher suite, by its name; else all.
    #[arg(long)]
    suite: Option<String>,
    /// The most bytes of a datagram of the handshake.
    #[arg(long)]
    mtu: Option<u16>,
    /// Asks the server for records of no more than so many bytes: 512, 1024, 2048 or 4096.
    #[arg(long)]
    max_fragment_length: Option<u16>,
    /// Asks the peer for records of no more than so many bytes.
    #[arg(long)]
    record_size_limit: Option<u16>,
    /// Takes peers without the extended master secret.
    #[arg(long)]
    any_master_secret: bool,
    /// Milliseconds until a flight is sent again.
    #[arg(long, default_value_t = 1000)]
    timeout: u64,
    /// How often a flight is sent.
    #[arg(long, default_value_t = 6)]
    transmissions: u8,
    /// Data are hexadecimal digits, where they are read and where they are printed.
    #[arg(long)]
    pub(crate) hex: bool,
}

impl Options {
    /// The configuration.
    pub(crate) fn config(&self) -> Result<Config> {
        let mut config = Config {
            initial_timeout: Duration::from_millis(self.timeout),
            transmissions: self.transmissions,
            require_extended_master_secret: !self.any_master_secret,
            record_size_limit: self.record_size_limit,
            client_authentication: ClientAuthentication::Required,
            ..Config::DEFAULT
        };
        if let Some(name) = &self.suite {
            let suite = CipherSuite::SUPPORTED
                .iter()
                .find(|suite| suite_name(**suite) == name)
                .context("no such cipher suite")?;
            config.suites = core::slice::from_ref(suite);
        }
        if let Some(mtu) = self.mtu {
            config.mtu = mtu;
        }
        config.max_fragment_length = match self.max_fragment_length {
            None => None,
            Some(512) => Some(MaxFragmentLength::Bytes512),
            Some(1024) => Some(MaxFragmentLength::Bytes1024),
            Some(2048) => Some(MaxFragmentLength::Bytes2048),
            Some(4096) => Some(MaxFragmentLength::Bytes4096),
            Some(_) => bail!("RFC 6066 knows no such length"),
        };
        Ok(config)
    }

    /// The credentials.
    pub(crate) fn owner(&self) -> Result<Owner> {
        let mut owner = Owner {
            raw: self.raw,
            ticket_key: rand::rng().random(),
            ..Owner::default()
        };
        for pair in self.psk.chunks_exact(2) {
            let key = PskKey::new(&from_hex(&pair[1])?).context("a key of 1 to 64 bytes")?;
            owner.psks.push((pair[0].clone(), key));
        }
        if let Some(path) = &self.key {
            owner.key = Some(PrivateKey::from_bytes(&read(path)?)?);
        }
        if let Some(path) = &self.certificate {
            owner.certificate = Some(read(path)?);
        }
        for path in &self.trust_key {
            owner.trusted_keys.push(PublicKey::from_spki(&read(path)?)?);
        }
        for path in &self.trust_certificate {
            owner.trusted_certificates.push(read(path)?);
        }
        Ok(owner)
    }

    /// Data as a line.
    pub(crate) fn shown(&self, data: &[u8]) -> String {
        if self.hex {
            to_hex(data)
        } else {
            String::from_utf8_lossy(data).into_owned()
        }
    }

    /// A line as data.
    pub(crate) fn data(&self, line: &str) -> Result<Vec<u8>> {
        if self.hex {
            from_hex(line)
        } else {
            Ok(line.as_bytes().to_vec())
        }
    }
}

/// Answers what a handshake asks.
#[derive(Default)]
pub(crate) struct Owner {
    psks: Vec<(String, PskKey)>,
    key: Option<PrivateKey>,
    raw: bool,
    certificate: Option<Vec<u8>>,
    trusted_keys: Vec<PublicKey>,
    trusted_certificates: Vec<Vec<u8>>,
    /// The name that a client asks for.
    pub(crate) server_name: Option<String>,
    /// A server keeps sessions.
    pub(crate) keeps_sessions: bool,
    /// A server gives tickets.
    pub(crate) gives_tickets: bool,
    sessions: HashMap<Vec<u8>, (Session, Option<String>)>,
    ticket_key: [u8; 16],
}

impl Credentials for Owner {
    type Peer = String;

    fn own_psk(&self) -> Option<(&[u8], PskKey)> {
        let (identity, key) = self.psks.first()?;
        Some((identity.as_bytes(), key.clone()))
    }

    fn has_psks(&self) -> bool {
        !self.psks.is_empty()
    }

    fn psk(&mut self, identity: &[u8]) -> PskLookup<String> {
        let mut known = self.psks.iter();
        match known.find(|(name, _)| name.as_bytes() == identity) {
            Some((name, key)) => PskLookup::Found(key.clone(), name.clone()),
            None => PskLookup::Unknown,
        }
    }

    fn private_key(&self) -> Option<&PrivateKey> {
        self.key.as_ref()
    }

    fn own_types(&self) -> CertificateTypes {
        CertificateTypes {
            raw_public_key: self.raw,
            x509: self.certificate.is_some(),
        }
    }

    fn own_certificate(&self, index: usize) -> Option<&[u8]> {
        self.certificate.as_deref().filter(|_| index == 0)
    }

    fn peer_types(&self) -> CertificateTypes {
        CertificateTypes {
            raw_public_key: !self.trusted_keys.is_empty(),
            x509: !self.trusted_certificates.is_empty(),
        }
    }

    fn verify(&mut self, presented: Presented<'_>) -> Result<String, Alert> {
        match presented {
            Presented::RawPublicKey(key) if self.trusted_keys.contains(key) => {
                Ok(format!("key:{}", to_hex(&key.as_point()[1..5])))
            }
            Presented::Certificates(chain) => {
                let der = chain.end_entity().ok_or(Alert::BAD_CERTIFICATE)?;
                let trusted = self.trusted_certificates.iter().any(|known| known == der);
                let certificate = chain.end_entity().filter(|_| trusted);
                certificate
                    .and_then(|der| dunlin_dtls::Certificate::parse(der).ok())
                    .map(|certificate| {
                        let name = certificate.subject().common_name().unwrap_or_default();
                        format!("certificate:{name}")
                    })
                    .ok_or(Alert::CERTIFICATE_UNKNOWN)
            }
            _ => Err(Alert::CERTIFICATE_UNKNOWN),
        }
    }

    fn server_name(&self) -> Option<&str> {
        self.server_name.as_deref()
    }

    fn asked_for(&mut self, server_name: &[u8]) {
        println!("asked for {}", String::from_utf8_lossy(server_name));
    }

    fn keeps_sessions(&self) -> bool {
        self.keeps_sessions
    }

    fn keep_session(&mut self, session: &Session, peer: Option<&String>) {
        let id = session.id().as_bytes().to_vec();
        self.sessions.insert(id, (session.clone(), peer.cloned()));
    }

    fn session(&mut self, id: &[u8]) -> Option<(Session, Option<String>)> {
        self.sessions.get(id).cloned()
    }

    fn gives_tickets(&self) -> bool {
        self.gives_tickets
    }

    /// A nonce, a tag, and encrypted the suite, the master secret and the peer (RFC 5077 §4).
    fn seal_ticket(
        &mut self,
        session: &Session,
        peer: Option<&String>,
        buffer: &mut [u8],
    ) -> Option<usize> {
        let mut state = session.suite().number().to_be_bytes().to_vec();
        state.extend_from_slice(session.master_secret());
        state.extend_from_slice(peer.map_or("", String::as_str).as_bytes());
        let nonce: [u8; 12] = rand::rng().random();
        let cipher = Aes128Gcm::new(&self.ticket_key.into());
        let tag = cipher
            .encrypt_inout_detached(&Nonce::from(nonce), b"", state.as_mut_slice().into())
            .ok()?;
        let ticket = [&nonce[..], &tag[..], &state[..]].concat();
        buffer.get_mut(..ticket.len())?.copy_from_slice(&ticket);
        Some(ticket.len())
    }

    fn open_ticket(&mut self, ticket: &[u8]) -> Option<(Session, Option<String>)> {
        let (nonce, sealed) = ticket.split_first_chunk::<12>()?;
        let (tag, sealed) = sealed.split_first_chunk::<16>()?;
        let mut state = sealed.to_vec();
        let cipher = Aes128Gcm::new(&self.ticket_key.into());
        cipher
            .decrypt_inout_detached(
                &Nonce::from(*nonce),
                b"",
                state.as_mut_slice().into(),
                &(*tag).into(),
            )
            .ok()?;
        let (suite, rest) = state.split_first_chunk()?;
        let (master, peer) = rest.split_first_chunk::<48>()?;
        let suite = CipherSuite::from_number(u16::from_be_bytes(*suite))?;
        let session = Session::new(SessionId::default(), suite, *master);
        let peer = String::from_utf8(peer.to_vec()).ok()?;
        Some((session, (!peer.is_empty()).then_some(peer)))
    }
}

/// A clock for the engine, which starts at 0.
pub(crate) struct Watch(Clock);

impl Watch {
    pub(crate) fn start() -> Self {
        Self(Clock::now())
    }

    pub(crate) fn now(&self) -> Instant {
        let passed = u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX);
        Instant::from_millis(passed)
    }
}

/// The specification's name.
pub(crate) fn suite_name(suite: CipherSuite) -> &'static str {
    match suite {
        CipherSuite::PskAes128Ccm8 => "TLS_PSK_WITH_AES_128_CCM_8",
        CipherSuite::PskAes128Gcm => "TLS_PSK_WITH_AES_128_GCM_SHA256",
        CipherSuite::EcdheEcdsaAes128Ccm8 => "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8",
        CipherSuite::EcdheEcdsaAes128Gcm => "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        _ => "another",
    }
}

/// What was agreed on: suite, whether it was resumed, the peer's connection id, the longest record.
pub(crate) fn agreed(connection: &mut Connection) -> String {
    let resumed = if connection.is_resumed() {
        " resumed"
    } else {
        ""
    };
    let Some(association) = connection.association() else {
        return "nothing".to_owned();
    };
    let mut text = suite_name(association.suite()).to_owned() + resumed;
    let id = association.peer_connection_id();
    if !id.is_empty() {
        text += " cid ";
        text += &to_hex(id.as_bytes());
    }
    text + &format!(" limit {}", association.max_data_len())
}

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x}").expect("a string takes all");
        digits
    })
}

pub(crate) fn from_hex(digits: &str) -> Result<Vec<u8>> {
    if !digits.len().is_multiple_of(2) || !digits.is_ascii() {
        bail!("pairs of hexadecimal digits are wanted");
    }
    (0..digits.len())
        .step_by(2)
        .map(|at| Ok(u8::from_str_radix(&digits[at..at + 2], 16)?))
        .collect()
}

fn read(path: &PathBuf) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
