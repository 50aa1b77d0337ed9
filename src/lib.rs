//! Dunlin, an LwM2M device-management stack: one protocol core without allocator or standard library, shared by an
//! *agent* for small devices and a *manager* for large fleets.
//!
//! This crate only gathers the others under one name; each can be used alone.
//!
//! | Module | For | Feature |
//! |---|---|---|
//! | [`model`] | identifiers, paths, values, object definitions | |
//! | [`codec`] | payload formats | |
//! | [`coap`] | messages and the parts of a message engine | |
//! | [`lwm2m`] | registration parameters and operations | |
//! | `agent` | the DM agent (client), sans-IO | `agent`; its runners: `agent-std`, `agent-tokio`; kept over restarts: `agent-storage` |
//! | `manager` | the DM manager (server) on tokio | `manager` |
//! | `server` | HTTP API and portal over the manager | `server` |
//!
//! The program `dunlin` is the package `dunlin-cli`.
#![no_std]

pub use dunlin_coap as coap;
pub use dunlin_codec as codec;
pub use dunlin_lwm2m as lwm2m;
pub use dunlin_model as model;

#[cfg(feature = "agent")]
pub use dunlin_agent as agent;
#[cfg(feature = "manager")]
pub use dunlin_manager as manager;
#[cfg(feature = "server")]
pub use dunlin_server as server;

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
