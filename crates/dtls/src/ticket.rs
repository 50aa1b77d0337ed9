//! Tickets: a session that the client keeps and only the server can read (RFC 5077 §4).

use core::fmt;

use dunlin_time::{Duration, Instant};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::export::ImportError;
use crate::reader::Reader;
use crate::session::{Session, SessionId, Ticket};
use crate::suite::{Aead, CipherSuite};
use crate::writer::Writer;

/// Bytes of a key's name, of the nonce, and of the tag.
const NAME_LEN: usize = 4;
const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;

/// Where the sealed part begins.
const START: usize = NAME_LEN + NONCE_LEN;

/// What the first byte of exported keys says: their layout.
const LAYOUT: u8 = 1;

/// The most tickets of one key: NIST SP 800-38D §8.3 allows 2^32 nonces that are drawn at random.
const MOST_SEALED: u32 = u32::MAX;

/// A server's keys for tickets, which change by themselves: [`TicketKeys::seal`] and [`TicketKeys::open`] do what
/// [`Credentials::seal_ticket`](crate::Credentials::seal_ticket) and
/// [`Credentials::open_ticket`](crate::Credentials::open_ticket) are asked for.
///
/// A ticket is sealed with AES-128-GCM. It is good for at least the lifetime of a key and for twice that at most. It
/// outlives a restart of a server that keeps the keys: to be [exported](Self::export) whenever [`change`](Self::change)
/// says so, and then `now` is to count from a moment that all runs of the server share, such as that of Unix time.
pub struct TicketKeys {
    lifetime: Duration,
    changed: Instant,
    current: Key,
    former: Option<Key>,
}

struct Key {
    name: [u8; NAME_LEN],
    secret: Zeroizing<[u8; 16]>,
    /// How many tickets were sealed by this run of the server.
    sealed: u32,
}

impl TicketKeys {
    /// The most bytes that an owner may put into a ticket about the peer.
    pub const PEER_LEN: usize = 368 - START - TAG_LEN - 50;

    /// The bytes of exported keys.
    pub const EXPORT_LEN: usize = 1 + 8 + 2 * (1 + NAME_LEN + 16);

    /// Keys that change after `lifetime`, which is best a day at most.
    pub fn new<R: CryptoRng + ?Sized>(now: Instant, lifetime: Duration, rng: &mut R) -> Self {
        Self {
            lifetime,
            changed: now,
            current: Key::draw(rng),
            former: None,
        }
    }

    /// Writes the keys down for another run of the server: to be stored like a secret.
    pub fn export(&self) -> Zeroizing<[u8; Self::EXPORT_LEN]> {
        let mut bytes = Zeroizing::new([0; Self::EXPORT_LEN]);
        let mut writer = Writer::new(bytes.as_mut());
        writer.u8(LAYOUT);
        writer.put(&self.changed.as_millis().to_be_bytes());
        for key in [Some(&self.current), self.former.as_ref()] {
            writer.u8(key.is_some().into());
            let key = key.unwrap_or(&self.current);
            writer.put(&key.name);
            writer.put(key.secret.as_ref());
        }
        bytes
    }

    /// Goes on with keys that were exported.
    ///
    /// # Errors
    ///
    /// [`ImportError`] for what [`export`](Self::export) did not write.
    pub fn import(bytes: &[u8], lifetime: Duration) -> Result<Self, ImportError> {
        read(bytes, lifetime).ok_or(ImportError)
    }

    /// Draws a new key if the current one has served for its time; whether it did. [`seal`](Self::seal) does so, too.
    pub fn change<R: CryptoRng + ?Sized>(&mut self, now: Instant, rng: &mut R) -> bool {
        let age = now.saturating_duration_since(self.changed);
        let is_due = age >= self.lifetime || self.current.sealed == MOST_SEALED;
        if is_due {
            let former = core::mem::replace(&mut self.current, Key::draw(rng));
            self.former = (age < self.lifetime.saturating_mul(2)).then_some(former);
            self.changed = now;
        }
        is_due
    }

