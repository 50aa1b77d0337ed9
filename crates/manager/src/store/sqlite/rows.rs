//! Devices, observations, values and object definitions as rows.

use core::fmt::Display;
use core::str::FromStr;
use std::collections::HashMap;
use std::sync::Arc;

use dunlin_coap::Token;
use dunlin_codec::ContentFormat;
use dunlin_lwm2m::{Binding, LwM2mVersion};
use dunlin_model::{Attributes, ObjectId};
use rusqlite::types::{Type, Value as Cell, ValueRef};
use rusqlite::{Connection, Row, params};

use crate::shard::{read_links, write_links};
use crate::store::{Change, Snapshot, StoredDevice, StoredObject, StoredObservation};
use crate::{AssociationId, KnownValue, Location, OwnedValue, Peer, Registration, Timestamp};

mod security;

type Result<T> = rusqlite::Result<T>;

pub(super) fn load(connection: &Connection) -> Result<Snapshot> {
    let mut devices = Vec::new();
    let mut places = HashMap::new();
    let mut statement = connection.prepare("SELECT * FROM device ORDER BY id")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        places.insert(row.get::<_, i64>("id")?, devices.len());
        devices.push(device(row)?);
    }
    let mut statement = connection.prepare("SELECT * FROM observation")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if let Some(device) = places
            .get(&row.get("device")?)
            .and_then(|place| devices.get_mut(*place))
        {
            device.observations.push(observation(row)?);
        }
    }
    let mut statement = connection.prepare("SELECT * FROM value")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if let Some(device) = places
            .get(&row.get("device")?)
            .and_then(|place| devices.get_mut(*place))
        {
            device.values.push(value(row)?);
        }
    }
    for device in &mut devices {
        // The file has paths as text, whose order is another.
        device
            .observations
            .sort_by_key(|observation| observation.path);
        device.values.sort_by_key(|value| value.path);
    }
    let mut objects = Vec::new();
    let mut statement = connection.prepare("SELECT * FROM object")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        objects.push(object(row)?);
    }
    Ok(Snapshot {
        devices,
        objects,
        credentials: security::credentials(connection)?,
        associations: security::associations(connection)?,
        ticket_keys: security::ticket_keys(connection)?,
    })
}

pub(super) fn apply(connection: &Connection, change: &Change) -> Result<()> {
    match change {
        Change::Registration {
            registration,
            registered,
            updated_at,
            last_seen,
        } => write_device(
            connection,
            registration,
            *registered,
            *updated_at,
            *last_seen,
        ),
        Change::Seen {
            endpoint,
            updated_at,
            last_seen,
        } => {
            connection
                .prepare_cached(
                    "UPDATE device SET updated_at = ?2, last_seen = ?3 WHERE endpoint = ?1",
                )?
                .execute(params![
                    &**endpoint,
                    updated_at.as_millis(),
                    last_seen.as_millis()
                ])?;
            Ok(())
        }
        Change::Observation {
            endpoint,
            observation,
        } => {
            let StoredObservation {
                path,
                attributes,
                token,
                format,
                started_at,
            } = observation;
            connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO observation (device, path, token, format, pmin, pmax, gt, lt, st, started_at, epmin, epmax, edge, con,
                         hqmax)
                     SELECT id, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15 FROM device WHERE endpoint = ?1",
                )?
                .execute(params![
                    &**endpoint,
                    path.to_string(),
                    token.as_bytes(),
                    format.map(|format| format.0),
                    attributes.pmin,
                    attributes.pmax,
                    attributes.gt,
                    attributes.lt,
                    attributes.st,
                    started_at.as_millis(),
                    attributes.epmin,
                    attributes.epmax,
                    attributes.edge,
                    attributes.con,
                    attributes.hqmax,
                ])?;
            Ok(())
        }
        Change::ObservationEnded { endpoint, path } => {
            connection
                .prepare_cached(
                    "DELETE FROM observation WHERE device = (SELECT id FROM device WHERE endpoint = ?1) AND path = ?2",
                )?
                .execute(params![&**endpoint, path.to_string()])?;
            Ok(())
        }
        Change::Values {
            endpoint,
            values,
            removed,
        } => {
            for path in removed {
                connection
                    .prepare_cached(
                        "DELETE FROM value WHERE device = (SELECT id FROM device WHERE endpoint = ?1) AND path = ?2",
                    )?
                    .execute(params![&**endpoint, path.to_string()])?;
            }
            for value in values {
                write_value(connection, endpoint, value)?;
            }
            Ok(())
        }
        Change::Objects(objects) => {
            for StoredObject { id, version, xml } in objects {
                connection
                    .prepare_cached(
                        "INSERT OR REPLACE INTO object (id, version, xml) VALUES (?1, ?2, ?3)",
                    )?
                    .execute(params![id.get(), version.to_string(), &**xml])?;
            }
            Ok(())
        }
        Change::ObjectForgotten { id, version } => {
            connection
                .prepare_cached("DELETE FROM object WHERE id = ?1 AND version = ?2")?
                .execute(params![id.get(), version.to_string()])?;
            Ok(())
        }
        Change::Credential(stored) => security::put_credential(connection, stored),
        Change::CredentialRemoved { endpoint, kind } => {
            security::remove_credential(connection, endpoint, *kind)
        }
        Change::Association(stored) => security::put_association(connection, stored),
        Change::AssociationEnded(id) => security::remove_association(connection, *id),
        Change::TicketKeys(keys) => security::put_ticket_keys(connection, keys),
        Change::Probe => {
            // As much as a registration with many links takes, so that success means room for one.
            connection.execute("INSERT INTO probe VALUES (zeroblob(65536))", [])?;
            connection.execute("DELETE FROM probe", [])?;
            Ok(())
        }
    }
}

