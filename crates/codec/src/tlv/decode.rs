//! From TLV to records.

use dunlin_model::{
    InstanceId, Level, MAX_ID, ObjectId, ObjectLink, Path, ResourceId, ResourceInstances,
    Resources, Value, ValueType,
};

use super::simple::Simple;
use super::{Kind, WIDE_ID};
use crate::{DecodeError, DecodeErrorKind, Record, SHORT_WAYS, Types, utf8};

/// Walks over the TLVs of a payload without recursion: at most two containers are open, an object instance and a
/// multiple resource in it.
#[derive(Debug)]
pub(crate) struct Decoder<'a, T: ?Sized> {
    pub(super) types: &'a T,
    /// Where the object is among the types.
    pub(super) place: usize,
    /// What is left of the payload.
    pub(super) rest: &'a [u8],
    /// The multiple resource inside the node of the request that was entered last.
    pub(super) array: Array,
    /// The type of the values of the multiple resource that was entered last.
    pub(super) kind: Option<ValueType>,
    /// The container around it that was entered last: an object instance, or the multiple resource of the one resource
    /// instance that the request names.
    around: Container,
    pub(super) simple: Simple,
    /// The node of the request.
    base: Path,
    /// The length of the payload.
    length: usize,
}

/// What no container was entered with yet.
const NONE: ResourceInstances =
    Resources::of(ObjectId::of::<0>(), InstanceId::of::<0>()).instances(ResourceId::of::<0>());

/// A container that was entered. It is open as long as more than `end` bytes of the payload are left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Container {
    pub(super) node: Path,
    pub(super) end: usize,
}

/// A multiple resource that was entered, open as a container is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Array {
    pub(super) node: ResourceInstances,
    pub(super) end: usize,
}

/// One TLV.
pub(super) struct Tlv<'a> {
    pub(super) kind: Kind,
    pub(super) id: u16,
    pub(super) value: &'a [u8],
}

/// Reads the TLV at the start of `bytes` and gives what follows its header and what follows it.
#[inline]
pub(super) fn read(bytes: &[u8]) -> Option<(Tlv<'_>, &[u8], &[u8])> {
    let (&type_byte, bytes) = bytes.split_first()?;
    let (id, bytes) = if type_byte & WIDE_ID == 0 {
        let (&id, bytes) = bytes.split_first()?;
        (u16::from(id), bytes)
    } else {
        let (&id, bytes) = bytes.split_first_chunk::<2>()?;
        (u16::from_be_bytes(id), bytes)
    };
    let (length, bytes) = match (type_byte >> 3) & 3 {
        0 => (usize::from(type_byte & 7), bytes),
        1 => {
            let (&length, bytes) = bytes.split_first()?;
            (usize::from(length), bytes)
        }
        2 => {
            let (&length, bytes) = bytes.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(length)), bytes)
        }
        _ => {
            let (&[high, middle, low], bytes) = bytes.split_first_chunk::<3>()?;
            (
                usize::try_from(u32::from_be_bytes([0, high, middle, low])).ok()?,
                bytes,
            )
        }
    };
    let (value, after) = bytes.split_at_checked(length)?;
    let tlv = Tlv {
        kind: Kind::of(type_byte),
        id,
        value,
    };
    Some((tlv, bytes, after))
}

impl<'a, T: Types + ?Sized> Decoder<'a, T> {
    #[inline]
    pub(crate) fn new(base: Path, bytes: &'a [u8], types: &'a T) -> Result<Self, DecodeError> {
        if base == Path::ROOT {
            return Err(DecodeError::new(DecodeErrorKind::Base, 0));
        }
        let length = bytes.len();
        Ok(Self {
            types,
            place: match base.object_id() {
                Some(object) if SHORT_WAYS => types.place(object),
                _ => 0,
            },
            rest: bytes,
            // Neither is open.
            array: Array {
                node: NONE,
                end: length,
            },
            kind: None,
            around: Container {
                node: base,
                end: length,
            },
            simple: Simple::new(base),
            base,
            length,
        })
    }

    /// The innermost container that is open.
    fn container(&self) -> Container {
        if self.rest.len() > self.array.end {
            return Container {
                node: self.array.node.parent(),
                end: self.array.end,
            };
        }
        if self.rest.len() > self.around.end {
            return self.around;
        }
        let node = match self.base.level() {
            // The resource or resource instance itself is in the payload.
            Level::Resource | Level::ResourceInstance => self.base.parent(),
            _ => None,
        };
        Container {
            node: node.unwrap_or(self.base),
            end: 0,
        }
    }

    /// The type of the values of the resource that `path` lies in.
    fn value_type(&self, path: Path) -> Option<ValueType> {
        if !SHORT_WAYS {
            return self.types.value_type(&path);
        }
        self.types
            .value_type_in(self.place, path.resource_id()?, &path)
    }

