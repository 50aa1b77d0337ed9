//! What a device keeps over restarts, in a file that behaves as its flash.

use core::fmt;
use core::net::SocketAddr;
use std::fs::DirBuilder;
use std::io;
use std::path::{Path, PathBuf};

use dunlin_agent::storage::{Blocking, FileFlash, Kept, Storage, StorageError};
use dunlin_agent::{Agent, Doors, Secure};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rand::rngs::StdRng;

use super::node::Node;
use crate::failure::Failure;

/// Room for a flight of a handshake.
const HANDSHAKE: usize = 4096;

/// The longest record: accounts with two certificates.
const RECORD: usize = 3584;

/// Bytes for the records, in pages of 4096, and for them and the log behind them.
const RECORDS: u32 = 0x8000;
const ALL: u32 = 0xc000;

/// What stands in the name of a file as it is.
const PLAIN: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b':');

/// A device's agent.
pub(super) type Plain<'n> = Secure<'n, Node<'n>, SocketAddr, StdRng, HANDSHAKE>;

/// One that goes on where it was after a restart.
pub(super) type Lasting<'n> = Kept<Plain<'n>, FileFlash, 1, RECORD>;

/// An agent with or without what it keeps.
pub(super) trait Subject<'n>: Doors<SocketAddr> {
    /// The agent within.
    fn agent(&mut self) -> &mut Agent<'n, Node<'n>, SocketAddr, StdRng>;

    /// What has gone wrong with what is kept, once.
    fn trouble(&mut self) -> Option<String> {
        None
    }

    /// Forgets what is kept: a factory reset.
    fn forget(&mut self) {}
}

impl<'n> Subject<'n> for Plain<'n> {
    fn agent(&mut self) -> &mut Agent<'n, Node<'n>, SocketAddr, StdRng> {
        self.agent_mut()
    }
}

impl<'n> Subject<'n> for Lasting<'n> {
    fn agent(&mut self) -> &mut Agent<'n, Node<'n>, SocketAddr, StdRng> {
        self.agent_mut().agent_mut()
    }

    fn trouble(&mut self) -> Option<String> {
        self.error().map(|error| error.to_string())
    }

    fn forget(&mut self) {
        if let Err(error) = Self::forget(self) {
            tracing::warn!("the state cannot be forgotten: {error}");
        }
    }
}

/// The file of a device in a folder for the state of devices.
pub(crate) fn file(folder: &Path, endpoint: &str) -> PathBuf {
    let name = utf8_percent_encode(endpoint, &PLAIN);
    folder.join(format!("{name}.state"))
}

/// Opens the file of a device, or makes it, and gives the agent what is in it.
///
/// What the factory gave is what was said on the command line. Where this is another account, nothing that was kept for
/// the one before is of use, and the device begins anew; its Server object stays as servers have written it.
pub(super) fn open<'n>(agent: Plain<'n>, file: &Path) -> Result<Lasting<'n>, Failure> {
    if let Some(folder) = file.parent() {
        make(folder).map_err(|error| unusable(folder, &error))?;
    }
    let flash = FileFlash::open(file, ALL as usize).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => Failure::new(format!(
            "Another process runs the device of {}.",
            file.display()
        ))
        .remedy("End it first, or give another --endpoint or --state."),
        io::ErrorKind::InvalidData => unusable(file, &"it is no state of a device").remedy(REMEDY),
        _ => unusable(file, &error),
    })?;
    let storage = Storage::new(Blocking(flash), 0..RECORDS, RECORDS..ALL)
        .map_err(|error| unusable(file, &error))?;
    let factory = agent.agent().objects().account();
    let mut kept = Kept::new(agent, storage)
        .map_err(|error: StorageError<_>| unusable(file, &error).remedy(REMEDY))?;
    let mut log = |entry| tracing::info!(?entry, "of before");
    if let Err(error) = kept.entries(&mut log) {
        tracing::warn!("the log cannot be read: {error}");
    }
    let node = kept.agent_mut().agent_mut();
    if !node.objects().has(&factory) {
        node.set(|node| node.put(factory));
    }
    Ok(kept)
}

const REMEDY: &str = "Remove the file to let the device begin anew.";

fn unusable(path: &Path, error: &dyn fmt::Display) -> Failure {
    Failure::new(format!("{} cannot be used: {error}.", path.display()))
}

/// Makes a folder for its owner alone: keys lie in it.
fn make(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_names_of_devices() {
        let folder = Path::new("x");
        assert_eq!(file(folder, "urn:dev:1"), folder.join("urn:dev:1.state"));
        assert_eq!(file(folder, "../a b"), folder.join("%2E%2E%2Fa%20b.state"));
    }
}
