//! Names and the paths they stand for.

use dunlin_model::{Children, Level, Path, PathError, PathErrorKind, PathParser, Value};

use crate::number::{count_digits, put_id};
use crate::row::Row;
use crate::short::Short;
use crate::writer::Writer;
use crate::{DecodeErrorKind, EncodeError, SHORT_WAYS};

type Fallible<T> = Result<T, DecodeErrorKind>;

/// The longest name with backslashes: a path of 24 bytes behind a prefix.
#[cfg(any(feature = "senml-json", feature = "lwm2m-json"))]
const LONGEST: usize = 128;

/// A name as it stands in the payload. Not looked at but for what a path may hold, so it need not be UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name<'a> {
    pub(crate) bytes: &'a [u8],
    /// Whether there are backslashes in it, as JSON has them.
    pub(crate) escaped: bool,
}

impl Name<'_> {
    pub(crate) const EMPTY: Self = Self {
        bytes: b"",
        escaped: false,
    };
}

#[cfg(feature = "senml-cbor")]
impl<'a> Name<'a> {
    /// The name in a text.
    pub(crate) fn of(value: Value<'a>) -> Self {
        Self {
            bytes: value.as_str().unwrap_or_default().as_bytes(),
            escaped: false,
        }
    }
}

/// The base name in effect, and what is known of it.
#[derive(Debug)]
pub(super) struct Names<'a> {
    /// What stands before the paths.
    prefix: &'a str,
    base: Name<'a>,
    /// Whether names continue the node of the request, since there is no base name.
    implied: bool,
}

fn name_error(error: PathError) -> DecodeErrorKind {
    match error.kind {
        PathErrorKind::NoInstance => DecodeErrorKind::MissingInstance,
        kind => DecodeErrorKind::Name(kind),
    }
}

impl<'a> Names<'a> {
    pub(super) const fn new() -> Self {
        Self {
            prefix: "",
            base: Name::EMPTY,
            implied: false,
        }
    }

    /// Lets names continue the node of the request, with a slash between them, until there is a base name.
    #[cfg(feature = "lwm2m-json")]
    pub(super) fn imply_base(&mut self) {
        self.implied = true;
    }

    pub(super) fn set_prefix(&mut self, prefix: &'a str) {
        self.prefix = prefix;
    }

    pub(super) fn set_base(&mut self, base: Name<'a>) {
        (self.base, self.implied) = (base, false);
    }

    /// Whether names are as they stand, but for a base name before them.
    fn are_plain(&self) -> bool {
        self.prefix.is_empty() && !self.base.escaped && !self.implied
    }

    /// The node whose children follow the base name, if it is the path of one and a slash.
    pub(super) fn parent(&self) -> Option<Path> {
        if !self.are_plain() {
            return None;
        }
        match self.base.bytes.strip_suffix(b"/")? {
            [] => Some(Path::ROOT),
            node => {
                let mut parser = PathParser::new();
                parser.feed_bytes(node).ok()?;
                parser.finish().ok()
            }
        }
    }

    /// Gives the path of the base name and `name`, in a payload about `node`.
    #[inline(never)]
    pub(super) fn path(&self, node: Path, name: Name<'a>) -> Fallible<Path> {
        #[cfg(any(feature = "senml-json", feature = "lwm2m-json"))]
        if self.implied || self.base.escaped || name.escaped {
            return self.path_of_text(node, name);
        }
        let mut parser = PathParser::in_request(node);
        let mut prefix = self.prefix.as_bytes();
        for part in [self.base.bytes, name.bytes] {
            let shared = prefix.len().min(part.len());
            let (start, rest) = part.split_at_checked(shared).unwrap_or_default();
            prefix = prefix.strip_prefix(start).ok_or(DecodeErrorKind::Outside)?;
            parser.feed_bytes(rest).map_err(name_error)?;
        }
        if !prefix.is_empty() {
            return Err(DecodeErrorKind::Outside);
        }
        parser.finish().map_err(name_error)
    }

