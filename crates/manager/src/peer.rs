//! Who is at the other side of a listener.

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::net::SocketAddr;

/// Where a device's datagrams come from: one of the manager's listeners and the address at its other side, or a DTLS
/// association, which may change its address.
///
/// Two peers are equal if they are the same party at the other side: by the association where there is one, wherever it is
/// now, otherwise by listener and address.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// The position of the listener in [`Manager::local_addresses`](crate::Manager::local_addresses).
    pub listener: u16,
    /// The device's address and port; of an association, where it was when it was heard.
    pub address: SocketAddr,
    /// The association; `None` for plain UDP.
    pub association: Option<AssociationId>,
}

impl Peer {
    /// A peer without security.
    pub const fn plain(listener: u16, address: SocketAddr) -> Self {
        Self {
            listener,
            address,
            association: None,
        }
    }

    /// What makes it the one that it is.
    fn key(&self) -> (Option<AssociationId>, Option<(u16, SocketAddr)>) {
        match self.association {
            Some(id) => (Some(id), None),
            None => (None, Some((self.listener, self.address))),
        }
    }
}

impl PartialEq for Peer {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Peer {}

impl PartialOrd for Peer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Peer {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl Hash for Peer {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An IPv4 device at an IPv6 socket is shown as the IPv4 device that it is.
        SocketAddr::new(self.address.ip().to_canonical(), self.address.port()).fmt(f)
    }
}

/// Names a DTLS association of this manager, also over its restarts: it is the connection id in the device's records
/// (RFC 9146), or would be if the device used one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AssociationId(u64);

impl AssociationId {
    /// Bytes of the connection id.
    pub const LENGTH: usize = 6;

    /// The id of these bits; the upper two bytes do not count.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits & 0xffff_ffff_ffff)
    }

    /// The bits.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The connection id.
    pub fn to_bytes(self) -> [u8; Self::LENGTH] {
        let [_, _, id @ ..] = self.0.to_be_bytes();
        id
    }

    /// The id whose connection id this is.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let id = <&[u8; Self::LENGTH]>::try_from(bytes).ok()?;
        let bits = id.iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte));
        Some(Self(bits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_its_association_wherever_it_is() {
        let peer = |port: u16, association: Option<u64>| Peer {
            association: association.map(AssociationId::from_bits),
            ..Peer::plain(0, ([192, 0, 2, 1], port).into())
        };
        assert_eq!(peer(1, Some(7)), peer(2, Some(7)));
        assert_ne!(peer(1, Some(7)), peer(1, Some(8)));
        assert_ne!(peer(1, Some(7)), peer(1, None));
        assert_ne!(peer(1, None), peer(2, None));
        assert_eq!(peer(1, None).to_string(), "192.0.2.1:1");
        let id = AssociationId::from_bits(u64::MAX - 2);
        assert_eq!(AssociationId::from_bytes(&id.to_bytes()), Some(id));
        assert_eq!(AssociationId::from_bytes(&[0; 5]), None);
    }
}
