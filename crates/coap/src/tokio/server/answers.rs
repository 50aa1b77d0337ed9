//! Long responses to requests that must not be processed again for each of their blocks (RFC 7959 §2.7).

use core::net::SocketAddr;
use std::collections::{HashMap, VecDeque};

use super::limits::Limits;
use crate::block::TransferKey;
use crate::time::{Duration, Instant};
use crate::tokio::Response;

/// The responses of which blocks are still to be asked for; the oldest gives way when there is no room.
pub(super) struct Answers {
    entries: HashMap<Key, Entry>,
    /// In the order of their age; of several of one key the last counts.
    ages: VecDeque<(Instant, u64, Key)>,
    numbered: u64,
    bytes: usize,
    max_entries: usize,
    max_bytes: usize,
    lifetime: Duration,
}

/// Who asked for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(super) peer: SocketAddr,
    pub(super) transfer: TransferKey,
}

struct Entry {
    number: u64,
    response: Response,
}

impl Answers {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            entries: HashMap::new(),
            ages: VecDeque::new(),
            numbered: 0,
            bytes: 0,
            max_entries: limits.uploads,
            max_bytes: limits.upload_bytes,
            lifetime: limits.parameters.exchange_lifetime(),
        }
    }

    /// The response that was begun.
    pub(super) fn find(&self, key: &Key) -> Option<Response> {
        Some(self.entries.get(key)?.response.clone())
    }

    /// Keeps a response whose first block is being sent.
    pub(super) fn keep(&mut self, now: Instant, key: Key, response: Response) {
        self.expire(now);
        self.numbered = self.numbered.wrapping_add(1);
        let number = self.numbered;
        self.bytes = self.bytes.saturating_add(response.payload().len());
        let entry = Entry { number, response };
        if let Some(old) = self.entries.insert(key, entry) {
            self.forgotten(&old);
        }
        self.ages.push_back((now, number, key));
        while self.ages.len() > self.max_entries || self.bytes > self.max_bytes {
            if !self.drop_oldest() {
                break;
            }
        }
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let (since, _, _) = self.ages.front()?;
        Some(since.saturating_add(self.lifetime))
    }

    pub(super) fn expire(&mut self, now: Instant) {
        while self.next_timeout().is_some_and(|end| end <= now) && self.drop_oldest() {}
    }

    fn drop_oldest(&mut self) -> bool {
        let Some((_, number, key)) = self.ages.pop_front() else {
            return false;
        };
        let is_current = |entry: &Entry| entry.number == number;
        if self.entries.get(&key).is_some_and(is_current)
            && let Some(old) = self.entries.remove(&key)
        {
            self.forgotten(&old);
        }
        true
    }

    fn forgotten(&mut self, entry: &Entry) {
        self.bytes = self.bytes.saturating_sub(entry.response.payload().len());
    }
}
