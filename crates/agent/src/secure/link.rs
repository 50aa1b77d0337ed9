//! The connection with one server: handshakes, again and again, until there is an association.

use dunlin_coap::time::{Duration, Instant};
use dunlin_dtls::{Config, Connection, Datagram, Output, Session};
use rand_core::CryptoRng;

use super::keys::Keys;
use crate::registration::spread;
use crate::{Event, Failure, Object, Objects, SecurityFailure, account};

/// Delay after the first failed handshake, doubled with each further one, up to about an hour.
const RETRY: Duration = Duration::from_secs(60);

/// The longest delay is `RETRY` times two to this power.
const MAX_DOUBLINGS: u32 = 6;

/// Whom a connection is with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Remote {
    Server(u16),
    #[cfg(feature = "bootstrap")]
    Bootstrap,
}

impl Remote {
    pub(super) fn account(self, objects: &dyn Objects) -> Option<&dyn Object> {
        match self {
            Self::Server(server) => account::find(objects, Some(server)),
            #[cfg(feature = "bootstrap")]
            Self::Bootstrap => account::find(objects, None),
        }
    }
}

/// A server over DTLS. It is kept while nothing is secure, so that nobody else is heard in its place.
pub(super) struct Link<P, const HANDSHAKE: usize> {
    pub(super) remote: Remote,
    pub(super) peer: P,
    pub(super) connection: Connection<(), HANDSHAKE, HANDSHAKE>,
    /// What a shorter handshake with the same server needs (RFC 7925 §9).
    session: Option<Session>,
    /// When the next handshake begins, after one has failed.
    pub(super) retry: Option<Instant>,
    failures: u32,
}

/// What [`Link::poll`] gives.
pub(super) enum Step {
    /// A datagram of so many bytes.
    Transmit(usize),
    /// It is safe to talk to the server.
    Established,
    /// Something for the owner.
    Tell(Event),
    /// Nothing.
    Idle,
}

impl<P: Copy, const HANDSHAKE: usize> Link<P, HANDSHAKE> {
    pub(super) fn new(remote: Remote, peer: P, config: Config) -> Self {
        Self {
            remote,
            peer,
            connection: Connection::client(config),
            session: None,
            retry: None,
            failures: 0,
        }
    }

    /// Begins a handshake, a shorter one where the server may remember the last; `None` without credentials.
    pub(super) fn begin<R: CryptoRng>(
        &mut self,
        now: Instant,
        objects: &dyn Objects,
        rng: &mut R,
    ) -> Option<()> {
        let mut keys = Keys::of(objects, self.remote)?;
        let session = self.session.clone();
        self.connection.connect(now, session, &mut keys, rng);
        Some(())
    }

    /// Takes a datagram, as [`Connection::handle_input`] does.
    pub(super) fn handle_input<'d, R: CryptoRng>(
        &mut self,
        now: Instant,
        datagram: &mut Datagram<'d>,
        objects: &dyn Objects,
        rng: &mut R,
    ) -> Option<&'d mut [u8]> {
        // Once there is an association nobody asks for keys, which take time to read.
        let mut keys = if self.connection.is_established() {
            Keys::default()
        } else {
            Keys::of(objects, self.remote)?
        };
        self.connection.handle_input(now, datagram, &mut keys, rng)
    }

    /// Tells the time.
    pub(super) fn handle_timeout<R: CryptoRng>(
        &mut self,
        now: Instant,
        objects: &dyn Objects,
        rng: &mut R,
    ) {
        self.connection.handle_timeout(now);
        if self.retry.is_some_and(|due| due <= now) {
            self.retry = None;
            // Without an account there is nothing to be done any more.
            let _ = self.begin(now, objects, rng);
        }
    }

    /// The next thing to do for the connection itself.
    pub(super) fn poll(&mut self, now: Instant, random: u32, buffer: &mut [u8]) -> Step {
        loop {
            return match self.connection.poll_output(buffer) {
                Output::Transmit(bytes) => Step::Transmit(bytes.len()),
                Output::Event(dunlin_dtls::Event::Established) => {
                    self.failures = 0;
                    self.session = self.connection.session();
                    Step::Established
                }
                Output::Event(dunlin_dtls::Event::Failed(failure)) => {
                    // A session that the server has no use for does not help.
                    self.session = None;
                    Step::Tell(self.failed(now, failure.into(), random))
                }
                Output::Event(dunlin_dtls::Event::Closed) => {
                    Step::Tell(self.failed(now, SecurityFailure::Ended, random))
                }
                Output::Event(_) => continue,
                Output::Idle => Step::Idle,
            };
        }
    }

    /// A handshake has failed, or an association has ended: the next follows in a while.
    fn failed(&mut self, now: Instant, reason: SecurityFailure, random: u32) -> Event {
        let factor = 1_u64 << self.failures.min(MAX_DOUBLINGS);
        self.failures = self.failures.saturating_add(1);
        let retry = spread(RETRY.saturating_mul(factor), random);
        self.retry = Some(now.saturating_add(retry));
        let reason = Failure::Security(reason);
        match self.remote {
            Remote::Server(server) => Event::RegistrationFailed {
                server,
                reason,
                retry,
            },
            #[cfg(feature = "bootstrap")]
            Remote::Bootstrap => Event::BootstrapFailed { reason, retry },
        }
    }
}
