//! From records to TLV.

use dunlin_model::float::{Width, narrow};
use dunlin_model::{InstanceId, Level, Path, ResourceId, ResourceInstanceId, Value};

use super::{Kind, WIDE_ID};
use crate::row::{Row, Rows, Way};
use crate::short::Short;
use crate::writer::{LONGEST_TEXT, Writer};
use crate::{EncodeError, Record, SHORT_WAYS};

/// Writes TLVs, with each container's header put in place when the container closes and its length is known.
///
/// Which containers are open is known from the last record, which is in them.
#[derive(Debug)]
pub(crate) struct Encoder {
    /// Where the object instance starts that is open, unless the request already names it.
    instance: Option<usize>,
}

/// Gives the header of a TLV, up to six bytes.
#[inline]
pub(super) fn header(kind: Kind, id: u16, length: usize) -> Result<Short, EncodeError> {
    let length = u32::try_from(length).map_err(|_| EncodeError::NotRepresentable)?;
    let [_, high, middle, low] = length.to_be_bytes();
    Ok(match length {
        0..=7 => with_id(kind, id, low),
        8..=0xff => with_id(kind, id, 0x08).byte(low),
        0x100..=0xffff => with_id(kind, id, 0x10).byte(middle).byte(low),
        0x1_0000..=0xff_ffff => with_id(kind, id, 0x18).byte(high).byte(middle).byte(low),
        _ => return Err(EncodeError::NotRepresentable),
    })
}

/// Gives the type byte with `length` in its lower five bits, and the identifier.
#[inline]
fn with_id(kind: Kind, id: u16, length: u8) -> Short {
    match u8::try_from(id) {
        Ok(id) => Short::new([kind.bits() | length, id]),
        Err(_) => Short::new([kind.bits() | WIDE_ID | length]).be16(id),
    }
}

/// Writes the header of a TLV.
#[inline]
fn put_header(
    writer: &mut Writer<'_>,
    kind: Kind,
    id: u16,
    length: usize,
) -> Result<(), EncodeError> {
    if SHORT_WAYS {
        return header(kind, id, length)?.put(writer);
    }
    put_header_by_parts(writer, kind, id, length)
}

/// The same without a word of more bytes than a register of a device has, which takes it much code.
#[inline(never)]
pub(super) fn put_header_by_parts(
    writer: &mut Writer<'_>,
    kind: Kind,
    id: u16,
    length: usize,
) -> Result<(), EncodeError> {
    let [low, ..] = length.to_le_bytes();
    let (form, count) = match length {
        0..=7 => (low, 0),
        8..=0xff => (0x08, 1),
        0x100..=0xffff => (0x10, 2),
        0x1_0000..=0xff_ffff => (0x18, 3),
        _ => return Err(EncodeError::NotRepresentable),
    };
    let (wide, id_count) = if id > 0xff { (WIDE_ID, 2) } else { (0, 1) };
    writer.byte(kind.bits() | wide | form)?;
    writer.number(id.into(), id_count)?;
    let length = u32::try_from(length).unwrap_or_default();
    writer.number(length.into(), count)
}

/// The number of the instance of `path`, and of its resource; 0 where there is none.
fn instance_of(path: Path) -> u16 {
    path.instance_id().map(InstanceId::get).unwrap_or_default()
}

fn resource_of(path: Path) -> u16 {
    path.resource_id().map(ResourceId::get).unwrap_or_default()
}

/// How many bytes the header of a container is given before its length is known: one without length, to which a byte
/// is added for most instances; a header grows, and never shrinks. Most multiple resources have up to 7 bytes.
const fn room(id: u16) -> usize {
    if id > 0xff { 3 } else { 2 }
}

/// The depth of each kind of container.
const INSTANCE: usize = 0;
const RESOURCE: usize = 1;

