//! What the firmware's programs share: a device with its objects, and its agent.
#![no_std]
#![forbid(unsafe_code)]

use core::convert::Infallible;

// The vector table of this chip: without it there would be one for any chip, with 240 interrupts.
use lm3s6965 as _;

#[cfg(feature = "talking")]
use dunlin_agent::objects::{Device, Security, Server, Temperature};
#[cfg(feature = "talking")]
use dunlin_agent::{Agent, Config, Objects};
use rand_core::{TryCryptoRng, TryRng};

/// The endpoint name that the device registers under.
pub const ENDPOINT: &str = "urn:dev:ops:32473-firmware-1";
/// The short server id of the only server.
pub const SERVER: u16 = 1;

/// The objects of this device.
#[cfg(feature = "talking")]
#[derive(Objects)]
pub struct Node {
    security: Security<1>,
    server: Server<1>,
    device: Device<'static>,
    /// The sensor.
    pub temperature: Temperature,
}

/// The address of a peer where there is only one.
pub type Peer = u8;

/// The agent of this device, whose peers have addresses of this kind.
#[cfg(feature = "talking")]
pub type FirmwareAgent<P> = Agent<'static, Node, P, Generator>;

/// A new agent with the objects of this device, for a server at `uri`, of up to 96 bytes.
#[cfg(feature = "talking")]
pub fn agent<P: Copy + Eq>(seed: u32, uri: &str) -> FirmwareAgent<P> {
    let node = Node {
        security: Security::no_sec(SERVER, uri).unwrap_or_default(),
        server: Server::single(SERVER, 300),
        device: Device::new("Dunlin", "LM3S6965", "1"),
        temperature: Temperature::new("Cel"),
    };
    Agent::new(node, Config::new(ENDPOINT), Generator::new(seed))
}

/// Stands for the random number generator of a real chip: xorshift, which is no secret from anyone.
pub struct Generator(u32);

impl Generator {
    /// A generator whose numbers follow from `seed`.
    pub fn new(seed: u32) -> Self {
        Self(seed | 1)
    }
}

/// Only as far as a simulation goes: a real device takes its numbers from hardware.
impl TryCryptoRng for Generator {}

impl TryRng for Generator {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        Ok(self.0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let high = u64::from(self.try_next_u32()?) << 32;
        Ok(high | u64::from(self.try_next_u32()?))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(4) {
            let random = self.try_next_u32()?.to_le_bytes();
            for (byte, random) in chunk.iter_mut().zip(random) {
                *byte = random;
            }
        }
        Ok(())
    }
}
