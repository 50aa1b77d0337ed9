//! Answers: what is kept of one until it is fetched, and how it is written.

use dunlin_coap::block::{Block, BlockSize, Outgoing};
use dunlin_coap::{BuildError, Code, MessageBuilder, MessageId, OptionNumber, Token, Type};
use dunlin_codec::{ContentFormat, Part};
use dunlin_lwm2m::LwM2mVersion;
use dunlin_model::{Path, decimal::short_digits_of};

use crate::engine::Core;
use crate::event::count;
use crate::features::{BOOTSTRAP, COMPOSITE, HISTORY, OBSERVE, SEND};
use crate::links::Links;
use crate::{Error, content, links, provision};

/// Room for the header and the options of an answer, in front of a payload that is written before its length and so
/// its options are known.
pub(crate) const HEADER: usize = 64;

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

impl<P> Reply<P> {
    /// The answer says what is wrong.
    pub(crate) fn refuse(&mut self, code: Code, diagnostic: &'static str) {
        crate::trace::refused(code);
        self.code = code;
        self.body = Body::Diagnostic(diagnostic);
    }

    /// The answer carries what is read from `source` when it is written.
    pub(crate) fn content(
        &mut self,
        source: Source,
        block: Option<Block>,
        observation: Option<usize>,
    ) {
        self.code = Code::CONTENT;
        self.body = Body::Content {
            source,
            block,
            observation,
        };
    }
}

/// What an answer carries.
#[derive(Clone, Copy)]
pub(crate) enum Body {
    Nothing,
    /// The same bytes as before.
    Again,
    /// Words for a person.
    Diagnostic(&'static str),
    /// What is read from the objects when the answer is written.
    Content {
        source: Source,
        block: Option<Block>,
        observation: Option<usize>,
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

/// What a payload tells.
// The same parts whatever it is about: one of several layouts is taken apart in each place that it comes to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source {
    pub(crate) about: About,
    pub(crate) format: ContentFormat,
    /// The node; of a list the root.
    pub(crate) path: Path,
    /// For which server it is; of values that were kept, the observation.
    pub(crate) server: usize,
}

/// What a payload is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    /// What can be read at the path.
    Node,
    /// The values at the path that an observation has not been told.
    Past,
    /// What can be read of the nodes of this list.
    Paths(u8),
    /// The links of the path, so many levels deep, for a Discover of a server.
    Links(Option<u8>),
    /// The links of the path, for a Bootstrap-Discover.
    Accounts,
}

/// A payload of which the first part, perhaps all, stands in the buffer behind the room for a header.
#[derive(Clone, Copy)]
pub(crate) struct Payload {
    source: Source,
    pub(crate) total: usize,
    /// How much of it is in the buffer.
    pub(crate) held: usize,
    /// Tells it from others.
    pub(crate) fingerprint: u32,
}

impl<P: Copy + Eq> Core<'_, P> {
    /// The short server id of a server; the Bootstrap-Server has none, and all rights.
    pub(crate) fn server_id(&self, server: usize) -> Option<u16> {
        Some(self.slot(server)?.short_server_id)
    }

    /// The version that is spoken with a server.
    pub(crate) fn version(&self, server: usize) -> LwM2mVersion {
        self.slot(server)
            .map_or(self.config.version, |slot| slot.version)
    }

    /// Writes a part of a payload into `space`.
    pub(crate) fn part(
        &self,
        source: Source,
        skip: usize,
        space: &mut [u8],
    ) -> Result<Part, Error> {
        let Source {
            about,
            format,
            path,
            server,
        } = source;
        let objects = &*self.objects;
        let id = self.server_id(server);
        match about {
            About::Past if HISTORY => {
                let (history, now) = (&self.state.history, self.state.now);
                history.encode(server, path, format, now, skip, space)
            }
            About::Paths(_) if !COMPOSITE && !SEND => Err(Error::NotImplemented),
            About::Node | About::Paths(_) => {
                let list = match about {
                    About::Paths(list) => Some(self.state.lists.get(list)),
                    _ => None,
                };
                content::encode(objects, id, path, list, format, skip, space)
            }
            About::Past => Err(Error::NotImplemented),
            About::Links(depth) => links::discover(
                objects,
                self.version(server),
                self.attributes,
                server,
                path,
                depth,
                Links::new(skip, space),
            ),
            About::Accounts if !BOOTSTRAP => Err(Error::NotImplemented),
            About::Accounts => {
                provision::discover(objects, self.config, path, Links::new(skip, space))
            }
        }
    }

    /// Writes as much of a payload as fits into the buffer behind the room for a header, and looks at the whole of it.
    pub(crate) fn prepare(&self, source: Source, buffer: &mut [u8]) -> Result<Payload, Error> {
        let space = buffer.get_mut(HEADER..).ok_or(Error::NoSpace)?;
        let mut skip = 0_usize;
        let mut hash = FNV;
        loop {
            let part = self.part(source, skip, space)?;
            hash = fnv(hash, space.get(..part.length).unwrap_or_default());
            let end = skip.saturating_add(part.length);
            if end >= part.total {
                return Ok(Payload {
                    source,
                    total: part.total,
                    held: if skip == 0 { part.length } else { 0 },
                    fingerprint: hash,
                });
            }
            if part.length == 0 {
                return Err(Error::NoSpace);
            }
            skip = end;
        }
    }

