//! A device-management agent: an `LwM2M` client for devices without operating system, allocator or panic.
//!
//! The agent is a state machine. It opens no socket, reads no clock and starts no thread: the application hands it
//! datagrams and the time, and asks it what to do. So the same agent runs on a microcontroller, under any runtime, and
//! in a test with a clock of its own. It registers at its servers, keeps the registrations alive, answers what they
//! ask, and notifies what they observe. It bootstraps where it is to, and reaches its servers over UDP, with DTLS where
//! their accounts ask for it (`Secure`, features `psk` and `rpk`).
//!
//! ```
//! use dunlin_agent::objects::{Device, Security, Server, Temperature};
//! use dunlin_agent::{Agent, Config, Duration, Event, Instant, Objects, Output};
//! # use std::{net::UdpSocket, time};
//! # // A server that accepts one registration, then listens no more.
//! # let server = UdpSocket::bind("127.0.0.1:0")?;
//! # let address = server.local_addr()?;
//! # let uri = format!("coap://{address}");
//! # std::thread::spawn(move || {
//! #     let mut request = [0; 512];
//! #     let (_, from) = server.recv_from(&mut request).unwrap();
//! #     let [_, _, id @ .., _, _, _, _] = request.first_chunk::<8>().unwrap();
//! #     let token = &request[4..8];
//! #     server.send_to(&[&[0x64, 0x41], &id[..], token, b"\x82rd\x017"].concat(), from).unwrap();
//! # });
//!
//! #[derive(Objects)]
//! struct Node<'a> {
//!     security: Security<1>,
//!     server: Server<1>,
//!     device: Device<'a>,
//!     temperature: Temperature,
//! }
//!
//! let node = Node {
//!     security: Security::no_sec(1, &uri)?,
//!     server: Server::single(1, 300),
//!     device: Device::new("Dunlin", "Example", "1"),
//!     temperature: Temperature::new("Cel"),
//! };
//! let rng: rand::rngs::StdRng = rand::make_rng();
//! let mut agent = Agent::new(node, Config::new("urn:dev:os:32473-1"), rng);
//!
//! // The loop is the application's: here over a UDP socket, elsewhere over a modem or a radio.
//! let socket = UdpSocket::bind("127.0.0.1:0")?;
//! let start = time::Instant::now();
//! let now = || Instant::from_millis(start.elapsed().as_millis() as u64);
//! agent.connect(now(), 1, address)?;
//! let mut buffer = [0; 1152];
//! 'run: loop {
//!     agent.set(|node| node.temperature.measure(21.5));
//!     agent.handle_timeout(now());
//!     loop {
//!         match agent.poll_output(&mut buffer) {
//!             Output::Transmit { to, bytes } => drop(socket.send_to(bytes, to)?),
//!             Output::Event(Event::Registered { .. }) => break 'run,
//!             Output::Event(event) => println!("{event:?}"),
//!             _ => break,
//!         }
//!     }
//!     let wait = agent.next_timeout().map_or(Duration::from_secs(1), |due| due - now());
//!     socket.set_read_timeout(Some(time::Duration::from_millis(wait.as_millis().clamp(1, 1000))))?;
//!     if let Ok((length, peer)) = socket.recv_from(&mut buffer) {
//!         agent.handle_input(now(), peer, &buffer[..length]);
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! With the feature `std`, `dunlin_agent::std::run` is this loop. With `persistence` and `storage` the agent goes on
//! after a restart where it was (`dunlin_agent::keep`, `dunlin_agent::storage`).
#![no_std]
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation
    )
)]

#[cfg(feature = "std")]
extern crate std as hosted;

// The derives name this crate by its own name.
#[cfg(feature = "derive")]
extern crate self as dunlin_agent;

mod access;
#[cfg(any(feature = "_dtls", feature = "persistence", feature = "tcp"))]
mod account;
mod agent;
mod attributes;
mod bootstrap;
pub mod channel;
mod client;
mod composite;
mod config;
mod content;
#[doc(hidden)]
pub mod derive;
mod doors;
mod engine;
mod error;
mod event;
mod exchange;
mod failure;
mod fallback;
mod features;
mod field;
mod history;
#[cfg(feature = "persistence")]
pub mod keep;
mod links;
mod local;
mod notification;
mod object;
pub mod objects;
mod observation;
mod pack;
mod provision;
mod registration;
mod replay;
mod reply;
mod request;
#[cfg(feature = "std")]
mod runner;
#[cfg(feature = "_dtls")]
mod secure;
mod send;
mod set;
#[cfg(feature = "std")]
pub mod std;
#[cfg(feature = "storage")]
pub mod storage;
#[cfg(feature = "tokio")]
pub mod tokio;
mod trace;
mod upload;
mod uri;
mod write;

pub use agent::{Agent, ConnectError};
pub use config::Config;
#[cfg(feature = "profile")]
pub use config::Profile;
pub use doors::Doors;
pub use error::Error;
pub use event::{Counters, Event, Output};
pub use failure::{Failure, SecurityFailure};
pub use field::{Execute, Field, FieldType, ResourceInstances, ResourceValue, Time};
pub use object::{Collection, CollectionType, Instances, Object, ObjectType};
#[cfg(feature = "_dtls")]
pub use secure::Secure;
#[cfg(feature = "send")]
pub use send::SendError;
pub use set::Objects;
pub use uri::host_and_port;

#[cfg(feature = "derive")]
pub use dunlin_macros::{Object, Objects};

pub use dunlin_coap::time::{Duration, Instant};
pub use dunlin_coap::{Code, Parameters, block::BlockSize};
pub use dunlin_codec::ContentFormat;
#[cfg(feature = "other-transports")]
pub use dunlin_lwm2m::Binding;
pub use dunlin_lwm2m::{Arguments, LwM2mVersion};
/// Identifiers, definitions and values, for objects of one's own.
pub use dunlin_model as model;
/// Text and lists without an allocator, as the fields of objects have them.
pub use heapless;
/// The traits of random number generators.
pub use rand_core;
