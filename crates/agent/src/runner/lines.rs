//! Servers over TCP and TLS (RFC 8323; Transport 1.2.2 §6.4): for each address a line, whose connection is made when there
//! is something to say. What moves the bytes is the runner's.

use core::net::SocketAddr;

use dunlin_coap::MessageId;
use dunlin_coap::reliable::{Arrived, Bridge, Settings};
use hosted::collections::VecDeque;
use hosted::vec::Vec;

use crate::hosted;
use crate::{Doors, Duration, Instant, SecurityFailure};

#[cfg(not(feature = "tls"))]
use super::plain::Wire;
#[cfg(feature = "tls")]
use super::tls::Wire;

/// How many datagrams wait for a connection that is being made.
const WAITING: usize = 8;

/// How long to wait before a server that closes connections is registered at anew, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(64);

/// A connection that lasted so long was a good one.
const GOOD: Duration = Duration::from_secs(60);

/// Room for a message: what we announce that we take is [`Settings::BASE`].
const MESSAGE: usize = 3000;

/// What a connection is secured by.
#[derive(Clone)]
pub(crate) enum Security {
    None,
    #[cfg(feature = "tls")]
    Tls(super::tls::Tls),
}

/// The connection is over. Where it never was a secure one, this is why.
struct Over(SecurityFailure);

/// It has been closed, by the server or since it is of no use.
const CLOSED: Over = Over(SecurityFailure::Ended);

/// Moves the bytes of one connection; dropped, it closes it after what was written.
pub(crate) trait Carrier {
    /// Writes; `false` when the connection is broken, or does not take what was written before.
    fn write(&mut self, bytes: Vec<u8>) -> bool;
}

/// What a carrier tells, with the number that it was started with.
pub(crate) struct News {
    pub(crate) key: u64,
    pub(crate) what: What,
}

pub(crate) enum What {
    Connected,
    Bytes(Vec<u8>),
    Closed,
    /// Not of a carrier: a datagram that came beside the connections.
    Datagram(SocketAddr, Vec<u8>),
    /// Nothing has come: it asks whether anybody still wants to know.
    Nothing,
    /// The socket for datagrams has failed.
    Broken(hosted::io::Error),
}

/// All lines.
pub(crate) struct Lines<C> {
    all: Vec<Line<C>>,
    /// What the agent is to get.
    ready: VecDeque<(SocketAddr, [u8; 4])>,
    ended: Ended,
    keys: u64,
}

/// What has become of connections.
#[derive(Default)]
struct Ended {
    lost: Vec<(SocketAddr, Duration)>,
    insecure: Vec<(SocketAddr, SecurityFailure)>,
}

struct Line<C> {
    address: SocketAddr,
    security: Security,
    state: State<C>,
    next_id: MessageId,
    /// When the connection was made.
    since: Instant,
    pause: Duration,
}

enum State<C> {
    Down,
    Connecting {
        key: u64,
        carrier: C,
        waiting: Vec<Vec<u8>>,
    },
    Up {
        key: u64,
        carrier: C,
        wire: Wire,
        bridge: Bridge,
        inbox: Vec<u8>,
    },
}

