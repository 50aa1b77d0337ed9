//! Object 1, LwM2M Server.

use dunlin_lwm2m::{Arguments, Binding};
use dunlin_model::objects::SERVER;
use dunlin_model::{ObjectDefinition, ResourceId, ResourceInstanceId, Value};
use heapless::String;

use crate::features::BOOTSTRAP;
use crate::{Error, Instances, Object, ObjectType};

/// Object 1, LwM2M Server, with room for `N` servers: how the agent behaves towards them.
pub type Server<const N: usize> = Instances<ServerAccount, N>;

/// One instance of the Server object.
///
/// The agent acts on what stands here, whoever changed it: a new lifetime is told to the server at once.
#[derive(Debug, Clone)]
pub struct ServerAccount {
    /// The short server id, 1 to 65534, that the instance shares with an account of the Security object (resource 0).
    pub short_server_id: u16,
    /// Lifetime of the registration in seconds, 0 without end (resource 1).
    pub lifetime: u32,
    /// The pmin of nodes that have none, seconds (resource 2).
    pub default_minimum_period: Option<u32>,
    /// The pmax of nodes that have none, seconds (resource 3).
    pub default_maximum_period: Option<u32>,
    /// How long the server stays disabled after an Execute of resource 4, seconds; 86400 when absent (resource 5).
    pub disable_timeout: Option<u32>,
    /// Whether notifications are to be stored while the server is disabled or out of reach (resource 6). The agent
    /// keeps the newest value only, whatever stands here.
    pub notification_storing: bool,
    /// The transports (resource 7), `U`.
    pub binding: String<8>,
    /// Delay before the first registration, seconds; none when absent (resource 14).
    pub initial_registration_delay: Option<u32>,
    /// Attempts in one communication sequence; 5 when absent (resource 17).
    pub retry_count: Option<u32>,
    /// Delay after the first failed attempt, seconds, doubled with each further one; 60 when absent (resource 18).
    pub retry_timer: Option<u32>,
    /// Delay before the next sequence, seconds; 86400 when absent (resource 19).
    pub sequence_delay_timer: Option<u32>,
    /// Whether notifications are sent confirmable; not when absent (resource 26).
    pub confirmable_notifications: Option<bool>,
    /// The place in the order of registrations, the smallest first; none when absent (resource 13).
    pub priority: Option<u32>,
    /// Whether a failure to register here keeps the servers behind it in that order from being tried; not when absent
    /// (resource 15).
    pub failure_block: Option<bool>,
    /// Whether a failure to register leads to a Bootstrap-Request; it does when absent (resource 16).
    pub bootstrap_on_failure: Option<bool>,
    /// How many communication sequences there are before that; 1 when absent (resource 20).
    pub sequence_retry_count: Option<u32>,
    /// Whether the server wants no Send; so it is when absent (resource 23).
    pub mute_send: Option<bool>,
}

impl ServerAccount {
    /// A server reached over UDP, with every optional resource absent.
    pub fn new(short_server_id: u16, lifetime: u32) -> Self {
        Self {
            short_server_id,
            lifetime,
            default_minimum_period: None,
            default_maximum_period: None,
            disable_timeout: None,
            notification_storing: true,
            binding: String::try_from("U").unwrap_or_default(),
            initial_registration_delay: None,
            retry_count: None,
            retry_timer: None,
            sequence_delay_timer: None,
            confirmable_notifications: None,
            priority: None,
            failure_block: None,
            bootstrap_on_failure: None,
            sequence_retry_count: None,
            mute_send: None,
        }
    }
}

impl<const N: usize> Server<N> {
    /// One server as instance 0; nothing when `N` is 0.
    pub fn single(short_server_id: u16, lifetime: u32) -> Self {
        let mut all = Self::new();
        let _ = all.insert(0, ServerAccount::new(short_server_id, lifetime));
        all
    }
}

impl ObjectType for ServerAccount {
    const DEFINITION: &'static ObjectDefinition = &super::trimmed(
        &SERVER,
        &const {
            super::resources(
                &SERVER,
                [
                    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 14, 15, 16, 17, 18, 19, 20, 23, 26,
                ],
            )
        },
    );

    fn provide() -> Option<Self> {
        Some(Self::new(0, dunlin_lwm2m::DEFAULT_LIFETIME))
    }
}

