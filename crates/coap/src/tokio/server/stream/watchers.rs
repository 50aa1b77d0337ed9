//! The observers on one connection (RFC 8323 §7).

use std::collections::HashMap;
use std::string::String;
use std::vec::Vec;

use super::super::notifier::Changed;
use crate::Message;
use crate::tokio::stream::as_datagram;

/// The observers on one connection, by the tokens of their requests: to notify is to answer a request again. They end
/// with the connection (RFC 8323 §7.4).
pub(super) struct Watchers {
    entries: HashMap<Vec<u8>, Watch>,
    most: usize,
}

struct Watch {
    /// Without its first slash.
    path: String,
    request: Vec<u8>,
    state: State,
}

/// Whether the peer has the newest representation.
///
/// ```text
///            changed                 next                  done
///   Current ─────────► Due ─────────────────► AtWork ─────────────► Current
///                       ▲                        │ changed
///                       └──── done ── Behind ◄───┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Current,
    /// The resource has changed.
    Due,
    /// The handler is asked.
    AtWork,
    /// The handler is asked, and the resource has changed since.
    Behind,
}

impl Watchers {
    /// No observers, and places for `most`.
    pub(super) fn new(most: usize) -> Self {
        Self {
            entries: HashMap::new(),
            most,
        }
    }

    /// Adds the observer who makes this request, which is being answered; false when there is no place.
    pub(super) fn register(&mut self, message: &Message<'_>) -> bool {
        let token = message.token_bytes();
        if self.entries.len() >= self.most && !self.entries.contains_key(token) {
            return false;
        }
        let mut path = String::new();
        for (i, segment) in message.uri_path().enumerate() {
            if i > 0 {
                path.push('/');
            }
            path.push_str(core::str::from_utf8(segment).unwrap_or_default());
        }
        let watch = Watch {
            path,
            request: as_datagram(message),
            state: State::AtWork,
        };
        self.entries.insert(token.to_vec(), watch);
        true
    }

    /// Removes an observer.
    pub(super) fn remove(&mut self, token: &[u8]) {
        self.entries.remove(token);
    }

    /// Whether this token is that of an observer.
    pub(super) fn contains(&self, token: &[u8]) -> bool {
        self.entries.contains_key(token)
    }

    /// Takes note of what has changed.
    pub(super) fn changed(&mut self, changed: &Changed) {
        for watch in self.entries.values_mut() {
            if changed.contains(&watch.path) {
                watch.state = match watch.state {
                    State::Current | State::Due => State::Due,
                    State::AtWork | State::Behind => State::Behind,
                };
            }
        }
    }

    /// The requests to answer again.
    pub(super) fn due(&mut self) -> Vec<Vec<u8>> {
        let mut due = Vec::new();
        for watch in self.entries.values_mut() {
            if watch.state == State::Due {
                watch.state = State::AtWork;
                due.push(watch.request.clone());
            }
        }
        due
    }

    /// The request with this token is answered.
    pub(super) fn done(&mut self, token: &[u8]) {
        if let Some(watch) = self.entries.get_mut(token) {
            watch.state = match watch.state {
                State::Behind | State::Due => State::Due,
                State::AtWork | State::Current => State::Current,
            };
        }
    }
}
