//! Bytes as they are, where there is no TLS.

use hosted::vec::Vec;

use super::lines::Security;
use crate::{SecurityFailure, hosted};

/// The bytes of a connection.
pub(crate) struct Wire;

impl Wire {
    #[expect(clippy::unnecessary_wraps, reason = "as the one with TLS")]
    pub(crate) fn new(security: &Security) -> Option<Self> {
        match security {
            Security::None => Some(Self),
        }
    }

    #[expect(
        clippy::unnecessary_wraps,
        clippy::unused_self,
        reason = "as the one with TLS"
    )]
    pub(crate) fn write(&mut self, plain: &[u8]) -> Option<Vec<u8>> {
        Some(plain.to_vec())
    }

    #[expect(
        clippy::unnecessary_wraps,
        clippy::unused_self,
        reason = "as the one with TLS"
    )]
    pub(crate) fn read(
        &mut self,
        bytes: &[u8],
        inbox: &mut Vec<u8>,
        _: &mut Vec<u8>,
        _: u16,
    ) -> Result<(), SecurityFailure> {
        inbox.extend_from_slice(bytes);
        Ok(())
    }

    #[expect(clippy::unused_self, reason = "as the one with TLS")]
    pub(crate) fn is_secure(&self) -> bool {
        false
    }
}
