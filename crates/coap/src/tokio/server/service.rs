//! From a request to its response, whatever the transport.

use core::net::SocketAddr;
use core::panic::AssertUnwindSafe;
use std::boxed::Box;
use std::panic::catch_unwind;
use std::string::ToString;
use std::sync::Arc;

use bytes::Bytes;

use super::answers::{Answers, Key};
use super::limits::Limits;
use super::request::Request;
use super::route::{Answering, Handler};
use super::router::{Router, is_understood};
use super::upload::{Feed, Taken};
use super::uploads::Uploads;
use crate::block::{
    Block, BlockError, BlockOptions, BlockSize, Outgoing, ReceiveError, TransferKey,
};
use crate::observe::Policy;
use crate::request::unknown_critical;
use crate::time::Instant;
use crate::tokio::Response;
use crate::{Code, Message, MessageBuilder, NoResponse, OptionNumber, observe};

/// Answers requests; each socket and each connection has its own, and all share the router.
pub(crate) struct Service {
    router: Arc<Router>,
    limits: Limits,
    /// With BERT: the greatest payload of a response.
    payload: usize,
    seed: [u64; 2],
    uploads: Uploads,
    answers: Answers,
}

/// What a request leads to.
pub(crate) enum Outcome {
    /// The response is there.
    Ready(Response),
    /// The response will come.
    Later(Answering),
}

/// What the response must know of its request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Exchange {
    /// What the request says of blocks.
    pub(crate) request: BlockOptions,
    /// What the response says of the request's body: Block1 and Size1.
    pub(crate) taken: BlockOptions,
    /// The format that is asked for.
    pub(crate) accept: Option<u16>,
    /// What is sent as Observe.
    pub(crate) observe: Option<u32>,
    /// How the client is notified, which wants to observe and may.
    pub(crate) observes: Option<Policy>,
    /// Which responses the client does not want (RFC 7967).
    pub(crate) unwanted: NoResponse,
    /// Under what a long response is kept, since when, where the request must not be processed for each of its blocks.
    pub(crate) keep: Option<(Instant, Key)>,
}

/// A response as it goes into one message.
pub(crate) struct Reply {
    response: Response,
    observe: Option<u32>,
    blocks: BlockOptions,
    part: Outgoing,
}

impl Service {
    pub(crate) fn new(router: Arc<Router>, limits: Limits) -> Self {
        Self {
            router,
            uploads: Uploads::new(&limits),
            answers: Answers::new(&limits),
            limits,
            payload: 0,
            seed: rand::random(),
        }
    }

    /// Sets the greatest block, where that depends on the peer, and with BERT the greatest payload.
    pub(crate) fn set_blocks(&mut self, size: BlockSize, payload: usize) {
        self.limits.block_size = size;
        self.payload = payload;
        self.uploads.set_block_size(size);
    }

