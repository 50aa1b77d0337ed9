//! The client.

mod body;
mod driver;
mod mailbox;
mod observation;
mod operation;
mod request;
mod stream;
mod target;
mod way;

use core::fmt;
use core::net::SocketAddr;
use std::boxed::Box;
use std::io;
use std::sync::Arc;
use std::vec::Vec;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::ToSocketAddrs;
use tokio::sync::{Semaphore, mpsc, oneshot};

pub use observation::Observation;
pub use operation::Download;
pub use request::RequestBuilder;

use super::Error;
use super::stream::CLOSING;
use super::udp::{self, Socket};
use crate::uri::Uri;
use crate::{Code, Parameters, Token};
use driver::{Driver, Inbound, Order, Outbound, Reply};
use mailbox::Mailbox;
use way::{Connections, Way};

/// How many requests of one client may be open; more wait.
const MOST_OPEN: usize = 4096;

/// A CoAP client: one UDP socket for any number of peers. Clones share it.
///
/// ```no_run
/// use dunlin_coap::tokio::Client;
///
/// # async fn example() -> Result<(), dunlin_coap::tokio::Error> {
/// let client = Client::new().await?;
/// let response = client.get("coap://[::1]/sensors/temp?u=c").accept(0).await?;
/// println!("{}: {:?}", response.code(), response.text());
///
/// let image = vec![0; 300_000];
/// client.put("coap://[::1]/firmware").body(image).content_format(42).await?;
///
/// let mut notifications = client.observe("coap://[::1]/sensors/temp").await?;
/// while let Some(notification) = notifications.next().await {
///     println!("{:?}", notification?.text());
/// }
/// # Ok(())
/// # }
/// ```
///
/// Requests are sent again until they are acknowledged, no more than `NSTART` are outstanding with one peer, and long
/// bodies go and come in blocks, all by itself. Whoever drops the future of a request cancels it.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    connections: Connections,
    orders: mpsc::UnboundedSender<Order>,
    // What bounds the orders: each open request gives two at most.
    open: Semaphore,
    local: SocketAddr,
}

/// Collects what a [`Client`] is to be.
#[derive(Clone, Debug)]
pub struct ClientBuilder {
    parameters: Parameters,
    options: udp::Options,
}

impl Client {
    /// A client on a free port of all addresses.
    ///
    /// # Errors
    ///
    /// Those of the socket.
    pub async fn new() -> io::Result<Self> {
        Self::builder().build().await
    }

    /// A client with parameters of its own.
    pub const fn builder() -> ClientBuilder {
        ClientBuilder {
            parameters: Parameters::DEFAULT,
            options: udp::Options {
                shared_port: false,
                receive_buffer: None,
            },
        }
    }

    /// The address from which it asks.
    pub fn local_address(&self) -> SocketAddr {
        self.inner.local
    }

    /// A GET of the resource at this URI.
    pub fn get(&self, uri: &str) -> RequestBuilder {
        self.request(Code::GET, uri)
    }

    /// A POST to the resource at this URI.
    pub fn post(&self, uri: &str) -> RequestBuilder {
        self.request(Code::POST, uri)
    }

    /// A PUT to the resource at this URI.
    pub fn put(&self, uri: &str) -> RequestBuilder {
        self.request(Code::PUT, uri)
    }

    /// A DELETE of the resource at this URI.
    pub fn delete(&self, uri: &str) -> RequestBuilder {
        self.request(Code::DELETE, uri)
    }

    /// A request with this method, such as [`Code::FETCH`].
    pub fn request(&self, method: Code, uri: &str) -> RequestBuilder {
        RequestBuilder::new(self.clone(), method, uri)
    }

    /// Observes the resource at this URI (RFC 7641); dropping the observation cancels it.
    ///
    /// For options, build the request and end it with [`RequestBuilder::observe`].
    ///
    /// # Errors
    ///
    /// Those of a request, and [`Error::NotObservable`].
    pub async fn observe(&self, uri: &str) -> Result<Observation, Error> {
        self.get(uri).observe().await
    }

