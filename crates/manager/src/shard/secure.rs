//! DTLS under `CoAP`: associations at rest, what goes over them, and what of them is stored.
//!
//! ```text
//!  datagram ──► with our connection id ─────────► association ──► CoAP
//!          ├──► from an address in a handshake ─► handshake ──► (first data) association
//!          ├──► ClientHello with a good cookie ─► new handshake
//!          ├──► ClientHello ────────────────────► cookie; nothing is kept
//!          └──► from an address whose association has no connection id ─► association
//! ```
//!
//! An association is stored when it begins, with a block of sequence numbers reserved ahead; before every change that one
//! of its records brought about, in the same commit; and when half of the block is used. So after a crash no number serves
//! twice (the nonces of its records would), and no record whose effect is stored is taken again.

use core::net::SocketAddr;
use std::collections::HashMap;
use std::sync::Arc;

use dunlin_coap::time::Instant;
use dunlin_dtls::{Acceptor, Alert, Association, Content, ContentType, Datagram, Level};
use rand::rngs::StdRng;
use zeroize::Zeroizing;

use super::ciphers::CipherTable;
use super::handshake::Handshake;
use super::routability::{Unproved, Verdict};
use super::storing::Waiting;
use super::{Queued, Shard};
use crate::{AssociationId, Change, Peer, Registration, StoredAssociation};

/// How many sequence numbers are reserved ahead.
const AHEAD: u32 = 1024;

/// How many datagrams wait for a reservation to be stored.
const HELD: usize = 8;

/// Where a record comes from: the listener and the address.
pub(super) type Place = (u16, SocketAddr);

/// All that a shard has of DTLS.
pub(super) struct Secure {
    pub(super) acceptor: Acceptor,
    pub(super) handshakes: HashMap<Place, Handshake>,
    /// Boxed, as a table of this size is half empty after it has grown.
    associations: HashMap<AssociationId, Box<Entry>>,
    by_endpoint: HashMap<Arc<str>, AssociationId>,
    /// The associations whose records have no connection id.
    by_place: HashMap<Place, AssociationId>,
    ciphers: CipherTable,
}

/// An association at rest.
struct Entry {
    association: Association,
    endpoint: Arc<str>,
    place: Place,
    /// How many records were sent.
    sent: u64,
    /// How many may be sent by what is stored.
    durable: u64,
    /// How many may be sent when all that was asked of the store is stored.
    asked: u64,
    /// Whether a record came since the association was given to the store.
    is_newer: bool,
    /// What waits for a reservation, or for the proof of the address.
    held: Vec<Box<[u8]>>,
    /// Unless the device is certainly at its place.
    unproved: Option<Box<Unproved>>,
}

impl Entry {
    fn new(association: Association, endpoint: Arc<str>, place: Place) -> Self {
        Self {
            association,
            endpoint,
            place,
            sent: 0,
            durable: 0,
            asked: 0,
            is_newer: false,
            held: Vec::new(),
            unproved: None,
        }
    }

    /// The device has moved (RFC 9146 §6).
    fn move_to(&mut self, place: Place) {
        let home = match self.unproved.take() {
            Some(unproved) => unproved.home,
            None => self.place,
        };
        self.place = place;
        self.unproved = (place != home).then(|| Box::new(Unproved::new(home)));
    }

    fn peer(&self, id: AssociationId) -> Peer {
        Peer {
            association: Some(id),
            ..Peer::plain(self.place.0, self.place.1)
        }
    }

    /// Where the device was last for certain.
    fn home(&self, id: AssociationId) -> Peer {
        let (listener, address) = match &self.unproved {
            Some(unproved) => unproved.home,
            None => self.place,
        };
        Peer {
            association: Some(id),
            ..Peer::plain(listener, address)
        }
    }

    /// Whether half of the reservation is used.
    fn runs_out(&self) -> bool {
        self.asked.saturating_sub(self.sent) < u64::from(AHEAD) / 2
    }
}

impl Secure {
    pub(super) fn new(rng: &mut StdRng) -> Self {
        Self {
            acceptor: Acceptor::new(rng),
            handshakes: HashMap::new(),
            associations: HashMap::new(),
            by_endpoint: HashMap::new(),
            by_place: HashMap::new(),
            ciphers: CipherTable::new(),
        }
    }

