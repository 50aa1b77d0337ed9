//! Changes on their way to the store, and who waits for them.

use core::sync::atomic::Ordering::Relaxed;
use std::collections::HashMap;
use std::sync::Arc;

use dunlin_coap::block::Block;
use dunlin_coap::time::{Duration, Instant};
use dunlin_model::Path;

use super::answer::Requester;
use super::device::{DeviceId, Dirty};
use super::job::Origin;
use super::timers::Timer;
use super::{CommandId, Event, Output, Queued, Shard, Ticket, engine};
use crate::{
    Administration, AssociationId, Change, CommandError, KnownValue, Location, Outcome, Record,
    Registration,
};

/// How many devices are written behind at a time.
const WRITE_BEHIND: usize = 1024;

/// When the rest of them follows: the packets have their turn in between.
const WRITE_REST: Duration = Duration::from_millis(50);

/// Who waits for a change, and what is done when it is stored.
pub(super) enum Waiting {
    Register {
        requester: Requester,
        registration: Arc<Registration>,
        block1: Option<Block>,
    },
    Update {
        requester: Requester,
        device: DeviceId,
        registration: Arc<Registration>,
        block1: Option<Block>,
    },
    Deregister {
        requester: Requester,
        device: DeviceId,
        location: Location,
    },
    /// The device has accepted an observation and gave these values.
    Observation {
        device: DeviceId,
        path: Path,
        origin: Origin,
        records: Vec<Record>,
    },
    /// An order about the manager itself.
    Administration {
        id: CommandId,
        order: Administration,
    },
    /// An association may send so many records in all.
    Association {
        id: AssociationId,
        end: u64,
    },
    /// Tickets can be opened after a restart.
    TicketKeys,
    /// Nobody waits, and nothing is to be done.
    Forgotten,
    /// Nobody waits; what is not stored is dirty again.
    Nobody(DeviceId, Dirty),
    Probe,
}

impl Waiting {
    fn requester(&mut self) -> Option<&mut Requester> {
        match self {
            Self::Register { requester, .. }
            | Self::Update { requester, .. }
            | Self::Deregister { requester, .. } => Some(requester),
            Self::Observation { .. }
            | Self::Administration { .. }
            | Self::Association { .. }
            | Self::TicketKeys
            | Self::Forgotten
            | Self::Nobody(..)
            | Self::Probe => None,
        }
    }
}

/// The changes that the store has not told about.
#[derive(Default)]
pub(super) struct Storing {
    next: u64,
    waiting: HashMap<Ticket, Waiting>,
    registers: usize,
    failing: bool,
    probing: bool,
}

impl Storing {
    pub(super) fn is_failing(&self) -> bool {
        self.failing
    }

    pub(super) fn waiting_count(&self) -> usize {
        self.waiting.len()
    }

    /// How many registrations wait.
    pub(super) fn registers(&self) -> usize {
        self.registers
    }

    pub(super) fn requester(&mut self, ticket: Ticket) -> Option<&mut Requester> {
        self.waiting.get_mut(&ticket)?.requester()
    }
}

impl Shard {
    /// Asks to store `change`.
    pub(super) fn persist(&mut self, now: Instant, change: Change, mut waiting: Waiting) -> Ticket {
        // What a record brings about is stored behind the knowledge that the record was there, in one commit.
        let peer = match &waiting {
            Waiting::Observation { device, .. } | Waiting::Nobody(device, _) => {
                Some(self.device_at(*device).registration.peer)
            }
            _ => waiting.requester().map(|requester| requester.peer),
        };
        if let Some(id) = peer.and_then(|peer| peer.association) {
            self.persist_window(now, id);
        }
        self.storing.next = self.storing.next.wrapping_add(1);
        let ticket = Ticket(self.storing.next);
        if waiting
            .requester()
            .is_some_and(|requester| requester.confirmable)
        {
            self.timers.set(
                Timer::Waiting(ticket),
                Some(now + engine(self.config.acknowledge_after)),
            );
        }
        self.storing.registers += usize::from(matches!(waiting, Waiting::Register { .. }));
        self.storing.waiting.insert(ticket, waiting);
        self.outputs
            .push_back(Queued::Output(Output::Persist { ticket, change }));
        ticket
    }

