//! What an agent keeps over a restart, as records: bytes under a [`Key`] for whatever its owner stores them in.
//!
//! | Record | Holds | Written when |
//! |---|---|---|
//! | [`Key::Accounts`] | the instances of the objects Security (0), Server (1), Access Control (2), OSCORE (21) and COSE (23) | one of them changes |
//! | [`Key::Server`] | a registration (its location, and what the server was told), what the server observes, the attributes it has attached, which outlive the registration, and what `gt`, `lt` and `st` go by | one of them changes; not with every notification or Update, but where `st` rules with each that tells another number |
//! | [`Key::Association`] | the DTLS association with the server, with sequence numbers reserved ahead (feature `psk`, `rpk` or `x509`) | half of the reservation is used, and in front of everything else |
//!
//! A record is whole by itself: all accounts are one, since a Security instance is nothing without its Server instance,
//! and so is all that belongs to one server. A store that writes each record all or nothing has a device that is right
//! after every power cut: a registration and an association carry a mark of the account that they were made with, and are
//! refused with any other.
//!
//! **The records hold secrets:** that of the accounts pre-shared and private keys (/0/x/5, /21/x/0, /23/x/2) in the clear, that of an
//! association its traffic keys. What stores them has to keep them as the device keeps its keys: in internal flash with
//! read-out protection, or encrypted.
//!
//! A record begins with the version of its layout and ends with a checksum. What is cut off, damaged, of another version
//! or not for this device is refused with an [`ImportError`], and nothing has changed then.
//!
//! `storage` (the feature of that name) keeps the records in flash. A store of one's own asks for each key after
//! whatever may have changed something, compares, and writes before what the agent sends is sent:
//!
//! ```
//! use dunlin_agent::keep::Key;
//! # use dunlin_agent::{Agent, Config, Objects, objects::{Device, Security, Server}};
//! # #[derive(Objects)]
//! # struct Node { security: Security<2>, server: Server<2>, device: Device<'static> }
//! # let node = || Node { security: Security::no_sec(1, "coap://192.0.2.1").unwrap(), server: Server::single(1, 300), device: Device::new("a", "b", "c") };
//! # let rng = || -> rand::rngs::SmallRng { rand::make_rng() };
//! # let mut agent: Agent<Node, u8, _> = Agent::new(node(), Config::new("urn:dev:os:1-7"), rng());
//! let mut buffer = [0; 512];
//! agent.set(|node| node.server.get_mut(0).unwrap().lifetime = 600);
//! let record = agent.export(Key::Accounts, &mut buffer)?;
//!
//! // After a restart:
//! # let mut agent: Agent<Node, u8, _> = Agent::new(node(), Config::new("urn:dev:os:1-7"), rng());
//! agent.import(record)?;
//! assert_eq!(agent.objects().server.get(0).unwrap().lifetime, 600);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod accounts;
mod bytes;
#[cfg(feature = "_dtls")]
mod secure;
mod server;

use core::fmt;

use dunlin_coap::time::Instant;
use dunlin_model::ResourceId;
use rand_core::Rng;

#[cfg(feature = "fallback")]
pub(crate) use accounts::{encode as encode_accounts, read as decode_accounts};

use crate::bootstrap::Stage;
use crate::content::SINGLE;
use crate::{Agent, ConnectError, Doors, Error, Object, Objects, account, content, provision};
use bytes::{Reader, Writer};

/// How many records an association is given ahead, each time that it is stored: it is stored again when half of them
/// are used up. See [`Association::export`](dunlin_dtls::Association::export).
#[cfg(feature = "_dtls")]
pub const RESERVED_RECORDS: u32 = 256;

/// The layout of all records.
const LAYOUT: u8 = 1;

/// Which record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Key {
    /// The accounts.
    Accounts,
    /// The registration at the server in this place, with its observations and attributes. An agent has `SERVERS` places.
    Server(u8),
    /// The association with the server in this place.
    Association(u8),
}

impl Key {
    /// A number for this key, which stays the same.
    pub const fn number(self) -> u16 {
        let (kind, place) = match self {
            Self::Accounts => (KIND_ACCOUNTS, 0),
            Self::Server(place) => (KIND_SERVER, place),
            Self::Association(place) => (KIND_ASSOCIATION, place),
        };
        u16::from_be_bytes([kind, place])
    }
}

