//! The task that owns the shard.

use core::future::poll_fn;
use std::collections::HashMap;
use std::sync::Arc;

use dunlin_coap::time::Instant;
use dunlin_model::Path;
use tokio::net::UdpSocket;
use tokio::sync::{broadcast, mpsc, watch};

use super::storing::Storing;
use super::{Handle, Order, Reply, sockets};
use crate::Peer;
use crate::manager::Listener;
use crate::metrics::Counters;
use crate::shard::{self, CommandId, Output, Shard};
use crate::{CommandError, Config, Device, Event, Notification, Outcome, Snapshot, Timestamp};

/// How many datagrams are taken in before orders, the store and the clock get their turn.
const BURST: usize = 64;

/// How many notifications a slow receiver of one observation may be behind.
const NOTIFICATIONS: usize = 64;

/// The largest datagram of UDP.
const DATAGRAM: usize = 65_535;

type Subscribers = HashMap<(Arc<str>, Path), broadcast::Sender<Notification>>;

enum Waiting {
    Command(Reply<Outcome>),
    Administration(Reply<Outcome>),
    Observe {
        key: (Arc<str>, Path),
        reply: Reply<(Outcome, broadcast::Receiver<Notification>)>,
        notifications: broadcast::Receiver<Notification>,
    },
}

/// The sockets, and what each is for.
pub(super) struct Sockets {
    pub(super) sockets: Vec<UdpSocket>,
    pub(super) listening: Vec<Listener>,
}

pub(super) struct Task {
    handle: Handle,
    shard: Shard,
    counters: Arc<Counters>,
    sockets: Vec<UdpSocket>,
    listening: Vec<Listener>,
    storing: Storing,
    events: broadcast::Sender<Event>,
    subscribers: Subscribers,
    waiting: HashMap<CommandId, Waiting>,
    next_command: u64,
    epoch: tokio::time::Instant,
    output: Box<[u8]>,
}

impl Task {
    pub(super) fn new(
        handle: Handle,
        config: Config,
        snapshot: Snapshot,
        counters: Arc<Counters>,
        sockets: Sockets,
        storing: Storing,
        events: broadcast::Sender<Event>,
    ) -> Self {
        let Sockets { sockets, listening } = sockets;
        let rng = rand::make_rng();
        let shard = Shard::with_counters(
            config,
            rng,
            Arc::clone(&counters),
            snapshot,
            Instant::ZERO,
            Timestamp::now(),
        );
        handle.set_registry(shard.registry().clone());
        Self {
            handle,
            shard,
            counters,
            sockets,
            listening,
            storing,
            events,
            subscribers: HashMap::new(),
            waiting: HashMap::new(),
            next_command: 0,
            epoch: tokio::time::Instant::now(),
            output: vec![0; DATAGRAM].into(),
        }
    }

    pub(super) async fn run(
        mut self,
        mut orders: mpsc::Receiver<Order>,
        mut stopping: watch::Receiver<bool>,
    ) {
        let mut datagram = vec![0; DATAGRAM];
        let mut turn = 0;
        let mut storing_ended = false;
        loop {
            self.drain();
            let deadline = self
                .shard
                .next_timeout()
                .map(|at| self.epoch + at.saturating_duration_since(Instant::ZERO).into());
            let sleep = async {
                match deadline {
                    Some(deadline) => tokio::time::sleep_until(deadline).await,
                    None => core::future::pending().await,
                }
            };
            tokio::select! {
                (peer, length) = poll_fn(|cx| sockets::poll_receive(&self.sockets, &mut turn, cx, &mut datagram)) => {
                    self.tell_time();
                    self.input(peer, &mut datagram[..length]);
                    self.burst(&mut turn, &mut datagram);
                }
                Some(order) = orders.recv() => {
                    self.tell_time();
                    self.order(order);
                }
                done = self.storing.done(), if !storing_ended => {
                    let now = self.tell_time();
                    if let Some((tickets, result)) = done { self.shard.persisted(now, &tickets, result) } else {
                        storing_ended = true;
                        tracing::error!("the store's thread has ended: nothing is stored any more");
                    }
                }
                () = sleep => {
                    let now = self.tell_time();
                    self.shard.handle_timeout(now);
                }
                // An error means that no handle is left.
                _ = stopping.wait_for(|stop| *stop) => break,
            }
        }
        self.stop(orders).await;
    }

    /// Stores what is not stored yet; who waits gets [`CommandError::Stopped`] from the closed channels.
    async fn stop(mut self, orders: mpsc::Receiver<Order>) {
        drop(orders);
        let now = self.tell_time();
        self.shard.flush(now);
        self.drain();
        drop(self.waiting);
        drop(self.subscribers);
        drop(self.events);
        self.storing.finish().await;
    }

