//! The queue of each device: one order after the other, while the device is awake.

use std::collections::VecDeque;
use std::sync::Arc;

use dunlin_coap::time::Instant;
use dunlin_coap::{Message, Retry};
use dunlin_lwm2m::Arguments;
use dunlin_model::Level;

use super::device::DeviceId;
use super::exchange::{Exchange, Finished, Step};
use super::job::{Job, Origin};
use super::{CommandId, Output, Queued, Shard, TokenUse, engine};
use crate::{Action, Command, CommandError, Outcome};

impl Shard {
    pub(super) fn command(
        &mut self,
        now: Instant,
        id: CommandId,
        endpoint: &str,
        command: Command,
    ) {
        let operation = command.action.operation();
        self.commands_waiting += 1;
        match self.admit(now, id, endpoint, command) {
            Ok(Some((device, job))) => {
                self.device_mut(device).queue.push_back(job);
                self.start_next(now, device);
            }
            Ok(None) => self.complete(Origin::Caller(id), operation, Ok(Outcome::Done)),
            Err(error) => self.complete(Origin::Caller(id), operation, Err(error)),
        }
    }

    /// Makes a job of a command; `None` when nothing needs to be sent.
    fn admit(
        &mut self,
        now: Instant,
        id: CommandId,
        endpoint: &str,
        command: Command,
    ) -> Result<Option<(DeviceId, Job)>, CommandError> {
        let Some(device_id) = self.by_endpoint.get(endpoint).copied() else {
            return Err(CommandError::UnknownDevice {
                endpoint: endpoint.into(),
            });
        };
        let timeout = command
            .timeout
            .unwrap_or(engine(self.config.command_timeout));
        let mut job = Job::new(Origin::Caller(id), command.action, now + timeout);
        job.format = command.format;
        if let Action::Cancel { path } = job.action {
            return self.cancel_observation(now, device_id, path, job);
        }
        let device = self.device_at(device_id);
        if !device.registered {
            return Err(CommandError::NotConnected {
                endpoint: Arc::clone(device.endpoint()),
                last_seen: device.last_seen,
            });
        }
        check(&job.action)?;
        if let Action::Observe { path, .. } = &job.action
            && device.observations.len() >= self.config.max_observations_per_device
            && !device.observations.contains_key(path)
        {
            let reason = format!(
                "“{endpoint}” has {} observations already: cancel one",
                device.observations.len()
            );
            return Err(CommandError::Invalid { reason });
        }
        if self.commands_waiting > self.config.max_commands {
            return Err(CommandError::Overloaded { endpoint: None });
        }
        if device.queue.len() + usize::from(device.exchange.is_some())
            >= self.config.max_commands_per_device
        {
            return Err(CommandError::Overloaded {
                endpoint: Some(Arc::clone(device.endpoint())),
            });
        }
        Ok(Some((device_id, job)))
    }

    /// Starts the next order of a device that is awake and has none under way.
    pub(super) fn start_next(&mut self, now: Instant, id: DeviceId) {
        while self.device_at(id).exchange.is_none() && self.is_reachable(self.device_at(id), now) {
            let Some(job) = self.device_mut(id).queue.pop_front() else {
                break;
            };
            if let (Origin::Restore, Action::Observe { path, .. }) = (job.origin, &job.action)
                && !self.device_at(id).observations.contains_key(path)
            {
                // It was cancelled while it waited.
                continue;
            }
            let device = self.device_at(id);
            match Exchange::prepare(
                job,
                &device.registration,
                device.learned_format,
                &self.config,
            ) {
                Ok(exchange) => {
                    self.device_mut(id).exchange = Some(Box::new(exchange));
                    self.send_request(now, id);
                }
                Err(failed) => {
                    let (job, error) = *failed;
                    self.complete(job.origin, job.action.operation(), Err(error));
                }
            }
        }
        self.schedule(id);
    }

    /// Sends the request of the exchange as it stands, as a new message.
    fn send_request(&mut self, now: Instant, id: DeviceId) {
        let Some(mut exchange) = self.device_mut(id).exchange.take() else {
            return;
        };
        let device = self.device_at(id);
        let reused = device
            .observations
            .get(&exchange.job.action.path())
            .filter(|observation| exchange.registers_observation() && observation.active)
            .map(|observation| observation.token);
        exchange.token = match (exchange.job.token, reused) {
            (Some(cancelled), _) => cancelled,
            // A running observation that is started again keeps its token: to the device it is the same (RFC 7641 §4.1).
            (None, Some(token)) => token,
            (None, None) => self.new_token(),
        };
        self.by_token
            .entry(exchange.token)
            .or_insert(TokenUse::Exchange(id));
        exchange.message_id = loop {
            let message_id = self.device_mut(id).message_ids.next();
            let key = (exchange.peer, message_id);
            if !self.in_flight.contains_key(&key) && !self.separate.contains_key(&key) {
                break message_id;
            }
        };
        self.in_flight
            .insert((exchange.peer, exchange.message_id), id);
        match exchange.write_request(&self.device_at(id).registration.root) {
            Ok(datagram) => {
                self.transmit(exchange.peer, &datagram);
                exchange.datagram = datagram.into();
                exchange.transmission = Some(self.start_transmission(now));
                exchange.transmissions = 1;
                self.device_mut(id).exchange = Some(exchange);
            }
            Err(error) => {
                let reason = format!(
                    "the request for {} cannot be written: {error}",
                    exchange.job.action.path()
                );
                self.device_mut(id).exchange = Some(exchange);
                self.finish(now, id, Err(CommandError::Invalid { reason }));
            }
        }
        self.schedule(id);
    }

