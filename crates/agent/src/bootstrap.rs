//! Bootstrap at a Bootstrap-Server (Core 1.2.2 §6.1): when it is asked, and what it asks.

use dunlin_coap::time::{Duration, Instant};
use dunlin_coap::{Code, Message, MessageBuilder, MessageId, Retry, Type};
use dunlin_codec::ContentFormat;
use dunlin_lwm2m::{BootstrapOperation, LwM2mVersion, write_bootstrap_request};
use dunlin_model::ResourceId;

use crate::content::{self, SINGLE};
use crate::engine::Core;
use crate::exchange::Exchange;
use crate::features::{BOOTSTRAP, BOOTSTRAP_PACK};
use crate::pack::Pack;
use crate::provision;
use crate::registration::spread;
use crate::reply::{About, FNV, Reply, Source, fnv};
use crate::request::Change;
use crate::write::Payload;
use crate::{Error, Event, Failure, access};

/// The place that stands for the Bootstrap-Server where others stand for servers.
pub(crate) const BOOTSTRAP_SERVER: usize = 255;

/// Delay after the first failed attempt, milliseconds; the specification names none.
const RETRY: u32 = 60_000;

/// The longest delay is `RETRY` times two to this power: about a day.
const MAX_DOUBLINGS: u32 = 10;

/// Where bootstrap stands.
///
/// ```text
///  bootstrap()        hold off           2.04             Finish: 2.04
///  ──────────► Waiting ───────► Requesting ─────► Serving ────────────► Idle
///                 ▲                 │                │                    │
///                 │  refused, no answer, no Finish   │                    │ trigger (/1/x/9), no server can be
///                 └─────────────────┴────────────────┘                    │ registered at
///                 └───────────────────────────────────────────────────────┘
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nothing is to be done.
    Idle,
    /// A Bootstrap-Request is sent when the time has come.
    Waiting,
    /// A Bootstrap-Request is under way.
    Requesting,
    /// The Bootstrap-Server writes; it has [`Bootstrap::until`] for its next request.
    Serving,
}

/// What is kept of a Bootstrap-Server.
#[derive(Debug, Clone)]
pub(crate) struct Bootstrap<P> {
    pub(crate) peer: P,
    pub(crate) stage: Stage,
    /// When a Bootstrap-Request is sent, or how long the Bootstrap-Server has for its next request.
    until: Instant,
    /// When the account of the Bootstrap-Server goes.
    purge: Option<Instant>,
    /// A pack is asked for, in place of a Bootstrap-Request.
    pub(crate) pack: Option<Pack>,
    /// The request under way.
    exchange: Exchange,
    failures: u32,
    last_response: Option<MessageId>,
    /// A fingerprint of the URI that leads to `peer`.
    uri: u32,
    /// It has no use for the format that the device prefers.
    unformatted: bool,
}

impl<P> Bootstrap<P> {
    #[cfg(feature = "bootstrap")]
    pub(crate) fn new(peer: P, uri: u32, until: Instant, packs: bool) -> Self {
        Self {
            peer,
            uri,
            stage: Stage::Waiting,
            until,
            purge: None,
            pack: packs.then(Pack::default),
            exchange: Exchange::NONE,
            failures: 0,
            last_response: None,
            unformatted: false,
        }
    }

    /// Whether nothing else is to go on: accounts are being changed.
    pub(crate) fn is_busy(&self) -> bool {
        matches!(self.stage, Stage::Requesting | Stage::Serving)
    }

    fn next(&mut self, stage: Stage, until: Instant) {
        self.stage = stage;
        self.until = until;
    }
}

