//! `application/vnd.oma.lwm2m+tlv`: LwM2M Core §7.5.5.
//!
//! A TLV is a type byte, an identifier, a length and a value. The type byte says, from its highest bit: what it is
//! (2 bits, see [`Kind`]), whether the identifier has 16 bits, how many bytes the length has (2 bits), and the length
//! itself if that is none (3 bits). An object instance holds resources and multiple resources, a multiple resource
//! holds resource instances; nothing else nests.

mod decode;
mod encode;
mod simple;

pub(crate) use decode::Decoder;
pub(crate) use encode::Encoder;

/// What a TLV is, in the upper two bits of its type byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    ObjectInstance,
    ResourceInstance,
    MultipleResource,
    Resource,
}

impl Kind {
    const fn of(type_byte: u8) -> Self {
        match type_byte >> 6 {
            0 => Self::ObjectInstance,
            1 => Self::ResourceInstance,
            2 => Self::MultipleResource,
            _ => Self::Resource,
        }
    }

    const fn bits(self) -> u8 {
        match self {
            Self::ObjectInstance => 0x00,
            Self::ResourceInstance => 0x40,
            Self::MultipleResource => 0x80,
            Self::Resource => 0xc0,
        }
    }
}

/// The identifier has 16 bits.
const WIDE_ID: u8 = 0x20;

#[cfg(test)]
mod tests;
