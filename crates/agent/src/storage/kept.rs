//! An agent that keeps what it has to by itself.

use core::fmt;

use dunlin_coap::time::Instant;
use embedded_storage::nor_flash::{ErrorType, NorFlash};

use super::blocking::at_once;
use super::{Blocking, Entry, Happening, Storage, StorageError};
use crate::keep::{ImportError, Keep};
use crate::{ConnectError, Doors, Event, Output};

/// An agent with its [`Storage`] on flash that is written at once. Nothing that it sends is sent before what led to it is
/// stored: a change that a server was told of is there after any power cut.
///
/// It has the doors of the agent within, and what it has stored goes on where its servers are connected by them. `PLACES`
/// are the agent's `SERVERS`. When the flash fails the agent goes on without: [`error`](Self::error) tells.
pub struct Kept<A, F: ErrorType, const PLACES: usize = 1, const N: usize = 1024> {
    agent: A,
    storage: Storage<Blocking<F>, PLACES, N>,
    /// The times of the first and of the last call.
    start: Option<Instant>,
    now: Instant,
    /// Something may have changed since it was last stored.
    touched: bool,
    /// The device is to begin anew: nothing more is stored.
    forgotten: bool,
    error: Option<StorageError<F::Error>>,
}

impl<A, F: NorFlash, const PLACES: usize, const N: usize> Kept<A, F, PLACES, N> {
    /// Takes an agent in, and gives it the accounts that are kept, if any are.
    ///
    /// # Errors
    ///
    /// [`StorageError`], as of [`Storage::load`].
    pub fn new<P>(
        mut agent: A,
        mut storage: Storage<Blocking<F>, PLACES, N>,
    ) -> Result<Self, StorageError<F::Error>>
    where
        A: Keep<P>,
    {
        at_once(storage.load(&mut agent)).unwrap_or(Ok(false))?;
        let mut kept = Self {
            agent,
            storage,
            start: None,
            now: Instant::ZERO,
            touched: false,
            forgotten: false,
            error: None,
        };
        kept.log(Happening::Started);
        Ok(kept)
    }

    /// The agent within.
    pub fn agent(&self) -> &A {
        &self.agent
    }

    /// The agent within, to be changed; its doors to the network are not to be used.
    pub fn agent_mut(&mut self) -> &mut A {
        self.touched = true;
        &mut self.agent
    }

    /// What has last gone wrong with the storage, once.
    pub fn error(&mut self) -> Option<StorageError<F::Error>> {
        self.error.take()
    }

    /// Gives each entry of the log, the oldest first.
    ///
    /// # Errors
    ///
    /// [`StorageError`].
    pub fn entries(&mut self, each: impl FnMut(Entry)) -> Result<(), StorageError<F::Error>> {
        at_once(self.storage.entries(each)).unwrap_or(Ok(()))
    }

    /// Forgets all records, as a factory reset asks for: the next start begins as the factory made the device. From here on
    /// nothing is stored but the log.
    ///
    /// # Errors
    ///
    /// [`StorageError`].
    pub fn forget(&mut self) -> Result<(), StorageError<F::Error>> {
        self.forgotten = true;
        at_once(self.storage.forget()).unwrap_or(Ok(()))
    }

    /// Gives the flash back.
    pub fn into_flash(self) -> F {
        self.storage.into_flash().0
    }

    fn log(&mut self, happening: Happening) {
        let start = self.start.unwrap_or(self.now);
        let since = self.now.saturating_duration_since(start);
        let entry = Entry {
            seconds: u32::try_from(since.as_millis() / 1000).unwrap_or(u32::MAX),
            happening,
        };
        let noted = at_once(self.storage.note(entry));
        self.keep_error(noted);
    }

    fn keep_error(&mut self, outcome: Option<Result<(), StorageError<F::Error>>>) {
        if let Some(Err(error)) = outcome {
            self.error = Some(error);
        }
    }

    fn tell(&mut self, now: Instant) {
        self.start.get_or_insert(now);
        self.now = self.now.max(now);
    }

