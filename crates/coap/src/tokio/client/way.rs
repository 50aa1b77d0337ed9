//! Where the messages of an operation go: to the UDP socket or over a connection.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::boxed::Box;
use std::collections::HashMap;
use std::string::String;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::driver::{Order, Outbound, Reply};
use super::stream::StreamDriver;
use super::target::address;
use super::{Mailbox, Open};
use crate::block::{BlockSize, SendError, Transfer};
use crate::reliable::Settings;
use crate::tokio::Error;
#[cfg(feature = "websocket")]
use crate::tokio::stream::SETTINGS;
use crate::tokio::stream::{Io, Link, OPENING};
#[cfg(feature = "websocket")]
use crate::tokio::websocket::Socket;
use crate::uri::{Host, Scheme, Uri};
use crate::{Code, Token};

/// How many servers are remembered before those whose connections have ended are forgotten.
const REMEMBERED: usize = 256;

/// What the options of a request with a BERT block may need beside it.
const OVERHEAD: u32 = 512;

/// The greatest payload of a BERT block, however much the server takes: it stands before all that follows.
const MOST: u32 = 64 * 1024;

/// The driver that sends a message, and to whom.
#[derive(Clone)]
pub(super) struct Way {
    pub(super) orders: mpsc::UnboundedSender<Order>,
    pub(super) peer: SocketAddr,
    /// What the peer of a connection can take.
    pub(super) settings: Option<Settings>,
}

impl Way {
    /// Sends a request and gives where its responses go.
    pub(super) fn send_many(
        &self,
        confirmable: bool,
        token: Token,
        bytes: Vec<u8>,
    ) -> Result<(Open, Mailbox), Error> {
        let mailbox = Mailbox::default();
        let reply = Reply::Many(mailbox.clone());
        let open = self.send(confirmable, token, bytes, reply)?;
        Ok((open, mailbox))
    }

    /// Sends a request.
    pub(super) fn send(
        &self,
        confirmable: bool,
        token: Token,
        bytes: Vec<u8>,
        reply: Reply,
    ) -> Result<Open, Error> {
        let outbound = Outbound {
            peer: self.peer,
            token,
            confirmable,
            bytes,
            reply,
        };
        self.orders
            .send(Order::Request(outbound))
            .map_err(|_| Error::Closed)?;
        Ok(Open {
            way: self.clone(),
            token,
            forget: true,
        })
    }

    /// A block-wise operation this way, in blocks of at most `size`.
    pub(super) fn transfer(
        &self,
        method: Code,
        len: usize,
        size: BlockSize,
    ) -> Result<Transfer, SendError> {
        let Some(settings) = self.settings else {
            return Transfer::new(
                method,
                len,
                size.min(BlockSize::MAX),
                size.min(BlockSize::MAX),
            );
        };
        if size < BlockSize::MAX {
            // Who set a smaller size means it.
            return Transfer::new(method, len, size, size);
        }
        let room = settings.max_message_size().saturating_sub(OVERHEAD);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        if let Some(limit) = settings.bert_len(OVERHEAD) {
            let limit = usize::try_from(limit.min(MOST)).unwrap_or(1024);
            return Ok(
                Transfer::new(method, len, BlockSize::Bert, BlockSize::Bert)?.payload_limit(limit),
            );
        }
        if len > 1024 && len <= room & !1023 {
            // It fits whole: nothing is known of what the peer does with blocks.
            return Ok(
                Transfer::new(method, len, BlockSize::Bert, BlockSize::Bert)?.payload_limit(room),
            );
        }
        // RFC 7252 §4.6 has 128 bytes for all but the block.
        let room = usize::try_from(settings.max_message_size().saturating_sub(128));
        let size = BlockSize::at_most(room.unwrap_or(usize::MAX)).unwrap_or(BlockSize::MIN);
        Transfer::new(method, len, size, BlockSize::Bert)
    }
}

/// The connections of a client, by the scheme and authority of the URIs that use them (RFC 8323 §8).
#[derive(Default)]
pub(super) struct Connections {
    entries: Mutex<HashMap<Server, Arc<Entry>>>,
}

type Server = (Scheme, String);

/// At most one connection; locked while one is being opened.
type Entry = tokio::sync::Mutex<Option<Connected>>;

