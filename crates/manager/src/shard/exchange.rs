//! One order being carried out: the requests that it takes, and what their responses mean.

use std::collections::VecDeque;

use dunlin_coap::block::{Block, BlockReceiver, BlockSender, BlockSize, Next, ReceiveError};
use dunlin_coap::time::Instant;
use dunlin_coap::{
    BuildError, Code, Message, MessageBuilder, MessageId, OptionNumber, Token, Transmission, Type,
};
use dunlin_codec::{ContentFormat, EncodeError};
use dunlin_lwm2m::Operation;
use dunlin_model::{Level, Path};

use super::job::Job;
use super::links::read_discovered;
use super::payload;
use crate::{Action, CommandError, Config, Outcome, Peer, Record, Registration, WriteValue};

/// How often one exchange begins anew: the body changed while it was read, or the device lost its begin.
const RESTARTS: u8 = 2;

/// The longest diagnostic text that is passed on.
const DIAGNOSTIC: usize = 256;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The attributes of an observation are attached before it starts.
    Attributes,
    Main,
}

/// An order with its request under way (NSTART is 1: a device has at most one).
///
/// ```text
///              ┌───── Step::Again: the next block, format or phase ─────┐
///              ▼                                                        │
///  prepared ─► request sent ─► acknowledged ─► response ── Step::Done ──┴─► finished
///              │   ▲  │                ▲
///              └───┘  └────────────────┘ the response is piggybacked
///          retransmission
/// ```
pub(super) struct Exchange {
    pub(super) job: Job,
    pub(super) peer: Peer,
    pub(super) token: Token,
    pub(super) message_id: MessageId,
    pub(super) datagram: Box<[u8]>,
    /// `None` once the device has acknowledged the request.
    pub(super) transmission: Option<Transmission>,
    /// How often the present request was sent.
    pub(super) transmissions: u32,
    /// The token of the observation that the device has accepted, and the number of its first notification.
    pub(super) observing: Option<(Token, u32)>,
    /// The format that is asked for, or in which the payload is.
    pub(super) format: Option<ContentFormat>,
    /// Whether an earlier format was refused.
    pub(super) fell_back: bool,
    phase: Phase,
    untried: VecDeque<Option<ContentFormat>>,
    /// How long the payload is. It is nowhere as a whole: each block is written from the values of the order.
    length: usize,
    sender: BlockSender,
    receiver: BlockReceiver,
    answer: Vec<u8>,
    answer_format: Option<ContentFormat>,
    next_block: Option<Block>,
    restarts: u8,
}

