//! The objects that come with the agent.

#[cfg(feature = "access-control")]
mod access_control;
#[cfg(feature = "connectivity-monitoring")]
mod connectivity_monitoring;
#[cfg(feature = "connectivity-statistics")]
mod connectivity_statistics;
mod device;
#[cfg(feature = "location")]
mod location;
mod security;
mod server;
#[cfg(feature = "derive")]
mod temperature;

#[cfg(feature = "access-control")]
pub use access_control::{AccessControl, AccessRule};
#[cfg(feature = "connectivity-monitoring")]
pub use connectivity_monitoring::ConnectivityMonitoring;
#[cfg(feature = "connectivity-statistics")]
pub use connectivity_statistics::ConnectivityStatistics;
pub use device::{Device, PowerSource};
#[cfg(feature = "location")]
pub use location::Location;
pub use security::{Security, SecurityAccount, SecurityMode};
pub use server::{Server, ServerAccount};
#[cfg(feature = "derive")]
pub use temperature::Temperature;

use dunlin_model::{ObjectDefinition, ResourceDefinition};
use heapless::String;

/// The resources `ids` of `definition`, without names and units, which a device needs for nothing: what the agent does
/// not have takes no flash.
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
        picked[at] = ResourceDefinition {
            name: "",
            units: "",
            ..definition.resources[from]
        };
        at += 1;
    }
    picked
}

/// `definition` with other resources, and without a name.
const fn trimmed(
    definition: &ObjectDefinition,
    resources: &'static [ResourceDefinition],
) -> ObjectDefinition {
    ObjectDefinition {
        name: "",
        resources,
        ..*definition
    }
}

/// Replaces `text` with `new`, whole or not at all.
fn set<const N: usize>(text: &mut String<N>, new: &str) -> Result<(), crate::Error> {
    *text = String::try_from(new).map_err(|_| crate::Error::BadValue)?;
    Ok(())
}

/// A text as a value; an empty one is a resource that is not there.
fn text(text: &str) -> Option<dunlin_model::Value<'_>> {
    (!text.is_empty()).then_some(dunlin_model::Value::String(text))
}

#[cfg(all(test, feature = "derive"))]
mod tests;
