//! From TLV to records.

use dunlin_model::{Children, Level, MAX_ID, ObjectLink, Path, ResourceId, Value, ValueType};

use super::{Kind, WIDE_ID};
use crate::{DecodeError, DecodeErrorKind, Record, SHORT_WAYS, Types, utf8};

/// Walks over the TLVs of a payload without recursion: at most two containers are open, an object instance and a
/// multiple resource in it.
#[derive(Debug)]
pub(crate) struct Decoder<'a, T: ?Sized> {
    types: &'a T,
    /// Where the object is among the types.
    place: usize,
    /// The container that is being read.
    current: Container<'a>,
    /// The containers around it, the outermost first.
    around: [Container<'a>; 2],
    depth: u8,
    /// The type of the values, if it is a multiple resource that was entered.
    kind: Option<ValueType>,
    /// The node of the request.
    base: Path,
    /// The length of the payload.
    length: usize,
}

/// A container that is open.
#[derive(Clone, Copy, Debug)]
struct Container<'a> {
    node: Children,
    /// What is left of its content.
    rest: &'a [u8],
    /// The upper three bits of the type of a value in it whose identifier has 8 bits, if any value in it is welcome.
    plain: u32,
}

impl<'a> Container<'a> {
    fn new(base: Path, node: Path, rest: &'a [u8]) -> Self {
        let plain = match node.level() {
            Level::Instance if base.contains(&node) => PLAIN_RESOURCE,
            Level::Resource if base.contains(&node) => PLAIN_INSTANCE,
            _ => NOT_PLAIN,
        };
        Self {
            node: node.children(),
            rest,
            plain,
        }
    }
}

