//! Register, Update, De-register and the end of lifetimes.

use std::sync::Arc;

use dunlin_coap::block::Block;
use dunlin_coap::time::{Duration, Instant};
use dunlin_coap::{Code, Message};
use dunlin_lwm2m::{LwM2mVersion, Register, Update};
use rand::Rng as _;

use super::answer::{Answer, Requester};
use super::device::DeviceId;
use super::links::{BadLinks, read_links};
use super::storing::Waiting;
use super::{Event, Shard, Ticket, engine};
use crate::{Change, Location, Registration};

/// Why a Register is forbidden.
const NOT_ITS_NAME: &str = "the client's credential is not that of this endpoint name";

impl Shard {
    pub(super) fn register(
        &mut self,
        now: Instant,
        requester: Requester,
        message: &Message<'_>,
        register: Register<'_>,
    ) {
        // A device whose credential says who it is need not say it itself.
        let proven = self.proven(requester.peer).cloned();
        let Some(endpoint) = register.endpoint.or(proven.as_deref()) else {
            let answer = Answer::because(Code::BAD_REQUEST, "ep: the endpoint name is missing");
            return self.answer(now, &requester, &answer);
        };
        if !self.speaks_for(requester.peer, endpoint) {
            let answer = Answer::because(Code::FORBIDDEN, NOT_ITS_NAME);
            return self.answer(now, &requester, &answer);
        }
        let Some((body, block1)) = self.whole_payload(now, &requester, message) else {
            return;
        };
        if body.is_empty() && register.profile_ids.is_some() {
            // LwM2M Core 1.2.2 §6.2.1: the device then registers with its object list.
            let answer = Answer {
                block1,
                ..Answer::because(Code::CONFLICT, "no such profile is known")
            };
            return self.answer(now, &requester, &answer);
        }
        let list = match read_links(&body) {
            Ok(list) => list,
            Err(error) => return self.bad_links(now, &requester, error, block1),
        };
        let known = self
            .by_endpoint
            .get_key_value(endpoint)
            .map(|(endpoint, _)| Arc::clone(endpoint));
        if self.storing.is_failing()
            || self.storing.waiting_count() >= self.config.max_waiting_for_store
            || (known.is_none()
                && self.devices.len() + self.storing.registers() >= self.config.max_devices)
        {
            return self.unavailable(now, &requester, block1);
        }
        let wall = self.wall(now);
        let registration = Arc::new(Registration {
            endpoint: known.unwrap_or_else(|| endpoint.into()),
            peer: requester.peer,
            location: self.new_location(),
            lifetime: register.lifetime,
            version: register.version,
            binding: register.binding,
            queue_mode: register.queue_mode,
            sms: register.sms.map(Into::into),
            root: list.root,
            formats: list.formats,
            links: list.links,
            registered_at: wall,
        });
        let change = Change::Registration {
            registration: Arc::clone(&registration),
            registered: true,
            updated_at: wall,
            last_seen: wall,
        };
        self.persist(
            now,
            change,
            Waiting::Register {
                requester,
                registration,
                block1,
            },
        );
    }

    /// A registration is stored: it stands from now on.
    pub(super) fn registered(
        &mut self,
        now: Instant,
        ticket: Ticket,
        requester: &Requester,
        registration: &Arc<Registration>,
        block1: Option<Block>,
    ) {
        let wall = self.wall(now);
        // It may have made another association while it waited.
        let registration = &self.at_present(registration);
        let id = self.device_for(registration, wall);
        self.interrupt(now, id);
        if self.device_at(id).registered {
            let location = self.device_at(id).registration.location;
            self.by_location.remove(&location);
        } else {
            self.registration_count += 1;
        }
        self.by_location.insert(registration.location, id);
        let expires = self.end_of_life(now, registration.lifetime);
        let device = self.device_mut(id);
        device.registration = Arc::clone(registration);
        device.registered = true;
        device.updated_at = wall;
        device.expires = expires;
        device.learned_format = None;
        // Where the end of the old registration was stored after the new one, the new one is stored again.
        device.dirty.row |= device.row_written > ticket;
        // The device has forgotten what was observed (LwM2M Core 1.2.2 §6.4).
        self.forget_observation_tokens(id);
        self.heard(now, id);
        self.counters.registered.count();
        let created = Answer {
            location: Some(registration.location),
            block1,
            ..Answer::new(Code::CREATED)
        };
        self.answer(now, requester, &created);
        self.event(Event::Registered {
            endpoint: Arc::clone(&registration.endpoint),
        });
        self.restore_observations(now, id);
        self.start_next(now, id);
    }

