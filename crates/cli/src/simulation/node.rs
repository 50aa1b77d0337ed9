//! The objects of a simulated device.

use dunlin_agent::objects::{Device, PowerSource, Security, SecurityAccount, Server, Temperature};
use dunlin_agent::{Instances, Objects, Time};
use jiff::Timestamp;

use super::proof::Proof;

/// The short server id of a device's only server.
pub(super) const SERVER: u16 = 1;

/// How many instances of the Temperature object a simulated device has room for, so that servers can create some.
const SENSORS: usize = 4;

/// How long a new battery lasts in seconds: short, so that a chart shows it go down.
const BATTERY: f64 = 6.0 * 3600.0;

/// Seconds after a failed registration until the next, and between rounds of three: a person sits before this device.
const RETRY: u32 = 5;
const PAUSE: u32 = 15;

/// The objects of a simulated device.
#[derive(Debug, Objects)]
pub(super) struct Node<'a> {
    security: Security<1>,
    server: Server<1>,
    device: Device<'a>,
    temperature: Instances<Temperature, SENSORS>,
}

impl<'a> Node<'a> {
    /// A device called `serial_number` with an account at `uri`; `None` if the URI or what it proves itself by is too long.
    pub(super) fn new(
        serial_number: &'a str,
        uri: &str,
        lifetime: u32,
        proof: Option<&Proof>,
    ) -> Option<Self> {
        let mut security = Security::no_sec(SERVER, uri).ok()?;
        if let (Some(proof), Some(account)) = (proof, security.get_mut(0)) {
            proof.put_into(account)?;
        }
        let mut server = Server::single(SERVER, lifetime);
        if let Some(account) = server.get_mut(0) {
            account.retry_timer = Some(RETRY);
            account.retry_count = Some(3);
            account.sequence_delay_timer = Some(PAUSE);
        }
        let mut device = Device::new("Dunlin", "Simulated sensor", serial_number);
        device.firmware_version = env!("CARGO_PKG_VERSION");
        device.device_type = "Room sensor";
        device.memory_total = Some(64);
        device.battery_status = Some(0);
        let _ = device.timezone.push_str("Etc/UTC");
        let _ = device.utc_offset.push_str("+00:00");
        let mut temperature = Instances::new();
        let _ = temperature.insert(0, Temperature::new("Cel"));
        Some(Self {
            security,
            server,
            device,
            temperature,
        })
    }

    /// The account of the server.
    pub(super) fn account(&self) -> SecurityAccount {
        self.security.get(0).cloned().unwrap_or_default()
    }

    /// Whether this is the account of the server: where it is, and all that either proves itself by.
    pub(super) fn has(&self, account: &SecurityAccount) -> bool {
        self.security.get(0).is_some_and(|own| {
            own.uri == account.uri
                && own.mode == account.mode
                && own.identity == account.identity
                && own.server_public_key == account.server_public_key
                && *own.secret_key == *account.secret_key
                && own.server_name == account.server_name
                && own.certificate_usage == account.certificate_usage
        })
    }

    /// Takes another account of the server.
    pub(super) fn put(&mut self, account: SecurityAccount) {
        self.security = Security::new();
        let _ = self.security.insert(0, account);
    }

    /// Takes in what the sensors show `seconds` after the start.
    pub(super) fn measure(&mut self, celsius: f64, charge: f64, seconds: f64) {
        for (_, sensor) in self.temperature.iter_mut() {
            sensor.measure(celsius);
            sensor.timestamp = Some(Time(Timestamp::now().as_second()));
        }
        // From full to 10 %, and then somebody changes the battery.
        let level = 100.0 - (seconds / BATTERY + charge).fract() * 90.0;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 10 and 100"
        )]
        let percent = level as u8;
        self.device.battery_level = Some(percent);
        self.device.power_sources.clear();
        let _ = self.device.power_sources.push(PowerSource {
            kind: 1,
            voltage: 3000 + i32::from(percent) * 6,
            current: 12,
        });
        self.device.memory_free = Some(20 + u32::from(percent % 7));
        self.device.current_time = Some(Timestamp::now().as_second());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_battery_goes_down_and_is_changed() {
        let mut node = Node::new("1", "coap://127.0.0.1:5683", 300, None).expect("short");
        let mut levels = (0..12).map(|hour| {
            node.measure(20.0, 0.5, f64::from(hour) * 3600.0);
            node.device.battery_level.expect("measured")
        });
        let levels: Vec<_> = levels.by_ref().collect();
        assert!(
            levels.iter().all(|level| (10..=100).contains(level)),
            "{levels:?}"
        );
        assert!(
            levels.windows(2).any(|pair| pair[0] > pair[1])
                && levels.windows(2).any(|pair| pair[0] < pair[1])
        );
        assert!(Node::new("1", &format!("coap://{}", "x".repeat(100)), 300, None).is_none());
    }
}