fn write_device(
    connection: &Connection,
    registration: &Registration,
    registered: bool,
    updated_at: Timestamp,
    last_seen: Timestamp,
) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO device (endpoint, registered, location, listener, address, lifetime, version, binding,
                 queue_mode, sms, links, registered_at, updated_at, last_seen, association)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
             ON CONFLICT (endpoint) DO UPDATE SET registered = excluded.registered, location = excluded.location,
                 listener = excluded.listener, address = excluded.address, lifetime = excluded.lifetime,
                 version = excluded.version, binding = excluded.binding, queue_mode = excluded.queue_mode,
                 sms = excluded.sms, links = excluded.links, registered_at = excluded.registered_at,
                 updated_at = excluded.updated_at, last_seen = excluded.last_seen,
                 association = excluded.association",
        )?
        .execute(params![
            &*registration.endpoint,
            registered,
            registration.location.bits().cast_signed(),
            registration.peer.listener,
            registration.peer.address.to_string(),
            registration.lifetime,
            registration.version.as_str(),
            registration.binding.to_string(),
            registration.queue_mode,
            registration.sms.as_deref(),
            write_links(registration),
            registration.registered_at.as_millis(),
            updated_at.as_millis(),
            last_seen.as_millis(),
            registration
                .peer
                .association
                .map(|id| id.bits().cast_signed()),
        ])?;
    Ok(())
}

fn device(row: &Row<'_>) -> Result<StoredDevice> {
    let links: String = row.get("links")?;
    let list = read_links(links.as_bytes())
        .map_err(|error| wrong(row, "links", format!("byte {}", error.offset)))?;
    let version: String = row.get("version")?;
    let binding: String = row.get("binding")?;
    let registration = Registration {
        endpoint: row.get::<_, String>("endpoint")?.into(),
        peer: peer(row, "association")?,
        location: Location::from_bits(row.get::<_, i64>("location")?.cast_unsigned()),
        lifetime: row.get("lifetime")?,
        version: LwM2mVersion::parse(&version)
            .map_err(|error| wrong(row, "version", error.diagnostic()))?,
        binding: Binding::parse(&binding)
            .map_err(|error| wrong(row, "binding", error.diagnostic()))?,
        queue_mode: row.get("queue_mode")?,
        sms: row.get::<_, Option<String>>("sms")?.map(Into::into),
        root: list.root,
        formats: list.formats,
        links: list.links,
        registered_at: moment(row, "registered_at")?,
    };
    Ok(StoredDevice {
        registration: Arc::new(registration),
        registered: row.get("registered")?,
        updated_at: moment(row, "updated_at")?,
        last_seen: moment(row, "last_seen")?,
        observations: Vec::new(),
        values: Vec::new(),
    })
}

/// The peer of a row; `association` is the column with the id of the association.
fn peer(row: &Row<'_>, association: &str) -> Result<Peer> {
    let id: Option<i64> = row.get(association)?;
    Ok(Peer {
        listener: row.get("listener")?,
        address: parsed(row, "address")?,
        association: id.map(|id| AssociationId::from_bits(id.cast_unsigned())),
    })
}

fn observation(row: &Row<'_>) -> Result<StoredObservation> {
    let token: Vec<u8> = row.get("token")?;
    Ok(StoredObservation {
        path: parsed(row, "path")?,
        attributes: Attributes {
            pmin: row.get("pmin")?,
            pmax: row.get("pmax")?,
            gt: row.get("gt")?,
            lt: row.get("lt")?,
            st: row.get("st")?,
            epmin: row.get("epmin")?,
            epmax: row.get("epmax")?,
            edge: row.get("edge")?,
            con: row.get("con")?,
            hqmax: row.get("hqmax")?,
        },
        token: Token::new(&token).ok_or_else(|| wrong(row, "token", "longer than eight bytes"))?,
        format: row.get::<_, Option<u16>>("format")?.map(ContentFormat),
        started_at: moment(row, "started_at")?,
    })
}