    pub(super) fn update(
        &mut self,
        now: Instant,
        requester: Requester,
        message: &Message<'_>,
        location: &[u8],
        update: Update<'_>,
    ) {
        let Some(id) = self.own_registration(&requester, location) else {
            return self.no_such_registration(now, &requester, None);
        };
        let Some((body, block1)) = self.whole_payload(now, &requester, message) else {
            return;
        };
        let device = self.device_at(id);
        let base = device
            .staged
            .as_ref()
            .map_or(&device.registration, |(_, staged)| staged);
        let mut changed = match changed(base, &update, &body) {
            Ok(changed) => changed,
            Err(Refusal::Links(error)) => return self.bad_links(now, &requester, error, block1),
            Err(Refusal::Lifetime) => {
                let answer = Answer {
                    block1,
                    ..Answer::because(Code::BAD_REQUEST, "lt: 0 came with LwM2M 1.1")
                };
                return self.answer(now, &requester, &answer);
            }
        };
        let moved = base.peer != requester.peer;
        if let (None, true, true) = (&changed, moved, self.storing.is_failing()) {
            // The device is reached at its new address although that cannot be stored now.
            let mut registration = Registration::clone(base);
            registration.peer = requester.peer;
            let registration = Arc::new(registration);
            self.device_mut(id).dirty.row = true;
            return self.updated(now, &requester, id, &registration, block1);
        }
        if moved {
            changed
                .get_or_insert_with(|| Registration::clone(base))
                .peer = requester.peer;
        }
        let Some(changed) = changed else {
            // Only the lifetime begins anew. That is stored with the next write behind: were it lost, the device would
            // have to register again.
            let registration = Arc::clone(&device.registration);
            return self.updated(now, &requester, id, &registration, block1);
        };
        if self.storing.is_failing()
            || self.storing.waiting_count() >= self.config.max_waiting_for_store
        {
            return self.unavailable(now, &requester, block1);
        }
        let wall = self.wall(now);
        let registration = Arc::new(changed);
        let change = Change::Registration {
            registration: Arc::clone(&registration),
            registered: true,
            updated_at: wall,
            last_seen: wall,
        };
        let waiting = Waiting::Update {
            requester,
            device: id,
            registration: Arc::clone(&registration),
            block1,
        };
        let ticket = self.persist(now, change, waiting);
        self.device_mut(id).staged = Some((ticket, registration));
    }

    /// An Update holds from now on.
    pub(super) fn updated(
        &mut self,
        now: Instant,
        requester: &Requester,
        id: DeviceId,
        registration: &Arc<Registration>,
        block1: Option<Block>,
    ) {
        let device = self.device_at(id);
        if !device.registered || device.registration.location != registration.location {
            // It ended, or was replaced, while the Update waited for the store, which may now have the wrong one last.
            self.device_mut(id).dirty.row = true;
            self.soil(now, id);
            return self.no_such_registration(now, requester, block1);
        }
        let registration = &self.at_present(registration);
        let device = self.device_at(id);
        let moved = device.registration.peer != registration.peer;
        if moved {
            self.interrupt(now, id);
        }
        let wall = self.wall(now);
        let expires = self.end_of_life(now, registration.lifetime);
        let device = self.device_mut(id);
        device.registration = Arc::clone(registration);
        device.updated_at = wall;
        device.expires = expires;
        self.heard(now, id);
        self.counters.updated.count();
        self.answer(
            now,
            requester,
            &Answer {
                block1,
                ..Answer::new(Code::CHANGED)
            },
        );
        self.event(Event::Updated {
            endpoint: Arc::clone(&registration.endpoint),
        });
        if moved {
            // A notification from the new address may have been reset before this Update arrived.
            self.doubt_observations(id);
        }
        self.restore_observations(now, id);
        self.start_next(now, id);
    }

    pub(super) fn deregister(&mut self, now: Instant, requester: Requester, location: &[u8]) {
        let Some(id) = self.own_registration(&requester, location) else {
            return self.no_such_registration(now, &requester, None);
        };
        if self.storing.is_failing() {
            self.device_mut(id).dirty.row = true;
            self.soil(now, id);
            return self.deregistered(now, &requester, id);
        }
        let wall = self.wall(now);
        let device = self.device_at(id);
        let change = Change::Registration {
            registration: Arc::clone(&device.registration),
            registered: false,
            updated_at: device.updated_at,
            last_seen: wall,
        };
        let location = device.registration.location;
        self.persist(
            now,
            change,
            Waiting::Deregister {
                requester,
                device: id,
                location,
            },
        );
    }

