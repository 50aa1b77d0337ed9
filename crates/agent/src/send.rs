//! Send: values that no server has asked for (Core 1.2.2 §6.4.7).

#[cfg(feature = "send")]
use core::fmt;

use dunlin_coap::block::{BlockSender, BlockSize};
use dunlin_coap::{Code, MessageBuilder, OptionNumber, Type};
use dunlin_codec::ContentFormat;
#[cfg(feature = "send")]
use dunlin_model::{Path, ResourceId};

#[cfg(feature = "send")]
use crate::composite;
use crate::engine::Core;
use crate::features::SEND;
use crate::registration::Registration;
#[cfg(feature = "send")]
use crate::registration::Slot;
use crate::reply::{About, HEADER, Payload, Source, join};
use crate::{Error, Event, Failure};

/// Why a Send is not begun.
#[cfg(feature = "send")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SendError {
    /// There is no registration at the server.
    NotRegistered,
    /// The server wants no Send: its resource /1/x/23 is true or absent.
    Muted,
    /// The last Send to the server is still under way.
    Busy,
    /// None of the nodes has anything to read.
    NotFound,
    /// There are more nodes than a list has room for, or all lists are in use.
    NoSpace,
}

#[cfg(feature = "send")]
impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotRegistered => "no registration at the server",
            Self::Muted => "the server wants no Send",
            Self::Busy => "the last Send is under way",
            Self::NotFound => "nothing to read there",
            Self::NoSpace => "too many nodes",
        })
    }
}

#[cfg(feature = "send")]
impl core::error::Error for SendError {}

/// A Send that is wanted or under way. Its values are read when a message is written; while they change, the message is
/// a new one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sending {
    list: u8,
    format: ContentFormat,
    /// The content of the last message.
    content: Option<u32>,
}

impl<P: Copy + Eq> Core<'_, P> {
    /// Begins a Send of `paths` to the server with this short server id.
    #[cfg(feature = "send")]
    pub(crate) fn begin_send(&mut self, server: u16, paths: &[Path]) -> Result<(), SendError> {
        let is_it = |slot: &Slot<P>| slot.short_server_id == server && slot.is_registered();
        let place = self
            .servers
            .iter()
            .position(|slot| slot.as_ref().is_some_and(is_it));
        let slot = place.and_then(|place| self.servers.get(place)?.as_ref());
        let slot = slot.ok_or(SendError::NotRegistered)?;
        if slot.sending.is_some() {
            return Err(SendError::Busy);
        }
        let mute = slot.read(&*self.objects, ResourceId::of::<23>());
        if mute.and_then(|mute| mute.as_bool()) != Some(false) {
            return Err(SendError::Muted);
        }
        let mut list = composite::PathList::new();
        for path in paths {
            composite::insert(&mut list, *path).map_err(|_| SendError::NoSpace)?;
        }
        if !composite::is_readable(&*self.objects, Some(server), &list) {
            return Err(SendError::NotFound);
        }
        let list = self
            .state
            .lists
            .keep(list)
            .map_err(|_| SendError::NoSpace)?;
        let format = composite::format_for_several(self.config.format);
        if let Some(slot) = place.and_then(|place| self.slot_mut(place)) {
            slot.sending = Some(Sending {
                list,
                format,
                content: None,
            });
        }
        // The clock is told first, as after any wish.
        self.state.changed = true;
        Ok(())
    }

    /// Writes the message of the Send under way.
    pub(crate) fn write_send(&mut self, index: usize, buffer: &mut [u8]) -> Result<usize, Error> {
        let slot = self.servers.get(index).and_then(Option::as_ref);
        let sending = slot.and_then(|slot| slot.sending).ok_or(Error::Failed)?;
        let source = Source {
            about: About::Paths(sending.list),
            format: sending.format,
            path: dunlin_model::Path::ROOT,
            server: index,
        };
        let payload: Payload = self.prepare(source, buffer)?;
        let changed = sending
            .content
            .is_some_and(|old| old != payload.fingerprint);
        let space = buffer.len().saturating_sub(HEADER);
        let fits = BlockSize::at_most(space).ok_or(Error::NoSpace)?;
        let size = fits.min(self.config.block_size);
        let slot = self.servers.get_mut(index).and_then(Option::as_mut);
        let slot = slot.ok_or(Error::Failed)?;
        if let Some(sending) = &mut slot.sending {
            sending.content = Some(payload.fingerprint);
        }
        let exchange = &mut slot.exchange;
        if changed {
            exchange.id = self.state.ids.next();
        }
        if changed || exchange.blocks.is_none() {
            let blocks = BlockSender::new(payload.total, size);
            exchange.blocks = Some(blocks.map_err(|_| Error::NoSpace)?);
        }
        let blocks = exchange.blocks.as_ref().ok_or(Error::Failed)?;
        let current = blocks.current();
        let (id, token) = (exchange.id, exchange.token);
        let end = current.offset.saturating_add(current.len);
        let mut part = current.offset..end;
        if end > payload.held {
            let window = HEADER..HEADER.saturating_add(current.len);
            let window = buffer.get_mut(window).ok_or(Error::NoSpace)?;
            self.part(source, current.offset, window)?;
            part = 0..current.len;
        }
        let (header, _) = buffer.split_at_mut_checked(HEADER).ok_or(Error::NoSpace)?;
        let mut builder = MessageBuilder::new(header, Type::Confirmable, Code::POST, id, token);
        builder
            .option(OptionNumber::URI_PATH, b"dp")
            .content_format(sending.format.0);
        if let Some(block) = current.block {
            builder.block1(block);
        }
        #[cfg(feature = "echo")]
        if let Some(Some(slot)) = self.servers.get(index) {
            slot.exchange.echo.write(&mut builder);
        }
        let header = builder.finish().map_err(|_| Error::NoSpace)?.len();
        join(buffer, header, HEADER, part).ok_or(Error::NoSpace)
    }

    /// The Send to a server is over; `failure` is what went wrong.
    pub(crate) fn end_send(&mut self, index: usize, failure: Option<Failure>) {
        if !SEND {
            return;
        }
        let Some(slot) = self.servers.get_mut(index).and_then(Option::as_mut) else {
            return;
        };
        if slot.state == Registration::Sending {
            slot.state = Registration::Registered;
        }
        let server = slot.short_server_id;
        if let Some(sending) = slot.sending.take() {
            self.state.lists.free(sending.list);
            self.state.tell(match failure {
                None => Event::Sent { server },
                Some(reason) => Event::SendFailed { server, reason },
            });
        }
    }
}
