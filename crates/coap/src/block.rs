//! Block-wise transfer: a body in several messages (RFC 7959).

mod option;
mod receiver;
mod sender;
#[cfg(test)]
mod tests;

pub use option::{Block, BlockError, BlockSize};
pub use receiver::{BlockReceiver, Next, ReceiveError, Received};
pub use sender::{BlockSender, Outgoing, SendError};
