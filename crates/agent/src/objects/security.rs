//! Object 0, LwM2M Security.

use core::fmt;
use core::ops::{Deref, DerefMut};

use dunlin_model::objects::SECURITY;
use dunlin_model::{ObjectDefinition, ResourceId, ResourceInstanceId, Value};
use heapless::{CapacityError, String, Vec, VecView};

use crate::features::PROVIDES;
use crate::{Error, Instances, Object, ObjectType};

/// Object 0, LwM2M Security, with room for `N` accounts: where the servers are and how to talk to them.
///
/// No server can read or write it: the agent answers every operation on `/0` with 4.01.
pub type Security<const N: usize> = Instances<SecurityAccount, N>;

/// How an account is secured (resource 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SecurityMode {
    /// Pre-shared key, 0.
    PreSharedKey,
    /// Raw public key, 1.
    RawPublicKey,
    /// Certificate, 2.
    Certificate,
    /// No security, 3.
    #[default]
    NoSec,
}

/// Room for an identity of a pre-shared key, a SubjectPublicKeyInfo of a key on P-256, or a certificate.
const IDENTITY: usize = if cfg!(feature = "x509") {
    1024
} else if cfg!(feature = "rpk") {
    91
} else {
    64
};

const SERVER_KEY: usize = if cfg!(feature = "x509") {
    1024
} else if cfg!(feature = "rpk") {
    91
} else {
    0
};

/// Room for a pre-shared key, or for a private key in the form of RFC 5958.
const SECRET: usize = if cfg!(any(feature = "rpk", feature = "x509")) {
    160
} else if cfg!(feature = "psk") {
    64
} else {
    32
};

/// A secret key, as a list of its bytes. It is wiped when dropped, as well as safe code can.
#[derive(Clone, Default)]
pub struct SecretKey(Vec<u8, SECRET>);

impl SecretKey {
    /// A key of these bytes.
    ///
    /// # Errors
    ///
    /// When there are more than there is room for.
    pub fn new(bytes: &[u8]) -> Result<Self, CapacityError> {
        Vec::from_slice(bytes).map(Self)
    }

    fn wipe(&mut self) {
        self.0.clear();
        // All of the room: the key may have been longer before. That nobody reads the zeros must not be found out.
        let _ = self.0.resize(SECRET, 0);
        core::hint::black_box(&mut self.0);
        self.0.clear();
    }
}