const KIND_ACCOUNTS: u8 = 1;
const KIND_SERVER: u8 = 2;
const KIND_ASSOCIATION: u8 = 3;

/// A record cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ExportError {
    /// The buffer is too small for it.
    NoSpace,
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the buffer is too small for the record")
    }
}

impl core::error::Error for ExportError {}

/// Why a record is refused. Nothing has changed then, but after [`Failed`](Self::Failed).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ImportError {
    /// It is cut off, or its checksum is wrong.
    Damaged,
    /// It has another layout: this one's number.
    Version(u8),
    /// It is a record of another kind.
    Kind,
    /// It names an object, resource or format that this device does not have.
    Unknown,
    /// A value in it does not fit its resource.
    BadValue,
    /// There is no room for what it holds.
    NoSpace,
    /// It belongs to an account that has been changed since.
    OtherAccount,
    /// An object has refused a value that it had approved: the accounts are not to be used.
    Failed,
    /// The server cannot be connected.
    Connect(ConnectError),
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged => f.write_str("the record is cut off or damaged"),
            Self::Version(layout) => write!(f, "the record has the unknown layout {layout}"),
            Self::Kind => f.write_str("the record is one of another kind"),
            Self::Unknown => f.write_str("the record names what this device does not have"),
            Self::BadValue => f.write_str("a value in the record does not fit its resource"),
            Self::NoSpace => f.write_str("there is no room for what the record holds"),
            Self::OtherAccount => {
                f.write_str("the record belongs to an account that has changed since")
            }
            Self::Failed => f.write_str("an object has refused a value that it had approved"),
            Self::Connect(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ImportError {}

impl From<Error> for ImportError {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => Self::Unknown,
            Error::NoSpace => Self::NoSpace,
            _ => Self::BadValue,
        }
    }
}

/// What a store needs of an [`Agent`], with security around it or without.
pub trait Keep<P>: Doors<P> {
    /// How many places for servers there are.
    fn places(&self) -> u8;

    /// Writes a record to `buffer` and gives it; an empty one when there is nothing to keep under this key.
    ///
    /// # Errors
    ///
    /// [`ExportError`].
    fn export<'b>(&mut self, key: Key, buffer: &'b mut [u8]) -> Result<&'b [u8], ExportError>;

    /// Whether the accounts are to be stored as they are: not while a Bootstrap-Server is at work on them, nor when it has
    /// left them half done. See [`Agent::is_settled`].
    fn is_settled(&self) -> bool;

    /// Whether a Bootstrap-Server has left the accounts half done, so that those of before are to be
    /// [taken in](Self::import).
    fn is_torn(&self) -> bool;

    /// Whether there is no association in this place.
    fn is_absent(&mut self, place: u8) -> bool {
        let _ = place;
        true
    }

    /// Whether the association in this place is to be stored before anything more is sent, since the numbers reserved for
    /// it run out. To [export](Self::export) it reserves the next ones.
    fn is_due(&mut self, place: u8) -> bool {
        let _ = place;
        false
    }

    /// The association in this place could not be stored after its export: it sends nothing more until another export.
    fn hold(&mut self, place: u8) {
        let _ = place;
    }

    /// Takes the accounts in, in place of all that there are.
    ///
    /// # Errors
    ///
    /// [`ImportError`].
    fn import(&mut self, record: &[u8]) -> Result<(), ImportError>;

    /// Whether the server has been connected already.
    fn is_connected(&self, server: u16) -> bool;

    /// Does what [`connect`](Doors::connect) does, and goes on with the registration and the association in these records,
    /// which were kept for this place; either may be empty. See [`Agent::resume`].
    ///
    /// # Errors
    ///
    /// [`ImportError`].
    fn resume(
        &mut self,
        now: Instant,
        server: u16,
        peer: P,
        place: u8,
        registration: &[u8],
        association: &[u8],
    ) -> Result<(), ImportError>;
}

/// The short server id that a record of a server or of an association is about.
pub fn server_of(record: &[u8]) -> Option<u16> {
    let mut reader = Reader::new(record);
    let (_, kind) = (reader.u8()?, reader.u8()?);
    matches!(kind, KIND_SERVER | KIND_ASSOCIATION).then(|| reader.u16())?
}

