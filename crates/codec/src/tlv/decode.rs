//! From TLV to records.

use core::str;

use dunlin_model::{Level, MAX_ID, ObjectLink, Path, Value, ValueType};

use super::{Kind, WIDE_ID};
use crate::{DecodeError, DecodeErrorKind, Record, Types};

/// Walks over the TLVs of a payload without recursion: at most two containers are open, an object instance and a
/// multiple resource in it.
#[derive(Debug)]
pub(crate) struct Decoder<'a, T: ?Sized> {
    types: &'a T,
    /// The node of the request.
    base: Path,
    /// The container that is being read.
    current: Container<'a>,
    /// The containers around it, the nearest first.
    around: [Option<Container<'a>>; 2],
    /// The length of the payload.
    length: usize,
}

/// A container that is open.
#[derive(Clone, Copy, Debug)]
struct Container<'a> {
    path: Path,
    /// The level of `path`.
    level: Level,
    /// Whether all that is in it lies inside the node of the request.
    inside: bool,
    /// The type of the values, if this is a multiple resource.
    kind: Option<ValueType>,
    /// What is left to read.
    rest: &'a [u8],
}

/// One TLV.
pub(super) struct Tlv<'a> {
    pub(super) kind: Kind,
    pub(super) id: u16,
    pub(super) value: &'a [u8],
}

/// Reads the TLV at the start of `bytes` and gives what follows it.
#[inline]
pub(super) fn read(bytes: &[u8]) -> Option<(Tlv<'_>, &[u8])> {
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
    let (value, bytes) = bytes.split_at_checked(length)?;
    Some((
        Tlv {
            kind: Kind::of(type_byte),
            id,
            value,
        },
        bytes,
    ))
}

impl<'a, T: Types + ?Sized> Decoder<'a, T> {
    pub(crate) fn new(base: Path, bytes: &'a [u8], types: &'a T) -> Result<Self, DecodeError> {
        let container = match base.level() {
            Level::Root => return Err(DecodeError::new(DecodeErrorKind::Base, 0)),
            Level::Object | Level::Instance => base,
            // The resource or resource instance itself is in the payload.
            Level::Resource | Level::ResourceInstance => base.parent().unwrap_or(base),
        };
        Ok(Self {
            types,
            base,
            current: Container {
                path: container,
                level: container.level(),
                inside: base.contains(&container),
                kind: None,
                rest: bytes,
            },
            around: [None; 2],
            length: bytes.len(),
        })
    }

    /// The offset of the next TLV.
    fn offset(&self) -> usize {
        let open = self.around.iter().flatten().map(|open| open.rest.len());
        open.fold(self.length, usize::saturating_sub)
            .saturating_sub(self.current.rest.len())
    }

    #[inline]
    fn step(&mut self) -> Result<Option<Record<'a>>, DecodeErrorKind> {
        loop {
            if self.current.rest.is_empty() {
                let Some(container) = self.around[0] else {
                    return Ok(None);
                };
                self.current = container;
                self.around = [self.around[1], None];
                continue;
            }
            let (tlv, rest) = read(self.current.rest).ok_or(DecodeErrorKind::End)?;
            let top = self.around[0].is_none();
            // Most are resources of an instance.
            let is_value = match (tlv.kind, self.current.level) {
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
            if !is_value {
                if let Some(record) = self.open(&tlv, rest)? {
                    return Ok(Some(record));
                }
                continue;
            }
            let path = self.current.path.child(tlv.id);
            let path = path.ok_or(DecodeErrorKind::Nesting)?;
            if !self.current.inside && !self.base.contains(&path) {
                return Err(DecodeErrorKind::Outside);
            }
            let kind = match tlv.kind {
                Kind::ResourceInstance if !top => self.current.kind,
                _ => self.types.value_type(&path),
            };
            let value = parse(tlv.value, kind)?;
            self.current.rest = rest;
            return Ok(Some(Record::new(path, value)));
        }
    }

    /// Goes into a container, after which `rest` follows. An empty one of the request's node is a record.
    #[inline]
    fn open(
        &mut self,
        tlv: &Tlv<'a>,
        rest: &'a [u8],
    ) -> Result<Option<Record<'a>>, DecodeErrorKind> {
        let level = match tlv.kind {
            Kind::ObjectInstance => Level::Instance,
            _ => Level::Resource,
        };
        // One that the request itself names is not below the node it is found in.
        let path = if level == self.current.level {
            let parent = self.current.path.parent();
            parent.and_then(|parent| parent.child(tlv.id))
        } else {
            self.current.path.child(tlv.id)
        };
        let path = path.ok_or(DecodeErrorKind::Nesting)?;
        let inside = self.base.contains(&path);
        if !(inside || path.contains(&self.base)) {
            return Err(DecodeErrorKind::Outside);
        }
        self.current.rest = rest;
        if tlv.value.is_empty() {
            return Ok(inside.then(|| Record::new(path, Value::None)));
        }
        let kind = match level {
            Level::Resource => self.types.value_type(&path),
            _ => None,
        };
        self.around = [Some(self.current), self.around[0]];
        self.current = Container {
            path,
            level,
            inside,
            kind,
            rest: tlv.value,
        };
        Ok(None)
    }

    pub(crate) fn next(&mut self) -> Option<Result<Record<'a>, DecodeError>> {
        match self.step() {
            Ok(record) => record.map(Ok),
            Err(kind) => {
                let error = DecodeError::new(kind, self.offset());
                (self.current.rest, self.around) = (&[], [None; 2]);
                Some(Err(error))
            }
        }
    }
}

/// Reads a value of the type `kind`, or takes the bytes as they are if the type is not known.
#[inline]
fn parse(bytes: &[u8], kind: Option<ValueType>) -> Result<Value<'_>, DecodeErrorKind> {
    Ok(match kind {
        Some(ValueType::String) => Value::String(text(bytes)?),
        Some(ValueType::Corelnk) => Value::Corelnk(text(bytes)?),
        Some(ValueType::Integer) => Value::Integer(signed(bytes)?),
        Some(ValueType::Time) => Value::Time(signed(bytes)?),
        Some(ValueType::Unsigned) => Value::Unsigned(unsigned(bytes)?),
        Some(ValueType::Float) => Value::Float(match bytes.len() {
            4 => f32::from_be_bytes(exact(bytes)?).into(),
            _ => f64::from_be_bytes(exact(bytes)?),
        }),
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
    str::from_utf8(bytes).map_err(|_| DecodeErrorKind::Utf8)
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
