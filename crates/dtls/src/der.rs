//! A strict cursor over DER (X.690), for keys and certificates.
//!
//! Own code, because what is read here are a dozen shapes and the whole cursor is smaller than the conversions to a
//! general one. It has no recursion: a caller goes one level down with [`Reader::nested`]. Whatever is not the one
//! encoding that DER allows is refused: long lengths for short values, indefinite lengths, leading zeros of integers.
#![cfg_attr(
    not(feature = "x509"),
    allow(dead_code, reason = "keys need a part of what certificates do")
)]

/// What an element is: the identifier octet (X.690 §8.1.2). Identifiers of several octets do not occur here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Tag(pub(crate) u8);

impl Tag {
    pub(crate) const BOOLEAN: Self = Self(0x01);
    pub(crate) const INTEGER: Self = Self(0x02);
    pub(crate) const BIT_STRING: Self = Self(0x03);
    pub(crate) const OCTET_STRING: Self = Self(0x04);
    pub(crate) const OID: Self = Self(0x06);
    pub(crate) const SEQUENCE: Self = Self(0x30);
    pub(crate) const SET: Self = Self(0x31);

    /// Context-specific and constructed.
    pub(crate) const fn context(number: u8) -> Self {
        Self(0xa0 | number)
    }

    /// Context-specific and primitive.
    pub(crate) const fn context_primitive(number: u8) -> Self {
        Self(0x80 | number)
    }
}

/// The bytes are not the DER that was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct NotDer;

/// An element: its tag and its content, and the whole with tag and length.
#[derive(Clone, Copy)]
pub(crate) struct Element<'a> {
    pub(crate) tag: Tag,
    pub(crate) content: &'a [u8],
    pub(crate) whole: &'a [u8],
}

/// What is still to be read.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Succeeds when nothing is left.
    pub(crate) fn finish(self) -> Result<(), NotDer> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(NotDer)
        }
    }

    /// The tag of the next element.
    pub(crate) fn peek(self) -> Option<Tag> {
        self.0.first().copied().map(Tag)
    }

    /// The next element, whatever it is.
    pub(crate) fn element(&mut self) -> Result<Element<'a>, NotDer> {
        let start = self.0;
        let (&[tag, first], rest) = start.split_first_chunk().ok_or(NotDer)?;
        if tag & 0x1f == 0x1f {
            return Err(NotDer);
        }
        let (len, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81 => {
                let (&[len], rest) = rest.split_first_chunk().ok_or(NotDer)?;
                if len < 0x80 {
                    return Err(NotDer);
                }
                (usize::from(len), rest)
            }
            0x82 => {
                let (&len, rest) = rest.split_first_chunk().ok_or(NotDer)?;
                let len = u16::from_be_bytes(len);
                if len < 0x100 {
                    return Err(NotDer);
                }
                (usize::from(len), rest)
            }
            // No key and no certificate for a device has 64 KiB.
            _ => return Err(NotDer),
        };
        let (content, rest) = rest.split_at_checked(len).ok_or(NotDer)?;
        let whole = start
            .get(..start.len().saturating_sub(rest.len()))
            .ok_or(NotDer)?;
        self.0 = rest;
        Ok(Element {
            tag: Tag(tag),
            content,
            whole,
        })
    }

    /// The content of the next element, which must be a `tag`.
    pub(crate) fn take(&mut self, tag: Tag) -> Result<&'a [u8], NotDer> {
        match self.element()? {
            element if element.tag == tag => Ok(element.content),
            _ => Err(NotDer),
        }
    }

    /// The content of the next element if that is a `tag`.
    pub(crate) fn take_optional(&mut self, tag: Tag) -> Result<Option<&'a [u8]>, NotDer> {
        if self.peek() == Some(tag) {
            self.take(tag).map(Some)
        } else {
            Ok(None)
        }
    }

    /// A reader of the content of the next element, which must be a `tag`.
    pub(crate) fn nested(&mut self, tag: Tag) -> Result<Self, NotDer> {
        self.take(tag).map(Self)
    }

    /// A Boolean (X.690 §11.1: true is 255).
    pub(crate) fn boolean(&mut self) -> Result<bool, NotDer> {
        match self.take(Tag::BOOLEAN)? {
            [0] => Ok(false),
            [0xff] => Ok(true),
            _ => Err(NotDer),
        }
    }

    /// `BOOLEAN DEFAULT FALSE`: what has its default is not written (X.690 §11.5).
    pub(crate) fn boolean_default_false(&mut self) -> Result<bool, NotDer> {
        if self.peek() != Some(Tag::BOOLEAN) {
            return Ok(false);
        }
        if self.boolean()? {
            Ok(true)
        } else {
            Err(NotDer)
        }
    }

    /// The bytes of an integer, in two's complement and in the fewest octets (X.690 §8.3.2).
    pub(crate) fn integer(&mut self) -> Result<&'a [u8], NotDer> {
        let bytes = self.take(Tag::INTEGER)?;
        match bytes {
            [] | [0, 0..=0x7f, ..] | [0xff, 0x80..=0xff, ..] => Err(NotDer),
            _ => Ok(bytes),
        }
    }

    /// An integer from 0 to 127.
    pub(crate) fn small_integer(&mut self) -> Result<u8, NotDer> {
        match self.integer()? {
            &[value @ 0..=0x7f] => Ok(value),
            _ => Err(NotDer),
        }
    }

    /// The bytes of an object identifier: numbers in base 128, each in the fewest octets (X.690 §8.19).
    pub(crate) fn oid(&mut self) -> Result<&'a [u8], NotDer> {
        let bytes = self.take(Tag::OID)?;
        let mut begins = true;
        for byte in bytes {
            if begins && *byte == 0x80 {
                return Err(NotDer);
            }
            begins = byte & 0x80 == 0;
        }
        if begins && !bytes.is_empty() {
            Ok(bytes)
        } else {
            Err(NotDer)
        }
    }

    /// The bytes of a bit string whose bits are whole bytes.
    pub(crate) fn octets(&mut self) -> Result<&'a [u8], NotDer> {
        whole_octets(self.take(Tag::BIT_STRING)?)
    }
}

