//! What becomes of a datagram: the message layer, and the way to requests, responses and notifications.

use dunlin_coap::block::{BlockSize, Outgoing};
use dunlin_coap::request::unknown_critical;
use dunlin_coap::time::Instant;
use dunlin_coap::{
    Code, DuplicateWindow, Kind, Message, MessageId, OptionNumber, Parameters, ParseErrorKind,
    Seen, Transmission, Type, empty_ack, reset,
};
use dunlin_codec::ContentFormat;
use dunlin_lwm2m::Uplink;
use rand::Rng as _;

use super::answer::{Answer, Requester};
use super::{Shard, TokenUse};
use crate::Peer;
use crate::metrics::{Malformed, RequestKind};

pub(super) type Duplicates = DuplicateWindow<Box<[u8]>, Box<[u32]>>;

/// What the server has besides registrations.
const RESOURCES: &[u8] = b"</rd>;rt=\"oma.lwm2m\"";

/// A window over `bytes` bytes of answers. Most answers are shorter than the 32 bytes that each gets in the index.
pub(super) fn duplicates(bytes: usize, seed: u64) -> Duplicates {
    let entries = (bytes / 32).max(2).next_power_of_two();
    DuplicateWindow::new(
        vec![0; bytes].into(),
        vec![0; entries].into(),
        Parameters::DEFAULT.exchange_lifetime(),
        seed,
    )
}

impl Shard {
    pub(super) fn input(&mut self, now: Instant, peer: Peer, datagram: &[u8]) {
        let message = match Message::parse(datagram) {
            Ok(message) => message,
            Err(error) => {
                let reset = error.reset();
                self.counters.malformed(match error.kind() {
                    ParseErrorKind::TruncatedHeader | ParseErrorKind::UnknownVersion => {
                        Malformed::Header
                    }
                    _ if reset.is_some() => Malformed::Confirmable,
                    _ => Malformed::Other,
                });
                if let Some(reset) = reset {
                    self.send_reset(peer, &reset);
                }
                return;
            }
        };
        match message.kind() {
            Kind::Request => self.request(now, peer, &message),
            Kind::Response => self.response(now, peer, &message),
            Kind::Acknowledgement => self.acknowledged(peer, message.id()),
            Kind::Reset => self.was_reset(now, peer, message.id()),
            Kind::Ping => {
                self.counters.pings.count();
                self.send_reset(peer, &reset(message.id()));
            }
            Kind::Invalid => {
                self.counters.malformed(Malformed::Code);
                if message.message_type() == Type::Confirmable {
                    self.send_reset(peer, &reset(message.id()));
                }
            }
        }
    }

    fn send_reset(&mut self, peer: Peer, reset: &[u8]) {
        self.counters.resets_out.count();
        self.transmit(peer, reset);
    }

    /// Whether the message was seen before; then its answer is sent again, if it has one by now.
    fn is_duplicate(&mut self, now: Instant, peer: Peer, id: MessageId) -> bool {
        let key = self.peer_key(peer);
        let answer: Box<[u8]> = match self.duplicates.check(now, key, id) {
            Seen::New => {
                self.duplicates.begin(now, key, id);
                return false;
            }
            Seen::InProgress => Box::default(),
            Seen::Answered(answer) => answer.into(),
        };
        self.counters.duplicates.count();
        if !answer.is_empty() {
            self.transmit(peer, &answer);
        }
        true
    }

    fn request(&mut self, now: Instant, peer: Peer, message: &Message<'_>) {
        if self.is_duplicate(now, peer, message.id()) {
            return;
        }
        let requester = Requester::of(peer, message, kind_of(message));
        if message.option(OptionNumber::PROXY_URI).is_some()
            || message.option(OptionNumber::PROXY_SCHEME).is_some()
        {
            return self.answer(now, &requester, &Answer::new(Code::PROXYING_NOT_SUPPORTED));
        }
        if let Some(bad) = unknown_critical(message, is_known) {
            if requester.confirmable {
                let diagnostic = bad.to_string();
                return self.answer(
                    now,
                    &requester,
                    &Answer::because(Code::BAD_OPTION, &diagnostic),
                );
            }
            // RFC 7252 §5.4.1: such a Non-confirmable message is rejected, which may be silent.
            return self.counters.malformed(Malformed::CriticalOption);
        }
        if requester.kind == RequestKind::Discovery {
            return self.discovery(now, &requester, message);
        }
        match Uplink::from_message(message) {
            Ok(Uplink::Register(register)) => self.register(now, requester, message, register),
            Ok(Uplink::Update { location, update }) => {
                self.update(now, requester, message, location, update);
            }
            Ok(Uplink::Deregister { location }) => self.deregister(now, requester, location),
            Ok(_) => self.answer(now, &requester, &Answer::new(Code::NOT_IMPLEMENTED)),
            Err(error) => self.answer(
                now,
                &requester,
                &Answer::because(error.code(), error.diagnostic()),
            ),
        }
    }

