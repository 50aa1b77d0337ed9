//! Who watches the demo's devices: reads them, observes them, counts what happens and shows the first of it.

use core::fmt;
use core::time::Duration;
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use dunlin_agent::Event as DeviceEvent;
use dunlin_manager::{CommandError, Device, Event, Events, Manager, Timestamp, device};
use dunlin_model::Path;
use serde::Serialize;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, Interval, MissedTickBehavior};

use crate::commands::agent::describe;
use crate::failure::Failure;
use crate::moment;
use crate::simulation::{News, Trouble};
use crate::terminal::Output;

/// What is observed of every device: the sensor value of Temperature.
const OBSERVED: (u16, u16, u16) = (3303, 0, 5700);
/// The unit of the simulated sensors.
const UNIT: &str = "°C";
/// What is read when a device registers: its Device, Server and Temperature objects.
const READ: [(u16, u16); 3] = [(3, 0), (1, 0), (3303, 0)];
/// At most so many seconds between two notifications.
const PMAX: u32 = 30;
/// How often one of the devices is asked for its battery level.
const ASK: Duration = Duration::from_secs(1);
/// How many commands the audience has under way at once, so that a crowd of devices does not flood its own manager.
const AT_ONCE: usize = 64;
/// The system's error for a process with too many open files (EMFILE on Unix).
const TOO_MANY_FILES: i32 = 24;
/// How many events of each kind are shown.
const SHOWN: usize = 5;
/// After so long the tour is shown whatever has happened.
const PATIENCE: Duration = Duration::from_secs(5);

/// What became of commands.
#[derive(Debug, Default)]
struct Outcome {
    reads_ok: u64,
    errors: Vec<String>,
}

/// The audience of a demo.
pub(super) struct Audience {
    events: Events,
    output: Output,
    /// The names of the demo's own devices.
    ours: HashSet<Arc<str>>,
    registered: HashSet<Arc<str>>,
    /// The registered devices in turn, to ask for their battery level.
    turn: VecDeque<Device>,
    ask: Interval,
    /// Devices that have registered and were not visited yet.
    waiting: VecDeque<(Device, Acquaintance)>,
    commands: JoinSet<Outcome>,
    outcome: Outcome,
    shown_notifications: usize,
    begin: Instant,
    tour_shown: bool,
}

