//! Connection ids (RFC 9146).

/// A connection id: 0 to [`ConnectionId::MAX_LEN`] bytes that an endpoint chose to find an association by, wherever its
/// records come from (RFC 9146 §3).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ConnectionId {
    bytes: [u8; Self::MAX_LEN],
    pub(crate) len: u8,
}

impl ConnectionId {
    /// The longest connection id that this crate takes from a peer or gives itself, in bytes.
    ///
    /// RFC 9146 allows 255; those in use have at most 8, and each association keeps two.
    pub const MAX_LEN: usize = 20;

    /// No bytes: its sender wants records without a connection id, but will put the other side's into its own.
    pub const EMPTY: Self = Self {
        bytes: [0; Self::MAX_LEN],
        len: 0,
    };

    /// A connection id of these bytes; `None` when there are more than [`ConnectionId::MAX_LEN`].
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let mut id = Self::EMPTY;
        id.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        id.len = u8::try_from(bytes.len()).ok()?;
        Some(id)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len()).unwrap_or_default()
    }

    /// How many bytes it has.
    pub fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// Whether it has none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl core::fmt::Debug for ConnectionId {
    /// Hexadecimal digits.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("ConnectionId(")?;
        for byte in self.as_bytes() {
            write!(f, "{byte:02x}")?;
        }
        f.write_str(")")
    }
}
