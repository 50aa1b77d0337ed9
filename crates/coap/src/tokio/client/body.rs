//! The body of a request.

use core::future::poll_fn;
use core::ops::Range;
use core::pin::Pin;
use core::task::ready;
use std::boxed::Box;
use std::io;
use std::vec;
use std::vec::Vec;

use bytes::Bytes;
use tokio::io::{AsyncRead, ReadBuf};

use crate::tokio::Error;

/// Where the bytes come from.
pub(super) enum Body {
    Bytes(Bytes),
    Reader(Reader),
}

/// A body that is read as it is sent.
pub(super) struct Reader {
    source: Pin<Box<dyn AsyncRead + Send>>,
    len: usize,
    /// The part that was read last, and where it begins.
    part: Vec<u8>,
    start: usize,
}

impl Body {
    pub(super) fn reader(source: impl AsyncRead + Send + 'static, len: usize) -> Self {
        Self::Reader(Reader {
            source: Box::pin(source),
            len,
            part: Vec::new(),
            start: 0,
        })
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Reader(reader) => reader.len,
        }
    }

    /// The bytes of a part.
    pub(super) async fn part(&mut self, range: Range<usize>) -> Result<&[u8], Error> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.get(range).unwrap_or_default()),
            Self::Reader(reader) => reader.part(range).await,
        }
    }
}

impl Reader {
    async fn part(&mut self, range: Range<usize>) -> Result<&[u8], Error> {
        let end = self.start.saturating_add(self.part.len());
        let len = range.len();
        if range.start == end {
            let mut part = vec![0; len];
            self.fill(&mut part).await?;
            self.part = part;
            self.start = range.start;
        }
        // The same part again, or its beginning where the server wants smaller ones.
        let from = range.start.checked_sub(self.start);
        from.and_then(|from| self.part.get(from..)?.get(..len))
            .ok_or(Error::NotRepeatable)
    }

    async fn fill(&mut self, mut space: &mut [u8]) -> Result<(), Error> {
        while !space.is_empty() {
            let source = &mut self.source;
            let read = poll_fn(|context| {
                let mut buffer = ReadBuf::new(space);
                ready!(source.as_mut().poll_read(context, &mut buffer))?;
                core::task::Poll::Ready(io::Result::Ok(buffer.filled().len()))
            })
            .await?;
            if read == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            space = space.get_mut(read..).unwrap_or_default();
        }
        Ok(())
    }
}
