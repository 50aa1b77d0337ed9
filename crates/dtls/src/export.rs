//! Associations that outlive their process: a compact record, made and read.

use core::fmt;

use zeroize::{Zeroize, Zeroizing};

use crate::association::{Association, Keys, Role};
use crate::cid::ConnectionId;
use crate::reader::Reader;
use crate::suite::CipherSuite;
use crate::window::ReplayWindow;
use crate::writer::Writer;

/// What the first byte of a record says: its layout.
const LAYOUT: u8 = 1;

/// A record is no exported association, or one that this build cannot continue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ImportError;

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an association that this build can continue")
    }
}

impl core::error::Error for ImportError {}

/// An exported association. It holds the keys: to be stored like a secret, and wiped when dropped.
pub struct Exported {
    bytes: Zeroizing<[u8; Association::EXPORT_LEN]>,
    len: usize,
}

impl Exported {
    /// The bytes to be stored.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl fmt::Debug for Exported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exported")
    }
}

impl Association {
    /// The most bytes of an exported association.
    pub const EXPORT_LEN: usize = 72 + 2 * (1 + ConnectionId::MAX_LEN);

    /// Writes down all that is needed to go on elsewhere, and reserves the next `ahead` sequence numbers.
    ///
    /// An association that is [imported](Self::import) from the record begins behind the reservation, and this one sends
    /// no more than was reserved: [`ProtectError::ReservationUsedUp`](crate::ProtectError::ReservationUsedUp) until the
    /// next export. So a crash at any moment never makes a nonce serve twice, provided that the record is stored before
    /// anything is sent under its reservation.
    ///
    /// The anti-replay window is the one of this moment. Whoever stores the record together with the effects of what was
    /// received up to then, in one transaction, never takes a record twice whose effects are kept.
    pub fn export(&mut self, ahead: u32) -> Exported {
        self.write_end = self
            .write_next
            .saturating_add(u64::from(ahead))
            .min(1 << 48);
        let mut bytes = Zeroizing::new([0; Self::EXPORT_LEN]);
        let mut writer = Writer::new(bytes.as_mut());
        let (next, seen) = self.window.parts();
        writer.u8(LAYOUT);
        writer.u8(match self.role {
            Role::Client => 0,
            Role::Server => 1,
        });
        writer.u16(self.suite.number());
        writer.u16(self.epoch);
        writer.u16(self.limit);
        writer.put(&self.write_end.to_be_bytes());
        writer.put(&next.to_be_bytes());
        writer.put(&seen.to_be_bytes());
        writer.put(&self.keys.write_key);
        writer.put(&self.keys.read_key);
        writer.put(&self.keys.write_iv);
        writer.put(&self.keys.read_iv);
        writer.vec8(self.own_id.as_bytes());
        writer.vec8(self.peer_id.as_bytes());
        let len = writer.len();
        Exported { bytes, len }
    }

    /// Goes on with an association that was exported, perhaps by another process.
    ///
    /// It may send nothing before it is exported anew, as all that was reserved may have been used.
    ///
    /// # Errors
    ///
    /// [`ImportError`].
    pub fn import(bytes: &[u8]) -> Result<Self, ImportError> {
        read(bytes).ok_or(ImportError)
    }
}

fn read(bytes: &[u8]) -> Option<Association> {
    let mut reader = Reader::new(bytes);
    if reader.u8().ok()? != LAYOUT {
        return None;
    }
    let role = match reader.u8().ok()? {
        0 => Role::Client,
        1 => Role::Server,
        _ => return None,
    };
    let suite = CipherSuite::from_number(reader.u16().ok()?)?;
    let epoch = reader.u16().ok()?;
    let limit = reader.u16().ok()?;
    let write_end = u64::from_be_bytes(*reader.array().ok()?);
    let next = u64::from_be_bytes(*reader.array().ok()?);
    let seen = u64::from_be_bytes(*reader.array().ok()?);
    let keys = Keys {
        write_key: *reader.array().ok()?,
        read_key: *reader.array().ok()?,
        write_iv: *reader.array().ok()?,
        read_iv: *reader.array().ok()?,
    };
    let own_id = ConnectionId::new(reader.vec8().ok()?)?;
    let peer_id = ConnectionId::new(reader.vec8().ok()?)?;
    reader.finish().ok()?;
    if epoch == 0 || write_end > 1 << 48 || next > 1 << 48 {
        return None;
    }
    Some(Association {
        suite,
        role,
        epoch,
        limit,
        keys,
        write_next: write_end,
        write_end,
        window: ReplayWindow::from_parts(next, seen),
        own_id,
        peer_id,
    })
}

impl Drop for Exported {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}
