//! The log of events worth keeping.

use dunlin_coap::Code;

use crate::{Event, Failure, SecurityFailure};

/// The layout of entries.
const LAYOUT: u8 = 1;

/// Something that has happened to the device, for whoever looks into why it is as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Entry {
    /// Seconds since the start that the last [`Happening::Started`] before it tells of: a device may know no other time.
    pub seconds: u32,
    /// What it was.
    pub happening: Happening,
}

/// What an [`Entry`] is about. Servers are named by their short server id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Happening {
    /// The device has started.
    Started,
    /// A Bootstrap-Server has given accounts.
    Bootstrapped,
    /// A bootstrap has failed.
    BootstrapFailed(Failure),
    /// A server has accepted a registration.
    Registered(u16),
    /// An attempt to register has failed.
    RegistrationFailed(u16, Failure),
    /// The registration has ended.
    Deregistered(u16),
    /// A server has asked for a reboot.
    Reboot,
    /// A server has asked for a factory reset.
    FactoryReset,
}

impl Happening {
    /// What is to be kept of an event, if anything.
    pub fn of(event: &Event) -> Option<Self> {
        Some(match *event {
            Event::Bootstrapped => Self::Bootstrapped,
            Event::BootstrapFailed { reason, .. } => Self::BootstrapFailed(reason),
            Event::Registered { server } => Self::Registered(server),
            Event::RegistrationFailed { server, reason, .. } => {
                Self::RegistrationFailed(server, reason)
            }
            Event::Deregistered { server, .. } => Self::Deregistered(server),
            Event::Reboot => Self::Reboot,
            Event::FactoryReset => Self::FactoryReset,
            _ => return None,
        })
    }
}

impl Entry {
    pub(super) fn to_bytes(self) -> [u8; 10] {
        let failure = |reason| match reason {
            Failure::NoAnswer => [1, 0],
            Failure::Security(SecurityFailure::Alerted(number)) => [6, number],
            Failure::Security(reason) => [2, number(reason)],
            Failure::BadAnswer => [3, 0],
            Failure::NoSpace => [4, 0],
            Failure::Refused(code) => [5, code.0],
        };
        let (kind, server, [reason, code]) = match self.happening {
            Happening::Started => (1, 0, [0, 0]),
            Happening::Bootstrapped => (2, 0, [0, 0]),
            Happening::BootstrapFailed(reason) => (3, 0, failure(reason)),
            Happening::Registered(server) => (4, server, [0, 0]),
            Happening::RegistrationFailed(server, reason) => (5, server, failure(reason)),
            Happening::Deregistered(server) => (6, server, [0, 0]),
            Happening::Reboot => (7, 0, [0, 0]),
            Happening::FactoryReset => (8, 0, [0, 0]),
        };
        let [a, b, c, d] = self.seconds.to_be_bytes();
        let [high, low] = u16::to_be_bytes(server);
        [LAYOUT, kind, a, b, c, d, high, low, reason, code]
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let [LAYOUT, kind, a, b, c, d, high, low, reason, code] =
            *<&[u8; 10]>::try_from(bytes).ok()?
        else {
            return None;
        };
        let server = u16::from_be_bytes([high, low]);
        let failure = || {
            Some(match reason {
                1 => Failure::NoAnswer,
                2 => Failure::Security(of_number(code)?),
                3 => Failure::BadAnswer,
                4 => Failure::NoSpace,
                5 => Failure::Refused(Code(code)),
                6 => Failure::Security(SecurityFailure::Alerted(code)),
                _ => return None,
            })
        };
        let happening = match kind {
            1 => Happening::Started,
            2 => Happening::Bootstrapped,
            3 => Happening::BootstrapFailed(failure()?),
            4 => Happening::Registered(server),
            5 => Happening::RegistrationFailed(server, failure()?),
            6 => Happening::Deregistered(server),
            7 => Happening::Reboot,
            8 => Happening::FactoryReset,
            _ => return None,
        };
        let seconds = u32::from_be_bytes([a, b, c, d]);
        Some(Self { seconds, happening })
    }
}

/// Reasons without an alert, by their numbers.
const REASONS: [SecurityFailure; 8] = [
    SecurityFailure::Ended,
    SecurityFailure::NoAnswer,
    SecurityFailure::NotTrusted,
    SecurityFailure::NotAuthentic,
    SecurityFailure::NothingInCommon,
    SecurityFailure::NoProtocol,
    SecurityFailure::Misbehaved,
    SecurityFailure::Unable,
];

fn number(reason: SecurityFailure) -> u8 {
    let place = REASONS.iter().position(|known| *known == reason);
    place
        .and_then(|place| u8::try_from(place).ok())
        .unwrap_or(0)
}

fn of_number(number: u8) -> Option<SecurityFailure> {
    REASONS.get(usize::from(number)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_and_others_are_passed_over() {
        for happening in [
            Happening::Started,
            Happening::Bootstrapped,
            Happening::BootstrapFailed(Failure::Security(SecurityFailure::Unable)),
            Happening::BootstrapFailed(Failure::Security(SecurityFailure::Ended)),
            Happening::RegistrationFailed(1, Failure::Security(SecurityFailure::Alerted(40))),
            Happening::Registered(7),
            Happening::RegistrationFailed(65534, Failure::Refused(Code::FORBIDDEN)),
            Happening::RegistrationFailed(1, Failure::NoAnswer),
            Happening::RegistrationFailed(1, Failure::BadAnswer),
            Happening::BootstrapFailed(Failure::NoSpace),
            Happening::Deregistered(2),
            Happening::Reboot,
            Happening::FactoryReset,
        ] {
            let entry = Entry {
                seconds: 70_000,
                happening,
            };
            let mut bytes = entry.to_bytes();
            assert_eq!(Entry::from_bytes(&bytes), Some(entry));
            assert_eq!(Entry::from_bytes(&bytes[1..]), None);
            bytes[0] = 2;
            assert_eq!(Entry::from_bytes(&bytes), None, "another layout");
        }
    }
}
