//! Accepts connections.

use core::net::SocketAddr;
use core::time::Duration;
use std::boxed::Box;
use std::io;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::limits::Limits;
use super::notifier::Notifier;
use super::router::Router;
use super::stream::serve;
use crate::tokio::stream::{Io, Link};
#[cfg(feature = "websocket")]
use crate::tokio::stream::{OPENING, SETTINGS};
#[cfg(feature = "websocket")]
use crate::tokio::websocket::Socket;

/// How long to wait when the system has no more connections to give.
const PAUSE: Duration = Duration::from_millis(50);

/// How a connection becomes one of CoAP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Stream,
    #[cfg(feature = "websocket")]
    WebSocket,
}

/// What every connection of a server needs.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) router: Arc<Router>,
    pub(super) limits: Limits,
    /// Tells when the server is to end, and how long the connections may take for that.
    pub(super) stop: watch::Receiver<Option<Duration>>,
    /// Places for connections.
    pub(super) places: Arc<Semaphore>,
    /// Tells what has changed.
    pub(super) notifier: Notifier,
}

/// Accepts until the server ends, and waits for the connections then.
pub(super) async fn listen(listener: TcpListener, kind: Kind, shared: Shared) {
    let mut stop = shared.stop.clone();
    let mut connections = JoinSet::new();
    loop {
        let accept = async {
            let place = shared.places.clone().acquire_owned().await;
            (place, listener.accept().await)
        };
        tokio::select! {
            // The server is gone when nobody can say it any more.
            _ = stopped(&mut stop) => break,
            Some(_) = connections.join_next() => {}
            (place, accepted) = accept => match (place, accepted) {
                (Ok(place), Ok((stream, peer))) => {
                    // Small messages should not wait for an acknowledgement of TCP.
                    let _ = stream.set_nodelay(true);
                    let shared = shared.clone();
                    connections.spawn(async move {
                        // How a connection ended matters to nobody here.
                        let _ = connect(Box::new(stream), peer, kind, shared).await;
                        drop(place);
                    });
                }
                (Err(_), _) => break,
                (_, Err(_)) => tokio::time::sleep(PAUSE).await,
            },
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Makes a stream a connection of CoAP and serves it.
pub(super) async fn connect(
    stream: Box<dyn Io>,
    peer: SocketAddr,
    kind: Kind,
    shared: Shared,
) -> io::Result<()> {
    let link = match kind {
        Kind::Stream => Link::Stream(stream),
        #[cfg(feature = "websocket")]
        Kind::WebSocket => {
            let handshake = Socket::accept(stream, SETTINGS.max_message_size());
            let socket = tokio::time::timeout(OPENING, handshake).await??;
            Link::WebSocket(Box::new(socket))
        }
    };
    serve(link, peer, shared).await;
    Ok(())
}

/// Waits until the server is to end: it is gone when nobody can say it any more. How long that may take.
pub(super) async fn stopped(stop: &mut watch::Receiver<Option<Duration>>) -> Option<Duration> {
    // The guard is no good across a wait.
    stop.wait_for(Option::is_some)
        .await
        .ok()
        .and_then(|stop| *stop)
}
