//! The manager's own handle, and how it is started.

use core::fmt;
use core::future::IntoFuture;
use core::net::{Ipv6Addr, SocketAddr};
use std::sync::Arc;

use dunlin_model::{ObjectId, Version};

use crate::handle::BoxFuture;
use crate::runtime::{self, Handle};
use crate::{
    Administration, CommandError, Config, Credential, CredentialKind, CredentialPage, Device,
    DevicePage, Events, KeepObjectsError, MemoryStore, Metrics, RegisteredObject, Registry,
    StartError, Store, StoredCredential,
};

/// A running manager. Cheap to clone; the manager runs until [`shutdown`](Self::shutdown), or until the last clone is
/// dropped. Handles of devices do not keep it running.
#[derive(Clone)]
pub struct Manager {
    handle: Handle,
    _running: Arc<runtime::Running>,
}

impl Manager {
    /// Starts to describe a manager.
    pub fn builder() -> ManagerBuilder {
        ManagerBuilder {
            listeners: Vec::new(),
            store: None,
            config: Config::default(),
        }
    }

    /// The handle of the device `endpoint`, whether it is known or not.
    pub fn device(&self, endpoint: impl Into<Arc<str>>) -> Device {
        Device {
            handle: self.handle.clone(),
            endpoint: endpoint.into(),
        }
    }

    /// The devices that the manager knows, in the order of their endpoint names.
    pub fn devices(&self) -> Devices {
        Devices {
            handle: self.handle.clone(),
            filter: Filter::default(),
        }
    }

    /// Everything that happens from now on.
    pub fn events(&self) -> Events {
        Events(self.handle.events())
    }

    /// The objects that the manager knows now.
    pub fn registry(&self) -> Registry {
        self.handle.registry()
    }

    /// Keeps the objects of an XML file of the OMA registry in the store, all of them or none, in place of those with the
    /// same ids and versions; what a device is asked from then on is understood by them, also after a restart. `name` is
    /// what errors call the file.
    ///
    /// # Errors
    ///
    /// [`KeepObjectsError::File`] with the line and the reason; [`KeepObjectsError::Manager`] if the store takes no changes
    /// or [`Config::max_stored_objects`] is reached.
    pub async fn keep_objects(
        &self,
        name: &str,
        xml: &[u8],
    ) -> Result<Vec<Arc<RegisteredObject>>, KeepObjectsError> {
        let objects = Registry::read_xml(name, xml)?;
        let kept: Vec<_> = objects
            .iter()
            .map(|object| (object.definition.id, object.definition.version))
            .collect();
        let objects = objects.into_iter().map(Arc::new).collect();
        // It was read, so it is UTF-8.
        let xml = String::from_utf8_lossy(xml).into();
        self.handle
            .administer(Administration::KeepObjects { objects, xml })
            .await?;
        let registry = self.registry();
        Ok(kept
            .into_iter()
            .filter_map(|(id, version)| registry.get(id, version).cloned())
            .collect())
    }

    /// Takes an object out of the store. What was known of it without the store is known again.
    ///
    /// # Errors
    ///
    /// [`CommandError::Invalid`] if it is not in the store, [`CommandError::StoreFailed`].
    pub async fn forget_object(&self, id: ObjectId, version: Version) -> Result<(), CommandError> {
        self.handle
            .administer(Administration::ForgetObject { id, version })
            .await
            .map(|_| ())
    }

    /// Gives a device a credential, in place of one of the same kind; the store keeps it. From then on the device is let in
    /// over DTLS and only there, and an association that it has by another credential ends.
    ///
    /// # Errors
    ///
    /// [`CommandError::Invalid`] if another device has the same identity, key or certificate, or if
    /// [`Config::max_credentials`] is reached; [`CommandError::StoreFailed`].
    pub async fn put_credential(
        &self,
        endpoint: impl Into<Arc<str>>,
        credential: Credential,
    ) -> Result<(), CommandError> {
        let endpoint = endpoint.into();
        let order = Administration::PutCredential(StoredCredential {
            endpoint,
            credential,
        });
        self.handle.administer(order).await.map(|_| ())
    }

