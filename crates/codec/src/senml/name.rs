//! Names and the paths they stand for.

use dunlin_model::{
    Children, InstanceId, Level, MAX_ID, ObjectId, Path, PathError, PathErrorKind, PathParser,
    ResourceId, ResourceInstanceId,
};

use crate::short::Short;
use crate::writer::Writer;
use crate::{DecodeErrorKind, EncodeError};

type Fallible<T> = Result<T, DecodeErrorKind>;

/// The longest name that is looked at more than once: a path of 24 bytes behind a prefix.
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
    DecodeErrorKind::Name(error.kind)
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

    /// Gives the path of the base name and `name`, in an answer about `node`.
    #[inline(never)]
    pub(super) fn path(&self, node: Path, name: Name<'a>) -> Fallible<Path> {
        let mut parser = PathParser::new();
        if self.are_plain() && !name.escaped && parser.feed_bytes(self.base.bytes).is_ok() {
            match parser.feed_bytes(name.bytes).and_then(|()| parser.finish()) {
                Ok(path) => return Ok(path),
                Err(error) if error.kind != PathErrorKind::TooLarge => {
                    return Err(name_error(error));
                }
                Err(_) => {}
            }
        }
        self.path_of_text(node, name)
    }

    /// The same for names with backslashes, a prefix, or the number 65535.
    #[cold]
    fn path_of_text(&self, node: Path, name: Name<'a>) -> Fallible<Path> {
        let mut buffer = [0; LONGEST];
        let mut writer = Writer::new(&mut buffer);
        if cfg!(feature = "lwm2m-json") && self.implied {
            let full = |_| DecodeErrorKind::Name(PathErrorKind::TooDeep);
            writer.put(self.prefix.as_bytes()).map_err(full)?;
            if !name.bytes.starts_with(b"/") {
                let node = Text::of(node, Level::Root, Short::new(*b"/"));
                node.put(&mut writer, Short::EMPTY).map_err(full)?;
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
            .strip_prefix(self.prefix.as_bytes())
            .ok_or(DecodeErrorKind::Outside)?;
        let mut parser = PathParser::new();
        let result = parser.feed_bytes(text).and_then(|()| parser.finish());
        match result {
            Err(error) if error.kind == PathErrorKind::TooLarge => {
                chosen(node, text).unwrap_or(Err(name_error(error)))
            }
            result => result.map_err(name_error),
        }
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
fn unescaped(name: Name<'_>, writer: &mut Writer<'_>) -> Fallible<()> {
    #[cfg(any(feature = "senml-json", feature = "lwm2m-json"))]
    if name.escaped {
        return crate::json::unescape(name.bytes, writer);
    }
    writer
        .put(name.bytes)
        .map_err(|_| DecodeErrorKind::Name(PathErrorKind::TooDeep))
}

/// Reads a path whose instance is 65535, which a Create has when it leaves the choice of the instance to the device.
///
/// `None` if it is no such path.
fn chosen(node: Path, text: &[u8]) -> Option<Fallible<Path>> {
    let mut parts = text.strip_prefix(b"/")?.split(|byte| *byte == b'/');
    let number = |part: &[u8]| crate::number::natural(part).and_then(|id| u16::try_from(id).ok());
    let object = number(parts.next()?)?;
    let instance = number(parts.next()?)?;
    if instance != MAX_ID || node.object_id().map(ObjectId::get) != Some(object) {
        return None;
    }
    if node.level() < Level::Instance {
        return Some(Err(DecodeErrorKind::MissingInstance));
    }
    let mut path = node.truncate(Level::Instance);
    for part in parts {
        path = path.child(number(part)?)?;
    }
    Some(Ok(path))
}

/// Which base name is in effect while a pack is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Base {
    node: Path,
    /// The level of the node that names start below.
    known: Level,
    state: State,
    /// The last record, if the name of one beside it is `start` and a number; else the root.
    last: Path,
    /// Up to three bytes.
    start: Short,
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
            known: match node.level() {
                Level::ResourceInstance => Level::Resource,
                level => level,
            },
            state: State::None,
            last: Path::ROOT,
            start: Short::EMPTY,
        }
    }

    /// Goes on to a record of `path`.
    pub(crate) fn step(&mut self, path: Path) -> Result<Written, EncodeError> {
        let wanted = if path != self.node {
            State::Children
        } else if path == Path::ROOT {
            // The root has no name that could be a base.
            State::None
        } else {
            State::Node
        };
        let base = wanted != self.state;
        if base && wanted == State::None {
            return Err(EncodeError::OutOfOrder);
        }
        (self.state, self.last) = (wanted, Path::ROOT);
        Ok(Written {
            base,
            name: wanted != State::Node,
        })
    }

    /// Gives the name of the record of `path` in two parts of up to three and five bytes, if it is that short and the base
    /// name in effect is right for it.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a part of the short ways")]
    pub(crate) fn next_name(&mut self, path: Path) -> Option<(Short, Short)> {
        let ids = (
            path.instance_id(),
            path.resource_id(),
            path.resource_instance_id(),
        );
        if !path.follows(&self.last) {
            if self.state != State::Children || path == self.node || !self.node.contains(&path) {
                return None;
            }
            let start = match (self.known, ids) {
                (Level::Instance, (_, Some(_), None)) | (Level::Resource, _) => Short::EMPTY,
                (Level::Instance, (_, Some(id), Some(_))) => {
                    Short::EMPTY.decimal(id.get()).byte(b'/')
                }
                (Level::Object, (Some(id), Some(_), None)) => {
                    Short::EMPTY.decimal(id.get()).byte(b'/')
                }
                _ => return None,
            };
            if start.len() > 3 {
                return None;
            }
            self.start = start;
        }
        self.last = path;
        let id = match ids {
            (_, _, Some(id)) => id.get(),
            (_, id, None) => id?.get(),
        };
        Some((self.start, Short::EMPTY.decimal(id)))
    }

    /// The base name.
    pub(crate) fn base_name(&self) -> Text {
        let mut text = Text::of(self.node, Level::Root, Short::new(*b"/"));
        if self.state == State::Children {
            text.parts[4] = Short::new(*b"/");
        }
        text
    }

    /// The name of the record of `path`, after the base name.
    #[inline]
    pub(crate) fn name(&self, path: Path) -> Text {
        if path == Path::ROOT {
            let mut text = Text::EMPTY;
            text.parts[4] = Short::new(*b"/");
            return text;
        }
        Text::of(path, self.known, Short::EMPTY)
    }
}

