//! Simulated devices: the agent's engine, a UDP socket each, and weather.

mod climate;
mod device;
mod node;
mod proof;
mod state;

pub(crate) use device::{Device, News, Trouble};
pub(crate) use proof::{Proof, Usage};
pub(crate) use state::file;