    /// Takes a credential of a device away; its association ends. A device without any may register without security.
    ///
    /// # Errors
    ///
    /// [`CommandError::Invalid`] if there is none of this kind, [`CommandError::StoreFailed`].
    pub async fn remove_credential(
        &self,
        endpoint: impl Into<Arc<str>>,
        kind: CredentialKind,
    ) -> Result<(), CommandError> {
        let endpoint = endpoint.into();
        let order = Administration::RemoveCredential { endpoint, kind };
        self.handle.administer(order).await.map(|_| ())
    }

    /// At most `limit` credentials of devices whose endpoint name contains `text`, without their secrets, after the first
    /// `offset` of them.
    ///
    /// # Errors
    ///
    /// [`CommandError::Stopped`].
    pub async fn credentials(
        &self,
        text: impl Into<String>,
        offset: usize,
        limit: usize,
    ) -> Result<CredentialPage, CommandError> {
        let filter = Filter {
            containing: text.into(),
            offset,
            limit: Some(limit),
        };
        self.handle
            .ask(move |shard| shard.credentials(&filter))
            .await
    }

    /// The SubjectPublicKeyInfo by which devices with raw public keys know the manager, if it has
    /// [an identity](Config::identity).
    pub fn public_key(&self) -> Option<Vec<u8>> {
        self.handle.public_key()
    }

    /// The addresses and ports of the listeners, in their order.
    pub fn local_addresses(&self) -> &[SocketAddr] {
        self.handle.local_addresses()
    }

    /// What the manager has done so far.
    pub fn metrics(&self) -> Metrics {
        self.handle.metrics()
    }

    /// Ends everything in order: nothing more is received, waiting commands fail with [`CommandError::Stopped`], and what
    /// is not stored yet is stored. Returns when that is done; at once if it is done already.
    pub async fn shutdown(&self) {
        self.handle.shutdown().await;
    }
}

impl fmt::Debug for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manager")
            .field("local_addresses", &self.local_addresses())
            .finish_non_exhaustive()
    }
}

/// Which devices a query wants.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) containing: String,
    pub(crate) offset: usize,
    pub(crate) limit: Option<usize>,
}

/// A query for devices: `.await` it.
#[must_use = "a query does nothing until it is awaited"]
#[derive(Debug)]
pub struct Devices {
    handle: Handle,
    filter: Filter,
}

impl Devices {
    /// Only devices whose endpoint name contains `text`.
    pub fn containing(mut self, text: impl Into<String>) -> Self {
        self.filter.containing = text.into();
        self
    }

    /// Leaves the first `count` matching devices out.
    pub fn offset(mut self, count: usize) -> Self {
        self.filter.offset = count;
        self
    }

    /// At most `count` devices.
    pub fn limit(mut self, count: usize) -> Self {
        self.filter.limit = Some(count);
        self
    }
}

impl IntoFuture for Devices {
    type Output = Result<DevicePage, CommandError>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            self.handle
                .ask(move |shard| shard.devices(&self.filter))
                .await
        })
    }
}

/// Describes a manager before it starts.
pub struct ManagerBuilder {
    listeners: Vec<Listener>,
    store: Option<Box<dyn Store>>,
    config: Config,
}

impl ManagerBuilder {
    /// Adds an address to listen on: `coap://`, or `coaps://` for DTLS, and an IP address in brackets if it is IPv6, and the
    /// port, which is 5683 or 5684 if it is left out and a free one if it is 0. `coap://[::]` also takes IPv4 where the
    /// system allows it.
    ///
    /// Devices are let in over DTLS by the credentials that the manager was [given](Manager::put_credential). A device with
    /// a credential is let in only with it.
    ///
    /// # Errors
    ///
    /// [`StartError::Address`] for any other text.
    pub fn listen(mut self, address: &str) -> Result<Self, StartError> {
        self.listeners.push(parse_address(address)?);
        Ok(self)
    }

