//! From SenML to records.

use dunlin_model::{Level, Path, PathError, PathErrorKind, PathParser, Value};

use super::pack::{Entry, Pack};
use crate::{DecodeError, DecodeErrorKind, Record, Types};

/// Walks over the records of a pack and makes paths of their names.
#[derive(Debug)]
pub(crate) struct Decoder<'a, T: ?Sized> {
    types: &'a T,
    /// The node of the request.
    base: Path,
    /// What stands before the paths in names.
    prefix: &'a str,
    /// The base name as far as it is a path, kept for the names that follow.
    base_name: Option<PathParser>,
    pack: Pack<'a>,
}

fn name_error(error: PathError) -> DecodeErrorKind {
    DecodeErrorKind::Name(error.kind)
}

/// Takes `prefix` off the text `base` + `name`.
fn strip<'s>(prefix: &str, base: &'s str, name: &'s str) -> Option<(&'s str, &'s str)> {
    match base.strip_prefix(prefix) {
        Some(base) => Some((base, name)),
        None => prefix
            .strip_prefix(base)
            .and_then(|prefix| name.strip_prefix(prefix))
            .map(|name| ("", name)),
    }
}

impl<'a, T: Types + ?Sized> Decoder<'a, T> {
    #[expect(clippy::unnecessary_wraps, reason = "one shape for all formats")]
    pub(crate) fn new(base: Path, bytes: &'a [u8], types: &'a T) -> Result<Self, DecodeError> {
        Ok(Self {
            types,
            base,
            prefix: "",
            base_name: None,
            pack: Pack::new(bytes),
        })
    }

    pub(crate) fn set_prefix(&mut self, prefix: &'a str) {
        self.prefix = prefix;
    }

    fn path(&mut self, entry: &Entry<'a>) -> Result<Path, DecodeErrorKind> {
        let name = entry.name.unwrap_or_default();
        if !self.prefix.is_empty() {
            let (base, name) =
                strip(self.prefix, entry.base, name).ok_or(DecodeErrorKind::Outside)?;
            let mut parser = PathParser::new();
            parser
                .feed(base)
                .and_then(|()| parser.feed(name))
                .map_err(name_error)?;
            return parser.finish().map_err(name_error);
        }
        let mut parser = match self.base_name {
            Some(parser) if !entry.new_base => parser,
            _ => {
                let mut parser = PathParser::new();
                parser.feed(entry.base).map_err(name_error)?;
                self.base_name = Some(parser);
                parser
            }
        };
        parser.feed(name).map_err(name_error)?;
        parser.finish().map_err(name_error)
    }

    /// Makes a record of `entry`, or nothing if it only sets a base.
    fn record(&mut self, entry: &Entry<'a>) -> Result<Option<Record<'a>>, DecodeErrorKind> {
        let bare = entry.name.is_none() && entry.value == Value::None;
        if bare && !entry.new_base {
            return Err(DecodeErrorKind::Malformed);
        }
        let path = match self.path(entry) {
            // A base name that a name continues, such as `/3/0/` or `/`.
            Ok(Path::ROOT) | Err(DecodeErrorKind::Name(PathErrorKind::EmptySegment)) if bare => {
                return Ok(None);
            }
            path => path?,
        };
        if !self.base.contains(&path) {
            return Err(DecodeErrorKind::Outside);
        }
        let value = if entry.value == Value::None {
            Value::None
        } else if path.level() < Level::Resource {
            return Err(DecodeErrorKind::Type);
        } else {
            match self.types.value_type(&path) {
                None | Some(dunlin_model::ValueType::None) => entry.value,
                Some(kind) => entry.value.convert(kind).ok_or(DecodeErrorKind::Type)?,
            }
        };
        Ok(Some(Record {
            path,
            value,
            time: entry.time,
        }))
    }

    pub(crate) fn next(&mut self) -> Option<Result<Record<'a>, DecodeError>> {
        loop {
            let entry = match self.pack.next()? {
                Ok(entry) => entry,
                Err(error) => return Some(Err(error)),
            };
            match self.record(&entry) {
                Ok(None) => {}
                Ok(Some(record)) => return Some(Ok(record)),
                Err(kind) => {
                    self.pack.stop();
                    return Some(Err(DecodeError::new(kind, entry.offset)));
                }
            }
        }
    }
}
