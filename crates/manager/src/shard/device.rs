//! What a shard holds of one device.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use dunlin_coap::observe::Freshness;
use dunlin_coap::time::Instant;
use dunlin_coap::{MessageIds, Token};
use dunlin_codec::ContentFormat;
use dunlin_model::{Attributes, Path};

use super::exchange::Exchange;
use super::job::Job;
use super::{Shard, Ticket, TokenUse, engine, random_id};
use crate::{OwnedValue, Registration, StoredDevice, StoredObservation, Timestamp};

/// The place of a device in the shard's table. Devices are never taken out, so that a place stays theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct DeviceId(pub(super) u32);

/// A device: its registration, what waits for it, what is observed and what was heard.
pub(super) struct Device {
    pub(super) registration: Arc<Registration>,
    /// Whether the registration stands.
    pub(super) registered: bool,
    /// The newest version of the registration that waits for the store, on which the next Update builds.
    pub(super) staged: Option<(Ticket, Arc<Registration>)>,
    pub(super) updated_at: Timestamp,
    pub(super) last_seen: Timestamp,
    /// When the registration ends, grace included; `None` if it does not stand or never ends.
    pub(super) expires: Option<Instant>,
    /// Until when a device in queue mode is taken for awake.
    pub(super) awake_until: Instant,
    pub(super) message_ids: MessageIds,
    pub(super) queue: VecDeque<Job>,
    pub(super) exchange: Option<Box<Exchange>>,
    /// The format with which the device answered after it had refused the one expected of it.
    pub(super) learned_format: Option<ContentFormat>,
    pub(super) observations: BTreeMap<Path, Observation>,
    pub(super) values: BTreeMap<Path, (OwnedValue, Timestamp)>,
    /// The last write behind of the registration.
    pub(super) row_written: Ticket,
    /// What of the above is not stored.
    pub(super) dirty: Dirty,
}

/// An observation that is kept up.
pub(super) struct Observation {
    pub(super) attributes: Attributes,
    pub(super) token: Token,
    pub(super) format: Option<ContentFormat>,
    pub(super) started_at: Timestamp,
    pub(super) notified_at: Option<Timestamp>,
    /// Whether the device is believed to have it.
    pub(super) active: bool,
    /// Of the newest notification since the start of the shard.
    pub(super) freshness: Option<Freshness>,
}

impl Observation {
    pub(super) fn stored(&self, path: Path) -> StoredObservation {
        StoredObservation {
            path,
            attributes: self.attributes,
            token: self.token,
            format: self.format,
            started_at: self.started_at,
        }
    }
}

/// What changed in memory and is not on its way to the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Dirty {
    /// The whole registration.
    pub(super) row: bool,
    /// The moments at which the device was heard.
    pub(super) seen: bool,
    /// Values that are new or gone.
    pub(super) values: BTreeSet<Path>,
    /// Observations that ended.
    pub(super) ended: BTreeSet<Path>,
}

impl Dirty {
    pub(super) fn merge(&mut self, other: Self) {
        self.row |= other.row;
        self.seen |= other.seen;
        self.values.extend(other.values);
        self.ended.extend(other.ended);
    }
}

impl Device {
    pub(super) fn new(
        registration: Arc<Registration>,
        wall: Timestamp,
        message_ids: MessageIds,
    ) -> Self {
        Self {
            registration,
            registered: false,
            staged: None,
            updated_at: wall,
            last_seen: wall,
            expires: None,
            awake_until: Instant::ZERO,
            message_ids,
            queue: VecDeque::new(),
            exchange: None,
            learned_format: None,
            observations: BTreeMap::new(),
            values: BTreeMap::new(),
            row_written: Ticket(0),
            dirty: Dirty::default(),
        }
    }

    pub(super) fn endpoint(&self) -> &Arc<str> {
        &self.registration.endpoint
    }

