//! Texts in bytes.

use crate::SHORT_WAYS;

/// Gives `bytes` as a text, if they are one in UTF-8.
#[inline]
pub(crate) fn text(bytes: &[u8]) -> Option<&str> {
    if SHORT_WAYS && let Some(text) = ascii_text(bytes) {
        return Some(text);
    }
    core::str::from_utf8(bytes).ok()
}

/// Most texts are ASCII, which is found out for eight bytes at once, where UTF-8 takes most of a short text byte by byte.
#[cfg(target_pointer_width = "64")]
#[inline]
fn ascii_text(bytes: &[u8]) -> Option<&str> {
    ascii::AsciiStr::from_ascii(bytes)
        .ok()
        .map(ascii::AsciiStr::as_str)
}

#[cfg(not(target_pointer_width = "64"))]
const fn ascii_text(_: &[u8]) -> Option<&str> {
    None
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::string::String;

    proptest! {
        #[test]
        fn as_the_language_reads_it(
            ascii in "[ -~]{0,80}",
            any in any::<String>(),
            bytes in proptest::collection::vec(any::<u8>(), 0..80),
            at in 0_usize..80,
        ) {
            prop_assert_eq!(text(ascii.as_bytes()), Some(&ascii[..]));
            prop_assert_eq!(text(any.as_bytes()), Some(&any[..]));
            prop_assert_eq!(text(&bytes), core::str::from_utf8(&bytes).ok());
            // One byte that is none of ASCII, at any place.
            let mut broken = ascii.into_bytes();
            if let Some(byte) = broken.get_mut(at) {
                *byte |= 0x80;
            }
            prop_assert_eq!(text(&broken), core::str::from_utf8(&broken).ok());
        }
    }
}