    pub(super) fn association_count(&self) -> usize {
        self.associations.len()
    }

    pub(super) fn has_association(&self, id: AssociationId) -> bool {
        self.associations.contains_key(&id)
    }

    /// Where a device is, as far as is known.
    pub(super) fn peer(&self, id: AssociationId) -> Option<Peer> {
        Some(self.associations.get(&id)?.peer(id))
    }

    /// What is known of an address that is not proved.
    pub(super) fn unproved(&mut self, id: AssociationId) -> Option<&mut Unproved> {
        self.associations.get_mut(&id)?.unproved.as_deref_mut()
    }

    /// A device is where it is heard from.
    pub(super) fn proved(&mut self, id: AssociationId) {
        if let Some(entry) = self.associations.get_mut(&id) {
            entry.unproved = None;
            entry.is_newer = true;
        }
    }

    fn insert(&mut self, id: AssociationId, entry: Entry) {
        if entry.association.own_connection_id().is_empty() {
            self.by_place.insert(entry.place, id);
        }
        self.by_endpoint.insert(Arc::clone(&entry.endpoint), id);
        self.associations.insert(id, Box::new(entry));
    }

    fn remove(&mut self, id: AssociationId) -> Option<Box<Entry>> {
        let entry = self.associations.remove(&id)?;
        if self.by_place.get(&entry.place) == Some(&id) {
            self.by_place.remove(&entry.place);
        }
        if self.by_endpoint.get(&entry.endpoint) == Some(&id) {
            self.by_endpoint.remove(&entry.endpoint);
        }
        Some(entry)
    }
}

/// Whose they are.
impl Shard {
    /// The endpoint name that a peer has proved, if it is secure.
    pub(super) fn proven(&self, peer: Peer) -> Option<&Arc<str>> {
        let entry = self.secure.associations.get(&peer.association?)?;
        Some(&entry.endpoint)
    }

    /// Whether a peer may speak for a device: with an association it is the device that it has proved to be, and without
    /// one a device that has no credential.
    pub(super) fn speaks_for(&self, peer: Peer, endpoint: &str) -> bool {
        match peer.association {
            Some(_) => self
                .proven(peer)
                .is_some_and(|proven| **proven == *endpoint),
            None => !self.credentials.has(endpoint),
        }
    }

    /// Whether `peer` is at the other side of `known`: the same peer, or the same device by another association.
    pub(super) fn is_party(&self, peer: Peer, known: Peer, endpoint: &str) -> bool {
        peer == known
            || (peer.association.is_some()
                && known.association.is_some()
                && self.speaks_for(peer, endpoint))
    }

    /// A registration with the address at which its device is now, over the association that it has now.
    pub(super) fn at_present(&self, registration: &Arc<Registration>) -> Arc<Registration> {
        let known = registration.peer;
        let now = known
            .association
            .and_then(|_| self.secure.by_endpoint.get(&registration.endpoint))
            .and_then(|id| Some(self.secure.associations.get(id)?.peer(*id)));
        match now {
            Some(peer) if peer != known || peer.address != known.address => {
                let mut registration = Registration::clone(registration);
                registration.peer = peer;
                Arc::new(registration)
            }
            _ => Arc::clone(registration),
        }
    }
}

/// What comes and goes.
impl Shard {
    /// Takes a datagram of DTLS.
    pub(super) fn record(&mut self, now: Instant, place: Place, bytes: &mut [u8]) {
        let Ok(header) = Datagram::new(bytes).peek(AssociationId::LENGTH) else {
            return self.counters.records_dropped.count();
        };
        if header.content_type == ContentType::TLS12_CID {
            let id = AssociationId::from_bytes(header.connection_id.as_bytes());
            if let Some(id) = id.filter(|id| self.secure.has_association(*id)) {
                return self.protected(now, place, id, &mut Datagram::new(bytes));
            }
        }
        if header.epoch == 0 {
            self.greeted(now, place, bytes);
        } else if self.secure.handshakes.contains_key(&place) {
            self.advance(now, place, bytes);
        } else if let Some(id) = self.secure.by_place.get(&place).copied() {
            self.protected(now, place, id, &mut Datagram::new(bytes));
        } else {
            self.counters.records_dropped.count();
        }
    }

