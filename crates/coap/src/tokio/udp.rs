//! A UDP socket that takes and gives datagrams in batches.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use core::task::{Context, Poll, ready};
use std::io::{self, IoSliceMut};
use std::vec;
use std::vec::Vec;

use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSocketState};
use socket2::{Domain, Protocol, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;

/// Room for one receive: the kernel may join datagrams of one peer up to this size. A little more than 64 KiB, so that
/// the beginnings of the rooms do not compete for the same lines of the cache.
const ROOM: usize = 65_536 + 192;

/// A socket and what the kernel can do for it.
#[derive(Debug)]
pub(crate) struct Socket {
    io: UdpSocket,
    state: UdpSocketState,
    local: SocketAddr,
}

/// How a socket is opened.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    /// Several sockets share the port, and the kernel spreads the peers over them.
    pub(crate) shared_port: bool,
    /// Bytes that may wait in the kernel; `None` for the system's default.
    pub(crate) receive_buffer: Option<usize>,
}

/// A datagram as it was received.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Datagram<'a> {
    pub(crate) peer: SocketAddr,
    /// To which of our addresses it came, where that must be the address of the answer.
    pub(crate) local: Option<IpAddr>,
    pub(crate) bytes: &'a [u8],
}

impl Socket {
    /// Opens a socket; an IPv6 address that is unspecified takes IPv4 too.
    pub(crate) fn bind(address: SocketAddr, options: Options) -> io::Result<Self> {
        let socket = socket2::Socket::new(
            Domain::for_address(address),
            Type::DGRAM,
            Some(Protocol::UDP),
        )?;
        if address.is_ipv6() {
            socket.set_only_v6(false)?;
        }
        #[cfg(unix)]
        if options.shared_port {
            socket.set_reuse_port(true)?;
        }
        if let Some(bytes) = options.receive_buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        let io = UdpSocket::from_std(socket.into())?;
        let state = UdpSocketState::new((&io).into())?;
        let local = io.local_addr()?;
        Ok(Self { io, state, local })
    }

    /// A socket on a free port for both families, or for IPv4 where there is no IPv6.
    pub(crate) fn any(options: Options) -> io::Result<Self> {
        Self::bind((Ipv6Addr::UNSPECIFIED, 0).into(), options)
            .or_else(|_| Self::bind((Ipv4Addr::UNSPECIFIED, 0).into(), options))
    }

    /// The address that it is bound to.
    pub(crate) const fn local(&self) -> SocketAddr {
        self.local
    }

    /// The form in which this socket sees `peer`: IPv4 as a mapped address where the socket is of IPv6.
    pub(crate) const fn seen(&self, peer: SocketAddr) -> SocketAddr {
        match (self.local, peer) {
            (SocketAddr::V6(_), SocketAddr::V4(v4)) => {
                SocketAddr::V6(SocketAddrV6::new(v4.ip().to_ipv6_mapped(), v4.port(), 0, 0))
            }
            _ => peer,
        }
    }

    /// Receives what has arrived, one batch at most.
    pub(crate) fn poll_receive(
        &self,
        context: &mut Context<'_>,
        inbox: &mut Inbox,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.io.poll_recv_ready(context))?;
            let result = self.io.try_io(Interest::READABLE, || {
                if inbox.drained {
                    // The last batch was not full: nothing is left but what came since, and that wakes us again.
                    inbox.drained = false;
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                inbox.receive(self)
            });
            match result {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // An ICMP error to something that we sent: the next datagram is not its fault.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                result => return Poll::Ready(result),
            }
        }
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        self.io.try_io(Interest::WRITABLE, || {
            self.state.try_send((&self.io).into(), transmit)
        })
    }
}

/// The datagrams of one receive.
pub(crate) struct Inbox {
    buffer: Vec<u8>,
    metas: Vec<RecvMeta>,
    filled: usize,
    /// The receive that is being taken, and how many of its bytes were.
    at: usize,
    taken: usize,
    drained: bool,
    /// Whether answers must come from the address that was asked.
    wildcard: bool,
}

impl Inbox {
    /// Room for at most `batch` receives at once for `socket`.
    pub(crate) fn new(socket: &Socket, batch: usize) -> Self {
        let batch = batch.clamp(1, BATCH_SIZE);
        Self {
            // Zeroed memory that nobody writes is not there yet: the kernel touches the pages that it fills.
            buffer: vec![0; ROOM.saturating_mul(batch)],
            metas: vec![RecvMeta::default(); batch],
            filled: 0,
            at: 0,
            taken: 0,
            drained: false,
            wildcard: socket.local.ip().is_unspecified(),
        }
    }

