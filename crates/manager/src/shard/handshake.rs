//! Handshakes: from a stranger's ClientHello to an association.

use dunlin_coap::time::{Duration, Instant};
use dunlin_dtls::{Acceptor, Config, Connection, ConnectionId, Datagram, Event, Greeting, Output};
use rand::Rng as _;

use super::credentials::{Lookup, Proven};
use super::secure::Place;
use super::timers::Timer;
use super::{Queued, Shard};
use crate::{AssociationId, Peer};

/// The room for a peer's handshake messages and for a flight of ours, certificates included.
const ROOM: usize = 4096;

/// How long a handshake may take, the first data included.
const TIME: Duration = Duration::from_secs(300);

/// The largest datagram of a handshake, with room to spare.
const FLIGHT: usize = 1500;

/// A handshake under way.
pub(super) struct Handshake {
    connection: Box<Connection<Proven, ROOM, ROOM>>,
    id: AssociationId,
    ends: Instant,
}

impl Shard {
    /// Takes a datagram that begins with a record of epoch 0: of a stranger, or of a handshake.
    pub(super) fn greeted(&mut self, now: Instant, place: Place, bytes: &mut [u8]) {
        let mut buffer = [0; Acceptor::ANSWER_LEN];
        let acceptor = &self.secure.acceptor;
        match acceptor.handle_input(now, &place_bytes(place), bytes, &mut buffer) {
            Greeting::Verify(answer) => {
                self.counters.cookies.count();
                self.transmit_raw(place, answer);
            }
            Greeting::Accepted(random) => {
                let running = self.secure.handshakes.get(&place);
                if running.is_none_or(|running| *running.connection.client_random() != random) {
                    if running.is_none()
                        && self.secure.handshakes.len() >= self.config.max_handshakes
                    {
                        // The client tries again, and perhaps another has ended by then.
                        return self.counters.handshakes_refused.count();
                    }
                    self.begin(now, place);
                }
                self.advance(now, place, bytes);
            }
            Greeting::Other => self.advance(now, place, bytes),
        }
    }

    fn begin(&mut self, now: Instant, place: Place) {
        self.keep_ticket_keys(now);
        let id = self.new_association_id();
        let config = Config {
            connection_id: ConnectionId::new(&id.to_bytes()),
            ..Config::DEFAULT
        };
        let handshake = Handshake {
            connection: Box::new(Connection::server(config)),
            id,
            ends: now + TIME,
        };
        self.secure.handshakes.insert(place, handshake);
    }

    fn new_association_id(&mut self) -> AssociationId {
        loop {
            let id = AssociationId::from_bits(self.rng.next_u64());
            let handshakes = &mut self.secure.handshakes.values();
            if !self.secure.has_association(id) && handshakes.all(|other| other.id != id) {
                return id;
            }
        }
    }

    /// Gives a datagram to the handshake at its place.
    pub(super) fn advance(&mut self, now: Instant, place: Place, bytes: &mut [u8]) {
        let Some(mut handshake) = self.secure.handshakes.remove(&place) else {
            return self.counters.records_dropped.count();
        };
        let mut datagram = Datagram::new(bytes);
        let mut credentials = Lookup {
            now: self.wall(now),
            credentials: &self.credentials,
            resumption: &mut self.resumption,
        };
        let connection = &mut handshake.connection;
        let data = connection.handle_input(now, &mut datagram, &mut credentials, &mut self.rng);
        let id = handshake.id;
        self.settle(place, handshake);
        if let Some(data) = data {
            // The device has our last flight: the association can rest without its handshake.
            self.establish(now, place);
            let peer = Peer {
                association: Some(id),
                ..Peer::plain(place.0, place.1)
            };
            if self.secure.has_association(id) {
                self.input(now, peer, data);
                self.protected(now, place, id, &mut datagram);
            }
        }
    }

    /// Does what a handshake wants done, and keeps it unless it has failed.
    fn settle(&mut self, place: Place, mut handshake: Handshake) {
        let mut buffer = [0; FLIGHT];
        loop {
            match handshake.connection.poll_output(&mut buffer) {
                Output::Transmit(datagram) => self.transmit_raw(place, datagram),
                Output::Event(Event::Established) => {
                    self.counters.handshakes.count();
                    if handshake.connection.is_resumed() {
                        self.counters.handshakes_resumed.count();
                    }
                }
                Output::Event(Event::Failed(failure)) => {
                    tracing::debug!(address = %place.1, %failure, "a handshake has failed");
                    self.counters.handshakes_failed.count();
                }
                Output::Event(_) => {}
                Output::Idle => break,
            }
        }
        let timer = Timer::Handshake(place.0, place.1);
        if handshake.connection.is_over() {
            return self.timers.set(timer, None);
        }
        let next = handshake.connection.next_timeout();
        let moment = next.map_or(handshake.ends, |next| next.min(handshake.ends));
        self.timers.set(timer, Some(moment));
        self.secure.handshakes.insert(place, handshake);
    }

    pub(super) fn handshake_timeout(&mut self, now: Instant, place: Place) {
        let Some(mut handshake) = self.secure.handshakes.remove(&place) else {
            return;
        };
        if handshake.ends > now {
            handshake.connection.handle_timeout(now);
            self.settle(place, handshake);
        } else if handshake.connection.is_established() {
            // A device that has nothing to say yet.
            self.secure.handshakes.insert(place, handshake);
            self.establish(now, place);
        } else {
            self.counters.handshakes_failed.count();
        }
    }

    /// Lets the association of a handshake that is over rest.
    fn establish(&mut self, now: Instant, place: Place) {
        self.timers.set(Timer::Handshake(place.0, place.1), None);
        let Some(mut handshake) = self.secure.handshakes.remove(&place) else {
            return;
        };
        let proven = handshake.connection.take_peer();
        let association = handshake.connection.take_association();
        if let (Some(proven), Some(association)) = (proven, association)
            // Unless its credential was taken away or replaced meanwhile.
            && self.credentials.still_proves(&proven)
        {
            self.begin_association(now, handshake.id, association, &proven.endpoint, place);
        }
    }

    fn transmit_raw(&mut self, place: Place, datagram: &[u8]) {
        let to = Peer::plain(place.0, place.1);
        self.outputs
            .push_back(Queued::Transmit(to, (*datagram).into()));
    }

    #[cfg(test)]
    pub(super) fn handshake_count(&self) -> usize {
        self.secure.handshakes.len()
    }
}

/// A place as bytes, for a cookie.
fn place_bytes((listener, address): Place) -> [u8; 20] {
    let ip = match address.ip() {
        core::net::IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        core::net::IpAddr::V6(ip) => ip,
    };
    let mut bytes = [0; 20];
    let parts = ip
        .octets()
        .into_iter()
        .chain(address.port().to_be_bytes())
        .chain(listener.to_be_bytes());
    for (to, from) in bytes.iter_mut().zip(parts) {
        *to = from;
    }
    bytes
}
