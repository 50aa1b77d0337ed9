//! What every store must do, run for each of them, and what only the file store can do wrong.

use std::path::Path as FilePath;
use std::sync::Arc;

use dunlin_coap::Token;
use dunlin_manager::{
    AssociationId, Attributes, Change, ContentFormat, Credential, CredentialKind, KnownValue, Link,
    Location, LwM2mVersion, MemoryStore, ObjectLink, OwnedValue, Path, Peer, Registration,
    Snapshot, Sqlite, Store, StoreError, StoredAssociation, StoredCredential, StoredDevice,
    StoredObject, StoredObservation, StoredTicketKeys, Timestamp, Version,
};
use zeroize::Zeroizing;

fn path(text: &str) -> Path {
    text.parse().unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000 + seconds * 1000)
}

fn registration(endpoint: &str) -> Registration {
    let link = |text: &str, attributes: &[(&str, &str)]| Link {
        path: path(text),
        attributes: attributes
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect(),
    };
    let mut registration = Registration::new(
        endpoint,
        Peer::plain(1, "[2001:db8::1]:5683".parse().unwrap()),
    );
    registration.location = Location::from_bits(u64::MAX - 5);
    registration.lifetime = u32::MAX;
    registration.version = LwM2mVersion::V1_1;
    registration.binding = "UT".parse_binding();
    registration.queue_mode = true;
    registration.sms = Some("351900".into());
    registration.root = "lwm2m".into();
    registration.formats = vec![ContentFormat::SENML_CBOR, ContentFormat(60000)];
    registration.links = vec![
        link("/1/0", &[]),
        link(
            "/3/0",
            &[
                ("ver", "1.2"),
                ("flag", ""),
                ("title", "a \"quoted\" \\ one, with ; and ä"),
            ],
        ),
    ];
    registration.registered_at = at(0);
    registration
}

trait ParseBinding {
    fn parse_binding(&self) -> dunlin_manager::Binding;
}

impl ParseBinding for str {
    fn parse_binding(&self) -> dunlin_manager::Binding {
        dunlin_manager::Binding::parse(self).unwrap()
    }
}

fn register(registration: &Arc<Registration>) -> Change {
    Change::Registration {
        registration: Arc::clone(registration),
        registered: true,
        updated_at: at(0),
        last_seen: at(0),
    }
}

fn observation(target: &str, token: u8) -> StoredObservation {
    StoredObservation {
        path: path(target),
        attributes: Attributes {
            pmin: Some(1),
            pmax: None,
            gt: Some(0.1),
            lt: Some(-2.0),
            con: Some(true),
            hqmax: Some(7),
            ..Attributes::NONE
        },
        token: Token::from([token; 8]),
        format: Some(ContentFormat::TLV),
        started_at: at(3),
    }
}

fn known(target: &str, value: OwnedValue) -> KnownValue {
    KnownValue {
        path: path(target),
        value,
        updated_at: at(4),
    }
}

fn all_values() -> Vec<KnownValue> {
    vec![
        known("/1/0/1", OwnedValue::Integer(i64::MIN)),
        known("/1/0/2", OwnedValue::Unsigned(u64::MAX)),
        known("/3/0/0", OwnedValue::String("naïve \u{0} text".to_owned())),
        known("/3/0/13", OwnedValue::Time(-1)),
        known("/5/0/0", OwnedValue::Opaque(vec![0, 255, 7])),
        known("/9/0/1", OwnedValue::Objlnk(ObjectLink::new(3, 65535))),
        known("/10/0/1", OwnedValue::Corelnk("</3/0>".to_owned())),
        known("/3303/0/5700", OwnedValue::Float(-0.1)),
        known("/3303/0/5701", OwnedValue::Float(3.0)),
        known("/3303/0/5702", OwnedValue::Single(0.1)),
        known("/3303/1/5850", OwnedValue::Boolean(true)),
    ]
}

fn object(id: u16, minor: u8, xml: &str) -> StoredObject {
    StoredObject {
        id: id.try_into().unwrap(),
        version: Version::new(1, minor),
        xml: xml.into(),
    }
}

