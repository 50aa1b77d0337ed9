//! What an attacker tries who can send, change, repeat and hold back datagrams.

use core::cell::RefCell;
use std::rc::Rc;

use dunlin_dtls::{Acceptor, Alert, ConnectionId, Datagram, Event, Failure, Greeting, Output};
use dunlin_testkit::Conditions;
use dunlin_time::{Duration, Instant};
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};

use crate::world::{CLIENT, SERVER, WAYS, Way, World};

const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const SERVER_KEY_EXCHANGE: u8 = 12;
const CLIENT_KEY_EXCHANGE: u8 = 16;

/// Where a message of this type begins in a datagram of epoch 0, behind its header, if it is there whole.
fn message(datagram: &[u8], kind: u8) -> Option<usize> {
    let mut at = 0;
    while let Some(header) = datagram.get(at..at + 13) {
        let len = usize::from(u16::from_be_bytes([header[11], header[12]]));
        let is_plain = header[3..5] == [0, 0] && header[0] == 22;
        if is_plain && datagram.get(at + 13) == Some(&kind) {
            return Some(at + 13 + 12);
        }
        at += 13 + len;
    }
    None
}

fn connected(way: Way) -> World {
    let mut world = World::new(way, 1, Conditions::PERFECT);
    world.server_config.connection_id = ConnectionId::new(b"server-1");
    world.connect(None);
    world.run(60);
    assert!(world.is_established());
    world
}

/// Runs a handshake in which `change` meddles with each datagram, and gives the world after it.
fn meddled(way: Way, change: impl FnMut(u8, &mut Vec<u8>) + 'static) -> World {
    let mut change = change;
    let mut world = World::new(way, 1, Conditions::PERFECT);
    world.tamper = Box::new(move |from, datagram| {
        change(from, datagram);
        true
    });
    world.connect(None);
    world.run(2_000);
    world
}

fn failures(world: &World, end: u8) -> Vec<Failure> {
    let failures = world.events.iter().filter_map(|(who, event)| match event {
        Event::Failed(failure) if *who == end => Some(*failure),
        _ => None,
    });
    failures.collect()
}

#[test]
fn records_that_are_repeated_have_no_effect() {
    let mut world = connected(Way::Psk);
    world.send(CLIENT, b"once");
    world.run(5);
    let record = world.sent.last().unwrap().1.clone();
    for _ in 0..100 {
        world.deliver(SERVER, record.clone());
    }
    assert_eq!(world.received, [(SERVER, b"once".to_vec())]);
}

#[test]
fn flights_that_are_repeated_change_nothing_and_are_not_multiplied() {
    let mut world = connected(Way::RawPublicKeys);
    world.send(CLIENT, b"confirms");
    world.run(5);
    let flights = world.sent.clone();
    let before = world.sent.len();
    for _ in 0..20 {
        for (from, datagram) in &flights {
            // Those with a ClientHello go to the server's door, and are for a new handshake only with a new random number.
            let to = if *from == CLIENT { SERVER } else { CLIENT };
            world.deliver(to, datagram.clone());
        }
    }
    let from_client = flights.iter().filter(|(from, _)| *from == CLIENT).count();
    assert!(
        world.sent.len() - before <= 20 * from_client,
        "at most a cookie for each ClientHello"
    );
    assert!(world.is_established());
    world.send(CLIENT, b"still there");
    world.send(SERVER, b"and back");
    world.run(5);
    assert_eq!(world.received.len(), 3);
}

#[test]
fn a_flight_is_repeated_for_the_peer_but_not_for_each_duplicate() {
    let mut world = connected(Way::Psk);
    let finished = world
        .sent
        .iter()
        .rfind(|(from, datagram)| {
            *from == CLIENT && message(datagram, CLIENT_KEY_EXCHANGE).is_some()
        })
        .unwrap()
        .1
        .clone();
    world.now += Duration::from_secs(1);
    let before = world.sent.len();
    for _ in 0..50 {
        world.deliver(SERVER, finished.clone());
    }
    assert_eq!(world.sent.len() - before, 1);
}

