//! A request's body that arrives in blocks.

use super::{Config, Request};
use crate::Code;
use crate::block::{BlockReceiver, ReceiveError, Received, TransferKey};
use crate::time::Instant;

/// The place in one body that clients send, block by block, to one resource; kept by the owner of the resource.
///
/// See [`Endpoint::receive`](crate::Endpoint::receive).
#[derive(Clone, Copy, Debug)]
pub struct Upload<P> {
    receiver: BlockReceiver,
    /// Who sends it and what it is to become, and until when the next block is waited for.
    begun: Option<(P, TransferKey, Instant)>,
}

impl<P> Upload<P> {
    /// Nothing has begun.
    pub const fn new() -> Self {
        Self {
            receiver: BlockReceiver::new(),
            begun: None,
        }
    }
}

impl<P> Default for Upload<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Copy + Eq> Upload<P> {
    pub(super) fn take(
        &mut self,
        now: Instant,
        request: &Request<'_, P>,
        capacity: usize,
        seed: u64,
        config: &Config,
    ) -> Result<Received, Code> {
        let key = TransferKey::new(request, [seed, !seed]);
        match self.begun.filter(|(.., until)| now < *until) {
            Some((peer, ..)) if peer != request.peer() => return Err(Code::SERVICE_UNAVAILABLE),
            Some((_, of, _)) if of == key => {}
            // What had begun is too old, or its sender has turned to something else.
            _ => self.receiver.reset(),
        }
        let result = self.receiver.request(request, capacity, config.block_size);
        let until = now.saturating_add(config.parameters.exchange_lifetime());
        let goes_on = self.receiver.is_receiving();
        self.begun = goes_on.then_some((request.peer(), key, until));
        result.map_err(ReceiveError::code)
    }
}