fn psk(endpoint: &str, identity: &str, key: u8) -> Change {
    Change::Credential(StoredCredential {
        endpoint: endpoint.into(),
        credential: Credential::psk(identity.as_bytes(), &[key; 16]).unwrap(),
    })
}

fn ticket_keys(record: u8) -> Arc<StoredTicketKeys> {
    Arc::new(StoredTicketKeys {
        record: Zeroizing::new([record; 51].into()),
    })
}

fn association(id: u64, endpoint: &str, record: u8) -> StoredAssociation {
    StoredAssociation {
        peer: Peer {
            association: Some(AssociationId::from_bits(id)),
            ..Peer::plain(2, "192.0.2.7:5684".parse().unwrap())
        },
        endpoint: endpoint.into(),
        record: Zeroizing::new(vec![record; 111].into()),
    }
}

/// The contract: `open` gives the same store each time.
fn keeps_everything<S: Store>(open: impl Fn() -> S) {
    let first = Arc::new(registration("urn:dev:ü 1"));
    let second = Arc::new(registration("b"));
    let mut store = open();
    assert_eq!(store.load().unwrap(), Snapshot::default());
    store
        .commit(&[
            register(&first),
            register(&second),
            Change::Observation {
                endpoint: Arc::clone(&first.endpoint),
                observation: observation("/3303/0/5700", 1),
            },
            Change::Observation {
                endpoint: Arc::clone(&first.endpoint),
                observation: observation("/3/0/9", 2),
            },
            Change::Values {
                endpoint: Arc::clone(&first.endpoint),
                values: all_values(),
                removed: vec![],
            },
            psk("a", "who", 1),
            psk("b", "else", 2),
            // The key of "a" changes, and the identity goes to another.
            psk("a", "new", 3),
            psk("c", "who", 4),
            Change::Association(association(7, "a", 1)),
            Change::Association(association(u64::MAX, "b", 2)),
            Change::Association(association(7, "a", 3)),
            Change::Objects(vec![object(9999, 0, "<ü/>"), object(9999, 1, "<b/>")]),
            Change::Objects(vec![object(9999, 0, "<c/>"), object(65534, 0, "<d/>")]),
            Change::Probe,
        ])
        .unwrap();
    drop(store);
    let mut store = open();
    let mut snapshot = store.load().unwrap();
    snapshot
        .devices
        .sort_by_key(|device| core::cmp::Reverse(device.registration.endpoint.clone()));
    let expected = StoredDevice {
        registration: Arc::clone(&first),
        registered: true,
        updated_at: at(0),
        last_seen: at(0),
        observations: vec![observation("/3/0/9", 2), observation("/3303/0/5700", 1)],
        values: all_values(),
    };
    assert_eq!(snapshot.devices[0], expected);
    assert_eq!(snapshot.devices[1].registration, second);
    snapshot
        .credentials
        .sort_by_key(|stored| stored.endpoint.clone());
    let credentials: Vec<_> = snapshot
        .credentials
        .into_iter()
        .map(Change::Credential)
        .collect();
    assert_eq!(
        credentials,
        [psk("a", "new", 3), psk("b", "else", 2), psk("c", "who", 4)]
    );
    snapshot
        .associations
        .sort_by_key(|stored| stored.peer.association);
    assert_eq!(snapshot.ticket_keys, None);
    assert_eq!(
        snapshot.associations,
        [association(7, "a", 3), association(u64::MAX, "b", 2)]
    );
    snapshot
        .objects
        .sort_by_key(|object| (object.id, object.version));
    assert_eq!(
        snapshot.objects,
        [
            object(9999, 0, "<c/>"),
            object(9999, 1, "<b/>"),
            object(65534, 0, "<d/>")
        ]
    );

    // Every kind of change once more, on what is there.
    let mut moved = Registration::clone(&first);
    moved.peer.address = "192.0.2.1:1".parse().unwrap();
    moved.location = Location::from_bits(1);
    moved.sms = None;
    moved.root = "".into();
    let moved = Arc::new(moved);
    let endpoint = &first.endpoint;
    store
        .commit(&[
            register(&moved),
            Change::Seen {
                endpoint: Arc::clone(endpoint),
                updated_at: at(50),
                last_seen: at(60),
            },
            Change::Observation {
                endpoint: Arc::clone(endpoint),
                observation: observation("/3/0/9", 7),
            },
            Change::ObservationEnded {
                endpoint: Arc::clone(endpoint),
                path: path("/3303/0/5700"),
            },
            Change::Values {
                endpoint: Arc::clone(endpoint),
                values: vec![known("/1/0/1", OwnedValue::Integer(5))],
                removed: vec![path("/3/0/0"), path("/77")],
            },
            Change::Registration {
                registration: Arc::clone(&second),
                registered: false,
                updated_at: at(1),
                last_seen: at(2),
            },
            // Of nobody: no error.
            Change::Seen {
                endpoint: "nobody".into(),
                updated_at: at(0),
                last_seen: at(0),
            },
            Change::Observation {
                endpoint: "nobody".into(),
                observation: observation("/3/0/9", 9),
            },
            Change::CredentialRemoved {
                endpoint: "a".into(),
                kind: CredentialKind::Psk,
            },
            // There is none.
            Change::CredentialRemoved {
                endpoint: "b".into(),
                kind: CredentialKind::RawPublicKey,
            },
            Change::TicketKeys(ticket_keys(1)),
            Change::TicketKeys(ticket_keys(2)),
            Change::AssociationEnded(AssociationId::from_bits(7)),
            Change::AssociationEnded(AssociationId::from_bits(8)),
            Change::ObjectForgotten {
                id: 9999.try_into().unwrap(),
                version: Version::new(1, 0),
            },
            Change::ObjectForgotten {
                id: 9999.try_into().unwrap(),
                version: Version::new(7, 0),
            },
        ])
        .unwrap();
    drop(store);
    let mut snapshot = open().load().unwrap();
    snapshot
        .devices
        .sort_by_key(|device| core::cmp::Reverse(device.registration.endpoint.clone()));
    let [one, two] = snapshot.devices.as_slice() else {
        panic!("{snapshot:?}")
    };
    assert_eq!(one.registration, moved);
    assert_eq!(snapshot.objects.len(), 2);
    assert_eq!(snapshot.credentials.len(), 2);
    assert_eq!(snapshot.associations, [association(u64::MAX, "b", 2)]);
    assert_eq!(snapshot.ticket_keys, Some(ticket_keys(2)));
    assert_eq!((one.updated_at, one.last_seen), (at(50), at(60)));
    assert_eq!(one.observations, [observation("/3/0/9", 7)]);
    assert_eq!(one.values.len(), all_values().len() - 1);
    // Equal to the same number with 64 bits, so looked at by its digits.
    let single = one
        .values
        .iter()
        .find(|known| known.path == path("/3303/0/5702"));
    assert_eq!(single.unwrap().value.to_string(), "0.1");
    assert_eq!(one.values[0], known("/1/0/1", OwnedValue::Integer(5)));
    assert_eq!(
        (two.registered, two.updated_at, two.last_seen),
        (false, at(1), at(2))
    );
}

