//! What the examples `dtls_client` and `dtls_server` share: options, credentials, the clock.

use core::fmt::Write;
use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::time::Instant as Clock;

use anyhow::{Context, Result, bail};
use dunlin_dtls::certificate::UnixTime;
use dunlin_dtls::trust::Role;
use dunlin_dtls::{
    Alert, Certificate, CertificateTypes, Chain, ChainVerifier, CipherSuite, ClientAuthentication,
    Config, Credentials, MaxFragmentLength, Presented, PrivateKey, PskKey, PskLookup, PublicKey,
    Session, TicketKeys,
};
use dunlin_time::{Duration, Instant};

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
    /// Trusts whose certificate this authority signed.
    #[arg(long)]
    authority: Vec<PathBuf>,
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
    pub(crate) fn owner(&self, peer: Role) -> Result<Owner> {
        let mut owner = Owner {
            watch: Watch::start(),
            peer,
            psks: Vec::new(),
            key: None,
            raw: self.raw,
            certificate: None,
            trusted_keys: Vec::new(),
            trusted_certificates: Vec::new(),
            authorities: None,
            server_name: None,
            keeps_sessions: false,
            sessions: HashMap::new(),
            tickets: None,
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
        if !self.authority.is_empty() {
            let authorities: Result<Vec<_>> = self.authority.iter().map(read).collect();
            owner.authorities = Some(ChainVerifier::new(authorities?)?);
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
pub(crate) struct Owner {
    pub(crate) watch: Watch,
    peer: Role,
    psks: Vec<(String, PskKey)>,
    key: Option<PrivateKey>,
    raw: bool,
    certificate: Option<Vec<u8>>,
    trusted_keys: Vec<PublicKey>,
    trusted_certificates: Vec<Vec<u8>>,
    authorities: Option<ChainVerifier>,
    /// The name that a client asks for, and that is to stand in the server's certificate.
    pub(crate) server_name: Option<String>,
    /// A server keeps sessions.
    pub(crate) keeps_sessions: bool,
    sessions: HashMap<Vec<u8>, (Session, Option<String>)>,
    /// A server gives tickets.
    pub(crate) tickets: Option<TicketKeys>,
}

impl Owner {
    /// Whether a chain is trusted: its first certificate by itself, or by an authority.
    fn trusts(&self, chain: &Chain<'_>) -> bool {
        let Some(der) = chain.end_entity() else {
            return false;
        };
        let is_known = self.trusted_certificates.iter().any(|known| known == der);
        is_known
            || self.authorities.as_ref().is_some_and(|authorities| {
                let name = self.server_name.as_deref();
                authorities.check(chain, self.peer, today(), name).is_ok()
            })
    }
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
            x509: !self.trusted_certificates.is_empty() || self.authorities.is_some(),
        }
    }

    fn verify(&mut self, presented: Presented<'_>) -> Result<String, Alert> {
        match presented {
            Presented::RawPublicKey(key) if self.trusted_keys.contains(key) => {
                Ok(format!("key:{}", to_hex(&key.as_point()[1..5])))
            }
            Presented::Certificates(chain) if self.trusts(&chain) => {
                let certificate = chain
                    .end_entity()
                    .and_then(|der| Certificate::parse(der).ok())
                    .ok_or(Alert::BAD_CERTIFICATE)?;
                let name = certificate.subject().common_name().unwrap_or_default();
                Ok(format!("certificate:{name}"))
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
        self.tickets.is_some()
    }

    fn seal_ticket(
        &mut self,
        session: &Session,
        peer: Option<&String>,
        buffer: &mut [u8],
    ) -> Option<usize> {
        let peer = peer.map_or("", String::as_str).as_bytes();
        let now = self.watch.now();
        self.tickets
            .as_mut()?
            .seal(now, session, peer, buffer, &mut rand::rng())
    }

    fn open_ticket(&mut self, ticket: &[u8]) -> Option<(Session, Option<String>)> {
        let now = self.watch.now();
        self.tickets.as_mut()?.open(now, ticket, |peer| {
            let peer = String::from_utf8(peer.to_vec()).ok()?;
            Some((!peer.is_empty()).then_some(peer))
        })
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

/// The time, for certificates.
fn today() -> UnixTime {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed();
    UnixTime(since.map_or(0, |since| since.as_secs().cast_signed()))
}
