//! From records to LwM2M CBOR.

use dunlin_model::{Level, MAX_ID, Path, Value};

use crate::cbor::{major, put_value, short_head, short_integer, short_text, with_head};
use crate::row::{Row, Rows, Way};
use crate::short::Short;
use crate::writer::{DEPTH, Writer};
use crate::{EncodeError, Record, SHORT_WAYS};

/// Writes maps, with each one's head put in place when it ends and its length is known.
///
/// The node of the request is one key, an array if it is not an object, as in the examples of the specification; below
/// it each number has a map of its own: `{[3, 0]: {0: "Dunlin", 6: {0: 1, 1: 5}}}`.
#[derive(Debug)]
pub(crate) struct Encoder {
    base: Path,
    /// The maps that are open, the outermost first.
    maps: [Map; DEPTH],
    open: usize,
    /// The node whose children the innermost one holds.
    node: Path,
    is_empty: bool,
}

/// A map that is being written.
#[derive(Clone, Copy, Debug, Default)]
struct Map {
    start: usize,
    count: u32,
}

/// The levels below the root.
const LEVELS: [Level; 4] = [
    Level::Object,
    Level::Instance,
    Level::Resource,
    Level::ResourceInstance,
];

impl Rows for Encoder {
    /// Writes a value of a single resource, beside another, or of a multiple resource that is open.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the short way is one function")]
    fn next(writer: &mut Writer<'_>, row: &mut Row, record: &Record<'_>) -> Way {
        let path = record.path;
        let Some(id) = row.resource(path, MAX_ID.into()) else {
            return if row.has_begun() {
                Way::Long
            } else {
                Way::Turn(0)
            };
        };
        let id = match (path.resource_instance_id(), row.array) {
            (None, None) => id,
            (Some(index), Some(_)) if row.is_same_resource(path) => index.get().into(),
            _ => return Way::Turn(id),
        };
        let done = try_entry(writer, id, &record.value);
        if done.is_some() {
            row.count = row.count.wrapping_add(1);
        }
        Way::of(done)
    }

    /// Writes another where the map of a multiple resource starts or ends.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the short way is one function")]
    fn turn(
        writer: &mut Writer<'_>,
        row: &mut Row,
        id: u64,
        base: Path,
        record: &Record<'_>,
    ) -> Option<()> {
        let path = record.path;
        if !row.has_begun() {
            return try_first(writer, row, base, record);
        }
        // A value and a map have no place for each other.
        if row.is_same_resource(path) || !writer.has_all() {
            return None;
        }
        if let Some(start) = row.array {
            let count = u8::try_from(row.count).ok().filter(|count| *count <= 23)?;
            writer.put_byte(start, major::MAP | count)?;
            (row.array, row.count, row.around) = (None, row.around, 0);
        }
        let before = writer.here();
        let (id, array) = match path.resource_instance_id() {
            None => (id, None),
            Some(index) => {
                let key = short_head(major::UNSIGNED, u32::try_from(id).ok()?);
                writer.try_word(key.word(), key.len_bytes())?;
                (index.get().into(), Some(writer.open_here(1)))
            }
        };
        if try_entry(writer, id, &record.value).is_none() {
            writer.back_to(before);
            return None;
        }
        row.count = row.count.wrapping_add(1);
        if array.is_some() {
            (row.array, row.count, row.around) = (array, 1, row.count);
        }
        Some(())
    }
}

/// Writes the first record, of a single resource, in a payload about the object instance `base`.
#[inline(never)]
fn try_first(
    writer: &mut Writer<'_>,
    row: &mut Row,
    base: Path,
    record: &Record<'_>,
) -> Option<()> {
    let id = record.path.resource_id()?.get();
    if base.level() != Level::Instance || record.path.resource_instance_id().is_some() {
        return None;
    }
    let before = writer.here();
    let key = short_key(base)?;
    writer.try_word(key.word(), key.len_bytes())?;
    writer.open_here(1);
    if !base.contains(&record.path) || try_entry(writer, id.into(), &record.value).is_none() {
        writer.back_to(before);
        return None;
    }
    row.go_to_resources(base);
    row.count = 1;
    Some(())
}

/// The key of an object instance, three to seven bytes.
fn short_key(base: Path) -> Option<Short> {
    let (object, instance) = (base.object_id()?.get(), base.instance_id()?.get());
    let object = short_head(major::UNSIGNED, object.into());
    let instance = short_head(major::UNSIGNED, instance.into());
    Some(Short::new([major::ARRAY | 2]).join(object).join(instance))
}

/// Writes an integer or a text, if there is room for more than that.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a part of the short way")]
fn try_entry(writer: &mut Writer<'_>, id: u64, value: &Value<'_>) -> Option<()> {
    let key = short_head(major::UNSIGNED, u32::try_from(id).ok()?);
    match *value {
        Value::Integer(number) | Value::Time(number) => {
            let entry = key.join(short_integer(number)?);
            writer.try_word(entry.word(), entry.len_bytes())
        }
        Value::String(text) => {
            let entry = key.join(short_text(text)?);
            writer.try_put(entry.word(), entry.len_bytes(), text.as_bytes())
        }
        _ => None,
    }
}

