//! Accounts whose servers are reached over a stream: TCP, or TLS over it (Transport 1.2.2 §6.4).

use dunlin_model::{ObjectId, ResourceId, Value};

use crate::content::SINGLE;
use crate::uri::is_stream;
use crate::{Object, Objects, set};

/// The Security Mode by certificates (resource 2).
#[cfg(feature = "tls")]
const CERTIFICATES: i64 = 2;

/// The Security Mode without security.
const NO_SEC: i64 = 3;

/// The account of a server in the Security object; with `None` that of the Bootstrap-Server.
pub(crate) fn account(objects: &dyn Objects, server: Option<u16>) -> Option<&dyn Object> {
    let security = objects.find(ObjectId::of::<0>())?;
    set::instances(security)
        .filter_map(|id| security.instance(id))
        .find(|account| {
            let bootstrap = account.read(ResourceId::of::<1>(), SINGLE);
            let bootstrap = bootstrap.and_then(|value| value.as_bool()) == Some(true);
            let id = account.read(ResourceId::of::<10>(), SINGLE);
            let id = id.and_then(|id| id.as_i64());
            match server {
                Some(server) => !bootstrap && id == Some(server.into()),
                None => bootstrap,
            }
        })
}

/// Whether the server of this account is reached over a stream: then nothing of UDP's security is above it.
pub(crate) fn reaches(account: &dyn Object) -> bool {
    match account.read(ResourceId::of::<0>(), SINGLE) {
        Some(Value::String(uri)) => is_stream(uri),
        _ => false,
    }
}

/// Whether an account has no security.
pub(crate) fn is_plain(account: &dyn Object) -> bool {
    mode(account) == Some(NO_SEC)
}

/// Whether an account has certificates.
#[cfg(feature = "tls")]
pub(crate) fn has_certificates(account: &dyn Object) -> bool {
    mode(account) == Some(CERTIFICATES)
}

fn mode(account: &dyn Object) -> Option<i64> {
    account.read(ResourceId::of::<2>(), SINGLE)?.as_i64()
}
