//! Every way to know each other, every suite, on a link without faults.

use dunlin_dtls::{
    Alert, CipherSuite, ConnectionId, Event, Failure, MaxFragmentLength, ProtectError,
};
use dunlin_testkit::Conditions;

use crate::world::{CLIENT, SERVER, WAYS, Way, World};

fn suites(way: Way) -> &'static [CipherSuite] {
    match way {
        Way::Psk => &[CipherSuite::PskAes128Ccm8, CipherSuite::PskAes128Gcm],
        _ => &[
            CipherSuite::EcdheEcdsaAes128Ccm8,
            CipherSuite::EcdheEcdsaAes128Gcm,
        ],
    }
}

/// Sends data both ways.
fn talk(world: &mut World) {
    world.send(CLIENT, b"from the client");
    world.send(SERVER, b"from the server");
    world.run(10);
    assert!(
        world
            .received
            .contains(&(SERVER, b"from the client".to_vec()))
    );
    assert!(
        world
            .received
            .contains(&(CLIENT, b"from the server".to_vec()))
    );
}

#[test]
fn every_way_and_suite() {
    for way in WAYS {
        for (index, suite) in suites(way).iter().enumerate() {
            let mut world = World::new(way, 1, Conditions::PERFECT);
            world.client_config(|config| config.suites = &suites(way)[index..=index]);
            world.connect(None);
            world.run(60);
            assert!(
                world.is_established(),
                "{way:?} {suite:?}: {:?}",
                world.events
            );
            assert_eq!(world.count(Event::Established), 2);
            assert_eq!(world.client.association().unwrap().suite(), *suite);
            let expected = (way != Way::Anonymous).then_some("device");
            assert_eq!(world.server.as_ref().unwrap().peer().copied(), expected);
            let expected = (way != Way::Psk).then_some("server");
            assert_eq!(world.client.peer().copied(), expected);
            talk(&mut world);
        }
    }
}

#[test]
fn connection_ids_are_used_in_each_direction_as_asked() {
    let id = |bytes: &[u8]| ConnectionId::new(bytes);
    for (ours, theirs) in [
        (None, id(b"server")),
        (id(b""), id(b"server")),
        (id(b"c"), id(b"server")),
        (id(b"client"), id(b"")),
        (id(b"client"), None),
    ] {
        let mut world = World::new(Way::Psk, 2, Conditions::PERFECT);
        world.client_config(|config| config.connection_id = ours);
        world.server_config.connection_id = theirs;
        world.connect(None);
        world.run(60);
        assert!(world.is_established());
        let (want_client, want_server) = match (ours, theirs) {
            (Some(ours), Some(theirs)) => (ours, theirs),
            _ => (ConnectionId::EMPTY, ConnectionId::EMPTY),
        };
        let client = world.client.association().unwrap();
        assert_eq!(*client.own_connection_id(), want_client);
        assert_eq!(*client.peer_connection_id(), want_server);
        talk(&mut world);
    }
}

#[test]
fn small_datagrams_and_small_records() {
    for way in WAYS {
        let mut world = World::new(way, 3, Conditions::PERFECT);
        world.path_mtu = 256;
        world.server_config.mtu = 256;
        world.client_config(|config| {
            config.mtu = 256;
            config.record_size_limit = Some(100);
        });
        world.connect(None);
        world.run(60);
        assert!(world.is_established(), "{way:?}: {:?}", world.events);
        assert_eq!(
            world
                .server
                .as_mut()
                .unwrap()
                .association()
                .unwrap()
                .max_data_len(),
            100
        );
        talk(&mut world);
    }
}

#[test]
fn the_path_takes_less_than_was_thought() {
    let mut world = World::new(Way::Certificates, 4, Conditions::PERFECT);
    world.path_mtu = 600;
    world.connect(None);
    world.run(120);
    assert!(world.is_established(), "{:?}", world.events);
}

/// The most bytes of data that an end may put into a record; it makes none that is longer.
fn limit_of(world: &mut World, end: u8) -> usize {
    let connection = match end {
        CLIENT => &mut world.client,
        _ => world.server.as_mut().unwrap(),
    };
    let limit = connection.association().unwrap().max_data_len();
    let mut buffer = vec![0; 20_000];
    assert!(connection.send(&vec![1; limit], &mut buffer).is_ok());
    let refused = connection.send(&vec![1; limit + 1], &mut buffer);
    assert_eq!(refused, Err(ProtectError::TooLong { limit }));
    limit
}

