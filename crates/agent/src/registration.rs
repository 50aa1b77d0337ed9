//! The registration at one server: its states, and what moves it from one to the next (Core 1.2.2 §6.2).

use dunlin_coap::time::{Duration, Instant};
use dunlin_coap::{MessageId, Parameters};
use dunlin_lwm2m::{Binding, LwM2mVersion};
use dunlin_model::{InstanceId, ObjectId, ResourceId, Value};
use heapless::Vec;

use crate::config::Profile;
use crate::exchange::Exchange;
use crate::features::PROFILE;
use crate::observation::Unconfirmed;
use crate::send::Sending;
use crate::{Config, Objects, content::SINGLE, links};

/// The longest Location-Path that is kept, in bytes with one for each segment.
const LOCATION: usize = 48;

/// Delay after the first failed attempt where /1/x/18 is absent (Core 1.2.2 §6.2.1).
const RETRY_TIMER: u32 = 60;

/// Attempts in one sequence where /1/x/17 is absent.
const RETRY_COUNT: u32 = 5;

/// Delay between sequences where /1/x/19 is absent.
const SEQUENCE_DELAY: u32 = 86_400;

/// Time without the server after a Disable where /1/x/5 is absent.
const DISABLE_TIMEOUT: u32 = 86_400;

/// Where the registration stands.
///
/// ```text
///   connect
///      │
///      ▼      timer                  2.01
///   Waiting ─────────► Registering ─────────► Registered ◄────────┐
///      ▲ ▲                 │                   │   │   │          │ 2.04, or 5.03: again after Max-Age
///      │ └─────────────────┘                   │   │   └────► Updating
///      │  no answer, refused: back-off         │   │ lifetime ends soon,  │
///      │                                       │   │ objects changed,     │
///      │          deregister(), Disable        │   │ trigger executed     │
///      │                                       ▼   │                      │
///      │◄─ Disabled ◄─ after Disable ─ Deregistering                      │
///      │                                       │                          │
///      │                                       ▼ after deregister()       │
///      │                                    Stopped                       │
///      └──────────────────────────────────────────────────────────────────┘
///                  4.04, no answer, refused: at once
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Registration {
    /// Not registered, and nothing is to be done about it.
    Stopped,
    /// Not registered; a Register is sent when [`Slot::until`] has come.
    Waiting,
    /// Not registered by wish of the server, until [`Slot::until`]: nobody behind it waits for it.
    Disabled,
    /// A Register is under way.
    Registering,
    /// Registered; no Update is sent before [`Slot::until`], by wish of the server.
    Registered,
    /// Registered, and an Update is under way.
    Updating,
    /// Registered, and a Send is under way.
    Sending,
    /// Still registered as far as the server knows, and a De-register is under way.
    Deregistering,
}

/// For how long the agent leaves a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leave {
    /// Until it is connected again.
    ForGood,
    /// Until it registers again by itself.
    For(Duration),
}

/// What a server has been told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Told {
    pub(crate) lifetime: u32,
    pub(crate) binding: Binding,
    /// The fingerprint of the object list.
    pub(crate) list: u32,
}

impl Told {
    pub(crate) const NOTHING: Self = Self {
        lifetime: 0,
        binding: Binding::U,
        list: 0,
    };
}