/// Why a request cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum WriteError {
    #[error(transparent)]
    Message(#[from] BuildError),
    /// Of values that could be written when the order began.
    #[error(transparent)]
    Payload(#[from] EncodeError),
}

/// What to do after a response.
pub(super) enum Step {
    /// Send the next request.
    Again,
    /// The order has ended.
    Done(Result<Finished, CommandError>),
}

/// What came of an order.
pub(super) enum Finished {
    Outcome(Outcome),
    /// The device has accepted an observation.
    Observing(Vec<Record>),
}

impl Exchange {
    /// Makes the first request of `job` ready, all but its token and message id.
    pub(super) fn prepare(
        mut job: Job,
        registration: &Registration,
        learned: Option<ContentFormat>,
        config: &Config,
    ) -> Result<Self, Box<(Job, CommandError)>> {
        if let Err(error) = fit(&mut job, registration, config) {
            return Err(Box::new((job, error)));
        }
        let formats = formats_for(&job, registration, learned, config);
        let sender = match sender_of(0, config, job.action.path()) {
            Ok(sender) => sender,
            Err(error) => return Err(Box::new((job, error))),
        };
        let phase = match &job.action {
            Action::Observe { attributes, .. } if !attributes.is_empty() => Phase::Attributes,
            _ => Phase::Main,
        };
        let mut exchange = Self {
            job,
            peer: registration.peer,
            token: Token::EMPTY,
            message_id: MessageId(0),
            datagram: Box::default(),
            transmission: None,
            transmissions: 0,
            observing: None,
            format: None,
            fell_back: false,
            phase,
            untried: formats.into(),
            length: 0,
            sender,
            receiver: BlockReceiver::new(),
            answer: Vec::new(),
            answer_format: None,
            next_block: None,
            restarts: 0,
        };
        match exchange.next_format(config) {
            Ok(()) => Ok(exchange),
            Err(error) => Err(Box::new((exchange.job, error))),
        }
    }

    /// The next moment at which something is due.
    pub(super) fn next_timeout(&self) -> Instant {
        match &self.transmission {
            Some(transmission) => transmission.deadline().min(self.job.deadline),
            None => self.job.deadline,
        }
    }

    /// Whether the request under way registers an observation.
    pub(super) fn registers_observation(&self) -> bool {
        matches!(self.job.action, Action::Observe { .. })
            && self.phase == Phase::Main
            && self.observing.is_none()
    }

    /// Takes the next format, and writes the payload in it.
    fn next_format(&mut self, config: &Config) -> Result<(), CommandError> {
        let path = self.job.action.path();
        let mut error = None;
        while let Some(format) = self.untried.pop_front() {
            self.format = format;
            match self.write_part(0, &mut []) {
                Ok(length) => self.length = length,
                Err(reason) => {
                    let format = format.unwrap_or(ContentFormat::TEXT);
                    error = Some(CommandError::invalid(format!(
                        "{path} cannot be written as {format}: {reason}"
                    )));
                    continue;
                }
            }
            self.sender = sender_of(self.length, config, path)?;
            return Ok(());
        }
        Err(error.unwrap_or_else(|| CommandError::invalid(format!("no format is left for {path}"))))
    }

    /// Writes what the buffer holds of the payload from `skip` on, and gives the length of the whole.
    fn write_part(&self, skip: usize, buffer: &mut [u8]) -> Result<usize, EncodeError> {
        match (&self.job.action, self.format) {
            (Action::Execute { arguments, .. }, _) => {
                let part = arguments.as_bytes().iter().skip(skip);
                for (space, byte) in buffer.iter_mut().zip(part) {
                    *space = *byte;
                }
                Ok(arguments.len())
            }
            (Action::Write { .. } | Action::Create { .. }, Some(format)) => {
                payload::encode_part(format, &self.job.action, skip, buffer)
            }
            _ => Ok(0),
        }
    }

    /// Writes the request as it stands.
    pub(super) fn write_request(&self, root: &str) -> Result<Vec<u8>, WriteError> {
        let part = self.sender.current();
        let mut block = vec![0; part.len];
        self.write_part(part.offset, &mut block)?;
        let operation = self.operation(&block);
        let mut buffer = vec![0; 1024 + part.len];
        let mut builder = MessageBuilder::new(
            &mut buffer,
            Type::Confirmable,
            operation.method(),
            self.message_id,
            self.token,
        );
        operation.write(&mut builder);
        if let Some(block) = self.next_block {
            builder.block2(block);
        }
        if let Some(block) = part.block {
            builder.block1(block);
            if part.offset == 0 {
                builder.uint(
                    OptionNumber::SIZE1,
                    u32::try_from(self.length).unwrap_or(u32::MAX),
                );
            }
        }
        let request = builder.payload(&block).finish()?;
        if root.is_empty() {
            Ok(request.to_vec())
        } else {
            Ok(under_root(request, root)?)
        }
    }

    /// The operation of the request under way, with the block of its payload.
    fn operation<'a>(&'a self, block: &'a [u8]) -> Operation<'a> {
        match &self.job.action {
            Action::Observe { path, attributes } if self.phase == Phase::Attributes => {
                Operation::WriteAttributes {
                    path: *path,
                    changes: (*attributes).into(),
                }
            }
            Action::Observe { path, .. } if self.observing.is_none() => Operation::Observe {
                path: *path,
                accept: self.format,
                attributes: dunlin_model::Attributes::NONE,
            },
            Action::Read { path } | Action::Observe { path, .. } => Operation::Read {
                path: *path,
                accept: self.format,
            },
            Action::Discover { path } => Operation::Discover {
                path: *path,
                depth: None,
            },
            Action::Write { path, mode, .. } => Operation::Write {
                path: *path,
                mode: *mode,
                format: self.format.unwrap_or(ContentFormat::TLV),
                payload: block,
            },
            Action::WriteAttributes { path, changes } => Operation::WriteAttributes {
                path: *path,
                changes: *changes,
            },
            Action::Execute { path, arguments } => Operation::Execute {
                path: *path,
                arguments,
            },
            Action::Create { object, .. } => Operation::Create {
                object: *object,
                format: self.format.unwrap_or(ContentFormat::TLV),
                payload: block,
            },
            Action::Delete { path } => Operation::Delete { path: *path },
            Action::Cancel { path } => Operation::CancelObserve {
                path: *path,
                accept: self.format,
            },
        }
    }

    /// Takes a response to the request under way.
    pub(super) fn take_response(
        &mut self,
        message: &Message<'_>,
        registration: &Registration,
        config: &Config,
    ) -> Step {
        let code = message.code();
        let block1 = message.block1().ok().flatten();
        let reads = matches!(
            self.job.action,
            Action::Read { .. } | Action::Observe { .. }
        );
        let writes = matches!(
            self.job.action,
            Action::Write { .. } | Action::Create { .. }
        );
        match code {
            Code::REQUEST_ENTITY_TOO_LARGE if self.sender.shrink(block1) => return Step::Again,
            Code::REQUEST_ENTITY_INCOMPLETE
                if self.sender.current().block.is_some() && self.may_restart() =>
            {
                self.sender.restart();
                return Step::Again;
            }
            Code::NOT_ACCEPTABLE
                if reads && self.phase == Phase::Main && self.fall_back(config) =>
            {
                return Step::Again;
            }
            Code::UNSUPPORTED_CONTENT_FORMAT if writes && self.fall_back(config) => {
                return Step::Again;
            }
            _ => {}
        }
        if !code.is_success() {
            return Step::Done(Err(self.refused(message)));
        }
        match self.sender.acknowledge(block1) {
            Ok(true) => return Step::Again,
            Ok(false) if code == Code::CONTINUE => {
                return self.bad_answer("it asks for more than there is");
            }
            Ok(false) => {}
            Err(error) => return self.bad_answer(&error.to_string()),
        }
        if self.phase == Phase::Attributes {
            self.phase = Phase::Main;
            return Step::Again;
        }
        match &self.job.action {
            Action::Read { .. } | Action::Discover { .. } | Action::Observe { .. } => {
                self.take_content(message, registration, config)
            }
            Action::Create { instance, .. } => {
                match (created(message, &registration.root), instance) {
                    (Some(path), _) => Step::Done(Ok(Finished::Outcome(Outcome::Created(path)))),
                    (None, Some(_)) => Step::Done(Ok(Finished::Outcome(Outcome::Created(
                        self.job.action.path(),
                    )))),
                    (None, None) => self.bad_answer("it does not tell which instance was created"),
                }
            }
            _ => Step::Done(Ok(Finished::Outcome(Outcome::Done))),
        }
    }

    /// Puts the content of an answer together from its blocks.
    fn take_content(
        &mut self,
        message: &Message<'_>,
        registration: &Registration,
        config: &Config,
    ) -> Step {
        if matches!(self.job.action, Action::Observe { .. }) && self.observing.is_none() {
            match message.observe() {
                Some(number) => self.observing = Some((self.token, number)),
                None => return self.bad_answer("the device answered, but does not observe"),
            }
        }
        let preferred = BlockSize::at_most(config.block_size).unwrap_or(BlockSize::MAX);
        let received = match self
            .receiver
            .response(message, config.max_answer_size, preferred)
        {
            Ok(received) => received,
            Err(ReceiveError::EtagChanged) if self.may_restart() => {
                self.next_block = None;
                self.answer.clear();
                return Step::Again;
            }
            Err(error) => return self.bad_answer(&error.to_string()),
        };
        if received.offset == 0 {
            self.answer_format = message.content_format().map(ContentFormat);
        }
        self.answer.resize(received.end(), 0);
        if !received.store(message.payload(), &mut self.answer) {
            return self.bad_answer("a block does not fit its place");
        }
        match received.next {
            Next::More(block) => {
                self.next_block = Some(block);
                Step::Again
            }
            Next::Complete(_) => self.read_content(registration, config),
        }
    }

    fn read_content(&mut self, registration: &Registration, config: &Config) -> Step {
        let path = self.job.action.path();
        if matches!(self.job.action, Action::Discover { .. }) {
            return match read_discovered(&self.answer, &registration.root) {
                Ok(links) => Step::Done(Ok(Finished::Outcome(Outcome::Links(links)))),
                Err(error) => {
                    self.bad_answer(&format!("it is no link format at byte {}", error.offset))
                }
            };
        }
        let records = payload::decode_answer(
            &config.registry.of(registration),
            self.answer_format,
            self.format,
            path,
            &self.answer,
        );
        match records {
            Ok(records) if self.observing.is_some() => Step::Done(Ok(Finished::Observing(records))),
            Ok(records) => Step::Done(Ok(Finished::Outcome(Outcome::Records(records)))),
            // It chose the format itself, and not one that is understood here: now it is told.
            Err(_)
                if self.format.is_none()
                    && matches!(self.job.action, Action::Read { .. })
                    && self.fall_back(config) =>
            {
                self.receiver.reset();
                self.next_block = None;
                self.answer.clear();
                Step::Again
            }
            Err(reason) => self.bad_answer(&reason),
        }
    }

    fn fall_back(&mut self, config: &Config) -> bool {
        let found = self.next_format(config).is_ok();
        self.fell_back |= found;
        found
    }

    fn may_restart(&mut self) -> bool {
        self.restarts += 1;
        self.restarts <= RESTARTS
    }

    fn bad_answer(&self, reason: &str) -> Step {
        Step::Done(Err(CommandError::bad_answer(
            self.job.action.path(),
            reason,
        )))
    }

    fn refused(&self, message: &Message<'_>) -> CommandError {
        let text = message.payload();
        let is_text = message
            .content_format()
            .is_none_or(|format| format == ContentFormat::TEXT.0);
        let diagnostic = core::str::from_utf8(&text[..text.len().min(DIAGNOSTIC)])
            .ok()
            .filter(|_| is_text);
        CommandError::Refused {
            code: message.code(),
            path: self.job.action.path(),
            operation: if self.phase == Phase::Attributes {
                "Write-Attributes"
            } else {
                self.job.action.operation()
            },
            // A device chooses these characters: what would steer a terminal is left out.
            diagnostic: diagnostic
                .unwrap_or_default()
                .chars()
                .filter(|character| !character.is_control())
                .collect(),
        }
    }
}

/// Cuts a payload for `path` into blocks.
fn sender_of(length: usize, config: &Config, path: Path) -> Result<BlockSender, CommandError> {
    let size = BlockSize::at_most(config.block_size).unwrap_or(BlockSize::MAX);
    BlockSender::new(length, size).map_err(|reason| {
        CommandError::invalid(format!("the payload for {path} is too long: {reason}"))
    })
}

/// Gives the values of an order the types of their resources; they are then the order's values.
fn fit(job: &mut Job, registration: &Registration, config: &Config) -> Result<(), CommandError> {
    let objects = config.registry.of(registration);
    let base = payload::base(&job.action);
    match &mut job.action {
        Action::Write { path, value, .. } => {
            let given = core::mem::replace(value, WriteValue::Records(Vec::new()));
            *value = WriteValue::Records(payload::written(&objects, *path, given)?);
        }
        Action::Create { records, .. } => {
            *records = payload::typed(&objects, base, core::mem::take(records))?;
        }
        _ => {}
    }
    Ok(())
}

/// The formats to try, in their order.
fn formats_for(
    job: &Job,
    registration: &Registration,
    learned: Option<ContentFormat>,
    config: &Config,
) -> Vec<Option<ContentFormat>> {
    if job.format.is_some() {
        return vec![job.format];
    }
    let objects = config.registry.of(registration);
    let first = job.preferred.or(learned);
    match &job.action {
        Action::Read { path } | Action::Observe { path, .. } => {
            payload::formats_to_read(&objects, first, *path)
        }
        Action::Cancel { .. } => vec![job.preferred],
        Action::Write {
            path,
            value: WriteValue::Records(records),
            ..
        } => payload::formats_to_write(registration, first, *path, records),
        // Only TLV can leave the instance out, so that the device chooses it.
        Action::Create { instance: None, .. } => vec![Some(ContentFormat::TLV)],
        Action::Create {
            object, records, ..
        } => payload::formats_to_write(registration, first, Path::object(*object), records),
        _ => vec![None],
    }
}

/// The instance in the Location-Path of the answer to a Create.
fn created(message: &Message<'_>, root: &str) -> Option<Path> {
    let segments: Option<Vec<_>> = message
        .location_path()
        .map(|segment| core::str::from_utf8(segment).ok())
        .collect();
    let location = segments.filter(|segments| !segments.is_empty())?.join("/");
    let location = location
        .strip_prefix(root)
        .unwrap_or(&location)
        .trim_start_matches('/')
        .to_owned();
    let path: Path = format!("/{location}").parse().ok()?;
    (path.level() == Level::Instance).then_some(path)
}

/// The same request with the segments of `root` before its path.
fn under_root(request: &[u8], root: &str) -> Result<Vec<u8>, BuildError> {
    let Ok(message) = Message::parse(request) else {
        return Ok(request.to_vec());
    };
    let mut buffer = vec![0; request.len() + 2 * root.len() + 16];
    let mut builder = MessageBuilder::new(
        &mut buffer,
        message.message_type(),
        message.code(),
        message.id(),
        message.token(),
    );
    let mut rooted = false;
    for (number, value) in message.options() {
        if number >= OptionNumber::URI_PATH && !rooted {
            builder.path(root.split('/'));
            rooted = true;
        }
        builder.option(number, value);
    }
    Ok(builder.payload(message.payload()).finish()?.to_vec())
}
