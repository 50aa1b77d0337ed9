use proptest::prelude::*;
use std::vec::Vec;

use super::*;
use crate::live::Ciphers;
use crate::protection::strip_padding;
use crate::record::Datagram;

/// The two ends of an association whose ids are given: what the client gets, what the server gets.
fn pair(suite: CipherSuite, client_id: &[u8], server_id: &[u8]) -> (Association, Association) {
    let master = MasterSecret::new([7; 48]);
    let mut client = Association::new(suite, Role::Client, &master, &[1; 32], &[2; 32]);
    let mut server = Association::new(suite, Role::Server, &master, &[1; 32], &[2; 32]);
    client.own_id = ConnectionId::new(client_id).unwrap();
    client.peer_id = ConnectionId::new(server_id).unwrap();
    (server.own_id, server.peer_id) = (client.peer_id, client.own_id);
    (client, server)
}

fn receive(association: &mut Association, record: &mut [u8]) -> Option<Vec<u8>> {
    match association.next(&mut Datagram::new(record))?.content {
        Content::Data(data) => Some(data.to_vec()),
        _ => None,
    }
}

#[test]
fn sizes_stay_small() {
    assert!(
        size_of::<Association>() <= 176,
        "{}",
        size_of::<Association>()
    );
    const { assert!(Association::EXPORT_LEN <= 200) };
}

#[test]
fn a_record_is_taken_once_and_only_as_it_was_sent() {
    for suite in CipherSuite::SUPPORTED {
        for ids in [
            (&b""[..], &b""[..]),
            (b"", b"abcdefgh"),
            (b"xy", b"12345678901234567890"),
        ] {
            let (mut client, mut server) = pair(*suite, ids.0, ids.1);
            let mut buffer = [0; 128];
            let record = client.protect(b"hello", &mut buffer).unwrap().to_vec();
            assert_eq!(record.len(), 5 + client.overhead());
            for position in 0..record.len() {
                let mut changed = record.clone();
                changed[position] ^= 0x10;
                assert_eq!(receive(&mut server, &mut changed), None, "byte {position}");
            }
            assert_eq!(receive(&mut server, &mut record.clone()).unwrap(), b"hello");
            assert_eq!(receive(&mut server, &mut record.clone()), None);
            let answer = server.protect(b"", &mut buffer).unwrap();
            assert_eq!(receive(&mut client, answer).unwrap(), b"");
        }
    }
}

#[test]
fn padding_behind_the_hidden_type_is_taken_off() {
    let mut text = *b"data\x17\0\0\0";
    let (content_type, data) = strip_padding(&mut text).unwrap();
    assert_eq!(
        (content_type, &*data),
        (ContentType::APPLICATION_DATA, &b"data"[..])
    );
    assert!(strip_padding(&mut [0, 0]).is_none());
    assert!(strip_padding(&mut []).is_none());
}

#[test]
fn records_in_place_are_the_same_bytes() {
    let (mut one, _) = pair(CipherSuite::SUPPORTED[0], b"", b"id");
    let (mut other, _) = pair(CipherSuite::SUPPORTED[0], b"", b"id");
    let (mut there, mut here) = ([0; 64], [0; 64]);
    let start = one.overhead_before();
    here[start..start + 4].copy_from_slice(b"same");
    assert_eq!(
        one.protect(b"same", &mut there).unwrap(),
        other.protect_in_place(&mut here, 4).unwrap()
    );
}

#[test]
fn what_does_not_fit_is_refused_and_uses_nothing_up() {
    let (mut client, _) = pair(CipherSuite::SUPPORTED[0], b"", b"");
    client.limit = 64;
    let mut buffer = [0; 256];
    assert_eq!(
        client.protect(&[0; 65], &mut buffer).unwrap_err(),
        ProtectError::TooLong { limit: 64 }
    );
    let needed = client.overhead() + 64;
    assert_eq!(
        client
            .protect(&[0; 64], &mut buffer[..needed - 1])
            .unwrap_err(),
        ProtectError::BufferTooSmall { needed }
    );
    assert_eq!(client.write_next, 0);
    assert!(client.protect(&[0; 64], &mut buffer[..needed]).is_ok());
}

#[test]
fn an_association_that_is_imported_uses_no_number_twice_and_takes_no_record_twice() {
    let (mut client, mut server) = pair(CipherSuite::SUPPORTED[0], b"", b"abcdefgh");
    let mut buffer = [0; 128];
    let old = client.protect(b"old", &mut buffer).unwrap().to_vec();
    assert!(receive(&mut server, &mut old.clone()).is_some());
    let stored = server.export(10);
    let mut sent = Vec::new();
    for _ in 0..10 {
        sent.push(
            server
                .protect(b"before the crash", &mut buffer)
                .unwrap()
                .to_vec(),
        );
    }
    assert_eq!(
        server.protect(b"too many", &mut buffer).unwrap_err(),
        ProtectError::ReservationUsedUp
    );

    let mut server = Association::import(stored.as_bytes()).unwrap();
    assert_eq!(receive(&mut server, &mut old.clone()), None);
    assert_eq!(
        server.protect(b"too early", &mut buffer).unwrap_err(),
        ProtectError::ReservationUsedUp
    );
    server.export(10);
    let after = server
        .protect(b"after the crash", &mut buffer)
        .unwrap()
        .to_vec();
    for record in &sent {
        assert_ne!(record[3..11], after[3..11]);
    }
    assert_eq!(
        receive(&mut client, &mut after.clone()).unwrap(),
        b"after the crash"
    );
    let fresh = client.protect(b"fresh", &mut buffer).unwrap();
    assert_eq!(receive(&mut server, fresh).unwrap(), b"fresh");
}

