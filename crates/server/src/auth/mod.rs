//! Who may use the API: the token and the portal's sessions.

mod session;
mod token;

pub use session::{COOKIE, Sessions};
pub use token::{ApiToken, TokenError, TokenHash};

use std::time::Instant;

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, COOKIE as COOKIE_HEADER};

/// The token that the API asks for, and the sessions that the portal opened with it.
#[derive(Debug)]
pub struct Authority {
    token: Option<TokenHash>,
    sessions: Sessions,
}

impl Authority {
    /// An authority that asks for the token; for none if there is no token.
    pub fn new(token: Option<TokenHash>) -> Self {
        Self {
            token,
            sessions: Sessions::default(),
        }
    }

    /// Whether requests need a token.
    pub fn asks(&self) -> bool {
        self.token.is_some()
    }

    /// Whether the headers carry the token or the cookie of an open session.
    pub fn admits(&self, headers: &HeaderMap, now: Instant) -> bool {
        let Some(hash) = &self.token else { return true };
        bearer(headers).is_some_and(|token| hash.matches(token))
            || session_cookies(headers).any(|id| self.sessions.is_open(id, now))
    }

    /// Opens a session for the right token and returns its id; `None` for a wrong one.
    pub fn log_in(&self, token: &str, now: Instant) -> Option<String> {
        let hash = self.token.as_ref()?;
        hash.matches(token.trim()).then(|| self.sessions.open(now))
    }

    /// Closes the sessions whose cookies the headers carry.
    pub fn log_out(&self, headers: &HeaderMap) {
        for id in session_cookies(headers) {
            self.sessions.close(id);
        }
    }
}

/// The token of `Authorization: Bearer …` (RFC 6750 §2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The values of our cookie. There may be several, when pages on other paths or ports of the host set the same name.
fn session_cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(COOKIE_HEADER)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value)
}