    /// Takes a response that belongs to the exchange of a device.
    pub(super) fn exchange_response(&mut self, now: Instant, id: DeviceId, message: &Message<'_>) {
        let Some(mut exchange) = self.device_mut(id).exchange.take() else {
            return;
        };
        let observed_before = exchange.observing.is_some();
        let registration = Arc::clone(&self.device_at(id).registration);
        let step = exchange.take_response(message, &registration, &self.config);
        self.release(id, &exchange);
        if let (false, Some((token, _))) = (observed_before, exchange.observing) {
            // From now on the device may notify, though the rest of the first values may still be under way.
            self.by_token
                .insert(token, TokenUse::Observation(id, exchange.job.action.path()));
        }
        self.device_mut(id).exchange = Some(exchange);
        match step {
            Step::Again => self.send_request(now, id),
            Step::Done(result) => self.finish(now, id, result),
        }
    }

    pub(super) fn exchange_reset(&mut self, now: Instant, id: DeviceId) {
        let Some(exchange) = &self.device_at(id).exchange else {
            return;
        };
        let action = &exchange.job.action;
        let error = CommandError::Reset {
            path: action.path(),
            operation: action.operation(),
        };
        self.finish(now, id, Err(error));
        self.start_next(now, id);
    }

    /// Forgets the message id and the token of the request under way.
    fn release(&mut self, id: DeviceId, exchange: &Exchange) {
        self.in_flight.remove(&(exchange.peer, exchange.message_id));
        if self.by_token.get(&exchange.token) == Some(&TokenUse::Exchange(id)) {
            self.by_token.remove(&exchange.token);
        }
    }

    /// Ends the exchange of a device.
    fn finish(&mut self, now: Instant, id: DeviceId, result: Result<Finished, CommandError>) {
        let Some(exchange) = self.device_mut(id).exchange.take() else {
            return;
        };
        self.release(id, &exchange);
        let (origin, path) = (exchange.job.origin, exchange.job.action.path());
        let operation = exchange.job.action.operation();
        if exchange.fell_back && result.is_ok() {
            self.device_mut(id).learned_format = exchange.format;
        }
        match (result, &exchange.job.action) {
            // The observation is gone here already; at the device it ends at the latest with its next notification.
            (_, Action::Cancel { .. }) => self.complete(origin, operation, Ok(Outcome::Done)),
            (Ok(Finished::Observing(records)), Action::Observe { attributes, .. }) => {
                self.keep_values(now, id, path, &records);
                let attributes = *attributes;
                self.observation_accepted(now, id, attributes, &exchange, records);
            }
            (Ok(Finished::Outcome(Outcome::Records(records))), _) => {
                self.keep_values(now, id, path, &records);
                if origin == Origin::Rest {
                    self.notify(now, id, path, records);
                } else {
                    self.complete(origin, operation, Ok(Outcome::Records(records)));
                }
            }
            (Ok(Finished::Outcome(outcome)), _) => self.complete(origin, operation, Ok(outcome)),
            (Ok(Finished::Observing(_)), _) => {}
            (Err(error), Action::Observe { .. }) => {
                self.observation_failed(now, id, path, &exchange, &error);
                self.complete(origin, operation, Err(error));
            }
            (Err(error), _) => self.complete(origin, operation, Err(error)),
        }
        self.schedule(id);
    }

    /// Tells whoever wanted it what came of an order.
    pub(super) fn complete(
        &mut self,
        origin: Origin,
        operation: &'static str,
        result: Result<Outcome, CommandError>,
    ) {
        if let Origin::Caller(command) = origin {
            self.commands_waiting = self.commands_waiting.saturating_sub(1);
            let outcome = result.as_ref().err().map_or("ok", CommandError::name);
            self.counters.command(operation, outcome);
            self.outputs
                .push_back(Queued::Output(Output::Completed { command, result }));
        }
    }

    pub(super) fn device_timeout(&mut self, now: Instant, id: DeviceId) {
        if self.device_at(id).expires.is_some_and(|end| end <= now) {
            self.expire(now, id);
        }
        self.fail_overdue(now, id);
        self.exchange_timeout(now, id);
        self.start_next(now, id);
    }

