//! Requests whose payload arrives in blocks (RFC 7959 §2.5).

use std::borrow::Cow;
use std::collections::HashMap;

use dunlin_coap::block::{Block, BlockOptions, BlockReceiver, BlockSize, Next, TransferKey};
use dunlin_coap::time::Instant;
use dunlin_coap::{Code, Message, OptionNumber};

use super::Shard;
use super::answer::{Answer, Requester};
use super::timers::Timer;
use crate::Peer;

/// Bodies under way. Each peer may send one at a time to each path, or several with different Request-Tags.
pub(super) struct Uploads {
    bodies: HashMap<(Peer, TransferKey), Upload>,
    seed: [u64; 2],
}

struct Upload {
    receiver: BlockReceiver,
    body: Vec<u8>,
    last: Instant,
}

impl Uploads {
    /// None yet; `seed` is random and known to nobody.
    pub(super) fn new(seed: [u64; 2]) -> Self {
        Self {
            bodies: HashMap::new(),
            seed,
        }
    }
}

impl Shard {
    /// The whole payload of a request, with the Block1 option for its answer; `None` when more is to come, or the block was
    /// refused: then the request is answered.
    pub(super) fn whole_payload<'m>(
        &mut self,
        now: Instant,
        requester: &Requester,
        message: &Message<'m>,
    ) -> Option<(Cow<'m, [u8]>, Option<Block>)> {
        if message.option(OptionNumber::BLOCK1).is_none() {
            return if message.payload().len() > self.config.max_registration_size {
                self.too_large(now, requester);
                None
            } else {
                Some((Cow::Borrowed(message.payload()), None))
            };
        }
        let key = (requester.peer, TransferKey::new(message, self.uploads.seed));
        let mut upload = self.uploads.bodies.remove(&key).unwrap_or_else(|| Upload {
            receiver: BlockReceiver::new(),
            body: Vec::new(),
            last: now,
        });
        let preferred = BlockSize::at_most(self.config.block_size).unwrap_or(BlockSize::MAX);
        let received =
            match upload
                .receiver
                .request(message, self.config.max_registration_size, preferred)
            {
                Ok(received) => received,
                Err(error) => {
                    let limit = self.config.max_registration_size;
                    let BlockOptions { block1, size1, .. } =
                        error.options(message, limit, preferred);
                    let diagnostic = error.to_string();
                    let answer = Answer::because(error.code(), &diagnostic);
                    let answer = Answer {
                        block1,
                        size1,
                        ..answer
                    };
                    self.answer(now, requester, &answer);
                    return None;
                }
            };
        upload.body.resize(received.end(), 0);
        if !received.store(message.payload(), &mut upload.body) {
            self.too_large(now, requester);
            return None;
        }
        match received.next {
            Next::Complete(block) => Some((Cow::Owned(upload.body), block)),
            Next::More(block) => {
                upload.last = now;
                self.make_room();
                self.uploads.bodies.insert(key, upload);
                self.schedule_uploads();
                let go_on = Answer {
                    block1: Some(block),
                    ..Answer::new(Code::CONTINUE)
                };
                self.answer(now, requester, &go_on);
                None
            }
        }
    }

    fn too_large(&mut self, now: Instant, requester: &Requester) {
        let size1 = u32::try_from(self.config.max_registration_size).ok();
        self.answer(
            now,
            requester,
            &Answer {
                size1,
                ..Answer::new(Code::REQUEST_ENTITY_TOO_LARGE)
            },
        );
    }

    /// Gives up the body that was silent for the longest time where the table is full.
    fn make_room(&mut self) {
        if self.uploads.bodies.len() >= self.config.max_uploads.max(1) {
            let oldest = self
                .uploads
                .bodies
                .iter()
                .min_by_key(|(_, upload)| upload.last)
                .map(|(key, _)| *key);
            if let Some(oldest) = oldest {
                self.uploads.bodies.remove(&oldest);
            }
        }
    }

    /// Forgets the bodies that did not go on for `EXCHANGE_LIFETIME`.
    pub(super) fn uploads_timeout(&mut self, now: Instant) {
        let lifetime = self.parameters.exchange_lifetime();
        self.uploads
            .bodies
            .retain(|_, upload| upload.last + lifetime > now);
        self.schedule_uploads();
    }

    fn schedule_uploads(&mut self) {
        if !self.timers.is_set(Timer::Uploads) {
            let oldest = self.uploads.bodies.values().map(|upload| upload.last).min();
            let moment = oldest.map(|last| last + self.parameters.exchange_lifetime());
            self.timers.set(Timer::Uploads, moment);
        }
    }

    #[cfg(test)]
    pub(super) fn upload_count(&self) -> usize {
        self.uploads.bodies.len()
    }
}
