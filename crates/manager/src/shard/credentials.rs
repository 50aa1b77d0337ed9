//! The security store: who proves what by which credential, and what the server proves itself by.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use dunlin_dtls::certificate::UnixTime;
use dunlin_dtls::trust::Role;
use dunlin_dtls::{
    Alert, Certificate, CertificateTypes, Chain, ChainVerifier, Credentials as Asked, Presented,
    PrivateKey, PskKey, PskLookup,
};
use sha2::{Digest as _, Sha256};

use crate::{
    CommandError, Credential, CredentialInfo, CredentialKind, CredentialPage, ServerIdentity,
    StoredCredential, Timestamp,
};

/// All credentials.
#[derive(Default)]
pub(super) struct Credentials {
    /// Those of each device, in the order of their kinds: mostly one.
    by_endpoint: BTreeMap<Arc<str>, Vec<Credential>>,
    by_identity: HashMap<(CredentialKind, Box<[u8]>), Arc<str>>,
    count: usize,
    identity: Option<Arc<ServerIdentity>>,
}

impl Credentials {
    pub(super) fn new(
        identity: Option<Arc<ServerIdentity>>,
        stored: Vec<StoredCredential>,
    ) -> Self {
        let mut credentials = Self {
            identity,
            ..Self::default()
        };
        for one in stored {
            credentials.put(one);
        }
        credentials
    }

    /// Whether a device has any credential, so that it is only heard with one.
    pub(super) fn has(&self, endpoint: &str) -> bool {
        self.by_endpoint.contains_key(endpoint)
    }

    /// The name of a device that has any credential, as all share it.
    pub(super) fn name(&self, endpoint: &str) -> Option<&Arc<str>> {
        let (name, _) = self.by_endpoint.get_key_value(endpoint)?;
        Some(name)
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Whether a device may get this credential.
    pub(super) fn check(&self, new: &StoredCredential, most: usize) -> Result<(), CommandError> {
        let kind = new.credential.kind();
        let key = (kind, Box::from(new.credential.identity()));
        if let Some(other) = self
            .by_identity
            .get(&key)
            .filter(|other| **other != new.endpoint)
        {
            return Err(CommandError::invalid(format!(
                "“{other}” has this {} already: each device needs its own",
                match kind {
                    CredentialKind::Psk => "PSK identity",
                    CredentialKind::RawPublicKey => "public key",
                    CredentialKind::Certificate | CredentialKind::Authority => "certificate",
                }
            )));
        }
        let known = self.get(&new.endpoint, kind).is_some();
        if !known && self.count() >= most {
            return Err(CommandError::invalid(format!(
                "the manager keeps {most} credentials at most: remove some"
            )));
        }
        Ok(())
    }

    pub(super) fn get(&self, endpoint: &str, kind: CredentialKind) -> Option<&Credential> {
        let known = self.by_endpoint.get(endpoint)?;
        known.iter().find(|one| one.kind() == kind)
    }

    pub(super) fn put(&mut self, new: StoredCredential) {
        let StoredCredential {
            endpoint,
            credential,
        } = new;
        let kind = credential.kind();
        self.remove(&endpoint, kind);
        if kind.is_unique() {
            let key = (kind, Box::from(credential.identity()));
            self.by_identity.insert(key, Arc::clone(&endpoint));
        }
        self.count += 1;
        let known = self.by_endpoint.entry(endpoint).or_default();
        let at = known.partition_point(|one| one.kind() < kind);
        known.reserve_exact(1);
        known.insert(at, credential);
    }

    pub(super) fn remove(&mut self, endpoint: &str, kind: CredentialKind) {
        let Some(known) = self.by_endpoint.get_mut(endpoint) else {
            return;
        };
        if let Some(at) = known.iter().position(|one| one.kind() == kind) {
            let credential = known.remove(at);
            self.count = self.count.saturating_sub(1);
            self.by_identity
                .remove(&(kind, Box::from(credential.identity())));
        }
        if known.is_empty() {
            self.by_endpoint.remove(endpoint);
        }
    }

    /// What may be shown of the credentials of devices whose name contains `text`.
    pub(super) fn page(&self, text: &str, offset: usize, limit: usize) -> CredentialPage {
        let matching = self
            .by_endpoint
            .iter()
            .filter(|(endpoint, _)| endpoint.contains(text))
            .flat_map(|(endpoint, known)| known.iter().map(move |one| (endpoint, one)));
        let mut page = CredentialPage::default();
        for (at, (endpoint, credential)) in matching.enumerate() {
            page.total += 1;
            if at >= offset && page.credentials.len() < limit {
                page.credentials.push(CredentialInfo {
                    endpoint: Arc::clone(endpoint),
                    kind: credential.kind(),
                    identity: credential.identity().into(),
                });
            }
        }
        page
    }

    fn owner(&self, kind: CredentialKind, identity: &[u8]) -> Option<&Arc<str>> {
        self.by_identity.get(&(kind, identity.into()))
    }
}

/// What a handshake asks. The peer is called by its endpoint name.
pub(super) struct Lookup<'c> {
    pub(super) credentials: &'c Credentials,
    pub(super) now: Timestamp,
}

