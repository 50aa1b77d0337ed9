//! The client's messages, in the order in which they come (RFC 6347 §4.2, RFC 5246 §7.4).

use rand_core::CryptoRng;
use sha2::Digest as _;

use super::extensions::{Extensions, extension, number};
use super::hello::{ServerHello, read_verify_request};
use super::kind;
use super::state::{Phase, Turn};
use crate::config::MaxFragmentLength;
use crate::credentials::Credentials;
use crate::error::{Failure, Malformed};
use crate::reader::Reader;
use crate::record::VERSION;
use crate::session::SessionId;
use crate::suite::{CipherSuite, KeyExchange};
#[cfg(feature = "_ecdhe")]
use crate::writer::Writer;

/// How many HelloVerifyRequests are followed: one is usual, another comes when a cookie got too old.
const VERIFIED_AT_MOST: u8 = 3;

impl<C: Credentials, R: CryptoRng> Turn<'_, C, R> {
    /// Begins the handshake.
    pub(crate) fn start(&mut self) -> Result<(), Failure> {
        self.rng.fill_bytes(&mut self.state.client_random);
        #[cfg(feature = "ticket")]
        if self.state.config.offers_tickets {
            self.draw_session_id_for_ticket();
        }
        self.say_client_hello(&[])
    }

    /// A client that offers a ticket knows by the session id whether the server took it (RFC 5077 §3.4).
    #[cfg(feature = "ticket")]
    fn draw_session_id_for_ticket(&mut self) {
        let mut id = [0; 32];
        self.rng.fill_bytes(&mut id);
        if let Some(session) = &mut self.state.offered
            && session.id.is_empty()
            && !session.ticket.as_bytes().is_empty()
        {
            session.id = SessionId::new(&id).unwrap_or_default();
        }
    }

    fn say_client_hello(&mut self, cookie: &[u8]) -> Result<(), Failure> {
        let config = self.state.config;
        let mut any = config.suites.iter();
        if !any.any(|suite| offers(self.credentials, *suite)) {
            return Err(Failure::NoCredentials);
        }
        self.state.flight.clear();
        self.state.transcript = sha2::Sha256::new();
        // Written apart from the state, which is then free for the transcript.
        let state = &mut *self.state;
        let random = state.client_random;
        let session = state.offered.as_ref();
        let credentials = &*self.credentials;
        let message = state
            .flight
            .push(self.outbox, kind::CLIENT_HELLO, |writer| {
                writer.put(&VERSION);
                writer.put(&random);
                writer.vec8(session.map_or(&[], |session| session.id.as_bytes()));
                writer.vec8(cookie);
                let open = writer.open(2);
                let mut has_ecdhe = false;
                for suite in config
                    .suites
                    .iter()
                    .filter(|suite| offers(credentials, **suite))
                {
                    writer.u16(suite.number());
                    has_ecdhe |= suite.key_exchange() == KeyExchange::Ecdhe;
                }
                writer.close(open);
                // No compression but the null method (RFC 7925 §12).
                writer.vec8(&[0]);
                let open = writer.open(2);
                extension(writer, number::EXTENDED_MASTER_SECRET, |_| ());
                extension(writer, number::RENEGOTIATION_INFO, |writer| writer.u8(0));
                if let Some(id) = &config.connection_id {
                    extension(writer, number::CONNECTION_ID, |writer| {
                        writer.vec8(id.as_bytes());
                    });
                }
                if let Some(limit) = config.record_size_limit {
                    extension(writer, number::RECORD_SIZE_LIMIT, |writer| {
                        writer.u16(limit);
                    });
                }
                if let Some(length) = config.max_fragment_length {
                    extension(writer, number::MAX_FRAGMENT_LENGTH, |writer| {
                        writer.u8(length.number());
                    });
                }
                if config.offers_coap {
                    extension(writer, number::ALPN, |writer| writer.vec16(b"\x04coap"));
                }
                if let Some(name) = credentials.server_name() {
                    extension(writer, number::SERVER_NAME, |writer| {
                        let list = writer.open(2);
                        writer.u8(0);
                        writer.vec16(name.as_bytes());
                        writer.close(list);
                    });
                }
                #[cfg(feature = "ticket")]
                if config.offers_tickets {
                    extension(writer, number::SESSION_TICKET, |writer| {
                        if let Some(session) = session {
                            writer.put(session.ticket.as_bytes());
                        }
                    });
                }
                if has_ecdhe {
                    #[cfg(feature = "_ecdhe")]
                    write_ecdhe_extensions(writer, credentials);
                }
                writer.close(open);
            })?;
        state.transcript.update(message);
        state.phase = Phase::ServerHello;
        self.send(true);
        Ok(())
    }

    pub(crate) fn client_message(&mut self, kind: u8, body: &[u8]) -> Result<(), Failure> {
        let malformed = |Malformed| Failure::Malformed(kind);
        match (self.state.phase, kind) {
            (Phase::ServerHello, kind::HELLO_VERIFY_REQUEST) => {
                let cookie = read_verify_request(body).map_err(malformed)?;
                self.state.verified = self.state.verified.saturating_add(1);
                if self.state.verified > VERIFIED_AT_MOST {
                    return Err(Failure::Unexpected(kind));
                }
                self.say_client_hello(cookie)
            }
            (Phase::ServerHello, kind::SERVER_HELLO) => {
                let hello = ServerHello::read(body).map_err(malformed)?;
                self.server_hello(&hello.ok_or(Failure::Version)?)
            }
            #[cfg(feature = "_ecdhe")]
            (Phase::Certificate, kind::CERTIFICATE) => {
                if !self.take_certificate(body)? {
                    return Err(Failure::NotTrusted(crate::Alert::BAD_CERTIFICATE));
                }
                self.state.phase = Phase::ServerKeyExchange;
                Ok(())
            }
            #[cfg(feature = "_ecdhe")]
            (Phase::ServerKeyExchange, kind::SERVER_KEY_EXCHANGE) => {
                self.take_server_key_exchange(body)?;
                self.state.phase = Phase::ServerHelloDone;
                Ok(())
            }
            #[cfg(feature = "_ecdhe")]
            (Phase::ServerHelloDone, kind::CERTIFICATE_REQUEST)
                if self.key_exchange() == Some(KeyExchange::Ecdhe) =>
            {
                certificate_request(body).map_err(malformed)?;
                self.state.has_certificate = true;
                Ok(())
            }
            // A hint by which the server tells identities apart (RFC 4279 §2); there is one identity for each server here.
            (Phase::ServerHelloDone, kind::SERVER_KEY_EXCHANGE)
                if self.key_exchange() == Some(KeyExchange::Psk) =>
            {
                let mut reader = Reader::new(body);
                reader.vec16().map_err(malformed)?;
                reader.finish().map_err(malformed)
            }
            (Phase::ServerHelloDone, kind::SERVER_HELLO_DONE) => {
                Reader::new(body).finish().map_err(malformed)?;
                self.answer_server()
            }
            #[cfg(feature = "ticket")]
            (Phase::Finished, kind::NEW_SESSION_TICKET) => {
                let mut reader = Reader::new(body);
                let _lifetime: &[u8; 4] = reader.array().map_err(malformed)?;
                let ticket = reader.vec16().map_err(malformed)?;
                reader.finish().map_err(malformed)?;
                self.state.ticket =
                    crate::session::Ticket::new(ticket).unwrap_or(crate::session::Ticket::NONE);
                Ok(())
            }
            (Phase::Finished, kind::FINISHED) => {
                let sequence = self.state.next_receive;
                let header = super::header(kind, body.len(), sequence, 0, body.len());
                self.check_finished(body, &header)?;
                if self.state.resumed {
                    self.state.flight.clear();
                    self.say_finished()?;
                    self.send(false);
                } else {
                    self.state.flight.answered();
                    self.state.flight.clear();
                }
                self.establish();
                Ok(())
            }
            _ => Err(Failure::Unexpected(kind)),
        }
    }

    fn key_exchange(&self) -> Option<KeyExchange> {
        Some(self.state.suite?.key_exchange())
    }

    fn server_hello(&mut self, hello: &ServerHello<'_>) -> Result<(), Failure> {
        let suite = CipherSuite::from_number(hello.suite).filter(|suite| {
            let mut offered = self.state.config.suites.iter();
            offered.any(|offered| offered == suite) && offers(self.credentials, *suite)
        });
        let suite = suite.ok_or(Failure::Misbehaved)?;
        let extensions = &hello.extensions;
        self.check_answers(extensions)?;
        let state = &mut *self.state;
        state.suite = Some(suite);
        state.server_random = *hello.random;
        state.extended = extensions.extended_master_secret;
        state.peer_id = extensions.connection_id;
        state.take_limits(extensions)?;
        state.session_id = SessionId::new(hello.session_id).unwrap_or_default();
        if state.config.require_extended_master_secret && !state.extended {
            return Err(Failure::NoExtendedMasterSecret);
        }
        if let Some(session) = &state.offered
            && !session.id.is_empty()
            && session.id == state.session_id
        {
            // A resumed session has the suite and the derivation that it had (RFC 5246 §7.4.1.3, RFC 7627 §5.3).
            if session.suite != suite || !state.extended {
                return Err(Failure::Misbehaved);
            }
            *state.master = *session.master;
            #[cfg(feature = "ticket")]
            {
                state.ticket = session.ticket;
            }
            state.resumed = true;
            state.phase = Phase::Finished;
            return self.associate();
        }
        self.state.phase = match suite.key_exchange() {
            KeyExchange::Psk => Phase::ServerHelloDone,
            KeyExchange::Ecdhe => {
                #[cfg(feature = "_ecdhe")]
                self.choose_types(extensions)?;
                Phase::Certificate
            }
        };
        Ok(())
    }

    /// A server may answer only what was asked (RFC 5246 §7.4.1.4).
    fn check_answers(&self, extensions: &Extensions<'_>) -> Result<(), Failure> {
        let config = &self.state.config;
        let unasked = extensions.unknown
            || (extensions.connection_id.is_some() && config.connection_id.is_none())
            || (extensions.record_size_limit.is_some() && config.record_size_limit.is_none())
            || (extensions.alpn.is_some() && !config.offers_coap)
            || (extensions.ticket.is_some()
                && !(cfg!(feature = "ticket") && config.offers_tickets))
            || (extensions.server_name.is_some() && self.credentials.server_name().is_none())
            // The only number that a server may say is the client's (RFC 6066 §4).
            || (extensions.max_fragment_length.is_some()
                && extensions.max_fragment_length != config.max_fragment_length.map(MaxFragmentLength::number))
            || (extensions.record_size_limit.is_some() && extensions.max_fragment_length.is_some())
            || extensions.renegotiation.is_some_and(|info| !info.is_empty());
        if unasked {
            Err(Failure::Misbehaved)
        } else {
            Ok(())
        }
    }

    /// The kinds of public keys that the server chose.
    #[cfg(feature = "_ecdhe")]
    fn choose_types(&mut self, extensions: &Extensions<'_>) -> Result<(), Failure> {
        let peers = self.credentials.peer_types();
        let own = self.credentials.own_types();
        self.state.peer_type = peers
            .choose(extensions.server_types)
            .ok_or(Failure::NothingInCommon)?;
        self.state.own_type = match extensions.client_types {
            None => super::state::CertificateType::X509,
            types => own.choose(types).ok_or(Failure::Misbehaved)?,
        };
        Ok(())
    }

    /// All that the server has to say is here: answers it.
    fn answer_server(&mut self) -> Result<(), Failure> {
        self.state.flight.clear();
        match self.key_exchange() {
            #[cfg(feature = "psk")]
            Some(KeyExchange::Psk) => {
                let (identity, key) = self.credentials.own_psk().ok_or(Failure::NoCredentials)?;
                let state = &mut *self.state;
                let message =
                    state
                        .flight
                        .push(self.outbox, kind::CLIENT_KEY_EXCHANGE, |writer| {
                            writer.vec16(identity);
                        })?;
                state.transcript.update(message);
                let (premaster, len) = super::state::psk_premaster(&key);
                self.agree(premaster.get(..len).unwrap_or_default())?;
            }
            #[cfg(feature = "_ecdhe")]
            Some(KeyExchange::Ecdhe) => {
                let asked = self.state.has_certificate;
                let presents = asked && self.say_certificate()?;
                let public = self.draw_ephemeral()?;
                self.say(kind::CLIENT_KEY_EXCHANGE, |writer: &mut Writer<'_>| {
                    writer.vec8(public.as_point());
                })?;
                self.agree_ecdhe()?;
                if presents {
                    self.say_certificate_verify()?;
                }
            }
            _ => return Err(Failure::Internal),
        }
        self.say_finished()?;
        self.state.phase = Phase::Finished;
        self.send(true);
        Ok(())
    }
}

