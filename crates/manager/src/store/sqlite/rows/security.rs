//! Credentials and DTLS associations as rows.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use zeroize::Zeroizing;

use super::{Result, peer, wrong};
use crate::store::{StoredAssociation, StoredTicketKeys};
use crate::{AssociationId, Credential, CredentialKind, SecretKey, StoredCredential};

pub(super) fn credentials(connection: &Connection) -> Result<Vec<StoredCredential>> {
    let mut statement = connection.prepare("SELECT * FROM credential")?;
    let rows = statement.query_map([], credential)?;
    rows.collect()
}

pub(super) fn put_credential(connection: &Connection, stored: &StoredCredential) -> Result<()> {
    let StoredCredential {
        endpoint,
        credential,
    } = stored;
    let material = match credential {
        Credential::Psk { key, .. } => Some(key.expose()),
        Credential::Authority { certificate, .. } => Some(&**certificate),
        Credential::RawPublicKey { .. } | Credential::Certificate { .. } => None,
    };
    connection
        .prepare_cached(
            "INSERT INTO credential (endpoint, kind, identity, material) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (endpoint, kind) DO UPDATE SET identity = excluded.identity, material = excluded.material",
        )?
        .execute(params![
            &**endpoint,
            credential.kind().name(),
            credential.identity(),
            material
        ])?;
    Ok(())
}

pub(super) fn remove_credential(
    connection: &Connection,
    endpoint: &str,
    kind: CredentialKind,
) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM credential WHERE endpoint = ?1 AND kind = ?2")?
        .execute(params![endpoint, kind.name()])?;
    Ok(())
}

fn credential(row: &Row<'_>) -> Result<StoredCredential> {
    let kind: String = row.get("kind")?;
    let identity: Vec<u8> = row.get("identity")?;
    let kind = CredentialKind::from_name(&kind)
        .ok_or_else(|| wrong(row, "kind", format!("no credential is called {kind}")))?;
    let credential = match kind {
        CredentialKind::Psk => {
            let secret: Zeroizing<Vec<u8>> = Zeroizing::new(row.get("material")?);
            Credential::Psk {
                identity: identity.into(),
                key: SecretKey::new(&secret)
                    .ok_or_else(|| wrong(row, "material", "no key is as long"))?,
            }
        }
        CredentialKind::RawPublicKey => Credential::RawPublicKey {
            spki: identity.into(),
        },
        CredentialKind::Authority => {
            let certificate: Vec<u8> = row.get("material")?;
            Credential::authority(&certificate).map_err(|error| wrong(row, "material", error))?
        }
        CredentialKind::Certificate => Credential::Certificate {
            fingerprint: identity
                .try_into()
                .map_err(|_| wrong(row, "identity", "no fingerprint is as long"))?,
        },
    };
    Ok(StoredCredential {
        endpoint: row.get::<_, String>("endpoint")?.into(),
        credential,
    })
}

pub(super) fn associations(connection: &Connection) -> Result<Vec<StoredAssociation>> {
    let mut statement = connection.prepare("SELECT * FROM association")?;
    let rows = statement.query_map([], |row| {
        Ok(StoredAssociation {
            peer: peer(row, "id")?,
            endpoint: row.get::<_, String>("endpoint")?.into(),
            record: Zeroizing::new(row.get::<_, Vec<u8>>("record")?.into()),
        })
    })?;
    rows.collect()
}

pub(super) fn put_association(connection: &Connection, stored: &StoredAssociation) -> Result<()> {
    let Some(id) = stored.peer.association else {
        return Ok(());
    };
    connection
        .prepare_cached(
            "INSERT INTO association (id, endpoint, listener, address, record) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (id) DO UPDATE SET endpoint = excluded.endpoint, listener = excluded.listener,
                 address = excluded.address, record = excluded.record",
        )?
        .execute(params![
            id.bits().cast_signed(),
            &*stored.endpoint,
            stored.peer.listener,
            stored.peer.address.to_string(),
            &**stored.record,
        ])?;
    Ok(())
}

pub(super) fn remove_association(connection: &Connection, id: AssociationId) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM association WHERE id = ?1")?
        .execute([id.bits().cast_signed()])?;
    Ok(())
}

pub(super) fn ticket_keys(connection: &Connection) -> Result<Option<Arc<StoredTicketKeys>>> {
    let mut statement = connection.prepare("SELECT record FROM ticket_keys")?;
    let keys = statement.query_row([], |row| {
        let record = Zeroizing::new(row.get::<_, Vec<u8>>("record")?.into());
        Ok(Arc::new(StoredTicketKeys { record }))
    });
    keys.optional()
}

pub(super) fn put_ticket_keys(connection: &Connection, keys: &StoredTicketKeys) -> Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO ticket_keys (id, record) VALUES (0, ?1)")?
        .execute([&**keys.record])?;
    Ok(())
}
