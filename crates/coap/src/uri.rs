//! URIs of CoAP: parsed into what goes into options, and composed from them (RFC 7252 §6, RFC 8323 §8).
//!
//! ```
//! use core::net::SocketAddr;
//! use dunlin_coap::uri::{Destination, RequestUri, Scheme, Uri};
//! use dunlin_coap::{Code, Message, MessageBuilder, MessageId, Token, Type};
//!
//! let uri = Uri::parse("coap://[2001:db8::1]/%7Esensors/temp.xml?unit=Cel")?;
//! assert_eq!(uri.port(), 5683);
//! let address: SocketAddr = "[2001:db8::1]:5683".parse()?;
//!
//! let mut buffer = [0; 64];
//! let mut builder =
//!     MessageBuilder::new(&mut buffer, Type::Confirmable, Code::GET, MessageId(1), Token::EMPTY);
//! uri.write_options(&mut builder, &address.into());
//! let request = Message::parse(builder.finish()?)?;
//! assert!(request.uri_path().eq([&b"~sensors"[..], b"temp.xml"]));
//!
//! let uri = RequestUri::of(&request, Scheme::Coap, &Destination::from(address))?;
//! assert_eq!(uri.to_string(), "coap://[2001:db8::1]/~sensors/temp.xml?unit=Cel");
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod compose;
mod encoded;
mod parse;
#[cfg(test)]
mod tests;

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

pub use compose::{ComposeError, ComposedUri, RequestUri};
pub use encoded::{Arguments, Encoded, Segments};
pub use parse::{UriError, UriProblem};

use crate::{MessageBuilder, OptionNumber};

/// The greatest length of a URI in bytes: what an HTTP server should take at least (RFC 9110 §4.1), rounded up. It
/// bounds the work on dot segments.
pub const MAX_LEN: usize = 8192;

/// The greatest length in bytes of a host, a segment and an argument once decoded (RFC 7252 §5.10, Table 4).
pub const MAX_COMPONENT_LEN: usize = 255;

/// The scheme of a URI: the transport and its security (RFC 7252 §6, RFC 8323 §8).
///
/// Each is a namespace of its own: the same authority under another scheme is another server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Scheme {
    /// `coap`: UDP, port 5683.
    #[cfg_attr(feature = "serde", serde(rename = "coap"))]
    Coap,
    /// `coaps`: DTLS, port 5684.
    #[cfg_attr(feature = "serde", serde(rename = "coaps"))]
    Coaps,
    /// `coap+tcp`: TCP, port 5683.
    #[cfg_attr(feature = "serde", serde(rename = "coap+tcp"))]
    CoapTcp,
    /// `coaps+tcp`: TLS, port 5684.
    #[cfg_attr(feature = "serde", serde(rename = "coaps+tcp"))]
    CoapsTcp,
    /// `coap+ws`: WebSocket, port 80.
    #[cfg_attr(feature = "serde", serde(rename = "coap+ws"))]
    CoapWs,
    /// `coaps+ws`: WebSocket over TLS, port 443.
    #[cfg_attr(feature = "serde", serde(rename = "coaps+ws"))]
    CoapsWs,
}

impl Scheme {
    /// All schemes.
    pub const ALL: [Self; 6] = [
        Self::Coap,
        Self::Coaps,
        Self::CoapTcp,
        Self::CoapsTcp,
        Self::CoapWs,
        Self::CoapsWs,
    ];

