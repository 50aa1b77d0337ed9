//! Sessions that a later handshake may resume (RFC 5246 §7.3).

use core::fmt;

use zeroize::Zeroizing;

use crate::suite::CipherSuite;

/// A session's id: 0 to 32 bytes (RFC 5246 §7.4.1.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SessionId {
    bytes: [u8; 32],
    len: u8,
}

impl SessionId {
    /// An id of these bytes; `None` when there are more than 32.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let mut id = Self::default();
        id.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        id.len = u8::try_from(bytes.len()).ok()?;
        Some(id)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// Whether it has none: a session that cannot be resumed by its id.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(")?;
        for byte in self.as_bytes() {
            write!(f, "{byte:02x}")?;
        }
        f.write_str(")")
    }
}

/// What two peers need to remember for a shorter handshake. It holds the master secret: it is wiped when dropped and never
/// printed.
///
/// Sessions without the extended master secret are not kept at all (RFC 7627 §5.3).
#[derive(Clone)]
pub struct Session {
    pub(crate) id: SessionId,
    pub(crate) suite: CipherSuite,
    pub(crate) master: Zeroizing<[u8; 48]>,
    #[cfg(feature = "ticket")]
    pub(crate) ticket: Ticket,
}

impl Session {
    /// A session that was kept by its parts.
    pub fn new(id: SessionId, suite: CipherSuite, master_secret: [u8; 48]) -> Self {
        Self {
            id,
            suite,
            master: Zeroizing::new(master_secret),
            #[cfg(feature = "ticket")]
            ticket: Ticket::NONE,
        }
    }

    /// Its id.
    pub const fn id(&self) -> &SessionId {
        &self.id
    }

    /// Its cipher suite.
    pub const fn suite(&self) -> CipherSuite {
        self.suite
    }

    /// Its master secret, to be stored where only its owner reads it.
    pub fn master_secret(&self) -> &[u8; 48] {
        &self.master
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.id)
            .field("suite", &self.suite)
            .finish_non_exhaustive()
    }
}

/// A ticket that a server gave (RFC 5077 §3.3), of at most [`Ticket::MAX_LEN`] bytes; a longer one is not kept.
///
/// Those of GnuTLS have 326 bytes for a pre-shared key, those of OpenSSL 192; with a client's certificates in them both
/// are as long as these, which is for clients with an operating system.
#[cfg(feature = "ticket")]
#[derive(Clone, Copy)]
pub(crate) struct Ticket {
    bytes: [u8; Self::MAX_LEN],
    len: u16,
}

#[cfg(feature = "ticket")]
impl Ticket {
    pub(crate) const MAX_LEN: usize = if cfg!(feature = "std") { 1024 } else { 368 };
    pub(crate) const NONE: Self = Self {
        bytes: [0; Self::MAX_LEN],
        len: 0,
    };

    pub(crate) fn new(bytes: &[u8]) -> Option<Self> {
        let mut ticket = Self::NONE;
        ticket.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        ticket.len = u16::try_from(bytes.len()).ok()?;
        Some(ticket)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}
