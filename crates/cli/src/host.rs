//! A manager with its HTTP side, in this process.

use core::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use dunlin_manager::{Manager, Registry, ServerIdentity, Sqlite, StartError, StoreError};
use dunlin_server::auth::TokenHash;
use dunlin_server::config::Limits;
use dunlin_server::{Server, ServerError};

use crate::failure::Failure;

/// The name of the database in the data folder.
const DATABASE: &str = "dunlin.db";

/// Why a [`Host`] did not start.
#[derive(Debug)]
pub(crate) enum NotStarted {
    /// Another program has the port of the devices.
    CoapTaken(SocketAddr),
    /// Another program has the port of the API.
    HttpTaken(SocketAddr),
    /// Anything else.
    Other(Failure),
}

impl From<NotStarted> for Failure {
    fn from(error: NotStarted) -> Self {
        let (transport, address, ss, flag) = match error {
            NotStarted::CoapTaken(address) => ("UDP", address, "-ulpn", "--coap"),
            NotStarted::HttpTaken(address) => ("TCP", address, "-tlpn", "--http"),
            NotStarted::Other(failure) => return failure,
        };
        let (ip, port) = (address.ip(), address.port());
        Self::new(format!(
            "{transport} port {port} of {ip} is in use by another program."
        ))
        .remedy(format!(
            "Stop the other program (`ss {ss} 'sport = :{port}'` names it), or choose another port with {flag} {}.",
            another(address)
        ))
    }
}

impl From<Failure> for NotStarted {
    fn from(failure: Failure) -> Self {
        Self::Other(failure)
    }
}

/// What to start.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    /// `coap://` and `coaps://` addresses to listen on.
    pub(crate) coap: &'a [String],
    /// Where the API and the portal are.
    pub(crate) http: SocketAddr,
    /// The folder of the database.
    pub(crate) data: &'a Path,
    /// The token that the API asks for.
    pub(crate) token: Option<TokenHash>,
    /// Bounds.
    pub(crate) limits: Limits,
    /// The objects that are known.
    pub(crate) registry: Registry,
    /// What the manager proves itself by.
    pub(crate) identity: Option<ServerIdentity>,
}

/// A running manager and its HTTP side.
#[derive(Debug)]
pub(crate) struct Host {
    /// The manager.
    pub(crate) manager: Manager,
    server: Server,
}

impl Host {
    /// Starts both; the ports are open when this returns.
    pub(crate) async fn start(plan: Plan<'_>) -> Result<Self, NotStarted> {
        let mut options = Sqlite::options();
        if plan.limits.database_bytes > 0 {
            options = options.max_bytes(plan.limits.database_bytes);
        }
        let store = options
            .open(plan.data.join(DATABASE))
            .map_err(|error| store_failure(&error, plan.data))?;
        let mut config = plan.limits.manager();
        config.registry = plan.registry;
        config.identity = plan.identity.map(Arc::new);
        let mut builder = Manager::builder().config(config).store(store);
        for address in plan.coap {
            builder = builder
                .listen(address)
                .map_err(|error| start_failure(&error, plan.data))?;
        }
        let manager = builder
            .start()
            .await
            .map_err(|error| start_failure(&error, plan.data))?;
        let server = Server::builder(manager.clone())
            .listen(plan.http)
            .token(plan.token)
            .limits(plan.limits);
        match server.start().await {
            Ok(server) => Ok(Self { manager, server }),
            Err(error) => {
                manager.shutdown().await;
                Err(server_failure(&error))
            }
        }
    }

    /// Where the API and the portal are.
    pub(crate) fn http(&self) -> SocketAddr {
        self.server.local_address()
    }

    /// Where the devices find the manager.
    pub(crate) fn coap(&self) -> &[SocketAddr] {
        self.manager.local_addresses()
    }

    /// Lets running requests end, stores what is not stored yet, and stops.
    pub(crate) async fn shutdown(self) {
        self.server.shutdown().await;
        self.manager.shutdown().await;
    }
}

/// Makes the data folder, if it is not there.
pub(crate) fn make_folder(data: &Path) -> Result<(), Failure> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    // Registrations, values and the token's hash are nobody else's business.
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(data).map_err(|error| {
        Failure::new(format!(
            "Cannot make the data folder {}: {error}.",
            data.display()
        ))
        .remedy(OTHER_FOLDER)
    })
}

const OTHER_FOLDER: &str = "Give the user of this program the right to write there, or choose another folder with --data DIR.";

