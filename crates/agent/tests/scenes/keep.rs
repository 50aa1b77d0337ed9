//! What is kept over a restart: records go out of one agent and into another.

use dunlin_agent::keep::{ImportError, Key};
use dunlin_agent::objects::{Security, SecurityAccount, Server, ServerAccount};
use dunlin_agent::{Code, Config};
use dunlin_coap::{OptionNumber, Type};

use crate::bench::{Bench, Node, SERVER, node};

const CONFIG: Config<'static> = Config::new("urn:dev:os:1-7");

fn export(bench: &mut Bench, key: Key) -> Vec<u8> {
    let mut buffer = [0; 1024];
    bench.agent.export(key, &mut buffer).unwrap().to_vec()
}

/// A node with accounts that have little in common with those of the bench.
fn other() -> Node {
    let mut node = node();
    node.security = Security::new();
    let account =
        SecurityAccount::psk(7, "coaps://other.example", b"device", b"sixteen bytes!!!").unwrap();
    node.security.insert(3, account).unwrap();
    node.security
        .insert(
            9,
            SecurityAccount::no_sec_bootstrap("coap://bs.example").unwrap(),
        )
        .unwrap();
    node.server = Server::new();
    let mut account = ServerAccount::new(7, 777);
    account.default_minimum_period = Some(3);
    account.mute_send = Some(false);
    account.confirmable_notifications = Some(true);
    node.server.insert(5, account).unwrap();
    node
}

/// A bench that has been told all that a record of a server holds.
fn busy() -> Bench {
    let mut bench = Bench::registered();
    let attributes = bench
        .request(Code::PUT, "/3303/0/5700")
        .query("pmin=5&pmax=60&gt=25.5&edge=1");
    // An edge is for Booleans.
    bench.ask_code(&attributes, Code::BAD_REQUEST);
    let attributes = bench
        .request(Code::PUT, "/3303/0/5700")
        .query("pmin=5&pmax=60&gt=25.5&con=1");
    bench.ask_code(&attributes, Code::CHANGED);
    let observe = bench
        .request(Code::GET, "/3303/0/5700")
        .uint(OptionNumber::OBSERVE, 0);
    bench.ask_code(&observe, Code::CONTENT);
    let several = bench
        .request(Code::FETCH, "")
        .uint(OptionNumber::OBSERVE, 0)
        .payload(112, b"\x82\xa1\x00f/3/0/9\xa1\x00g/3/0/16");
    bench.ask_code(&several, Code::CONTENT);
    bench
}

#[test]
fn accounts_take_the_place_of_the_factorys() {
    let mut old = Bench::with(other(), CONFIG);
    let record = export(&mut old, Key::Accounts);
    let mut new = Bench::new();
    assert_ne!(export(&mut new, Key::Accounts), record);
    new.agent.import(&record).unwrap();
    assert_eq!(export(&mut new, Key::Accounts), record);
    let accounts: Vec<_> = new.agent.accounts().collect();
    assert_eq!(accounts, [(7, "coaps://other.example")]);
    assert_eq!(new.agent.bootstrap_account(), Some("coap://bs.example"));
    let server = new.agent.objects().server.get(5).unwrap();
    assert_eq!(
        (
            server.lifetime,
            server.default_minimum_period,
            server.default_maximum_period,
            server.mute_send
        ),
        (777, Some(3), None, Some(false))
    );
}

