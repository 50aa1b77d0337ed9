//! The part of a body that answers a request.

use crate::block::{BlockOptions, BlockSize, Body, Outgoing, ReceiveError, SendError};
use crate::{BuildError, Code, Message, MessageBuilder};

/// The part of a body that goes into one message, with its options.
pub(super) struct Part {
    outgoing: Outgoing,
    options: BlockOptions,
}

impl Part {
    /// The part that a request asks for; else the code to answer.
    pub(super) fn of(
        body: &mut (impl Body + ?Sized),
        request: &Message<'_>,
        size: BlockSize,
    ) -> Result<Self, Code> {
        let asked = BlockOptions::read(request, size)
            .map_err(|error| ReceiveError::Option(error).code())?;
        Self::asked(body, &asked, size)
    }

    /// The first part, for a notification.
    pub(super) fn first(body: &mut (impl Body + ?Sized), size: BlockSize) -> Result<Self, Code> {
        Self::asked(body, &BlockOptions::default(), size)
    }

    fn asked(
        body: &mut (impl Body + ?Sized),
        asked: &BlockOptions,
        size: BlockSize,
    ) -> Result<Self, Code> {
        let outgoing = Outgoing::from_body(body, asked.block2, size, 0).map_err(SendError::code)?;
        let options = outgoing.response_options(body.len(), asked);
        Ok(Self { outgoing, options })
    }

    pub(super) fn write<'x, 'b>(
        &self,
        body: &mut (impl Body + ?Sized),
        builder: &'x mut MessageBuilder<'b>,
    ) -> &'x mut MessageBuilder<'b> {
        self.options.write(builder);
        if self.outgoing.write(body, builder).is_err() {
            builder.fail(BuildError::PayloadLength);
        }
        builder
    }
}
