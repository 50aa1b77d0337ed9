//! Block-wise transfer: a body in several messages (RFC 7959).

mod option;

pub use option::{Block, BlockError, BlockSize};