#[test]
fn the_longest_connection_ids_fit_an_export() {
    let id = [9; ConnectionId::MAX_LEN];
    let (mut client, _) = pair(CipherSuite::SUPPORTED[0], &id, &id);
    let stored = client.export(1);
    assert_eq!(stored.as_bytes().len(), Association::EXPORT_LEN);
    let copy = Association::import(stored.as_bytes()).unwrap();
    assert_eq!(copy.peer_connection_id().as_bytes(), id);
}

#[test]
fn numbers_end() {
    let (mut client, _) = pair(CipherSuite::SUPPORTED[0], b"", b"");
    client.write_next = SEQUENCE_END - 1;
    let mut buffer = [0; 64];
    assert!(client.protect(b"last", &mut buffer).is_ok());
    assert_eq!(
        client.protect(b"none", &mut buffer).unwrap_err(),
        ProtectError::SequenceExhausted
    );
}

#[test]
fn nothing_secret_is_printed() {
    let (mut client, _) = pair(CipherSuite::SUPPORTED[0], b"", b"");
    let text = std::format!("{client:?} {:?}", client.export(1));
    let key = std::format!("{:?}", client.keys.write_key);
    assert!(!text.contains(&key[1..key.len() - 1]));
    assert!(!text.contains("key"));
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_no_record_and_no_association(bytes in prop::collection::vec(any::<u8>(), 0..80), id in 0_usize..9) {
        let (_, mut server) = pair(CipherSuite::SUPPORTED[0], b"", &b"abcdefgh"[..id.min(8)]);
        prop_assert_eq!(receive(&mut server, &mut bytes.clone()), None);
        if let Ok(mut association) = Association::import(&bytes) {
            prop_assert_eq!(association.remaining(), 0);
            let _ = association.export(1);
        }
    }

    #[test]
    fn export_and_import_lose_nothing(next in 0_u64..1000, own in prop::collection::vec(any::<u8>(), 0..=20), peer in prop::collection::vec(any::<u8>(), 0..=20)) {
        let (mut client, _) = pair(CipherSuite::SUPPORTED[0], &own, &peer);
        client.write_next = next;
        client.window.accept(next / 2);
        let one = client.export(5);
        let mut copy = Association::import(one.as_bytes()).unwrap();
        let again = copy.export(0);
        prop_assert_eq!(one.as_bytes(), again.as_bytes());
    }
}

#[test]
fn ciphers_that_stay_ready_make_and_take_the_same_records() {
    // One room for all, so that each association finds another's ciphers in it.
    let (mut writing, mut reading) = (Ciphers::new(), Ciphers::new());
    for suite in CipherSuite::SUPPORTED {
        for ids in [(&b""[..], &b""[..]), (b"xy", b"12345678901234567890")] {
            let (mut client, mut server) = pair(*suite, ids.0, ids.1);
            let (mut live_client, mut live_server) = pair(*suite, ids.0, ids.1);
            for round in 0..3 {
                let (mut here, mut there) = ([0; 128], [0; 128]);
                let record = client.protect(&[round; 9], &mut here).unwrap();
                let mut live = live_client.with(&mut writing);
                let live = live.protect(&[round; 9], &mut there).unwrap();
                assert_eq!(record, live);
                let mut taking = live_server.with(&mut reading);
                let opened = taking.next(&mut Datagram::new(record)).unwrap();
                assert_eq!(opened.content, Content::Data(&mut [round; 9]));
                assert!(opened.is_newest);
                assert_eq!(receive(&mut server, live).unwrap(), [round; 9]);
            }
            // What the association does not take alone it does not take so, either.
            let mut buffer = [0; 128];
            let record = client.protect(b"more", &mut buffer).unwrap().to_vec();
            let mut take = |mut record: Vec<u8>| {
                let mut live = live_server.with(&mut reading);
                live.next(&mut Datagram::new(&mut record)).is_some()
            };
            let mut changed = record.clone();
            changed[record.len() - 1] ^= 1;
            assert!(!take(changed));
            assert!(take(record.clone()));
            assert!(!take(record));
            // What is agreed on for reading is not what is agreed on for writing.
            let mut live = live_client.with(&mut reading);
            let close = live.close(&mut buffer).unwrap();
            let opened = server.next(&mut Datagram::new(close)).unwrap();
            let closed = Content::Alert(Level::Warning, Alert::CLOSE_NOTIFY);
            assert_eq!(opened.content, closed);
            let _ = live_client.export(0);
            let mut live = live_client.with(&mut writing);
            assert_eq!(
                live.protect(b"", &mut buffer),
                Err(ProtectError::ReservationUsedUp)
            );
        }
    }
}
