//! The short way where pointers have 64 bits.

use dunlin_model::{
    InstanceId, Level, ObjectId, Path, ResourceId, ResourceInstanceId, Resources, Value, ValueType,
};

use crate::tlv::Kind;
use crate::tlv::decode::{Array, Container, Decoder, parse};
use crate::{DecodeError, Record, Types, utf8};

/// Where every value is welcome: inside the node of the request.
#[derive(Debug)]
pub(in crate::tlv) struct Simple {
    /// The resources of the object instance.
    resources: Resources,
    /// How many bytes of the payload follow them.
    resources_end: usize,
}

const NONE: Resources = Resources::of(ObjectId::of::<0>(), InstanceId::of::<0>());

/// More bytes than can follow anything: there is no short way.
const NOWHERE: usize = usize::MAX;

/// A short TLV: of the five bits that follow those of its kind, one says that a byte has its length, three are the length.
const SHORT: u8 = 16;
const LONG: u8 = 8;

/// The value of a resource or resource instance, as it came.
struct Raw<'a> {
    path: Path,
    kind: Option<ValueType>,
    value: &'a [u8],
    /// What follows it.
    after: &'a [u8],
}

impl Simple {
    #[inline]
    pub(in crate::tlv) fn new(base: Path) -> Self {
        Self {
            resources: base.resources().unwrap_or(NONE),
            resources_end: match base.level() {
                Level::Instance => 0,
                _ => NOWHERE,
            },
        }
    }

    /// Notes that the container around multiple resources was entered.
    pub(in crate::tlv) fn enter(&mut self, base: Path, container: Container) {
        *self = Self::new(container.node);
        self.resources_end = if base.contains(&container.node) {
            container.end
        } else {
            NOWHERE
        };
    }
}

/// Gives the value of a TLV, of which `bytes` follow the identifier, and what follows it, of which no less than `end`
/// bytes are to be.
#[inline(always)]
#[expect(clippy::inline_always, reason = "the short way is one function")]
fn value(form: u8, mut bytes: &[u8], end: usize) -> Option<(&[u8], &[u8])> {
    let mut length = form;
    if form >= LONG {
        let (&first, rest) = bytes.split_first()?;
        (length, bytes) = (first, rest);
    }
    bytes
        .split_at_checked(length.into())
        .filter(|(_, after)| after.len() >= end)
}

impl<'a, T: Types + ?Sized> Decoder<'a, T> {
    /// Reads a value, or the start of a multiple resource and the first value in it, if it is a simple one and nothing is
    /// wrong with it; otherwise whatever comes, the general way.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the short way is one function")]
    pub(in crate::tlv) fn next_simple(&mut self) -> Option<Result<Record<'a>, DecodeError>> {
        let Some(Raw {
            path,
            kind,
            value,
            after,
        }) = self.raw()
        else {
            if self.rest.is_empty() {
                return None;
            }
            return self.next_of_any();
        };
        // What there is most of, without a call.
        if kind == Some(ValueType::Integer) {
            if let [byte] = *value {
                self.rest = after;
                let number = byte.cast_signed().into();
                return Some(Ok(Record::new(path, Value::Integer(number))));
            }
            if let [high, low] = *value {
                self.rest = after;
                let number = i16::from_be_bytes([high, low]).into();
                return Some(Ok(Record::new(path, Value::Integer(number))));
            }
        }
        if kind == Some(ValueType::String)
            && let Some(text) = utf8::text(value)
        {
            self.rest = after;
            return Some(Ok(Record::new(path, Value::String(text))));
        }
        if kind == Some(ValueType::Time)
            && let Some(seconds) = value.as_array()
        {
            self.rest = after;
            let seconds = i32::from_be_bytes(*seconds).into();
            return Some(Ok(Record::new(path, Value::Time(seconds))));
        }
        self.parsed(path, kind, value, after)
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the short way is one function")]
    fn raw(&mut self) -> Option<Raw<'a>> {
        if self.rest.len() <= self.array.end {
            let (&[first, id], bytes) = self.rest.split_first_chunk()?;
            let form = first ^ Kind::Resource.bits();
            if form < SHORT {
                let (value, after) = value(form, bytes, self.simple.resources_end)?;
                let resource = ResourceId::new(id.into())?;
                let path = self.simple.resources.get(resource);
                let kind = self.types.value_type_in(self.place, resource, &path);
                return Some(Raw {
                    path,
                    kind,
                    value,
                    after,
                });
            }
            self.enter_simple(first, id, bytes)?;
        }
        let (&[first, id], bytes) = self.rest.split_first_chunk()?;
        let form = first ^ Kind::ResourceInstance.bits();
        if form >= SHORT {
            return None;
        }
        let (value, after) = value(form, bytes, self.array.end)?;
        let path = self.array.node.get(ResourceInstanceId::new(id.into())?);
        Some(Raw {
            path,
            kind: self.kind,
            value,
            after,
        })
    }

    /// Reads a value of any type.
    #[inline(never)]
    fn parsed(
        &mut self,
        path: Path,
        kind: Option<ValueType>,
        value: &'a [u8],
        after: &'a [u8],
    ) -> Option<Result<Record<'a>, DecodeError>> {
        let Ok(value) = parse(value, kind) else {
            return self.next_of_any();
        };
        self.rest = after;
        Some(Ok(Record::new(path, value)))
    }

    /// Goes into a multiple resource, whose TLV begins with `first` and `id`, if nothing is wrong with it.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the short way is one function")]
    fn enter_simple(&mut self, first: u8, id: u8, bytes: &'a [u8]) -> Option<()> {
        let form = first ^ Kind::MultipleResource.bits();
        if form >= SHORT {
            return None;
        }
        let (mut length, mut content) = (form, bytes);
        if form >= LONG {
            let (&first, rest) = bytes.split_first()?;
            (length, content) = (first, rest);
        }
        let end = content.len().checked_sub(length.into())?;
        if length == 0 || end < self.simple.resources_end {
            return None;
        }
        let (resources, resource) = (self.simple.resources, ResourceId::new(id.into())?);
        let node = resources.get(resource);
        self.kind = self.types.value_type_in(self.place, resource, &node);
        self.array = Array {
            node: resources.instances(resource),
            end,
        };
        self.rest = content;
        Some(())
    }
}
