//! The server.

mod answers;
mod limits;
mod listener;
mod notifier;
mod request;
mod route;
mod router;
mod service;
mod stream;
mod template;
mod upload;
mod uploads;
mod validation;
mod watchers;
mod worker;

use core::fmt;
use core::future::Future;
use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::boxed::Box;
use std::io;
use std::sync::Arc;
use std::vec::Vec;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, ToSocketAddrs};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;

pub use notifier::Notifier;
pub use request::Request;
pub use route::{
    Route, delete, delete_sync, fetch, fetch_sync, get, get_sync, ipatch, ipatch_sync, patch,
    patch_sync, post, post_sync, put, put_sync, put_upload,
};
pub use upload::{Upload, UploadAborted};

use super::stream::Link;
use super::udp::{self, Socket};
use crate::Parameters;
use crate::block::BlockSize;
use limits::Limits;
use listener::{Kind, Shared};
use router::Router;
use service::Service;
use worker::Worker;

/// A running CoAP server; dropping it ends it at once.
///
/// ```
/// use dunlin_coap::tokio::{Client, Response, Server, get, get_sync};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::builder()
///     .route("/hello", get_sync(|_| Response::content("hi")))
///     .route("/slow/{seconds}", get(|request| async move {
///         let seconds = request.parameter("seconds").and_then(|text| text.parse().ok());
///         tokio::time::sleep(std::time::Duration::from_secs(seconds.unwrap_or(1))).await;
///         Response::content("done")
///     }))
///     .listen("127.0.0.1:0")
///     .await?;
///
/// let client = Client::new().await?;
/// let uri = format!("coap://{}/hello", server.local_address());
/// let response = client.get(&uri).await?;
/// assert_eq!(response.payload(), &b"hi"[..]);
/// server.shutdown().await;
/// # Ok(())
/// # }
/// # tokio::runtime::Runtime::new().unwrap().block_on(example()).unwrap();
/// ```
///
/// What it does by itself: duplicates get the answer that the first request got, within a fixed memory; critical
/// options that nobody understands are refused with 4.02, unknown paths with 4.04, other methods with 4.05, formats
/// that are not accepted with 4.06; bodies of requests in blocks are collected up to a limit (4.08, 4.13) or streamed
/// to [`Upload`] handlers; long bodies of responses are cut into blocks; a handler that takes its time has its request
/// acknowledged and its response sent separately; observers are notified when a [`Notifier`] tells of a change; when too much is at work there is 5.03 with a Max-Age;
/// `/.well-known/core` lists the routes.
///
/// A response in blocks is asked for block by block, and the handler is called for each: give it a body whose clone is
/// cheap, such as [`Bytes`](bytes::Bytes), and an `ETag` when it may change in between.
pub struct Server {
    workers: Vec<JoinHandle<()>>,
    orders: Vec<mpsc::UnboundedSender<Order>>,
    address: SocketAddr,
    /// What the connections need.
    shared: Shared,
    /// Tells the connections to end, and how long they may take.
    stop: watch::Sender<Option<Duration>>,
}

/// What a worker is told.
enum Order {
    /// To end after what is under way, and this much later at the latest.
    Stop(Duration),
}

/// Collects what a [`Server`] is to be.
pub struct ServerBuilder {
    router: Router,
    limits: Limits,
    workers: usize,
    socket: udp::Options,
    notifier: Notifier,
}

impl Server {
    /// A server without routes.
    pub fn builder() -> ServerBuilder {
        ServerBuilder {
            router: Router::new(),
            limits: Limits::DEFAULT,
            workers: 1,
            socket: udp::Options::default(),
            notifier: Notifier::default(),
        }
    }

    /// The address that it listens on; with the port that the system chose where 0 was asked for.
    pub const fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// The resource at this path has changed, see [`Notifier::notify`].
    pub fn notify(&self, path: &str) {
        self.shared.notifier.notify(path);
    }

    /// Tells of changes as [`notify`](Server::notify) does, for other owners.
    pub fn notifier(&self) -> Notifier {
        self.shared.notifier.clone()
    }

    /// Serves the same resources over TCP at this address too, such as `"[::]:5683"`, and gives the address that it
    /// listens on (RFC 8323).
    ///
    /// Each connection has its bounds: messages of 8704 bytes, longer bodies in BERT blocks, and no more requests at
    /// work than [`max_stream_requests`](ServerBuilder::max_stream_requests).
    ///
    /// # Errors
    ///
    /// Those of the name's resolution and of the socket.
    pub async fn listen_tcp(&mut self, address: impl ToSocketAddrs) -> io::Result<SocketAddr> {
        self.accept(address, Kind::Stream).await
    }