    pub(super) fn stored(&mut self, now: Instant, tickets: &[Ticket], result: Result<(), String>) {
        match &result {
            Ok(()) => {
                self.counters.store_commits.count();
                self.counters.store_changes.add(tickets.len() as u64);
            }
            Err(_) => self.counters.store_failures.count(),
        }
        if self.storing.failing != result.is_err() {
            self.storing.failing = result.is_err();
            self.counters.store_failing.store(result.is_err(), Relaxed);
            self.event(match &result {
                Ok(()) => Event::StoreRecovered,
                Err(reason) => Event::StoreFailing {
                    reason: reason.clone(),
                },
            });
            // Whatever was set was meant for the other state.
            self.timers.set(Timer::Store, None);
        }
        for ticket in tickets {
            self.timers.set(Timer::Waiting(*ticket), None);
            if let Some(waiting) = self.storing.waiting.remove(ticket) {
                self.storing.registers -= usize::from(matches!(waiting, Waiting::Register { .. }));
                match &result {
                    Ok(()) => self.is_stored(now, *ticket, waiting),
                    Err(reason) => self.is_not_stored(now, *ticket, waiting, reason),
                }
            }
        }
        self.schedule_store(now);
    }

    fn is_stored(&mut self, now: Instant, ticket: Ticket, waiting: Waiting) {
        match waiting {
            Waiting::Register {
                requester,
                registration,
                block1,
            } => {
                self.registered(now, ticket, &requester, &registration, block1);
            }
            Waiting::Update {
                requester,
                device,
                registration,
                block1,
            } => {
                self.unstage(device, ticket);
                self.updated(now, &requester, device, &registration, block1);
            }
            Waiting::Deregister {
                requester,
                device,
                location,
            } => self.left(now, &requester, device, location),
            Waiting::Observation {
                device,
                path,
                origin,
                records,
            } => {
                self.observation_stored(now, device, path, origin, records);
            }
            Waiting::Administration { id, order } => self.administration_stored(now, id, order),
            Waiting::Association { id, end } => self.association_stored(id, end),
            Waiting::Nobody(..) | Waiting::TicketKeys | Waiting::Forgotten => {}
            Waiting::Probe => self.storing.probing = false,
        }
    }

    fn is_not_stored(&mut self, now: Instant, ticket: Ticket, waiting: Waiting, reason: &str) {
        match waiting {
            Waiting::Register {
                requester, block1, ..
            } => self.unavailable(now, &requester, block1),
            Waiting::Update {
                requester,
                device,
                block1,
                ..
            } => {
                self.unstage(device, ticket);
                self.unavailable(now, &requester, block1);
            }
            Waiting::Deregister {
                requester,
                device,
                location,
            } => {
                // The device leaves whether that is stored or not; it is stored when the store works again.
                self.device_mut(device).dirty.row = true;
                self.soil(now, device);
                self.left(now, &requester, device, location);
            }
            Waiting::Observation {
                device,
                path,
                origin,
                ..
            } => {
                if origin == Origin::Restore {
                    // It runs at the device, and is set up once more, and stored, when the device is heard the next time.
                    if let Some(observation) = self.device_mut(device).observations.get_mut(&path) {
                        observation.active = false;
                    }
                    return;
                }
                self.forget_observation(device, path);
                self.complete(
                    origin,
                    "Observe",
                    Err(CommandError::StoreFailed {
                        reason: reason.to_owned(),
                    }),
                );
            }
            Waiting::Administration { id, .. } => self.administered(
                id,
                Err(CommandError::StoreFailed {
                    reason: reason.to_owned(),
                }),
            ),
            Waiting::Association { id, .. } => self.association_not_stored(id),
            Waiting::TicketKeys => self.resumption.keys_not_stored(),
            Waiting::Forgotten => {}
            Waiting::Nobody(device, dirty) => {
                self.device_mut(device).dirty.merge(dirty);
                self.dirty.insert(device);
            }
            Waiting::Probe => self.storing.probing = false,
        }
    }

    fn left(&mut self, now: Instant, requester: &Requester, device: DeviceId, location: Location) {
        if self.device_at(device).registered
            && self.device_at(device).registration.location == location
        {
            self.deregistered(now, requester, device);
        } else {
            // It ended otherwise while the change waited, which was then stored after the one that counts.
            self.device_mut(device).dirty.row = true;
            self.soil(now, device);
            self.answer(
                now,
                requester,
                &super::answer::Answer::new(dunlin_coap::Code::DELETED),
            );
        }
    }

    fn unstage(&mut self, device: DeviceId, ticket: Ticket) {
        let staged = &mut self.device_mut(device).staged;
        if staged.as_ref().is_some_and(|(newest, _)| *newest == ticket) {
            *staged = None;
        }
    }

