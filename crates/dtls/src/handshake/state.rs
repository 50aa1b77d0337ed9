//! What a handshake remembers, and what both roles do alike.

use dunlin_time::Instant;
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::flight::{Flight, OutboxFull};
use super::inbox::Inbox;
use super::kind;
use crate::alert::{Alert, Level};
use crate::association::{Association, Opened, Role};
use crate::cid::ConnectionId;
use crate::config::{Config, MaxFragmentLength};
use crate::credentials::Credentials;
use crate::error::{Dropped, Failure, ProtectError};
use crate::handshake::extensions::Extensions;
use crate::prf::{MasterSecret, master_secret, verify_data};
use crate::record::{MAX_PLAINTEXT, Record};
use crate::session::{Session, SessionId};
use crate::suite::CipherSuite;
use crate::writer::Writer;

/// What is waited for. The names are the messages' (RFC 6347 §4.2.4, RFC 5246 §7.3):
///
/// ```text
/// client  Start → ServerHello ─┬→ [Certificate → ServerKeyExchange] → ServerHelloDone → Finished ─┬→ Established
///                              └→ (resumed) Finished ─────────────────────────────────────────────┘
/// server  ClientHello ─┬→ [Certificate] → ClientKeyExchange → [Psk] → [CertificateVerify] → Finished ─┬→ Established
///                      └→ (resumed) Finished ─────────────────────────────────────────────────────────┘
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing was done yet.
    Start,
    ServerHello,
    Certificate,
    #[cfg(feature = "_ecdhe")]
    ServerKeyExchange,
    ServerHelloDone,
    ClientHello,
    ClientKeyExchange,
    /// The owner looks the key of an identity up.
    Psk,
    #[cfg(feature = "_ecdhe")]
    CertificateVerify,
    Finished,
    /// Data may be sent and received.
    Established,
    /// The handshake failed or the association ended.
    Over,
}

/// How a public key is presented.
#[cfg(feature = "_ecdhe")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum CertificateType {
    #[default]
    X509,
    RawPublicKey,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Event {
    /// The handshake is over: data may be sent and received.
    Established,
    /// The owner is asked for the key of an identity, see
    /// [`Connection::provide_psk`](crate::Connection::provide_psk).
    PskWanted,
    /// The handshake failed, or the peer ended the association because something was wrong.
    Failed(Failure),
    /// The peer closed the association.
    Closed,
}

/// A handshake's memory, and the association that comes of it.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one fact that was agreed on, and none excludes another"
)]
pub(crate) struct State<P> {
    pub(crate) role: Role,
    pub(crate) phase: Phase,
    pub(crate) config: Config,
    pub(crate) client_random: [u8; 32],
    pub(crate) server_random: [u8; 32],
    pub(crate) session_id: SessionId,
    pub(crate) suite: Option<CipherSuite>,
    pub(crate) transcript: Sha256,
    pub(crate) master: MasterSecret,
    /// What a client offers to resume.
    pub(crate) offered: Option<Session>,
    pub(crate) extended: bool,
    pub(crate) resumed: bool,
    /// A client: the server asked for a certificate. A server: the client presented one.
    pub(crate) has_certificate: bool,
    /// Both sides speak of connection ids; then the peer's is this.
    pub(crate) peer_id: Option<ConnectionId>,
    pub(crate) limit: u16,
    #[cfg(feature = "_ecdhe")]
    pub(crate) own_type: CertificateType,
    #[cfg(feature = "_ecdhe")]
    pub(crate) peer_type: CertificateType,
    #[cfg(feature = "_ecdhe")]
    pub(crate) ephemeral: Option<crate::ec::PrivateKey>,
    /// The peer's ephemeral key.
    #[cfg(feature = "_ecdhe")]
    pub(crate) peer_point: Option<crate::ec::PublicKey>,
    /// The key that the peer signs with.
    #[cfg(feature = "_ecdhe")]
    pub(crate) peer_key: Option<crate::ec::PublicKey>,
    #[cfg(feature = "ticket")]
    pub(crate) ticket: crate::session::Ticket,
    /// A server promised a ticket.
    #[cfg(feature = "ticket")]
    pub(crate) promises_ticket: bool,
    /// The identity is unknown and the key one that nobody has.
    pub(crate) is_unknown: bool,
    /// Records of the new epoch that could not be read, while the first was waited for.
    pub(crate) unreadable: u8,
    /// How many HelloVerifyRequests a client followed.
    pub(crate) verified: u8,
    /// The sequence number of the next message of the peer.
    pub(crate) next_receive: u16,
    /// Our last flight answers all messages of the peer before this one.
    pub(crate) answered: u16,
    /// The last alert is to be protected, and then the association is gone.
    pub(crate) is_closing: bool,
    pub(crate) inbox: Inbox,
    pub(crate) flight: Flight,
    pub(crate) association: Option<Association>,
    #[cfg(feature = "ready")]
    pub(crate) ciphers: crate::live::Ciphers,
    pub(crate) peer: Option<P>,
    pub(crate) event: Option<Event>,
    pub(crate) alert: Option<(Level, Alert)>,
}