/// Makes a record around what `body` writes.
fn record(
    buffer: &mut [u8],
    kind: u8,
    body: impl FnOnce(&mut Writer<'_>) -> Option<()>,
) -> Result<&[u8], ExportError> {
    let mut writer = Writer::new(buffer);
    let len = writer
        .u8(LAYOUT)
        .and_then(|()| writer.u8(kind))
        .and_then(|()| body(&mut writer))
        .and_then(|()| writer.seal())
        .ok_or(ExportError::NoSpace)?;
    Ok(buffer.get(..len).unwrap_or_default())
}

/// Looks at the frame of a record, and gives what is in it.
fn open(record: &[u8], kind: u8) -> Result<Reader<'_>, ImportError> {
    let mut reader = Reader::unseal(record).ok_or(ImportError::Damaged)?;
    let layout = reader.u8().ok_or(ImportError::Damaged)?;
    if layout != LAYOUT {
        return Err(ImportError::Version(layout));
    }
    if reader.u8() != Some(kind) {
        return Err(ImportError::Kind);
    }
    Ok(reader)
}

/// A mark of the account of a server, which changes when the server is another one: where it is, and what proves it.
fn mark(objects: &dyn Objects, server: u16) -> Option<u32> {
    let account = account::find(objects, Some(server))?;
    let mut sum = bytes::Sum::new();
    for resource in [0, 2, 3, 4, 5] {
        let value = ResourceId::new(resource).and_then(|id| account.read(id, SINGLE));
        match value {
            Some(dunlin_model::Value::String(text)) => sum.add(text.as_bytes()),
            Some(dunlin_model::Value::Opaque(bytes)) => sum.add(bytes),
            Some(other) => sum.add(&other.as_i64().unwrap_or(0).to_be_bytes()),
            None => {}
        }
        // What ends here is not what goes on there.
        sum.add(&[0xff]);
    }
    Some(sum.get())
}

impl<
    O: Objects,
    P: Copy + Eq,
    R: Rng,
    const SERVERS: usize,
    const OBSERVATIONS: usize,
    const REPLAY: usize,
    const UPLOAD: usize,
