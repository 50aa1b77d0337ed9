//! From records to TLV.

use dunlin_model::{Level, Path, Value};

use super::{Kind, WIDE_ID};
use crate::writer::Writer;
use crate::{EncodeError, Record};

/// Writes TLVs, with each container's header put in place when the container closes and its length is known.
#[derive(Debug)]
pub(crate) struct Encoder<'b> {
    writer: Writer<'b>,
    base: Path,
    last: Option<Path>,
    /// The object instance that is open, unless the request already names it.
    instance: Option<Container>,
    /// The multiple resource that is open.
    resource: Option<Container>,
}

/// A container whose content is being written.
#[derive(Clone, Copy, Debug)]
struct Container {
    kind: Kind,
    path: Path,
    id: u16,
    start: usize,
    /// How many bytes were left free for the header.
    room: usize,
}

/// The header of a TLV, up to 6 bytes.
pub(super) struct Header {
    bytes: [u8; 6],
    length: usize,
}

impl Header {
    pub(super) fn new(kind: Kind, id: u16, length: usize) -> Result<Self, EncodeError> {
        let [_, high, middle, low] = u32::try_from(length)
            .map_err(|_| EncodeError::NotRepresentable)?
            .to_be_bytes();
        let wide = if id > 0xff { WIDE_ID } else { 0 };
        let [id_high, id_low] = id.to_be_bytes();
        let bits = kind.bits() | wide;
        let (bytes, used) = match (wide != 0, length) {
            (false, 0..=7) => ([bits | low, id_low, 0, 0, 0, 0], 2),
            (false, 8..=0xff) => ([bits | 0x08, id_low, low, 0, 0, 0], 3),
            (false, 0x100..=0xffff) => ([bits | 0x10, id_low, middle, low, 0, 0], 4),
            (false, 0x1_0000..=0xff_ffff) => ([bits | 0x18, id_low, high, middle, low, 0], 5),
            (true, 0..=7) => ([bits | low, id_high, id_low, 0, 0, 0], 3),
            (true, 8..=0xff) => ([bits | 0x08, id_high, id_low, low, 0, 0], 4),
            (true, 0x100..=0xffff) => ([bits | 0x10, id_high, id_low, middle, low, 0], 5),
            (true, 0x1_0000..=0xff_ffff) => ([bits | 0x18, id_high, id_low, high, middle, low], 6),
            _ => return Err(EncodeError::NotRepresentable),
        };
        Ok(Self {
            bytes,
            length: used,
        })
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl<'b> Encoder<'b> {
    pub(crate) fn new(base: Path, buffer: &'b mut [u8]) -> Result<Self, EncodeError> {
        if base == Path::ROOT {
            return Err(EncodeError::NotRepresentable);
        }
        Ok(Self {
            writer: Writer::new(buffer),
            base,
            last: None,
            instance: None,
            resource: None,
        })
    }

    pub(crate) fn push(&mut self, record: &Record<'_>) -> Result<(), EncodeError> {
        let path = record.path;
        if let Some(last) = self.last {
            // A resource is either an array or not.
            if path <= last || (last.level() == Level::Resource && last.contains(&path)) {
                return Err(EncodeError::OutOfOrder);
            }
        }
        self.last = Some(path);
        if let Some(resource) = self
            .resource
            .take_if(|resource| !resource.path.contains(&path))
        {
            self.close(resource)?;
        }
        if let Some(instance) = self
            .instance
            .take_if(|instance| !instance.path.contains(&path))
        {
            self.close(instance)?;
        }
        // An instance that the request names gets a wrapper only to say that it is there.
        let wrapped = self.base.level() == Level::Object || path.level() == Level::Instance;
        if wrapped && self.instance.is_none() {
            let id = path
                .instance_id()
                .ok_or(EncodeError::NotRepresentable)?
                .get();
            // Most instances have 8 to 255 bytes.
            self.instance =
                Some(self.open(Kind::ObjectInstance, path.truncate(Level::Instance), id, 1)?);
        }
        match (path.resource_id(), path.resource_instance_id()) {
            (None, _) if record.value == Value::None => Ok(()),
            (None, _) => Err(EncodeError::NotRepresentable),
            (Some(id), None) if record.value == Value::None => {
                self.put(Kind::MultipleResource, id.get(), &[])
            }
            (Some(id), None) => self.value(Kind::Resource, id.get(), &record.value),
            (Some(id), Some(instance)) => {
                if self.base.level() != Level::ResourceInstance && self.resource.is_none() {
                    // Most arrays have up to 7 bytes.
                    let array = path.truncate(Level::Resource);
                    self.resource = Some(self.open(Kind::MultipleResource, array, id.get(), 0)?);
                }
                self.value(Kind::ResourceInstance, instance.get(), &record.value)
            }
        }
    }

    pub(crate) fn finish(mut self) -> Result<usize, EncodeError> {
        if let Some(resource) = self.resource.take() {
            self.close(resource)?;
        }
        if let Some(instance) = self.instance.take() {
            self.close(instance)?;
        }
        Ok(self.writer.len())
    }

    /// Leaves room for a header with `length_bytes` bytes of length.
    fn open(
        &mut self,
        kind: Kind,
        path: Path,
        id: u16,
        length_bytes: usize,
    ) -> Result<Container, EncodeError> {
        let start = self.writer.len();
        let room = if id > 0xff { 3_usize } else { 2 }.saturating_add(length_bytes);
        self.writer.put([0; 4].get(..room).unwrap_or_default())?;
        Ok(Container {
            kind,
            path,
            id,
            start,
            room,
        })
    }

    fn close(&mut self, container: Container) -> Result<(), EncodeError> {
        let content = self
            .writer
            .len()
            .saturating_sub(container.start)
            .saturating_sub(container.room);
        let header = Header::new(container.kind, container.id, content)?;
        self.writer
            .replace(container.start, container.room, header.as_slice())
    }

    fn put(&mut self, kind: Kind, id: u16, value: &[u8]) -> Result<(), EncodeError> {
        let header = Header::new(kind, id, value.len())?;
        self.writer.put(header.as_slice())?;
        self.writer.put(value)
    }

    fn value(&mut self, kind: Kind, id: u16, value: &Value<'_>) -> Result<(), EncodeError> {
        match *value {
            Value::None => Err(EncodeError::NotRepresentable),
            Value::String(text) | Value::Corelnk(text) => self.put(kind, id, text.as_bytes()),
            Value::Opaque(bytes) => self.put(kind, id, bytes),
            Value::Boolean(truth) => self.put(kind, id, &[truth.into()]),
            Value::Integer(number) | Value::Time(number) => {
                if let Ok(number) = i8::try_from(number) {
                    self.put(kind, id, &number.to_be_bytes())
                } else if let Ok(number) = i16::try_from(number) {
                    self.put(kind, id, &number.to_be_bytes())
                } else if let Ok(number) = i32::try_from(number) {
                    self.put(kind, id, &number.to_be_bytes())
                } else {
                    self.put(kind, id, &number.to_be_bytes())
                }
            }
            Value::Unsigned(number) => {
                if let Ok(number) = u8::try_from(number) {
                    self.put(kind, id, &number.to_be_bytes())
                } else if let Ok(number) = u16::try_from(number) {
                    self.put(kind, id, &number.to_be_bytes())
                } else if let Ok(number) = u32::try_from(number) {
                    self.put(kind, id, &number.to_be_bytes())
                } else {
                    self.put(kind, id, &number.to_be_bytes())
                }
            }
            Value::Float(number) => match narrow(number) {
                Some(number) => self.put(kind, id, &number.to_be_bytes()),
                None => self.put(kind, id, &number.to_be_bytes()),
            },
            Value::Objlnk(link) => {
                let ([a, b], [c, d]) = (link.object.to_be_bytes(), link.instance.to_be_bytes());
                self.put(kind, id, &[a, b, c, d])
            }
        }
    }
}

/// The same number with 32 bits, if they hold it.
#[expect(
    clippy::cast_possible_truncation,
    reason = "compared bit by bit on the way back"
)]
fn narrow(number: f64) -> Option<f32> {
    let narrow = number as f32;
    (f64::from(narrow).to_bits() == number.to_bits()).then_some(narrow)
}
