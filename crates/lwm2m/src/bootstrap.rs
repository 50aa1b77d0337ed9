//! The Bootstrap interface (Core 1.2.2 §6.1, Transport 1.2.2 §6.4.2).

use dunlin_coap::{Code, Message, MessageBuilder, OptionNumber};
use dunlin_codec::ContentFormat;
use dunlin_model::{Level, ObjectId, Path};

use crate::RequestError;
use crate::operation::write_path;
use crate::query::Text;
use crate::request::{MISSING_FORMAT, read_path};

/// Writes the path and the query of a Bootstrap-Request: `POST /bs?ep=…&pct=…`, with the format that the client prefers
/// for what the Bootstrap-Server writes.
pub fn write_bootstrap_request(
    builder: &mut MessageBuilder<'_>,
    endpoint: &str,
    format: Option<ContentFormat>,
) {
    builder
        .option(OptionNumber::URI_PATH, b"bs")
        .option_parts(OptionNumber::URI_QUERY, &[b"ep=", endpoint.as_bytes()]);
    if let Some(format) = format {
        let mut text = Text::<5>::new();
        text.push_decimal(format.0.into());
        builder.option_parts(OptionNumber::URI_QUERY, &[b"pct=", text.as_bytes()]);
    }
}

/// Writes the path, the query and the Accept of a Bootstrap-Pack-Request (1.2): `GET /bspack?ep=…&acc=…`, with the
/// account of the Bootstrap-Server that the client has.
pub fn write_bootstrap_pack_request(
    builder: &mut MessageBuilder<'_>,
    endpoint: &str,
    account: Option<Path>,
    format: ContentFormat,
) {
    builder
        .option(OptionNumber::URI_PATH, b"bspack")
        .option_parts(OptionNumber::URI_QUERY, &[b"ep=", endpoint.as_bytes()]);
    if let Some(account) = account {
        // At most `/65534/65534`.
        let mut link = Text::<12>::new();
        for segment in account.segments() {
            link.push(b"/");
            link.push_decimal(segment.into());
        }
        builder.option_parts(OptionNumber::URI_QUERY, &[b"acc=<", link.as_bytes(), b">"]);
    }
    builder.accept(format.0);
}

/// An operation of a Bootstrap-Server on a client that has sent it a Bootstrap-Request.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum BootstrapOperation<'a> {
    /// `GET` with Accept 40.
    Discover {
        /// The whole device or an object.
        path: Path,
    },
    /// `GET` on object 1 or 2 or an instance of them (1.1).
    Read {
        /// The target.
        path: Path,
        /// The format wanted; `None` leaves it to the client.
        accept: Option<ContentFormat>,
    },
    /// `PUT` on an object, instance or resource, whether it is there or not.
    Write {
        /// The target.
        path: Path,
        /// The format of the payload.
        format: ContentFormat,
        /// The payload; of a block-wise request the block at hand.
        payload: &'a [u8],
    },
    /// `DELETE` on the whole device, an object or an instance.
    Delete {
        /// The target.
        path: Path,
    },
    /// `POST /bs`
    Finish,
}

impl<'a> BootstrapOperation<'a> {
    /// Reads the operation that `message` asks for.
    ///
    /// # Errors
    ///
    /// 4.04 for a path that is neither `/bs` nor the object tree's, 4.05 for a method or a level that no operation has,
    /// 4.00 for a Read of other objects than 1 and 2, 4.15 for a payload without Content-Format.
    pub fn from_request(message: &Message<'a>) -> Result<Self, RequestError> {
        if message.code() == Code::POST && message.uri_path().eq([b"bs"]) {
            return Ok(Self::Finish);
        }
        let path = read_path(message)?;
        let level = path.level();
        let accept = message.accept().map(ContentFormat);
        match message.code() {
            Code::GET if accept == Some(ContentFormat::LINK_FORMAT) && level <= Level::Object => {
                Ok(Self::Discover { path })
            }
            Code::GET => match path.object_id().map(ObjectId::get) {
                Some(1 | 2) if level <= Level::Instance => Ok(Self::Read { path, accept }),
                _ => Err(RequestError::bad_request(
                    "objects 1 and 2 and their instances can be read",
                )),
            },
            Code::PUT if (Level::Object..=Level::Resource).contains(&level) => {
                match message.content_format() {
                    Some(format) => Ok(Self::Write {
                        path,
                        format: ContentFormat(format),
                        payload: message.payload(),
                    }),
                    None => Err(MISSING_FORMAT),
                }
            }
            Code::DELETE if level <= Level::Instance => Ok(Self::Delete { path }),
            _ => Err(RequestError::method_not_allowed(
                "no operation of bootstrap has this method at this level",
            )),
        }
    }

