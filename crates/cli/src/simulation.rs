//! Simulated devices: the agent's engine, a UDP socket each, and weather.

mod climate;
mod device;
mod node;

pub(crate) use device::{Device, News};