/// What is kept for one server.
#[derive(Debug, Clone)]
#[cfg_attr(
    feature = "persistence",
    expect(
        clippy::struct_excessive_bools,
        reason = "each is known or wanted apart from the others"
    )
)]
pub(crate) struct Slot<P> {
    pub(crate) short_server_id: u16,
    pub(crate) peer: P,
    /// The instance of the Server object.
    pub(crate) account: InstanceId,
    /// The version to register with, or that it has registered with.
    pub(crate) version: LwM2mVersion,
    pub(crate) state: Registration,
    /// When a Register is sent, or before when no Update is.
    pub(crate) until: Instant,
    /// The request under way, where the state says that there is one.
    pub(crate) exchange: Exchange,
    pub(crate) location: Location,
    /// Failed attempts in this communication sequence.
    failures: u32,
    /// Communication sequences that have failed.
    pub(crate) sequences: u32,
    /// When the registration was last refreshed.
    pub(crate) refreshed: Instant,
    pub(crate) told: Told,
    /// The server does not know the Profile ID.
    pub(crate) needs_list: bool,
    /// The owner says that the server cannot be reached: nothing is sent to it.
    pub(crate) is_away: bool,
    /// An Update is wanted.
    pub(crate) update: bool,
    /// A De-register is wanted or under way.
    pub(crate) leave: Option<Leave>,
    pub(crate) unconfirmed: Option<Unconfirmed>,
    pub(crate) sending: Option<Sending>,
    /// The last confirmable response, which the server sends again when it misses the Acknowledgement.
    pub(crate) last_response: Option<MessageId>,
    /// It goes on from before a restart, and the server has not heard of the device's present address yet.
    #[cfg(feature = "persistence")]
    pub(crate) is_resumed: bool,
}

impl Registration {
    /// Whether a request is under way, beside which there is to be no other (RFC 7252 §4.7).
    pub(crate) fn is_busy(self) -> bool {
        matches!(
            self,
            Self::Registering | Self::Updating | Self::Sending | Self::Deregistering
        )
    }

    /// Whether requests of the server are heard: not before its registration is complete (Core 1.2.2 §6.2.1).
    pub(crate) fn is_registered(self) -> bool {
        matches!(self, Self::Registered | Self::Updating | Self::Sending)
    }
}

impl<P> Slot<P> {
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub(crate) fn new(
        short_server_id: u16,
        peer: P,
        account: InstanceId,
        version: LwM2mVersion,
        until: Instant,
    ) -> Self {
        Self {
            short_server_id,
            peer,
            account,
            version,
            state: Registration::Waiting,
            until,
            exchange: Exchange::NONE,
            location: Location::default(),
            failures: 0,
            sequences: 0,
            refreshed: until,
            told: Told::default(),
            needs_list: false,
            is_away: false,
            update: false,
            leave: None,
            unconfirmed: None,
            sending: None,
            last_response: None,
            #[cfg(feature = "persistence")]
            is_resumed: false,
        }
    }

    /// Whether requests of the server are heard.
    pub(crate) fn is_registered(&self) -> bool {
        self.state.is_registered()
    }

    /// The request under way.
    pub(crate) fn under_way(&mut self) -> Option<&mut Exchange> {
        self.state.is_busy().then_some(&mut self.exchange)
    }

    /// Whether no Register has been answered or given up yet, so that the delay before the first one counts.
    pub(crate) fn is_new(&self) -> bool {
        let untried = self.failures == 0 && self.sequences == 0;
        self.state == Registration::Waiting && untried && self.told == Told::default()
    }

    /// The delay before the first Register (/1/x/14).
    pub(crate) fn first_delay(&self, objects: &dyn Objects) -> Duration {
        let seconds = self.setting_or(objects, ResourceId::of::<14>(), 0);
        Duration::from_secs(seconds.into())
    }

    /// The registration is not there; a Register is sent at `until`.
    pub(crate) fn wait(&mut self, until: Instant) {
        self.state = Registration::Waiting;
        self.until = until;
    }

