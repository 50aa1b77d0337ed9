//! Simulated devices: the agent's engine, a UDP socket each, and weather.

mod climate;
mod device;
mod node;
mod proof;

pub(crate) use device::{Device, News};
pub(crate) use proof::{Proof, Usage};
