//! A body that a handler takes while it arrives.

use core::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use thiserror::Error;
use tokio::sync::{Mutex, mpsc, oneshot};

use super::route::Answering;
use crate::Code;
use crate::tokio::Response;

/// The body of a request while it arrives, block by block (RFC 7959).
///
/// The client is asked for the next block once the handler asks for it: a slow disk slows the client down and no
/// more than one block waits in memory.
#[derive(Debug)]
pub struct Upload {
    chunks: mpsc::Receiver<Chunk>,
    /// To be told that the chunk before was taken.
    taken: Option<oneshot::Sender<()>>,
    complete: bool,
}

/// The client went away, or began again, before the body was complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the upload was given up")]
pub struct UploadAborted;

impl From<UploadAborted> for Response {
    fn from(_: UploadAborted) -> Self {
        Self::new(Code::REQUEST_ENTITY_INCOMPLETE)
    }
}

#[derive(Debug)]
struct Chunk {
    bytes: Bytes,
    last: bool,
    taken: oneshot::Sender<()>,
}

impl Upload {
    /// The next part of the body; `None` after its end.
    ///
    /// # Errors
    ///
    /// [`UploadAborted`].
    pub async fn next(&mut self) -> Result<Option<Bytes>, UploadAborted> {
        if let Some(taken) = self.taken.take() {
            // The client may be gone.
            let _ = taken.send(());
        }
        if self.complete {
            return Ok(None);
        }
        let chunk = self.chunks.recv().await.ok_or(UploadAborted)?;
        self.complete = chunk.last;
        self.taken = Some(chunk.taken);
        Ok(Some(chunk.bytes))
    }
}

/// The server's end of an upload.
#[derive(Clone)]
pub(super) struct Feed(Arc<Mutex<Inner>>);

struct Inner {
    chunks: mpsc::Sender<Chunk>,
    result: oneshot::Receiver<Response>,
}

/// What became of a block.
pub(super) enum Taken {
    /// The handler asks for the next.
    More,
    /// The handler has answered.
    Answered(Response),
}

impl Feed {
    /// Starts a handler and gives what feeds it; `handler` makes its future.
    pub(super) fn start(handler: impl FnOnce(Upload) -> Answering) -> Self {
        let (chunks, receiver) = mpsc::channel(1);
        let (done, result) = oneshot::channel();
        let future = handler(Upload {
            chunks: receiver,
            taken: None,
            complete: false,
        });
        tokio::spawn(async move {
            // Nobody may be waiting any more.
            let _ = done.send(future.await);
        });
        Self(Arc::new(Mutex::new(Inner { chunks, result })))
    }

    /// Hands the handler a block and waits for it.
    pub(super) async fn take(self, bytes: Bytes, last: bool) -> Taken {
        let mut inner = self.0.lock().await;
        let (taken, wait) = oneshot::channel();
        let chunk = Chunk { bytes, last, taken };
        if inner.chunks.send(chunk).await.is_ok() && !last && wait.await.is_ok() {
            return Taken::More;
        }
        // The last block, or the handler has ended without asking for more.
        let response = Pin::new(&mut inner.result).await;
        Taken::Answered(response.unwrap_or_else(|_| Response::new(Code::INTERNAL_SERVER_ERROR)))
    }
}
