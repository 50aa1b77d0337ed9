//! Answers: what is kept of one until it is fetched, and how it is written.

use dunlin_coap::block::{Block, BlockSize, Outgoing};
use dunlin_coap::{BuildError, Code, MessageBuilder, MessageId, OptionNumber, Token, Type};
use dunlin_codec::ContentFormat;
use dunlin_model::Path;

use crate::engine::Core;
use crate::event::count;
use crate::{Error, content, links, text::decimal};

/// Room for the header and the options of an answer, in front of a payload that is written before its length and so
/// its options are known.
const HEADER: usize = 64;

/// An answer that waits to be fetched. Its content is read from the objects when it is written, so that nothing of
/// it is kept.
pub(crate) struct Reply<P> {
    pub(crate) to: P,
    /// The server that asked, whose request is remembered together with the answer.
    pub(crate) server: Option<usize>,
    /// The type of the request, or the type of an Empty message.
    pub(crate) message_type: Type,
    /// The id of the message that is answered.
    pub(crate) id: MessageId,
    pub(crate) token: Token,
    pub(crate) code: Code,
    pub(crate) body: Body,
}

/// What an answer carries.
#[derive(Clone, Copy)]
pub(crate) enum Body {
    Nothing,
    /// The same bytes as before.
    Again,
    /// Words for a person.
    Diagnostic(&'static str),
    /// What can be read at `path`.
    Content {
        path: Path,
        format: ContentFormat,
        block: Option<Block>,
        observation: Option<usize>,
    },
    /// The links of `path`, for a Discover.
    Links {
        path: Path,
        depth: Option<u8>,
        block: Option<Block>,
    },
    /// The instance that has been created.
    Location(Path),
    /// How the request's block was taken.
    Received(Block),
    /// The request's block is refused; so many bytes would be taken in all.
    TooLarge {
        block: Block,
        limit: usize,
    },
}

impl<P: Copy + Eq> Core<'_, P> {
    /// Writes an answer; `None` when there is nothing to send after all.
    pub(crate) fn write_reply(&mut self, reply: Reply<P>, buffer: &mut [u8]) -> Option<usize> {
        if matches!(reply.body, Body::Again) {
            return self
                .replay
                .answer(self.state.now, reply.server?, reply.id, buffer);
        }
        let (message_type, id) = match reply.message_type {
            _ if reply.code.is_empty() => (reply.message_type, reply.id),
            Type::Confirmable => (Type::Acknowledgement, reply.id),
            _ => (Type::NonConfirmable, self.state.ids.next()),
        };
        let head = Head {
            message_type,
            id,
            token: reply.token,
        };
        let len = match reply.body {
            Body::Content {
                path,
                format,
                block,
                observation,
            } => {
                let encoded = encode_at(buffer, |space| {
                    content::encode(&*self.objects, path, format, space)
                });
                self.write_content(
                    head,
                    encoded,
                    Shape {
                        format,
                        block,
                        observation,
                        size: self.config.block_size,
                    },
                    buffer,
                )
            }
            Body::Links { path, depth, block } => {
                let server = reply.server.unwrap_or(usize::MAX);
                let encoded = encode_at(buffer, |space| {
                    links::discover(
                        &*self.objects,
                        self.config,
                        self.attributes,
                        server,
                        path,
                        depth,
                        space,
                    )
                });
                let format = ContentFormat::LINK_FORMAT;
                self.write_content(
                    head,
                    encoded,
                    Shape {
                        format,
                        block,
                        observation: None,
                        size: self.config.block_size,
                    },
                    buffer,
                )
            }
            other => head.write(reply.code, other, buffer).ok(),
        };
        if !reply.code.is_empty() && reply.code.class() >= 4 {
            count(&mut self.state.counters.refused);
        }
        if let (Some(server), Some(len)) = (reply.server, len) {
            let bytes = buffer.get(..len).unwrap_or_default();
            self.replay
                .answered(self.state.now, server, reply.id, bytes);
        }
        len
    }

    /// Writes an answer whose payload stands behind the room for its header, or the error that stands for it.
    fn write_content(
        &mut self,
        head: Head,
        encoded: Result<usize, Error>,
        shape: Shape,
        buffer: &mut [u8],
    ) -> Option<usize> {
        let mut sequence = None;
        match encoded {
            Ok(len) => {
                if let Some(index) = shape.observation
                    && let Some(payload) = buffer.get(HEADER..HEADER.saturating_add(len))
                {
                    sequence = self.begin_observation(index, head.id, payload);
                }
            }
            Err(error) => {
                if let Some(index) = shape.observation {
                    self.end_observation(index);
                }
                count(&mut self.state.counters.refused);
                return head
                    .write(error.code(), Body::Diagnostic(error.diagnostic()), buffer)
                    .ok();
            }
        }
        let written = encoded.and_then(|len| write_payload(head, shape, sequence, len, buffer));
        match written {
            Ok(len) => Some(len),
            Err(error) => head.write(error.code(), Body::Nothing, buffer).ok(),
        }
    }
}

