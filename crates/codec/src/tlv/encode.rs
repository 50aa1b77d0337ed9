//! From records to TLV.

use dunlin_model::{InstanceId, Level, Path, ResourceId, ResourceInstanceId, Value};

use super::{Kind, WIDE_ID};
use crate::short::Short;
use crate::single_precision::narrow;
use crate::writer::{Mark, Writer};
use crate::{EncodeError, Record};

/// Writes TLVs, with each container's header put in place when the container closes and its length is known.
#[derive(Debug)]
pub(crate) struct Encoder<'b> {
    writer: Writer<'b>,
    /// The level of the node that the request is about.
    level: Level,
    /// The last record; the root, which no record is about, before the first.
    last: Path,
    /// The object instance that is open, unless the request already names it.
    instance: Option<Container>,
    /// The multiple resource that is open.
    resource: Option<Container>,
}

/// A container whose content is being written.
#[derive(Clone, Copy, Debug)]
struct Container {
    path: Path,
    id: u16,
    mark: Mark,
}

/// Gives the header of a TLV, up to six bytes.
#[inline]
pub(super) fn header(kind: Kind, id: u16, length: usize) -> Result<Short, EncodeError> {
    let length = u32::try_from(length).map_err(|_| EncodeError::NotRepresentable)?;
    let [_, high, middle, low] = length.to_be_bytes();
    let with_id = |bits: u8| match u8::try_from(id) {
        Ok(id) => Short::new([kind.bits() | bits]).byte(id),
        Err(_) => Short::new([kind.bits() | WIDE_ID | bits]).be16(id),
    };
    Ok(match length {
        0..=7 => with_id(low),
        8..=0xff => with_id(0x08).byte(low),
        0x100..=0xffff => with_id(0x10).byte(middle).byte(low),
        0x1_0000..=0xff_ffff => with_id(0x18).byte(high).byte(middle).byte(low),
        _ => return Err(EncodeError::NotRepresentable),
    })
}

/// The depth of each kind of container.
const INSTANCE: usize = 0;
const RESOURCE: usize = 1;

impl<'b> Encoder<'b> {
    pub(crate) fn new(base: Path, writer: Writer<'b>) -> Result<Self, EncodeError> {
        if base == Path::ROOT {
            return Err(EncodeError::NotRepresentable);
        }
        Ok(Self {
            writer,
            level: base.level(),
            last: Path::ROOT,
            instance: None,
            resource: None,
        })
    }