/// The upper three bits of the types of values with an identifier of 8 bits.
const PLAIN_RESOURCE: u32 = 0xc0;
const PLAIN_INSTANCE: u32 = 0x40;
/// Those of no type.
const NOT_PLAIN: u32 = 0x100;

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
    #[inline]
    pub(crate) fn new(base: Path, bytes: &'a [u8], types: &'a T) -> Result<Self, DecodeError> {
        let container = match base.level() {
            Level::Root => return Err(DecodeError::new(DecodeErrorKind::Base, 0)),
            Level::Object | Level::Instance => base,
            // The resource or resource instance itself is in the payload.
            Level::Resource | Level::ResourceInstance => base.parent().unwrap_or(base),
        };
        let nothing = Container {
            node: Path::ROOT.children(),
            rest: &[],
            plain: NOT_PLAIN,
        };
        Ok(Self {
            types,
            place: base.object_id().map_or(0, |object| types.place(object)),
            current: Container::new(base, container, bytes),
            kind: None,
            around: [nothing; 2],
            depth: 0,
            base,
            length: bytes.len(),
        })
    }

    /// Goes into `container`, after which `after` follows.
    #[inline]
    fn enter(&mut self, container: Container<'a>, after: &'a [u8]) {
        self.current.rest = after;
        let [outer, inner] = &mut self.around;
        let place = if self.depth == 0 { outer } else { inner };
        *place = self.current;
        self.depth = self.depth.wrapping_add(1);
        self.current = container;
    }

    /// Leaves the containers that end here; `false` at the end of the payload.
    #[inline]
    fn leave(&mut self) -> bool {
        while self.current.rest.is_empty() {
            let Some(depth) = self.depth.checked_sub(1) else {
                return false;
            };
            self.depth = depth;
            let [outer, inner] = &self.around;
            self.current = if depth == 0 { *outer } else { *inner };
        }
        true
    }

    /// The type of the values of the resource that `path` lies in.
    fn value_type(&self, path: Path) -> Option<ValueType> {
        self.types
            .value_type_in(self.place, path.resource_id()?, &path)
    }

    /// How many bytes of the payload are left.
    fn left(&self) -> usize {
        let around = self.around.iter().take(self.depth.into());
        around.fold(self.current.rest.len(), |length, container| {
            length.saturating_add(container.rest.len())
        })
    }

    fn step(&mut self) -> Result<Option<Record<'a>>, DecodeErrorKind> {
        while self.leave() {
            let (tlv, rest) = read(self.current.rest).ok_or(DecodeErrorKind::End)?;
            let top = self.depth == 0;
            // Most are resources of an instance.
            let is_value = match (tlv.kind, self.current.node.parent().level()) {
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
            let path = self.current.node.get(tlv.id);
            let path = path.ok_or(DecodeErrorKind::Nesting)?;
            if !self.base.contains(&path) {
                return Err(DecodeErrorKind::Outside);
            }
            let kind = match tlv.kind {
                Kind::ResourceInstance if !top => self.kind,
                _ => self.value_type(path),
            };
            let value = parse(tlv.value, kind)?;
            self.current.rest = rest;
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
        let path = if level == self.current.node.parent().level() {
            let parent = self.current.node.parent().parent();
            parent.and_then(|parent| parent.child(tlv.id))
        } else {
            self.current.node.get(tlv.id)
        };
        let path = path.ok_or(DecodeErrorKind::Nesting)?;
        let inside = self.base.contains(&path);
        if !(inside || path.contains(&self.base)) {
            return Err(DecodeErrorKind::Outside);
        }
        if tlv.value.is_empty() {
            self.current.rest = rest;
            return Ok(inside.then(|| Record::new(path, Value::None)));
        }
        self.kind = match level {
            Level::Resource => self.value_type(path),
            _ => None,
        };
        self.enter(Container::new(self.base, path, tlv.value), rest);
        Ok(None)
    }

    /// Reads a value in the open container, or the start of a multiple resource and the value after it, if that comes
    /// next, has small numbers, and nothing is wrong with it.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the short way is one function")]
    fn simple(&mut self) -> Option<Result<Record<'a>, DecodeError>> {
        loop {
            let Some((&[first, id], rest)) = self.current.rest.split_first_chunk() else {
                if self.current.rest.is_empty() && self.leave() {
                    continue;
                }
                return None;
            };
            // The lower five bits, if it is a value: the length, or 0x08 with one that has a byte of its own.
            let form = u32::from(first) ^ self.current.plain;
            let (length, rest) = match form {
                0..=7 => (form, rest),
                8..=15 => {
                    let (&length, rest) = rest.split_first()?;
                    (length.into(), rest)
                }
                _ => {
                    self.enter_array(first, id, rest)?;
                    continue;
                }
            };
            let (value, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            let path = self.current.node.get(id.into())?;
            let kind = if self.current.plain == PLAIN_INSTANCE {
                self.kind
            } else {
                let resource = ResourceId::new(id.into())?;
                self.types.value_type_in(self.place, resource, &path)
            };
            // What there is most of, without a call.
            if kind == Some(ValueType::Integer) {
                if let [byte] = *value {
                    self.current.rest = after;
                    let number = byte.cast_signed().into();
                    return Some(Ok(Record::new(path, Value::Integer(number))));
                }
                if let [high, low] = *value {
                    self.current.rest = after;
                    let number = i16::from_be_bytes([high, low]).into();
                    return Some(Ok(Record::new(path, Value::Integer(number))));
                }
            }
            if kind == Some(ValueType::String) {
                let text = utf8::text(value)?;
                self.current.rest = after;
                return Some(Ok(Record::new(path, Value::String(text))));
            }
            let value = parse(value, kind).ok()?;
            self.current.rest = after;
            return Some(Ok(Record::new(path, value)));
        }
    }

    /// Goes into a multiple resource, whose TLV begins with `first` and `id`, if nothing is wrong with it.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the short way is one function")]
    fn enter_array(&mut self, first: u8, id: u8, rest: &'a [u8]) -> Option<()> {
        if self.current.plain != PLAIN_RESOURCE {
            return None;
        }
        let form = first ^ Kind::MultipleResource.bits();
        let (length, rest) = match form {
            1..=7 => (form, rest),
            8..=15 => {
                let (&length, rest) = rest.split_first()?;
                (length, rest)
            }
            _ => return None,
        };
        let (content, after) = rest.split_at_checked(length.into())?;
        if content.is_empty() {
            return None;
        }
        let node = self.current.node.get(id.into())?;
        let resource = ResourceId::new(id.into())?;
        self.kind = self.types.value_type_in(self.place, resource, &node);
        let array = Container {
            node: node.children(),
            rest: content,
            plain: PLAIN_INSTANCE,
        };
        self.enter(array, after);
        Some(())
    }

    #[inline]
    pub(crate) fn next(&mut self) -> Option<Result<Record<'a>, DecodeError>> {
        if SHORT_WAYS {
            if let Some(record) = self.simple() {
                return Some(record);
            }
            if self.current.rest.is_empty() && self.depth == 0 {
                return None;
            }
        }
        self.next_of_any()
    }

    #[inline(never)]
    pub(crate) fn next_of_any(&mut self) -> Option<Result<Record<'a>, DecodeError>> {
        match self.step() {
            Ok(record) => record.map(Ok),
            Err(kind) => {
                let offset = self.length.saturating_sub(self.left());
                (self.current.rest, self.depth) = (&[], 0);
                Some(Err(DecodeError::new(kind, offset)))
            }
        }
    }
}

/// Reads a value of the type `kind`, or takes the bytes as they are if the type is not known.
#[inline(never)]
fn parse(bytes: &[u8], kind: Option<ValueType>) -> Result<Value<'_>, DecodeErrorKind> {
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
