//! What the handlers share.

use std::sync::Arc;

use axum::extract::FromRef;
use dunlin_manager::Manager;
use tokio::sync::{Semaphore, watch};

use crate::auth::Authority;
use crate::config::Limits;

/// What the handlers share; a clone is a few pointers.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) manager: Manager,
    pub(crate) authority: Arc<Authority>,
    pub(crate) limits: Limits,
    /// Permits for receivers of server-sent events.
    pub(crate) streams: Arc<Semaphore>,
    /// Turns true when the server stops; the event streams end then.
    pub(crate) stopping: watch::Receiver<bool>,
}

impl Shared {
    pub(crate) fn new(
        manager: Manager,
        authority: Arc<Authority>,
        limits: Limits,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        let streams = Arc::new(Semaphore::new(limits.event_streams));
        Self {
            manager,
            authority,
            limits,
            streams,
            stopping,
        }
    }
}

impl FromRef<Shared> for Manager {
    fn from_ref(state: &Shared) -> Self {
        state.manager.clone()
    }
}

impl FromRef<Shared> for Arc<Authority> {
    fn from_ref(state: &Shared) -> Self {
        Self::clone(&state.authority)
    }
}
