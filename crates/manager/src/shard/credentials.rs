//! The security store: who proves what by which credential, and what the server proves itself by.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use dunlin_dtls::certificate::UnixTime;
use dunlin_dtls::trust::Role;
use dunlin_dtls::{
    Alert, Certificate, CertificateTypes, Chain, ChainVerifier, Credentials as Asked, Presented,
    PrivateKey, PskKey, PskLookup, Session,
};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::resumption::Resumption;

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

    /// The key of a PSK identity, and what is proved by it.
    pub(super) fn psk(&self, identity: &[u8]) -> Option<(PskKey, Proven)> {
        let endpoint = self.owner(CredentialKind::Psk, identity)?;
        let Credential::Psk { key, .. } = self.get(endpoint, CredentialKind::Psk)? else {
            return None;
        };
        let proven = self.proven(endpoint, CredentialKind::Psk, FOREVER)?;
        Some((PskKey::new(key.expose())?, proven))
    }

    /// What a device has proved by its credential of a kind.
    fn proven(&self, endpoint: &Arc<str>, kind: CredentialKind, until: UnixTime) -> Option<Proven> {
        Some(Proven {
            endpoint: Arc::clone(endpoint),
            kind,
            credential: fingerprint(self.get(endpoint, kind)?),
            until,
        })
    }

    /// Whether the device still has the credential by which it proved its name, and no other in its place.
    pub(super) fn still_proves(&self, proven: &Proven) -> bool {
        self.get(&proven.endpoint, proven.kind)
            .is_some_and(|now| fingerprint(now).ct_eq(&proven.credential).into())
    }

    /// What [`Proven::to_bytes`] wrote, if it still proves anything.
    fn still_proven(&self, now: Timestamp, bytes: &[u8]) -> Option<Proven> {
        let (kind, rest) = bytes.split_first()?;
        let (credential, rest) = rest.split_first_chunk()?;
        let (until, name) = rest.split_first_chunk()?;
        let endpoint = self.name(str::from_utf8(name).ok()?)?;
        let proven = Proven {
            endpoint: Arc::clone(endpoint),
            kind: *CredentialKind::ALL.get(usize::from(*kind))?,
            credential: *credential,
            until: UnixTime(i64::from_be_bytes(*until)),
        };
        self.may_resume(now, &proven).then_some(proven)
    }

    /// Whether a session that began with this proof may still be resumed.
    fn may_resume(&self, now: Timestamp, proven: &Proven) -> bool {
        unix_time(now) <= proven.until && self.still_proves(proven)
    }
}

/// Keys do not end.
const FOREVER: UnixTime = UnixTime(i64::MAX);

/// Who a device has proved to be, and by which credential.
#[derive(Debug, Clone)]
pub(super) struct Proven {
    pub(super) endpoint: Arc<str>,
    kind: CredentialKind,
    /// Stands for the credential, its secret included.
    credential: [u8; 16],
    /// When the first certificate of the chain ends, if there was one.
    until: UnixTime,
}

impl Proven {
    /// For a ticket.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let kind = CredentialKind::ALL
            .iter()
            .position(|kind| *kind == self.kind);
        let kind = kind.and_then(|kind| u8::try_from(kind).ok());
        let mut bytes = vec![kind.unwrap_or(u8::MAX)];
        bytes.extend(self.credential);
        bytes.extend(self.until.0.to_be_bytes());
        bytes.extend(self.endpoint.as_bytes());
        bytes
    }
}

/// What is no more the same when anything of a credential is another.
fn fingerprint(credential: &Credential) -> [u8; 16] {
    let identity = credential.identity();
    let mut hash = Sha256::new()
        .chain_update(credential.kind().name())
        .chain_update(identity.len().to_be_bytes())
        .chain_update(identity);
    if let Credential::Psk { key, .. } = credential {
        hash.update(key.expose());
    }
    let hash: [u8; 32] = hash.finalize().into();
    core::array::from_fn(|at| hash[at])
}

