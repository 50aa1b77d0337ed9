//! Bootstrap-Pack, Profile IDs and what becomes of accounts: the test is the Bootstrap-Server.

use dunlin_agent::model::{ObjectId, Path, Value};
use dunlin_agent::objects::SecurityAccount;
use dunlin_agent::{Code, Config, ContentFormat, Event, Instances, LwM2mVersion};
use dunlin_coap::{MessageBuilder, OptionNumber, Type};
use dunlin_codec::{Encoder, Record};

use crate::bench::{Bench, Received, SERVER, node};

/// An agent with two accounts, of a server and of a Bootstrap-Server, that asks for a pack.
fn bench() -> Bench {
    let mut node = node();
    let mut account = SecurityAccount::no_sec_bootstrap("coap://bootstrap.example").unwrap();
    account.account_timeout = 600;
    node.security.insert(1, account).unwrap();
    Bench::with(node, Config::new("urn:dev:os:1-7").bootstrap_pack())
}

pub(crate) fn pack(format: ContentFormat, values: &[(&str, Value<'_>)]) -> Vec<u8> {
    let mut buffer = [0; 1024];
    let mut encoder = Encoder::new(format, Path::ROOT, &mut buffer);
    for (path, value) in values {
        encoder
            .push(&Record::new(path.parse().unwrap(), *value))
            .unwrap();
    }
    let length = encoder.finish().unwrap();
    buffer[..length].to_vec()
}

/// Accounts of server 5 as instances 7.
const ACCOUNTS: [(&str, Value<'static>); 8] = [
    ("/0/7/0", Value::String("coap://new.example")),
    ("/0/7/1", Value::Boolean(false)),
    ("/0/7/2", Value::Integer(3)),
    ("/0/7/10", Value::Integer(5)),
    ("/1/7/0", Value::Integer(5)),
    ("/1/7/1", Value::Integer(77)),
    ("/1/7/6", Value::Boolean(true)),
    ("/1/7/7", Value::String("U")),
];

#[track_caller]
fn ask(bench: &mut Bench) -> Received {
    bench.agent.bootstrap(bench.now, SERVER);
    bench.turn();
    let request = bench.next();
    assert_eq!(request.path(), "/bspack");
    request
}

pub(crate) fn content(
    bench: &mut Bench,
    request: &Received,
    format: ContentFormat,
    block: Option<u8>,
    payload: &[u8],
) {
    let mut buffer = [0; 1200];
    let message = request.message();
    let (id, token) = (message.id(), message.token());
    let mut builder =
        MessageBuilder::new(&mut buffer, Type::Acknowledgement, Code::CONTENT, id, token);
    builder.option(OptionNumber::CONTENT_FORMAT, &format.0.to_be_bytes());
    if let Some(block) = block {
        builder.option(OptionNumber::BLOCK2, &[block]);
    }
    builder.payload(payload);
    let bytes = builder.finish().unwrap().to_vec();
    bench.deliver(&bytes);
}

fn uris(bench: &Bench) -> Vec<(u16, String)> {
    let accounts = bench.agent.accounts();
    accounts.map(|(id, uri)| (id, uri.to_owned())).collect()
}

#[test]
fn ets_12_a_pack_replaces_what_is_in_it() {
    for format in [ContentFormat::SENML_CBOR, ContentFormat::LWM2M_CBOR] {
        if !format.is_supported() {
            continue;
        }
        let mut bench = bench();
        let request = ask(&mut bench);
        let message = request.message();
        assert_eq!(message.code(), Code::GET);
        assert_eq!(message.accept(), Some(112));
        assert_eq!(request.query(), ["ep=urn:dev:os:1-7", "acc=</0/1>"]);
        content(&mut bench, &request, format, None, &pack(format, &ACCOUNTS));
        bench.expect_event(Event::Bootstrapped);
        assert_eq!(uris(&bench), [(5, "coap://new.example".to_owned())]);
        assert_eq!(
            bench.agent.bootstrap_account(),
            Some("coap://bootstrap.example")
        );
        // What is not in it has stayed.
        assert_eq!(bench.agent.objects().temperature.len(), 1);
        assert_eq!(bench.agent.objects().server.len(), 1);
        bench.expect_silence();
    }
}

#[test]
fn a_pack_comes_in_blocks() {
    let mut bench = bench();
    let mut request = ask(&mut bench);
    let payload = pack(ContentFormat::SENML_CBOR, &ACCOUNTS);
    let blocks: Vec<&[u8]> = payload.chunks(32).collect();
    let last = blocks.len() - 1;
    assert!(last > 1);
    for (number, block) in blocks.iter().enumerate() {
        let more = if number < last { 8 } else { 0 };
        let option = u8::try_from(number << 4).unwrap() | more | 1;
        content(
            &mut bench,
            &request,
            ContentFormat::SENML_CBOR,
            Some(option),
            block,
        );
        if number < last {
            let next = bench.next();
            assert_eq!(next.path(), "/bspack");
            let asked = next.message().block2().unwrap().unwrap();
            assert_eq!(
                (asked.number(), asked.size().bytes()),
                (u32::try_from(number).unwrap() + 1, 32)
            );
            request = next;
        }
    }
    bench.expect_event(Event::Bootstrapped);
    assert_eq!(uris(&bench), [(5, "coap://new.example".to_owned())]);
}

/// How a request for a pack is answered.
type Answer = &'static dyn Fn(&mut Bench, &Received);

/// The pack lies where long requests of servers are gathered: neither is mixed with the other.
#[test]
fn a_pack_and_a_long_request_of_a_server_do_not_mix() {
    let mut node = node();
    let account = SecurityAccount::no_sec_bootstrap("coap://bootstrap.example").unwrap();
    node.security.insert(1, account).unwrap();
    let mut bench = Bench::registered_with(node, Config::new("urn:dev:os:1-7").bootstrap_pack());
    // The first block of a Write, from a server.
    let block = |bench: &mut Bench, option: u32, part: &[u8]| {
        bench
            .request(Code::POST, "/1/0")
            .payload(11542, part)
            .uint(OptionNumber::BLOCK1, option)
    };
    // /1/0/7, a text of 18 bytes: two blocks of 16.
    let write = [&[0xc8, 7, 18][..], b"UUUUUUUUUUUUUUUUUU"].concat();
    let first = block(&mut bench, 8, &write[..16]);
    bench.ask_code(&first, Code::CONTINUE);
    // The Bootstrap-Server is elsewhere, and its pack breaks off after the first block.
    let other = 9;
    bench.agent.bootstrap(bench.now, other);
    bench.turn();
    let part = &pack(ContentFormat::SENML_CBOR, &ACCOUNTS)[..32];
    let answer = |bench: &mut Bench, code: Code, block: bool, part: &[u8]| {
        let (to, request) = bench.sent.pop_front().unwrap();
        assert_eq!(to, other);
        let request = Received(request);
        let (id, token) = (request.message().id(), request.message().token());
        let mut buffer = [0; 128];
        let mut builder = MessageBuilder::new(&mut buffer, Type::Acknowledgement, code, id, token);
        if block {
            builder.option(OptionNumber::CONTENT_FORMAT, &[112]);
            builder.option(OptionNumber::BLOCK2, &[9]);
        }
        builder.payload(part);
        let bytes = builder.finish().unwrap().to_vec();
        // Both have come before the agent is asked what to send.
        bench.agent.handle_input(bench.now, other, &bytes);
    };
    answer(&mut bench, Code::CONTENT, true, part);
    let second = block(&mut bench, 0x10, &write[16..]);
    bench.deliver(&second.bytes());
    answer(&mut bench, Code::NOT_FOUND, false, b"");
    bench.turn();
    // Then a Bootstrap-Request, which is refused: the server is heard again.
    assert_eq!(bench.sent.len(), 1);
    answer(&mut bench, Code::BAD_REQUEST, false, b"");
    bench.turn();
    let second = block(&mut bench, 0x10, &write[16..]);
    bench.ask_code(&second, Code::REQUEST_ENTITY_INCOMPLETE);
}

#[test]
fn after_any_error_a_bootstrap_request_follows_at_once() {
    let wrong: [Answer; 5] = [
        &|bench, request| bench.answer(request, Code::NOT_IMPLEMENTED, &[]),
        &|bench, request| bench.answer(request, Code::CHANGED, &[]),
        // Not whole: a server without an account.
        &|bench, request| {
            let format = ContentFormat::SENML_CBOR;
            let payload = pack(format, &ACCOUNTS[4..]);
            content(bench, request, format, None, &payload);
        },
        // The account of the Bootstrap-Server is not to be replaced.
        &|bench, request| {
            let format = ContentFormat::SENML_CBOR;
            let payload = pack(format, &[("/0/1/0", Value::String("coap://evil.example"))]);
            content(bench, request, format, None, &payload);
        },
        &|bench, request| {
            let block = Some(0x0b);
            content(
                bench,
                request,
                ContentFormat::SENML_CBOR,
                block,
                b"not a whole block",
            );
        },
    ];
    for answer in wrong {
        let mut bench = bench();
        let request = ask(&mut bench);
        answer(&mut bench, &request);
        let request = bench.next();
        assert_eq!(request.path(), "/bs");
        assert_eq!(request.query(), ["ep=urn:dev:os:1-7", "pct=112"]);
        assert_eq!(
            bench.agent.bootstrap_account(),
            Some("coap://bootstrap.example")
        );
        assert!(bench.events.is_empty());
        // The attempt after one that has failed in both ways begins with a pack again.
        bench.answer(&request, Code::BAD_REQUEST, &[]);
        let Some(Event::BootstrapFailed { retry, .. }) = bench.events.pop_front() else {
            panic!("not failed");
        };
        bench.advance(retry);
        assert_eq!(bench.next().path(), "/bspack");
    }
}

#[test]
fn the_account_of_the_bootstrap_server_goes_after_its_timeout() {
    let mut bench = bench();
    let request = ask(&mut bench);
    let format = ContentFormat::SENML_CBOR;
    content(&mut bench, &request, format, None, &pack(format, &ACCOUNTS));
    bench.expect_event(Event::Bootstrapped);
    bench.seconds(599);
    assert!(bench.agent.bootstrap_account().is_some());
    bench.seconds(1);
    bench.expect_event(Event::BootstrapAccountRemoved);
    assert_eq!(bench.agent.bootstrap_account(), None);
    assert_eq!(uris(&bench).len(), 1);
    bench.seconds(10_000);
    bench.expect_silence();
}

#[test]
fn an_account_without_timeout_stays() {
    let mut node = node();
    let account = SecurityAccount::no_sec_bootstrap("coap://bootstrap.example").unwrap();
    node.security = Instances::new();
    node.security.insert(1, account).unwrap();
    let mut bench: Bench = Bench::with(node, Config::new("urn:dev:os:1-7").bootstrap_pack());
    let request = ask(&mut bench);
    let format = ContentFormat::SENML_CBOR;
    content(&mut bench, &request, format, None, &pack(format, &ACCOUNTS));
    bench.expect_event(Event::Bootstrapped);
    bench.seconds(1_000_000);
    assert!(bench.agent.bootstrap_account().is_some());
}

#[test]
fn ets_110_and_111_a_profile_id_stands_for_what_the_server_knows() {
    let all = [1, 3, 3303, 42769].map(|id| ObjectId::new(id).unwrap());
    let all: &'static [ObjectId] = Box::leak(Box::new(all));
    let with = |known: &'static [ObjectId]| {
        Config::new("urn:dev:os:1-7")
            .version(LwM2mVersion::V1_2)
            .profile("6:27354b9a", known)
    };
    let mut bench: Bench = Bench::with(node(), with(all));
    bench.connect();
    let register = bench.accept_registration();
    assert!(register.query().contains(&"pid=6:27354b9a".to_owned()));
    let message = register.message();
    assert_eq!(message.payload(), b"");
    assert_eq!(message.content_format(), None);
    // What changes is told by the whole list.
    bench.set(|node| {
        node.temperature.remove(0);
    });
    assert!(bench.next().text().contains("</1/0>"));

    // What the profile does not have stands in the list beside it.
    let mut bench: Bench = Bench::with(node(), with(&all[..2]));
    bench.connect();
    let register = bench.accept_registration();
    assert!(register.query().contains(&"pid=6:27354b9a".to_owned()));
    assert_eq!(register.text(), "</3303>;ver=1.1,</3303/0>,</42769>");
    assert_eq!(register.message().content_format(), Some(40));

    // A server that does not know it gets the list.
    let mut bench: Bench = Bench::with(node(), with(all));
    bench.connect();
    let register = bench.next();
    bench.answer(&register, Code::CONFLICT, &[]);
    let register = bench.accept_registration();
    assert!(register.text().contains("</3303/0>"));
    assert!(!register.query().iter().any(|item| item.contains("pid")));
    assert_eq!(register.message().content_format(), Some(40));
}
