//! Limits, times, and what objects are known.

use core::time::Duration;
use std::sync::Arc;

use crate::{Registry, ServerIdentity};

/// Limits and times of a manager, and what objects it knows. Every default suits a small server with some ten thousand devices.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// How long a command may take that says nothing else. Default 60 s.
    pub command_timeout: Duration,
    /// How long a device in queue mode is taken for awake after it was heard. Default 93 s, which is
    /// `MAX_TRANSMIT_WAIT` (RFC 7252 §4.8.2, LwM2M Transport 1.2.2 §6.5).
    pub awake_time: Duration,
    /// How long after its lifetime a registration ends, so that an Update that is late by a few retransmissions finds it.
    /// Default 93 s.
    pub lifetime_grace: Duration,
    /// How many devices are known at most. Default 1,000,000.
    pub max_devices: usize,
    /// How many commands wait for one device at most. Default 32.
    pub max_commands_per_device: usize,
    /// How many commands wait in all at most. Default 100,000.
    pub max_commands: usize,
    /// How many observations a device may have. Default 64.
    pub max_observations_per_device: usize,
    /// How many last known values are kept for a device. Default 256.
    pub max_values_per_device: usize,
    /// The largest last known value that is kept, in bytes. Default 1024.
    pub max_value_size: usize,
    /// The largest payload of an answer that is put together from blocks, in bytes. Default 256 KiB.
    pub max_answer_size: usize,
    /// The largest object list of a registration that is put together from blocks, in bytes. Default 16 KiB.
    pub max_registration_size: usize,
    /// How many registrations may arrive in blocks at the same time. Default 1024.
    pub max_uploads: usize,
    /// How many requests may wait for the store at the same time. Default 65,536.
    pub max_waiting_for_store: usize,
    /// How many bytes of answers are kept for duplicates of requests. Default 16 MiB.
    pub duplicate_window: usize,
    /// The largest block that is sent or asked for, a power of two from 16 to 1024. Default 1024.
    pub block_size: usize,
    /// How long a request waits for the store before it is acknowledged and answered separately. Default 1 s.
    pub acknowledge_after: Duration,
    /// How often a failing store is tried, and the Max-Age of the 5.03 until then. Default 5 s.
    pub store_retry: Duration,
    /// How often refreshed lifetimes and last known values are written. Default 2 s.
    pub write_behind: Duration,
    /// How many events a slow receiver may be behind before it misses some. Default 4096.
    pub event_buffer: usize,
    /// How many object definitions are kept in the store at most, each version counted. Default 4096.
    pub max_stored_objects: usize,
    /// How many credentials of devices are kept at most. Default 1,000,000.
    pub max_credentials: usize,
    /// How many DTLS handshakes may be under way at the same time; each takes some 9 KiB. Default 1024.
    pub max_handshakes: usize,
    /// What the manager proves itself by to devices with raw public keys or certificates. Default nothing: then only
    /// pre-shared keys work.
    pub identity: Option<Arc<ServerIdentity>>,
    /// The objects that are known besides those in the store: their values have types and ranges. Default the core objects.
    pub registry: Registry,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            command_timeout: Duration::from_mins(1),
            awake_time: Duration::from_secs(93),
            lifetime_grace: Duration::from_secs(93),
            max_devices: 1_000_000,
            max_commands_per_device: 32,
            max_commands: 100_000,
            max_observations_per_device: 64,
            max_values_per_device: 256,
            max_value_size: 1024,
            max_answer_size: 256 * 1024,
            max_registration_size: 16 * 1024,
            max_uploads: 1024,
            max_waiting_for_store: 65_536,
            duplicate_window: 16 * 1024 * 1024,
            block_size: 1024,
            acknowledge_after: Duration::from_secs(1),
            store_retry: Duration::from_secs(5),
            write_behind: Duration::from_secs(2),
            event_buffer: 4096,
            max_stored_objects: 4096,
            max_credentials: 1_000_000,
            max_handshakes: 1024,
            identity: None,
            registry: Registry::new(),
        }
    }
}
