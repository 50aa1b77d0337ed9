//! What the manager knows of a device.

use core::fmt;
use std::collections::BTreeMap;
use std::sync::Arc;

use dunlin_coap::Token;
use dunlin_codec::ContentFormat;
use dunlin_lwm2m::{Binding, LwM2mVersion};
use dunlin_model::{Attributes, Path};
use serde::{Serialize, Serializer};

use crate::value::as_text;
use crate::{OwnedValue, Peer, Timestamp};

/// The secret part of a registration's path: 64 random bits, written in eleven characters of base64url.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location(u64);

impl Location {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    /// How long the text is.
    pub const LENGTH: usize = 11;

    /// The location of these bits.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The bits.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The text for the Location-Path option.
    pub fn to_text(self) -> [u8; Self::LENGTH] {
        core::array::from_fn(|at| {
            let shift = u32::try_from(at).map_or(0, |at| at * 6);
            Self::ALPHABET
                [usize::try_from(self.0.checked_shr(shift).unwrap_or(0) & 63).unwrap_or(0)]
        })
    }

    /// Reads the text, in the one form that [`to_text`](Self::to_text) gives.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text: &[u8; Self::LENGTH] = text.try_into().ok()?;
        let mut bits = 0_u64;
        for byte in text.iter().rev() {
            let digit = Self::ALPHABET.iter().position(|known| known == byte)?;
            if bits >> 58 != 0 {
                return None;
            }
            bits = bits << 6 | u64::try_from(digit).ok()?;
        }
        Some(Self(bits))
    }
}

impl fmt::Debug for Location {
    /// Whoever knows the location of a device without security can end its registration, so it stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Location(…)")
    }
}

/// What a device said when it registered or updated.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Registration {
    /// The endpoint name.
    pub endpoint: Arc<str>,
    /// Where the device is.
    #[serde(serialize_with = "as_text")]
    pub peer: Peer,
    /// The secret part of the path for Update and De-register.
    #[serde(skip)]
    pub location: Location,
    /// Seconds until the registration ends without an Update; 0 never.
    pub lifetime: u32,
    /// The version of `LwM2M`.
    #[serde(serialize_with = "as_text")]
    pub version: LwM2mVersion,
    /// The transports of the device.
    #[serde(serialize_with = "as_text")]
    pub binding: Binding,
    /// Whether the device sleeps, so that commands wait until it is heard.
    pub queue_mode: bool,
    /// The number for SMS.
    pub sms: Option<Box<str>>,
    /// The first segments of every path of the device, without slashes at the ends; empty for most devices.
    pub root: Box<str>,
    /// The formats that the device announced.
    #[serde(serialize_with = "formats")]
    pub formats: Vec<ContentFormat>,
    /// The objects and instances of the device with their attributes, in the order of their paths.
    pub links: Vec<Link>,
    /// When the device registered.
    pub registered_at: Timestamp,
}

impl Registration {
    /// The registration of a device that says nothing but its name: `LwM2M` 1.0 with its defaults, and no objects.
    pub fn new(endpoint: impl Into<Arc<str>>, peer: Peer) -> Self {
        Self {
            endpoint: endpoint.into(),
            peer,
            location: Location::from_bits(0),
            lifetime: dunlin_lwm2m::DEFAULT_LIFETIME,
            version: LwM2mVersion::V1_0,
            binding: Binding::U,
            queue_mode: false,
            sms: None,
            root: Box::default(),
            formats: Vec::new(),
            links: Vec::new(),
            registered_at: Timestamp::default(),
        }
    }

    /// When the registration ends if its last Update came at `updated_at`; `None` if never.
    pub fn expires_at(&self, updated_at: Timestamp) -> Option<Timestamp> {
        (self.lifetime != 0).then(|| updated_at.plus_millis(u64::from(self.lifetime) * 1000))
    }
}

fn formats<S: Serializer>(formats: &[ContentFormat], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(formats.iter().map(|format| format.0))
}

/// One node that a device announced or discovered, with its attributes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// The node.
    #[serde(serialize_with = "as_text")]
    pub path: Path,
    /// Attributes such as `ver`, `dim` or `pmin`; one without a value has an empty text.
    pub attributes: BTreeMap<Box<str>, Box<str>>,
}

/// Whether a device has a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceState {
    /// It has, and hears commands at once.
    Registered,
    /// It has, but sleeps: commands wait until it is heard.
    Asleep,
    /// It has none any more: it left or its lifetime passed.
    Offline,
}

/// A device that the manager knows.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DeviceInfo {
    /// The endpoint name.
    pub endpoint: Arc<str>,
    /// Whether it has a registration now.
    pub state: DeviceState,
    /// The registration, or the last one of a device that is offline.
    pub registration: Arc<Registration>,
    /// When the registration ends unless the device is heard; `None` if never, or if it is offline.
    pub expires_at: Option<Timestamp>,
    /// When the device registered or updated last.
    pub updated_at: Timestamp,
    /// When the last message of the device arrived.
    pub last_seen: Timestamp,
    /// How many commands wait for the device, the running one included.
    pub commands_waiting: usize,
}

/// Devices in the order of their endpoint names.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub struct DevicePage {
    /// The devices of this page.
    pub devices: Vec<DeviceInfo>,
    /// How many match in all.
    pub total: usize,
}

/// The last known value of a resource or resource instance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KnownValue {
    /// Its path.
    #[serde(serialize_with = "as_text")]
    pub path: Path,
    /// The value.
    pub value: OwnedValue,
    /// When it arrived.
    pub updated_at: Timestamp,
}

/// Whether the device notifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ObservationState {
    /// The request is on its way, or waits until the device is heard.
    Pending,
    /// The device accepted it.
    Active,
}

/// An observation that the manager keeps up.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ObservationInfo {
    /// What is observed.
    #[serde(serialize_with = "as_text")]
    pub path: Path,
    /// The attributes that it was started with.
    #[serde(skip)]
    pub attributes: Attributes,
    /// The token of the request and of its notifications.
    #[serde(skip)]
    pub token: Token,
    /// Whether the device notifies.
    pub state: ObservationState,
    /// When it was started.
    pub started_at: Timestamp,
    /// When the last notification arrived.
    pub notified_at: Option<Timestamp>,
}
