//! UDP sockets.

use core::net::{IpAddr, SocketAddr};
use core::task::{Context, Poll};
use std::io;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::ReadBuf;
use tokio::net::UdpSocket;

use crate::Peer;
use crate::StartError;
use crate::manager::Listener;

/// What the kernel is asked to hold of datagrams that wait; it may give less.
const RECEIVE_BUFFER: usize = 4 * 1024 * 1024;

/// Opens a socket on `address`, and tells the address with the port that it got.
pub(super) fn bind(address: SocketAddr) -> Result<(UdpSocket, SocketAddr), StartError> {
    open(address).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::PortTaken { address },
        _ => StartError::Listen { address, source },
    })
}

fn open(address: SocketAddr) -> io::Result<(UdpSocket, SocketAddr)> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        // Where the system does not allow both families on one socket, it is an IPv6 socket.
        let _ = socket.set_only_v6(false);
    }
    // A smaller buffer only drops earlier under load.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    let socket = UdpSocket::from_std(socket.into())?;
    let address = socket.local_addr()?;
    Ok((socket, address))
}

/// Waits for a datagram on any of `sockets`, beginning with the one at `turn` so that each gets its turn.
pub(super) fn poll_receive(
    sockets: &[UdpSocket],
    turn: &mut usize,
    cx: &mut Context<'_>,
    buffer: &mut [u8],
) -> Poll<(Peer, usize)> {
    for offset in 0..sockets.len() {
        let at = (*turn + offset) % sockets.len();
        // An error belongs to an earlier datagram that could not be delivered: the next may be there already. Bounded, so
        // that a socket that only gives errors does not hold the task.
        for _ in 0..16 {
            let mut space = ReadBuf::new(buffer);
            match sockets[at].poll_recv_from(cx, &mut space) {
                Poll::Ready(Ok(address)) => {
                    *turn = at + 1;
                    let listener = u16::try_from(at).unwrap_or(u16::MAX);
                    return Poll::Ready((Peer::plain(listener, address), space.filled().len()));
                }
                Poll::Ready(Err(error)) => tracing::debug!(%error, "receiving failed"),
                Poll::Pending => break,
            }
        }
    }
    Poll::Pending
}

/// The same device as it is reached by sockets that listen on `own`: after a restart these may be others than those by
/// which it registered.
pub(super) fn reached_by(own: &[Listener], peer: Peer) -> Peer {
    let speaks = |own: &Listener| own.is_secure == peer.association.is_some();
    let fits = |own: &Listener| speaks(own) && own.address.is_ipv4() == peer.address.is_ipv4();
    if own.get(usize::from(peer.listener)).is_some_and(fits) {
        return peer;
    }
    let listener = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
    if let Some(at) = own.iter().position(fits) {
        return Peer {
            listener: listener(at),
            ..peer
        };
    }
    // An IPv6 socket reaches IPv4 devices under mapped addresses, and gave such addresses to those it heard.
    let port = peer.address.port();
    let at = own.iter().position(speaks).unwrap_or(0);
    let translated = match (peer.address.ip().to_canonical(), own.get(at)) {
        (IpAddr::V4(ip), Some(own)) if own.address.is_ipv6() => IpAddr::V6(ip.to_ipv6_mapped()),
        (ip, _) => ip,
    };
    Peer {
        listener: listener(at),
        address: SocketAddr::new(translated, port),
        ..peer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_reached_by_the_sockets_there_are() {
        let listener = |address: &str, is_secure| Listener {
            address: address.parse().unwrap(),
            is_secure,
        };
        let v4 = listener("0.0.0.0:5683", false);
        let v6 = listener("[::]:5683", false);
        let v4s = listener("0.0.0.0:5684", true);
        let peer = |listener, address: &str| Peer::plain(listener, address.parse().unwrap());
        let secure = |listener, address: &str| Peer {
            association: Some(crate::AssociationId::from_bits(1)),
            ..peer(listener, address)
        };
        for (own, before, after) in [
            (
                &[v4, v6][..],
                peer(1, "[2001:db8::1]:1"),
                peer(1, "[2001:db8::1]:1"),
            ),
            (
                &[v6, v4],
                peer(1, "[2001:db8::1]:1"),
                peer(0, "[2001:db8::1]:1"),
            ),
            (&[v4], peer(7, "192.0.2.1:1"), peer(0, "192.0.2.1:1")),
            (
                &[v4, v6, v4s],
                secure(0, "192.0.2.1:1"),
                secure(2, "192.0.2.1:1"),
            ),
            (&[v4s, v4], peer(0, "192.0.2.1:1"), peer(1, "192.0.2.1:1")),
            (
                &[v6],
                peer(0, "192.0.2.1:1"),
                peer(0, "[::ffff:192.0.2.1]:1"),
            ),
            (
                &[v4],
                peer(0, "[::ffff:192.0.2.1]:1"),
                peer(0, "192.0.2.1:1"),
            ),
            (
                &[v4],
                peer(0, "[2001:db8::1]:1"),
                peer(0, "[2001:db8::1]:1"),
            ),
        ] {
            let found = reached_by(own, before);
            assert_eq!(found, after, "{own:?}");
            assert_eq!(found.listener, after.listener, "{own:?}");
        }
    }
}