    /// Takes a stream as the connection to the server of this URI, such as a TLS stream for `coaps+tcp://example.org`.
    ///
    /// Requests with the same scheme, host and port go over it until it ends; then there is [`Error::Scheme`] for the
    /// secured schemes, until another is attached, and a connection is opened for the others. Over TLS to another port
    /// than 5684 the protocol `coap` must have been negotiated by ALPN (RFC 8323 §8.2). For the schemes of WebSockets,
    /// the handshake is made over the stream.
    ///
    /// # Errors
    ///
    /// [`Error::Scheme`] for `coap` and `coaps`, [`Error::Disconnected`] when the server does not begin as it must.
    pub async fn attach(
        &self,
        uri: &str,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    ) -> Result<(), Error> {
        let uri = Uri::parse(uri)?;
        self.inner.connections.attach(&uri, Box::new(stream)).await
    }

    /// Releases the connections and waits until the servers have closed them, at most five seconds (RFC 8323 §5.5).
    ///
    /// Dropping the last handle releases them too, where the runtime goes on. Requests that are open get their
    /// responses; other handles connect anew when they need to.
    pub async fn shutdown(self) {
        let closing = self.inner.connections.close();
        // Whoever does not close by then is left.
        let _ = tokio::time::timeout(CLOSING, closing).await;
    }

    /// Sends a request and waits for its response.
    async fn exchange(
        &self,
        way: &Way,
        confirmable: bool,
        token: Token,
        bytes: Vec<u8>,
    ) -> Result<Inbound, Error> {
        let _place = self.place().await?;
        let (sender, receiver) = oneshot::channel();
        let open = way.send(confirmable, token, bytes, Reply::One(sender))?;
        let result = receiver.await.map_err(|_| Error::Closed)?;
        open.done();
        result
    }

    async fn place(&self) -> Result<tokio::sync::SemaphorePermit<'_>, Error> {
        self.inner.open.acquire().await.map_err(|_| Error::Closed)
    }
}

/// A request that is forgotten when nobody waits for it any more.
struct Open {
    way: Way,
    token: Token,
    forget: bool,
}

impl Open {
    /// The driver has forgotten it by itself.
    fn done(mut self) {
        self.forget = false;
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.forget {
            let order = Order::Forget(self.way.peer, self.token);
            // A driver that has ended remembers nothing.
            let _ = self.way.orders.send(order);
        }
    }
}

impl ClientBuilder {
    /// The transmission parameters. Default [`Parameters::DEFAULT`], with one outstanding request for each peer.
    #[must_use]
    pub const fn parameters(mut self, parameters: Parameters) -> Self {
        self.parameters = parameters;
        self
    }

    /// How many bytes of datagrams may wait in the kernel. Default: the system's.
    #[must_use]
    pub const fn receive_buffer(mut self, bytes: usize) -> Self {
        self.options.receive_buffer = Some(bytes);
        self
    }

    /// A client on a free port of all addresses.
    ///
    /// # Errors
    ///
    /// Those of the socket.
    #[expect(
        clippy::unused_async,
        reason = "must be called inside a runtime, and other transports will have to wait"
    )]
    pub async fn build(self) -> io::Result<Client> {
        Ok(self.start(Socket::any(self.options)?))
    }

    /// A client on this address.
    ///
    /// # Errors
    ///
    /// Those of the name's resolution and of the socket.
    pub async fn bind(self, address: impl ToSocketAddrs) -> io::Result<Client> {
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in tokio::net::lookup_host(address).await? {
            match Socket::bind(address, self.options) {
                Ok(socket) => return Ok(self.start(socket)),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn start(&self, socket: Socket) -> Client {
        // Bounded by the places for open requests and by the observations that somebody holds.
        let (orders, receiver) = mpsc::unbounded_channel();
        let local = socket.local();
        let driver = Driver::new(socket, self.parameters, receiver);
        tokio::spawn(driver.run());
        Client {
            inner: Arc::new(Inner {
                connections: Connections::default(),
                orders,
                open: Semaphore::new(MOST_OPEN),
                local,
            }),
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("local_address", &self.inner.local)
            .finish_non_exhaustive()
    }
}