    /// Seals a session, and with it `peer`, which says who the peer is: up to [`TicketKeys::PEER_LEN`] bytes. Gives how many
    /// bytes of `buffer` the ticket takes, `None` when it does not fit.
    pub fn seal<R: CryptoRng + ?Sized>(
        &mut self,
        now: Instant,
        session: &Session,
        peer: &[u8],
        buffer: &mut [u8],
        rng: &mut R,
    ) -> Option<usize> {
        if peer.len() > Self::PEER_LEN {
            return None;
        }
        self.change(now, rng);
        let key = &mut self.current;
        let mut nonce = [0; NONCE_LEN];
        rng.fill_bytes(&mut nonce);
        key.sealed = key.sealed.saturating_add(1);
        let mut writer = Writer::new(buffer);
        writer.put(&key.name);
        writer.put(&nonce);
        writer.u16(session.suite.number());
        writer.put(session.master.as_ref());
        writer.put(peer);
        let end = writer.finish()?;
        let total = end.checked_add(TAG_LEN)?;
        let (text, tag) = buffer
            .get_mut(START..total)?
            .split_at_mut_checked(end.checked_sub(START)?)?;
        let cipher = Aead::Gcm.cipher(&key.secret)?;
        cipher.seal(&nonce, &key.name, text, tag).then_some(total)
    }

    /// Opens a ticket of ours that is not too old: the session, and what `peer` makes of what was sealed with it. `None`
    /// from it refuses the session, for one whose peer is no longer known.
    pub fn open<T>(
        &mut self,
        now: Instant,
        ticket: &[u8],
        peer: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Option<(Session, T)> {
        let mut bytes = Zeroizing::new([0; Ticket::MAX_LEN]);
        let bytes = bytes.get_mut(..ticket.len())?;
        bytes.copy_from_slice(ticket);
        let (name, rest) = bytes.split_first_chunk_mut::<NAME_LEN>()?;
        let (nonce, sealed) = rest.split_first_chunk_mut::<NONCE_LEN>()?;
        let (text, tag) = sealed.split_at_mut_checked(sealed.len().checked_sub(TAG_LEN)?)?;
        let age = now.saturating_duration_since(self.changed);
        let former = self.former.as_ref().filter(|_| age <= self.lifetime);
        // Nobody asked for a change of keys for long: then the current one is the former.
        let current = Some(&self.current).filter(|_| age <= self.lifetime.saturating_mul(2));
        let key = [current, former]
            .into_iter()
            .flatten()
            .find(|key| key.name == *name)?;
        if !Aead::Gcm.cipher(&key.secret)?.open(nonce, name, text, tag) {
            return None;
        }
        let mut reader = Reader::new(text);
        let suite = CipherSuite::from_number(reader.u16().ok()?)?;
        let master = *reader.array().ok()?;
        let peer = peer(reader.rest())?;
        Some((Session::new(SessionId::default(), suite, master), peer))
    }
}

fn read(bytes: &[u8], lifetime: Duration) -> Option<TicketKeys> {
    let mut reader = Reader::new(bytes);
    if reader.u8().ok()? != LAYOUT {
        return None;
    }
    let changed = Instant::from_millis(u64::from_be_bytes(*reader.array().ok()?));
    let mut key = || {
        let is_there = reader.u8().ok()? == 1;
        let key = Key {
            name: *reader.array().ok()?,
            secret: Zeroizing::new(*reader.array().ok()?),
            sealed: 0,
        };
        Some(is_there.then_some(key))
    };
    let (current, former) = (key()??, key()?);
    reader.finish().ok()?;
    Some(TicketKeys {
        lifetime,
        changed,
        current,
        former,
    })
}

impl Key {
    fn draw<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        let (mut name, mut secret) = ([0; NAME_LEN], Zeroizing::new([0; 16]));
        rng.fill_bytes(&mut name);
        rng.fill_bytes(secret.as_mut());
        Self {
            name,
            secret,
            sealed: 0,
        }
    }
}

