//! Block-wise transfer: a body in several messages (RFC 7959, RFC 9175 §3, RFC 8323 §6).
//!
//! A client makes a [`Transfer`] of each operation and asks it for requests until it is done. A server takes long
//! requests with a [`BlockReceiver`] for each [`TransferKey`] of a peer, or each block for itself with
//! [`Received::alone`], and cuts what each request asks for out of a [`Body`] with [`Outgoing`], which needs no state.

mod body;
mod key;
mod option;
mod options;
mod outgoing;
pub mod qblock;
mod receiver;
mod request_tag;
mod sender;
#[cfg(test)]
mod tests;
mod transfer;

pub use body::{Body, FromFn};
pub use key::TransferKey;
pub use option::{Block, BlockError, BlockSize};
pub use options::BlockOptions;
pub use outgoing::Outgoing;
pub use receiver::{BlockReceiver, Next, ReceiveError, Received};
pub use request_tag::{Protection, Tag, Tags};
pub use sender::{BlockSender, SendError, Sent};
pub use transfer::{Step, Transfer, TransferError, TransferRequest};
