//! From LwM2M CBOR to records.

use dunlin_model::{Children, Level, MAX_ID, Path, Value, ValueType};

use crate::cbor::{BREAK, OPEN, Reader, integer, major, text};
use crate::record::{integer_of, takes_integers, typed};
use crate::{DecodeError, DecodeErrorKind, Record, SHORT_WAYS, Types};

type Fallible<T> = Result<T, DecodeErrorKind>;

/// The outermost map, and one around each further number of a path.
const DEPTH: usize = 4;

/// A map around the one that is being read.
#[derive(Clone, Copy, Debug)]
struct Map {
    /// The node whose children it holds.
    path: Path,
    /// How many are to come.
    left: u64,
}

impl Map {
    const NONE: Self = Self {
        path: Path::ROOT,
        left: 0,
    };
}

/// Walks over the maps of a payload, without recursion.
#[derive(Debug)]
pub(crate) struct Decoder<'a, T: ?Sized> {
    types: &'a T,
    /// The node of the request.
    base: Path,
    /// The text that keys may start with, as those of a device behind a gateway do.
    prefix: &'a str,
    reader: Reader<'a>,
    state: State,
    /// The node whose children the map that is being read holds.
    node: Children,
    /// How many of them are to come.
    left: u64,
    /// Whether they all are values inside the node of the request.
    plain: bool,
    /// The maps around it, the outermost first.
    around: [Map; DEPTH],
    depth: usize,
    /// The last record.
    last: Path,
    /// Where the last object was found.
    hint: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    Maps,
    End,
}

impl<'a, T: Types + ?Sized> Decoder<'a, T> {
    pub(crate) fn new(base: Path, bytes: &'a [u8], types: &'a T) -> Self {
        Self {
            types,
            base,
            prefix: "",
            reader: Reader::new(bytes),
            state: State::Start,
            node: Path::ROOT.children(),
            left: 0,
            plain: false,
            around: [Map::NONE; DEPTH],
            depth: 0,
            last: Path::ROOT,
            hint: 0,
        }
    }

    pub(crate) fn set_prefix(&mut self, prefix: &'a str) {
        self.prefix = prefix.strip_prefix('/').unwrap_or(prefix);
    }

    /// Reads the head of a map and gives the number of its entries. The end of an open map may come at once.
    fn enter(&mut self) -> Fallible<u64> {
        let mut left = self.reader.container(major::MAP)?;
        if left == OPEN {
            self.reader.another(&mut left)?;
        }
        Ok(left)
    }

    /// Goes into the map of `node`, which has `left` entries.
    fn go_in(&mut self, node: Path, left: u64) {
        if let Some(place) = self.around.get_mut(self.depth) {
            *place = Map {
                path: self.node.parent(),
                left: self.left,
            };
        }
        self.depth = self.depth.wrapping_add(1);
        self.set_map(node, left);
    }

    /// Goes back to the map around the one that ended; `false` if there is none.
    fn go_out(&mut self) -> bool {
        let Some(depth) = self.depth.checked_sub(1) else {
            return false;
        };
        self.depth = depth;
        let map = self.around.get(depth).copied().unwrap_or(Map::NONE);
        self.set_map(map.path, map.left);
        true
    }

    #[inline]
    fn set_map(&mut self, node: Path, left: u64) {
        (self.node, self.left) = (node.children(), left);
        self.plain = SHORT_WAYS && node.instance_id().is_some() && self.base.contains(&node);
    }

    /// Goes to the next entry; `false` at the end of the payload.
    #[inline]
    fn advance(&mut self) -> Fallible<bool> {
        loop {
            if self.reader.another(&mut self.left)? {
                return Ok(true);
            }
            if !self.go_out() {
                break;
            }
        }
        match self.state {
            State::End => Ok(false),
            State::Start => {
                self.state = State::Maps;
                self.left = self.enter()?;
                // A payload is never empty.
                if !self.reader.another(&mut self.left)? {
                    return Err(DecodeErrorKind::Malformed);
                }
                Ok(true)
            }
            State::Maps => {
                (self.state, self.left) = (State::End, 0);
                if self.reader.is_empty() {
                    Ok(false)
                } else {
                    Err(DecodeErrorKind::Trailing)
                }
            }
        }
    }

    /// Reads a key and gives the node that it names.
    #[inline]
    fn key(&mut self) -> Fallible<Path> {
        let head = self.reader.head()?;
        if head.major() == major::UNSIGNED {
            return self.child(self.node.parent(), head.argument);
        }
        if head.major() != major::ARRAY {
            return Err(DecodeErrorKind::Type);
        }
        let mut left = head.length()?;
        let mut path = self.node.parent();
        while self.reader.another(&mut left)? {
            let part = self.reader.head()?;
            path = match part.major() {
                major::UNSIGNED => self.child(path, part.argument)?,
                major::TEXT if path == Path::ROOT => {
                    let prefix = self.reader.content(part)?;
                    if self.prefix.is_empty() || prefix != self.prefix.as_bytes() {
                        return Err(DecodeErrorKind::Outside);
                    }
                    continue;
                }
                _ => return Err(DecodeErrorKind::Type),
            };
        }
        if path == self.node.parent() {
            return Err(DecodeErrorKind::Malformed);
        }
        Ok(path)
    }