#[test]
fn memory_keeps_everything() {
    let store = MemoryStore::new();
    keeps_everything(|| store.clone());
}

#[test]
fn sqlite_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    keeps_everything(|| Sqlite::open(folder.path().join("fleet.db")).unwrap());
}

#[test]
fn sqlite_outlives_a_process_that_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fleet.db");
    let mut store = Sqlite::open(&file).unwrap();
    store
        .commit(&[register(&Arc::new(registration("a")))])
        .unwrap();
    assert!(
        folder.path().join("fleet.db-wal").exists(),
        "the write-ahead log is used"
    );
    // What a killed process leaves is what lies on the disk while it runs.
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    assert_eq!(
        Sqlite::open(copy.path().join("fleet.db"))
            .unwrap()
            .load()
            .unwrap()
            .devices
            .len(),
        1
    );
}

#[test]
fn a_file_in_use_is_not_opened_twice() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fleet.db");
    let store = Sqlite::open(&file).unwrap();
    let error = Sqlite::open(&file).unwrap_err();
    assert!(matches!(error, StoreError::Locked { .. }), "{error:?}");
    assert!(error.to_string().contains("in use by another process"));
    drop(store);
    Sqlite::open(&file).unwrap();
}

#[test]
fn a_folder_that_is_not_there_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let error = Sqlite::open(folder.path().join("missing/fleet.db")).unwrap_err();
    assert!(matches!(error, StoreError::Unwritable { .. }), "{error:?}");
    assert!(error.to_string().contains("missing/fleet.db"), "{error}");
}