impl fmt::Debug for TicketKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketKeys")
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn session() -> Session {
        Session::new(SessionId::default(), CipherSuite::SUPPORTED[0], [9; 48])
    }

    fn seal(keys: &mut TicketKeys, now: Instant, peer: &[u8]) -> Option<Vec<u8>> {
        let mut buffer = [0; 400];
        let mut rng = StdRng::seed_from_u64(now.as_millis());
        let len = keys.seal(now, &session(), peer, &mut buffer, &mut rng)?;
        Some(buffer[..len].to_vec())
    }

    fn open(keys: &mut TicketKeys, now: Instant, ticket: &[u8]) -> Option<Vec<u8>> {
        let (session, peer) = keys.open(now, ticket, |peer| Some(peer.to_vec()))?;
        assert_eq!(*session.master_secret(), [9; 48]);
        Some(peer)
    }

    #[test]
    fn a_ticket_opens_as_it_was_sealed_and_not_when_changed() {
        let now = Instant::from_secs(5);
        let mut keys = TicketKeys::new(now, DAY, &mut StdRng::seed_from_u64(1));
        let ticket = seal(&mut keys, now, b"urn:dev:1").unwrap();
        assert_eq!(open(&mut keys, now, &ticket).unwrap(), b"urn:dev:1");
        for position in 0..ticket.len() {
            let mut changed = ticket.clone();
            changed[position] ^= 4;
            assert_eq!(open(&mut keys, now, &changed), None, "byte {position}");
            assert_eq!(open(&mut keys, now, &ticket[..position]), None);
        }
        // No nonce comes twice, and nothing of the session is to be read.
        let mut again = [0; 400];
        let mut rng = StdRng::seed_from_u64(2);
        let len = keys.seal(now, &session(), b"urn:dev:1", &mut again, &mut rng);
        assert_ne!(ticket[START..], again[START..len.unwrap()]);
        assert!(!ticket.windows(3).any(|bytes| bytes == [9; 3]));
    }

    #[test]
    fn tickets_get_old() {
        let start = Instant::from_secs(0);
        let mut keys = TicketKeys::new(start, DAY, &mut StdRng::seed_from_u64(1));
        let ticket = seal(&mut keys, start, b"").unwrap();
        assert!(open(&mut keys, start + DAY, &ticket).is_some());
        let newer = seal(&mut keys, start + DAY, b"").unwrap();
        assert!(open(&mut keys, start + DAY, &ticket).is_some());
        let later = start + DAY.saturating_mul(2) + Duration::from_secs(1);
        assert!(open(&mut keys, later, &ticket).is_none());
        assert!(open(&mut keys, later, &newer).is_some());
        assert!(open(&mut keys, later + DAY, &newer).is_none());
    }

    #[test]
    fn keys_outlive_their_server() {
        let now = Instant::from_secs(7);
        let mut rng = StdRng::seed_from_u64(1);
        let mut keys = TicketKeys::new(now, DAY, &mut rng);
        let older = seal(&mut keys, now, b"urn:dev:1").unwrap();
        assert!(!keys.change(now, &mut rng));
        assert!(keys.change(now + DAY, &mut rng));
        let newer = seal(&mut keys, now + DAY, b"urn:dev:2").unwrap();
        let exported = keys.export();
        let mut again = TicketKeys::import(exported.as_ref(), DAY).unwrap();
        assert_eq!(*again.export(), *exported);
        let later = now + DAY + Duration::from_secs(9);
        assert_eq!(open(&mut again, later, &older).unwrap(), b"urn:dev:1");
        assert_eq!(open(&mut again, later, &newer).unwrap(), b"urn:dev:2");
        // They get old as if nothing had been.
        assert!(open(&mut again, now + DAY.saturating_mul(2) + DAY, &older).is_none());
        let short = &exported[..TicketKeys::EXPORT_LEN - 1];
        assert!(TicketKeys::import(short, DAY).is_err());
        let mut other = *exported;
        other[0] = 2;
        assert!(TicketKeys::import(&other, DAY).is_err());
    }

    #[test]
    fn what_does_not_fit_makes_no_ticket() {
        let now = Instant::ZERO;
        let mut keys = TicketKeys::new(now, DAY, &mut StdRng::seed_from_u64(1));
        assert!(seal(&mut keys, now, &[1; TicketKeys::PEER_LEN]).is_some());
        assert!(seal(&mut keys, now, &[1; TicketKeys::PEER_LEN + 1]).is_none());
    }
}
