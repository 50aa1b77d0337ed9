//! The objects that come with the agent.
//!
//! | Object | Type | Feature |
//! |---|---|---|
//! | 0 Security | [`Security`] | always |
//! | 1 Server | [`Server`] | always |
//! | 2 Access Control | `AccessControl` | `access-control` |
//! | 3 Device | [`Device`] | always |
//! | 4 Connectivity Monitoring | `ConnectivityMonitoring` | `connectivity-monitoring` |
//! | 6 Location | `Location` | `location` |
//! | 7 Connectivity Statistics | `ConnectivityStatistics` | `connectivity-statistics` |
//! | 11 APN Connection Profile | `ApnConnectionProfile` | `apn-connection-profile` |
//! | 12 WLAN Connectivity | `WlanConnectivity` | `wlan-connectivity` |
//! | 13 Bearer Selection | `BearerSelection` | `bearer-selection` |
//! | 16 Portfolio | `Portfolio` | `portfolio` |
//! | 21 OSCORE | `Oscore` | `oscore` |
//! | 23 LwM2M COSE | `Cose` | `cose` |
//! | 3303 Temperature | `Temperature` | `derive` |
//!
//! Those from 11 to 23 are in no build unasked. Servers see nothing of 0, 21 and 23. Every other object of the registry is
//! a struct away: `dunlin objgen 3304.xml` writes it.

#[cfg(feature = "access-control")]
mod access_control;
#[cfg(feature = "apn-connection-profile")]
mod apn_connection_profile;
#[cfg(feature = "bearer-selection")]
mod bearer_selection;
#[cfg(feature = "connectivity-monitoring")]
mod connectivity_monitoring;
#[cfg(feature = "connectivity-statistics")]
mod connectivity_statistics;
#[cfg(feature = "cose")]
mod cose;
mod device;
#[cfg(feature = "location")]
mod location;
#[cfg(feature = "oscore")]
mod oscore;
#[cfg(feature = "portfolio")]
mod portfolio;
#[cfg(any(
    feature = "apn-connection-profile",
    feature = "cose",
    feature = "oscore",
    feature = "wlan-connectivity"
))]
mod secret;
mod security;
mod server;
#[cfg(feature = "derive")]
mod temperature;
#[cfg(feature = "wlan-connectivity")]
mod wlan_connectivity;

#[cfg(feature = "access-control")]
pub use access_control::{AccessControl, AccessRule};
#[cfg(feature = "apn-connection-profile")]
pub use apn_connection_profile::ApnConnectionProfile;
#[cfg(feature = "bearer-selection")]
pub use bearer_selection::BearerSelection;
#[cfg(feature = "connectivity-monitoring")]
pub use connectivity_monitoring::ConnectivityMonitoring;
#[cfg(feature = "connectivity-statistics")]
pub use connectivity_statistics::ConnectivityStatistics;
#[cfg(feature = "cose")]
pub use cose::Cose;
pub use device::{Device, PowerSource};
#[cfg(feature = "location")]
pub use location::Location;
#[cfg(feature = "oscore")]
pub use oscore::Oscore;
#[cfg(feature = "portfolio")]
pub use portfolio::Portfolio;
#[cfg(any(
    feature = "apn-connection-profile",
    feature = "cose",
    feature = "oscore",
    feature = "wlan-connectivity"
))]
pub use secret::{SecretBytes, SecretText};
pub use security::{SecretKey, Security, SecurityAccount, SecurityMode};
pub use server::{Server, ServerAccount};
#[cfg(feature = "derive")]
pub use temperature::Temperature;
#[cfg(feature = "wlan-connectivity")]
pub use wlan_connectivity::WlanConnectivity;

use dunlin_model::{ObjectDefinition, ResourceDefinition};
use heapless::string::StringView;

/// The resources `ids` of `definition`: what the agent does not have takes no flash.
#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "only evaluated by the compiler, which would refuse"
)]
const fn resources<const N: usize>(
    definition: &ObjectDefinition,
    ids: [u16; N],
) -> [ResourceDefinition; N] {
    let mut picked = [definition.resources[0]; N];
    let (mut at, mut from) = (0, 0);
    while at < N {
        // Both lists ascend.
        while definition.resources[from].id.get() != ids[at] {
            from += 1;
        }
        picked[at] = definition.resources[from];
        at += 1;
    }
    picked
}

/// `definition` with other resources.
const fn trimmed(
    definition: &ObjectDefinition,
    resources: &'static [ResourceDefinition],
) -> ObjectDefinition {
    ObjectDefinition {
        resources,
        ..*definition
    }
}

/// Replaces `text` with `new`, whole or not at all.
fn set(text: &mut StringView, new: &str) -> Result<(), crate::Error> {
    if new.len() > text.capacity() {
        return Err(crate::Error::BadValue);
    }
    text.clear();
    text.push_str(new).map_err(|_| crate::Error::BadValue)
}

#[cfg(all(test, feature = "derive"))]
mod tests;
