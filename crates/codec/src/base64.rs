//! Base64 with padding, the plain text of opaque values: RFC 4648 §4, LwM2M Core Appendix C.
//!
//! Written here because it has to link without a panic, which no crate was found to do.

use crate::writer::Writer;
use crate::{DecodeErrorKind, EncodeError};

/// What a digit stands for.
const fn value(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit.wrapping_sub(b'A')),
        b'a'..=b'z' => Some(digit.wrapping_sub(b'a').wrapping_add(26)),
        b'0'..=b'9' => Some(digit.wrapping_sub(b'0').wrapping_add(52)),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// The digit of the lower six bits.
const fn digit(value: u8) -> u8 {
    let value = value & 0x3f;
    match value {
        0..=25 => value.wrapping_add(b'A'),
        26..=51 => value.wrapping_sub(26).wrapping_add(b'a'),
        52..=61 => value.wrapping_sub(52).wrapping_add(b'0'),
        62 => b'+',
        _ => b'/',
    }
}

/// Decodes `text` into `scratch`. There is one text for each value: the padding is there, and the bits that it leaves
/// over are 0 (RFC 4648 §3.5).
pub(crate) fn decode<'a>(text: &[u8], scratch: &'a mut [u8]) -> Result<&'a [u8], DecodeErrorKind> {
    let (groups, []) = text.as_chunks::<4>() else {
        return Err(DecodeErrorKind::Base64);
    };
    let (whole, last) = match groups.split_last() {
        Some((last, whole)) if last.ends_with(b"=") => (whole, Some(last)),
        _ => (groups, None),
    };
    let mut writer = Writer::new(scratch);
    for group in whole {
        let [a, b, c, d] = group.map(value);
        let (Some(a), Some(b), Some(c), Some(d)) = (a, b, c, d) else {
            return Err(DecodeErrorKind::Base64);
        };
        writer
            .put(&[a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d])
            .map_err(|_| DecodeErrorKind::NoSpace)?;
    }
    if let Some(last) = last {
        let [a, b, c, _] = last.map(value);
        let written = match (a, b, c) {
            (Some(a), Some(b), Some(c)) if c << 6 == 0 => {
                writer.put(&[a << 2 | b >> 4, b << 4 | c >> 2])
            }
            (Some(a), Some(b), None) if b << 4 == 0 && last.ends_with(b"==") => {
                writer.put(&[a << 2 | b >> 4])
            }
            _ => return Err(DecodeErrorKind::Base64),
        };
        written.map_err(|_| DecodeErrorKind::NoSpace)?;
    }
    Ok(writer.into_written())
}

/// Writes the text of `bytes`.
pub(crate) fn encode(bytes: &[u8], writer: &mut Writer<'_>) -> Result<(), EncodeError> {
    let (groups, rest) = bytes.as_chunks::<3>();
    for &[a, b, c] in groups {
        writer.put(&[
            digit(a >> 2),
            digit(a << 4 | b >> 4),
            digit(b << 2 | c >> 6),
            digit(c),
        ])?;
    }
    match *rest {
        [a] => writer.put(&[digit(a >> 2), digit(a << 4), b'=', b'=']),
        [a, b] => writer.put(&[digit(a >> 2), digit(a << 4 | b >> 4), digit(b << 2), b'=']),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_of_the_rfc() {
        // RFC 4648 §10.
        for (bytes, text) in [
            (&b""[..], &b""[..]),
            (b"f", b"Zg=="),
            (b"fo", b"Zm8="),
            (b"foo", b"Zm9v"),
            (b"foob", b"Zm9vYg=="),
            (b"fooba", b"Zm9vYmE="),
            (b"foobar", b"Zm9vYmFy"),
            (&[0xfb, 0xff, 0xbf], b"+/+/"),
        ] {
            let mut buffer = [0; 8];
            let mut writer = Writer::new(&mut buffer);
            encode(bytes, &mut writer).unwrap();
            assert_eq!(writer.into_written(), text);
            assert_eq!(decode(text, &mut [0; 8]), Ok(bytes));
        }
    }

    #[test]
    fn every_digit_comes_back() {
        for bits in 0..64 {
            assert_eq!(value(digit(bits)), Some(bits));
        }
        assert_eq!((0..=255).filter(|byte| value(*byte).is_some()).count(), 64);
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
            assert_eq!(
                decode(text, &mut [0; 16]),
                Err(DecodeErrorKind::Base64),
                "{text:?}"
            );
        }
        assert_eq!(decode(b"Zm9v", &mut [0; 2]), Err(DecodeErrorKind::NoSpace));
        assert_eq!(decode(b"Zg==", &mut []), Err(DecodeErrorKind::NoSpace));
        assert_eq!(decode(b"Zm9v", &mut [0; 3]), Ok(&b"foo"[..]));
    }
}