> Agent<'_, O, P, R, SERVERS, OBSERVATIONS, REPLAY, UPLOAD>
{
    /// Writes a record of what is to be kept over a restart to `buffer` and gives it; an empty one when there is nothing
    /// to keep under this key. The [module](crate::keep) says what is in which, and what in them is secret.
    ///
    /// # Errors
    ///
    /// [`ExportError`].
    pub fn export<'b>(&mut self, key: Key, buffer: &'b mut [u8]) -> Result<&'b [u8], ExportError> {
        match key {
            Key::Accounts => record(buffer, KIND_ACCOUNTS, |writer| {
                accounts::write(&self.objects, writer)
            }),
            Key::Server(place) => self.core().export_server(place.into(), buffer),
            Key::Association(_) => Ok(&[]),
        }
    }

    /// Whether the accounts may be stored as they are. A Bootstrap-Server writes them one by one, and what it has not
    /// finished is nothing to begin with after a restart (Core 1.2.2 §6.1.7.6): then what was stored before stays.
    pub fn is_settled(&self) -> bool {
        if self.state.half_done {
            return false;
        }
        match self.state.bootstrap.as_ref().map(|known| &known.stage) {
            None | Some(Stage::Idle) => true,
            Some(Stage::Waiting) => provision::is_consistent(&self.objects),
            Some(Stage::Requesting | Stage::Serving) => false,
        }
    }

    /// Whether a Bootstrap-Server has left the accounts half done: those of before are to be [taken in](Self::import).
    pub fn is_torn(&self) -> bool {
        let stage = self.state.bootstrap.as_ref().map(|known| &known.stage);
        self.state.half_done && !matches!(stage, Some(Stage::Requesting | Stage::Serving))
    }

    /// Takes the accounts in that were [exported](Self::export), in place of all that there are: to be called before
    /// anything is connected.
    ///
    /// # Errors
    ///
    /// [`ImportError`].
    pub fn import(&mut self, record: &[u8]) -> Result<(), ImportError> {
        let rest = open(record, KIND_ACCOUNTS)?.rest();
        self.state.changed = true;
        accounts::read(&mut self.objects, rest)?;
        self.core().end_change();
        Ok(())
    }

    /// Goes on with a registration that was [exported](Self::export) under [`Key::Server`] of this `place`, in place of
    /// [`connect`](Self::connect): with an Update at once, since nobody knows how long the device was away. A server
    /// that has forgotten the registration says so, and gets another.
    ///
    /// Whatever the server observes it gets anew, as the last value told to it is not kept, unless `gt`, `lt` or `st` rule: what
    /// these go by is kept, and nothing is told that is no news by them. The numbers of notifications go on behind all that may
    /// have been used. Requests that came before are no longer known as such.
    ///
    /// A record without a registration has the attributes alone, which outlive it: then the device registers.
    ///
    /// # Errors
    ///
    /// [`ImportError`]; then the server is to be connected as if there were no record.
    pub fn resume(
        &mut self,
        now: Instant,
        server: u16,
        peer: P,
        place: u8,
        record: &[u8],
    ) -> Result<(), ImportError> {
        let reader = open(record, KIND_SERVER)?;
        // With a connection the server forgets what it observed over it (RFC 8323 §7.4).
        #[cfg(feature = "tcp")]
        if account::find(&self.objects, Some(server)).is_some_and(account::is_over_a_stream) {
            return Err(ImportError::OtherAccount);
        }
        self.handle_timeout(now);
        let account = self
            .account(server)
            .ok_or(ImportError::Connect(ConnectError::UnknownServer))?;
        let slot = crate::registration::Slot::new(
            server,
            peer,
            account,
            self.config().version,
            self.state.now,
        );
        self.core().resume_server(slot, place.into(), reader)
    }

    /// Gives a registration that was resumed up again, all but the attributes.
    #[cfg(feature = "_dtls")]
    pub(crate) fn stop(&mut self, server: u16) {
        let Some(place) = self.place_of(server) else {
            return;
        };
        let mut core = self.core();
        core.end_observations(place);
        if let Some(slot) = core.slot_mut(place) {
            slot.state = crate::registration::Registration::Stopped;
        }
    }
}

impl<
    O: Objects,
    P: Copy + Eq,
    R: Rng,
    const SERVERS: usize,
    const OBSERVATIONS: usize,
    const REPLAY: usize,
    const UPLOAD: usize,
> Keep<P> for Agent<'_, O, P, R, SERVERS, OBSERVATIONS, REPLAY, UPLOAD>
{
    fn places(&self) -> u8 {
        u8::try_from(SERVERS).unwrap_or(u8::MAX)
    }

    fn export<'b>(&mut self, key: Key, buffer: &'b mut [u8]) -> Result<&'b [u8], ExportError> {
        self.export(key, buffer)
    }

    fn is_settled(&self) -> bool {
        self.is_settled()
    }

    fn is_torn(&self) -> bool {
        self.is_torn()
    }

    fn import(&mut self, record: &[u8]) -> Result<(), ImportError> {
        self.import(record)
    }

    fn is_connected(&self, server: u16) -> bool {
        self.is_connected(server)
    }

    fn resume(
        &mut self,
        now: Instant,
        server: u16,
        peer: P,
        place: u8,
        registration: &[u8],
        _: &[u8],
    ) -> Result<(), ImportError> {
        self.resume(now, server, peer, place, registration)
    }
}

/// The value of a resource as its definition has it; `None` where there is nothing to be kept.
fn value<'o>(
    object: &'o dyn Object,
    definition: &dunlin_model::ResourceDefinition,
    index: dunlin_model::ResourceInstanceId,
) -> Option<dunlin_model::Value<'o>> {
    let value = object
        .read(definition.id, index)?
        .convert(definition.kind)?;
    (value != dunlin_model::Value::None).then_some(value)
}

/// The instances of a multiple resource, or the only one of a single one.
fn indices(
    object: &dyn Object,
    definition: &dunlin_model::ResourceDefinition,
) -> impl Iterator<Item = dunlin_model::ResourceInstanceId> {
    let single = (!definition.multiple).then_some(SINGLE);
    let several = definition
        .multiple
        .then(|| content::indices(object, definition.id));
    single.into_iter().chain(several.into_iter().flatten())
}