    fn step(&mut self) -> Result<Option<Record<'a>>, DecodeErrorKind> {
        while !self.rest.is_empty() {
            let (tlv, content, after) = read(self.rest).ok_or(DecodeErrorKind::End)?;
            let Container { node, end } = self.container();
            if after.len() < end {
                return Err(DecodeErrorKind::End);
            }
            let top = self.rest.len() <= self.array.end && self.rest.len() <= self.around.end;
            // Most are resources of an instance.
            let is_value = match (tlv.kind, node.level()) {
                (Kind::Resource, Level::Instance) | (Kind::ResourceInstance, Level::Resource) => {
                    true
                }
                (Kind::Resource | Kind::MultipleResource, Level::Object) => {
                    return Err(DecodeErrorKind::MissingInstance);
                }
                (Kind::ObjectInstance, Level::Object)
                | (Kind::MultipleResource, Level::Instance) => false,
                // The wrapper that a request for an instance may have or not.
                (Kind::ObjectInstance, Level::Instance)
                    if top && self.base.level() == Level::Instance =>
                {
                    false
                }
                // The array around the one resource instance that a request names.
                (Kind::MultipleResource, Level::Resource) if top => false,
                _ => return Err(DecodeErrorKind::Nesting),
            };
            if tlv.id == MAX_ID {
                return Err(DecodeErrorKind::Identifier);
            }
            let level = match tlv.kind {
                Kind::ObjectInstance => Level::Instance,
                Kind::ResourceInstance => Level::ResourceInstance,
                _ => Level::Resource,
            };
            // A container that the request itself names is not below the node it is found in.
            let path = if level == node.level() {
                node.parent().and_then(|parent| parent.child(tlv.id))
            } else {
                node.child(tlv.id)
            };
            let path = path.ok_or(DecodeErrorKind::Nesting)?;
            let inside = self.base.contains(&path);
            if !(inside || !is_value && path.contains(&self.base)) {
                return Err(DecodeErrorKind::Outside);
            }
            // That of a resource instance in an array is the array's.
            if level == Level::Resource || level == Level::ResourceInstance && top {
                self.kind = self.value_type(path);
            }
            if is_value {
                let value = parse(tlv.value, self.kind)?;
                self.rest = after;
                return Ok(Some(Record::new(path, value)));
            }
            if tlv.value.is_empty() {
                self.rest = after;
                // An empty container of the request's node is a record.
                if inside {
                    return Ok(Some(Record::new(path, Value::None)));
                }
                continue;
            }
            let end = after.len();
            match path.resource_instances() {
                Some(node) if inside => self.array = Array { node, end },
                _ => {
                    self.around = Container { node: path, end };
                    self.simple.enter(self.base, self.around);
                }
            }
            self.rest = content;
        }
        Ok(None)
    }

    #[inline]
    pub(crate) fn next(&mut self) -> Option<Result<Record<'a>, DecodeError>> {
        self.next_simple()
    }

    #[inline(never)]
    pub(crate) fn next_of_any(&mut self) -> Option<Result<Record<'a>, DecodeError>> {
        match self.step() {
            Ok(record) => record.map(Ok),
            Err(kind) => {
                let offset = self.length.saturating_sub(self.rest.len());
                self.rest = &[];
                Some(Err(DecodeError::new(kind, offset)))
            }
        }
    }
}

/// Reads a value of the type `kind`, or takes the bytes as they are if the type is not known.
#[inline(never)]
pub(super) fn parse(bytes: &[u8], kind: Option<ValueType>) -> Result<Value<'_>, DecodeErrorKind> {
    Ok(match kind {
        Some(ValueType::String) => Value::String(text(bytes)?),
        Some(ValueType::Corelnk) => Value::Corelnk(text(bytes)?),
        Some(ValueType::Integer) => Value::Integer(signed(bytes)?),
        Some(ValueType::Time) => Value::Time(signed(bytes)?),
        Some(ValueType::Unsigned) => Value::Unsigned(unsigned(bytes)?),
        Some(ValueType::Float) => match bytes.len() {
            4 => Value::Single(f32::from_be_bytes(exact(bytes)?)),
            _ => Value::Float(f64::from_be_bytes(exact(bytes)?)),
        },
        Some(ValueType::Boolean) => match *bytes {
            [0] => Value::Boolean(false),
            [1] => Value::Boolean(true),
            [_] => return Err(DecodeErrorKind::Type),
            _ => return Err(DecodeErrorKind::Length),
        },
        Some(ValueType::Objlnk) => match *bytes {
            [a, b, c, d] => Value::Objlnk(ObjectLink::new(
                u16::from_be_bytes([a, b]),
                u16::from_be_bytes([c, d]),
            )),
            _ => return Err(DecodeErrorKind::Length),
        },
        Some(ValueType::Opaque | ValueType::None) | None => Value::Opaque(bytes),
    })
}

fn text(bytes: &[u8]) -> Result<&str, DecodeErrorKind> {
    utf8::text(bytes).ok_or(DecodeErrorKind::Utf8)
}

fn exact<const N: usize>(bytes: &[u8]) -> Result<[u8; N], DecodeErrorKind> {
    bytes.try_into().map_err(|_| DecodeErrorKind::Length)
}

fn signed(bytes: &[u8]) -> Result<i64, DecodeErrorKind> {
    Ok(match bytes.len() {
        1 => i8::from_be_bytes(exact(bytes)?).into(),
        2 => i16::from_be_bytes(exact(bytes)?).into(),
        4 => i32::from_be_bytes(exact(bytes)?).into(),
        _ => i64::from_be_bytes(exact(bytes)?),
    })
}

fn unsigned(bytes: &[u8]) -> Result<u64, DecodeErrorKind> {
    Ok(match bytes.len() {
        1 => u8::from_be_bytes(exact(bytes)?).into(),
        2 => u16::from_be_bytes(exact(bytes)?).into(),
        4 => u32::from_be_bytes(exact(bytes)?).into(),
        _ => u64::from_be_bytes(exact(bytes)?),
    })
}
