//! A client and a server on tokio, over UDP, TCP and WebSockets.
//!
//! Everything else in this crate is parts without sockets and clocks; here they are put together. [`Client`] makes
//! requests and observes, [`Server`] answers by routes. Both do retransmission, duplicate detection, block-wise
//! transfer and observation by themselves, within bounds.

mod client;
mod clock;
mod confirmables;
mod error;
mod ids;
mod response;
mod server;
mod stream;
mod udp;
#[cfg(feature = "websocket")]
mod websocket;

pub use client::{Client, ClientBuilder, Download, Observation, RequestBuilder};
pub use error::Error;
pub use response::{LINK_FORMAT, Response, TEXT_PLAIN};
pub use server::{
    Notifier, Request, Route, Server, ServerBuilder, Upload, UploadAborted, delete, delete_sync,
    fetch, fetch_sync, get, get_sync, ipatch, ipatch_sync, patch, patch_sync, post, post_sync, put,
    put_sync, put_upload,
};