fn store_failure(error: &StoreError, data: &Path) -> Failure {
    match error {
        StoreError::Unwritable { path, reason } => {
            Failure::new(format!("Cannot write {}: {}.", path.display(), reason.trim_end_matches('.'))).remedy(OTHER_FOLDER)
        }
        StoreError::Locked { .. } => Failure::new(format!("Another dunlin uses the data folder {}.", data.display()))
            .remedy("Stop the other one, or choose another folder with --data DIR."),
        StoreError::Full { path } => Failure::new(format!("{} cannot grow: the disk, or limits.database_bytes of the configuration, is full.", path.display()))
            .remedy("Make room, raise the limit, or choose a folder on another disk with --data DIR."),
        StoreError::NewerSchema { path, .. } => {
            Failure::new(format!("{} was written by a newer version of dunlin.", path.display()))
                .remedy("Use that version, or choose another folder with --data DIR.")
        }
        StoreError::Damaged { path, reason } => {
            Failure::new(format!("{} is damaged or no database of dunlin: {}.", path.display(), reason.trim_end_matches('.')))
                .remedy("Restore it from a backup, move it away to begin anew, or choose another folder with --data DIR.")
        }
        other => Failure::new(format!("Cannot use the data folder {}: {other}.", data.display())).remedy(OTHER_FOLDER),
    }
}

fn start_failure(error: &StartError, data: &Path) -> NotStarted {
    NotStarted::Other(match error {
        StartError::Store(error) => store_failure(error, data),
        StartError::PortTaken { address } => return NotStarted::CoapTaken(*address),
        StartError::Listen { address, source } => {
            Failure::new(format!("Cannot listen on UDP {address}: {source}.")).remedy(match source
                .kind()
            {
                std::io::ErrorKind::PermissionDenied => {
                    "Choose a port above 1023 with --coap ADDRESS:PORT."
                }
                _ => "Choose an address of this machine with --coap ADDRESS:PORT.",
            })
        }
        StartError::Address { text, reason } => {
            Failure::usage(format!("`{text}` is no address to listen on: {reason}."))
                .remedy("Write it as --coap 0.0.0.0:5683.")
        }
        other => Failure::new(format!("Cannot start the manager: {other}.")),
    })
}

fn server_failure(error: &ServerError) -> NotStarted {
    NotStarted::Other(match error {
        ServerError::PortTaken { address } => return NotStarted::HttpTaken(*address),
        ServerError::Listen { address, source } => {
            Failure::new(format!("Cannot listen on TCP {address}: {source}.")).remedy(match source
                .kind()
            {
                std::io::ErrorKind::PermissionDenied => {
                    "Choose a port above 1023 with --http ADDRESS:PORT."
                }
                _ => "Choose an address of this machine with --http ADDRESS:PORT.",
            })
        }
        other => Failure::new(other),
    })
}

/// The address with another port that may be free.
fn another(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip(), address.port().checked_add(1).unwrap_or(1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_name_the_place_and_the_flag() {
        let data = Path::new("/data");
        let address = "127.0.0.1:5683".parse().expect("an address");
        let source = || std::io::Error::from(std::io::ErrorKind::AddrNotAvailable);
        let file = || "/data/x".into();
        let store = |error| start_failure(&StartError::Store(error), data);
        for (failure, words) in [
            (
                start_failure(&StartError::PortTaken { address }, data),
                ["5683", "--coap 127.0.0.1:5684"],
            ),
            (
                start_failure(
                    &StartError::Listen {
                        address,
                        source: source(),
                    },
                    data,
                ),
                ["127.0.0.1:5683", "--coap"],
            ),
            (
                start_failure(
                    &StartError::Address {
                        text: "x".into(),
                        reason: "no".into(),
                    },
                    data,
                ),
                ["`x`", "--coap"],
            ),
            (
                server_failure(&ServerError::PortTaken { address }),
                ["5683", "--http 127.0.0.1:5684"],
            ),
            (
                server_failure(&ServerError::Listen {
                    address,
                    source: source(),
                }),
                ["127.0.0.1:5683", "--http"],
            ),
            (
                store(StoreError::Locked { path: file() }),
                ["Another dunlin", "--data"],
            ),
            (
                store(StoreError::Full { path: file() }),
                ["/data/x", "--data"],
            ),
            (
                store(StoreError::Unwritable {
                    path: file(),
                    reason: "no".into(),
                }),
                ["/data/x", "--data"],
            ),
            (
                store(StoreError::Damaged {
                    path: file(),
                    reason: "no".into(),
                }),
                ["/data/x", "--data"],
            ),
        ] {
            let text = Failure::from(failure).to_string();
            assert!(words.iter().all(|word| text.contains(word)), "{text}");
        }
    }
}
