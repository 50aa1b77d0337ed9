//! Counters of what a shard does.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use dunlin_coap::Code;
use serde::Serialize;

/// The kinds of requests that are told apart in the counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RequestKind {
    /// `POST /rd`
    Register,
    /// `POST /rd/{location}`
    Update,
    /// `DELETE /rd/{location}`
    Deregister,
    /// `GET /.well-known/core`
    Discovery,
    /// Anything else.
    Other,
}

impl RequestKind {
    const ALL: [Self; 5] = [
        Self::Register,
        Self::Update,
        Self::Deregister,
        Self::Discovery,
        Self::Other,
    ];

    /// The name for a label, such as `register`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Update => "update",
            Self::Deregister => "deregister",
            Self::Discovery => "discovery",
            Self::Other => "other",
        }
    }
}

/// Why a datagram was dropped or reset before it was a request or a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Malformed {
    /// Too short for a header, or of another version of the protocol: silence.
    Header,
    /// A message format error in a Confirmable message: Reset.
    Confirmable,
    /// A message format error in any other message: silence.
    Other,
    /// A code that is neither a request nor a response, or a request in an Acknowledgement or Reset.
    Code,
    /// A Confirmable response or Non-confirmable message with an unknown critical option.
    CriticalOption,
}

impl Malformed {
    const ALL: [Self; 5] = [
        Self::Header,
        Self::Confirmable,
        Self::Other,
        Self::Code,
        Self::CriticalOption,
    ];

    /// The name for a label, such as `confirmable`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Confirmable => "confirmable",
            Self::Other => "other",
            Self::Code => "code",
            Self::CriticalOption => "critical_option",
        }
    }
}

/// The response codes that the manager gives; any other is counted as the last.
const CODES: [Code; 19] = [
    Code::CREATED,
    Code::DELETED,
    Code::CHANGED,
    Code::CONTENT,
    Code::CONTINUE,
    Code::BAD_REQUEST,
    Code::BAD_OPTION,
    Code::NOT_FOUND,
    Code::METHOD_NOT_ALLOWED,
    Code::NOT_ACCEPTABLE,
    Code::REQUEST_ENTITY_INCOMPLETE,
    Code::PRECONDITION_FAILED,
    Code::REQUEST_ENTITY_TOO_LARGE,
    Code::UNSUPPORTED_CONTENT_FORMAT,
    Code::CONFLICT,
    Code::NOT_IMPLEMENTED,
    Code::PROXYING_NOT_SUPPORTED,
    Code::SERVICE_UNAVAILABLE,
    Code::INTERNAL_SERVER_ERROR,
];

const OPERATIONS: [&str; 9] = [
    "Read",
    "Discover",
    "Write",
    "Write-Attributes",
    "Execute",
    "Create",
    "Delete",
    "Observe",
    "Cancel Observation",
];

const OUTCOMES: [&str; 13] = [
    "ok",
    "unknown_device",
    "not_connected",
    "asleep",
    "timed_out",
    "refused",
    "reset",
    "interrupted",
    "bad_answer",
    "invalid",
    "overloaded",
    "store_failed",
    "stopped",
];

/// One counter. A shard is its only writer, so no read-modify-write instruction is needed.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, amount: u64) {
        self.0
            .store(self.0.load(Relaxed).wrapping_add(amount), Relaxed);
    }

    pub(crate) fn count(&self) {
        self.add(1);
    }

    pub(crate) fn set(&self, value: usize) {
        self.0.store(value as u64, Relaxed);
    }

    fn value(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// The counters of one shard, written by it alone and read by anybody.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) datagrams_in: Counter,
    pub(crate) bytes_in: Counter,
    pub(crate) datagrams_out: Counter,
    pub(crate) bytes_out: Counter,
    pub(crate) send_failures: Counter,
    malformed: [Counter; Malformed::ALL.len()],
    requests: [[Counter; CODES.len()]; RequestKind::ALL.len()],
    pub(crate) pings: Counter,
    pub(crate) resets_out: Counter,
    pub(crate) duplicates: Counter,
    pub(crate) associations: Counter,
    pub(crate) associations_moved: Counter,
    pub(crate) handshakes: Counter,
    pub(crate) handshakes_resumed: Counter,
    pub(crate) handshakes_failed: Counter,
    pub(crate) handshakes_refused: Counter,
    pub(crate) handshakes_running: Counter,
    pub(crate) cookies: Counter,
    pub(crate) records_dropped: Counter,
    pub(crate) retransmissions: Counter,
    pub(crate) give_ups: Counter,
    pub(crate) unexpected: Counter,
    pub(crate) devices: Counter,
    pub(crate) registrations: Counter,
    pub(crate) registered: Counter,
    pub(crate) updated: Counter,
    pub(crate) deregistered: Counter,
    pub(crate) expired: Counter,
    pub(crate) observations: Counter,
    pub(crate) notifications: Counter,
    pub(crate) notifications_old: Counter,
    pub(crate) notifications_bad: Counter,
    pub(crate) notifications_unknown: Counter,
    commands: [[Counter; OUTCOMES.len()]; OPERATIONS.len()],
    pub(crate) commands_waiting: Counter,
    pub(crate) store_commits: Counter,
    pub(crate) store_changes: Counter,
    pub(crate) store_failures: Counter,
    pub(crate) store_failing: AtomicBool,
}