    /// Writes an integer or a text with a small identifier, of the same object instance as the record before; `None` for
    /// any other record.
    #[inline]
    pub(crate) fn push_next(&mut self, record: &Record<'_>) -> Option<Result<(), EncodeError>> {
        // Beside a resource that the request itself names, all is outside.
        if self.level > Level::Instance {
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
        let id = match record.path.resource_instance_id() {
            Some(id) => id.get(),
            None => resource.resource_id()?.get(),
        };
        let common = match record.value {
            Value::Integer(number) | Value::Time(number) => i32::try_from(number).is_ok(),
            Value::String(text) | Value::Corelnk(text) => text.len() <= 0xff,
            _ => false,
        };
        if !resource.follows(&self.last.truncate(Level::Resource)) || id > 0xff || !common {
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
        self.close_resource()?;
        if path != resource {
            self.open_resource(path)?;
        }
        Ok(())
    }

    #[inline]
    fn put_next(&mut self, record: &Record<'_>) -> Option<Result<(), EncodeError>> {
        let path = record.path;
        let (kind, id) = match path.resource_instance_id() {
            Some(id) => (Kind::ResourceInstance.bits(), id.get()),
            None => (Kind::Resource.bits(), path.resource_id()?.get()),
        };
        let id = u8::try_from(id).ok()?;
        let result = match record.value {
            Value::Integer(number) | Value::Time(number) => {
                let [.., second, first] = number.to_be_bytes();
                let header = if i8::try_from(number).is_ok() {
                    Short::new([kind | 1, id, first])
                } else if i16::try_from(number).is_ok() {
                    Short::new([kind | 2, id, second, first])
                } else {
                    let number = i32::try_from(number).ok()?;
                    Short::new([kind | 4, id]).be32(number.cast_unsigned())
                };
                header.put(&mut self.writer)
            }
            Value::String(text) | Value::Corelnk(text) => {
                let length = u8::try_from(text.len()).ok()?;
                let header = if length < 8 {
                    Short::new([kind | length, id])
                } else {
                    Short::new([kind | 0x08, id, length])
                };
                self.writer.put_all(Short::EMPTY, header, text.as_bytes())
            }
            _ => return None,
        };
        self.last = path;
        Some(result)
    }

    pub(crate) fn push(&mut self, record: &Record<'_>) -> Result<(), EncodeError> {
        let path = record.path;
        let index = path.resource_instance_id().map(ResourceInstanceId::get);
        // A resource is either an array or not.
        let both = index.is_some() && path.truncate(Level::Resource) == self.last;
        if path <= self.last || both {
            return Err(EncodeError::OutOfOrder);
        }
        self.last = path;
        if let Some(resource) = &self.resource
            && resource.path != path.truncate(Level::Resource)
        {
            self.close_resource()?;
        }
        if let Some(instance) = &self.instance
            && instance.path != path.truncate(Level::Instance)
        {
            self.close_instance()?;
        }
        let Some(id) = path.resource_id().map(ResourceId::get) else {
            // An instance that the request names gets a wrapper only to say that it is there.
            self.open_instance(path)?;
            return if record.value == Value::None {
                Ok(())
            } else {
                Err(EncodeError::NotRepresentable)
            };
        };
        if self.level == Level::Object && self.instance.is_none() {
            self.open_instance(path)?;
        }
        let Some(index) = index else {
            if record.value == Value::None {
                return header(Kind::MultipleResource, id, 0)?.put(&mut self.writer);
            }
            return self.value(Kind::Resource, id, &record.value);
        };
        if self.level != Level::ResourceInstance && self.resource.is_none() {
            self.open_resource(path)?;
        }
        self.value(Kind::ResourceInstance, index, &record.value)
    }

    pub(crate) fn finish(&mut self) -> Result<&Writer<'b>, EncodeError> {
        self.close_resource()?;
        self.close_instance()?;
        Ok(&self.writer)
    }

    fn open_instance(&mut self, path: Path) -> Result<(), EncodeError> {
        let id = path.instance_id().map(InstanceId::get);
        let id = id.ok_or(EncodeError::NotRepresentable)?;
        // A header without length, to which a byte is added for most: a header grows, and never shrinks.
        let room = if id > 0xff { 3 } else { 2 };
        self.instance = Some(Container {
            path: path.truncate(Level::Instance),
            id,
            mark: self.writer.open(INSTANCE, room)?,
        });
        Ok(())
    }

    fn open_resource(&mut self, path: Path) -> Result<(), EncodeError> {
        let id = path.resource_id().map(ResourceId::get);
        let id = id.ok_or(EncodeError::NotRepresentable)?;
        // Most arrays have up to 7 bytes.
        let room = if id > 0xff { 3 } else { 2 };
        self.resource = Some(Container {
            path: path.truncate(Level::Resource),
            id,
            mark: self.writer.open(RESOURCE, room)?,
        });
        Ok(())
    }

    fn close_resource(&mut self) -> Result<(), EncodeError> {
        match self.resource.take() {
            Some(container) => self.close(RESOURCE, Kind::MultipleResource, container),
            None => Ok(()),
        }
    }

    fn close_instance(&mut self) -> Result<(), EncodeError> {
        match self.instance.take() {
            Some(container) => self.close(INSTANCE, Kind::ObjectInstance, container),
            None => Ok(()),
        }
    }

    fn close(&mut self, depth: usize, kind: Kind, container: Container) -> Result<(), EncodeError> {
        let content = self.writer.content(container.mark);
        let header = header(kind, container.id, content)?;
        self.writer.close(depth, container.mark, header)
    }

    #[inline]
    fn value(&mut self, kind: Kind, id: u16, value: &Value<'_>) -> Result<(), EncodeError> {
        match *value {
            Value::Integer(number) | Value::Time(number) => self.put_signed(kind, id, number),
            Value::String(text) | Value::Corelnk(text) => self.put(kind, id, text.as_bytes()),
            _ => self.other_value(kind, id, value),
        }
    }

    #[inline(never)]
    fn other_value(&mut self, kind: Kind, id: u16, value: &Value<'_>) -> Result<(), EncodeError> {
        match *value {
            Value::Opaque(bytes) => self.put(kind, id, bytes),
            Value::Boolean(truth) => self.put_short(kind, id, Short::EMPTY.byte(truth.into())),
            Value::Unsigned(number) => {
                let [.., high, low] = number.to_be_bytes();
                match number {
                    0..=0xff => self.put_short(kind, id, Short::new([low])),
                    0x100..=0xffff => self.put_short(kind, id, Short::new([high, low])),
                    _ => match u32::try_from(number) {
                        Ok(number) => self.put_short(kind, id, Short::EMPTY.be32(number)),
                        Err(_) => self.put(kind, id, &number.to_be_bytes()),
                    },
                }
            }
            Value::Float(number) => match narrow(number) {
                Some(number) => self.put_short(kind, id, Short::EMPTY.be32(number.to_bits())),
                None => self.put(kind, id, &number.to_be_bytes()),
            },
            Value::Objlnk(link) => {
                let link = Short::EMPTY.be16(link.object).be16(link.instance);
                self.put_short(kind, id, link)
            }
            // The others are written above.
            _ => Err(EncodeError::NotRepresentable),
        }
    }

    #[inline]
    fn put_signed(&mut self, kind: Kind, id: u16, number: i64) -> Result<(), EncodeError> {
        let [.., high, low] = number.to_be_bytes();
        let short = if i8::try_from(number).is_ok() {
            Short::new([low])
        } else if i16::try_from(number).is_ok() {
            Short::new([high, low])
        } else if let Ok(number) = i32::try_from(number) {
            Short::EMPTY.be32(number.cast_unsigned())
        } else {
            return self.put(kind, id, &number.to_be_bytes());
        };
        self.put_short(kind, id, short)
    }

    /// Writes a value of up to four bytes.
    #[inline]
    fn put_short(&mut self, kind: Kind, id: u16, value: Short) -> Result<(), EncodeError> {
        let [low, ..] = value.len().to_le_bytes();
        let header = match u8::try_from(id) {
            Ok(id) => Short::new([kind.bits() | low]).byte(id),
            Err(_) => Short::new([kind.bits() | WIDE_ID | low]).be16(id),
        };
        header.join(value).put(&mut self.writer)
    }

    #[inline]
    fn put(&mut self, kind: Kind, id: u16, value: &[u8]) -> Result<(), EncodeError> {
        header(kind, id, value.len())?.put(&mut self.writer)?;
        self.writer.put(value)
    }
}
