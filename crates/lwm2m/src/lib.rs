//! What an `LwM2M` client and server must agree on, whichever of the two one is: the parameters of the Registration
//! interface and the mapping of every Device Management and Information Reporting operation to a `CoAP` request and
//! back (OMA LwM2M Core 1.2.2 §6, Transport 1.2.2 §6.4).
//!
//! The crate has no state: retransmission, block-wise transfer and observation life cycles stand in `dunlin-coap`,
//! what a registration or a resource *is* stands in `dunlin-manager` and `dunlin-agent`.
//!
//! | The client sends | read by | written by |
//! |---|---|---|
//! | Register, Update, De-register | [`Uplink::from_message`] | [`Register::write`], [`Update::write`]; a De-register has its Uri-Path alone |
//!
//! | The server sends | read by | written by |
//! |---|---|---|
//! | Read, Discover, Write, Write-Attributes, Execute, Create, Delete, Observe, Cancel, and those of several nodes | [`Operation::from_request`] | [`Operation::write`] |
//! | the operations of bootstrap | [`BootstrapOperation::from_request`] | [`BootstrapOperation::write`] |
//!
//! ```
//! use dunlin_coap::{Code, Message, MessageBuilder, MessageId, Token, Type};
//! use dunlin_lwm2m::{LwM2mVersion, Register, Uplink};
//!
//! let mut buffer = [0; 128];
//! let register = Register::new("urn:dev:os:1-7", 300, LwM2mVersion::V1_1);
//! let mut builder = MessageBuilder::new(&mut buffer, Type::Confirmable, Code::POST, MessageId(7), Token::EMPTY);
//! register.write(&mut builder);
//! let bytes = builder.payload(b"</1/0>,</3/0>").finish().unwrap();
//!
//! let message = Message::parse(bytes).unwrap();
//! let Ok(Uplink::Register(read)) = Uplink::from_message(&message) else { panic!() };
//! assert_eq!(read.endpoint, Some("urn:dev:os:1-7"));
//! assert_eq!(read.lifetime, 300);
//! ```
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

mod arguments;
mod attributes;
mod binding;
mod bootstrap;
mod error;
mod operation;
mod query;
mod registration;
mod request;
mod uplink;
mod version;

pub use arguments::{Argument, Arguments, ArgumentsError};
pub use binding::Binding;
pub use bootstrap::{BootstrapOperation, write_bootstrap_pack_request, write_bootstrap_request};
pub use error::RequestError;
pub use operation::{Operation, WriteMode, write_path};
pub use registration::{DEFAULT_LIFETIME, Register, Update, check_endpoint};
pub use request::{OperationKind, OperationParts};
pub use uplink::Uplink;
pub use version::LwM2mVersion;