impl Rows for Encoder {
    /// Writes a value of a single resource, beside another, or of a multiple resource that is open.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the short way is one function")]
    fn next(writer: &mut Writer<'_>, row: &mut Row, record: &Record<'_>) -> Way {
        let path = record.path;
        let Some(id) = row.resource(path, NARROW) else {
            return Way::Long;
        };
        // Of a resource instance, the number plus one.
        let index = path.to_bits() & 0xffff;
        if index == 0 {
            if row.array.is_some() && end_array(writer, row, path).is_none() {
                return Way::Long;
            }
            return Way::of(try_value(writer, Kind::Resource, id, &record.value));
        }
        if index > NARROW {
            return Way::Long;
        }
        let index = index.wrapping_sub(1);
        if row.array.is_some() {
            if row.is_same_resource(path) {
                let kind = Kind::ResourceInstance;
                return Way::of(try_value(writer, kind, index, &record.value));
            }
            if end_array(writer, row, path).is_none() {
                return Way::Long;
            }
        } else if row.is_same_resource(path) || !writer.has_all() {
            // A resource is either an array or not.
            return Way::Long;
        }
        let start = writer.open_here(2);
        if try_value(writer, Kind::ResourceInstance, index, &record.value).is_none() {
            writer.back_to(start);
            return Way::Long;
        }
        row.array = Some(start);
        Way::Done
    }
}

/// Puts the header of the multiple resource that is open in its place, where `path` is not in it.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a part of the short way")]
fn end_array(writer: &mut Writer<'_>, row: &mut Row, path: Path) -> Option<()> {
    let start = row.array?;
    if row.is_same_resource(path) || !writer.has_all() {
        return None;
    }
    // It has a smaller number than another that is narrow.
    let id = u8::try_from(row.last.resource_id()?.get()).ok()?;
    let header = Kind::MultipleResource.bits();
    let content = writer.here().wrapping_sub(start).wrapping_sub(2);
    let [length, ..] = content.to_le_bytes();
    match content {
        0..=7 => writer.put_header(start, [header | length, id])?,
        8..=16 => writer.grow_header(start, [header | 0x08, id, length])?,
        _ => return None,
    }
    row.array = None;
    Some(())
}

/// Identifiers below this have eight bits.
const NARROW: u64 = 0x100;

/// Writes an integer or a text with an identifier of eight bits, if there is room for more than that.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a part of the short way")]
fn try_value(writer: &mut Writer<'_>, kind: Kind, id: u64, value: &Value<'_>) -> Option<()> {
    let head = u64::from(kind.bits()) | id << 8;
    match *value {
        Value::Integer(number) | Value::Time(number) => {
            let value = number.cast_unsigned();
            if i8::try_from(number).is_ok() {
                writer.try_word(head | 1 | (value & 0xff) << 16, 3)
            } else if i16::try_from(number).is_ok() {
                let value = value.swap_bytes() >> 48;
                writer.try_word(head | 2 | value << 16, 4)
            } else if i32::try_from(number).is_ok() {
                let value = value.swap_bytes() >> 32;
                writer.try_word(head | 4 | value << 16, 6)
            } else {
                None
            }
        }
        Value::String(text) => {
            if text.len() > LONGEST_TEXT {
                return None;
            }
            let [length, ..] = text.len().to_le_bytes();
            let length = u64::from(length);
            if length < 8 {
                writer.try_put(head | length, 2, text.as_bytes())
            } else {
                writer.try_put(head | 0x08 | length << 16, 3, text.as_bytes())
            }
        }
        _ => None,
    }
}

impl Encoder {
    pub(crate) const fn new(base: Path) -> Result<Self, EncodeError> {
        match base.level() {
            Level::Root => Err(EncodeError::NotRepresentable),
            _ => Ok(Self { instance: None }),
        }
    }