    fn now(&self) -> Instant {
        Instant::from_millis(u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    fn tell_time(&mut self) -> Instant {
        let now = self.now();
        self.shard.set_wall_clock(now, Timestamp::now());
        now
    }

    fn input(&mut self, peer: Peer, datagram: &mut [u8]) {
        let now = self.now();
        let listener = self.listening.get(usize::from(peer.listener));
        if listener.is_some_and(|listener| listener.is_secure) {
            self.shard.handle_record(now, peer, datagram);
        } else {
            self.shard.handle_input(now, peer, datagram);
        }
        self.drain();
    }

    /// Takes what else has arrived, without waiting.
    fn burst(&mut self, turn: &mut usize, datagram: &mut [u8]) {
        for _ in 1..BURST {
            let at = *turn % self.sockets.len();
            *turn = at + 1;
            if let Ok((length, address)) = self.sockets[at].try_recv_from(datagram) {
                let listener = u16::try_from(at).unwrap_or(u16::MAX);
                self.input(Peer::plain(listener, address), &mut datagram[..length]);
            } else if self.sockets.len() == 1 {
                break;
            }
        }
    }

    fn order(&mut self, order: Order) {
        let now = self.now();
        match order {
            Order::Command {
                endpoint,
                command,
                reply,
            } => {
                let id = self.next_id();
                self.waiting.insert(id, Waiting::Command(reply));
                self.shard.handle_command(now, id, &endpoint, command);
            }
            Order::Observe {
                endpoint,
                path,
                command,
                reply,
            } => {
                let id = self.next_id();
                let key = (Arc::clone(&endpoint), path);
                let notifications = self
                    .subscribers
                    .entry(key.clone())
                    .or_insert_with(|| broadcast::channel(NOTIFICATIONS).0)
                    .subscribe();
                let waiting = Waiting::Observe {
                    key,
                    reply,
                    notifications,
                };
                self.waiting.insert(id, waiting);
                self.shard.handle_command(now, id, &endpoint, command);
            }
            Order::Ask(question) => question(&self.shard),
            Order::Administer { order, reply } => {
                let id = self.next_id();
                self.waiting.insert(id, Waiting::Administration(reply));
                self.shard.handle_administration(now, id, order);
            }
        }
    }

    fn next_id(&mut self) -> CommandId {
        self.next_command = self.next_command.wrapping_add(1);
        CommandId(self.next_command)
    }

    fn drain(&mut self) {
        loop {
            match self.shard.poll_output(&mut self.output) {
                Output::Transmit { to, length } => self.transmit(to, length),
                Output::Persist { ticket, change } => self.storing.store(ticket, change),
                Output::Event(event) => self.event(event),
                Output::Completed { command, result } => self.completed(command, result),
                // The buffer holds the largest datagram of UDP.
                Output::BufferTooSmall { .. } | Output::Idle => break,
            }
        }
    }

    fn transmit(&self, to: Peer, length: usize) {
        let socket = self.sockets.get(usize::from(to.listener));
        let sent = socket.map(|socket| socket.try_send_to(&self.output[..length], to.address));
        match sent {
            Some(Ok(_)) => {
                self.counters.datagrams_out.count();
                self.counters.bytes_out.add(length as u64);
            }
            // Lost like any datagram may be: retransmission is there for it.
            Some(Err(error)) => {
                self.counters.send_failures.count();
                tracing::debug!(%to, %error, "sending failed");
            }
            None => self.counters.send_failures.count(),
        }
    }

    fn event(&mut self, event: shard::Event) {
        let device = |endpoint| Device {
            handle: self.handle.clone(),
            endpoint,
        };
        let event = match event {
            shard::Event::Registered { endpoint } => Event::Registered(device(endpoint)),
            shard::Event::Updated { endpoint } => Event::Updated(device(endpoint)),
            shard::Event::Deregistered { endpoint } => Event::Deregistered(device(endpoint)),
            shard::Event::Expired { endpoint } => Event::Expired(device(endpoint)),
            shard::Event::ObservationStarted { endpoint, path } => Event::ObservationStarted {
                device: device(endpoint),
                path,
            },
            shard::Event::ObservationEnded {
                endpoint,
                path,
                reason,
            } => {
                // Without its sender the receivers end after what they still have.
                self.subscribers.remove(&(Arc::clone(&endpoint), path));
                Event::ObservationEnded {
                    device: device(endpoint),
                    path,
                    reason,
                }
            }
            shard::Event::Notification {
                endpoint,
                path,
                records,
                at,
            } => {
                let key = (Arc::clone(&endpoint), path);
                let notification = Notification {
                    device: device(endpoint),
                    path,
                    records,
                    at,
                };
                if let Some(subscribers) = self.subscribers.get(&key)
                    && subscribers.send(notification.clone()).is_err()
                {
                    self.subscribers.remove(&key);
                }
                Event::Notification(notification)
            }
            shard::Event::StoreFailing { reason } => {
                tracing::error!(%reason, "the store does not take changes: new registrations are refused");
                Event::StoreFailing { reason }
            }
            shard::Event::StoreRecovered => {
                tracing::info!("the store takes changes again");
                Event::StoreRecovered
            }
        };
        // Nobody may be listening.
        let _ = self.events.send(event);
    }

    fn completed(&mut self, command: CommandId, result: Result<Outcome, CommandError>) {
        // Whoever gave the command may have gone away.
        match self.waiting.remove(&command) {
            Some(Waiting::Command(reply)) => {
                let _ = reply.send(result);
            }
            Some(Waiting::Administration(reply)) => {
                // Before the answer, so that whoever has it finds what it has changed.
                self.handle.set_registry(self.shard.registry().clone());
                let _ = reply.send(result);
            }
            Some(Waiting::Observe {
                key,
                reply,
                notifications,
            }) => match result {
                Ok(outcome) => {
                    let _ = reply.send(Ok((outcome, notifications)));
                }
                Err(error) => {
                    drop(notifications);
                    if self
                        .subscribers
                        .get(&key)
                        .is_some_and(|senders| senders.receiver_count() == 0)
                    {
                        self.subscribers.remove(&key);
                    }
                    let _ = reply.send(Err(error));
                }
            },
            None => {}
        }
    }
}
