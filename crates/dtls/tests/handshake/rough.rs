//! A bad network: every flight is lost, doubled and overtaken somewhere in these seeds.

use dunlin_dtls::{ConnectionId, Event};
use dunlin_testkit::Conditions;
use dunlin_time::Duration;

use crate::world::{CLIENT, SERVER, WAYS, Way, World};

/// Three in ten are lost, one in five arrives twice, and up to two seconds of delay reorder them.
const BAD: Conditions = Conditions {
    loss: 0.3,
    duplicate: 0.2,
    delay: 5..2_000,
};

/// How many seeds each way gets: as many as the environment asks for.
fn seeds(way: Way) -> u64 {
    let asked = std::env::var("DUNLIN_SEEDS");
    if let Some(asked) = asked.ok().and_then(|text| text.parse().ok()) {
        return asked;
    }
    // Curves take most of the time, and pre-shared keys are what most devices have.
    if way == Way::Psk { 200 } else { 50 }
}

/// Runs one handshake to its end. It must succeed at both ends or fail cleanly, and then data must pass both ways.
fn handshake(way: Way, seed: u64) -> bool {
    let mut world = World::new(way, seed, BAD);
    if seed.is_multiple_of(2) {
        world.server_wallet.sessions = Some(Vec::new());
    } else {
        world.server_wallet.tickets = true;
    }
    world.server_config.connection_id = ConnectionId::new(&[1, 2, 3]);
    if seed.is_multiple_of(3) {
        // Flights of many datagrams.
        world.server_config.mtu = 300;
    }
    world.connect(None);
    world.run(2_000);
    if !finished(&mut world, seed) {
        return false;
    }
    // The same once more, resumed.
    let Some(session) = world.client.session() else {
        return true;
    };
    world.connect(Some(session));
    world.run(2_000);
    finished(&mut world, seed)
}

fn finished(world: &mut World, seed: u64) -> bool {
    if !world.client.is_established() {
        let is_over = world.client.is_over();
        assert!(
            is_over,
            "seed {seed}: the client neither succeeds nor fails: {:?}",
            world.events
        );
        assert!(
            world
                .events
                .iter()
                .any(|(end, event)| *end == CLIENT && matches!(event, Event::Failed(_)))
        );
        return false;
    }
    // The client's last flight may be the one that is lost: then its data does not get through, as a server that has not
    // seen Finished takes none; sending on makes the server repeat itself.
    let before = world.received.len();
    for round in 0..30_u8 {
        world.send(CLIENT, &[round]);
        world.run(10);
        if world.received[before..]
            .iter()
            .any(|(end, _)| *end == SERVER)
        {
            let server = world.server.as_ref().unwrap();
            assert!(
                server.is_established() && server.is_confirmed(),
                "seed {seed}"
            );
            assert_eq!(server.next_timeout(), None);
            for round in 0..30_u8 {
                world.send(SERVER, &[round]);
                world.run(10);
                if world.received[before..]
                    .iter()
                    .any(|(end, _)| *end == CLIENT)
                {
                    return true;
                }
            }
            panic!("seed {seed}: nothing reaches the client");
        }
    }
    // The server gave up before the client's last flight came.
    let server = world.server.as_ref().unwrap();
    assert!(
        server.is_over(),
        "seed {seed}: {:?} {:?}",
        server,
        world.events
    );
    false
}

#[test]
fn every_handshake_ends_well_or_fails_cleanly() {
    for way in WAYS {
        let wanted = seeds(way);
        let succeeded = (0..wanted).filter(|seed| handshake(way, *seed)).count() as u64;
        assert!(
            succeeded * 10 > wanted * 9,
            "{way:?}: only {succeeded} of {wanted}"
        );
    }
}

#[test]
fn nothing_is_sent_for_ever_to_who_does_not_answer() {
    for way in [Way::Psk, Way::Certificates] {
        let mut world = World::new(way, 1, Conditions::PERFECT);
        world.tamper = Box::new(|from, _| from == CLIENT);
        world.connect(None);
        world.run(10_000);
        assert!(world.client.is_over());
        assert_eq!(world.client.next_timeout(), None);
        let from_client = world
            .sent
            .iter()
            .filter(|(from, _)| *from == CLIENT)
            .count();
        assert_eq!(from_client, 8);
        assert!(
            world
                .events
                .contains(&(CLIENT, Event::Failed(dunlin_dtls::Failure::TimedOut)))
        );
    }
}

#[test]
fn waits_get_longer() {
    let mut world = World::new(Way::Psk, 1, Conditions::PERFECT);
    world.tamper = Box::new(|_, _| false);
    world.client_config(|config| {
        config.initial_timeout = Duration::from_secs(9);
        config.transmissions = 6;
    });
    world.connect(None);
    let mut waits = Vec::new();
    while let Some(next) = world.client.next_timeout() {
        waits.push((next - world.now).as_secs());
        world.now = next;
        world.client.handle_timeout(next);
        world.poll();
    }
    assert_eq!(waits, [9, 18, 36, 60, 60, 60]);
}