impl Deref for SecretKey {
    type Target = Vec<u8, SECRET>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for SecretKey {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl Drop for SecretKey {
    fn drop(&mut self) {
        self.wipe();
    }
}

/// One instance of the Security object.
///
/// `Debug` shows neither the key nor its identity.
#[derive(Clone, Default)]
pub struct SecurityAccount {
    /// The server's URI, such as `coap://lwm2m.example.com:5683` (resource 0).
    pub uri: String<96>,
    /// Whether the account is a Bootstrap-Server's (resource 1). The agent asks
    /// it by [`bootstrap`](crate::Agent::bootstrap), and never registers at it.
    pub bootstrap: bool,
    /// How the account is secured (resource 2).
    pub mode: SecurityMode,
    /// The PSK identity, the own SubjectPublicKeyInfo or the own certificate (resource 3).
    pub identity: Vec<u8, IDENTITY>,
    /// The server's SubjectPublicKeyInfo or certificate (resource 4). There is room for it with the features `rpk` and
    /// `x509`.
    pub server_public_key: Vec<u8, SERVER_KEY>,
    /// The secret key (resource 5).
    pub secret_key: SecretKey,
    /// The short server id, 1 to 65534, that the account shares with an instance of the Server object (resource 10).
    pub short_server_id: u16,
    /// How long the client waits before it asks a Bootstrap-Server, seconds (resource 11).
    pub hold_off: u32,
    /// How long after a bootstrap the account of the Bootstrap-Server stays, seconds; 0 for good (resource 12).
    #[cfg(feature = "bootstrap")]
    pub account_timeout: u32,
    /// The name that the server's certificate is to bear, and that the server is asked for (SNI, resource 14); where it is
    /// empty, the host of the URI.
    #[cfg(feature = "x509")]
    pub server_name: String<64>,
    /// How the server's certificate is meant, 0 to 3 (resource 15); without a value it is the very one, 3.
    #[cfg(feature = "x509")]
    pub certificate_usage: Option<u8>,
}

impl SecurityAccount {
    /// An account without security.
    ///
    /// # Errors
    ///
    /// When `uri` is longer than 96 bytes.
    pub fn no_sec(short_server_id: u16, uri: &str) -> Result<Self, CapacityError> {
        Ok(Self {
            uri: String::try_from(uri)?,
            short_server_id,
            ..Self::default()
        })
    }
}

impl SecurityAccount {
    /// An account of a Bootstrap-Server without security.
    ///
    /// # Errors
    ///
    /// When `uri` is longer than 96 bytes.
    pub fn no_sec_bootstrap(uri: &str) -> Result<Self, CapacityError> {
        Ok(Self {
            uri: String::try_from(uri)?,
            bootstrap: true,
            ..Self::default()
        })
    }

    /// An account with a pre-shared key.
    ///
    /// # Errors
    ///
    /// When `uri`, identity or key are longer than there is room for.
    pub fn psk(
        short_server_id: u16,
        uri: &str,
        identity: &[u8],
        key: &[u8],
    ) -> Result<Self, CapacityError> {
        Ok(Self {
            mode: SecurityMode::PreSharedKey,
            identity: Vec::from_slice(identity)?,
            secret_key: SecretKey::new(key)?,
            ..Self::no_sec(short_server_id, uri)?
        })
    }

    /// An account with raw public keys (`RawPublicKey`) or certificates (`Certificate`): our public key or certificate, our
    /// private key, and what the server is to present, in DER.
    ///
    /// # Errors
    ///
    /// When `uri` or one of the keys is longer than there is room for.
    #[cfg(any(feature = "rpk", feature = "x509"))]
    pub fn keys(
        short_server_id: u16,
        uri: &str,
        mode: SecurityMode,
        own: &[u8],
        private: &[u8],
        server: &[u8],
    ) -> Result<Self, CapacityError> {
        Ok(Self {
            mode,
            identity: Vec::from_slice(own)?,
            secret_key: SecretKey::new(private)?,
            server_public_key: Vec::from_slice(server)?,
            ..Self::no_sec(short_server_id, uri)?
        })
    }

    fn set(&mut self, resource: ResourceId, value: &Value<'_>) -> Result<(), Error> {
        match (resource.get(), value) {
            (0, Value::String(uri)) => super::set(&mut self.uri, uri)?,
            (1, Value::Boolean(bootstrap)) => self.bootstrap = *bootstrap,
            (3, Value::Opaque(bytes)) => replace(&mut self.identity, bytes)?,
            (4, Value::Opaque(bytes)) => replace(&mut self.server_public_key, bytes)?,
            (5, Value::Opaque(bytes)) => {
                if bytes.len() <= SECRET {
                    self.secret_key.wipe();
                }
                replace(&mut self.secret_key.0, bytes)?;
            }
            #[cfg(feature = "x509")]
            (14, Value::String(name)) => super::set(&mut self.server_name, name)?,
            (2 | 10..=12 | 15, Value::Integer(number)) => {
                let number = u32::try_from(*number).map_err(|_| Error::BadValue)?;
                self.set_number(resource, number)?;
            }
            // Whoever wants OSCORE is not reached without it: an account that asks for it is refused, not taken for less.
            (17, Value::Objlnk(link)) if link.is_null() => {}
            (17, Value::Objlnk(_)) => return Err(Error::NotImplemented),
            // What the definition does not have does not come here.
            _ => return Err(Error::BadValue),
        }
        Ok(())
    }

    fn set_number(&mut self, resource: ResourceId, number: u32) -> Result<(), Error> {
        match resource.get() {
            2 => {
                self.mode = match number {
                    0 => SecurityMode::PreSharedKey,
                    1 => SecurityMode::RawPublicKey,
                    2 => SecurityMode::Certificate,
                    3 => SecurityMode::NoSec,
                    _ => return Err(Error::BadValue),
                }
            }
            10 => self.short_server_id = u16::try_from(number).map_err(|_| Error::BadValue)?,
            11 => self.hold_off = number,
            #[cfg(feature = "bootstrap")]
            12 => self.account_timeout = number,
            #[cfg(feature = "x509")]
            15 if number <= 3 => self.certificate_usage = u8::try_from(number).ok(),
            _ => return Err(Error::BadValue),
        }
        Ok(())
    }
}

/// Puts `new` in place of `bytes`, whole or not at all.
fn replace(bytes: &mut VecView<u8>, new: &[u8]) -> Result<(), Error> {
    if new.len() > bytes.capacity() {
        return Err(Error::BadValue);
    }
    bytes.clear();
    bytes.extend_from_slice(new).map_err(|_| Error::BadValue)
}

impl<const N: usize> Security<N> {
    /// One account without security, as instance 0.
    ///
    /// # Errors
    ///
    /// When `uri` is longer than 96 bytes, or `N` is 0.
    pub fn no_sec(short_server_id: u16, uri: &str) -> Result<Self, CapacityError> {
        if N == 0 {
            return Err(CapacityError::default());
        }
        SecurityAccount::no_sec(short_server_id, uri).map(Self::of)
    }
}

impl ObjectType for SecurityAccount {
    const DEFINITION: &'static ObjectDefinition = &super::trimmed(
        &SECURITY,
        #[cfg(not(feature = "x509"))]
        &const { super::resources(&SECURITY, [0, 1, 2, 3, 4, 5, 10, 11, 12, 17]) },
        #[cfg(feature = "x509")]
        &const { super::resources(&SECURITY, [0, 1, 2, 3, 4, 5, 10, 11, 12, 14, 15, 17]) },
    );

    fn provide() -> Option<Self> {
        Some(Self::default())
    }

    fn is_provided() -> bool {
        true
    }
}

impl Object for SecurityAccount {
    /// What a Bootstrap-Server writes: no other server comes here.
    fn check(
        &self,
        resource: ResourceId,
        _: ResourceInstanceId,
        value: &Value<'_>,
    ) -> Result<(), Error> {
        if !PROVIDES {
            return Err(Error::NotAllowed);
        }
        Self::default().set(resource, value)
    }