    /// The method of the request.
    pub const fn method(&self) -> Code {
        match self {
            Self::Discover { .. } | Self::Read { .. } => Code::GET,
            Self::Write { .. } => Code::PUT,
            Self::Delete { .. } => Code::DELETE,
            Self::Finish => Code::POST,
        }
    }

    /// Adds the options from Uri-Path to Accept to a request that was begun with [`method`](Self::method). Block options
    /// and the payload of a Write may follow.
    pub fn write(&self, builder: &mut MessageBuilder<'_>) {
        match self {
            Self::Discover { path } => {
                write_path(builder, path);
                builder.accept(ContentFormat::LINK_FORMAT.0);
            }
            Self::Read { path, accept } => {
                write_path(builder, path);
                if let Some(accept) = accept {
                    builder.accept(accept.0);
                }
            }
            Self::Write { path, format, .. } => {
                write_path(builder, path);
                builder.content_format(format.0);
            }
            Self::Delete { path } => write_path(builder, path),
            Self::Finish => {
                builder.option(OptionNumber::URI_PATH, b"bs");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use dunlin_coap::{MessageId, Token, Type};

    fn read(
        code: Code,
        write: impl FnOnce(&mut MessageBuilder<'_>),
        check: impl FnOnce(Result<BootstrapOperation<'_>, RequestError>),
    ) {
        let mut buffer = [0; 128];
        let (kind, id) = (Type::Confirmable, MessageId(1));
        let mut builder = MessageBuilder::new(&mut buffer, kind, code, id, Token::EMPTY);
        write(&mut builder);
        let message = Message::parse(builder.finish().unwrap()).unwrap();
        check(BootstrapOperation::from_request(&message));
    }

    #[test]
    fn every_operation_is_read_as_it_was_written() {
        let path = |text: &str| text.parse().unwrap();
        let (format, payload) = (ContentFormat::TLV, &b"x"[..]);
        for operation in [
            BootstrapOperation::Discover { path: Path::ROOT },
            BootstrapOperation::Discover { path: path("/3") },
            BootstrapOperation::Read {
                path: path("/1"),
                accept: None,
            },
            BootstrapOperation::Read {
                path: path("/2/7"),
                accept: Some(format),
            },
            BootstrapOperation::Write {
                path: path("/0"),
                format,
                payload,
            },
            BootstrapOperation::Write {
                path: path("/1/0/1"),
                format,
                payload,
            },
            BootstrapOperation::Delete { path: Path::ROOT },
            BootstrapOperation::Delete { path: path("/0/1") },
            BootstrapOperation::Finish,
        ] {
            read(
                operation.method(),
                |builder| {
                    operation.write(builder);
                    if matches!(operation, BootstrapOperation::Write { .. }) {
                        builder.payload(payload);
                    }
                },
                |read| assert_eq!(read, Ok(operation)),
            );
        }
    }

    #[test]
    fn what_is_no_operation_of_bootstrap_is_refused() {
        for (code, path, refused) in [
            (Code::GET, "3/0", Code::BAD_REQUEST),
            (Code::GET, "", Code::BAD_REQUEST),
            (Code::GET, "1/0/1", Code::BAD_REQUEST),
            (Code::DELETE, "1/0/1", Code::METHOD_NOT_ALLOWED),
            (Code::POST, "1/0/8", Code::METHOD_NOT_ALLOWED),
            (Code::PUT, "", Code::METHOD_NOT_ALLOWED),
            (Code::PUT, "1/0", Code::UNSUPPORTED_CONTENT_FORMAT),
            (Code::PUT, "bs", Code::NOT_FOUND),
        ] {
            read(
                code,
                |builder| {
                    builder.path(path.split('/').filter(|part| !part.is_empty()));
                },
                |read| assert_eq!(read.map_err(RequestError::code), Err(refused), "{path}"),
            );
        }
    }
}
