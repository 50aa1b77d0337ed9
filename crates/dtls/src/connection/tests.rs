use rand::SeedableRng;
use rand::rngs::StdRng;
use std::vec::Vec;

use super::*;
use crate::handshake::header;
use crate::prf::MasterSecret;
use crate::suite::CipherSuite;

type Small = Connection<(), 256, 256>;

struct Nobody;

impl Credentials for Nobody {
    type Peer = ();
}

/// Two ends that are connected, without a handshake.
fn connected() -> (Small, Association) {
    let make = |role| {
        let master = MasterSecret::new([7; 48]);
        Association::new(CipherSuite::SUPPORTED[0], role, &master, &[1; 32], &[2; 32])
    };
    let mut client = Small::client(Config::DEFAULT);
    client.restore(make(Role::Client));
    (client, make(Role::Server))
}

fn deliver(client: &mut Small, record: &mut [u8]) -> Vec<Vec<u8>> {
    let (mut datagram, mut rng) = (Datagram::new(record), StdRng::seed_from_u64(1));
    let now = Instant::ZERO;
    while client
        .handle_input(now, &mut datagram, &mut Nobody, &mut rng)
        .is_some()
    {}
    let (mut buffer, mut sent) = ([0; 256], Vec::new());
    while let Output::Transmit(bytes) = client.poll_output(&mut buffer) {
        sent.push(bytes.to_vec());
    }
    sent
}

#[test]
fn a_connection_with_a_pre_shared_key_fits_a_small_device() {
    // Public keys and tickets have their own room; on a Cortex-M3 all of it is smaller.
    let most = if cfg!(feature = "std") {
        4_400
    } else if cfg!(feature = "ready") {
        3_100
    } else if cfg!(feature = "_ecdhe") {
        2_336
    } else if cfg!(feature = "ticket") {
        2_048
    } else {
        1_300
    };
    assert!(size_of::<Small>() <= most, "{}", size_of::<Small>());
}

#[test]
fn renegotiation_is_refused_with_one_word_for_each_record() {
    // A server asks for one, a client begins one.
    for kind in [kind::HELLO_REQUEST, kind::CLIENT_HELLO] {
        let (mut client, mut server) = connected();
        // As after a handshake: its messages had the numbers from 0 on, too.
        (client.state.next_receive, client.state.answered) = (6, 6);
        let mut buffer = [0; 128];
        let request = header(kind, 0, 0, 0, 0);
        let mut many = [request, request].concat();
        many.truncate(24);
        let record = server
            .protect_as(ContentType::HANDSHAKE, &many, &mut buffer)
            .unwrap();
        let mut answers = deliver(&mut client, record);
        assert_eq!(answers.len(), 1);
        let opened = server.next(&mut Datagram::new(&mut answers[0])).unwrap();
        assert_eq!(
            opened.content,
            Content::Alert(Level::Warning, Alert::NO_RENEGOTIATION)
        );
        assert!(client.is_established());
    }
}

#[test]
fn a_fatal_alert_ends_the_association_and_a_warning_does_not() {
    let (mut client, mut server) = connected();
    let mut buffer = [0; 128];
    let warning = server
        .protect_as(ContentType::ALERT, &[1, 90], &mut buffer)
        .unwrap();
    deliver(&mut client, warning);
    assert!(client.is_established());
    let fatal = server
        .protect_as(ContentType::ALERT, &[2, 20], &mut buffer)
        .unwrap()
        .to_vec();
    let mut fatal = fatal;
    let mut datagram = Datagram::new(&mut fatal);
    let mut rng = StdRng::seed_from_u64(1);
    client.handle_input(Instant::ZERO, &mut datagram, &mut Nobody, &mut rng);
    let failed = Event::Failed(Failure::Alerted(Alert::BAD_RECORD_MAC));
    assert_eq!(client.poll_output(&mut buffer), Output::Event(failed));
    assert!(client.is_over());
}

#[test]
fn a_flood_of_alerts_is_answered_by_nothing() {
    let (mut client, mut server) = connected();
    let mut buffer = [0; 128];
    for _ in 0..1_000 {
        let alert = server
            .protect_as(ContentType::ALERT, &[1, 100], &mut buffer)
            .unwrap();
        assert!(deliver(&mut client, alert).is_empty());
    }
    assert!(client.is_established());
}

