//! What a server may ask of a client.

use dunlin_coap::{Code, Message, MessageBuilder, OptionNumber};
use dunlin_codec::ContentFormat;
use dunlin_model::{AttributeChanges, Attributes, Level, ObjectId, Path};

use crate::query::{self, Text};
use crate::{RequestError, attributes};

/// How a Write treats what is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum WriteMode {
    /// `PUT`: the payload replaces the instance or the resource.
    Replace,
    /// `POST`: only what the payload lists changes.
    Partial,
}

/// An operation of the Device Management and Information Reporting interfaces on the objects of a client
/// (Core 1.2.2 §6.3 and §6.4, Transport 1.2.2 §6.4.4 and §6.4.5).
///
/// Reading a request tells *which* operation is asked for; whether its target exists and allows it is the client's to
/// decide.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Operation<'a> {
    /// `GET` on an object, instance, resource or resource instance.
    Read {
        /// The target.
        path: Path,
        /// The format wanted; `None` leaves it to the client.
        accept: Option<ContentFormat>,
    },
    /// `GET` with Accept 40.
    Discover {
        /// The target: an object, instance or resource.
        path: Path,
        /// How many levels below the target to list, 0 to 3 (1.2); `None` for the default of the target's level.
        depth: Option<u8>,
    },
    /// `PUT` with a payload, or `POST` with one on an instance or a multiple resource.
    Write {
        /// The target.
        path: Path,
        /// Replace or partial update.
        mode: WriteMode,
        /// The format of the payload.
        format: ContentFormat,
        /// The payload; of a block-wise request the block at hand.
        payload: &'a [u8],
    },
    /// `PUT` with a query and neither Content-Format nor payload.
    WriteAttributes {
        /// The target.
        path: Path,
        /// What changes.
        changes: AttributeChanges,
    },
    /// `POST` on a resource.
    Execute {
        /// The resource.
        path: Path,
        /// The arguments as text, not yet checked: see [`Arguments`](crate::Arguments).
        arguments: &'a str,
    },
    /// `POST` on an object.
    Create {
        /// The object to instantiate.
        object: ObjectId,
        /// The format of the payload.
        format: ContentFormat,
        /// The new instance's content; of a block-wise request the block at hand.
        payload: &'a [u8],
    },
    /// `DELETE` on an instance or resource instance.
    Delete {
        /// The target.
        path: Path,
    },
    /// `GET` with Observe 0.
    Observe {
        /// The target.
        path: Path,
        /// The format wanted in notifications.
        accept: Option<ContentFormat>,
        /// Attributes for this observation alone (1.2); a client without support refuses with 4.00 when there are any.
        attributes: Attributes,
    },
    /// `GET` with Observe 1.
    CancelObserve {
        /// The target.
        path: Path,
        /// The format of the observation.
        accept: Option<ContentFormat>,
    },
    /// `FETCH` on the root: reads several nodes (1.1).
    ReadComposite {
        /// The format of the payload.
        format: ContentFormat,
        /// The format wanted; `None` leaves it to the client.
        accept: Option<ContentFormat>,
        /// The list of nodes: records without values.
        payload: &'a [u8],
    },
    /// `FETCH` on the root with Observe 0 (1.1).
    ObserveComposite {
        /// The format of the payload.
        format: ContentFormat,
        /// The format wanted in notifications.
        accept: Option<ContentFormat>,
        /// The list of nodes: records without values.
        payload: &'a [u8],
        /// Attributes for this observation alone (1.2).
        attributes: Attributes,
    },
    /// `FETCH` on the root with Observe 1.
    CancelObserveComposite {
        /// The format of the payload.
        format: ContentFormat,
        /// The format of the observation.
        accept: Option<ContentFormat>,
        /// The list of nodes of the observation.
        payload: &'a [u8],
    },
    /// `iPATCH` on the root: writes several nodes, all or none (1.1).
    WriteComposite {
        /// The format of the payload.
        format: ContentFormat,
        /// The values; of a block-wise request the block at hand.
        payload: &'a [u8],
    },
}