impl Counters {
    pub(crate) fn malformed(&self, why: Malformed) {
        if let Some(counter) = position(&Malformed::ALL, &why).and_then(|at| self.malformed.get(at))
        {
            counter.count();
        }
    }

    pub(crate) fn request(&self, kind: RequestKind, code: Code) {
        let row = position(&RequestKind::ALL, &kind).and_then(|at| self.requests.get(at));
        let column = position(&CODES, &code).unwrap_or(CODES.len() - 1);
        if let Some(counter) = row.and_then(|row| row.get(column)) {
            counter.count();
        }
    }

    pub(crate) fn command(&self, operation: &str, outcome: &str) {
        let row = position(&OPERATIONS, &operation).and_then(|at| self.commands.get(at));
        let column = position(&OUTCOMES, &outcome);
        if let Some(counter) = row.zip(column).and_then(|(row, column)| row.get(column)) {
            counter.count();
        }
    }

    pub(crate) fn snapshot(&self) -> Metrics {
        Metrics {
            datagrams_in: self.datagrams_in.value(),
            bytes_in: self.bytes_in.value(),
            datagrams_out: self.datagrams_out.value(),
            bytes_out: self.bytes_out.value(),
            send_failures: self.send_failures.value(),
            malformed: Malformed::ALL
                .into_iter()
                .zip(&self.malformed)
                .map(|(why, counter)| MalformedCount {
                    why,
                    count: counter.value(),
                })
                .collect(),
            requests: RequestKind::ALL
                .into_iter()
                .zip(&self.requests)
                .flat_map(|(kind, row)| {
                    CODES
                        .into_iter()
                        .zip(row)
                        .map(move |(code, counter)| RequestCount {
                            kind,
                            code,
                            count: counter.value(),
                        })
                })
                .filter(|entry| entry.count > 0)
                .collect(),
            pings: self.pings.value(),
            resets_out: self.resets_out.value(),
            duplicates: self.duplicates.value(),
            dtls: DtlsMetrics {
                associations: self.associations.value(),
                associations_moved: self.associations_moved.value(),
                handshakes: self.handshakes.value(),
                handshakes_resumed: self.handshakes_resumed.value(),
                handshakes_failed: self.handshakes_failed.value(),
                handshakes_refused: self.handshakes_refused.value(),
                handshakes_running: self.handshakes_running.value(),
                cookies: self.cookies.value(),
                records_dropped: self.records_dropped.value(),
            },
            retransmissions: self.retransmissions.value(),
            give_ups: self.give_ups.value(),
            unexpected: self.unexpected.value(),
            devices: self.devices.value(),
            registrations: self.registrations.value(),
            registered: self.registered.value(),
            updated: self.updated.value(),
            deregistered: self.deregistered.value(),
            expired: self.expired.value(),
            observations: self.observations.value(),
            notifications: self.notifications.value(),
            notifications_old: self.notifications_old.value(),
            notifications_bad: self.notifications_bad.value(),
            notifications_unknown: self.notifications_unknown.value(),
            commands: OPERATIONS
                .into_iter()
                .zip(&self.commands)
                .flat_map(|(operation, row)| {
                    OUTCOMES
                        .into_iter()
                        .zip(row)
                        .map(move |(outcome, counter)| CommandCount {
                            operation,
                            outcome,
                            count: counter.value(),
                        })
                })
                .filter(|entry| entry.count > 0)
                .collect(),
            commands_waiting: self.commands_waiting.value(),
            store: StoreMetrics {
                commits: self.store_commits.value(),
                changes: self.store_changes.value(),
                failures: self.store_failures.value(),
                failing: self.store_failing.load(Relaxed),
            },
        }
    }
}

