//! What a server holds at most.

use core::time::Duration;

use crate::Parameters;
use crate::block::BlockSize;

/// Bounds of what one worker of a server holds, and its times.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) parameters: Parameters,
    /// The greatest body of a request.
    pub(crate) max_body: usize,
    /// How many bodies may be arriving.
    pub(crate) uploads: usize,
    /// How many bytes of them may be held together.
    pub(crate) upload_bytes: usize,
    /// How many handlers may be at work.
    pub(crate) tasks: usize,
    /// Whether clients must show that they are where they say.
    pub(crate) validate: bool,
    /// How many observers there may be.
    pub(crate) observers: usize,
    /// How many Confirmable messages may be waiting for their Acknowledgement.
    pub(crate) outgoing: usize,
    /// The greatest block that is sent and asked for.
    pub(crate) block_size: BlockSize,
    /// The memory for the answers to duplicates, in bytes.
    pub(crate) duplicates: usize,
    /// How many connections there may be.
    pub(crate) connections: usize,
    /// How many requests of one connection may be at work; more are not read.
    pub(crate) stream_requests: usize,
    /// After this time the Empty Acknowledgement goes before the response.
    pub(crate) acknowledge_after: Duration,
    /// After this time a handler is given up.
    pub(crate) handler_timeout: Duration,
}

impl Limits {
    pub(crate) const DEFAULT: Self = Self {
        parameters: Parameters::DEFAULT,
        max_body: 1 << 20,
        uploads: 256,
        upload_bytes: 16 << 20,
        tasks: 4096,
        validate: false,
        observers: 1024,
        outgoing: 4096,
        block_size: BlockSize::B1024,
        duplicates: 4 << 20,
        connections: 1024,
        stream_requests: 64,
        // Well below ACK_TIMEOUT, after which the client would send again (RFC 7252 §5.2.2).
        acknowledge_after: Duration::from_millis(500),
        handler_timeout: Duration::from_secs(90),
    };
}