    /// Serves the same resources over WebSockets at this address too, below the path `/.well-known/coap` (RFC 8323
    /// §8.3), and gives the address that it listens on.
    ///
    /// # Errors
    ///
    /// Those of the name's resolution and of the socket.
    #[cfg(feature = "websocket")]
    pub async fn listen_websocket(
        &mut self,
        address: impl ToSocketAddrs,
    ) -> io::Result<SocketAddr> {
        self.accept(address, Kind::WebSocket).await
    }

    async fn accept(&mut self, address: impl ToSocketAddrs, kind: Kind) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let listening = listener::listen(listener, kind, self.shared.clone());
        self.workers.push(tokio::spawn(listening));
        Ok(address)
    }

    /// Serves one connection that was accepted elsewhere, such as a TLS stream, until it ends or the server does.
    /// Handlers are told that it comes from `peer`.
    pub fn serve_stream<S>(
        &self,
        stream: S,
        peer: SocketAddr,
    ) -> impl Future<Output = ()> + Send + use<S>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let shared = self.shared.clone();
        stream::serve(Link::Stream(Box::new(stream)), peer, shared)
    }

    /// Serves one WebSocket over a stream that was accepted elsewhere, such as a TLS stream, until it ends or the
    /// server does; the handshake is still to come.
    ///
    /// # Errors
    ///
    /// Those of the handshake.
    #[cfg(feature = "websocket")]
    pub fn serve_websocket<S>(
        &self,
        stream: S,
        peer: SocketAddr,
    ) -> impl Future<Output = io::Result<()>> + Send + use<S>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let shared = self.shared.clone();
        listener::connect(Box::new(stream), peer, Kind::WebSocket, shared)
    }

    /// Waits for ever, or until the server ends because its runtime does.
    pub async fn run(mut self) {
        for worker in &mut self.workers {
            // It was cancelled, which ends it too.
            let _ = worker.await;
        }
    }

    /// Takes no more requests, waits for the handlers at work and their responses, at most ten seconds, and ends.
    pub async fn shutdown(self) {
        self.shutdown_within(Duration::from_secs(10)).await;
    }

    /// The same with another limit.
    pub async fn shutdown_within(mut self, patience: Duration) {
        self.stop.send_replace(Some(patience));
        for orders in &self.orders {
            // A worker that has ended is no trouble here.
            let _ = orders.send(Order::Stop(patience));
        }
        for worker in &mut self.workers {
            let _ = worker.await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for worker in &self.workers {
            worker.abort();
        }
    }
}

impl ServerBuilder {
    /// Adds a resource. The segments of the path are texts, `{name}` for any one segment, and at the end `{*name}` for
    /// any segments; see [`Request::parameter`]. A text comes before `{name}`, both before `{*name}`.
    #[must_use]
    pub fn route(mut self, path: &str, route: Route) -> Self {
        self.router.add(path, route);
        self
    }

    /// What answers where no route fits, in place of 4.04 Not Found.
    #[must_use]
    pub fn fallback(mut self, route: Route) -> Self {
        self.router.set_fallback(route);
        self
    }

    /// How many sockets share the port, each with a task of its own. Default 1; more need a system that spreads peers
    /// over sockets (`SO_REUSEPORT`). All limits are for each of them.
    #[must_use]
    pub const fn workers(mut self, workers: usize) -> Self {
        self.workers = if workers == 0 { 1 } else { workers };
        self
    }

    /// The transmission parameters. Default [`Parameters::DEFAULT`].
    #[must_use]
    pub const fn parameters(mut self, parameters: Parameters) -> Self {
        self.limits.parameters = parameters;
        self
    }

    /// The greatest body of a request in bytes, above which there is 4.13. Default 1 MiB.
    #[must_use]
    pub const fn max_body(mut self, bytes: usize) -> Self {
        self.limits.max_body = bytes;
        self
    }

    /// The greatest block that is sent and asked for. Default 1024 bytes.
    #[must_use]
    pub const fn block_size(mut self, size: BlockSize) -> Self {
        self.limits.block_size = size;
        self
    }

    /// How many bodies may be arriving in blocks, and how many bytes of them may be held. Default 256 and 16 MiB.
    #[must_use]
    pub const fn max_uploads(mut self, uploads: usize, bytes: usize) -> Self {
        self.limits.uploads = uploads;
        self.limits.upload_bytes = bytes;
        self
    }

