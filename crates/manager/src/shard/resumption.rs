//! Sessions that devices resume: a shorter handshake, without a key exchange (RFC 5246 §7.3, RFC 5077).
//!
//! A device that takes tickets keeps its session itself. The keys of the tickets are in the store, so that it resumes after
//! a restart of the manager, too. For a device that takes none the session is kept here, in memory and in fixed room.
//!
//! A session says by which credential the device proved its name. It is resumed only while the device still has just this
//! one: see [`Proven`].

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use dunlin_coap::time::{Duration, Instant};
use dunlin_dtls::{CipherSuite, Session, SessionId, TicketKeys};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use zeroize::Zeroizing;

use super::Shard;
use super::credentials::Proven;
use super::storing::Waiting;
use crate::{Change, StoredTicketKeys, Timestamp};

/// How long a key for tickets serves and a session is kept: a day at most (RFC 5246 §F.1.4).
const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// How many sessions are kept for devices that take no tickets: some 200 bytes each.
const MOST_SESSIONS: usize = 10_000;

/// What is remembered of sessions.
pub(super) struct Resumption {
    keys: TicketKeys,
    /// Whether the store has the keys, or is about to.
    is_stored: bool,
    sessions: HashMap<SessionId, Kept>,
    /// The sessions in the order in which they began.
    order: VecDeque<SessionId>,
    rng: StdRng,
}

struct Kept {
    suite: CipherSuite,
    master_secret: Zeroizing<[u8; 48]>,
    proven: Proven,
    began: Instant,
}

/// A moment of the wall clock as the keys count it: they are the same after a restart.
fn moment(wall: Timestamp) -> Instant {
    Instant::from_millis(u64::try_from(wall.as_millis()).unwrap_or_default())
}

impl Resumption {
    pub(super) fn new(
        wall: Timestamp,
        stored: Option<&StoredTicketKeys>,
        rng: &mut StdRng,
    ) -> Self {
        let mut rng = StdRng::from_rng(rng);
        let known = stored.and_then(|stored| {
            TicketKeys::import(&stored.record, LIFETIME)
                .inspect_err(|error| tracing::warn!(%error, "the stored keys of tickets are lost"))
                .ok()
        });
        let is_stored = known.is_some();
        let keys = known.unwrap_or_else(|| TicketKeys::new(moment(wall), LIFETIME, &mut rng));
        Self {
            keys,
            is_stored,
            sessions: HashMap::new(),
            order: VecDeque::new(),
            rng,
        }
    }

    /// What a ticket for a session is, in `buffer`.
    pub(super) fn seal(
        &mut self,
        now: Timestamp,
        session: &Session,
        proven: &Proven,
        buffer: &mut [u8],
    ) -> Option<usize> {
        let peer = proven.to_bytes();
        self.keys
            .seal(moment(now), session, &peer, buffer, &mut self.rng)
    }

    /// The session of a ticket, and who proved what when it began.
    pub(super) fn open<T>(
        &mut self,
        now: Timestamp,
        ticket: &[u8],
        peer: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Option<(Session, T)> {
        self.keys.open(moment(now), ticket, peer)
    }

    /// Keeps the session of a device that takes no ticket.
    pub(super) fn keep(&mut self, now: Timestamp, session: &Session, proven: &Proven) {
        let kept = Kept {
            suite: session.suite(),
            master_secret: Zeroizing::new(*session.master_secret()),
            proven: proven.clone(),
            began: moment(now),
        };
        if self.sessions.insert(*session.id(), kept).is_none() {
            self.order.push_back(*session.id());
        }
        while self.order.len() > MOST_SESSIONS
            && let Some(oldest) = self.order.pop_front()
        {
            self.sessions.remove(&oldest);
        }
    }

    /// The session of this id, and who proved what when it began.
    pub(super) fn kept(&self, now: Timestamp, id: &[u8]) -> Option<(Session, &Proven)> {
        let id = SessionId::new(id)?;
        let kept = self.sessions.get(&id)?;
        let age = moment(now).saturating_duration_since(kept.began);
        let session = Session::new(id, kept.suite, *kept.master_secret);
        (age < LIFETIME).then_some((session, &kept.proven))
    }

    pub(super) fn keys_not_stored(&mut self) {
        self.is_stored = false;
    }
}

impl Shard {
    /// Draws new keys for tickets when it is time, and has those stored that are not.
    pub(super) fn keep_ticket_keys(&mut self, now: Instant) {
        let wall = moment(self.wall(now));
        let Resumption {
            keys,
            is_stored,
            rng,
            ..
        } = &mut self.resumption;
        if (keys.change(wall, rng) || !*is_stored) && !self.storing.is_failing() {
            *is_stored = true;
            let record = Zeroizing::new(Box::from(keys.export().as_slice()));
            let change = Change::TicketKeys(Arc::new(StoredTicketKeys { record }));
            self.persist(now, change, Waiting::TicketKeys);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shard::credentials::Credentials;
    use crate::{Credential, StoredCredential};

    #[test]
    fn no_more_sessions_are_kept_than_there_is_room_for_and_none_for_longer_than_a_day() {
        let start = Timestamp::from_millis(1_000_000_000_000);
        let mut resumption = Resumption::new(start, None, &mut StdRng::seed_from_u64(1));
        let mut credentials = Credentials::default();
        credentials.put(StoredCredential {
            endpoint: "one".into(),
            credential: Credential::psk(b"who", &[7; 16]).unwrap(),
        });
        let proven = credentials.psk(b"who").unwrap().1;
        let id = |number: usize| SessionId::new(&number.to_be_bytes()).unwrap();
        let suite = CipherSuite::SUPPORTED[0];
        for number in 0..=MOST_SESSIONS {
            let session = Session::new(id(number), suite, [9; 48]);
            resumption.keep(start, &session, &proven);
            // The same once more takes no more room.
            resumption.keep(start, &session, &proven);
        }
        assert_eq!(resumption.sessions.len(), MOST_SESSIONS);
        assert_eq!(resumption.order.len(), MOST_SESSIONS);
        let kept = |now, number| resumption.kept(now, id(number).as_bytes());
        assert!(kept(start, 0).is_none());
        let (session, who) = kept(start, MOST_SESSIONS).unwrap();
        assert_eq!((*session.master_secret(), &*who.endpoint), ([9; 48], "one"));
        let day = 24 * 60 * 60 * 1000;
        let before = Timestamp::from_millis(start.as_millis() + day - 1);
        assert!(kept(before, 1).is_some());
        let after = Timestamp::from_millis(start.as_millis() + day);
        assert!(kept(after, 1).is_none());
    }
}
