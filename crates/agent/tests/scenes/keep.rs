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
    // Nothing has crossed its limit meanwhile; then something does.
    new.seconds(6);
    new.expect_silence();
    new.measure(30.0);
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

/// What a server is told of a temperature over a restart, with these attributes: `before` it, and from the first value of
/// `after` on, which was measured while the device was down.
fn told_over_a_restart(attributes: &str, before: &[f64], after: &[f64]) -> Vec<bool> {
    let mut old = Bench::registered();
    old.measure(20.0);
    let path = "/3303/0/5700";
    let attach = old.request(Code::PUT, path).query(attributes);
    old.ask_code(&attach, Code::CHANGED);
    let observe = old.request(Code::GET, path).uint(OptionNumber::OBSERVE, 0);
    old.ask_code(&observe, Code::CONTENT);
    for degrees in before {
        old.measure(*degrees);
        old.acknowledge();
    }
    let record = export(&mut old, Key::Server(0));
    let mut new = Bench::new();
    let mut told = vec![];
    for (index, degrees) in after.iter().enumerate() {
        new.measure(*degrees);
        if index == 0 {
            new.agent.resume(new.now, 1, SERVER, 0, &record).unwrap();
            new.turn();
            let update = new.next();
            new.answer(&update, Code::CHANGED, &[]);
        }
        told.push(new.acknowledge());
    }
    told
}

impl Bench {
    /// Acknowledges a notification if one has come; whether one has.
    fn acknowledge(&mut self) -> bool {
        let Some((_, bytes)) = self.sent.pop_front() else {
            return false;
        };
        assert!(self.sent.is_empty(), "one at most");
        let notification = dunlin_coap::Message::parse(&bytes).unwrap();
        assert_eq!(notification.code(), Code::CONTENT);
        if notification.message_type() == Type::Confirmable {
            let id = notification.id().0.to_be_bytes();
            self.deliver(&[0x60, 0, id[0], id[1]]);
        }
        true
    }
}

/// Core 1.2.2 §7.3.2: what has been told last counts, whether the device was down meanwhile or not.
#[test]
fn a_resumed_observation_goes_by_what_was_told() {
    const NO: bool = false;
    const YES: bool = true;
    for con in ["", "&con=1"] {
        let over = |attributes: &str, before: &[f64], after: &[f64]| {
            told_over_a_restart(&format!("{attributes}{con}"), before, after)
        };
        // Below, and still; then over the limit and back.
        let told = over("gt=25", &[], &[24.0, 26.0, 27.0, 25.0]);
        assert_eq!(told, [NO, YES, NO, YES]);
        // Above, and still, or no longer.
        assert_eq!(over("gt=25", &[26.0], &[40.0, 25.0]), [NO, YES]);
        assert_eq!(over("gt=25", &[26.0], &[25.0, 24.0]), [YES, NO]);
        // Crossed while it was down.
        assert_eq!(over("gt=25", &[], &[25.5, 26.0]), [YES, NO]);
        // Below, between and above two limits.
        let two = "lt=10&gt=25";
        assert_eq!(over(two, &[], &[10.0, 25.0, 9.0]), [NO, NO, YES]);
        assert_eq!(over(two, &[9.0], &[-5.0, 10.0]), [NO, YES]);
        assert_eq!(over(two, &[9.0], &[26.0, 27.0]), [YES, NO]);
        assert_eq!(over(two, &[26.0], &[26.5, 9.0]), [NO, YES]);
        assert_eq!(over("lt=10", &[], &[100.0, 9.5]), [NO, YES]);
        // Steps from what was told last.
        let told = over("st=2", &[23.0, 24.5], &[24.0, 24.9, 25.0, 26.0]);
        assert_eq!(told, [NO, NO, YES, NO]);
        assert_eq!(over("st=2", &[23.0], &[20.5, 21.0]), [YES, NO]);
        // A step and a limit.
        let told = over("st=5&gt=25", &[24.0], &[25.5, 26.0, 30.4, 30.5]);
        assert_eq!(told, [YES, NO, NO, YES]);
    }
}

/// Whether a server has heard a confirmable notification is not known before it is acknowledged.
#[test]
fn a_notification_that_was_not_acknowledged_is_told_again_after_a_restart() {
    for (acknowledged, told) in [(true, 0), (false, 1)] {
        let mut old = Bench::registered();
        old.measure(20.0);
        let path = "/3303/0/5700";
        let attach = old.request(Code::PUT, path).query("gt=25&con=1");
        old.ask_code(&attach, Code::CHANGED);
        let observe = old.request(Code::GET, path).uint(OptionNumber::OBSERVE, 0);
        old.ask_code(&observe, Code::CONTENT);
        old.measure(26.0);
        if acknowledged {
            assert!(old.acknowledge());
        }
        let record = export(&mut old, Key::Server(0));
        let mut new = Bench::new();
        new.measure(26.0);
        new.agent.resume(new.now, 1, SERVER, 0, &record).unwrap();
        new.turn();
        let update = new.next();
        new.answer(&update, Code::CHANGED, &[]);
        assert_eq!(new.sent.len(), told);
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

/// Flash wears: what is told again and again on the same side of a limit is not stored each time. Steps are.
#[test]
fn a_record_changes_when_a_limit_is_crossed_or_a_step_is_told() {
    for (attributes, changes) in [("gt=25&pmax=10", 1), ("st=2&pmax=10", 20)] {
        let mut bench = Bench::registered();
        bench.measure(20.0);
        let path = "/3303/0/5700";
        let attach = bench.request(Code::PUT, path).query(attributes);
        bench.ask_code(&attach, Code::CHANGED);
        let observe = bench
            .request(Code::GET, path)
            .uint(OptionNumber::OBSERVE, 0);
        bench.ask_code(&observe, Code::CONTENT);
        let mut records = vec![export(&mut bench, Key::Server(0))];
        for step in 1_u8..=20 {
            bench.measure(20.0 + f64::from(step) / 2.0);
            bench.sent.clear();
            bench.seconds(10);
            records.push(export(&mut bench, Key::Server(0)));
        }
        records.dedup();
        assert_eq!(records.len() - 1, changes, "{attributes}");
    }
}
