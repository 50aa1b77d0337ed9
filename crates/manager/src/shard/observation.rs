//! Observations: their start, their notifications, and their life across registrations.

use std::sync::Arc;

use dunlin_coap::Message;
use dunlin_coap::block::Block;
use dunlin_coap::observe::{Freshness, SequenceNumber};
use dunlin_coap::time::Instant;
use dunlin_codec::ContentFormat;
use dunlin_model::{Attributes, Path};

use super::device::{DeviceId, Dirty, Observation};
use super::exchange::Exchange;
use super::job::{Job, Origin};
use super::payload;
use super::storing::Waiting;
use super::{Event, Shard, TokenUse, engine};
use crate::{Action, Change, CommandError, OwnedValue, Record};

impl Shard {
    /// A device has accepted an observation: it is kept once the store has it.
    pub(super) fn observation_accepted(
        &mut self,
        now: Instant,
        id: DeviceId,
        attributes: Attributes,
        exchange: &Exchange,
        records: Vec<Record>,
    ) {
        let Some((token, number)) = exchange.observing else {
            return;
        };
        let path = exchange.job.action.path();
        let wall = self.wall(now);
        let device = self.device_mut(id);
        let before = device.observations.remove(&path);
        let observation = Observation {
            attributes,
            token,
            format: exchange.format,
            started_at: before.as_ref().map_or(wall, |before| before.started_at),
            notified_at: Some(wall),
            active: true,
            freshness: Some(Freshness::new(SequenceNumber::new(number), now)),
        };
        let change = Change::Observation {
            endpoint: Arc::clone(device.endpoint()),
            observation: observation.stored(path),
        };
        device.dirty.ended.remove(&path);
        device.observations.insert(path, observation);
        match before {
            Some(before) if before.token != token => {
                self.by_token.remove(&before.token);
            }
            Some(_) => {}
            None => self.observation_count += 1,
        }
        self.by_token.insert(token, TokenUse::Observation(id, path));
        let waiting = Waiting::Observation {
            device: id,
            path,
            origin: exchange.job.origin,
            records,
        };
        self.persist(now, change, waiting);
    }

    /// An observation could not be started, or not again.
    pub(super) fn observation_failed(
        &mut self,
        now: Instant,
        id: DeviceId,
        path: Path,
        exchange: &Exchange,
        error: &CommandError,
    ) {
        self.drop_unfinished_observation(id, exchange);
        if exchange.job.origin == Origin::Restore && matches!(error, CommandError::Refused { .. }) {
            // The device does not have the node any more, or does not let it be observed. Anything else is tried again when
            // the device is heard the next time.
            self.end_observation(now, id, path, &error.to_string());
        }
    }

    /// Forgets the token of an observation that the device accepted, but whose first values did not arrive whole. Its
    /// next notification is reset, which ends it at the device.
    pub(super) fn drop_unfinished_observation(&mut self, id: DeviceId, exchange: &Exchange) {
        if let Some((token, _)) = exchange.observing {
            let known = self
                .device_at(id)
                .observations
                .get(&exchange.job.action.path());
            if known.is_none_or(|known| known.token != token) {
                self.by_token.remove(&token);
            }
        }
    }

    /// Ends an observation on the caller's wish. Gives the order for the device, if it can hear one.
    pub(super) fn cancel_observation(
        &mut self,
        now: Instant,
        id: DeviceId,
        path: Path,
        mut job: Job,
    ) -> Result<Option<(DeviceId, Job)>, CommandError> {
        let Some(observation) = self.device_at(id).observations.get(&path) else {
            return Err(CommandError::invalid(format!(
                "{path} of “{}” is not observed",
                self.device_at(id).endpoint()
            )));
        };
        job.token = Some(observation.token);
        job.preferred = observation.format;
        let active = observation.active;
        let endpoint = Arc::clone(self.device_at(id).endpoint());
        self.forget_observation(id, path);
        let change = Change::ObservationEnded {
            endpoint: Arc::clone(&endpoint),
            path,
        };
        self.persist(
            now,
            change,
            Waiting::Nobody(
                id,
                Dirty {
                    ended: [path].into(),
                    ..Dirty::default()
                },
            ),
        );
        self.event(Event::ObservationEnded {
            endpoint,
            path,
            reason: "it was cancelled".to_owned(),
        });
        Ok((active && self.is_reachable(self.device_at(id), now)).then_some((id, job)))
    }

    /// Takes an observation out of the tables.
    pub(super) fn forget_observation(&mut self, id: DeviceId, path: Path) {
        if let Some(observation) = self.device_mut(id).observations.remove(&path) {
            self.by_token.remove(&observation.token);
            self.observation_count = self.observation_count.saturating_sub(1);
        }
    }

    fn end_observation(&mut self, now: Instant, id: DeviceId, path: Path, reason: &str) {
        self.forget_observation(id, path);
        self.device_mut(id).dirty.ended.insert(path);
        self.soil(now, id);
        let endpoint = Arc::clone(self.device_at(id).endpoint());
        self.event(Event::ObservationEnded {
            endpoint,
            path,
            reason: reason.to_owned(),
        });
    }

