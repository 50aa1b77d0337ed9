// What `secured` measures and `wired` runs: a device with three objects, and its agent behind DTLS.

use dunlin_agent::objects::{Device, Security, Server};
use dunlin_agent::{Objects, Secure};
use dunlin_firmware::{Generator, Peer};

#[derive(Objects)]
pub(crate) struct Node {
    pub(crate) security: Security<1>,
    pub(crate) server: Server<1>,
    pub(crate) device: Device<'static>,
}

pub(crate) type Secured = Secure<'static, Node, Peer, Generator>;

pub(crate) const IDENTITY: &[u8; 9] = b"urn:dev:1";
pub(crate) const KEY: &[u8; 16] = b"0123456789abcdef";
