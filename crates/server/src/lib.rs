//! HTTP API, portal and configuration of the Dunlin manager.
//!
//! This crate is the face of a manager towards people and programs: the HTTP API under `/api/v1` with its `OpenAPI`
//! document, server-sent events, metrics, the health check, and a portal of a few pages. It holds no device state: handlers
//! translate HTTP to calls of [`dunlin_manager`] and back. It is not the place for the protocol, which the manager speaks.
//!
//! - [`api`]: the JSON bodies, for the server and for clients in Rust.
//! - [`config`]: the configuration of the program.
//! - [`auth`]: the API token.
//! - [`Server`]: the server itself.
//!
//! ```no_run
//! use dunlin_manager::Manager;
//! use dunlin_server::Server;
//!
//! # async fn example() -> Result<(), Box<dyn core::error::Error>> {
//! let manager = Manager::builder().listen("coap://127.0.0.1:5683")?.start().await?;
//! let server = Server::builder(manager.clone()).listen(([127, 0, 0, 1], 8080).into()).start().await?;
//! println!("http://{}", server.local_address());
//! // …until it should end:
//! server.shutdown().await;
//! manager.shutdown().await;
//! # Ok(())
//! # }
//! ```

pub mod api;
pub mod auth;
pub mod config;

mod convert;
mod extract;
mod guard;
mod portal;
mod problem;
mod routes;
mod server;
mod state;
mod tree;

pub use server::{Builder, Server, ServerError};
