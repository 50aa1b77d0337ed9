//! Several servers: each for itself, and in the order of their priorities (/1/x/13 to /1/x/15).

use dunlin_agent::{Code, Config, Event, Failure};
use dunlin_coap::OptionNumber;

use crate::bench::{Bench, Received, SERVER, node};

const OTHER: crate::bench::Peer = 5684;

/// Two servers, whose accounts are in the order of their ids.
fn two_servers(first: u32, second: u32, block: bool) -> Bench<2> {
    use dunlin_agent::objects::{SecurityAccount, ServerAccount};
    let mut node = node();
    let account = SecurityAccount::no_sec(2, "coap://other.example").unwrap();
    node.security.insert(1, account).unwrap();
    node.server.insert(1, ServerAccount::new(2, 300)).unwrap();
    for (instance, priority) in [(0, first), (1, second)] {
        let server = node.server.get_mut(instance).unwrap();
        server.priority = Some(priority);
        server.failure_block = Some(block);
        server.retry_count = Some(1);
    }
    let mut bench = Bench::with(node, Config::new("urn:dev:os:1-7"));
    bench.agent.connect(bench.now, 1, SERVER).unwrap();
    bench.agent.connect(bench.now, 2, OTHER).unwrap();
    bench.turn();
    bench
}

#[test]
fn two_servers_are_served_each_for_itself() {
    let mut node = node();
    node.server
        .insert(1, dunlin_agent::objects::ServerAccount::new(2, 0))
        .unwrap();
    let mut bench: Bench<2> = Bench::with(node, Config::new("urn:dev:os:1-7"));
    bench.connect();
    bench.accept_registration();
    bench.agent.connect(bench.now, 2, 9).unwrap();
    bench.turn();
    let (to, register) = bench.sent.pop_front().unwrap();
    assert_eq!(to, 9);
    let register = Received(register);
    assert_eq!(register.query()[1], "lt=0");
    let mut answer = vec![0x64, Code::CREATED.0, register.0[2], register.0[3]];
    answer.extend(register.message().token().as_bytes());
    answer.extend(b"\x82rd\x02zz");
    bench.deliver_from(9, &answer);
    bench.expect_event(Event::Registered { server: 2 });
    let read = bench
        .request(Code::GET, "/3/0/0")
        .uint(OptionNumber::ACCEPT, 0)
        .bytes();
    bench.deliver_from(9, &read);
    assert_eq!(bench.sent.pop_front().unwrap().0, 9);
    bench.agent.deregister(2);
    bench.turn();
    assert_eq!(Received(bench.sent.pop_front().unwrap().1).path(), "/rd/zz");
    assert!(bench.agent.is_registered(1));
}

#[test]
fn accounts_name_the_servers_to_connect() {
    let bench = Bench::new();
    assert_eq!(
        bench.agent.accounts().collect::<Vec<_>>(),
        [(1, "coap://server.example:5683")]
    );
    let mut bench = bench;
    assert_eq!(
        bench.agent.connect(bench.now, 2, 9),
        Err(dunlin_agent::ConnectError::UnknownServer)
    );
    bench.set(|node| {
        node.server
            .insert(1, dunlin_agent::objects::ServerAccount::new(2, 0))
            .unwrap();
    });
    bench.connect();
    assert_eq!(
        bench.agent.connect(bench.now, 2, 9),
        Err(dunlin_agent::ConnectError::NoSpace)
    );
}

/// Accepts the Register that comes next, which is for this server.
#[track_caller]
fn accept(bench: &mut Bench<2>, peer: crate::bench::Peer) {
    bench.peer = peer;
    let register = bench.next();
    assert_eq!(register.path(), "/rd");
    bench.answer(
        &register,
        Code::CREATED,
        &[(OptionNumber::LOCATION_PATH, b"7")],
    );
}

#[test]
fn servers_are_registered_at_in_the_order_of_their_priorities() {
    for (first, second, order) in [(1, 2, [SERVER, OTHER]), (2, 1, [OTHER, SERVER])] {
        let mut bench = two_servers(first, second, false);
        for peer in order {
            assert_eq!(bench.sent.len(), 1, "one after the other");
            accept(&mut bench, peer);
        }
        assert!(bench.agent.is_registered(1) && bench.agent.is_registered(2));
    }
    // The same priority is no order.
    assert_eq!(two_servers(1, 1, false).sent.len(), 2);
}

#[test]
fn a_failure_lets_the_next_server_have_its_turn_unless_it_blocks() {
    for block in [false, true] {
        let mut bench = two_servers(1, 2, block);
        let register = bench.next();
        bench.answer(&register, Code::FORBIDDEN, &[]);
        bench.turn();
        let next = bench.sent.pop_front().map(|(to, _)| to);
        assert_eq!(next, (!block).then_some(OTHER));
    }
}

