//! The way back from a bootstrap that ends in the middle: the accounts of before are in use again.
//!
//! A Bootstrap-Server writes accounts one by one, and the device is to be as before if it never comes to an end of it (Core
//! 1.2.2 §6.1.7.6). What is remembered are the objects that belong to accounts (0, 1, 2, 21 and 23); values that were
//! written to other objects stay, since an instance of the device's own cannot be taken away and put back without what
//! it does in between. A refused Bootstrap-Finish is no such end: what is wrong may be put right until the time is over.

use crate::engine::Core;
use crate::features::KEEPS;

/// Room for the accounts of before.
#[cfg(feature = "fallback")]
pub(crate) struct Room<'r> {
    pub(crate) bytes: &'r mut [u8],
    /// How many of them are in use; 0 where there is nothing to go back to.
    pub(crate) len: &'r mut usize,
}

#[cfg(feature = "fallback")]
impl Room<'_> {
    fn remember(&mut self, objects: &dyn crate::Objects) {
        *self.len = crate::keep::encode_accounts(objects, self.bytes).unwrap_or(0);
    }

    /// Whether the accounts are those of before.
    fn restore(&mut self, objects: &mut dyn crate::Objects) -> bool {
        let before = self.bytes.get(..*self.len).unwrap_or_default();
        !before.is_empty() && crate::keep::decode_accounts(objects, before).is_ok()
    }

    /// The room has held secrets.
    fn forget(&mut self) {
        self.bytes.fill(0);
        *self.len = 0;
    }
}

impl<P: Copy + Eq> Core<'_, P> {
    /// The Bootstrap-Server begins to change accounts.
    pub(crate) fn begin_change(&mut self) {
        if KEEPS && !core::mem::replace(&mut self.state.half_done, true) {
            #[cfg(feature = "fallback")]
            self.fallback.remember(&*self.objects);
        }
    }

    /// The accounts are as they are to be.
    pub(crate) fn end_change(&mut self) {
        if KEEPS {
            self.state.half_done = false;
            #[cfg(feature = "fallback")]
            self.fallback.forget();
        }
    }

    /// The Bootstrap-Server has not come to an end.
    #[cfg(feature = "fallback")]
    pub(crate) fn fall_back(&mut self) {
        if self.state.half_done && self.fallback.restore(self.objects) {
            self.state.changed = true;
            self.end_change();
        }
    }
}