impl Object for ServerAccount {
    fn read(&self, resource: ResourceId, _: ResourceInstanceId) -> Option<Value<'_>> {
        let signed = |value: Option<u32>| value.map(|value| Value::Integer(value.into()));
        let unsigned = |value: Option<u32>| value.map(|value| Value::Unsigned(value.into()));
        match resource.get() {
            0 => Some(Value::Integer(self.short_server_id.into())),
            1 => Some(Value::Integer(self.lifetime.into())),
            2 => signed(self.default_minimum_period),
            3 => signed(self.default_maximum_period),
            4 | 8 => Some(Value::None),
            5 => signed(self.disable_timeout),
            6 => Some(Value::Boolean(self.notification_storing)),
            7 => Some(Value::String(&self.binding)),
            9 if BOOTSTRAP => Some(Value::None),
            13 => unsigned(self.priority),
            15 => self.failure_block.map(Value::Boolean),
            16 => self.bootstrap_on_failure.map(Value::Boolean),
            20 => unsigned(self.sequence_retry_count),
            23 => self.mute_send.map(Value::Boolean),
            14 => unsigned(self.initial_registration_delay),
            17 => unsigned(self.retry_count),
            18 => unsigned(self.retry_timer),
            19 => unsigned(self.sequence_delay_timer),
            26 => self
                .confirmable_notifications
                .map(|confirmable| Value::Integer(confirmable.into())),
            _ => None,
        }
    }

    fn check(
        &self,
        resource: ResourceId,
        _: ResourceInstanceId,
        value: &Value<'_>,
    ) -> Result<(), Error> {
        match (resource.get(), value) {
            // Only a Bootstrap-Server comes to write the short server id, the order and what follows a failure.
            (0, _) => short_server_id(value).map(|_| ()),
            (1..=3 | 5 | 13 | 14 | 17..=20, _) => seconds(value).map(|_| ()),
            (6 | 15 | 16 | 23 | 26, _) => Ok(()),
            // UDP is all there is to switch to.
            (7, Value::String(text)) => match Binding::parse(text) {
                Ok(binding) if binding.has('U') && text.len() <= self.binding.capacity() => Ok(()),
                _ => Err(Error::BadValue),
            },
            _ => Err(Error::NotFound),
        }
    }

    fn write(
        &mut self,
        resource: ResourceId,
        _: ResourceInstanceId,
        value: &Value<'_>,
    ) -> Result<(), Error> {
        match (resource.get(), value) {
            (0, _) => self.short_server_id = short_server_id(value)?,
            (1, _) => self.lifetime = seconds(value)?,
            (2, _) => self.default_minimum_period = Some(seconds(value)?),
            (3, _) => self.default_maximum_period = Some(seconds(value)?),
            (5, _) => self.disable_timeout = Some(seconds(value)?),
            (6, Value::Boolean(storing)) => self.notification_storing = *storing,
            (7, Value::String(text)) => super::set(&mut self.binding, text)?,
            (13, _) => self.priority = Some(seconds(value)?),
            (15, Value::Boolean(block)) => self.failure_block = Some(*block),
            (16, Value::Boolean(on)) => self.bootstrap_on_failure = Some(*on),
            (20, _) => self.sequence_retry_count = Some(seconds(value)?),
            (23, Value::Boolean(mute)) => self.mute_send = Some(*mute),
            (14, _) => self.initial_registration_delay = Some(seconds(value)?),
            (17, _) => self.retry_count = Some(seconds(value)?),
            (18, _) => self.retry_timer = Some(seconds(value)?),
            (19, _) => self.sequence_delay_timer = Some(seconds(value)?),
            (26, Value::Integer(mode)) => self.confirmable_notifications = Some(*mode == 1),
            _ => return Err(Error::NotFound),
        }
        Ok(())
    }

    fn clear(&mut self, resource: ResourceId) {
        match resource.get() {
            2 => self.default_minimum_period = None,
            3 => self.default_maximum_period = None,
            5 => self.disable_timeout = None,
            13 => self.priority = None,
            15 => self.failure_block = None,
            16 => self.bootstrap_on_failure = None,
            20 => self.sequence_retry_count = None,
            23 => self.mute_send = None,
            14 => self.initial_registration_delay = None,
            17 => self.retry_count = None,
            18 => self.retry_timer = None,
            19 => self.sequence_delay_timer = None,
            26 => self.confirmable_notifications = None,
            _ => {}
        }
    }

    /// The agent itself does what Disable (4) and the triggers of Update (8) and Bootstrap-Request (9) ask for.
    fn execute(&mut self, resource: ResourceId, _: &Arguments<'_>) -> Result<(), Error> {
        match resource.get() {
            4 | 8 | 9 => Ok(()),
            _ => Err(Error::NotFound),
        }
    }
}

fn short_server_id(value: &Value<'_>) -> Result<u16, Error> {
    u16::try_from(seconds(value)?).map_err(|_| Error::BadValue)
}

fn seconds(value: &Value<'_>) -> Result<u32, Error> {
    match value {
        Value::Integer(number) => u32::try_from(*number).map_err(|_| Error::BadValue),
        Value::Unsigned(number) => u32::try_from(*number).map_err(|_| Error::BadValue),
        _ => Err(Error::BadValue),
    }
}
