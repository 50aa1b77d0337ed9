//! The doors of an agent as a trait, for runners.

use dunlin_coap::time::Instant;
#[cfg(feature = "_dtls")]
use rand_core::CryptoRng;
use rand_core::Rng;

#[cfg(feature = "_dtls")]
use crate::Secure;
#[cfg(feature = "tcp")]
use crate::SecurityFailure;
use crate::{Agent, ConnectError, Objects, Output};

/// What a runner needs of an [`Agent`], with security around it or without. The methods do what those of the agent do.
pub trait Doors<P> {
    /// Whether servers over DTLS can be reached.
    const SECURE: bool;

    /// Takes in a datagram that `peer` has sent; it may be decrypted in place.
    fn handle_input(&mut self, now: Instant, peer: P, bytes: &mut [u8]);

    /// Gives one thing to do.
    fn poll_output<'b>(&mut self, buffer: &'b mut [u8]) -> Output<'b, P>;

    /// When to tell the time, at the latest.
    fn next_timeout(&mut self) -> Option<Instant>;

    /// Tells the time.
    fn handle_timeout(&mut self, now: Instant);

    /// The servers of the Security object: short server id and URI.
    fn accounts(&self) -> impl Iterator<Item = (u16, &str)>;

    /// The URI of the Bootstrap-Server.
    fn bootstrap_account(&self) -> Option<&str>;

    /// Starts to register at a server, which is at `peer`.
    ///
    /// # Errors
    ///
    /// [`ConnectError`].
    fn connect(&mut self, now: Instant, server: u16, peer: P) -> Result<(), ConnectError>;

    /// Starts to bootstrap at the Bootstrap-Server, which is at `peer`.
    ///
    /// # Errors
    ///
    /// [`ConnectError`].
    #[cfg(feature = "bootstrap")]
    fn bootstrap(&mut self, now: Instant, peer: P) -> Result<(), ConnectError>;

    /// Whether there is a registration at the server.
    fn is_registered(&self, server: u16) -> bool;

    /// Ends the registration at the server.
    fn deregister(&mut self, server: u16);

    /// All objects, in whose accounts a runner finds how to reach servers over TCP and TLS.
    #[cfg(feature = "tcp")]
    fn object_set(&self) -> &dyn Objects;

    /// Says that the runner reaches servers of `coap+tcp` and `coaps+tcp` URIs by streams, and sees to the security that
    /// their accounts ask for: then there is no DTLS beside it. Without it such an account is one like any other, so that
    /// nothing goes out in the clear that is to be secured.
    #[cfg(feature = "tcp")]
    fn carry_streams(&mut self);

    /// Says that a connection with this server, or with the Bootstrap-Server, could not be secured: what was to be said over
    /// it has failed, and is tried again later.
    #[cfg(feature = "tcp")]
    fn security_failed(&mut self, now: Instant, server: Option<u16>, reason: SecurityFailure);
}

impl<
    O: Objects,
    P: Copy + Eq,
    R: Rng,
    const SERVERS: usize,
    const OBSERVATIONS: usize,
    const REPLAY: usize,
    const UPLOAD: usize,
> Doors<P> for Agent<'_, O, P, R, SERVERS, OBSERVATIONS, REPLAY, UPLOAD>
{
    const SECURE: bool = false;

    fn handle_input(&mut self, now: Instant, peer: P, bytes: &mut [u8]) {
        self.handle_input(now, peer, bytes);
    }

    fn poll_output<'b>(&mut self, buffer: &'b mut [u8]) -> Output<'b, P> {
        self.poll_output(buffer)
    }

    fn next_timeout(&mut self) -> Option<Instant> {
        self.next_timeout()
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.handle_timeout(now);
    }

    fn accounts(&self) -> impl Iterator<Item = (u16, &str)> {
        self.accounts()
    }

    fn bootstrap_account(&self) -> Option<&str> {
        self.bootstrap_account()
    }

    fn connect(&mut self, now: Instant, server: u16, peer: P) -> Result<(), ConnectError> {
        self.connect(now, server, peer)
    }

    #[cfg(feature = "bootstrap")]
    fn bootstrap(&mut self, now: Instant, peer: P) -> Result<(), ConnectError> {
        self.bootstrap(now, peer);
        Ok(())
    }

    fn is_registered(&self, server: u16) -> bool {
        self.is_registered(server)
    }

    fn deregister(&mut self, server: u16) {
        self.deregister(server);
    }

    #[cfg(feature = "tcp")]
    fn object_set(&self) -> &dyn Objects {
        self.objects()
    }

    #[cfg(feature = "tcp")]
    fn carry_streams(&mut self) {}

    #[cfg(feature = "tcp")]
    fn security_failed(&mut self, now: Instant, server: Option<u16>, reason: SecurityFailure) {
        self.security_failed(now, server, reason);
    }
}

#[cfg(feature = "_dtls")]
impl<
    O: Objects,
    P: Copy + Eq,
    R: CryptoRng,
    const HANDSHAKE: usize,
    const SERVERS: usize,
    const OBSERVATIONS: usize,
    const REPLAY: usize,
    const UPLOAD: usize,
> Doors<P> for Secure<'_, O, P, R, HANDSHAKE, SERVERS, OBSERVATIONS, REPLAY, UPLOAD>
{
    const SECURE: bool = true;

    fn handle_input(&mut self, now: Instant, peer: P, bytes: &mut [u8]) {
        self.handle_input(now, peer, bytes);
    }

    fn poll_output<'b>(&mut self, buffer: &'b mut [u8]) -> Output<'b, P> {
        self.poll_output(buffer)
    }

    fn next_timeout(&mut self) -> Option<Instant> {
        self.next_timeout()
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.handle_timeout(now);
    }

    fn accounts(&self) -> impl Iterator<Item = (u16, &str)> {
        self.agent().accounts()
    }

    fn bootstrap_account(&self) -> Option<&str> {
        self.agent().bootstrap_account()
    }

    fn connect(&mut self, now: Instant, server: u16, peer: P) -> Result<(), ConnectError> {
        self.connect(now, server, peer)
    }

    #[cfg(feature = "bootstrap")]
    fn bootstrap(&mut self, now: Instant, peer: P) -> Result<(), ConnectError> {
        self.bootstrap(now, peer)
    }

    fn is_registered(&self, server: u16) -> bool {
        self.agent().is_registered(server)
    }

    fn deregister(&mut self, server: u16) {
        self.agent_mut().deregister(server);
    }

    #[cfg(feature = "tcp")]
    fn object_set(&self) -> &dyn Objects {
        self.agent().objects()
    }

    #[cfg(feature = "tcp")]
    fn carry_streams(&mut self) {
        self.streams = true;
    }

    #[cfg(feature = "tcp")]
    fn security_failed(&mut self, now: Instant, server: Option<u16>, reason: SecurityFailure) {
        self.agent_mut().security_failed(now, server, reason);
    }
}
