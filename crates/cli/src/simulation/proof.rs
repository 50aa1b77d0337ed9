//! What a simulated device proves itself by.

use core::fmt;

use dunlin_agent::objects::{SecurityAccount, SecurityMode};
use zeroize::Zeroizing;

/// What a device proves itself by, and the manager to it.
#[derive(Clone)]
pub(crate) enum Proof {
    /// A pre-shared key.
    Psk {
        /// The identity.
        identity: Vec<u8>,
        /// The key.
        key: Zeroizing<Vec<u8>>,
    },
    /// A raw public key.
    RawPublicKey {
        /// The device's own SubjectPublicKeyInfo.
        own: Vec<u8>,
        /// Its private key.
        key: Zeroizing<Vec<u8>>,
        /// The manager's SubjectPublicKeyInfo.
        server: Vec<u8>,
    },
    /// A certificate.
    Certificate {
        /// The device's own certificate in DER.
        own: Vec<u8>,
        /// Its private key.
        key: Zeroizing<Vec<u8>>,
        /// A certificate in DER by which the manager is known.
        server: Vec<u8>,
        /// What the manager is to that certificate.
        usage: Usage,
        /// The name that the manager's certificate bears; without it, its address.
        name: Option<String>,
    },
}

/// How a server's certificate is meant (/0/x/15; Core 1.2.2 Annex E.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Usage {
    /// It is that of an authority, and the manager has one that leads there.
    Authority = 2,
    /// It is the manager's own.
    Own = 3,
}

impl Proof {
    /// Puts it into an account of the Security object; `None` if there is no room for it.
    pub(super) fn put_into(&self, account: &mut SecurityAccount) -> Option<()> {
        match self {
            Self::Psk { identity, key } => {
                account.mode = SecurityMode::PreSharedKey;
                account.identity.extend_from_slice(identity).ok()?;
                account.secret_key.extend_from_slice(key).ok()
            }
            Self::RawPublicKey { own, key, server } => {
                account.mode = SecurityMode::RawPublicKey;
                account.identity.extend_from_slice(own).ok()?;
                account.server_public_key.extend_from_slice(server).ok()?;
                account.secret_key.extend_from_slice(key).ok()
            }
            Self::Certificate {
                own,
                key,
                server,
                usage,
                name,
            } => {
                account.mode = SecurityMode::Certificate;
                account.identity.extend_from_slice(own).ok()?;
                account.server_public_key.extend_from_slice(server).ok()?;
                account.certificate_usage = Some(*usage as u8);
                let name = name.as_deref().unwrap_or_default();
                account.server_name.push_str(name).ok()?;
                account.secret_key.extend_from_slice(key).ok()
            }
        }
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Psk { .. } => "Psk",
            Self::RawPublicKey { .. } => "RawPublicKey",
            Self::Certificate { .. } => "Certificate",
        })
    }
}
