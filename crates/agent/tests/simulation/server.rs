//! A server made for this test from the specification alone: it registers whoever comes, and asks one thing at a time.

use std::collections::VecDeque;

use dunlin_coap::{Code, Message, MessageBuilder, MessageId, OptionNumber, Token, Type, empty_ack};
use dunlin_testkit::Link;

use crate::world::{DEVICE, SERVER};

/// For how long a message id stands for one message, in milliseconds (RFC 7252 §4.8.2).
const EXCHANGE_LIFETIME: u64 = 247_000;

/// What the server may ask.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Ask {
    /// Writes this number to /1/0/2 and to /1/0/3, in one message.
    Write(u8),
    /// Observes /3303/0/5700.
    Observe,
    /// Writes pmin and pmax to it, seconds.
    Attributes(u32, u32),
}

/// A request that has not been answered.
struct Pending {
    ask: Ask,
    token: Token,
    bytes: Vec<u8>,
    due: u64,
    timeout: u64,
    left: u8,
}

#[derive(Default)]
pub(crate) struct Server {
    /// The location of the registration, which a restart forgets.
    location: Option<u16>,
    ids: u16,
    pending: Option<Pending>,
    /// The token of the observation.
    pub(crate) observed: Option<Token>,
    /// Requests of the device with their answers and times, for its repetitions.
    answered: VecDeque<(MessageId, Vec<u8>, u64)>,
    /// What was asked and answered with success.
    pub(crate) done: Vec<Ask>,
    pub(crate) registrations: u64,
    pub(crate) acknowledged: u64,
}

impl Server {
    pub(crate) fn is_registered(&self) -> bool {
        self.location.is_some()
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.pending.is_none()
    }

    /// Forgets everything but what is in this test's interest.
    pub(crate) fn restart(&mut self) {
        self.location = None;
        self.pending = None;
        self.observed = None;
        self.answered.clear();
    }

    /// Asks no longer.
    pub(crate) fn give_up(&mut self) {
        self.pending = None;
    }

    /// When the server is to send its request again.
    pub(crate) fn due(&self) -> Option<u64> {
        self.pending.as_ref().map(|pending| pending.due)
    }

    pub(crate) fn ask(&mut self, now: u64, ask: Ask, link: &mut Link<u8>) {
        self.ids = self.ids.wrapping_add(1);
        let token = Token::new(&self.ids.to_be_bytes()).unwrap();
        let id = MessageId(self.ids);
        let mut buffer = [0; 128];
        let code = match ask {
            Ask::Write(_) => Code::POST,
            Ask::Observe => Code::GET,
            Ask::Attributes(..) => Code::PUT,
        };
        let mut builder = MessageBuilder::new(&mut buffer, Type::Confirmable, code, id, token);
        match ask {
            Ask::Write(number) => {
                builder.path(["1", "0"]).content_format(11542);
                builder.payload(&[0xc1, 2, number, 0xc1, 3, number]);
            }
            Ask::Observe => {
                builder.observe(0).path(["3303", "0", "5700"]);
                builder.accept(112);
            }
            Ask::Attributes(pmin, pmax) => {
                builder.path(["3303", "0", "5700"]);
                for item in [format!("pmin={pmin}"), format!("pmax={pmax}")] {
                    builder.option(OptionNumber::URI_QUERY, item.as_bytes());
                }
            }
        }
        let bytes = builder.finish().unwrap().to_vec();
        link.send(now, SERVER, DEVICE, &bytes);
        self.pending = Some(Pending {
            ask,
            token,
            bytes,
            due: now + 2_500,
            timeout: 2_500,
            left: 4,
        });
    }

    /// Sends the request again, or gives it up.
    pub(crate) fn turn(&mut self, now: u64, link: &mut Link<u8>) {
        if let Some(pending) = &mut self.pending
            && pending.due <= now
        {
            if pending.left == 0 {
                self.pending = None;
                return;
            }
            pending.left -= 1;
            pending.timeout *= 2;
            pending.due = now + pending.timeout;
            link.send(now, SERVER, DEVICE, &pending.bytes);
        }
    }

    pub(crate) fn receive(&mut self, now: u64, bytes: &[u8], link: &mut Link<u8>) {
        let message = Message::parse(bytes).expect("the agent sends well-formed messages");
        if message.code().is_request() {
            // A device that has restarted may come to the same ids again, later (RFC 7252 §4.8.2).
            self.answered
                .retain(|(.., at)| now - at < EXCHANGE_LIFETIME);
            let known = self.answered.iter().find(|(id, ..)| *id == message.id());
            let answer = if let Some((_, answer, _)) = known {
                answer.clone()
            } else {
                let answer = self.answer(&message);
                // The newest: what is asked again is asked soon.
                self.answered.truncate(63);
                self.answered
                    .push_front((message.id(), answer.clone(), now));
                answer
            };
            link.send(now, SERVER, DEVICE, &answer);
            return;
        }
        if !message.code().is_response() {
            return;
        }
        let ours = self.pending.as_ref().map(|pending| pending.token);
        let confirmable = message.message_type() == Type::Confirmable;
        if ours == Some(message.token()) {
            if let Some(pending) = self.pending.take()
                && message.code().is_success()
            {
                match pending.ask {
                    Ask::Write(_) => self.acknowledged += 1,
                    Ask::Observe => self.observed = Some(pending.token),
                    Ask::Attributes(..) => {}
                }
                self.done.push(pending.ask);
            }
            if confirmable {
                link.send(now, SERVER, DEVICE, &empty_ack(message.id()));
            }
        } else if message.observe().is_some() && self.observed == Some(message.token()) {
            if confirmable {
                link.send(now, SERVER, DEVICE, &empty_ack(message.id()));
            }
        } else if message.observe().is_some() || confirmable {
            link.send(now, SERVER, DEVICE, &dunlin_coap::reset(message.id()));
        }
    }

    /// The answer to Register, Update and De-register.
    fn answer(&mut self, request: &Message<'_>) -> Vec<u8> {
        let mut buffer = [0; 64];
        let path: Vec<&[u8]> = request.uri_path().collect();
        let new = path == [&b"rd"[..]] && request.code() == Code::POST;
        let here = self.location.map(|location| location.to_string());
        let known = path.get(1).copied() == here.as_deref().map(str::as_bytes);
        let code = if new {
            self.registrations += 1;
            let location = u16::try_from(self.registrations).unwrap();
            self.location = Some(location);
            self.observed = None;
            Code::CREATED
        } else if !known {
            Code::NOT_FOUND
        } else if request.code() == Code::DELETE {
            self.location = None;
            Code::DELETED
        } else {
            Code::CHANGED
        };
        let (id, token) = (request.id(), request.token());
        let mut builder = MessageBuilder::new(&mut buffer, Type::Acknowledgement, code, id, token);
        if let Some(location) = self.location.filter(|_| new) {
            for segment in ["rd".to_owned(), location.to_string()] {
                builder.option(OptionNumber::LOCATION_PATH, segment.as_bytes());
            }
        }
        builder.finish().unwrap().to_vec()
    }
}