/// A turn of the handshake: its memory and what its owner lends.
pub(crate) struct Turn<'a, C: Credentials, R> {
    pub(crate) now: Instant,
    pub(crate) state: &'a mut State<C::Peer>,
    pub(crate) outbox: &'a mut [u8],
    pub(crate) credentials: &'a mut C,
    pub(crate) rng: &'a mut R,
}

impl<P> State<P> {
    pub(crate) fn new(role: Role, config: Config) -> Self {
        Self {
            role,
            phase: match role {
                Role::Client => Phase::Start,
                Role::Server => Phase::ClientHello,
            },
            config,
            client_random: [0; 32],
            server_random: [0; 32],
            session_id: SessionId::default(),
            suite: None,
            transcript: Sha256::new(),
            master: MasterSecret::new([0; 48]),
            offered: None,
            extended: false,
            resumed: false,
            has_certificate: false,
            peer_id: None,
            limit: u16::try_from(MAX_PLAINTEXT).unwrap_or(u16::MAX),
            #[cfg(feature = "_ecdhe")]
            own_type: CertificateType::X509,
            #[cfg(feature = "_ecdhe")]
            peer_type: CertificateType::X509,
            #[cfg(feature = "_ecdhe")]
            ephemeral: None,
            #[cfg(feature = "_ecdhe")]
            peer_point: None,
            #[cfg(feature = "_ecdhe")]
            peer_key: None,
            #[cfg(feature = "ticket")]
            ticket: crate::session::Ticket::NONE,
            #[cfg(feature = "ticket")]
            promises_ticket: false,
            is_unknown: false,
            unreadable: 0,
            verified: 0,
            next_receive: 0,
            answered: 0,
            is_closing: false,
            inbox: Inbox::default(),
            flight: Flight::NONE,
            association: None,
            #[cfg(feature = "ready")]
            ciphers: crate::live::Ciphers::new(),
            peer: None,
            event: None,
            alert: None,
        }
    }

    /// The hash of all messages so far (RFC 5246 §7.4.9, RFC 7627 §3).
    pub(crate) fn transcript_hash(&self) -> [u8; 32] {
        self.transcript.clone().finalize().into()
    }

    /// The handshake or the association is over.
    pub(crate) fn fail(&mut self, failure: Failure) {
        if self.phase == Phase::Over {
            return;
        }
        self.phase = Phase::Over;
        self.flight.answered();
        self.alert = failure.alert().map(|alert| (Level::Fatal, alert));
        self.event = Some(Event::Failed(failure));
        self.forget();
    }

    /// Wipes what only the handshake needed.
    pub(crate) fn forget(&mut self) {
        #[cfg(feature = "_ecdhe")]
        {
            self.ephemeral = None;
            self.peer_point = None;
        }
        self.offered = None;
    }