/// A name in pieces of up to six bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text {
    parts: [Short; 5],
}

impl Text {
    const EMPTY: Self = Self {
        parts: [Short::EMPTY; 5],
    };

    /// The numbers of `path` below `known`, with slashes between them and `start` before them.
    #[inline]
    fn of(path: Path, known: Level, start: Short) -> Self {
        let mut text = Self::EMPTY;
        let mut before = start;
        let mut add = |place: &mut Short, level: Level, id: Option<u16>| {
            if let Some(id) = id
                && level > known
            {
                *place = before.decimal(id);
                before = Short::new(*b"/");
            }
        };
        let [object, instance, resource, resource_instance, _] = &mut text.parts;
        add(object, Level::Object, path.object_id().map(ObjectId::get));
        add(
            instance,
            Level::Instance,
            path.instance_id().map(InstanceId::get),
        );
        add(
            resource,
            Level::Resource,
            path.resource_id().map(ResourceId::get),
        );
        add(
            resource_instance,
            Level::ResourceInstance,
            path.resource_instance_id().map(ResourceInstanceId::get),
        );
        text
    }

    #[inline]
    pub(crate) fn len(&self) -> u32 {
        let parts = self.parts.iter();
        parts.fold(0, |length, part| length.wrapping_add(part.len()))
    }

    /// Writes `before` and the name.
    #[inline]
    pub(crate) fn put(&self, writer: &mut Writer<'_>, before: Short) -> Result<(), EncodeError> {
        let mut short = before;
        for part in &self.parts {
            if short.len().wrapping_add(part.len()) > 8 {
                short.put(writer)?;
                short = Short::EMPTY;
            }
            short = short.join(*part);
        }
        short.put(writer)
    }
}