    /// A resource of the Server object.
    pub(crate) fn read<'o>(
        &self,
        objects: &'o dyn Objects,
        resource: ResourceId,
    ) -> Option<Value<'o>> {
        objects
            .instance(ObjectId::of::<1>(), self.account)?
            .read(resource, SINGLE)
    }

    /// A number in the Server object.
    pub(crate) fn setting(&self, objects: &dyn Objects, resource: ResourceId) -> Option<u32> {
        u32::try_from(self.read(objects, resource)?.as_i64()?).ok()
    }

    /// A number in the Server object, or what stands for it where it is absent.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn setting_or(&self, objects: &dyn Objects, resource: ResourceId, absent: u32) -> u32 {
        self.setting(objects, resource).unwrap_or(absent)
    }

    /// What the server is to be told.
    pub(crate) fn to_tell(&self, objects: &dyn Objects, config: &Config<'_>) -> Told {
        Told {
            lifetime: self.setting_or(
                objects,
                ResourceId::of::<1>(),
                dunlin_lwm2m::DEFAULT_LIFETIME,
            ),
            binding: self.binding(objects, config),
            list: links::fingerprint(objects),
        }
    }

    /// What stands for the object list in a Register.
    pub(crate) fn profile<'a>(&self, config: &Config<'a>) -> Option<Profile<'a>> {
        let stands = PROFILE && self.version >= LwM2mVersion::V1_2 && !self.needs_list;
        config.chosen_profile().filter(|_| stands)
    }

    /// Asks for an Update when the server has been told, or is being told, what no longer holds.
    pub(crate) fn review(&mut self, objects: &dyn Objects, config: &Config<'_>) {
        let told = match self.state {
            Registration::Registered | Registration::Sending => self.told,
            Registration::Updating => self.exchange.telling,
            _ => return,
        };
        if self.to_tell(objects, config) != told {
            self.update = true;
        }
    }

    /// Default pmin and pmax.
    pub(crate) fn default_periods(&self, objects: &dyn Objects) -> (Option<u32>, Option<u32>) {
        (
            self.setting(objects, ResourceId::of::<2>()),
            self.setting(objects, ResourceId::of::<3>()),
        )
    }

    /// Whether notifications are kept while the server is out of reach (/1/x/6); they are by default.
    pub(crate) fn keeps_notifications(&self, objects: &dyn Objects) -> bool {
        let keeps = self.read(objects, ResourceId::of::<6>());
        keeps.and_then(|value| value.as_bool()) != Some(false)
    }

    /// Whether notifications are confirmable by default (/1/x/26).
    pub(crate) fn notifies_confirmably(&self, objects: &dyn Objects) -> bool {
        self.setting_or(objects, ResourceId::of::<26>(), 0) == 1
    }

    /// The `b` parameter: UDP, in LwM2M 1.0 with the queue mode that the configuration or /1/x/7 asks for. Later
    /// versions have a parameter of its own for that.
    fn binding(&self, objects: &dyn Objects, config: &Config<'_>) -> Binding {
        let asked = || match self.read(objects, ResourceId::of::<7>()) {
            // Not `contains`, whose search is made for long texts.
            Some(Value::String(text)) => text.bytes().any(|byte| byte == b'Q'),
            _ => false,
        };
        if self.version == LwM2mVersion::V1_0 && (config.queue_mode || asked()) {
            Binding::UQ
        } else {
            #[cfg(feature = "tcp")]
            if crate::account::find(objects, Some(self.short_server_id))
                .is_some_and(crate::account::is_over_a_stream)
            {
                return Binding::T;
            }
            #[cfg(feature = "other-transports")]
            return config.binding;
            #[cfg(not(feature = "other-transports"))]
            Binding::U
        }
    }

    /// How long the server stays disabled.
    pub(crate) fn disable_timeout(&self, objects: &dyn Objects) -> Duration {
        let seconds = self.setting_or(objects, ResourceId::of::<5>(), DISABLE_TIMEOUT);
        Duration::from_secs(seconds.into())
    }

    /// When the lifetime asks for an Update: as long before its end as a request may take to get through
    /// (`MAX_TRANSMIT_WAIT`, RFC 7252 §4.8.2), but not before half of it is over. A lifetime of 0 never asks.
    pub(crate) fn update_due(&self, parameters: &Parameters) -> Option<Instant> {
        let lifetime = Duration::from_secs(self.told.lifetime.into());
        let margin = parameters
            .max_transmit_wait()
            .min(Duration::from_millis(lifetime.as_millis() / 2));
        (!lifetime.is_zero()).then(|| {
            self.refreshed
                .saturating_add(lifetime.saturating_sub(margin))
        })
    }

    /// The time until the next attempt after one more has failed: the retry timer doubled with each attempt, then the
    /// delay between sequences (/1/x/17 to 19).
    pub(crate) fn back_off(&mut self, objects: &dyn Objects) -> Duration {
        let count = self
            .setting_or(objects, ResourceId::of::<17>(), RETRY_COUNT)
            .max(1);
        self.failures = self.failures.saturating_add(1);
        let seconds = if self.failures >= count {
            self.failures = 0;
            self.sequences = self.sequences.saturating_add(1);
            self.setting_or(objects, ResourceId::of::<19>(), SEQUENCE_DELAY)
        } else {
            let timer = self.setting_or(objects, ResourceId::of::<18>(), RETRY_TIMER);
            let doublings = self.failures.saturating_sub(1).min(31);
            timer.saturating_mul(1_u32.wrapping_shl(doublings))
        };
        // A timer of 0 would be a storm of requests.
        Duration::from_secs(seconds.max(1).into())
    }

    /// Whether the communication sequences (/1/x/20) are over, so that the registration counts as failed.
    pub(crate) fn has_failed(&self, objects: &dyn Objects) -> bool {
        let sequences = self.setting_or(objects, ResourceId::of::<20>(), 1);
        self.sequences >= sequences.max(1)
    }

    /// Whether the last failure ended the last communication sequence, or was an explicit rejection, and a bootstrap is to
    /// follow (/1/x/16).
    pub(crate) fn leads_to_bootstrap(&self, objects: &dyn Objects, rejected: bool) -> bool {
        let on_failure = self.read(objects, ResourceId::of::<16>());
        (rejected || self.failures == 0 && self.has_failed(objects))
            && on_failure.and_then(|value| value.as_bool()) != Some(false)
    }

    /// The registration is as the request under way has told it, and what is under way is over.
    pub(crate) fn refreshed(&mut self, now: Instant) {
        #[cfg(feature = "persistence")]
        {
            self.is_resumed = false;
        }
        self.refreshed = self.exchange.begun;
        self.told = self.exchange.telling;
        self.state = Registration::Registered;
        self.until = now;
    }

    /// A registration has succeeded.
    pub(crate) fn succeeded(&mut self) {
        self.failures = 0;
        self.sequences = 0;
    }
}

