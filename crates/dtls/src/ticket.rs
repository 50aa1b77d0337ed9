//! Tickets: a session that the client keeps and only the server can read (RFC 5077 §4).

use core::fmt;

use dunlin_time::{Duration, Instant};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

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

/// A server's keys for tickets, which change by themselves: [`TicketKeys::seal`] and [`TicketKeys::open`] do what
/// [`Credentials::seal_ticket`](crate::Credentials::seal_ticket) and
/// [`Credentials::open_ticket`](crate::Credentials::open_ticket) are asked for.
///
/// A ticket is sealed with AES-128-GCM. It is good for at least the lifetime of a key, for twice that at most, and never
/// after a restart of the server, which draws new keys.
pub struct TicketKeys {
    lifetime: Duration,
    changed: Instant,
    current: Key,
    former: Option<Key>,
}

struct Key {
    name: [u8; NAME_LEN],
    secret: Zeroizing<[u8; 16]>,
    /// How many tickets were sealed: the nonce (RFC 5288 §3 asks that it never come twice).
    sealed: u64,
}

impl TicketKeys {
    /// The most bytes that an owner may put into a ticket about the peer.
    pub const PEER_LEN: usize = Ticket::MAX_LEN - START - TAG_LEN - 50;

    /// Keys that change after `lifetime`, which is best a day at most.
    pub fn new<R: CryptoRng + ?Sized>(now: Instant, lifetime: Duration, rng: &mut R) -> Self {
        Self {
            lifetime,
            changed: now,
            current: Key::draw(rng),
            former: None,
        }
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
        self.change(now, rng);
        let key = &mut self.current;
        let mut nonce = [0; NONCE_LEN];
        let mut writer = Writer::new(&mut nonce);
        writer.put(&[0; 4]);
        writer.put(&key.sealed.to_be_bytes());
        key.sealed = key.sealed.checked_add(1)?;
        let mut writer = Writer::new(buffer);
        writer.put(&key.name);
        writer.put(&nonce);
        writer.u16(session.suite.number());
        writer.put(session.master.as_ref());
        writer.put(peer);
        let end = writer.finish()?;
        let total = end.checked_add(TAG_LEN)?;
        if total > Ticket::MAX_LEN {
            return None;
        }
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

    fn change<R: CryptoRng + ?Sized>(&mut self, now: Instant, rng: &mut R) {
        let age = now.saturating_duration_since(self.changed);
        if age >= self.lifetime {
            let former = core::mem::replace(&mut self.current, Key::draw(rng));
            self.former = (age < self.lifetime.saturating_mul(2)).then_some(former);
            self.changed = now;
        }
    }
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
        let mut buffer = [0; 300];
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
        let again = seal(&mut keys, now, b"urn:dev:1").unwrap();
        assert_ne!(ticket[START..], again[START..]);
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
    fn what_does_not_fit_makes_no_ticket() {
        let now = Instant::ZERO;
        let mut keys = TicketKeys::new(now, DAY, &mut StdRng::seed_from_u64(1));
        assert!(seal(&mut keys, now, &[1; TicketKeys::PEER_LEN]).is_some());
        assert!(seal(&mut keys, now, &[1; TicketKeys::PEER_LEN + 1]).is_none());
    }
}