impl Audience {
    /// Watches from now on.
    pub(super) fn new(
        manager: &Manager,
        devices: impl IntoIterator<Item = Arc<str>>,
        output: Output,
    ) -> Self {
        let mut ask = tokio::time::interval(ASK);
        ask.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            events: manager.events(),
            output,
            ours: devices.into_iter().collect(),
            registered: HashSet::new(),
            turn: VecDeque::new(),
            ask,
            waiting: VecDeque::new(),
            commands: JoinSet::new(),
            outcome: Outcome::default(),
            shown_notifications: 0,
            begin: Instant::now(),
            tour_shown: false,
        }
    }

    /// Waits for something to happen and deals with it. Nothing is lost when it is dropped while it waits.
    pub(super) async fn watch(&mut self) {
        tokio::select! {
            event = self.events.next() => match event {
                Some(event) => self.see(&event),
                None => core::future::pending().await,
            },
            Some(done) = self.commands.join_next() => {
                self.take(done);
                self.visit();
            }
            _ = self.ask.tick() => self.ask_one(),
        }
    }

    /// Whether it is time for the tour; says so once.
    pub(super) fn has_seen_enough(&mut self) -> bool {
        let all = self.registered.len() >= self.ours.len()
            && self.shown_notifications >= SHOWN.min(self.ours.len());
        let enough = !self.tour_shown && (all || self.begin.elapsed() >= PATIENCE);
        self.tour_shown |= enough;
        enough
    }

    fn see(&mut self, event: &Event) {
        match event {
            Event::Registered(device) => self.greet(device),
            Event::Notification(notification) if self.shown_notifications < SHOWN => {
                self.shown_notifications += 1;
                if let Some(value) = notification.records.value() {
                    let what = format!("measures {value} {UNIT}");
                    self.say(notification.at, notification.device.endpoint(), &what);
                }
            }
            Event::Expired(device) => self.say(
                Timestamp::now(),
                device.endpoint(),
                "was not heard any more",
            ),
            Event::StoreFailing { reason } => self
                .outcome
                .errors
                .push(format!("the store failed: {reason}")),
            _ => {}
        }
    }

    /// A device has registered.
    fn greet(&mut self, device: &Device) {
        let name = device.endpoint();
        if !self.ours.contains(name) {
            // Somebody tries `dunlin agent`, or a device of flesh and blood: a guest, who is left alone.
            self.say(Timestamp::now(), name, "registered, a guest");
            return;
        }
        let acquaintance = if self.registered.insert(name.into()) {
            match self.registered.len() - 1 {
                0..SHOWN => self.say(Timestamp::now(), name, "registered"),
                SHOWN => self.line(&format!(
                    "… and {} more",
                    self.ours.len().saturating_sub(SHOWN)
                )),
                _ => {}
            }
            Acquaintance::New
        } else {
            self.say(Timestamp::now(), name, "registered again");
            Acquaintance::Known
        };
        if !self.turn.iter().any(|device| device.endpoint() == name) {
            self.turn.push_back(device.clone());
        }
        self.waiting.push_back((device.clone(), acquaintance));
        self.visit();
    }

    /// Hears a device out: what others told it is worth a line, once the opening is over.
    pub(super) fn hear(&mut self, news: &News) {
        if matches!(news.event, DeviceEvent::Reboot | DeviceEvent::FactoryReset) {
            // Nobody is to ask it before it is back.
            self.turn
                .retain(|device| device.endpoint() != &*news.endpoint);
        }
        match news.event {
            DeviceEvent::Written { .. }
            | DeviceEvent::Executed { .. }
            | DeviceEvent::Created { .. }
            | DeviceEvent::Deleted { .. }
            | DeviceEvent::Reboot
            | DeviceEvent::FactoryReset => {
                self.say(Timestamp::now(), &news.endpoint, &describe(&news.event).1);
            }
            DeviceEvent::Observed { path } | DeviceEvent::Unobserved { path }
                if Path::try_from(OBSERVED) != Ok(path) =>
            {
                self.say(Timestamp::now(), &news.endpoint, &describe(&news.event).1);
            }
            DeviceEvent::RegistrationFailed { .. } => {
                self.say(Timestamp::now(), &news.endpoint, &describe(&news.event).1);
                self.outcome
                    .errors
                    .push(format!("{} {}", news.endpoint, describe(&news.event).1));
            }
            _ => {}
        }
    }

    /// Takes note of a device whose loop has ended.
    pub(super) fn lose(&mut self, ended: Result<Result<(), Trouble>, JoinError>) {
        let error = match ended {
            Ok(Ok(())) => return,
            Ok(Err(Trouble::Network(error))) if error.raw_os_error() == Some(TOO_MANY_FILES) => {
                "there are not enough sockets for so many devices (raise `ulimit -n`, or use fewer --devices)".to_owned()
            }
            Ok(Err(Trouble::Network(error))) => {
                format!("a simulated device cannot use the network: {error}")
            }
            Ok(Err(Trouble::Other(failure))) => failure.detail,
            Err(error) => format!("a simulated device broke: {error}"),
        };
        if self.outcome.errors.is_empty() {
            self.line(&format!("error: {error}"));
        }
        self.outcome.errors.push(error);
    }

    /// Visits devices that have registered, as far as there are hands free.
    fn visit(&mut self) {
        while self.commands.len() < AT_ONCE
            && let Some((device, acquaintance)) = self.waiting.pop_front()
        {
            self.commands.spawn(visit(device, acquaintance));
        }
    }

    /// Asks the next device for its battery level.
    fn ask_one(&mut self) {
        if self.commands.len() < AT_ONCE
            && let Some(device) = self.turn.pop_front()
        {
            self.turn.push_back(device.clone());
            self.commands.spawn(async move {
                let mut outcome = Outcome::default();
                outcome.note(
                    &device,
                    device.read(device::BATTERY_LEVEL).await.map(|_| ()),
                );
                outcome
            });
        }
    }

    fn take(&mut self, done: Result<Outcome, JoinError>) {
        match done {
            Ok(outcome) => {
                self.outcome.reads_ok += outcome.reads_ok;
                for error in &outcome.errors {
                    tracing::warn!("{error}");
                }
                self.outcome.errors.extend(outcome.errors);
            }
            Err(error) => self.outcome.errors.push(error.to_string()),
        }
    }

    /// Visits whom nobody visited yet, and waits for all answers.
    pub(super) async fn settle(&mut self, patience: Duration) {
        let answers = async {
            self.visit();
            while let Some(done) = self.commands.join_next().await {
                self.take(done);
                self.visit();
            }
        };
        if tokio::time::timeout(patience, answers).await.is_err() {
            self.outcome.errors.push(format!(
                "{} commands had no answer at the end",
                self.commands.len()
            ));
        }
    }

    /// What it all came to.
    pub(super) fn sums(self, manager: &Manager) -> Sums {
        Sums {
            devices: self.ours.len(),
            registered: self.registered.len(),
            notifications: manager.metrics().notifications,
            reads_ok: self.outcome.reads_ok,
            errors: self.outcome.errors.len() as u64,
            first_error: self.outcome.errors.into_iter().next(),
        }
    }

    fn say(&self, at: Timestamp, endpoint: &str, what: &str) {
        let at = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default();
        self.line(&format!(
            "{}  {endpoint}  {what}",
            self.output.dim(&moment::time_of_day(at))
        ));
    }

    fn line(&self, text: &str) {
        if !self.output.json {
            self.output.line(text);
        }
    }
}