/// Whether we have what a suite needs.
fn offers<C: Credentials>(credentials: &C, suite: CipherSuite) -> bool {
    match suite.key_exchange() {
        #[cfg(feature = "psk")]
        KeyExchange::Psk => credentials.own_psk().is_some(),
        #[cfg(feature = "_ecdhe")]
        KeyExchange::Ecdhe => !credentials.peer_types().is_empty(),
        #[allow(unreachable_patterns, reason = "each kind of credential is a feature")]
        _ => false,
    }
}

#[cfg(feature = "_ecdhe")]
fn write_ecdhe_extensions<C: Credentials>(writer: &mut Writer<'_>, credentials: &C) {
    use super::extensions::{ECDSA_SHA256, P256};
    extension(writer, number::SUPPORTED_GROUPS, |writer| {
        writer.vec16(&P256.to_be_bytes());
    });
    extension(writer, number::EC_POINT_FORMATS, |writer| writer.vec8(&[0]));
    extension(writer, number::SIGNATURE_ALGORITHMS, |writer| {
        writer.vec16(&ECDSA_SHA256.to_be_bytes());
    });
    let (own, peers) = (credentials.own_types(), credentials.peer_types());
    // Who has certificates alone says nothing (RFC 7250 §4.1).
    for (number, types) in [
        (number::CLIENT_CERTIFICATE_TYPE, own),
        (number::SERVER_CERTIFICATE_TYPE, peers),
    ] {
        if types.raw_public_key {
            extension(writer, number, |writer| {
                let open = writer.open(1);
                types.write(writer);
                writer.close(open);
            });
        }
    }
}

/// Whether the server takes what we can present (RFC 5246 §7.4.4, RFC 8422 §5.5).
#[cfg(feature = "_ecdhe")]
fn certificate_request(body: &[u8]) -> Result<(), Malformed> {
    let mut reader = Reader::new(body);
    let _types = reader.vec8()?;
    let signatures = reader.vec16()?;
    let _authorities = reader.vec16()?;
    reader.finish()?;
    if Extensions::lists(Some(signatures), super::extensions::ECDSA_SHA256) {
        Ok(())
    } else {
        Err(Malformed)
    }
}
