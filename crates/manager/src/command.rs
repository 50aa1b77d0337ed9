//! Commands as data, and what comes of them.

use dunlin_coap::time::Duration;
use dunlin_codec::ContentFormat;
use dunlin_model::{AttributeChanges, Attributes, InstanceId, ObjectId, Path};

use crate::{Link, ObservationInfo, Record, WriteValue};

/// An order to a device.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// What to do.
    pub action: Action,
    /// How long it may take in all, waiting included; `None` for the manager's default.
    pub timeout: Option<Duration>,
    /// The payload format to use; `None` leaves the choice to the manager.
    pub format: Option<ContentFormat>,
}

/// What to do at a device.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// Read an object, an instance, a resource or a resource instance.
    Read {
        /// The target.
        path: Path,
    },
    /// List what is at and below a node, with attributes.
    Discover {
        /// The target.
        path: Path,
    },
    /// Write an instance, a resource or a resource instance.
    Write {
        /// The target.
        path: Path,
        /// Whether what is not given goes or stays.
        mode: dunlin_lwm2m::WriteMode,
        /// The values.
        value: WriteValue,
    },
    /// Attach notification attributes to a node, or remove some.
    WriteAttributes {
        /// The target.
        path: Path,
        /// What changes.
        changes: AttributeChanges,
    },
    /// Execute a resource.
    Execute {
        /// The target.
        path: Path,
        /// The arguments in the form of Core 1.2.2 §6.3.5, such as `0,2='10.3'`; empty for none.
        arguments: String,
    },
    /// Create an object instance.
    Create {
        /// The object.
        object: ObjectId,
        /// The new instance; `None` leaves the choice to the device.
        instance: Option<InstanceId>,
        /// The first values. Where the device chooses the instance, its identifier in the paths is not used.
        records: Vec<Record>,
    },
    /// Delete an object instance, or a resource instance.
    Delete {
        /// The target.
        path: Path,
    },
    /// Observe a node, with these attributes attached to it first if there are any.
    Observe {
        /// The target.
        path: Path,
        /// The attributes.
        attributes: Attributes,
    },
    /// End an observation.
    Cancel {
        /// What is observed.
        path: Path,
    },
}

impl Action {
    /// The target.
    pub fn path(&self) -> Path {
        match self {
            Self::Read { path }
            | Self::Discover { path }
            | Self::Write { path, .. }
            | Self::WriteAttributes { path, .. }
            | Self::Execute { path, .. }
            | Self::Delete { path }
            | Self::Observe { path, .. }
            | Self::Cancel { path } => *path,
            Self::Create {
                object, instance, ..
            } => match instance {
                Some(instance) => Path::instance(*object, *instance),
                None => Path::object(*object),
            },
        }
    }

    /// The name of the operation in the specification's terms.
    pub const fn operation(&self) -> &'static str {
        match self {
            Self::Read { .. } => "Read",
            Self::Discover { .. } => "Discover",
            Self::Write { .. } => "Write",
            Self::WriteAttributes { .. } => "Write-Attributes",
            Self::Execute { .. } => "Execute",
            Self::Create { .. } => "Create",
            Self::Delete { .. } => "Delete",
            Self::Observe { .. } => "Observe",
            Self::Cancel { .. } => "Cancel Observation",
        }
    }
}

/// What came of a command that the device carried out.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// It is done.
    Done,
    /// The values that were read.
    Records(Vec<Record>),
    /// The links that were discovered.
    Links(Vec<Link>),
    /// The instance that was created.
    Created(Path),
    /// The observation runs.
    Observing {
        /// The observation.
        observation: Box<ObservationInfo>,
        /// The values at its start.
        records: Vec<Record>,
    },
}
