//! The notifications of one resource.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::boxed::Box;

use bytes::Bytes;
use futures_util::Stream;

use super::driver::Inbound;
use super::mailbox::Mailbox;
use super::operation::Operation;
use super::request::RequestBuilder;
use super::{Open, Order, Outbound, Reply};
use crate::block::{BlockSize, Step};
use crate::tokio::{Error, Response};

/// A resource that is observed (RFC 7641): a stream of its representations, the present one first. Dropping it tells
/// the server that nobody observes any more.
///
/// Late notifications are left out, and who is slow gets the newest. A large representation is fetched as a whole. The
/// stream ends with the server's last response, an error such as 4.04 when the resource is gone.
#[must_use = "dropping an observation cancels it"]
pub struct Observation {
    operation: Operation,
    mailbox: Mailbox,
    open: Option<Open>,
    /// The rest of a representation that is being fetched.
    fetching: Option<Fetching>,
    block_size: BlockSize,
    max_response: usize,
}

type Fetching = Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>;

impl Observation {
    pub(super) async fn begin(request: RequestBuilder) -> Result<Self, Error> {
        let (block_size, max_response) = (request.block_size, request.max_response);
        let mut operation = Operation::begin(request).await?;
        let (open, mailbox) = operation.observe().await?;
        let mut observation = Self {
            operation,
            mailbox,
            open: Some(open),
            fetching: None,
            block_size,
            max_response,
        };
        // What came first says whether there will be more.
        let first = core::future::poll_fn(|context| observation.mailbox.poll_next(context)).await;
        let first = first.ok_or(Error::Closed)??;
        let message = first.message()?;
        if message.code().is_success() && message.observe().is_none() {
            return Err(Error::NotObservable);
        }
        if !message.code().is_success() {
            return Err(Error::Refused(message.code()));
        }
        observation.fetching = Some(observation.fetch(first));
        Ok(observation)
    }

    /// The next representation; `None` after the last.
    pub async fn next(&mut self) -> Option<Result<Response, Error>> {
        core::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// Turns a notification into a response, with the rest of its body where there is more.
    fn fetch(&self, inbound: Inbound) -> Fetching {
        let transfer = self.operation.transfer(self.block_size);
        let rest = transfer.map(|transfer| self.operation.rest_of(transfer));
        let capacity = self.max_response;
        Box::pin(async move {
            let mut rest = rest?;
            let message = inbound.message()?;
            let payload = message.payload();
            match rest.first(&message, capacity)? {
                Step::Content(received) if !received.is_complete() => {
                    rest.collect(payload.to_vec()).await
                }
                _ => Ok(Response::received(
                    &message,
                    Bytes::copy_from_slice(payload),
                )),
            }
        })
    }
}

impl Stream for Observation {
    type Item = Result<Response, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(fetching) = &mut this.fetching {
                let result = ready!(fetching.as_mut().poll(context));
                this.fetching = None;
                return Poll::Ready(Some(result));
            }
            match ready!(this.mailbox.poll_next(context)) {
                Some(Ok(inbound)) => this.fetching = Some(this.fetch(inbound)),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    // The driver has forgotten it by itself.
                    if let Some(open) = this.open.take() {
                        open.done();
                    }
                    return Poll::Ready(None);
                }
            }
        }
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        let Some(open) = self.open.take() else {
            return;
        };
        let Some(bytes) = self.operation.deregister(open.token) else {
            return;
        };
        let (way, token) = (open.way.clone(), open.token);
        // First the old request is forgotten, then one is made with the same token (RFC 7641 §3.6). Nobody waits for
        // its response.
        drop(open);
        let outbound = Outbound {
            peer: way.peer,
            token,
            confirmable: true,
            bytes,
            reply: Reply::Nobody,
        };
        // A driver that has ended observes nothing.
        let _ = way.orders.send(Order::Request(outbound));
    }
}

impl fmt::Debug for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observation").finish_non_exhaustive()
    }
}
