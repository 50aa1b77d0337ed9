//! A buffer that fills up.

use core::fmt;

use crate::EncodeError;

/// Writes into a borrowed buffer and knows how far it got.
#[derive(Debug)]
pub(crate) struct Writer<'b> {
    buffer: &'b mut [u8],
    length: usize,
}

impl<'b> Writer<'b> {
    pub(crate) const fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, length: 0 }
    }

    /// How many bytes are written.
    pub(crate) const fn len(&self) -> usize {
        self.length
    }

    pub(crate) fn written_from(&self, start: usize) -> &[u8] {
        self.buffer.get(start..self.length).unwrap_or_default()
    }

    /// Gives up the buffer for what is written in it.
    pub(crate) fn into_written(self) -> &'b [u8] {
        self.buffer.get(..self.length).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        let end = self
            .length
            .checked_add(bytes.len())
            .ok_or(EncodeError::NoSpace)?;
        self.buffer
            .get_mut(self.length..end)
            .ok_or(EncodeError::NoSpace)?
            .copy_from_slice(bytes);
        self.length = end;
        Ok(())
    }

    /// Writes `number` in decimal digits.
    pub(crate) fn decimal(&mut self, mut number: u16) -> Result<(), EncodeError> {
        let mut digits = [0; 5];
        let mut first = 5_usize;
        for (place, digit) in digits.iter_mut().enumerate().rev() {
            let rest = number / 10;
            *digit =
                b'0' | u8::try_from(number.wrapping_sub(rest.wrapping_mul(10))).unwrap_or_default();
            (first, number) = (place, rest);
            if rest == 0 {
                break;
            }
        }
        self.put(digits.get(first..).unwrap_or_default())
    }

    /// Writes what prints.
    pub(crate) fn print(&mut self, value: impl fmt::Display) -> Result<(), EncodeError> {
        fmt::Write::write_fmt(self, format_args!("{value}")).map_err(|_| EncodeError::NoSpace)
    }

    /// Puts `header` in place of the `room` bytes at `start` and moves what follows as needed.
    pub(crate) fn replace(
        &mut self,
        start: usize,
        room: usize,
        header: &[u8],
    ) -> Result<(), EncodeError> {
        self.try_replace(start, room, header)
            .ok_or(EncodeError::NoSpace)
    }

    // Written so that the compiler sees that `copy_within` cannot panic.
    fn try_replace(&mut self, start: usize, room: usize, header: &[u8]) -> Option<()> {
        let body = self.length.checked_sub(start)?.checked_sub(room)?;
        let area = self.buffer.get_mut(start..)?;
        let body_end = room.checked_add(body).filter(|end| *end <= area.len())?;
        if header.len() > area.len().checked_sub(body)? {
            return None;
        }
        if header.len() != room {
            area.copy_within(room..body_end, header.len());
        }
        area.get_mut(..header.len())?.copy_from_slice(header);
        self.length = start.checked_add(header.len())?.checked_add(body)?;
        Some(())
    }
}

impl fmt::Write for Writer<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.put(text.as_bytes()).map_err(|_| fmt::Error)
    }
}

impl minicbor::encode::Write for Writer<'_> {
    type Error = EncodeError;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.put(bytes)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    #[test]
    fn decimal_digits() {
        for number in [0, 9, 10, 99, 100, 3303, 9999, 10000, 65534, 65535] {
            let mut buffer = [0; 8];
            let mut writer = Writer::new(&mut buffer);
            writer.decimal(number).unwrap();
            assert_eq!(writer.written_from(0), std::format!("{number}").as_bytes());
        }
    }

    #[test]
    fn replacing_moves_what_follows() {
        let mut buffer = [0; 8];
        let mut writer = Writer::new(&mut buffer);
        writer.put(b"a__bcd").unwrap();
        writer.replace(1, 2, b"X").unwrap();
        assert_eq!(writer.written_from(0), b"aXbcd");
        writer.replace(1, 1, b"1234").unwrap();
        assert_eq!(writer.written_from(0), b"a1234bcd");
        assert_eq!(writer.replace(1, 4, b"12345"), Err(EncodeError::NoSpace));
        assert_eq!(writer.put(b"e"), Err(EncodeError::NoSpace));
        assert_eq!(writer.written_from(0), b"a1234bcd");
    }
}
