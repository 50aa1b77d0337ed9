//! Object 1, LwM2M Server.

use dunlin_lwm2m::{Arguments, Binding};
use dunlin_model::objects::SERVER;
use dunlin_model::{ObjectDefinition, ResourceId, ResourceInstanceId, Value};
use heapless::String;

use crate::features::{BOOTSTRAP, OTHER_TRANSPORTS};
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
    /// Whether notifications are to be stored while the server is out of reach (resource 6): as many values as the attribute
    /// `hqmax` asks for, with the feature `history`. The newest value is told afterwards whatever stands here.
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

/// The fields of optional numbers and optional truth values, by their resources. Most of the object is alike.
macro_rules! optional_fields {
    ($numbers:ident $truths:ident $($reference:tt)+) => {
        fn $numbers($($reference)+ self, resource: u16) -> Option<$($reference)+ Option<u32>> {
            Some(match resource {
                2 => $($reference)+ self.default_minimum_period,
                3 => $($reference)+ self.default_maximum_period,
                5 => $($reference)+ self.disable_timeout,
                13 => $($reference)+ self.priority,
                14 => $($reference)+ self.initial_registration_delay,
                17 => $($reference)+ self.retry_count,
                18 => $($reference)+ self.retry_timer,
                19 => $($reference)+ self.sequence_delay_timer,
                20 => $($reference)+ self.sequence_retry_count,
                _ => return None,
            })
        }

        fn $truths($($reference)+ self, resource: u16) -> Option<$($reference)+ Option<bool>> {
            Some(match resource {
                15 => $($reference)+ self.failure_block,
                16 => $($reference)+ self.bootstrap_on_failure,
                23 => $($reference)+ self.mute_send,
                // The mode of notifications: an integer, 0 or 1.
                26 => $($reference)+ self.confirmable_notifications,
                _ => return None,
            })
        }
    };
}

impl ServerAccount {
    optional_fields!(number truth &);
    optional_fields!(number_mut truth_mut &mut);
}

impl Object for ServerAccount {
    fn read(&self, resource: ResourceId, _: ResourceInstanceId) -> Option<Value<'_>> {
        let id = resource.get();
        if let Some(number) = self.number(id) {
            return number.map(|number| match id {
                0..13 => Value::Integer(number.into()),
                _ => Value::Unsigned(number.into()),
            });
        }
        if let Some(truth) = self.truth(id) {
            return truth.map(|truth| match id {
                26 => Value::Integer(truth.into()),
                _ => Value::Boolean(truth),
            });
        }
        Some(match id {
            0 => Value::Integer(self.short_server_id.into()),
            1 => Value::Integer(self.lifetime.into()),
            4 | 8 => Value::None,
            6 => Value::Boolean(self.notification_storing),
            7 => Value::String(&self.binding),
            9 if BOOTSTRAP => Value::None,
            _ => return None,
        })
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
            (1, _) => seconds(value).map(|_| ()),
            (6, _) => Ok(()),
            // UDP is all there is to switch to.
            (7, Value::String(text)) => match Binding::parse(text) {
                Ok(binding)
                    if (OTHER_TRANSPORTS || binding.has('U'))
                        && text.len() <= self.binding.capacity() =>
                {
                    Ok(())
                }
                _ => Err(Error::BadValue),
            },
            (id, _) if self.number(id).is_some() => seconds(value).map(|_| ()),
            (id, _) if self.truth(id).is_some() => Ok(()),
            _ => Err(Error::NotFound),
        }
    }

    fn write(
        &mut self,
        resource: ResourceId,
        _: ResourceInstanceId,
        value: &Value<'_>,
    ) -> Result<(), Error> {
        let id = resource.get();
        if let Some(number) = self.number_mut(id) {
            *number = Some(seconds(value)?);
            return Ok(());
        }
        if let Some(truth) = self.truth_mut(id) {
            *truth = Some(matches!(value, Value::Boolean(true) | Value::Integer(1)));
            return Ok(());
        }
        match (id, value) {
            (0, _) => self.short_server_id = short_server_id(value)?,
            (1, _) => self.lifetime = seconds(value)?,
            (6, Value::Boolean(storing)) => self.notification_storing = *storing,
            (7, Value::String(text)) => super::set(&mut self.binding, text)?,
            _ => return Err(Error::NotFound),
        }
        Ok(())
    }

    fn clear(&mut self, resource: ResourceId) {
        if let Some(number) = self.number_mut(resource.get()) {
            *number = None;
        }
        if let Some(truth) = self.truth_mut(resource.get()) {
            *truth = None;
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
