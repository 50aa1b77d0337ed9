//! What an agent is told once, at its making.

use dunlin_coap::{Parameters, block::BlockSize};
use dunlin_codec::ContentFormat;
#[cfg(feature = "other-transports")]
use dunlin_lwm2m::Binding;
use dunlin_lwm2m::LwM2mVersion;
use dunlin_model::ObjectId;

/// Profile IDs (1.2), and the objects whose links a server that knows them does without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "profile"),
    expect(unreachable_pub, reason = "exported with the feature")
)]
pub struct Profile<'a> {
    /// One Profile ID, or several in quotes with commas between.
    pub ids: &'a str,
    /// The objects that they list, with all their instances.
    pub objects: &'a [ObjectId],
}

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
    /// What carries the agent's datagrams; UDP.
    #[cfg(feature = "other-transports")]
    pub binding: Binding,
    /// What stands for the list of objects in a Register of version 1.2; nothing. A server that does not know it (4.09)
    /// gets the list (Core 1.2.2 §6.2.1).
    #[cfg(feature = "profile")]
    pub profile: Option<Profile<'a>>,
    /// Whether a Bootstrap-Server is first asked for all accounts in one pack (Core 1.2.2 §6.1.7.7); no.
    #[cfg(feature = "bootstrap-pack")]
    pub bootstrap_pack: bool,
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
            #[cfg(feature = "other-transports")]
            binding: Binding::U,
            block_size: BlockSize::MAX,
            #[cfg(feature = "profile")]
            profile: None,
            #[cfg(feature = "bootstrap-pack")]
            bootstrap_pack: false,
            parameters: Parameters::DEFAULT,
        }
    }

    /// Registers with Profile IDs in place of the links of some objects, where the version is 1.2: `ids` is one, such as
    /// `v:example-meter-1`, or several in quotes with commas between; `objects` are those that they list.
    #[cfg(feature = "profile")]
    #[must_use]
    pub const fn profile(mut self, ids: &'a str, objects: &'a [ObjectId]) -> Self {
        self.profile = Some(Profile { ids, objects });
        self
    }

    /// Asks a Bootstrap-Server for a pack first, and where that fails goes on with a Bootstrap-Request.
    #[cfg(feature = "bootstrap-pack")]
    #[must_use]
    pub const fn bootstrap_pack(mut self) -> Self {
        self.bootstrap_pack = true;
        self
    }

    /// What to register with in place of a list.
    #[cfg_attr(not(feature = "profile"), allow(clippy::unused_self))]
    pub(crate) const fn chosen_profile(&self) -> Option<Profile<'a>> {
        #[cfg(feature = "profile")]
        return self.profile;
        #[cfg(not(feature = "profile"))]
        return None;
    }

    /// Whether a pack is asked for.
    #[cfg_attr(not(feature = "bootstrap-pack"), allow(clippy::unused_self))]
    pub(crate) const fn asks_for_pack(&self) -> bool {
        #[cfg(feature = "bootstrap-pack")]
        return self.bootstrap_pack;
        #[cfg(not(feature = "bootstrap-pack"))]
        return false;
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

    /// Says what carries the agent's datagrams, where it is not UDP: SMS (`S`) or a non-IP channel (`N`).
    #[cfg(feature = "other-transports")]
    #[must_use]
    pub const fn transport(mut self, binding: Binding) -> Self {
        self.binding = binding;
        self
    }

    /// Sets the transmission parameters of CoAP.
    #[must_use]
    pub const fn parameters(mut self, parameters: Parameters) -> Self {
        self.parameters = parameters;
        self
    }
}