    /// What tells the server of changes, for handlers that change what is observed.
    pub fn notifier(&self) -> Notifier {
        self.notifier.clone()
    }

    /// Sends to a client no more than three times what it has sent until it has shown that it is where it says, by the
    /// Echo option (RFC 9175 §2.4): a longer response, and every request that is not a GET or a FETCH, is answered
    /// with 4.01 and a value that the client must send back. Against floods of others with forged addresses, for
    /// servers on the open Internet; clients that do not know the option get no more than short responses. Default:
    /// off.
    #[must_use]
    pub const fn validate_addresses(mut self) -> Self {
        self.limits.validate = true;
        self
    }

    /// How many observers there may be, above which requests to observe are answered as if they were none. Default
    /// 1024; each change looks at all of them.
    #[must_use]
    pub const fn max_observers(mut self, observers: usize) -> Self {
        self.limits.observers = observers;
        self
    }

    /// How many handlers may be at work. Default 4096.
    #[must_use]
    pub const fn max_tasks(mut self, tasks: usize) -> Self {
        self.limits.tasks = tasks;
        self
    }

    /// The memory in which answers are kept for duplicates, in bytes. Default 4 MiB, for some 80,000 answers: the time
    /// in which that many requests come should be at least some seconds, and is `EXCHANGE_LIFETIME` at best.
    #[must_use]
    pub const fn duplicate_memory(mut self, bytes: usize) -> Self {
        self.limits.duplicates = bytes;
        self
    }

    /// How many connections there may be over TCP and WebSockets, and how many requests of one may be at work: more
    /// are not read until one is answered. Default 1024 and 64.
    #[must_use]
    pub const fn max_stream_requests(mut self, connections: usize, requests: usize) -> Self {
        self.limits.connections = connections;
        self.limits.stream_requests = if requests == 0 { 1 } else { requests };
        self
    }

    /// How long a handler may take before its request is acknowledged on its own. Default 500 ms.
    #[must_use]
    pub const fn acknowledge_after(mut self, time: Duration) -> Self {
        self.limits.acknowledge_after = time;
        self
    }

    /// How long a handler may take at all, after which the response is 5.03. Default 90 s.
    #[must_use]
    pub const fn handler_timeout(mut self, time: Duration) -> Self {
        self.limits.handler_timeout = time;
        self
    }

    /// How many bytes of datagrams may wait in the kernel. Default: the system's.
    #[must_use]
    pub const fn receive_buffer(mut self, bytes: usize) -> Self {
        self.socket.receive_buffer = Some(bytes);
        self
    }

    /// A server without UDP: what it listens on is told next, as to [`Server::listen_tcp`].
    ///
    /// Its [`local_address`](Server::local_address) means nothing.
    pub fn build(self) -> Server {
        let mut router = self.router;
        router.add_discovery();
        let (stop, stopped) = watch::channel(None);
        Server {
            workers: Vec::new(),
            orders: Vec::new(),
            address: (Ipv4Addr::UNSPECIFIED, 0).into(),
            shared: Shared {
                router: Arc::new(router),
                limits: self.limits,
                stop: stopped,
                places: Arc::new(Semaphore::new(self.limits.connections)),
                notifier: self.notifier,
            },
            stop,
        }
    }

    /// Starts the server on this address, such as `"[::]:5683"`.
    ///
    /// # Errors
    ///
    /// Those of the name's resolution and of the socket.
    pub async fn listen(self, address: impl ToSocketAddrs) -> io::Result<Server> {
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        let mut first = None;
        let options = udp::Options {
            shared_port: self.workers > 1,
            ..self.socket
        };
        for address in tokio::net::lookup_host(address).await? {
            match Socket::bind(address, options) {
                Ok(socket) => {
                    first = Some(socket);
                    break;
                }
                Err(error) => last = error,
            }
        }
        let first = first.ok_or(last)?;
        let address = first.local();
        let mut sockets = std::vec![first];
        for _ in 1..self.workers {
            sockets.push(Socket::bind(address, options)?);
        }
        let (workers, limits) = (sockets, self.limits);
        let mut server = self.build();
        server.address = address;
        for socket in workers {
            // Of orders there are few, and each is done at once.
            let (orders, receiver) = mpsc::unbounded_channel();
            let service = Service::new(server.shared.router.clone(), limits);
            let changes = server.shared.notifier.subscribe();
            let worker = Worker::new(socket, service, limits, receiver, changes);
            server.workers.push(tokio::spawn(worker.run()));
            server.orders.push(orders);
        }
        Ok(server)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .field("workers", &self.workers.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBuilder")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
