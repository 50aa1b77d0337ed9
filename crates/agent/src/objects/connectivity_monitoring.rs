//! Object 4, Connectivity Monitoring.

use heapless::String;

use crate::{Object, ResourceInstances};

/// Object 4, Connectivity Monitoring, as the single instance 0, with room for `N` bearers and as many addresses.
///
/// The application says what its network is like; an absent number is a resource that the device does not have.
#[derive(Debug, Clone, Default, Object)]
#[object(id = 4, version = "1.3", single)]
pub struct ConnectivityMonitoring<const N: usize = 2> {
    /// The bearer in use: 0 GSM, 6 LTE-FDD, 7 NB-IoT, 21 WLAN, 41 Ethernet and so on (resource 0).
    #[resource(0, read, type = integer, range = 0..=50)]
    pub network_bearer: u8,
    /// The bearers that there are (resource 1).
    #[resource(1, read, type = integer, range = 0..=50, mandatory)]
    pub available_bearers: ResourceInstances<u8, N>,
    /// Radio signal strength in dBm, as the bearer has it (resource 2).
    #[resource(2, read, unit = "dBm")]
    pub signal_strength: i32,
    /// Link quality, as the bearer has it (resource 3).
    #[resource(3, read)]
    pub link_quality: Option<i32>,
    /// The device's addresses (resource 4).
    #[resource(4, read, mandatory)]
    pub addresses: ResourceInstances<String<46>, N>,
    /// The addresses of the next routers (resource 5).
    #[resource(5, read)]
    pub routers: ResourceInstances<String<46>, N>,
    /// How much of the link is in use, in percent (resource 6).
    #[resource(6, read, type = integer, unit = "/100", range = 0..=100)]
    pub utilization: Option<u8>,
    /// Access point names (resource 7).
    #[resource(7, read)]
    pub apn: ResourceInstances<String<64>, N>,
    /// The serving cell (resource 8).
    #[resource(8, read, type = integer)]
    pub cell_id: Option<u32>,
    /// The network code of the serving network (resource 9).
    #[resource(9, read, type = integer, range = 0..=999)]
    pub network_code: Option<u16>,
    /// The country code of the serving network (resource 10).
    #[resource(10, read, type = integer, range = 0..=999)]
    pub country_code: Option<u16>,
    /// The ratio of signal to noise in dB (resource 11).
    #[resource(11, read, unit = "dB")]
    pub signal_to_noise: Option<i32>,
    /// The location area code (resource 12).
    #[resource(12, read, type = integer)]
    pub location_area: Option<u32>,
}
