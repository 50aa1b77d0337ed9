//! Base64, the text of opaque values: RFC 4648 §4 with padding in plain text and the JSON of LwM2M 1.0 (LwM2M Core
//! Appendix C), §5 without padding in SenML (RFC 8428 §5).
//!
//! Written here because it has to link without a panic, which no crate was found to do.

use crate::writer::Writer;
use crate::{DecodeErrorKind, EncodeError};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    /// `+` and `/`, and `=` up to a multiple of four digits.
    #[cfg(any(feature = "text", feature = "lwm2m-json", test))]
    Padded,
    /// `-` and `_`, and no padding.
    #[cfg(any(feature = "senml-json", test))]
    Url,
}

impl Variant {
    /// The last two digits.
    const fn last(self) -> [u8; 2] {
        match self {
            #[cfg(any(feature = "text", feature = "lwm2m-json", test))]
            Self::Padded => *b"+/",
            #[cfg(any(feature = "senml-json", test))]
            Self::Url => *b"-_",
        }
    }

    const fn is_padded(self) -> bool {
        matches!(self.last(), [b'+', _])
    }

    /// What a digit stands for.
    const fn value(self, digit: u8) -> Option<u8> {
        let last = self.last();
        match digit {
            b'A'..=b'Z' => Some(digit.wrapping_sub(b'A')),
            b'a'..=b'z' => Some(digit.wrapping_sub(b'a').wrapping_add(26)),
            b'0'..=b'9' => Some(digit.wrapping_sub(b'0').wrapping_add(52)),
            _ if digit == last[0] => Some(62),
            _ if digit == last[1] => Some(63),
            _ => None,
        }
    }

    /// The digit of the lower six bits.
    const fn digit(self, value: u8) -> u8 {
        let value = value & 0x3f;
        match value {
            0..=25 => value.wrapping_add(b'A'),
            26..=51 => value.wrapping_sub(26).wrapping_add(b'a'),
            52..=61 => value.wrapping_sub(52).wrapping_add(b'0'),
            62 => self.last()[0],
            _ => self.last()[1],
        }
    }
}

/// Decodes `text`. There is one text for each value: the padding is there or not, and the bits that the last digit
/// leaves over are 0 (RFC 4648 §3.5).
pub(crate) fn decode(
    variant: Variant,
    text: &[u8],
    writer: &mut Writer<'_>,
) -> Result<(), DecodeErrorKind> {
    let mut digits = text;
    if variant.is_padded() {
        if !text.len().is_multiple_of(4) {
            return Err(DecodeErrorKind::Base64);
        }
        digits = digits.strip_suffix(b"=").unwrap_or(digits);
        digits = digits.strip_suffix(b"=").unwrap_or(digits);
    }
    let (mut word, mut bits) = (0_u32, 0_u32);
    for digit in digits {
        let value = variant.value(*digit).ok_or(DecodeErrorKind::Base64)?;
        word = word << 6 | u32::from(value);
        bits = bits.wrapping_add(6);
        if bits >= 8 {
            bits = bits.wrapping_sub(8);
            let [byte, ..] = word.wrapping_shr(bits).to_le_bytes();
            writer.byte(byte).map_err(|_| DecodeErrorKind::NoSpace)?;
        }
    }
    // A digit alone is no byte.
    let left = word & 1_u32.wrapping_shl(bits).wrapping_sub(1);
    if bits >= 6 || left != 0 {
        return Err(DecodeErrorKind::Base64);
    }
    Ok(())
}

