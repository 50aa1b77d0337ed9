//! Object 6, Location.

use heapless::Vec;

use crate::{Object, Time};

/// Object 6, Location, as the single instance 0: where the device is, as far as it knows.
#[derive(Debug, Clone, Default, Object)]
#[object(id = 6, single)]
pub struct Location {
    /// Latitude in degrees, north positive (resource 0).
    #[resource(0, read, unit = "lat")]
    pub latitude: f64,
    /// Longitude in degrees, east positive (resource 1).
    #[resource(1, read, unit = "lon")]
    pub longitude: f64,
    /// Altitude in metres above the sea (resource 2).
    #[resource(2, read, unit = "m")]
    pub altitude: Option<f64>,
    /// The radius of the circle around the position in which the device is, in metres (resource 3).
    #[resource(3, read, unit = "m")]
    pub radius: Option<f64>,
    /// Velocity as 3GPP TS 23.032 has it (resource 4).
    #[resource(4, read)]
    pub velocity: Option<Vec<u8, 7>>,
    /// When the position was found (resource 5).
    #[resource(5, read)]
    pub timestamp: Time,
    /// Speed in metres a second (resource 6).
    #[resource(6, read, unit = "m/s")]
    pub speed: Option<f64>,
}
