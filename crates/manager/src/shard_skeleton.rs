//! The engine of the manager: what it answers stands here until it is built.
#![allow(missing_docs, unused, clippy::all, clippy::pedantic)]

use std::sync::Arc;

use dunlin_coap::time::Instant;
use dunlin_model::Path;
use rand::rngs::StdRng;

use crate::manager::Filter;
use crate::metrics::Counters;
use crate::{
    Change, Command, CommandError, Config, DeviceInfo, DevicePage, KnownValue, ObservationInfo,
    Outcome, Peer, Records, Snapshot, Timestamp,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub(crate) u64);

#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    Transmit {
        to: Peer,
        length: usize,
    },
    Persist {
        ticket: Ticket,
        change: Change,
    },
    Event(Event),
    Completed {
        command: CommandId,
        result: Result<Outcome, CommandError>,
    },
    BufferTooSmall {
        needed: usize,
    },
    Idle,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Registered {
        endpoint: Arc<str>,
    },
    Updated {
        endpoint: Arc<str>,
    },
    Deregistered {
        endpoint: Arc<str>,
    },
    Expired {
        endpoint: Arc<str>,
    },
    ObservationStarted {
        endpoint: Arc<str>,
        path: Path,
    },
    ObservationEnded {
        endpoint: Arc<str>,
        path: Path,
        reason: String,
    },
    Notification {
        endpoint: Arc<str>,
        path: Path,
        records: Records,
        at: Timestamp,
    },
    StoreFailing {
        reason: String,
    },
    StoreRecovered,
}

#[derive(Debug)]
pub struct Shard {
    failed: Vec<(CommandId, CommandError)>,
}

impl Shard {
    pub(crate) fn with_counters(
        _config: Config,
        _rng: StdRng,
        _counters: Arc<Counters>,
        _snapshot: Snapshot,
        _now: Instant,
        _wall: Timestamp,
    ) -> Self {
        Self { failed: Vec::new() }
    }

    pub fn set_wall_clock(&mut self, _now: Instant, _wall: Timestamp) {}

    pub fn handle_input(&mut self, _now: Instant, _peer: Peer, _datagram: &[u8]) {}

    pub fn handle_command(
        &mut self,
        _now: Instant,
        id: CommandId,
        endpoint: &str,
        _command: Command,
    ) {
        self.failed.push((
            id,
            CommandError::UnknownDevice {
                endpoint: endpoint.into(),
            },
        ));
    }

    pub fn persisted(&mut self, _now: Instant, _tickets: &[Ticket], _result: Result<(), String>) {}

    pub fn poll_output(&mut self, _buffer: &mut [u8]) -> Output {
        match self.failed.pop() {
            Some((command, error)) => Output::Completed {
                command,
                result: Err(error),
            },
            None => Output::Idle,
        }
    }

    pub fn next_timeout(&self) -> Option<Instant> {
        None
    }

    pub fn handle_timeout(&mut self, _now: Instant) {}

    pub fn flush(&mut self, _now: Instant) {}

    pub(crate) fn devices(&self, _filter: &Filter) -> DevicePage {
        DevicePage::default()
    }

    pub fn device(&self, _endpoint: &str) -> Option<DeviceInfo> {
        None
    }

    pub fn values(&self, _endpoint: &str) -> Option<Vec<KnownValue>> {
        None
    }

    pub fn observations(&self, _endpoint: &str) -> Option<Vec<ObservationInfo>> {
        None
    }
}
