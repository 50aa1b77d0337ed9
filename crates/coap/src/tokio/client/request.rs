//! Builds a request.

use core::fmt;
use core::future::{Future, IntoFuture};
use core::pin::Pin;
use core::time::Duration;
use std::boxed::Box;
use std::string::String;
use std::vec::Vec;

use bytes::Bytes;
use tokio::io::AsyncRead;

use super::body::Body;
use super::operation::{Download, Operation};
use super::{Client, Observation};
use crate::block::BlockSize;
use crate::tokio::{Error, Response};
use crate::{Code, OptionNumber};

/// The greatest body of a response that is collected.
const MAX_RESPONSE: usize = 16 << 20;

/// A request that is being built; awaiting it sends it and gives the response.
///
/// ```no_run
/// # async fn example(client: dunlin_coap::tokio::Client) -> Result<(), dunlin_coap::tokio::Error> {
/// use core::time::Duration;
///
/// let response = client
///     .post("coap://[::1]/log?level=3")
///     .content_format(0)
///     .body("it has begun")
///     .timeout(Duration::from_secs(5))
///     .await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a request does nothing unless it is awaited"]
pub struct RequestBuilder {
    pub(super) client: Client,
    pub(super) method: Code,
    pub(super) uri: String,
    /// In the order of their numbers.
    pub(super) options: Vec<(OptionNumber, Vec<u8>)>,
    pub(super) body: Body,
    pub(super) confirmable: bool,
    pub(super) timeout: Option<Duration>,
    pub(super) block_size: BlockSize,
    pub(super) early: bool,
    pub(super) max_response: usize,
}

impl RequestBuilder {
    pub(super) fn new(client: Client, method: Code, uri: &str) -> Self {
        Self {
            client,
            method,
            uri: uri.into(),
            options: Vec::new(),
            body: Body::Bytes(Bytes::new()),
            confirmable: true,
            timeout: None,
            block_size: BlockSize::MAX,
            early: false,
            max_response: MAX_RESPONSE,
        }
    }

    /// The body. One of more than a block goes in blocks (RFC 7959).
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Body::Bytes(body.into());
        self
    }

    /// A body of `len` bytes that is read as it is sent: no more than one block of it is in memory.
    ///
    /// A server that wants the body from its beginning again (4.08) makes the request fail with
    /// [`Error::NotRepeatable`].
    pub fn body_from(mut self, source: impl AsyncRead + Send + 'static, len: usize) -> Self {
        self.body = Body::reader(source, len);
        self
    }

    /// The format of the body.
    pub fn content_format(self, format: u16) -> Self {
        self.uint(OptionNumber::CONTENT_FORMAT, u32::from(format))
    }

    /// The format that is wanted of the response.
    pub fn accept(self, format: u16) -> Self {
        self.uint(OptionNumber::ACCEPT, u32::from(format))
    }

    /// Adds an argument to the query, such as `u=c`, beside those of the URI.
    pub fn query(self, argument: &str) -> Self {
        self.option(OptionNumber::URI_QUERY, argument.as_bytes())
    }

    /// Tells that a response with this `ETag` is still there: 2.03 Valid is enough (RFC 7252 §5.10.6.2).
    pub fn etag(self, etag: &[u8]) -> Self {
        self.option(OptionNumber::ETAG, etag)
    }

    /// Only where the resource has this `ETag` (RFC 7252 §5.10.8.1).
    pub fn if_match(self, etag: &[u8]) -> Self {
        self.option(OptionNumber::IF_MATCH, etag)
    }

    /// Only where the resource does not exist (RFC 7252 §5.10.8.2).
    pub fn if_none_match(self) -> Self {
        self.option(OptionNumber::IF_NONE_MATCH, &[])
    }

    /// Adds any option. Those of block-wise transfer and Observe are not to be set by hand.
    pub fn option(mut self, number: OptionNumber, value: &[u8]) -> Self {
        let place = self.options.partition_point(|(other, _)| *other <= number);
        self.options.insert(place, (number, value.to_vec()));
        self
    }

    fn uint(self, number: OptionNumber, value: u32) -> Self {
        let bytes = value.to_be_bytes();
        let zeros = usize::try_from(value.leading_zeros() / 8).unwrap_or(0);
        self.option(number, bytes.get(zeros..).unwrap_or_default())
    }

    /// Sends Non-confirmable messages: nothing is sent again.
    pub const fn non_confirmable(mut self) -> Self {
        self.confirmable = false;
        self
    }

    /// The time for the whole request, after which it fails with [`Error::TimedOut`].
    ///
    /// Default: none, yet for each of its messages the times of the protocol: 93 s until a Confirmable message is
    /// acknowledged, 247 s until its response comes, 10 s for the response to a Non-confirmable one.
    pub const fn timeout(mut self, time: Duration) -> Self {
        self.timeout = Some(time);
        self
    }

    /// The greatest block that is sent and asked for, the latter from the first message on. Default 1024 bytes, or
    /// what the server prefers.
    pub const fn block_size(mut self, size: BlockSize) -> Self {
        self.block_size = size;
        self.early = true;
        self
    }

    /// The greatest body of the response in bytes. Default 16 MiB.
    pub const fn max_response(mut self, bytes: usize) -> Self {
        self.max_response = bytes;
        self
    }

    /// Sends the request and gives the response with its whole body; the same as awaiting the builder.
    ///
    /// # Errors
    ///
    /// Every [`Error`] but [`Error::NotObservable`].
    pub async fn send(self) -> Result<Response, Error> {
        let timeout = self.timeout;
        within(timeout, async {
            Operation::begin(self).await?.collect(Vec::new()).await
        })
        .await
    }

    /// Sends the request and gives the response with its body still to come, part by part.
    ///
    /// # Errors
    ///
    /// Those of [`send`](RequestBuilder::send). The timeout is for the first part.
    pub async fn download(self) -> Result<Download, Error> {
        let timeout = self.timeout;
        within(timeout, async {
            Download::begin(Operation::begin(self).await?).await
        })
        .await
    }

    /// Observes the resource (RFC 7641): the request must be a GET or a FETCH without a long body.
    ///
    /// # Errors
    ///
    /// Those of [`send`](RequestBuilder::send), and [`Error::NotObservable`]. The timeout is for the first response.
    pub async fn observe(self) -> Result<Observation, Error> {
        let timeout = self.timeout;
        within(timeout, Observation::begin(self)).await
    }
}

/// What a future gives within the time.
pub(super) async fn within<T>(
    time: Option<Duration>,
    future: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    match time {
        Some(time) => tokio::time::timeout(time, future)
            .await
            .unwrap_or(Err(Error::TimedOut)),
        None => future.await,
    }
}

impl IntoFuture for RequestBuilder {
    type Output = Result<Response, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl fmt::Debug for RequestBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBuilder")
            .field("method", &self.method)
            .field("uri", &self.uri)
            .field("options", &self.options)
            .field("body", &self.body.len())
            .finish_non_exhaustive()
    }
}