    /// The peer closed, or told what was wrong.
    pub(crate) fn end(&mut self, event: Event) {
        self.phase = Phase::Over;
        self.flight.answered();
        self.event = Some(event);
        self.part();
        self.forget();
    }

    /// Takes the association, and with it all that was made ready of its keys.
    pub(crate) fn part(&mut self) -> Option<Association> {
        #[cfg(feature = "ready")]
        {
            self.ciphers = crate::live::Ciphers::new();
        }
        self.association.take()
    }

    /// Takes a record of the association, if there is one.
    pub(crate) fn open<'a>(&mut self, record: Record<'a>) -> Option<Result<Opened<'a>, Dropped>> {
        let association = self.association.as_mut()?;
        #[cfg(feature = "ready")]
        let mut association = association.with(&mut self.ciphers);
        Some(association.unprotect(record))
    }

    /// The association that may send data, with what makes it quick.
    #[cfg(feature = "ready")]
    pub(crate) fn sender(&mut self) -> Result<crate::live::Live<'_>, ProtectError> {
        match &mut self.association {
            Some(association) if self.phase == Phase::Established => {
                Ok(association.with(&mut self.ciphers))
            }
            _ => Err(ProtectError::NotConnected),
        }
    }

    /// The association that may send data.
    #[cfg(not(feature = "ready"))]
    pub(crate) fn sender(&mut self) -> Result<&mut Association, ProtectError> {
        match &mut self.association {
            Some(association) if self.phase == Phase::Established => Ok(association),
            _ => Err(ProtectError::NotConnected),
        }
    }

    /// The records' limit that the peer asked for (RFC 8449 §4, RFC 6066 §4).
    pub(crate) fn take_limits(&mut self, extensions: &Extensions<'_>) -> Result<(), Failure> {
        let wanted = match (extensions.record_size_limit, extensions.max_fragment_length) {
            (Some(limit), _) if limit >= 64 => limit,
            (None, Some(number)) => MaxFragmentLength::bytes(number).ok_or(Failure::Misbehaved)?,
            (None, None) => return Ok(()),
            (Some(_), _) => return Err(Failure::Misbehaved),
        };
        self.limit = self.limit.min(wanted);
        Ok(())
    }

    /// The session, once it is agreed on; one without extended master secret may not be resumed (RFC 7627 §5.3).
    pub(crate) fn session(&self) -> Option<Session> {
        let mut session = Session::new(self.session_id, self.suite?, *self.master);
        #[cfg(feature = "ticket")]
        {
            session.ticket = self.ticket;
        }
        let _ = &mut session;
        self.extended.then_some(session)
    }
}

