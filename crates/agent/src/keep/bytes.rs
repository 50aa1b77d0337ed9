//! The bytes of records: big-endian, in the order of their writing, with a checksum at the end.

use dunlin_model::{Level, Path};

/// A checksum: FNV-1a over 32 bits. It finds damage, not malice.
pub(super) struct Sum(u32);

impl Sum {
    pub(super) const fn new() -> Self {
        Self(0x811c_9dc5)
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        }
    }

    pub(super) const fn get(&self) -> u32 {
        self.0
    }
}

fn sum(bytes: &[u8]) -> [u8; 4] {
    let mut sum = Sum::new();
    sum.add(bytes);
    sum.get().to_be_bytes()
}

/// Writes into a buffer; `None` when it is full.
pub(super) struct Writer<'b> {
    buffer: &'b mut [u8],
    len: usize,
}

impl<'b> Writer<'b> {
    pub(super) const fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, len: 0 }
    }

    pub(super) fn put(&mut self, bytes: &[u8]) -> Option<()> {
        let end = self.len.checked_add(bytes.len())?;
        let space = self.buffer.get_mut(self.len..end)?;
        for (slot, byte) in space.iter_mut().zip(bytes) {
            *slot = *byte;
        }
        self.len = end;
        Some(())
    }

    pub(super) fn u8(&mut self, number: u8) -> Option<()> {
        self.put(&[number])
    }

    pub(super) fn u16(&mut self, number: u16) -> Option<()> {
        self.put(&number.to_be_bytes())
    }

    pub(super) fn u32(&mut self, number: u32) -> Option<()> {
        self.put(&number.to_be_bytes())
    }

    /// Up to 255 bytes behind their length.
    pub(super) fn vec8(&mut self, bytes: &[u8]) -> Option<()> {
        self.u8(u8::try_from(bytes.len()).ok()?)?;
        self.put(bytes)
    }

    /// A path: how deep it is, then its numbers.
    pub(super) fn path(&mut self, path: Path) -> Option<()> {
        self.u8(u8::try_from(path.segments().count()).ok()?)?;
        path.segments().try_for_each(|segment| self.u16(segment))
    }

    /// Reserves a byte for a number that is known later, and gives its place.
    pub(super) fn later(&mut self) -> Option<usize> {
        let at = self.len;
        self.u8(0)?;
        Some(at)
    }

    pub(super) fn set(&mut self, at: usize, number: u8) -> Option<()> {
        *self.buffer.get_mut(at)? = number;
        Some(())
    }

    /// What is left of the buffer; [`advance`](Self::advance) tells how much of it has been written.
    pub(super) fn space(&mut self) -> &mut [u8] {
        self.buffer.get_mut(self.len..).unwrap_or_default()
    }

    pub(super) fn advance(&mut self, len: usize) -> Option<()> {
        self.len = self.len.checked_add(len)?;
        (self.len <= self.buffer.len()).then_some(())
    }

    /// Appends the checksum and gives the length of all.
    pub(super) fn seal(&mut self) -> Option<usize> {
        let sum = sum(self.buffer.get(..self.len)?);
        self.put(&sum)?;
        Some(self.len)
    }
}

/// Reads what a [`Writer`] wrote; `None` when it ends too early.
#[derive(Clone)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Takes the checksum away; `None` when it is wrong.
    pub(super) fn unseal(bytes: &'a [u8]) -> Option<Self> {
        let (body, found) = bytes.split_last_chunk::<4>()?;
        (sum(body) == *found).then_some(Self(body))
    }

    pub(super) const fn rest(self) -> &'a [u8] {
        self.0
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        let [number] = self.array()?;
        Some(number)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    pub(super) fn vec8(&mut self) -> Option<&'a [u8]> {
        let len = self.u8()?;
        self.take(len.into())
    }

    pub(super) fn path(&mut self) -> Option<Path> {
        let depth = self.u8()?;
        let mut path = Path::ROOT;
        for _ in 0..depth {
            if path.level() == Level::ResourceInstance {
                return None;
            }
            path = path.child(self.u16()?)?;
        }
        Some(path)
    }
}
