//! The credentials of an account of the Security object, as a handshake asks for them (Core 1.2.2 Annex E.1).

use dunlin_dtls::Credentials;
#[cfg(feature = "psk")]
use dunlin_dtls::PskKey;
#[cfg(any(feature = "rpk", feature = "x509"))]
use dunlin_dtls::{Alert, CertificateTypes, Presented, PrivateKey};
use dunlin_model::ResourceId;

use super::link::Remote;
#[cfg(feature = "x509")]
use crate::Object;
use crate::Objects;
use crate::account::{self, bytes};

/// The credentials of an account.
#[derive(Default)]
pub(super) struct Keys<'k> {
    #[cfg(feature = "psk")]
    psk: Option<(&'k [u8], PskKey)>,
    #[cfg(any(feature = "rpk", feature = "x509"))]
    private: Option<PrivateKey>,
    #[cfg(any(feature = "rpk", feature = "x509"))]
    types: CertificateTypes,
    /// Our certificate.
    #[cfg(feature = "x509")]
    own: &'k [u8],
    /// The server's SubjectPublicKeyInfo or certificate.
    #[cfg(any(feature = "rpk", feature = "x509"))]
    server: &'k [u8],
    /// How the certificate is meant (/0/x/15).
    #[cfg(feature = "x509")]
    usage: u8,
    /// The server's name: the SNI of the account (/0/x/14), or the host of its URI.
    #[cfg(feature = "x509")]
    name: &'k str,
    _account: core::marker::PhantomData<&'k ()>,
}

impl<'k> Keys<'k> {
    /// `None` where an account has none that are of use here.
    pub(super) fn of(objects: &'k dyn Objects, remote: Remote) -> Option<Self> {
        let account = remote.account(objects)?;
        let secret = bytes(account, ResourceId::of::<5>());
        let mut keys = Self::default();
        match account::mode(account)? {
            #[cfg(feature = "psk")]
            account::PSK => {
                keys.psk = Some((bytes(account, ResourceId::of::<3>()), PskKey::new(secret)?));
            }
            #[cfg(feature = "rpk")]
            account::RAW_PUBLIC_KEYS => {
                keys.private = Some(PrivateKey::from_bytes(secret).ok()?);
                keys.types.raw_public_key = true;
                keys.server = bytes(account, ResourceId::of::<4>());
            }
            #[cfg(feature = "x509")]
            account::CERTIFICATES => {
                keys.private = Some(PrivateKey::from_bytes(secret).ok()?);
                keys.types.x509 = true;
                keys.own = bytes(account, ResourceId::of::<3>());
                keys.server = bytes(account, ResourceId::of::<4>());
                keys.name = server_name(account)?;
                keys.usage = account::usage(account)?;
            }
            _ => return None,
        }
        let _ = secret;
        Some(keys)
    }
}

impl Credentials for Keys<'_> {
    type Peer = ();

    #[cfg(feature = "psk")]
    fn own_psk(&self) -> Option<(&[u8], PskKey)> {
        self.psk.clone()
    }

    #[cfg(any(feature = "rpk", feature = "x509"))]
    fn private_key(&self) -> Option<&PrivateKey> {
        self.private.as_ref()
    }

    #[cfg(any(feature = "rpk", feature = "x509"))]
    fn own_types(&self) -> CertificateTypes {
        self.types
    }

    #[cfg(feature = "x509")]
    fn own_certificate(&self, index: usize) -> Option<&[u8]> {
        (index == 0 && !self.own.is_empty()).then_some(self.own)
    }

    #[cfg(any(feature = "rpk", feature = "x509"))]
    fn peer_types(&self) -> CertificateTypes {
        self.types
    }

    #[cfg(feature = "x509")]
    fn server_name(&self) -> Option<&str> {
        let is_name = !self.name.is_empty() && self.name.parse::<core::net::IpAddr>().is_err();
        is_name.then_some(self.name)
    }

    /// Public keys and certificates are no secret: they may be compared in whatever time.
    #[cfg(any(feature = "rpk", feature = "x509"))]
    fn verify(&mut self, presented: Presented<'_>) -> Result<(), Alert> {
        match presented {
            #[cfg(feature = "rpk")]
            Presented::RawPublicKey(key) if key.to_spki() == *self.server => Ok(()),
            #[cfg(feature = "x509")]
            Presented::Certificates(chain) => {
                verify_chain(&chain, self.server, self.usage, self.name)
            }
            _ => Err(Alert::CERTIFICATE_UNKNOWN),
        }
    }
}

#[cfg(feature = "x509")]
fn server_name(account: &dyn Object) -> Option<&str> {
    let (host, _) = crate::host_and_port(account::text(account, ResourceId::of::<0>())?, true)?;
    Some(account::text(account, ResourceId::of::<14>()).unwrap_or(host))
}

/// Whether a server's certificate bears its `name`, and is the pinned one (usages 1 and 3), or signed by the one that is pinned (2, and 0 where no
/// other authorities are known), by the rules of Core 1.2.2 Annex E.1 for /0/x/15. A device may not know the time: dates are
/// not looked at.
#[cfg(feature = "x509")]
fn verify_chain(
    chain: &dunlin_dtls::Chain<'_>,
    pinned: &[u8],
    usage: u8,
    name: &str,
) -> Result<(), Alert> {
    use dunlin_dtls::trust::{CertificateUsage, Expected, Role, Trust};
    use dunlin_dtls::{MatchingType, Pin};

    let unknown = Alert::CERTIFICATE_UNKNOWN;
    if pinned.is_empty() {
        return Err(unknown);
    }
    // A device has no authorities of its own beside the one that is pinned, so what constrains them asserts them.
    let usage = match usage {
        0 | 2 => CertificateUsage::TrustAnchorAssertion,
        1 | 3 => CertificateUsage::DomainIssuedCertificate,
        _ => return Err(unknown),
    };
    let pin = Pin::new(MatchingType::Exact, pinned).map_err(|_| unknown)?;
    let expected = Expected {
        role: Role::Server,
        time: None,
        name: Some(name),
    };
    match Trust::new(usage, pin).check(chain, &expected) {
        Ok(_) => Ok(()),
        Err(error) => Err(Alert(error.alert())),
    }
}