    /// An observation is stored: whoever asked for it gets its first values.
    fn observation_stored(
        &mut self,
        now: Instant,
        id: DeviceId,
        path: Path,
        origin: Origin,
        records: Vec<Record>,
    ) {
        let endpoint = Arc::clone(self.device_at(id).endpoint());
        let Some(observation) = self.observation_info(id, path) else {
            let reason = "it was cancelled before it was stored".to_owned();
            return self.complete(origin, "Observe", Err(CommandError::Invalid { reason }));
        };
        self.event(Event::ObservationStarted {
            endpoint: Arc::clone(&endpoint),
            path,
        });
        if matches!(origin, Origin::Restore) {
            let at = self.wall(now);
            self.event(Event::Notification {
                endpoint,
                path,
                records: records.into(),
                at,
            });
            self.complete(origin, "Observe", Ok(Outcome::Done));
        } else {
            self.complete(
                origin,
                "Observe",
                Ok(Outcome::Observing {
                    observation: Box::new(observation),
                    records,
                }),
            );
        }
    }

    /// Notes that something of a device is not stored.
    pub(super) fn soil(&mut self, now: Instant, id: DeviceId) {
        self.dirty.insert(id);
        self.schedule_store(now);
    }

    fn schedule_store(&mut self, now: Instant) {
        if self.timers.is_set(Timer::Store) {
            return;
        }
        if self.storing.failing {
            self.timers
                .set(Timer::Store, Some(now + engine(self.config.store_retry)));
        } else if !self.dirty.is_empty() {
            self.timers
                .set(Timer::Store, Some(now + engine(self.config.write_behind)));
        }
    }

    /// Writes what is dirty, or tries whether the store works again.
    pub(super) fn store_timeout(&mut self, now: Instant) {
        if self.storing.failing {
            if !self.storing.probing {
                self.storing.probing = true;
                self.persist(now, Change::Probe, Waiting::Probe);
            }
        } else {
            self.write_behind(now, WRITE_BEHIND);
            if !self.dirty.is_empty() {
                self.timers.set(Timer::Store, Some(now + WRITE_REST));
            }
        }
        self.schedule_store(now);
    }

    /// Asks to store what is dirty of at most `limit` devices.
    pub(super) fn write_behind(&mut self, now: Instant, limit: usize) {
        for _ in 0..limit {
            if self.storing.waiting_count() >= self.config.max_waiting_for_store
                && limit != usize::MAX
            {
                break;
            }
            let Some(id) = self.dirty.pop_first() else {
                break;
            };
            self.write_device(now, id);
        }
    }

    fn write_device(&mut self, now: Instant, id: DeviceId) {
        let dirty = core::mem::take(&mut self.device_mut(id).dirty);
        let device = self.device_at(id);
        let endpoint = Arc::clone(device.endpoint());
        let mut changes = Vec::new();
        if dirty.row {
            let change = Change::Registration {
                registration: Arc::clone(&device.registration),
                registered: device.registered,
                updated_at: device.updated_at,
                last_seen: device.last_seen,
            };
            changes.push((
                change,
                Dirty {
                    row: true,
                    ..Dirty::default()
                },
            ));
        } else if dirty.seen {
            let change = Change::Seen {
                endpoint: Arc::clone(&endpoint),
                updated_at: device.updated_at,
                last_seen: device.last_seen,
            };
            changes.push((
                change,
                Dirty {
                    seen: true,
                    ..Dirty::default()
                },
            ));
        }
        for path in dirty.ended {
            if !device.observations.contains_key(&path) {
                let change = Change::ObservationEnded {
                    endpoint: Arc::clone(&endpoint),
                    path,
                };
                changes.push((
                    change,
                    Dirty {
                        ended: [path].into(),
                        ..Dirty::default()
                    },
                ));
            }
        }
        if !dirty.values.is_empty() {
            let mut values = Vec::new();
            let mut removed = Vec::new();
            for path in &dirty.values {
                match device.values.get(path) {
                    Some((value, updated_at)) => {
                        values.push(KnownValue {
                            path: *path,
                            value: value.clone(),
                            updated_at: *updated_at,
                        });
                    }
                    None => removed.push(*path),
                }
            }
            let change = Change::Values {
                endpoint,
                values,
                removed,
            };
            changes.push((
                change,
                Dirty {
                    values: dirty.values,
                    ..Dirty::default()
                },
            ));
        }
        for (change, part) in changes {
            let row = part.row;
            let ticket = self.persist(now, change, Waiting::Nobody(id, part));
            if row {
                self.device_mut(id).row_written = ticket;
            }
        }
    }
}
