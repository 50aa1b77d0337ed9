//! The portal's sessions: random ids in cookies, in memory only, so that a restart asks for the token again.

use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// The name of the cookie.
pub const COOKIE: &str = "dunlin_session";

/// The open sessions.
#[derive(Debug, Default)]
pub struct Sessions {
    /// By the hash of the id, so that a look-up's time tells nothing about an id.
    open: Mutex<HashMap<[u8; 32], Instant>>,
}

impl Sessions {
    /// How long a session stays open.
    pub const LIFETIME: Duration = Duration::from_hours(12);
    /// How many sessions may be open; the oldest closes for a further one.
    const CAPACITY: usize = 1_000;

    /// Opens a session and returns its id.
    pub fn open(&self, now: Instant) -> String {
        let id = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, opened| now.saturating_duration_since(*opened) < Self::LIFETIME);
        if open.len() >= Self::CAPACITY
            && let Some(oldest) = open
                .iter()
                .min_by_key(|(_, opened)| **opened)
                .map(|(key, _)| *key)
        {
            open.remove(&oldest);
        }
        open.insert(key(&id), now);
        id
    }

    /// Whether the id belongs to an open session.
    pub fn is_open(&self, id: &str, now: Instant) -> bool {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.get(&key(id))
            .is_some_and(|opened| now.saturating_duration_since(*opened) < Self::LIFETIME)
    }

    /// Closes a session.
    pub fn close(&self, id: &str) {
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&key(id));
    }
}

fn key(id: &str) -> [u8; 32] {
    Sha256::digest(id).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_open_close_and_expire() {
        let sessions = Sessions::default();
        let now = Instant::now();
        let (one, two) = (sessions.open(now), sessions.open(now));
        assert!(sessions.is_open(&one, now) && sessions.is_open(&two, now));
        sessions.close(&one);
        assert!(!sessions.is_open(&one, now));
        assert!(!sessions.is_open("", now));
        assert!(!sessions.is_open(&two, now + Sessions::LIFETIME));
    }

    #[test]
    fn sessions_are_bounded() {
        let sessions = Sessions::default();
        let now = Instant::now();
        let first = sessions.open(now);
        for _ in 0..Sessions::CAPACITY {
            sessions.open(now + Duration::from_secs(1));
        }
        assert!(!sessions.is_open(&first, now));
        assert_eq!(
            sessions.open.lock().expect("not poisoned").len(),
            Sessions::CAPACITY
        );
    }
}
