//! A client and a server made of the parts, and the notation of RFC 7959 §3 for what they say.

use core::fmt::Write as _;
use std::collections::HashMap;

use dunlin_coap::block::{
    Block, BlockOptions, BlockReceiver, BlockSize, Next, Outgoing, Received, Step, Tag, Transfer,
    TransferKey,
};
use dunlin_coap::{Code, Message, MessageBuilder, MessageId, OptionNumber, Token, Type};

/// Bytes that differ from those around them.
pub(crate) fn body(len: usize) -> Vec<u8> {
    (0..=250).cycle().take(len).collect()
}

/// How a server treats the blocks of a request.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Handling {
    /// Collects them and acts once.
    Atomic,
    /// Acts on each, and keeps nothing.
    Alone,
}

/// Stores what is put, gives what is got, and answers a POST or a FETCH with the body that it has for it.
pub(crate) struct Server {
    pub(crate) handling: Handling,
    /// The greatest blocks that it wants and gives.
    pub(crate) block1: BlockSize,
    pub(crate) block2: BlockSize,
    /// The greatest body that it takes.
    pub(crate) capacity: usize,
    /// The payloads of its responses with BERT.
    pub(crate) limits: Vec<usize>,
    /// What is put and got, and the version of it.
    pub(crate) resource: Vec<u8>,
    pub(crate) version: u64,
    /// Answers POST and FETCH.
    pub(crate) reply: Vec<u8>,
    /// The bodies that POST and FETCH had.
    pub(crate) taken: Vec<Vec<u8>>,
    pub(crate) uploads: HashMap<TransferKey, (BlockReceiver, Vec<u8>)>,
}

impl Server {
    pub(crate) fn new(block1: BlockSize, block2: BlockSize) -> Self {
        Self {
            handling: Handling::Atomic,
            block1,
            block2,
            capacity: 1 << 20,
            limits: Vec::new(),
            resource: Vec::new(),
            version: 1,
            reply: Vec::new(),
            taken: Vec::new(),
            uploads: HashMap::new(),
        }
    }

    /// The response to a request.
    pub(crate) fn answer(
        &mut self,
        request: &Message<'_>,
        message_type: Type,
        id: MessageId,
    ) -> Vec<u8> {
        let mut buffer = vec![0; 64 + 1024.max(self.limits.first().copied().unwrap_or(0))];
        let new =
            |buffer, code| MessageBuilder::new(buffer, message_type, code, id, request.token());
        let largest = self.block1.max(self.block2);
        let Ok(asked) = BlockOptions::read(request, largest) else {
            let mut builder = new(&mut buffer, Code::BAD_REQUEST);
            return builder.finish().unwrap().to_vec();
        };
        let mut options = BlockOptions::default();
        if request.code() != Code::GET && !asked.continues_response() {
            let (code, block) = self.take(request, &mut options);
            options.block1 = block.or(options.block1);
            if code.class() != 2 || code == Code::CONTINUE || self.handling == Handling::Alone {
                let mut builder = new(&mut buffer, code);
                options.write(&mut builder);
                return builder.finish().unwrap().to_vec();
            }
        }
        let (code, mut source) = match request.code() {
            Code::PUT => (Code::CHANGED, &b""[..]),
            Code::GET => (Code::CONTENT, &self.resource[..]),
            Code::FETCH => (Code::CONTENT, &self.reply[..]),
            _ => (Code::CHANGED, &self.reply[..]),
        };
        let limit = if self.limits.is_empty() {
            0
        } else {
            self.limits.remove(0)
        };
        let part = match Outgoing::from_body(&mut source, asked.block2, self.block2, limit) {
            Ok(part) => part,
            Err(error) => return new(&mut buffer, error.code()).finish().unwrap().to_vec(),
        };
        let mut builder = new(&mut buffer, code);
        if part.block.is_some() {
            builder.etag(Tag::from_number(self.version).as_bytes());
        }
        let given = part.response_options(Some(source.len()), &asked);
        BlockOptions {
            block1: options.block1,
            ..given
        }
        .write(&mut builder);
        part.write(&mut source, &mut builder).unwrap();
        builder.finish().unwrap().to_vec()
    }

