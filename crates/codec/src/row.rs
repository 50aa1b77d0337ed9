//! Records in a row, beside each other, which most are: the short ways of writing begin here.

use dunlin_model::{Level, MAX_ID, Path};

use crate::Record;
use crate::short::Short;
use crate::writer::Writer;

/// Where the records are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// The last record; the root before the first.
    pub(crate) last: Path,
    /// The first node that may be in the row, in bits; [`NOWHERE`] if there is no row.
    first: u64,
    /// How far the last number of their paths lies from the end.
    shift: u32,
    /// What the names of the row start with, in SenML.
    pub(crate) start: Short,
    /// Where the multiple resource starts that is open, if the short way knows of it.
    pub(crate) array: Option<usize>,
    /// How many records the short way wrote into the container that is open.
    pub(crate) count: u32,
    /// How many it wrote into the one around it.
    pub(crate) around: u32,
}

/// Before no path of a record by less than an object.
const NOWHERE: u64 = 1;

impl Row {
    /// Before the first record.
    pub(crate) const START: Self = Self {
        last: Path::ROOT,
        first: NOWHERE,
        shift: 0,
        start: Short::EMPTY,
        array: None,
        count: 0,
        around: 0,
    };

    /// Whether there was a record. One about the root is none, and no row begins there.
    pub(crate) fn has_begun(&self) -> bool {
        self.last != Path::ROOT
    }

    /// Gives the last number of `path`, if the path is beside the last record and after it.
    #[inline]
    pub(crate) fn next(&self, path: Path) -> Option<u16> {
        if path <= self.last {
            return None;
        }
        // A node of the row has the parts of the first and nothing below them; only the last part is another.
        let id = path.to_bits().wrapping_sub(self.first);
        u16::try_from(id.rotate_right(self.shift))
            .ok()
            .filter(|id| *id != MAX_ID)
    }

    /// Gives the number of the resource of `path`, if the row is one of resources, the path is after the last record, and
    /// the number is below `end`.
    #[inline]
    pub(crate) fn resource(&self, path: Path, end: u64) -> Option<u64> {
        if path <= self.last {
            return None;
        }
        let id = path.to_bits().wrapping_sub(self.first) >> 16;
        (id < end).then_some(id)
    }

    /// Whether `path` is of the same resource as the last record.
    #[inline]
    pub(crate) const fn is_same_resource(&self, path: Path) -> bool {
        (path.to_bits() ^ self.last.to_bits()) >> 16 == 0
    }

    /// Lets the row go on beside `path`, a resource or resource instance.
    #[inline]
    pub(crate) fn go_beside(&mut self, path: Path) {
        let (level, shift) = match path.resource_instance_id() {
            Some(_) => (Level::Resource, 0),
            None => (Level::Instance, 16),
        };
        self.first = path.truncate(level).to_bits().wrapping_add(1 << shift);
        self.shift = shift;
    }

    /// Lets the row go on with the resources of `instance`.
    #[inline]
    pub(crate) fn go_to_resources(&mut self, instance: Path) {
        self.first = instance.to_bits().wrapping_add(1 << 16);
        self.shift = 16;
    }

    /// Lets no short way follow.
    #[inline]
    pub(crate) fn go_nowhere(&mut self) {
        self.first = NOWHERE;
    }
}

/// What became of a record on the short way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// It is written.
    Done,
    /// It may start another row; with what the format found out so far.
    Turn(u64),
    /// It is one for the long way, or there may be no room for it.
    Long,
}

impl Way {
    #[inline]
    pub(crate) const fn of(done: Option<()>) -> Self {
        match done {
            Some(()) => Self::Done,
            None => Self::Long,
        }
    }
}

/// A format with a short way for the records of a row.
pub(crate) trait Rows {
    /// Writes a record of the row; nothing if it does not get done.
    fn next(writer: &mut Writer<'_>, row: &mut Row, record: &Record<'_>) -> Way;

    /// Goes on to another row, in a payload about `base`, and writes its first record; `id` is what came with
    /// [`Way::Turn`]. `None` if it is one for the long way, which may follow nevertheless.
    fn turn(
        writer: &mut Writer<'_>,
        row: &mut Row,
        id: u64,
        base: Path,
        record: &Record<'_>,
    ) -> Option<()> {
        let _ = (writer, row, id, base, record);
        None
    }
}
