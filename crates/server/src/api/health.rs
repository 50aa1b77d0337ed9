//! Whether the manager works.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether a part works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum HealthStatus {
    /// It works.
    Ok,
    /// It does not.
    Failed,
}

/// The state of the manager and its store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// The whole: `failed` when any part is.
    pub status: HealthStatus,
    /// The store: `failed` while it does not take changes; then new registrations are refused with 5.03.
    pub store: HealthStatus,
    /// The version of the program.
    #[schema(example = "0.1.0")]
    pub version: String,
}
