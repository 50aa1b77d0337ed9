//! A body that is read where it lies, part by part.

/// A body that can be read from any place, so that nobody needs to hold it in memory: a file, a flash memory, a text
/// that is made as it is read.
///
/// Each block of a transfer is asked for in a request of its own, and nothing is kept between them. A body that changes
/// between two requests must change its `ETag` too (RFC 7959 §2.4).
///
/// Byte slices are bodies, and [`FromFn`] makes one of a function.
pub trait Body {
    /// The length in bytes, where it is known.
    ///
    /// Where it is not, one byte after each block is read to know whether more follow.
    fn len(&self) -> Option<usize>;

    /// Whether the length is known and 0.
    fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// Copies the bytes from `offset` on into `space` and tells how many: fewer than there is space for only where the
    /// body ends.
    fn read(&mut self, offset: usize, space: &mut [u8]) -> usize;
}

impl Body for [u8] {
    fn len(&self) -> Option<usize> {
        Some(<[u8]>::len(self))
    }

    fn read(&mut self, offset: usize, space: &mut [u8]) -> usize {
        copy(self, offset, space)
    }
}

impl Body for &[u8] {
    fn len(&self) -> Option<usize> {
        Some(<[u8]>::len(self))
    }

    fn read(&mut self, offset: usize, space: &mut [u8]) -> usize {
        copy(self, offset, space)
    }
}

fn copy(body: &[u8], offset: usize, space: &mut [u8]) -> usize {
    let rest = body.get(offset..).unwrap_or_default();
    let len = rest.len().min(space.len());
    if let (Some(space), Some(rest)) = (space.get_mut(..len), rest.get(..len)) {
        space.copy_from_slice(rest);
    }
    len
}

/// A body whose length, if known, is the first field and whose bytes a function reads, as [`Body::read`] does.
///
/// ```
/// use dunlin_coap::block::{Block, BlockSize, FromFn, Outgoing};
///
/// // 20 bytes, but nobody knows.
/// let mut body = FromFn(None, |offset, space: &mut [u8]| {
///     let len = space.len().min(20_usize.saturating_sub(offset));
///     space[..len].fill(b'x');
///     len
/// });
/// let part = Outgoing::from_body(&mut body, Some(Block::first(BlockSize::B16)), BlockSize::MAX, 1024)?;
/// assert_eq!(part.block.unwrap().to_string(), "0/1/16");
/// # Ok::<(), dunlin_coap::block::SendError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FromFn<F>(pub Option<usize>, pub F);

impl<F: FnMut(usize, &mut [u8]) -> usize> Body for FromFn<F> {
    fn len(&self) -> Option<usize> {
        self.0
    }

    fn read(&mut self, offset: usize, space: &mut [u8]) -> usize {
        (self.1)(offset, space)
    }
}