fn unix_time(now: Timestamp) -> UnixTime {
    UnixTime(now.as_millis().div_euclid(1000))
}

/// What a handshake asks.
pub(super) struct Lookup<'c> {
    pub(super) credentials: &'c Credentials,
    pub(super) resumption: &'c mut Resumption,
    pub(super) now: Timestamp,
}

impl Lookup<'_> {
    /// What a chain proves: the name of the one that has just this certificate, or the one that it names, if it leads to
    /// the authority that this one's certificate is to be of.
    fn certified(&self, chain: &Chain<'_>) -> Option<Proven> {
        let own = chain.end_entity()?;
        let parsed = Certificate::parse(own).ok()?;
        let fingerprint: [u8; 32] = Sha256::digest(own).into();
        let kind = CredentialKind::Certificate;
        if let Some(endpoint) = self.credentials.owner(kind, &fingerprint) {
            // It is this one whatever it says of itself, its end included.
            return self.credentials.proven(endpoint, kind, FOREVER);
        }
        let name = parsed.subject().common_name()?;
        let endpoint = self.credentials.name(name)?;
        let kind = CredentialKind::Authority;
        let Credential::Authority { certificate, .. } = self.credentials.get(name, kind)? else {
            return None;
        };
        let verifier = ChainVerifier::new([certificate]).ok()?;
        verifier
            .check(chain, Role::Client, unix_time(self.now), None)
            .ok()?;
        self.credentials.proven(endpoint, kind, end(chain))
    }
}

/// When the first of the certificates ends that a device presents: from then on its chain proves nothing. Those that it
/// presents in vain count too, and one that cannot be read has ended.
fn end(chain: &Chain<'_>) -> UnixTime {
    chain
        .certificates()
        .map(|der| Certificate::parse(der).map_or(UnixTime(i64::MIN), |one| one.not_after()))
        .min()
        .unwrap_or(UnixTime(i64::MIN))
}

impl Asked for Lookup<'_> {
    type Peer = Proven;

    fn has_psks(&self) -> bool {
        true
    }

    fn psk(&mut self, identity: &[u8]) -> PskLookup<Proven> {
        match self.credentials.psk(identity) {
            Some((key, proven)) => PskLookup::Found(key, proven),
            None => PskLookup::Unknown,
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

    fn verify(&mut self, presented: Presented<'_>) -> Result<Proven, Alert> {
        let found = match presented {
            Presented::RawPublicKey(key) => {
                let kind = CredentialKind::RawPublicKey;
                let endpoint = self.credentials.owner(kind, &key.to_spki());
                endpoint.and_then(|endpoint| self.credentials.proven(endpoint, kind, FOREVER))
            }
            Presented::Certificates(chain) => self.certified(&chain),
            _ => None,
        };
        found.ok_or(Alert::CERTIFICATE_UNKNOWN)
    }

    fn keeps_sessions(&self) -> bool {
        true
    }

    fn keep_session(&mut self, session: &Session, peer: Option<&Proven>) {
        if let Some(proven) = peer {
            self.resumption.keep(self.now, session, proven);
        }
    }

    fn session(&mut self, id: &[u8]) -> Option<(Session, Option<Proven>)> {
        let (session, proven) = self.resumption.kept(self.now, id)?;
        let may = self.credentials.may_resume(self.now, proven);
        may.then(|| (session, Some(proven.clone())))
    }

    fn gives_tickets(&self) -> bool {
        true
    }

    fn seal_ticket(
        &mut self,
        session: &Session,
        peer: Option<&Proven>,
        buffer: &mut [u8],
    ) -> Option<usize> {
        self.resumption.seal(self.now, session, peer?, buffer)
    }

    fn open_ticket(&mut self, ticket: &[u8]) -> Option<(Session, Option<Proven>)> {
        let Self {
            credentials,
            resumption,
            now,
        } = self;
        let still = |peer: &[u8]| credentials.still_proven(*now, peer);
        let (session, proven) = resumption.open(*now, ticket, still)?;
        Some((session, Some(proven)))
    }
}
