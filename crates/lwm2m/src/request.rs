//! A request as a client takes it: which operation it is, and its parts.

use dunlin_coap::{Code, Message, OptionNumber};
use dunlin_codec::ContentFormat;
use dunlin_model::{AttributeChanges, Level, Path, PathParser};

use crate::{RequestError, WriteMode, attributes};

/// Which [`Operation`](crate::Operation) it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "those of `Operation`")]
pub enum OperationKind {
    Read,
    Discover,
    Write(WriteMode),
    WriteAttributes,
    Execute,
    Create,
    Delete,
    Observe,
    CancelObserve,
    ReadComposite,
    ObserveComposite,
    CancelObserveComposite,
    WriteComposite,
}

/// What [`Operation`](crate::Operation) tells, part by part: for a client that does the same with some parts of several
/// operations, and has little flash to look for them in each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OperationParts<'a> {
    /// Which operation it is.
    pub kind: OperationKind,
    /// The target; of a Create the object, of an operation on several nodes the root.
    pub path: Path,
    /// The format of the payload, which a Create without one may leave out.
    pub format: Option<ContentFormat>,
    /// The format wanted in the answer.
    pub accept: Option<ContentFormat>,
    /// How many levels a Discover is to list.
    pub depth: Option<u8>,
    /// The payload; of a block-wise request the block at hand.
    pub payload: &'a [u8],
}

impl<'a> OperationParts<'a> {
    /// Reads the operation that `message` asks for, and what it says of attributes into `changes`, which is empty before.
    ///
    /// # Errors
    ///
    /// Those of [`Operation::from_request`](crate::Operation::from_request).
    pub fn read(
        message: &Message<'a>,
        changes: &mut AttributeChanges,
    ) -> Result<Self, RequestError> {
        let path = read_path(message)?;
        let mut parts = Self {
            kind: OperationKind::Read,
            path,
            format: message.content_format().map(ContentFormat),
            accept: message.accept().map(ContentFormat),
            depth: None,
            payload: message.payload(),
        };
        let mut needs_format = true;
        parts.kind = match (message.code(), path.level()) {
            (Code::GET, _) => {
                needs_format = false;
                if parts.accept == Some(ContentFormat::LINK_FORMAT) {
                    parts.depth = read_depth(message)?;
                    OperationKind::Discover
                } else if path.level() == Level::Root {
                    return Err(RequestError::method_not_allowed(
                        "the root can be discovered, not read",
                    ));
                } else {
                    match message.observe() {
                        None => OperationKind::Read,
                        Some(0) => OperationKind::Observe,
                        Some(1) => OperationKind::CancelObserve,
                        Some(_) => return Err(BAD_OBSERVE),
                    }
                }
            }
            (Code::FETCH, Level::Root) => match message.observe() {
                None => OperationKind::ReadComposite,
                Some(0) => OperationKind::ObserveComposite,
                Some(1) => OperationKind::CancelObserveComposite,
                Some(_) => return Err(BAD_OBSERVE),
            },
            (Code::IPATCH, Level::Root) => OperationKind::WriteComposite,
            (Code::PUT, Level::Root) => {
                return Err(RequestError::method_not_allowed("the root takes no PUT"));
            }
            (Code::PUT, _) if parts.format.is_none() && parts.payload.is_empty() => {
                needs_format = false;
                OperationKind::WriteAttributes
            }
            (Code::PUT, _) => OperationKind::Write(WriteMode::Replace),
            (Code::POST, Level::Object) => {
                // A Create without a payload has no Content-Format to name.
                needs_format = !parts.payload.is_empty();
                OperationKind::Create
            }
            (Code::POST, Level::Resource)
                if matches!(parts.format, None | Some(ContentFormat::TEXT)) =>
            {
                needs_format = false;
                OperationKind::Execute
            }
            (Code::POST, Level::Instance | Level::Resource) => {
                OperationKind::Write(WriteMode::Partial)
            }
            (Code::DELETE, Level::Instance | Level::ResourceInstance) => {
                needs_format = false;
                OperationKind::Delete
            }
            _ => {
                return Err(RequestError::method_not_allowed(
                    "no operation has this method at this level",
                ));
            }
        };
        if needs_format && parts.format.is_none() {
            return Err(MISSING_FORMAT);
        }
        match parts.kind {
            OperationKind::Observe | OperationKind::ObserveComposite => {
                attributes::parameters(message, changes)?;
            }
            OperationKind::WriteAttributes => {
                attributes::read(message, changes)?;
                if changes.is_empty() {
                    return Err(RequestError::bad_request(
                        "PUT needs a payload or attributes",
                    ));
                }
            }
            OperationKind::Execute => {
                parts.arguments()?;
            }
            _ => {}
        }
        Ok(parts)
    }

    /// The arguments of an Execute as text, not yet checked: see [`Arguments`](crate::Arguments).
    ///
    /// # Errors
    ///
    /// 4.00 for what is not text.
    pub fn arguments(&self) -> Result<&'a str, RequestError> {
        core::str::from_utf8(self.payload)
            .map_err(|_| RequestError::bad_request("the arguments are not text"))
    }
}

const BAD_OBSERVE: RequestError = RequestError::bad_request("Observe is 0 or 1 in a request");

pub(crate) const MISSING_FORMAT: RequestError = RequestError::new(
    Code::UNSUPPORTED_CONTENT_FORMAT,
    "a payload needs its Content-Format",
);

pub(crate) const NO_SUCH_PATH: RequestError =
    RequestError::not_found("the path is not /object/instance/resource/instance");

/// The path of the object tree in the Uri-Path options: at most four decimal identifiers below 65535. A trailing
/// empty segment (a URI ending in a slash) adds nothing.
pub(crate) fn read_path(message: &Message<'_>) -> Result<Path, RequestError> {
    let mut parser = PathParser::new();
    let (mut ended, mut any) = (false, false);
    for segment in message.values(OptionNumber::URI_PATH) {
        if ended {
            return Err(NO_SUCH_PATH);
        }
        if segment.is_empty() {
            ended = true;
            continue;
        }
        // A slash in a segment is none of the path's.
        let is_number = segment.iter().all(u8::is_ascii_digit);
        let fed = parser
            .feed_bytes(b"/")
            .and_then(|()| parser.feed_bytes(segment));
        if !is_number || fed.is_err() {
            return Err(NO_SUCH_PATH);
        }
        any = true;
    }
    if !any {
        return Ok(Path::ROOT);
    }
    parser.finish().map_err(|_| NO_SUCH_PATH)
}

fn read_depth(message: &Message<'_>) -> Result<Option<u8>, RequestError> {
    let mut depth = None;
    for item in message.uri_query() {
        match item.strip_prefix(b"depth=") {
            Some([digit @ b'0'..=b'3']) if depth.is_none() => depth = Some(digit & 0x0f),
            Some(_) if depth.is_none() => {
                return Err(RequestError::bad_request("depth is 0, 1, 2 or 3"));
            }
            _ => {
                return Err(RequestError::bad_request(
                    "Discover takes the parameter depth alone, once",
                ));
            }
        }
    }
    Ok(depth)
}
