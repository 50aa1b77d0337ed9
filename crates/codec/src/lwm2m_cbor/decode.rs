//! From LwM2M CBOR to records.

use dunlin_model::{Level, MAX_ID, Path, Value};

use crate::cbor::{Reader, major};
use crate::record::typed;
use crate::{DecodeError, DecodeErrorKind, Record, Types};

type Fallible<T> = Result<T, DecodeErrorKind>;

/// The number of records left in a map whose length is left open.
const OPEN: u64 = u64::MAX;
/// The outermost map, and one around each further number of a path.
const DEPTH: usize = 4;

/// A map that is being read.
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
    map: Map,
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
            map: Map::NONE,
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
        match self.reader.container(major::MAP)? {
            Some(OPEN) => Err(DecodeErrorKind::End),
            Some(count) => Ok(count),
            None if self.reader.take_break()? => Ok(0),
            None => Ok(OPEN),
        }
    }

    /// Goes to the next entry; `false` at the end of the payload.
    #[inline]
    fn advance(&mut self) -> Fallible<bool> {
        loop {
            match self.map.left {
                0 => {}
                OPEN => {
                    if !self.reader.take_break()? {
                        return Ok(true);
                    }
                }
                left => {
                    self.map.left = left.wrapping_sub(1);
                    return Ok(true);
                }
            }
            let Some(depth) = self.depth.checked_sub(1) else {
                break;
            };
            self.depth = depth;
            self.map = self.around.get(depth).copied().unwrap_or(Map::NONE);
        }
        match self.state {
            State::End => Ok(false),
            State::Start => {
                self.state = State::Maps;
                self.map.left = self.enter()?;
                match self.map.left {
                    // A payload is never empty.
                    0 => return Err(DecodeErrorKind::Malformed),
                    OPEN => {}
                    left => self.map.left = left.wrapping_sub(1),
                }
                Ok(true)
            }
            State::Maps => {
                self.state = State::End;
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
            return self.child(self.map.path, head.argument);
        }
        if head.major() != major::ARRAY {
            return Err(DecodeErrorKind::Type);
        }
        let mut left = if head.is_open() { OPEN } else { head.argument };
        let mut path = self.map.path;
        loop {
            let ended = if head.is_open() {
                self.reader.take_break()?
            } else {
                left == 0
            };
            if ended {
                break;
            }
            left = left.wrapping_sub(1);
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
        if path == self.map.path {
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
            if value != Value::None {
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
        let mut left = self.enter()?;
        if left == OPEN && self.reader.take_break()? {
            left = 0;
        }
        let level = path.level();
        if left == 0 {
            let says = inside && matches!(level, Level::Instance | Level::Resource);
            return Ok(says.then(|| Record::new(path, Value::None)));
        }
        if level == Level::ResourceInstance {
            return Err(DecodeErrorKind::Nesting);
        }
        if let Some(place) = self.around.get_mut(self.depth) {
            *place = self.map;
        }
        self.depth = self.depth.wrapping_add(1);
        self.map = Map { path, left };
        Ok(None)
    }

    pub(crate) fn next(&mut self) -> Option<Result<Record<'a>, DecodeError>> {
        match self.step() {
            Ok(record) => record.map(Ok),
            Err(kind) => {
                (self.state, self.map.left, self.depth) = (State::End, 0, 0);
                Some(Err(DecodeError::new(kind, self.reader.offset())))
            }
        }
    }
}
