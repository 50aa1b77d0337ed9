//! What an owner may choose.

use dunlin_time::Duration;

use crate::cid::ConnectionId;
use crate::suite::CipherSuite;

/// How a handshake is done.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// The cipher suites to offer or to choose from, the preferred one first.
    pub suites: &'static [CipherSuite],
    /// How long the first answer is waited for before a flight is sent again, doubled each time.
    ///
    /// 9 seconds by default, for devices that need seconds to reckon (RFC 7925 §11).
    pub initial_timeout: Duration,
    /// The longest wait between two transmissions; 60 seconds by default (RFC 6347 §4.2.4.1).
    pub longest_timeout: Duration,
    /// How often a flight is sent at most before the handshake fails; 6 by default, which takes 5 minutes.
    pub transmissions: u8,
    /// The most bytes of a datagram with handshake messages; 1152 by default. It is lowered by itself when a flight gets
    /// no answer (RFC 6347 §4.1.1.1).
    pub mtu: u16,
    /// Whether a peer without the extended master secret is refused (RFC 7925 §16); it is by default.
    pub require_extended_master_secret: bool,
    /// What the peer is to put into its records, so that it may change its address (RFC 9146): by default nothing, while
    /// we put the peer's into ours. `None` does not speak of connection ids at all.
    pub connection_id: Option<ConnectionId>,
    /// The most bytes of plaintext that the peer may put into a record, from 64 on (RFC 8449): tells the peer how small
    /// our buffers are. By default nothing is said.
    pub record_size_limit: Option<u16>,
    /// A client's request for smaller records, from servers that do not know [`record_size_limit`](Self::record_size_limit)
    /// (RFC 6066 §4). By default nothing is said. A server grants what a client asks.
    pub max_fragment_length: Option<MaxFragmentLength>,
    /// Whether a client offers the protocol `coap` (RFC 7301); a server takes it when it is offered. By default not.
    pub offers_coap: bool,
    /// Whether a client with the feature `ticket` asks for session tickets and offers those that it has (RFC 5077); without,
    /// it resumes sessions by their ids, and only while the server keeps them.
    pub offers_tickets: bool,
    /// Whether a server asks the client for its public key or certificate, where the suite has some.
    pub client_authentication: ClientAuthentication,
}

/// Whether a server wants to know who a client is, where the cipher suite uses certificates or public keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// It does not ask.
    None,
    /// It asks, and goes on without.
    Optional,
    /// It asks and insists: an LwM2M server knows all its clients.
    Required,
}

/// The lengths of RFC 6066 §4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaxFragmentLength {
    /// 512 bytes.
    Bytes512 = 1,
    /// 1024 bytes.
    Bytes1024 = 2,
    /// 2048 bytes.
    Bytes2048 = 3,
    /// 4096 bytes.
    Bytes4096 = 4,
}

impl MaxFragmentLength {
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Bytes512 => 1,
            Self::Bytes1024 => 2,
            Self::Bytes2048 => 3,
            Self::Bytes4096 => 4,
        }
    }

    /// The length in bytes that a number on the wire stands for.
    pub(crate) const fn bytes(number: u8) -> Option<u16> {
        match number {
            1 => Some(512),
            2 => Some(1024),
            3 => Some(2048),
            4 => Some(4096),
            _ => None,
        }
    }
}

impl Config {
    /// The profile of RFC 7925.
    pub const DEFAULT: Self = Self {
        suites: CipherSuite::SUPPORTED,
        initial_timeout: Duration::from_secs(9),
        longest_timeout: Duration::from_secs(60),
        transmissions: 6,
        mtu: 1152,
        require_extended_master_secret: true,
        connection_id: Some(ConnectionId::EMPTY),
        record_size_limit: None,
        max_fragment_length: None,
        offers_coap: false,
        offers_tickets: true,
        client_authentication: ClientAuthentication::Required,
    };
}

impl Default for Config {
    fn default() -> Self {
        Self::DEFAULT
    }
}
