//! NOR flash in memory, whose power can be cut at any write or erase.

use core::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use dunlin_agent::keep::Key;
use dunlin_agent::storage::Blocking;
use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};
use sequential_storage::cache::Cache;
use sequential_storage::map::{MapConfig, MapStorage};

pub(crate) const PAGE: u32 = 1024;
pub(crate) const RECORDS: core::ops::Range<u32> = 0..3 * PAGE;
pub(crate) const LOG: core::ops::Range<u32> = 3 * PAGE..5 * PAGE;

/// How far the operation comes in which the power is cut.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cut {
    Before,
    Within,
    After,
}

pub(crate) struct Chip {
    bytes: Vec<u8>,
    operations: usize,
    pub(crate) cut: Option<(usize, Cut)>,
    dead: bool,
}

/// NOR flash: erased are ones, and a write makes some of them zeros.
#[derive(Clone)]
pub(crate) struct Flash(pub(crate) Rc<RefCell<Chip>>);

impl Flash {
    pub(crate) fn new() -> Self {
        Self::of(vec![0xff; LOG.end as usize])
    }

    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        Self(Rc::new(RefCell::new(Chip {
            bytes,
            operations: 0,
            cut: None,
            dead: false,
        })))
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.0.borrow().dead
    }

    pub(crate) fn operations(&self) -> usize {
        self.0.borrow().operations
    }

    /// What is in the flash, with the power back.
    pub(crate) fn image(&self) -> Vec<u8> {
        self.0.borrow().bytes.clone()
    }

    fn operate(
        &self,
        start: u32,
        len: usize,
        each: impl Fn(usize, &mut u8),
    ) -> Result<(), NorFlashErrorKind> {
        let mut chip = self.0.borrow_mut();
        if chip.dead {
            return Err(NorFlashErrorKind::Other);
        }
        let done = match chip.cut {
            Some((at, cut)) if at == chip.operations => {
                chip.dead = true;
                match cut {
                    Cut::Before => 0,
                    Cut::Within => len / 2,
                    Cut::After => len,
                }
            }
            _ => len,
        };
        chip.operations += 1;
        let start = start as usize;
        for (at, byte) in chip.bytes[start..start + done].iter_mut().enumerate() {
            each(at, byte);
        }
        if chip.dead {
            Err(NorFlashErrorKind::Other)
        } else {
            Ok(())
        }
    }
}

impl ErrorType for Flash {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        check_read(self, offset, bytes.len())?;
        let start = offset as usize;
        bytes.copy_from_slice(&self.0.borrow().bytes[start..start + bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.0.borrow().bytes.len()
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = PAGE as usize;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        check_erase(self, from, to)?;
        self.operate(from, (to - from) as usize, |_, byte| *byte = 0xff)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        check_write(self, offset, bytes.len())?;
        self.operate(offset, bytes.len(), |at, byte| *byte &= bytes[at])
    }
}

pub(crate) fn at_once<T>(work: impl Future<Output = T>) -> T {
    let mut context = core::task::Context::from_waker(core::task::Waker::noop());
    match core::pin::pin!(work).poll(&mut context) {
        core::task::Poll::Ready(outcome) => outcome,
        core::task::Poll::Pending => panic!("it waits"),
    }
}

/// All records, as another program reads them.
pub(crate) fn records(flash: &Flash) -> BTreeMap<u16, Vec<u8>> {
    let flash = Blocking(Flash::of(flash.image()));
    let config = MapConfig::new(RECORDS);
    let mut map = MapStorage::<u16, _, _>::new(flash, config, Cache::new_uncached());
    let mut buffer = [0; 1024];
    [Key::Accounts, Key::Server(0), Key::Association(0)]
        .into_iter()
        .filter_map(|key| {
            let found = at_once(map.fetch_item::<&[u8]>(&mut buffer, &key.number()));
            Some((key.number(), found.unwrap()?.to_vec()))
        })
        .collect()
}