impl<P: Copy + Eq> Core<'_, P> {
    fn bootstrap_mut(&mut self) -> Option<&mut Bootstrap<P>> {
        if !BOOTSTRAP {
            return None;
        }
        self.state.bootstrap.as_mut()
    }

    /// Whether accounts are being changed, so that nothing else is to go on.
    pub(crate) fn is_bootstrapping(&self) -> bool {
        BOOTSTRAP
            && self
                .state
                .bootstrap
                .as_ref()
                .is_some_and(Bootstrap::is_busy)
    }

    /// Whether `peer` is the Bootstrap-Server at its work.
    pub(crate) fn is_served_by(&self, peer: P) -> bool {
        BOOTSTRAP
            && self.state.bootstrap.as_ref().is_some_and(|bootstrap| {
                bootstrap.peer == peer && bootstrap.stage == Stage::Serving
            })
    }

    /// A bootstrap is wanted: it begins where the Bootstrap-Server is known, else the owner is told.
    pub(crate) fn want_bootstrap(&mut self) {
        if !BOOTSTRAP || provision::account(&*self.objects).is_none() {
            return;
        }
        let hold_off = hold_off(self.objects);
        let until = self.state.now.saturating_add(hold_off);
        let uri = uri(self.objects);
        match &mut self.state.bootstrap {
            // It has been told to go elsewhere.
            Some(bootstrap) if bootstrap.stage == Stage::Idle && bootstrap.uri != uri => {
                self.state.bootstrap = None;
                self.state.tell(Event::BootstrapWanted);
            }
            Some(bootstrap) if bootstrap.stage == Stage::Idle => {
                bootstrap.failures = 0;
                bootstrap.pack = self.config.asks_for_pack().then(Pack::default);
                bootstrap.next(Stage::Waiting, until);
            }
            Some(_) => {}
            None => self.state.tell(Event::BootstrapWanted),
        }
    }

    /// When something is to be done about bootstrap.
    pub(crate) fn bootstrap_due(&self) -> Option<Instant> {
        if !BOOTSTRAP {
            return None;
        }
        let bootstrap = self.state.bootstrap.as_ref()?;
        match bootstrap.stage {
            Stage::Idle => bootstrap.purge,
            Stage::Waiting | Stage::Serving => Some(bootstrap.until),
            Stage::Requesting => Some(bootstrap.exchange.deadline()),
        }
    }

    /// Sends what is due to the Bootstrap-Server.
    pub(crate) fn poll_bootstrap(&mut self, buffer: &mut [u8]) -> Option<(P, usize)> {
        if self.bootstrap_due()? > self.state.now {
            return None;
        }
        let stage = self.bootstrap_mut()?.stage;
        if stage == Stage::Idle {
            // The timeout of the account is over (/0/x/12).
            self.state.bootstrap = None;
            if provision::purge(self.objects) {
                self.state.tell(Event::BootstrapAccountRemoved);
            }
            return None;
        }
        if stage == Stage::Waiting {
            let new = self.new_exchange(crate::registration::Told::NOTHING);
            let bootstrap = self.bootstrap_mut()?;
            bootstrap.stage = Stage::Requesting;
            bootstrap.exchange.follow(new);
        } else {
            let (now, random) = (self.state.now, self.rng.next_u32());
            let counters = &mut self.state.counters;
            let exchange = &mut self.state.bootstrap.as_mut()?.exchange;
            let parameters = &self.config.parameters;
            if stage != Stage::Requesting
                || exchange.step(now, parameters, random, counters) == Retry::GiveUp
            {
                self.bootstrap_failed(Failure::NoAnswer);
                return None;
            }
        }
        let (endpoint, format) = (self.config.endpoint, self.config.format);
        let bootstrap = self.state.bootstrap.as_ref()?;
        let to = bootstrap.peer;
        let (id, token) = (bootstrap.exchange.id, bootstrap.exchange.token);
        let pack = bootstrap.pack.as_ref().filter(|_| BOOTSTRAP_PACK);
        let code = if pack.is_some() {
            Code::GET
        } else {
            Code::POST
        };
        let mut builder = MessageBuilder::new(buffer, Type::Confirmable, code, id, token);
        if let Some(pack) = pack {
            pack.request(&mut builder, self.objects, endpoint, format);
        } else {
            // Version 1.0 does not know it.
            let told = self.config.version > LwM2mVersion::V1_0 && !bootstrap.unformatted;
            write_bootstrap_request(&mut builder, endpoint, told.then_some(format));
        }
        #[cfg(feature = "echo")]
        bootstrap.exchange.echo.write(&mut builder);
        if let Ok(bytes) = builder.finish() {
            Some((to, bytes.len()))
        } else {
            self.bootstrap_failed(Failure::NoSpace);
            None
        }
    }

    /// The request under way, if there is one, has failed below CoAP.
    #[cfg(feature = "tcp")]
    pub(crate) fn end_bootstrap_request(&mut self, reason: Failure) {
        let known = self.state.bootstrap.as_ref();
        if known.is_some_and(|known| known.stage == Stage::Requesting) {
            self.bootstrap_failed(reason);
        }
    }

    fn bootstrap_failed(&mut self, reason: Failure) {
        #[cfg(feature = "fallback")]
        self.fall_back();
        let random = self.rng.next_u32();
        let now = self.state.now;
        let packs = self.config.asks_for_pack();
        let Some(bootstrap) = self.bootstrap_mut() else {
            return;
        };
        if BOOTSTRAP_PACK && bootstrap.pack.take().is_some() {
            // After any error a Bootstrap-Request follows, at once.
            bootstrap.next(Stage::Waiting, now);
            return;
        }
        bootstrap.pack = packs.then(Pack::default);
        let delay = RETRY << bootstrap.failures.min(MAX_DOUBLINGS);
        bootstrap.failures = bootstrap.failures.saturating_add(1);
        let retry = spread(Duration::from_millis(delay.into()), random);
        bootstrap.next(Stage::Waiting, now.saturating_add(retry));
        self.state.tell(Event::BootstrapFailed { reason, retry });
    }

    /// A response from `peer`; whether it is the Bootstrap-Server's to the request under way, or one of those again.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn bootstrap_response(&mut self, peer: P, message: &Message<'_>) -> bool {
        let (now, until) = (self.state.now, self.bootstrap_deadline());
        let code = message.code();
        let confirmable = message.message_type() == Type::Confirmable;
        let Some(bootstrap) = self.bootstrap_mut().filter(|known| known.peer == peer) else {
            return false;
        };
        let expected = bootstrap.stage == Stage::Requesting && bootstrap.exchange.expects(message);
        let again = confirmable && bootstrap.last_response == Some(message.id());
        if !expected && !again {
            return false;
        }
        if confirmable {
            bootstrap.last_response = Some(message.id());
        }
        #[cfg(feature = "echo")]
        let challenged = expected && bootstrap.exchange.is_challenged(message);
        #[cfg(not(feature = "echo"))]
        let challenged = false;
        if challenged {
            let id = self.state.ids.next();
            let token = dunlin_coap::Tokens::default().next(&mut self.rng);
            if let Some(bootstrap) = self.bootstrap_mut() {
                bootstrap.exchange.token = token;
                bootstrap.exchange.again(id);
            }
        } else if expected && BOOTSTRAP_PACK && bootstrap.pack.is_some() {
            match self.unpack(message) {
                Some(Ok(())) => self.finish_bootstrap(),
                Some(Err(_)) => self.bootstrap_failed(Failure::BadAnswer),
                // The next block is asked for without a pause in which others would be heard: the room is the pack's.
                None => {
                    let id = self.state.ids.next();
                    if let Some(bootstrap) = self.bootstrap_mut() {
                        bootstrap.exchange.again(id);
                    }
                }
            }
        } else if expected && code == Code::CHANGED {
            bootstrap.failures = 0;
            bootstrap.next(Stage::Serving, until);
            self.begin_change();
        } else if expected && code == Code::UNSUPPORTED_CONTENT_FORMAT && !bootstrap.unformatted {
            // The format is what it refuses (Transport 1.2.2 §6.7): it is asked once more without, at once.
            bootstrap.unformatted = true;
            bootstrap.next(Stage::Waiting, now);
        } else if expected {
            self.bootstrap_failed(if code.is_success() {
                Failure::BadAnswer
            } else {
                Failure::Refused(code)
            });
        }
        if confirmable {
            self.empty(peer, message.id(), Type::Acknowledgement);
        }
        true
    }

    /// An Empty Acknowledgement or a Reset from `peer` of the request under way.
    pub(crate) fn bootstrap_control(&mut self, peer: P, id: MessageId, message_type: Type) {
        let wait = self.config.parameters.max_transmit_wait();
        let deadline = self.state.now.saturating_add(wait);
        let Some(bootstrap) = self.bootstrap_mut().filter(|known| known.peer == peer) else {
            return;
        };
        if bootstrap.stage != Stage::Requesting || bootstrap.exchange.id != id {
            return;
        }
        if message_type == Type::Reset {
            self.bootstrap_failed(Failure::BadAnswer);
        } else {
            bootstrap.exchange.acknowledged(deadline);
        }
    }

    /// Until when the next request, at last the Finish, has to come: `EXCHANGE_LIFETIME` (Core 1.2.2 §6.1.4).
    fn bootstrap_deadline(&self) -> Instant {
        let lifetime = self.config.parameters.exchange_lifetime();
        self.state.now.saturating_add(lifetime)
    }

    /// Carries out what the Bootstrap-Server asks for; `reply` says that it is done until it is told otherwise.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn provision(
        &mut self,
        reply: &mut Reply<P>,
        message: &Message<'_>,
    ) -> Result<(), Error> {
        let until = self.bootstrap_deadline();
        if let Some(bootstrap) = self.bootstrap_mut() {
            bootstrap.next(Stage::Serving, until);
        }
        let block = message.block2().map_err(|_| Error::BadValue)?;
        let operation = match BootstrapOperation::from_request(message) {
            Ok(operation) => operation,
            Err(error) => {
                reply.refuse(error.code(), error.diagnostic());
                return Ok(());
            }
        };
        let server = BOOTSTRAP_SERVER;
        let (about, format, path) = match operation {
            BootstrapOperation::Discover { path } => {
                (About::Accounts, ContentFormat::LINK_FORMAT, path)
            }
            BootstrapOperation::Read { path, accept } => {
                let format = self.format(server, accept);
                content::check(&*self.objects, path, format)?;
                (About::Node, format, path)
            }
            BootstrapOperation::Write {
                path,
                format,
                payload,
            } => {
                let bytes = payload;
                let payload = Payload { format, bytes };
                return self.with_payload(reply, message, path, payload, Change::Provision);
            }
            BootstrapOperation::Delete { path } => {
                provision::delete(self.objects, path)?;
                reply.code = Code::DELETED;
                return Ok(());
            }
            BootstrapOperation::Finish => {
                if !provision::is_consistent(&*self.objects) {
                    return Err(Error::NotAcceptable);
                }
                self.finish_bootstrap();
                return Ok(());
            }
            _ => return Err(Error::NotImplemented),
        };
        let source = Source {
            about,
            format,
            path,
            server,
        };
        reply.content(source, block, None);
        Ok(())
    }

    /// The accounts are new: what was agreed on with servers is over, and the owner connects anew.
    fn finish_bootstrap(&mut self) {
        self.end_change();
        self.state.bootstraps = true;
        for index in 0..self.servers.len() {
            self.end_observations(index);
            self.end_send(index, Some(Failure::NoAnswer));
            if let Some(slot) = self.servers.get_mut(index) {
                *slot = None;
            }
        }
        for attached in self.attributes.iter_mut() {
            *attached = None;
        }
        access::forget_orphans(self.objects);
        let timeout = setting(self.objects, ResourceId::of::<12>());
        let purge = self.state.now.saturating_add(timeout);
        if let Some(bootstrap) = self.bootstrap_mut() {
            bootstrap.stage = Stage::Idle;
            bootstrap.purge = (!timeout.is_zero()).then_some(purge);
        }
        self.state.tell(Event::Bootstrapped);
    }
}

/// How long to wait before a Bootstrap-Request (/0/x/11).
pub(crate) fn hold_off(objects: &dyn crate::Objects) -> Duration {
    setting(objects, ResourceId::of::<11>())
}

/// A fingerprint of where the Bootstrap-Server is (/0/x/0).
pub(crate) fn uri(objects: &dyn crate::Objects) -> u32 {
    let uri =
        provision::account(objects).and_then(|account| account.read(ResourceId::of::<0>(), SINGLE));
    let uri = uri.as_ref().and_then(dunlin_model::Value::as_str);
    fnv(FNV, uri.unwrap_or_default().as_bytes())
}

/// Seconds in the account of the Bootstrap-Server; none where there are none.
fn setting(objects: &dyn crate::Objects, resource: ResourceId) -> Duration {
    let seconds = provision::account(objects)
        .and_then(|account| account.read(resource, SINGLE))
        .and_then(|value| value.as_i64())
        .and_then(|seconds| u32::try_from(seconds).ok());
    Duration::from_secs(seconds.unwrap_or(0).into())
}
