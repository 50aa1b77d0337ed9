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

#[cfg(test)]
mod smoke {
    use crate::*;

    #[test]
    fn builds_what_it_parses() {
        let mut buffer = [0; 64];
        let bytes = MessageBuilder::new(
            &mut buffer,
            Type::Confirmable,
            Code::GET,
            MessageId(0x1234),
            Token::from([0xa1, 0xb2, 0xc3, 0xd4]),
        )
        .observe(0)
        .path(["3", "0"])
        .accept(11542)
        .finish()
        .unwrap();
        // The GET of the benchmark.
        assert_eq!(
            bytes,
            [
                0x44, 0x01, 0x12, 0x34, 0xa1, 0xb2, 0xc3, 0xd4, 0x60, 0x51, 0x33, 0x01, 0x30, 0x62,
                0x2d, 0x16
            ]
        );
        let message = Message::parse(bytes).unwrap();
        assert_eq!(message.kind(), Kind::Request);
        assert_eq!(message.observe(), Some(0));
        assert_eq!(message.accept(), Some(11542));
        assert!(message.uri_path().eq([b"3", b"0"]));
        assert_eq!(message.options().count(), 4);
    }
}