/// Writes the text of `bytes`.
pub(crate) fn encode(
    variant: Variant,
    bytes: &[u8],
    writer: &mut Writer<'_>,
) -> Result<(), EncodeError> {
    let (mut word, mut bits, mut count) = (0_u32, 0_u32, 0_u32);
    for byte in bytes {
        word = word << 8 | u32::from(*byte);
        bits = bits.wrapping_add(8);
        while bits >= 6 {
            bits = bits.wrapping_sub(6);
            let [value, ..] = word.wrapping_shr(bits).to_le_bytes();
            writer.byte(variant.digit(value))?;
            count = count.wrapping_add(1);
        }
    }
    if bits > 0 {
        let [value, ..] = word.wrapping_shl(6_u32.wrapping_sub(bits)).to_le_bytes();
        writer.byte(variant.digit(value))?;
        count = count.wrapping_add(1);
    }
    while variant.is_padded() && count % 4 != 0 {
        writer.byte(b'=')?;
        count = count.wrapping_add(1);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded<'b>(
        variant: Variant,
        text: &[u8],
        buffer: &'b mut [u8],
    ) -> Result<&'b [u8], DecodeErrorKind> {
        let mut writer = Writer::new(buffer);
        decode(variant, text, &mut writer)?;
        writer.into_written().map_err(|_| DecodeErrorKind::NoSpace)
    }

    #[test]
    fn examples_of_the_rfc() {
        // RFC 4648 §10.
        for (bytes, padded, url) in [
            (&b""[..], &b""[..], &b""[..]),
            (b"f", b"Zg==", b"Zg"),
            (b"fo", b"Zm8=", b"Zm8"),
            (b"foo", b"Zm9v", b"Zm9v"),
            (b"foob", b"Zm9vYg==", b"Zm9vYg"),
            (b"fooba", b"Zm9vYmE=", b"Zm9vYmE"),
            (b"foobar", b"Zm9vYmFy", b"Zm9vYmFy"),
            (&[0xfb, 0xff, 0xbf], b"+/+/", b"-_-_"),
        ] {
            for (variant, text) in [(Variant::Padded, padded), (Variant::Url, url)] {
                let mut buffer = [0; 8];
                let mut writer = Writer::new(&mut buffer);
                encode(variant, bytes, &mut writer).unwrap();
                assert_eq!(writer.into_written(), Ok(text));
                assert_eq!(decoded(variant, text, &mut [0; 8]), Ok(bytes));
            }
        }
    }

    #[test]
    fn every_digit_comes_back() {
        for variant in [Variant::Padded, Variant::Url] {
            for bits in 0..64 {
                assert_eq!(variant.value(variant.digit(bits)), Some(bits));
            }
            let digits = (0..=255).filter(|byte| variant.value(*byte).is_some());
            assert_eq!(digits.count(), 64);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            &b"Zg"[..],
            b"Zg=",
            b"Zm8",
            b"Zh==",
            b"Zm9=",
            b"Z===",
            b"====",
            b"Zg==Zg==",
            b"Z=g=",
            b"Zm-v",
            b"Zm v",
            b"Zm9v\n",
            b"=Zg=",
            b"Zg=v",
        ] {
            let mut buffer = [0; 16];
            let result = decoded(Variant::Padded, text, &mut buffer);
            assert_eq!(result, Err(DecodeErrorKind::Base64), "{text:?}");
        }
        for text in [
            &b"Zg=="[..],
            b"Zm8=",
            b"Z",
            b"Zm9vZ",
            b"Zh",
            b"Zm9",
            b"+/+/",
            b"Zm9v\n",
        ] {
            let mut buffer = [0; 16];
            let result = decoded(Variant::Url, text, &mut buffer);
            assert_eq!(result, Err(DecodeErrorKind::Base64), "{text:?}");
        }
        for (text, size) in [(&b"Zm9v"[..], 2), (b"Zg==", 0)] {
            let mut buffer = [0; 3];
            let result = decoded(Variant::Padded, text, &mut buffer[..size]);
            assert_eq!(result, Err(DecodeErrorKind::NoSpace));
        }
        let mut buffer = [0; 3];
        let result = decoded(Variant::Padded, b"Zm9v", &mut buffer);
        assert_eq!(result, Ok(&b"foo"[..]));
    }
}
