//! Bodies of requests that arrive in blocks (RFC 7959 §2.5).

use std::boxed::Box;
use std::collections::{BTreeMap, HashMap};
use std::vec::Vec;

use bytes::Bytes;

use super::answers::Key;
use super::limits::Limits;
use super::request::Request;
use super::route::Handler;
use super::service::{Exchange, Outcome, call};
use super::upload::{Feed, Taken};
use crate::block::{BlockReceiver, BlockSize, Next, ReceiveError};
use crate::time::{Duration, Instant};
use crate::tokio::Response;
use crate::{Code, Message};

/// The Max-Age of a refusal for want of room, in seconds.
pub(crate) const RETRY_AFTER: u32 = 5;

/// All bodies that are arriving.
pub(super) struct Uploads {
    entries: HashMap<Key, Entry>,
    /// By the time at which they are given up.
    deadlines: BTreeMap<(Instant, u64), Key>,
    numbered: u64,
    bytes: usize,
    max_entries: usize,
    max_bytes: usize,
    lifetime: Duration,
    size: BlockSize,
}

struct Entry {
    receiver: BlockReceiver,
    body: Body,
    deadline: (Instant, u64),
}

enum Body {
    Collected(Vec<u8>),
    /// How much was handed on, and to whom.
    Streamed(usize, Feed),
}

impl Uploads {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            entries: HashMap::new(),
            deadlines: BTreeMap::new(),
            numbered: 0,
            bytes: 0,
            max_entries: limits.uploads,
            max_bytes: limits.upload_bytes,
            lifetime: limits.parameters.exchange_lifetime(),
            size: limits.block_size,
        }
    }

    pub(super) const fn set_block_size(&mut self, size: BlockSize) {
        self.size = size;
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.deadlines
            .first_key_value()
            .map(|((instant, _), _)| *instant)
    }

    pub(super) fn expire(&mut self, now: Instant) {
        while let Some(entry) = self.deadlines.first_entry()
            && entry.key().0 <= now
        {
            let key = entry.remove();
            if let Some(entry) = self.entries.remove(&key) {
                self.bytes = self.bytes.saturating_sub(entry.body.held());
            }
        }
    }

    /// Takes one block of a body of several.
    pub(super) fn take(
        &mut self,
        (now, key): (Instant, Key),
        request: &Request<'_>,
        message: &Message<'_>,
        handler: &Handler,
        most: usize,
        exchange: &mut Exchange,
    ) -> Result<Outcome, Response> {
        let begins = exchange
            .request
            .block1
            .is_none_or(|block| block.number() == 0);
        let mut entry = match self.remove(key) {
            // Block 0 begins anew.
            Some(entry) if !begins => entry,
            _ if begins => self.begin(request, handler)?,
            _ => return Err(Response::new(ReceiveError::Incomplete.code())),
        };
        let streamed = matches!(entry.body, Body::Streamed(..));
        let capacity = if streamed { usize::MAX } else { most };
        let received = entry
            .receiver
            .request(message, capacity, self.size)
            .map_err(|error| {
                exchange.taken = error.options(message, most, self.size);
                Response::new(error.code())
            })?;
        let last = match received.next {
            Next::More(block) => {
                exchange.taken.block1 = Some(block);
                false
            }
            Next::Complete(block) => {
                exchange.taken.block1 = block;
                true
            }
        };
        let end = received.end();
        match &mut entry.body {
            Body::Collected(body) => {
                if self.bytes.saturating_add(end) > self.max_bytes {
                    return Err(busy());
                }
                // A block that came again takes its own place.
                body.truncate(received.offset);
                body.extend_from_slice(message.payload());
                if last {
                    let body = Bytes::from(core::mem::take(body));
                    return Ok(call(handler, request.clone().with_payload(body)));
                }
                self.insert(now, key, entry);
                Ok(Outcome::Ready(Response::new(Code::CONTINUE)))
            }
            Body::Streamed(handed, feed) => {
                if received.offset < *handed {
                    // It came again, and was handed on before.
                    self.insert(now, key, entry);
                    return Ok(Outcome::Ready(Response::new(Code::CONTINUE)));
                }
                *handed = end;
                let feed = feed.clone();
                let bytes = Bytes::copy_from_slice(message.payload());
                if !last {
                    self.insert(now, key, entry);
                }
                Ok(Outcome::Later(Box::pin(async move {
                    match feed.take(bytes, last).await {
                        Taken::More => Response::new(Code::CONTINUE),
                        Taken::Answered(response) => response,
                    }
                })))
            }
        }
    }

    /// A body of which nothing has arrived.
    fn begin(&self, request: &Request<'_>, handler: &Handler) -> Result<Entry, Response> {
        if self.entries.len() >= self.max_entries {
            return Err(busy());
        }
        let body = match handler {
            Handler::Upload(handler) => {
                let request = request.clone().with_payload(Bytes::new()).into_owned();
                Body::Streamed(0, Feed::start(|upload| handler(request, upload)))
            }
            _ => Body::Collected(Vec::new()),
        };
        Ok(Entry {
            receiver: BlockReceiver::new(),
            body,
            deadline: (Instant::ZERO, 0),
        })
    }

    fn remove(&mut self, key: Key) -> Option<Entry> {
        let entry = self.entries.remove(&key)?;
        self.deadlines.remove(&entry.deadline);
        self.bytes = self.bytes.saturating_sub(entry.body.held());
        Some(entry)
    }

    fn insert(&mut self, now: Instant, key: Key, mut entry: Entry) {
        self.numbered = self.numbered.wrapping_add(1);
        entry.deadline = (now.saturating_add(self.lifetime), self.numbered);
        self.bytes = self.bytes.saturating_add(entry.body.held());
        self.deadlines.insert(entry.deadline, key);
        self.entries.insert(key, entry);
    }
}

impl Body {
    fn held(&self) -> usize {
        match self {
            Self::Collected(body) => body.len(),
            Self::Streamed(..) => 0,
        }
    }
}

/// 5.03, to be asked again later.
pub(crate) fn busy() -> Response {
    Response::new(Code::SERVICE_UNAVAILABLE).with_max_age(RETRY_AFTER)
}