struct Connected {
    way: Way,
    driver: JoinHandle<()>,
}

impl Connected {
    fn is_open(&self) -> bool {
        !self.way.orders.is_closed()
    }
}

impl Connections {
    /// The connection to the server of this URI, which is opened where there is none.
    pub(super) async fn find(&self, uri: &Uri<'_>) -> Result<Way, Error> {
        let entry = self.entry(uri);
        let mut entry = entry.lock().await;
        if let Some(connected) = entry.as_ref().filter(|connected| connected.is_open()) {
            return Ok(connected.way.clone());
        }
        if uri.scheme().is_secure() {
            // TLS is the user's business: see `Client::attach`.
            return Err(Error::Scheme(uri.scheme()));
        }
        let peer = address(uri).await?;
        let stream = tokio::time::timeout(OPENING, TcpStream::connect(peer))
            .await
            .map_err(|_| Error::NoAnswer)??;
        // Small messages should not wait for an acknowledgement of TCP.
        let _ = stream.set_nodelay(true);
        let connected = open(uri, Box::new(stream), peer).await?;
        let way = connected.way.clone();
        *entry = Some(connected);
        Ok(way)
    }

    /// Takes a stream as the connection to the server of this URI.
    pub(super) async fn attach(&self, uri: &Uri<'_>, stream: Box<dyn Io>) -> Result<(), Error> {
        let entry = self.entry(uri);
        let mut entry = entry.lock().await;
        let host = uri
            .host()
            .address()
            .unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        *entry = Some(open(uri, stream, (host, uri.port()).into()).await?);
        Ok(())
    }

    /// Releases all connections and waits until they have ended.
    pub(super) async fn close(&self) {
        let entries = core::mem::take(&mut *self.lock());
        let mut drivers = Vec::new();
        for entry in entries.into_values() {
            if let Some(connected) = entry.lock().await.take() {
                // Nobody can order anything any more: that ends the driver.
                drop(connected.way);
                drivers.push(connected.driver);
            }
        }
        for driver in drivers {
            // It is over, in whatever way.
            let _ = driver.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Server, Arc<Entry>>> {
        // Nothing panics while it is locked.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn entry(&self, uri: &Uri<'_>) -> Arc<Entry> {
        let mut entries = self.lock();
        if entries.len() >= REMEMBERED {
            entries.retain(|_, entry| match entry.try_lock() {
                Ok(entry) => entry.as_ref().is_some_and(Connected::is_open),
                Err(_) => true,
            });
        }
        let server = (uri.scheme(), authority(uri));
        entries.entry(server).or_default().clone()
    }
}

/// Makes a stream a connection and waits until the server has told what it can take.
async fn open(uri: &Uri<'_>, stream: Box<dyn Io>, peer: SocketAddr) -> Result<Connected, Error> {
    let link = match uri.scheme() {
        Scheme::CoapTcp | Scheme::CoapsTcp => Link::Stream(stream),
        #[cfg(feature = "websocket")]
        Scheme::CoapWs | Scheme::CoapsWs => {
            let authority = authority(uri);
            let handshake = Socket::connect(stream, &authority, SETTINGS.max_message_size());
            let socket = tokio::time::timeout(OPENING, handshake).await;
            Link::WebSocket(Box::new(socket.map_err(|_| Error::NoAnswer)??))
        }
        scheme => return Err(Error::Scheme(scheme)),
    };
    // Bounded by the places for open requests and by the observations that somebody holds.
    let (orders, receiver) = mpsc::unbounded_channel();
    let (driver, opened) = StreamDriver::new(link, receiver);
    let driver = tokio::spawn(driver.run());
    let settings = opened.await.map_err(|_| Error::Disconnected)?;
    let way = Way {
        orders,
        peer,
        settings: Some(settings),
    };
    Ok(Connected { way, driver })
}

/// Host and port as they stand in the Host field of HTTP: a port only where it is not the scheme's.
fn authority(uri: &Uri<'_>) -> String {
    let host = match uri.host() {
        Host::Name(name) => std::format!("{name}"),
        Host::Ipv4(address) => std::format!("{address}"),
        Host::Ipv6 { address, .. } => std::format!("[{address}]"),
    };
    if uri.port() == uri.scheme().default_port() {
        host
    } else {
        std::format!("{host}:{}", uri.port())
    }
}