/// `delay`, whose seconds have 32 bits, and up to half as much again, so that a fleet does not come back at once.
pub(crate) fn spread(delay: Duration, random: u32) -> Duration {
    let half = delay.as_millis() / 2;
    // Of 16 bits, with which nothing overflows.
    let share = u64::from(random >> 16);
    let more = half.wrapping_mul(share) >> 16;
    delay.saturating_add(Duration::from_millis(more))
}

/// Where the registration is at the server: the segments of the Location-Path, each behind its length.
#[derive(Debug, Clone, Default)]
pub(crate) struct Location(Vec<u8, LOCATION>);

impl Location {
    /// Keeps `segments`; `None` when there is none, or too much of them.
    pub(crate) fn new<'s>(segments: impl Iterator<Item = &'s [u8]>) -> Option<Self> {
        let mut bytes = Vec::new();
        for segment in segments {
            bytes.push(u8::try_from(segment.len()).ok()?).ok()?;
            bytes.extend_from_slice(segment).ok()?;
        }
        (!bytes.is_empty()).then_some(Self(bytes))
    }

    /// Whether it leads nowhere.
    #[cfg(feature = "persistence")]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The segments.
    pub(crate) fn segments(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.0.as_slice();
        core::iter::from_fn(move || {
            let (length, tail) = rest.split_first()?;
            let (segment, tail) = tail.split_at_checked(usize::from(*length))?;
            rest = tail;
            Some(segment)
        })
    }
}
