//! The handle of one device.

use core::fmt;
use core::future::IntoFuture;
use core::pin::Pin;
use core::time::Duration;
use std::sync::Arc;

use dunlin_codec::ContentFormat;
use dunlin_lwm2m::WriteMode;
use dunlin_model::{AttributeChanges, Attributes, Level, Path};

use crate::runtime::Handle;
use crate::target::FromRecords;
use crate::{
    Action, Command, CommandError, DeviceInfo, KnownValue, Link, Observation, ObservationInfo,
    Outcome, Record, Target,
};

pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// One device by its endpoint name. Cheap to clone; it may be made before the device ever registers.
///
/// Every command is a [`Request`]: set what differs from the defaults, then `.await` it.
#[derive(Clone)]
pub struct Device {
    pub(crate) handle: Handle,
    pub(crate) endpoint: Arc<str>,
}

impl Device {
    /// The endpoint name.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Reads an object, an instance, a resource or a resource instance.
    ///
    /// ```no_run
    /// # use dunlin_manager::{CommandError, Device, device};
    /// # async fn example(device: Device) -> Result<(), CommandError> {
    /// let level = device.read(device::BATTERY_LEVEL).await?; // an i64
    /// let records = device.read((3303, 0)).await?; // whatever the device has there
    /// # Ok(())
    /// # }
    /// ```
    pub fn read<T: Target>(&self, target: T) -> Request<T::Value> {
        self.request(
            target.path().map(|path| Action::Read { path }),
            |path, outcome| match outcome {
                Outcome::Records(records) => T::Value::from_records(path, records),
                _ => Err(unexpected(path)),
            },
        )
    }

    /// Writes an instance, a resource or a resource instance: what is not given of an instance or a multiple resource goes.
    pub fn write<T: Target>(&self, target: T, value: impl Into<T::Input>) -> Request<()> {
        self.write_with(target, value.into(), WriteMode::Replace)
    }

    /// Writes resources of an instance, or resource instances of a multiple resource: what is not given stays as it is.
    pub fn write_partial<T: Target>(&self, target: T, value: impl Into<T::Input>) -> Request<()> {
        self.write_with(target, value.into(), WriteMode::Partial)
    }

    fn write_with<T: Target>(&self, target: T, value: T::Input, mode: WriteMode) -> Request<()> {
        let action = target.path().map(|path| Action::Write {
            path,
            mode,
            value: value.into(),
        });
        self.request(action, done)
    }

    /// Executes a resource. The arguments are in the form of Core 1.2.2 §6.3.5, such as `0,2='10.3'`; empty for none.
    pub fn execute(&self, target: impl Target, arguments: impl Into<String>) -> Request<()> {
        let arguments = arguments.into();
        self.request(
            target
                .path()
                .map(|path| Action::Execute { path, arguments }),
            done,
        )
    }

    /// Creates an instance of an object, `(3303,)`, or the instance that is named, `(3303, 1)`; gives its path.
    ///
    /// The records' paths are those of resources in the new instance. Where the device chooses the instance, write them
    /// with any instance, such as 0.
    pub fn create(&self, target: impl Target, records: Vec<Record>) -> Request<Path> {
        let action = target
            .path()
            .and_then(|path| match (path.object_id(), path.level()) {
                (Some(object), Level::Object | Level::Instance) => Ok(Action::Create {
                    object,
                    instance: path.instance_id(),
                    records,
                }),
                _ => Err(CommandError::invalid(format!(
                    "{path} is neither an object nor an instance: it cannot be created"
                ))),
            });
        self.request(action, |path, outcome| match outcome {
            Outcome::Created(created) => Ok(created),
            _ => Err(unexpected(path)),
        })
    }

    /// Deletes an object instance, or (1.1) a resource instance.
    pub fn delete(&self, target: impl Target) -> Request<()> {
        self.request(target.path().map(|path| Action::Delete { path }), done)
    }

    /// Lists what is at and below a node, with the attributes attached there.
    pub fn discover(&self, target: impl Target) -> Request<Vec<Link>> {
        self.request(
            target.path().map(|path| Action::Discover { path }),
            |path, outcome| match outcome {
                Outcome::Links(links) => Ok(links),
                _ => Err(unexpected(path)),
            },
        )
    }

    /// Attaches notification attributes to a node, or removes some: [`Attributes`] sets those that it has and keeps the
    /// others.
    pub fn write_attributes(
        &self,
        target: impl Target,
        changes: impl Into<AttributeChanges>,
    ) -> Request<()> {
        let changes = changes.into();
        self.request(
            target
                .path()
                .map(|path| Action::WriteAttributes { path, changes }),
            done,
        )
    }

    /// Observes a node: the device sends its values whenever they change, as its attributes say.
    ///
    /// The observation belongs to the manager, not to the handle that comes back: it outlives the handle, restarts of the
    /// manager and new registrations of the device, until [`cancel`](Self::cancel). Each path of a device is observed once;
    /// observing it again sets the attributes anew.
    pub fn observe(&self, target: impl Target) -> Observe {
        Observe {
            device: self.clone(),
            path: target.path(),
            attributes: Attributes::NONE,
            timeout: None,
            format: None,
        }
    }

    /// Ends the observation of a path.
    pub fn cancel(&self, target: impl Target) -> Request<()> {
        self.request(target.path().map(|path| Action::Cancel { path }), done)
    }