#[test]
fn a_forged_cookie_is_answered_with_a_good_one_and_no_memory() {
    let mut rng = StdRng::seed_from_u64(5);
    let mut world = World::new(Way::Psk, 5, Conditions::PERFECT);
    world.connect(None);
    world.run(60);
    let with_cookie = world
        .sent
        .iter()
        .filter(|(from, datagram)| *from == CLIENT && message(datagram, CLIENT_HELLO).is_some())
        .nth(1)
        .unwrap()
        .1
        .clone();
    let mut buffer = [0; Acceptor::ANSWER_LEN];
    let mut greet = |address: u8, now: Instant, bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        matches!(
            world
                .acceptor
                .handle_input(now, &[address], &mut bytes, &mut buffer),
            Greeting::Accepted(_)
        )
    };
    let now = Instant::from_secs(100);
    assert!(greet(CLIENT, now, &with_cookie));
    assert!(greet(CLIENT, now + Duration::from_secs(60), &with_cookie));
    assert!(
        !greet(CLIENT, now + Duration::from_secs(180), &with_cookie),
        "a cookie gets old"
    );
    assert!(
        !greet(77, now, &with_cookie),
        "a cookie is good for one address"
    );
    // Behind the version, the random number and the empty session id.
    let cookie = message(&with_cookie, CLIENT_HELLO).unwrap() + 2 + 32 + 1 + 1;
    for position in cookie..cookie + 16 {
        let mut forged = with_cookie.clone();
        forged[position] ^= 1 << rng.random_range(0..8);
        assert!(!greet(CLIENT, now, &forged));
    }
    // The cookie vouches for the random number too.
    let mut other = with_cookie;
    other[cookie - 20] ^= 1;
    assert!(!greet(CLIENT, now, &other));
}

#[test]
fn a_million_clients_from_invented_addresses_leave_nothing_behind() {
    let mut rng = StdRng::seed_from_u64(6);
    let acceptor = Acceptor::new(&mut rng);
    let mut world = World::new(Way::Psk, 6, Conditions::PERFECT);
    world.connect(None);
    let hello = world.sent[0].1.clone();
    let (mut came, mut went) = (0, 0);
    let mut buffer = [0; Acceptor::ANSWER_LEN];
    let wanted: u32 = if cfg!(debug_assertions) {
        20_000
    } else {
        1_000_000
    };
    for number in 0..wanted {
        let mut bytes = hello.clone();
        rng.fill_bytes(&mut bytes[27..59]);
        came += bytes.len();
        let now = Instant::from_millis(u64::from(number));
        // `&self`: there is nothing in an acceptor that could grow.
        match acceptor.handle_input(now, &number.to_be_bytes(), &mut bytes, &mut buffer) {
            Greeting::Verify(answer) => went += answer.len(),
            other => panic!("{other:?}"),
        }
    }
    assert!(went < came);
}

#[test]
fn the_shortest_client_hello_is_longer_than_its_answer() {
    // Version, random, no session id, no cookie, one suite, no compression; no extensions.
    let hello = 13 + 12 + 2 + 32 + 1 + 1 + 2 + 2 + 1 + 1;
    assert!(Acceptor::ANSWER_LEN < hello);
}

#[test]
fn a_server_that_chooses_what_was_not_offered_is_refused() {
    // NULL with a pre-shared key, the suite of renegotiation, one that exists nowhere, one that was not offered.
    for number in [0x002c_u16, 0x00ff, 0x1337, 0xc02b] {
        let world = meddled(Way::Psk, move |from, datagram| {
            if from == SERVER
                && let Some(at) = message(datagram, SERVER_HELLO)
            {
                datagram[at + 35..at + 37].copy_from_slice(&number.to_be_bytes());
            }
        });
        assert_eq!(failures(&world, CLIENT), [Failure::Misbehaved]);
    }
}

#[test]
fn other_versions_are_refused() {
    let world = meddled(Way::Psk, |from, datagram| {
        if from == SERVER
            && let Some(at) = message(datagram, SERVER_HELLO)
        {
            datagram[at + 1] = 0xff;
        }
    });
    assert_eq!(failures(&world, CLIENT), [Failure::Version]);
}