/// How a message begins.
#[derive(Clone, Copy)]
pub(crate) struct Head {
    pub(crate) message_type: Type,
    pub(crate) id: MessageId,
    pub(crate) token: Token,
}

/// How a payload is to be presented.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) format: ContentFormat,
    /// The block that is asked for.
    pub(crate) block: Option<Block>,
    pub(crate) observation: Option<usize>,
    /// The largest block.
    pub(crate) size: BlockSize,
}

impl Head {
    fn builder(self, code: Code, buffer: &mut [u8]) -> MessageBuilder<'_> {
        MessageBuilder::new(buffer, self.message_type, code, self.id, self.token)
    }

    /// Writes a message whose payload is short and known.
    pub(crate) fn write(
        self,
        code: Code,
        body: Body,
        buffer: &mut [u8],
    ) -> Result<usize, BuildError> {
        let mut builder = self.builder(code, buffer);
        match body {
            Body::Diagnostic(text) => {
                builder.payload(text.as_bytes());
            }
            Body::Location(path) => {
                for segment in path.segments() {
                    let mut digits = [0; 5];
                    builder.option(
                        OptionNumber::LOCATION_PATH,
                        decimal(segment.into(), &mut digits),
                    );
                }
            }
            Body::Received(block) => {
                builder.block1(block);
            }
            Body::TooLarge { block, limit } => {
                builder.block1(block);
                builder.uint(
                    OptionNumber::SIZE1,
                    u32::try_from(limit).unwrap_or(u32::MAX),
                );
            }
            Body::Nothing | Body::Again | Body::Content { .. } | Body::Links { .. } => {}
        }
        builder.finish().map(<[u8]>::len)
    }
}

/// Lets `encode` write a payload into the part of the buffer behind the room for a header.
pub(crate) fn encode_at(
    buffer: &mut [u8],
    encode: impl FnOnce(&mut [u8]) -> Result<usize, Error>,
) -> Result<usize, Error> {
    encode(buffer.get_mut(HEADER..).ok_or(Error::NoSpace)?)
}

/// The payload that [`encode_at`] has written.
pub(crate) fn encoded(buffer: &[u8], len: usize) -> &[u8] {
    buffer
        .get(HEADER..HEADER.saturating_add(len))
        .unwrap_or_default()
}

/// Writes a 2.05 around the payload of `len` bytes that [`encode_at`] has written: the whole of it, or the block
/// that is asked for (RFC 7959 §2.4).
pub(crate) fn write_payload(
    head: Head,
    shape: Shape,
    sequence: Option<u32>,
    len: usize,
    buffer: &mut [u8],
) -> Result<usize, Error> {
    let part = Outgoing::requested(len, shape.block, shape.size).map_err(|_| Error::BadValue)?;
    let whole = encoded(buffer, len);
    let tag = fingerprint(whole).to_be_bytes();
    let (header, _) = buffer.split_at_mut_checked(HEADER).ok_or(Error::NoSpace)?;
    let mut builder = head.builder(Code::CONTENT, header);
    if part.len < len {
        builder.etag(&tag);
    }
    if let Some(sequence) = sequence {
        builder.observe(sequence);
    }
    builder.content_format(shape.format.0);
    if let Some(block) = part.block {
        builder.block2(block);
    }
    if part.offset == 0 && part.len < len {
        builder.uint(OptionNumber::SIZE2, u32::try_from(len).unwrap_or(u32::MAX));
    }
    let header = builder.finish().map_err(|_| Error::NoSpace)?.len();
    join(buffer, header, HEADER, part.offset..part.end()).ok_or(Error::NoSpace)
}

/// Moves `part` of the payload that begins at `payload` down behind a header of `header` bytes, with the marker between.
pub(crate) fn join(
    buffer: &mut [u8],
    header: usize,
    payload: usize,
    part: core::ops::Range<usize>,
) -> Option<usize> {
    if part.is_empty() {
        return Some(header);
    }
    let start = header.checked_add(1)?;
    let shift = payload.checked_add(part.start)?.checked_sub(start)?;
    let window = buffer.get_mut(start..)?;
    let window = window.get_mut(..shift.checked_add(part.len())?)?;
    window.copy_within(shift.., 0);
    let end = start.checked_add(part.len())?;
    *buffer.get_mut(header)? = 0xff;
    Some(end)
}

/// A fingerprint that tells one content from another: 32-bit FNV-1a.
pub(crate) fn fingerprint(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}