    fn receive(&mut self, socket: &Socket) -> io::Result<()> {
        (self.filled, self.at, self.taken) = (0, 0, 0);
        let mut rooms = self.buffer.chunks_mut(ROOM);
        let mut slices: [IoSliceMut<'_>; BATCH_SIZE] =
            core::array::from_fn(|_| IoSliceMut::new(rooms.next().unwrap_or_default()));
        let batch = self.metas.len();
        let slices = slices.get_mut(..batch).unwrap_or_default();
        self.filled = socket
            .state
            .recv((&socket.io).into(), slices, &mut self.metas)?;
        self.drained = self.filled < batch;
        Ok(())
    }

    /// The next datagram, in the order of their arrival; `None` when all were taken.
    pub(crate) fn next(&mut self) -> Option<Datagram<'_>> {
        loop {
            let meta = self.metas.get(..self.filled)?.get(self.at)?;
            let start = self.taken;
            let end = start.saturating_add(meta.stride.max(1)).min(meta.len);
            if start >= end {
                self.at = self.at.saturating_add(1);
                self.taken = 0;
                continue;
            }
            self.taken = end;
            let begin = self.at.saturating_mul(ROOM);
            let room = self.buffer.get(begin..).unwrap_or_default();
            return Some(Datagram {
                peer: meta.addr,
                local: meta.dst_ip.filter(|_| self.wildcard),
                bytes: room.get(start..end)?,
            });
        }
    }
}

/// Datagrams that wait to be sent, one after the other in one piece of memory.
pub(crate) struct Outbox {
    buffer: Vec<u8>,
    used: usize,
    frames: Vec<Frame>,
    sent: usize,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    peer: SocketAddr,
    local: Option<IpAddr>,
    start: usize,
    len: usize,
}

impl Outbox {
    /// Room for `bytes` bytes of datagrams.
    pub(crate) fn new(bytes: usize) -> Self {
        Self {
            buffer: vec![0; bytes],
            used: 0,
            frames: Vec::new(),
            sent: 0,
        }
    }

    /// The bytes that are free.
    pub(crate) fn remaining(&self) -> usize {
        self.buffer.len().saturating_sub(self.used)
    }

    /// Room for the next datagram.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        self.buffer.get_mut(self.used..).unwrap_or_default()
    }

    /// Takes the first `len` bytes of the space as a datagram to `peer`, and gives them.
    pub(crate) fn commit(&mut self, peer: SocketAddr, local: Option<IpAddr>, len: usize) -> &[u8] {
        let start = self.used;
        let end = start.saturating_add(len).min(self.buffer.len());
        self.used = end;
        self.frames.push(Frame {
            peer,
            local,
            start,
            len: end.saturating_sub(start),
        });
        self.buffer.get(start..end).unwrap_or_default()
    }

    /// Adds a datagram; it is lost where there is no room, as any datagram may be.
    pub(crate) fn push(&mut self, peer: SocketAddr, local: Option<IpAddr>, bytes: &[u8]) {
        if let Some(space) = self.space().get_mut(..bytes.len()) {
            space.copy_from_slice(bytes);
            self.commit(peer, local, bytes.len());
        }
    }

    /// Sends all; pending while the kernel has no room.
    ///
    /// Datagrams of one length to one peer go in one call. A datagram that can not be sent is dropped, as the network
    /// may drop it too.
    pub(crate) fn poll_flush(
        &mut self,
        context: &mut Context<'_>,
        socket: &Socket,
    ) -> Poll<io::Result<()>> {
        while let Some(first) = self.frames.get(self.sent).copied() {
            let rest = self.frames.get(self.sent..).unwrap_or_default();
            let count = joinable(rest, socket.state.max_gso_segments());
            let last = rest.get(count.saturating_sub(1)).copied().unwrap_or(first);
            let end = last.start.saturating_add(last.len);
            let transmit = Transmit {
                destination: first.peer,
                ecn: None,
                contents: self.buffer.get(first.start..end).unwrap_or_default(),
                segment_size: (count > 1).then_some(first.len),
                src_ip: first.local,
            };
            match socket.try_send(&transmit) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(socket.io.poll_send_ready(context))?;
                }
                // Where joining is not supported the crate has noted it: the same again one by one.
                Err(_) if count > 1 && socket.state.max_gso_segments() == 1 => {}
                _ => self.sent = self.sent.saturating_add(count.max(1)),
            }
        }
        self.frames.clear();
        self.used = 0;
        self.sent = 0;
        Poll::Ready(Ok(()))
    }
}

/// How many of the first frames may go in one call: to one peer, of one length, the last may be shorter.
fn joinable(frames: &[Frame], most: usize) -> usize {
    /// What one call can carry.
    const MOST_BYTES: usize = 65_000;
    let Some((first, rest)) = frames.split_first() else {
        return 0;
    };
    let mut count = 1_usize;
    let mut bytes = first.len;
    for frame in rest {
        bytes = bytes.saturating_add(frame.len);
        if count >= most
            || bytes > MOST_BYTES
            || frame.len > first.len
            || frame.peer != first.peer
            || frame.local != first.local
        {
            break;
        }
        count = count.saturating_add(1);
        if frame.len < first.len {
            break;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(port: u16, len: usize) -> Frame {
        Frame {
            peer: (Ipv4Addr::LOCALHOST, port).into(),
            local: None,
            start: 0,
            len,
        }
    }

    #[test]
    fn frames_of_one_peer_and_length_are_joined() {
        assert_eq!(joinable(&[], 64), 0);
        assert_eq!(joinable(&[frame(1, 10), frame(1, 10), frame(2, 10)], 64), 2);
        assert_eq!(joinable(&[frame(1, 10), frame(1, 11)], 64), 1);
        assert_eq!(joinable(&[frame(1, 10), frame(1, 9), frame(1, 9)], 64), 2);
        assert_eq!(joinable(&[frame(1, 10); 3], 2), 2);
        assert_eq!(joinable(&[frame(1, 40_000), frame(1, 40_000)], 64), 1);
    }
}