impl Lookup<'_> {
    /// Whose certificate it is: the one that has just this, or the one that it names, if it leads to the authority that
    /// this one's certificate is to be of.
    fn certified(&self, chain: &Chain<'_>) -> Option<&Arc<str>> {
        let own = chain.end_entity()?;
        let fingerprint: [u8; 32] = Sha256::digest(own).into();
        let pinned = self
            .credentials
            .owner(CredentialKind::Certificate, &fingerprint);
        if pinned.is_some() {
            return pinned;
        }
        let name = Certificate::parse(own).ok()?.subject().common_name()?;
        let endpoint = self.credentials.name(name)?;
        let known = self.credentials.get(name, CredentialKind::Authority)?;
        let Credential::Authority { certificate, .. } = known else {
            return None;
        };
        let now = UnixTime(self.now.as_millis().div_euclid(1000));
        let verifier = ChainVerifier::new([certificate]).ok()?;
        verifier.check(chain, Role::Client, now, None).ok()?;
        Some(endpoint)
    }
}

impl Asked for Lookup<'_> {
    type Peer = Arc<str>;

    fn has_psks(&self) -> bool {
        true
    }

    fn psk(&mut self, identity: &[u8]) -> PskLookup<Self::Peer> {
        let credentials = self.credentials;
        let found = credentials
            .owner(CredentialKind::Psk, identity)
            .and_then(|endpoint| Some((endpoint, credentials.get(endpoint, CredentialKind::Psk)?)));
        match found {
            Some((endpoint, Credential::Psk { key, .. })) => match PskKey::new(key.expose()) {
                Some(key) => PskLookup::Found(key, Arc::clone(endpoint)),
                None => PskLookup::Unknown,
            },
            _ => PskLookup::Unknown,
        }
    }

    fn private_key(&self) -> Option<&PrivateKey> {
        self.credentials
            .identity
            .as_ref()
            .map(|identity| identity.private_key())
    }

    fn own_types(&self) -> CertificateTypes {
        match &self.credentials.identity {
            Some(identity) => CertificateTypes {
                raw_public_key: true,
                x509: !identity.certificates().is_empty(),
            },
            None => CertificateTypes::default(),
        }
    }

    fn own_certificate(&self, index: usize) -> Option<&[u8]> {
        let certificates = self.credentials.identity.as_ref()?.certificates();
        certificates.get(index).map(|der| &**der)
    }

    fn peer_types(&self) -> CertificateTypes {
        CertificateTypes {
            raw_public_key: true,
            x509: true,
        }
    }

    fn verify(&mut self, presented: Presented<'_>) -> Result<Self::Peer, Alert> {
        let found = match presented {
            Presented::RawPublicKey(key) => self
                .credentials
                .owner(CredentialKind::RawPublicKey, &key.to_spki()),
            Presented::Certificates(chain) => self.certified(&chain),
            _ => None,
        };
        found.cloned().ok_or(Alert::CERTIFICATE_UNKNOWN)
    }
}
