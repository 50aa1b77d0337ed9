//! One request and its response, in as many messages as their bodies need.

use core::fmt;
use core::time::Duration;
use std::vec;
use std::vec::Vec;

use bytes::Bytes;

use super::driver::Inbound;
use super::request::{RequestBuilder, within};
use super::target::{Target, is_multicast};
use super::{Client, Mailbox, Open, Way};
use crate::block::{
    Block, BlockOptions, BlockSize, ReceiveError, SendError, Step, Transfer, TransferError,
};
use crate::echo::{ChallengeAnswer, EchoMemory};
use crate::tokio::{Error, Response};
use crate::{Message, MessageBuilder, MessageId, OptionNumber, Parameters, Token, Type};

/// How long the response to a Non-confirmable message is waited for.
const NON_PATIENCE: Duration = Duration::from_secs(10);

/// What a message needs beside its options and payload.
const OVERHEAD: usize = 16;

/// A block-wise operation and where it goes.
pub(super) struct Operation {
    client: Client,
    way: Way,
    /// In the order of their numbers.
    options: Vec<(OptionNumber, Vec<u8>)>,
    request: RequestBuilder,
    transfer: Transfer,
    /// What the server wants to have back (RFC 9175).
    echo: EchoMemory,
}

impl Operation {
    pub(super) async fn begin(mut request: RequestBuilder) -> Result<Self, Error> {
        let target = Target::find(&request.client, &request.uri).await?;
        let mut options = target.options;
        options.append(&mut request.options);
        // Stable: what the builder has added to the query follows that of the URI.
        options.sort_by_key(|(number, _)| *number);
        // Multicast requests are Non-confirmable (RFC 7252 §8.1).
        request.confirmable &= !is_multicast(target.way.peer.ip());
        let size = request.block_size;
        let mut transfer = target
            .way
            .transfer(request.method, request.body.len(), size)?;
        if request.early && (target.way.settings.is_none() || size < BlockSize::MAX) {
            transfer = transfer.negotiate_early();
        }
        Ok(Self {
            client: request.client.clone(),
            way: target.way,
            options,
            request,
            transfer,
            echo: EchoMemory::NEW,
        })
    }

    /// What takes the rest of a body that begins in a notification.
    pub(super) fn transfer(&self, size: BlockSize) -> Result<Transfer, SendError> {
        self.way.transfer(self.request.method, 0, size)
    }

    /// The request for the rest of the body that begins in a notification.
    pub(super) fn rest_of(&self, transfer: Transfer) -> Self {
        let mut request = RequestBuilder::new(self.client.clone(), self.request.method, "");
        request.confirmable = self.request.confirmable;
        request.max_response = self.request.max_response;
        Self {
            client: self.client.clone(),
            way: self.way.clone(),
            options: self.options.clone(),
            request,
            transfer,
            echo: self.echo,
        }
    }

    /// Takes a first response that came otherwise.
    pub(super) fn first(&mut self, message: &Message<'_>, capacity: usize) -> Result<Step, Error> {
        Ok(self.transfer.response(message, capacity)?)
    }

    /// Makes the next request and takes its response.
    async fn step(&mut self) -> Result<(Step, Inbound), Error> {
        let confirmable = self.request.confirmable;
        let patience = if confirmable {
            let lifetime = Parameters::DEFAULT.exchange_lifetime();
            Duration::from_millis(lifetime.as_millis())
        } else {
            NON_PATIENCE
        };
        let mut repeats = 0_u8;
        let inbound = loop {
            let (token, bytes) = self.message(None).await?;
            let exchange = self.client.exchange(&self.way, confirmable, token, bytes);
            let inbound = within(Some(patience), exchange).await?;
            match self.echo.on_response(&inbound.message()?, repeats) {
                ChallengeAnswer::Repeat => repeats = repeats.saturating_add(1),
                ChallengeAnswer::HandOn => break inbound,
            }
        };
        let step = self
            .transfer
            .response(&inbound.message()?, self.request.max_response)?;
        Ok((step, inbound))
    }

    /// Registers as an observer.
    pub(super) async fn observe(&mut self) -> Result<(Open, Mailbox), Error> {
        let (token, bytes) = self.message(Some(crate::observe::REGISTER)).await?;
        let confirmable = self.request.confirmable;
        self.way.send_many(confirmable, token, bytes)
    }

    /// Tells the server that nobody observes any more.
    pub(super) fn deregister(&self, token: Token) -> Option<Vec<u8>> {
        let options = BlockOptions::default();
        let observe = Some(crate::observe::DEREGISTER);
        let bytes = self.write(token, observe, &options, true, &[]).ok()?;
        Some(bytes)
    }

    /// The next message.
    async fn message(&mut self, observe: Option<u32>) -> Result<(Token, Vec<u8>), Error> {
        let next = self.transfer.request();
        let token = Token::from(rand::random::<u64>().to_ne_bytes());
        let range = next.part.offset..next.part.end();
        // The borrow of the body ends before the options are looked at.
        let part = Bytes::copy_from_slice(self.request.body.part(range).await?);
        let bytes = self.write(token, observe, &next.options, next.first, &part)?;
        Ok((token, bytes))
    }