    /// Takes the records of an association.
    pub(super) fn protected(
        &mut self,
        now: Instant,
        place: Place,
        id: AssociationId,
        datagram: &mut Datagram<'_>,
    ) {
        let length = datagram.bytes().len();
        let mut was_genuine = datagram.is_empty();
        let mut is_counted = false;
        let mut came_home = false;
        while let Some(entry) = self.secure.associations.get_mut(&id) {
            let mut live = entry.association.with(self.secure.ciphers.of(id));
            let Some(opened) = live.next(datagram) else {
                break;
            };
            was_genuine = true;
            entry.is_newer = true;
            if opened.is_newest && entry.place != place {
                // The record is genuine and the newest of all.
                entry.move_to(place);
                self.counters.associations_moved.count();
                came_home = entry.unproved.is_none();
            }
            if let Some(unproved) = entry.unproved.as_mut().filter(|_| entry.place == place)
                && !core::mem::replace(&mut is_counted, true)
            {
                unproved.received(length);
            }
            match opened.content {
                Content::Data(data) => {
                    let peer = entry.peer(id);
                    if !(is_counted && self.proves_address(id, data)) {
                        self.input(now, peer, data);
                    }
                }
                Content::Alert(level, alert)
                    if level == Level::Fatal || alert == Alert::CLOSE_NOTIFY =>
                {
                    self.end_association(now, id);
                }
                _ => {}
            }
        }
        if came_home {
            self.transmit_held(id);
        }
        if !was_genuine {
            self.counters.records_dropped.count();
        }
    }

    /// Sends data over an association.
    pub(super) fn transmit_secure(&mut self, id: AssociationId, data: &[u8]) {
        let now = self.clock.0;
        let is_failing = self.storing.is_failing();
        let Some(entry) = self.secure.associations.get_mut(&id) else {
            return self.counters.send_failures.count();
        };
        let has_room = entry.held.len() < HELD && !is_failing;
        let hold = |entry: &mut Entry| {
            if has_room {
                entry.held.push(data.into());
            } else {
                self.counters.send_failures.count();
            }
        };
        if entry.sent >= entry.durable {
            hold(entry);
            return self.persist_window(now, id);
        }
        let overhead = entry.association.overhead();
        let unproved = entry.unproved.as_mut();
        match unproved.map(|unproved| unproved.judge(now, data.len(), overhead)) {
            None | Some(Verdict::Send) => self.transmit_now(id, data),
            Some(Verdict::Wait) => hold(entry),
            Some(Verdict::Ping) => {
                hold(entry);
                self.ping(now, id);
            }
        }
    }

    /// Sends data that may go, over an association that may send.
    pub(super) fn transmit_now(&mut self, id: AssociationId, data: &[u8]) {
        let now = self.clock.0;
        let Some(entry) = self.secure.associations.get_mut(&id) else {
            return;
        };
        let mut record = vec![0; data.len().saturating_add(entry.association.overhead())];
        let mut live = entry.association.with(self.secure.ciphers.of(id));
        match live.protect(data, &mut record) {
            Ok(_) => {
                entry.sent = entry.sent.saturating_add(1);
                let (to, runs_out) = (entry.peer(id), entry.runs_out());
                self.outputs.push_back(Queued::Transmit(to, record.into()));
                if runs_out {
                    self.persist_window(now, id);
                }
            }
            Err(error) => {
                tracing::debug!(endpoint = %entry.endpoint, %error, "nothing can be sent over an association");
                self.counters.send_failures.count();
            }
        }
    }
}

/// Their beginning, their end and their rows in the store.
impl Shard {
    /// Takes the associations of the store. Those of devices that have no credential any more are left there.
    pub(super) fn restore_associations(&mut self, stored: Vec<StoredAssociation>) {
        for StoredAssociation {
            peer,
            endpoint,
            record,
        } in stored
        {
            let (Some(id), Some(endpoint)) =
                (peer.association, self.credentials.name(&endpoint).cloned())
            else {
                continue;
            };
            match Association::import(&record) {
                Ok(association) => {
                    let place = (peer.listener, peer.address);
                    let entry = Entry::new(association, endpoint, place);
                    self.secure.insert(id, entry);
                }
                Err(error) => tracing::warn!(%endpoint, %error, "a stored association is lost"),
            }
        }
    }

