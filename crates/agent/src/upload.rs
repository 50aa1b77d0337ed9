//! Long requests, which arrive in blocks (RFC 7959 §2.5).

use dunlin_coap::block::{Block, BlockReceiver, Next};
use dunlin_coap::{Code, Message, OptionNumber};

use crate::engine::Core;
use crate::reply::{Body, FNV, Reply, fnv};

/// A long request that arrives in blocks (RFC 7959 §2.5): one at a time.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    server: usize,
    key: u32,
    receiver: BlockReceiver,
}

impl<P: Copy + Eq> Core<'_, P> {
    /// Takes a block of a long request; the length of the whole when it is complete, else `reply` is the answer.
    pub(crate) fn receive(
        &mut self,
        reply: &mut Reply<P>,
        server: usize,
        message: &Message<'_>,
        block: Block,
        bytes: &[u8],
    ) -> Option<usize> {
        let key = transfer_key(message);
        let mut receiver = BlockReceiver::new();
        if let Some(upload) = &self.state.upload {
            let is_ours = upload.server == server && upload.key == key;
            if is_ours {
                receiver = upload.receiver;
            }
            // Another's is left alone unless a new one begins.
            if is_ours || block.number() == 0 {
                self.state.upload = None;
            }
        }
        let limit = self.upload.len();
        reply.code = Code::REQUEST_ENTITY_TOO_LARGE;
        reply.body = Body::TooLarge { block, limit };
        match receiver.request(message, limit, self.config.block_size) {
            Ok(received) if received.store(bytes, self.upload) => match received.next {
                Next::Complete(_) => {
                    reply.code = Code::CHANGED;
                    reply.body = Body::Nothing;
                    return Some(received.end());
                }
                Next::More(next) => {
                    self.state.upload = Some(Upload {
                        server,
                        key,
                        receiver,
                    });
                    reply.code = Code::CONTINUE;
                    reply.body = Body::Received(next);
                }
            },
            Err(error) if error.code() != Code::REQUEST_ENTITY_TOO_LARGE => {
                reply.code = error.code();
                reply.body = Body::Received(block);
            }
            _ => {}
        }
        None
    }
}

/// Tells one upload of a server from the next by method and options, but for the block itself and those that are no
/// part of a cache key (RFC 7959 §2.5, RFC 9175 §3.3). There is one upload at a time and the server is compared: a
/// server could mix up nothing but its own, so a plain hash is enough.
fn transfer_key(message: &Message<'_>) -> u32 {
    let mut hash = fnv(FNV, &[message.code().0]);
    for (number, value) in message.options() {
        let same = matches!(number, OptionNumber::BLOCK1 | OptionNumber::CONTENT_FORMAT);
        if !same && !number.is_no_cache_key() {
            hash = fnv(fnv(hash, &number.0.to_be_bytes()), value);
        }
    }
    hash
}
