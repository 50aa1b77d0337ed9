//! What a server may ask of a client.

use dunlin_coap::{Code, Message, MessageBuilder, OptionNumber};
use dunlin_codec::ContentFormat;
use dunlin_model::{AttributeChanges, Attributes, ObjectId, Path};

use crate::query::Text;
use crate::request::NO_SUCH_PATH;
use crate::{OperationKind, OperationParts, RequestError, attributes};

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
        let mut changes = AttributeChanges::default();
        let parts = OperationParts::read(message, &mut changes)?;
        let OperationParts {
            path,
            accept,
            depth,
            payload,
            ..
        } = parts;
        // Where there is none, none is needed.
        let format = parts.format.unwrap_or(ContentFormat::TLV);
        let attributes = changes.set();
        Ok(match parts.kind {
            OperationKind::Read => Self::Read { path, accept },
            OperationKind::Discover => Self::Discover { path, depth },
            OperationKind::Write(mode) => Self::Write {
                path,
                mode,
                format,
                payload,
            },
            OperationKind::WriteAttributes => Self::WriteAttributes { path, changes },
            OperationKind::Execute => Self::Execute {
                path,
                arguments: parts.arguments()?,
            },
            OperationKind::Create => Self::Create {
                object: path.object_id().ok_or(NO_SUCH_PATH)?,
                format,
                payload,
            },
            OperationKind::Delete => Self::Delete { path },
            OperationKind::Observe => Self::Observe {
                path,
                accept,
                attributes,
            },
            OperationKind::CancelObserve => Self::CancelObserve { path, accept },
            OperationKind::ReadComposite => Self::ReadComposite {
                format,
                accept,
                payload,
            },
            OperationKind::ObserveComposite => Self::ObserveComposite {
                format,
                accept,
                payload,
                attributes,
            },
            OperationKind::CancelObserveComposite => Self::CancelObserveComposite {
                format,
                accept,
                payload,
            },
            OperationKind::WriteComposite => Self::WriteComposite { format, payload },
        })
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

#[cfg(test)]
mod tests;
