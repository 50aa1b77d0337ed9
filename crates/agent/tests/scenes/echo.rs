//! A server that wants to know that requests are fresh (Echo, RFC 9175 §2).

use dunlin_agent::model::Path;
use dunlin_agent::{BlockSize, Code, Config, Event, Failure};
use dunlin_coap::OptionNumber;

use crate::bench::{Bench, Received, node};

const ECHO: OptionNumber = OptionNumber::ECHO;

/// Asks for a value in the request that comes next.
#[track_caller]
fn challenge(bench: &mut Bench, value: &[u8]) -> Received {
    let request = bench.next();
    bench.answer(&request, Code::UNAUTHORIZED, &[(ECHO, value)]);
    request
}

#[test]
fn a_request_is_repeated_with_the_value() {
    let mut bench = Bench::new();
    bench.connect();
    let first = challenge(&mut bench, b"fresh");
    assert_eq!(first.message().option(ECHO), None);
    let second = bench.accept_registration();
    let (first, second) = (first.message(), second.message());
    assert_eq!(second.option(ECHO), Some(&b"fresh"[..]));
    assert_ne!((first.id(), first.token()), (second.id(), second.token()));
    assert_eq!(first.payload(), second.payload());
    // The value goes into what follows, so that nobody need ask again.
    bench.agent.update(1);
    bench.turn();
    let update = bench.next();
    assert_eq!(update.message().option(ECHO), Some(&b"fresh"[..]));
    // It has grown old: there is a new one.
    bench.answer(&update, Code::UNAUTHORIZED, &[(ECHO, b"fresher")]);
    let update = bench.next();
    assert_eq!(update.path(), "/rd/7");
    assert_eq!(update.message().option(ECHO), Some(&b"fresher"[..]));
    bench.answer(&update, Code::CHANGED, &[]);
    bench.expect_event(Event::Updated { server: 1 });
}

#[test]
fn a_server_that_is_never_content_has_refused() {
    let mut bench = Bench::new();
    bench.connect();
    for _ in 0..3 {
        challenge(&mut bench, b"never");
    }
    assert!(matches!(
        bench.events.pop_front(),
        Some(Event::RegistrationFailed {
            reason: Failure::Refused(Code::UNAUTHORIZED),
            ..
        })
    ));
    bench.expect_silence();
}

#[test]
fn each_block_and_the_longest_value_have_room() {
    let value = [7; 40];
    let config = Config::new("urn:dev:os:1-7").block_size(BlockSize::at_most(32).unwrap());
    let mut bench: Bench = Bench::with(node(), config);
    bench.connect();
    challenge(&mut bench, &value);
    let mut list = Vec::new();
    loop {
        let part = bench.next();
        let message = part.message();
        assert_eq!(message.option(ECHO), Some(&value[..]));
        list.extend_from_slice(message.payload());
        let block = message.block1().unwrap().unwrap();
        if !block.more() {
            bench.sent.push_front((crate::bench::SERVER, part.0));
            bench.accept_registration();
            break;
        }
        let value = part
            .message()
            .option(OptionNumber::BLOCK1)
            .unwrap()
            .to_vec();
        bench.answer(&part, Code::CONTINUE, &[(OptionNumber::BLOCK1, &value)]);
    }
    assert!(list.ends_with(b"</42769>"));
    bench.set(|node| node.server.get_mut(0).unwrap().mute_send = Some(false));
    let path: Path = "/3303/0/5700".parse().unwrap();
    bench.agent.send(1, &[path]).unwrap();
    bench.turn();
    let sent = challenge(&mut bench, &value);
    assert_eq!(sent.path(), "/dp");
    let again = bench.next();
    assert_eq!(again.message().payload(), sent.message().payload());
    bench.answer(&again, Code::CHANGED, &[]);
    bench.expect_event(Event::Sent { server: 1 });
}

#[test]
fn a_bootstrap_server_may_ask_too() {
    let mut bench = Bench::new();
    let first = crate::bootstrap::request(&mut bench);
    bench.answer(&first, Code::UNAUTHORIZED, &[(ECHO, b"who")]);
    let second = bench.next();
    assert_eq!(second.path(), "/bs");
    assert_eq!(second.message().option(ECHO), Some(&b"who"[..]));
    bench.answer(&second, Code::CHANGED, &[]);
    crate::bootstrap::write_accounts(&mut bench);
    crate::bootstrap::finish(&mut bench, Code::CHANGED);
    bench.expect_event(Event::Bootstrapped);
}
