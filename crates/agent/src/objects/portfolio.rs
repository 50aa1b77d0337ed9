//! Object 16, Portfolio.

use heapless::{String, Vec};

use crate::{Execute, Object, ResourceInstances};

/// Object 16, Portfolio: names of what the device is a part of, such as those of its host (GSMA), with room for `N` of them.
///
/// It stands in a set as `Instances<Portfolio, …>`; servers may make and delete instances. Where the device can prove the
/// names, a server asks by resource 1 and reads the proof in resource 2. The arguments of the question, which choose the
/// service, are not kept: a device with several services derives an object of its own.
#[derive(Debug, Clone, Default, Object)]
#[object(id = 16, create)]
pub struct Portfolio<const N: usize = 4> {
    /// The names; of a host device 0 its id, 1 its manufacturer, 2 its model, 3 its software version (resource 0).
    #[resource(0, read, write, mandatory)]
    pub identity: ResourceInstances<String<64>, N>,
    /// A proof is asked for (resource 1).
    #[resource(1, execute, optional)]
    pub get_auth_data: Execute,
    /// The proof (resource 2).
    #[resource(2, read)]
    pub auth_data: ResourceInstances<Vec<u8, 64>, N>,
    /// 0 nothing asked for, 1 at work, 2 the proof is there (resource 3).
    #[resource(3, read, type = integer, range = 0..=2)]
    pub auth_status: Option<u8>,
}