    /// Takes the body of a request, or a part of it.
    fn take(&mut self, request: &Message<'_>, options: &mut BlockOptions) -> (Code, Option<Block>) {
        if self.handling == Handling::Alone {
            let received = Received::alone(request, self.capacity, self.block1).unwrap();
            self.resource
                .resize(self.resource.len().max(received.end()), 0);
            assert!(received.store(request.payload(), &mut self.resource));
            let Next::Complete(block) = received.next else {
                panic!("more")
            };
            return (Code::CHANGED, block);
        }
        let key = TransferKey::new(request, [1, 2]);
        let (mut receiver, mut room) = self.uploads.remove(&key).unwrap_or_default();
        match receiver.request(request, self.capacity, self.block1) {
            Ok(received) => {
                room.resize(received.end(), 0);
                assert!(received.store(request.payload(), &mut room));
                match received.next {
                    Next::More(block) => {
                        self.uploads.insert(key, (receiver, room));
                        (Code::CONTINUE, Some(block))
                    }
                    Next::Complete(block) => {
                        if request.code() == Code::PUT {
                            self.resource = room;
                            self.version += 1;
                        } else {
                            self.taken.push(room);
                        }
                        (Code::CHANGED, block)
                    }
                }
            }
            Err(error) => {
                *options = error.options(request, self.capacity, self.block1);
                (error.code(), None)
            }
        }
    }
}

/// Writes the next request of a transfer.
pub(crate) fn request(
    transfer: &Transfer,
    method: Code,
    path: &str,
    tag: Option<Tag>,
    id: u16,
    source: &[u8],
) -> Vec<u8> {
    let next = transfer.request();
    let mut buffer = vec![0; 128 + next.part.len];
    let token = Token::from(u32::from(id).to_be_bytes());
    let id = MessageId(id);
    let mut builder = MessageBuilder::new(&mut buffer, Type::Confirmable, method, id, token);
    builder.path([path]);
    next.options.write(&mut builder);
    if let Some(tag) = tag {
        builder.option(OptionNumber::REQUEST_TAG, tag.as_bytes());
    }
    builder
        .payload(next.part.of(source))
        .finish()
        .unwrap()
        .to_vec()
}

/// Runs a transfer to its end: what was said, the code and the body of the last response.
pub(crate) fn exchange(
    server: &mut Server,
    transfer: Transfer,
    method: Code,
    path: &str,
    source: &[u8],
) -> (Vec<String>, Code, Vec<u8>) {
    let mut log = Vec::new();
    let (code, got) = exchange_with(server, transfer, method, path, source, |_, said| {
        log.push(line(said));
    });
    (log, code, got)
}

/// Like [`exchange`], with a look at the server and each message on its way.
pub(crate) fn exchange_with(
    server: &mut Server,
    mut transfer: Transfer,
    method: Code,
    path: &str,
    source: &[u8],
    mut look: impl FnMut(&mut Server, &Message<'_>),
) -> (Code, Vec<u8>) {
    let mut got = Vec::new();
    for id in 0..10_000 {
        let bytes = request(&transfer, method, path, None, id, source);
        let message = Message::parse(&bytes).unwrap();
        look(server, &message);
        let bytes = server.answer(&message, Type::Acknowledgement, message.id());
        let message = Message::parse(&bytes).unwrap();
        look(server, &message);
        match transfer.response(&message, 1 << 20).unwrap() {
            Step::Send => {}
            Step::Restart => got.clear(),
            Step::Content(received) => {
                got.resize(received.end(), 0);
                assert!(received.store(message.payload(), &mut got));
                if received.is_complete() {
                    return (message.code(), got);
                }
            }
            Step::Refused => return (message.code(), got),
        }
    }
    panic!("never ends");
}

/// A message as RFC 7959 §3 and RFC 8323 §6 write it, without sizes of bodies.
pub(crate) fn line(message: &Message<'_>) -> String {
    let code = message.code();
    let mut text = if code.is_request() {
        format!(
            "{}, /{}",
            code.name().unwrap(),
            message.string(OptionNumber::URI_PATH).unwrap()
        )
    } else {
        format!("{code} {}", code.name().unwrap())
    };
    let options = BlockOptions::read(message, BlockSize::Bert).unwrap();
    for (kind, block) in [(1, options.block1), (2, options.block2)] {
        if let Some(block) = block {
            write!(text, ", {kind}:{block}").unwrap();
            if block.size() == BlockSize::Bert && code.is_request() == (kind == 1) {
                write!(text, "({})", message.payload().len()).unwrap();
            }
        }
    }
    text
}