impl Encoder {
    /// Takes over what the short way did.
    fn catch_up(&mut self, row: &mut Row) {
        if !(SHORT_WAYS && row.has_begun()) {
            return;
        }
        if self.is_empty
            && let Some(key) = short_key(self.base)
            && let [outer, inner, ..] = &mut self.maps
        {
            // The short way wrote the key of the first record.
            (outer.count, self.is_empty) = (1, false);
            inner.start = key.len_bytes().wrapping_add(1);
            (self.node, self.open) = (self.base, 2);
        }
        self.count(if row.array.is_some() {
            row.around
        } else {
            row.count
        });
        if let Some(start) = row.array {
            self.node = row.last.truncate(Level::Resource);
            if let Some(map) = self.maps.get_mut(self.open) {
                let count = row.count;
                *map = Map { start, count };
                self.open = self.open.wrapping_add(1);
            }
        }
        (row.array, row.count, row.around) = (None, 0, 0);
    }

    pub(crate) fn new(base: Path, writer: &mut Writer<'_>) -> Result<Self, EncodeError> {
        let mut encoder = Self {
            base,
            maps: [Map::default(); DEPTH],
            open: 0,
            node: Path::ROOT,
            is_empty: true,
        };
        encoder.open(writer)?;
        Ok(encoder)
    }

    /// Starts a map. Fits the head of one of up to 23 entries.
    fn open(&mut self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        let start = writer.open(self.open, 1)?;
        if let Some(map) = self.maps.get_mut(self.open) {
            *map = Map { start, count: 0 };
            self.open = self.open.wrapping_add(1);
        }
        Ok(())
    }

    /// Starts the map of `node`, a child of the one whose map is open.
    fn enter(&mut self, writer: &mut Writer<'_>, node: Path) -> Result<(), EncodeError> {
        key(node).put(writer)?;
        self.count(1);
        self.node = node;
        self.open(writer)
    }

    /// Ends the innermost map.
    fn close(&mut self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        self.open = self.open.saturating_sub(1);
        self.node = self.node.parent().unwrap_or_default();
        let map = self.maps.get(self.open).copied().unwrap_or_default();
        let head = with_head(Short::EMPTY, major::MAP, map.count);
        let mark = writer.mark(self.open, map.start, 1);
        writer.close(self.open, mark, head)
    }

    /// Counts entries of the innermost map.
    #[inline]
    fn count(&mut self, entries: u32) {
        if let Some(map) = self.maps.get_mut(self.open.wrapping_sub(1)) {
            map.count = map.count.saturating_add(entries);
        }
    }

    /// Writes the node of the request as a key, unless it is the root.
    fn base_key(&mut self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        let length = match self.base.level() {
            Level::Root => return Ok(()),
            Level::Object => None,
            Level::Instance => Some(2),
            Level::Resource => Some(3),
            Level::ResourceInstance => Some(4),
        };
        self.count(1);
        if let Some(length) = length {
            Short::EMPTY.byte(major::ARRAY | length).put(writer)?;
        }
        let mut parts = self.base.to_bits();
        while let Ok(id) = u16::try_from((parts >> 48).wrapping_sub(1)) {
            with_head(Short::EMPTY, major::UNSIGNED, id.into()).put(writer)?;
            parts <<= 16;
        }
        Ok(())
    }

    pub(crate) fn push(
        &mut self,
        writer: &mut Writer<'_>,
        row: &mut Row,
        record: &Record<'_>,
    ) -> Result<(), EncodeError> {
        self.catch_up(row);
        let (path, last) = (record.path, row.last);
        if path == Path::ROOT {
            return Err(EncodeError::NotRepresentable);
        }
        if self.is_empty {
            self.is_empty = false;
            self.base_key(writer)?;
            if path == self.base {
                return value(writer, Short::EMPTY, record);
            }
            if self.base != Path::ROOT {
                self.node = self.base;
                self.open(writer)?;
            }
        } else if path <= last || last.contains(&path) {
            // A value and a map have no place for each other.
            return Err(EncodeError::OutOfOrder);
        }
        while !self.node.contains(&path) {
            self.close(writer)?;
        }
        // Below it, a key and a map for each number.
        for level in LEVELS {
            if level > self.node.level() && level < path.level() {
                self.enter(writer, path.truncate(level))?;
            }
        }
        self.count(1);
        // Without a map around the resources, those beside it are outside.
        if SHORT_WAYS && self.node.level() == Level::Instance && self.base.contains(&self.node) {
            row.go_to_resources(self.node);
        } else {
            row.go_nowhere();
        }
        value(writer, key(path), record)
    }

    pub(crate) fn finish(
        &mut self,
        writer: &mut Writer<'_>,
        row: &mut Row,
    ) -> Result<(), EncodeError> {
        self.catch_up(row);
        if self.is_empty {
            // A payload is never empty.
            if self.base == Path::ROOT {
                return Err(EncodeError::Empty);
            }
            self.base_key(writer)?;
            Short::EMPTY.byte(major::MAP).put(writer)?;
        }
        while self.open > 0 {
            self.close(writer)?;
        }
        Ok(())
    }
}

/// The last number of `path`.
#[inline]
fn key(path: Path) -> Short {
    let id = path.segments().last().unwrap_or_default();
    with_head(Short::EMPTY, major::UNSIGNED, id.into())
}

/// Writes `key` and the value of `record`.
fn value(writer: &mut Writer<'_>, key: Short, record: &Record<'_>) -> Result<(), EncodeError> {
    if record.path.level() >= Level::Resource {
        return put_value(writer, key, &record.value);
    }
    match record.value {
        // That the node is there.
        Value::None => key.byte(major::MAP).put(writer),
        _ => Err(EncodeError::NotRepresentable),
    }
}
