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
    /// What is left of the payload.
    rest: &'a [u8],
    /// The container that is being read.
    current: Container,
    /// The containers around it, the outermost first.
    around: [Container; 2],
    depth: usize,
    /// Where the last object was found.
    hint: usize,
    /// The length of the payload.
    length: usize,
}

/// A container that is open.
#[derive(Clone, Copy, Debug)]
struct Container {
    path: Path,
    /// How much of the payload is left when it ends.
    end: usize,
    /// The level of `path`.
    level: Level,
    /// Whether all that is in it lies inside the node of the request.
    inside: bool,
    /// The upper three bits of the type of a value in it whose identifier has 8 bits, if any value in it is welcome.
    plain: u8,
    /// The type of the values, if this is a multiple resource.
    kind: Option<ValueType>,
}

impl Container {
    fn new(base: Path, path: Path) -> Self {
        let (level, inside) = (path.level(), base.contains(&path));
        Self {
            path,
            end: 0,
            level,
            inside,
            plain: plain(level, inside),
            kind: None,
        }
    }
}

/// The upper three bits of the type of a value in a container of `level`.
const fn plain(level: Level, inside: bool) -> u8 {
    match level {
        Level::Instance if inside => Kind::Resource.bits(),
        Level::Resource if inside => Kind::ResourceInstance.bits(),
        _ => u8::MAX,
    }
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
        let container = Container::new(base, container);
        Ok(Self {
            types,
            base,
            rest: bytes,
            current: container,
            around: [container; 2],
            depth: 0,
            hint: 0,
            length: bytes.len(),
        })
    }

    /// Goes into `container`.
    #[inline]
    fn enter(&mut self, container: Container) {
        if let Some(place) = self.around.get_mut(self.depth) {
            *place = self.current;
        }
        self.depth = self.depth.wrapping_add(1);
        self.current = container;
    }

    /// Leaves the containers that end here; `false` at the end of the payload.
    #[inline]
    fn leave(&mut self) -> bool {
        while self.rest.len() == self.current.end {
            let Some(depth) = self.depth.checked_sub(1) else {
                return false;
            };
            self.depth = depth;
            if let Some(container) = self.around.get(depth) {
                self.current = *container;
            }
        }
        true
    }

    /// What is left of the container that is open.
    fn content(&self) -> &'a [u8] {
        let length = self.rest.len().saturating_sub(self.current.end);
        self.rest.get(..length).unwrap_or_default()
    }

    fn step(&mut self) -> Result<Option<Record<'a>>, DecodeErrorKind> {
        while self.leave() {
            let content = self.content();
            let (tlv, after) = read(content).ok_or(DecodeErrorKind::End)?;
            let used = content.len().saturating_sub(after.len());
            let rest = self.rest.get(used..).unwrap_or_default();
            let top = self.depth == 0;
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
                _ => self.types.value_type_near(&path, &mut self.hint),
            };
            let value = parse(tlv.value, kind)?;
            self.rest = rest;
            return Ok(Some(Record::new(path, value)));
        }
        Ok(None)
    }

    /// Goes into a container, after which `rest` follows. An empty one of the request's node is a record.
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
        if tlv.value.is_empty() {
            self.rest = rest;
            return Ok(inside.then(|| Record::new(path, Value::None)));
        }
        let kind = match level {
            Level::Resource => self.types.value_type_near(&path, &mut self.hint),
            _ => None,
        };
        let header = self
            .rest
            .len()
            .saturating_sub(rest.len())
            .saturating_sub(tlv.value.len());
        self.rest = self.rest.get(header..).unwrap_or_default();
        self.enter(Container {
            path,
            end: rest.len(),
            level,
            inside,
            plain: plain(level, inside),
            kind,
        });
        Ok(None)
    }

    /// Reads a value in the open container, or the start of a multiple resource and the value after it, if that comes
    /// next, has small numbers, and nothing is wrong with it.
    #[inline]
    fn simple(&mut self) -> Option<Record<'a>> {
        loop {
            if !self.leave() {
                return None;
            }
            let (&[first, id], rest) = self.rest.split_first_chunk()?;
            let (length, rest) = match first & 0x18 {
                0x00 => (usize::from(first & 0x07), rest),
                0x08 => {
                    let (&length, rest) = rest.split_first()?;
                    (usize::from(length), rest)
                }
                _ => return None,
            };
            let (value, after) = rest.split_at_checked(length)?;
            if after.len() < self.current.end {
                return None;
            }
            let path = self.current.path.child(id.into())?;
            let kind = match first & 0xe0 {
                0x40 if self.current.plain == 0x40 => self.current.kind,
                0xc0 if self.current.plain == 0xc0 => {
                    self.types.value_type_near(&path, &mut self.hint)
                }
                0x80 if self.current.plain == 0xc0 && length > 0 => {
                    let kind = self.types.value_type_near(&path, &mut self.hint);
                    self.rest = rest;
                    self.enter(Container {
                        path,
                        end: after.len(),
                        level: Level::Resource,
                        inside: true,
                        plain: 0x40,
                        kind,
                    });
                    continue;
                }
                _ => return None,
            };
            let value = parse(value, kind).ok()?;
            self.rest = after;
            return Some(Record::new(path, value));
        }
    }

    #[inline]
    pub(crate) fn next(&mut self) -> Option<Result<Record<'a>, DecodeError>> {
        match self.simple() {
            Some(record) => Some(Ok(record)),
            None => self.next_of_any(),
        }
    }

    #[inline(never)]
    fn next_of_any(&mut self) -> Option<Result<Record<'a>, DecodeError>> {
        match self.step() {
            Ok(record) => record.map(Ok),
            Err(kind) => {
                let offset = self.length.saturating_sub(self.rest.len());
                (self.rest, self.depth, self.current.end) = (&[], 0, 0);
                Some(Err(DecodeError::new(kind, offset)))
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
