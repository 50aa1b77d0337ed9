//! From records to LwM2M CBOR.

use dunlin_model::{Level, MAX_ID, Path, Value};

use crate::cbor::{close, major, put_head, put_value, short_head, short_integer, short_text};
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
    /// The maps that are open, the outermost first.
    maps: [Map; DEPTH],
    open: u8,
    /// The node whose children the innermost one holds.
    node: Path,
}

/// A map that is being written.
#[derive(Clone, Copy, Debug, Default)]
struct Map {
    start: u32,
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
            return Way::Long;
        };
        // Of a resource instance, the number plus one.
        let index = path.to_bits() & 0xffff;
        let id = match (index, row.array) {
            (0, None) => id,
            (1.., Some(_)) if row.is_same_resource(path) => index.wrapping_sub(1),
            _ => return Way::Turn(id),
        };
        Way::of(try_entry(writer, row, id, &record.value))
    }

    /// Writes one where the map of a multiple resource starts or ends.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the short way is one function")]
    fn turn(
        writer: &mut Writer<'_>,
        row: &mut Row,
        id: u64,
        _base: Path,
        record: &Record<'_>,
    ) -> Option<()> {
        let path = record.path;
        // A value and a map have no place for each other.
        if row.is_same_resource(path) || !writer.has_all() {
            return None;
        }
        if let Some(start) = row.array {
            writer.put_byte(start, short_map(row.count)?)?;
            (row.array, row.count) = (None, row.around);
        }
        match (path.to_bits() & 0xffff).checked_sub(1) {
            None => try_entry(writer, row, id, &record.value),
            Some(index) => try_map(writer, row, id, index, &record.value),
        }
    }
}

/// Starts the map of the multiple resource `id` with the instance `index`.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a part of the short way")]
fn try_map(
    writer: &mut Writer<'_>,
    row: &mut Row,
    id: u64,
    index: u64,
    value: &Value<'_>,
) -> Option<()> {
    let before = writer.here();
    let key = short_head(major::UNSIGNED, u32::try_from(id).ok()?);
    writer.try_word(key.word(), key.len_bytes())?;
    let start = writer.open_here(1);
    let around = row.count;
    row.count = 0;
    if try_entry(writer, row, index, value).is_none() {
        row.count = around;
        writer.back_to(before);
        return None;
    }
    (row.array, row.around) = (Some(start), around.wrapping_add(1));
    Some(())
}

/// The head of a map of up to 23 entries.
#[inline]
fn short_map(count: u32) -> Option<u8> {
    let count = u8::try_from(count).ok()?;
    (count <= 23).then_some(major::MAP | count)
}

/// Writes an integer or a text, if there is room for more than that.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a part of the short way")]
fn try_entry(writer: &mut Writer<'_>, row: &mut Row, id: u64, value: &Value<'_>) -> Option<()> {
    // Most keys are one byte, which spares what follows it a shift.
    if id <= 23 {
        let [id, ..] = id.to_le_bytes();
        return try_value(writer, row, Short::new([id]), value);
    }
    let key = short_head(major::UNSIGNED, u32::try_from(id).ok()?);
    try_value(writer, row, key, value)
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "a part of the short way")]
fn try_value(writer: &mut Writer<'_>, row: &mut Row, key: Short, value: &Value<'_>) -> Option<()> {
    match *value {
        Value::Integer(number) | Value::Time(number) => {
            let entry = key.join(short_integer(number)?);
            writer.try_word(entry.word(), entry.len_bytes())?;
        }
        Value::String(text) => {
            let entry = key.join(short_text(text)?);
            writer.try_put(entry.word(), entry.len_bytes(), text.as_bytes())?;
        }
        _ => return None,
    }
    row.count = row.count.wrapping_add(1);
    Some(())
}

impl Encoder {
    /// Starts a payload about `base`. For the short way an object instance has its map at once.
    pub(crate) fn new(base: Path, writer: &mut Writer<'_>) -> Result<Self, EncodeError> {
        let mut encoder = Self {
            maps: [Map::default(); DEPTH],
            open: 0,
            node: Path::ROOT,
        };
        if SHORT_WAYS && encoder.start_short(base, writer).is_some() {
            return Ok(encoder);
        }
        encoder.open(writer)?;
        if SHORT_WAYS && base.level() == Level::Instance {
            encoder.open_base(writer, base)?;
        }
        Ok(encoder)
    }

    /// Does what [`new`](Self::new) does about an object instance.
    #[inline]
    fn start_short(&mut self, base: Path, writer: &mut Writer<'_>) -> Option<()> {
        let (object, instance) = (base.object_id()?.get(), base.instance_id()?.get());
        if base.level() != Level::Instance || !writer.has_all() {
            return None;
        }
        // The outer map, its key, and the inner map: no more than eight bytes, if none of the numbers is large.
        let key = Short::new([major::MAP | 1, major::ARRAY | 2])
            .join(short_head(major::UNSIGNED, object.into()));
        let instance = u8::try_from(instance).ok().filter(|id| *id <= 23)?;
        let start = key.byte(instance);
        writer.try_word(
            start.byte(major::MAP).word(),
            start.len_bytes().wrapping_add(1),
        )?;
        let [outer, inner, ..] = &mut self.maps;
        (outer.count, inner.start) = (1, start.len());
        (self.open, self.node) = (2, base);
        Some(())
    }

    /// Writes the node of the request as a key, and starts its map.
    fn open_base(&mut self, writer: &mut Writer<'_>, base: Path) -> Result<(), EncodeError> {
        self.base_key(writer, base)?;
        self.node = base;
        self.open(writer)
    }

