//! Where a request goes.

use core::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::string::ToString;
use std::vec::Vec;

use crate::OptionNumber;
use crate::tokio::Error;
use crate::uri::{Destination, Host, MAX_COMPONENT_LEN, Scheme, Uri};

/// The peer, and the options that name the resource in the order of their numbers.
pub(super) struct Target {
    pub(super) peer: SocketAddr,
    pub(super) options: Vec<(OptionNumber, Vec<u8>)>,
}

impl Target {
    /// Takes a URI apart and looks its host up (RFC 7252 §6.4).
    pub(super) async fn find(text: &str) -> Result<Self, Error> {
        let uri = Uri::parse(text)?;
        if uri.scheme() != Scheme::Coap {
            return Err(Error::Scheme(uri.scheme()));
        }
        let peer = address(&uri).await?;
        let destination = Destination::from(peer);
        let mut options = Vec::new();
        let mut buffer = [0; MAX_COMPONENT_LEN];
        if let Some(host) = uri.uri_host(&destination) {
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
        Ok(Self { peer, options })
    }
}

async fn address(uri: &Uri<'_>) -> Result<SocketAddr, Error> {
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