    pub(crate) fn push(
        &mut self,
        writer: &mut Writer<'_>,
        row: &mut Row,
        base: Path,
        record: &Record<'_>,
    ) -> Result<(), EncodeError> {
        let (path, last, level) = (record.path, row.last, base.level());
        let index = path.resource_instance_id().map(ResourceInstanceId::get);
        // A resource is either an array or not.
        let other = path.to_bits() ^ last.to_bits();
        let both = other >> 16 == 0 && last.resource_instance_id().is_none();
        if path <= last || both {
            return Err(EncodeError::OutOfOrder);
        }
        if other >> 16 != 0 {
            close_resource(writer, row)?;
        }
        if other >> 32 != 0 {
            self.close_instance(writer, row)?;
        }
        if self.instance.is_none() && (level == Level::Object || path.resource_id().is_none()) {
            self.instance = Some(writer.open(INSTANCE, room(instance_of(path)))?);
        }
        let Some(id) = path.resource_id().map(ResourceId::get) else {
            // An instance that the request names gets a wrapper only to say that it is there.
            return match (path.level(), record.value) {
                (Level::Instance, Value::None) => Ok(()),
                _ => Err(EncodeError::NotRepresentable),
            };
        };
        if SHORT_WAYS && level <= Level::Instance {
            row.go_to_resources(path.truncate(Level::Instance));
        }
        let Some(index) = index else {
            if record.value.is_none() {
                return put_header(writer, Kind::MultipleResource, id, 0);
            }
            return put_value(writer, Kind::Resource, id, &record.value);
        };
        if level != Level::ResourceInstance && row.array.is_none() {
            row.array = Some(writer.open(RESOURCE, room(id))?);
        }
        put_value(writer, Kind::ResourceInstance, index, &record.value)
    }

    pub(crate) fn finish(
        &mut self,
        writer: &mut Writer<'_>,
        row: &mut Row,
    ) -> Result<(), EncodeError> {
        close_resource(writer, row)?;
        self.close_instance(writer, row)
    }

    fn close_instance(&mut self, writer: &mut Writer<'_>, row: &Row) -> Result<(), EncodeError> {
        match self.instance.take() {
            Some(start) => close(writer, Kind::ObjectInstance, instance_of(row.last), start),
            None => Ok(()),
        }
    }
}

fn close_resource(writer: &mut Writer<'_>, row: &mut Row) -> Result<(), EncodeError> {
    match row.array.take() {
        Some(start) => close(writer, Kind::MultipleResource, resource_of(row.last), start),
        None => Ok(()),
    }
}

/// Puts the header of a container in its place.
#[inline(never)]
fn close(writer: &mut Writer<'_>, kind: Kind, id: u16, start: usize) -> Result<(), EncodeError> {
    let depth = match kind {
        Kind::ObjectInstance => INSTANCE,
        _ => RESOURCE,
    };
    let mark = writer.mark(depth, start, room(id));
    let length = writer.content(mark);
    #[cfg(target_pointer_width = "64")]
    let header = header(kind, id, length)?;
    #[cfg(not(target_pointer_width = "64"))]
    let header = &|writer: &mut Writer<'_>| put_header(writer, kind, id, length);
    writer.close(depth, mark, header)
}

fn put_value(
    writer: &mut Writer<'_>,
    kind: Kind,
    id: u16,
    value: &Value<'_>,
) -> Result<(), EncodeError> {
    let (number, count) = match *value {
        Value::Integer(number) | Value::Time(number) => {
            let count = if i8::try_from(number).is_ok() {
                1
            } else if i16::try_from(number).is_ok() {
                2
            } else if i32::try_from(number).is_ok() {
                4
            } else {
                8
            };
            (number.cast_unsigned(), count)
        }
        Value::String(text) | Value::Corelnk(text) => {
            return put(writer, kind, id, text.as_bytes());
        }
        Value::Opaque(bytes) => return put(writer, kind, id, bytes),
        Value::Boolean(truth) => (truth.into(), 1),
        Value::Unsigned(number) => {
            let count = match number {
                0..=0xff => 1,
                0x100..=0xffff => 2,
                0x1_0000..=0xffff_ffff => 4,
                _ => 8,
            };
            (number, count)
        }
        Value::Float(number) => match narrow(number, Width::SINGLE) {
            Some(single) => (single.into(), 4),
            None => (number.to_bits(), 8),
        },
        Value::Single(number) => (number.to_bits().into(), 4),
        Value::Objlnk(link) => (u64::from(link.object) << 16 | u64::from(link.instance), 4),
        Value::None => return Err(EncodeError::NotRepresentable),
    };
    put_header(writer, kind, id, count)?;
    writer.number(number, count)
}

#[inline(never)]
fn put(writer: &mut Writer<'_>, kind: Kind, id: u16, value: &[u8]) -> Result<(), EncodeError> {
    put_header(writer, kind, id, value.len())?;
    writer.put(value)
}
