//! The short way of the TLVs that there are most of: a resource of an object instance, or an instance of a multiple
//! resource, with an identifier of 8 bits and a length of at most one byte.

#[cfg(target_pointer_width = "64")]
mod walk;

#[cfg(target_pointer_width = "64")]
pub(super) use walk::Simple;

#[cfg(not(target_pointer_width = "64"))]
pub(super) use none::Simple;

/// A device has the general way alone.
#[cfg(not(target_pointer_width = "64"))]
mod none {
    use dunlin_model::Path;

    use crate::tlv::decode::{Container, Decoder};
    use crate::{DecodeError, Record, Types};

    #[derive(Debug)]
    pub(in crate::tlv) struct Simple;

    impl Simple {
        pub(in crate::tlv) const fn new(_: Path) -> Self {
            Self
        }

        #[expect(clippy::unused_self, reason = "there is something to note on a host")]
        pub(in crate::tlv) const fn enter(&mut self, _: Path, _: Container) {}
    }

    impl<'a, T: Types + ?Sized> Decoder<'a, T> {
        #[inline]
        pub(in crate::tlv) fn next_simple(&mut self) -> Option<Result<Record<'a>, DecodeError>> {
            self.next_of_any()
        }
    }
}
