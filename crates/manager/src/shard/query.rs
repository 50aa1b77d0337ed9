//! What a shard knows, for those who ask.

use std::sync::Arc;

use dunlin_model::Path;

use super::Shard;
use super::device::{Device, DeviceId};
use crate::manager::Filter;
use crate::{
    CredentialPage, DeviceInfo, DevicePage, DeviceState, KnownValue, ObservationInfo,
    ObservationState,
};

impl Shard {
    /// The devices that a filter lets through, in the order of their endpoint names.
    pub(crate) fn devices(&self, filter: &Filter) -> DevicePage {
        let mut page = DevicePage::default();
        for (endpoint, id) in &self.by_endpoint {
            if endpoint.contains(&filter.containing) {
                if page.total >= filter.offset
                    && filter.limit.is_none_or(|limit| page.devices.len() < limit)
                {
                    page.devices.push(self.info(self.device_at(*id)));
                }
                page.total += 1;
            }
        }
        page
    }

    /// What may be shown of the credentials of devices whose name contains a text.
    pub(crate) fn credentials(&self, filter: &Filter) -> CredentialPage {
        let limit = filter.limit.unwrap_or(usize::MAX);
        self.credentials
            .page(&filter.containing, filter.offset, limit)
    }

    /// What is known of the device `endpoint`.
    pub fn device(&self, endpoint: &str) -> Option<DeviceInfo> {
        Some(self.info(self.find(endpoint)?))
    }

    /// The last known values of the device `endpoint`, in the order of their paths.
    pub fn values(&self, endpoint: &str) -> Option<Vec<KnownValue>> {
        let values = self
            .find(endpoint)?
            .values
            .iter()
            .map(|(path, (value, updated_at))| KnownValue {
                path: *path,
                value: value.clone(),
                updated_at: *updated_at,
            });
        Some(values.collect())
    }

    /// The observations of the device `endpoint`, in the order of their paths.
    pub fn observations(&self, endpoint: &str) -> Option<Vec<ObservationInfo>> {
        let id = *self.by_endpoint.get(endpoint)?;
        let paths = self.device_at(id).observations.keys();
        Some(
            paths
                .filter_map(|path| self.observation_info(id, *path))
                .collect(),
        )
    }

    pub(super) fn observation_info(&self, id: DeviceId, path: Path) -> Option<ObservationInfo> {
        let observation = self.device_at(id).observations.get(&path)?;
        Some(ObservationInfo {
            path,
            attributes: observation.attributes,
            token: observation.token,
            state: if observation.active {
                ObservationState::Active
            } else {
                ObservationState::Pending
            },
            started_at: observation.started_at,
            notified_at: observation.notified_at,
        })
    }

    fn find(&self, endpoint: &str) -> Option<&Device> {
        self.by_endpoint.get(endpoint).map(|id| self.device_at(*id))
    }

    fn info(&self, device: &Device) -> DeviceInfo {
        // The clock was told just now, or with the last datagram.
        let reachable = self.is_reachable(device, self.clock.0);
        DeviceInfo {
            endpoint: Arc::clone(device.endpoint()),
            state: match (device.registered, reachable) {
                (false, _) => DeviceState::Offline,
                (true, true) => DeviceState::Registered,
                (true, false) => DeviceState::Asleep,
            },
            registration: self.at_present(&device.registration),
            expires_at: device
                .registration
                .expires_at(device.updated_at)
                .filter(|_| device.registered),
            updated_at: device.updated_at,
            last_seen: device.last_seen,
            commands_waiting: device.queue.len() + usize::from(device.exchange.is_some()),
        }
    }
}
