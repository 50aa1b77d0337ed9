//! Drives the shard with sockets, a clock and the store's thread, on tokio.

mod sockets;
mod storing;
mod task;

use core::fmt;
use core::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use dunlin_model::Path;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::manager::Listener;
use crate::metrics::Counters;
use crate::shard::Shard;
use crate::{
    Administration, Command, CommandError, Config, Event, Metrics, Notification, Outcome, Registry,
    ServerIdentity, StartError, Store,
};

/// How many orders wait between the handles and the shard; more let their callers wait.
const ORDERS: usize = 1024;

type Reply<T> = oneshot::Sender<Result<T, CommandError>>;

/// What handles ask of the task that owns the shard.
enum Order {
    Command {
        endpoint: Arc<str>,
        command: Command,
        reply: Reply<Outcome>,
    },
    Observe {
        endpoint: Arc<str>,
        path: Path,
        command: Command,
        reply: Reply<(Outcome, broadcast::Receiver<Notification>)>,
    },
    Ask(Box<dyn FnOnce(&Shard) + Send>),
    Administer {
        order: Administration,
        reply: Reply<Outcome>,
    },
}

/// The way of all public handles to the running task.
#[derive(Clone)]
pub(crate) struct Handle(Arc<Inner>);

struct Inner {
    orders: mpsc::Sender<Order>,
    // Weak, so that the events end with the task although events in its buffer hold handles.
    events: broadcast::WeakSender<Event>,
    addresses: Vec<SocketAddr>,
    counters: Arc<Counters>,
    /// What the shard knows, for those who ask without waiting for it.
    registry: RwLock<Registry>,
    identity: Option<Arc<ServerIdentity>>,
    stop: watch::Sender<bool>,
    stopped: watch::Receiver<bool>,
}

impl Handle {
    pub(crate) async fn command(
        &self,
        endpoint: Arc<str>,
        command: Command,
    ) -> Result<Outcome, CommandError> {
        self.order(|reply| Order::Command {
            endpoint,
            command,
            reply,
        })
        .await?
    }

    pub(crate) async fn observe(
        &self,
        endpoint: Arc<str>,
        path: Path,
        command: Command,
    ) -> Result<(Outcome, broadcast::Receiver<Notification>), CommandError> {
        self.order(|reply| Order::Observe {
            endpoint,
            path,
            command,
            reply,
        })
        .await?
    }

    /// Lets `question` look at the shard between two datagrams.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Shard) -> T + Send + 'static,
    ) -> Result<T, CommandError> {
        self.order(|reply| {
            Order::Ask(Box::new(move |shard| {
                // The asker may have gone away.
                let _ = reply.send(question(shard));
            }))
        })
        .await
    }

    /// Gives an order about the manager itself.
    pub(crate) async fn administer(&self, order: Administration) -> Result<Outcome, CommandError> {
        self.order(|reply| Order::Administer { order, reply })
            .await?
    }

    /// The objects that the shard knows.
    pub(crate) fn registry(&self) -> Registry {
        self.0
            .registry
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set_registry(&self, registry: Registry) {
        *self
            .0
            .registry
            .write()
            .unwrap_or_else(PoisonError::into_inner) = registry;
    }

    async fn order<T>(
        &self,
        order: impl FnOnce(oneshot::Sender<T>) -> Order,
    ) -> Result<T, CommandError> {
        let (reply, answer) = oneshot::channel();
        self.0
            .orders
            .send(order(reply))
            .await
            .map_err(|_| CommandError::Stopped)?;
        answer.await.map_err(|_| CommandError::Stopped)
    }

    pub(crate) fn events(&self) -> broadcast::Receiver<Event> {
        match self.0.events.upgrade() {
            Some(sender) => sender.subscribe(),
            // The manager has stopped: a receiver whose sender is gone.
            None => broadcast::channel(1).1,
        }
    }

    pub(crate) fn local_addresses(&self) -> &[SocketAddr] {
        &self.0.addresses
    }

    pub(crate) fn public_key(&self) -> Option<Vec<u8>> {
        let identity = self.0.identity.as_ref()?;
        Some(identity.public_key().to_vec())
    }

    pub(crate) fn metrics(&self) -> Metrics {
        self.0.counters.snapshot()
    }

    pub(crate) async fn shutdown(&self) {
        self.0.stop.send_replace(true);
        let mut stopped = self.0.stopped.clone();
        // An error means that the task is gone, which is what is waited for.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("addresses", &self.0.addresses)
            .finish_non_exhaustive()
    }
}

/// Held by the clones of a manager: when the last one goes, the task ends.
pub(crate) struct Running(Handle);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.stop.send_replace(true);
    }
}

pub(crate) async fn start(
    listeners: Vec<Listener>,
    store: Box<dyn Store>,
    config: Config,
) -> Result<(Handle, Running), StartError> {
    if listeners.is_empty() {
        return Err(StartError::NoListener);
    }
    let mut listening = listeners;
    let mut sockets = Vec::with_capacity(listening.len());
    for listener in &mut listening {
        let (socket, address) = sockets::bind(listener.address)?;
        listener.address = address;
        sockets.push(socket);
    }
    let addresses = listening.iter().map(|listener| listener.address).collect();
    let (storing, mut snapshot) = storing::start(store).await?;
    for device in &mut snapshot.devices {
        let known = device.registration.peer;
        let peer = sockets::reached_by(&listening, known);
        if peer.listener != known.listener || peer.address != known.address {
            Arc::make_mut(&mut device.registration).peer = peer;
        }
    }
    for association in &mut snapshot.associations {
        association.peer = sockets::reached_by(&listening, association.peer);
    }
    let (orders, waiting_orders) = mpsc::channel(ORDERS);
    let (events, _) = broadcast::channel(config.event_buffer.max(1));
    let (stop, stopping) = watch::channel(false);
    let (done, stopped) = watch::channel(false);
    let counters = Arc::new(Counters::default());
    let handle = Handle(Arc::new(Inner {
        orders,
        events: events.downgrade(),
        addresses,
        counters: Arc::clone(&counters),
        registry: RwLock::new(Registry::default()),
        identity: config.identity.clone(),
        stop,
        stopped,
    }));
    let task = task::Task::new(
        handle.clone(),
        config,
        snapshot,
        counters,
        task::Sockets { sockets, listening },
        storing,
        events,
    );
    tokio::spawn(async move {
        task.run(waiting_orders, stopping).await;
        done.send_replace(true);
    });
    Ok((handle.clone(), Running(handle)))
}
