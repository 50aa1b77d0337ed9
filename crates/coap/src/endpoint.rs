//! A ready endpoint for devices: what goes in and comes out of [`Endpoint`](crate::Endpoint).

mod client;
mod config;
mod core;
pub(crate) mod device;
mod exchange;
mod fresh;
mod input;
mod key;
mod notify;
mod output;
mod part;
mod peers;
mod server;
mod splice;
mod transmit;
mod upload;

pub use config::Config;
pub use device::Write;
pub use exchange::ExchangeId;
pub use input::{Input, Request, Response};
pub use output::{Event, Failure, Output, RequestError, Transmit};
pub use server::Deferred;
pub use upload::Upload;
