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
        let mut account = Self {
            short_server_id,
            lifetime,
            default_minimum_period: None,
            default_maximum_period: None,
            disable_timeout: None,
            notification_storing: true,
            binding: String::new(),
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
        };
        // There is room for one letter.
        let _ = super::set(&mut account.binding, "U");
        account
    }
}

impl<const N: usize> Server<N> {
    /// One server as instance 0; nothing when `N` is 0.
    pub fn single(short_server_id: u16, lifetime: u32) -> Self {
        Self::of(ServerAccount::new(short_server_id, lifetime))
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

    fn is_provided() -> bool {
        true
    }
}

/// A field that may be absent, as most are: a number, or a truth value.
enum Optional<N, T> {
    Number(N),
    Truth(T),
}

/// Such a field by its resource.
macro_rules! optional_fields {
    ($name:ident $($reference:tt)+) => {
        fn $name(
            $($reference)+ self,
            resource: u16,
        ) -> Option<Optional<$($reference)+ Option<u32>, $($reference)+ Option<bool>>> {
            Some(match resource {
                2 => Optional::Number($($reference)+ self.default_minimum_period),
                3 => Optional::Number($($reference)+ self.default_maximum_period),
                5 => Optional::Number($($reference)+ self.disable_timeout),
                13 => Optional::Number($($reference)+ self.priority),
                14 => Optional::Number($($reference)+ self.initial_registration_delay),
                15 => Optional::Truth($($reference)+ self.failure_block),
                16 => Optional::Truth($($reference)+ self.bootstrap_on_failure),
                17 => Optional::Number($($reference)+ self.retry_count),
                18 => Optional::Number($($reference)+ self.retry_timer),
                19 => Optional::Number($($reference)+ self.sequence_delay_timer),
                20 => Optional::Number($($reference)+ self.sequence_retry_count),
                23 => Optional::Truth($($reference)+ self.mute_send),
                // The mode of notifications: an integer, 0 or 1.
                26 => Optional::Truth($($reference)+ self.confirmable_notifications),
                _ => return None,
            })
        }
    };
}

impl ServerAccount {
    optional_fields!(optional &);
    optional_fields!(optional_mut &mut);
}

impl Object for ServerAccount {
    fn read(&self, resource: ResourceId, _: ResourceInstanceId) -> Option<Value<'_>> {
        let id = resource.get();
        Some(match self.optional(id) {
            Some(Optional::Number(number)) if id < 13 => Value::Integer((*number)?.into()),
            Some(Optional::Number(number)) => Value::Unsigned((*number)?.into()),
            Some(Optional::Truth(truth)) if id == 26 => Value::Integer((*truth)?.into()),
            Some(Optional::Truth(truth)) => Value::Boolean((*truth)?),
            None => match id {
                0 => Value::Integer(self.short_server_id.into()),
                1 => Value::Integer(self.lifetime.into()),
                4 | 8 => Value::None,
                6 => Value::Boolean(self.notification_storing),
                7 => Value::String(&self.binding),
                9 if BOOTSTRAP => Value::None,
                _ => return None,
            },
        })
    }

    fn check(
        &self,
        resource: ResourceId,
        index: ResourceInstanceId,
        value: &Value<'_>,
    ) -> Result<(), Error> {
        if let (7, Value::String(text)) = (resource.get(), value) {
            let binding = Binding::parse(text).map_err(|_| Error::BadValue)?;
            // UDP is all there is to switch to.
            if !OTHER_TRANSPORTS && !binding.has('U') {
                return Err(Error::BadValue);
            }
        }
        // What fits does not depend on what was there.
        Self::new(0, 0).write(resource, index, value)
    }

    /// Only a Bootstrap-Server comes to write the short server id, the order and what follows a failure.
    fn write(
        &mut self,
        resource: ResourceId,
        _: ResourceInstanceId,
        value: &Value<'_>,
    ) -> Result<(), Error> {
        let id = resource.get();
        let number = value.as_i64().and_then(|number| u32::try_from(number).ok());
        match self.optional_mut(id) {
            Some(Optional::Number(field)) => *field = Some(number.ok_or(Error::BadValue)?),
            Some(Optional::Truth(field)) => {
                *field = Some(number == Some(1) || matches!(value, Value::Boolean(true)));
            }
            None => match (id, value) {
                (0, _) => {
                    let number = number.and_then(|number| u16::try_from(number).ok());
                    self.short_server_id = number.ok_or(Error::BadValue)?;
                }
                (1, _) => self.lifetime = number.ok_or(Error::BadValue)?,
                (6, Value::Boolean(storing)) => self.notification_storing = *storing,
                (7, Value::String(text)) => super::set(&mut self.binding, text)?,
                _ => return Err(Error::NotFound),
            },
        }
        Ok(())
    }

    fn clear(&mut self, resource: ResourceId) {
        match self.optional_mut(resource.get()) {
            Some(Optional::Number(number)) => *number = None,
            Some(Optional::Truth(truth)) => *truth = None,
            None => {}
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