impl<C: Carrier> Lines<C> {
    pub(crate) const fn new() -> Self {
        Self {
            all: Vec::new(),
            ready: VecDeque::new(),
            ended: Ended {
                lost: Vec::new(),
                insecure: Vec::new(),
            },
            keys: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether the server there is reached by a line; then nothing else from that address is its.
    pub(crate) fn has(&self, address: SocketAddr) -> bool {
        self.all.iter().any(|line| line.address == address)
    }

    /// Takes a line to a server, or takes it over with what it proves itself by.
    pub(crate) fn open(&mut self, address: SocketAddr, security: Security) {
        if let Some(line) = self.find(address) {
            line.security = security;
            line.hang_up();
            return;
        }
        self.all.push(Line {
            address,
            security,
            state: State::Down,
            next_id: MessageId(0),
            since: Instant::ZERO,
            pause: FIRST_PAUSE,
        });
    }

    /// Drops the lines that nobody uses any more.
    pub(crate) fn retain(&mut self, mut used: impl FnMut(SocketAddr) -> bool) {
        self.all.retain(|line| used(line.address));
    }

    /// Closes a connection on which no answer came; the next datagram makes another.
    pub(crate) fn hang_up(&mut self, address: SocketAddr) {
        if let Some(line) = self.find(address) {
            line.hang_up();
        }
    }

    /// The servers that closed connections since, which know nothing of observations any more (RFC 8323 §7.4), and how
    /// long they are to be left alone.
    pub(crate) fn take_lost(&mut self) -> Vec<(SocketAddr, Duration)> {
        core::mem::take(&mut self.ended.lost)
    }

    /// The servers with whom a connection could not be secured since, and why.
    pub(crate) fn take_insecure(&mut self) -> Vec<(SocketAddr, SecurityFailure)> {
        core::mem::take(&mut self.ended.insecure)
    }

    fn find(&mut self, address: SocketAddr) -> Option<&mut Line<C>> {
        self.all.iter_mut().find(|line| line.address == address)
    }

    /// Sends a datagram of the agent, over a connection that `start` makes where there is none.
    pub(crate) fn send(
        &mut self,
        now: Instant,
        to: SocketAddr,
        datagram: &[u8],
        start: impl FnOnce(u64, SocketAddr) -> C,
    ) {
        self.keys = self.keys.wrapping_add(1);
        let key = self.keys;
        let Some(line) = self.all.iter_mut().find(|line| line.address == to) else {
            return;
        };
        match &mut line.state {
            State::Down => {
                line.state = State::Connecting {
                    key,
                    carrier: start(key, to),
                    waiting: hosted::vec![datagram.to_vec()],
                };
            }
            State::Connecting { waiting, .. } => {
                if waiting.len() < WAITING {
                    waiting.push(datagram.to_vec());
                }
            }
            State::Up { .. } => {
                if let Err(over) = line.write(datagram, &mut self.ready) {
                    line.lose(now, over, &mut self.ended);
                }
            }
        }
    }

    /// Takes in what a carrier tells.
    pub(crate) fn take(&mut self, now: Instant, news: News) {
        let Some(line) = self
            .all
            .iter_mut()
            .find(|line| line.key() == Some(news.key))
        else {
            return;
        };
        let done = match news.what {
            What::Connected => line.connected(now, &mut self.ready),
            What::Bytes(bytes) => line.received(&bytes),
            What::Closed => Err(CLOSED),
            What::Datagram(..) | What::Nothing | What::Broken(_) => Ok(()),
        };
        if let Err(over) = done {
            line.lose(now, over, &mut self.ended);
        }
    }

    /// Gives the agent one datagram that has come over a connection; whether there was one.
    pub(crate) fn give_one<A: Doors<SocketAddr>>(
        &mut self,
        agent: &mut A,
        now: Instant,
        buffer: &mut [u8],
    ) -> bool {
        let Some((peer, len)) = self.next(now, buffer) else {
            return false;
        };
        agent.handle_input(now, peer, buffer.get_mut(..len).unwrap_or_default());
        true
    }

    /// Gives the next datagram for the agent: from whom, and its length in `buffer`.
    fn next(&mut self, now: Instant, buffer: &mut [u8]) -> Option<(SocketAddr, usize)> {
        if let Some((address, acknowledgement)) = self.ready.pop_front() {
            *buffer.first_chunk_mut()? = acknowledgement;
            return Some((address, acknowledgement.len()));
        }
        for line in &mut self.all {
            match line.next(buffer) {
                Ok(None) => {}
                Ok(Some(len)) => return Some((line.address, len)),
                Err(over) => line.lose(now, over, &mut self.ended),
            }
        }
        None
    }
}

impl<C: Carrier> Line<C> {
    fn key(&self) -> Option<u64> {
        match &self.state {
            State::Down => None,
            State::Connecting { key, .. } | State::Up { key, .. } => Some(*key),
        }
    }

    fn hang_up(&mut self) {
        if let State::Up { bridge, .. } = &self.state {
            self.next_id = bridge.next_id();
        }
        self.state = State::Down;
    }

    fn lose(&mut self, now: Instant, over: Over, ended: &mut Ended) {
        if let State::Up { bridge, wire, .. } = &self.state {
            if bridge.is_open() {
                if now.saturating_duration_since(self.since) >= GOOD {
                    self.pause = FIRST_PAUSE;
                }
                ended.lost.push((self.address, self.pause));
                let doubled = self.pause.as_millis().saturating_mul(2);
                self.pause = Duration::from_millis(doubled).min(LAST_PAUSE);
            } else if wire.is_secure() {
                // A server that refuses a device of TLS 1.3 does so after the device's last word.
                ended.insecure.push((self.address, over.0));
            }
        } else if over.0 != SecurityFailure::Ended {
            // It has not even begun: the device cannot do it.
            ended.insecure.push((self.address, over.0));
        }
        self.hang_up();
    }

    /// The connection is there: the CSM, then what has waited.
    fn connected(
        &mut self,
        now: Instant,
        ready: &mut VecDeque<(SocketAddr, [u8; 4])>,
    ) -> Result<(), Over> {
        let State::Connecting {
            key,
            carrier,
            waiting,
        } = core::mem::replace(&mut self.state, State::Down)
        else {
            return Err(CLOSED);
        };
        self.since = now;
        self.state = State::Up {
            key,
            carrier,
            wire: Wire::new(&self.security).ok_or(Over(SecurityFailure::Unable))?,
            bridge: Bridge::new(Settings::BASE, self.next_id),
            inbox: Vec::new(),
        };
        self.flush()?;
        for datagram in waiting {
            self.write(&datagram, ready)?;
        }
        Ok(())
    }

    /// Writes what the protocol demands.
    fn flush(&mut self) -> Result<(), Over> {
        let State::Up {
            carrier,
            wire,
            bridge,
            ..
        } = &mut self.state
        else {
            return Err(CLOSED);
        };
        let mut buffer = [0; 64];
        while let Some(bytes) = bridge.poll_output(&mut buffer) {
            write(carrier, wire, bytes)?;
        }
        Ok(())
    }

    fn write(
        &mut self,
        datagram: &[u8],
        ready: &mut VecDeque<(SocketAddr, [u8; 4])>,
    ) -> Result<(), Over> {
        let State::Up {
            carrier,
            wire,
            bridge,
            ..
        } = &mut self.state
        else {
            return Err(CLOSED);
        };
        let mut buffer = [0; MESSAGE];
        let sent = bridge.send(datagram, &mut buffer);
        ready.extend(sent.acknowledgement.map(|bytes| (self.address, bytes)));
        if sent.bytes.is_empty() {
            return Ok(());
        }
        write(carrier, wire, sent.bytes)
    }

    fn received(&mut self, bytes: &[u8]) -> Result<(), Over> {
        let State::Up {
            carrier,
            wire,
            inbox,
            ..
        } = &mut self.state
        else {
            return Err(CLOSED);
        };
        let mut answer = Vec::new();
        let taken = wire.read(bytes, inbox, &mut answer, self.address.port());
        let sent = answer.is_empty() || carrier.write(answer);
        taken.map_err(Over)?;
        sent.then_some(()).ok_or(CLOSED)
    }

    /// The next datagram for the agent, of what was received.
    fn next(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, Over> {
        loop {
            let State::Up {
                carrier,
                wire,
                bridge,
                inbox,
                ..
            } = &mut self.state
            else {
                return Ok(None);
            };
            let (consumed, arrived) = bridge.handle_input(inbox, buffer);
            let found = match arrived {
                Arrived::NeedMore(_) => return Ok(None),
                Arrived::Datagram(datagram) => Some(datagram.len()),
                Arrived::Answer(pong) => {
                    write(carrier, wire, pong)?;
                    None
                }
                Arrived::Closed(_) => {
                    // An Abort, if there is one; then it is over.
                    let _ = self.flush();
                    return Err(CLOSED);
                }
                _ => None,
            };
            inbox.drain(..consumed.min(inbox.len()));
            if found.is_some() {
                return Ok(found);
            }
        }
    }
}

/// Writes these bytes, which wait in TLS for the end of its handshake.
fn write<C: Carrier>(carrier: &mut C, wire: &mut Wire, plain: &[u8]) -> Result<(), Over> {
    let bytes = wire.write(plain).ok_or(CLOSED)?;
    let written = bytes.is_empty() || carrier.write(bytes);
    written.then_some(()).ok_or(CLOSED)
}