#[test]
fn each_side_says_how_long_its_records_may_be() {
    const MOST: usize = 1 << 14;
    for (client, server, wanted) in [
        (None, None, (MOST, MOST)),
        (Some(100), None, (MOST, 100)),
        // A server may say it only to who has said it (RFC 8449 §4).
        (None, Some(100), (MOST, MOST)),
        (Some(300), Some(64), (64, 300)),
    ] {
        for way in [Way::Psk, Way::Certificates] {
            let mut world = World::new(way, 3, Conditions::PERFECT);
            world.server_config.record_size_limit = server;
            world.server_config.connection_id = None;
            world.client_config(|config| {
                config.record_size_limit = client;
                config.connection_id = None;
            });
            world.connect(None);
            world.run(60);
            assert!(world.is_established(), "{:?}", world.events);
            let found = (limit_of(&mut world, CLIENT), limit_of(&mut world, SERVER));
            assert_eq!(found, wanted, "{way:?} {client:?} {server:?}");
        }
    }
}

#[test]
fn the_newer_way_to_ask_for_short_records_goes_before_the_older() {
    let mut world = World::new(Way::Psk, 3, Conditions::PERFECT);
    world.client_config(|config| {
        config.record_size_limit = Some(700);
        config.max_fragment_length = Some(MaxFragmentLength::Bytes512);
        config.connection_id = None;
    });
    world.connect(None);
    world.run(60);
    assert!(world.is_established(), "{:?}", world.events);
    // The server has not said the older one, or the client would have refused it (RFC 8449 §5).
    assert_eq!(limit_of(&mut world, SERVER), 700);
}

#[test]
fn the_protocol_is_coap_or_none_is_spoken_of() {
    const COAP: &[u8] = b"\0\x10\0\x07\0\x05\x04coap";
    let finds = |datagram: &[u8]| datagram.windows(COAP.len()).any(|part| part == COAP);
    for offers in [true, false] {
        let mut world = World::new(Way::Psk, 9, Conditions::PERFECT);
        world.client_config(|config| config.offers_coap = offers);
        world.connect(None);
        world.run(60);
        assert!(world.is_established());
        for end in [CLIENT, SERVER] {
            let mut said = world.sent.iter().filter(|(from, _)| *from == end);
            assert_eq!(said.any(|(_, datagram)| finds(datagram)), offers);
        }
    }
    // Who speaks something else is told so (RFC 7301 §3.2). Its cookie is still good: it vouches for no extension.
    let mut world = World::new(Way::Psk, 9, Conditions::PERFECT);
    world.client_config(|config| config.offers_coap = true);
    world.tamper = Box::new(|from, datagram| {
        let at = datagram.windows(COAP.len()).position(|part| part == COAP);
        if let Some(at) = at.filter(|_| from == CLIENT) {
            datagram[at + 7] = b'h';
        }
        true
    });
    world.connect(None);
    world.run(60);
    assert!(
        world
            .events
            .contains(&(SERVER, Event::Failed(Failure::NoProtocol)))
    );
    let alerted = Failure::Alerted(Alert::NO_APPLICATION_PROTOCOL);
    assert!(world.events.contains(&(CLIENT, Event::Failed(alerted))));
}

#[test]
fn max_fragment_length_is_granted() {
    let mut world = World::new(Way::Certificates, 5, Conditions::PERFECT);
    world.client_config(|config| config.max_fragment_length = Some(MaxFragmentLength::Bytes512));
    world.connect(None);
    world.run(60);
    assert!(world.is_established());
    assert_eq!(
        world
            .server
            .as_mut()
            .unwrap()
            .association()
            .unwrap()
            .max_data_len(),
        512
    );
    for (from, datagram) in &world.sent {
        let len = usize::from(u16::from_be_bytes([datagram[11], datagram[12]]));
        assert!(*from == CLIENT || len <= 512);
    }
}

