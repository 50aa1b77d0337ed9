//! What an agent tells its owner.

use dunlin_coap::time::Duration;
use dunlin_model::Path;

use crate::Failure;

/// One thing for the owner of an agent to do.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Output<'b, P> {
    /// Send these bytes as one datagram. Nothing is to be told back: a loss is the agent's matter.
    Transmit {
        /// Where to.
        to: P,
        /// The datagram, at the beginning of the buffer that was given.
        bytes: &'b [u8],
    },
    /// Something has happened.
    Event(Event),
    /// Nothing is left to do until the next input, change or timeout.
    Idle,
}

/// Something that has happened. Servers are named by their short server id.
///
/// The agent keeps the last eight; what the owner does not fetch in time is lost, and counted.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Event {
    /// A server has accepted the registration.
    Registered {
        /// The server.
        server: u16,
    },
    /// A server has accepted an Update.
    Updated {
        /// The server.
        server: u16,
    },
    /// An attempt to register has failed; the next one follows by itself.
    RegistrationFailed {
        /// The server.
        server: u16,
        /// What went wrong.
        reason: Failure,
        /// The time until the next attempt.
        retry: Duration,
    },
    /// The registration has ended, by [`deregister`](crate::Agent::deregister) or because the server asked for it
    /// (Disable, /1/x/4).
    Deregistered {
        /// The server.
        server: u16,
        /// When the agent will register again by itself.
        retry: Option<Duration>,
    },
    /// A server has taken a [Send](crate::Agent::send).
    Sent {
        /// The server.
        server: u16,
    },
    /// A Send has failed, and is not tried again.
    SendFailed {
        /// The server.
        server: u16,
        /// What went wrong.
        reason: Failure,
    },
    /// A server has written at and below this path.
    Written {
        /// The target of the Write.
        path: Path,
    },
    /// A server has executed this resource.
    Executed {
        /// The resource.
        path: Path,
    },
    /// A server has created this instance.
    Created {
        /// The instance.
        path: Path,
    },
    /// A server has deleted this instance.
    Deleted {
        /// The instance.
        path: Path,
    },
    /// A server has started to observe this path.
    Observed {
        /// The target.
        path: Path,
    },
    /// An observation of this path has ended: cancelled, rejected, not acknowledged, or its target is gone.
    Unobserved {
        /// The target.
        path: Path,
    },
    /// A bootstrap is wanted, by a server (/1/x/9) or since registrations fail: call
    /// [`bootstrap`](crate::Agent::bootstrap).
    BootstrapWanted,
    /// The accounts are as the Bootstrap-Server wants them: [connect](crate::Agent::connect) to the
    /// [servers](crate::Agent::accounts). All registrations of before are forgotten.
    Bootstrapped,
    /// The account of the Bootstrap-Server has been removed, its timeout being over (/0/x/12).
    BootstrapAccountRemoved,
    /// A bootstrap has failed; the next attempt follows by itself.
    BootstrapFailed {
        /// What went wrong.
        reason: Failure,
        /// The time until the next attempt.
        retry: Duration,
    },
    /// A server has asked for a reboot (/3/0/4). Its answer has been given out already.
    Reboot,
    /// A server has asked for a factory reset (/3/0/5). Its answer has been given out already.
    FactoryReset,
}

/// What an agent has counted since its making; each saturates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Counters {
    /// Datagrams received.
    pub received: u32,
    /// Datagrams sent.
    pub sent: u32,
    /// Messages sent again.
    pub retransmitted: u32,
    /// Datagrams that are no CoAP message, or one that means nothing.
    pub malformed: u32,
    /// Requests and responses from a peer that is no server with a registration here.
    pub strangers: u32,
    /// Requests received a second time.
    pub duplicates: u32,
    /// Requests answered with an error.
    pub refused: u32,
    /// Requests dropped since answers to others were waiting to be fetched.
    pub dropped: u32,
    /// Notifications sent, without repetitions.
    pub notifications: u32,
    /// Events lost since they were not fetched.
    pub lost_events: u32,
}

/// Counts one more.
#[inline(never)]
pub(crate) fn count(counter: &mut u32) {
    *counter = counter.saturating_add(1);
}