    /// `GET /.well-known/core` (RFC 6690 §4).
    fn discovery(&mut self, now: Instant, requester: &Requester, message: &Message<'_>) {
        if message.code() != Code::GET {
            return self.answer(now, requester, &Answer::new(Code::METHOD_NOT_ALLOWED));
        }
        if message
            .accept()
            .is_some_and(|format| format != ContentFormat::LINK_FORMAT.0)
        {
            return self.answer(
                now,
                requester,
                &Answer::because(Code::NOT_ACCEPTABLE, "link format (40) only"),
            );
        }
        let part = message
            .block2()
            .map_err(|_| Code::BAD_REQUEST)
            .and_then(|block| {
                Outgoing::requested(RESOURCES.len(), block, BlockSize::MAX)
                    .map_err(dunlin_coap::block::SendError::code)
            });
        match part {
            Ok(part) => {
                let content = Answer {
                    format: Some(ContentFormat::LINK_FORMAT),
                    block2: part.block,
                    payload: part.of(RESOURCES),
                    ..Answer::new(Code::CONTENT)
                };
                self.answer(now, requester, &content);
            }
            Err(code) => self.answer(now, requester, &Answer::new(code)),
        }
    }

    /// An Empty Acknowledgement: the response comes later, or a separate answer has arrived.
    fn acknowledged(&mut self, peer: Peer, id: MessageId) {
        if let Some(device) = self.in_flight.get(&(peer, id)).copied() {
            if let Some(exchange) = self.device_mut(device).exchange.as_mut() {
                exchange.transmission = None;
            }
            self.schedule(device);
        } else if !self.separate_done(peer, id) {
            self.counters.unexpected.count();
        }
    }

    fn was_reset(&mut self, now: Instant, peer: Peer, id: MessageId) {
        if let Some(device) = self.in_flight.get(&(peer, id)).copied() {
            self.heard(now, device);
            self.exchange_reset(now, device);
        } else if !self.separate_done(peer, id) {
            self.counters.unexpected.count();
        }
    }

    fn response(&mut self, now: Instant, peer: Peer, message: &Message<'_>) {
        let confirmable = message.message_type() == Type::Confirmable;
        if unknown_critical(message, |number| {
            number == OptionNumber::BLOCK1 || number == OptionNumber::BLOCK2
        })
        .is_some()
        {
            self.counters.malformed(Malformed::CriticalOption);
            if confirmable {
                self.send_reset(peer, &reset(message.id()));
            }
            return;
        }
        if confirmable && self.is_duplicate(now, peer, message.id()) {
            return;
        }
        let Some((device, notified)) = self.addressee(peer, message) else {
            if message.observe().is_some() {
                self.counters.notifications_unknown.count();
            } else {
                self.counters.unexpected.count();
            }
            // A Reset ends an observation that is not ours (RFC 7641 §3.6); nothing else is worth one.
            if confirmable
                || (message.observe().is_some() && message.message_type() == Type::NonConfirmable)
            {
                self.send_reset(peer, &reset(message.id()));
                if confirmable {
                    self.remember(now, peer, message.id(), &reset(message.id()));
                }
            }
            return;
        };
        if confirmable {
            let acknowledgement = empty_ack(message.id());
            self.transmit(peer, &acknowledgement);
            self.remember(now, peer, message.id(), &acknowledgement);
        }
        self.heard(now, device);
        match notified {
            None => self.exchange_response(now, device, message),
            Some(path) => self.notification(now, device, path, message),
        }
        self.start_next(now, device);
    }

    /// The device to which a response belongs, and the path that is observed if it is a notification.
    fn addressee(
        &self,
        peer: Peer,
        message: &Message<'_>,
    ) -> Option<(super::device::DeviceId, Option<dunlin_model::Path>)> {
        let piggybacked = message.message_type() == Type::Acknowledgement;
        let token = message.token();
        let owner = *self.by_token.get(&token)?;
        let (TokenUse::Exchange(id) | TokenUse::Observation(id, _)) = owner;
        let device = self.device_at(id);
        // RFC 7252 §5.3.2: token and endpoint must match; a piggybacked response also has the id of its request.
        let answers_exchange = device.exchange.as_ref().is_some_and(|exchange| {
            exchange.token == token
                && self.is_party(peer, exchange.peer, device.endpoint())
                && (!piggybacked || exchange.message_id == message.id())
        });
        if answers_exchange {
            return Some((id, None));
        }
        match owner {
            TokenUse::Observation(_, path)
                if !piggybacked
                    && device.registered
                    && self.is_party(peer, device.registration.peer, device.endpoint()) =>
            {
                Some((id, Some(path)))
            }
            _ => None,
        }
    }

    pub(super) fn start_transmission(&mut self, now: Instant) -> Transmission {
        let random = self.rng.next_u32();
        Transmission::start(now, &self.parameters, random)
    }
}

/// The critical options that have a meaning in some request here.
fn is_known(number: OptionNumber) -> bool {
    [
        OptionNumber::URI_HOST,
        OptionNumber::URI_PORT,
        OptionNumber::URI_PATH,
        OptionNumber::URI_QUERY,
        OptionNumber::ACCEPT,
        OptionNumber::BLOCK1,
        OptionNumber::BLOCK2,
    ]
    .contains(&number)
}

fn kind_of(message: &Message<'_>) -> RequestKind {
    let mut path = message.uri_path();
    match (path.next(), path.next(), path.next(), message.code()) {
        (Some(b"rd"), None, None, Code::POST) => RequestKind::Register,
        (Some(b"rd"), Some(_), None, Code::POST) => RequestKind::Update,
        (Some(b"rd"), Some(_), None, Code::DELETE) => RequestKind::Deregister,
        (Some(b".well-known"), Some(b"core"), None, _) => RequestKind::Discovery,
        _ => RequestKind::Other,
    }
}