/// Whether a device was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Acquaintance {
    New,
    /// The manager takes its observations up again by itself.
    Known,
}

/// Observes a device that has registered, and reads what it is.
async fn visit(device: Device, acquaintance: Acquaintance) -> Outcome {
    let mut outcome = Outcome::default();
    if acquaintance == Acquaintance::New
        && let Err(error) = device.observe(OBSERVED).pmax(PMAX).await
    {
        outcome
            .errors
            .push(format!("{}: {error}", device.endpoint()));
    }
    for target in READ {
        outcome.note(&device, device.read(target).await.map(|_| ()));
    }
    outcome
}

impl Outcome {
    fn note(&mut self, device: &Device, read: Result<(), CommandError>) {
        match read {
            Ok(()) => self.reads_ok += 1,
            Err(error) => self.errors.push(format!("{}: {error}", device.endpoint())),
        }
    }
}

/// What a demo came to: its last line.
#[derive(Debug, Serialize)]
pub(super) struct Sums {
    devices: usize,
    registered: usize,
    notifications: u64,
    reads_ok: u64,
    errors: u64,
    #[serde(skip)]
    first_error: Option<String>,
}

impl Sums {
    /// Whether every device registered and everything worked.
    pub(super) fn check(&self) -> Result<(), Failure> {
        if let Some(error) = &self.first_error {
            return Err(Failure::new(format!(
                "The demo met {} errors; the first: {error}.",
                self.errors
            )));
        }
        if self.registered < self.devices {
            return Err(Failure::new(format!(
                "Only {} of {} devices registered in time.",
                self.registered, self.devices
            ))
            .remedy("Give the demo more time with --seconds, or fewer --devices."));
        }
        Ok(())
    }
}

impl fmt::Display for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} devices registered, {} notifications came, {} reads were answered, {} errors.",
            self.registered, self.devices, self.notifications, self.reads_ok, self.errors
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(registered: usize, errors: u64) -> Sums {
        Sums {
            devices: 50,
            registered,
            notifications: 7,
            reads_ok: 150,
            errors,
            first_error: (errors > 0).then(|| "a reason".to_owned()),
        }
    }

    #[test]
    fn the_last_line_is_as_promised() {
        let line = serde_json::to_string(&sums(50, 0)).expect("JSON");
        assert_eq!(
            line,
            r#"{"devices":50,"registered":50,"notifications":7,"reads_ok":150,"errors":0}"#
        );
    }

    #[test]
    fn only_a_demo_that_worked_ends_well() {
        assert!(sums(50, 0).check().is_ok());
        assert!(sums(49, 0).check().is_err());
        assert!(sums(50, 1).check().is_err());
    }
}