    /// Adds a socket address to listen on for `coap`.
    #[must_use]
    pub fn listen_on(mut self, address: SocketAddr) -> Self {
        self.listeners.push(Listener {
            address,
            is_secure: false,
        });
        self
    }

    /// Adds a socket address to listen on for `coaps`.
    #[must_use]
    pub fn listen_securely_on(mut self, address: SocketAddr) -> Self {
        self.listeners.push(Listener {
            address,
            is_secure: true,
        });
        self
    }

    /// Where devices, registrations and observations are kept. Default is a [`MemoryStore`], which forgets them at the end.
    #[must_use]
    pub fn store(mut self, store: impl Store) -> Self {
        self.store = Some(Box::new(store));
        self
    }

    /// Sets limits and times, and what objects are known.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Binds the sockets, loads the store and starts. Needs a tokio runtime with I/O and time.
    ///
    /// # Errors
    ///
    /// A port that is taken, an address that cannot be bound, a store that does not open: see [`StartError`].
    pub async fn start(self) -> Result<Manager, StartError> {
        let store = self.store.unwrap_or_else(|| Box::new(MemoryStore::new()));
        let (handle, running) = runtime::start(self.listeners, store, self.config).await?;
        Ok(Manager {
            handle,
            _running: Arc::new(running),
        })
    }
}

impl fmt::Debug for ManagerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManagerBuilder")
            .field("listeners", &self.listeners)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// Where a manager listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Listener {
    pub(crate) address: SocketAddr,
    /// Whether it speaks DTLS.
    pub(crate) is_secure: bool,
}

fn parse_address(text: &str) -> Result<Listener, StartError> {
    let error = |reason: &str| StartError::Address {
        text: text.to_owned(),
        reason: reason.to_owned(),
    };
    let (host, is_secure, port) =
        match (text.strip_prefix("coap://"), text.strip_prefix("coaps://")) {
            (Some(host), _) => (host, false, 5683),
            (None, Some(host)) => (host, true, 5684),
            (None, None) => return Err(error("it should start with coap:// or coaps://")),
        };
    let host = host.strip_suffix('/').unwrap_or(host);
    if let Ok(address) = host.parse::<SocketAddr>() {
        return Ok(Listener { address, is_secure });
    }
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let ip = match bare {
        Some(host) => host.parse::<Ipv6Addr>().ok().map(Into::into),
        None => host.parse::<core::net::Ipv4Addr>().ok().map(Into::into),
    };
    ip.map(|ip| Listener {
        address: SocketAddr::new(ip, port),
        is_secure,
    })
    .ok_or_else(|| {
        error("after :// it should be an IP address and port, such as 0.0.0.0:5683 or [::]:5683")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_addresses_with_and_without_port() {
        for (text, address) in [
            ("coap://127.0.0.1:0", "127.0.0.1:0"),
            ("coap://0.0.0.0", "0.0.0.0:5683"),
            ("coap://[::]:5684/", "[::]:5684"),
            ("coap://[::1]", "[::1]:5683"),
            ("coaps://[::]:7", "[::]:7"),
            ("coaps://0.0.0.0", "0.0.0.0:5684"),
        ] {
            let listener = parse_address(text).unwrap();
            assert_eq!(listener.address, address.parse().unwrap(), "{text}");
            assert_eq!(listener.is_secure, text.starts_with("coaps"), "{text}");
        }
        for text in [
            "127.0.0.1:5683",
            "http://[::]:5684",
            "coap://host:1",
            "coap://",
            "coap://::1",
            "coap://1.2.3.4:65536",
        ] {
            let error = parse_address(text).unwrap_err().to_string();
            assert!(error.contains(text), "{error}");
        }
    }
}
