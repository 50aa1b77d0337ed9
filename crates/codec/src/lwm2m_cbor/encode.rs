//! From records to LwM2M CBOR.

use core::mem;

use dunlin_model::{Level, Path, Value};

use crate::cbor::{major, put_value, short_integer, short_text, with_head};
use crate::short::Short;
use crate::writer::{DEPTH, Mark, Writer};
use crate::{EncodeError, Record};

/// Writes maps, with each one's head put in place when it ends and its length is known.
///
/// The node of the request is one key, an array if it is not an object, as in the examples of the specification; below
/// it each number has a map of its own: `{[3, 0]: {0: "Dunlin", 6: {0: 1, 1: 5}}}`.
#[derive(Debug)]
pub(crate) struct Encoder<'b> {
    writer: Writer<'b>,
    base: Path,
    /// Whether the node of the request is at most an object instance.
    is_shallow: bool,
    /// The last record; the root, which no record is about, before the first.
    last: Path,
    /// The maps that are open, the outermost first.
    maps: [Map; DEPTH],
    open: usize,
}

/// A map that is being written.
#[derive(Clone, Copy, Debug, Default)]
struct Map {
    mark: Mark,
    count: u32,
}

/// Whether the short way writes the value.
fn is_common(value: &Value<'_>) -> bool {
    match value {
        Value::Integer(number) | Value::Time(number) => i32::try_from(*number).is_ok(),
        Value::String(text) | Value::Corelnk(text) => text.len() <= 0xff,
        _ => false,
    }
}

/// How many numbers a path of `level` has.
#[inline]
const fn numbers(level: Level) -> usize {
    match level {
        Level::Root => 0,
        Level::Object => 1,
        Level::Instance => 2,
        Level::Resource => 3,
        Level::ResourceInstance => 4,
    }
}

/// The levels below the root.
const LEVELS: [Level; 4] = [
    Level::Object,
    Level::Instance,
    Level::Resource,
    Level::ResourceInstance,
];

impl<'b> Encoder<'b> {
    pub(crate) fn new(base: Path, writer: Writer<'b>) -> Result<Self, EncodeError> {
        let mut encoder = Self {
            writer,
            base,
            is_shallow: base.level() <= Level::Instance,
            last: Path::ROOT,
            maps: [Map::default(); DEPTH],
            open: 0,
        };
        encoder.open()?;
        Ok(encoder)
    }

    /// Starts a map. Fits the head of one of up to 23 entries.
    fn open(&mut self) -> Result<(), EncodeError> {
        let mark = self.writer.open(self.open, 1)?;
        if let Some(map) = self.maps.get_mut(self.open) {
            *map = Map { mark, count: 0 };
            self.open = self.open.wrapping_add(1);
        }
        Ok(())
    }

    /// Ends maps until `open` are left.
    fn close_to(&mut self, open: usize) -> Result<(), EncodeError> {
        while self.open > open {
            self.open = self.open.wrapping_sub(1);
            let map = self.maps.get(self.open).copied().unwrap_or_default();
            let head = with_head(Short::EMPTY, major::MAP, map.count);
            self.writer.close(self.open, map.mark, head)?;
        }
        Ok(())
    }

    /// Counts an entry of the innermost map.
    #[inline]
    fn count(&mut self) {
        if let Some(map) = self.maps.get_mut(self.open.wrapping_sub(1)) {
            map.count = map.count.saturating_add(1);
        }
    }

    /// Writes the node of the request as a key, unless it is the root.
    fn base_key(&mut self) -> Result<(), EncodeError> {
        let length = match self.base.level() {
            Level::Root => return Ok(()),
            Level::Object => None,
            Level::Instance => Some(2),
            Level::Resource => Some(3),
            Level::ResourceInstance => Some(4),
        };
        self.count();
        if let Some(length) = length {
            Short::EMPTY
                .byte(major::ARRAY | length)
                .put(&mut self.writer)?;
        }
        for id in self.base.segments() {
            with_head(Short::EMPTY, major::UNSIGNED, id.into()).put(&mut self.writer)?;
        }
        Ok(())
    }

    /// Writes an integer or a text of the same object instance as the record before; `None` for any other record.
    #[inline]
    pub(crate) fn push_next(&mut self, record: &Record<'_>) -> Option<Result<(), EncodeError>> {
        // Beside a resource that the request itself names, all is outside.
        if !self.is_shallow {
            return None;
        }
        if !record.path.follows(&self.last) {
            return self.push_turn(record);
        }
        self.put_next(record)
    }

    /// Does so where a multiple resource starts or ends.
    #[inline(never)]
    fn push_turn(&mut self, record: &Record<'_>) -> Option<Result<(), EncodeError>> {
        let resource = record.path.truncate(Level::Resource);
        if !resource.follows(&self.last.truncate(Level::Resource)) || !is_common(&record.value) {
            return None;
        }
        let turned = self.turn(record.path, resource);
        if turned.is_err() {
            return Some(turned);
        }
        self.put_next(record)
    }