#[test]
fn whoever_changes_a_byte_of_the_handshake_does_not_get_through() {
    // Each byte of each datagram of the handshake, changed once on its way, and again each time it is repeated.
    for way in [Way::Psk, Way::RawPublicKeys] {
        let flights = connected(way).sent;
        for (index, (_, datagram)) in flights.iter().enumerate() {
            // With curves, each handshake costs milliseconds without optimisation.
            let step = if way == Way::Psk { 1 } else { 7 };
            for position in (0..datagram.len()).step_by(step) {
                let number = Rc::new(RefCell::new(0));
                let mut world = World::new(way, 1, Conditions::PERFECT);
                world.server_config.connection_id = ConnectionId::new(b"server-1");
                let counter = number.clone();
                world.tamper = Box::new(move |_, datagram| {
                    let mut number = counter.borrow_mut();
                    if *number >= index
                        && let Some(byte) = datagram.get_mut(position)
                    {
                        *byte ^= 0x55;
                    }
                    *number += 1;
                    *number < 60
                });
                world.connect(None);
                world.run(2_000);
                let both = world.is_established();
                // What is harmless to change: versions and numbers of records of epoch 0, and what nobody acts upon.
                if both {
                    let client = world.client.association().unwrap().suite();
                    let server = world.server.as_mut().unwrap().association().unwrap();
                    assert_eq!(client, server.suite(), "{way:?} {index} {position}");
                    assert_eq!(server.own_connection_id().as_bytes(), b"server-1");
                }
            }
        }
    }
}

/// Takes an extension out of each ClientHello: the ends differ in what was said.
fn hide(from: u8, datagram: &mut [u8], extension: [u8; 4]) {
    if from == CLIENT
        && let Some(at) = message(datagram, CLIENT_HELLO)
        && let Some(found) = datagram[at..]
            .windows(4)
            .position(|bytes| bytes == extension)
    {
        datagram[at + found + 1] = 200;
    }
}

#[test]
fn a_handshake_that_was_changed_gives_keys_that_do_not_fit() {
    // A cookie vouches for the rest; the extensions are what the session hash protects.
    let world = meddled(Way::Psk, |from, datagram| {
        hide(from, datagram, [0, 54, 0, 1]);
    });
    assert_eq!(failures(&world, SERVER), [Failure::WrongKey]);
    assert_eq!(
        failures(&world, CLIENT),
        [Failure::Alerted(Alert::DECRYPT_ERROR)]
    );
}

#[test]
fn a_wrong_finished_ends_the_handshake() {
    // Without the extended master secret the keys fit, and Finished shows the change.
    let mut world = World::new(Way::Psk, 1, Conditions::PERFECT);
    world.client_config(|config| config.require_extended_master_secret = false);
    world.server_config.require_extended_master_secret = false;
    world.tamper = Box::new(|from, datagram| {
        hide(from, datagram, [0, 23, 0, 0]);
        true
    });
    world.connect(None);
    world.run(60);
    assert_eq!(failures(&world, SERVER), [Failure::NotAuthentic]);
    assert_eq!(
        failures(&world, CLIENT),
        [Failure::Alerted(Alert::DECRYPT_ERROR)]
    );
}

#[test]
fn the_extended_master_secret_cannot_be_taken_out() {
    let world = meddled(Way::Psk, |from, datagram| {
        hide(from, datagram, [0, 23, 0, 0]);
    });
    assert_eq!(failures(&world, SERVER), [Failure::NoExtendedMasterSecret]);
}

#[test]
fn points_that_are_not_on_the_curve_are_refused() {
    for change in ["infinity", "compressed", "off the curve", "zero"] {
        let meddle = move |point: &mut [u8]| match change {
            "infinity" => point[0] = 0,
            "compressed" => point[0] = 2,
            "off the curve" => point[40] ^= 1,
            _ => point[1..].fill(0),
        };
        let world = meddled(Way::RawPublicKeys, move |from, datagram| {
            if from == CLIENT
                && let Some(at) = message(datagram, CLIENT_KEY_EXCHANGE)
            {
                meddle(&mut datagram[at + 1..at + 66]);
            }
        });
        assert_eq!(failures(&world, SERVER), [Failure::Misbehaved], "{change}");
        // The server's is signed.
        let world = meddled(Way::RawPublicKeys, move |from, datagram| {
            if from == SERVER
                && let Some(at) = message(datagram, SERVER_KEY_EXCHANGE)
            {
                meddle(&mut datagram[at + 4..at + 69]);
            }
        });
        assert_eq!(
            failures(&world, CLIENT),
            [Failure::NotAuthentic],
            "{change}"
        );
    }
}