    /// What the manager knows of the device.
    ///
    /// # Errors
    ///
    /// [`CommandError::UnknownDevice`] and [`CommandError::Stopped`].
    pub async fn info(&self) -> Result<DeviceInfo, CommandError> {
        self.ask(super::shard::Shard::device).await
    }

    /// The last known values of the device's resources, in the order of their paths.
    ///
    /// # Errors
    ///
    /// [`CommandError::UnknownDevice`] and [`CommandError::Stopped`].
    pub async fn values(&self) -> Result<Vec<KnownValue>, CommandError> {
        self.ask(super::shard::Shard::values).await
    }

    /// The observations of the device, in the order of their paths.
    ///
    /// # Errors
    ///
    /// [`CommandError::UnknownDevice`] and [`CommandError::Stopped`].
    pub async fn observations(&self) -> Result<Vec<ObservationInfo>, CommandError> {
        self.ask(super::shard::Shard::observations).await
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: fn(&crate::shard::Shard, &str) -> Option<T>,
    ) -> Result<T, CommandError> {
        let endpoint = Arc::clone(&self.endpoint);
        let answer = self
            .handle
            .ask(move |shard| question(shard, &endpoint))
            .await?;
        answer.ok_or_else(|| CommandError::UnknownDevice {
            endpoint: Arc::clone(&self.endpoint),
        })
    }

    fn request<T>(&self, action: Result<Action, CommandError>, finish: Finish<T>) -> Request<T> {
        Request {
            device: self.clone(),
            action,
            timeout: None,
            format: None,
            finish,
        }
    }
}

impl PartialEq for Device {
    /// Whether both have the same name.
    fn eq(&self, other: &Self) -> bool {
        self.endpoint == other.endpoint
    }
}

impl Eq for Device {}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Device").field(&self.endpoint).finish()
    }
}

fn done(path: Path, outcome: Outcome) -> Result<(), CommandError> {
    match outcome {
        Outcome::Done => Ok(()),
        _ => Err(unexpected(path)),
    }
}

fn unexpected(path: Path) -> CommandError {
    CommandError::bad_answer(path, "the answer does not belong to the operation")
}

type Finish<T> = fn(Path, Outcome) -> Result<T, CommandError>;

/// A command that has not been sent yet: `.await` sends it and gives what comes of it.
#[must_use = "nothing is sent until the request is awaited"]
pub struct Request<T> {
    device: Device,
    action: Result<Action, CommandError>,
    timeout: Option<Duration>,
    format: Option<ContentFormat>,
    finish: Finish<T>,
}

impl<T> Request<T> {
    /// How long the command may take in all; the time for which it waits until a sleeping device is heard counts too.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The payload format to use; otherwise the manager chooses one that the device announced.
    pub fn format(mut self, format: ContentFormat) -> Self {
        self.format = Some(format);
        self
    }
}

impl<T> fmt::Debug for Request<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("device", &self.device)
            .field("action", &self.action)
            .finish_non_exhaustive()
    }
}

impl<T: Send + 'static> IntoFuture for Request<T> {
    type Output = Result<T, CommandError>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let action = self.action?;
            let path = action.path();
            let command = Command {
                action,
                timeout: self.timeout.map(Into::into),
                format: self.format,
            };
            let outcome = self
                .device
                .handle
                .command(Arc::clone(&self.device.endpoint), command)
                .await?;
            (self.finish)(path, outcome)
        })
    }
}

/// An observation that has not been started yet: `.await` starts it.
#[must_use = "nothing is sent until the request is awaited"]
#[derive(Debug)]
pub struct Observe {
    device: Device,
    path: Result<Path, CommandError>,
    attributes: Attributes,
    timeout: Option<Duration>,
    format: Option<ContentFormat>,
}

impl Observe {
    /// At least this many seconds between two notifications.
    pub fn pmin(mut self, seconds: u32) -> Self {
        self.attributes.pmin = Some(seconds);
        self
    }

    /// At most this many seconds between two notifications.
    pub fn pmax(mut self, seconds: u32) -> Self {
        self.attributes.pmax = Some(seconds);
        self
    }

    /// Notify when the value crosses this upper limit.
    pub fn greater_than(mut self, limit: f64) -> Self {
        self.attributes.gt = Some(limit);
        self
    }

    /// Notify when the value crosses this lower limit.
    pub fn less_than(mut self, limit: f64) -> Self {
        self.attributes.lt = Some(limit);
        self
    }

    /// Notify when the value has changed by this much.
    pub fn step(mut self, step: f64) -> Self {
        self.attributes.st = Some(step);
        self
    }

    /// All attributes at once.
    pub fn attributes(mut self, attributes: Attributes) -> Self {
        self.attributes = attributes;
        self
    }

    /// How long the start may take in all.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The payload format of the notifications; otherwise the manager chooses one that the device announced.
    pub fn format(mut self, format: ContentFormat) -> Self {
        self.format = Some(format);
        self
    }
}

impl IntoFuture for Observe {
    type Output = Result<Observation, CommandError>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let path = self.path?;
            let command = Command {
                action: Action::Observe {
                    path,
                    attributes: self.attributes,
                },
                timeout: self.timeout.map(Into::into),
                format: self.format,
            };
            let (outcome, notifications) = self
                .device
                .handle
                .observe(Arc::clone(&self.device.endpoint), path, command)
                .await?;
            match outcome {
                Outcome::Observing {
                    observation,
                    records,
                } => Ok(Observation::new(
                    self.device,
                    *observation,
                    records.into(),
                    notifications,
                )),
                _ => Err(unexpected(path)),
            }
        })
    }
}