#[test]
fn what_is_damaged_or_not_for_this_device_changes_nothing() {
    let mut old = Bench::with(other(), CONFIG);
    let record = export(&mut old, Key::Accounts);
    let mut new = Bench::new();
    let before = export(&mut new, Key::Accounts);
    for at in 0..record.len() {
        let mut bad = record.clone();
        bad[at] ^= 0x10;
        assert_eq!(new.agent.import(&bad), Err(ImportError::Damaged), "{at}");
        assert_eq!(
            new.agent.import(&record[..at]),
            Err(ImportError::Damaged),
            "{at}"
        );
    }
    let sealed = |body: &[u8]| {
        let sum = body.iter().fold(0x811c_9dc5_u32, |sum, byte| {
            (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
        });
        [body, &sum.to_be_bytes()].concat()
    };
    let body = &record[..record.len() - 4];
    assert_eq!(sealed(body), record);
    let with = |at: usize, byte: u8| {
        let mut body = body.to_vec();
        body[at] = byte;
        sealed(&body)
    };
    assert_eq!(new.agent.import(&with(0, 2)), Err(ImportError::Version(2)));
    assert_eq!(new.agent.import(&with(1, 2)), Err(ImportError::Kind));
    for (content, error) in [
        // A temperature; a resource that there is none of; a text for a number; a short server id beyond its range;
        // the same twice; nothing that is SenML.
        (
            &b"\x81\xa2\x00l/3303/0/5700\x02\x01"[..],
            ImportError::Unknown,
        ),
        (b"\x81\xa2\x00g/1/0/99\x02\x01", ImportError::Unknown),
        (b"\x81\xa2\x00f/1/0/1\x03a1", ImportError::BadValue),
        (
            b"\x81\xa2\x00f/1/0/0\x02\x1a\x00\x01\x00\x00",
            ImportError::BadValue,
        ),
        (
            b"\x82\xa2\x00f/1/0/1\x02\x01\xa2\x00f/1/0/1\x02\x01",
            ImportError::BadValue,
        ),
        (b"\xff", ImportError::BadValue),
        // Three servers where there is room for two.
        (
            b"\x83\xa2\x00f/1/0/1\x02\x01\xa2\x00f/1/1/1\x02\x01\xa2\x00f/1/2/1\x02\x01",
            ImportError::NoSpace,
        ),
        // An account whose address is too long.
        (
            &[&b"\x81\xa2\x00f/0/0/0\x03\x78\x61"[..], &[b'a'; 97]].concat(),
            ImportError::BadValue,
        ),
    ] {
        let record = sealed(&[&record[..2], content].concat());
        assert_eq!(new.agent.import(&record), Err(error), "{content:02x?}");
        assert_eq!(export(&mut new, Key::Accounts), before, "{content:02x?}");
    }
}

#[test]
fn a_registration_goes_on_with_an_update() {
    let mut old = busy();
    let record = export(&mut old, Key::Server(0));
    let mut new = Bench::new();
    new.agent.resume(new.now, 1, SERVER, 0, &record).unwrap();
    assert_eq!(new.agent.observations(), 2);
    assert!(new.agent.is_registered(1));
    // Nothing has been used of the numbers reserved the first time: they are passed over.
    let again = export(&mut new, Key::Server(0));
    assert_eq!(again.len(), record.len());
    new.turn();
    let update = new.next();
    assert_eq!((update.code(), &*update.path()), (Code::POST, "/rd/7"));
    assert!(
        update.query().is_empty(),
        "nothing has changed that it was told"
    );
    // Nothing is told before the server knows where the device is now.
    new.seconds(1);
    new.expect_silence();
    new.answer(&update, Code::CHANGED, &[]);
    // The attributes hold: a notification is confirmable, and not before pmin.
    assert!(!new.sent.is_empty());
    assert!(new.sent.iter().all(|(_, bytes)| {
        let message = dunlin_coap::Message::parse(bytes).unwrap();
        message.message_type() == Type::NonConfirmable
    }));
    new.sent.clear();
    new.seconds(6);
    let notification = new
        .sent
        .iter()
        .map(|(_, bytes)| dunlin_coap::Message::parse(bytes).unwrap())
        .find(|message| message.message_type() == Type::Confirmable)
        .expect("the observation goes on");
    assert_eq!(notification.code(), Code::CONTENT);
    assert!(notification.observe() > Some(1024));
}

/// What was told before is not known any more: of a Boolean that is to be told when it becomes true, false is still none.
#[test]
fn a_resumed_observation_heeds_its_edge() {
    let path = "/1/0/6";
    let store = |bench: &mut Bench, store: bool| {
        bench.set(|node| node.server.get_mut(0).unwrap().notification_storing = store);
    };
    let mut old = Bench::registered();
    let attributes = old.request(Code::PUT, path).query("edge=1");
    old.ask_code(&attributes, Code::CHANGED);
    let observe = old
        .request(Code::GET, path)
        .uint(OptionNumber::OBSERVE, 0)
        .uint(OptionNumber::ACCEPT, 0);
    old.ask_code(&observe, Code::CONTENT);
    let record = export(&mut old, Key::Server(0));
    for (is, told) in [(false, 0), (true, 1)] {
        let mut new = Bench::new();
        store(&mut new, is);
        new.agent.resume(new.now, 1, SERVER, 0, &record).unwrap();
        new.turn();
        let update = new.next();
        new.answer(&update, Code::CHANGED, &[]);
        assert_eq!(new.sent.len(), told);
        new.sent.clear();
        // And from there on as ever.
        store(&mut new, false);
        new.expect_silence();
        store(&mut new, true);
        assert_eq!(new.sent.len(), 1);
    }
}

#[test]
fn a_server_that_has_forgotten_gets_a_new_registration() {
    let mut old = busy();
    let record = export(&mut old, Key::Server(0));
    let mut new = Bench::new();
    new.agent.resume(new.now, 1, SERVER, 0, &record).unwrap();
    new.turn();
    let update = new.next();
    new.sent.clear();
    new.answer(&update, Code::NOT_FOUND, &[]);
    new.events.clear();
    new.accept_registration();
    assert_eq!(new.agent.observations(), 0);
    // And that is what is kept from now on.
    let fresh = export(&mut new, Key::Server(0));
    assert!(fresh.len() < record.len());
}

#[test]
fn a_record_of_another_account_is_refused() {
    let record = export(&mut busy(), Key::Server(0));
    let mut new = Bench::new();
    for (uri, id) in [
        ("coap://server.example:5684", 1),
        ("coap://server.example:5683", 2),
    ] {
        new.set(|node| {
            node.security = Security::no_sec(id, uri).unwrap();
            node.server = Server::single(id, 300);
        });
        let resumed = new.agent.resume(new.now, id, SERVER, 0, &record);
        assert_eq!(resumed, Err(ImportError::OtherAccount));
        assert!(!new.agent.is_registered(id));
    }
}

#[test]
fn a_damaged_record_of_a_server_leaves_nothing_behind() {
    let record = export(&mut busy(), Key::Server(0));
    for at in 0..record.len() {
        let mut body = record[..record.len() - 4].to_vec();
        let Some(byte) = body.get_mut(at) else { break };
        *byte ^= 0x55;
        let sum = body.iter().fold(0x811c_9dc5_u32, |sum, byte| {
            (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
        });
        let bad = [&body[..], &sum.to_be_bytes()].concat();
        let mut new = Bench::new();
        if new.agent.resume(new.now, 1, SERVER, 0, &bad).is_err() {
            assert_eq!(new.agent.observations(), 0, "{at}");
            assert!(!new.agent.is_registered(1), "{at}");
        }
        // Whatever was taken in, it does not break.
        new.agent.connect(new.now, 1, SERVER).unwrap();
        new.turn();
        new.seconds(100);
    }
}

/// Attributes outlive a registration, over a restart too.
#[test]
fn attributes_are_kept_without_a_registration() {
    let mut old = busy();
    let update = |bench: &mut Bench| {
        bench.agent.update(1);
        bench.turn();
        bench.next()
    };
    old.sent.clear();
    let asked = update(&mut old);
    old.answer(&asked, Code::NOT_FOUND, &[]);
    // The power goes before the new registration is accepted.
    let record = export(&mut old, Key::Server(0));
    let mut new = Bench::new();
    new.agent.resume(new.now, 1, SERVER, 0, &record).unwrap();
    assert!(!new.agent.is_registered(1));
    assert_eq!(new.agent.observations(), 0);
    new.turn();
    new.accept_registration();
    let discover = new
        .request(Code::GET, "/3303/0/5700")
        .uint(OptionNumber::ACCEPT, 40);
    assert_eq!(
        new.ask(&discover).text(),
        "</3303/0/5700>;pmin=5;pmax=60;gt=25.5;con=1"
    );
}

#[test]
fn without_a_registration_there_is_nothing_to_keep() {
    let mut bench = Bench::new();
    assert_eq!(export(&mut bench, Key::Server(0)), Vec::<u8>::new());
    bench.connect();
    assert_eq!(export(&mut bench, Key::Server(0)), Vec::<u8>::new());
    assert_eq!(export(&mut bench, Key::Association(0)), Vec::<u8>::new());
    assert_eq!(export(&mut bench, Key::Server(9)), Vec::<u8>::new());
    let mut small = [0; 20];
    assert!(bench.agent.export(Key::Accounts, &mut small).is_err());
}

#[test]
fn a_record_changes_when_something_changes_and_not_with_each_notification() {
    let mut bench = Bench::registered();
    let none = export(&mut bench, Key::Server(0));
    let observe = bench
        .request(Code::GET, "/3303/0/5700")
        .uint(OptionNumber::OBSERVE, 0);
    bench.ask_code(&observe, Code::CONTENT);
    let observed = export(&mut bench, Key::Server(0));
    assert_ne!(observed, none);
    for degrees in 0_u8..100 {
        bench.measure(degrees.into());
        bench.seconds(1);
    }
    assert_eq!(bench.sent.len(), 100);
    assert_eq!(export(&mut bench, Key::Server(0)), observed);
    bench.sent.clear();
    let attributes = bench.request(Code::PUT, "/3303/0").query("pmin=5");
    bench.ask_code(&attributes, Code::CHANGED);
    assert_ne!(export(&mut bench, Key::Server(0)), observed);
}
