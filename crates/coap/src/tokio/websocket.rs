//! CoAP over WebSockets: the handshake and the messages (RFC 8323 §4, §8.3).

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::boxed::Box;
use std::io;
use std::string::ToString;

use bytes::Bytes;
use futures_util::{Sink, Stream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::CapacityError;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode, Uri};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{ClientRequestBuilder, Error, Message};

use super::stream::{Inbox, Io, Outbox};

/// Where the endpoint of a server is (RFC 8323 §8.3).
const PATH: &str = "/.well-known/coap";

/// The name of the subprotocol (RFC 8323 §4.1).
const PROTOCOL: &str = "coap";

/// A WebSocket after its handshake.
pub(crate) struct Socket {
    inner: WebSocketStream<Box<dyn Io>>,
    /// A message was handed to the crate, which may still hold it.
    flush: bool,
}

fn config(max_message_size: u32) -> WebSocketConfig {
    let most = usize::try_from(max_message_size).unwrap_or(usize::MAX);
    WebSocketConfig::default()
        .max_message_size(Some(most))
        .max_frame_size(Some(most))
        .read_buffer_size(4096)
        .write_buffer_size(0)
}

fn error(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        other => io::Error::other(other.to_string()),
    }
}

impl Socket {
    /// Opens a WebSocket at the server with this authority, such as `example.org:8080`.
    pub(crate) async fn connect(
        stream: Box<dyn Io>,
        authority: &str,
        max_message_size: u32,
    ) -> io::Result<Self> {
        let uri = Uri::builder()
            // Whether the stream is TLS matters to nobody here.
            .scheme("ws")
            .authority(authority)
            .path_and_query(PATH)
            .build()
            .map_err(io::Error::other)?;
        let request = ClientRequestBuilder::new(uri).with_sub_protocol(PROTOCOL);
        let config = Some(config(max_message_size));
        let connected = tokio_tungstenite::client_async_with_config(request, stream, config);
        let (inner, _) = connected.await.map_err(error)?;
        Ok(Self {
            inner,
            flush: false,
        })
    }

    /// Takes a client's handshake: for our path and subprotocol only.
    pub(crate) async fn accept(stream: Box<dyn Io>, max_message_size: u32) -> io::Result<Self> {
        let config = Some(config(max_message_size));
        let accepted = tokio_tungstenite::accept_hdr_async_with_config(stream, agree, config);
        let inner = accepted.await.map_err(error)?;
        Ok(Self {
            inner,
            flush: false,
        })
    }

    pub(super) fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        inbox: &mut Inbox,
    ) -> Poll<io::Result<bool>> {
        loop {
            match ready!(Pin::new(&mut self.inner).poll_next(context)) {
                Some(Ok(Message::Binary(message))) if !message.is_empty() => {
                    inbox.put(&message);
                    return Poll::Ready(Ok(true));
                }
                // Pings and Pongs of WebSockets are the crate's business; an empty message has nothing to say.
                Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Text(_) | Message::Frame(_))) => {
                    let text = "CoAP is carried in binary messages";
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, text)));
                }
                Some(Err(Error::Capacity(CapacityError::MessageTooLong { .. }))) => {
                    return Poll::Ready(Err(io::ErrorKind::FileTooLarge.into()));
                }
                Some(Err(Error::Protocol(_)) | Ok(Message::Close(_))) | None => {
                    return Poll::Ready(Ok(false));
                }
                Some(Err(other)) => return Poll::Ready(Err(error(other))),
            }
        }
    }

    pub(super) fn poll_send(
        &mut self,
        context: &mut Context<'_>,
        outbox: &mut Outbox,
    ) -> Poll<io::Result<()>> {
        while let Some(message) = outbox.first() {
            ready!(Pin::new(&mut self.inner).poll_ready(context)).map_err(error)?;
            let len = message.len();
            let message = Message::Binary(Bytes::copy_from_slice(message));
            Pin::new(&mut self.inner)
                .start_send(message)
                .map_err(error)?;
            self.flush = true;
            outbox.sent(len);
        }
        if self.flush {
            ready!(Pin::new(&mut self.inner).poll_flush(context)).map_err(error)?;
            self.flush = false;
        }
        Poll::Ready(Ok(()))
    }

    pub(super) fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_close(context).map_err(error)
    }
}

/// Agrees to a client's handshake, or says why not.
#[expect(clippy::result_large_err, reason = "as the crate wants it")]
fn agree(request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    let refuse = |status: StatusCode| {
        let mut refusal = ErrorResponse::new(None);
        *refusal.status_mut() = status;
        refusal
    };
    if request.uri().path() != PATH {
        return Err(refuse(StatusCode::NOT_FOUND));
    }
    let offered = request
        .headers()
        .get_all("Sec-WebSocket-Protocol")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|name| name.trim() == PROTOCOL);
    if !offered {
        return Err(refuse(StatusCode::BAD_REQUEST));
    }
    let protocol = HeaderValue::from_static(PROTOCOL);
    response
        .headers_mut()
        .insert("Sec-WebSocket-Protocol", protocol);
    Ok(response)
}
