//! The HTTP server: from a manager and a few settings to an open port, and back.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::ErrorKind;
use std::sync::Arc;

use axum::Router;
use dunlin_manager::Manager;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use crate::auth::{Authority, TokenHash};
use crate::config::Limits;
use crate::routes;
use crate::state::Shared;

/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// How long open connections may take to finish at a shutdown.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// The settings of a server that is not started yet.
#[derive(Debug)]
pub struct Builder {
    manager: Manager,
    address: SocketAddr,
    token: Option<TokenHash>,
    limits: Limits,
}

impl Builder {
    /// Where to listen; port 0 lets the system choose one. The default is `127.0.0.1:8080`.
    #[must_use]
    pub const fn listen(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// The hash of the token that every request needs. Without it the server listens on loopback only.
    #[must_use]
    pub fn token(mut self, token: impl Into<Option<TokenHash>>) -> Self {
        self.token = token.into();
        self
    }

    /// Bounds on what clients can make the server do.
    #[must_use]
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// All routes, for a program that has a server of its own; the address is not used.
    pub fn router(self) -> Router {
        let (_, stopping) = watch::channel(false);
        self.routes(stopping)
    }

    fn routes(self, stopping: watch::Receiver<bool>) -> Router {
        routes::router(Shared::new(
            self.manager,
            Arc::new(Authority::new(self.token)),
            self.limits,
            stopping,
        ))
    }

    /// Opens the port and serves until [`Server::shutdown`].
    ///
    /// # Errors
    /// [`ServerError`]: the address is not loopback and there is no token, the port is taken, or the system refuses it.
    pub async fn start(self) -> Result<Server, ServerError> {
        let address = self.address;
        if self.token.is_none() && !address.ip().to_canonical().is_loopback() {
            return Err(ServerError::TokenRequired { address });
        }
        let listener = TcpListener::bind(address)
            .await
            .map_err(|source| match source.kind() {
                ErrorKind::AddrInUse => ServerError::PortTaken { address },
                _ => ServerError::Listen { address, source },
            })?;
        let address = listener
            .local_addr()
            .map_err(|source| ServerError::Listen { address, source })?;
        let (stop, stopping) = watch::channel(false);
        let connections = Arc::new(Semaphore::new(self.limits.http_connections));
        let router = self.routes(stopping.clone());
        let task = tokio::spawn(accept(listener, router, connections, stopping));
        tracing::info!(%address, "the API and the portal are open");
        Ok(Server {
            address,
            stop,
            task,
        })
    }
}

/// A running server. It stops when it is dropped; [`shutdown`](Self::shutdown) lets requests end first.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Server {
    /// Begins a server for the manager.
    pub fn builder(manager: Manager) -> Builder {
        Builder {
            manager,
            address: SocketAddr::from(([127, 0, 0, 1], 8080)),
            token: None,
            limits: Limits::default(),
        }
    }

    /// The address and port that it listens on.
    pub const fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// Stops listening, ends the event streams, waits a few seconds for running requests, and returns.
    pub async fn shutdown(mut self) {
        let _ = self.stop.send(true);
        if let Err(error) = (&mut self.task).await {
            tracing::error!(%error, "the HTTP server failed");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
    }
}

/// Accepts connections until `stopping` says so, and then waits for them.
async fn accept(
    listener: TcpListener,
    router: Router,
    connections: Arc<Semaphore>,
    mut stopping: watch::Receiver<bool>,
) {
    let graceful = GracefulShutdown::new();
    loop {
        let Ok(permit) = Arc::clone(&connections).acquire_owned().await else {
            break;
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopping.wait_for(|stop| *stop) => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Mostly too many open files, which only time can mend.
                tracing::warn!(%error, "cannot accept an HTTP connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let connection = graceful.watch(serve(stream, router.clone()));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "an HTTP connection failed");
            }
            drop(permit);
        });
    }
    drop(listener);
    if tokio::time::timeout(SHUTDOWN_TIMEOUT, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("HTTP requests did not end in time and are cut off");
    }
}

type Connection =
    hyper::server::conn::http1::Connection<TokioIo<TcpStream>, TowerToHyperService<Router>>;

fn serve(stream: TcpStream, router: Router) -> Connection {
    let _ = stream.set_nodelay(true);
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The address can be reached from other machines, so a token is needed.
    #[error("{address} is not a loopback address, and the HTTP side is open to others there only with an API token: set one (DUNLIN_HTTP_TOKEN) or listen on 127.0.0.1 (--http 127.0.0.1:{})", .address.port())]
    TokenRequired {
        /// The address and port.
        address: SocketAddr,
    },
    /// Another program has the port.
    #[error("TCP port {} of {} is in use by another program: stop it or choose another port with --http {}:PORT", .address.port(), .address.ip(), host(.address))]
    PortTaken {
        /// The address and port.
        address: SocketAddr,
    },
    /// The address cannot be listened on.
    #[error(
        "cannot listen on TCP {address}: {source}; choose another address with --http ADDRESS:PORT"
    )]
    Listen {
        /// The address and port.
        address: SocketAddr,
        /// What the operating system said.
        source: std::io::Error,
    },
}

/// The address as it stands before a port.
fn host(address: &SocketAddr) -> String {
    if address.is_ipv6() {
        format!("[{}]", address.ip())
    } else {
        address.ip().to_string()
    }
}
