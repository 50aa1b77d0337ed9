//! A simulated device: drives an agent over a UDP socket on tokio.

use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use core::ops::ControlFlow;
use core::time::Duration;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use dunlin_agent::{Agent, Config, Event, Output, Secure};
use dunlin_coap::time::Instant;
use rand::RngExt as _;
use rand::rngs::StdRng;
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};

use super::climate::Climate;
use super::node::{Node, SERVER};
use super::proof::Proof;
use super::state::{self, Plain, Subject};
use crate::failure::Failure;
use crate::stop;

/// Room for the largest datagram that the agent sends or takes; it writes into one half of it and protects into the other.
const DATAGRAM: usize = 3000;

/// How long a device tries to say goodbye.
const GOODBYE: Duration = Duration::from_secs(3);

/// How long a reboot takes.
const REBOOT: Duration = Duration::from_secs(1);

/// What a device is.
#[derive(Debug, Clone)]
pub(crate) struct Device {
    /// The endpoint name.
    pub(crate) endpoint: Arc<str>,
    /// The server.
    pub(crate) server: SocketAddr,
    /// The server's URI where it is reached over a stream, by TCP or TLS.
    pub(crate) stream: Option<String>,
    /// What it proves itself by over DTLS or TLS; without it there is no security.
    pub(crate) proof: Option<Proof>,
    /// The lifetime of the registration in seconds.
    pub(crate) lifetime: u32,
    /// How often the sensors are read.
    pub(crate) interval: Duration,
    /// The file that it keeps over restarts what it has to in.
    pub(crate) state: Option<PathBuf>,
}

/// What a device tells of itself.
#[derive(Debug)]
pub(crate) struct News {
    /// The endpoint name.
    pub(crate) endpoint: Arc<str>,
    /// What happened.
    pub(crate) event: Event,
}

/// Why a device cannot run.
pub(crate) enum Trouble {
    /// The network.
    Network(io::Error),
    /// Something else.
    Other(Failure),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Network(error)
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Other(failure)
    }
}

/// Why a device's loop ended.
enum Ended {
    Stopped,
    Reboot,
}

impl Device {
    /// Runs until `stopping` turns true, and then leaves the server.
    pub(crate) async fn run(
        self,
        news: mpsc::Sender<News>,
        mut stopping: watch::Receiver<bool>,
    ) -> Result<(), Trouble> {
        let mut rng: StdRng = rand::make_rng();
        let mut climate = Climate::new(&mut rng);
        let charge = rng.random_range(0.0..1.0);
        let begin = tokio::time::Instant::now();
        while let Ended::Reboot =
            Box::pin(self.live(&news, &mut stopping, &mut climate, charge, begin, &mut rng)).await?
        {
            tokio::select! {
                () = tokio::time::sleep(REBOOT) => {}
                () = stop::stopped(&mut stopping) => break,
            }
        }
        Ok(())
    }

    /// From switching on to switching off.
    async fn live(
        &self,
        news: &mpsc::Sender<News>,
        stopping: &mut watch::Receiver<bool>,
        climate: &mut Climate,
        charge: f64,
        begin: tokio::time::Instant,
        rng: &mut StdRng,
    ) -> Result<Ended, Trouble> {
        let scheme = if self.proof.is_some() {
            "coaps"
        } else {
            "coap"
        };
        let datagrams = || format!("{scheme}://{}", self.server);
        let uri = self.stream.clone().unwrap_or_else(datagrams);
        let proof = self.proof.as_ref();
        let node = Node::new(&self.endpoint, &uri, self.lifetime, proof).ok_or_else(|| {
            Failure::new("The server's address, the identity or the key is too long.")
        })?;
        let agent_rng: StdRng = rand::make_rng();
        let agent = Agent::new(node, Config::new(&self.endpoint), agent_rng);
        let agent: Plain<'_> = Secure::new(agent);
        let surroundings = Surroundings {
            news,
            stopping,
            climate,
            charge,
            begin,
            rng,
        };
        match &self.state {
            None if self.stream.is_some() => {
                Box::pin(self.run_over_streams(agent, surroundings)).await
            }
            None => Box::pin(self.drive(agent, surroundings)).await,
            Some(file) => {
                let agent = state::open(agent, file)?;
                if self.stream.is_some() {
                    return Box::pin(self.run_over_streams(agent, surroundings)).await;
                }
                Box::pin(self.drive(agent, surroundings)).await
            }
        }
    }

