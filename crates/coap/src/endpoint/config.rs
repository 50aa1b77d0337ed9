//! What an endpoint is told once.

use crate::block::BlockSize;
use crate::observe::Policy;
use crate::{OptionNumber, Parameters};

/// What an [`Endpoint`](crate::Endpoint) is told once.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// The transmission parameters towards every peer. Default: those of RFC 7252 §4.8.
    pub parameters: Parameters,
    /// The critical options that the owner understands in requests and in responses. What is not among them is refused
    /// with 4.02 Bad Option before the owner sees it (RFC 7252 §5.4.1). Default: [`Config::usual_options`].
    pub known: fn(OptionNumber) -> bool,
    /// The greatest block to send and to ask for. Default: 64 bytes, which every network carries.
    pub block_size: BlockSize,
    /// How our observers are notified. Default: [`Policy::NON_CONFIRMABLE`].
    pub notify: Policy,
    /// Whether the retransmission timeout of each peer follows its round-trip times (see
    /// [`RtoEstimator`](crate::RtoEstimator)), for as many peers as there is room. Default: no.
    pub measure_rto: bool,
    /// Whether a GET or FETCH from an address that was not validated gets a 4.01 with an Echo value in place of a
    /// response of more than three times its size (RFC 9175 §2.4 item 3); only where there is room for `PEERS`.
    /// Default: no.
    pub limit_amplification: bool,
}

impl Config {
    /// The values that each field names as its default.
    pub const DEFAULT: Self = Self {
        parameters: Parameters::DEFAULT,
        known: Self::usual_options,
        block_size: BlockSize::B64,
        notify: Policy::NON_CONFIRMABLE,
        measure_rto: false,
        limit_amplification: false,
    };

    /// Uri-Host, Uri-Port, Uri-Path, Uri-Query, Accept, Block1 and Block2.
    pub const fn usual_options(number: OptionNumber) -> bool {
        matches!(
            number,
            OptionNumber::URI_HOST
                | OptionNumber::URI_PORT
                | OptionNumber::URI_PATH
                | OptionNumber::URI_QUERY
                | OptionNumber::ACCEPT
                | OptionNumber::BLOCK1
                | OptionNumber::BLOCK2
        )
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::DEFAULT
    }
}
