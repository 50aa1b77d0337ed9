//! The server's messages, in the order in which they come (RFC 6347 §4.2, RFC 5246 §7.4).

use rand_core::CryptoRng;

#[cfg(feature = "_ecdhe")]
use super::extensions::Extensions;
use super::extensions::{extension, number};
use super::hello::ClientHello;
use super::kind;
use super::state::{Phase, Turn};
#[cfg(feature = "_ecdhe")]
use crate::config::ClientAuthentication;
use crate::config::MaxFragmentLength;
use crate::credentials::Credentials;
#[cfg(feature = "psk")]
use crate::credentials::{PskKey, PskLookup};
use crate::error::{Failure, Malformed};
use crate::reader::Reader;
use crate::record::{MAX_PLAINTEXT, VERSION};
use crate::session::{Session, SessionId};
use crate::suite::{CipherSuite, KeyExchange};
#[cfg(feature = "_ecdhe")]
use crate::writer::Writer;

/// How long a ticket is said to be of use, in seconds: a day (RFC 5077 §5.6).
#[cfg(feature = "ticket")]
const TICKET_LIFETIME: u32 = 24 * 60 * 60;

impl<C: Credentials, R: CryptoRng> Turn<'_, C, R> {
    pub(crate) fn server_message(
        &mut self,
        kind: u8,
        body: &[u8],
        header: &[u8],
    ) -> Result<(), Failure> {
        let malformed = |Malformed| Failure::Malformed(kind);
        match (self.state.phase, kind) {
            (Phase::ClientHello, kind::CLIENT_HELLO) => {
                let hello = ClientHello::read(body).map_err(malformed)?;
                self.client_hello(&hello)
            }
            #[cfg(feature = "_ecdhe")]
            (Phase::Certificate, kind::CERTIFICATE) => {
                self.state.has_certificate = self.take_certificate(body)?;
                let required = self.state.config.client_authentication;
                if !self.state.has_certificate && required == ClientAuthentication::Required {
                    return Err(Failure::NotTrusted(crate::Alert::HANDSHAKE_FAILURE));
                }
                self.state.phase = Phase::ClientKeyExchange;
                Ok(())
            }
            (Phase::ClientKeyExchange, kind::CLIENT_KEY_EXCHANGE) => self.client_key_exchange(body),
            #[cfg(feature = "_ecdhe")]
            (Phase::CertificateVerify, kind::CERTIFICATE_VERIFY) => {
                self.take_certificate_verify(body, header)?;
                self.state.phase = Phase::Finished;
                Ok(())
            }
            (Phase::Finished, kind::FINISHED) => {
                self.check_finished(body, header)?;
                if self.state.resumed {
                    self.state.flight.answered();
                    self.state.flight.clear();
                } else {
                    self.state.flight.clear();
                    self.keep_session();
                    #[cfg(feature = "ticket")]
                    self.say_ticket()?;
                    self.say_finished()?;
                    // The last flight is repeated only when the client repeats its own (RFC 6347 §4.2.4).
                    self.send(false);
                }
                self.establish();
                Ok(())
            }
            _ => Err(Failure::Unexpected(kind)),
        }
    }

    fn client_hello(&mut self, hello: &ClientHello<'_>) -> Result<(), Failure> {
        if !hello.speaks_dtls12() {
            return Err(Failure::Version);
        }
        let extensions = &hello.extensions;
        if extensions
            .renegotiation
            .is_some_and(|info| !info.is_empty())
        {
            return Err(Failure::Misbehaved);
        }
        if extensions.alpn.is_some() && !extensions.offers_coap() {
            return Err(Failure::NoProtocol);
        }
        if let Some(name) = extensions.server_name {
            self.credentials.asked_for(name);
        }
        self.rng.fill_bytes(&mut self.state.server_random);
        let state = &mut *self.state;
        state.client_random = *hello.random;
        state.extended = extensions.extended_master_secret;
        if state.config.require_extended_master_secret && !state.extended {
            return Err(Failure::NoExtendedMasterSecret);
        }
        state.take_limits(extensions)?;
        if state.config.connection_id.is_some() {
            state.peer_id = extensions.connection_id;
        }
        self.state.flight.clear();
        if let Some((session, peer)) = self.known_session(hello) {
            self.state.peer = peer;
            return self.resume(hello, &session);
        }
        let suite = self.choose(hello).ok_or(Failure::NothingInCommon)?;
        self.state.suite = Some(suite);
        #[cfg(feature = "ticket")]
        let promises_ticket = {
            self.state.promises_ticket = extensions.ticket.is_some()
                && self.state.extended
                && self.credentials.gives_tickets();
            self.state.promises_ticket
        };
        #[cfg(not(feature = "ticket"))]
        let promises_ticket = false;
        // Who has a ticket needs no id (RFC 5077 §3.4), and the session need not be kept here.
        if self.credentials.keeps_sessions() && !promises_ticket {
            let mut id = [0; 32];
            self.rng.fill_bytes(&mut id);
            self.state.session_id = SessionId::new(&id).unwrap_or_default();
        }
        self.say_server_hello(hello, suite)?;
        self.state.phase = Phase::ClientKeyExchange;
        #[cfg(feature = "_ecdhe")]
        if suite.key_exchange() == KeyExchange::Ecdhe {
            self.say_certificate()?;
            self.say_server_key_exchange()?;
            if self.asks_for_certificate() {
                self.say_certificate_request()?;
                self.state.phase = Phase::Certificate;
            }
        }
        self.say(kind::SERVER_HELLO_DONE, |_| ())?;
        self.send(true);
        Ok(())
    }

    /// The session that the client wants to resume, if we know it and may.
    fn known_session(&mut self, hello: &ClientHello<'_>) -> Option<(Session, Option<C::Peer>)> {
        if !hello.extensions.extended_master_secret {
            return None;
        }
        #[cfg(feature = "ticket")]
        let by_ticket = match hello.extensions.ticket {
            Some(ticket) if !ticket.is_empty() => self.credentials.open_ticket(ticket),
            _ => None,
        };
        #[cfg(not(feature = "ticket"))]
        let by_ticket = None;
        let (mut session, peer) = match by_ticket {
            Some(found) => found,
            None if hello.session_id.is_empty() => return None,
            None => self.credentials.session(hello.session_id)?,
        };
        // The client knows by its own id that it is resumed (RFC 5077 §3.4).
        session.id = SessionId::new(hello.session_id)?;
        let is_ours = self.state.config.suites.contains(&session.suite);
        (is_ours && hello.offers(session.suite)).then_some((session, peer))
    }

    fn resume(&mut self, hello: &ClientHello<'_>, session: &Session) -> Result<(), Failure> {
        let state = &mut *self.state;
        state.suite = Some(session.suite);
        *state.master = *session.master;
        state.session_id = session.id;
        state.resumed = true;
        self.say_server_hello(hello, session.suite)?;
        self.associate()?;
        self.say_finished()?;
        self.state.phase = Phase::Finished;
        self.send(true);
        Ok(())
    }

    /// The first of our suites that the client offers and for which both sides have what it needs.
    fn choose(&mut self, hello: &ClientHello<'_>) -> Option<CipherSuite> {
        let suites = self.state.config.suites;
        for suite in suites.iter().filter(|suite| hello.offers(**suite)) {
            let fits = match suite.key_exchange() {
                #[cfg(feature = "psk")]
                KeyExchange::Psk => self.credentials.has_psks(),
                #[cfg(feature = "_ecdhe")]
                KeyExchange::Ecdhe => self.fits_ecdhe(&hello.extensions),
                #[allow(unreachable_patterns, reason = "each kind of credential is a feature")]
                _ => false,
            };
            if fits {
                return Some(*suite);
            }
        }
        None
    }

    /// Whether curve, signature and the kinds of public keys fit; remembers the kinds.
    #[cfg(feature = "_ecdhe")]
    fn fits_ecdhe(&mut self, extensions: &Extensions<'_>) -> bool {
        use super::extensions::{ECDSA_SHA256, P256};
        let own = self.credentials.own_types().choose(extensions.server_types);
        let Some(own) = own else {
            return false;
        };
        // A client without a list takes any curve (RFC 8422 §4).
        let has_curve = extensions.groups.is_none() || Extensions::lists(extensions.groups, P256);
        if self.credentials.private_key().is_none()
            || !has_curve
            || !Extensions::lists(extensions.signatures, ECDSA_SHA256)
        {
            return false;
        }
        self.state.own_type = own;
        let peers = self
            .credentials
            .peer_types()
            .choose(extensions.client_types);
        let wanted = self.state.config.client_authentication;
        match peers {
            Some(kind) => self.state.peer_type = kind,
            None if wanted == ClientAuthentication::Required => return false,
            None => {}
        }
        self.state.has_certificate = peers.is_some();
        true
    }

    #[cfg(feature = "_ecdhe")]
    fn asks_for_certificate(&self) -> bool {
        self.state.has_certificate
            && self.state.config.client_authentication != ClientAuthentication::None
    }

    fn say_server_hello(
        &mut self,
        hello: &ClientHello<'_>,
        suite: CipherSuite,
    ) -> Result<(), Failure> {
        let asked = &hello.extensions;
        #[cfg(feature = "_ecdhe")]
        let asks_for_certificate = self.asks_for_certificate();
        let state = &mut *self.state;
        let config = state.config;
        let (random, session_id, resumed) = (state.server_random, state.session_id, state.resumed);
        #[cfg(feature = "_ecdhe")]
        let (own_type, peer_type) = (state.own_type, state.peer_type);
        let has_id = state.peer_id.is_some();
        let extended = state.extended;
        #[cfg(feature = "ticket")]
        let promises_ticket = state.promises_ticket;
        let message = state
            .flight
            .push(self.outbox, kind::SERVER_HELLO, |writer| {
                writer.put(&VERSION);
                writer.put(&random);
                writer.vec8(session_id.as_bytes());
                writer.u16(suite.number());
                writer.u8(0);
                let open = writer.open(2);
                if hello.signals_renegotiation() {
                    extension(writer, number::RENEGOTIATION_INFO, |writer| writer.u8(0));
                }
                if extended {
                    extension(writer, number::EXTENDED_MASTER_SECRET, |_| ());
                }
                if let (true, Some(id)) = (has_id, &config.connection_id) {
                    extension(writer, number::CONNECTION_ID, |writer| {
                        writer.vec8(id.as_bytes());
                    });
                }
                if asked.record_size_limit.is_some() {
                    let most = u16::try_from(MAX_PLAINTEXT).unwrap_or(u16::MAX);
                    extension(writer, number::RECORD_SIZE_LIMIT, |writer| {
                        writer.u16(config.record_size_limit.unwrap_or(most));
                    });
                } else if let Some(length) = asked.max_fragment_length
                    && MaxFragmentLength::bytes(length).is_some()
                {
                    extension(writer, number::MAX_FRAGMENT_LENGTH, |writer| {
                        writer.u8(length);
                    });
                }
                if asked.offers_coap() {
                    extension(writer, number::ALPN, |writer| writer.vec16(b"\x04coap"));
                }
                #[cfg(feature = "ticket")]
                if promises_ticket {
                    extension(writer, number::SESSION_TICKET, |_| ());
                }
                #[cfg(feature = "_ecdhe")]
                if suite.key_exchange() == KeyExchange::Ecdhe && !resumed {
                    if asked.point_formats.is_some() {
                        extension(writer, number::EC_POINT_FORMATS, |writer| writer.vec8(&[0]));
                    }
                    if asked.client_types.is_some() && asks_for_certificate {
                        extension(writer, number::CLIENT_CERTIFICATE_TYPE, |writer| {
                            writer.u8(peer_type.number());
                        });
                    }
                    if asked.server_types.is_some() {
                        extension(writer, number::SERVER_CERTIFICATE_TYPE, |writer| {
                            writer.u8(own_type.number());
                        });
                    }
                }
                let _ = resumed;
                writer.close(open);
            })?;
        sha2::Digest::update(&mut state.transcript, message);
        Ok(())
    }

    #[cfg(feature = "_ecdhe")]
    fn say_certificate_request(&mut self) -> Result<(), Failure> {
        /// `ecdsa_sign` (RFC 8422 §5.5).
        const ECDSA_SIGN: u8 = 64;
        self.say(kind::CERTIFICATE_REQUEST, |writer: &mut Writer<'_>| {
            writer.vec8(&[ECDSA_SIGN]);
            writer.vec16(&super::extensions::ECDSA_SHA256.to_be_bytes());
            writer.vec16(&[]);
        })
    }

    fn client_key_exchange(&mut self, body: &[u8]) -> Result<(), Failure> {
        let malformed = |Malformed| Failure::Malformed(kind::CLIENT_KEY_EXCHANGE);
        let mut reader = Reader::new(body);
        match self.state.suite.map(CipherSuite::key_exchange) {
            #[cfg(feature = "psk")]
            Some(KeyExchange::Psk) => {
                let identity = reader.vec16().map_err(malformed)?;
                reader.finish().map_err(malformed)?;
                let found = self.credentials.psk(identity);
                self.take_psk(found)
            }
            #[cfg(feature = "_ecdhe")]
            Some(KeyExchange::Ecdhe) => {
                let point = reader.vec8().map_err(malformed)?;
                reader.finish().map_err(malformed)?;
                let point =
                    crate::ec::PublicKey::from_point(point).map_err(|_| Failure::Misbehaved)?;
                self.state.peer_point = Some(point);
                self.agree_ecdhe()?;
                self.state.phase = if self.state.peer_key.is_some() {
                    Phase::CertificateVerify
                } else {
                    Phase::Finished
                };
                Ok(())
            }
            _ => Err(Failure::Internal),
        }
    }

    /// Goes on with what the owner knows of an identity.
    #[cfg(feature = "psk")]
    pub(crate) fn take_psk(&mut self, found: PskLookup<C::Peer>) -> Result<(), Failure> {
        let key = match found {
            PskLookup::Found(key, peer) => {
                self.state.peer = Some(peer);
                key
            }
            PskLookup::Unknown => {
                let mut bytes = [0; 16];
                self.rng.fill_bytes(&mut bytes);
                self.state.is_unknown = true;
                PskKey::new(&bytes).ok_or(Failure::Internal)?
            }
            PskLookup::Later => {
                self.state.phase = Phase::Psk;
                self.state.event = Some(super::state::Event::PskWanted);
                return Ok(());
            }
        };
        let (premaster, len) = super::state::psk_premaster(&key);
        self.agree(premaster.get(..len).unwrap_or_default())?;
        self.state.phase = Phase::Finished;
        Ok(())
    }

    fn keep_session(&mut self) {
        if !self.state.session_id.is_empty()
            && let Some(session) = self.state.session()
        {
            self.credentials
                .keep_session(&session, self.state.peer.as_ref());
        }
    }

    /// Appends a NewSessionTicket, if one was promised (RFC 5077 §3.3).
    #[cfg(feature = "ticket")]
    fn say_ticket(&mut self) -> Result<(), Failure> {
        if !self.state.promises_ticket {
            return Ok(());
        }
        let mut ticket = [0; crate::session::Ticket::MAX_LEN];
        let len = match self.state.session() {
            Some(session) => {
                let peer = self.state.peer.as_ref();
                self.credentials.seal_ticket(&session, peer, &mut ticket)
            }
            None => None,
        };
        // Who promised a ticket and has none sends an empty one (RFC 5077 §3.3).
        let ticket = ticket.get(..len.unwrap_or_default()).unwrap_or_default();
        self.say(kind::NEW_SESSION_TICKET, |writer| {
            writer.put(&TICKET_LIFETIME.to_be_bytes());
            writer.vec16(ticket);
        })
    }
}