    #[inline]
    fn turn(&mut self, path: Path, resource: Path) -> Result<(), EncodeError> {
        if self.last.resource_instance_id().is_some() {
            self.close_to(self.open.wrapping_sub(1))?;
        }
        if path != resource {
            Self::key(resource, Level::Resource).put(&mut self.writer)?;
            self.count();
            self.open()?;
        }
        Ok(())
    }

    #[inline]
    fn put_next(&mut self, record: &Record<'_>) -> Option<Result<(), EncodeError>> {
        let path = record.path;
        let id = match path.resource_instance_id() {
            Some(id) => id.get(),
            None => path.resource_id()?.get(),
        };
        let key = with_head(Short::EMPTY, major::UNSIGNED, id.into());
        let writer = &mut self.writer;
        let result = match record.value {
            Value::Integer(number) | Value::Time(number) => short_integer(key, number)?.put(writer),
            Value::String(text) | Value::Corelnk(text) => {
                writer.put_all(Short::EMPTY, short_text(key, text)?, text.as_bytes())
            }
            _ => return None,
        };
        self.last = path;
        self.count();
        Some(result)
    }

    pub(crate) fn push(&mut self, record: &Record<'_>) -> Result<(), EncodeError> {
        let path = record.path;
        let level = path.level();
        if level == Level::Root {
            return Err(EncodeError::NotRepresentable);
        }
        let last = mem::replace(&mut self.last, path);
        let known = match last {
            Path::ROOT => {
                self.base_key()?;
                if path != self.base && self.base != Path::ROOT {
                    self.open()?;
                }
                numbers(self.base.level())
            }
            // A value and a map have no place for each other.
            _ if path <= last || last.contains(&path) => return Err(EncodeError::OutOfOrder),
            _ if last.is_sibling(&path) => return self.entry(path, level, &record.value),
            _ => self.back_to(last, path)?,
        };
        if path == self.base {
            return self.value(Short::EMPTY, level, &record.value);
        }
        // Below what is known, a key and a map for each number.
        for between in LEVELS.iter().skip(known) {
            if *between >= level {
                break;
            }
            Self::key(path, *between).put(&mut self.writer)?;
            self.count();
            self.open()?;
        }
        self.entry(path, level, &record.value)
    }

    /// Writes an entry of the innermost map.
    #[inline]
    fn entry(&mut self, path: Path, level: Level, value: &Value<'_>) -> Result<(), EncodeError> {
        self.count();
        self.value(Self::key(path, level), level, value)
    }

    /// The number of `path` at `level`.
    #[inline]
    fn key(path: Path, level: Level) -> Short {
        let id = match level {
            Level::Root => None,
            Level::Object => path.object_id().map(dunlin_model::ObjectId::get),
            Level::Instance => path.instance_id().map(dunlin_model::InstanceId::get),
            Level::Resource => path.resource_id().map(dunlin_model::ResourceId::get),
            Level::ResourceInstance => path
                .resource_instance_id()
                .map(dunlin_model::ResourceInstanceId::get),
        };
        with_head(Short::EMPTY, major::UNSIGNED, id.unwrap_or_default().into())
    }

    /// Ends the maps that `last` is in and `path` is not, and gives how many numbers they have in common.
    fn back_to(&mut self, last: Path, path: Path) -> Result<usize, EncodeError> {
        let common = LEVELS
            .iter()
            .take_while(|level| last.truncate(**level) == path.truncate(**level))
            .count();
        let base = numbers(self.base.level());
        // The outermost map is that of the root, or has the node of the request as its only key.
        let outer = if base == 0 { 1 } else { 2_usize };
        self.close_to(outer.wrapping_add(common.saturating_sub(base)))?;
        Ok(common)
    }

    #[inline]
    fn value(&mut self, key: Short, level: Level, value: &Value<'_>) -> Result<(), EncodeError> {
        if *value == Value::None && level < Level::Resource {
            // That the node is there.
            return key.byte(major::MAP).put(&mut self.writer);
        }
        if level < Level::Resource {
            return Err(EncodeError::NotRepresentable);
        }
        put_value(&mut self.writer, key, value)
    }

    pub(crate) fn finish(&mut self) -> Result<&Writer<'b>, EncodeError> {
        if self.last == Path::ROOT {
            // A payload is never empty.
            if self.base == Path::ROOT {
                return Err(EncodeError::Empty);
            }
            self.base_key()?;
            Short::EMPTY.byte(major::MAP).put(&mut self.writer)?;
        }
        self.close_to(0)?;
        Ok(&self.writer)
    }
}
