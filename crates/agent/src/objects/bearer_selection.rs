//! Object 13, Bearer Selection.

use heapless::String;

use crate::{Object, ResourceInstances};

/// Object 13, Bearer Selection, as the single instance 0, with room for `N` bearers: which network a cellular device is to
/// prefer.
#[derive(Debug, Clone, Default, Object)]
#[object(id = 13, version = "1.1", single)]
pub struct BearerSelection<const N: usize = 4> {
    /// The bearers, the preferred first: 0 as the device likes, 1 3GPP PS preferred and so on (resource 0).
    #[resource(0, read, write, type = integer, range = 0..=100)]
    pub preferred: ResourceInstances<u8, N>,
    /// The weakest signal of GSM to be used, dBm (resource 1).
    #[resource(1, read, write, type = integer, range = -110..=-48)]
    pub gsm_rssi: Option<i16>,
    /// The weakest signal of UMTS to be used, dBm (resource 2).
    #[resource(2, read, write, type = integer, range = -120..=-25)]
    pub umts_rscp: Option<i16>,
    /// The weakest signal of LTE to be used, dBm (resource 3).
    #[resource(3, read, write, type = integer, range = -140..=-44)]
    pub lte_rsrp: Option<i16>,
    /// The cells that may be used, with commas between them (resource 5).
    #[resource(5, read, write)]
    pub cells: Option<String<64>>,
    /// The operators' codes in the order of their priority, with commas between them (resource 6).
    #[resource(6, read, write)]
    pub operators: Option<String<64>>,
    /// Whether only those operators are allowed (resource 7).
    #[resource(7, read, write)]
    pub only_these_operators: Option<bool>,
    /// The networks that were found (resource 8).
    #[resource(8, read)]
    pub available: Option<String<96>>,
    /// The weakest signal of NB-IoT to be used, dBm (resource 10).
    #[resource(10, read, write, type = integer, range = -158..=-44)]
    pub nb_iot_rsrp: Option<i16>,
    /// How often to look for a network of higher priority (resource 11).
    #[resource(11, read, write, type = integer)]
    pub search_timer: Option<u32>,
    /// Whether to attach without a connection to a packet network (resource 12).
    #[resource(12, read, write)]
    pub attach_without_pdn: Option<bool>,
}
