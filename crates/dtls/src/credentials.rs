//! Who we are, and whom we trust: what a handshake asks its owner.

use core::fmt;

use zeroize::Zeroize;

#[cfg(feature = "_ecdhe")]
use crate::alert::Alert;
#[cfg(feature = "_ecdhe")]
use crate::ec::{PrivateKey, PublicKey};
use crate::session::Session;

/// A pre-shared key of 1 to [`PskKey::MAX_LEN`] bytes. It is wiped when dropped and never printed.
#[derive(Clone)]
pub struct PskKey {
    bytes: [u8; Self::MAX_LEN],
    len: usize,
}

impl PskKey {
    /// The longest key, in bytes: as much as RFC 4279 §5.3 asks for.
    pub const MAX_LEN: usize = 64;

    /// A key of these bytes; `None` when there are none or too many.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let mut key = Self {
            bytes: [0; Self::MAX_LEN],
            len: bytes.len(),
        };
        key.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        (!bytes.is_empty()).then_some(key)
    }

    /// Its bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl Zeroize for PskKey {
    fn zeroize(&mut self) {
        self.bytes.zeroize();
        self.len = 0;
    }
}

impl Drop for PskKey {
    fn drop(&mut self) {
        self.zeroize();
    }
}

impl fmt::Debug for PskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PskKey")
    }
}

/// What a server knows of a PSK identity.
#[derive(Debug)]
pub enum PskLookup<P> {
    /// The key, and who has it.
    Found(PskKey, P),
    /// Nobody has this identity. The handshake goes on with a key that nobody has, so that the peer cannot tell an unknown
    /// identity from a wrong key (RFC 4279 §2).
    Unknown,
    /// The answer takes time: it is to be given to
    /// [`Connection::provide_psk`](crate::Connection::provide_psk), and the handshake waits for it.
    Later,
}

/// Which kinds of public keys there are, or are taken (RFC 7250).
#[cfg(feature = "_ecdhe")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CertificateTypes {
    /// Raw public keys.
    pub raw_public_key: bool,
    /// X.509 certificates.
    pub x509: bool,
}

/// What a peer presented as its public key. That it has the private key is proved apart.
#[cfg(feature = "_ecdhe")]
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Presented<'a> {
    /// A raw public key (RFC 7250).
    #[cfg(feature = "rpk")]
    RawPublicKey(&'a PublicKey),
    /// A chain of certificates, the peer's own first.
    #[cfg(feature = "x509")]
    Certificates(crate::chain::Chain<'a>),
}

/// What a handshake asks its owner: who we are and whom we trust.
///
/// All methods have an answer by default: that there is nothing. An owner gives what it has: a client with a pre-shared key
/// only [`own_psk`](Self::own_psk).
pub trait Credentials {
    /// What the owner calls a peer, kept with the connection once it has proved who it is.
    type Peer;

    /// A client's PSK identity and key. A server's hint is not looked at: each server has credentials of its own
    /// (RFC 7925 §4.2).
    #[cfg(feature = "psk")]
    fn own_psk(&self) -> Option<(&[u8], PskKey)> {
        None
    }

    /// Whether a server has pre-shared keys at all.
    #[cfg(feature = "psk")]
    fn has_psks(&self) -> bool {
        false
    }

    /// A server looks an identity up. The time that this takes should not depend on the key.
    #[cfg(feature = "psk")]
    fn psk(&mut self, identity: &[u8]) -> PskLookup<Self::Peer> {
        let _ = identity;
        PskLookup::Unknown
    }

    /// Our private key.
    #[cfg(feature = "_ecdhe")]
    fn private_key(&self) -> Option<&PrivateKey> {
        None
    }

    /// In which forms our public key can be presented.
    #[cfg(feature = "_ecdhe")]
    fn own_types(&self) -> CertificateTypes {
        CertificateTypes::default()
    }

    /// The certificates of our chain in DER, our own at 0.
    #[cfg(feature = "x509")]
    fn own_certificate(&self, index: usize) -> Option<&[u8]> {
        let _ = index;
        None
    }

    /// In which forms the peer may present its public key.
    #[cfg(feature = "_ecdhe")]
    fn peer_types(&self) -> CertificateTypes {
        CertificateTypes::default()
    }

    /// Whether what the peer presents is trusted, and whose it is.
    ///
    /// # Errors
    ///
    /// The alert that the peer is told, such as [`Alert::CERTIFICATE_UNKNOWN`].
    #[cfg(feature = "_ecdhe")]
    fn verify(&mut self, presented: Presented<'_>) -> Result<Self::Peer, Alert> {
        let _ = presented;
        Err(Alert::CERTIFICATE_UNKNOWN)
    }

    /// The host name that a client asks the server for (RFC 6066 §3); no address.
    fn server_name(&self) -> Option<&str> {
        None
    }

    /// A server hears the host name that the client asks for, before anything else is asked.
    fn asked_for(&mut self, server_name: &[u8]) {
        let _ = server_name;
    }

    /// Whether a server keeps sessions, so that clients may resume them by their ids (RFC 5246 §7.3).
    fn keeps_sessions(&self) -> bool {
        false
    }

    /// A server keeps a session. It should forget it after a day at the latest.
    fn keep_session(&mut self, session: &Session, peer: Option<&Self::Peer>) {
        let _ = (session, peer);
    }

    /// A server looks a session up that it kept.
    fn session(&mut self, id: &[u8]) -> Option<(Session, Option<Self::Peer>)> {
        let _ = id;
        None
    }

    /// A server puts a session into a ticket that only it can read (RFC 5077 §4), in `buffer`; gives the length.
    #[cfg(feature = "ticket")]
    fn seal_ticket(
        &mut self,
        session: &Session,
        peer: Option<&Self::Peer>,
        buffer: &mut [u8],
    ) -> Option<usize> {
        let _ = (session, peer, buffer);
        None
    }

    /// Whether a server gives tickets.
    #[cfg(feature = "ticket")]
    fn gives_tickets(&self) -> bool {
        false
    }

    /// A server reads a ticket that it gave.
    #[cfg(feature = "ticket")]
    fn open_ticket(&mut self, ticket: &[u8]) -> Option<(Session, Option<Self::Peer>)> {
        let _ = ticket;
        None
    }
}
