//! URIs from the options of a request (RFC 7252 §6.5, RFC 8323 §8.7).

use core::fmt::{self, Write};
use core::net::{IpAddr, Ipv6Addr};

use super::parse::{is_pchar, is_reg_name};
use super::{DefaultHost, Destination, MAX_COMPONENT_LEN, Scheme};
use crate::{Message, OptionNumber, Values};

/// The URI of a request, composed from its options and from where it was sent.
pub type RequestUri<'a> = ComposedUri<'a, Values<'a>, Values<'a>>;

/// A URI composed from its parts, checked by [`ComposedUri::new`]; its `Display` writes it in normal form
/// (RFC 7252 §6.3).
///
/// `P` and `Q` are iterators over the segments of the path and the arguments of the query, not percent-encoded.
#[derive(Clone, Debug)]
pub struct ComposedUri<'a, P, Q> {
    scheme: Scheme,
    host: DefaultHost<'a>,
    port: u16,
    path: P,
    query: Q,
}

/// Which part no URI can be composed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ComposeError {
    /// The host is neither a name nor an address (RFC 7252 §6.5 step 2), or the Uri-Host option is malformed.
    ///
    /// A name with a percent sign counts as none: in a URI it would mean another name.
    Host,
    /// The Uri-Port option is malformed.
    Port,
    /// A segment of the path is longer than 255 bytes, not UTF-8, or `.` or `..` (RFC 7252 §5.10.1).
    Path,
    /// An argument of the query is longer than 255 bytes or not UTF-8.
    Query,
}

impl<'a> RequestUri<'a> {
    /// Composes the URI of a request (RFC 7252 §6.5): `scheme` is that of the transport on which it came, and
    /// `destination` is where it went.
    ///
    /// For a request to a proxy the Proxy-Scheme option replaces the scheme, and Proxy-Uri is the URI itself
    /// (RFC 7252 §5.10.2).
    ///
    /// # Errors
    ///
    /// Every [`ComposeError`].
    pub fn of(
        request: &Message<'a>,
        scheme: Scheme,
        destination: &Destination<'a>,
    ) -> Result<Self, ComposeError> {
        let host = match request.values(OptionNumber::URI_HOST).next() {
            None => destination.host,
            Some(_) => DefaultHost::Name(
                request
                    .string(OptionNumber::URI_HOST)
                    .ok_or(ComposeError::Host)?,
            ),
        };
        let port = match request.values(OptionNumber::URI_PORT).next() {
            None => destination.port,
            Some(_) => request
                .uint(OptionNumber::URI_PORT)
                .and_then(|port| u16::try_from(port).ok())
                .ok_or(ComposeError::Port)?,
        };
        let destination = Destination { host, port };
        Self::new(
            scheme,
            &destination,
            request.uri_path(),
            request.uri_query(),
        )
    }
}

impl<'a, S, P, T, Q> ComposedUri<'a, P, Q>
where
    P: Iterator<Item = S> + Clone,
    S: AsRef<[u8]>,
    Q: Iterator<Item = T> + Clone,
    T: AsRef<[u8]>,
{
    /// Composes a URI from host and port, segments and arguments.
    ///
    /// # Errors
    ///
    /// [`ComposeError`], but [`ComposeError::Port`].
    pub fn new(
        scheme: Scheme,
        authority: &Destination<'a>,
        path: P,
        query: Q,
    ) -> Result<Self, ComposeError> {
        let Destination { host, port } = *authority;
        if let DefaultHost::Name(name) = host
            && !is_host(name)
        {
            return Err(ComposeError::Host);
        }
        for segment in path.clone() {
            let segment = segment.as_ref();
            if !is_component(segment) || matches!(segment, b"." | b"..") {
                return Err(ComposeError::Path);
            }
        }
        if !query
            .clone()
            .all(|argument| is_component(argument.as_ref()))
        {
            return Err(ComposeError::Query);
        }
        Ok(Self {
            scheme,
            host,
            port,
            path,
            query,
        })
    }
}

fn is_component(value: &[u8]) -> bool {
    value.len() <= MAX_COMPONENT_LEN && core::str::from_utf8(value).is_ok()
}

fn is_host(name: &str) -> bool {
    if name.is_empty() || name.len() > MAX_COMPONENT_LEN {
        return false;
    }
    match name
        .strip_prefix('[')
        .and_then(|literal| literal.strip_suffix(']'))
    {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => name.chars().all(|c| !c.is_ascii() || is_reg_name(c)),
    }
}

impl<S, P, T, Q> fmt::Display for ComposedUri<'_, P, Q>
where
    P: Iterator<Item = S> + Clone,
    S: AsRef<[u8]>,
    Q: Iterator<Item = T> + Clone,
    T: AsRef<[u8]>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme)?;
        match self.host {
            DefaultHost::Address(IpAddr::V4(address)) => write!(f, "{address}")?,
            DefaultHost::Address(IpAddr::V6(address)) => write!(f, "[{address}]")?,
            DefaultHost::Name(name) => {
                encode(f, name.as_bytes(), |c| c.is_ascii())?;
            }
        }
        if self.port != self.scheme.default_port() {
            write!(f, ":{}", self.port)?;
        }
        let mut path = self.path.clone().peekable();
        if path.peek().is_none() {
            f.write_char('/')?;
        }
        for segment in path {
            f.write_char('/')?;
            encode(f, segment.as_ref(), is_pchar)?;
        }
        let mut separator = '?';
        for argument in self.query.clone() {
            f.write_char(separator)?;
            separator = '&';
            encode(f, argument.as_ref(), |c| {
                (is_pchar(c) && c != '&') || matches!(c, '/' | '?')
            })?;
        }
        Ok(())
    }
}

/// Percent-encodes what is not allowed, with upper-case digits (RFC 7252 §6.5).
fn encode(
    f: &mut fmt::Formatter<'_>,
    value: &[u8],
    is_allowed: impl Fn(char) -> bool,
) -> fmt::Result {
    value.iter().try_for_each(|byte| {
        if is_allowed(char::from(*byte)) {
            f.write_char(char::from(*byte))
        } else {
            write!(f, "%{byte:02X}")
        }
    })
}

impl fmt::Display for ComposeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "host is neither a name nor an address",
            Self::Port => "malformed port",
            Self::Path => "segment of the path that no URI can have",
            Self::Query => "argument of the query that no URI can have",
        })
    }
}

impl core::error::Error for ComposeError {}
