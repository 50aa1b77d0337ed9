//! What an agent is told once, at its making.

use dunlin_coap::{Parameters, block::BlockSize};
use dunlin_codec::ContentFormat;
use dunlin_lwm2m::LwM2mVersion;

/// What an agent is told at its making. What may change later stands in its objects.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config<'a> {
    /// The endpoint name, 1 to 252 bytes, such as `urn:dev:os:32473-1234` (Core 1.2.2 §6.2.1).
    pub endpoint: &'a str,
    /// The version to register with; 1.1.
    pub version: LwM2mVersion,
    /// Whether the server is to keep requests while the device sleeps (Transport 1.2.2 §6.5); no. It is the
    /// application that sleeps: the agent is awake as long as its doors are used.
    pub queue_mode: bool,
    /// The format of an answer to a request without Accept; SenML CBOR, and TLV with version 1.0.
    pub format: ContentFormat,
    /// The largest payload in one message; what is longer goes block by block (RFC 7959). 1024 bytes.
    pub block_size: BlockSize,
    /// The transmission parameters of CoAP (RFC 7252 §4.8).
    pub parameters: Parameters,
}

impl<'a> Config<'a> {
    /// The defaults for a device with this endpoint name.
    pub const fn new(endpoint: &'a str) -> Self {
        Self {
            endpoint,
            version: LwM2mVersion::V1_1,
            queue_mode: false,
            format: ContentFormat::SENML_CBOR,
            block_size: BlockSize::MAX,
            parameters: Parameters::DEFAULT,
        }
    }

    /// Registers with another version; 1.0 comes with TLV as the format of answers.
    #[must_use]
    pub const fn version(mut self, version: LwM2mVersion) -> Self {
        self.version = version;
        self.format = match version {
            LwM2mVersion::V1_0 => ContentFormat::TLV,
            _ => ContentFormat::SENML_CBOR,
        };
        self
    }

    /// Asks the server to keep requests while the device sleeps.
    #[must_use]
    pub const fn queue_mode(mut self) -> Self {
        self.queue_mode = true;
        self
    }

    /// Sets the largest payload in one message.
    #[must_use]
    pub const fn block_size(mut self, size: BlockSize) -> Self {
        self.block_size = size;
        self
    }

    /// Sets the transmission parameters of CoAP.
    #[must_use]
    pub const fn parameters(mut self, parameters: Parameters) -> Self {
        self.parameters = parameters;
        self
    }
}
