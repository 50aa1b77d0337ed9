//! The objects that come with the agent.

mod device;
mod security;
mod server;
#[cfg(feature = "derive")]
mod temperature;

pub use device::{Device, PowerSource};
pub use security::{Security, SecurityAccount, SecurityMode};
pub use server::{Server, ServerAccount};
#[cfg(feature = "derive")]
pub use temperature::Temperature;

use heapless::String;

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
