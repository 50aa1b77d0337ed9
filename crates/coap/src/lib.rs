//! CoAP messages and the parts of a CoAP message engine: `no_std`, no allocator, sans-IO.
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

#[cfg(test)]
extern crate std;

pub mod block;
mod builder;
mod code;
mod duplicates;
mod header;
mod ids;
mod message;
pub mod observe;
mod option_number;
mod options;
mod parameters;
pub mod request;
pub mod time;
mod transmission;

pub use builder::{BuildError, MessageBuilder};
pub use code::Code;
pub use duplicates::{AnswerTooLong, DuplicateWindow, Seen};
pub use header::{MessageId, Token, TokenTooLong, Type, empty_ack, reset};
pub use ids::{MessageIds, Tokens};
pub use message::{Kind, Message, ParseError, ParseErrorKind};
pub use option_number::{Definition, Format, OptionNumber};
pub use options::{Options, Values, decode_uint};
pub use parameters::Parameters;
pub use transmission::{Retry, Transmission};
