// What `sized` measures and `scripted` talks to: a device with three objects, and its agent.

use dunlin_agent::objects::{Device, Security, Server};
use dunlin_agent::{Agent, Objects};
use dunlin_firmware::{Generator, Peer};

#[derive(Objects)]
pub(crate) struct Node {
    pub(crate) security: Security<1>,
    pub(crate) server: Server<1>,
    pub(crate) device: Device<'static>,
}

/// How many observations there may be.
const OBSERVATIONS: usize = if cfg!(feature = "plain") { 8 } else { 0 };

/// Answers of 384 bytes in all are remembered, and a payload in blocks has at most 512.
pub(crate) type Sized = Agent<'static, Node, Peer, Generator, 1, OBSERVATIONS, 384, 512>;