impl<'a> Operation<'a> {
    /// Reads the operation that `message` asks for.
    ///
    /// # Errors
    ///
    /// 4.04 for a path that is none of the object tree's, 4.05 for a method or a level that no operation has, 4.00
    /// for a query, Observe value or arguments that cannot be read, 4.15 for a payload without Content-Format where
    /// one is needed or Execute arguments that are not text.
    pub fn from_request(message: &Message<'a>) -> Result<Self, RequestError> {
        let path = read_path(message)?;
        let format = message.content_format().map(ContentFormat);
        let accept = message.accept().map(ContentFormat);
        let payload = message.payload();
        match (message.code(), path.level()) {
            (Code::GET, _) => Self::from_get(message, path, accept),
            (Code::FETCH, Level::Root) => {
                let format = format.ok_or(MISSING_FORMAT)?;
                match message.observe() {
                    None => Ok(Self::ReadComposite {
                        format,
                        accept,
                        payload,
                    }),
                    Some(0) => Ok(Self::ObserveComposite {
                        format,
                        accept,
                        payload,
                        attributes: attributes::parameters(message)?,
                    }),
                    Some(1) => Ok(Self::CancelObserveComposite {
                        format,
                        accept,
                        payload,
                    }),
                    Some(_) => Err(BAD_OBSERVE),
                }
            }
            (Code::IPATCH, Level::Root) => Ok(Self::WriteComposite {
                format: format.ok_or(MISSING_FORMAT)?,
                payload,
            }),
            (Code::PUT, Level::Root) => {
                Err(RequestError::method_not_allowed("the root takes no PUT"))
            }
            (Code::PUT, _) => match format {
                None if payload.is_empty() => {
                    let changes = attributes::read(message)?;
                    if changes.is_empty() {
                        return Err(RequestError::bad_request(
                            "PUT needs a payload or attributes",
                        ));
                    }
                    Ok(Self::WriteAttributes { path, changes })
                }
                None => Err(MISSING_FORMAT),
                Some(format) => Ok(Self::Write {
                    path,
                    mode: WriteMode::Replace,
                    format,
                    payload,
                }),
            },
            (Code::POST, Level::Object) => match (path.object_id(), format) {
                (Some(object), Some(format)) => Ok(Self::Create {
                    object,
                    format,
                    payload,
                }),
                // A Create without a payload has no Content-Format to name.
                (Some(object), None) if payload.is_empty() => Ok(Self::Create {
                    object,
                    format: ContentFormat::TLV,
                    payload,
                }),
                _ => Err(MISSING_FORMAT),
            },
            (Code::POST, Level::Instance) => match format {
                Some(format) => Ok(Self::Write {
                    path,
                    mode: WriteMode::Partial,
                    format,
                    payload,
                }),
                None => Err(MISSING_FORMAT),
            },
            (Code::POST, Level::Resource) => match format {
                None | Some(ContentFormat::TEXT) => {
                    let arguments = core::str::from_utf8(payload)
                        .map_err(|_| RequestError::bad_request("the arguments are not text"))?;
                    Ok(Self::Execute { path, arguments })
                }
                Some(format) => Ok(Self::Write {
                    path,
                    mode: WriteMode::Partial,
                    format,
                    payload,
                }),
            },
            (Code::DELETE, Level::Instance | Level::ResourceInstance) => Ok(Self::Delete { path }),
            _ => Err(RequestError::method_not_allowed(
                "no operation has this method at this level",
            )),
        }
    }

    fn from_get(
        message: &Message<'a>,
        path: Path,
        accept: Option<ContentFormat>,
    ) -> Result<Self, RequestError> {
        if accept == Some(ContentFormat::LINK_FORMAT) {
            return Ok(Self::Discover {
                path,
                depth: read_depth(message)?,
            });
        }
        if path.level() == Level::Root {
            return Err(RequestError::method_not_allowed(
                "the root can be discovered, not read",
            ));
        }
        match message.observe() {
            None => Ok(Self::Read { path, accept }),
            Some(0) => Ok(Self::Observe {
                path,
                accept,
                attributes: attributes::parameters(message)?,
            }),
            Some(1) => Ok(Self::CancelObserve { path, accept }),
            Some(_) => Err(BAD_OBSERVE),
        }
    }

    /// The method of the request.
    pub const fn method(&self) -> Code {
        match self {
            Self::Read { .. }
            | Self::Discover { .. }
            | Self::Observe { .. }
            | Self::CancelObserve { .. } => Code::GET,
            Self::Write {
                mode: WriteMode::Replace,
                ..
            }
            | Self::WriteAttributes { .. } => Code::PUT,
            Self::Write {
                mode: WriteMode::Partial,
                ..
            }
            | Self::Execute { .. }
            | Self::Create { .. } => Code::POST,
            Self::Delete { .. } => Code::DELETE,
            Self::ReadComposite { .. }
            | Self::ObserveComposite { .. }
            | Self::CancelObserveComposite { .. } => Code::FETCH,
            Self::WriteComposite { .. } => Code::IPATCH,
        }
    }

    /// The target; of a Create the object, of a composite operation the root.
    pub const fn path(&self) -> Path {
        match self {
            Self::Read { path, .. }
            | Self::Discover { path, .. }
            | Self::Write { path, .. }
            | Self::WriteAttributes { path, .. }
            | Self::Execute { path, .. }
            | Self::Delete { path }
            | Self::Observe { path, .. }
            | Self::CancelObserve { path, .. } => *path,
            Self::Create { object, .. } => Path::object(*object),
            Self::ReadComposite { .. }
            | Self::ObserveComposite { .. }
            | Self::CancelObserveComposite { .. }
            | Self::WriteComposite { .. } => Path::ROOT,
        }
    }