/// A failure is one only after all communication sequences (/1/x/20).
#[test]
fn the_next_server_waits_until_the_sequences_of_the_one_before_are_over() {
    let mut bench = two_servers(1, 2, false);
    bench.set(|node| {
        let first = node.server.get_mut(0).unwrap();
        first.sequence_retry_count = Some(2);
        first.sequence_delay_timer = Some(100);
    });
    let register = bench.next();
    bench.answer(&register, Code::INTERNAL_SERVER_ERROR, &[]);
    bench.turn();
    bench.expect_silence();
    bench.seconds(150);
    let register = bench.next();
    bench.answer(&register, Code::INTERNAL_SERVER_ERROR, &[]);
    bench.turn();
    bench.peer = OTHER;
    assert_eq!(bench.next().path(), "/rd");
}

/// The delay before the first Register (/1/x/14) counts from the end of the registration before it in the order.
#[test]
fn the_delay_of_the_next_server_counts_from_the_registration_before() {
    for accepted in [true, false] {
        let mut bench = two_servers(1, 2, false);
        bench.set(|node| node.server.get_mut(1).unwrap().initial_registration_delay = Some(30));
        bench.seconds(1);
        if accepted {
            accept(&mut bench, SERVER);
        } else {
            let register = bench.next();
            bench.answer(&register, Code::FORBIDDEN, &[]);
        }
        bench.turn();
        bench.seconds(29);
        bench.expect_silence();
        bench.seconds(1);
        accept(&mut bench, OTHER);
        // Once: a registration that is lost is made anew without a delay.
        bench.agent.update(2);
        bench.turn();
        let update = bench.next();
        bench.answer(&update, Code::NOT_FOUND, &[]);
        accept(&mut bench, OTHER);
    }
}

/// A server that has asked to be left alone keeps nobody waiting.
#[test]
fn a_disabled_server_does_not_hold_up_those_behind_it() {
    let mut bench = two_servers(1, 2, true);
    bench.set(|node| node.server.get_mut(0).unwrap().disable_timeout = Some(500));
    accept(&mut bench, SERVER);
    accept(&mut bench, OTHER);
    bench.peer = SERVER;
    let disable = bench.request(Code::POST, "/1/0/4");
    bench.deliver(&disable.bytes());
    assert_eq!(bench.next().code(), Code::CHANGED);
    let leave = bench.next();
    assert_eq!(leave.code(), Code::DELETE);
    bench.answer(&leave, Code::DELETED, &[]);
    // The other loses its registration and gets it back at once.
    bench.agent.update(2);
    bench.turn();
    bench.peer = OTHER;
    let update = bench.next();
    bench.answer(&update, Code::NOT_FOUND, &[]);
    accept(&mut bench, OTHER);
    assert!(bench.agent.is_registered(2) && !bench.agent.is_registered(1));
    // Nothing is heard of the disabled server, and it hears nothing, until its time is over.
    bench.peer = SERVER;
    let read = bench.request(Code::GET, "/3/0/0");
    bench.deliver(&read.bytes());
    bench.expect_silence();
    while bench.now < dunlin_agent::Instant::from_secs(1499) {
        bench.seconds(1);
        while let Some((to, bytes)) = bench.sent.pop_front() {
            assert_eq!(to, OTHER, "to the other alone");
            bench.peer = OTHER;
            bench.answer(&Received(bytes), Code::CHANGED, &[]);
        }
    }
    bench.seconds(1);
    accept(&mut bench, SERVER);
    assert!(bench.agent.is_registered(1));
}

/// RFC 8516: too many requests are answered by waiting as long as the server says.
#[test]
fn too_many_requests_are_followed_by_the_pause_that_is_asked_for() {
    let mut bench = Bench::new();
    bench.connect();
    let register = bench.next();
    let age = [(OptionNumber::MAX_AGE, &[200][..])];
    bench.answer(&register, Code::TOO_MANY_REQUESTS, &age);
    let Some(Event::RegistrationFailed { reason, retry, .. }) = bench.events.pop_front() else {
        panic!("no failure");
    };
    assert_eq!(reason, Failure::Refused(Code::TOO_MANY_REQUESTS));
    assert!((200..=300).contains(&(retry.as_millis() / 1000)));
    bench.seconds(199);
    bench.expect_silence();
    bench.seconds(101);
    bench.sent.truncate(1);
    bench.accept_registration();
    bench.agent.update(1);
    bench.turn();
    let update = bench.next();
    bench.answer(
        &update,
        Code::TOO_MANY_REQUESTS,
        &[(OptionNumber::MAX_AGE, &[20])],
    );
    assert!(bench.agent.is_registered(1));
    bench.seconds(19);
    bench.expect_silence();
    bench.seconds(11);
    assert_eq!(bench.next().path(), "/rd/7");
}