    /// Fails the orders whose time has passed while they waited.
    fn fail_overdue(&mut self, now: Instant, id: DeviceId) {
        let queue = &mut self.device_mut(id).queue;
        if queue.iter().all(|job| job.deadline > now) {
            return;
        }
        let (overdue, waiting): (VecDeque<_>, VecDeque<_>) = core::mem::take(queue)
            .into_iter()
            .partition(|job| job.deadline <= now);
        *queue = waiting;
        for job in overdue {
            let device = self.device_at(id);
            let endpoint = Arc::clone(device.endpoint());
            let error = if device.registered && !self.is_reachable(device, now) {
                let expected_by = device.registration.expires_at(device.updated_at);
                CommandError::Asleep {
                    endpoint,
                    expected_by,
                }
            } else {
                let (path, operation) = (job.action.path(), job.action.operation());
                CommandError::TimedOut {
                    endpoint,
                    path,
                    operation,
                    transmissions: 0,
                }
            };
            self.complete(job.origin, job.action.operation(), Err(error));
        }
    }

    fn exchange_timeout(&mut self, now: Instant, id: DeviceId) {
        let parameters = self.parameters;
        let device = self.device_mut(id);
        let Some(exchange) = device.exchange.as_mut() else {
            return;
        };
        if exchange.job.deadline > now {
            let Some(transmission) = exchange
                .transmission
                .as_mut()
                .filter(|timer| timer.is_due(now))
            else {
                return;
            };
            if transmission.on_timeout(now, &parameters) == Retry::Again {
                exchange.transmissions += 1;
                let (peer, datagram) = (exchange.peer, exchange.datagram.clone());
                self.counters.retransmissions.count();
                return self.transmit(peer, &datagram);
            }
            self.counters.give_ups.count();
            // A device in queue mode sleeps earlier than it should.
            self.device_mut(id).awake_until = now;
        }
        let device = self.device_at(id);
        let Some(exchange) = &device.exchange else {
            return;
        };
        let error = CommandError::TimedOut {
            endpoint: Arc::clone(device.endpoint()),
            path: exchange.job.action.path(),
            operation: exchange.job.action.operation(),
            transmissions: exchange.transmissions,
        };
        self.finish(now, id, Err(error));
    }

    /// Begins the exchange of a device anew, as the device has: it registered again, or moved.
    pub(super) fn interrupt(&mut self, now: Instant, id: DeviceId) {
        let Some(exchange) = &self.device_at(id).exchange else {
            return;
        };
        if !exchange.job.is_idempotent() {
            let action = &exchange.job.action;
            let error = CommandError::Interrupted {
                path: action.path(),
                operation: action.operation(),
            };
            return self.finish(now, id, Err(error));
        }
        if let Some(exchange) = self.device_mut(id).exchange.take() {
            self.release(id, &exchange);
            self.drop_unfinished_observation(id, &exchange);
            self.device_mut(id).queue.push_front(exchange.job);
        }
    }

    /// Fails everything that waits for a device that is not connected any more.
    pub(super) fn fail_all(&mut self, now: Instant, id: DeviceId) {
        let device = self.device_at(id);
        let error = CommandError::NotConnected {
            endpoint: Arc::clone(device.endpoint()),
            last_seen: device.last_seen,
        };
        self.finish(now, id, Err(error.clone()));
        for job in core::mem::take(&mut self.device_mut(id).queue) {
            self.complete(job.origin, job.action.operation(), Err(error.clone()));
        }
    }
}

/// Whether an action makes sense for its target (LwM2M Core 1.2.2 §6.3).
fn check(action: &Action) -> Result<(), CommandError> {
    let (path, operation) = (action.path(), action.operation());
    let level = path.level();
    let fits = match action {
        Action::Read { .. }
        | Action::WriteAttributes { .. }
        | Action::Observe { .. }
        | Action::Cancel { .. } => level != Level::Root,
        Action::Discover { .. } => {
            matches!(level, Level::Object | Level::Instance | Level::Resource)
        }
        Action::Write { .. } => matches!(
            level,
            Level::Instance | Level::Resource | Level::ResourceInstance
        ),
        Action::Execute { .. } => level == Level::Resource,
        Action::Create { .. } => true,
        Action::Delete { .. } => matches!(level, Level::Instance | Level::ResourceInstance),
    };
    if !fits {
        return Err(CommandError::invalid(format!(
            "{path} is no target of {operation}"
        )));
    }
    match action {
        Action::Observe { attributes, .. } => attributes.check().map_err(|error| {
            CommandError::invalid(format!("the attributes for {path} make no sense: {error}"))
        }),
        Action::Execute { arguments, .. } => Arguments::parse(arguments)
            .map(|_| ())
            .map_err(|error| CommandError::invalid(error.to_string())),
        _ => Ok(()),
    }
}