impl<C: Credentials, R: CryptoRng> Turn<'_, C, R> {
    /// Appends a message to the flight and to the transcript.
    pub(crate) fn say(
        &mut self,
        kind: u8,
        write: impl FnOnce(&mut Writer<'_>),
    ) -> Result<(), Failure> {
        let message = self.state.flight.push(self.outbox, kind, write)?;
        self.state.transcript.update(message);
        Ok(())
    }

    /// A message arrived whole and in order.
    pub(crate) fn message(&mut self, epoch: u16, kind: u8, body: &[u8]) -> Result<(), Failure> {
        // What proves who said the rest covers all but itself.
        let is_late = matches!(kind, kind::FINISHED | kind::CERTIFICATE_VERIFY);
        let is_apart = matches!(kind, kind::HELLO_REQUEST | kind::HELLO_VERIFY_REQUEST);
        if (epoch == 0) == (kind == kind::FINISHED) {
            return Err(Failure::Unexpected(kind));
        }
        let sequence = self.state.next_receive;
        let header = super::header(kind, body.len(), sequence, 0, body.len());
        if !is_late && !is_apart {
            self.state.transcript.update(header);
            self.state.transcript.update(body);
        }
        match self.state.role {
            #[cfg(feature = "client")]
            Role::Client => self.client_message(kind, body)?,
            #[cfg(feature = "server")]
            Role::Server => self.server_message(kind, body, &header)?,
            #[allow(unreachable_patterns, reason = "each role is a feature")]
            _ => return Err(Failure::Internal),
        }
        Ok(())
    }

    /// Both sides have said enough for the keys: derives them (RFC 7627 §4).
    pub(crate) fn agree(&mut self, premaster: &[u8]) -> Result<(), Failure> {
        let state = &mut *self.state;
        let hash = state.transcript_hash();
        state.master = master_secret(
            premaster,
            state.extended.then_some(&hash),
            &state.client_random,
            &state.server_random,
        );
        self.associate()
    }

    /// Makes the association from the master secret.
    pub(crate) fn associate(&mut self) -> Result<(), Failure> {
        let state = &mut *self.state;
        let suite = state.suite.ok_or(Failure::Internal)?;
        let mut association = Association::new(
            suite,
            state.role,
            &state.master,
            &state.client_random,
            &state.server_random,
        );
        association.limit = state.limit;
        if let (Some(own), Some(peer)) = (state.config.connection_id, state.peer_id) {
            (association.own_id, association.peer_id) = (own, peer);
        }
        state.association = Some(association);
        Ok(())
    }

    /// Appends ChangeCipherSpec and Finished.
    pub(crate) fn say_finished(&mut self) -> Result<(), Failure> {
        self.state.flight.push_change(self.outbox)?;
        let by_client = self.state.role == Role::Client;
        let hash = self.state.transcript_hash();
        let data = verify_data(&self.state.master, by_client, &hash);
        self.say(kind::FINISHED, |writer| writer.put(&data))
    }

    /// Whether the peer's Finished fits all that was said.
    pub(crate) fn check_finished(&mut self, body: &[u8], header: &[u8]) -> Result<(), Failure> {
        let by_client = self.state.role == Role::Server;
        let hash = self.state.transcript_hash();
        let data = verify_data(&self.state.master, by_client, &hash);
        if !bool::from(data[..].ct_eq(body)) {
            return Err(Failure::NotAuthentic);
        }
        self.state.transcript.update(header);
        self.state.transcript.update(body);
        Ok(())
    }

    /// Sends the flight that was written; `wants_answer` unless it is the last one.
    pub(crate) fn send(&mut self, wants_answer: bool) {
        let timeout = self.state.config.initial_timeout;
        // The message that is being answered is not yet counted; a client's first flight answers none.
        self.state.answered = match self.state.flight.message {
            1 if self.state.role == Role::Client => 0,
            _ => self.state.next_receive.wrapping_add(1),
        };
        self.state.flight.begin(self.now, timeout, wants_answer);
    }

    /// The handshake is over.
    pub(crate) fn establish(&mut self) {
        self.state.phase = Phase::Established;
        self.state.event = Some(Event::Established);
        self.state.forget();
    }
}

impl From<OutboxFull> for Failure {
    fn from(_: OutboxFull) -> Self {
        Self::TooLong
    }
}

/// The premaster secret of a pre-shared key (RFC 4279 §2): zeros as long as the key, and the key.
#[cfg(feature = "psk")]
pub(crate) fn psk_premaster(
    key: &crate::credentials::PskKey,
) -> (
    zeroize::Zeroizing<[u8; 2 * (2 + crate::PskKey::MAX_LEN)]>,
    usize,
) {
    let mut bytes = zeroize::Zeroizing::new([0; 2 * (2 + crate::PskKey::MAX_LEN)]);
    let mut writer = Writer::new(bytes.as_mut());
    let key = key.as_bytes();
    let open = writer.open(2);
    for _ in key {
        writer.u8(0);
    }
    writer.close(open);
    writer.vec16(key);
    let len = writer.len();
    (bytes, len)
}