    /// The device has forgotten its observations: their tokens mean nothing any more.
    pub(super) fn forget_observation_tokens(&mut self, id: DeviceId) {
        let tokens: Vec<_> = self
            .device_mut(id)
            .observations
            .values_mut()
            .map(|observation| {
                observation.active = false;
                observation.freshness = None;
                observation.token
            })
            .collect();
        for token in tokens {
            self.by_token.remove(&token);
        }
    }

    /// The device may have forgotten its observations: they are set up again, and still notify until then.
    pub(super) fn doubt_observations(&mut self, id: DeviceId) {
        for observation in self.device_mut(id).observations.values_mut() {
            observation.active = false;
        }
    }

    /// Orders to set up the observations that the device may not have.
    pub(super) fn restore_observations(&mut self, now: Instant, id: DeviceId) {
        let deadline = now + engine(self.config.command_timeout);
        let device = self.device_mut(id);
        let ordered = |path: &Path| {
            let orders = |job: &Job| matches!(&job.action, Action::Observe { path: other, .. } if other == path);
            device.queue.iter().any(orders)
                || device
                    .exchange
                    .as_ref()
                    .is_some_and(|exchange| orders(&exchange.job))
        };
        let lost: Vec<_> = device
            .observations
            .iter()
            .filter(|(path, observation)| !observation.active && !ordered(path))
            .map(|(path, observation)| {
                let action = Action::Observe {
                    path: *path,
                    attributes: observation.attributes,
                };
                Job {
                    preferred: observation.format,
                    ..Job::new(Origin::Restore, action, deadline)
                }
            })
            .collect();
        device.queue.extend(lost);
    }

    /// Takes a notification (RFC 7641 §3).
    pub(super) fn notification(
        &mut self,
        now: Instant,
        id: DeviceId,
        path: Path,
        message: &Message<'_>,
    ) {
        let wall = self.wall(now);
        let Some(observation) = self.device_mut(id).observations.get_mut(&path) else {
            return;
        };
        if !message.code().is_success() || message.observe().is_none() {
            let code = message.code();
            let reason = code
                .name()
                .map_or_else(|| code.to_string(), |name| format!("{code} {name}"));
            return self.end_observation(
                now,
                id,
                path,
                &format!("the device ended it with {reason}"),
            );
        }
        let number = SequenceNumber::new(message.observe().unwrap_or(0));
        let fresh = match &mut observation.freshness {
            Some(freshness) => freshness.accept(number, now),
            none => {
                *none = Some(Freshness::new(number, now));
                true
            }
        };
        if !fresh {
            return self.counters.notifications_old.count();
        }
        observation.notified_at = Some(wall);
        let (named, asked) = (
            message.content_format().map(ContentFormat),
            observation.format,
        );
        if message.block2().ok().flatten().is_some_and(Block::more) {
            return self.read_rest(now, id, path, named.or(asked));
        }
        let registration = Arc::clone(&self.device_at(id).registration);
        let objects = self.config.registry.of(&registration);
        match payload::decode_answer(&objects, named, asked, path, message.payload()) {
            Ok(records) => {
                self.keep_values(now, id, path, &records);
                self.notify(now, id, path, records);
            }
            Err(reason) => {
                tracing::debug!(endpoint = %registration.endpoint, %path, %reason, "a notification is not understood");
                self.counters.notifications_bad.count();
            }
        }
    }

    /// Reads what was too long for one notification, as it is by now.
    fn read_rest(&mut self, now: Instant, id: DeviceId, path: Path, format: Option<ContentFormat>) {
        let deadline = now + engine(self.config.command_timeout);
        let device = self.device_mut(id);
        let reads_it = |job: &Job| job.origin == Origin::Rest && job.action.path() == path;
        if !device.queue.iter().any(reads_it) {
            let job = Job {
                preferred: format,
                ..Job::new(Origin::Rest, Action::Read { path }, deadline)
            };
            device.queue.push_back(job);
        }
    }

    /// Tells the values of a notification.
    pub(super) fn notify(&mut self, now: Instant, id: DeviceId, path: Path, records: Vec<Record>) {
        self.counters.notifications.count();
        let endpoint = Arc::clone(self.device_at(id).endpoint());
        let at = self.wall(now);
        self.event(Event::Notification {
            endpoint,
            path,
            records: records.into(),
            at,
        });
    }

    /// Keeps `records`, which are all that the device has at `base`, as its last known values.
    pub(super) fn keep_values(
        &mut self,
        now: Instant,
        id: DeviceId,
        base: Path,
        records: &[Record],
    ) {
        let wall = self.wall(now);
        let (most, largest) = (
            self.config.max_values_per_device,
            self.config.max_value_size,
        );
        let device = self.device_mut(id);
        let gone: Vec<_> = device
            .values
            .keys()
            .filter(|path| {
                base.contains(path) && !records.iter().any(|record| record.path == **path)
            })
            .copied()
            .collect();
        for path in gone {
            device.values.remove(&path);
            device.dirty.values.insert(path);
        }
        for record in records {
            let known = device.values.contains_key(&record.path);
            if record.value == OwnedValue::None
                || record.value.heap_size() > largest
                || (!known && device.values.len() >= most)
            {
                if known {
                    device.values.remove(&record.path);
                    device.dirty.values.insert(record.path);
                }
                continue;
            }
            device
                .values
                .insert(record.path, (record.value.clone(), wall));
            device.dirty.values.insert(record.path);
        }
        if !device.dirty.values.is_empty() {
            self.soil(now, id);
        }
    }
}