fn position<T: PartialEq>(all: &[T], one: &T) -> Option<usize> {
    all.iter().position(|known| known == one)
}

/// What a manager has done since its start. Everything counts up, except where “now” is said.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Metrics {
    /// Datagrams received.
    pub datagrams_in: u64,
    /// Bytes of them.
    pub bytes_in: u64,
    /// Datagrams sent.
    pub datagrams_out: u64,
    /// Bytes of them.
    pub bytes_out: u64,
    /// Datagrams that the operating system did not take.
    pub send_failures: u64,
    /// Datagrams that were no proper message; every kind is listed.
    pub malformed: Vec<MalformedCount>,
    /// Requests answered by kind and code; only combinations that happened.
    pub requests: Vec<RequestCount>,
    /// What DTLS has done.
    pub dtls: DtlsMetrics,
    /// `CoAP` pings.
    pub pings: u64,
    /// Resets sent, those to pings included.
    pub resets_out: u64,
    /// Requests and notifications that came twice and got the first answer again.
    pub duplicates: u64,
    /// Requests sent again because no answer came.
    pub retransmissions: u64,
    /// Exchanges given up after the last retransmission.
    pub give_ups: u64,
    /// Responses, acknowledgements and Resets that belong to nothing.
    pub unexpected: u64,
    /// Devices known now.
    pub devices: u64,
    /// Devices with a registration now.
    pub registrations: u64,
    /// Registrations accepted.
    pub registered: u64,
    /// Updates accepted.
    pub updated: u64,
    /// De-registrations.
    pub deregistered: u64,
    /// Registrations that ended by their lifetime.
    pub expired: u64,
    /// Observations kept up now.
    pub observations: u64,
    /// Notifications with news.
    pub notifications: u64,
    /// Notifications that came after a newer one.
    pub notifications_old: u64,
    /// Notifications whose payload was not understood.
    pub notifications_bad: u64,
    /// Notifications that nobody asked for; they were reset.
    pub notifications_unknown: u64,
    /// Commands by operation and outcome; only combinations that happened.
    pub commands: Vec<CommandCount>,
    /// Commands waiting or running now.
    pub commands_waiting: u64,
    /// The store.
    pub store: StoreMetrics,
}

/// What DTLS has done. Everything counts up, except where “now” is said.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct DtlsMetrics {
    /// DTLS associations that are open now.
    pub associations: u64,
    /// Changes of the address of an association.
    pub associations_moved: u64,
    /// DTLS handshakes that succeeded.
    pub handshakes: u64,
    /// Those of them that were shorter, as they resumed a session.
    pub handshakes_resumed: u64,
    /// DTLS handshakes that failed.
    pub handshakes_failed: u64,
    /// DTLS handshakes that did not begin because too many were under way.
    pub handshakes_refused: u64,
    /// DTLS handshakes that are under way now.
    pub handshakes_running: u64,
    /// Cookies sent to strangers who began a DTLS handshake.
    pub cookies: u64,
    /// Datagrams of DTLS that belonged to nothing or were not genuine.
    pub records_dropped: u64,
}

/// How many datagrams were malformed in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MalformedCount {
    /// In which way.
    pub why: Malformed,
    /// How many.
    pub count: u64,
}

/// How many requests of a kind got a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RequestCount {
    /// The kind.
    pub kind: RequestKind,
    /// The code of the answer.
    #[serde(serialize_with = "crate::value::as_text")]
    pub code: Code,
    /// How many.
    pub count: u64,
}

/// How many commands of an operation had an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CommandCount {
    /// The operation, such as `Read`.
    pub operation: &'static str,
    /// `ok`, or the [name](crate::CommandError::name) of the error.
    pub outcome: &'static str,
    /// How many.
    pub count: u64,
}

/// What the store has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct StoreMetrics {
    /// Group commits.
    pub commits: u64,
    /// Changes in them.
    pub changes: u64,
    /// Commits that failed.
    pub failures: u64,
    /// Whether the store takes no changes now.
    pub failing: bool,
}