    /// Has the agent's own runner drive it, which knows connections.
    async fn run_over_streams<'n, A: Subject<'n>>(
        &self,
        agent: A,
        surroundings: Surroundings<'_>,
    ) -> Result<Ended, Trouble> {
        let Surroundings {
            news,
            stopping,
            climate,
            charge,
            begin,
            rng,
        } = surroundings;
        let mut measured = None;
        let mut ended = Ended::Stopped;
        let run = dunlin_agent::tokio::run(agent, |agent: &mut A, event| {
            let seconds = begin.elapsed().as_secs_f64();
            if measured.is_none_or(|last| seconds - last >= self.interval.as_secs_f64()) {
                measured = Some(seconds);
                let celsius = climate.sample(seconds, rng);
                agent
                    .agent()
                    .set(|node| node.measure(celsius, charge, seconds));
            }
            if let Some(trouble) = agent.trouble() {
                tracing::warn!("what is to be kept is not: {trouble}");
            }
            if let Some(event) = event {
                let endpoint = Arc::clone(&self.endpoint);
                // A terminal that is too slow misses some.
                let _ = news.try_send(News { endpoint, event });
                match event {
                    Event::FactoryReset => {
                        agent.forget();
                        ended = Ended::Reboot;
                    }
                    Event::Reboot => ended = Ended::Reboot,
                    _ => {}
                }
            }
            if matches!(ended, Ended::Reboot) || *stopping.borrow() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        run.await
            .map_err(|error| Failure::new(format!("The device cannot run: {error}.")))?;
        Ok(ended)
    }

    /// Drives the agent until it is switched off.
    async fn drive<'n, A: Subject<'n>>(
        &self,
        mut agent: A,
        surroundings: Surroundings<'_>,
    ) -> Result<Ended, Trouble> {
        let Surroundings {
            news,
            stopping,
            climate,
            charge,
            begin,
            rng,
        } = surroundings;
        let socket = connect(self.server).await?;
        let now =
            || Instant::from_millis(u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX));
        agent
            .connect(now(), SERVER, self.server)
            .map_err(io::Error::other)?;
        let mut sample = tokio::time::interval(self.interval);
        sample.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut out, mut datagram) = (vec![0; DATAGRAM], vec![0; DATAGRAM]);
        let mut leaving = false;
        let mut goodbye = core::pin::pin!(tokio::time::sleep(Duration::MAX / 4));
        loop {
            agent.handle_timeout(now());
            loop {
                match agent.poll_output(&mut out) {
                    // A datagram that cannot be sent is a lost one, and the agent sends it again.
                    Output::Transmit { bytes, .. } => _ = socket.send(bytes).await,
                    Output::Event(event) => {
                        let _ = news
                            .send(News {
                                endpoint: Arc::clone(&self.endpoint),
                                event,
                            })
                            .await;
                        match event {
                            Event::Reboot => return Ok(Ended::Reboot),
                            Event::FactoryReset => {
                                agent.forget();
                                return Ok(Ended::Reboot);
                            }
                            Event::Deregistered { .. } if leaving => return Ok(Ended::Stopped),
                            _ => {}
                        }
                    }
                    Output::Idle => break,
                    _ => {}
                }
            }
            if let Some(trouble) = agent.trouble() {
                tracing::warn!("what is to be kept is not: {trouble}");
            }
            let due = agent
                .next_timeout()
                .map(|at| begin + Duration::from_millis(at.as_millis()));
            tokio::select! {
                received = socket.recv(&mut datagram) => {
                    // An error tells that nobody listens there now; the agent finds out by itself.
                    if let Ok(length) = received
                        && let Some(bytes) = datagram.get_mut(..length)
                    {
                        agent.handle_input(now(), self.server, bytes);
                    }
                }
                () = until(due) => {}
                _ = sample.tick() => {
                    let seconds = begin.elapsed().as_secs_f64();
                    let celsius = climate.sample(seconds, rng);
                    agent.agent().set(|node| node.measure(celsius, charge, seconds));
                }
                () = stop::stopped(stopping), if !leaving => {
                    leaving = true;
                    goodbye.as_mut().reset(tokio::time::Instant::now() + GOODBYE);
                    if !agent.is_registered(SERVER) {
                        return Ok(Ended::Stopped);
                    }
                    agent.deregister(SERVER);
                }
                () = &mut goodbye => return Ok(Ended::Stopped),
            }
        }
    }
}

/// What a device lives in.
struct Surroundings<'s> {
    news: &'s mpsc::Sender<News>,
    stopping: &'s mut watch::Receiver<bool>,
    climate: &'s mut Climate,
    charge: f64,
    begin: tokio::time::Instant,
    rng: &'s mut StdRng,
}

/// A socket that talks to the server only.
async fn connect(server: SocketAddr) -> io::Result<UdpSocket> {
    let any: SocketAddr = match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(server).await?;
    Ok(socket)
}

async fn until(due: Option<tokio::time::Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => core::future::pending().await,
    }
}
