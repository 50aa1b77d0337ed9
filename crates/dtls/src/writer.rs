//! Writes into a buffer of the owner and remembers when it was too small.

/// A vector's length, not yet known; to be given back to [`Writer::close`].
#[must_use]
pub(crate) struct Open {
    at: usize,
    bytes: usize,
}

/// A buffer and how much of it is written. What does not fit is left out, and [`Writer::finish`] says so.
pub(crate) struct Writer<'a> {
    buffer: &'a mut [u8],
    len: usize,
    fits: bool,
}

impl<'a> Writer<'a> {
    pub(crate) const fn new(buffer: &'a mut [u8]) -> Self {
        Self {
            buffer,
            len: 0,
            fits: true,
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) {
        // Cut off in two steps, so that the compiler sees that the lengths are the same.
        let rest = self.buffer.get_mut(self.len..);
        match rest.and_then(|rest| rest.get_mut(..bytes.len())) {
            Some(room) if self.fits => {
                room.copy_from_slice(bytes);
                self.len = self.len.saturating_add(bytes.len());
            }
            _ => self.fits = false,
        }
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.put(&[value]);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.put(&value.to_be_bytes());
    }

    pub(crate) fn u24(&mut self, value: usize) {
        let [.., a, b, c] = value.to_be_bytes();
        self.put(&[a, b, c]);
    }

    /// A vector whose length fits one byte.
    pub(crate) fn vec8(&mut self, bytes: &[u8]) {
        let open = self.open(1);
        self.put(bytes);
        self.close(open);
    }

    /// A vector whose length fits two bytes.
    pub(crate) fn vec16(&mut self, bytes: &[u8]) {
        let open = self.open(2);
        self.put(bytes);
        self.close(open);
    }

    /// Begins a vector whose length takes `bytes` bytes, at most 3.
    pub(crate) fn open(&mut self, bytes: usize) -> Open {
        let at = self.len;
        for _ in 0..bytes {
            self.u8(0);
        }
        Open { at, bytes }
    }

    /// Ends a vector: its length is written in front of it.
    pub(crate) fn close(&mut self, open: Open) {
        let start = open.at.saturating_add(open.bytes);
        let len = self.len.saturating_sub(start).to_be_bytes();
        let digits = len.len().saturating_sub(open.bytes);
        let (Some(high), Some(low)) = (len.get(..digits), len.get(digits..)) else {
            return;
        };
        match self.buffer.get_mut(open.at..start) {
            Some(room) if self.fits && high.iter().all(|byte| *byte == 0) => {
                for (to, from) in room.iter_mut().zip(low) {
                    *to = *from;
                }
            }
            _ => self.fits = false,
        }
    }

    /// How many bytes were written, or that the buffer was too small.
    pub(crate) const fn finish(self) -> Option<usize> {
        if self.fits { Some(self.len) } else { None }
    }
}