    /// Writes a 2.05 with a payload that was [prepared](Self::prepare) in this buffer: the whole of it, or the block that
    /// is asked for (RFC 7959 §2.4).
    pub(crate) fn present(
        &self,
        head: Head,
        payload: Payload,
        block: Option<Block>,
        sequence: Option<u32>,
        buffer: &mut [u8],
    ) -> Result<usize, Error> {
        let (header, space) = buffer.split_at_mut_checked(HEADER).ok_or(Error::NoSpace)?;
        let fits = BlockSize::at_most(space.len()).ok_or(Error::NoSpace)?;
        let size = fits.min(self.config.block_size);
        let total = payload.total;
        let part = Outgoing::requested(total, block, size).map_err(|_| Error::BadValue)?;
        let mut start = part.offset;
        if part.end() > payload.held {
            let window = space.get_mut(..part.len).ok_or(Error::NoSpace)?;
            self.part(payload.source, part.offset, window)?;
            start = 0;
        }
        let mut builder = head.builder(Code::CONTENT, header);
        if part.len < total {
            builder.etag(&payload.fingerprint.to_be_bytes());
        }
        if let Some(sequence) = sequence {
            builder.observe(sequence);
        }
        builder.content_format(payload.source.format.0);
        if let Some(block) = part.block {
            builder.block2(block);
        }
        if part.offset == 0 && part.len < total {
            builder.uint(
                OptionNumber::SIZE2,
                u32::try_from(total).unwrap_or(u32::MAX),
            );
        }
        let header = builder.finish().map_err(|_| Error::NoSpace)?.len();
        let end = start.saturating_add(part.len);
        join(buffer, header, HEADER, start..end).ok_or(Error::NoSpace)
    }

    /// Writes an answer; `None` when there is nothing to send after all.
    pub(crate) fn write_reply(&mut self, reply: Reply<P>, buffer: &mut [u8]) -> Option<usize> {
        if matches!(reply.body, Body::Again) {
            return self.replay.answer(reply.server?, reply.id, buffer);
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
                source,
                block,
                observation,
            } => self.write_content(head, source, block, observation, buffer),
            other => head.write(reply.code, other, buffer).ok(),
        };
        if !reply.code.is_empty() && reply.code.class() >= 4 {
            count(&mut self.state.counters.refused);
        }
        if let Some(server) = reply.server {
            // Without room for an answer there is none, and none to a repetition.
            let bytes = buffer.get(..len.unwrap_or(0)).unwrap_or_default();
            self.replay
                .answered(self.state.now, server, reply.id, bytes);
        }
        len
    }

    /// Writes an answer with a payload, or the error that stands for it.
    fn write_content(
        &mut self,
        head: Head,
        source: Source,
        block: Option<Block>,
        observation: Option<usize>,
        buffer: &mut [u8],
    ) -> Option<usize> {
        let observation = observation.filter(|_| OBSERVE);
        let kept = observation.is_some();
        let written = self.prepare(source, buffer).and_then(|payload| {
            let sequence =
                observation.and_then(|index| self.begin_observation(index, head.id, payload));
            self.present(head, payload, block, sequence, buffer)
        });
        if COMPOSITE
            && let About::Paths(list) = source.about
            && !kept
        {
            self.state.lists.free(list);
        }
        match written {
            Ok(len) => Some(len),
            Err(error) => {
                if let Some(index) = observation {
                    self.end_observation(index);
                }
                count(&mut self.state.counters.refused);
                head.write(error.code(), Body::Diagnostic(error.diagnostic()), buffer)
                    .ok()
            }
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
                        short_digits_of(segment.into(), &mut digits),
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
            Body::Nothing | Body::Again | Body::Content { .. } => {}
        }
        builder.finish().map(<[u8]>::len)
    }
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
    move_down(window, shift);
    let end = start.checked_add(part.len())?;
    *buffer.get_mut(header)? = 0xff;
    Some(end)
}

/// Moves all but the first `by` bytes to the start. Byte by byte: a loop that cannot fail, where `copy_within` could, and
/// that brings no general `memmove` along.
pub(crate) fn move_down(bytes: &mut [u8], by: usize) {
    for at in 0..bytes.len().saturating_sub(by) {
        let next = bytes.get(at.saturating_add(by)).copied();
        if let (Some(slot), Some(next)) = (bytes.get_mut(at), next) {
            *slot = next;
        }
    }
}

/// The start of a [`fnv`].
pub(crate) const FNV: u32 = 0x811c_9dc5;

/// Goes on with a 32-bit FNV-1a hash.
pub(crate) fn fnv(hash: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(hash, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}