fn write_value(connection: &Connection, endpoint: &str, known: &KnownValue) -> Result<()> {
    let cell = match &known.value {
        // Not kept as a value, but harmless.
        OwnedValue::None => Cell::Blob(Vec::new()),
        OwnedValue::String(text) | OwnedValue::Corelnk(text) => Cell::Text(text.clone()),
        OwnedValue::Integer(number) | OwnedValue::Time(number) => Cell::Integer(*number),
        OwnedValue::Unsigned(number) => Cell::Integer(number.cast_signed()),
        // SQLite has no NaN, and gives NULL for it.
        OwnedValue::Float(number) if number.is_nan() => Cell::Text("NaN".to_owned()),
        OwnedValue::Float(number) => Cell::Real(*number),
        OwnedValue::Single(number) if number.is_nan() => Cell::Text("NaN".to_owned()),
        OwnedValue::Single(number) => Cell::Real(f64::from(*number)),
        OwnedValue::Boolean(truth) => Cell::Integer((*truth).into()),
        OwnedValue::Opaque(bytes) => Cell::Blob(bytes.clone()),
        OwnedValue::Objlnk(link) => Cell::Text(link.to_string()),
    };
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO value (device, path, type, value, updated_at)
             SELECT id, ?2, ?3, ?4, ?5 FROM device WHERE endpoint = ?1",
        )?
        .execute(params![
            endpoint,
            known.path.to_string(),
            type_name(&known.value),
            cell,
            known.updated_at.as_millis(),
        ])?;
    Ok(())
}

const fn type_name(value: &OwnedValue) -> &'static str {
    match value {
        OwnedValue::None => "none",
        OwnedValue::String(_) => "string",
        OwnedValue::Integer(_) => "integer",
        OwnedValue::Unsigned(_) => "unsigned",
        OwnedValue::Float(_) => "float",
        OwnedValue::Single(number) if number.is_nan() => "float",
        OwnedValue::Single(_) => "single",
        OwnedValue::Boolean(_) => "boolean",
        OwnedValue::Opaque(_) => "opaque",
        OwnedValue::Time(_) => "time",
        OwnedValue::Objlnk(_) => "objlnk",
        OwnedValue::Corelnk(_) => "corelnk",
    }
}

fn value(row: &Row<'_>) -> Result<KnownValue> {
    let kind: String = row.get("type")?;
    let value = match kind.as_str() {
        "none" => OwnedValue::None,
        "string" => OwnedValue::String(row.get("value")?),
        "integer" => OwnedValue::Integer(row.get("value")?),
        "unsigned" => OwnedValue::Unsigned(row.get::<_, i64>("value")?.cast_unsigned()),
        "float" if matches!(row.get_ref("value")?, ValueRef::Text(_)) => {
            OwnedValue::Float(f64::NAN)
        }
        "float" => OwnedValue::Float(row.get("value")?),
        "single" => OwnedValue::Single(row.get("value")?),
        "boolean" => OwnedValue::Boolean(row.get("value")?),
        "opaque" => OwnedValue::Opaque(row.get("value")?),
        "time" => OwnedValue::Time(row.get("value")?),
        "objlnk" => OwnedValue::Objlnk(parsed(row, "value")?),
        "corelnk" => OwnedValue::Corelnk(row.get("value")?),
        other => return Err(wrong(row, "type", format!("no type is called {other}"))),
    };
    Ok(KnownValue {
        path: parsed(row, "path")?,
        value,
        updated_at: moment(row, "updated_at")?,
    })
}

fn object(row: &Row<'_>) -> Result<StoredObject> {
    Ok(StoredObject {
        id: ObjectId::new(row.get("id")?).ok_or_else(|| wrong(row, "id", "no object id"))?,
        version: parsed(row, "version")?,
        xml: row.get::<_, String>("xml")?.into(),
    })
}

fn moment(row: &Row<'_>, column: &str) -> Result<Timestamp> {
    row.get(column).map(Timestamp::from_millis)
}

fn parsed<T: FromStr<Err: Display>>(row: &Row<'_>, column: &str) -> Result<T> {
    let text: String = row.get(column)?;
    text.parse()
        .map_err(|error: T::Err| wrong(row, column, error))
}

fn wrong(row: &Row<'_>, column: &str, reason: impl Display) -> rusqlite::Error {
    let at = row.as_ref().column_index(column).unwrap_or(0);
    rusqlite::Error::FromSqlConversionFailure(at, Type::Text, format!("{column}: {reason}").into())
}