    /// The same for names with backslashes, or names that continue the node of the request.
    #[cfg(any(feature = "senml-json", feature = "lwm2m-json"))]
    #[cold]
    fn path_of_text(&self, node: Path, name: Name<'a>) -> Fallible<Path> {
        let mut buffer = [0; LONGEST];
        let mut writer = Writer::new(&mut buffer);
        let full = |_| DecodeErrorKind::Name(PathErrorKind::TooDeep);
        if cfg!(feature = "lwm2m-json") && self.implied {
            writer.put(self.prefix.as_bytes()).map_err(full)?;
            if !name.bytes.starts_with(b"/") {
                let node = Text::new(node, Level::Root, true, false);
                node.put(&mut writer).map_err(full)?;
                if !name.bytes.is_empty() {
                    writer.put(b"/").map_err(full)?;
                }
            }
        }
        for part in [self.base, name] {
            unescaped(part, &mut writer)?;
        }
        let text = writer
            .into_written()
            .map_err(full)?
            .strip_prefix(self.prefix.as_bytes())
            .ok_or(DecodeErrorKind::Outside)?;
        let mut parser = PathParser::in_request(node);
        parser
            .feed_bytes(text)
            .and_then(|()| parser.finish())
            .map_err(name_error)
    }
}

/// Gives the path of a name that is some numbers with slashes between them, below one node.
#[inline]
pub(super) fn below(mut node: Children, mut name: &[u8]) -> Option<Path> {
    loop {
        let (&first, mut rest) = name.split_first()?;
        let mut number = u32::from(first.wrapping_sub(b'0'));
        if number > 9 {
            return None;
        }
        loop {
            match rest.split_first() {
                None => return node.get(u16::try_from(number).ok()?),
                Some((b'/', after)) => {
                    rest = after;
                    break;
                }
                Some((digit, after)) => {
                    let digit = u32::from(digit.wrapping_sub(b'0'));
                    // No digit, after a zero, or too much.
                    if digit > 9 || number == 0 || number > 0xffff {
                        return None;
                    }
                    number = number.wrapping_mul(10).wrapping_add(digit);
                    rest = after;
                }
            }
        }
        node = node.get(u16::try_from(number).ok()?)?.children();
        name = rest;
    }
}

/// Writes a name without its backslashes.
#[cfg(any(feature = "senml-json", feature = "lwm2m-json"))]
fn unescaped(name: Name<'_>, writer: &mut Writer<'_>) -> Fallible<()> {
    if name.escaped {
        return crate::json::unescape(name.bytes, writer);
    }
    writer
        .put(name.bytes)
        .map_err(|_| DecodeErrorKind::Name(PathErrorKind::TooDeep))
}

/// The level of the node that names start below.
const fn known(node: Path) -> Level {
    match node.level() {
        Level::ResourceInstance => Level::Resource,
        level => level,
    }
}

/// Gives what the names of `path`, a resource or below one, and of those beside it start with below the base name, if that
/// is up to three bytes.
fn start_of(known: Level, path: Path) -> Option<Short> {
    let start = |id: u16| Short::EMPTY.decimal(id).byte(b'/');
    let ids = (
        path.instance_id(),
        path.resource_id(),
        path.resource_instance_id(),
    );
    let start = match (known, ids) {
        (Level::Instance, (_, Some(_), None)) | (Level::Resource, _) => Short::EMPTY,
        (Level::Instance, (_, Some(id), Some(_))) => start(id.get()),
        (Level::Object, (Some(id), Some(_), None)) => start(id.get()),
        _ => return None,
    };
    (start.len() <= 3).then_some(start)
}

/// Goes on to the row of `path` in a payload about an object instance, `base`, with a base name of that. Gives the last
/// number, if the path is of a resource with a number below 100.
#[inline(always)]
#[expect(clippy::inline_always, reason = "the short way is one function")]
pub(super) fn turn(row: &mut Row, base: Path, path: Path) -> Option<u16> {
    let (base, bits) = (base.to_bits(), path.to_bits());
    // Of another instance there is more.
    let part = bits.wrapping_sub(base) >> 16;
    let is_instance = base.trailing_zeros() >= 32;
    if path <= row.last || part > 100 || !is_instance {
        return None;
    }
    let resource = u16::try_from(part.checked_sub(1)?).ok()?;
    row.go_beside(path);
    let Some(id) = path.resource_instance_id() else {
        row.start = Short::EMPTY;
        return Some(resource);
    };
    row.start = Short::EMPTY.short_decimal(resource).byte(b'/');
    Some(id.get()).filter(|id| *id < 10_000)
}

