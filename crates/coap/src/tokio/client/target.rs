//! Where a request goes.

use core::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::string::ToString;
use std::vec::Vec;

use super::{Client, Way};
use crate::OptionNumber;
use crate::tokio::Error;
use crate::uri::{Destination, Host, MAX_COMPONENT_LEN, Scheme, Uri};

/// The peer, and the options that name the resource in the order of their numbers.
pub(super) struct Target {
    pub(super) way: Way,
    pub(super) options: Vec<(OptionNumber, Vec<u8>)>,
}

impl Target {
    /// Takes a URI apart and looks its host up (RFC 7252 §6.4).
    pub(super) async fn find(client: &Client, text: &str) -> Result<Self, Error> {
        let uri = Uri::parse(text)?;
        let way = match uri.scheme() {
            Scheme::Coap => Way {
                orders: client.inner.orders.clone(),
                peer: address(&uri).await?,
                settings: None,
            },
            // DTLS is not here.
            Scheme::Coaps => return Err(Error::Scheme(uri.scheme())),
            _ => client.inner.connections.find(&uri).await?,
        };
        let destination = Destination::from(way.peer);
        // Over WebSockets the handshake has told it (RFC 8323 §8.5).
        let told = matches!(uri.scheme(), Scheme::CoapWs | Scheme::CoapsWs);
        let mut options = Vec::new();
        let mut buffer = [0; MAX_COMPONENT_LEN];
        if let Some(host) = uri.uri_host(&destination).filter(|_| !told) {
            let host = host.decode(&mut buffer).as_bytes().to_vec();
            options.push((OptionNumber::URI_HOST, host));
        }
        for segment in uri.path() {
            let segment = segment.decode(&mut buffer).as_bytes().to_vec();
            options.push((OptionNumber::URI_PATH, segment));
        }
        for argument in uri.query() {
            let argument = argument.decode(&mut buffer).as_bytes().to_vec();
            options.push((OptionNumber::URI_QUERY, argument));
        }
        Ok(Self { way, options })
    }
}

pub(super) async fn address(uri: &Uri<'_>) -> Result<SocketAddr, Error> {
    let port = uri.port();
    match uri.host() {
        Host::Ipv4(address) => Ok((address, port).into()),
        Host::Ipv6 {
            address,
            zone: None,
        } => Ok((address, port).into()),
        Host::Ipv6 {
            address,
            zone: Some(zone),
        } => {
            // A number is the index of an interface; only the system knows names.
            if let Ok(scope) = zone.parse() {
                return Ok(SocketAddrV6::new(address, port, 0, scope).into());
            }
            lookup(&std::format!("{address}%{zone}"), port).await
        }
        Host::Name(name) => lookup(&name.to_string(), port).await,
    }
}

async fn lookup(host: &str, port: u16) -> Result<SocketAddr, Error> {
    let mut addresses = tokio::net::lookup_host((host, port))
        .await
        .map_err(|_| Error::Host(host.to_string()))?;
    addresses
        .next()
        .ok_or_else(|| Error::Host(host.to_string()))
}

/// Whether many nodes may answer.
pub(super) const fn is_multicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_multicast(),
        IpAddr::V6(address) => address.is_multicast(),
    }
}
