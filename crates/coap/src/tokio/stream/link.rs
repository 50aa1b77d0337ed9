//! The transport under a connection.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::boxed::Box;
use std::io;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::session::{Inbox, Outbox};
use crate::reliable::Framing;
#[cfg(feature = "websocket")]
use crate::tokio::websocket::Socket;

/// A byte stream.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A byte stream, or the messages of a WebSocket.
pub(crate) enum Link {
    Stream(Box<dyn Io>),
    #[cfg(feature = "websocket")]
    WebSocket(Box<Socket>),
}

impl Link {
    pub(crate) const fn framing(&self) -> Framing {
        match self {
            Self::Stream(_) => Framing::Stream,
            #[cfg(feature = "websocket")]
            Self::WebSocket(_) => Framing::WebSocket,
        }
    }

    /// Receives more: some bytes, or one message. False at the end.
    pub(super) fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        inbox: &mut Inbox,
    ) -> Poll<io::Result<bool>> {
        match self {
            Self::Stream(stream) => {
                let mut space = ReadBuf::new(inbox.space());
                ready!(Pin::new(stream).poll_read(context, &mut space))?;
                let len = space.filled().len();
                inbox.commit(len);
                Poll::Ready(Ok(len > 0))
            }
            #[cfg(feature = "websocket")]
            Self::WebSocket(socket) => socket.poll_receive(context, inbox),
        }
    }

    /// Sends all that waits; pending while the transport takes no more.
    pub(super) fn poll_send(
        &mut self,
        context: &mut Context<'_>,
        outbox: &mut Outbox,
    ) -> Poll<io::Result<()>> {
        match self {
            Self::Stream(stream) => {
                while !outbox.is_empty() {
                    let sent = ready!(Pin::new(&mut *stream).poll_write(context, outbox.bytes()))?;
                    if sent == 0 {
                        return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                    }
                    outbox.sent(sent);
                }
                // A transport may hold bytes back, as TLS does.
                Pin::new(stream).poll_flush(context)
            }
            #[cfg(feature = "websocket")]
            Self::WebSocket(socket) => socket.poll_send(context, outbox),
        }
    }

    /// Ends the transport in good order.
    pub(super) fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Stream(stream) => Pin::new(stream).poll_shutdown(context),
            #[cfg(feature = "websocket")]
            Self::WebSocket(socket) => socket.poll_close(context),
        }
    }
}
