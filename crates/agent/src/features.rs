//! What of the agent is in the program: constants, so that both ways are checked wherever the code is compiled, and
//! what is not in it takes no flash.

/// Observe, notifications and Write-Attributes.
pub(crate) const OBSERVE: bool = cfg!(feature = "observe");

/// Words for a person in answers that refuse something.
pub(crate) const DIAGNOSTICS: bool = cfg!(feature = "diagnostics");

/// The Bootstrap interface.
pub(crate) const BOOTSTRAP: bool = cfg!(feature = "bootstrap");

/// Whether the agent itself makes and removes instances that no server can: for a Bootstrap-Server, out of what was kept, or
/// as rules of access.
pub(crate) const PROVIDES: bool = cfg!(any(
    feature = "bootstrap",
    feature = "persistence",
    feature = "access-control"
));

/// What is kept over a restart, or over a bootstrap that fails.
pub(crate) const KEEPS: bool = cfg!(feature = "persistence");

/// Transports other than UDP.
pub(crate) const OTHER_TRANSPORTS: bool = cfg!(feature = "other-transports");

/// Send.
pub(crate) const SEND: bool = cfg!(feature = "send");

/// Read-Composite, Write-Composite and Observe-Composite.
pub(crate) const COMPOSITE: bool = cfg!(feature = "composite");

/// The Access Control object.
pub(crate) const ACCESS_CONTROL: bool = cfg!(feature = "access-control");

/// The order of registrations at several servers.
pub(crate) const ORDER: bool = cfg!(feature = "registration-order");

/// Profile IDs.
pub(crate) const PROFILE: bool = cfg!(feature = "profile");

/// Bootstrap-Pack.
pub(crate) const BOOTSTRAP_PACK: bool = cfg!(feature = "bootstrap-pack");

/// Values kept while a server is out of reach.
pub(crate) const HISTORY: bool = cfg!(feature = "history");