    fn write(
        &mut self,
        resource: ResourceId,
        _: ResourceInstanceId,
        value: &Value<'_>,
    ) -> Result<(), Error> {
        if !PROVIDES {
            return Err(Error::NotAllowed);
        }
        self.set(resource, value)
    }

    fn read(&self, resource: ResourceId, _: ResourceInstanceId) -> Option<Value<'_>> {
        Some(match resource.get() {
            0 => Value::String(&self.uri),
            1 => Value::Boolean(self.bootstrap),
            2 => Value::Integer(match self.mode {
                SecurityMode::PreSharedKey => 0,
                SecurityMode::RawPublicKey => 1,
                SecurityMode::Certificate => 2,
                SecurityMode::NoSec => 3,
            }),
            3 => Value::Opaque(&self.identity),
            4 => Value::Opaque(&self.server_public_key),
            5 => Value::Opaque(&self.secret_key),
            10 if !self.bootstrap => Value::Integer(self.short_server_id.into()),
            11 => Value::Integer(self.hold_off.into()),
            #[cfg(feature = "bootstrap")]
            12 if self.bootstrap => Value::Integer(self.account_timeout.into()),
            #[cfg(feature = "x509")]
            14 if !self.server_name.is_empty() => Value::String(&self.server_name),
            #[cfg(feature = "x509")]
            15 => Value::Integer(self.certificate_usage?.into()),
            _ => return None,
        })
    }
}

impl fmt::Debug for SecurityAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecurityAccount")
            .field("uri", &self.uri.as_str())
            .field("bootstrap", &self.bootstrap)
            .field("mode", &self.mode)
            .field("short_server_id", &self.short_server_id)
            .finish_non_exhaustive()
    }
}