#[test]
fn a_session_is_resumed_by_its_id() {
    for way in WAYS {
        let mut world = World::new(way, 6, Conditions::PERFECT);
        world.server_wallet.sessions = Some(Vec::new());
        world.connect(None);
        world.run(60);
        let session = world.client.session().unwrap();
        let peer = world.server.as_ref().unwrap().peer().copied();
        world.sent.clear();
        world.connect(Some(session));
        world.run(60);
        assert!(world.is_established(), "{:?}", world.events);
        assert!(world.client.is_resumed() && world.server.as_ref().unwrap().is_resumed());
        assert_eq!(world.server.as_ref().unwrap().peer().copied(), peer);
        assert_eq!(world.count(Event::Established), 4);
        assert_eq!(world.sent.len(), 5);
        talk(&mut world);

        // A server that forgot it makes a whole handshake.
        let session = world.client.session().unwrap();
        world.server_wallet.sessions = Some(Vec::new());
        world.connect(Some(session));
        world.run(60);
        assert!(world.is_established());
        assert!(!world.client.is_resumed());
        talk(&mut world);
    }
}

#[test]
fn a_session_is_resumed_by_a_ticket() {
    let mut world = World::new(Way::RawPublicKeys, 7, Conditions::PERFECT);
    world.server_wallet.tickets = true;
    world.connect(None);
    world.run(60);
    assert!(world.is_established(), "{:?}", world.events);
    let session = world.client.session().unwrap();
    for _ in 0..2 {
        world.connect(Some(session.clone()));
        world.run(60);
        assert!(world.client.is_resumed());
        assert_eq!(
            world.server.as_ref().unwrap().peer().copied(),
            Some("by ticket")
        );
        talk(&mut world);
    }
}

#[test]
fn the_key_may_be_looked_up_later() {
    let mut world = World::new(Way::Psk, 8, Conditions::PERFECT);
    world.server_wallet.is_slow = true;
    world.connect(None);
    world.run(3);
    assert_eq!(world.count(Event::PskWanted), 1);
    let found = world
        .server_wallet
        .look(&world.server_wallet.asked.clone().unwrap());
    let server = world.server.as_mut().unwrap();
    server.provide_psk(world.now, found, &mut world.server_wallet, &mut world.rng);
    world.poll();
    world.run(60);
    assert!(world.is_established(), "{:?}", world.events);
    talk(&mut world);
}

#[test]
fn the_server_hears_for_whom_the_client_asks() {
    let mut world = World::new(Way::Certificates, 9, Conditions::PERFECT);
    world.client_wallet.name = Some("lwm2m.example");
    world.client_config(|config| config.offers_coap = true);
    world.connect(None);
    world.run(60);
    assert!(world.is_established());
    assert_eq!(world.server_wallet.heard, b"lwm2m.example");
}

#[test]
fn closing_is_heard() {
    for end in [CLIENT, SERVER] {
        let mut world = World::new(Way::Psk, 10, Conditions::PERFECT);
        world.connect(None);
        world.run(60);
        match end {
            CLIENT => world.client.close(),
            _ => world.server.as_mut().unwrap().close(),
        }
        world.poll();
        world.run(1);
        let other = if end == CLIENT { SERVER } else { CLIENT };
        assert!(world.events.contains(&(other, Event::Closed)));
        assert!(world.client.is_over() && world.server.as_ref().unwrap().is_over());
        let mut buffer = [0; 64];
        assert!(world.client.send(b"late", &mut buffer).is_err());
    }
}

#[test]
fn an_association_goes_on_without_its_connection() {
    let mut world = World::new(Way::Psk, 11, Conditions::PERFECT);
    world.connect(None);
    world.run(60);
    let server = world.server.as_mut().unwrap();
    assert!(!server.is_confirmed());
    world.send(CLIENT, b"confirms");
    world.run(1);
    let server = world.server.as_mut().unwrap();
    assert!(server.is_confirmed());
    let mut association = server.take_association().unwrap();
    let mut buffer = [0; 64];
    let mut record = world
        .client
        .send(b"on and on", &mut buffer)
        .unwrap()
        .to_vec();
    let opened = association
        .next(&mut dunlin_dtls::Datagram::new(&mut record))
        .unwrap();
    assert!(opened.is_newest);
    let answer = association
        .protect(b"and on", &mut buffer)
        .unwrap()
        .to_vec();
    world.deliver(CLIENT, answer);
    assert_eq!(world.received.last().unwrap().1, b"and on");
}
