//! Send: values that the server has not asked for. Numbers are those of the ETS 1.2.

use dunlin_agent::model::Path;
use dunlin_agent::{Code, Config, Event, Failure, SendError};
use dunlin_coap::{OptionNumber, Type, empty_ack, reset};

use crate::bench::{Bench, node};

fn path(text: &str) -> Path {
    text.parse().unwrap()
}

/// A bench whose server wants Sends.
fn bench() -> Bench {
    let mut node = node();
    let server = node.server.get_mut(0).unwrap();
    server.lifetime = 0;
    server.mute_send = Some(false);
    Bench::registered_with(node, Config::new("urn:dev:os:1-7"))
}

#[test]
fn ets_311_sends_values_and_hears_that_they_arrived() {
    let mut bench = bench();
    bench
        .agent
        .send(1, &[path("/1/0/1"), path("/3/0/11/0")])
        .unwrap();
    bench.turn();
    let sent = bench.next();
    let message = sent.message();
    assert_eq!(
        (message.message_type(), message.code()),
        (Type::Confirmable, Code::POST)
    );
    assert_eq!(sent.path(), "/dp");
    assert_eq!(message.content_format(), Some(112));
    // [{-2: "/1/0/1", 2: 0}, {-2: "/3/0/11/0", 2: 0}], in whatever way names are shortened.
    assert_eq!(message.payload().first(), Some(&0x82));
    assert_eq!(bench.agent.send(1, &[path("/1/0/1")]), Err(SendError::Busy));
    bench.answer(&sent, Code::CHANGED, &[]);
    bench.expect_event(Event::Sent { server: 1 });
    bench.agent.send(1, &[path("/1/0/1")]).unwrap();
}

#[test]
fn ets_307_a_server_mutes_and_unmutes() {
    let mut node = node();
    node.server.get_mut(0).unwrap().lifetime = 0;
    let mut bench = Bench::registered_with(node, Config::new("urn:dev:os:1-7"));
    let send = |bench: &mut Bench| bench.agent.send(1, &[path("/1/0/1")]);
    assert_eq!(send(&mut bench), Err(SendError::Muted), "so it begins");
    for (text, expected) in [("0", Ok(())), ("1", Err(SendError::Muted)), ("0", Ok(()))] {
        let mute = bench
            .request(Code::PUT, "/1/0/23")
            .payload(0, text.as_bytes());
        bench.ask_code(&mute, Code::CHANGED);
        assert_eq!(send(&mut bench), expected);
        bench.turn();
        if expected.is_ok() {
            let sent = bench.next();
            bench.answer(&sent, Code::CHANGED, &[]);
        }
        bench.expect_silence();
    }
}

#[test]
fn what_cannot_be_sent_is_refused() {
    let mut bench = bench();
    for (server, node, error) in [
        (2, "/1/0/1", SendError::NotRegistered),
        (1, "/1/0/8", SendError::NotFound),
        (1, "/0/0/0", SendError::NotFound),
        (1, "/9999", SendError::NotFound),
    ] {
        assert_eq!(bench.agent.send(server, &[path(node)]), Err(error));
    }
    let many: Vec<Path> = (0..9).map(|id| path(&format!("/3/0/{id}"))).collect();
    assert_eq!(bench.agent.send(1, &many), Err(SendError::NoSpace));
    bench.expect_silence();
}

#[test]
fn a_lost_send_is_repeated_and_a_changed_one_is_a_new_message() {
    let mut bench = bench();
    bench.agent.send(1, &[path("/3303/0/5700")]).unwrap();
    bench.turn();
    let first = bench.next();
    bench.seconds(3);
    assert_eq!(bench.next(), first);
    bench.measure(30.0);
    bench.seconds(6);
    let second = bench.next();
    assert_ne!(second.message().id(), first.message().id());
    assert_eq!(second.message().token(), first.message().token());
    assert_ne!(second.message().payload(), first.message().payload());
    bench.deliver(&empty_ack(second.message().id()));
    bench.seconds(92);
    bench.expect_silence();
    bench.seconds(2);
    bench.expect_event(Event::SendFailed {
        server: 1,
        reason: Failure::NoAnswer,
    });
}

#[test]
fn a_refusal_and_a_reset_end_it() {
    let mut bench = bench();
    for by_reset in [false, true] {
        bench.agent.send(1, &[path("/1/0/1")]).unwrap();
        bench.turn();
        let sent = bench.next();
        let reason = if by_reset {
            bench.deliver(&reset(sent.message().id()));
            Failure::BadAnswer
        } else {
            bench.answer(&sent, Code::NOT_FOUND, &[]);
            Failure::Refused(Code::NOT_FOUND)
        };
        bench.expect_event(Event::SendFailed { server: 1, reason });
    }
}

#[test]
fn much_goes_in_blocks() {
    let mut bench = bench();
    bench.buffer = vec![0; 160];
    bench.agent.send(1, &[path("/3/0")]).unwrap();
    bench.turn();
    let mut body = Vec::new();
    loop {
        let sent = bench.next();
        let message = sent.message();
        let block = message.block1().unwrap().expect("a block");
        assert_eq!(block.offset() as usize, body.len());
        body.extend_from_slice(message.payload());
        let option = block.to_uint().to_be_bytes();
        let option = &option[option.iter().position(|byte| *byte != 0).unwrap_or(3)..];
        let code = if block.more() {
            Code::CONTINUE
        } else {
            Code::CHANGED
        };
        let more = block.more();
        bench.answer(&sent, code, &[(OptionNumber::BLOCK1, option)]);
        if !more {
            break;
        }
        bench.turn();
    }
    bench.expect_event(Event::Sent { server: 1 });
    let whole = bench.request(Code::GET, "/3/0");
    bench.buffer = vec![0; 1280];
    let whole = bench.ask(&whole);
    // The base is another, so the names are; the values are the same.
    assert!(body.len() >= whole.message().payload().len());
}