    /// A device has left.
    pub(super) fn deregistered(&mut self, now: Instant, requester: &Requester, id: DeviceId) {
        self.counters.deregistered.count();
        self.answer(now, requester, &Answer::new(Code::DELETED));
        self.event(Event::Deregistered {
            endpoint: Arc::clone(self.device_at(id).endpoint()),
        });
        self.heard(now, id);
        self.end_registration(now, id);
    }

    /// The lifetime of a registration and its grace have passed.
    pub(super) fn expire(&mut self, now: Instant, id: DeviceId) {
        self.counters.expired.count();
        self.event(Event::Expired {
            endpoint: Arc::clone(self.device_at(id).endpoint()),
        });
        self.device_mut(id).dirty.row = true;
        self.soil(now, id);
        self.end_registration(now, id);
    }

    fn end_registration(&mut self, now: Instant, id: DeviceId) {
        let device = self.device_mut(id);
        let location = device.registration.location;
        device.registered = false;
        device.expires = None;
        device.staged = None;
        self.registration_count = self.registration_count.saturating_sub(1);
        self.by_location.remove(&location);
        self.forget_observation_tokens(id);
        self.fail_all(now, id);
        self.schedule(id);
    }

    /// The device with this location, if the requester speaks for it; to all others there is none.
    fn own_registration(&self, requester: &Requester, location: &[u8]) -> Option<DeviceId> {
        self.by_location(location)
            .filter(|id| self.speaks_for(requester.peer, self.device_at(*id).endpoint()))
    }

    fn by_location(&self, text: &[u8]) -> Option<DeviceId> {
        self.by_location.get(&Location::parse(text)?).copied()
    }

    fn new_location(&mut self) -> Location {
        loop {
            let location = Location::from_bits(self.rng.next_u64());
            if !self.by_location.contains_key(&location) {
                return location;
            }
        }
    }

    fn end_of_life(&self, now: Instant, lifetime: u32) -> Option<Instant> {
        let grace = engine(self.config.lifetime_grace);
        (lifetime != 0).then(|| now + Duration::from_secs(u64::from(lifetime)) + grace)
    }

    fn no_such_registration(&mut self, now: Instant, requester: &Requester, block1: Option<Block>) {
        self.answer(
            now,
            requester,
            &Answer {
                block1,
                ..Answer::because(Code::NOT_FOUND, "no such registration")
            },
        );
    }

    fn bad_links(
        &mut self,
        now: Instant,
        requester: &Requester,
        error: BadLinks,
        block1: Option<Block>,
    ) {
        let diagnostic = format!("the object list is no link format at byte {}", error.offset);
        self.answer(
            now,
            requester,
            &Answer {
                block1,
                ..Answer::because(Code::BAD_REQUEST, &diagnostic)
            },
        );
    }

    /// 5.03: try again when the store may work again.
    pub(super) fn unavailable(
        &mut self,
        now: Instant,
        requester: &Requester,
        block1: Option<Block>,
    ) {
        let max_age = u32::try_from(self.config.store_retry.as_secs().max(1)).ok();
        self.answer(
            now,
            requester,
            &Answer {
                max_age,
                block1,
                ..Answer::new(Code::SERVICE_UNAVAILABLE)
            },
        );
    }
}

enum Refusal {
    Links(BadLinks),
    Lifetime,
}

/// The registration as an Update makes it; `None` where it stays as it is.
fn changed(
    base: &Registration,
    update: &Update<'_>,
    body: &[u8],
) -> Result<Option<Registration>, Refusal> {
    let mut changed = base.clone();
    if let Some(lifetime) = update.lifetime {
        if lifetime == 0 && base.version == LwM2mVersion::V1_0 {
            return Err(Refusal::Lifetime);
        }
        changed.lifetime = lifetime;
    }
    if let Some(binding) = update.binding {
        changed.binding = binding;
        if base.version == LwM2mVersion::V1_0 {
            // There the binding says it all.
            changed.queue_mode = binding.queue_mode();
        }
    }
    changed.queue_mode |= update.queue_mode;
    if let Some(sms) = update.sms {
        changed.sms = Some(sms.into());
    }
    if !body.is_empty() {
        let list = read_links(body).map_err(Refusal::Links)?;
        changed.root = list.root;
        changed.formats = list.formats;
        changed.links = list.links;
    }
    Ok((changed != *base).then_some(changed))
}