    /// Takes over what the short way did.
    fn catch_up(&mut self, row: &mut Row) -> Result<(), EncodeError> {
        if !SHORT_WAYS {
            return Ok(());
        }
        if let Some(start) = row.array.take() {
            self.count(row.around);
            self.node = row.last.truncate(Level::Resource);
            self.enter_map(start, row.count)?;
        } else {
            self.count(row.count);
        }
        row.count = 0;
        Ok(())
    }

    /// Ends the payload, if all of it went the short way.
    fn finish_short(&self, writer: &mut Writer<'_>, row: &Row) -> Option<()> {
        if self.open != 2 || !writer.has_all() {
            return None;
        }
        let mut count = row.count;
        if let Some(start) = row.array {
            writer.put_byte(start, short_map(count)?)?;
            count = row.around;
        }
        let [outer, inner, ..] = &self.maps;
        let count = inner.count.wrapping_add(count);
        writer.put_byte(usize::try_from(inner.start).ok()?, short_map(count)?)?;
        writer.put_byte(usize::try_from(outer.start).ok()?, short_map(outer.count)?)
    }

    /// Starts a map. Fits the head of one of up to 23 entries.
    fn open(&mut self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        let start = writer.open(self.open.into(), 1)?;
        self.enter_map(start, 0)
    }

    /// Goes on in a map that was started at `start`.
    fn enter_map(&mut self, start: usize, count: u32) -> Result<(), EncodeError> {
        let start = u32::try_from(start).map_err(|_| EncodeError::NotRepresentable)?;
        if let Some(map) = self.maps.get_mut(usize::from(self.open)) {
            *map = Map { start, count };
            self.open = self.open.wrapping_add(1);
        }
        Ok(())
    }

    /// Starts the map of `node`, a child of the one whose map is open.
    fn enter(&mut self, writer: &mut Writer<'_>, node: Path) -> Result<(), EncodeError> {
        put_key(writer, node)?;
        self.count(1);
        self.node = node;
        self.open(writer)
    }

    /// Ends the innermost map.
    fn close(&mut self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        self.open = self.open.saturating_sub(1);
        self.node = self.node.parent().unwrap_or_default();
        let depth = usize::from(self.open);
        let map = self.maps.get(depth).copied().unwrap_or_default();
        let start = usize::try_from(map.start).map_err(|_| EncodeError::NotRepresentable)?;
        let mark = writer.mark(depth, start, 1);
        close(writer, depth, mark, major::MAP, map.count)
    }

    /// Counts entries of the innermost map.
    #[inline]
    fn count(&mut self, entries: u32) {
        if let Some(map) = self.maps.get_mut(usize::from(self.open).wrapping_sub(1)) {
            map.count = map.count.saturating_add(entries);
        }
    }

    /// Writes the node of the request as a key, unless it is the root.
    fn base_key(&mut self, writer: &mut Writer<'_>, base: Path) -> Result<(), EncodeError> {
        let length = match base.level() {
            Level::Root => return Ok(()),
            Level::Object => None,
            Level::Instance => Some(2),
            Level::Resource => Some(3),
            Level::ResourceInstance => Some(4),
        };
        self.count(1);
        if let Some(length) = length {
            writer.byte(major::ARRAY | length)?;
        }
        let mut parts = base.to_bits();
        while let Ok(id) = u16::try_from((parts >> 48).wrapping_sub(1)) {
            put_head(writer, major::UNSIGNED, id.into())?;
            parts <<= 16;
        }
        Ok(())
    }

    pub(crate) fn push(
        &mut self,
        writer: &mut Writer<'_>,
        row: &mut Row,
        base: Path,
        record: &Record<'_>,
    ) -> Result<(), EncodeError> {
        self.catch_up(row)?;
        let (path, last) = (record.path, row.last);
        if path == Path::ROOT {
            return Err(EncodeError::NotRepresentable);
        }
        if !row.has_begun() {
            if SHORT_WAYS && path == base && self.open > 1 {
                // Its map is there, and nothing is in it.
                return match record.value {
                    Value::None => Ok(()),
                    _ => Err(EncodeError::NotRepresentable),
                };
            }
            if path == base {
                self.base_key(writer, base)?;
                return put_entry(writer, record);
            }
            if base != Path::ROOT && self.open == 1 {
                self.open_base(writer, base)?;
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
        if SHORT_WAYS && self.node.level() == Level::Instance && base.contains(&self.node) {
            row.go_to_resources(self.node);
        } else {
            row.go_nowhere();
        }
        put_key(writer, path)?;
        put_entry(writer, record)
    }

    pub(crate) fn finish(
        &mut self,
        writer: &mut Writer<'_>,
        row: &mut Row,
        base: Path,
    ) -> Result<(), EncodeError> {
        if SHORT_WAYS && self.finish_short(writer, row).is_some() {
            return Ok(());
        }
        self.catch_up(row)?;
        if !row.has_begun() && self.open == 1 {
            // A payload is never empty.
            if base == Path::ROOT {
                return Err(EncodeError::Empty);
            }
            self.open_base(writer, base)?;
        }
        while self.open > 0 {
            self.close(writer)?;
        }
        Ok(())
    }
}

/// Writes the last number of `path`.
fn put_key(writer: &mut Writer<'_>, path: Path) -> Result<(), EncodeError> {
    let id = path.segments().last().unwrap_or_default();
    put_head(writer, major::UNSIGNED, id.into())
}

/// Writes the value of `record`.
fn put_entry(writer: &mut Writer<'_>, record: &Record<'_>) -> Result<(), EncodeError> {
    if record.path.level() >= Level::Resource {
        return put_value(writer, &record.value);
    }
    match record.value {
        // That the node is there.
        Value::None => writer.byte(major::MAP),
        _ => Err(EncodeError::NotRepresentable),
    }
}
