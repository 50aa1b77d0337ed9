//! The JSON bodies of the HTTP API under `/api/v1`.
//!
//! Every type is both `Serialize` and `Deserialize`, so that the server, the `dunlin` program and other Rust clients share
//! one definition, and `ToSchema`, so that the `OpenAPI` document is made from it.
//!
//! Conventions: times are RFC 3339 in UTC with milliseconds; durations are whole seconds and say so in their name; paths are
//! written `/object/instance/resource/resource-instance`; a member that is not known is absent, not `null`.

mod command;
mod device;
mod event;
mod health;
mod object;
mod observation;
mod problem;
mod security;
mod value;

pub use command::{
    CreateRequest, Created, DiscoverResponse, ExecuteRequest, Format, Link, ReadResponse,
    WriteRecord, WriteRequest,
};
pub use device::{
    DeviceDetail, DeviceList, DeviceState, DeviceSummary, InstanceNode, ObjectNode,
    ResourceInstanceNode, ResourceNode,
};
pub use event::{Event, EventKind};
pub use health::{Health, HealthStatus};
pub use object::{
    ObjectDetail, ObjectList, ObjectSource, ObjectSummary, ObjectsUploaded, ResourceDefinition,
};
pub use observation::{
    AttributeChanges, NotificationAttributes, Observation, ObservationList, ObservationStarted,
    ObservationState,
};
pub use problem::{Problem, ProblemKind};
pub use security::{Credential, CredentialKind, CredentialList, CredentialRequest, Secret};
pub use value::{DataType, Record};

/// A time as the API writes it: RFC 3339, UTC.
pub use jiff::Timestamp;
