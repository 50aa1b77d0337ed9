//! What a datagram meant.

use core::ops::Deref;

use super::ExchangeId;
use crate::Message;

/// What a datagram meant to its receiver; it borrows from the datagram.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Input<'a, P> {
    /// Somebody asks for something, for the first time.
    ///
    /// To be answered with [`respond`](crate::Endpoint::respond), or put off with [`defer`](crate::Endpoint::defer). A
    /// request that gets neither comes again with the next retransmission.
    Request(Request<'a, P>),
    /// A request of ours is answered.
    Response(Response<'a>),
    /// A resource that we observe has changed, or tells its first state (RFC 7641).
    Notification(Response<'a>),
    /// There is nothing for the owner to do but to poll for output: a duplicate, an Acknowledgement, noise.
    Nothing,
}

/// A request, seen as its [`Message`].
#[derive(Clone, Copy, Debug)]
pub struct Request<'a, P> {
    pub(super) peer: P,
    /// The peer in the window of duplicates.
    pub(super) key: u64,
    pub(super) message: Message<'a>,
    /// The length of the datagram in bytes.
    pub(super) len: usize,
    /// What may be observed here.
    pub(super) resource: Option<u32>,
}

impl<'a, P: Copy> Request<'a, P> {
    /// Lets the request register its sender as an observer of `resource`, a number of the owner's choice, when it is
    /// answered with success; and deregister it (RFC 7641 §4.1).
    ///
    /// Without it, an Observe option in the request means nothing. The answer gets its Observe option by itself; it must
    /// be in the Content-Format in which the notifications will be.
    #[inline]
    #[must_use]
    pub const fn observable(mut self, resource: u32) -> Self {
        self.resource = Some(resource);
        self
    }

    /// Who asks.
    #[inline]
    pub const fn peer(&self) -> P {
        self.peer
    }

    /// The message.
    #[inline]
    pub const fn message(&self) -> &Message<'a> {
        &self.message
    }
}

impl<'a, P> Deref for Request<'a, P> {
    type Target = Message<'a>;

    #[inline]
    fn deref(&self) -> &Message<'a> {
        &self.message
    }
}

/// A response or a part of one, seen as its [`Message`].
#[derive(Clone, Copy, Debug)]
pub struct Response<'a> {
    /// Which of our requests it answers.
    pub exchange: ExchangeId,
    /// Where in the body the payload belongs, in bytes; 0 again where the transfer starts anew because the resource
    /// has changed under it.
    pub offset: usize,
    /// Whether the body goes on: the next part is asked for already (RFC 7959 §2.4).
    pub more: bool,
    pub(super) message: Message<'a>,
}

impl<'a> Response<'a> {
    /// The message.
    #[inline]
    pub const fn message(&self) -> &Message<'a> {
        &self.message
    }
}

impl<'a> Deref for Response<'a> {
    type Target = Message<'a>;

    #[inline]
    fn deref(&self) -> &Message<'a> {
        &self.message
    }
}