#[test]
fn several_records_of_a_datagram_are_given_one_by_one() {
    let (mut client, mut server) = connected();
    let mut bytes = [0; 256];
    let mut used = 0;
    for data in [&b"one"[..], b"two", b"three"] {
        used += server.protect(data, &mut bytes[used..]).unwrap().len();
    }
    let mut datagram = Datagram::new(&mut bytes[..used]);
    let mut rng = StdRng::seed_from_u64(1);
    let mut got = Vec::new();
    while let Some(data) = client.handle_input(Instant::ZERO, &mut datagram, &mut Nobody, &mut rng)
    {
        got.push(data.to_vec());
    }
    assert_eq!(got, [&b"one"[..], b"two", b"three"]);
}

#[test]
fn a_client_without_credentials_says_so_and_sends_nothing() {
    let mut client = Small::client(Config::DEFAULT);
    let mut rng = StdRng::seed_from_u64(1);
    client.connect(Instant::ZERO, None, &mut Nobody, &mut rng);
    let mut buffer = [0; 256];
    let Output::Transmit(alert) = client.poll_output(&mut buffer) else {
        panic!("no alert");
    };
    assert_eq!(alert[0], 21);
    let failed = Event::Failed(Failure::NoCredentials);
    assert_eq!(client.poll_output(&mut buffer), Output::Event(failed));
}

/// Keys are wiped by the `Drop` of [`Keys`](crate::association::Keys), of
/// [`PskKey`](crate::PskKey) and by `Zeroizing`; a dropped value's memory cannot be read without `unsafe`, which this
/// crate forbids. So the wiping itself is called here, on the fields that it must reach.
#[test]
fn what_is_wiped_is_all_zeros() {
    use zeroize::Zeroize;
    let (mut client, _) = connected();
    let keys = &mut client.association().unwrap().keys;
    assert_ne!(keys.write_key, [0; 16]);
    keys.wipe();
    assert_eq!((keys.write_key, keys.read_key), ([0; 16], [0; 16]));
    assert_eq!((keys.write_iv, keys.read_iv), ([0; 4], [0; 4]));
    let mut psk = crate::PskKey::new(b"secret").unwrap();
    psk.zeroize();
    assert_eq!(psk.as_bytes(), [0; 0]);
    let mut master = MasterSecret::new([3; 48]);
    master.zeroize();
    assert_eq!(*master, [0; 48]);
}

#[cfg(feature = "ready")]
#[test]
fn what_is_ready_of_the_keys_goes_with_the_association() {
    let ends: [fn(&mut Small, &mut [u8]); 4] = [
        |client, _| drop(client.take_association()),
        |client, buffer| {
            client.close();
            while client.poll_output(buffer) != Output::Idle {}
        },
        |client, _| client.state.end(Event::Closed),
        |client, _| client.restore(connected().1),
    ];
    for end in ends {
        let (mut client, mut server) = connected();
        let mut buffer = [0; 256];
        for _ in 0..2 {
            let record = client.send(b"22.3 C", &mut buffer).unwrap();
            assert!(server.next(&mut Datagram::new(record)).is_some());
            let record = server.protect(b"thanks", &mut buffer).unwrap();
            deliver(&mut client, record);
        }
        assert!(!client.state.ciphers.is_empty());
        end(&mut client, &mut buffer);
        assert!(client.state.ciphers.is_empty());
    }
}

#[test]
fn what_is_sent_in_place_is_the_same_record() {
    let ((mut one, _), (mut other, _)) = (connected(), connected());
    let (mut plain, mut in_place) = ([0; 64], [0; 64]);
    let start = one.association().unwrap().overhead_before();
    in_place[start..start + 6].copy_from_slice(b"22.3 C");
    let plain = one.send(b"22.3 C", &mut plain).unwrap();
    assert_eq!(other.send_in_place(&mut in_place, 6).unwrap(), plain);
    other.close();
    let refused = other.send_in_place(&mut in_place, 6);
    assert_eq!(refused, Err(ProtectError::NotConnected));
}