    #[inline]
    fn child(&self, path: Path, id: u64) -> Fallible<Path> {
        let id = u16::try_from(id).map_err(|_| DecodeErrorKind::Identifier)?;
        if id == MAX_ID {
            return self.chosen(path);
        }
        path.child(id).ok_or(DecodeErrorKind::Nesting)
    }

    /// The instance 65535, which a Create has when it leaves the choice of the instance to the device.
    #[cold]
    fn chosen(&self, object: Path) -> Fallible<Path> {
        if object.level() != Level::Object || !object.contains(&self.base) {
            return Err(DecodeErrorKind::Identifier);
        }
        if self.base.level() < Level::Instance {
            return Err(DecodeErrorKind::MissingInstance);
        }
        Ok(self.base.truncate(Level::Instance))
    }

    #[inline]
    fn step(&mut self) -> Fallible<Option<Record<'a>>> {
        while self.advance()? {
            let path = self.key()?;
            if self.reader.peek()? & 0xe0 == major::MAP {
                if let Some(record) = self.open(path)? {
                    return Ok(Some(record));
                }
                continue;
            }
            if !self.base.contains(&path) {
                return Err(DecodeErrorKind::Outside);
            }
            if path.level() < Level::Resource {
                return Err(DecodeErrorKind::Type);
            }
            // Others that come twice are not noticed: that would need a memory of all of them.
            if path == self.last {
                return Err(DecodeErrorKind::Duplicate);
            }
            self.last = path;
            let mut value = self.reader.value()?;
            if !value.is_none() {
                value = typed(value, self.types.value_type_near(&path, &mut self.hint))?;
            }
            return Ok(Some(Record::new(path, value)));
        }
        Ok(None)
    }

    /// Goes into the map of the node `path`. That of an instance or a resource which is empty is a record.
    #[inline]
    fn open(&mut self, path: Path) -> Fallible<Option<Record<'a>>> {
        let inside = self.base.contains(&path);
        if !(inside || path.contains(&self.base)) {
            return Err(DecodeErrorKind::Outside);
        }
        let left = self.enter()?;
        let level = path.level();
        if left == 0 {
            let says = inside && matches!(level, Level::Instance | Level::Resource);
            return Ok(says.then(|| Record::new(path, Value::None)));
        }
        if level == Level::ResourceInstance {
            return Err(DecodeErrorKind::Nesting);
        }
        self.go_in(path, left);
        Ok(None)
    }

    /// Reads an integer or a text, or the start of a map of resource instances and what follows, if that comes next, the
    /// keys are numbers below 256, and nothing is wrong with it.
    #[inline]
    fn simple(&mut self) -> Option<Result<Record<'a>, DecodeError>> {
        loop {
            let (&first, rest) = self.reader.rest().split_first()?;
            match (self.left, first) {
                (0, _) => {
                    if self.go_out() {
                        continue;
                    }
                    return None;
                }
                (OPEN, BREAK) => {
                    if self.depth > 0 {
                        self.reader.set_rest(rest);
                        self.go_out();
                        continue;
                    }
                    return None;
                }
                _ => {}
            }
            let (id, rest) = match first {
                0..=23 => (first, rest),
                24 => {
                    let (&id, rest) = rest.split_first()?;
                    (id, rest)
                }
                _ => return None,
            };
            let path = self.node.get(id.into())?;
            if !self.plain || path == self.last {
                return None;
            }
            let kind = self.types.value_type_near(&path, &mut self.hint);
            if takes_integers(kind)
                && let Some((number, rest)) = integer(rest)
            {
                self.go_on(path, rest);
                return Some(Ok(Record::new(path, integer_of(kind, number))));
            }
            if matches!(kind, Some(ValueType::String) | None)
                && let Some((text, rest)) = text(rest)
            {
                self.go_on(path, rest);
                return Some(Ok(Record::new(path, Value::String(text))));
            }
            let (&[map, next], _) = rest.split_first_chunk()?;
            let left = match map {
                0xa1..=0xb7 => u64::from(map & 0x1f),
                0xbf if next != BREAK => OPEN,
                _ => return None,
            };
            if path.resource_instance_id().is_some() {
                return None;
            }
            self.count();
            self.reader.set_rest(rest.get(1..)?);
            self.go_in(path, left);
        }
    }

    /// Goes on to `rest` after the value of `path`.
    #[inline]
    fn go_on(&mut self, path: Path, rest: &'a [u8]) {
        self.count();
        self.last = path;
        self.reader.set_rest(rest);
    }

    /// Counts an entry of the map.
    #[inline]
    fn count(&mut self) {
        if self.left != OPEN {
            self.left = self.left.wrapping_sub(1);
        }
    }

    #[inline(never)]
    pub(crate) fn next(&mut self) -> Option<Result<Record<'a>, DecodeError>> {
        if SHORT_WAYS && let Some(record) = self.simple() {
            return Some(record);
        }
        self.next_of_any()
    }

    #[inline(never)]
    pub(crate) fn next_of_any(&mut self) -> Option<Result<Record<'a>, DecodeError>> {
        match self.step() {
            Ok(record) => record.map(Ok),
            Err(kind) => {
                (self.state, self.left, self.depth) = (State::End, 0, 0);
                Some(Err(DecodeError::new(kind, self.reader.offset())))
            }
        }
    }
}
