//! Messages of the crate `coap-lite`, for those who move from it or work with it: `TryFrom` in both directions.
//!
//! ```
//! use coap_lite::{CoapOption, Packet, RequestType};
//! use dunlin_coap::coap_lite::OwnedMessage;
//! use dunlin_coap::{Code, Message};
//!
//! let mut packet = Packet::new();
//! packet.header.code = coap_lite::MessageClass::Request(RequestType::Get);
//! packet.add_option(CoapOption::UriPath, b"temperature".to_vec());
//!
//! let owned = OwnedMessage::try_from(&packet)?;
//! assert_eq!(owned.message().code(), Code::GET);
//! assert!(owned.message().uri_path().eq([b"temperature"]));
//!
//! let message = Message::parse(owned.as_bytes())?;
//! assert_eq!(Packet::try_from(&message)?, packet);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

use core::fmt;
use std::vec;
use std::vec::Vec;

use ::coap_lite::{CoapOption, MessageType, Packet};

use crate::{
    BuildError, Code, Message, MessageBuilder, MessageId, OptionNumber, TokenTooLong, Type,
};

/// A message in memory of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedMessage {
    /// A well-formed message, as it was built here.
    bytes: Vec<u8>,
}

/// Why a packet is not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PacketError {
    /// Its version is not 1 (RFC 7252 §3).
    Version,
    /// Its token is longer than eight bytes (RFC 7252 §3).
    TokenTooLong,
    /// It cannot be written: a value is too long, or an Empty message has a token, options or a payload.
    Build(BuildError),
}

impl OwnedMessage {
    /// The bytes of the message.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The message.
    #[inline]
    #[expect(clippy::expect_used, reason = "the bytes were built as a message")]
    pub fn message(&self) -> Message<'_> {
        Message::parse(&self.bytes).expect("what is built is well formed")
    }

    /// The bytes of the message, to be kept.
    #[inline]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl TryFrom<&Packet> for OwnedMessage {
    type Error = PacketError;

    /// Writes a packet.
    fn try_from(packet: &Packet) -> Result<Self, PacketError> {
        if packet.header.get_version() != 1 {
            return Err(PacketError::Version);
        }
        let message_type = match packet.header.get_type() {
            MessageType::Confirmable => Type::Confirmable,
            MessageType::NonConfirmable => Type::NonConfirmable,
            MessageType::Acknowledgement => Type::Acknowledgement,
            MessageType::Reset => Type::Reset,
        };
        let token = packet
            .get_token()
            .try_into()
            .map_err(|TokenTooLong| PacketError::TokenTooLong)?;
        // Five bytes are the largest header of an option (RFC 7252 §3.1).
        let options: usize = packet
            .options()
            .flat_map(|(_, values)| values.iter().map(|value| value.len().saturating_add(5)))
            .fold(0, usize::saturating_add);
        let len = packet
            .payload
            .len()
            .saturating_add(options)
            .saturating_add(13);
        let mut bytes = vec![0; len];
        let mut builder = MessageBuilder::new(
            &mut bytes,
            message_type,
            Code(packet.header.code.into()),
            MessageId(packet.header.message_id),
            token,
        );
        for (number, values) in packet.options() {
            for value in values {
                builder.option(OptionNumber(*number), value);
            }
        }
        builder.payload(&packet.payload);
        let len = builder.finish().map_err(PacketError::Build)?.len();
        bytes.truncate(len);
        Ok(Self { bytes })
    }
}

impl TryFrom<&Message<'_>> for Packet {
    type Error = TokenTooLong;

    /// Copies a message; a token of more than eight bytes (RFC 8974) is beyond `coap-lite`.
    fn try_from(message: &Message<'_>) -> Result<Self, TokenTooLong> {
        if message.token_bytes().len() > crate::Token::MAX_LEN {
            return Err(TokenTooLong);
        }
        let mut packet = Self::new();
        packet.header.set_type(match message.message_type() {
            Type::Confirmable => MessageType::Confirmable,
            Type::NonConfirmable => MessageType::NonConfirmable,
            Type::Acknowledgement => MessageType::Acknowledgement,
            Type::Reset => MessageType::Reset,
        });
        packet.header.code = message.code().0.into();
        packet.header.message_id = message.id().0;
        packet.set_token(message.token_bytes().to_vec());
        for (number, value) in message.options() {
            packet.add_option(CoapOption::from(number.0), value.to_vec());
        }
        packet.payload = message.payload().to_vec();
        Ok(packet)
    }
}

impl fmt::Display for PacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version => f.write_str("CoAP version is not 1"),
            Self::TokenTooLong => TokenTooLong.fmt(f),
            Self::Build(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for PacketError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn packets_that_are_no_message() {
        let refused = |change: fn(&mut Packet)| {
            let mut packet = Packet::new();
            change(&mut packet);
            OwnedMessage::try_from(&packet).unwrap_err()
        };
        let version = refused(|packet| packet.header.set_version(2));
        assert_eq!(version, PacketError::Version);
        let token = refused(|packet| packet.set_token(vec![0; 9]));
        assert_eq!(token, PacketError::TokenTooLong);
        let empty = refused(|packet| {
            packet.header.code = 0.into();
            packet.payload = vec![1];
        });
        assert_eq!(empty, PacketError::Build(BuildError::EmptyWithContent));
        let value = refused(|packet| packet.add_option(CoapOption::ETag, vec![0; 65_805]));
        assert_eq!(value, PacketError::Build(BuildError::ValueTooLong));
    }

    #[test]
    fn extended_tokens_are_refused() {
        let mut buffer = [0; 32];
        let (id, code) = (MessageId(1), Code::GET);
        let bytes = MessageBuilder::new_extended(&mut buffer, Type::Confirmable, code, id, &[0; 9])
            .finish()
            .unwrap();
        let message = Message::parse_extended(bytes).unwrap();
        assert_eq!(Packet::try_from(&message), Err(TokenTooLong));
    }

    #[test]
    fn every_code_and_type_comes_back() {
        for code in 1..=255_u8 {
            for first in [0x40, 0x50, 0x60, 0x70] {
                let bytes = [first, code, 0xab, 0xcd];
                let packet = Packet::try_from(&Message::parse(&bytes).unwrap()).unwrap();
                assert_eq!(OwnedMessage::try_from(&packet).unwrap().as_bytes(), bytes);
            }
        }
    }

    proptest! {
        #[test]
        fn messages_go_there_and_back(
            token in prop::collection::vec(any::<u8>(), 0..=8),
            options in prop::collection::vec((any::<u16>(), prop::collection::vec(any::<u8>(), 0..300)), 0..8),
            payload in prop::collection::vec(any::<u8>(), 0..50),
        ) {
            let mut options = options;
            options.sort_by_key(|(number, _)| *number);
            let mut buffer = vec![0; 4096];
            let token = (&token[..]).try_into().unwrap();
            let mut builder = MessageBuilder::new(
                &mut buffer, Type::NonConfirmable, Code::POST, MessageId(7), token,
            );
            for (number, value) in &options {
                builder.option(OptionNumber(*number), value);
            }
            let bytes = builder.payload(&payload).finish().unwrap();
            let packet = Packet::try_from(&Message::parse(bytes).unwrap()).unwrap();
            let owned = OwnedMessage::try_from(&packet).unwrap();
            prop_assert_eq!(owned.as_bytes(), bytes);
            prop_assert_eq!(owned.message().payload(), payload);
            prop_assert_eq!(packet.to_bytes_unlimited().unwrap(), owned.into_bytes());
        }
    }
}