#[test]
fn a_wrong_key_and_an_unknown_identity_look_alike_from_outside() {
    let run = |identity: &[u8], key: &[u8]| {
        let mut world = World::new(Way::Psk, 9, Conditions::PERFECT);
        world.client_wallet.identity = identity.to_vec();
        world.client_wallet.key = key.to_vec();
        world.connect(None);
        world.run(2_000);
        let lens: Vec<_> = world
            .sent
            .iter()
            .map(|(from, bytes)| (*from, bytes.len()))
            .collect();
        (failures(&world, SERVER), failures(&world, CLIENT), lens)
    };
    let wrong = run(b"urn:dev:1", b"another key 1234");
    let unknown = run(b"urn:dev:2", b"0123456789abcdef");
    assert_eq!(wrong.0, [Failure::WrongKey]);
    assert_eq!(unknown.0, [Failure::UnknownIdentity]);
    assert_eq!(wrong.1, [Failure::Alerted(Alert::DECRYPT_ERROR)]);
    assert_eq!((wrong.1, wrong.2), (unknown.1, unknown.2));
}

#[test]
fn keys_and_certificates_that_nobody_trusts() {
    for way in [Way::RawPublicKeys, Way::Certificates] {
        let mut world = World::new(way, 10, Conditions::PERFECT);
        world.server_wallet.keys.clear();
        world.server_wallet.certificates.clear();
        world.connect(None);
        world.run(60);
        assert_eq!(
            failures(&world, SERVER),
            [Failure::NotTrusted(Alert::CERTIFICATE_UNKNOWN)]
        );
        assert_eq!(
            failures(&world, CLIENT),
            [Failure::Alerted(Alert::CERTIFICATE_UNKNOWN)]
        );
    }
    // A client that presents a certificate whose key it does not have.
    let mut world = World::new(Way::Certificates, 10, Conditions::PERFECT);
    let other = dunlin_dtls::PrivateKey::generate(&mut world.rng).unwrap();
    world.client_wallet.private = Some(other);
    world.connect(None);
    world.run(60);
    assert_eq!(failures(&world, SERVER), [Failure::NotAuthentic]);
    // One that presents none where one is required.
    let mut world = World::new(Way::Anonymous, 10, Conditions::PERFECT);
    world.server_config.client_authentication = dunlin_dtls::ClientAuthentication::Required;
    world.connect(None);
    world.run(60);
    assert_eq!(
        failures(&world, SERVER),
        [Failure::NotTrusted(Alert::HANDSHAKE_FAILURE)]
    );
}

#[test]
fn alerts_without_protection_do_not_end_an_association() {
    let mut world = connected(Way::Psk);
    for alert in 0..=255_u8 {
        let forged = [21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 1, alert, 0, 2, 2, alert];
        let mut with_epoch = forged;
        with_epoch[4] = 1;
        for forged in [forged, with_epoch] {
            world.deliver(SERVER, forged.to_vec());
            world.deliver(CLIENT, forged.to_vec());
        }
    }
    world.send(CLIENT, b"still there");
    world.run(5);
    assert_eq!(world.received.len(), 1);
}