    /// The scheme of this name in upper or lower case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|scheme| scheme.name().eq_ignore_ascii_case(name))
    }

    /// The name in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Coap => "coap",
            Self::Coaps => "coaps",
            Self::CoapTcp => "coap+tcp",
            Self::CoapsTcp => "coaps+tcp",
            Self::CoapWs => "coap+ws",
            Self::CoapsWs => "coaps+ws",
        }
    }

    /// The port where a URI has none.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Coap | Self::CoapTcp => 5683,
            Self::Coaps | Self::CoapsTcp => 5684,
            Self::CoapWs => 80,
            Self::CoapsWs => 443,
        }
    }

    /// Whether the transport is secured by DTLS or TLS.
    pub const fn is_secure(self) -> bool {
        matches!(self, Self::Coaps | Self::CoapsTcp | Self::CoapsWs)
    }

    /// Whether messages go in datagrams and not over a connection of RFC 8323.
    pub const fn is_datagram(self) -> bool {
        matches!(self, Self::Coap | Self::Coaps)
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The host of a URI (RFC 3986 §3.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host<'a> {
    /// A registered name, to be looked up in DNS or elsewhere; its `Display` is the name in lower case.
    Name(Encoded<'a>),
    /// An IPv4 address.
    Ipv4(Ipv4Addr),
    /// An IPv6 address.
    Ipv6 {
        /// The address.
        address: Ipv6Addr,
        /// The zone, such as `eth0` in `[fe80::1%25eth0]` (RFC 6874 §2): an interface of this node.
        zone: Option<&'a str>,
    },
}

impl Host<'_> {
    /// The address; `None` for a name.
    pub const fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Name(_) => None,
            Self::Ipv4(address) => Some(IpAddr::V4(*address)),
            Self::Ipv6 { address, .. } => Some(IpAddr::V6(*address)),
        }
    }
}

