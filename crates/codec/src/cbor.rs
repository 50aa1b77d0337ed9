//! CBOR (RFC 8949) as far as payloads need it: heads, numbers, texts, bytes.
//!
//! Written here and not taken from `minicbor`, which looks at each head twice, once for its type and once for its
//! value, and reports by text: that alone cost a third of the time of a SenML payload.

mod read;
mod write;

pub(crate) use read::{OPEN, Reader, integer, text};
pub(crate) use write::{close, put_head, put_value, short_head, short_integer, short_text};

/// The major types of RFC 8949 §3.1, in the upper three bits of a head.
pub(crate) mod major {
    pub(crate) const UNSIGNED: u8 = 0x00;
    pub(crate) const NEGATIVE: u8 = 0x20;
    pub(crate) const BYTES: u8 = 0x40;
    pub(crate) const TEXT: u8 = 0x60;
    pub(crate) const ARRAY: u8 = 0x80;
    pub(crate) const MAP: u8 = 0xa0;
    pub(crate) const TAG: u8 = 0xc0;
}

/// Simple values and floats: RFC 8949 §3.3.
mod simple {
    pub(super) const FALSE: u8 = 0xf4;
    pub(super) const TRUE: u8 = 0xf5;
    pub(super) const NULL: u8 = 0xf6;
    pub(super) const HALF: u8 = 0xf9;
    pub(super) const SINGLE: u8 = 0xfa;
    pub(super) const DOUBLE: u8 = 0xfb;
}

/// The end of an array or map without stated length.
pub(crate) const BREAK: u8 = 0xff;

#[cfg(test)]
mod tests;