/// The bytes in the content of a bit string whose bits are whole bytes.
pub(crate) fn whole_octets(content: &[u8]) -> Result<&[u8], NotDer> {
    match content {
        [0, bytes @ ..] => Ok(bytes),
        _ => Err(NotDer),
    }
}

/// The first nine bits in the content of a bit string that names bits, bit 0 of the string as bit 0 of the number.
///
/// Such a string ends with its last bit that is set (X.690 §11.2.2).
pub(crate) fn named_bits(content: &[u8]) -> Result<u16, NotDer> {
    let (&unused, bytes) = content.split_first().ok_or(NotDer)?;
    let Some(last) = bytes.last() else {
        return if unused == 0 { Ok(0) } else { Err(NotDer) };
    };
    if unused > 7 || last.trailing_zeros() != u32::from(unused) {
        return Err(NotDer);
    }
    let low = bytes.first().map_or(0, |byte| byte.reverse_bits());
    let high = bytes.get(1).map_or(0, |byte| byte.reverse_bits() & 1);
    Ok(u16::from_le_bytes([low, high]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_taken_with_its_rest() {
        let mut reader = Reader::new(&[0x04, 2, 7, 8, 0x02, 1, 5]);
        let element = reader.element().unwrap();
        assert_eq!(element.tag, Tag::OCTET_STRING);
        assert_eq!(element.content, [7, 8]);
        assert_eq!(element.whole, [4, 2, 7, 8]);
        assert_eq!(reader.small_integer(), Ok(5));
        assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn a_length_has_one_form() {
        let mut long = [0; 260];
        for (start, good) in [
            (&[4, 0x7f][..], true),
            (&[4, 0x80], false),
            (&[4, 0x81, 0x7f], false),
            (&[4, 0x81, 0x80], true),
            (&[4, 0x82, 0, 0xff], false),
            (&[4, 0x82, 1, 0], true),
            (&[4, 0x83, 0, 1, 0], false),
            (&[0x1f, 1], false),
        ] {
            long[..start.len()].copy_from_slice(start);
            assert_eq!(
                Reader::new(&long).element().is_ok(),
                good,
                "{start:02x?} was judged wrongly"
            );
        }
        assert!(Reader::new(&[4, 2, 0]).element().is_err());
        assert!(Reader::new(&[4]).element().is_err());
    }

    #[test]
    fn values_have_one_form() {
        for (bytes, good) in [
            (&[2, 1, 0][..], true),
            (&[2, 0], false),
            (&[2, 2, 0, 0x7f], false),
            (&[2, 2, 0, 0x80], true),
            (&[2, 2, 0xff, 0x80], false),
            (&[2, 2, 0xff, 0x7f], true),
        ] {
            assert_eq!(Reader::new(bytes).integer().is_ok(), good, "{bytes:02x?}");
        }
        assert_eq!(Reader::new(&[1, 1, 0xff]).boolean(), Ok(true));
        assert_eq!(Reader::new(&[1, 1, 1]).boolean(), Err(NotDer));
        assert_eq!(
            Reader::new(&[1, 1, 0]).boolean_default_false(),
            Err(NotDer),
            "a default must not be written"
        );
        assert_eq!(named_bits(&[7, 0x80]), Ok(1));
        assert_eq!(named_bits(&[1, 0x06]), Ok(0x60));
        assert_eq!(named_bits(&[7, 0, 0x80]), Ok(0x100));
        assert_eq!(named_bits(&[0]), Ok(0));
        for wrong in [&[][..], &[1], &[0, 0x06], &[2, 0x06], &[8, 0]] {
            assert_eq!(named_bits(wrong), Err(NotDer), "{wrong:02x?}");
        }
        for (bytes, good) in [
            (&[6, 3, 0x55, 0x1d, 0x0f][..], true),
            (&[6, 3, 0x2a, 0x86, 0x48], true),
            (&[6, 0], false),
            (&[6, 2, 0x2a, 0x86], false),
            (&[6, 3, 0x2a, 0x80, 0x01], false),
        ] {
            assert_eq!(Reader::new(bytes).oid().is_ok(), good, "{bytes:02x?}");
        }
        assert_eq!(whole_octets(&[0, 9]), Ok(&[9][..]));
        assert_eq!(whole_octets(&[1, 8]), Err(NotDer));
    }
}
