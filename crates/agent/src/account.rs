//! The accounts of the Security object, as far as whoever secures and reaches servers reads them (Core 1.2.2 Annex E.1).

#[cfg(any(feature = "tcp", feature = "x509"))]
use dunlin_model::Value;
use dunlin_model::{ObjectId, ResourceId};

use crate::content::SINGLE;
use crate::{Object, Objects, set};

/// The Security Mode with a pre-shared key (resource 2).
#[cfg(feature = "psk")]
pub(crate) const PSK: i64 = 0;

/// The Security Mode by raw public keys.
#[cfg(any(feature = "rpk", feature = "tls"))]
pub(crate) const RAW_PUBLIC_KEYS: i64 = 1;

/// The Security Mode by certificates.
#[cfg(feature = "x509")]
pub(crate) const CERTIFICATES: i64 = 2;

/// The Security Mode without security.
#[cfg(any(feature = "_dtls", feature = "tcp"))]
pub(crate) const NO_SEC: i64 = 3;

/// The account of a server; with `None` that of the Bootstrap-Server.
pub(crate) fn find(objects: &dyn Objects, server: Option<u16>) -> Option<&dyn Object> {
    let security = objects.find(ObjectId::of::<0>())?;
    set::instances(security)
        .filter_map(|id| security.instance(id))
        .find(|account| {
            let bootstrap = account.read(ResourceId::of::<1>(), SINGLE);
            let bootstrap = bootstrap.and_then(|value| value.as_bool()) == Some(true);
            match server {
                Some(server) => {
                    let id = account.read(ResourceId::of::<10>(), SINGLE);
                    !bootstrap && id.and_then(|id| id.as_i64()) == Some(server.into())
                }
                None => bootstrap,
            }
        })
}

/// How an account is secured.
#[cfg(any(feature = "_dtls", feature = "tcp"))]
pub(crate) fn mode(account: &dyn Object) -> Option<i64> {
    account.read(ResourceId::of::<2>(), SINGLE)?.as_i64()
}

/// The bytes of a resource, none where it has no value.
#[cfg(feature = "_dtls")]
pub(crate) fn bytes(account: &dyn Object, resource: ResourceId) -> &[u8] {
    let value = account.read(resource, SINGLE);
    value
        .and_then(|value| value.as_opaque())
        .unwrap_or_default()
}

#[cfg(any(feature = "tcp", feature = "x509"))]
pub(crate) fn text(account: &dyn Object, resource: ResourceId) -> Option<&str> {
    match account.read(resource, SINGLE) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// How the server's certificate is meant (resource 15); without a value it is the very one, 3.
#[cfg(feature = "x509")]
pub(crate) fn usage(account: &dyn Object) -> Option<u8> {
    let usage = account.read(ResourceId::of::<15>(), SINGLE);
    usage
        .and_then(|usage| usage.as_u64())
        .map_or(Some(3), |usage| u8::try_from(usage).ok())
}

/// Whether the server of this account is reached over a stream: TCP, or TLS over it (Transport 1.2.2 §6.4). Then nothing of
/// UDP's security is above it.
#[cfg(feature = "tcp")]
pub(crate) fn is_over_a_stream(account: &dyn Object) -> bool {
    text(account, ResourceId::of::<0>()).is_some_and(crate::uri::is_stream)
}
