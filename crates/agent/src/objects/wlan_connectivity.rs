//! Object 12, WLAN Connectivity.

use heapless::String;

use super::SecretText;
use crate::{Object, ResourceInstances};

/// Object 12, WLAN Connectivity: one interface of the device, with room for `N` channels in each list.
///
/// It stands in a set as `Instances<WlanConnectivity, …>`. Keys can be written by servers and read by none.
#[derive(Debug, Clone, Default, Object)]
#[object(id = 12, version = "1.1")]
pub struct WlanConnectivity<const N: usize = 4> {
    /// The interface, such as `wlan0` (resource 0).
    #[resource(0, read, write)]
    pub interface: String<16>,
    /// Whether it is on, the radio with it (resource 1).
    #[resource(1, read, write)]
    pub enabled: bool,
    /// The band in use: 0 none, 1 2.4 GHz, 2 5 GHz, 3 0.9 GHz, 4 3.7 GHz, 5 45 GHz, 6 60 GHz (resource 2).
    #[resource(2, read, write, type = integer)]
    pub radio: Option<u8>,
    /// 0 disabled, 1 up, 2 in error (resource 3).
    #[resource(3, read, type = integer)]
    pub status: u8,
    /// The interface's address, 12 hexadecimal digits (resource 4).
    #[resource(4, read, length = [12])]
    pub bssid: String<12>,
    /// The name of the network (resource 5).
    #[resource(5, read, write, length = 1..=32)]
    pub ssid: String<32>,
    /// Whether the name is told to everybody (resource 6).
    #[resource(6, read, write)]
    pub broadcasts_ssid: Option<bool>,
    /// 0 access point, 1 station, 2 bridge, 3 repeater (resource 8).
    #[resource(8, read, write, type = integer)]
    pub mode: u8,
    /// The channel in use (resource 9).
    #[resource(9, read, write, type = integer, range = 0..=255)]
    pub channel: u8,
    /// Whether the device chooses the channel (resource 10).
    #[resource(10, read, write)]
    pub auto_channel: Option<bool>,
    /// The channels that there are (resource 11).
    #[resource(11, read, write, type = integer)]
    pub supported_channels: ResourceInstances<u8, N>,
    /// The country, and where in it: three letters (resource 13).
    #[resource(13, read, write, length = [3])]
    pub regulatory_domain: Option<String<3>>,
    /// The kind of 802.11: 0 a, 1 b, 2 bg, 3 g, 4 n, 5 bgn, 6 ac, 7 ah (resource 14).
    #[resource(14, read, write, type = integer)]
    pub standard: u8,
    /// 0 open, 1 PSK, 2 EAP, 3 EAP and PSK, 4 EAP-SIM (resource 15).
    #[resource(15, read, write, type = integer)]
    pub authentication: u8,
    /// 0 AES, 1 TKIP, 2 WEP (resource 16).
    #[resource(16, read, write, type = integer)]
    pub encryption: Option<u8>,
    /// The WPA key, 64 hexadecimal digits (resource 17).
    #[resource(17, write, length = [64])]
    pub wpa_key: Option<SecretText<64>>,
    /// The WPA pass phrase (resource 18).
    #[resource(18, write, length = 1..=64)]
    pub wpa_phrase: Option<SecretText<64>>,
    /// Bytes sent (resource 33).
    #[resource(33, read, type = integer)]
    pub bytes_sent: Option<u32>,
    /// Bytes received (resource 34).
    #[resource(34, read, type = integer)]
    pub bytes_received: Option<u32>,
    /// Packets sent (resource 35).
    #[resource(35, read, type = integer)]
    pub packets_sent: Option<u32>,
    /// Packets received (resource 36).
    #[resource(36, read, type = integer)]
    pub packets_received: Option<u32>,
    /// Packets that could not be sent (resource 37).
    #[resource(37, read, type = integer)]
    pub transmit_errors: Option<u32>,
    /// Packets that were damaged (resource 38).
    #[resource(38, read, type = integer)]
    pub receive_errors: Option<u32>,
}