#[test]
fn a_file_of_somebody_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("letter.txt");
    std::fs::write(
        &text,
        "Dear reader, this is no database at all, however long it may be.".repeat(20),
    )
    .unwrap();
    let error = Sqlite::open(&text).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    assert!(
        std::fs::read_to_string(&text)
            .unwrap()
            .starts_with("Dear reader")
    );

    let other = folder.path().join("other.db");
    rusqlite::Connection::open(&other)
        .unwrap()
        .execute_batch("CREATE TABLE accounts (x);")
        .unwrap();
    let error = Sqlite::open(&other).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
}

#[test]
fn a_newer_schema_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fleet.db");
    drop(Sqlite::open(&file).unwrap());
    let connection = rusqlite::Connection::open(&file).unwrap();
    connection
        .execute_batch("UPDATE schema_version SET version = 99;")
        .unwrap();
    drop(connection);
    let error = Sqlite::open(&file).unwrap_err();
    assert!(
        matches!(error, StoreError::NewerSchema { found: 99, .. }),
        "{error:?}"
    );
}

#[test]
fn a_damaged_row_is_told_and_not_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fleet.db");
    let mut store = Sqlite::open(&file).unwrap();
    store
        .commit(&[register(&Arc::new(registration("a")))])
        .unwrap();
    drop(store);
    let connection = rusqlite::Connection::open(&file).unwrap();
    connection
        .execute_batch("UPDATE device SET address = 'nowhere';")
        .unwrap();
    drop(connection);
    let error = Sqlite::open(&file).unwrap().load().unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    assert!(error.to_string().contains("address"), "{error}");
}

fn fill(file: &FilePath) -> (Sqlite, StoreError, usize) {
    let mut store = Sqlite::options().max_bytes(128 * 1024).open(file).unwrap();
    for number in 0..10_000 {
        let change = register(&Arc::new(registration(&format!("device-{number}"))));
        if let Err(error) = store.commit(&[change]) {
            return (store, error, number);
        }
    }
    panic!("the limit had no effect");
}

#[test]
fn a_full_store_refuses_keeps_what_it_has_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fleet.db");
    let (mut store, error, kept) = fill(&file);
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    assert!(kept > 10);
    // What the next attempt needs is not there either.
    assert!(matches!(
        store.commit(&[Change::Probe]),
        Err(StoreError::Full { .. })
    ));
    // Half of a group is not kept.
    let batch = [register(&Arc::new(registration("device-0"))), Change::Probe];
    assert!(store.commit(&batch).is_err());
    assert_eq!(store.load().unwrap().devices.len(), kept);
    drop(store);
    let mut store = Sqlite::open(&file).unwrap();
    assert_eq!(store.load().unwrap().devices.len(), kept);
    store
        .commit(&[Change::Probe, register(&Arc::new(registration("one more")))])
        .unwrap();
}

#[test]
fn a_key_that_is_removed_leaves_no_trace_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fleet.db");
    let key = *b"a very secret key that is unlike";
    let mut store = Sqlite::open(&file).unwrap();
    store
        .commit(&[Change::Credential(StoredCredential {
            endpoint: "a".into(),
            credential: Credential::psk(b"who", &key).unwrap(),
        })])
        .unwrap();
    let has_key = |file: &FilePath| {
        let bytes = std::fs::read(file).unwrap_or_default();
        bytes.windows(key.len()).any(|part| part == key)
    };
    let removed = Change::CredentialRemoved {
        endpoint: "a".into(),
        kind: CredentialKind::Psk,
    };
    store.commit(&[removed]).unwrap();
    drop(store);
    assert!(!has_key(&file));
    assert!(!has_key(&folder.path().join("fleet.db-wal")));
}
