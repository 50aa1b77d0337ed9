//! What can go wrong, and what to do about it.

use core::net::SocketAddr;
use std::sync::Arc;

use dunlin_coap::Code;
use dunlin_model::Path;

use crate::{StoreError, Timestamp};

/// Why a command failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// No device of this name ever registered.
    #[error(
        "no device “{endpoint}” is known: it has never registered here, or it has been forgotten"
    )]
    UnknownDevice {
        /// The name.
        endpoint: Arc<str>,
    },
    /// The device has no registration now.
    #[error(
        "“{endpoint}” is not connected: it was last heard at {last_seen} and has no registration"
    )]
    NotConnected {
        /// The device.
        endpoint: Arc<str>,
        /// When it was last heard.
        last_seen: Timestamp,
    },
    /// The device sleeps and was not heard before the command's timeout.
    #[error("“{endpoint}” is asleep{}: give the command a longer timeout", until(.expected_by.as_ref()))]
    Asleep {
        /// The device.
        endpoint: Arc<str>,
        /// The latest moment at which it must be heard to keep its registration; `None` if it never must.
        expected_by: Option<Timestamp>,
    },
    /// The device did not answer before the command's timeout, or to any retransmission.
    #[error(
        "“{endpoint}” did not answer to {operation} of {path}: transmissions of the request: {transmissions}"
    )]
    TimedOut {
        /// The device.
        endpoint: Arc<str>,
        /// The target of the command.
        path: Path,
        /// The operation, such as `Read`.
        operation: &'static str,
        /// How often the request was sent; 0 if commands before it took all the time.
        transmissions: u32,
    },
    /// The device answered with an error code.
    #[error("the device refused {operation} of {path}: {}{}", code_text(*.code), in_brackets(.diagnostic))]
    Refused {
        /// The code of the answer.
        code: Code,
        /// The target of the command.
        path: Path,
        /// The operation, such as `Read`.
        operation: &'static str,
        /// What the device added in text, if anything.
        diagnostic: String,
    },
    /// The device answered with a Reset: it does not speak `LwM2M` with this manager at this moment.
    #[error(
        "the device rejected {operation} of {path} with a Reset: it may have restarted and will register again"
    )]
    Reset {
        /// The target of the command.
        path: Path,
        /// The operation, such as `Read`.
        operation: &'static str,
    },
    /// The device registered again before it answered, and carrying the command out twice could do harm.
    #[error(
        "the device registered again before it answered {operation} of {path}: it may or may not have carried it out"
    )]
    Interrupted {
        /// The target of the command.
        path: Path,
        /// The operation, such as `Execute`.
        operation: &'static str,
    },
    /// The device answered something that cannot be understood.
    #[error("the answer of the device for {path} is not understood: {reason}")]
    BadAnswer {
        /// The target of the command.
        path: Path,
        /// What was wrong.
        reason: String,
    },
    /// The command makes no sense as it stands; nothing was sent.
    #[error("{reason}")]
    Invalid {
        /// What is wrong.
        reason: String,
    },
    /// Too much waits already, for this device or in all; nothing was sent.
    #[error("too many commands wait already{}: try again later", for_device(.endpoint.as_ref()))]
    Overloaded {
        /// The device, if it is its queue that is full.
        endpoint: Option<Arc<str>>,
    },
    /// The store does not take the change that belongs to the command.
    #[error("the store does not take changes: {reason}")]
    StoreFailed {
        /// What the store said.
        reason: String,
    },
    /// The manager has stopped.
    #[error("the manager has stopped")]
    Stopped,
}

impl CommandError {
    pub(crate) fn invalid(reason: impl Into<String>) -> Self {
        Self::Invalid {
            reason: reason.into(),
        }
    }

    pub(crate) fn bad_answer(path: Path, reason: impl Into<String>) -> Self {
        Self::BadAnswer {
            path,
            reason: reason.into(),
        }
    }

    /// A short name of the kind, for metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::UnknownDevice { .. } => "unknown_device",
            Self::NotConnected { .. } => "not_connected",
            Self::Asleep { .. } => "asleep",
            Self::TimedOut { .. } => "timed_out",
            Self::Refused { .. } => "refused",
            Self::Reset { .. } => "reset",
            Self::Interrupted { .. } => "interrupted",
            Self::BadAnswer { .. } => "bad_answer",
            Self::Invalid { .. } => "invalid",
            Self::Overloaded { .. } => "overloaded",
            Self::StoreFailed { .. } => "store_failed",
            Self::Stopped => "stopped",
        }
    }
}

fn until(expected_by: Option<&Timestamp>) -> String {
    expected_by
        .map(|moment| format!(" and should be heard until {moment}"))
        .unwrap_or_default()
}

fn code_text(code: Code) -> String {
    code.name()
        .map_or_else(|| code.to_string(), |name| format!("{code} {name}"))
}

fn in_brackets(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!(" ({text})")
    }
}

fn for_device(endpoint: Option<&Arc<str>>) -> String {
    endpoint
        .map(|endpoint| format!(" for “{endpoint}”"))
        .unwrap_or_default()
}

/// Why a manager did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A listener's text is no address of a kind that is supported.
    #[error("“{text}” is no address to listen on: {reason}")]
    Address {
        /// The text.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No listener was given.
    #[error("there is nothing to listen on: add a listener such as coap://[::]:5683")]
    NoListener,
    /// Another program has the port.
    #[error("UDP port {} of {} is in use by another program: stop it or listen on another port", .address.port(), .address.ip())]
    PortTaken {
        /// The address and port.
        address: SocketAddr,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on UDP {address}: {source}")]
    Listen {
        /// The address and port.
        address: SocketAddr,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The store does not give what it holds.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system has no thread left for the store.
    #[error("cannot start the thread of the store: {0}")]
    Thread(std::io::Error),
}
