//! Requests that have been carried out, with their answers (RFC 7252 §4.5).

use dunlin_coap::time::Instant;
use dunlin_coap::{DuplicateWindow, MessageId, Seen};

/// What is known of a request by its message id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    New,
    /// Its answer has not been fetched yet.
    InProgress,
    Answered,
}

/// The window of duplicates, whatever its capacity. A server is named by its place among the agent's.
pub(crate) trait Replay {
    fn check(&mut self, now: Instant, server: usize, id: MessageId) -> Known;
    fn begin(&mut self, now: Instant, server: usize, id: MessageId);
    /// Keeps an answer. One that is too long is not kept: such a long answer is that to a GET, which may be carried
    /// out again.
    fn answered(&mut self, now: Instant, server: usize, id: MessageId, answer: &[u8]);
    /// Copies the answer into `buffer` and gives its length.
    fn answer(
        &mut self,
        now: Instant,
        server: usize,
        id: MessageId,
        buffer: &mut [u8],
    ) -> Option<usize>;
}

impl<B: AsMut<[u8]>, I: AsMut<[u32]>> Replay for DuplicateWindow<B, I> {
    fn check(&mut self, now: Instant, server: usize, id: MessageId) -> Known {
        match Self::check(self, now, key(server), id) {
            Seen::New => Known::New,
            Seen::InProgress => Known::InProgress,
            Seen::Answered(_) => Known::Answered,
        }
    }

    fn begin(&mut self, now: Instant, server: usize, id: MessageId) {
        Self::begin(self, now, key(server), id);
    }

    fn answered(&mut self, now: Instant, server: usize, id: MessageId, answer: &[u8]) {
        let _ = Self::answered(self, now, key(server), id, answer);
    }

    fn answer(
        &mut self,
        now: Instant,
        server: usize,
        id: MessageId,
        buffer: &mut [u8],
    ) -> Option<usize> {
        let Seen::Answered(answer) = Self::check(self, now, key(server), id) else {
            return None;
        };
        buffer.get_mut(..answer.len())?.copy_from_slice(answer);
        Some(answer.len())
    }
}

fn key(server: usize) -> u64 {
    u64::try_from(server).unwrap_or(u64::MAX)
}