    /// Stores what has changed.
    fn save<P>(&mut self)
    where
        A: Keep<P>,
    {
        if core::mem::take(&mut self.touched) && !self.forgotten {
            let saved = at_once(self.storage.save(&mut self.agent));
            self.touched = matches!(saved, Some(Err(_)));
            self.keep_error(saved.map(|saved| saved.map(|_| ())));
        }
    }

    /// Looks at what the owner is told.
    fn look_at<P>(&mut self, event: &Event)
    where
        A: Keep<P>,
    {
        if let Some(happening) = Happening::of(event) {
            self.log(happening);
        }
        // What was done once over an association is not to be done by the same record again.
        let done = matches!(
            event,
            Event::Executed { .. }
                | Event::Written { .. }
                | Event::Created { .. }
                | Event::Deleted { .. }
                | Event::Reboot
                | Event::FactoryReset
        );
        if done && !self.forgotten {
            let saved = at_once(self.storage.save_associations(&mut self.agent));
            self.keep_error(saved);
        }
    }
}

impl<P: Copy, A: Keep<P>, F: NorFlash, const PLACES: usize, const N: usize> Doors<P>
    for Kept<A, F, PLACES, N>
{
    const SECURE: bool = A::SECURE;

    fn handle_input(&mut self, now: Instant, peer: P, bytes: &mut [u8]) {
        self.tell(now);
        self.touched = true;
        self.agent.handle_input(now, peer, bytes);
    }

    fn poll_output<'b>(&mut self, buffer: &'b mut [u8]) -> Output<'b, P> {
        let output = self.agent.poll_output(buffer);
        match &output {
            Output::Event(event) => {
                self.touched = true;
                self.look_at(event);
            }
            Output::Transmit { .. } => self.touched = true,
            Output::Idle => {}
        }
        self.save();
        output
    }

    fn next_timeout(&mut self) -> Option<Instant> {
        self.agent.next_timeout()
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.tell(now);
        self.agent.handle_timeout(now);
    }

    fn accounts(&self) -> impl Iterator<Item = (u16, &str)> {
        self.agent.accounts()
    }

    fn bootstrap_account(&self) -> Option<&str> {
        self.agent.bootstrap_account()
    }

    fn connect(&mut self, now: Instant, server: u16, peer: P) -> Result<(), ConnectError> {
        self.tell(now);
        let connected = at_once(self.storage.connect(&mut self.agent, now, server, peer));
        match connected {
            None | Some(Ok(_)) => Ok(()),
            Some(Err(StorageError::Record(_, ImportError::Connect(error)))) => Err(error),
            Some(Err(error)) => {
                self.error = Some(error);
                if self.agent.is_connected(server) {
                    Ok(())
                } else {
                    self.agent.connect(now, server, peer)
                }
            }
        }
    }

    #[cfg(feature = "bootstrap")]
    fn bootstrap(&mut self, now: Instant, peer: P) -> Result<(), ConnectError> {
        self.tell(now);
        self.touched = true;
        self.agent.bootstrap(now, peer)
    }

    fn is_registered(&self, server: u16) -> bool {
        self.agent.is_registered(server)
    }

    fn deregister(&mut self, server: u16) {
        self.agent.deregister(server);
    }

    #[cfg(feature = "tcp")]
    fn object_set(&self) -> &dyn crate::Objects {
        self.agent.object_set()
    }

    #[cfg(feature = "tcp")]
    fn carry_streams(&mut self) {
        self.agent.carry_streams();
    }

    #[cfg(feature = "tcp")]
    fn security_failed(
        &mut self,
        now: Instant,
        server: Option<u16>,
        reason: crate::SecurityFailure,
    ) {
        self.tell(now);
        self.agent.security_failed(now, server, reason);
    }
}

impl<A, F: ErrorType, const PLACES: usize, const N: usize> fmt::Debug for Kept<A, F, PLACES, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept")
            .field("storage", &self.storage)
            .finish_non_exhaustive()
    }
}
