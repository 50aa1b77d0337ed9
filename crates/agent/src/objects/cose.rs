//! Object 23, LwM2M COSE.

use heapless::String;

use super::SecretText;
use crate::Object;

/// Object 23, LwM2M COSE: a key for payloads that are protected themselves (RFC 9052).
///
/// It stands in a set as `Instances<Cose, …>`. Only a Bootstrap-Server writes it: the agent answers every operation of
/// other servers on `/23` with 4.01, and does not list it. The agent itself protects no payload so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Object)]
#[object(id = 23, create)]
pub struct Cose {
    /// The key's identifier (resource 0).
    #[resource(0, bootstrap)]
    pub key_id: String<32>,
    /// The AEAD algorithm by its number in COSE (resource 1).
    #[resource(1, bootstrap, type = integer)]
    pub aead_algorithm: i16,
    /// The key (resource 2).
    #[resource(2, bootstrap)]
    pub key: SecretText<64>,
}
