//! `LwM2M` device-management manager (server) as a library: devices register over `CoAP`, programs read, write, execute and
//! observe them by their endpoint names, and what must outlive a restart is in a store.
//!
//! No HTTP, no users, no opinion about what the values mean: that is for who links it (`dunlin-server` is one).
//!
//! ```no_run
//! use dunlin_manager::{Event, Manager, Sqlite, device};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let manager = Manager::builder()
//!     .listen("coap://[::]:5683")?
//!     .store(Sqlite::open("fleet.db")?)
//!     .start()
//!     .await?;
//!
//! let mut events = manager.events();
//! while let Some(event) = events.next().await {
//!     if let Event::Registered(device) = event {
//!         let level = device.read(device::BATTERY_LEVEL).await?; // an i64: the type comes with the resource
//!         println!("{} has {level} % left", device.endpoint());
//!         let mut heat = device.observe((3303, 0, 5700)).pmin(10).pmax(300).await?; // or by plain numbers
//!         tokio::spawn(async move {
//!             while let Some(notification) = heat.next().await {
//!                 println!("{:?}", notification.records.value());
//!             }
//!         });
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What outlives a crash
//!
//! A registration, a change of one, a device's leave and the start of an observation are stored before they are
//! acknowledged: whoever was told of them finds them again after `kill -9`, and the devices stay usable without
//! registering again. What only repeats or informs is stored within [`Config::write_behind`]: refreshed lifetimes, last
//! known values, the end of lifetimes and of observations. A device whose lifetime passed while no manager ran has
//! [`Config::lifetime_grace`] to be heard.
//!
//! When the store takes no changes, registrations and changes of them are refused with 5.03 and a Max-Age, everything
//! else goes on, [`Event::StoreFailing`] and [`StoreMetrics::failing`] tell it, and every [`Config::store_retry`] the
//! store is tried again.
//!
//! # What is inside
//!
//! A [`shard::Shard`] is the whole protocol without sockets, threads or clocks; the runtime around it has one task that
//! owns the shard and its UDP sockets, and one thread that owns the store.

mod administration;
mod command;
mod config;
mod credential;
mod error;
mod event;
mod handle;
mod identity;
mod manager;
mod metrics;
mod observation;
mod peer;
mod registration;
mod registry;
mod resources;
mod runtime;
pub mod shard;
mod store;
mod target;
mod timestamp;
mod value;

pub use administration::{Administration, KeepObjectsError};
pub use command::{Action, Command, Outcome};
pub use config::Config;
pub use credential::{
    Credential, CredentialError, CredentialInfo, CredentialKind, CredentialPage, SecretKey,
    StoredCredential,
};
pub use error::{CommandError, StartError};
pub use event::{Event, Events, Notification};
pub use handle::{Device, Observe, Request};
pub use identity::ServerIdentity;
pub use manager::{Devices, Manager, ManagerBuilder};
pub use metrics::{
    CommandCount, DtlsMetrics, Malformed, MalformedCount, Metrics, RequestCount, RequestKind,
    StoreMetrics,
};
pub use observation::Observation;
pub use peer::{AssociationId, Peer};
pub use registration::{
    DeviceInfo, DevicePage, DeviceState, KnownValue, Link, Location, ObservationInfo,
    ObservationState, Registration,
};
pub use registry::{
    DefinitionFileError, DefinitionFileErrorKind, DeviceObjects, Loaded, ObjectSource, Position,
    RegisteredObject, Registry, ResourceNote,
};
pub use resources::{device, server, temperature};
pub use store::{
    Change, MemoryStore, Snapshot, Sqlite, SqliteOptions, Store, StoreError, StoredAssociation,
    StoredDevice, StoredObject, StoredObservation, StoredTicketKeys,
};
pub use target::{FromRecords, Resource, ResourceType, Target};
pub use timestamp::Timestamp;
pub use value::{OwnedValue, Record, Records, WriteValue};

// What the signatures here are made of.
pub use dunlin_coap::Code;
pub use dunlin_codec::ContentFormat;
pub use dunlin_lwm2m::{Binding, LwM2mVersion, WriteMode};
pub use dunlin_model::{
    AttributeChanges, Attributes, InstanceId, ObjectId, ObjectLink, Path, ResourceId,
    ResourceInstanceId, ValueType, Version,
};