    /// When [`expire`](Service::expire) is to be called.
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        let times = [self.uploads.next_timeout(), self.answers.next_timeout()];
        times.into_iter().flatten().min()
    }

    /// Forgets transfers that do not go on.
    pub(crate) fn expire(&mut self, now: Instant) {
        self.uploads.expire(now);
        self.answers.expire(now);
    }

    /// Answers a request.
    pub(crate) fn handle(
        &mut self,
        now: Instant,
        peer: SocketAddr,
        message: &Message<'_>,
    ) -> (Outcome, Exchange) {
        let mut exchange = Exchange::default();
        let outcome = self
            .try_handle(now, peer, message, &mut exchange)
            .unwrap_or_else(Outcome::Ready);
        (outcome, exchange)
    }

    fn try_handle(
        &mut self,
        now: Instant,
        peer: SocketAddr,
        message: &Message<'_>,
        exchange: &mut Exchange,
    ) -> Result<Outcome, Response> {
        exchange.unwanted = NoResponse::of(message).unwrap_or_default();
        let found = self.router.find(message.uri_path());
        let entry = found.unwrap_or_else(|| self.router.fallback());
        let route = &entry.route;

        let known = |option| is_understood(option) || route.knows(option);
        if let Some(bad) = unknown_critical(message, known) {
            return Err(match bad.number {
                // RFC 7252 §5.7.2.
                OptionNumber::PROXY_URI | OptionNumber::PROXY_SCHEME => {
                    Response::new(Code::PROXYING_NOT_SUPPORTED)
                }
                _ => Response::error(Code::BAD_OPTION, bad.to_string()),
            });
        }
        let Some(handler) = route.handler(message.code()) else {
            return Err(Response::new(if found.is_some() {
                Code::METHOD_NOT_ALLOWED
            } else {
                Code::NOT_FOUND
            }));
        };
        exchange.accept = message.accept();
        if let Some(accept) = exchange.accept
            && !route.formats.is_empty()
            && !route.formats.contains(&accept)
        {
            return Err(Response::new(Code::NOT_ACCEPTABLE));
        }
        exchange.request =
            BlockOptions::read(message, self.limits.block_size).map_err(block_error)?;
        let key = || Key {
            peer,
            transfer: TransferKey::new(message, self.seed),
        };
        if message.code() != Code::GET {
            let key = key();
            if exchange.request.continues_response() {
                let begun = self.answers.find(&key);
                let lost = || Response::new(ReceiveError::Incomplete.code());
                return begun.map(Outcome::Ready).ok_or_else(lost);
            }
            exchange.keep = Some((now, key));
        }
        let observes = matches!(message.code(), Code::GET | Code::FETCH)
            && message.observe() == Some(observe::REGISTER)
            // A block after the first of a notification is asked for without observing (RFC 7959 §3.4).
            && exchange.request.block2.is_none_or(|block| block.number() == 0);
        exchange.observes = route.observable.filter(|_| observes);

        let request = Request::new(message, peer, &entry.template);
        let most = route.max_body.unwrap_or(self.limits.max_body);
        let block1 = exchange.request.block1;
        let whole = match block1 {
            None => true,
            Some(block) => block.number() == 0 && !block.more(),
        };
        if !whole {
            return self
                .uploads
                .take((now, key()), &request, message, handler, most, exchange);
        }
        if message.payload().len() > most && !matches!(handler, Handler::Upload(_)) {
            let error = ReceiveError::TooLarge;
            exchange.taken = error.options(message, most, self.limits.block_size);
            return Err(Response::new(error.code()));
        }
        // The whole body in one block is acknowledged as such.
        exchange.taken.block1 =
            block1.map(|block| block.with_size(block.size().min(self.limits.block_size)));
        Ok(call(handler, request))
    }

    /// Makes the response to a request ready for one message.
    pub(crate) fn reply(&mut self, exchange: &Exchange, response: Response) -> Reply {
        let reply = Reply::new(exchange, response, self.limits.block_size, self.payload);
        if let Some((since, key)) = exchange.keep
            && reply.part.block.is_some_and(Block::more)
        {
            self.answers.keep(since, key, reply.response.clone());
        }
        reply
    }
}

/// Calls a handler with the whole request.
pub(super) fn call(handler: &Handler, request: Request<'_>) -> Outcome {
    // A handler that panics must not take the server with it. What it left behind is its own.
    match handler {
        Handler::Sync(handler) => Outcome::Ready(
            catch_unwind(AssertUnwindSafe(|| handler(&request)))
                .unwrap_or_else(|_| Response::new(Code::INTERNAL_SERVER_ERROR)),
        ),
        Handler::Async(handler) => {
            let request = request.into_owned();
            catch_unwind(AssertUnwindSafe(|| handler(request))).map_or_else(
                |_| Outcome::Ready(Response::new(Code::INTERNAL_SERVER_ERROR)),
                Outcome::Later,
            )
        }
        Handler::Upload(handler) => {
            let payload = request.to_payload();
            let request = request.with_payload(Bytes::new()).into_owned();
            let feed = Feed::start(|upload| handler(request, upload));
            Outcome::Later(Box::pin(async move {
                match feed.take(payload, true).await {
                    Taken::Answered(response) => response,
                    Taken::More => Response::new(Code::INTERNAL_SERVER_ERROR),
                }
            }))
        }
    }
}

fn block_error(error: BlockError) -> Response {
    Response::new(ReceiveError::Option(error).code())
}

impl Reply {
    fn new(exchange: &Exchange, response: Response, preferred: BlockSize, limit: usize) -> Self {
        let response = match (exchange.accept, response.content_format()) {
            // The handler did not look at what is accepted (RFC 7252 §5.10.4).
            (Some(accept), Some(format)) if accept != format && response.is_success() => {
                Response::new(Code::NOT_ACCEPTABLE)
            }
            _ => response,
        };
        let len = response.payload().len();
        let block2 = exchange.request.block2;
        let part = Outgoing::requested_within(len, block2, preferred, limit);
        let (response, part) = match part {
            Ok(part) => (response, part),
            Err(error) => (Response::new(error.code()), Outgoing::default()),
        };
        Self {
            observe: exchange.observe.filter(|_| response.is_success()),
            blocks: BlockOptions {
                block1: exchange.taken.block1,
                size1: exchange.taken.size1,
                ..part.response_options(Some(len), &exchange.request)
            },
            response,
            part,
        }
    }

    /// The code of the message.
    pub(crate) const fn code(&self) -> Code {
        self.response.code()
    }

    /// The length of the payload.
    pub(crate) const fn payload_len(&self) -> usize {
        self.part.len
    }

    /// Writes the options and the part of the body.
    pub(crate) fn write(&self, builder: &mut MessageBuilder<'_>) {
        let payload = self.part.of(self.response.payload());
        self.response
            .write(self.observe, &self.blocks, payload, builder);
    }
}