    fn write(
        &self,
        token: Token,
        observe: Option<u32>,
        blocks: &BlockOptions,
        first: bool,
        payload: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let mut len = OVERHEAD.saturating_add(payload.len());
        for (_, value) in &self.options {
            len = len.saturating_add(value.len()).saturating_add(5);
        }
        // Room for Observe and the options of the blocks.
        let mut bytes = vec![0; len.saturating_add(32)];
        let message_type = if self.request.confirmable {
            Type::Confirmable
        } else {
            Type::NonConfirmable
        };
        let code = self.request.method;
        let mut builder = MessageBuilder::new(&mut bytes, message_type, code, MessageId(0), token);
        let mut options = self.options.iter().filter(|(number, _)| {
            // What stands in the first message only (RFC 7959 §2.10), and what tells of a payload.
            first
                || !matches!(*number, OptionNumber::IF_NONE_MATCH)
                    && (!payload.is_empty() || *number != OptionNumber::CONTENT_FORMAT)
        });
        let mut next = options.next();
        let mut before = |number: OptionNumber, builder: &mut MessageBuilder<'_>| {
            while let Some((other, value)) = next.filter(|(other, _)| *other < number) {
                builder.option(*other, value);
                next = options.next();
            }
        };
        let numbers = [
            (OptionNumber::OBSERVE, observe),
            (OptionNumber::BLOCK2, blocks.block2.map(Block::to_uint)),
            (OptionNumber::BLOCK1, blocks.block1.map(Block::to_uint)),
            (OptionNumber::SIZE2, blocks.size2),
            (OptionNumber::SIZE1, blocks.size1),
        ];
        for (number, value) in numbers {
            if let Some(value) = value {
                before(number, &mut builder);
                builder.uint(number, value);
            }
        }
        if let Some(value) = self.echo.value() {
            before(OptionNumber::ECHO, &mut builder);
            builder.option(OptionNumber::ECHO, value);
        }
        before(OptionNumber(u16::MAX), &mut builder);
        builder.payload(payload);
        let len = builder.finish()?.len();
        bytes.truncate(len);
        Ok(bytes)
    }

    /// Makes all requests and puts the body of the response together, behind what is there of it.
    pub(super) async fn collect(mut self, mut body: Vec<u8>) -> Result<Response, Error> {
        loop {
            let (step, inbound) = self.step().await?;
            let message = inbound.message()?;
            match step {
                Step::Send => {}
                Step::Restart => body.clear(),
                Step::Content(received) => {
                    body.truncate(received.offset);
                    body.extend_from_slice(message.payload());
                    if received.is_complete() {
                        return Ok(Response::received(&message, Bytes::from(body)));
                    }
                }
                Step::Refused => {
                    let payload = Bytes::copy_from_slice(message.payload());
                    return Ok(Response::received(&message, payload));
                }
            }
        }
    }
}

/// A response whose body is asked for part by part.
pub struct Download {
    operation: Operation,
    response: Response,
    /// The part that was asked for with the response.
    first: Option<Bytes>,
    complete: bool,
}

impl Download {
    pub(super) async fn begin(mut operation: Operation) -> Result<Self, Error> {
        loop {
            let (step, inbound) = operation.step().await?;
            let message = inbound.message()?;
            let payload = Bytes::copy_from_slice(message.payload());
            let (first, complete, payload) = match step {
                Step::Send | Step::Restart => continue,
                Step::Content(received) => (Some(payload), received.is_complete(), Bytes::new()),
                Step::Refused => (None, true, payload),
            };
            return Ok(Self {
                response: Response::received(&message, payload),
                operation,
                first,
                complete,
            });
        }
    }

    /// Code and options of the response; a body only where it is an error.
    pub const fn response(&self) -> &Response {
        &self.response
    }

    /// The next part of the body; `None` after its end.
    ///
    /// # Errors
    ///
    /// Those of a request. [`ReceiveError::EtagChanged`] inside [`Error::Receive`] where the resource has changed:
    /// what was taken so far is of no use.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        if self.complete {
            return Ok(None);
        }
        let (step, inbound) = self.operation.step().await?;
        let message = inbound.message()?;
        match step {
            Step::Content(received) => {
                self.complete = received.is_complete();
                Ok(Some(Bytes::copy_from_slice(message.payload())))
            }
            Step::Send | Step::Restart => Err(Error::Receive(ReceiveError::EtagChanged)),
            Step::Refused => Err(Error::Refused(message.code())),
        }
    }
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("response", &self.response)
            .field("complete", &self.complete)
            .finish_non_exhaustive()
    }
}

impl From<TransferError> for Error {
    fn from(error: TransferError) -> Self {
        match error {
            TransferError::Send(error) => Self::Send(error),
            TransferError::Receive(error) => Self::Receive(error),
        }
    }
}