    /// Puts a device's new association in the place of its old one.
    pub(super) fn begin_association(
        &mut self,
        now: Instant,
        id: AssociationId,
        association: Association,
        endpoint: &Arc<str>,
        place: Place,
    ) {
        self.end_association_of(now, endpoint);
        let mut entry = Entry::new(association, Arc::clone(endpoint), place);
        // Nothing of it is stored, so that after a crash it is not there at all, and no number can serve twice.
        entry.durable = AHEAD.into();
        entry.asked = AHEAD.into();
        entry.is_newer = true;
        self.secure.insert(id, entry);
        self.persist_window(now, id);
        self.rebind(now, endpoint);
    }

    /// Reaches a device over the association that it has now.
    fn rebind(&mut self, now: Instant, endpoint: &str) {
        let Some(device) = self.by_endpoint.get(endpoint).copied() else {
            return;
        };
        let registration = self.at_present(&self.device_at(device).registration);
        if registration.peer != self.device_at(device).registration.peer {
            self.interrupt(now, device);
            self.device_mut(device).registration = registration;
            self.device_mut(device).dirty.row = true;
            self.soil(now, device);
        }
    }

    /// Ends the association of a device, if it has one.
    pub(super) fn end_association_of(&mut self, now: Instant, endpoint: &str) {
        if let Some(id) = self.secure.by_endpoint.get(endpoint).copied() {
            self.end_association(now, id);
        }
    }

    fn end_association(&mut self, now: Instant, id: AssociationId) {
        if self.secure.remove(id).is_some() {
            self.persist(now, Change::AssociationEnded(id), Waiting::Forgotten);
        }
    }

    /// Gives an association to the store if a record came since it was given last, or if it may soon not send any more.
    pub(super) fn persist_window(&mut self, now: Instant, id: AssociationId) {
        if self.storing.is_failing() {
            return;
        }
        let Some(entry) = self.secure.associations.get_mut(&id) else {
            return;
        };
        if !entry.is_newer && !entry.runs_out() {
            return;
        }
        entry.is_newer = false;
        let end = entry.sent.saturating_add(AHEAD.into());
        entry.asked = entry.asked.max(end);
        let change = Change::Association(StoredAssociation {
            peer: entry.home(id),
            endpoint: Arc::clone(&entry.endpoint),
            record: Zeroizing::new(entry.association.export(AHEAD).as_bytes().into()),
        });
        self.persist(now, change, Waiting::Association { id, end });
    }

    /// An association is stored: it may send `end` records in all.
    pub(super) fn association_stored(&mut self, id: AssociationId, end: u64) {
        let Some(entry) = self.secure.associations.get_mut(&id) else {
            return;
        };
        entry.durable = entry.durable.max(end);
        self.transmit_held(id);
    }

    /// Sends what has waited, as far as it may go.
    pub(super) fn transmit_held(&mut self, id: AssociationId) {
        if let Some(entry) = self.secure.associations.get_mut(&id) {
            for datagram in core::mem::take(&mut entry.held) {
                self.transmit_secure(id, &datagram);
            }
        }
    }

    /// An association is not stored: what waits for that is lost, as any datagram may be.
    pub(super) fn association_not_stored(&mut self, id: AssociationId) {
        if let Some(entry) = self.secure.associations.get_mut(&id) {
            entry.is_newer = true;
            entry.asked = entry.durable;
            let lost = core::mem::take(&mut entry.held).len();
            self.counters
                .send_failures
                .add(u64::try_from(lost).unwrap_or(u64::MAX));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Beside it an association at rest takes its places in two hash tables and what the allocator adds: some 90 bytes.
    #[test]
    fn an_association_at_rest_is_small() {
        let size = size_of::<Entry>();
        println!(
            "{size} bytes, of them {} of dunlin-dtls",
            size_of::<Association>()
        );
        assert!(size <= 232, "{size}");
    }
}