    /// What is sent as payload, to be cut into blocks where it is long.
    pub const fn payload(&self) -> &'a [u8] {
        match self {
            Self::Write { payload, .. }
            | Self::Create { payload, .. }
            | Self::ReadComposite { payload, .. }
            | Self::ObserveComposite { payload, .. }
            | Self::CancelObserveComposite { payload, .. }
            | Self::WriteComposite { payload, .. } => payload,
            Self::Execute { arguments, .. } => arguments.as_bytes(),
            _ => &[],
        }
    }

    /// Adds the options from Observe to Accept to a request that was begun with [`method`](Self::method). Block
    /// options and the payload may follow; the payload is not put in, so that the caller may cut it into blocks.
    pub fn write(&self, builder: &mut MessageBuilder<'_>) {
        match self {
            Self::Observe { .. } | Self::ObserveComposite { .. } => builder.observe(0),
            Self::CancelObserve { .. } | Self::CancelObserveComposite { .. } => builder.observe(1),
            _ => builder,
        };
        write_path(builder, &self.path());
        match self {
            Self::Read { accept, .. } | Self::CancelObserve { accept, .. } => {
                write_accept(builder, *accept);
            }
            Self::Observe {
                accept, attributes, ..
            } => {
                attributes::write(builder, &AttributeChanges::from(*attributes));
                write_accept(builder, *accept);
            }
            Self::Discover { depth, .. } => {
                if let Some(depth) = depth {
                    let mut text = Text::<3>::new();
                    text.push_decimal(u32::from(*depth));
                    builder.option_parts(OptionNumber::URI_QUERY, &[b"depth=", text.as_bytes()]);
                }
                write_accept(builder, Some(ContentFormat::LINK_FORMAT));
            }
            Self::ReadComposite { format, accept, .. }
            | Self::CancelObserveComposite { format, accept, .. } => {
                builder.content_format(format.0);
                write_accept(builder, *accept);
            }
            Self::ObserveComposite {
                format,
                accept,
                attributes,
                ..
            } => {
                builder.content_format(format.0);
                attributes::write(builder, &AttributeChanges::from(*attributes));
                write_accept(builder, *accept);
            }
            Self::Write { format, .. } | Self::WriteComposite { format, .. } => {
                builder.content_format(format.0);
            }
            Self::Create {
                format, payload, ..
            } if !payload.is_empty() => {
                builder.content_format(format.0);
            }
            Self::Execute { arguments, .. } if !arguments.is_empty() => {
                builder.content_format(ContentFormat::TEXT.0);
            }
            Self::WriteAttributes { changes, .. } => attributes::write(builder, changes),
            Self::Create { .. } | Self::Execute { .. } | Self::Delete { .. } => {}
        }
    }
}

const BAD_OBSERVE: RequestError = RequestError::bad_request("Observe is 0 or 1 in a request");

pub(crate) const MISSING_FORMAT: RequestError = RequestError::new(
    Code::UNSUPPORTED_CONTENT_FORMAT,
    "a payload needs its Content-Format",
);

/// Adds a Uri-Path option for each identifier of `path`.
pub fn write_path(builder: &mut MessageBuilder<'_>, path: &Path) {
    for segment in path.segments() {
        let mut text = Text::<5>::new();
        text.push_decimal(u32::from(segment));
        builder.option(OptionNumber::URI_PATH, text.as_bytes());
    }
}

fn write_accept(builder: &mut MessageBuilder<'_>, accept: Option<ContentFormat>) {
    if let Some(format) = accept {
        builder.accept(format.0);
    }
}

/// The path of the object tree in the Uri-Path options: at most four decimal identifiers below 65535. A trailing
/// empty segment (a URI ending in a slash) adds nothing.
pub(crate) fn read_path(message: &Message<'_>) -> Result<Path, RequestError> {
    const NO_SUCH_PATH: RequestError =
        RequestError::not_found("the path is not /object/instance/resource/instance");
    let mut path = Path::ROOT;
    let mut ended = false;
    for segment in message.values(OptionNumber::URI_PATH) {
        if ended {
            return Err(NO_SUCH_PATH);
        }
        if segment.is_empty() {
            ended = true;
            continue;
        }
        let canonical = segment.len() == 1 || segment.first() != Some(&b'0');
        let number = core::str::from_utf8(segment)
            .ok()
            .filter(|_| canonical)
            .and_then(query::decimal)
            .and_then(|number| u16::try_from(number).ok());
        path = number.and_then(|id| path.child(id)).ok_or(NO_SUCH_PATH)?;
    }
    Ok(path)
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

#[cfg(test)]
mod tests;