/// Gives the base name of the children of `base`, an object instance, if it is short: `/3/0/`.
pub(super) fn short_base(base: Path) -> Option<Short> {
    let (object, instance) = (base.object_id()?.get(), base.instance_id()?.get());
    if object > 9999 || instance > 9 {
        return None;
    }
    let slash = Short::new(*b"/");
    let start = slash.join(Short::EMPTY.short_decimal(object)).byte(b'/');
    Some(start.join(Short::EMPTY.short_decimal(instance)).byte(b'/'))
}

/// Which base name is in effect while a pack is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Base {
    node: Path,
    /// The level of the node that names start below.
    known: Level,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    None,
    /// The path of the request: `/3/0/0`.
    Node,
    /// What its children start with: `/3/0/`.
    Children,
}

/// What the name of a record is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Written {
    /// Whether a base name must be written.
    pub(crate) base: bool,
    /// Whether a name must be written.
    pub(crate) name: bool,
}

impl Base {
    pub(crate) const fn new(node: Path) -> Self {
        Self {
            node,
            known: known(node),
            state: State::None,
        }
    }

    /// Goes on to a record of `path`.
    pub(crate) fn step(&mut self, row: &mut Row, path: Path) -> Result<Written, EncodeError> {
        let wanted = if path != self.node {
            State::Children
        } else if path == Path::ROOT {
            // The root has no name that could be a base.
            State::None
        } else {
            State::Node
        };
        // The short way wrote the base name of the first record.
        if SHORT_WAYS && self.state == State::None && row.last != Path::ROOT {
            self.state = State::Children;
        }
        let base = wanted != self.state;
        if base && wanted == State::None {
            return Err(EncodeError::OutOfOrder);
        }
        self.state = wanted;
        if SHORT_WAYS {
            match start_of(self.known, path) {
                Some(start) if path != self.node => {
                    row.start = start;
                    row.go_beside(path);
                }
                _ => row.go_nowhere(),
            }
        }
        Ok(Written {
            base,
            name: wanted != State::Node,
        })
    }

    /// The base name.
    pub(crate) fn base_name(&self) -> Text {
        let is_open = self.state == State::Children;
        Text::new(self.node, Level::Root, true, is_open)
    }

    /// The name of the record of `path`, after the base name.
    #[inline]
    pub(crate) fn name(&self, path: Path) -> Text {
        Text::new(path, self.known, false, path == Path::ROOT)
    }
}

/// The numbers of a path below a node, with slashes between them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text {
    /// One after the other, each plus one, the first in the uppermost bits; 0 after the last.
    parts: u64,
    /// Whether a slash comes first, and last.
    slashes: (bool, bool),
}

impl Text {
    /// The numbers of `path` below `known`.
    #[inline]
    fn new(path: Path, known: Level, first: bool, last: bool) -> Self {
        let parts = match known {
            Level::Root => path.to_bits(),
            Level::Object => path.to_bits() << 16,
            Level::Instance => path.to_bits() << 32,
            Level::Resource | Level::ResourceInstance => path.to_bits() << 48,
        };
        Self {
            parts,
            slashes: (first && parts != 0, last),
        }
    }

    pub(crate) fn len(&self) -> u32 {
        let (first, last) = self.slashes;
        let (mut rest, mut length) = (self.parts, u32::from(last));
        if rest != 0 && !first {
            length = length.wrapping_sub(1);
        }
        while let Ok(id) = u16::try_from((rest >> 48).wrapping_sub(1)) {
            length = length.wrapping_add(count_digits(id)).wrapping_add(1);
            rest <<= 16;
        }
        length
    }

    /// Writes the name.
    pub(crate) fn put(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        let (mut rest, mut slash) = (self.parts, self.slashes.0);
        while let Ok(id) = u16::try_from((rest >> 48).wrapping_sub(1)) {
            if slash {
                writer.byte(b'/')?;
            }
            put_id(writer, id)?;
            (rest, slash) = (rest << 16, true);
        }
        if self.slashes.1 {
            writer.byte(b'/')?;
        }
        Ok(())
    }
}