#[test]
fn an_address_change_keeps_an_association_with_a_connection_id() {
    let mut world = connected(Way::Psk);
    world.send(CLIENT, b"confirms");
    world.run(5);
    let mut association = world.server.as_mut().unwrap().take_association().unwrap();
    let mut buffer = [0; 128];
    let old = world.client.send(b"old", &mut buffer).unwrap().to_vec();
    let mut new = world.client.send(b"new", &mut buffer).unwrap().to_vec();
    // Found by the id alone, from wherever it comes.
    let header = Datagram::new(&mut new).peek(8).unwrap();
    assert_eq!(header.connection_id.as_bytes(), b"server-1");
    assert!(
        association
            .next(&mut Datagram::new(&mut new))
            .unwrap()
            .is_newest
    );
    // An older record does not move the peer.
    assert!(
        !association
            .next(&mut Datagram::new(&mut old.clone()))
            .unwrap()
            .is_newest
    );
}

#[test]
fn without_a_connection_id_another_address_learns_nothing() {
    let mut world = World::new(Way::Psk, 1, Conditions::PERFECT);
    world.connect(None);
    world.run(60);
    let mut buffer = [0; 128];
    let mut record = world
        .client
        .send(b"from elsewhere", &mut buffer)
        .unwrap()
        .to_vec();
    let mut answer = [0; Acceptor::ANSWER_LEN];
    // The server has no association for that address; its door says nothing to protected records.
    let greeting = world
        .acceptor
        .handle_input(world.now, &[99], &mut record, &mut answer);
    assert_eq!(greeting, Greeting::Other);
    assert_eq!(answer, [0; Acceptor::ANSWER_LEN]);
}

#[test]
fn overlapping_and_truncated_fragments() {
    for way in [Way::Psk, Way::Certificates] {
        let world = meddled(way, |_, datagram| {
            // A fragment that claims bytes beyond its message, and one that says less than it has, before each datagram.
            let mut hostile = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 200, 0, 14];
            hostile.extend([11, 0, 0, 4, 0, 2, 0, 0, 3, 0, 0, 2, 1, 2]);
            hostile.extend([22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 201, 0, 13]);
            hostile.extend([11, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 5, 1]);
            hostile.append(datagram);
            *datagram = hostile;
        });
        // The door looks at the first record alone: a server sees nobody, and the client gives up. Nobody panics.
        assert!(!world.client.is_established());
    }
    // The same behind each datagram does no harm.
    for way in WAYS {
        let world = meddled(way, |_, datagram| {
            datagram.extend([22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 200, 0, 14]);
            datagram.extend([11, 0, 0, 4, 0, 2, 0, 0, 3, 0, 0, 2, 1, 2]);
        });
        assert!(world.is_established(), "{way:?} {:?}", world.events);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Arbitrary bytes at any moment of a handshake neither stop it nor make either end panic.
    #[test]
    fn noise_does_no_harm(noise in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..120)), 0..20), seed in 0_u64..1000) {
        let mut world = World::new(Way::Psk, seed, Conditions::PERFECT);
        world.connect(None);
        for (to_client, bytes) in noise {
            world.deliver(if to_client { CLIENT } else { SERVER }, bytes);
            world.run(1);
        }
        world.run(100);
        prop_assert!(world.is_established());
    }

    /// Well-formed records and fragments with arbitrary contents do not make an end panic, nor send without bound.
    #[test]
    fn plausible_noise_is_bounded(
        parts in prop::collection::vec((0_u8..3, 20_u8..27, 0_u8..2, 0_u8..21, 0_u16..6, prop::collection::vec(any::<u8>(), 0..80)), 0..30),
        seed in 0_u64..1000,
    ) {
        let mut world = World::new(Way::Psk, seed, Conditions::PERFECT);
        world.connect(None);
        let mut delivered = 0;
        for (to, content, epoch, kind, sequence, body) in parts {
            let len = u8::try_from(body.len()).unwrap();
            let mut bytes = vec![content, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 7, 0, len + 12];
            bytes.extend([kind, 0, 0, len, 0, u8::try_from(sequence).unwrap(), 0, 0, 0, 0, 0, len]);
            bytes.extend(body);
            world.deliver(if to == 0 { CLIENT } else { SERVER }, bytes);
            delivered += 1;
            world.run(1);
        }
        world.run(2_000);
        prop_assert!(world.sent.len() <= 40 + 2 * delivered);
        let mut buffer = [0; 64];
        prop_assert!(!matches!(world.client.poll_output(&mut buffer), Output::Transmit(_)));
    }
}