    /// Whether it is registered and taken for awake at `now`.
    fn is_awake(&self, now: Instant) -> bool {
        self.registered && (!self.registration.queue_mode || now < self.awake_until)
    }

    /// The next moment at which something is due for the device.
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let queue = self.queue.iter().map(|job| job.deadline).min();
        let exchange = self
            .exchange
            .as_ref()
            .map(|exchange| exchange.next_timeout());
        [self.expires, queue, exchange].into_iter().flatten().min()
    }
}

impl Shard {
    /// Whether a command may be sent to a device at `now`: it is awake, and has an association if it needs one.
    pub(super) fn is_reachable(&self, device: &Device, now: Instant) -> bool {
        let association = device.registration.peer.association;
        device.is_awake(now) && association.is_none_or(|id| self.secure.has_association(id))
    }

    pub(super) fn device_at(&self, id: DeviceId) -> &Device {
        // An identifier is only made for a device that is in the table, and devices stay there.
        &self.devices[id.0 as usize]
    }

    pub(super) fn device_mut(&mut self, id: DeviceId) -> &mut Device {
        &mut self.devices[id.0 as usize]
    }

    /// The device of this registration's endpoint, made where it is new.
    pub(super) fn device_for(
        &mut self,
        registration: &Arc<Registration>,
        wall: Timestamp,
    ) -> DeviceId {
        if let Some(id) = self.by_endpoint.get(&registration.endpoint) {
            return *id;
        }
        let id = DeviceId(u32::try_from(self.devices.len()).unwrap_or(u32::MAX));
        let message_ids = MessageIds::new(random_id(&mut self.rng));
        self.devices
            .push(Device::new(Arc::clone(registration), wall, message_ids));
        self.by_endpoint
            .insert(Arc::clone(&registration.endpoint), id);
        id
    }

    /// Puts a device from the store into the table.
    pub(super) fn restore(&mut self, now: Instant, stored: StoredDevice) {
        let id = self.device_for(&stored.registration, stored.last_seen);
        if stored.registered {
            self.by_location.insert(stored.registration.location, id);
            self.registration_count += 1;
        }
        for observation in &stored.observations {
            self.by_token.insert(
                observation.token,
                TokenUse::Observation(id, observation.path),
            );
        }
        self.observation_count += stored.observations.len();
        let wall = self.wall(now);
        let grace = engine(self.config.lifetime_grace);
        let device = self.device_mut(id);
        device.registered = stored.registered;
        device.updated_at = stored.updated_at;
        device.last_seen = stored.last_seen;
        // A device whose lifetime passed while nobody listened gets the grace to be heard.
        device.expires = device
            .registration
            .expires_at(stored.updated_at)
            .filter(|_| stored.registered)
            .map(|end| {
                now + dunlin_coap::time::Duration::from_millis(end.millis_since(wall)) + grace
            });
        device.observations = stored
            .observations
            .into_iter()
            .map(|observation| {
                let kept = Observation {
                    attributes: observation.attributes,
                    token: observation.token,
                    format: observation.format,
                    started_at: observation.started_at,
                    notified_at: None,
                    active: stored.registered,
                    freshness: None,
                };
                (observation.path, kept)
            })
            .collect();
        device.values = stored
            .values
            .into_iter()
            .map(|known| (known.path, (known.value, known.updated_at)))
            .collect();
        self.schedule(id);
    }

    /// Sets the timer of a device after anything of it has changed.
    pub(super) fn schedule(&mut self, id: DeviceId) {
        let moment = self.device_at(id).next_timeout();
        self.timers.set(super::Timer::Device(id), moment);
    }

    /// Notes that a device was heard: it is there, and awake.
    pub(super) fn heard(&mut self, now: Instant, id: DeviceId) {
        let wall = self.wall(now);
        let awake = now + engine(self.config.awake_time);
        let device = self.device_mut(id);
        device.last_seen = wall;
        device.awake_until = awake;
        device.dirty.seen = true;
        self.soil(now, id);
    }
}