/// An absolute URI of one of the CoAP schemes, checked whole by [`Uri::parse`].
///
/// Every segment and argument is what an option may carry: at most 255 bytes of UTF-8.
#[derive(Clone, Copy, Debug)]
pub struct Uri<'a> {
    scheme: Scheme,
    host: Host<'a>,
    /// Host as written.
    host_text: &'a str,
    port: Option<u16>,
    authority: &'a str,
    /// Empty, or begins with a slash.
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> Uri<'a> {
    /// Parses a URI (RFC 7252 §6.1 and §6.4, RFC 8323 §8, RFC 3986).
    ///
    /// Also takes the zone of an IPv6 address (RFC 6874 §2), which RFC 3986 has not: link-local addresses and groups
    /// need it.
    ///
    /// # Errors
    ///
    /// Every [`UriProblem`], with the byte at which it was found.
    pub fn parse(text: &'a str) -> Result<Self, UriError> {
        parse::uri(text)
    }

    /// The scheme.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host.
    pub const fn host(&self) -> Host<'a> {
        self.host
    }

    /// The port, or the default port of the scheme.
    pub const fn port(&self) -> u16 {
        match self.port {
            Some(port) => port,
            None => self.scheme.default_port(),
        }
    }

    /// Host and port as they are written: the authority of the `ws` URI for the two schemes over a `WebSocket`
    /// (RFC 8323 §8.3).
    pub const fn authority(&self) -> &'a str {
        self.authority
    }

    /// The segments of the path: the values of the Uri-Path options (RFC 7252 §6.4 step 8).
    ///
    /// Dot segments are resolved (RFC 3986 §5.2.4), percent-encoded ones too, as a Uri-Path is never `.` or `..`
    /// (RFC 7252 §5.10.1).
    pub fn path(&self) -> Segments<'a> {
        Segments::new(self.path)
    }

    /// The arguments of the query: the values of the Uri-Query options (RFC 7252 §6.4 step 9).
    pub const fn query(&self) -> Arguments<'a> {
        Arguments::new(self.query)
    }

    /// The value of the Uri-Host option; `None` where it is to be left out because it is the default
    /// (RFC 7252 §6.4 step 5, RFC 8323 §8.5).
    ///
    /// A literal with a zone can only be the destination itself: it is left out.
    pub fn uri_host(&self, destination: &Destination<'_>) -> Option<Encoded<'a>> {
        let host = Encoded::lower_case(self.host_text);
        let is_default = match (destination.host, self.host) {
            (_, Host::Ipv6 { zone: Some(_), .. }) => true,
            (DefaultHost::Address(address), host) => {
                host.address().map(|host| host.to_canonical()) == Some(address.to_canonical())
            }
            (DefaultHost::Name(name), _) => host
                .bytes()
                .eq(name.bytes().map(|byte| byte.to_ascii_lowercase())),
        };
        (!is_default).then_some(host)
    }

    /// The value of the Uri-Port option; `None` where it is to be left out because it is the destination's port
    /// (RFC 7252 §6.4 steps 6 and 7).
    pub fn uri_port(&self, destination: &Destination<'_>) -> Option<u16> {
        (self.port() != destination.port).then(|| self.port())
    }

    /// Adds the options Uri-Host, Uri-Port, Uri-Path and Uri-Query.
    ///
    /// Where other options go in between, such as Observe (6) or Content-Format (12), use
    /// [`write_host`](Uri::write_host), [`write_port`](Uri::write_port), [`write_path`](Uri::write_path) and
    /// [`write_query`](Uri::write_query).
    pub fn write_options(&self, message: &mut MessageBuilder<'_>, destination: &Destination<'_>) {
        self.write_host(message, destination);
        self.write_port(message, destination);
        self.write_path(message);
        self.write_query(message);
    }

    /// Adds the Uri-Host option (3) where it is needed.
    pub fn write_host(&self, message: &mut MessageBuilder<'_>, destination: &Destination<'_>) {
        if let Some(host) = self.uri_host(destination) {
            host.write(message, OptionNumber::URI_HOST);
        }
    }

    /// Adds the Uri-Port option (7) where it is needed.
    pub fn write_port(&self, message: &mut MessageBuilder<'_>, destination: &Destination<'_>) {
        if let Some(port) = self.uri_port(destination) {
            message.uint(OptionNumber::URI_PORT, u32::from(port));
        }
    }

    /// Adds the Uri-Path options (11).
    pub fn write_path(&self, message: &mut MessageBuilder<'_>) {
        for segment in self.path() {
            segment.write(message, OptionNumber::URI_PATH);
        }
    }

    /// Adds the Uri-Query options (15).
    pub fn write_query(&self, message: &mut MessageBuilder<'_>) {
        for argument in self.query() {
            argument.write(message, OptionNumber::URI_QUERY);
        }
    }

    /// Whether both identify the same resource by their text alone (RFC 7252 §6.3).
    pub fn is_equivalent(&self, other: &Uri<'_>) -> bool {
        let same_host = match (self.host, other.host) {
            (Host::Name(a), Host::Name(b)) => a.bytes().eq(b.bytes()),
            (Host::Ipv4(a), Host::Ipv4(b)) => a == b,
            (
                Host::Ipv6 { address, zone },
                Host::Ipv6 {
                    address: b,
                    zone: other_zone,
                },
            ) => address == b && zone == other_zone,
            _ => false,
        };
        same_host
            && self.scheme == other.scheme
            && self.port() == other.port()
            && self.path().eq(other.path())
            && self.query().eq(other.query())
    }
}

impl<'a> TryFrom<&'a str> for Uri<'a> {
    type Error = UriError;

    fn try_from(text: &'a str) -> Result<Self, UriError> {
        Self::parse(text)
    }
}

/// Where a request goes: what Uri-Host and Uri-Port are by default (RFC 7252 §5.10.1, RFC 8323 §8.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destination<'a> {
    host: DefaultHost<'a>,
    port: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DefaultHost<'a> {
    Address(IpAddr),
    Name(&'a str),
}

impl<'a> Destination<'a> {
    /// A destination whose default host is a name: that of the SNI extension over TLS, or of the Host header field
    /// over a `WebSocket`, where it may be an address too (RFC 8323 §8.5).
    pub const fn named(name: &'a str, port: u16) -> Self {
        Self {
            host: DefaultHost::Name(name),
            port,
        }
    }
}

impl From<SocketAddr> for Destination<'_> {
    fn from(address: SocketAddr) -> Self {
        Self {
            host: DefaultHost::Address(address.ip()),
            port: address.port(),
        }
    }
}
