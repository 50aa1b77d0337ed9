//! The record of an association, and what there is to keep of an agent with security around it.

use dunlin_coap::time::Instant;
use dunlin_dtls::Association;
use rand_core::CryptoRng;

use super::{
    ExportError, ImportError, KIND_ASSOCIATION, Keep, Key, RESERVED_RECORDS, mark, open, record,
};
use crate::{ConnectError, Objects, Secure};

impl<
    O: Objects,
    P: Copy + Eq,
    R: CryptoRng,
    const HANDSHAKE: usize,
    const SERVERS: usize,
    const OBSERVATIONS: usize,
    const REPLAY: usize,
    const UPLOAD: usize,
> Secure<'_, O, P, R, HANDSHAKE, SERVERS, OBSERVATIONS, REPLAY, UPLOAD>
{
    /// Writes a record of what is to be kept over a restart, as [`Agent::export`](crate::Agent::export) does; that of an
    /// association reserves the next [`RESERVED_RECORDS`] numbers, and no more are used before the next export. It is to be
    /// stored before anything that the agent sends after it is sent.
    ///
    /// # Errors
    ///
    /// [`ExportError`].
    pub fn export<'b>(&mut self, key: Key, buffer: &'b mut [u8]) -> Result<&'b [u8], ExportError> {
        let Key::Association(place) = key else {
            return self.agent_mut().export(key, buffer);
        };
        let Some((server, mark)) = self.server_in(place) else {
            return Ok(&[]);
        };
        let Some(association) = self.association(server) else {
            return Ok(&[]);
        };
        let exported = association.export(RESERVED_RECORDS);
        record(buffer, KIND_ASSOCIATION, |writer| {
            writer.u16(server)?;
            writer.u32(mark)?;
            writer.put(exported.as_bytes())
        })
    }

    /// The server whose link is in this place, and the mark of its account.
    fn server_in(&self, place: u8) -> Option<(u16, u32)> {
        let server = self.link_server(place.into())?;
        Some((server, mark(self.agent().objects(), server)?))
    }

    /// Goes on with an association and a registration that were [exported](Self::export), in place of
    /// [`connect`](Self::connect); either may be empty. Without an association there is a handshake and a new registration;
    /// without a registration there is a new one. Nothing is sent before the association has been exported anew and stored.
    ///
    /// # Errors
    ///
    /// [`ImportError`]; then the server is to be connected as if there were no records.
    pub fn resume(
        &mut self,
        now: Instant,
        server: u16,
        peer: P,
        place: u8,
        registration: &[u8],
        association: &[u8],
    ) -> Result<(), ImportError> {
        if association.is_empty() {
            // A registration that was made over an association is nothing without it.
            return if self.is_plain(server) && !registration.is_empty() {
                self.agent_mut()
                    .resume(now, server, peer, place, registration)
            } else {
                // Attributes outlive both.
                let agent = self.agent_mut();
                if agent.resume(now, server, peer, place, registration).is_ok() {
                    agent.stop(server);
                }
                self.connect(now, server, peer)
                    .map_err(ImportError::Connect)
            };
        }
        let mut reader = open(association, KIND_ASSOCIATION)?;
        let about = reader.u16().ok_or(ImportError::Damaged)?;
        let made_with = reader.u32().ok_or(ImportError::Damaged)?;
        let current = mark(self.agent().objects(), server)
            .ok_or(ImportError::Connect(ConnectError::UnknownServer))?;
        if about != server || made_with != current || self.is_plain(server) {
            return Err(ImportError::OtherAccount);
        }
        let association = Association::import(reader.rest()).map_err(|_| ImportError::Damaged)?;
        // First over the association as if there were no registration, then with it if it is of use.
        self.restore(now, server, peer, association)
            .map_err(ImportError::Connect)?;
        let _ = self
            .agent_mut()
            .resume(now, server, peer, place, registration);
        Ok(())
    }
}

impl<
    O: Objects,
    P: Copy + Eq,
    R: CryptoRng,
    const HANDSHAKE: usize,
    const SERVERS: usize,
    const OBSERVATIONS: usize,
    const REPLAY: usize,
    const UPLOAD: usize,
> Keep<P> for Secure<'_, O, P, R, HANDSHAKE, SERVERS, OBSERVATIONS, REPLAY, UPLOAD>
{
    fn places(&self) -> u8 {
        u8::try_from(SERVERS).unwrap_or(u8::MAX)
    }

    fn export<'b>(&mut self, key: Key, buffer: &'b mut [u8]) -> Result<&'b [u8], ExportError> {
        self.export(key, buffer)
    }

    fn is_settled(&self) -> bool {
        self.agent().is_settled()
    }

    fn is_torn(&self) -> bool {
        self.agent().is_torn()
    }

    fn is_absent(&mut self, place: u8) -> bool {
        let server = self.link_server(place.into());
        server.and_then(|server| self.association(server)).is_none()
    }

    fn is_due(&mut self, place: u8) -> bool {
        let server = self.link_server(place.into());
        let association = server.and_then(|server| self.association(server));
        let left = association.map(|association| association.remaining());
        let reserved = u64::from(RESERVED_RECORDS);
        // More than were ever reserved: it comes from a handshake and has not been exported yet.
        left.is_some_and(|left| left <= reserved / 2 || left > reserved)
    }

    fn hold(&mut self, place: u8) {
        if let Some(association) = self
            .link_server(place.into())
            .and_then(|server| self.association(server))
        {
            drop(association.export(0));
        }
    }

    fn import(&mut self, record: &[u8]) -> Result<(), ImportError> {
        self.agent_mut().import(record)
    }

    fn is_connected(&self, server: u16) -> bool {
        self.agent().is_connected(server)
            || (0..SERVERS).any(|place| self.link_server(place) == Some(server))
    }

    fn resume(
        &mut self,
        now: Instant,
        server: u16,
        peer: P,
        place: u8,
        registration: &[u8],
        association: &[u8],
    ) -> Result<(), ImportError> {
        self.resume(now, server, peer, place, registration, association)
    }
}
