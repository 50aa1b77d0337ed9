//! Object 11, APN Connection Profile.

use heapless::String;

use super::SecretText;
use crate::{Object, ResourceInstances, Time};

/// Object 11, APN Connection Profile: how a cellular device reaches a packet network, with room for `N` of whatever there
/// are several of.
///
/// It stands in a set as `Instances<ApnConnectionProfile, …>`; servers may make and delete profiles.
#[derive(Debug, Clone, Default, Object)]
#[object(id = 11, version = "1.1", create)]
pub struct ApnConnectionProfile<const N: usize = 2> {
    /// A name for people (resource 0).
    #[resource(0, read, write)]
    pub name: String<32>,
    /// The access point name (resource 1).
    #[resource(1, read, write)]
    pub apn: Option<String<64>>,
    /// Whether the device chooses a name by itself (resource 2).
    #[resource(2, read, write)]
    pub auto_select: Option<bool>,
    /// Whether the profile may be used (resource 3).
    #[resource(3, read, write)]
    pub enabled: Option<bool>,
    /// How the device proves itself: 0 PAP, 1 CHAP, 2 either, 3 not at all (resource 4).
    #[resource(4, read, write, type = integer)]
    pub authentication: u8,
    /// The user's name (resource 5).
    #[resource(5, read, write)]
    pub user: Option<String<32>>,
    /// The user's secret, which the registry lets servers read (resource 6).
    #[resource(6, read, write)]
    pub secret: Option<SecretText<32>>,
    /// Delays before the next attempts, in seconds, with commas between them (resource 7).
    #[resource(7, read, write)]
    pub reconnect_schedule: Option<String<32>>,
    /// Country and network codes where the profile is valid, such as `262,01` (resource 8).
    #[resource(8, read, write)]
    pub validity: ResourceInstances<String<8>, N>,
    /// When connections were asked for (resource 9).
    #[resource(9, read)]
    pub established: ResourceInstances<Time, N>,
    /// How that ended: 0 accepted, 1 rejected (resource 10).
    #[resource(10, read, type = integer)]
    pub results: ResourceInstances<u8, N>,
    /// Why it was rejected, by 3GPP TS 24.008 (resource 11).
    #[resource(11, read, type = integer, range = 0..=111)]
    pub reject_causes: ResourceInstances<u8, N>,
    /// When connections ended (resource 12).
    #[resource(12, read)]
    pub ended: ResourceInstances<Time, N>,
    /// Bytes sent since the start (resource 13).
    #[resource(13, read, type = integer)]
    pub bytes_sent: Option<u32>,
    /// Bytes received since the start (resource 14).
    #[resource(14, read, type = integer)]
    pub bytes_received: Option<u32>,
    /// The device's addresses (resource 15).
    #[resource(15, read, write)]
    pub addresses: ResourceInstances<String<46>, N>,
    /// The class of service, of LTE and NB-IoT (resource 21).
    #[resource(21, read, type = integer, range = 1..=9)]
    pub qci: Option<u8>,
    /// Packets sent since the start (resource 23).
    #[resource(23, read, type = integer)]
    pub packets_sent: Option<u32>,
    /// What is carried: 0 non-IP, 1 IPv4, 2 IPv6, 3 both (resource 24).
    #[resource(24, read, write, type = integer)]
    pub pdn_type: Option<u8>,
}
