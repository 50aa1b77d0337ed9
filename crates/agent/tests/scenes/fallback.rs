//! A bootstrap that ends in the middle: the accounts of before are in use again (Core 1.2.2 §6.1.7.6).

use dunlin_agent::model::Value;
use dunlin_agent::objects::SecurityAccount;
use dunlin_agent::{Code, Config, ContentFormat, Event, Failure};

use crate::bench::{Bench, Peer, SERVER, node};
use crate::bootstrap::{finish, write, write_accounts};
use crate::pack::{content, pack};

/// Where the Bootstrap-Server is: somewhere else than the server, whose registration goes on.
const BOOTSTRAP: Peer = 9;

/// An agent with the accounts of a server, registered, and of a Bootstrap-Server, and `room` bytes for them.
fn registered(room: usize, config: Config<'static>) -> Bench {
    let mut node = node();
    let mut account = SecurityAccount::no_sec_bootstrap("coap://bootstrap.example").unwrap();
    account.identity.extend_from_slice(b"device").unwrap();
    account.secret_key.extend_from_slice(b"secret key").unwrap();
    node.security.insert(1, account).unwrap();
    let mut bench = Bench::registered_with(node, config);
    bench.agent.fall_back_on(vec![0; room].leak());
    bench.turn();
    bench
}

/// Carries on as the Bootstrap-Server: what the agent answers is looked at as if it went to the server.
fn as_bootstrap_server(bench: &mut Bench, play: impl FnOnce(&mut Bench)) {
    bench.expect_silence();
    bench.peer = BOOTSTRAP;
    play(bench);
    bench.expect_silence();
    bench.peer = SERVER;
}

/// A bootstrap begins, and the Bootstrap-Server throws everything away.
fn begin(bench: &mut Bench) {
    bench.agent.bootstrap(bench.now, BOOTSTRAP);
    bench.turn();
    let request = bench.next();
    assert_eq!(request.path(), "/bs");
    bench.answer(&request, Code::CHANGED, &[]);
    for path in ["/0", "/1"] {
        let delete = bench.request(Code::DELETE, path);
        bench.ask_code(&delete, Code::DELETED);
    }
    write(
        bench,
        "/0/1",
        &[
            ("/0/1/0", Value::String("coap://other-bs.example")),
            ("/0/1/1", Value::Boolean(true)),
            ("/0/1/2", Value::Integer(3)),
        ],
    );
}

#[track_caller]
fn failed(bench: &mut Bench) -> Failure {
    match bench.events.pop_front() {
        Some(Event::BootstrapFailed { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

fn accounts(bench: &Bench) -> String {
    let node = bench.agent.objects();
    let secret: &[u8] = node
        .security
        .get(1)
        .map_or(&[], |account| account.secret_key.as_slice());
    format!(
        "{:?} {:?} {:?} {}",
        bench.agent.bootstrap_account(),
        bench.agent.accounts().collect::<Vec<_>>(),
        node.server.get(0).map(|account| account.lifetime),
        String::from_utf8_lossy(secret),
    )
}

#[test]
fn a_bootstrap_without_an_end_leaves_the_accounts_of_before() {
    let mut bench = registered(512, Config::new("urn:dev:os:1-7"));
    let before = accounts(&bench);
    assert!(before.contains("coap://server.example:5683") && before.contains("secret key"));
    as_bootstrap_server(&mut bench, |bench| {
        begin(bench);
        // Whole accounts are not in use either without a Bootstrap-Finish.
        write_accounts(bench);
    });
    assert_ne!(accounts(&bench), before);
    bench.seconds(247);
    assert_eq!(failed(&mut bench), Failure::NoAnswer);
    assert_eq!(accounts(&bench), before);
    // The registration has gone on, with the lifetime that the server was told, and is renewed as ever.
    assert!(bench.agent.is_registered(1));
    let update = bench.next();
    assert_eq!(update.path(), "/rd/7");
    assert!(update.query().is_empty(), "{:?}", update.query());
    bench.answer(&update, Code::CHANGED, &[]);
    assert_eq!(bench.read("/1/0/1"), "300");
}

#[test]
fn what_a_refused_finish_lacks_may_come_or_not() {
    for comes in [true, false] {
        let mut bench = registered(512, Config::new("urn:dev:os:1-7"));
        let before = accounts(&bench);
        as_bootstrap_server(&mut bench, |bench| {
            begin(bench);
            finish(bench, Code::NOT_ACCEPTABLE);
            if comes {
                write_accounts(bench);
                finish(bench, Code::CHANGED);
            }
        });
        if comes {
            bench.expect_event(Event::Bootstrapped);
            assert_eq!(
                bench.agent.accounts().collect::<Vec<_>>(),
                [(1, "coap://server.example")]
            );
            assert_eq!(
                bench.agent.bootstrap_account(),
                Some("coap://other-bs.example")
            );
        } else {
            bench.seconds(247);
            assert_eq!(failed(&mut bench), Failure::NoAnswer);
            assert_eq!(accounts(&bench), before);
        }
    }
}

#[test]
fn a_second_bootstrap_that_fails_leads_back_to_the_first_accounts() {
    let mut bench = registered(512, Config::new("urn:dev:os:1-7"));
    let before = accounts(&bench);
    for _ in 0..2 {
        as_bootstrap_server(&mut bench, begin);
        // The owner may begin anew in the middle.
        bench.agent.bootstrap(bench.now, BOOTSTRAP);
        assert_eq!(accounts(&bench), before);
    }
    bench.turn();
}

#[test]
fn a_pack_that_is_not_whole_changes_nothing() {
    let mut bench = registered(512, Config::new("urn:dev:os:1-7").bootstrap_pack());
    let before = accounts(&bench);
    bench.agent.bootstrap(bench.now, BOOTSTRAP);
    bench.turn();
    as_pack(&mut bench);
    assert_eq!(accounts(&bench), before);
}

/// A pack arrives with a Server instance that has no Security instance.
fn as_pack(bench: &mut Bench) {
    bench.peer = BOOTSTRAP;
    let request = bench.next();
    assert_eq!(request.path(), "/bspack");
    let values = [
        ("/0/7/0", Value::String("coap://new.example")),
        ("/0/7/1", Value::Boolean(false)),
        ("/0/7/2", Value::Integer(3)),
        ("/0/7/10", Value::Integer(5)),
        ("/1/7/0", Value::Integer(6)),
        ("/1/7/1", Value::Integer(77)),
    ];
    let format = ContentFormat::SENML_CBOR;
    content(bench, &request, format, None, &pack(format, &values));
    // A Bootstrap-Request follows at once.
    assert_eq!(bench.next().path(), "/bs");
}

#[test]
fn without_room_there_is_no_way_back() {
    for room in [0, 40] {
        let mut bench = registered(room, Config::new("urn:dev:os:1-7"));
        let before = accounts(&bench);
        as_bootstrap_server(&mut bench, begin);
        bench.seconds(247);
        assert_eq!(failed(&mut bench), Failure::NoAnswer);
        assert_ne!(accounts(&bench), before);
    }
}
