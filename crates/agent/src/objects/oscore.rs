//! Object 21, OSCORE.

use heapless::Vec;

use super::SecretBytes;
use crate::Object;

/// Object 21, OSCORE: what protects the messages with a server (RFC 8613), whose account in the Security object names the
/// instance.
///
/// It stands in a set as `Instances<Oscore, …>`. Only a Bootstrap-Server writes it: the agent answers every operation of
/// other servers on `/21` with 4.01, and does not list it. The agent itself speaks no OSCORE.
#[derive(Clone, Default, PartialEq, Eq, Object)]
#[object(id = 21, version = "2.0", create)]
pub struct Oscore {
    /// The Master Secret (resource 0).
    #[resource(0, bootstrap)]
    pub master_secret: SecretBytes<32>,
    /// The Sender ID of the client (resource 1).
    #[resource(1, bootstrap)]
    pub sender_id: Vec<u8, 7>,
    /// The Recipient ID of the client (resource 2).
    #[resource(2, bootstrap)]
    pub recipient_id: Vec<u8, 7>,
    /// The AEAD algorithm by its number in COSE; AES-CCM-16-64-128, 10, when absent (resource 3).
    #[resource(3, bootstrap, type = integer)]
    pub aead_algorithm: Option<i16>,
    /// The HMAC algorithm by its number in COSE; HMAC with SHA-256, 5, when absent (resource 4).
    #[resource(4, bootstrap, type = integer)]
    pub hmac_algorithm: Option<i16>,
    /// The Master Salt (resource 5).
    #[resource(5, bootstrap)]
    pub master_salt: Option<Vec<u8, 16>>,
    /// The ID Context (resource 6).
    #[resource(6, bootstrap)]
    pub id_context: Option<Vec<u8, 16>>,
}

impl core::fmt::Debug for Oscore {
    /// The algorithms alone: the rest is secret, or tells whom the device talks to.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Oscore")
            .field("aead_algorithm", &self.aead_algorithm)
            .field("hmac_algorithm", &self.hmac_algorithm)
            .finish_non_exhaustive()
    }
}
